# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
#
# However it ends, nothing stays attached, and what was counted is not lost.
. /root/vm/lib.sh

kfunc=$(workload --kfuncs two-programs | head -n1)

# Until it says so, it may be interrupted before it counts. What an earlier run has said must be
# gone by then: the shell empties the file only when the next one begins in the background.
counting()
{
	grep -q 'probes attached' stderr
}

# ended_by SIGNAL: stat without end, after a workload.
ended_by()
{
	rm -f rows.json stderr
	kfunctrace stat -v --json -o rows.json -k "$kfunc" -d 300 >stdout 2>stderr &
	pid=$!
	wait_for 60 counting
	workload --truth truth.json two-programs >/dev/null
	kill "-$1" $pid
	wait $pid
	status=$?
	jq --arg k "$kfunc" 'map(select(.kfunc == $k))' truth.json >t.json && mv t.json truth.json
}

for signal in INT TERM; do
	ended_by $signal
	agrees "SIG$signal: what was counted is printed" exact $status
	check "SIG$signal: nothing stays attached" nothing_attached
done
ended_by KILL
check "SIGKILL: nothing stays attached" nothing_attached

# Twice, the second while it detaches.
rm -f stderr
kfunctrace stat -v -d 300 >stdout 2>stderr &
pid=$!
wait_for 120 counting
kill -INT $pid
sleep 0.5
kill -INT $pid 2>/dev/null
wait $pid
status=$?
is "SIGINT twice: it ends well" $status 0
[ $status = 0 ] || diag "$(tail -n 5 stderr)"
check "SIGINT twice: nothing stays attached" nothing_attached

# A reader that goes away.
(
	kfunctrace list 2>stderr
	echo $? >status
) | head -n1 >stdout
wait_for 10 test -s status
check "list into a closed pipe ends" test -s status
diag "exit status $(cat status): $(cat stderr)"
rm -f status
(
	kfunctrace stat -k "$kfunc" -i 1 -d 4 2>stderr
	echo $? >status
) | head -n1 >stdout
wait_for 30 test -s status
check "stat into a closed pipe ends" test -s status
diag "exit status $(cat status): $(cat stderr)"
check "stat into a closed pipe: nothing stays attached" nothing_attached

kfunctrace stat -k 'no_such_kfunc*' -d 1 >stdout 2>stderr
is "a pattern that matches nothing: exit status 2" $? 2
matches "a pattern that matches nothing: the message says so" stderr 'no kfunc .*matches'

# A kfunc of kernel/trace, which is built without ftrace sites.
if kernel_at_least 6.12; then
	blind=bpf_session_cookie
else
	blind=bpf_key_put
fi
kfunctrace stat -k $blind -d 1 >stdout 2>stderr
is "only a kfunc that cannot be traced: exit status 2" $? 2
matches "only a kfunc that cannot be traced: the message names it" stderr "$blind.*site"
stat_workload two-programs / -k $blind $(workload --kfuncs two-programs | sed 's/^/-k /')
agrees "with one that cannot be traced, the others are counted" exact $?
matches "with one that cannot be traced: the message names it" stderr "$blind.*site"

kfunctrace stat -k "$kfunc" -- ./no-such-command >stdout 2>stderr
status=$?
check "a command that does not exist: an exit status that says so ($status)" test $status -ge 2
matches "a command that does not exist: the message names it" stderr 'no-such-command'
check "a command that does not exist: nothing stays attached" nothing_attached

cp /root/kfunctrace /tmp
su nobody -s /bin/sh -c "/tmp/kfunctrace stat -k $kfunc -d 1" >stdout 2>stderr
is "not root: exit status 2" $? 2
check "not root: a message" test -s stderr
diag "$(cat stderr)"

kfunctrace stat --no-such-option >stdout 2>stderr
is "an option that does not exist: exit status 2" $? 2
done_testing
