# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The balance of references is right to the last call when two CPUs call at once.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

# Probes of tracefs count apart.
apart=$(workload --kfuncs "$PAIRING" | grep -E '_(from_pid|test_acquire|kptr_get|task_release)$')
# shellcheck disable=SC2086 # separate words
count_apart $apart
begin_scenes
scene "$PAIRING" --threads 2
watch_scenes refs --json -t "$PARKED_TYPE"
status=$?
hits_apart >hits
check "$PAIRING on two CPUs at once can be watched" end_scenes
ended_well "refs ends well" $status
tells "each type and each caller has what it did: none is lost or unknown" balance
jq -r --argjson apart "$(echo "$apart" | jq -R . | jq -s .)" '
	.callers | map(select(.kfunc | IN($apart[]))) | group_by(.kfunc)[]
	| "\(.[0].kfunc) \(map(.acquired + .null_returns + .released) | add)"' out.json | sort >have
same "kprobe events counted the same calls" "$(cat have)" "$(cat hits)"
done_testing
