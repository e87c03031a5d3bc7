# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: backports
# machine: --tool curl
#
# The aggregator with settings other than those that it has by default, and with a clock that is set back
# and forth.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh
. /root/vm/refs_lib.sh

# told KIND FILTER: how many notices there are
told()
{
	jq -s --arg kind "$1" "map(select(.kind == \$kind and ($2))) | length" notices.jsonl
}

# Kfuncs of the workload that this site says are deprecated.
if kernel_at_least 6.2; then
	deprecated=bpf_task_release
else
	deprecated=bpf_kfunc_call_test_release
fi
mkdir -p /etc/kfunctrace/deprecations.d
printf '[%s]\nsince = 6.0\nreplacement = something_else\nsource = the test\n' $deprecated \
	>/etc/kfunctrace/deprecations.d/site.ini

# What the clock said at the beginning and the end of each time between which it was set.
clock_runs()
{
	clock_began=$(date +%s)
}

clock_stops()
{
	echo "[$clock_began, $(date +%s)]" >>clock
}

# set_clock SECONDS: so many from what it says
set_clock()
{
	clock_stops
	date -s "@$(($(date +%s) + $1))" || return
	clock_runs
}

# --- a Unix socket, references by balance, what is deprecated ------------------------------------

clock_runs
serve_socket=$PWD/socket
check "serve begins, at a Unix socket" serve_begin "kfuncs = $FIRST" 'references = balance'
is "to which others have no access" "$(stat -c %a socket)" 660
is "and at no port" "$(serve_socket='' get /readyz || echo nobody)" nobody
check "a workload runs" run two-programs
cp truth.json first.json
check "it is drained" drained
serves "calls and NULL returns are those of the programs"
acquired=$(jq '[.[] | select(.program != null and (.kfunc | test("from_pid|acquire$"))) | .calls - (.null_returns // 0)] | add' truth.json)
same "all that was acquired is in the balance" "$(value references_acquired_total)" "$acquired"
is "and given back, nothing is outstanding" \
	"$(value references_released_total) $(value references_outstanding)" "$acquired 0"
is "who holds it, and how long, is not measured then" \
	"$(value references_held) $(value reference_holding_seconds_count)" "- -"

jq -r --arg kfunc $deprecated '[.[] | select(.kfunc == $kfunc and .program != null and .calls > 0).program]
	| unique[] | "\(.) something_else"' truth.json >callers
same "each program that calls what is deprecated is told, with what to call instead" \
	"$(jq -r 'select(.kind == "deprecated-call") | "\(.caller) \(.replacement)"' notices.jsonl | sort)" \
	"$(cat callers)"
is "of that kfunc only" "$(told deprecated-call ".kfunc != \"$deprecated\"")" 0

# --- the clock -----------------------------------------------------------------------------------

check "the clock is set back by two hours" set_clock -7200
check "a workload runs" run two-programs
cp truth.json second.json
sum first.json second.json
check "it is drained" drained
serves "no count is lost, and none goes back"
check "the clock is set forth by a day" set_clock 93600
check "a workload runs" run two-programs
cp truth.json third.json
sum first.json second.json third.json
check "it is drained" drained
serves "nor when it goes forth"
is "no program is told twice of what is deprecated" "$(told deprecated-call true)" "$(wc -l <callers)"
serve_end
is "it ends" $? 0
kfunctrace report --history history.db --since 7d --json >report.json 2>stderr
is "the history can be reported on" "$? $(cat stderr)" "0 "
jq '[.uses[] | {kfunc, caller, program, calls, null_returns}]' report.json >rows.json
is "it has all calls" "$(compare exact)" ""
is "none was seen for the last time before the first" \
	"$(jq -c '[.uses[] | select(.first_seen > .last_seen)]' report.json)" "[]"
clock_stops
is "no step but those that the clock was in has calls" \
	"$(jq --slurpfile clock clock '.step_s as $step | [.points[] | select(.calls > 0)
		| (.time | sub("[+]0000$"; "Z") | fromdateiso8601) as $time
		| select(all($clock[]; .[1] < $time or $time + $step <= .[0]))] | length' report.json)" 0
same "as many as the programs made" "$(jq '[.points[].calls] | add' report.json)" \
	"$(jq '[.uses[].calls] | add' report.json)"

# --- more objects than there is room for, losses, and what is not old so far ------------------------

serve_loss_rate=1
if has_workload refs-many; then
	check "serve begins" serve_begin 'kfuncs = bpf_cpumask_* bpf_task_*' 'max_objects = 64'
	begin_scenes
	scene refs-many --times 300
	check "programs park more than there is room for" play_scenes
	check "it is drained" drained
	sleep 1.5
	check "it is looked at" drained
	untracked=$(value references_untracked_total '.type == "bpf_cpumask"')
	outstanding=$(value references_outstanding '.type == "bpf_cpumask"')
	same "what there is no room for is counted as untracked" "$((outstanding + untracked))" \
		"$(jq '[.types[] | select(.type == "bpf_cpumask").outstanding] | add' scenes/refs-many.truth)"
	# A hash of the kernel has a few elements more for each CPU.
	check "there is room for as many as may be, or a quarter more ($outstanding)" \
		test "$outstanding" -ge 64 -a "$outstanding" -le 80
	check "that much is lost is told" test "$(told losses ".number > 1")" -ge 1
	end_scenes || not_ok "the scene ends well"
	serve_end
else
	skip "more objects than there is room for" "this kernel has no such workload"
fi

serve_loss_rate=100
serve_stale_age=1h
check "serve begins" serve_begin 'kfuncs = bpf_task_* bpf_kfunc_call_test_*'
begin_scenes
scene "$PARKING"
check "programs park references" play_scenes
check "it is drained" drained
sleep 1.5
check "it is looked at" drained
end_scenes || not_ok "the scene ends well"
same "some are on what is dead" "$(value references_stale)" \
	"$(jq '[.parked[] | select(.stale).references] | add // 0' truth.json)"
is "none is told before it is as old as stale_age says" "$(told stale-reference true)" 0
is "and little is lost, so that is not told either" "$(told losses true)" 0
serve_end

# --- nothing is traced -----------------------------------------------------------------------------

check "serve begins, and counts nothing" serve_begin 'count = off'
is "nothing is attached" "$(bpftool -j link show | jq 'map(select(.type == "tracing")) | length')" 0
rm -f go "done" end
workload --wait go --done "done" --hold end two-programs >stdout 2>&1 &
work=$!
known()
{
	drained && [ "$(value problem_programs ".kfunc == \"$deprecated\"")" = "$(wc -l <callers)" ]
}
check "programs that use what is deprecated are seen all the same" wait_for 60 known
touch go
check "they run" wait_for 60 test -e "done"
check "it is drained" drained
is "no call is said to be counted" "$(value kfunc_calls_total)" -
touch end
wait $work
serve_end
is "it ends" $? 0
check "nothing stays attached" nothing_attached
is "the log of the kernel is clean" "$(kernel_trouble)" ""
done_testing
