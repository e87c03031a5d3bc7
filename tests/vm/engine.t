# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# The module counts to the last call, as the BPF programs do; and its control file takes no nonsense.
. /root/vm/lib.sh

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
kfuncs=$(workload --kfuncs two-programs)
# shellcheck disable=SC2086 # several kfuncs
attach-fexit $kfuncs >/dev/null 2>&1 &
pid=$!
stat_workload two-programs --times 5000 / --engine=module
agrees "while fexit programs come and go on the same kfuncs, all calls are counted" sums $?
diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"
kill $pid
wait $pid

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

kfunctrace stat --engine=module >stdout 2>stderr -k "$kfunc" --keep -- true
is "--keep begins to count" $? 0
matches "and the module counts on" $CONTROL '^kept 1$'
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
check "the module can be unloaded all the same" rmmod nf_conntrack
workload two-programs >/dev/null
insmod /vm/modules/nf_conntrack.ko
kfunctrace stat --engine=module --json >rows.json 2>stderr
is "other kfuncs are counted on" \
	"$(jq --arg k "$kfunc" 'map(select(.kfunc == $k).calls) | add > 0' rows.json)" true
matches "the counts of those that went are kept" $CONTROL '^retired '
check "and it ends well" kfunctrace stat --stop
stat_workload conntrack / --engine=module
agrees "the module is back, and its kfuncs are counted" exact $?

# --- control file -------------------------------------------------------------

address=$(awk -v name="$kfunc" '$3 == name { print $1 }' /proc/kallsyms)
tracing=$(awk '$3 == "bpf_get_kprobe_info" || $3 == "trace_call_bpf" { print $1 " " $3; exit }' /proc/kallsyms)
long=$(printf '%0128d' 0)
longer=$(printf '%0500d' 0)
is "it is for root only" "$(stat -c %a $CONTROL)" 600
is "and for who may trace only" "$(control as-nobody)" EPERM
chmod 600 $CONTROL

same "commands have an errno that fits" "$(control run '2 begin 16' '1 start' '1 kfunc 0 x calls' \
	'1 begin 17' '1 begin 8192' '1 begin' '1 begin 16 16' '1 nonsense' 'begin 16' '1' '' '1  begin 16' \
	'1 begin 16' '1 begin 16' '+1 begin 16' '+1 start' '+1 end' '1 start' "1 kfunc $address $kfunc nulls" \
	"1 kfunc $address $kfunc nulls" "1 kfunc $address schedule calls" "1 kfunc 0 $kfunc calls" \
	"1 kfunc ${address%?}1 $kfunc calls" "1 kfunc $address $kfunc maybe" "1 kfunc $address $long calls" \
	"1 kfunc $address $longer calls" "1 kfunc $tracing calls" '1 program 1000 5' '1 program 0 5' '1 keep' \
	'1 start' '1 start' "1 kfunc $address $kfunc calls" '1 program 0 5' '1 forget 4000000' '+1 keep' \
	'1 keep' '+1 begin 16' '1 end' '1 end' 2>&1 | sed -E "s/$longer/LONGER/; s/$long/LONG/; s/$address/ADDRESS/; s/$tracing/UNTRACEABLE/; s/${address%?}1/ODD/; s/$kfunc/KFUNC/")" \
"2 begin 16: EPROTO
1 start: EINVAL
1 kfunc 0 x calls: EINVAL
1 begin 17: EINVAL
1 begin 8192: EINVAL
1 begin: EINVAL
1 begin 16 16: EINVAL
1 nonsense: EINVAL
begin 16: EINVAL
1: EINVAL
: EINVAL
1  begin 16: EINVAL
1 begin 16: ok
1 begin 16: EBUSY
+1 begin 16: EBUSY
+1 start: EBUSY
+1 end: EBUSY
1 start: EINVAL
1 kfunc ADDRESS KFUNC nulls: ok
1 kfunc ADDRESS KFUNC nulls: EEXIST
1 kfunc ADDRESS schedule calls: EEXIST
1 kfunc 0 KFUNC calls: ENOENT
1 kfunc ODD KFUNC calls: ENOENT
1 kfunc ADDRESS KFUNC maybe: EINVAL
1 kfunc ADDRESS LONG calls: ENAMETOOLONG
1 kfunc ADDRESS LONGER calls: ENAMETOOLONG
1 kfunc UNTRACEABLE calls: EOPNOTSUPP
1 program 1000 5: EBADF
1 program 0 5: EINVAL
1 keep: EINVAL
1 start: ok
1 start: EBUSY
1 kfunc ADDRESS KFUNC calls: EBUSY
1 program 0 5: EBUSY
1 forget 4000000: ENOENT
+1 keep: EBUSY
1 keep: ok
+1 begin 16: EBUSY
1 end: ok
1 end: ESRCH"
check "nothing of that is left" is_idle

# Functions that are no kfuncs can be counted all the same: the module cannot know; the tool does.
awk '($2 == "t" || $2 == "T") && $3 ~ /^(vfs|tcp|udp|ext4|ip)_/ && !seen[$3]++ { print "1 kfunc " $1 " " $3 " calls" }' \
	/proc/kallsyms | head -n 1200 >many
{
	echo '1 begin 16'
	cat many
} | control run >many.out
is "there is room for 1024" "$(grep -c ': ok' many.out)" 1025
same "and no more" "$(sed -n 's/.*: //p' many.out | sort | uniq -c | awk '$2 == "E2BIG" { print ($1 > 0) }')" 1

same "zero bytes, lines without an end, and several lines in one write" \
	"$(control raw '1 beg\0in 16\n' '1 begin 16' '1 end' '1 begin 16\n1 nonsense\n1 end\n' '1 nonsense\n1 end\n' '1 end\n' "$longer")" \
"1 beg\\0in 16\\n: EINVAL
1 begin 16: ok
1 end: ok
1 begin 16\\n1 nonsense\\n1 end\\n: 11 of 28
1 nonsense\\n1 end\\n: EINVAL
1 end\\n: ok
$longer: ENAMETOOLONG"

for seed in 1 2; do
	check "2000 random writes ($seed)" control fuzz $seed 2000
	diag "$(cat check.out)"
done
check "and nothing is left of them" is_idle

kfunctrace stat --engine=module -k "$kfunc" --keep -- workload many-sites >stdout 2>stderr
check "reading in small pieces gives the same" control tiny
diag "$(cat check.out)"
(exec 3<$CONTROL && kfunctrace stat --engine=module >stdout 2>stderr)
is "two may read at a time" $? 0
kfunctrace stat --stop >/dev/null 2>&1

is "the module has said no more than one line about all that" \
	"$(dmesg | grep -c '[]] kfunctrace: \(cannot\|error\|warning\)')" 0
check "nothing stays attached" nothing_attached
check "the module can be taken out" rmmod kfunctrace
kfunctrace stat --engine=module -d 1 -k "$kfunc" >stdout 2>stderr
is "without it, --engine=module is an error" $? 2
matches "and says what to do" stderr 'modprobe kfunctrace'
done_testing
