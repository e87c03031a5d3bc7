# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash disable=SC2086 # several words in a variable
# long: trixie
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace
#
# Nobody takes the module away from those who use it: while perf, bpftrace or our own program
# listens or counts it stays. What ftrace alone records (trace-cmd) the kernel itself takes off.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh
# Kfuncs of what is called all the time; to take probes off all takes long.
few=
for kfunc in $(workload --kfuncs churn); do
	few="$few -k $kfunc"
done

MODULE=/vm/modules/kfunctrace.ko
CONTROL=/dev/kfunctrace

is_loaded()
{
	lsmod | grep -q '^kfunctrace '
}

load()
{
	is_loaded || insmod $MODULE
}

cat >until-stop <<EOF
#!/bin/sh
echo >$PWD/started
until [ -e $PWD/stop ]; do
	sleep 0.1
done
EOF
chmod +x until-stop

# One that uses it, in the background: use COMMAND...
use()
{
	rm -f stop started
	"$@" >use.out 2>use.err &
	user_pid=$!
}

# While it is used the module stays, and that is said; afterwards it goes.
is_kept_by()
{
	local who=$1 status

	wait_for 60 test -e started || diag "$who does not start: $(tail -n 5 use.out use.err)"
	# Some begin with their command, and not before it.
	sleep 1
	rmmod kfunctrace 2>rmmod.err
	status=$?
	is "while $who uses it, the module is not unloaded" \
		"$status $(grep -cE 'temporarily unavailable|busy' rmmod.err) $(lsmod | grep -c '^kfunctrace ')" "1 1 1"
	touch stop
	wait $user_pid
	check "and once $who has ended, it is" wait_for 30 rmmod kfunctrace
	load
}

# Somebody calls kfuncs all the time, on both CPUs.
load_pids=
for cpu in 0 1; do
	(while [ ! -e end ]; do
		nice taskset $((1 << cpu)) workload --truth /dev/null --rounds 100 churn >/dev/null 2>&1
	done) &
	load_pids="$load_pids $!"
done
load

use perf record -q -a -o /dev/null -e 'kfunc:*' ./until-stop
is_kept_by "perf record"
use perf stat -a -e kfunc:kfunc_call ./until-stop
is_kept_by "perf stat"
use bpftrace -c "/bin/sh $PWD/until-stop" -e 'tracepoint:kfunc:kfunc_call { @ = count(); }'
is_kept_by bpftrace
use kfunctrace stat --events $few -- ./until-stop
is_kept_by "kfunctrace stat --events"
use kfunctrace refs --objects --events -t "$PARKED_TYPE" -- ./until-stop
is_kept_by "kfunctrace refs --events"
use kfunctrace stat --engine=module $few -- ./until-stop
is_kept_by "kfunctrace stat --engine=module"
use sh -c "exec ./until-stop <$CONTROL"
is_kept_by "whoever has its control file open"

# ftrace does not hold a module for its events: they are disabled, and go.
rm -f stop started
trace-cmd record -q -o trace.dat -e kfunc ./until-stop >trace-cmd.out 2>&1 &
user_pid=$!
wait_for 60 test -e started
sleep 1
rmmod kfunctrace 2>rmmod.err
diag "rmmod: $? $(cat rmmod.err)"
touch stop
wait $user_pid
is "trace-cmd ends well when the module goes, or it was kept" "$?" 0
load
is "the events are there again, and off" "$(cat "$TRACEFS/events/kfunc/enable")" 0

# Listeners that come and go, while the module does.
touch listening
(while [ -e listening ]; do
	perf stat -a -e 'kfunc:*' sleep 0.05 >/dev/null 2>&1
	sleep 0.1
done) &
perf_pid=$!
(while [ -e listening ]; do
	echo 1 >"$TRACEFS/events/kfunc/enable"
	echo 0 >"$TRACEFS/events/kfunc/enable"
	sleep 0.02
done) 2>/dev/null &
ftrace_pid=$!
unloaded=0
refused=0
while [ $((unloaded + refused)) -lt 30 ]; do
	if rmmod kfunctrace 2>/dev/null; then
		unloaded=$((unloaded + 1))
		insmod $MODULE || break
	else
		refused=$((refused + 1))
	fi
done
rm listening
wait $perf_pid $ftrace_pid
diag "unloaded $unloaded times, refused $refused times"
check "while listeners come and go it is unloaded, or refuses" [ $((unloaded + refused)) = 30 -a $unloaded -gt 0 ]
load
perf stat -a -x, -o perf.csv -e kfunc:kfunc_call kfunctrace stat --events --json -o rows.json \
	$few -- workload --truth /dev/null --rounds 4 churn >stat.out 2>stat.err
is "afterwards events are counted as ever" \
	"$? $(awk -F, '$3 == "kfunc:kfunc_call" { print ($1 > 0) }' perf.csv) $(jq 'map(.calls) | add > 0' rows.json)" \
	"0 1 true"

touch end
wait $load_pids

# Without the load: perf takes long over all programs that came and went.
rm -f stop started
perf record -q -a -o perf.data -e kfunc:kfunc_call ./until-stop >perf.out 2>&1 &
user_pid=$!
wait_for 60 test -e started
kfunctrace stat --events $few -- workload --truth /dev/null --rounds 4 churn >stat.out 2>stat.err
touch stop
wait $user_pid
check "a recording does not keep the module" wait_for 30 rmmod kfunctrace
timeout 120 perf script -i perf.data >perf.txt 2>perf.err
matches "and can be read without it" perf.txt 'kfunc:kfunc_call: kfunc='
load
is "the kernel has complained of nothing" "$(kernel_trouble)" ""
done_testing
