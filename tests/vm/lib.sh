# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests that run in the guest: TAP, and comparing with a workload's truth.
# A test sources this, calls ok, not_ok, check, skip ..., and at last done_testing.

tap_n=0

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

ok()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

# not_ok DESCRIPTION [WHY]
not_ok()
{
	tap_n=$((tap_n + 1))
	echo "not ok $tap_n - $1"
	if [ -n "${2:-}" ]; then
		diag "$2"
	fi
}

# skip DESCRIPTION REASON
skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# check DESCRIPTION COMMAND...: it must succeed; what it says is shown when not.
check()
{
	local what=$1

	shift
	if "$@" >check.out 2>&1; then
		ok "$what"
	else
		not_ok "$what" "status $?: $*
$(head -n 30 check.out)"
	fi
}

# is DESCRIPTION HAVE WANT
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "have: $2
want: $3"
	fi
}

# same DESCRIPTION HAVE WANT: the same, where nothing would mean that a step before failed.
same()
{
	if [ -z "$3" ]; then
		not_ok "$1" "there is nothing to compare with"
	else
		is "$@"
	fi
}

# matches DESCRIPTION FILE EXTENDED-REGEXP
matches()
{
	if grep -Eq -- "$3" "$2"; then
		ok "$1"
	else
		not_ok "$1" "no line matches '$3' in:
$(head -n 20 "$2")"
	fi
}

done_testing()
{
	echo "1..$tap_n"
}

# --- the kernel ---------------------------------------------------------------

KERNEL=$(uname -r)
TRACEFS=/sys/kernel/tracing
CPUS=$(nproc)

# kernel_at_least MAJOR.MINOR
kernel_at_least()
{
	[ "$(printf '%s\n%s\n' "$1" "$KERNEL" | sort -V | head -n1)" = "$1" ]
}

# What the kernel's log has of faults since it was booted; nothing when all is well.
kernel_trouble()
{
	dmesg | grep -E 'BUG[: ]|WARNING: |Oops|Call Trace|general protection|refcount_t: |list_(add|del) corruption|ftrace bug|(soft|hard) lockup|blocked for more than|self-detected stall|detected stalls'
}

# Takes out of the kernel's log what it says of clocks and timers: it measures and chooses its clock when
# it likes, and on a busy host they are late. Then it may give up the TSC as well.
but_for_clocks()
{
	grep -vE 'hrtimer: interrupt took|clocksource|tsc: |TSC found unstable|sched_clock: Marking unstable'
}

# What the kernel's log has from line FROM on, but for what it says of clocks and of any module that is not
# its own: log_since FROM
log_since()
{
	dmesg | tail -n "+$1" | but_for_clocks |
		grep -vE 'taints kernel|verification failed|kernel BTF mismatch|BPF: |BTF: -|^$'
}

# The workloads that this kernel can run.
has_workload()
{
	[ -e workloads ] || workload --list >workloads
	grep -qx "$1" workloads
}

# Waits until COMMAND succeeds: wait_for SECONDS COMMAND...
wait_for()
{
	local tries=$(($1 * 10))

	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# Kfuncs that the verifier replaces, an array: no call of them exists, so nothing can count one.
# workloads.t shows by kprobe events that this is so.
inlined_kfuncs()
{
	kfunctrace list --json 2>/dev/null | jq -c 'map(select(.coverage == "inlined").name)'
}

# --- counting -----------------------------------------------------------------

# stat_workload WORKLOAD [OPTION-OF-WORKLOAD]... [/ OPTION-OF-STAT...]
#
# Leaves rows.json, truth.json, stdout and stderr. Counts only what the workload
# calls, if no option says what to count: to detach takes long on old kernels.
stat_workload()
{
	local name=$1 work='' kfunc kfuncs=''

	shift
	while [ $# -gt 0 ] && [ "$1" != / ]; do
		work="$work $1"
		shift
	done
	[ $# -eq 0 ] || shift
	rm -f rows.json called.json truth.json
	case " $* " in
	*" -k "* | *" --all "*) ;;
	*)
		for kfunc in $(workload --kfuncs "$name"); do
			kfuncs="$kfuncs -k $kfunc"
		done
		;;
	esac
	# shellcheck disable=SC2086 # options are separate words
	kfunctrace stat --json -o rows.json $kfuncs "$@" -- \
		workload --truth called.json $work "$name" >stdout 2>stderr || return
	jq --argjson inlined "$(inlined_kfuncs)" 'map(select(.kfunc | IN($inlined[]) | not))' \
		called.json >truth.json
}

# compare MODE: prints how rows.json differs from truth.json; nothing when it agrees.
#   exact  no call is unknown, each caller has its own calls and NULL returns
#   sums   named + unknown + kernel = truth for each kfunc, no caller has too many
compare()
{
	# Of an empty file jq makes nothing, not even a complaint.
	if [ ! -s rows.json ] || [ ! -s truth.json ]; then
		echo "there are no rows or there is no truth"
		return
	fi
	jq -r -L /root/vm --arg mode "$1" --slurpfile truth truth.json -f /root/vm/compare.jq rows.json
}

# agrees DESCRIPTION MODE STATUS-OF-STAT
agrees()
{
	local difference

	if [ "$3" != 0 ]; then
		not_ok "$1" "stat ended with status $3
$(head -n 20 stderr)"
		return
	fi
	difference=$(compare "$2" 2>&1)
	if [ -z "$difference" ]; then
		ok "$1"
	else
		not_ok "$1" "$difference
$(head -n 10 stderr)"
	fi
}

# Calls that were not attributed, over all rows.
unknown_calls()
{
	jq 'map(select(.caller == "unknown").calls) | add // 0' rows.json
}

# Programs and links are gone when the kernel is done, which takes a moment.
no_programs()
{
	[ "$(bpftool -j prog show | jq length)" = 0 ] && [ "$(bpftool -j link show | jq length)" = 0 ]
}

nothing_attached()
{
	wait_for 60 no_programs && return
	bpftool prog show
	bpftool link show
	return 1
}
