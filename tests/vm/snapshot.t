# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# A snapshot has what the kernel has, is the same each time, and can be compared.
. /root/vm/lib.sh

kfunctrace snapshot -o one.json 2>stderr
is "snapshot ends well" "$? $(cat stderr)" "0 "
kfunctrace snapshot >two.json
check "a second one is the same to the byte" cmp one.json two.json

# bpftool reads the kernel's tags, and knows nothing of ours; 6.1 has none.
bpftool btf dump file /sys/kernel/btf/vmlinux -j 2>/dev/null >btf.json
jq -r '.types as $types | ($types | map({key: (.id | tostring), value: .}) | from_entries) as $by |
	$types[] | select(.kind == "DECL_TAG" and .name == "bpf_kfunc") |
	$by[.type_id | tostring].name' btf.json | sort -u |
	# What tests of the kernel may modify the return value of is tagged alike, and no kfunc.
	grep -vE '^bpf_(fentry_test1|modify_return_test.*)$' >tagged
jq -r '.kfuncs[] | select(.module == "vmlinux").name' one.json | sort -u >taken
if [ -s tagged ]; then
	is "it has the kfuncs that are tagged in the kernel" \
		"$(grep -vxFf taken tagged)" ""
else
	skip "it has the kfuncs that are tagged in the kernel" "this kernel tags none"
fi
same "it has the kfuncs of list" "$(jq -r '.kfuncs[] | "\(.name) \(.module) \(.coverage)"' one.json | sort)" \
	"$(kfunctrace list --json | jq -r '.[] | "\(.name) \(.module) \(.coverage)"' | sort)"

kfunctrace diff one.json live >out 2>err
is "a kernel does not differ from itself" "$? $(cat err)" "0 "
matches "and that is said" out '^ 0 changes from '
matches "none of which breaks" out '^ to .* 0 of them breaking$'

victim=$(jq -r '.kfuncs[0].name' one.json)
jq 'del(.kfuncs[0])' one.json >less.json
kfunctrace diff --json one.json less.json >out
is "a kfunc that is gone breaks: exit status 1" "$?" 1
same "and is named" "$(jq -r '.changes[] | "\(.kfunc) \(.change) \(.breaking)"' out)" "$victim removed true"
kfunctrace diff less.json one.json >out
is "one that has come does not: exit status 0" "$?" 0

head -c 1000 one.json >cut.json
kfunctrace diff one.json cut.json >out 2>err
is "half a file: exit status 2" "$?" 2
matches "and it is named" err 'cut.json'
kfunctrace diff one.json nothing.json >out 2>err
is "no file: exit status 2" "$?" 2
kfunctrace snapshot -o /dev/full 2>err
is "a full disk: exit status 2" "$?" 2
matches "and it is said" err '/dev/full'
done_testing
