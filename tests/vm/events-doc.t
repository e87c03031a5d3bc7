# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace --add Documentation/events.rst --add scripts/kfunc-refcount-zero.bt --add scripts/kfunc-held.bt --add scripts/kfunc-deprecated.bt
#
# Each command of "Tracing kfuncs with perf, trace-cmd and bpftrace", as it stands there.
. /root/vm/lib.sh

# Something has to happen while they listen.
workload --seconds 1000 demo >log 2>&1 &
workload_pid=$!
# What is behind the sign of root in the text.
sed -n 's/^    # //p' /root/events.rst >commands
is "the text has its commands" "$(wc -l <commands)" 12
cp /root/*.bt .
while read -r command; do
	case $command in
	*\&)
		eval "$command" 2>refs.err
		refs_pid=$!
		# The first events come when all probes are attached.
		echo 1 >"$TRACEFS/events/kfunc/kfunc_call/enable"
		# shellcheck disable=SC2016 # for wait_for to run
		wait_for 60 sh -c 'grep -q kfunc_call /sys/kernel/tracing/trace'
		echo 0 >"$TRACEFS/events/kfunc/kfunc_call/enable"
		ok "$command"
		;;
	*)
		eval "$command" </dev/null >out 2>&1
		status=$?
		if [ $status = 0 ] && [ -s out ]; then
			ok "$command"
		else
			not_ok "$command" "status $status
$(head -n 20 out)"
		fi
		case $command in
		perf\ stat*acquire*)
			check "perf stat has heard some" grep -qE ' [1-9][0-9,]* +kfunc:kfunc_' out ;;
		*kfunc_acquire\ {*)
			if has_workload demo && kernel_at_least 6.12; then
				check "bpftrace has heard of the programs" grep -q '@\[demo_' out
			fi ;;
		perf\ script* | trace-cmd\ report*)
			check "the recording has calls by program" grep -qE 'kfunc_call: .*prog=demo_' out ;;
		esac
		;;
	esac
done <commands
kill -TERM "$workload_pid" "$refs_pid" 2>/dev/null
wait
done_testing
