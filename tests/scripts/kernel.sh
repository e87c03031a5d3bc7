#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does scripts/kernel survive what happens to downloads? Speaks TAP. Needs the
# network, so it is no part of the quick tests.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
. tests/tap.sh
export KFUNCTRACE_CACHE=$tmp/cache

# result STATUS TEXT: what went wrong is in $tmp/err
result()
{
	ok "$1" "$2" "$(tail -n 20 "$tmp/err")"
}

whole()
{
	[[ -s $1/vmlinuz && -s $1/vmlinux && -s $1/config && -d $1/lib/modules/$(<"$1/release")/kernel ]]
}

KFUNCTRACE_MIRROR=http://127.0.0.1:9 scripts/kernel backports >"$tmp/out" 2>"$tmp/err"
[[ $? == 1 && ! -s $tmp/out ]] && grep -q 'check the network' "$tmp/err"
result $? "a mirror that does not answer is a clear error"

scripts/kernel backports >"$tmp/out" 2>"$tmp/err" &
pid=$!
for ((i = 0; i < 1200; i++)); do
	! grep -q fetching "$tmp/err" || break
	sleep 0.1
done
kill -KILL $pid
wait $pid 2>/dev/null
[[ ! -s $tmp/out && ! -e $tmp/cache/kernels/backports ]]
result $? "killed half-way, nothing is in place"

before=$(apt-config dump | md5sum; find /var/lib/apt /etc/apt -newer "$tmp/out" -type f)
scripts/kernel backports >"$tmp/one" 2>"$tmp/err" &
scripts/kernel backports >"$tmp/two" 2>"$tmp/err2"
status=$?
wait $! && ((status == 0)) && whole "$(<"$tmp/one")" && cmp -s "$tmp/one" "$tmp/two"
result $? "two at once give the same whole kernel, after one was killed"
[[ $(cat "$tmp/err" "$tmp/err2" | grep -c 'fetching') == 1 ]]
result $? "only one of them fetched it"
after=$(apt-config dump | md5sum; find /var/lib/apt /etc/apt -newer "$tmp/out" -type f)
[[ $before == "$after" ]]
result $? "the machine's own apt is as it was"

KFUNCTRACE_MIRROR=http://127.0.0.1:9 scripts/kernel backports >"$tmp/out" 2>"$tmp/err"
[[ $? == 0 && ! -s $tmp/err ]] && cmp -s "$tmp/one" "$tmp/out"
result $? "a cached kernel needs no network and says nothing"

KFUNCTRACE_MIRROR=http://127.0.0.1:9 scripts/kernel --renew backports >"$tmp/out" 2>"$tmp/err"
[[ $? == 1 ]] && whole "$tmp/cache/kernels/backports"
result $? "--renew that fails leaves the cached kernel"

scripts/kernel --renew backports >"$tmp/out" 2>"$tmp/err" && whole "$(<"$tmp/out")"
result $? "--renew finds the newest kernel"

[[ -z $(find "$tmp/cache/kernels" -name '.tmp-*' -newer "$tmp/one") ]]
result $? "no temporary folder is left"

for arguments in '' 'nosuch' '--nonsense' 'trixie sid'; do
	# shellcheck disable=SC2086 # several words
	scripts/kernel $arguments >"$tmp/out" 2>"$tmp/err"
	[[ $? == 2 && ! -s $tmp/out ]]
	result $? "'$arguments' is wrong usage"
done

done_testing
