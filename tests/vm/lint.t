# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# machine: --modules nf_conntrack
#
# lint finds in the kernel what a person has found to be true, and nothing else.
. /root/vm/lib.sh

version=$(echo "$KERNEL" | cut -d. -f1,2)
kfunctrace lint --json >found.json 2>stderr
status=$?
is "lint says nothing but its findings" "$(cat stderr)" ""
awk -F'\t' -v version="$version" '$1 == version { print $2, $3, $4 }' /root/data/lint.tsv | sort >wanted
jq -r '.findings[] | "\(.severity) \(.rule) \(.kfunc)"' found.json | sort >found
if [ -s wanted ]; then
	same "lint finds what is known to be true of $version" "$(cat found)" "$(cat wanted)"
else
	skip "lint finds what is known to be true" "nobody has looked at $version"
fi
is "errors and warnings give exit status 1, notes 0" "$status" \
	"$(grep -qE '^(error|warning) ' found && echo 1 || echo 0)"
is "it has looked at all kfuncs" "$(jq .kfuncs found.json)" "$(kfunctrace list --json | jq length)"
kfunctrace lint >text
is "the text has the errors and warnings" "$(grep -cE '^(error|warning): ' text)" \
	"$(grep -cE '^(error|warning) ' found)"
kfunctrace lint -v >text
is "with -v the notes as well" "$(grep -cE '^(error|warning|note): ' text)" "$(wc -l <found)"
done_testing
