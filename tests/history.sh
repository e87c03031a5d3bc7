#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The history when its writer is killed, its disk full, its file damaged, and what report
# says of it. sqlite3(1) tells the truth. Needs a built ./kfunctrace. Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

saver=${SAVER:-build/history-saver}
file=$tmp/history.db
[[ -n ${SAVER-} ]] || make --no-print-directory history-saver >/dev/null || exit

# ask QUERY [FILE]
ask()
{
	sqlite3 -readonly "${2:-$file}" "$1"
}

# The sum in the last line that begins with WORD: last WORD FILE
last()
{
	sed -n "s/^$1 //p" "$2" | tail -n 1
}

# Waits until a saver has written so many lines, whatever they say: said LINES FILE
said()
{
	local i

	for ((i = 0; i < 1200; i++)); do
		(($(wc -l <"$2") < $1)) || return 0
		sleep 0.05
	done
	return 1
}

# --- kill -9 ----------------------------------------------------------------------------------

# What a save was successful for is there after each kill; at most one more, of which nothing could
# be said in time. By hours it is the same as in total. Each is killed at some moment after so many saves.
lost='' differs='' unsound='' early='' kills=0 before=0
for ((i = 0; i < 40; i++)); do
	"$saver" "$file" loop >"$tmp/said" 2>"$tmp/err" &
	pid=$!
	said $((i % 8)) "$tmp/said" || early+="$i "
	sleep "0.0$((RANDOM % 100))"
	kill -9 $pid 2>/dev/null && kills=$((kills + 1))
	wait $pid 2>/dev/null
	sum=$(last saved "$tmp/said")
	sum=${sum:-$before}
	have=$(ask 'SELECT ifnull(sum(calls), 0) FROM totals')
	((have >= sum && have <= sum + 300 * 5)) || lost+="$i: said $sum, have $have; "
	[[ $(ask 'SELECT ifnull(sum(calls), 0) FROM hours') == "$have" ]] || differs+="$i "
	[[ $(ask 'PRAGMA quick_check') == ok ]] || unsound+="$i "
	before=$have
done
is "it was killed while it saved" "$kills" 40
is "after none, or several saves" "$early" ""
is "no kill loses what was saved" "$lost" ""
is "sums by hours are those in total" "$differs" ""
is "the file is sound after each" "$unsound" ""
is "and was never moved aside" "$(compgen -G "$tmp/*corrupt*")" ""
is "counters go on where they were" "$("$saver" "$file" once 5)" "saved $((before + 5))"

# What a deleted file leaves is not taken for that of the next.
"$saver" "$file" loop >"$tmp/said" 2>"$tmp/err" &
pid=$!
said 1 "$tmp/said"
kill -9 $pid
wait $pid 2>/dev/null
rm "$file"
is "a WAL without its file is of no account" "$([[ -s $file-wal ]] && "$saver" "$file" once 3)" "saved 3"

# --- a full disk ------------------------------------------------------------------------------

# In a mount namespace of its own: a file system of 1 MB, which is made larger in the end.
cat >"$tmp/full-disk" <<-'EOT'
	set -u
	mount -t tmpfs -o size=1m none "$1/mnt" || exit 77
	"$2" "$1/mnt/history.db" once 7 >/dev/null || exit 1
	head -c 600k /dev/zero >"$1/mnt/filler"
	"$2" "$1/mnt/history.db" loop 10 >"$1/said" 2>"$1/err" &
	pid=$!
	for ((i = 0; i < 300; i++)); do
		grep -q failed "$1/said" && break
		sleep 0.1
	done
	# Now and then a save still fits. What is asked is compared with what had been said before when no
	# save succeeded meanwhile, nor the one that was under way.
	for ((i = 0; i < 100; i++)); do
		cp "$1/said" "$1/said-before"
		sqlite3 -readonly "$1/mnt/history.db" 'SELECT sum(calls) FROM hours' >"$1/while-full"
		said $(($(wc -l <"$1/said") + 1)) "$1/said" || exit 1
		before=$(wc -l <"$1/said-before")
		tail -n +$((before + 1)) "$1/said" | grep -q saved || break
	done
	last saved "$1/said-before" >"$1/saved-before"
	mount -o remount,size=64m "$1/mnt"
	failed=$(last failed "$1/said")
	for ((i = 0; i < 300; i++)); do
		(($(last saved "$1/said") > failed)) && break
		sleep 0.1
	done
	kill -9 $pid
	wait $pid
	last saved "$1/said" >"$1/saved-after"
	echo "$failed" >"$1/failed"
	sqlite3 -readonly "$1/mnt/history.db" 'SELECT sum(calls) FROM totals' >"$1/totals"
	sqlite3 -readonly "$1/mnt/history.db" 'SELECT sum(calls) FROM hours' >"$1/hours"
	ls "$1/mnt" >"$1/files"
	exit 0
EOT
mkdir "$tmp/mnt"
export -f said last
if ((EUID == 0)) && unshare -m true 2>/dev/null; then
	unshare -m bash "$tmp/full-disk" "$tmp" "$saver" 2>"$tmp/log"
	ok $? "the aggregator outlives a full disk" "$(cat "$tmp/log" "$tmp/err")"
	is "what was saved before is there while it is full" \
		"$(cat "$tmp/while-full")" "$(cat "$tmp/saved-before")"
	[[ $(cat "$tmp/failed") -gt $(cat "$tmp/saved-before") ]]
	ok $? "it counted while it was full" "$(cat "$tmp/failed" "$tmp/saved-before")"
	[[ $(cat "$tmp/saved-after") -gt $(cat "$tmp/failed") && $(cat "$tmp/totals") -ge $(cat "$tmp/saved-after") ]]
	ok $? "when there is room again, everything is saved" \
		"saved $(cat "$tmp/saved-after"), have $(cat "$tmp/totals")"
	is "and once" "$(cat "$tmp/hours")" "$(cat "$tmp/totals")"
	is "nothing was moved aside" "$(grep -c corrupt "$tmp/files")" 0
else
	skip "a full disk" "this takes root and a mount namespace"
fi

# --- a damaged file ---------------------------------------------------------------------------

# Wherever it is damaged, nothing crashes; the file is moved aside, or nothing was wrong with it.
wrong='' aside=0
mkdir "$tmp/damaged"
"$saver" "$tmp/whole.db" days 2 1000 >/dev/null
for ((i = 0; i < 25; i++)); do
	rm -f "$tmp"/damaged/*
	cp "$tmp/whole.db" "$tmp/damaged/history.db"
	size=$(stat -c %s "$tmp/whole.db")
	dd if=/dev/urandom of="$tmp/damaged/history.db" bs=1 seek=$((RANDOM * 32768 % size + RANDOM % 4096)) \
		count=$((1 + RANDOM % 3000)) conv=notrunc 2>/dev/null
	./kfunctrace report --history "$tmp/damaged/history.db" >/dev/null 2>"$tmp/err"
	(($? == 0 || $? == 2)) || wrong+="$i: report: status $?; "
	said=$("$saver" "$tmp/damaged/history.db" once 3 2>"$tmp/err") ||
		wrong+="$i: status of saver, $(cat "$tmp/err"); "
	[[ $(ask 'PRAGMA quick_check' "$tmp/damaged/history.db") == ok ]] || wrong+="$i: unsound; "
	if compgen -G "$tmp/damaged/history.db.corrupt-*" >/dev/null; then
		aside=$((aside + 1))
		[[ $said == "saved 3" ]] || wrong+="$i: $said; "
		grep -q 'is corrupt: moved to' "$tmp/err" || wrong+="$i: not said; "
	fi
done
is "a damaged file stops nobody" "$wrong" ""
((aside > 5))
ok $? "most damages are seen" "$aside of 25"

# --- reports ----------------------------------------------------------------------------------

rm -f "$tmp"/whole.db*
"$saver" "$tmp/whole.db" days 5 300 >/dev/null
./kfunctrace report --json --history "$tmp/whole.db" -o "$tmp/report" 2>"$tmp/err"
is "report reads it" "$? $(cat "$tmp/err")" "0 "
is "its calls are those of the hours" "$(jq '[.uses[].calls] | add' "$tmp/report")" \
	"$(ask 'SELECT sum(calls) FROM hours' "$tmp/whole.db")"
is "a use for each pair" "$(jq '.uses | length' "$tmp/report")" 300
is "points add up to the same" "$(jq '[.points[].calls] | add' "$tmp/report")" $((300 * 5 * 24))
./kfunctrace report --json --history "$tmp/whole.db" -k kfunc_3 >"$tmp/report"
is "of one kfunc" "$(jq -c '[(.uses | length), ([.uses[].calls] | add)]' "$tmp/report")" "[6,720]"
since=$(date -d '30 hours ago' +%Y-%m-%dT%H:%M)
until=$(date -d "$since 24 hours" +%Y-%m-%dT%H:%M)
./kfunctrace report --json --history "$tmp/whole.db" --since "$since" --until "$until" >"$tmp/report"
hour=$(($(date -d "$since" +%s) / 3600 * 3600))
is "of a part of the time, in whole hours" "$(jq '[.uses[].calls] | add' "$tmp/report")" \
	"$(ask "SELECT sum(calls) FROM hours WHERE hour >= $hour AND hour < $(date -d "$until" +%s)" "$tmp/whole.db")"
./kfunctrace report --history "$tmp/whole.db" >"$tmp/out" 2>"$tmp/err"
is "in words too" "$? $(cat "$tmp/err")" "0 "
matches "with the source" "$tmp/out" "$tmp/whole.db"
./kfunctrace report --history "$tmp/whole.db" --deprecations >"$tmp/out" 2>"$tmp/err"
is "somebody uses a deprecated kfunc: exit status 1" "$? $(cat "$tmp/err")" "1 "
matches "which is named" "$tmp/out" 'kfunc_7'
matches "with what to call instead" "$tmp/out" 'kfunc_8'
./kfunctrace report --history "$tmp/whole.db" --deprecations -k kfunc_1 >"$tmp/out" 2>"$tmp/err"
is "nobody uses one of these: exit status 0" "$?" 0

# While it is written, each report is as of one moment, and later ones have more.
"$saver" "$file" loop 5 >"$tmp/said" 2>"$tmp/err" &
pid=$!
wrong='' before=0
for ((i = 0; i < 15; i++)); do
	have=$(./kfunctrace report --json --history "$file" 2>>"$tmp/err" | jq '[.uses[].calls] | add')
	((${have:-0} >= before)) || wrong+="$before, then $have; "
	before=${have:-0}
done
kill -9 $pid
wait $pid 2>/dev/null
is "it is read while it is written" "$wrong$(cat "$tmp/err")" ""

./kfunctrace report --history "$tmp/none.db" >"$tmp/out" 2>"$tmp/err"
is "no file: exit status 2" "$?" 2
matches "which is said" "$tmp/err" "there is no history $tmp/none.db"
sqlite3 "$tmp/whole.db" 'PRAGMA user_version = 9'
sum=$(sha256sum <"$tmp/whole.db")
./kfunctrace report --history "$tmp/whole.db" >"$tmp/out" 2>"$tmp/err"
is "a file of a later version: exit status 2" "$?" 2
matches "which is said too" "$tmp/err" 'is of version 9'
"$saver" "$tmp/whole.db" once 1 >"$tmp/out" 2>"$tmp/err"
is "nor is it written to" "$? $(sha256sum <"$tmp/whole.db")" "1 $sum"
if ((EUID == 0)) && command -v setpriv >/dev/null; then
	chmod 755 "$tmp"
	cp kfunctrace "$tmp/kfunctrace"
	setpriv --reuid=65534 --clear-groups "$tmp/kfunctrace" report --history "$file" >"$tmp/out" 2>"$tmp/err"
	is "others may not read it: exit status 2" "$?" 2
	matches "which is said as well" "$tmp/err" 'cannot read the history .*: Permission denied'
	# A copy in a folder where nothing can be written.
	mkdir "$tmp/copy"
	sqlite3 "$file" ".backup $tmp/copy/history.db"
	chmod 444 "$tmp/copy/history.db"
	setpriv --reuid=65534 --clear-groups "$tmp/kfunctrace" report --history "$tmp/copy/history.db" --json \
		>"$tmp/report" 2>"$tmp/err"
	is "they may read a copy" "$? $(cat "$tmp/err")" "0 "
	is "with nothing written beside it" "$(ls "$tmp/copy")" history.db
else
	skip "another user's report" "this takes root and setpriv"
fi
done_testing
