# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# machine: --module kfunctrace --tool perf --tool trace-cmd --tool bpftrace --add Documentation/events.rst --add scripts/kfunc-refcount-zero.bt --add scripts/kfunc-held.bt --add scripts/kfunc-deprecated.bt
#
# trace --events prints and makes events of the same; and from the text of an event nobody learns where
# in memory an object is.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh
. /root/vm/events_lib.sh

begin_scenes
scene "$PARKING"
record all -e kfunc:kfunc_acquire -e kfunc:kfunc_release
read_text kfunc_acquire kfunc_release
watch_scenes trace --refs --events --json --addresses -t "$PARKED_TYPE"
status=$?
heard all
text_of all.text
check "$PARKING can be traced" end_scenes
ended_well "trace --refs --events ends well" $status

# Three times the same, each a file of lines OBJECT EVENT KFUNC PROGRAM TYPE.
fields()
{
	sed -nE 's/.* ?(kfunc_[a-z]+): kfunc=([^ ]*) prog=([^ ]*) .*type=([^ ]*) object=([^ ]*) .*/\5 \1 \2 \3 \4/p' |
		sort
}

perf script -i all.data -F event,trace 2>perf.err | fields >heard
fields <all.text >text
jq -r '"\(.object_address) kfunc_\(.event) \(.kfunc) \(.program // .caller) \(.type)"' out.json | sort >printed

for kind in acquire release; do
	wanted=$(true_events $kind)
	same "each $kind is printed, recorded by perf, and in the kernel's text" \
		"$(for file in printed heard text; do grep -c " kfunc_$kind " $file; done | xargs)" \
		"$wanted $wanted $wanted"
done
same "perf's recording has the kfuncs, programs and addresses that trace prints" "$(cat heard)" "$(cat printed)"

# What happened to each object, whatever it is called.
by_object()
{
	awk '{ object = $1; $1 = ""; happened[object] = happened[object] $0 ";" }
		END { for (object in happened) print happened[object] }' "$1" | sort
}

same "in the text an object has one name, and it alone" "$(by_object text)" "$(by_object printed)"
cut -d' ' -f1 text | sort -u >names
# %p leaves 32 bits of a hash; an address has all 64.
check "which is a hash" awk '!/^00000000[0-9a-f]+$/ || length != 16 { exit 1 } END { exit !NR }' names
cut -d' ' -f1 printed | sed 's/^0x//' | sort -u >addresses
check "trace has told the addresses" awk '!/^ffff[0-9a-f]+$/ || length != 16 { exit 1 } END { exit !NR }' addresses
is "and none of these is in the text" "$(grep -F -f addresses all.text)" ""

check "nothing stays attached" nothing_attached
done_testing
