# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Names of objects begin with letters.
# shellcheck disable=SC2035
#
# check predicts what the kernel does: each program of each object is loaded alone, and the kernel
# takes it exactly when check said so.
#
# machine:
# machine: --modules nf_conntrack
. /root/vm/lib.sh

# What check says of files, a line a program: "FILE PROGRAM yes|no|unknown".
predict()
{
	kfunctrace check --against live --json "$@" >check.json 2>stderr
	jq -r '.programs[] | "\(.object) \(.program) \(.loads)"' check.json | sort >predicted
}

# What the kernel says of them.
load()
{
	load-each "$@" 2>log | sort >loaded
}

# The reasons for what differs: what check found, what the kernel said.
explain()
{
	while read -r object program said; do
		echo "check says $said of $program in $object:"
		jq -r --arg object "$object" --arg program "$program" '.findings[] |
			select(.object == $object and .program == $program) |
			"  \(.kfunc): \(.verdict) \(.loads) \(.what // "")"' check.json
		echo "and the kernel:"
		load-each "$object" 2>&1 | grep -A 30 "prog '$program'" | tail -n 12
	done
}

cd /root/objects || exit
predict *.o
load *.o
same "check and the loader see the same programs" "$(cut -d' ' -f1,2 predicted)" "$(cut -d' ' -f1,2 loaded)"
grep ' unknown$' predicted >undecided
grep -v ' unknown$' predicted >decided
# A test of what is in the kernel's BTF, a pointer that is tested on some ways only, and the address of a
# module's kfunc, for which it takes a newer libbpf.
expected=nulls_key_half
kernel_at_least 6.12 || expected="nulls_key_half weak_by_type weak_by_type_late"
if kernel_at_least 6.12 && [ -d /sys/module/nf_conntrack ]; then
	expected="conntrack_by_address nulls_key_half"
fi
is "check leaves open only what it cannot know" "$(cut -d' ' -f2 undecided | xargs)" "$expected"
sed 's,[^ ]*$,,' decided | grep -Ff - loaded >truth
expected=no
[ ! -d /sys/module/nf_conntrack ] || expected=yes
is "a module's kfunc is there when the module is loaded" \
	"$(grep '^conntrack.bpf.o ' loaded | cut -d' ' -f3)" "$expected"
if [ -s decided ] && cmp -s decided truth; then
	ok "of $(wc -l <decided) programs the kernel takes those that check says it does"
else
	not_ok "of $(wc -l <decided) programs the kernel takes those that check says it does" \
		"$(grep -vxFf truth decided | explain 2>&1 | head -n 150)"
fi
# Once is enough for what follows.
if [ -d /sys/module/nf_conntrack ]; then
	done_testing
	exit 0
fi

# Programs of other tests: for these it is enough that what is said to break does. Whether they load is
# also for maps and helpers to say.
cd workloads || exit
predict *.o
load *.o
grep ' no$' predicted >broken
same "what check says breaks among programs of other tests is refused" \
	"$(sed 's,[^ ]*$,,' broken | grep -Ff - loaded | grep -v ' no$' | explain)$(wc -l <broken)" "$(wc -l <broken)"
grep ' yes$' predicted | grep -vxFf loaded >surprising
diag "of $(grep -c ' yes$' predicted) that it says load, refused all the same: $(xargs <surprising)"
done_testing
