# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Other tools that come to the same kfuncs and go, while they are counted, change
# nothing: the callers stay known.
. /root/vm/lib.sh

kfuncs=$(workload --kfuncs two-programs)
tool=
rounds=0

# What follows runs in the background; each leaves its number of rounds.
fexit_comes_and_goes()
{
	# shellcheck disable=SC2086 # separate words
	exec attach-fexit $kfuncs
}

kretprobe_comes_and_goes()
{
	local kfunc n=0

	while [ ! -e stop ]; do
		for kfunc in $kfuncs; do
			echo "r:other/$kfunc $kfunc" >>$TRACEFS/kprobe_events || exit 1
		done
		echo 1 >$TRACEFS/events/other/enable || exit 1
		sleep 0.3
		echo 0 >$TRACEFS/events/other/enable
		for kfunc in $kfuncs; do
			echo "-:other/$kfunc" >>$TRACEFS/kprobe_events || exit 1
		done
		n=$((n + 1))
		sleep 0.2
	done
	echo "$n rounds"
}

function_graph_comes_and_goes()
{
	local kfunc n=0

	for kfunc in $kfuncs; do
		echo "$kfunc" >>$TRACEFS/set_ftrace_filter || exit 1
	done
	while [ ! -e stop ]; do
		echo function_graph >$TRACEFS/current_tracer || exit 1
		sleep 0.3
		echo nop >$TRACEFS/current_tracer
		n=$((n + 1))
		sleep 0.2
	done
	echo >$TRACEFS/set_ftrace_filter
	echo "$n rounds"
}

for name in fexit kretprobe function_graph; do
	rm -f stop
	${name}_comes_and_goes >tool.out 2>&1 &
	tool=$!
	stat_workload two-programs --times 500 --seconds 5
	status=$?
	touch stop
	[ $name != fexit ] || kill $tool
	wait $tool
	rounds=$(sed -n 's/.*\<\([0-9]*\) rounds/\1/p' tool.out)
	agrees "$name comes and goes: each program has its own calls, none is unknown" exact $status
	check "$name came and went (${rounds:-0} rounds)" test "${rounds:-0}" -ge 3
	if [ "${rounds:-0}" -lt 3 ]; then
		diag "$(cat tool.out)"
	fi
done
check "nothing stays attached" nothing_attached

# There before, and gone after.
attach-fexit $kfuncs >tool.out 2>&1 &
tool=$!
wait_for 10 eval 'bpftool prog show | grep -q other_tool'
stat_workload subprograms
agrees "fexit programs were there first" exact $?
kill $tool
wait $tool
done_testing
