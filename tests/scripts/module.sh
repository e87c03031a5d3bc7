#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Do the kernel modules build for the test kernels, without a warning and with BTF, and does
# scripts/module survive what happens to it? Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
. tests/tap.sh
PATH=$PATH:/usr/sbin:/sbin
kernels=${KERNELS:-backports trixie bookworm}
cache=${KFUNCTRACE_CACHE:-$PWD/.cache}
nowhere=http://127.0.0.1:9

# result STATUS TEXT: what went wrong is in $tmp/err
result()
{
	ok "$1" "$2" "$(tail -n 20 "$tmp/err")"
}

# has_btf MODULE RELEASE: and it is for that kernel
has_btf()
{
	local sections

	sections=$(readelf -SW "$1" 2>>"$tmp/err") || return
	[[ $sections == *' .BTF '* && $(modinfo -F vermagic "$1") == "$2 "* ]]
}

whole()
{
	local module

	for module in kfunctrace kfunctrace_test; do
		has_btf "$1/$module.ko" "$2" || return
	done
}

version=$(sed -nE 's/^#define KFUNCTRACE_MODULE_VERSION "(.*)"/\1/p' module/version.h)

# dkms_build SUITE RELEASE: with dkms, of nothing but what Documentation/module.rst says; sets installed
dkms_build()
{
	local at=build/dkms/$2

	rm -rf "$at"
	mkdir -p "$at/source/kfunctrace-$version" "$at/tree"
	cp -r Kbuild dkms.conf module tracepoints "$at/source/kfunctrace-$version"
	cp "$(command -v dkms)" "$at"
	scripts/module --run "$1" bash "$at/dkms" build --sourcetree "/source/$at/source" \
		--dkmstree "/source/$at/tree" -m "kfunctrace/$version" -k "$2" \
		--kernelsourcedir "/lib/modules/$2/build" >"$tmp/err" 2>&1 || return
	installed=$(find "$at/tree/kfunctrace/$version/$2" -name '*.ko*' -printf '%f ')
	has_btf "$at/tree/kfunctrace/$version/$2/$(uname -m)/module/kfunctrace.ko" "$2"
}

for suite in $kernels; do
	folder=$(scripts/module "$suite" 2>"$tmp/err")
	result $? "modules for the kernel of $suite build without a warning"
	release=$(<"$(scripts/kernel "$suite")/release")
	whole "$folder" "$release"
	result $? "they are for $release and have BTF"
	again=$(KFUNCTRACE_MIRROR=$nowhere scripts/module "$suite" 2>"$tmp/err")
	[[ $again == "$folder" && ! -s $tmp/err ]]
	result $? "built once, they need no network and nothing is said"

	before=$(git status --porcelain --ignored=no 2>/dev/null)
	rm -rf "build/module/$release"
	scripts/module --run "$suite" make module "KDIR=/lib/modules/$release/build" W=1 \
		>"$tmp/err" 2>&1
	status=$?
	((!status)) && whole "build/module/$release" "$release"
	result $? "make module builds them for the headers that KDIR names"
	[[ $(git status --porcelain --ignored=no 2>/dev/null) == "$before" ]]
	result $? "and leaves nothing among the sources"
	dkms_build "$suite" "$release"
	result $? "so does dkms"
	is "which installs the module that is not for tests" "$installed" "kfunctrace.ko "
done

make module KDIR=/nonexistent >"$tmp/err" 2>&1
[[ $? == 2 ]] && grep -q 'no kernel headers in /nonexistent' "$tmp/err"
result $? "make module without headers is a clear error"

[[ -n $version && $(sed -nE 's/^PACKAGE_VERSION="(.*)"/\1/p' dkms.conf) == "$version" ]]
result $? "dkms.conf has the modules' version"

# From here on with one kernel, in a copy of the sources and with a cache that has nothing but it.
suite=${kernels##* }
mkdir -p "$tmp/tree" "$tmp/cache"
cp -r Kbuild module tracepoints scripts "$tmp/tree"
ln -s "$(cd "$cache" && pwd)/kernels" "$tmp/cache/kernels"
export KFUNCTRACE_CACHE=$tmp/cache
module=$tmp/tree/scripts/module

# What it started goes on for a while, and writes.
$module "$suite" >"$tmp/out" 2>"$tmp/killed" &
pid=$!
for ((i = 0; i < 1200; i++)); do
	! grep -q 'making a folder' "$tmp/killed" || break
	sleep 0.1
done
kill -KILL $pid
wait $pid 2>/dev/null
cp "$tmp/killed" "$tmp/err"
[[ ! -s $tmp/out && -z $(find "$tmp/cache" -name '*.ko') ]]
result $? "killed half-way, nothing is in place"

before=$(apt-config dump | md5sum; find /var/lib/apt /etc/apt -newer "$tmp/out" -type f)
$module "$suite" >"$tmp/one" 2>"$tmp/err" &
$module "$suite" >"$tmp/two" 2>"$tmp/err2"
status=$?
wait $! && ((status == 0)) && whole "$(<"$tmp/one")" "$release" && cmp -s "$tmp/one" "$tmp/two"
result $? "two at once give the same modules, after one was killed"
[[ $(cat "$tmp/err" "$tmp/err2" | grep -c 'making a folder') == 1 ]]
result $? "only one of them made the folder to build in"
after=$(apt-config dump | md5sum; find /var/lib/apt /etc/apt -newer "$tmp/out" -type f)
[[ $before == "$after" ]]
result $? "the machine's own apt is as it was"
! grep -q "$tmp" /proc/mounts
result $? "no mount is left"

sed 's/^static int __init.*/static int nobody_needs_this;\n&/' module/kfunctrace.c \
	>"$tmp/tree/module/kfunctrace.c"
$module "$suite" >"$tmp/out" 2>"$tmp/err"
[[ $? == 1 && ! -s $tmp/out ]] && grep -q 'nobody_needs_this.*defined but not used' "$tmp/err"
result $? "a warning of the compiler is an error, and is shown"

if [[ $(<"$tmp/cache/kernels/$suite/release") == [7-9].* ]]; then
	skip "a warning of sparse is an error" "Debian's sparse does not parse the headers of $suite"
else
	sed 's/^static int __init.*/extern void *nobody_needs_this;\nvoid *nobody_needs_this = 0;\n&/' \
		module/kfunctrace.c >"$tmp/tree/module/kfunctrace.c"
	$module "$suite" >"$tmp/out" 2>"$tmp/err"
	[[ $? == 1 && ! -s $tmp/out ]] && grep -q 'plain integer as NULL' "$tmp/err"
	result $? "a warning of sparse is an error, and is shown"
fi

for arguments in '' 'nosuch' '--nonsense' 'trixie sid' '--run trixie'; do
	# shellcheck disable=SC2086 # several words
	$module $arguments >"$tmp/out" 2>"$tmp/err"
	[[ $? == 2 && ! -s $tmp/out ]]
	result $? "'$arguments' is wrong usage"
done

done_testing
