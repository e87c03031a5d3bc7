# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests with other tools on the kfuncs that are counted. They come and go until there is a file
# 'stop', and say how many rounds that were; to be run in the background.
kfuncs=$(workload --kfuncs two-programs)

kretprobe_comes_and_goes()
{
	local kfunc n=0

	while [ ! -e stop ]; do
		for kfunc in $kfuncs; do
			echo "r:other/$kfunc $kfunc" >>"$TRACEFS/kprobe_events" || exit 1
		done
		echo 1 >"$TRACEFS/events/other/enable" || exit 1
		sleep 0.3
		echo 0 >"$TRACEFS/events/other/enable"
		for kfunc in $kfuncs; do
			echo "-:other/$kfunc" >>"$TRACEFS/kprobe_events" || exit 1
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
		echo "$kfunc" >>"$TRACEFS/set_ftrace_filter" || exit 1
	done
	while [ ! -e stop ]; do
		echo function_graph >"$TRACEFS/current_tracer" || exit 1
		sleep 0.3
		echo nop >"$TRACEFS/current_tracer"
		n=$((n + 1))
		sleep 0.2
	done
	echo >"$TRACEFS/set_ftrace_filter"
	echo "$n rounds"
}

# beside NAME OPTION-OF-STAT...: counts two-programs for some seconds while NAME_comes_and_goes runs.
# The status is that of stat; leaves rounds.
beside()
{
	local name=$1 tool status

	shift
	rm -f stop
	"${name}_comes_and_goes" >tool.out 2>&1 &
	tool=$!
	stat_workload two-programs --times 500 --seconds 5 "$@"
	status=$?
	touch stop
	wait $tool
	rounds=$(sed -n 's/.*\<\([0-9]*\) rounds/\1/p' tool.out)
	return $status
}

# came_and_went NAME
came_and_went()
{
	check "$1 came and went (${rounds:-0} rounds)" test "${rounds:-0}" -ge 3
	if [ "${rounds:-0}" -lt 3 ]; then
		diag "$(cat tool.out)"
	fi
}
