# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The truth of the workloads is true: kprobe events count the same. What the verifier replaces is
# called in the source and nowhere else: there they count nothing.
. /root/vm/lib.sh

inlined=$(inlined_kfuncs)

stop_probes()
{
	echo 0 >"$TRACEFS/events/kprobes/enable"
	echo >"$TRACEFS/kprobe_events"
}

for name in $(workload --list); do
	# What does it call?
	if ! workload --times 1 --rounds 8 --seconds 0 --truth first.json "$name" >log 2>&1; then
		not_ok "$name runs" "$(cat log)"
		continue
	fi
	for kfunc in $(jq -r 'map(.kfunc) | unique[]' first.json); do
		if echo "p:$kfunc $kfunc" >>"$TRACEFS/kprobe_events" 2>/dev/null; then
			echo 1 >"$TRACEFS/events/kprobes/$kfunc/enable"
		fi
	done
	if ! workload --truth truth.json "$name" >log 2>&1; then
		not_ok "$name runs" "$(cat log)"
		stop_probes
		continue
	fi
	# Hits and misses of each probe.
	awk '{ print $1, $2 + $3 }' "$TRACEFS/kprobe_profile" | sort >have
	jq -r --argjson inlined "$inlined" '
		map(if .kfunc | IN($inlined[]) then .calls = 0 else . end) |
		group_by(.kfunc)[] | "\(.[0].kfunc) \(map(.calls) | add)"' truth.json | sort >all
	# Not all can be probed.
	awk 'NR == FNR { probed[$1] = 1; next } $1 in probed' have all >want
	stop_probes
	same "what $name says it called, kprobe events counted" "$(cat have)" "$(cat want)"
done
done_testing
