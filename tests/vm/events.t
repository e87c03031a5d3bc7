# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace
#
# The module's trace events, as perf, trace-cmd and bpftrace see them: all three listen to the
# same run, and count what the workloads say that they have done.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh
. /root/vm/events_lib.sh

# The module's formats are an interface: fields are added at the end, and nothing else.
for event in kfunc_call kfunc_acquire kfunc_release kfunc_refcount_zero kfunc_stale kfunc_deprecated; do
	echo "$event"
	# Whether a char has a sign is another thing on 6.1.
	grep -E '^(	field:|print fmt:)' "$TRACEFS/events/kfunc/$event/format" | grep -v ' common_' |
		sed 's/\(char\[\].*\)	signed:.*/\1/'
done >formats
check "the events have the documented formats" diff formats /root/data/event_formats
is "the events' files are for root" "$(stat -c %a "$TRACEFS/events/kfunc/enable")" 640

# All at once, each in its way.
listen_all()
{
	record perf -e 'kfunc:*'
	listen counts perf stat -a -x, -o perf.csv -e kfunc:kfunc_call -e kfunc:kfunc_acquire \
		-e kfunc:kfunc_release -e kfunc:kfunc_refcount_zero ./until-stop counts
	listen bpftrace bpftrace -c "/bin/sh $PWD/until-stop bpftrace" -e '
		tracepoint:kfunc:kfunc_call /args->prog_id > 0/ { @called[str(args->kfunc), str(args->prog)] = count(); }
		tracepoint:kfunc:kfunc_acquire { @acquired[str(args->type)] = count(); }
		tracepoint:kfunc:kfunc_release { @released[str(args->type)] = count(); }
		tracepoint:kfunc:kfunc_refcount_zero { @zero[str(args->kfunc)] = count(); }'
	listen trace_cmd trace-cmd record -q -b 20000 -o trace.dat -e kfunc ./until-stop trace_cmd
}

# bpf_symbols [FILE]: the names of what is in /proc/kallsyms of BPF, of programs without their tag, of
# trampolines without the number
bpf_symbols()
{
	awk '$4 == "[bpf]" {
		sub(/^bpf_prog_[0-9a-f]*_/, "", $3)
		sub(/^bpf_trampoline_.*/, "bpf_trampoline", $3)
		print $3
	}' "${1:-/proc/kallsyms}" | sort -u
}

programs_are_gone()
{
	! bpf_symbols | grep -qFxf symbols
}

# What each has heard ends up in a file of its own.
hear_all()
{
	# First, and when nobody loads or unloads programs: at its end trace-cmd copies /proc/kallsyms,
	# and gives up when its size changes meanwhile. The kernel frees those of refs in its own time.
	check "the programs of refs are gone" wait_for 60 programs_are_gone
	heard trace_cmd
	missed=$(bpftool -j prog show | jq 'map(select(.type == "tracepoint").recursion_misses // 0) | add // 0')
	for name in perf counts bpftrace; do
		heard $name
	done
	trace-cmd report -q trace.dat >trace.txt 2>/dev/null
	perf script -i perf.data -F event,trace >perf.txt 2>perf.err
}

# perf_counted EVENT, recorded FILE EVENT [TEXT], bpftrace_counted MAP KEY
perf_counted()
{
	awk -F, -v event="kfunc:$1" '$3 == event { print $1 }' perf.csv
}

recorded()
{
	grep "[ :]$2: " "$1" | grep -c -- "${3:-}"
}

bpftrace_counted()
{
	sed -n "s/^@$1\\[$2\\]: //p" bpftrace.log
}

# within WHAT HAVE WANT, of numbers or of lines that end with one: what perf or bpftrace has heard. While a
# task is preempted in a bpf() system call, the kernel runs no BPF program on an event of that CPU, and
# perf does not hear it either: all are there, but for as many as such programs have missed.
within()
{
	if [ "$missed" = 0 ]; then
		same "$@"
		return
	fi
	printf '%s\n' "$2" >have.lines
	printf '%s\n' "$3" >want.lines
	check "$1, but for no more than $missed" awk -v missed="$missed" '
		{ n = $NF; $NF = "" }
		n == "" { next }
		NR == FNR { have[$0] = n; next }
		{ lines++; lost += n - have[$0] }
		n < have[$0] { more = 1 }
		END { exit more || !lines || lost > missed }' have.lines want.lines
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
options=
for type in $types; do
	options="$options -t $type"
done
# Those of refs alone.
# shellcheck disable=SC2086 # options are separate words
kfunctrace refs --json --events $options -o out.json -- cat /proc/kallsyms >kallsyms.refs 2>stderr
bpf_symbols kallsyms.refs >symbols
check "refs has programs in /proc/kallsyms" test -s symbols

begin_scenes
for name in $scenes; do
	case $name in
	# Less than it does by default: all of it is read several times.
	refs-tasks)	scene refs-tasks --times 500 ;;
	*)		scene "$name" ;;
	esac
done
listen_all
# shellcheck disable=SC2086 # options are separate words
watch_scenes refs --json --events $options
status=$?
hear_all
check "the scenes can be watched" end_scenes
ended_well "refs --events ends well" $status

for what in acquired released; do
	event=kfunc_acquire
	[ $what = acquired ] || event=kfunc_release
	wanted=0
	for type in $types; do
		count=$(of_truth "[.types[] | select(.type == \"$type\") | .$what + (if \"$what\" == \"released\" then .released_by_maps // 0 else 0 end)] | add // 0")
		within "bpftrace has counted what was $what of $type" "$(bpftrace_counted $what "$type")" "$count"
		same "trace-cmd has recorded it" "$(recorded trace.txt $event "type=$type ")" "$count"
		within "and so has perf" "$(recorded perf.txt $event "type=$type ")" "$count"
		wanted=$((wanted + count))
	done
	within "perf stat has counted all that was $what" "$(perf_counted $event)" "$wanted"
done
if has_workload refs-zero; then
	zeros=$(of_truth '[.zero[].refcount_zero] | add')
	within "perf stat has counted each refcount-zero" "$(perf_counted kfunc_refcount_zero)" "$zeros"
	same "trace-cmd has recorded them" "$(recorded trace.txt kfunc_refcount_zero)" "$zeros"
	within "and so has perf record" "$(recorded perf.txt kfunc_refcount_zero)" "$zeros"
	for kfunc in $(of_truth '[.zero[] | select(.refcount_zero > 0).kfunc] | unique[]'); do
		within "bpftrace has counted those of $kfunc" "$(bpftrace_counted zero "$kfunc")" \
			"$(of_truth "[.zero[] | select(.kfunc == \"$kfunc\").refcount_zero] | add")"
	done
fi
heard_calls trace.txt >called
# What refs does not watch is in neither.
cut -d' ' -f1 called | sort -u >watched
true_calls 'true' | awk 'NR == FNR { watched[$1]; next } $1 in watched' watched - >truth
same "each call's event names the program that called" "$(cat called)" "$(cat truth)"
within "so it does in the recording of perf" "$(heard_calls perf.txt)" "$(cat truth)"
within "and for bpftrace" "$(sed -nE 's/^@called\[([^,]*), ([^]]*)\]: /\1 \2 /p' bpftrace.log | sort)" \
	"$(cat truth)"
same "perf has recorded as many calls as it has counted" "$(recorded perf.txt kfunc_call)" \
	"$(perf_counted kfunc_call)"

# The recording tells the same later, with trace-cmd's library and through perf.
kfunctrace report --perf trace.dat --json >report.json 2>err
is "report --perf reads a recording of trace-cmd" "$? $(cat err)" "0 "
same "it has the calls of each program" "$(reported_calls)" "$(cat truth)"
kfunctrace report --perf perf.data --json >report.json 2>err
is "and one of perf" "$? $(cat err)" "0 "
within "which has them as well" "$(reported_calls)" "$(cat truth)"
head -c 3000 trace.dat >cut.dat
kfunctrace report --perf cut.dat >out 2>err
is "a recording cut short: exit status 2" $? 2
matches "and it is named" err cut.dat

# What refs finds dead and held is an event each time that it reports.
if has_workload refs-park; then
	begin_scenes
	scene refs-park
	listen counts perf stat -a -x, -o perf.csv -e kfunc:kfunc_stale ./until-stop counts
	watch_scenes refs --objects --stale --events --json
	heard counts
	check "refs-park can be watched" end_scenes
	same "perf has counted what is stale" "$(perf_counted kfunc_stale)" "$(jq '[.objects[] | select(.stale)] | length' out.json)"
else
	skip "perf has counted what is stale" "nothing can be parked on this kernel"
fi

# stat --events: each call is an event.
record calls -e kfunc:kfunc_call
listen counts perf stat -a -x, -o perf.csv -e kfunc:kfunc_call ./until-stop counts
kfunctrace stat --events --json -o stat.json -- workload --truth truth.json mix >log 2>stderr
ended_well "stat --events ends well" $?
heard calls
heard counts
perf script -i calls.data -F event,trace >calls.txt 2>perf.err
heard_calls calls.txt >called
true_calls "IN($(inlined_kfuncs)[]) | not" >truth
same "each call of each program is an event with stat --events" "$(grep -Fx -f truth called)" "$(cat truth)"
# A kfunc that ends in a jump to another leaves it no caller but its own, the program: stat knows better.
grep -vFx -f truth called | awk '{ calls[$1] += $3 } END { for (kfunc in calls) print kfunc, calls[kfunc] }' |
	sort >jumped_to
is "what else is one was a kfunc's last jump" "$(cat jumped_to)" \
	"$(jq -r 'map(select(.caller == "kernel")) | group_by(.kfunc)[] | "\(.[0].kfunc) \(map(.calls) | add)"' stat.json |
		sort | awk 'NR == FNR { heard[$1]; next } $1 in heard' jumped_to -)"
same "stat counts the same as ever" "$(true_calls true stat.json)" "$(cat truth)"
same "perf has counted each call that stat has" "$(perf_counted kfunc_call)" "$(jq 'map(.calls) | add' stat.json)"
is "stat has not counted the module's own kfuncs" "$(jq 'map(select(.module == "kfunctrace")) | length' stat.json)" 0
# Deprecated is what a catalogue says: here one of the test's own.
kfunc=$(jq -r 'max_by(.calls).kfunc' stat.json)
mkdir -p catalogue/deprecations.d
printf '[%s]\nkind = deprecated\nreplacement = something_better\n' "$kfunc" >catalogue/deprecations.d/own.ini
record deprecated -e kfunc:kfunc_deprecated
KFUNCTRACE_CONFIG=$PWD/catalogue kfunctrace stat --events -k "$kfunc" --json -o stat.json -- workload mix >log 2>stderr
heard deprecated
perf script -i deprecated.data 2>perf.err | grep -c "kfunc=$kfunc .* replacement=something_better" >count
same "each call of a deprecated kfunc is an event with its replacement" "$(cat count)" "$(jq 'map(.calls) | add' stat.json)"
diag "$(tail -n 3 perf.err stderr)"
kfunctrace report --perf deprecated.data --json >report.json 2>err
same "report --perf reads a recording of perf" \
	"$(jq -r '.deprecations[] | "\(.kfunc) \(.replacement)"' report.json)" "$kfunc something_better"
same "with all its events" "$(jq '[.uses[].calls] | add' report.json)" "$(cat count)"

# Each of two would make them.
listen maker kfunctrace stat --events -k "$kfunc" -o maker.out -- ./until-stop maker
kfunctrace stat --events -k "$kfunc" -d 0.1 >out 2>err
is "a second one with --events: exit status 2" $? 2
matches "and it is said why" err 'another kfunctrace makes trace events already'
heard maker

# Probes of the last one are taken off by the kernel in its own time.
check "the module can be unloaded when nobody uses it any more" wait_for 60 rmmod kfunctrace
kfunctrace stat --events -d 1 >out 2>err
is "without the module: exit status 2" $? 2
matches "and it is said what is missing" err 'module kfunctrace.*not loaded'
done_testing
