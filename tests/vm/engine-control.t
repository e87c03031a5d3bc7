# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
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
# Other tests want it.
insmod /vm/modules/kfunctrace.ko
done_testing
