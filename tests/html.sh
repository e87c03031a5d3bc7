#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Is the page of `report --html` what it should be, in a browser? Reports that are
# made up (tests/pages) are shown by a headless Chromium. Builds what it needs. Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# page WHAT ARGUMENTS: what tests/pages/page.py finds wrong
page()
{
	python3 tests/pages/page.py "$@" 2>&1
}

# good TEXT WHAT ARGUMENTS
good()
{
	local text=$1 wrong
	shift
	wrong=$(page "$@")
	ok $? "$text" "$wrong"
}

# bad TEXT WHAT ARGUMENTS: the check itself can fail
bad()
{
	local text=$1
	shift
	! page "$@" >"$tmp/bad"
	ok $? "$text"
}

# browser NAME ARGUMENTS: its output is in $tmp/NAME.out, its console in $tmp/NAME.console.
# A profile of its own; what it would like to ask of others by itself, it does not get.
browser()
{
	local name=$1
	shift
	timeout 120 chromium --headless=new --no-sandbox --disable-gpu --no-first-run \
		--user-data-dir="$tmp/profile-$name" --disable-background-networking \
		--disable-component-update --disable-default-apps --disable-sync --disable-extensions \
		--host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" --hide-scrollbars --force-device-scale-factor=1 --enable-logging=stderr --v=0 \
		--log-net-log="$tmp/$name.net" "$@" >"$tmp/$name.out" 2>"$tmp/$name.err"
	local status=$?
	grep CONSOLE "$tmp/$name.err" >"$tmp/$name.console"
	rm -rf "$tmp/profile-$name"
	return $status
}

make --no-print-directory sample-report >"$tmp/make" 2>&1 || {
	ok 1 "reports are made up" "$(cat "$tmp/make")"
	done_testing
}
export TZ=UTC
cases="host fleet point hostile empty deprecated"
for case in $cases; do
	for form in html json truth; do
		build/sample-report "$case" "$form" >"$tmp/$case.$form" || ok 1 "$case is written as $form"
	done
	good "$case: it is well-formed, and needs nothing but itself" self-contained "$tmp/$case.html"
	good "$case: charts show the points" charts "$tmp/$case.html" "$tmp/$case.json"
done

# returned KFUNC: how often it and each of its callers got NULL and a refcount of zero
returned()
{
	awk -v name="<code>$1</code>" '/class="group"/ { inside = index($0, name) && /data-t="NULL"/ } inside' \
		"$tmp/host.html" | grep -oE 'data-t="(NULL|Refcount zero)">[^<]*' | sed 's/.*>//' | paste -sd ' '
}
is "what was not measured is no 0" "$(returned bpf_task_release)" "- - - -"
is "and a 0 that was measured is one" "$(returned bpf_task_acquire)" "302 43 302 43 0 0"

# What would be wrong is found.
sed 's/<tbody>/<tbody><tr><td>/' "$tmp/host.html" >"$tmp/broken.html"
bad "a page that is not well-formed is found" self-contained "$tmp/broken.html"
sed 's/<main>/<main><img src="a.png"\/>/' "$tmp/host.html" >"$tmp/broken.html"
bad "a page that fetches a picture is found" self-contained "$tmp/broken.html"
jq '.points[5].calls += 100000' "$tmp/host.json" >"$tmp/broken.json"
bad "a chart that shows other points is found" charts "$tmp/host.html" "$tmp/broken.json"

# --- report --html ----------------------------------------------------------------------------

make --no-print-directory kfunctrace history-saver >"$tmp/make" 2>&1 &&
	build/history-saver "$tmp/history.db" days 6 120 >"$tmp/saved"
ok $? "there is a history" "$(cat "$tmp/make")"
# report TEXT STATUS ARGUMENTS: its exit status
report()
{
	local text=$1 want=$2
	shift 2
	./kfunctrace report --history "$tmp/history.db" "$@" >"$tmp/report.out" 2>"$tmp/report.err"
	is "$text" "$?" "$want"
}
echo "what was there" >"$tmp/report.html"
chmod 640 "$tmp/report.html"
ln -s report.html "$tmp/link.html"
report "report --html writes a page" 0 --html "$tmp/link.html"
good "the page of a history is self-contained" self-contained "$tmp/report.html"
is "it has the mode of the file that it replaces, and links stay" \
	"$(stat -c %a "$tmp/report.html") $(readlink "$tmp/link.html")" "640 report.html"
is "nothing is left beside it" "$(cd "$tmp" && ls -d report.html.* link.html.* 2>/dev/null)" ""
report "the same as JSON" 0 --json
mv "$tmp/report.out" "$tmp/report.json"
good "its charts show the points of the history" charts "$tmp/report.html" "$tmp/report.json"
matches "its calls are those that were saved" "$tmp/report.html" \
	"id=\"figure-calls\" value=\"$(sed -n 's/^saved //p' "$tmp/saved" | tail -n 1)\""
report "report --html - writes to standard output" 0 --html -
good "that is a page as well" self-contained "$tmp/report.out"
report "--deprecations leaves out the rest, and tells of a use" 1 --deprecations --html "$tmp/report.html"
is "sections of that page" "$(grep -o '<section id="[a-z-]*"' "$tmp/report.html" | tr -d '\n')" \
	'<section id="deprecated"<section id="method"'
echo "what was there" >"$tmp/report.html"
./kfunctrace report --history "$tmp/none.db" --html "$tmp/report.html" 2>"$tmp/report.err"
is "without a history, what was there stays" "$? $(cat "$tmp/report.html")" "2 what was there"
report "a folder that is not there is trouble" 2 --html "$tmp/none/report.html"
matches "and is named" "$tmp/report.err" "cannot write to $tmp/none/report.html: No such file or directory"
report "a folder is no file" 2 --html "$tmp"
report "a full disk is trouble" 2 --html /dev/full
matches "and is told" "$tmp/report.err" "/dev/full: No space left on device"
report "--json is another form" 2 --json --html "$tmp/report.html"
report "--output is another place" 2 --output "$tmp/x" --html "$tmp/report.html"
report "--prometheus is another source" 2 --prometheus http://127.0.0.1:9 --html "$tmp/report.html"

# --- in a browser -----------------------------------------------------------------------------

if ! command -v chromium >/dev/null; then
	skip "what a browser shows" "there is no chromium"
	done_testing
fi

for case in $cases; do
	browser "$case" --dump-dom "file://$tmp/$case.html"
	ok $? "$case: a browser shows it" "$(tail -n 5 "$tmp/$case.err")"
	good "$case: its figures are true" figures "$tmp/$case.out" "$tmp/$case.truth"
	is "$case: the console is silent" "$(cat "$tmp/$case.console")" ""
	is "$case: nothing is asked of the network" "$(page requests "$tmp/$case.net")" ""
	page measuring "$tmp/$case.html" 360 >"$tmp/$case-measuring.html"
	browser "$case-narrow" --dump-dom "file://$tmp/$case-measuring.html"
	good "$case: it fits a telephone of 360 pixels" fits "$tmp/$case-narrow.out" 360
done
good "names that would be markup are text" names "$tmp/hostile.out"

# The same questions to a page that does it all wrong.
sed 's/<main>/<main><img src="http:\/\/127.0.0.1:9\/a.png"\/><script>console.log("here")<\/script>/
	s/<meta http-equiv[^>]*>//
	s/<h2>/<h2 style="width: 900px">/' "$tmp/hostile.html" >"$tmp/broken.html"
browser broken --dump-dom "file://$tmp/broken.html"
bad "markup in the place of names is found" names "$tmp/broken.out"
matches "a console that is not silent is found" "$tmp/broken.console" here
is "a request is found" "$(page requests "$tmp/broken.net")" "http://127.0.0.1:9/a.png"
page measuring "$tmp/broken.html" 360 >"$tmp/broken-measuring.html"
browser broken-narrow --dump-dom "file://$tmp/broken-measuring.html"
bad "a page that is too wide is found" fits "$tmp/broken-narrow.out" 360
sed 's/ 1,/ 2,/; s/>27,317,502</>27,317,503</' "$tmp/host.out" >"$tmp/broken.out"
bad "a figure that is not true is found" figures "$tmp/broken.out" "$tmp/host.truth"
# The policy alone would stop what gets by the escaping.
sed 's/<main>/<main><img src="http:\/\/127.0.0.1:9\/a.png"\/><script>console.log("here")<\/script>/' \
	"$tmp/hostile.html" >"$tmp/policy.html"
browser policy --dump-dom "file://$tmp/policy.html"
is "the policy lets nothing through" "$(page requests "$tmp/policy.net")$(grep -c '"here"' "$tmp/policy.console")" 0

# picture NAME KIND SIZE ARGUMENTS
picture()
{
	local name=$1 kind=$2 size=$3
	shift 3
	browser "$name" --screenshot="$tmp/$name.png" --window-size="$size" "$@"
	good "$name: a picture of it has something to see" picture "$tmp/$name.png" "$kind"
}
picture host-light light 1000,1400 "file://$tmp/host.html"
picture host-dark dark 1000,1400 --blink-settings=preferredColorScheme=0 "file://$tmp/host.html"
picture host-telephone light 360,1800 "file://$tmp/host.html"
picture fleet-light light 1000,1900 "file://$tmp/fleet.html"
echo "<p>nothing</p>" >"$tmp/blank.html"
browser blank --screenshot="$tmp/blank.png" --window-size=1000,1400 "file://$tmp/blank.html"
bad "a picture without anything to see is found" picture "$tmp/blank.png" light

# On paper nothing stays folded, and no column is cut.
if command -v pdftotext >/dev/null; then
	browser print --no-pdf-header-footer --print-to-pdf="$tmp/print.pdf" "file://$tmp/fleet.html"
	pdftotext -layout "$tmp/print.pdf" "$tmp/print.txt"
	# As it was written, without the ends of lines that names were broken at.
	pdftotext -raw "$tmp/print.pdf" - | tr -d ' \n\f' >"$tmp/print.raw"
	is "all hosts are printed" \
		"$(grep -oE 'node-[0-9]{3}\.rack' "$tmp/print.raw" | sort -u | wc -l)" 200
	is "all kfuncs are printed" \
		"$(grep -oE 'made_up_(kfunc|dsq_move)_[0-9]{2}' "$tmp/print.raw" | sort -u | wc -l)" 40
	matches "the last column is printed" "$tmp/print.txt" 'Lost +Time +known|Lost +Time known'
else
	skip "what is printed" "there is no pdftotext (poppler-utils)"
fi

done_testing
