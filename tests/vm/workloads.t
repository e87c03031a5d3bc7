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

# The rows of a truth that may say more.
rows()
{
	jq 'if type == "object" then .rows else . end' "$1"
}

is_done_or_dead()
{
	[ -e all-done ] || ! kill -0 "$1"
}

# When all is over, the kernel calls kfuncs for what is still parked: read before that.
run_and_read_probes()
{
	rm -f all-done seen
	workload --truth truth.json --done all-done --hold seen "$1" >log 2>&1 &
	wait_for 300 is_done_or_dead $!
	# Hits and misses of each probe.
	awk '{ print $1, $2 + $3 }' "$TRACEFS/kprobe_profile" | sort >have
	touch seen
	wait $!
}

# Whether no probe was hit for three seconds: what the kernel gives back for maps that are gone would be
# counted for the next workload.
is_quiet()
{
	cp "$TRACEFS/kprobe_profile" quiet
	sleep 3
	cmp -s quiet "$TRACEFS/kprobe_profile"
}

for name in $(workload --list); do
	for kfunc in $(workload --kfuncs "$name"); do
		if echo "p:$kfunc $kfunc" >>"$TRACEFS/kprobe_events" 2>/dev/null; then
			echo 1 >"$TRACEFS/events/kprobes/$kfunc/enable"
		fi
	done
	if ! run_and_read_probes "$name"; then
		not_ok "$name runs" "$(cat log)"
		stop_probes
		continue
	fi
	rows truth.json | jq -r --argjson inlined "$inlined" '
		map(if .kfunc | IN($inlined[]) then .calls = 0 else . end) |
		group_by(.kfunc)[] | "\(.[0].kfunc) \(map(.calls) | add)"' | sort >all
	# Not all can be probed.
	awk 'NR == FNR { probed[$1] = 1; next } $1 in probed' have all >want
	if jq -e '.parked? // [] | length > 0' truth.json >/dev/null; then
		wait_for 2 is_quiet || diag "after $name something still calls kfuncs"
	fi
	stop_probes
	same "what $name says it called, kprobe events counted" "$(cat have)" "$(cat want)"
done
done_testing
