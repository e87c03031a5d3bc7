#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The host of tests/fleet-vm.sh, in a VM: counts, is scraped from outside, is killed, begins again.
# Whoever connects to port 9436 is told from which step it goes on; its output tells which it has reached.
. /root/vm/lib.sh

cat >serve.conf <<-EOT
	[serve]
	interval = 500ms
	look = 1s
	max_overhead = off
	[history]
	file = /root/history.db
	[listen]
	address = 10.0.2.15:9435
	[notices]
	to = file:/root/notices.jsonl
EOT

await()
{
	echo "STEP $1"
	echo "on from $1" | nc -l -p 9436 >/dev/null
}

begin()
{
	kfunctrace serve -c serve.conf 2>>serve.err &
	serve_pid=$!
	wait_for 120 wget -q -O /dev/null http://10.0.2.15:9435/readyz && return
	echo "serve is not ready: $(tail -n 5 serve.err)"
	exit 1
}

# The workload, whose program stays loaded until the end.
work()
{
	workload --truth "$1.json" --done "$1.done" --hold end sched-ext >"$1.log" 2>&1 &
	wait_for 60 test -e "$1.done"
	jq -c '[.[] | select(.program != null) | {kfunc, program, calls}]' "$1.json" |
		sed "s/^/TRUTH /"
}

begin
work first
await "counted"
kill -9 $serve_pid
wait $serve_pid 2>/dev/null
await "killed"
touch end
wait
rm -f end
begin
work second
await "counted again"
touch end
kill -TERM $serve_pid
wait
echo "STEP ended"
cat serve.err >&2
