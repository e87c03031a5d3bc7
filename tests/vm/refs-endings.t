# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
#
# Bad input is refused, output that cannot be written is told, and whatever ends it: nothing stays.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

# refuses WHAT MESSAGE ARGUMENT...
refuses()
{
	local what=$1 message=$2

	shift 2
	kfunctrace "$@" >stdout 2>stderr </dev/null
	is "$what: exit status 2" $? 2
	matches "$what: it is said" stderr "$message"
}

refuses "no objects at all" '--max-objects takes a number from 1' refs --objects --max-objects 0
refuses "too many objects" '--max-objects takes a number' refs --objects --max-objects 99999999999
refuses "an age that is none" "--min-age takes a time like .*, not 'old'" refs --objects --min-age old
refuses "an age below zero" '--min-age takes a time' refs --objects --min-age=-1s
refuses "--stale of no objects" 'add --objects' refs --stale
refuses "--min-age of no objects" 'add --objects' refs --min-age 1s
refuses "--stack of no events" 'add --zero' refs --objects --stack
refuses "two modes" 'exclude each other' refs --objects --zero
refuses "an unknown order" "--sort takes age or count, not 'size'" refs --objects --sort size
refuses "a type that is nowhere" 'no function of this kernel' refs -t no_such_type -d 1
refuses "a module that is nowhere" 'no function of this kernel' refs -m no_such_module -d 1
refuses "too many events" '--max-events takes a number' refs --zero --max-events=-1
refuses "--pairs with a command" 'watches nothing' refs --pairs -- true
refuses "trace of nothing" '--refs' trace -d 1
refuses "a ring that is no power of two" 'a power of two' trace --refs --ring-size 5
refuses "a ring without room" '--ring-size takes a number from 4' trace --refs --ring-size 0
refuses "an output that cannot be opened" 'cannot write to /nonexistent/x' \
	refs -t "$PARKED_TYPE" -o /nonexistent/x -- true

# --- where the results go -----------------------------------------------------------

kfunctrace refs -t "$PARKED_TYPE" -o /dev/full -- workload "$PAIRING" >stdout 2>stderr
is "a full disk: exit status 2" $? 2
matches "a full disk: it is said" stderr 'cannot write to /dev/full'
matches "a full disk: the totals are on standard error" stderr "^$PARKED_TYPE +[0-9,]+ "

# Who reads may go: a line is enough.
mkfifo pipe
head -n 1 pipe >line &
reader=$!
timeout 120 kfunctrace trace --refs --json -t "$PARKED_TYPE" -o pipe -- \
	workload "$PAIRING" >stdout 2>stderr
status=$?
check "trace into a pipe that is closed ends (status $status)" test $status != 124
wait $reader
is "what was read is a line of it" "$(jq -r .type line)" "$PARKED_TYPE"

kfunctrace refs --zero --json -i 1 -o live.json -t "$PARKED_TYPE" 2>stderr &
watcher=$!
wait_for 60 test -s live.json
kill -INT $watcher
wait $watcher
ended_well "Ctrl-C ends it well" $?
check "it has printed what it knew" jq -e .seconds live.json

check "nothing stays attached" nothing_attached
done_testing
