# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests in TAP that run on the machine itself: to be sourced. Gives them a
# folder $tmp of their own; done_testing ends them.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0
failed=0

# ok STATUS TEXT [WHY]: WHY is printed when STATUS is not 0
ok()
{
	count=$((count + 1))
	if (($1 == 0)); then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		[[ -z ${3-} ]] || echo "# ${3//$'\n'/$'\n# '}"
		failed=1
	fi
}

# is TEXT HAVE WANT
is()
{
	[[ $2 == "$3" ]]
	ok $? "$1" "have: $2
want: $3"
}

# same TEXT HAVE WANT: both lists, of one word a line, and not empty. What only
# HAVE has is printed with <, what only WANT has with >.
same()
{
	[[ -n $2 && $2 == "$3" ]]
	ok $? "$1" "$(diff <(echo "$2") <(echo "$3") | grep '^[<>]')"
}

# matches TEXT FILE REGEX
matches()
{
	grep -qE -e "$3" "$2"
	ok $? "$1" "no line with: $3
$(head -n 20 "$2")"
}

# skip TEXT WHY
skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

done_testing()
{
	echo "1..$count"
	exit $failed
}
