# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Acquires that fail because the count is zero are counted apart from those that fail otherwise.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

if ! has_workload refs-zero; then
	begin_scenes
	scene "$PARKING"
	watch_scenes refs --zero --json
	status=$?
	check "$PARKING can be watched" end_scenes
	ended_well "refs --zero ends well" $status
	tells "nothing has failed because its count was zero" zero
	done_testing
	exit
fi

# What fails is counted apart, by a return probe.
# shellcheck disable=SC2016 # tracefs knows $retval
echo 'r:apart/failed bpf_task_acquire task=$retval' >>"$TRACEFS/kprobe_events"
echo 'task == 0' >"$TRACEFS/events/apart/failed/filter"
echo 1 >"$TRACEFS/events/apart/failed/enable"
begin_scenes
scene refs-zero
watch_scenes refs --zero --stack --json -t task_struct -t cgroup
status=$?
grep -c ' failed: ' "$TRACEFS/trace" >failed
echo 0 >"$TRACEFS/events/apart/enable"
echo >"$TRACEFS/kprobe_events"
check "refs-zero can be watched" end_scenes
ended_well "refs --zero ends well" $status
tells "counts that are zero and other failures, by kfunc and program" zero
same "a return probe counted the same failures of bpf_task_acquire" \
	"$(jq '[.zero[] | select(.kfunc == "bpf_task_acquire").refcount_zero] | add' out.json)" \
	"$(cat failed)"
is "bpf_task_acquire inside of bpf_task_from_pid has one row, the kernel's" "$(jq -r '
	.zero[] | select(.kfunc == "bpf_task_acquire" and .caller == "kernel").name' out.json)" \
	"kernel: bpf_task_from_pid"
is "each event has a stack, in which is the program" "$(jq '
	[.events[] | . as $event
	| select(.stack == null or (.stack | any(contains($event.program)) | not))]' out.json)" "[]"
is "events are of both types" "$(jq -r '[.events[].type] | unique | join(" ")' out.json)" \
	"cgroup task_struct"

# A flood of them, for people.
begin_scenes
scene refs-zero-flood
watch_scenes refs --zero --max-events 7 -t task_struct
status=$?
check "refs-zero-flood can be watched" end_scenes
ended_well "refs --zero without --json ends well" $status
zeros=$(true_events refcount-zero)
sed 's/,//g' out.json >plain
matches "a flood is counted to the last one" plain \
	"^bpf_task_acquire +zero_flood +[0-9]+ +$zeros +$zeros? "
matches "and told" plain "^ $zeros acquires failed because the count was zero"
is "so many are shown as were asked for" "$(grep -c 'refcount-zero: ' out.json)" 7
is "what is not shown is left out or dropped, and said" "$(
	sed -n 's/^ of them shown: //p' out.json | sed 's/, \([a-z]\)/+\1/g; s/[^0-9+]//g' | tr + '\n' |
	awk '{ n += $1 } END { print n }')" "$zeros"

check "nothing stays attached" nothing_attached
done_testing
