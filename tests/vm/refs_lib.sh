# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests about references: scenes that are watched, and what is compared
# with their truth. A scene is a workload that waits for the watcher, does what it
# is for, and then holds still with everything parked until the watcher is done:
#
#	begin_scenes
#	scene refs-park
#	scene refs-tasks --threads 2
#	watch_scenes refs --objects --json
#	end_scenes
#
# leaves out.json, stdout, stderr and truth.json, which is that of all of them.

scene_names=
scene_pids=

begin_scenes()
{
	rm -rf scenes out.json truth.json stdout stderr
	mkdir scenes
	scene_names=
	scene_pids=
}

# scene WORKLOAD [OPTION]...
scene()
{
	local name=$1

	shift
	(
		workload --wait "scenes/$name.go" --done "scenes/$name.done" --hold scenes/end \
			--truth "scenes/$name.truth" "$@" "$name" >"scenes/$name.log" 2>&1
		echo $? >"scenes/$name.status"
		# Nobody shall wait for one that has failed.
		touch "scenes/$name.done"
	) &
	scene_names="$scene_names $name"
	scene_pids="$scene_pids $!"
}

# watch_scenes COMMAND-OF-KFUNCTRACE OPTION...
watch_scenes()
{
	# shellcheck disable=SC2086 # names are separate words
	kfunctrace "$@" -o out.json -- sh /root/vm/play.sh $scene_names >stdout 2>stderr
}

# The scenes do it all without a watcher.
play_scenes()
{
	# shellcheck disable=SC2086 # names are separate words
	sh /root/vm/play.sh $scene_names
}

release_scenes()
{
	touch scenes/end
}

# Fails when one of the scenes has failed; never leaves one behind.
end_scenes()
{
	local name failed=0

	for name in $scene_names; do
		touch "scenes/$name.go"
	done
	touch scenes/end
	# shellcheck disable=SC2086 # numbers are separate words
	wait $scene_pids
	for name in $scene_names; do
		[ "$(cat "scenes/$name.status")" = 0 ] && continue
		diag "$name failed: $(tail -n 5 "scenes/$name.log")"
		failed=1
	done
	jq -s 'map(to_entries) | add | group_by(.key)
		| map({key: .[0].key, value: (map(.value) | add)}) | from_entries' \
		scenes/*.truth >truth.json || failed=1
	return $failed
}

# What acquires and what releases on this kernel: compare with it, and once is enough.
pairs()
{
	[ -s pairs.json ] || kfunctrace refs --pairs --json >pairs.json
}

# differences SUBJECT [FILE]: prints how FILE (out.json) differs from truth.json in what
# refs_SUBJECT.jq is about; nothing when it agrees.
differences()
{
	local file=${2:-out.json}

	# Of an empty file jq makes nothing, not even a complaint.
	if [ ! -s "$file" ] || [ ! -s truth.json ]; then
		echo "there is no result or no truth"
		return
	fi
	pairs
	jq -r -L /root/vm --slurpfile truth truth.json --slurpfile pairs pairs.json \
		-f "/root/vm/refs_$1.jq" "$file" 2>&1
}

# tells DESCRIPTION SUBJECT [FILE]: it agrees with the truth.
tells()
{
	local difference

	difference=$(differences "$2" "${3:-}")
	if [ -z "$difference" ]; then
		ok "$1"
	else
		not_ok "$1" "$(echo "$difference" | head -n 30)
$(head -n 10 stderr)"
	fi
}

# ended_well DESCRIPTION STATUS: with what was said when it has not.
ended_well()
{
	if [ "$2" = 0 ]; then
		ok "$1"
	else
		not_ok "$1" "status $2
$(head -n 20 stderr)"
	fi
}

# All scenes about references that this kernel has, but a flood and the one of months.t.
all_scenes()
{
	workload --list | grep '^refs-' | grep -vE '^refs-(zero-flood|churn)$'
}

# Of each not so much that to print each event takes long.
begin_all_scenes()
{
	local name

	begin_scenes
	for name in $(all_scenes); do
		case $name in
		refs-tasks | refs-many)		scene "$name" --times 200 ;;
		refs-cgroup | refs-cpumask)	scene "$name" --times 50 ;;
		refs-local* | refs-test)	scene "$name" --times 50 ;;
		refs-crypto | refs-conntrack)	scene "$name" --times 20 ;;
		*)				scene "$name" ;;
		esac
	done
}

# A workload that parks objects of one type and hands them over, and that type.
# shellcheck disable=SC2034 # for the tests
if has_workload refs-park; then
	PARKING=refs-park
	PARKED_TYPE=task_struct
else
	PARKING=refs-test
	PARKED_TYPE=prog_test_ref_kfunc
fi
# One that acquires and releases, as often as --times says in each of --threads.
# shellcheck disable=SC2034 # for the tests
if has_workload refs-tasks; then
	PAIRING=refs-tasks
else
	PAIRING=refs-test
fi

# Probes of tracefs, which know nothing of ours: count_apart KFUNC... and then hits_apart.
count_apart()
{
	local kfunc

	for kfunc; do
		echo "p:apart/$kfunc $kfunc" >>"$TRACEFS/kprobe_events" 2>/dev/null || continue
		echo 1 >"$TRACEFS/events/apart/$kfunc/enable"
	done
}

# A line for each: name and number of calls.
hits_apart()
{
	awk '{ print $1, $2 + $3 }' "$TRACEFS/kprobe_profile" | sort
	echo 0 >"$TRACEFS/events/apart/enable"
	echo >"$TRACEFS/kprobe_events"
}

# Whatever has been attached to trace is gone; programs of scenes are not of that kind.
nothing_traces()
{
	[ "$(bpftool -j prog show | jq '[.[] | select(.type == "tracing")] | length')" = 0 ]
}

# events KIND FILE: lines of a trace of that kind.
events()
{
	jq -s --arg kind "$1" 'map(select(.event == $kind)) | length' "$2"
}

# As many as the truth has.
true_events()
{
	case $1 in
	acquire)	jq '[.types[].acquired] | add' truth.json ;;
	release)	jq '[.types[] | .released + .released_by_maps] | add' truth.json ;;
	refcount-zero)	jq '[.zero[].refcount_zero] | add // 0' truth.json ;;
	*)		echo 0 ;;
	esac
}
