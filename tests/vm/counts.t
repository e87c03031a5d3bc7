# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# stat counts to the last call, and attributes it.
. /root/vm/lib.sh

# Only one thread calls kfuncs here, so nothing interrupts the tracer to call them as well.
for name in two-programs subprograms many-sites demo; do
	stat_workload $name
	agrees "$name: each program has its own calls and NULL returns, none is unknown" exact $?
done

stat_workload two-programs --times 20000
agrees "two-programs, 20 times as often" exact $?

stat_workload two-programs --times 0
agrees "two-programs, loaded and never run" exact $?

stat_workload two-programs / --no-nulls
is "--no-nulls measures no NULL returns" \
	"$(jq 'map(select(.null_returns != null)) | length' rows.json)" 0
jq 'map(.null_returns = null)' truth.json >t.json && mv t.json truth.json
agrees "--no-nulls counts the same calls" exact 0

stat_workload two-programs / --by kfunc
jq -c 'map({kfunc, calls}) | sort_by(.kfunc)' rows.json >have
jq -c 'group_by(.kfunc) | map({kfunc: .[0].kfunc, calls: map(.calls) | add})' \
	truth.json >want
same "--by kfunc has one row a kfunc, with the sum" "$(cat have)" "$(cat want)"

kfunc=$(jq -r '.[0].kfunc' truth.json)
stat_workload two-programs / -k "$kfunc"
jq --arg k "$kfunc" 'map(select(.kfunc == $k))' truth.json >t.json && mv t.json truth.json
agrees "-k $kfunc counts it" exact $?
same "-k $kfunc counts nothing else" \
	"$(jq -r 'map(.kfunc) | unique | join(" ")' rows.json)" "$kfunc"

# Call sites that there is no room for are counted all the same.
stat_workload many-sites / --slots 16
agrees "many-sites in a table of 16: known and unknown are the truth" sums $?
is "what had no room is told as such" \
	"$(jq '(map(.losses.table_full) | add) > 0' rows.json) $(unknown_calls)" \
	"true $(jq 'map(.losses.table_full) | add' rows.json)"

if has_workload readonly-dynptr; then
	stat_workload readonly-dynptr
	agrees "readonly-dynptr: both targets of the kfunc are counted as it" exact $?
	is "programs of three types call it" \
		"$(jq -r 'map(.program_type) | unique | join(" ")' rows.json)" \
		"cgroup_skb sched_cls socket_filter"
fi

kfunctrace stat --json -o rows.json -k "$kfunc" -- sh -c 'echo out; echo err >&2; exit 7' >stdout 2>stderr
is "the status of the command is passed on" $? 7
is "the command keeps its standard output" "$(cat stdout)" out
is "and its standard error" "$(cat stderr)" err
kfunctrace stat -k "$kfunc" -- /nonexistent >stdout 2>stderr
is "a command that cannot be run is an error" $? 2
matches "and said" stderr 'cannot run /nonexistent: No such file'

# With threads, what comes while the tracer of the same kfunc runs on that CPU is unknown.
stat_workload contend
agrees "contend: two threads on one CPU, known and unknown are the truth" sums $?
diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"
if [ "$CPUS" -gt 1 ]; then
	stat_workload spread
	agrees "spread: two threads on two CPUs, nothing is unknown" exact $?
	stat_workload contend --threads 5 --times 100
	agrees "contend with five threads" sums $?
fi

stat_workload churn
agrees "churn: programs that come and go have their own calls, or they are unknown" sums $?
diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"

done_testing
