# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: backports
# machine: --modules nf_conntrack --module kfunctrace
#
# The module's control file takes no nonsense.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
export PATH="$PATH:/root"
kfunc=$(workload --kfuncs two-programs | head -n1)

is_idle()
{
	grep -qx 'state idle' $CONTROL
}

address_of()
{
	awk -v name="$1" '$3 == name { print $1; exit }' /proc/kallsyms
}

rm -f stop
log=$(($(dmesg | wc -l) + 1))
address=$(address_of "$kfunc")
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
	'1 start' '1 start' "1 kfunc $address $kfunc calls" '1 program 0 5' '1 forget 4000000' '+1 lines' '1 lines 1' '+1 keep' \
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
+1 lines: ok
1 lines 1: EINVAL
+1 keep: EBUSY
1 keep: ok
+1 begin 16: EBUSY
1 end: ok
1 end: ESRCH"
check "nothing of that is left" is_idle

# Functions that are no kfuncs can be counted all the same: the module cannot know; the tool does.
awk '($2 == "t" || $2 == "T") && $3 ~ /^(vfs|tcp|udp|ext4|ip|skb|sock|dev|net|inet|proc|sysfs)_/ && !seen[$3]++ { print "1 kfunc " $1 " " $3 " calls" }' \
	/proc/kallsyms | head -n 2500 >many
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

# What a fuzzer has kept counts on.
for seed in 1 2; do
	check "500 random writes ($seed)" control fuzz $seed 500 "1 kfunc $address $kfunc nulls"
	read -r accepted counting <check.out
	check "of them $accepted were accepted, and it counted $counting times" \
		[ "$accepted" -gt 10 -a "$counting" -gt 0 ]
	control run '1 end' >/dev/null
done
check "and nothing is left of them" is_idle

# What another opener writes changes nothing of what is counted. The workload waits for the last of it.
rm -f fuzzed
(wait_for 60 grep -qx 'state counting' $CONTROL && control fuzz 3 500 "1 kfunc $address $kfunc nulls" >fuzz.out
	touch fuzzed) &
stat_workload two-programs --times 4000 --hold fuzzed / --engine=module
agrees "500 random writes of another opener change no count" exact $?
wait $!
same "and it counted on all the time" "$(cut -d' ' -f2 fuzz.out)" 500
check "some of them were accepted, as all may have source lines" [ "$(cut -d' ' -f1 fuzz.out)" -gt 0 ]

# --- what the kernel does not do ------------------------------------------------

# Functions that are called all the time.
write="1 kfunc $(address_of vfs_write) vfs_write"
read="1 kfunc $(address_of vfs_read) vfs_read"
fail=/sys/module/kfunctrace/parameters
(while [ ! -e stop ]; do
	echo x
done) >/dev/null &
load_pid=$!

echo 1000 >$fail/fail_allocation
control run '1 begin 64' "$write nulls" "$read calls" '1 start' >/dev/null
last=$((1000 - $(cat $fail/fail_allocation)))
n=0
while [ $n -lt 3 ]; do
	n=$((n + 1))
	# The last one that a start wants: returns are followed already.
	echo $last >$fail/fail_allocation
	control run '1 begin 64' "$write nulls" "$read calls" '1 start' '?slot ' '?retired' '?unknown' '?missed 0 ' \
		'1 start' '1 end' | sed 's/.*: //' | tr '\n' ' ' >>failed-starts
	echo >>failed-starts
done
is "nothing is left of the counts of a start that fails, and the next one counts" \
	"$(sort -u failed-starts)" "ok ok ok ENOMEM 0 0 0 1 ok ok "

echo 1 >$fail/fail_detach
same "an end that fails has changed nothing, and may be tried again" "$(control run '1 begin 64' "$write calls" \
	'1 start' '1 end' '?state counting' '?kept 0' '+1 end' '1 end' '?state idle' | sed 's/.*: //' | tr '\n' ' ')" \
	"ok ok ok ENOMEM 1 1 EBUSY ok 1 "
echo 1 >$fail/fail_detach
control run '1 begin 64' "$write calls" '1 start' >/dev/null
same "when it fails as the owner goes, it counts on" \
	"$(sed -n 2,3p $CONTROL | tr '\n' ' ')" "state counting kept 1 "
if rmmod kfunctrace 2>rmmod.out; then
	not_ok "and the module stays" "$(cat rmmod.out)"
else
	ok "and the module stays"
fi
same "until somebody ends it" "$(control run '1 end' '?state idle' | sed 's/.*: //' | tr '\n' ' ')" "ok 1 "

if kernel_at_least 6.5; then
	skip "a function whose returns cannot be followed is told" "only kretprobes refuse some"
else
	# These have an ftrace site, and kprobes must not be on them.
	unfollowed=$(awk 'NR == FNR { has_site[$1]; next } $2 in has_site { print $2; exit }' \
		"$TRACEFS/available_filter_functions" /sys/kernel/debug/kprobes/blacklist)
	same "where returns cannot be followed start fails, and nothing is left" \
		"$(control run '1 begin 64' "$write nulls" "1 kfunc $(address_of "$unfollowed") $unfollowed nulls" \
			'1 start' '?slot ' '?state prepared' | sed 's/.*: //' | tr '\n' ' ')" "ok ok ok EINVAL 0 1 "
	dmesg >said
	matches "a function whose returns cannot be followed is told" said "cannot follow $unfollowed.* to its return"
fi

# --- what the handler calls ------------------------------------------------------

# It reads the code before a call site; that function counted, it must not come back to itself.
nofault=copy_from_kernel_nofault
same "$nofault is counted" "$(control run '1 begin 64' "1 kfunc $(address_of $nofault) $nofault calls" \
	"$write calls" '1 start' '1 keep' | sed 's/.*: //' | tr '\n' ' ')" "ok ok ok ok ok "
wait_for 60 grep -q '^slot 1 ' $CONTROL
cat $CONTROL >counted
control run '1 end' >/dev/null
matches "calls were counted" counted '^slot 1 0x[0-9a-f]+ 0x[0-9a-f]+ [1-9]'
awk '$4 == "[kfunctrace]" && tolower($2) == "t" { print $1 }' /proc/kallsyms | sort >text
is "none of its calls is the handler's" "$(awk -v first="$(head -n 1 text)" -v last="$(tail -n 1 text)" \
	'$1 == "slot" && $2 == 0 && substr($3, 3) >= first && substr($3, 3) <= last' counted)" ""
touch stop
wait $load_pid
rm stop

# What ran before has left programs whose memory the kernel frees in its own time, and the text says so.
programs_are_freed()
{
	awk '$1 == "program" && $6 < $5 { left++ } END { exit left > 0 }' $CONTROL
}
kfunctrace stat --engine=module -k "$kfunc" --keep -- workload many-sites >stdout 2>stderr
check "the memory of programs that ended is freed" wait_for 60 programs_are_freed
check "reading in small pieces gives the same" control tiny
diag "$(cat check.out)"
(exec 3<$CONTROL && kfunctrace stat --engine=module >stdout 2>stderr)
is "two may read at a time" $? 0
kfunctrace stat --stop >/dev/null 2>&1

log_since $log >said
check "the kernel's log has no more than one line about all that" [ "$(wc -l <said)" -le 1 ]
diag "$(cat said)"
is "the kernel has complained of nothing" "$(kernel_trouble)" ""
check "nothing stays attached" nothing_attached
check "the module can be taken out" rmmod kfunctrace
kfunctrace stat --engine=module -d 1 -k "$kfunc" >stdout 2>stderr
is "without it, --engine=module is an error" $? 2
matches "and says what to do" stderr 'modprobe kfunctrace'
# Other tests want it.
insmod /vm/modules/kfunctrace.ko
done_testing
