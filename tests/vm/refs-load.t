# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
#
# Bounded room, and watchers that are killed and that come late.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

# --- more objects than there is room for ------------------------------------------

if has_workload refs-many; then
	begin_scenes
	scene refs-many --times 300
	watch_scenes refs --objects --max-objects 64 --json -v -t bpf_cpumask
	status=$?
	check "refs-many can be watched" end_scenes
	ended_well "refs --objects --max-objects 64 ends well" $status
	jq '.types[] | select(.type == "bpf_cpumask")' out.json >masks
	is "the balance is right to the last one" \
		"$(jq -c '[.acquired, .outstanding]' masks)" "[300,300]"
	tracked=$(jq '.objects | length' out.json)
	check "so many are told apart as were asked for, or a quarter more ($tracked)" \
		test "$tracked" -ge 64 -a "$tracked" -le 80
	is "the others are counted as untracked" "$(jq .untracked masks)" $((300 - tracked))
	is "and are among the losses" "$(jq .losses.untracked out.json)" $((300 - tracked))
	matches "-v says how much memory it takes" stderr 'records of references take [0-9]+ KiB'
fi

# --- a watcher that is killed, and another one that comes late ------------------------

# last_line FILE FILTER: of what is printed each second.
last_line()
{
	[ -s "$1" ] && tail -n 1 "$1" | jq -e "$2" >/dev/null 2>&1
}

both_watch()
{
	last_line live.json .seconds && last_line balance.json .seconds
}

both_have_seen()
{
	last_line live.json ".types[0].released_by_maps >= $1" &&
		last_line balance.json ".types[0].released_by_maps >= $1"
}

begin_scenes
scene "$PARKING"
kfunctrace refs --objects --json -i 1 -o live.json -t "$PARKED_TYPE" 2>stderr &
watcher=$!
check "the first watcher watches" wait_for 60 last_line live.json .seconds
play_scenes
kill -9 $watcher
wait $watcher 2>/dev/null
cp "scenes/$PARKING.truth" truth.json
outstanding=$(jq '.types[0].outstanding' truth.json)
check "of a killed one nothing stays attached" wait_for 60 nothing_traces

# One that tells objects apart, and one that does not.
rm -f live.json
kfunctrace refs --objects --json -i 1 -o live.json -t "$PARKED_TYPE" 2>stderr &
watcher=$!
kfunctrace refs --json -i 1 -o balance.json -t "$PARKED_TYPE" 2>balance.err &
another=$!
check "two others watch" wait_for 60 both_watch
is "they know of none that are held" \
	"$(tail -n 1 live.json | jq -c .objects) $(tail -n 1 balance.json | jq -c .types)" "[] []"
check "$PARKING ends" end_scenes
# The kernel takes its time to destroy maps.
check "all is released, then" wait_for 60 both_have_seen "$outstanding"
kill -INT $watcher $another
wait $watcher
ended_well "Ctrl-C ends the one" $?
wait $another
ended_well "Ctrl-C ends the other" $?
tail -n 1 live.json | jq -c '.types[0] | [.released_by_maps, .before_start, .outstanding]' >have
is "what it did not see acquired is from before the start" "$(cat have)" \
	"[$outstanding,$outstanding,0]"
is "no program is said to have acquired it" \
	"$(tail -n 1 live.json | jq -c '[.objects, .holding]')" "[[],[]]"
is "nothing is outstanding in the balance, at no time" "$(jq -c '.types[]
	| select(.outstanding != 0 or .before_start != .released_by_maps)' balance.json)" ""
is "all was from before its start" "$(tail -n 1 balance.json | jq -c '.types[0]
	| [.released_by_maps, .before_start]')" "[$outstanding,$outstanding]"

check "nothing stays attached" nothing_attached
done_testing
