# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# The balance of references that the module counts is the same as that of the BPF programs: the truth.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

REFUSE=/root/refuse-fentry.so

# --- every scene ----------------------------------------------------------------

begin_all_scenes
watch_scenes refs --engine=module --json
status=$?
# shellcheck disable=SC2154 # of refs_lib.sh
check "they can be watched:$scene_names" end_scenes
ended_well "refs ends well" $status
tells "each type and each caller has acquired and released what it has" balance
is "it says who has counted" "$(jq -r .engine out.json)" module

# --- auto -----------------------------------------------------------------------

begin_scenes
scene "$PAIRING" --threads 2
(
	export LD_PRELOAD=$REFUSE
	watch_scenes refs --json -t "$PARKED_TYPE"
)
status=$?
check "$PAIRING on two CPUs at once can be watched" end_scenes
ended_well "where fentry is refused, refs ends well" $status
is "the module has counted" "$(jq -r .engine out.json)" module
matches "and that is said" stderr 'refuses fentry programs .*: the module counts instead'
tells "each type and each caller has what it did: none is lost or unknown" balance

LD_PRELOAD=$REFUSE kfunctrace refs --engine=bpf -t "$PARKED_TYPE" -d 1 >stdout 2>stderr
is "where fentry is refused, --engine=bpf fails" $? 2
matches "and says why" stderr 'refuses fentry programs'
LD_PRELOAD=$REFUSE kfunctrace refs --objects -t "$PARKED_TYPE" -d 1 >stdout 2>stderr
is "so does --objects, which the module cannot count" $? 2
matches "and says why" stderr 'refuses fentry programs'
kfunctrace refs -t "$PARKED_TYPE" --json -o out.json -- true >stdout 2>stderr
is "where it is not, BPF programs count" "$(jq -r .engine out.json)" bpf

# --- what fails with a negative number ---------------------------------------------

# No scene has a kfunc that acquires and fails so. Iterators do, and the module counts any function.
if has_workload refs-iterators; then
	address=$(awk '$3 == "bpf_iter_task_new" { print $1; exit }' /proc/kallsyms)
	/root/control run '1 begin 64' "1 kfunc $address bpf_iter_task_new negatives" '1 start' '1 keep' \
		>stdout 2>&1
	workload --truth truth.json refs-iterators >/dev/null 2>stderr
	same "the module tells which calls return a negative number" \
		"$(awk '$1 == "slot" { calls += $5; returns += $6; negatives += $7 }
			END { print calls, returns, negatives }' /dev/kfunctrace)" \
		"$(jq -r '.iterators | map(select(.type == "task"))
			| (map(.made + .failed) | add) as $all | "\($all) \($all) \(map(.failed) | add)"' truth.json)"
	/root/control run '1 end' >stdout 2>&1
fi

# --- what does not go together -----------------------------------------------------

for option in --objects --zero --iterators --events; do
	kfunctrace refs --engine=module $option -d 1 >stdout 2>stderr
	is "--engine=module is not for $option" $? 2
	matches "and it is said what to do" stderr "$option needs: leave out one of them"
done
kfunc=$(workload --kfuncs "$PAIRING" | head -n1)
kfunctrace stat --keep -k "$kfunc" -- true >stdout 2>stderr
kfunctrace refs --engine=module -d 1 >stdout 2>stderr
is "while the module counts on for stat it does not count for refs" $? 2
matches "and it is said how to end that" stderr 'kfunctrace stat --stop'
check "which can be done" kfunctrace stat --stop

check "nothing stays attached" nothing_attached
done_testing
