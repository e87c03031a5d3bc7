#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# users on this machine, whatever its kernel allows. Other programs may be loaded here, and come and
# go meanwhile: only our own are looked at. Needs root, ./kfunctrace and build/workloads. Speaks TAP.

set -uo pipefail
export LC_ALL=C.UTF-8

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
kfunctrace=${KFUNCTRACE:-$PWD/kfunctrace}
workload=$PWD/build/workloads/workload
. tests/tap.sh
holder=
watcher=
churn=
chmod 755 "$tmp"

# shellcheck disable=SC2317 # it is called when the shell exits
cleanup()
{
	[[ -z $holder ]] || kill "$holder"
	[[ -z $watcher ]] || kill -KILL "$watcher"
	[[ -z $churn ]] || kill "$churn"
	umount "$tmp/bpf"
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# is TEXT HAVE WANT: nothing to compare with is no success
is()
{
	[[ -n $3 && $2 == "$3" ]]
	ok $? "$1" "have: $2
want: $3"
}

# wait_for SECONDS COMMAND...
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# --- wrong usage ------------------------------------------------------------------------------------

"$kfunctrace" users -d 1 >"$tmp/out" 2>"$tmp/err"
is "-d without --watch is refused" "$? $(cat "$tmp/out" "$tmp/err")" \
	"2 kfunctrace: -d is for --watch: the list is read at once"
"$kfunctrace" users --watch -d 0 >"$tmp/out" 2>"$tmp/err"
is "no time at all is refused" "$? $(wc -l <"$tmp/err")" "2 1"

prefix=()
((EUID)) || prefix=(setpriv --reuid 65534 --regid 65534 --clear-groups)
cp "$kfunctrace" "$tmp/kfunctrace"
for option in --json --watch; do
	"${prefix[@]}" "$tmp/kfunctrace" users $option >"$tmp/out" 2>"$tmp/err"
	is "without privileges $option says what is missing" "$? $(wc -c <"$tmp/out") $(
		grep -c 'not allowed .* run as root' "$tmp/err")" "2 0 1"
done

if ! "$kfunctrace" users --json >"$tmp/users" 2>"$tmp/err"; then
	skip "the census of this machine" "users does not work here: $(head -n 1 "$tmp/err")"
	done_testing
fi

# --- the census ---------------------------------------------------------------------------------------

"$workload" --truth "$tmp/truth" --times 1 --done "$tmp/ready" --hold "$tmp/end" subprograms \
	>"$tmp/log" 2>&1 &
holder=$!
if ! wait_for 20 test -e "$tmp/ready"; then
	skip "the census of this machine" "no program with kfuncs can be loaded: $(head -n 1 "$tmp/log")"
	done_testing
fi

# Rows of programs that our process has.
# shellcheck disable=SC2016 # $pid is jq's
own='map(select(any(.holders[]; .pid == $pid)))'
"$kfunctrace" users --json >"$tmp/all"
jq --argjson pid $holder "$own" "$tmp/all" >"$tmp/users"
is "each call site with its subprogram" \
	"$(jq -r '.[] | .kfunc as $kfunc | .sites_list[] | "\($kfunc) \(.subprogram)"' \
		"$tmp/users" | sort)" \
	"$(jq -r '.[] | select(.program != null) | "\(.kfunc) \(.subprogram)"' "$tmp/truth" | sort)"
# The truth has the lines of those that were reached.
jq -r '.[] | select(.line != null) | "\(.kfunc) \(.subprogram) \(.line)"' "$tmp/truth" | sort \
	>"$tmp/want"
jq -r '.[] | .kfunc as $kfunc | .sites_list[] | "\($kfunc) \(.subprogram) \(.line)"' \
	"$tmp/users" | sort >"$tmp/have"
is "and with its line" "$(comm -12 "$tmp/have" "$tmp/want")" "$(cat "$tmp/want")"
is "as many as there are places in the list" \
	"$(jq -c 'map(.sites == (.sites_list | length)) | unique' "$tmp/users")" "[true]"
id=$(jq '.[0].program_id' "$tmp/users")
is "its holder's name" \
	"$(jq -c 'map(.holders[] | [.comm, .link_id]) | unique' "$tmp/users")" '[["workload",null]]'
"$kfunctrace" users >"$tmp/out"
is "in a pipe the table has every column" "$(head -n 1 "$tmp/out" | sed 's/  */ /g')" \
	"KFUNC MODULE PROGRAM TYPE ID SITES LOADED BY TAG ATTACHED TO HELD BY PINNED"
if command -v script >/dev/null; then
	for width in 80 40; do
		script -qec "stty cols $width; '$kfunctrace' users" /dev/null </dev/null \
			>"$tmp/out" 2>&1
		rows=0 long=0
		while IFS= read -r line && [[ $line != $'\r' ]]; do
			line=${line%$'\r'}
			rows=$((rows + 1))
			((${#line} <= width)) || long=$((long + 1))
		done <"$tmp/out"
		is "on a terminal of $width columns no row is longer" "$long $((rows > 2))" "0 1"
	done
else
	skip "on a terminal no row is longer" "there is no script(1)"
fi

# --- bpffs, with all kinds of things in it --------------------------------------------------------------

mkdir "$tmp/bpf"
if command -v bpftool >/dev/null && mount -t bpf bpf "$tmp/bpf" 2>"$tmp/err"; then
	mkdir -p "$tmp/bpf/empty" "$tmp/bpf/a b/c"
	map=$(bpftool -j prog show id "$id" | jq '.map_ids[0]')
	bpftool map pin id "$map" "$tmp/bpf/map"
	bpftool prog pin id "$id" "$tmp/bpf/a b/c/one"
	bpftool prog pin id "$id" "$tmp/bpf/two"
	ln -s nowhere "$tmp/bpf/link"
	"$kfunctrace" users --json >"$tmp/all"
	is "each pin is found, whatever lies beside it" \
		"$(jq -c --argjson pid $holder "$own"' | map([.pins[].path] | sort) | unique' \
			"$tmp/all")" "[[\"$tmp/bpf/a b/c/one\",\"$tmp/bpf/two\"]]"
	umount "$tmp/bpf"
else
	skip "each pin is found" "no bpffs can be mounted: $(cat "$tmp/err")"
fi

# --- interfaces -------------------------------------------------------------------------------------------

attached="
	ip link set lo up && tc qdisc add dev lo clsact &&
	tc filter add dev lo egress bpf da pinned '$tmp/bpf/tc' || exit 3
	'$kfunctrace' users --json"
if command -v tc >/dev/null && mount -t bpf bpf "$tmp/bpf" 2>"$tmp/err" &&
	bpftool prog pin id "$id" "$tmp/bpf/tc" 2>"$tmp/err" &&
	unshare -n sh -c "$attached" >"$tmp/all" 2>"$tmp/err"; then
	is "a filter is seen in its network namespace" \
		"$(jq -c --argjson pid $holder "$own"' | map(.attached) | unique' "$tmp/all")" \
		'[[{"how":"tc_egress","target":"lo","link_id":null}]]'
else
	skip "a filter is seen" "none can be attached here: $(head -n 1 "$tmp/err")"
fi
! mountpoint -q "$tmp/bpf" || umount "$tmp/bpf"

# --- races ----------------------------------------------------------------------------------------------------

"$workload" --seconds 300 --times 1 churn >"$tmp/log" 2>&1 &
churn=$!
bad=0
for _ in {1..5}; do
	"$kfunctrace" users --json >"$tmp/out" 2>"$tmp/err" && jq -e 'length > 0' "$tmp/out" >/dev/null ||
		bad=$((bad + 1))
	"$kfunctrace" users -v >/dev/null 2>>"$tmp/err" || bad=$((bad + 1))
done
kill -0 $churn
is "programs and processes that vanish meanwhile do no harm" "$? $bad" "0 0"
kill $churn
wait $churn 2>/dev/null

# --- watching -------------------------------------------------------------------------------------------------

watch()
{
	# What the one before said would be taken for this one's.
	rm -f "$tmp/err"
	"$kfunctrace" users --watch -v "$@" >"$tmp/watched" 2>"$tmp/err" &
	watcher=$!
	wait_for 60 grep -qs watching "$tmp/err"
}

# It has said that what was there before is gone, and each that it has seen of ours. Without the
# events that were lost this does not come.
all_gone()
{
	jq -se --argjson id "$id" --argjson pid $churn '
		any(.[]; .event == "unload" and .program_id == $id) and
		(map(select(.pid == $pid)) | map(select(.event == "load")) as $loads |
			($loads | length) >= 200 and length == 2 * ($loads | length))' "$tmp/watched" >/dev/null 2>&1
}

end_watch()
{
	kill -INT $watcher
	wait $watcher
	status=$?
	watcher=
}

watch --json
"$workload" --rounds 200 --times 1 churn >"$tmp/log" 2>&1 &
churn=$!
wait $churn
touch "$tmp/end"
wait $holder
holder=
wait_for 30 all_gone
end_watch
is "watching ends at Ctrl-C with status 0" "$status" 0
# Of what is gone too soon the name is known, most often, and not what it calls.
by="map(select(.pid == $churn and .event == \"load\"))"
is "each of 200 programs is seen as it comes" \
	"$(jq -s "$by"' | map(select(.kfuncs != null or (.program // "" | test("^(find|lend)_"))) |
		.program_id) | unique | length >= 200' "$tmp/watched")" true
is "and whatever has come goes" \
	"$(jq -sc 'map(select(.pid == '$churn')) | group_by(.program_id) |
		map(map(.event)) | unique' "$tmp/watched")" '[["load","unload"]]'
is "what is known is right" \
	"$(jq -sc "$by"' | map(select(.kfuncs != null) | [.program, .program_type, .comm, .uid,
		(.kfuncs | map(.sites) | unique)]) | unique |
		map(select(.[0] == "find_five" or .[0] == "lend_five"))[0][1:]' "$tmp/watched")" \
	'["sched_cls","workload",0,[5]]'
is "what is not, is null" \
	"$(jq -sc 'map(select(.kfuncs == null) | [.program_type, .uid]) | unique - [[null, null]]' \
		"$tmp/watched")" "[]"
is "what was there before is known when it goes" \
	"$(jq -sc --argjson id "$id" 'map(select(.program_id == $id) |
		[.event, .pid, (.kfuncs | map(.sites))])' "$tmp/watched")" '[["unload",null,[4,4]]]'

if grep -q 'kfuncs unknown$\|reported with their kfuncs' "$tmp/err"; then
	watch
	kill -STOP $watcher
	"$workload" --rounds 8000 --times 1 churn >"$tmp/log" 2>&1
	kill -CONT $watcher
	wait_for 30 grep -q '^lost up to' "$tmp/watched"
	end_watch
	is "what is lost while nobody reads is said" \
		"$(grep -c '^lost up to [0-9]* events$' "$tmp/watched") $(
			grep -c '^ losses: up to [0-9]* events$' "$tmp/err")" "1 1"
else
	skip "what is lost is said" "here the ring is too large to be filled in a test"
fi

{ "$kfunctrace" users --watch --json 2>"$tmp/err"; echo $? >"$tmp/status"; } | head -n 1 \
	>"$tmp/out" &
reader=$!
# It is noticed with the next event but one.
for _ in {1..100}; do
	[[ ! -s $tmp/status ]] || break
	"$workload" --rounds 20 --times 1 churn >/dev/null 2>&1
	sleep 0.1
done
wait_for 30 test -s "$tmp/status" || kill $reader
is "when nobody reads any more, watching ends" "$(cat "$tmp/status")" 2

done_testing
