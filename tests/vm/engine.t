# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# The module counts to the last call, as the BPF programs do.
. /root/vm/lib.sh
. /root/vm/others_lib.sh

CONTROL=/dev/kfunctrace
export PATH="$PATH:/root"

is_idle()
{
	grep -qx 'state idle' $CONTROL
}

# --- counting -----------------------------------------------------------------

for name in two-programs subprograms many-sites demo; do
	stat_workload $name / --engine=module
	agrees "$name: each program has its own calls and NULL returns, none is unknown" exact $?
	is "$name: the rows say who counted, and that no return was missed" \
		"$(jq -r 'map("\(.engine) \(.losses.missed_returns)") | unique | join(", ")' rows.json)" \
		"module 0"
done

stat_workload two-programs --times 20000 / --engine=module
agrees "two-programs, 20 times as often" exact $?
stat_workload two-programs / --engine=bpf
agrees "two-programs, counted by BPF programs with the module loaded" exact $?
is "the rows say that BPF counted" "$(jq -r 'map(.engine) | unique | join(" ")' rows.json)" bpf

stat_workload two-programs / --engine=module --no-nulls
is "--no-nulls measures no NULL returns" \
	"$(jq 'map(select(.null_returns != null)) | length' rows.json)" 0
jq 'map(.null_returns = null)' truth.json >t.json && mv t.json truth.json
agrees "--no-nulls counts the same calls" exact 0

stat_workload many-sites / --engine=module --slots 16
agrees "many-sites in a table of 16: known and unknown are the truth" sums $?
is "what had no room is told as such" \
	"$(jq '(map(.losses.table_full) | add) > 0' rows.json) $(unknown_calls)" \
	"true $(jq 'map(.losses.table_full) | add' rows.json)"

if has_workload readonly-dynptr; then
	stat_workload readonly-dynptr / --engine=module
	agrees "readonly-dynptr: both targets of the kfunc are counted as it" exact $?
fi

# This engine has no recursion misses: with threads nothing is unknown either.
stat_workload contend / --engine=module
agrees "contend: two threads on one CPU, nothing is unknown" exact $?
stat_workload contend --threads 5 --times 100 / --engine=module
agrees "contend with five threads, nothing is unknown" exact $?
stat_workload spread / --engine=module
agrees "spread: two threads on two CPUs, nothing is unknown" exact $?

stat_workload churn / --engine=module
agrees "churn: programs that come and go have their own calls, or they are unknown" sums $?
diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"

# Another tool that puts fexit programs on the same kfuncs, and takes them away.
beside fexit / --engine=module
agrees "while fexit programs come and go on the same kfuncs, all calls are counted" sums $?
diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"
came_and_went fexit

# --- auto ---------------------------------------------------------------------

stat_workload two-programs / -v
agrees "auto: fentry works, so BPF programs count" exact $?
matches "and that is said" stderr '^kfunctrace: engine: bpf'
kfunc=$(echo "$kfuncs" | head -n1)
LD_PRELOAD=/root/refuse-fentry.so kfunctrace stat --engine=bpf -k "$kfunc" -d 1 >stdout 2>stderr
is "where fentry is refused, --engine=bpf fails" $? 2
matches "and says why" stderr 'refuses fentry programs'
LD_PRELOAD=/root/refuse-fentry.so kfunctrace stat --json -o rows.json -k "$kfunc" -- \
	env -u LD_PRELOAD workload --truth truth.json two-programs >stdout 2>stderr
status=$?
jq --arg k "$kfunc" 'map(select(.kfunc == $k))' truth.json >t.json && mv t.json truth.json
agrees "where fentry is refused, auto counts with the module" exact $status
matches "and says so" stderr 'refuses fentry programs .*: the module counts instead'

# --- keep ---------------------------------------------------------------------

# Off, the tracer would hide from the module what takes memory from one program for another.
switch_tracer()
{
	echo "$1" 2>/dev/null >/proc/sys/kernel/ftrace_enabled
}
switch_tracer 0
could_switch=$?
switch_tracer 1
kfunctrace stat --engine=module >stdout 2>stderr -k "$kfunc" --keep -- true
is "--keep begins to count" $? 0
matches "and the module counts on" $CONTROL '^kept 1$'
if switch_tracer 0; then
	switch_tracer 1
	not_ok "the function tracer cannot be switched off meanwhile"
else
	ok "the function tracer cannot be switched off meanwhile"
fi
is "it is on" "$(cat /proc/sys/kernel/ftrace_enabled)" 1
workload --truth truth.json two-programs >/dev/null
jq --arg k "$kfunc" 'map(select(.kfunc == $k))' truth.json >t.json && mv t.json truth.json
kfunctrace stat --engine=module --json >rows.json 2>stderr
agrees "a later stat reads at once what was counted since" exact $?
workload --truth more.json two-programs >/dev/null
jq -s --arg k "$kfunc" 'add | map(select(.kfunc == $k))' truth.json more.json >t.json && mv t.json truth.json
kfunctrace stat --engine=module --json >rows.json 2>stderr
agrees "and the next all of it" sums $?
kfunctrace stat --keep -k "$kfunc" -- true >stdout 2>stderr
is "to begin again is an error" $? 2
matches "and it is said how to end it" stderr '--stop'
if rmmod kfunctrace 2>rmmod.out; then
	not_ok "while it counts the module stays" "$(cat rmmod.out)"
else
	ok "while it counts the module stays"
fi
kfunctrace stat --stop --json >rows.json 2>stderr
agrees "--stop reads it for the last time" sums $?
check "and ends it" is_idle
switch_tracer 0
is "then the function tracer can be switched off as before" $? $could_switch
switch_tracer 1
kfunctrace stat --stop >stdout 2>stderr
is "there is nothing to end then" $? 2
kfunctrace stat --engine=bpf --keep -d 1 >stdout 2>stderr
is "--keep is not for BPF programs" $? 2

# Killed, it leaves nothing; with --keep it leaves the counts.
kfunctrace stat --engine=module -d 300 -k "$kfunc" >stdout 2>stderr &
pid=$!
wait_for 60 grep -qx 'state counting' $CONTROL
kill -KILL $pid
wait $pid 2>/dev/null
check "SIGKILL: nothing counts any more" wait_for 20 is_idle

# --- a module with kfuncs that goes --------------------------------------------

kfunctrace stat --engine=module -k 'bpf_*ct_*' -k "$kfunc" --keep -- \
	workload --truth truth.json conntrack >stdout 2>stderr
is "kfuncs of a module are counted" $? 0
# What the workload had loaded may be let go of a moment later.
check "the module can be unloaded all the same" wait_for 20 rmmod nf_conntrack
workload two-programs >/dev/null
insmod /vm/modules/nf_conntrack.ko
kfunctrace stat --engine=module --json >rows.json 2>stderr
is "other kfuncs are counted on" \
	"$(jq --arg k "$kfunc" 'map(select(.kfunc == $k).calls) | add > 0' rows.json)" true
matches "the counts of those that went are kept" $CONTROL '^retired '
check "and it ends well" kfunctrace stat --stop
stat_workload conntrack / --engine=module
agrees "the module is back, and its kfuncs are counted" exact $?

check "nothing stays attached" nothing_attached
done_testing
