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

# CPU 1 goes, and it is true.
take_off()
{
	echo 0 >$cpu1 && [ "$(cat $cpu1)" = 0 ]
}

# It goes and comes until there is a file `stop`, and how often is in `transitions`. There is `begun`
# after the first time, `often` after the fourth, and after some tries anyway.
come_and_go()
{
	local tries=0 n=0

	while [ ! -e stop ]; do
		tries=$((tries + 1))
		take_off && echo 1 >$cpu1 && n=$((n + 1))
		[ $n -lt 1 -a $tries -lt 50 ] || touch begun
		[ $n -lt 4 -a $tries -lt 50 ] || touch often
		sleep 0.1
	done
	echo $n >transitions
}

if [ -e $cpu1 ]; then
	for name in two-programs mix; do
		rm -f stop begun often
		come_and_go &
		pid=$!
		# It begins to call when CPU 1 has been off, and stays until it has been often.
		stat_workload $name --times 8000 --wait begun --hold often / --engine=module
		agrees "$name: while CPU 1 comes and goes, sums are exact" sums $?
		is "$name: and nothing is unknown" "$(unknown_calls)" 0
		touch stop
		wait $pid
		check "$name: it came and went $(cat transitions) times" [ "$(cat transitions)" -ge 4 ]
		is "$name: and is there" "$(cat $cpu1)" 1
	done

	# What it has counted is read while it is off.
	kfuncs=
	for kfunc in $(workload --kfuncs two-programs); do
		kfuncs="$kfuncs -k $kfunc"
	done
	# shellcheck disable=SC2086 # several options
	kfunctrace stat --engine=module $kfuncs --keep -- true >stdout 2>stderr
	is "a counting goes on" $? 0
	for n in 1 2 3; do
		workload --cpu 1 --truth on.$n.json two-programs >/dev/null
		check "CPU 1 goes ($n)" take_off
		workload --truth off.$n.json two-programs >/dev/null
		kfunctrace stat --engine=module --json >rows.json 2>stderr
		status=$?
		jq -s --argjson inlined "$(inlined_kfuncs)" \
			'add | map(select(.kfunc | IN($inlined[]) | not))' on.*.json off.*.json >truth.json
		agrees "its calls are there while it is not ($n)" sums $status
		is "and none is unknown ($n)" "$(unknown_calls)" 0
		echo 1 >$cpu1
	done
	check "the counting ends" kfunctrace stat --stop
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
