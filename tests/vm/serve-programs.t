# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
# machine: --smp 2
#
# Very many programs come and go, each with a name of its own: the aggregator counts every call, tells
# apart as many callers as it may, and keeps nothing, here or in the kernel, of those that are gone.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh

PROGRAMS=${PROGRAMS:-50000}
# By then all tables have come to their size, and the callers to their limit.
WARM=$((PROGRAMS / 5))
MAX_CALLERS=100
# What 64 bytes for each of the programs after that come to.
LEAK_KIB=$(((PROGRAMS - WARM) * 64 / 1024))

if kernel_at_least 6.2; then
	KFUNCS='bpf_task_from_pid bpf_task_release'
else
	KFUNCS='bpf_kfunc_call_test_acquire bpf_kfunc_call_test_release'
fi

# kib FILE NAME...: their sum
kib()
{
	local file=$1 names

	shift
	names=$(echo "$*" | tr ' ' '|')
	awk -v names="^($names):$" '$1 ~ names { sum += $2 } END { print sum }' "$file"
}

# Programs of the workload that the kernel has not freed so far; it takes its time.
all_gone()
{
	[ "$(bpftool -j prog show | jq '[.[] | select(.name | startswith("many_")?)] | length')" = 0 ]
}

# settle NAME: waits until all that is gone is seen to be, and notes NAME_own and NAME_kernel, in KiB
settle()
{
	wait_for 120 all_gone && drained && drained || return
	# Memory for names of files and the like is in nobody's way, and comes and goes.
	echo 3 >/proc/sys/vm/drop_caches
	cp /proc/meminfo "$1.meminfo" && cp /proc/$serve_pid/smaps_rollup "$1.smaps" || return
	eval "$1_own=$(kib "$1.smaps" Private_Dirty Private_Clean)"
	eval "$1_kernel=$(kib "$1.meminfo" SUnreclaim Percpu VmallocUsed)"
}

# What settle() has noted.
say()
{
	diag "after $(cut -d' ' -f1 /proc/uptime) s: $(grep -hE '^(Rss|Private_Dirty|SUnreclaim|Percpu|VmallocUsed):' \
		"$1.smaps" "$1.meminfo" | tr -s ' \n' ' ')"
}

check "serve begins" serve_begin "kfuncs = $KFUNCS" "max_callers = $MAX_CALLERS" 'interval = 1s' 'look = 10s'
check "programs come and go" many-programs 0 $WARM
cp check.out first
check "until all is as large as it gets" settle before
say before
check "and go on to do so" many-programs $WARM $PROGRAMS
cp check.out second
check "they are gone" settle after
say after

# --- nothing is lost ----------------------------------------------------------------------------

for kfunc in $KFUNCS; do
	same "$kfunc: every call is counted" "$(value kfunc_calls_total ".kfunc == \"$kfunc\"")" \
		"$(cat first second | awk -v kfunc=$kfunc '$1 == kfunc { sum += $2 } END { print sum }')"
	is "$kfunc: of programs, or of those that are not told apart" \
		"$(value kfunc_calls_total ".kfunc == \"$kfunc\" and (.caller | . == \"program\" or . == \"other\" | not)")" -
done
# A drain that met programs that went just then is made good by the next.
is "nothing else is missing" "$(jq -c '[.[] | select(.value > 0)
	| select(.name == "kfunctrace_lost_total" or .name == "kfunctrace_unattributed_calls_total")
	| select(.labels.reason | . != "max_callers" and . != "drains")]' metrics.json)" "[]"
is "what was acquired was given back" "$(value references_outstanding)" 0
same "and each is accounted for" "$(value reference_holding_seconds_count)" \
	"$(cat first second | awk '{ print sum += $2 }' | tail -n 1 | awk '{ print $1 / 2 }')"

# --- callers are bounded --------------------------------------------------------------------------

callers()
{
	jq "[.[] | select(.name == \"kfunctrace_kfunc_calls_total\" and .labels.caller $1 \"other\")] | length" \
		metrics.json
}

is "as many callers as there may be are told apart" "$(callers !=)" $MAX_CALLERS
is "the others are one for each kfunc" "$(callers ==)" 2

# --- nothing is kept ------------------------------------------------------------------------------

check "the process does not grow: $((after_own - before_own)) KiB" \
	test $((after_own - before_own)) -lt $LEAK_KIB
check "neither does the kernel: $((after_kernel - before_kernel)) KiB" \
	test $((after_kernel - before_kernel)) -lt $LEAK_KIB
serve_end
is "it ends" $? 0
check "nothing stays attached" nothing_attached
is "the log of the kernel is clean" "$(kernel_trouble)" ""
done_testing
