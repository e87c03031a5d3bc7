# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace --add Documentation/events.rst --add scripts/kfunc-refcount-zero.bt --add scripts/kfunc-held.bt --add scripts/kfunc-deprecated.bt
#
# The ready scripts (scripts/*.bt) beside workloads that make what they look for, and what events say
# of how long something was held.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh
. /root/vm/events_lib.sh

# bpftrace NAME SCRIPT
run_script()
{
	listen "$1" bpftrace -c "/bin/sh $PWD/until-stop $1" "/root/$2"
}

# --- refcount-zero ----------------------------------------------------------------------------

if has_workload refs-zero; then
	begin_scenes
	scene refs-zero
	run_script zero kfunc-refcount-zero.bt
	watch_scenes refs --zero --events --json
	status=$?
	heard zero
	check "refs-zero can be watched" end_scenes
	ended_well "refs --zero --events ends well" $status
	same "kfunc-refcount-zero.bt names each kfunc and program, with the number" \
		"$(sed -nE 's/^@refcount_zero\[([^,]*), ([^,]*), [^,]+\]: /\2 \1 /p' zero.log | sort)" \
		"$(true_zeros)"
else
	skip "kfunc-refcount-zero.bt names each kfunc and program" "nothing makes one on this kernel"
fi

# --- holding times, and what is stale ---------------------------------------------------------

now_ns()
{
	awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime
}

holding_times()
{
	begin=$(now_ns)
	begin_scenes
	scene "$PARKING"
	record objects -e 'kfunc:*'
	read_text kfunc_release
	run_script held kfunc-held.bt
	watch_scenes refs --objects --events --json -t "$PARKED_TYPE"
	status=$?
	heard objects
	heard held
	text_of releases.txt
	check "$PARKING can be watched" end_scenes
	ended_well "refs --objects --events ends well" $status
	longest=$(($(now_ns) - begin))
	perf script -i objects.data -F event,trace >objects.txt 2>perf.err

	# values EVENT FIELD
	values()
	{
		sed -nE "s/.*kfunc:$1: .* $2=([^ ]*).*/\\1/p" objects.txt
	}

	same "each acquire, and each release by a program, is there" \
		"$(values kfunc_acquire type | wc -l) $(values kfunc_release prog | grep -cvx kernel)" \
		"$(jq -r '.types | "\(map(.acquired) | add) \(map(.released) | add)"' truth.json)"
	grep 'kfunc_release: .* prog=kernel ' releases.txt >by_maps
	same "and in the kernel's own text each by a map" "$(wc -l <by_maps)" \
		"$(jq '[.types[].released_by_maps] | add' truth.json)"
	# What is released in a bpf() system call neither a BPF program nor perf beside one hears of.
	same "perf has them but for those that a deletion made" \
		"$(values kfunc_release prog | grep -cx kernel)" "$(grep -cv '^ *workload-' by_maps)"
	is "an acquire has no holding time" "$(values kfunc_acquire duration_ns | sort -u)" -1
	values kfunc_release duration_ns | grep -vx -- -1 >held
	# shellcheck disable=SC2016 # for awk
	check "some releases have one, which is as long as the run at most" \
		awk -v longest=$longest '$1 <= 0 || $1 > longest { exit 1 } END { exit !NR }' held
	same "kfunc-held.bt has these in its histograms" \
		"$(sed -nE 's/^[[(][^|]*[])] +([0-9]+) \|.*/\1/p' held.log | awk '{ sum += $1 } END { print sum + 0 }')" \
		"$(wc -l <held)"
	matches "by type" held.log "^@held_us\\[$PARKED_TYPE\\]:"

	report_on objects.data
	same "a report on the recording has as many stale objects and references as the truth" \
		"$(jq -c '[(.objects | length), ([.objects[].references] | add // 0), ([.references[].stale // 0] | add)]' report.json)" \
		"$(jq -c --arg type "$PARKED_TYPE" '.parked // [] | map(select(.stale and .type == $type))
			| [(map(.pid) | unique | length), (map(.references) | add // 0), (map(.references) | add // 0)]' truth.json)"
	is "what is stale is held for some time, and no longer than the run" \
		"$(values kfunc_stale duration_ns | awk -v longest=$longest '$1 <= 0 || $1 > longest')" ""
}

if has_workload refs-park; then
	holding_times
else
	skip "events have holding times, and what is stale" "nothing can be parked on this kernel"
fi

# --- deprecated kfuncs ------------------------------------------------------------------------

# Deprecated is what a catalogue says: here one of the test's own.
workload --truth truth.json mix >log
kfunc=$(jq -r --argjson inlined "$(inlined_kfuncs)" \
	'map(select(.caller == "program" and (.kfunc | IN($inlined[]) | not))) | max_by(.calls).kfunc' truth.json)
mkdir -p catalogue/deprecations.d
printf '[%s]\nkind = deprecated\nreplacement = something_better, or none\n' "$kfunc" \
	>catalogue/deprecations.d/own.ini
record deprecated -e kfunc:kfunc_deprecated
run_script script kfunc-deprecated.bt
KFUNCTRACE_CONFIG=$PWD/catalogue kfunctrace stat --events -k "$kfunc" --json -o stat.json -- \
	workload --truth truth.json mix >log 2>stderr
ended_well "stat --events ends well" $?
heard deprecated
heard script
same "kfunc-deprecated.bt names each program and what to call instead" \
	"$(sed -nE 's/^@deprecated\[([^,]*), ([^,]*), something_better, or none\]: /\2 \1 /p' script.log | sort)" \
	"$(true_calls ". == \"$kfunc\"")"
kfunctrace report --perf deprecated.data --deprecations --json >report.json 2>report.err
is "report --perf --deprecations finds a use: exit status 1" "$? $(cat report.err)" "1 "
same "it has each call of a deprecated kfunc" "$(reported_calls)" "$(true_calls ". == \"$kfunc\"")"
is "and what to call instead" \
	"$(jq -r '.deprecations[] | "\(.kfunc) \(.deprecated) \(.replacement) \(.used)"' report.json)" \
	"$kfunc deprecated something_better, or none true"
kfunctrace report --perf deprecated.data --deprecations -k 'no_such*' >out 2>err
is "of other kfuncs there is none: exit status 0" $? 0
done_testing
