# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Other tools that come to the same kfuncs and go, while they are counted, change
# nothing: the callers stay known.
. /root/vm/lib.sh
. /root/vm/others_lib.sh

for name in fexit kretprobe function_graph; do
	beside $name
	agrees "$name comes and goes: each program has its own calls, none is unknown" exact $?
	came_and_went $name
done
check "nothing stays attached" nothing_attached

# There before, and gone after.
# shellcheck disable=SC2086 # separate words
attach-fexit $kfuncs >tool.out 2>&1 &
tool=$!
wait_for 10 eval 'bpftool prog show | grep -q other_tool'
stat_workload subprograms
agrees "fexit programs were there first" exact $?
kill $tool
wait $tool
done_testing
