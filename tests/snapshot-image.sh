#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Snapshots of kernels in files: are they what the same kernels say of themselves
# when they run (in VMs), is each compression and each form of a file read, and
# does what cannot be read end in an error that names it? Speaks TAP. Needs the
# kernels of scripts/kernel, no privileges. KERNELS="trixie" compares one only.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# make_deb DEB FOLDER TAR_OPTION: a package as dpkg-deb makes it, of what is in FOLDER
make_deb()
{
	local parts=$tmp/parts

	mkdir -p "$parts"
	echo 2.0 >"$parts/debian-binary"
	tar -C "$2" "$3" -cf "$parts/data.tar" .
	tar -cf "$parts/control.tar" -T /dev/null
	rm -f "$1"
	ar rc "$1" "$parts/debian-binary" "$parts/control.tar" "$parts/data.tar"
	rm -r "$parts"
}

# What decides whether programs load, of each kfunc. Files do not tell hooks, but
# all flags that there are with some hook.
known_to_files()
{
	jq -r '.kfuncs[] | [.module, .name, ([.hooks[] | sort | join("|")] | unique | join(" ")),
		.returns, (.params | tostring), (.abi | tostring)] | @tsv' "$1"
}

coverage()
{
	jq -r '.kfuncs[] | "\(.module)/\(.name) \(.coverage)"' "$1" | sort
}

# Kfuncs by the tags in BTF, as bpftool reads them; functions whose result is modified are tagged too.
tagged()
{
	bpftool btf dump file "$1" -j 2>/dev/null | jq -r '.types as $types |
		($types | map({key: (.id | tostring), value: .}) | from_entries) as $by |
		$types[] | select(.kind == "DECL_TAG" and .name == "bpf_kfunc") |
		$by[.type_id | tostring].name' | sort -u | grep -vE '^bpf_(fentry_test1|modify_return_test2?)$'
}

# --- what a kernel says of itself ---------------------------------------------------

# shellcheck disable=SC2086 # words
for suite in ${KERNELS:-bookworm trixie backports}; do
	kernel=$(scripts/kernel "$suite") || exit
	release=$(<"$kernel/release")

	rm -rf "$tmp/root"
	mkdir -p "$tmp/root/boot" "$tmp/root/usr"
	ln "$kernel/vmlinuz" "$tmp/root/boot/vmlinuz-$release" 2>/dev/null ||
		cp "$kernel/vmlinuz" "$tmp/root/boot/vmlinuz-$release"
	cp -r "$kernel/usr/lib" "$tmp/root/usr/lib"
	make_deb "$tmp/kernel.deb" "$tmp/root" --gzip
	rm -rf "$tmp/root"
	./kfunctrace snapshot --deb "$tmp/kernel.deb" -o "$tmp/deb.json" 2>"$tmp/err"
	is "$suite: a package with all modules is read" "$? $(<"$tmp/err")" "0 "

	modules=$(jq -r '.kfuncs[].module' "$tmp/deb.json" | sort -u | grep -vx vmlinux)
	files=()
	for module in $modules; do
		files+=(--module "$(find "$kernel/lib/modules/" -name "$module.ko*")")
	done
	./kfunctrace snapshot --image "$kernel/vmlinuz" "${files[@]}" -o "$tmp/image.json" 2>"$tmp/err"
	is "$suite: so are vmlinuz and the modules by themselves" "$? $(<"$tmp/err")" "0 "
	is "$suite: both give the same" "$(cmp "$tmp/deb.json" "$tmp/image.json" 2>&1)" ""

	scripts/vm --kernel "$suite" --modules "$(paste -sd, <<<"$modules")" --timeout 300 \
		--get live.json="$tmp/live.json" -- kfunctrace snapshot -o live.json >"$tmp/err" 2>&1
	is "$suite: the kernel runs, with these modules" "$? $(<"$tmp/err")" "0 "
	same "$suite: names, flags and prototypes are those of the running kernel" \
		"$(known_to_files "$tmp/image.json")" "$(known_to_files "$tmp/live.json")"
	is "$suite: so are its name and what typedefs stand for" \
		"$(jq -c '[.kernel, .typedefs]' "$tmp/image.json")" \
		"$(jq -c '[.kernel, .typedefs]' "$tmp/live.json")"
	is "$suite: coverage is that of the running kernel where it is known" \
		"$(coverage "$tmp/image.json" | grep -v ' unknown$' | comm -23 - <(coverage "$tmp/live.json"))" ""
	is "$suite: no hook is invented" \
		"$(jq -r '[.kfuncs[].hooks | keys[]] | unique | map(select(test("^unknown(-[2-9])?$") | not)) | length' \
			"$tmp/image.json")" 0
	./kfunctrace diff "$tmp/live.json" "$tmp/image.json" >"$tmp/out" 2>"$tmp/err"
	is "$suite: diff finds no difference" "$? $(<"$tmp/err")" "0 "
	matches "$suite: and says that" "$tmp/out" '^ 0 changes '
	matches "$suite: and that hooks were not compared" "$tmp/out" \
		"^ hooks of $(jq '.kfuncs | length' "$tmp/live.json") kfuncs not compared"
	if [[ -f share/kernels/$release.json ]]; then
		same "$suite: no module with kfuncs was overlooked" "$(jq -r '.kfuncs[].module' "$tmp/image.json" | sort -u)" \
			"$(jq -r '.kfuncs[].module' "share/kernels/$release.json" | sort -u)"
	else
		skip "$suite: no module with kfuncs was overlooked" "no snapshot of $release comes with it"
	fi

	if [[ ! -f $kernel/vmlinux ]]; then
		skip "$suite: kfuncs are those that are tagged" "this kernel could not be unpacked"
	elif tagged "$kernel/vmlinux" >"$tmp/tagged" && [[ -s $tmp/tagged ]]; then
		same "$suite: kfuncs are those that are tagged" \
			"$(jq -r '.kfuncs[] | select(.module == "vmlinux").name' "$tmp/image.json" | sort -u)" \
			"$(<"$tmp/tagged")"
	else
		skip "$suite: kfuncs are those that are tagged" "this kernel tags none"
	fi
done

# --- forms of files -----------------------------------------------------------------

kernel=$(scripts/kernel bookworm) || exit
old_kernel=$kernel
kernel=$(scripts/kernel trixie) || exit
./kfunctrace snapshot --image "$kernel/vmlinuz" -o "$tmp/want.json"
module=$(find "$kernel/lib/modules/" -name 'nf_conntrack.ko*')
case $module in
*.xz)	xz -dc "$module" >"$tmp/nf_conntrack.ko" ;;
*)	cp "$module" "$tmp/nf_conntrack.ko" ;;
esac
./kfunctrace snapshot --image "$kernel/vmlinuz" --module "$tmp/nf_conntrack.ko" -o "$tmp/want-module.json"

# The kernel without its code, which is quicker to compress.
if [[ -f $kernel/vmlinux ]]; then
	objcopy -j .rodata -j .BTF -j .BTF_ids "$kernel/vmlinux" "$tmp/vmlinux" 2>/dev/null
else
	echo "Bail out! scripts/kernel could not unpack the kernel of trixie"
	exit 1
fi
./kfunctrace snapshot --image "$tmp/vmlinux" -o "$tmp/have.json"
is "vmlinux gives what vmlinuz does" "$? $(cmp "$tmp/have.json" "$tmp/want.json" 2>&1)" "0 "

# number VALUE BYTES: little-endian
number()
{
	local i

	for ((i = 0; i < $2; i++)); do
		# shellcheck disable=SC2059 # a byte
		printf "\\x$(printf %02x $((($1 >> (8 * i)) & 255)))"
	done
}

# make_bzimage IMAGE PAYLOAD SIZE: a setup header, one sector of setup code and the payload; but for
# gzip, which has it, with the size unpacked behind it.
make_bzimage()
{
	local length

	length=$(stat -c %s "$2")
	[[ $2 == *.gz ]] || length=$((length + 4))
	{
		head -c $((0x1f1)) /dev/zero
		number 1 1
		head -c $((0x1fe - 0x1f2)) /dev/zero
		printf '\x55\xaa\xeb\x66HdrS'
		number $((0x20f)) 2
		head -c $((0x248 - 0x208)) /dev/zero
		number 64 4
		number "$length" 4
		head -c $((1024 + 64 - 0x250)) /dev/zero
		cat "$2"
		[[ $2 == *.gz ]] || number "$3" 4
		# Signatures and the like.
		head -c 1000 /dev/zero
	} >"$1"
}

size=$(stat -c %s "$tmp/vmlinux")
while read -r suffix command; do
	$command <"$tmp/vmlinux" >"$tmp/payload.$suffix" || exit
	make_bzimage "$tmp/vmlinuz.$suffix" "$tmp/payload.$suffix" "$size"
	./kfunctrace snapshot --image "$tmp/vmlinuz.$suffix" -o "$tmp/have.json" 2>"$tmp/err"
	is "a vmlinuz of $suffix is read" "$? $(<"$tmp/err")$(cmp "$tmp/have.json" "$tmp/want.json" 2>&1)" "0 "
	$command <"$tmp/nf_conntrack.ko" >"$tmp/nf_conntrack.ko.$suffix"
	./kfunctrace snapshot --module "$tmp/nf_conntrack.ko.$suffix" --image "$tmp/vmlinux" \
		-o "$tmp/have.json" 2>"$tmp/err"
	is "a module of $suffix is read" \
		"$? $(<"$tmp/err")$(cmp "$tmp/have.json" "$tmp/want-module.json" 2>&1)" "0 "
done <<-EOT
	xz xz -1 --check=crc32
	zst zstd -q -1
	lz4 lz4 -q -l
	frame.lz4 lz4 -q
	gz gzip -1
	bz2 bzip2 -1
	lzma xz -1 --format=lzma
EOT

strip -s -o "$tmp/stripped.ko" "$tmp/nf_conntrack.ko"
./kfunctrace snapshot --image "$tmp/vmlinux" --module "$tmp/stripped.ko" -o "$tmp/have.json"
is "a module without symbols has the same kfuncs" "$(known_to_files "$tmp/have.json")" \
	"$(known_to_files "$tmp/want-module.json")"

objcopy --strip-symbol=bpf_ct_release "$tmp/nf_conntrack.ko" "$tmp/elided.ko" 2>/dev/null ||
	objcopy --redefine-sym bpf_ct_release=elsewhere "$tmp/nf_conntrack.ko" "$tmp/elided.ko"
./kfunctrace snapshot --image "$tmp/vmlinux" --module "$tmp/elided.ko" -o "$tmp/have.json"
is "a kfunc without a symbol, where others have one, is elided" \
	"$(coverage "$tmp/have.json" | grep '^nf_conntrack/' | grep -v ' unknown$')" "nf_conntrack/bpf_ct_release elided"

mkdir -p "$tmp/modules/lib/modules" "$tmp/image/boot" "$tmp/headers/usr/src/linux-headers-$(<"$kernel/release")"
cp "$tmp/nf_conntrack.ko.xz" "$tmp/nf_conntrack.ko.zst" "$tmp/modules/lib/modules"
# As packages for debuggers have them: all sections are there, and empty.
objcopy --only-keep-debug "$tmp/nf_conntrack.ko" "$tmp/modules/lib/modules/debug.ko"
cp "$tmp/vmlinuz.xz" "$tmp/image/boot/vmlinuz-1"
objcopy -j .BTF -j .BTF_ids "$kernel/vmlinux" "$tmp/headers/usr/src/linux-headers-$(<"$kernel/release")/vmlinux" 2>/dev/null
make_deb "$tmp/modules.deb" "$tmp/modules" --xz
make_deb "$tmp/image.deb" "$tmp/image" --zstd
make_deb "$tmp/headers.deb" "$tmp/headers" --gzip
for order in "modules image" "image modules" "headers modules" "image headers modules"; do
	files=()
	for name in $order; do
		files+=(--deb "$tmp/$name.deb")
	done
	./kfunctrace snapshot "${files[@]}" -o "$tmp/have.json" 2>"$tmp/err"
	is "packages apart are read in the order $order" \
		"$? $(<"$tmp/err")$(cmp "$tmp/have.json" "$tmp/want-module.json" 2>&1)" "0 "
done

# --- what cannot be read --------------------------------------------------------------

# refuses TEXT REGEX ARGUMENT...: exit status 2, one line that has REGEX, and no result
refuses()
{
	local text=$1 regex=$2

	shift 2
	rm -f "$tmp/none.json"
	timeout 60 ./kfunctrace snapshot "$@" -o "$tmp/none.json" >"$tmp/out" 2>"$tmp/err"
	is "$text: exit status 2, one message, no file" \
		"$? $(wc -l <"$tmp/err") $(ls "$tmp/none.json" 2>/dev/null)" "2 1 "
	matches "$text: the message" "$tmp/err" "$regex"
}

for suffix in xz zst lz4 frame.lz4 gz bz2 lzma; do
	length=$(stat -c %s "$tmp/vmlinuz.$suffix")
	head -c $((length / 2)) "$tmp/vmlinuz.$suffix" >"$tmp/cut"
	refuses "half a vmlinuz of $suffix" "$tmp/cut: is cut short" --image "$tmp/cut"
	length=$(stat -c %s "$tmp/payload.$suffix")
	head -c $((length / 2)) "$tmp/payload.$suffix" >"$tmp/half.$suffix"
	make_bzimage "$tmp/cut" "$tmp/half.$suffix" "$size"
	refuses "a vmlinuz with half a kernel of $suffix" "$tmp/cut: .*(cannot be unpacked|instead of)" \
		--image "$tmp/cut"
	length=$(stat -c %s "$tmp/nf_conntrack.ko.$suffix")
	head -c $((length / 2)) "$tmp/nf_conntrack.ko.$suffix" >"$tmp/cut.ko.$suffix"
	refuses "half a module of $suffix" "$tmp/cut.ko.$suffix: " \
		--image "$tmp/vmlinux" --module "$tmp/cut.ko.$suffix"
done

head -c 100000 "$tmp/vmlinux" >"$tmp/cut"
refuses "a bit of a vmlinux" "$tmp/cut: .*cut short" --image "$tmp/cut"
head -c -100 "$tmp/vmlinux" >"$tmp/cut"
refuses "a vmlinux without its end" "$tmp/cut: .*cut short" --image "$tmp/cut"
# Signed modules have some hundred bytes of a signature there.
head -c -3000 "$tmp/nf_conntrack.ko" >"$tmp/cut.ko"
refuses "a module without its end" "$tmp/cut.ko: .*cut short" --image "$tmp/vmlinux" --module "$tmp/cut.ko"
: >"$tmp/empty"
refuses "an empty file" "$tmp/empty: is empty" --image "$tmp/empty"
refuses "an empty package" "$tmp/empty: is empty" --deb "$tmp/empty"
refuses "a folder" "$tmp: is a folder" --image "$tmp"
refuses "a folder as a package" "$tmp: is a folder" --deb "$tmp"
refuses "no file" "cannot read $tmp/nothing: No such" --image "$tmp/nothing"
refuses "no package" "cannot read $tmp/nothing: No such" --deb "$tmp/nothing"
refuses "a program" "/bin/sh: neither a kernel .* nor a module" --image /bin/sh
refuses "a BPF object" "probe.bpf.o: an object file of BPF programs" --image build/probe.bpf.o
refuses "a script" "snapshot-image.sh: no kernel and no module" --image tests/snapshot-image.sh
refuses "a package that is said to be none" "modules.deb: .* is it a package" --image "$tmp/modules.deb"
refuses "a script as a package" "snapshot-image.sh: cannot be read as a Debian package" \
	--deb tests/snapshot-image.sh
objcopy -R .BTF "$kernel/vmlinux" "$tmp/without" 2>/dev/null
refuses "a kernel without BTF" "$tmp/without: has no BTF" --image "$tmp/without"
objcopy -R .BTF "$tmp/nf_conntrack.ko" "$tmp/without.ko"
refuses "a module without BTF" "$tmp/without.ko: has no BTF" --image "$tmp/vmlinux" --module "$tmp/without.ko"
refuses "a module without its kernel" "nf_conntrack.ko: a module of .* give that one too" \
	--module "$tmp/nf_conntrack.ko"
refuses "modules in a package without their kernel" "modules.deb: .*nf_conntrack.ko.* give that one too" \
	--deb "$tmp/modules.deb"
refuses "a module of another kernel" "nf_conntrack.ko is of kernel|a snapshot is of one kernel" \
	--image "$old_kernel/vmlinuz" --module "$tmp/nf_conntrack.ko"
refuses "two kernels" "a snapshot is of one kernel" --image "$old_kernel/vmlinuz" --image "$tmp/vmlinux"
length=$(stat -c %s "$tmp/modules.deb")
head -c $((length / 2)) "$tmp/modules.deb" >"$tmp/cut.deb"
refuses "half a package" "$tmp/cut.deb: " --image "$tmp/vmlinux" --deb "$tmp/cut.deb"
ar rc "$tmp/other.deb" tests/snapshot-image.sh
refuses "an archive that is no package" "other.deb: no Debian package" --deb "$tmp/other.deb"
cp "$tmp/cut.ko.xz" "$tmp/modules/lib/modules/bad.ko.xz"
make_deb "$tmp/bad.deb" "$tmp/modules" --gzip
refuses "half a module in a package" "bad.deb: lib/modules/bad.ko.xz: cannot be unpacked" \
	--image "$tmp/vmlinux" --deb "$tmp/bad.deb"

# A section replaced by one with some bytes wrong: whatever comes of it, nothing worse.
objcopy --dump-section .BTF="$tmp/btf" --dump-section .BTF_ids="$tmp/ids" "$tmp/nf_conntrack.ko" "$tmp/copy.ko"
worst=0
RANDOM=1
for ((round = 0; round < 60; round++)); do
	for section in btf ids copy.ko; do
		cp "$tmp/$section" "$tmp/damaged"
		length=$(stat -c %s "$tmp/damaged")
		for ((i = 0; i < 1 + round / 4; i++)); do
			number $RANDOM 1 | dd of="$tmp/damaged" bs=1 conv=notrunc status=none \
				seek=$(((RANDOM * 32768 + RANDOM) % length))
		done
		case $section in
		btf)	objcopy --update-section .BTF="$tmp/damaged" "$tmp/nf_conntrack.ko" "$tmp/damaged.ko" ;;
		ids)	objcopy --update-section .BTF_ids="$tmp/damaged" "$tmp/nf_conntrack.ko" "$tmp/damaged.ko" ;;
		*)	mv "$tmp/damaged" "$tmp/damaged.ko" ;;
		esac
		timeout 60 ./kfunctrace snapshot --image "$tmp/vmlinux" --module "$tmp/damaged.ko" \
			>"$tmp/out" 2>"$tmp/err"
		status=$?
		((status == 0 || status == 2)) || worst="$worst $section $round: $status"
		((status != 2)) || [[ -s $tmp/err ]] || worst="$worst $section $round: nothing is said"
	done
done
is "bytes that are wrong end in an error at worst" "$worst" 0
done_testing
