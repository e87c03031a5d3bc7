# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
# machine: --module kfunctrace --mem 768
#
# The module comes and goes while programs that call kfuncs do: it counts, or is refused, and leaves
# nothing behind.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
MODULE=/vm/modules/kfunctrace.ko
export PATH="$PATH:/root"

# Kilobytes of per-CPU memory.
percpu_memory()
{
	sed -nE 's/^Percpu: +([0-9]+) kB/\1/p' /proc/meminfo
}

kfuncs=$(workload --kfuncs churn)
patterns=
for kfunc in $kfuncs; do
	patterns="$patterns -k $kfunc"
	echo "1 kfunc $(awk -v name="$kfunc" '$3 == name { print $1; exit }' /proc/kallsyms) $kfunc nulls"
done >commands

# begin_counting COMMAND...: what comes after the module has begun to count. Does not return.
begin_counting()
{
	exec control run '1 begin 4096' "$(sed -n 1p commands)" "$(sed -n 2p commands)" '1 start' "$@"
}

# Programs that come, go and call all the time: load CPU
load()
{
	while [ ! -e stop ]; do
		nice taskset $((1 << $1)) workload --truth /dev/null --rounds 100 churn >/dev/null 2>&1
	done
}

[ -e $MODULE ] || echo "# no $MODULE"
load 0 &
load_pids=$!
load 1 &
load_pids="$load_pids $!"
(begin_counting '=0.2' >/dev/null)
rmmod kfunctrace
percpu=$(percpu_memory)
trouble=
n=0
while [ $n -lt 200 ]; do
	n=$((n + 1))
	insmod $MODULE || trouble="$trouble $n:insmod"
	# To stop counting takes the kernel a while: every fourth time.
	kind=2
	[ $((n % 4)) != 0 ] || kind=$((n / 4 % 5))
	# shellcheck disable=SC2086 # several options
	case $kind in
	0)	# Killed while it counts.
		begin_counting '=300' >run.out &
		pid=$!
		wait_for 60 grep -qx 'state counting' $CONTROL || trouble="$trouble $n:start"
		kill -KILL $pid
		wait $pid 2>/dev/null ;;
	1)	# Taken out while it counts: refused.
		(begin_counting '1 keep' >run.out)
		rmmod kfunctrace 2>/dev/null && trouble="$trouble $n:rmmod"
		control run '1 end' >>run.out ;;
	2)	# Nothing counted.
		: >run.out ;;
	3)	# By the tool.
		kfunctrace stat --engine=module $patterns -d 0.2 >run.out 2>&1 ||
			trouble="$trouble $n:stat" ;;
	4)	# Ended at once, and begun again.
		(begin_counting '1 end' '1 begin 64' >run.out) ;;
	esac
	if grep -q ': E' run.out; then
		trouble="$trouble $n:$(grep ': E' run.out)"
	fi
	wait_for 20 rmmod kfunctrace || trouble="$trouble $n:stays"
done
is "loaded, counting and unloaded $n times under load" "$trouble" ''
touch stop
# shellcheck disable=SC2086 # several numbers
wait $load_pids
rm stop
# The load's own maps come and go as well.
sleep 2
grown=$(($(percpu_memory) - percpu))
diag "per-CPU memory has grown by $grown kB"
check "no per-CPU memory was lost" [ $grown -lt 200 ]
insmod $MODULE
stat_workload churn / --engine=module
agrees "it counts right after that" exact $?
check "and it can be taken out" rmmod kfunctrace
is "the kernel has complained of nothing" "$(kernel_trouble)" ""
done_testing
