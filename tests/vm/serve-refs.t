# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The aggregator's references: what is outstanding, parked and dead, how long it was held, which counts
# were zero, and floods of events that cannot be consumed.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh
. /root/vm/refs_lib.sh

# type NAME OF-TYPE: what is served of a type
of_type()
{
	value "$1" ".type == \"$2\""
}

# true_of TYPE FIELD
true_of()
{
	jq -r --arg type "$1" "[.types[] | select(.type == \$type).$2] | add // 0" truth.json
}

looked()
{
	drained && sleep 1.5 && drained
}

serve_burst=3
check "serve begins" serve_begin 'kfuncs = bpf_task_* bpf_cgroup_* bpf_kfunc_call_test_*' 'max_objects = 4096'
begin_scenes
scene "$PARKING"
if has_workload refs-cgroup; then
	scene refs-cgroup --times 50
fi
check "programs park references" play_scenes
check "it is looked at" looked
cp metrics.json parked.json
check "and again" looked
end_scenes || not_ok "the scenes end well"

for type in "$PARKED_TYPE" cgroup; do
	[ "$(true_of $type acquired)" != 0 ] || continue
	for field in acquired released outstanding; do
		want=$(true_of $type $field)
		if [ $field = released ]; then
			want=$((want + $(true_of $type released_by_maps)))
		fi
		have=$(jq --arg type $type --arg name "kfunctrace_references_$field" '[.[]
			| select((.name == $name or .name == $name + "_total") and .labels.type == $type).value]
			| add' parked.json)
		is "$type: what is $field is the programs' own truth" "$have" "$want"
	done
	is "$type: what is parked and dead as well" \
		"$(jq --arg type $type '[.[] | select(.name == "kfunctrace_references_stale"
			and .labels.type == $type).value] | add' parked.json)" \
		"$(jq --arg type $type '[.parked[] | select(.type == $type and .stale).references] | add // 0' \
			truth.json)"
done
# Where a program has acquired by several kfuncs and given some back, it is not known by which it has them.
jq -r '.[] | select(.name == "kfunctrace_references_held" and .value > 0)
	| "\(.labels.kfunc) \(.labels.program) \(.value)"' parked.json | sort >told
jq -r '[.parked[] | select(.ambiguous | not)] | group_by([.kfunc, .program])[]
	| "\(.[0].kfunc) \(.[0].program) \(map(.references) | add)"' truth.json | sort >parked
if [ "$PARKED_TYPE" = task_struct ]; then
	same "some of what is outstanding is told of who acquired it" "$([ -s told ] && echo yes)" yes
else
	skip "some of what is outstanding is told of who acquired it" "one object is acquired by several kfuncs on this kernel"
fi
is "and none of it is wrong" "$(grep -vxFf parked told)" ""
if [ "$(jq '[.parked[] | select(.stale)] | length' truth.json)" != 0 ]; then
	matches "what is dead is told" notices.jsonl '"kind": *"stale-reference".*"object_type": *"task_struct"'
	is "once, not at each look" "$(jq -r 'select(.kind == "stale-reference") | "\(.object_type) \(.object)"' \
		notices.jsonl | sort | uniq -d)" ""
else
	skip "what is dead is told" "nothing dies in this kernel's workload"
fi

# What was given back was held for some time: as many as were released after an acquire that was seen.
check "it is looked at" looked
if [ "$PARKED_TYPE" = task_struct ]; then
	same "a time was taken of each reference that was given back, or it is not known who had it" \
		"$(($(value reference_holding_seconds_count) + $(value lost_total '.reason == "holding_times"')))" \
		"$(jq '[.[] | select(.name == "kfunctrace_references_released_total").value] | add' metrics.json)"
else
	skip "a time was taken of each reference that was given back" \
		"this kernel's test object is given back once more than it is acquired"
fi

# --- counts of zero, and a flood of them --------------------------------------------------------

if has_workload refs-zero-flood; then
	before=$(value refcount_zero_total)
	begin_scenes
	scene refs-zero-flood
	check "very many counts are zero at once" play_scenes
	end_scenes || not_ok "the scene ends well"
	check "it is drained" looked
	zeros=$(jq '[.zero[].refcount_zero] | add' truth.json)
	is "each of them is counted" "$(($(value refcount_zero_total) - ${before#-}))" "$zeros"
	events=$(grep -c '"kind": *"refcount-zero"' notices.jsonl)
	is "few are told" "$([ "$events" -ge 1 ] && [ "$events" -le 20 ] && echo yes)" yes
	same "those of which there is no event are counted too" \
		"$([ "$(value lost_total '.reason == "events_left_out"')" -gt $((zeros / 2)) ] && echo yes)" yes
	rss=$(value process_resident_memory_bytes)
	rss=$(jq '.[] | select(.name == "process_resident_memory_bytes").value' metrics.json)
	is "in bounded memory" "$([ "${rss%.*}" -lt $((64 << 20)) ] && echo yes)" yes
else
	skip "a flood of counts that are zero" "this kernel has no such workload"
fi
serve_end
is "it ends" $? 0
done_testing
