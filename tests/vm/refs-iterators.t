# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Open-coded iterators: how many were made, destroyed, and how many elements each returned.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

if ! has_workload refs-iterators; then
	kfunctrace refs --iterators -d 1 >stdout 2>stderr
	is "a kernel without iterators: exit status 2" $? 2
	matches "and said" stderr 'no function of this kernel that belongs to an iterator'
	done_testing
	exit
fi

# Iterators whose kfuncs are instructions of the program: nothing calls them.
INLINED=$(inlined_kfuncs | jq -r 'map(capture("^bpf_iter_(?<type>.*)_new$").type) | join(" ")')
export INLINED

kfuncs=$(workload --kfuncs refs-iterators | grep '^bpf_iter_.*_new$')
# shellcheck disable=SC2086 # separate words
count_apart $kfuncs
begin_scenes
scene refs-iterators
watch_scenes refs --iterators --json -v
status=$?
hits_apart | awk '$2 > 0' >hits
check "refs-iterators can be watched" end_scenes
ended_well "refs --iterators ends well" $status
tells "made, failed, destroyed, and the elements of each${INLINED:+, but of $INLINED}" iterators
jq -r '.iterators[] | "bpf_iter_\(.type)_new \(.made + .failed)"' out.json | sort >have
same "kprobe events counted as many constructors" "$(cat have)" "$(cat hits)"
for type in $INLINED; do
	matches "that $type cannot be watched is said" stderr "cannot watch bpf_iter_${type}_new: "
done
done_testing
