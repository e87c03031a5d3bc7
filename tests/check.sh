#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check without a kernel: verdicts against snapshots made by hand and those that
# come with kfunctrace, its exit status, JSON, SARIF and tables, and bad input.
# Needs the objects of tests/objects. Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh
objects=build/objects
clang=${CLANG:-clang-19}

# kernel FILE RELEASE KFUNC...: a snapshot with these kfuncs, in JSON
kernel()
{
	local file=$1 release=$2

	shift 2
	printf '%s\n' "$@" | jq -s --arg release "$release" '{format: 1,
		kernel: {release: $release, arch: "x86_64"},
		typedefs: {u32: "unsigned int", u64: "long long unsigned int", s32: "int"},
		kfuncs: map({module: "vmlinux", hooks: {tracing: []}, filtered: [], returns: "void",
			params: [], abi: null, coverage: "traced"} + .)}' >"$file"
}

# Leaves out, err and status.
check()
{
	./kfunctrace check "$@" >"$tmp/out" 2>"$tmp/err"
	echo $? >"$tmp/status"
}

verdicts()
{
	check --json "$@"
	jq -r '.findings[] | "\(.program) \(.kfunc) \(.verdict) \(.loads)"' "$tmp/out" | sort
}

task='"params":[{"type":"struct task_struct *","name":"p"}]'
pid='"params":[{"type":"s32","name":"pid"}]'
from_pid='"name":"bpf_task_from_pid","returns":"struct task_struct *"'
release="{\"name\":\"bpf_task_release\",$task,\"hooks\":{\"tracing\":[\"release\"]}}"

# --- verdicts against snapshots made by hand --------------------------------------

kernel "$tmp/good" 6.12.1 "{$from_pid,$pid,\"hooks\":{\"tracing\":[\"acquire\",\"ret_null\"]}}" "$release"
is "everything is there" "$(verdicts --against "$tmp/good" $objects/strong.bpf.o)" \
	"strong_caller bpf_task_from_pid ok yes
strong_caller bpf_task_release ok yes
strong_optional bpf_task_from_pid ok yes
strong_optional bpf_task_release ok yes"
is "and the exit status is 0" "$(<"$tmp/status")" 0

kernel "$tmp/without" 6.12.2 "$release"
same "one is missing" "$(verdicts --against "$tmp/without" $objects/strong.bpf.o | grep from_pid)" \
	"strong_caller bpf_task_from_pid missing no
strong_optional bpf_task_from_pid missing no"
is "and the exit status is 1" "$(<"$tmp/status")" 1
is "with it all programs of the object are lost" \
	"$(jq -r '.programs[] | "\(.program) \(.loads)"' "$tmp/out" | xargs)" \
	"strong_caller no strong_bystander no strong_optional no"

kernel "$tmp/count" 6.12.3 "{$from_pid,\"params\":[]}" "$release"
same "another number of parameters" \
	"$(verdicts --against "$tmp/count" $objects/strong.bpf.o | grep from_pid | sort -u)" \
	"strong_caller bpf_task_from_pid incompatible no
strong_optional bpf_task_from_pid incompatible no"
is "it is said what differs" "$(jq -r '[.findings[].what | select(.)][0]' "$tmp/out")" \
	"1 parameter in the program, 0 in the kernel"

kernel "$tmp/names" 6.12.4 "{$from_pid,\"params\":[{\"type\":\"u64\",\"name\":\"pid\"}]}" \
	"{\"name\":\"bpf_task_release\",\"params\":[{\"type\":\"struct pid *\",\"name\":\"p\"}]}"
same "what libbpf lets pass" "$(verdicts --against "$tmp/names" $objects/strong.bpf.o | grep caller)" \
	"strong_caller bpf_task_from_pid changed yes
strong_caller bpf_task_release changed unknown"
is "does not break for sure" "$(<"$tmp/status")" 0

kernel "$tmp/hooks" 6.12.5 "{$from_pid,$pid,\"hooks\":{\"xdp\":[]}}" \
	"{\"name\":\"bpf_task_release\",$task,\"hooks\":{\"unknown\":[]}}"
same "for another type of program, and for nobody knows which" \
	"$(verdicts --against "$tmp/hooks" $objects/strong.bpf.o | grep caller)" \
	"strong_caller bpf_task_from_pid not-allowed no
strong_caller bpf_task_release unknown unknown"

kernel "$tmp/common" 6.12.6 "{$from_pid,$pid,\"hooks\":{\"common\":[]}}" "$release"
same "for all types of programs" "$(verdicts --against "$tmp/common" $objects/strong.bpf.o | grep caller)" \
	"strong_caller bpf_task_from_pid ok yes
strong_caller bpf_task_release ok yes"

kernel "$tmp/filtered" 9.1.1 "{$from_pid,$pid,\"filtered\":[\"tracing\"]}" "$release"
same "a filter that nobody has read yet" \
	"$(verdicts --against "$tmp/filtered" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid filtered unknown"

kernel "$tmp/elided" 6.12.7 "{$from_pid,$pid,\"coverage\":\"elided\"}" "$release"
same "no code of it" "$(verdicts --against "$tmp/elided" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid no-symbol no"

kernel "$tmp/module" 6.12.8 "{$from_pid,$pid,\"module\":\"some\"}" "$release"
same "a module has it" "$(verdicts --against "$tmp/module" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid module yes"

kernel "$tmp/now-null" 6.12.9 "{$from_pid,$pid,\"hooks\":{\"tracing\":[\"ret_null\"]}}" "$release"
kernel "$tmp/never-null" 6.12.8 "{$from_pid,$pid}" "$release"
same "it may return NULL now, and the program is prepared" \
	"$(verdicts --built-for "$tmp/never-null" --against "$tmp/now-null" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid returns-null yes"
same "the kernel that programs were built for may be the first of several" \
	"$(verdicts --against "$tmp/never-null" --against "$tmp/now-null" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid ok yes
strong_caller bpf_task_from_pid returns-null yes"

kernel "$tmp/suffix" 6.13.1 "{$from_pid,\"params\":[{\"type\":\"s32\",\"name\":\"pid__k\"}]}" "$release"
same "a parameter has got a suffix" \
	"$(verdicts --built-for "$tmp/never-null" --against "$tmp/suffix" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid changed unknown"

kernel "$tmp/sleepable" 6.12.10 "{$from_pid,$pid,\"hooks\":{\"tracing\":[\"sleepable\"]}}" "$release"
same "it sleeps where programs do not" \
	"$(verdicts --against "$tmp/sleepable" $objects/strong.bpf.o | grep 'caller.*from')" \
	"strong_caller bpf_task_from_pid sleepable no"

# --- optional programs, and kernels that come with it ----------------------------------

same "what is gone has a successor" \
	"$(check --json --against 7.3 $objects/gone.bpf.o; jq -r '.findings[].replacement' "$tmp/out" | grep -o css_rstat_flush)" \
	css_rstat_flush
cat >"$tmp/old.c" <<-EOT
	#define SEC(name) __attribute__((section(name), used))
	void bpf_obj_drop_impl(void *object, void *meta) __attribute__((section(".ksyms")));
	SEC("tp_btf/sched_process_exit") int old(void *ctx) { bpf_obj_drop_impl(ctx, ctx); return 0; }
	SEC("license") static char text[] = "GPL";
EOT
"$clang" -O2 -g -target bpf -c "$tmp/old.c" -o "$tmp/old.o"
same "what is superseded still loads, and where is said what to call" \
	"$(check --json --against 6.12 --against 7.3 "$tmp/old.o"
	jq -r '.findings[] | "\(.kernel) \(.verdict) \(.loads) \(.replacement)"' "$tmp/out")" \
	"6.12 ok yes null
7.3 deprecated yes bpf_obj_drop"
cat >"$tmp/optional.c" <<-EOT
	#define SEC(name) __attribute__((section(name), used))
	void bpf_key_put(void *key) __attribute__((section(".ksyms"), weak));
	SEC("?tp_btf/sched_process_exit") int optional(void *ctx) { bpf_key_put(ctx); return 0; }
	SEC("license") static char text[] = "GPL";
EOT
"$clang" -O2 -g -target bpf -c "$tmp/optional.c" -o "$tmp/optional.o"
kernel "$tmp/empty" 6.12.11
same "an optional program breaks" "$(verdicts --against "$tmp/empty" "$tmp/optional.o")" \
	"optional bpf_key_put missing-weak no"
is "and does not count" "$(<"$tmp/status")" 0

# --- a folder, several kernels, what is printed ------------------------------------------

mkdir "$tmp/folder" "$tmp/folder/deeper" "$tmp/nothing"
cp $objects/strong.bpf.o "$tmp/folder/one.o"
cp $objects/weak.bpf.o "$tmp/folder/deeper/two.bpf.o"
cp /usr/bin/env "$tmp/folder/native.o"
cp $objects/gone.bpf.o "$tmp/folder/deeper/not-an-object"
check --json --against 6.1 --against 6.12 --against 7.3 "$tmp/folder"
is "objects of a folder and of those in it" "$(jq -r '.objects[].object' "$tmp/out" | sed "s|$tmp/||" | xargs)" \
	"folder/deeper/two.bpf.o folder/one.o"
is "nothing is said of what else is there" "$(<"$tmp/err")" ""
is "three kernels" "$(jq -r '.kernels[].name' "$tmp/out" | xargs)" "6.1 6.12 7.3"
check -v --against 6.12 "$tmp/folder"
ok "$(grep -q 'native.o: left out' "$tmp/err"; echo $?)" "but with -v" "$(<"$tmp/err")"
mkdir "$tmp/links"
ln -s ../folder/one.o ../folder/none.o ../folder/deeper "$tmp/links"
ln -s links "$tmp/link"
check --json --against 6.12 "$tmp/link"
is "links for a folder and for files are followed, those in it for folders are not" \
	"$(<"$tmp/err") $(jq -r '.objects[].object' "$tmp/out" | sed "s|$tmp/||" | xargs)" " link/one.o"
check --against 6.12 "$tmp/none.o"
is "without an object nothing is said to load" "$(cut -d: -f2- "$tmp/out")" \
	" nothing to judge on 6.12.117+deb13-cloud-amd64; 1 object not judged"
cat >"$tmp/part.c" <<-EOT
	int elsewhere(int x);
	__attribute__((section("syscall"))) int part(void *ctx) { return elsewhere(1); }
	char _license[] __attribute__((section("license"))) = "GPL";
EOT
"$clang" -O2 -g -target bpf -c "$tmp/part.c" -o "$tmp/folder/part.o"
check --against 6.12 "$tmp/folder/part.o"
is "an object that is not linked: exit status 2" "$(<"$tmp/status")" 2
matches "and it is said" "$tmp/err" "part.o: elsewhere is not in it.*bpftool gen object"
check --against 6.12 "$tmp/folder"
is "in a folder it is left out" "$(<"$tmp/status") $(<"$tmp/err")" "0 "
check --against 6.12 "$tmp/nothing"
is "a folder without objects: exit status 2" "$(<"$tmp/status")" 2

check --against 6.12 $objects/sleeping.bpf.o
is "the table has the line of the call" \
	"$(awk '$1 == "sleeping_tp" { print $2, $4, $6 }' "$tmp/out")" "bpf_lookup_user_key sleepable sleeping.bpf.c:7"
ok "$(grep -q ' 4 programs, 2 kfuncs: 3 do not load on 6.12' "$tmp/out"; echo $?)" \
	"a line for the kernel sums it up" "$(<"$tmp/out")"
for width in 60 200; do
	script -qec "stty cols $width; ./kfunctrace check --against 6.12 $objects" /dev/null </dev/null |
		tr -d '\r' | sed '/^$/,$d; s/…/./g' >"$tmp/wide"
	is "$width columns: no row is longer" "$(awk -v width=$width 'length($0) > width' "$tmp/wide" | head -n 3)" ""
	same "$width columns: program and verdict are there" \
		"$(grep -o 'sleeping_tp .*sleepable' "$tmp/wide" | tr -s ' ' | cut -d' ' -f1,4 | sort -u)" "sleeping_tp sleepable"
done

# --- SARIF --------------------------------------------------------------------------------

check --against 6.1 --against 6.12 --against 7.3 --sarif "$tmp/sarif" $objects
is "SARIF has what the table has" \
	"$(jq '.runs[0].results | length' "$tmp/sarif")" "$(sed '1d;/^$/,$d' "$tmp/out" | wc -l)"
is "an error is what counts for the exit status" \
	"$(jq -c '[.runs[0].results[] | select(.level == "error").ruleId] | unique | length > 3' "$tmp/sarif")" true
is "paths are named from where it runs" \
	"$(jq -r '[.runs[0].results[].locations[0].physicalLocation.artifactLocation.uri |
		select(endswith("sleeping.bpf.c"))][0]' "$tmp/sarif")" tests/objects/sleeping.bpf.c

# The schema comes in a package for tests of such files. A package is as good for ever.
fetch_schema()
{
	command -v npm >/dev/null || { echo "there is no npm"; return 1; }
	python3 -c 'import jsonschema' 2>/dev/null || { echo "there is no python3-jsonschema"; return 1; }
	(cd "$tmp" && timeout 120 npm pack --silent @microsoft/jest-sarif@1.0.0-beta.0 >"$tmp/npm" 2>&1 &&
		tar xzf "$(tail -n 1 "$tmp/npm")") || { echo "npm cannot fetch @microsoft/jest-sarif"; return 1; }
}

validate()
{
	python3 - "$tmp/package/lib/schemas/sarif-2.1.0-rtm.5.json" "$1" <<-EOT
		import json, sys
		from jsonschema import Draft4Validator as Validator
		schema, document = (json.load(open(name)) for name in sys.argv[1:])
		errors = [error.message for error in Validator(schema).iter_errors(document)]
		print("\n".join(errors[:5]))
		sys.exit(bool(errors))
	EOT
}

if why=$(fetch_schema); then
	why=$(validate "$tmp/sarif")
	ok $? "SARIF is as its schema has it" "$why"
	jq '.runs[0].results[0].level = "dreadful"' "$tmp/sarif" >"$tmp/wrong"
	validate "$tmp/wrong" >/dev/null
	is "which would tell otherwise" $? 1
else
	skip "SARIF is as its schema has it" "$why"
fi

# --- bad input ----------------------------------------------------------------------------

# bad TEXT FILE REGEXP: named and explained, status 2, and the good one is still judged
bad()
{
	check --json --against 6.12 "$2" $objects/strong.bpf.o
	is "$1: exit status 2" "$(<"$tmp/status")" 2
	matches "$1: it is named, and why" "$tmp/err" "$2: .*$3"
	is "$1: the others are judged" \
		"$(jq -r '[.programs[].program] | unique | length' "$tmp/out")" 3
}

good=$objects/strong.bpf.o
: >"$tmp/zero.o"
bad "0 bytes" "$tmp/zero.o" "not an ELF file"
echo "int main;" >"$tmp/text.o"
bad "text" "$tmp/text.o" "not an ELF file"
head -c 40 "$good" >"$tmp/header.o"
bad "half a header" "$tmp/header.o" "cut short"
head -c 2000 "$good" >"$tmp/half.o"
bad "half a file" "$tmp/half.o" "."
bad "a program of this machine" /usr/bin/env "another machine"
"$clang" -O2 -g -target bpfeb -c "$tmp/optional.c" -o "$tmp/big.o"
bad "the other byte order" "$tmp/big.o" "byte order"
"$clang" -O2 -target bpf -c "$tmp/optional.c" -o "$tmp/nobtf.o"
bad "no BTF" "$tmp/nobtf.o" "no BTF"
printf garbage >"$tmp/garbage"
llvm-objcopy-19 --update-section .BTF="$tmp/garbage" "$good" "$tmp/btf.o"
bad "garbage for BTF" "$tmp/btf.o" "damaged BTF"
llvm-objcopy-19 --update-section .BTF.ext="$tmp/garbage" "$good" "$tmp/ext.o"
bad "garbage for line information" "$tmp/ext.o" "damaged line information"
bad "no file" "$tmp/nothing-here.o" "No such file"

# Names are the file's: they may neither steer a terminal nor get lost.
hostile=$tmp/$'hostile\xff\e[31m.o'
llvm-objcopy-19 --redefine-sym strong_caller=$'\e[2J\a\xff_evil' "$good" "$hostile"
check --against "$tmp/without" --sarif "$tmp/sarif" "$hostile" "$hostile.gone"
is "a hostile name: nothing but text" "$(cat "$tmp/out" "$tmp/err" | LC_ALL=C tr -d '\n -~\200-\377' | od -c)" "$(: | od -c)"
matches "and it is there" "$tmp/out" '\?\[2J\?\?_evil'
check --json --against "$tmp/without" "$hostile"
is "also in JSON" "$(jq -r '[.objects[0].object, .programs[0].program, .findings[0].program] | map(split("/")[-1]) | join(" ")' "$tmp/out")" \
	"hostile??[31m.o ?[2J??_evil ?[2J??_evil"
is "and in SARIF, with what cannot be read" \
	"$(jq -r '.runs[0] | [.results[0].properties.object, .invocations[0].toolExecutionNotifications[0].message.text] |
		map(contains("hostile??[31m.o")) | join(" ")' "$tmp/sarif")" "true true"
check --against 6.12 /dev/null
is "a device: exit status 2" "$(<"$tmp/status")" 2
jq '.format = 2' "$tmp/good" >"$tmp/future"
check --against "$tmp/future" "$good"
is "a snapshot of the future: exit status 2" "$(<"$tmp/status")" 2
ok "$(grep -q 'future: .*use a newer one' "$tmp/err"; echo $?)" "and it is said" "$(<"$tmp/err")"
check --against 5.4 "$good"
is "a kernel that is not known: exit status 2" "$(<"$tmp/status")" 2
check --against 6.12
is "no object: exit status 2" "$(<"$tmp/status")" 2
check --against 6.12 --sarif /dev/full "$good"
is "a full disk: exit status 2" "$(<"$tmp/status")" 2
./kfunctrace check --json --against 6.12 "$good" >/dev/full 2>"$tmp/err"
is "also for the rest" $? 2

# Every byte of the header and each twentieth of the rest, one at a time: no crash.
crashes=0
size=$(stat -c %s "$good")
cp "$good" "$tmp/flipped.o"
for ((at = 0; at < size; at += at < 64 ? 1 : size / 300)); do
	byte=$(od -An -tu1 -j $at -N 1 "$good")
	# shellcheck disable=SC2059 # a byte
	printf "\\x$(printf %02x $((byte ^ 255)))" |
		dd of="$tmp/flipped.o" bs=1 seek=$at conv=notrunc status=none
	check --against "$tmp/good" "$tmp/flipped.o"
	(($(<"$tmp/status") <= 2)) || crashes=$((crashes + 1))
	cp "$good" "$tmp/flipped.o"
done
is "objects with a wrong byte do not crash it" "$crashes" 0

done_testing
