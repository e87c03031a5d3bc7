# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# trace --refs says how many events it could not print, and prints for people as well.
# (refs-scenes.t compares each event.)
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

# More than a ring of 4 KiB holds.
name=$PAIRING
has_workload refs-zero-flood && name=refs-zero-flood
begin_scenes
scene "$name" --times 2000
watch_scenes trace --refs --json --ring-size 4 -t "$PARKED_TYPE"
status=$?
check "$name can be traced through a ring that is too small" end_scenes
ended_well "trace --refs ends well" $status
all=$(($(true_events acquire) + $(true_events release) + $(true_events refcount-zero)))
dropped=$(jq -s 'map(select(.event == "dropped").count) | add // 0' out.json)
printed=$(($(events acquire out.json) + $(events release out.json) + $(events refcount-zero out.json)))
is "printed and dropped ($dropped) are all that happened" $((printed + dropped)) $all
check "some were dropped, some were not" test "$dropped" -gt 0 -a "$printed" -gt 0
matches "that and how many is said at the end" stderr \
	"$dropped of $all events were dropped"

# For people.
begin_scenes
scene "$PARKING"
watch_scenes trace --refs --stack -t "$PARKED_TYPE"
status=$?
check "$PARKING can be traced" end_scenes
ended_well "trace --refs without --json ends well" $status
for kind in acquire release; do
	is "each $kind is a line" "$(grep -c "\] $kind: " out.json)" "$(true_events $kind)"
done
program=$(jq -r '.handed_over[0].acquired_by' truth.json)
matches "it names the program and where it called" out.json "acquire: .* by $program \(id [0-9]+\) at .*$program"
matches "the stack has the program as well" out.json "^        $program \[bpf\]"

check "nothing stays attached" nothing_attached
done_testing
