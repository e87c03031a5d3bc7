# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# doctor says that counting works where it does, and why not where it does not.
. /root/vm/lib.sh

# doctor FILE [OPTION]...: leaves the exit status in $status
doctor()
{
	local file=$1

	shift
	kfunctrace doctor "$@" >"$file" 2>"$file.err"
	status=$?
}

# the_check NAME FIELD: of found.json
the_check()
{
	jq -r --arg name "$1" --arg field "$2" '.checks[] | select(.name == $name)[$field]' found.json
}

doctor text
is "doctor ends with status 0" $status 0
matches "its last line is the verdict" text '^counting works(; limited: .*)?$'
is "it says nothing on standard error" "$(cat text.err)" ""

doctor found.json --json
is "doctor --json ends with status 0" $status 0
check "its output is JSON" jq -e . found.json
is "both give the same verdict" "$(jq -r .verdict found.json)" "$(tail -n 1 text)"
is "counting and list are said to work" "$(jq -c '[.counting, .list]' found.json)" "[true,true]"
is "it names the kernel" "$(jq -r .kernel found.json)" "$KERNEL"

# bpf_rdonly_cast came with 6.2.
if kernel_at_least 6.2; then
	expected=
else
	expected="fast_path limited"
fi
is "each check is ok${expected:+ but the fast path}" \
	"$(jq -r '.checks[] | select(.status != "ok") | "\(.name) \(.status)"' found.json)" "$expected"
is "what is ok costs nothing" \
	"$(jq -r '.checks[] | select(.status == "ok" and (.cost != null or .remedy != null)).name' found.json)" ""
check "nothing stays attached" nothing_attached

# Hidden addresses are no hindrance.
sysctl -qw kernel.kptr_restrict=2
doctor found.json --json
is "with kernel.kptr_restrict=2 counting works" "$status $(the_check addresses status)" "0 ok"
matches "and the addresses are said to be hidden" found.json 'hidden .kernel.kptr_restrict=2'
sysctl -qw kernel.kptr_restrict=0

# With the function tracer off, attaching would break it (userspace/ftrace_state.h): were anything
# attached here, the kernel would warn below, and the VM fail.
if echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
	doctor found.json --json
	is "with kernel.ftrace_enabled=0 counting does not work" "$status $(jq .counting found.json)" "2 false"
	is "the function tracer is why" "$(the_check ftrace status)" no
	is "this is what to do" "$(the_check ftrace remedy)" "sysctl kernel.ftrace_enabled=1"
	is "nothing is attached then" \
		"$(the_check fentry status) $(the_check watchers status)" "untested untested"
	kfunctrace stat -d 0.1 >out 2>err
	is "stat refuses as well" $? 2
	matches "and says what to do" err 'sysctl kernel.ftrace_enabled=1'
	echo 1 >/proc/sys/kernel/ftrace_enabled
	for i in 1 2; do
		doctor found.json --json
		is "when it is on again, counting works ($i)" "$status $(jq .counting found.json)" "0 true"
	done
else
	skip "with kernel.ftrace_enabled=0 counting does not work" \
		"this kernel refuses to switch the function tracer off"
fi

# /root may be closed to others.
cp "$(command -v kfunctrace)" /tmp/kfunctrace
su -s /bin/sh nobody -c '/tmp/kfunctrace doctor --json' >found.json 2>found.err
is "for somebody who is not root counting does not work" $? 2
is "list does not either" "$(jq -c '[.counting, .list]' found.json)" "[false,false]"
is "capabilities are missing" "$(the_check capabilities status)" no
matches "the verdict says to be root" found.json '"verdict": "neither counting nor list works.*run as root'
is "nothing is said on standard error" "$(cat found.err)" ""

done_testing
