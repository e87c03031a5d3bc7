# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
# machine: --smp 2
#
# More programs come and go than there are numbers for call sites, rows in tables and room in maps:
# all is told to the last, of the right programs, and nothing is kept of those that are gone.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

ROUNDS=${ROUNDS:-9500}

if [ "$PARKED_TYPE" = task_struct ]; then
	PARKED=bpf_cpumask
else
	PARKED=$PARKED_TYPE
fi

begin_scenes
scene refs-churn --rounds "$ROUNDS"
# shellcheck disable=SC2086 # names are separate words
months -t "$PARKED_TYPE" -t "$PARKED" -o out.json -- sh /root/vm/play.sh $scene_names \
	>stdout 2>stderr
status=$?
check "refs-churn can be watched" end_scenes
ended_well "it is watched to its end" $status
diag "$(jq -c 'del(.calls, .holds, .objects, .rounds)' out.json)"
diag "$(jq -c '.rounds | map([.numbers, .rss_kib])' out.json)"

numbers()
{
	jq "$1" out.json
}

# --- nothing is lost --------------------------------------------------------------

same "each program's calls are the truth, none is unknown" \
	"$(jq -c '.calls | to_entries
		| map({key: .key, value: .value.calls} | select(.key | endswith(" kernel") | not))
		| sort_by(.key)' out.json)" \
	"$(jq -c '[.rows[] | select(.program != null and .program != "" and .calls > 0)
		| {key: "\(.kfunc) \(.program)", value: .calls}] | sort_by(.key)' truth.json)"
same "all that was given back has been told" "$(numbers '[.holds[].count] | add')" \
	"$(jq '[.types[].released] | add' truth.json)"
is "what a pair of programs has handed over is told of no other pair" "$(
	jq -r --slurpfile truth truth.json '.holds | to_entries[]
		| .key as $key | .value.count as $have
		| ($key | split(" ")) as [$by, $to]
		| select($by != "ambiguous")
		| ([$truth[0].handed_over[] | select(.acquired_by == $by and .released_by == $to)
			| .count] | add // 0) as $want
		| select($have > $want) | "\($key): \($have), truth \($want)"' out.json)" ""
is "and no less, but for what cannot be told" "$(
	jq -r --slurpfile truth truth.json '.holds as $holds | $truth[0].handed_over[]
		| .count as $want | .released_by as $to
		| ($holds["\(.acquired_by) \($to)"].count // 0) as $sure
		| ($holds["ambiguous \($to)"].count // 0) as $unsure
		| select($sure + $unsure < $want)
		| "\(.acquired_by) \($to): \($sure) and \($unsure), truth \($want)"' out.json)" ""
is "nothing was of before, and nothing had no room" \
	"$(numbers '[.unmatched, .untracked, .lost_sites, .lost_holds, .lost_releases,
		.lost_programs, .lost_retired] | add')" 0

# --- who holds what is left -----------------------------------------------------------

same "what is held is held" "$(numbers '[.objects[].references] | add')" \
	"$(jq '[.parked[].references] | add' truth.json)"
if [ "$PARKED" = bpf_cpumask ]; then
	same "by the programs that acquired it, which have gone long since" \
		"$(jq -c '[.objects[].holders[]] | group_by(.) | map([.[0], length])' out.json)" \
		"$(jq -c '.parked | map([.program, .references]) | sort' truth.json)"
	is "each is exact, and parked" "$(numbers '[.objects[] | select(.more or (.is_parked | not))]
		| length')" 0
	is "no pair is ambiguous where each object has one holder" \
		"$(jq -r '.holds | keys[] | select(startswith("ambiguous"))' out.json)" ""
	is "of each it is known how long it was held" \
		"$(numbers '[.holds[] | select(.known != .count)] | length')" 0
else
	# There is one object, and more hold it than are named.
	is "by programs that park" \
		"$(jq -r '[.objects[].holders[]] - ["park_one", "park_two"] | length' out.json)" 0
	is "and more than can be named" "$(numbers '[.objects[] | select(.more)] | length')" 1
fi

# --- nothing is kept --------------------------------------------------------------------

check "numbers were used again ($(numbers .taken_again) times)" \
	test "$(numbers .taken_again)" -gt 1000
left=$(jq '[.parked[].references] | add' truth.json)
# The workload's own programs are there, with a site or two each on every CPU.
check "numbers are in use for what is held, and little else ($(numbers .kept.numbers))" \
	test "$(numbers .kept.numbers)" -le $((left + 30))
check "of the programs only those are known that hold something, or are there \
($(numbers .kept.known_programs))" test "$(numbers .kept.known_programs)" -le $((left + 100))
check "few records are in the kernel" \
	test "$(numbers '[.kept.programs, .kept.images, .kept.site_ids] | max')" -le 200
is "its maps take what they took" "$(numbers '.kept.map_bytes <= .rounds[0].map_bytes + 65536')" true
# In the second fifth all tables have come to their size.
check "neither does the process grow: $(numbers '.rounds | (length / 5 | floor) as $n
	| map(.rss_kib) | [.[$n], .[-1]] | tostring')" \
	test "$(numbers '.rounds | (length / 5 | floor) as $n
		| .[-1].rss_kib - .[$n].rss_kib')" -le 2048

check "nothing stays attached" nothing_attached
done_testing
