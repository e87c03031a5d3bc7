#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Parts of the aggregator on this machine: the commands that ask it, a real journal,
# the privileges that it keeps, and the unit that starts it. Speaks TAP. What needs
# root, and a kernel that lets root load BPF programs, is skipped without.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

make --no-print-directory build/daemon/parts >"$tmp/make" 2>&1 || {
	cat "$tmp/make"
	exit 1
}
parts=build/daemon/parts

# --- release ------------------------------------------------------------------------

./kfunctrace release --control "$tmp/none" nf_conntrack >"$tmp/out" 2>"$tmp/err"
is "release without an aggregator" "$? $(<"$tmp/out")" "2 "
matches "says that none is running" "$tmp/err" "no aggregator is running: nobody listens on $tmp/none"
for wrong in "" "a b" a/b "$(printf 'x%.0s' {1..64})"; do
	./kfunctrace release --control "$tmp/none" "$wrong" 2>"$tmp/err"
	is "'${wrong:0:10}' is no module" "$? $(grep -c 'no name of a module' "$tmp/err")" "2 1"
done
./kfunctrace release 2>"$tmp/err"
is "without a module" "$? $(grep -c 'the name of one module' "$tmp/err")" "2 1"
printf '[serve]\ncontrol = run\n' >"$tmp/bad.conf"
./kfunctrace release --config "$tmp/bad.conf" x 2>"$tmp/err"
is "a wrong configuration" "$?" 2
matches "is said with its line" "$tmp/err" "bad.conf:2: control takes a path"
./kfunctrace release --config "$tmp/none.conf" x 2>"$tmp/err"
is "a configuration that is not there" "$? $(grep -c "cannot open $tmp/none.conf" "$tmp/err")" "2 1"

mkfifo "$tmp/ready"
"$parts" control "$tmp/run/control" >"$tmp/ready" &
controlled=$!
read -r ready <"$tmp/ready"
is "a control socket is there" "$ready" ready
printf '[serve]\ncontrol = %s\n' "$tmp/run/control" >"$tmp/good.conf"
is "release asks the one of the configuration" \
	"$(./kfunctrace release --config "$tmp/good.conf" nf-conntrack)" "asked to release nf_conntrack"
./kfunctrace release --control "$tmp/run/control" busy >"$tmp/out" 2>"$tmp/err"
is "what it cannot do" "$? $(<"$tmp/out")" "2 "
matches "is said in its words" "$tmp/err" '^kfunctrace: asked to release busy$'
is "release --json" \
	"$(./kfunctrace release --control "$tmp/run/control" --json busy | jq -c .)" \
	'{"module":"busy","released":false,"answer":"asked to release busy"}'
./kfunctrace release --control "$tmp/run/control" x >/dev/full 2>"$tmp/err"
is "an answer that cannot be printed" "$? $(grep -c 'standard output' "$tmp/err")" "2 1"
"$parts" control "$tmp/run/control" >"$tmp/out" 2>"$tmp/err"
is "a second one leaves" "$?" 2
matches "and says who runs" "$tmp/err" "already running, pid $controlled "
kill -KILL $controlled
wait $controlled 2>"$tmp/null" || true
./kfunctrace release --control "$tmp/run/control" x 2>"$tmp/err"
is "a socket that a killed one left" "$? $(grep -c 'no aggregator is running' "$tmp/err")" "2 1"

# --- the journal ----------------------------------------------------------------------

# A journal of our own, in a mount namespace, so that the machine's is left alone.
cat >"$tmp/journal" <<-'EOT'
	set -e
	mount --make-rprivate /
	mkdir "$tmp/dev"
	mount -t tmpfs tmpfs /run
	mount -t tmpfs tmpfs /var/log
	mount -t tmpfs tmpfs "$tmp/dev"
	cp -a /dev/null /dev/zero /dev/urandom /dev/full "$tmp/dev"
	ln -s /run/systemd/journal/dev-log "$tmp/dev/log"
	mount --bind "$tmp/dev" /dev
	mkdir -p /run/systemd/journal
	/lib/systemd/systemd-journald >"$tmp/journald" 2>&1 &
	journald=$!
	for ((i = 0; i < 600 && ! $(test -S /run/systemd/journal/dev-log; echo $?) == 0; i++)); do
		sleep 0.1
	done
	"$parts" tell auto bpf_old demo $'deprecated\nPRIORITY=0' >"$tmp/told"
	"$parts" tell syslog bpf_old demo "to syslog" >>"$tmp/told"
	for ((i = 0; i < 600; i++)); do
		journalctl --no-pager -o json -t kfunctrace >"$tmp/entries" 2>"$tmp/journalctl"
		[[ $(wc -l <"$tmp/entries") == 2 ]] && break
		sleep 0.1
	done
	journalctl --no-pager -o cat KFUNCTRACE_KIND=deprecated-call >"$tmp/found"
	kill $journald
	wait $journald || true
EOT
if ! [[ $EUID == 0 && -x /lib/systemd/systemd-journald ]] || ! unshare -m true 2>"$tmp/null"; then
	skip "notices reach the journal" "needs root, mount namespaces and systemd-journald"
else
	tmp=$tmp parts=$PWD/$parts timeout 180 unshare -m bash "$tmp/journal" >"$tmp/out" 2>&1
	is "journal and syslog take notices" "$(tr '\n' ' ' <"$tmp/told")" "failed 0 failed 0 "
	is "the journal has the fields" \
		"$(jq -r 'select(._TRANSPORT == "journal") | "\(.MESSAGE)|\(.PRIORITY)|\(.MESSAGE_ID)|" +
			"\(.KFUNCTRACE_KIND)|\(.KFUNCTRACE_KFUNC)|\(.KFUNCTRACE_CALLER)|" +
			"\(.KFUNCTRACE_PROGRAM_ID)|\(.KFUNCTRACE_MODULE)"' "$tmp/entries")" \
		"deprecated?PRIORITY=0|5|b8b550aa7238498e85f990b595df328a|deprecated-call|bpf_old|demo|42|null"
	is "and finds them by one" "$(<"$tmp/found")" "deprecated?PRIORITY=0"
	is "syslog's notice has priority and name" \
		"$(jq -r 'select(._TRANSPORT == "syslog") |
			"\(.MESSAGE)|\(.PRIORITY)|\(.SYSLOG_FACILITY)|\(.SYSLOG_IDENTIFIER)"' "$tmp/entries")" \
		"deprecated-call: to syslog|5|3|kfunctrace"
fi

# --- privileges --------------------------------------------------------------------------

# The mask of capabilities, by their numbers.
mask()
{
	local number value=0

	for number; do
		((value |= 1 << number))
	done
	printf '%016x' "$value"
}

# After the drop, by <linux/capability.h>: DAC_READ_SEARCH, SYS_PTRACE, SYS_ADMIN, PERFMON,
# BPF, and before 6.9 NET_ADMIN.
kept=(2 19 21 38 39)
[[ $(printf '%s\n6.9\n' "$(uname -r)" | sort -V | head -1) == 6.9 ]] || kept+=(12)

# run_privileges [SETPRIV OPTION...]: what parts say, in $tmp/privileges
run_privileges()
{
	timeout 60 setpriv "$@" "$parts" privileges "$tmp/theirs" grep -E '^(Cap|NoNewPrivs)' \
		/proc/self/status >"$tmp/privileges" 2>"$tmp/err"
}

# Of one line.
result()
{
	sed -n "s/^$1:[[:space:]]*//p" "$tmp/privileges"
}

if ! [[ $EUID == 0 ]] || ! ./kfunctrace list --json >"$tmp/list" 2>"$tmp/null"; then
	skip "the privileges that are kept" "needs root and a kernel that lets it run BPF iterators"
else
	echo theirs >"$tmp/theirs"
	chown 1000 "$tmp/theirs"
	chmod 600 "$tmp/theirs"
	chmod 755 "$tmp"
	run_privileges
	is "privileges are dropped" "$? $(result drop) $(result drop-again)" "0 ok ok"
	is "without a word" "$(<"$tmp/err")" ""
	for set in CapPrm CapEff CapBnd; do
		is "$set is what is needed" "$(result "after $set")" "$(mask "${kept[@]}")"
	done
	is "nothing is inheritable or ambient" "$(result 'after CapInh') $(result 'after CapAmb')" \
		"$(mask) $(mask)"
	is "no new privileges" "$(result 'before NoNewPrivs') $(result 'after NoNewPrivs')" "0 1"
	is "what it executes has none, root or not" "$(result CapPrm) $(result CapEff) $(result CapAmb)" \
		"$(mask) $(mask) $(mask)"
	for needed in registry addresses program-next-id program-by-id holders map map-update fd-of-others; do
		is "it still can: $needed" "$(result $needed)" ok
	done
	for other in kill write-file-of-others chown setuid settimeofday packet-socket mknod; do
		matches "it no longer can: $other" "$tmp/privileges" "^$other: (EPERM|EACCES)$"
	done

	for ((i = 0; i < 300; i++)); do
		pgrep -f "^$parts privileges $tmp/" >"$tmp/null" || break
		sleep 0.1
	done
	is "the test leaves no process behind" "$(pgrep -f "^$parts privileges $tmp/")" ""

	# As a service manager begins: without CAP_SETPCAP.
	run_privileges --bounding-set=-setpcap,-chown
	is "without CAP_SETPCAP the rest is dropped" "$(result drop) $(result 'after CapEff')" \
		"ok $(mask "${kept[@]}")"
	is "and what it executes gains nothing" \
		"$((16#$(result CapEff) & ~16#$(mask "${kept[@]}")))" 0

	# Each of them is needed: what fails without.
	while read -r capability lost; do
		run_privileges --bounding-set="-$capability"
		matches "without $capability: no $lost" "$tmp/privileges" "^$lost: E[A-Z]+$"
		matches "which is warned of" "$tmp/err" "warning: no CAP_${capability^^}: "
	done <<-EOT
		sys_admin registry
		sys_ptrace fd-of-others
		dac_read_search fd-of-others
	EOT
fi

# --- the unit ----------------------------------------------------------------------------

# At most: systemd's figure for how exposed a service is, times ten (10.0 is all, an
# ordinary service of root has 9.6). Most of what is left is root, CAP_SYS_ADMIN, the
# network and /proc, which it needs.
threshold=30

unit=$tmp/usr/lib/systemd/system/kfunctrace.service
make --no-print-directory install PREFIX="$tmp/usr" >"$tmp/make" 2>&1
is "make install" "$?" 0
is "puts the program's path into the unit" "$(sed -n 's/^ExecStart=//p' "$unit")" "$tmp/usr/bin/kfunctrace serve"
is "and nothing else is left to fill in" "$(grep -v '^#' "$unit" | grep -c @PREFIX@)" 0
is "the unit is not among the program's data" "$(find "$tmp/usr/share/kfunctrace" -name '*.service')" ""
same "the unit begins with the capabilities that are needed" \
	"$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | sort)" \
	"$(grep -oE 'KEEP\([A-Z_]+\)' userspace/serve_privileges.c | sed 's/KEEP(\(.*\))/CAP_\1/' | sort)"
if command -v systemd-analyze >"$tmp/null"; then
	MANPATH=$tmp/usr/share/man: systemd-analyze verify "$unit" >"$tmp/out" 2>&1
	is "systemd-analyze verify" "$? $(grep -F kfunctrace "$tmp/out")" "0 "
	systemd-analyze --no-pager security --offline=true --threshold=$threshold "$unit" >"$tmp/out" 2>&1
	is "systemd-analyze security: at most $threshold ($(sed -n 's/.*Overall exposure level.*: \([0-9.]*\) .*/\1/p' "$tmp/out"))" \
		"$?" 0
	systemd-analyze --no-pager security --offline=true --threshold=10 "$unit" >"$tmp/out" 2>&1
	is "which can fail" "$?" 1
else
	skip "systemd-analyze verify and security" "there is no systemd-analyze"
fi

done_testing
