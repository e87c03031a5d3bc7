# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
# machine: --tool /usr/lib/systemd/systemd --tool systemctl
#
# The unit that ships, run by systemd itself: with the few privileges that it leaves the aggregator counts,
# is ready when it says so, is read anew, is watched over, and ends. systemd is the first process of a
# namespace of its own, as in a container, with no more units than it needs.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh
. /root/vm/refs_lib.sh

manager=
unit=/etc/systemd/system/kfunctrace.service

# As `make install` does.
install_unit()
{
	mkdir -p /usr/local/share /etc/systemd/system/kfunctrace.service.d /etc/kfunctrace &&
		cp /root/kfunctrace /usr/local/bin/ && cp -R /root/share /usr/local/share/kfunctrace &&
		sed 's|@PREFIX@|/usr/local|' /root/share/systemd/kfunctrace.service >$unit
}

# What is different here: what it says is kept, and nobody waits for minutes.
override_unit()
{
	cat >/etc/systemd/system/kfunctrace.service.d/test.conf <<-EOT
	[Service]
	StandardOutput=append:$PWD/serve.err
	StandardError=append:$PWD/serve.err
	WatchdogSec=20s
	RestartSec=1s
	EOT
}

# configure KFUNCS: paths and the address are those that it has by default
configure()
{
	cat >/etc/kfunctrace/kfunctrace.conf <<-EOT
	[serve]
	interval = 500ms
	look = 1s
	max_overhead = off
	kfuncs = $1
	[notices]
	to = file:/var/log/kfunctrace/notices.jsonl
	EOT
}

# What services depend on unless they say otherwise, and what systemd begins with.
install_targets()
{
	local name

	for name in sysinit basic network shutdown multi-user; do
		printf '[Unit]\nDescription=%s\n' $name >/etc/systemd/system/$name.target
	done
}

in_its_namespaces()
{
	nsenter -t "$manager" -p -m "$@"
}

ctl()
{
	in_its_namespaces /root/systemctl --no-pager "$@"
}

property()
{
	ctl show --value -p "$1" kfunctrace
}

begin_manager()
{
	mkdir -p /var/lib /var/log /var/tmp /var/cache /home /run/lock
	container=other unshare -p -m -f --mount-proc /root/systemd --system --unit=basic.target \
		--log-target=console --show-status=no >manager.out 2>&1 &
	wait_for 60 manages
}

manages()
{
	manager=$(pidof systemd) && ctl list-units
}

status_of()
{
	sed -n "s/^$1:[^0-9a-f]*//p" "/proc/$(pidof kfunctrace)/status"
}

check "the unit is installed" install_unit
override_unit
configure "$FIRST"
install_targets
check "systemd runs" begin_manager

# --- it starts ------------------------------------------------------------------------------------

check "it starts" ctl start kfunctrace
is "it is active" "$(property ActiveState) $(property SubState)" "active running"
check "ready is who says so" is_ready
# CAP_DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN, PERFMON and BPF.
is "it can have no more than the unit gives it" "$((0x$(status_of CapBnd)))" \
	$((1 << 2 | 1 << 12 | 1 << 19 | 1 << 21 | 1 << 38 | 1 << 39))
is "no new privileges, and a filter of system calls" "$(status_of NoNewPrivs) $(status_of Seccomp)" "1 2"
is "it has said nothing" "$(cat serve.err)" ""
check "a workload runs" run two-programs
cp truth.json first.json
check "it is drained" drained
serves "it counts"

# --- it is read anew --------------------------------------------------------------------------------

process=$(property MainPID)
configure "$FIRST $LATER"
check "it is read anew" ctl reload kfunctrace
check "and traces what is new" wait_for 60 grep -q '"kind": *"attached"' /var/log/kfunctrace/notices.jsonl
is "the process is the same, and active" "$(property MainPID) $(property ActiveState)" "$process active"
check "a workload runs" run two-programs
cp truth.json second.json
sum first.json second.json
check "it is drained" drained
serves "no count is lost"

# --- it is watched over -------------------------------------------------------------------------------

alive_again()
{
	[ "$(property WatchdogTimestampMonotonic)" != "$alive" ]
}

restarted()
{
	[ "$(property NRestarts)" -gt 0 ]
}

alive=$(property WatchdogTimestampMonotonic)
check "it says that it is alive" wait_for 60 alive_again
check "and is left alone" is_ready
kill -STOP "$(pidof kfunctrace)"
check "when it hangs it is started anew" wait_for 120 restarted
check "and is ready" wait_for 120 is_ready
check "a workload runs" run two-programs
cp truth.json third.json
sum first.json second.json third.json
check "it is drained" drained
serves "the counts go on"

# --- it ends ------------------------------------------------------------------------------------------

check "it is stopped" ctl stop kfunctrace
is "and ends as it should" "$(property ActiveState) $(property Result) $(property ExecMainStatus)" \
	"inactive success 0"
check "nothing traces any more" wait_for 60 nothing_traces
kfunctrace report --history /var/lib/kfunctrace/history.db --since 1h --json >report.json 2>stderr
jq '[.uses[] | {kfunc, caller, program, calls, null_returns}]' report.json >rows.json
is "the history has all calls" "$(compare exact)" ""
kill -9 "$manager"
is "the log of the kernel is clean" "$(kernel_trouble)" ""
done_testing
