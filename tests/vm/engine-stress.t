# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --module kfunctrace --mem 768
#
# The module comes and goes under load, CPUs and memory fail it, and it counts right or says that it
# does not count; nothing is left behind.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
MODULE=/vm/modules/kfunctrace.ko
kfuncs=$(workload --kfuncs churn)
patterns=
for kfunc in $kfuncs; do
	patterns="$patterns -k $kfunc"
done

is_idle()
{
	grep -qx 'state idle' $CONTROL
}

# Kilobytes of memory of a kind.
memory()
{
	sed -nE "s/^$1: +([0-9]+) kB/\1/p" /proc/meminfo
}

# --- CPUs ---------------------------------------------------------------------

cpu1=/sys/devices/system/cpu/cpu1/online
if [ -e $cpu1 ]; then
	(while :; do
		echo 0 >$cpu1
		sleep 0.2
		echo 1 >$cpu1
		sleep 0.2
	done) &
	pid=$!
	for name in two-programs mix; do
		stat_workload $name --times 8000 / --engine=module
		agrees "$name: while CPU 1 comes and goes, sums are exact" sums $?
		is "$name: and nothing is unknown" "$(unknown_calls)" 0
	done
	kill $pid
	wait $pid 2>/dev/null
	echo 1 >$cpu1
else
	skip "while CPU 1 comes and goes, sums are exact" "there is no CPU 1 that can be taken off"
fi

# --- memory -------------------------------------------------------------------

fail=/sys/module/kfunctrace/parameters/fail_allocation
failed=0
wrong=
n=1
# Each allocation once, until none is left to fail; those of records while it counts as well.
while [ $n -le 120 ]; do
	echo $n >$fail
	stat_workload churn --rounds 6 / --engine=module
	status=$?
	[ "$(cat $fail)" = 0 ] || break
	if [ $status -ne 0 ]; then
		failed=$((failed + 1))
		is_idle || wrong="$wrong $n:left"
		grep -q 'not enough memory\|Cannot allocate memory' stderr || wrong="$wrong $n:$(tail -n1 stderr)"
	elif [ -n "$(compare sums)" ]; then
		wrong="$wrong $n:$(compare sums)"
	fi
	n=$((n + 1))
done
echo 0 >$fail
is "an allocation that fails ends the counting, or calls are unknown" "$wrong" ''
diag "$((n - 1)) allocations failed, $failed of them ended it"
check "some of them did, and some did not" [ $failed -gt 5 -a $failed -lt $((n - 1)) ]
stat_workload churn --rounds 6 / --engine=module
agrees "afterwards all is as ever" exact $?

# --- unloading under load ------------------------------------------------------

# Programs that come, go and call all the time, on both CPUs.
load()
{
	while [ ! -e stop ]; do
		workload --truth /dev/null --rounds 100 churn >/dev/null 2>&1
	done
}
load &
load_pid=$!
rmmod kfunctrace
insmod $MODULE
rmmod kfunctrace
percpu=$(memory Percpu)
trouble=
n=0
while [ $n -lt 50 ]; do
	n=$((n + 1))
	insmod $MODULE || trouble="$trouble $n:insmod"
	rm -f rows.json
	# shellcheck disable=SC2086 # several options
	case $((n % 5)) in
	0)	# Killed.
		kfunctrace stat --engine=module $patterns -d 300 >stdout 2>stderr &
		pid=$!
		wait_for 60 grep -qx 'state counting' $CONTROL || trouble="$trouble $n:start"
		kill -KILL $pid
		wait $pid 2>/dev/null ;;
	1)	# Taken out while it counts: refused.
		kfunctrace stat --engine=module $patterns --keep -d 0.1 >stdout 2>stderr ||
			trouble="$trouble $n:keep"
		rmmod kfunctrace 2>/dev/null && trouble="$trouble $n:rmmod"
		kfunctrace stat --stop >stdout 2>stderr || trouble="$trouble $n:stop" ;;
	2)	# Nothing counted.
		;;
	*)	kfunctrace stat --engine=module $patterns -d 0.3 >stdout 2>stderr ||
			trouble="$trouble $n:stat" ;;
	esac
	wait_for 20 rmmod kfunctrace || trouble="$trouble $n:stays"
done
is "loaded, counting and unloaded $n times under load" "$trouble" ''
touch stop
wait $load_pid
rm stop
# The load's own maps come and go as well.
sleep 2
grown=$(($(memory Percpu) - percpu))
diag "per-CPU memory has grown by $grown kB"
check "no per-CPU memory was lost" [ $grown -lt 200 ]
insmod $MODULE
stat_workload churn / --engine=module
agrees "it counts right after that" exact $?
check "and it can be taken out" rmmod kfunctrace
done_testing
