#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lint on Debian's kernels and modules as they are, where it must find what a
# person has found to be true, and on modules with one thing made wrong, which
# it must find. Speaks TAP. Needs the kernels of scripts/kernel, no privileges.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# findings FILE: severity, rule and kfunc, a line each
findings()
{
	jq -r '.findings[] | "\(.severity) \(.rule) \(.kfunc)"' "$1" | sort
}

unpacked()
{
	case $1 in
	*.xz)	xz -dc "$1" ;;
	*)	cat "$1" ;;
	esac
}

# --- as they are ------------------------------------------------------------------

for suite in bookworm trixie backports; do
	kernel=$(scripts/kernel "$suite") || exit
	version=$(grep -oE '^[0-9]+\.[0-9]+' "$kernel/release")
	modules=()
	for name in nf_conntrack nf_nat nf_flow_table xfrm_interface tcp_bbr tcp_dctcp fou; do
		modules+=("$(find "$kernel/lib/modules/" -name "$name.ko*")")
	done
	./kfunctrace lint --json --image "$kernel/vmlinuz" >"$tmp/kernel" 2>"$tmp/err"
	./kfunctrace lint --json --image "$kernel/vmlinuz" "${modules[@]}" >"$tmp/modules" 2>>"$tmp/err"
	is "$suite: nothing is said but findings" "$(<"$tmp/err")" ""
	if grep -q "^$version	" tests/data/lint.tsv; then
		same "$suite: what is found is known to be true of $version" \
			"$(sort <(findings "$tmp/kernel") <(findings "$tmp/modules"))" \
			"$(awk -F'\t' -v version="$version" '$1 == version { print $2, $3, $4 }' tests/data/lint.tsv | sort)"
	else
		skip "$suite: what is found is known to be true" "nobody has looked at $version"
	fi
	snapshots=(share/kernels/"$version".*.json)
	if [[ -f ${snapshots[0]} ]]; then
		is "$suite: all kfuncs of kernel and modules were looked at" \
			"$(jq -s 'map(.kfuncs) | add' "$tmp/kernel" "$tmp/modules")" \
			"$(jq '.kfuncs | length' "${snapshots[0]}")"
	else
		skip "$suite: all kfuncs of kernel and modules were looked at" "no snapshot of $version"
	fi
done

# --- one thing wrong --------------------------------------------------------------

kernel=$(scripts/kernel trixie) || exit
unpacked "$(find "$kernel/lib/modules/" -name 'nf_conntrack.ko*')" >"$tmp/good.ko"
objcopy --dump-section .BTF_ids="$tmp/ids" "$tmp/good.ko" "$tmp/nf_conntrack.ko"

# lint MODULE: what it finds but notes
lint()
{
	./kfunctrace lint --json --image "$kernel/vmlinuz" "$1" >"$tmp/json" 2>"$tmp/err"
	findings "$tmp/json" | grep -v '^note '
}

# The set's place in .BTF_ids. The ids in it are sorted, so that the symbols of
# the single ones no longer tell whose they are.
set=$((16#$(readelf -sW "$tmp/good.ko" | awk '$8 == "__BTF_ID__set8__nf_ct_kfunc_set" { print $2; exit }')))
bpftool btf dump -B "$kernel/vmlinux" file "$tmp/good.ko" >"$tmp/btf"

# word OFFSET VALUE: writes it into a copy of .BTF_ids, little-endian
word()
{
	printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($2 & 255)) $(($2 >> 8 & 255)) \
		$(($2 >> 16 & 255)) $(($2 >> 24 & 255)))" |
		dd of="$tmp/changed" bs=1 seek="$1" conv=notrunc status=none
}

word_at()
{
	od -An -tu4 -j "$1" -N 4 "$tmp/ids" | tr -d ' '
}

# place_of KFUNC: of its id; its flags are behind it
place_of()
{
	local id at

	id=$(sed -nE "s/^\[([0-9]+)\] FUNC '$1' .*/\1/p" "$tmp/btf")
	for ((at = set + 8; ; at += 8)); do
		if [[ $(word_at $at) == "$id" ]]; then
			echo $at
			return
		fi
	done
}

# with_flags KFUNC XOR: sets and clears flags of a kfunc
with_flags()
{
	local at

	at=$(($(place_of "$1") + 4))
	word $at $(($(word_at $at) ^ $2))
}

# finds TEXT WANT: in a module with the changed .BTF_ids
finds()
{
	objcopy --update-section .BTF_ids="$tmp/changed" "$tmp/good.ko" "$tmp/bad.ko"
	is "$1" "$(lint "$tmp/bad.ko")" "$2"
	cp "$tmp/ids" "$tmp/changed"
}

cp "$tmp/ids" "$tmp/changed"
finds "an unchanged module is clean" ""
acquire=$((1 << 0)) release=$((1 << 1)) iter_new=$((1 << 8))
with_flags bpf_ct_set_status $acquire
finds "an acquire that returns a number" "error acquire-return bpf_ct_set_status"
with_flags bpf_ct_release $release
with_flags bpf_ct_insert_entry $release
finds "references that nothing releases" "error no-release bpf_ct_insert_entry
error no-release bpf_skb_ct_alloc
error no-release bpf_skb_ct_lookup
error no-release bpf_xdp_ct_alloc
error no-release bpf_xdp_ct_lookup"
with_flags bpf_ct_change_timeout $iter_new
finds "an iterator that is none" "error iterator bpf_ct_change_timeout"
with_flags bpf_ct_change_timeout $((1 << 30))
finds "a flag that this kernel does not have" "warning unknown-flag bpf_ct_change_timeout"
word "$(place_of bpf_ct_set_status)" 0
finds "a kfunc that BTF does not have" "error unresolved null"
symbol=$(readelf -sW "$tmp/good.ko" | awk '$8 ~ /^__BTF_ID__func__bpf_ct_set_status__/ { print $8; exit }')
objcopy --redefine-sym "$symbol=__BTF_ID__func__bpf_ct_set_statsu__12" "$tmp/bad.ko" "$tmp/worse.ko"
lint "$tmp/worse.ko" >/dev/null
matches "and which one the build has looked for" "$tmp/json" 'no bpf_ct_set_statsu when'
word $((set + 4)) 0
finds "a set that is not marked as kfuncs'" "error set-not-tagged null"
word "$set" 0
for ((at = set + 8; at < set + 8 + 8 * $(word_at "$set"); at += 8)); do
	word $at 0
done
finds "ids that nobody has put in" "error unresolved null"

objcopy --remove-section .BTF "$tmp/good.ko" "$tmp/bad.ko"
is "a module without BTF" "$(lint "$tmp/bad.ko")" "error no-btf null"
objcopy --redefine-sym bpf_ct_release=bpf_ct_release.isra.0 "$tmp/good.ko" "$tmp/bad.ko"
is "a kfunc whose parameters the compiler has changed" "$(lint "$tmp/bad.ko")" "error no-symbol bpf_ct_release"
is "and it is said what is left of it" "$(jq -r '.findings[0].what' "$tmp/json" | grep -c 'bpf_ct_release.isra.0')" 1
objcopy --redefine-sym bpf_ct_release=elsewhere "$tmp/good.ko" "$tmp/bad.ko"
is "a kfunc that the compiler has left out" "$(lint "$tmp/bad.ko")" "error no-symbol bpf_ct_release"
objcopy --remove-section .rela.data --remove-section .rela.rodata --remove-section .rela.data.rel.ro \
	"$tmp/good.ko" "$tmp/bad.ko"
is "a set that nothing registers" "$(lint "$tmp/bad.ko" | cut -d' ' -f1,2 | sort -u)" "warning set-not-registered"

# --- bad input --------------------------------------------------------------------

# refused TEXT NAME COMMAND...: exit status 2, and a message with NAME
refused()
{
	local text=$1 name=$2

	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	is "$text: exit status 2, and it is named" "$? $(grep -c "$name" "$tmp/err" | sed 's/[1-9].*/named/')" "2 named"
}

refused "no file" nothing.ko ./kfunctrace lint --image "$kernel/vmlinuz" "$tmp/nothing.ko"
refused "no kernel to a module" kernel ./kfunctrace lint "$tmp/good.ko"
refused "the kernel of another module" vmlinuz \
	./kfunctrace lint --image "$(scripts/kernel bookworm)/vmlinuz" "$tmp/good.ko"
refused "a module for a kernel" good.ko ./kfunctrace lint --image "$tmp/good.ko"
for size in 0 3 64 1000 50000 200000; do
	head -c $size "$tmp/good.ko" >"$tmp/cut.ko"
	refused "the first $size bytes of a module" cut.ko \
		./kfunctrace lint --image "$kernel/vmlinuz" "$tmp/cut.ko"
done
./kfunctrace lint --json --image "$kernel/vmlinuz" "$tmp/cut.ko" "$tmp/good.ko" >"$tmp/json" 2>/dev/null
is "beside one that cannot be read another is looked at" "$? $(jq '.kfuncs > 0' "$tmp/json")" "2 true"
done_testing
