# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The aggregator: what it serves is what programs have called, over reloads, restarts and kills.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh

# --- it begins ------------------------------------------------------------------------------

check "serve attaches and is ready" serve_begin "kfuncs = $FIRST" 'target = 7.x'
is "/healthz says that it goes on" "$(get /healthz)" "ok"
kfunctrace serve -c serve.conf >second.out 2>second.err
is "a second one leaves" $? 2
matches "and says who runs" second.err "$serve_pid"
caps=$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/$serve_pid/status)
is "it has given up most capabilities, for good" \
	"$(sed -n 's/^CapBnd:[^0-9a-f]*//p' /proc/$serve_pid/status) $(sed -n 's/^NoNewPrivs:[^0-9]*//p' \
		/proc/$serve_pid/status)" "$caps 1"
is "among them those to load modules, to kill and to change owners" \
	"$((0x$caps & (1 << 16 | 1 << 5 | 1 << 0)))" 0

# --- it counts ------------------------------------------------------------------------------

check "a workload runs" run two-programs
cp truth.json first.json
check "it is drained" drained
serves "calls and NULL returns are those of the programs"
# A drain that failed is no loss: the next has what it was to bring.
is "nothing is without a caller, or lost" \
	"$(value unattributed_calls_total '.reason != "recursion"') $(jq -c '[.[] | select(
		.name == "kfunctrace_lost_total" and .value > 0).labels.reason] - ["drains"]' metrics.json)" \
	"0 []"
same "references that were acquired and given back are even" \
	"$(value references_acquired_total)" "$(value references_released_total)"
get / | sed 's/<wbr>//g' >page.html
matches "the status page names the programs" page.html "$(jq -r 'map(.program)[0]' truth.json)"

# --- it is read anew ---------------------------------------------------------------------------

# listen_at ADDRESS: reads the configuration anew with another address
listen_at()
{
	sed "s/^address.*/address = $1/" good.conf >serve.conf
	kill -HUP $serve_pid
	wait_for 60 listens_at "$1" && drained
}

# listens_at ADDRESS: there alone, as the kernel says it, port 9435
listens_at()
{
	local wanted

	case $1 in
	0.0.0.0:*)	wanted=00000000 ;;
	127.0.0.1:*)	wanted=0100007F ;;
	esac
	[ "$(awk '$2 ~ /:24DB$/ && $4 == "0A" { print $2 }' /proc/net/tcp)" = $wanted:24DB ]
}

target=$(jq -r '.[] | select(.name == "kfunctrace_kernel_info").labels.target' metrics.json)

cp serve.conf good.conf
echo 'intervall = 1s' >>serve.conf
kill -HUP $serve_pid
check "a wrong configuration is refused" wait_for 20 grep -q intervall serve.err
check "and told" wait_for 20 grep -q '"kind": *"trouble"' notices.jsonl
check "it goes on with the one before" drained
serves "and has lost nothing"
sed 's/^max_overhead.*/max_objects = 99/' good.conf >serve.conf
kill -HUP $serve_pid
check "what needs a restart is refused" wait_for 20 grep -q max_objects serve.err
sed "s/^address.*/address = 127.0.0.1:9436/; s/^target.*/target = 99.9/" good.conf >serve.conf
kill -HUP $serve_pid
check "so is what cannot be followed half way" wait_for 60 grep -qF 99.9 serve.err
check "and it listens where it did" drained
is "only there" "$(serve_port=9436 get /readyz || echo nobody)" nobody
same "for the kernel that it was to look at" \
	"$(jq -r '.[] | select(.name == "kfunctrace_kernel_info").labels.target' metrics.json)" "$target"
sed "s|^file.*|file = /nosuch/history.db|" good.conf >serve.conf
kill -HUP $serve_pid
check "nor is a history given up for one that cannot be opened" wait_for 60 grep -qF /nosuch/ serve.err
check "it listens to the host's addresses" listen_at 0.0.0.0:$serve_port
check "and to one of them again" listen_at 127.0.0.1:$serve_port
is "with its history" "$(value history_enabled)" 1

# While programs call, and probes come and go.
sed "s/^kfuncs.*/kfuncs = $FIRST $LATER/; s/^interval.*/interval = 300ms/" good.conf \
	>serve.conf
workload --truth called.json --times 4000 two-programs >stdout 2>&1 &
work=$!
sleep 0.5
kill -HUP $serve_pid
check "a configuration is read anew while programs call" wait_for 120 \
	grep -q '"kind": *"attached"' notices.jsonl
wait $work
tasks called.json >during.json
sum first.json during.json
check "it is drained" drained
serves "no call is lost over it"

# --- the host's function tracing is off ----------------------------------------------------------

not_ready()
{
	! is_ready
}

# state_is REGEX READY: the status page says so, and the metrics
state_is()
{
	get / | sed 's/<wbr>//g' >page.html
	scrape && [ "$(value ready)" = "$2" ] && grep -Eq "id=state>$1" page.html
}

# traced N: so many kfuncs are, which is what the status page says
traced()
{
	get / | grep -q ">$1 traced"
}

nr_traced=$(get / | sed -n 's/.*>\([0-9]*\) traced.*/\1/p')
cp serve.conf more.conf
# Probes stay attached meanwhile: later kernels were not seen to take that without a warning.
if ! kernel_at_least 6.2 && echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
	check "with function tracing off it is not ready" wait_for 30 not_ready
	check "and says so" state_is 'not counting: .*ftrace_enabled' 0
	matches "that is told" notices.jsonl '"kind": *"trouble".*ftrace_enabled'
	cp good.conf serve.conf
	kill -HUP $serve_pid
	check "another choice of kfuncs waits" wait_for 30 grep -q 'stays as it is for now' serve.err
	check "it goes on" drained
	check "nothing was taken off meanwhile" traced "$nr_traced"
	echo 1 >/proc/sys/kernel/ftrace_enabled
	check "when it is on again, it is ready" wait_for 30 is_ready
	# Until the next look, the choice that waited is what is the matter.
	check "and counts" wait_for 30 state_is 'counting<' 1
	check "and the choice is followed" wait_for 60 grep -q '"kind": *"detached"' notices.jsonl
	cp more.conf serve.conf
	kill -HUP $serve_pid
	check "in which nothing broke: as many are traced again" wait_for 60 traced "$nr_traced"
else
	skip "with function tracing off it is not ready" "not tried on this kernel, or it refuses"
fi

later=$(value kfunc_calls_total "$(among "$LATER")")
[ "$later" != - ] || later=0
check "a workload runs" run two-programs
cp truth.json third.json
check "it is drained" drained
sum first.json during.json third.json
serves "it goes on"
same "kfuncs that were chosen now are counted as well" \
	"$(($(value kfunc_calls_total "$(among "$LATER")") - later))" \
	"$(jq "map(select($(among "$LATER")).calls) | add" called.json)"

# --- it is killed --------------------------------------------------------------------------------

before=$(value kfunc_calls_total)
kill -9 $serve_pid
wait $serve_pid 2>/dev/null
check "killed, it begins again" serve_again
check "it is drained" drained
same "and has what was drained before" "$(value kfunc_calls_total)" "$before"
check "a workload runs" run two-programs
cp truth.json fourth.json
check "it is drained" drained
sum first.json during.json third.json fourth.json
serves "it goes on where it was"

# --- it ends, and is reported on -------------------------------------------------------------------

rm -f "done" end
workload --truth called.json --done "done" --hold end two-programs >stdout 2>&1 &
held=$!
check "a workload runs, and its programs stay" wait_for 60 test -e "done"
bpftool -j prog list >programs.json
check "it is drained" drained
touch end
wait $held
tasks called.json >fifth.json
serve_end
is "it ends when it is told to" $? 0
check "nothing stays attached" nothing_attached
sum first.json during.json third.json fourth.json fifth.json
kfunctrace report --history history.db --since 1h --json >report.json 2>stderr
is "the history can be reported on" "$? $(cat stderr)" "0 "
jq '[.uses[] | {kfunc, caller, program, calls, null_returns}]' report.json >rows.json
is "it has all calls, the last before the end too" "$(compare exact)" ""
same "and the tag of each program, which is bpftool's" \
	"$(jq -r '.uses[] | select(.caller == "program") | "\(.program) \(.program_tag)"' report.json | sort -u)" \
	"$(jq -r --slurpfile truth fifth.json '.[] | select(.name | IN($truth[0][].program)) | "\(.name) \(.tag)"' \
		programs.json | sort -u)"
is "the log of the kernel is clean" "$(dmesg | grep -cE 'WARNING:|BUG:')" 0
done_testing
