# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# long: trixie
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace
#
# What perf and trace-cmd have lost for want of room, a report on their recordings says.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh
. /root/vm/events_lib.sh

# A flood that the workload counts itself, and what a listener hears of it.
flood()
{
	begin_scenes
	scene "$PAIRING" --times 5000
	watch_scenes refs --json --events -t "$PARKED_TYPE"
	status=$?
	# What was lost is written with what comes next on each CPU.
	for cpu in 0 1; do
		taskset $((1 << cpu)) true
	done
	heard "$1"
	check "the flood can be made" end_scenes
	ended_well "refs --events ends well" $status
	all=$(($(true_events acquire) + $(true_events release)))
}

# Sets recorded and lost.
read_report()
{
	report_on "$1"
	recorded=$(jq '[.references[] | .acquired // 0, .released // 0] | add' report.json)
	lost=$(jq '.hosts[0].lost' report.json)
	more=$(jq '.hosts[0].lost_more' report.json)
	diag "of $all events $recorded were recorded, lost: $lost, more: $more"
}

listen perf perf record -q -a -m 1 -o perf.data -e kfunc:kfunc_acquire -e kfunc:kfunc_release ./until-stop perf
flood perf
read_report perf.data
check "perf has lost some of what happened" [ "$recorded" -lt "$all" ]
# Records of other kinds that it lost are in its number too; what it lost at last may not be.
is "perf has a number of what it has lost" "$more" false
check "and it is as many at least, or nearly" [ "$lost" -gt $(((all - recorded) / 2)) ]

listen tracecmd trace-cmd record -q -b 4 -o trace.dat -e kfunc:kfunc_acquire -e kfunc:kfunc_release ./until-stop tracecmd
flood tracecmd
read_report trace.dat
check "trace-cmd has lost some of what happened" [ "$recorded" -lt "$all" ]
check "the report says at least how much" [ "$more" = true -a "$lost" -gt 0 -a $((recorded + lost)) -le "$all" ]
kfunctrace report --perf trace.dat >out 2>err
matches "in words as well" out '^lost: at least [0-9,]+ '
done_testing
