# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
#
# The aggregator's bounds: what it may cost, how many callers it tells apart, how much it writes.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh

# --- it costs too much -------------------------------------------------------------------------

check "serve begins" serve_begin "kfuncs = $THREE" \
	'references = off' 'measure = 1s' 'max_overhead = 0.0001%'
workload --seconds 8 --truth truth.json two-programs >/dev/null 2>&1 &
work=$!
check "what costs most is no longer traced" wait_for 60 grep -q '"kind": *"detached"' notices.jsonl
wait $work
check "it is drained" drained
first=$(jq -r 'select(.kind == "detached").kfunc' notices.jsonl | head -n 1)
same "the first that went has cost something" "$(jq --arg kfunc "$first" '[.[]
	| select(.name == "kfunctrace_kfunc_probe_cpu_seconds_total" and .labels.kfunc == $kfunc).value > 0]' \
	metrics.json | jq -c .)" "[true]"
# One decision's notices name the same share of all; each names that of its kfunc.
jq -rs 'map(select(.kind == "detached").message | capture("took (?<all>[0-9.]+) %.*took (?<own>[0-9.]+) %"))
	| map(select(.all == $all).own | tonumber)' --arg all "$(jq -r 'select(.kind == "detached").message
	| capture("took (?<all>[0-9.]+) %").all' notices.jsonl | head -n 1)" notices.jsonl >shares
same "what costs most goes first" "$(jq -c . shares)" "$(jq -c 'sort | reverse | select(length > 0)' shares)"
# Without references each has a notice of its own. Until the last measurement of the workload has been judged.
detached_is_told()
{
	scrape && [ "$(value detached_kfuncs)" = "$(jq -s 'map(select(.kind == "detached")) | length' \
		notices.jsonl)" ]
}
check "how many went is served" wait_for 30 detached_is_told
is "that it is not traced is served, with the reason" "$(jq -r --arg kfunc "$first" '.[]
	| select(.name == "kfunctrace_untraced_kfunc" and .labels.kfunc == $kfunc).labels.reason' \
	metrics.json)" "over max_overhead"
sed -i 's/^max_overhead.*/max_overhead = off/' serve.conf
kill -HUP $serve_pid
check "without the limit it is taken up again" wait_for 60 grep -q '"kind": *"attached"' notices.jsonl
check "it is drained" drained
is "all are traced" "$(jq -c '[.[] | select(.name == "kfunctrace_untraced_kfunc").labels.kfunc
	| {kfunc: .} | select('"$(among "$THREE")"')]' metrics.json)" "[]"
before=$(value kfunc_calls_total)
workload --truth truth.json two-programs >/dev/null 2>&1
check "it is drained" drained
same "and counted" "$(($(value kfunc_calls_total) - before))" "$(jq "[.[] | select(.program != null
	and $(among "$THREE")).calls] | add" truth.json)"
serve_end

# --- very many callers -----------------------------------------------------------------------------

check "serve begins" serve_begin "kfuncs = $THREE" 'max_callers = 2'
workload --truth truth.json two-programs >/dev/null 2>&1
check "it is drained" drained
is "as many as it may are told apart" "$(jq '[.[] | select(.name == "kfunctrace_kfunc_calls_total"
	and .labels.caller != "other")] | length' metrics.json)" 2
for kfunc in $THREE; do
	same "$kfunc: with the others, all calls are there" \
		"$(value kfunc_calls_total ".kfunc == \"$kfunc\"")" \
		"$(jq --arg kfunc $kfunc '[.[] | select(.kfunc == $kfunc).calls] | add' truth.json)"
done
serve_end

# --- no room to write ---------------------------------------------------------------------------------

mkdir -p small
mount -t tmpfs -o size=64k tmpfs small
serve_history=$PWD/small/history.db
check "serve begins with a disk that is too small" serve_begin "kfuncs = $FIRST"
workload --truth truth.json two-programs >/dev/null 2>&1
check "it counts all the same" drained
same "every call" "$(value kfunc_calls_total '.caller == "program"')" "$(jq "[.[] | select(.program != null
	and $(among "$FIRST")).calls] | add" truth.json)"
check "and says that it cannot write" wait_for 30 grep -q '"kind": *"trouble"' notices.jsonl
mount -o remount,size=8M small
roomy=$(date +%s)
# The next attempt may be some seconds away.
is_written()
{
	scrape && [ "$(value history_last_save_timestamp_seconds)" -ge "$roomy" ]
}
check "when there is room again, it writes" wait_for 60 is_written
kill -9 $serve_pid
wait $serve_pid 2>/dev/null
kfunctrace report --history small/history.db --since 1h --json >report.json 2>stderr
same "and all of it is written" \
	"$(jq '[.uses[] | select(.caller == "program").calls] | add' report.json)" \
	"$(jq "[.[] | select(.program != null and $(among "$FIRST")).calls] | add" truth.json)"
umount small
is "the log of the kernel is clean" "$(dmesg | grep -cE 'WARNING:|BUG:')" 0
done_testing
