#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A fleet: hundreds of simulated hosts, scraped by a real Prometheus and a real VictoriaMetrics, and
# what `kfunctrace report --prometheus` makes of it, against what the simulator knows. Also the rules
# and the dashboard that are shipped. All on loopback. Needs ./kfunctrace and
# build/fleet/fleet-simulator. Speaks TAP.
#
# FLEET_HOSTS: another number of hosts than 200, at least 16.

set -uo pipefail
export LC_ALL=C.UTF-8 TZ=UTC

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
hosts=${FLEET_HOSTS:-200}
. tests/tap.sh
. tests/fleet_lib.sh
. tests/fleet/simulator_lib.sh

# shellcheck disable=SC2317 # it is called when the shell exits
cleanup()
{
	stores_stop
	[[ -z $simulator ]] || kill "$simulator"
	rm -rf "$tmp"
}
trap cleanup EXIT

# is TEXT HAVE WANT: nothing to compare with is no success
is()
{
	[[ -n $3 && $2 == "$3" ]]
	ok $? "$1" "have: $2
want: $3"
}

say_cost()
{
	echo "# $1"
}

# --- rules, without a server -----------------------------------------------------------------------------

promtool check rules share/prometheus/kfunctrace-*.yml >"$tmp/out" 2>&1
ok $? "the rules are rules" "$(cat "$tmp/out")"
promtool check config share/prometheus/prometheus.yml >"$tmp/out" 2>&1
ok $? "the example is a configuration" "$(cat "$tmp/out")"
victoria-metrics -promscrape.config=share/prometheus/prometheus.yml \
	-promscrape.config.strictParse=false -promscrape.config.dryRun >"$tmp/out" 2>&1
ok $? "for VictoriaMetrics too" "$(cat "$tmp/out")"
promtool test rules tests/fleet/rules_test.yml >"$tmp/out" 2>&1
ok $? "each rule says what it should, and nothing when it should not" "$(cat "$tmp/out")"
same "and no rule is without a test" \
	"$(sed -nE 's/^ *- (expr|alertname): ([A-Za-z_:0-9]+)$/\2/p' tests/fleet/rules_test.yml | sort -u)" \
	"$(sed -nE 's/^ *- (record|alert): //p' share/prometheus/kfunctrace-*.yml | sort -u)"

# --- the fleet --------------------------------------------------------------------------------------------

simulator_start "$hosts"
{
	cat <<-EOT
	global: {scrape_interval: 20s, scrape_timeout: 20s}
	scrape_configs:
	  - job_name: kfunctrace
	    static_configs:
	EOT
	simulator_targets
} >"$tmp/scrape.yml"
# The rules as they are shipped, only that none waits for longer than a minute.
for rules in recording alerts; do
	sed 's/interval: 5m/interval: 1m/' "share/prometheus/kfunctrace-$rules.yml" >"$tmp/$rules.yml"
done
{ sed 's/^global: {/&evaluation_interval: 1m, /' "$tmp/scrape.yml"; echo "rule_files: [$tmp/recording.yml, $tmp/alerts.yml]"; } \
	>"$tmp/prometheus.yml"

start=$SECONDS
prometheus_start "$tmp" "$tmp/prometheus.yml" && victoria_start "$tmp" "$tmp/scrape.yml"
status=$?
ok $status "prometheus and victoria-metrics start"
((status == 0)) || done_testing

simulator_begin
ok $? "all hosts are scraped"
simulator_end
ok $? "and three times more"
# What was scraped is to be found.
curl -sf "$victoria_url/internal/force_flush"
sleep 2
say_cost "scraped in $((SECONDS - start)) s: $(store_value "$prometheus_url" \
	'sum(scrape_samples_scraped)') series; a scrape of a host is $(
	curl -s "127.0.0.1:$simulator_port/host/2/metrics" | wc -c) bytes"

simulator_truth

# --- reports -----------------------------------------------------------------------------------------------

for store in prometheus victoria; do
	url=${store}_url
	url=${!url}
	start=$SECONDS
	fleet_report "$url" --json
	is "$store: a report of the whole fleet" "$? $(cat "$tmp/err")" "0 "
	took=$((SECONDS - start))
	sort_out
	diff "$tmp/truth" "$tmp/uses" >"$tmp/diff"
	[[ -s $tmp/truth && ! -s $tmp/diff ]]
	ok $? "$store: all calls, NULLs, zeros and references of $(wc -l <"$tmp/truth") callers are exact" \
		"$(head -n 20 "$tmp/diff")"
	same "$store: references of each type are exact" "$(references_by_type)" "$(cat "$tmp/truth-types")"
	is "$store: kernels and losses of each host" "$(jq -r '.hosts[] |
		[.host, .kernel, .lost] | @tsv' "$tmp/rest" | sort | md5sum)" \
		"$(md5sum <"$tmp/truth-hosts")"
	is "$store: calls over time are as many" "$(jq .points "$tmp/rest")" \
		"$(awk '{ calls += $(NF - 3) } END { print calls }' "$tmp/truth")"
	is "$store: what the target kernel breaks" \
		"$(jq -c '[.problems[].host | ltrimstr("host-") | tonumber % 8] |
			[length, (unique | tostring)]' "$tmp/rest")" "[$(((hosts + 7) / 8)),\"[0]\"]"
	jq -c '[.references, .problems, .deprecations, (.hosts | map(del(.begin, .end, .known_s)))] |
		map(map(del(.last_seen, .verdict)) | sort)' "$tmp/rest" >"$tmp/$store.json"
	cat "$tmp/uses" >>"$tmp/$store.json"
	say_cost "$store: $took s for the report, $(wc -c <"$tmp/report") bytes of JSON"

	fleet_report "$url" --deprecations --json
	is "$store: there is use of what is deprecated" "$? $(cat "$tmp/err")" "1 "
	sort_out
	is "$store: and it is this" "$(cat "$tmp/uses")" "$(cat "$tmp/truth-deprecated")"
	is "$store: with what to call instead, and when it was called last" \
		"$(jq -c --argjson begin "$begin" '[.deprecations[] | select(.used) |
			[.replacement, (.last_seen | strptime("%Y-%m-%dT%H:%M:%S%z") | mktime > $begin)]] |
			unique' "$tmp/report")" '[["bpf_kfunc_new",true]]'
	fleet_report "$url" -k 'bpf_kfunc_0[0-2]?' -k '*_299_acquire' --json
	sort_out
	same "$store: -k chooses" "$(md5sum <"$tmp/uses")" \
		"$(grep -E 'bpf_kfunc_0[0-2][0-9]	|_299_acquire' "$tmp/truth" | md5sum)"
	fleet_report "$url" --deprecations
	is "$store: the report for people names the hosts" \
		"$? $(grep -c 'bpf_kfunc_00.*deprecated since 7.1' "$tmp/report")" "1 4"
done
cmp "$tmp/prometheus.json" "$tmp/victoria.json" >"$tmp/out" 2>&1
ok $? "both stores give the same report" "$(cat "$tmp/out")"

# --- rules and dashboard, on what was scraped ---------------------------------------------------------------

curl -sf "$prometheus_url/api/v1/rules" >"$tmp/rules"
rule_health()
{
	curl -sf "$prometheus_url/api/v1/rules" >"$tmp/rules"
	jq -e '[.data.groups[].rules[].health] | all(. == "ok")' "$tmp/rules"
}
store_await 90 rule_health
store_await 90 store_has "$prometheus_url" \
	'count(ALERTS{alertname="KfunctraceDeprecatedCalls",alertstate="firing"})'
# Each is evaluated in its own time.
store_await 90 store_has "$prometheus_url" 'ALERTS{alertname="KfunctraceDown"}'
is "Prometheus evaluates each rule" \
	"$(jq -c '[.data.groups[].rules[] | select(.health != "ok") | [.name, .lastError]]' "$tmp/rules")" "[]"
deprecated_hosts=$(cut -f 1 "$tmp/truth-deprecated" | sort -u | wc -l)
is "hosts that call what is deprecated" "$(store_query "$prometheus_url" \
	'kfunc:kfunctrace_deprecated_hosts:count1d' | jq -c 'map(.value[1]) | unique')" \
	"[\"$deprecated_hosts\"]"
is "hosts that the target kernel would break" "$(store_value "$prometheus_url" \
	'target:kfunctrace_breaking_hosts:count{target="7.x"}')" "$(((hosts + 7) / 8))"
is "hosts by kernel" "$(store_query "$prometheus_url" 'release_target:kfunctrace_hosts:count' |
	jq -c 'map(.value[1] | tonumber) | sort')" \
	"[$(((hosts + 3) / 4 - 1)),$((hosts - (hosts + 3) / 4))]"
is "the alert of deprecated calls fires, for each kfunc and caller" \
	"$(store_query "$prometheus_url" 'count(ALERTS{alertname="KfunctraceDeprecatedCalls",alertstate="firing"}) ==
		count(kfunc_program:kfunctrace_deprecated_hosts:count1d)' | jq length)" 1
is "and a host that is gone is noticed" "$(store_query "$prometheus_url" \
	'ALERTS{alertname="KfunctraceDown"}' | jq -r 'map(.metric.instance) | join(" ")')" host-012

# Names and labels, in rules and dashboard, against what is exposed and recorded.
jq -r '.data.groups[].rules[].query' "$tmp/rules" >"$tmp/expressions"
jq -r '.panels[].targets[]?.expr, .templating.list[].definition // empty' \
	share/grafana/kfunctrace.json >>"$tmp/expressions"
curl -sf "$prometheus_url/api/v1/label/__name__/values" | jq -r '.data[]' | sort >"$tmp/names"
curl -sf "$prometheus_url/api/v1/labels" | jq -r '.data[]' | sort >"$tmp/labels"
is "each metric in rules and dashboard is exposed or recorded" \
	"$(grep -oE '[a-z_]+:[a-z_]+:[a-z0-9]+|(kfunctrace|process)_[a-z_]+' "$tmp/expressions" |
		sort -u | comm -23 - "$tmp/names"; echo end)" end
is "and each label" \
	"$({
		grep -oE '(by|on|group_left) ?\([a-z_, ]*\)' "$tmp/expressions" |
			sed -E 's/.*\(|\)|,//g' | tr ' ' '\n'
		grep -oE '[{,][a-z_]+(=~|!=|!~|=)' "$tmp/expressions" | tr -d '{,=~!'
	} | grep . | sort -u | comm -23 - "$tmp/labels"; echo end)" end

# Each question of the dashboard has an answer with the labels of its legend, here of some hosts.
bad=0
while IFS=$'\t' read -r legend expression; do
	expression=${expression//'$job'/.*}
	expression=${expression//'$instance'/host-0[02468]0}
	expression=${expression//'$kfunc'/.*}
	expression=${expression//'$__rate_interval'/5m}
	store_query "$prometheus_url" "$expression" >"$tmp/out"
	jq -e --arg legend "$legend" '[$legend | scan("{{([a-z_]+)}}")[0]] as $labels |
		length > 0 and ([$labels[] as $name | any(.[]; .metric | has($name))] | all)' \
		"$tmp/out" >/dev/null || {
		bad=$((bad + 1))
		echo "# no answer, or not with these labels: $expression $legend"
	}
done < <(jq -r '.panels[].targets[]? | [.legendFormat, .expr] | join("\t")' \
	share/grafana/kfunctrace.json)
is "Prometheus answers each question of the dashboard" "$bad questions without" "0 questions without"

for store in prometheus victoria; do
	pid=${store}_pid
	say_cost "$store: $(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/${!pid}/status") MiB at most, $(
		du -sm "$tmp/$store" 2>/dev/null | cut -f 1) MiB on disk, $(
		awk '{ print int(($14 + $15) / 100) }' "/proc/${!pid}/stat") s of CPU"
done

# --- what can go wrong ---------------------------------------------------------------------------------------

fleet_report "http://127.0.0.1:1"
is "nobody there" "$? $(grep -c 'cannot ask: .*; is the URL right' "$tmp/err")" "2 1"
fleet_report "$prometheus_url/wrong"
is "a wrong path" "$? $(grep -c 'status 404.*does the URL lack a path' "$tmp/err")" "2 1"
fleet_report "http://127.0.0.1:$simulator_port"
is "something else than Prometheus" "$? $(grep -c 'not the HTTP API of Prometheus' "$tmp/err")" "2 1"
fleet_report "ftp://127.0.0.1"
is "another scheme" "$? $(grep -c 'has to begin with http' "$tmp/err")" "2 1"
"$kfunctrace" report --prometheus "$prometheus_url" --since 2020-01-01 --until 2020-01-02 \
	>"$tmp/report" 2>"$tmp/err"
is "a time of which nothing is known" "$? $(grep -c 'no host with kfunctrace was scraped' "$tmp/err")" "2 1"

done_testing
