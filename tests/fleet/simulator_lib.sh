# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The simulated hosts (simulator.c) of a fleet, and the reports on them: to be sourced after
# fleet_lib.sh, with a folder $tmp. Needs ./kfunctrace (or KFUNCTRACE) and build/fleet/fleet-simulator.
# Who starts the simulator kills $simulator.

# shellcheck disable=SC2034,SC2154 # of whoever sources it, and for them

kfunctrace=${KFUNCTRACE:-./kfunctrace}

simulator=
simulator_port=
simulator_hosts=

# simulator_start HOSTS [OPTION]...: sets simulator, its process, and simulator_port
simulator_start()
{
	simulator_hosts=$1
	shift
	build/fleet/fleet-simulator --hosts "$simulator_hosts" "$@" >"$tmp/port" &
	simulator=$!
	store_await 60 test -s "$tmp/port" || return
	simulator_port=$(cat "$tmp/port")
}

# simulator_targets: prints the job's targets, for a scrape configuration
simulator_targets()
{
	local host

	for ((host = 0; host < simulator_hosts; host++)); do
		printf '      - targets: ["127.0.0.1:%d"]\n' "$simulator_port"
		printf '        labels: {__metrics_path__: /host/%d/metrics, instance: host-%03d}\n' $host $host
	done
}

# simulator_round N MISSING: begins it, and waits until both stores have scraped all but MISSING hosts in it
simulator_round()
{
	local store

	(($1 == 0)) || curl -sf "127.0.0.1:$simulator_port/round/$1" >/dev/null || return
	for store in "$prometheus_url" "$victoria_url"; do
		store_await 240 store_has "$store" "count(kfunctrace_drain_duration_seconds_count{instance=~\"host-.*\"}
			== $(($1 + 1))) == $((simulator_hosts - $2))" || return
	done
}

# simulator_begin: the first round, and sets begin, the time from which a report has what the simulator says
simulator_begin()
{
	simulator_round 0 2 || return # of two hosts nothing is known yet
	sleep 1.1
	begin=$(date +%s)
	sleep 1.1
}

# simulator_end: the other rounds
simulator_end()
{
	simulator_round 1 1 && simulator_round 2 1 && simulator_round 3 1
}

# simulator_truth: sorted, to $tmp/truth, $tmp/truth-deprecated, $tmp/truth-types and $tmp/truth-hosts
simulator_truth()
{
	local what

	curl -sf "127.0.0.1:$simulator_port/truth" | sort >"$tmp/truth"
	for what in deprecated types hosts; do
		curl -sf "127.0.0.1:$simulator_port/truth/$what" | sort >"$tmp/truth-$what"
	done
}

# fleet_report STORE ARGUMENT...: of the time from $begin on, to $tmp/report
fleet_report()
{
	local url=$1

	shift
	"$kfunctrace" report --prometheus "$url" --since "$(($(date +%s) - begin))s" "$@" \
		>"$tmp/report" 2>"$tmp/err"
}

# sort_out: $tmp/report, which may be large, in one go to $tmp/uses and, in short, to $tmp/rest
sort_out()
{
	jq -r '(.uses[] | [.host, .kfunc, .module, .caller, .program // "", .program_type // "", .calls,
			.null_returns // "-", .refcount_zero // "-", .outstanding // -1] | @tsv),
		"#" + (del(.uses) | .points = ([.points[]?.calls] | add) | tojson)' "$tmp/report" >"$tmp/out"
	grep -v '^#' "$tmp/out" | sort >"$tmp/uses"
	sed -n 's/^#//p' "$tmp/out" >"$tmp/rest"
}

# references_by_type: of $tmp/rest, in the form of $tmp/truth-types
references_by_type()
{
	jq -r '.references[] | [.host, .type, .acquired, .released, .outstanding // "-", .parked // "-",
		.stale // "-", .oldest_s] | @tsv' "$tmp/rest" | sort
}
