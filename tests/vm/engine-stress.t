# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
# machine: --module kfunctrace --mem 768
#
# CPUs and memory fail the module, and it counts right or says that it does not count.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace

is_idle()
{
	grep -qx 'state idle' $CONTROL
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
tried=0
unattached=0
wrong=
n=1
# Each of those at the beginning, then some of those of records while it counts.
while [ $n -le 80 ]; do
	echo $n >$fail
	stat_workload churn --rounds 6 / --engine=module
	status=$?
	[ "$(cat $fail)" = 0 ] || break
	if [ $status -ne 0 ]; then
		failed=$((failed + 1))
		is_idle || wrong="$wrong $n:left"
		grep -q 'not enough memory\|Cannot allocate memory' stderr || wrong="$wrong $n:$(tail -n1 stderr)"
	elif grep -q 'could not be attached' stderr; then
		unattached=$((unattached + 1))
	elif [ -n "$(compare sums)" ]; then
		wrong="$wrong $n:$(compare sums)"
	fi
	tried=$((tried + 1))
	n=$((n + 1 + (n > 26) * 11))
done
echo 0 >$fail
is "an allocation that fails ends it, leaves a kfunc out and says so, or calls are unknown" "$wrong" ''
diag "$tried allocations failed: $failed ended it, $unattached left a kfunc out"
check "all three were seen" [ $failed -gt 5 -a $unattached -gt 0 -a $((failed + unattached)) -lt $tried ]
stat_workload churn --rounds 6 / --engine=module
agrees "afterwards all is as ever" exact $?
done_testing
