#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doctor on this machine, whatever its kernel allows: does what it says agree
# with itself, and with what the other commands do? Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh
chmod 755 "$tmp"
cp kfunctrace "$tmp" || exit
doctor=("$tmp/kfunctrace" doctor)

# Every check has what its status asks for, and the verdict rests on the checks.
# shellcheck disable=SC2016 # what looks like variables is jq's
consistent='
	def failed(names): [.checks[] | select(.name as $n | names | index($n)) | select(.status != "ok")] != [];
	(.checks[] | select([.status] - ["ok", "limited", "no", "untested"] != []) | "\(.name): status \(.status)"),
	(.checks[] | select((.found // "") == "") | "\(.name): nothing found"),
	(.checks[] | select((.status == "no" or .status == "limited") and ((.cost // "") == "" or (.remedy // "") == ""))
		| "\(.name): no cost or no remedy"),
	(.checks[] | select(.status == "ok" and (.cost != null or .remedy != null)) | "\(.name): ok, yet it costs"),
	(select([.checks[].name] | length != (unique | length)) | "a check occurs twice"),
	(select(.list and failed(["bpf", "btf", "iterators"])) | "list works without what it needs"),
	(select(.counting and failed(["iterators", "fentry", "fexit", "watchers", "probe"]))
		| "counting works without what it needs"),
	(select((.counting | not) and (failed(["iterators", "ftrace", "fentry", "fexit", "memory", "watchers", "probe"]) | not))
		| "all is there, and counting does not work"),
	(select(.counting != (.verdict | startswith("counting works"))) | "the verdict is not what was found")'

examine()
{
	"${prefix[@]}" "${doctor[@]}" --json >"$tmp/json" 2>"$tmp/err"
	status=$?
	"${prefix[@]}" "${doctor[@]}" >"$tmp/text" 2>>"$tmp/err"
	ok $((status != $?)) "$who: text and --json end with the same status"
	is "$who: nothing is said on standard error" "$(<"$tmp/err")" ""
	is "$who: the checks and the verdict agree" "$(jq -r "$consistent" "$tmp/json" 2>&1)" ""
	is "$who: text ends with the verdict" "$(tail -n 1 "$tmp/text")" "$(jq -r .verdict "$tmp/json")"
	is "$who: status 0 when counting works, else 2" "$status" \
		"$(jq 'if .counting then 0 else 2 end' "$tmp/json")"

	"${prefix[@]}" "$tmp/kfunctrace" list >"$tmp/list" 2>&1
	is "$who: list works when doctor says so" "$(($? == 0))" "$(jq 'if .list then 1 else 0 end' "$tmp/json")"
	"${prefix[@]}" "$tmp/kfunctrace" stat -d 0.1 -k 'bpf_cpumask_*' -k 'bpf_kfunc_call_*' \
		>"$tmp/stat" 2>&1
	is "$who: stat works when doctor says so" "$(($? == 0))" \
		"$(jq 'if .counting then 1 else 0 end' "$tmp/json")"
}

who=$(id -un)
prefix=()
examine

if ((EUID == 0)); then
	who="without privileges"
	prefix=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	examine
	is "$who: counting does not work" "$status" 2
	is "$who: capabilities are missing" \
		"$(jq -r '.checks[] | select(.name == "capabilities").status' "$tmp/json")" no
	is "$who: the verdict says what to do" \
		"$(jq '.verdict | test("run as root")' "$tmp/json")" true
else
	skip "without privileges" "this is run without them already"
fi

# On a terminal lines are wrapped between words, and nothing is cut.
plain=$("${doctor[@]}" -v | tr -s ' \n' ' ')
for width in 80 40; do
	script -qec "stty cols $width; ${doctor[*]} -v" /dev/null </dev/null | tr -d '\r' >"$tmp/text"
	is "$width columns: all is there that is in a pipe" "$(tr -s ' \n' ' ' <"$tmp/text")" "$plain"
	is "$width columns: only a single word is longer than a line" \
		"$(awk -v width=$width 'length($0) > width && NF > 1' "$tmp/text")" ""
done

"${doctor[@]}" --nonsense >"$tmp/out" 2>"$tmp/err"
is "an unknown option ends it with status 2" $? 2
"${doctor[@]}" argument >"$tmp/out" 2>"$tmp/err"
is "so does an argument" $? 2
is "nothing goes to standard output then" "$(<"$tmp/out")" ""
"${doctor[@]}" >/dev/full 2>"$tmp/err"
is "output that cannot be written ends it with status 2" $? 2
ok "$(grep -q 'cannot write' "$tmp/err"; echo $?)" "and is reported" "$(<"$tmp/err")"

done_testing
