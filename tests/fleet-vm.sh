#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A real host (a VM with kfunctrace serve) among simulated ones, scraped by a real Prometheus and by
# VictoriaMetrics: which programs on which hosts still call deprecated kfuncs? They say the same as the
# programs themselves, as report --prometheus, as report --html and as the host's own history; and of
# the others what the simulator says. These are as many as in tests/fleet.sh, with fewer kfuncs each:
# what is asked here is whether one kind of host disturbs the other. Speaks TAP.

set -uo pipefail
export LC_ALL=C.UTF-8

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh
. tests/fleet_lib.sh
. tests/fleet/simulator_lib.sh

missing=$(store_missing)
if [[ -n $missing ]]; then
	skip "a host among many" "not installed: ${missing//$'\n'/ }"
	done_testing
fi

guest=
cleanup()
{
	stores_stop
	[[ -z $guest ]] || kill "$guest" 2>/dev/null
	[[ -z $simulator ]] || kill "$simulator"
	rm -rf "$tmp"
}
trap cleanup EXIT

port=$(free_port fleet-guest)
steps=$(free_port fleet-steps)
simulator_start 200 --kfuncs 12 --callers 5
{
	cat <<-EOT
	scrape_configs:
	  - job_name: kfunctrace
	    scrape_interval: 1s
	    scrape_timeout: 1s
	    static_configs: [ { targets: [ "127.0.0.1:$port" ], labels: { host: "guest" } } ]
	  - job_name: simulated
	    scrape_interval: 10s
	    scrape_timeout: 10s
	    static_configs:
	EOT
	simulator_targets
} >"$tmp/scrape.yml"

prometheus_start "$tmp" "$tmp/scrape.yml"
ok $? "Prometheus runs"
victoria_start "$tmp" "$tmp/scrape.yml"
ok $? "VictoriaMetrics runs"
# Before the host is there: it begins to count in the time of the reports.
simulator_begin
ok $? "the simulated hosts are scraped"

scripts/vm --kernel backports --timeout 900 --forward "$port:9435" --forward "$steps:9436" \
	--add tests/vm --add tests/fleet/guest.sh --get history.db="$tmp/history.db" \
	-- sh guest.sh >"$tmp/guest.out" 2>"$tmp/guest.err" &
guest=$!

reached()
{
	grep -qx "STEP $1" "$tmp/guest.out" || ! kill -0 $guest 2>/dev/null
}

# Lets the guest go on from the step that it waits at. It says a step a moment before it listens, and
# until then QEMU takes the connection and drops it: only an answer means that somebody was there.
let_go()
{
	local answer=

	exec 3<>"/dev/tcp/127.0.0.1/$steps" || return
	read -r -t 60 answer <&3
	exec 3>&-
	[[ $answer == "on from $1" ]]
}

# go_on FROM STEP: lets the guest go on until it says so
go_on()
{
	store_await 60 let_go "$1"
	store_await 200 reached "$2"
	grep -qx "STEP $2" "$tmp/guest.out"
}

# Lines of "kfunc program calls", of all truths so far, of what is deprecated.
truth()
{
	sed -n 's/^TRUTH //p' "$tmp/guest.out" | jq -rs 'add | group_by([.kfunc, .program])[]
		| "\(.[0].kfunc) \(.[0].program) \(map(.calls) | add)"' | grep "^scx_bpf_dsq_insert " | sort
}

# The question itself, in PromQL.
asked()
{
	store_query "$1" 'sum by (host, kfunc, program) (kfunctrace_deprecated_calls_total) > 0' |
		jq -r '.[] | select(.metric.host == "guest") | "\(.metric.kfunc) \(.metric.program) \(.value[1])"' |
		grep "^scx_bpf_dsq_insert " | sort
}

knows_truth()
{
	[[ -n $(truth) && $(asked "$1") == "$(truth)" ]]
}

reported()
{
	jq -r '.uses[] | select(.host // "" | startswith("host-") | not)
		| select(.kfunc == "scx_bpf_dsq_insert" and .calls > 0 and .caller == "program")
		| "\(.kfunc) \(.program) \(.calls)"' "$1" | sort
}

# same_simulated TEXT [WHAT]: $tmp/report of the simulated hosts is the truth (deprecated: of that)
same_simulated()
{
	sort_out
	same "$1" "$(grep '^host-' "$tmp/uses")" "$(cat "$tmp/truth${2:+-$2}")"
}

simulator_end
ok $? "and three times more"
simulator_truth
store_await 200 reached counted
grep -qx "STEP counted" "$tmp/guest.out"
ok $? "a host counts" "$(tail -n 20 "$tmp/guest.out" "$tmp/guest.err")"
same "its program calls what is deprecated" "$(truth | wc -l)" 1

declare -A stores=([Prometheus]=$prometheus_url [VictoriaMetrics]=$victoria_url)
for store in "${!stores[@]}"; do
	url=${stores[$store]}
	store_await 60 knows_truth "$url"
	same "$store knows which programs on which hosts call it, and how often" "$(asked "$url")" "$(truth)"
	fleet_report "$url" --json
	is "report asks $store" "$? $(<"$tmp/err")" "0 "
	same "and says the same of that host" "$(reported "$tmp/report")" "$(truth)"
	is "of which it knows that there is one" \
		"$(jq -r '[.hosts[].host | select(startswith("host-") | not)] | join(" ")' "$tmp/report")" guest
	same_simulated "and of the simulated ones what they know"
	same "references, too" "$(references_by_type | grep '^host-')" "$(cat "$tmp/truth-types")"
	fleet_report "$url" --deprecations --json
	same "asked for what is deprecated it says the same" "$(reported "$tmp/report")" "$(truth)"
	same_simulated "of all" deprecated
	fleet_report "$url" --deprecations
	tr -s '\n ' ' ' <"$tmp/report" >"$tmp/line"
	matches "as text too" "$tmp/line" "scx_bpf_dsq_insert deprecated .*- $(truth | cut -d' ' -f2) [^:]*: $(truth | cut -d" " -f3) calls, .{0,40} on 1 host: guest "
	fleet_report "$url" --html "$tmp/$store.html"
	is "and as a page" "$? $(<"$tmp/err")" "0 "
	matches "which names the program" "$tmp/$store.html" "$(truth | cut -d' ' -f2)"
done

# --- it is killed, and goes on ------------------------------------------------------------------

go_on "counted" "killed"
ok $? "it is killed"
go_on "killed" "counted again"
ok $? "and counts again" "$(tail -n 20 "$tmp/guest.out" "$tmp/guest.err")"
for store in "${!stores[@]}"; do
	url=${stores[$store]}
	store_await 60 knows_truth "$url"
	same "$store: the counts go on where they were" "$(asked "$url")" "$(truth)"
	is "$store has seen no counter go backwards" \
		"$(store_value "$url" 'sum(resets(kfunctrace_kfunc_calls_total{host="guest"}[1h]))')" 0
	fleet_report "$url" --json
	same "$store: report has both runs" "$(reported "$tmp/report")" "$(truth)"
	same_simulated "$store: and of the simulated hosts the same as before"
done

go_on "counted again" "ended"
ok $? "it ends"
wait $guest
is "the guest is well" $? 0
guest=
./kfunctrace report --history "$tmp/history.db" --since 1d --json >"$tmp/history.json" 2>"$tmp/err"
is "its history can be read elsewhere" "$? $(<"$tmp/err")" "0 "
same "and has the same" "$(reported "$tmp/history.json")" "$(truth)"
done_testing
