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
		check "$command" wait_for 60 grep -q kfunc_call "$TRACEFS/trace"
		echo 0 >"$TRACEFS/events/kfunc/kfunc_call/enable"
		;;
	*)
		eval "$command" </dev/null >out 2>&1
		status=$?
		if [ $status = 0 ] && [ -s out ] && ! grep -qE '^(ERROR|WARNING)' out; then
			ok "$command"
		else
			not_ok "$command" "status $status
$(head -n 20 out)"
		fi
		case $command in
		perf\ stat*acquire*)
			is "perf stat has heard of both" "$(grep -cE ' [1-9][0-9,]* +kfunc:kfunc_' out)" 2 ;;
		perf\ stat*filter*)
			if kernel_at_least 6.2; then
				check "perf stat has heard of that kfunc" \
					grep -qE ' [1-9][0-9,]* +kfunc:kfunc_call' out
			else
				skip "perf stat has heard of that kfunc" "this kernel does not have it"
			fi ;;
		*kfunc_acquire\ \{*)
			check "bpftrace has heard of the programs" grep -q '@\[demo_' out ;;
		*kfunc_refcount_zero\ \{* | *kfunc-refcount-zero.bt | *kfunc-deprecated.bt)
			check "bpftrace listens" grep -qE '^Attaching [1-9][0-9]* probe' out ;;
		*kfunc-held.bt)
			check "the script has heard of releases" grep -qE '^@held_us\[[a-z_]+\]' out ;;
		perf\ script* | trace-cmd\ report*)
			check "the recording has calls by program" grep -qE 'kfunc_call: .*prog=demo_' out ;;
		esac
		;;
	esac
done <commands
kill -TERM "$workload_pid" "$refs_pid" 2>/dev/null
wait
done_testing
