#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does scripts/vm what it says? Speaks TAP.
#
# shellcheck disable=SC2016 # what is quoted is for the guest's shell to expand

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
. tests/tap.sh
. tests/ports.sh

# result STATUS TEXT: what went wrong is in $tmp/err
result()
{
	ok "$1" "$2" "$(tail -n 20 "$tmp/err")"
}

# Runs scripts/vm; its stdout is in $tmp/out then, its stderr in $tmp/err, its
# exit status in $status.
vm()
{
	status=0
	scripts/vm "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
}

# Usage: printed TEXT, TEXT being all of stdout
printed()
{
	[[ $(<"$tmp/out") == "$1" ]]
}

declare -A version=([bookworm]=6.1. [trixie]=6.12. [backports]=7.)
for suite in "${!version[@]}"; do
	vm --kernel "$suite" -- uname -r
	[[ $status == 0 && $(<"$tmp/out") == "${version[$suite]}"* ]]
	result $? "$suite boots a kernel ${version[$suite]}x"

	vm --kernel "$suite" --modules nf_conntrack -- cat /sys/module/nf_conntrack/initstate
	[[ $status == 0 ]] && printed live
	result $? "$suite: nf_conntrack is loaded with what it depends on"
done

vm -- sh -c 'echo to stdout; echo to stderr >&2; exit 7'
[[ $status == 7 ]]
result $? "the exit status of the command comes through"
printed 'to stdout'
result $? "stdout holds what the command wrote there and nothing else"
[[ $(<"$tmp/err") == 'to stderr' ]]
result $? "stderr holds what the command wrote there and nothing else"

vm -- printf '<%s>\n' "it's" 'a  b' '' '$HOME' $'two\nlines' '*'
[[ $status == 0 ]] && printed $'<it\'s>\n<a  b>\n<>\n<$HOME>\n<two\nlines>\n<*>'
result $? "arguments arrive as they were given"

vm -- sh -c '[ ! -t 0 ] && [ ! -t 1 ] && [ ! -t 2 ] && [ -p /proc/self/fd/1 ]'
[[ $status == 0 ]]
result $? "the command sees no terminal"

vm -- sh -c 'head -c 5000000 /dev/urandom >big; md5sum <big >&2; cat big'
[[ $status == 0 && $(md5sum <"$tmp/out") == "$(<"$tmp/err")" ]]
result $? "5 MB of any bytes arrive whole and in order"

vm -- sh -c 'printf "a\nb\r\n\004\021\023\377"'
cmp -s "$tmp/out" <(printf 'a\nb\r\n\004\021\023\377')
result $? "control characters are not touched"

vm -- sh -c 'sleep 1000 & echo done'
[[ $status == 0 ]] && printed 'done'
result $? "what the command leaves behind does not hold up the end"

# The moment lets the output leave the guest: what a panic finds in its buffers is lost.
vm -- sh -c 'echo before; sleep 1; echo c >/proc/sysrq-trigger; sleep 5'
[[ $status == 125 ]] && printed before && grep -q 'sysrq triggered crash' "$tmp/err" &&
	grep -q 'panicked' "$tmp/err"
result $? "a panic fails the run and is shown"

vm -- sh -c 'echo "WARNING: made up" >/dev/kmsg'
[[ $status == 125 ]] && grep -q 'WARNING: made up' "$tmp/err"
result $? "a warning of the kernel fails a command that succeeded"

vm -- sh -c 'echo "WARNING: made up" >/dev/kmsg; dmesg -c >/dev/null'
[[ $status == 125 ]]
result $? "a warning cannot be hidden by clearing the log"

vm -- sh -c 'echo "harmless, though it has WARNING: in it" >/dev/kmsg'
[[ $status == 0 ]]
result $? "the word alone is no warning"

start=$SECONDS
vm --timeout 40 -- sleep 1000
[[ $status == 124 ]] && ((SECONDS - start < 200)) && grep -q 'sleep 1000' "$tmp/err"
result $? "a hang ends with --timeout and shows what was running"

vm --add "$(command -v objdump)" --add tests/scripts -- \
	sh -c 'objdump --version | head -n 1; cmp "$(which objdump)" /root/objdump; ls scripts'
[[ $status == 0 ]] && grep -q 'GNU objdump' "$tmp/out" && grep -qx vm.sh "$tmp/out"
result $? "--add brings a program with its libraries, and a folder"

# Asks again, as whoever waits for a service does: until the guest listens there is nobody. For as long
# as the guest may take.
ask()
{
	local end=$((SECONDS + 200))

	while ((SECONDS < end)); do
		curl -s -m 10 "$1" && return
		sleep 0.5
	done
	return 1
}

for suite in "${!version[@]}"; do
	port=$(free_port vm)
	ask "http://127.0.0.1:$port" >"$tmp/asked" &
	vm --kernel "$suite" --timeout 200 --forward "$port:9435" -- sh -c 'for i in $(seq 60); do
		printf "HTTP/1.0 200 OK\r\n\r\nhello from the guest\n" | timeout 5 nc -l -p 9435 |
			grep -q GET && break; done'
	wait $!
	[[ $status == 0 && $(<"$tmp/asked") == 'hello from the guest' ]]
	result $? "$suite: --forward lets this host reach a port of the guest"
done

vm --get /proc/version="$tmp/version" --get made="$tmp/made" -- \
	sh -c 'cat /proc/version; mkdir made; echo text >made/file'
[[ $status == 0 ]] && cmp -s "$tmp/version" "$tmp/out" && [[ $(<"$tmp/made/file") == text ]]
result $? "--get copies files out of the guest"

vm -- nproc
printed 2
result $? "there are 2 CPUs"

vm --icount -- nproc
[[ $status == 0 ]] && printed 1
result $? "with --icount there is one"

vm --smp 3 --mem 700 --append 'one_more=parameter' -- \
	sh -c 'nproc; grep -c one_more=parameter /proc/cmdline; [ $(awk "/MemTotal/ {print \$2}" /proc/meminfo) -lt 716800 ]'
[[ $status == 0 ]] && printed $'3\n1'
result $? "--smp, --mem and --append are obeyed"

vm -- sh -c 'jq -n "{a: 1}" -c; bpftool version | head -n 1 | cut -d" " -f1; bash -c "echo \$((6 * 7))"
	for at in /sys/kernel/tracing /sys/fs/bpf /sys/fs/cgroup /sys/kernel/debug /dev/pts /tmp; do
		grep -q " $at " /proc/mounts || echo "$at is not mounted"
	done
	ping -c 1 127.0.0.1 >/dev/null || echo no loopback'
[[ $status == 0 ]] && printed $'{"a":1}\nbpftool\n42'
result $? "bpftool, jq and bash run; the usual file systems are mounted"

vm --image "$(scripts/kernel trixie)/vmlinuz" --modules nf_conntrack -- uname -r
[[ $status == 0 && $(<"$tmp/out") == 6.12.* ]]
result $? "--image boots another kernel, with the modules beside it"

scripts/vm -- sh -c 'echo one' >"$tmp/one" 2>&1 &
scripts/vm -- sh -c 'echo two' >"$tmp/two" 2>&1 &
wait
[[ $(<"$tmp/one") == one && $(<"$tmp/two") == two ]]
result $? "two at once do not disturb each other"

mkdir "$tmp/tmpdir"
TMPDIR=$tmp/tmpdir scripts/vm -- sleep 1000 >/dev/null 2>"$tmp/err" &
vm_pid=$!
# A machine with other things to do takes a while to get there.
for _ in {1..1200}; do
	[[ -s $(echo "$tmp"/tmpdir/*/qemu.pid) ]] && break
	sleep 0.1
done
qemu=$(cat "$tmp"/tmpdir/*/qemu.pid)
kill -TERM $vm_pid
wait $vm_pid
[[ $? == 143 && -n $qemu && ! -e /proc/$qemu && -z $(ls -A "$tmp/tmpdir") ]]
result $? "SIGTERM ends QEMU and leaves no files"

start=$SECONDS
TMPDIR=$tmp/tmpdir scripts/vm -- yes 2>"$tmp/err" | head -n 1 >"$tmp/out"
printed y && ((SECONDS - start < 200)) && [[ -z $(ls -A "$tmp/tmpdir") ]]
result $? "a reader that goes away ends the VM"

misused=0
for arguments in '' '--' '--nonsense -- true' '--smp x -- true' '--kernel nosuch -- true' \
		 '--icount --smp 2 -- true' '--add /nonexistent -- true' '--timeout' \
		 '--module /nonexistent -- true'; do
	# shellcheck disable=SC2086 # several words
	vm $arguments
	((status == 2)) || { misused=1; echo "# '$arguments' gave $status"; }
done
result $misused "wrong usage gives exit status 2"

vm --modules no_such_module -- true
[[ $status == 125 ]] && grep -q no_such_module "$tmp/err"
result $? "a module that does not exist fails the run"

modules=$(scripts/module trixie)
vm --kernel trixie --modules nf_conntrack --module "$modules/kfunctrace_test.ko" \
	--module "$modules/kfunctrace.ko" -- sh -c 'lsmod | cut -d" " -f1 | head -n 3 | tail -n +2'
[[ $status == 0 ]] && printed $'kfunctrace\nkfunctrace_test'
result $? "--module loads files, in their order, after the kernel's own modules"

vm --kernel bookworm --module "$modules/kfunctrace.ko" -- true
[[ $status == 125 ]] && grep -q 'insmod kfunctrace.ko failed' "$tmp/err"
result $? "a module for another kernel fails the run"

done_testing
