# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace
#
# The module's trace events, as perf, trace-cmd and bpftrace see them: all three listen to the
# same run, and count what the workloads say that they have done.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

# The module's formats are an interface: fields are added at the end, and nothing else.
for event in kfunc_call kfunc_acquire kfunc_release kfunc_refcount_zero kfunc_stale kfunc_deprecated; do
	echo "$event"
	# Whether a char has a sign is another thing on 6.1.
	grep -E '^(	field:|print fmt:)' "$TRACEFS/events/kfunc/$event/format" | grep -v ' common_' |
		sed 's/\(char\[\].*\)	signed:.*/\1/'
done >formats
check "the events have the documented formats" diff formats /root/data/event_formats
is "the events' files are for root" "$(stat -c %a "$TRACEFS/events/kfunc/enable")" 640

# What the listeners run: they end with it. (What a shell runs beside it cannot be interrupted.)
cat >until-stop <<EOF
#!/bin/sh
until [ -e $PWD/stop\$1 ]; do
	sleep 0.2
done
EOF
chmod +x until-stop

listen()
{
	rm -f stop stop-trace-cmd
	perf stat -a -x, -o perf.csv -e kfunc:kfunc_call -e kfunc:kfunc_acquire -e kfunc:kfunc_release \
		-e kfunc:kfunc_refcount_zero ./until-stop 2>perf.err &
	perf_pid=$!
	trace-cmd record -q -b 20000 -o trace.dat -e kfunc ./until-stop -trace-cmd >trace-cmd.log 2>&1 &
	trace_cmd_pid=$!
	rm -f bpftrace.out
	bpftrace -c "/bin/sh $PWD/until-stop" -e '
		BEGIN { printf("listening\n"); }
		tracepoint:kfunc:kfunc_acquire { @acquired[str(args->type)] = count(); }
		tracepoint:kfunc:kfunc_release { @released[str(args->type)] = count(); }
		tracepoint:kfunc:kfunc_refcount_zero { @zero[str(args->kfunc)] = count(); }' \
		>bpftrace.out 2>bpftrace.err &
	bpftrace_pid=$!
	wait_for 60 grep -q listening bpftrace.out
	sleep 2
}

# What each has heard ends up in a file of its own.
hear()
{
	# First, and when nobody loads or unloads programs: at its end trace-cmd copies /proc/kallsyms,
	# and gives up when its size changes meanwhile.
	sleep 3
	touch stop-trace-cmd
	wait $trace_cmd_pid
	touch stop
	wait $perf_pid $bpftrace_pid
	trace-cmd report -q trace.dat >trace.txt 2>/dev/null
}

# perf_counted EVENT, trace_cmd_counted EVENT [TEXT], bpftrace_counted MAP KEY
perf_counted()
{
	awk -F, -v event="kfunc:$1" '$3 == event { print $1 }' perf.csv
}

trace_cmd_counted()
{
	grep " $1: " trace.txt | grep -c -- "${2:-}"
}

bpftrace_counted()
{
	sed -n "s/^@$1\\[$2\\]: //p" bpftrace.out
}

# of_truth JQ: a number out of truth.json
of_truth()
{
	jq -r "$1" truth.json
}

if has_workload refs-zero; then
	scenes="refs-tasks refs-cgroup refs-zero"
	types="task_struct cgroup"
else
	scenes=refs-test
	types=prog_test_ref_kfunc
fi
begin_scenes
for name in $scenes; do
	scene "$name"
done
listen
options=
for type in $types; do
	options="$options -t $type"
done
# shellcheck disable=SC2086 # options are separate words
watch_scenes refs --json --events $options
status=$?
hear
check "the scenes can be watched" end_scenes
ended_well "refs --events ends well" $status

for what in acquired released; do
	event=kfunc_acquire
	[ $what = acquired ] || event=kfunc_release
	wanted=0
	for type in $types; do
		count=$(of_truth "[.types[] | select(.type == \"$type\") | .$what + (if \"$what\" == \"released\" then .released_by_maps // 0 else 0 end)] | add // 0")
		same "bpftrace has counted what was $what of $type" "$(bpftrace_counted $what "$type")" "$count"
		same "trace-cmd has recorded it" "$(trace_cmd_counted $event "type=$type ")" "$count"
		wanted=$((wanted + count))
	done
	same "perf has counted all that was $what" "$(perf_counted $event)" "$wanted"
done
if has_workload refs-zero; then
	zeros=$(of_truth '[.zero[].refcount_zero] | add')
	same "perf has counted each refcount-zero" "$(perf_counted kfunc_refcount_zero)" "$zeros"
	same "trace-cmd has recorded them" "$(trace_cmd_counted kfunc_refcount_zero)" "$zeros"
	for kfunc in $(of_truth '[.zero[] | select(.refcount_zero > 0).kfunc] | unique[]'); do
		same "bpftrace has counted those of $kfunc" "$(bpftrace_counted zero "$kfunc")" \
			"$(of_truth "[.zero[] | select(.kfunc == \"$kfunc\").refcount_zero] | add")"
	done
fi
diag "$(tail -n 3 perf.err trace-cmd.log bpftrace.err 2>&1)"
sed -n 's/.* kfunc_call: .*kfunc=\([^ ]*\) prog=\([^ ]*\) prog_id=[1-9].*/\1 \2/p' trace.txt |
	sort | uniq -c | awk '{ print $2, $3, $1 }' >heard
# Programs of one name are one in both; what refs does not watch is in neither.
cut -d' ' -f1 heard | sort -u >watched
jq -r '.rows | map(select(.caller == "program")) | group_by([.kfunc, .program])[]
	| select(map(.calls) | add > 0)
	| "\(.[0].kfunc) \(.[0].program) \(map(.calls) | add)"' truth.json | sort |
	awk 'NR == FNR { watched[$1]; next } $1 in watched' watched - >truth
same "each call's event names the program that called" "$(cat heard)" "$(cat truth)"

# The recording tells the same later, with trace-cmd's library and through perf.
kfunctrace report --perf trace.dat --json >report.json 2>err
is "report --perf reads a recording of trace-cmd" "$? $(cat err)" "0 "
same "it has the calls of each program" \
	"$(jq -r '.uses[] | select(.program_id and .calls > 0) | "\(.kfunc) \(.program) \(.calls)"' report.json | sort)" \
	"$(cat truth)"
head -c 3000 trace.dat >cut.dat
kfunctrace report --perf cut.dat >out 2>err
is "a recording cut short: exit status 2" $? 2
matches "and it is named" err cut.dat

# What refs finds dead and held is an event each time that it reports.
rm -f stop
begin_scenes
if has_workload refs-park; then
	scene refs-park
	perf stat -a -x, -o perf.csv -e kfunc:kfunc_stale ./until-stop 2>perf.err &
	perf_pid=$!
	sleep 2
	watch_scenes refs --objects --stale --events --json
	touch stop
	wait $perf_pid
	check "refs-park can be watched" end_scenes
	same "perf has counted what is stale" "$(perf_counted kfunc_stale)" "$(jq '[.objects[] | select(.stale)] | length' out.json)"
else
	skip "perf has counted what is stale" "nothing can be parked on this kernel"
fi

# stat --events: each call is an event.
rm -f stop
perf stat -a -x, -o perf.csv -e kfunc:kfunc_call ./until-stop 2>perf.err &
perf_pid=$!
sleep 2
kfunctrace stat --events --json -o stat.json -- workload --truth truth.json mix >log 2>stderr
is "stat --events ends well" "$?" 0
touch stop
wait $perf_pid
same "perf has counted each call that stat has" "$(perf_counted kfunc_call)" "$(jq 'map(.calls) | add' stat.json)"
is "stat has not counted the module's own kfuncs" "$(jq 'map(select(.module == "kfunctrace")) | length' stat.json)" 0
# Deprecated is what a catalogue says: here one of the test's own.
kfunc=$(jq -r 'max_by(.calls).kfunc' stat.json)
mkdir -p catalogue/deprecations.d
printf '[%s]\nkind = deprecated\nreplacement = something_better\n' "$kfunc" >catalogue/deprecations.d/own.ini
rm -f stop
perf record -q -a -o perf.data -e kfunc:kfunc_deprecated ./until-stop >perf.out 2>&1 &
perf_pid=$!
sleep 2
KFUNCTRACE_CONFIG=$PWD/catalogue kfunctrace stat --events -k "$kfunc" --json -o stat.json -- workload mix >log 2>stderr
touch stop
wait $perf_pid
perf script -i perf.data 2>perf.err | grep -c "kfunc=$kfunc .* replacement=something_better" >heard
same "each call of a deprecated kfunc is an event with its replacement" "$(cat heard)" "$(jq 'map(.calls) | add' stat.json)"
diag "$(tail -n 3 perf.out perf.err stderr)"
kfunctrace report --perf perf.data --json >report.json 2>err
same "report --perf reads a recording of perf" \
	"$(jq -r '.deprecations[] | "\(.kfunc) \(.replacement)"' report.json)" "$kfunc something_better"
same "with all its events" "$(jq '[.uses[].calls] | add' report.json)" "$(cat heard)"

# Each of two would make them.
rm -f stop started
kfunctrace stat --events -k "$kfunc" -o maker.out -- sh -c 'touch started; exec ./until-stop' 2>maker.err &
maker_pid=$!
wait_for 120 test -e started
kfunctrace stat --events -k "$kfunc" -d 0.1 >out 2>err
is "a second one with --events: exit status 2" $? 2
matches "and it is said why" err 'another kfunctrace makes trace events already'
touch stop
wait $maker_pid

# Probes of the last one are taken off by the kernel in its own time.
check "the module can be unloaded when nobody uses it any more" wait_for 60 rmmod kfunctrace
kfunctrace stat --events -d 1 >out 2>err
is "without the module: exit status 2" $? 2
matches "and it is said what is missing" err 'module kfunctrace.*not loaded'
done_testing
