# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack
#
# Every scene of this kernel, and what each mode says of it: all that was acquired, given back and
# parked, and by whom. The watchers watch at the same time, one inside of the other.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

uptime_ns()
{
	awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime
}

begin_all_scenes
# To detach takes old kernels long: those that show a part watch no more than that.
types="-t $PARKED_TYPE -t cgroup"
before=$(uptime_ns)
# shellcheck disable=SC2086,SC2154 # separate words, of refs_lib.sh
kfunctrace trace --refs --json --ring-size 16384 -o trace.json -- \
	kfunctrace refs --objects --stale --json -o stale.json $types -- \
	kfunctrace refs --objects --sort count --min-age 1us -o count.txt $types -- \
	kfunctrace refs --json -o balance.json -- \
	kfunctrace refs --objects --json -o out.json -- \
	sh /root/vm/play.sh $scene_names >stdout 2>stderr
status=$?
after=$(uptime_ns)
check "they can be watched:$scene_names" end_scenes
ended_well "all watchers end well" $status

# --- the balance ------------------------------------------------------------------------

tells "refs: each type and each caller has acquired and released what it has" balance balance.json
tells "refs --objects says the same" balance

# --- the objects ------------------------------------------------------------------------

tells "refs --objects finds what is parked, its place and its holders, and nothing else" objects
tells "it tells who releases what others acquired, in times that can be" holding
is "ages are between nothing and the time that all took" "$(jq -c --argjson most \
	$((after - before)) '[.objects[].age_ns | select(. <= 0 or . > $most)]' out.json)" "[]"
is "--stale shows the dead ones and nothing else" \
	"$(jq -c '[.objects[] | .object.pid // .object.cgroup_id] | sort' stale.json)" \
	"$(jq -c '[.parked[] | select(.stale) | .pid // .cgroup_id] | unique' truth.json)"
matches "the table says how many there are" count.txt "^ $(jq --arg type "$PARKED_TYPE" '[.parked[]
	| select(.type == $type or .type == "cgroup") | .pid // .cgroup_id // .map]
	| unique | length' truth.json) objects are held: "
# The number of references stands before the age.
sed -nE '/objects are held/q; s/^.* ([0-9]+) +[0-9.]+ (ns|us|ms|s|min)( .*)?$/\1/p' count.txt >refs
same "--sort count shows those with most references first" "$(cat refs)" "$(sort -rn refs)"

if has_workload refs-park; then
	is "what only one site has acquired is attributed exactly" "$(jq -c '[.objects[]
		| select((.holders | map(.program)) == ["park_found"])
		| select(.attribution != "exact").object.pid]' out.json)" "[]"
	same "an exited task is named with the program and kfunc that hold it" "$(jq -r '
		.objects[] | select(.type == "task_struct" and .stale)
		| .object.pid as $pid | .object.exited as $exited | .holders[-1]
		| "\($pid) \($exited) \(.program) \(.kfunc)"' out.json | sort)" "$(jq -r '
		.parked[] | select(.type == "task_struct" and .stale)
		| "\(.pid) true \(.program) \(.kfunc)"' truth.json | sort)"
	same "a removed cgroup is named with its path" "$(jq -r '
		.objects[] | select(.type == "cgroup" and .object.removed) | .object.path' out.json |
		sed 's/[0-9][0-9]*/N/' | sort)" "/workload-N-doomed
/workload-N-removed"
	same "a program that is unloaded is named, and that it is gone" "$(jq -r --slurpfile unload \
		scenes/refs-unload.truth '.objects[]
		| select(.object.pid | IN($unload[0].parked[].pid))
		| .holders[] | "\(.program) \(.kfunc) \(.program_gone)"' out.json)" "$(jq -r '
		.parked[] | "\(.program) \(.kfunc) true"' scenes/refs-unload.truth)"
fi

# --- each event ---------------------------------------------------------------------------

is "trace: each line is an object" "$(jq -c 'select(type != "object")' trace.json 2>&1)" ""
for kind in acquire release refcount-zero dropped; do
	is "trace: each $kind is a line" "$(events $kind trace.json)" "$(true_events $kind)"
done
jq -r 'select(.caller == "program") | "\(.program) \(.kfunc)"' trace.json | sort | uniq -c |
	awk '{ print $2, $3, $1 }' | sort >have
pairs
# Of what failed, only what failed for a count of zero is an event.
jq -r --slurpfile pairs pairs.json '
	($pairs[0].types | map(select(.iterator | not))) as $types
	| ($types | map((.acquires + .releases)[].kfunc)) as $functions
	| ($types | map(.converts[].kfunc)) as $converts
	| [
		(.rows[] | select(.caller == "program")
			| .n = .calls - (.null_returns // 0)
			| if .kfunc | IN($converts[]) then .n += .calls else . end),
		(.zero[] | .n = .refcount_zero)
	]
	| map(select(.kfunc | IN($functions[], $converts[])))
	| group_by([.program, .kfunc])[] | select((map(.n) | add) > 0)
	| "\(.[0].program) \(.[0].kfunc) \(map(.n) | add)"' truth.json | sort >want
same "trace: each program and kfunc has its own lines" "$(cat have)" "$(cat want)"
is "trace: each has a time and a thread" \
	"$(jq -c 'select(.time_ns <= 0 or .tid <= 0)' trace.json)" ""

check "nothing stays attached" nothing_attached
done_testing
