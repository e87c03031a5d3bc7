# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests with other tools on the kfuncs that are counted. They come and go until there is a file
# 'stop', and say how many rounds that were; to be run in the background. There is a file 'often' when they
# have been there often enough.
kfuncs=$(workload --kfuncs two-programs)
ROUNDS=3

# round_is_over N
round_is_over()
{
	[ "$1" -lt $ROUNDS ] || touch often
}

# It says itself how many rounds that were, at its end. Its links are gone between two.
fexit_comes_and_goes()
{
	local tool was_there=false n=0

	# shellcheck disable=SC2086 # separate words
	attach-fexit $kfuncs &
	tool=$!
	while [ ! -e stop ] && kill -0 $tool; do
		if grep -qs '^link_id:' /proc/$tool/fdinfo/*; then
			was_there=true
		elif $was_there; then
			was_there=false
			n=$((n + 1))
			round_is_over $n
		fi
		sleep 0.1
	done
	kill $tool
	wait $tool
}

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
		round_is_over $n
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
		round_is_over $n
		sleep 0.2
	done
	echo >"$TRACEFS/set_ftrace_filter"
	echo "$n rounds"
}

# beside NAME OPTION-OF-STAT...: counts two-programs for some seconds, and until NAME_comes_and_goes has
# done that often. The status is that of stat; leaves rounds.
beside()
{
	local name=$1 tool status

	shift
	rm -f stop often
	(
		("${name}_comes_and_goes")
		# Nobody shall wait for one that has failed.
		touch often
	) >tool.out 2>&1 &
	tool=$!
	stat_workload two-programs --times 500 --seconds 5 --hold often "$@"
	status=$?
	touch stop
	wait $tool
	rounds=$(sed -n 's/.*\<\([0-9]*\) rounds/\1/p' tool.out)
	return $status
}

# came_and_went NAME
came_and_went()
{
	check "$1 came and went (${rounds:-0} rounds)" test "${rounds:-0}" -ge $ROUNDS
	if [ "${rounds:-0}" -lt $ROUNDS ]; then
		diag "$(cat tool.out)"
	fi
}
