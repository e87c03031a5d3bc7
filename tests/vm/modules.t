# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# It takes the module out, so it has a machine that no other test has (the memory is the usual).
# machine: --modules nf_conntrack --mem 1024
#
# Kfuncs of a module: listed, counted, and the module is held no longer than that.
. /root/vm/lib.sh

module=nf_conntrack

kfunctrace list --json -m $module >list.json
same "list has the kfuncs that the module's BTF tags or the sources register" \
	"$(jq -r '.[].name' list.json | sort | tr '\n' ' ')" \
	"bpf_ct_change_status bpf_ct_change_timeout bpf_ct_insert_entry bpf_ct_release \
bpf_ct_set_status bpf_ct_set_timeout bpf_skb_ct_alloc bpf_skb_ct_lookup bpf_xdp_ct_alloc \
bpf_xdp_ct_lookup "
is "their module is $module" "$(jq -r 'map(.module) | unique | join(" ")' list.json)" $module
is "a lookup acquires, or returns NULL" \
	"$(jq -r '.[] | select(.name == "bpf_skb_ct_lookup").flags | join(",")' list.json)" \
	"acquire,ret_null"

stat_workload conntrack
agrees "a program's calls of a module's kfunc are counted, with NULL returns" exact $?
is "and told as the module's" \
	"$(jq -r '.[] | select(.kfunc == "bpf_skb_ct_lookup").module' rows.json)" $module
matches "that the module is held is said" stderr "module $module cannot be unloaded"

# What an earlier run has said must be gone before this one is waited for.
rm -f stderr
kfunctrace stat -v -m $module -d 300 >stdout 2>stderr &
pid=$!
wait_for 60 grep -q 'probes attached' stderr
is "-m counts the module's kfuncs" "$(sed -nE 's/.* ([0-9]+) of ([0-9]+) probes attached.*/\1 \2/p' stderr)" \
	"10 10"
if rmmod $module 2>rmmod.out; then
	not_ok "while they are counted, the kernel keeps the module" "$(lsmod)"
else
	ok "while they are counted, the kernel keeps the module"
fi
kill -INT $pid
wait $pid
is "it ends well" $? 0

rm -f stderr
kfunctrace stat -v --no-modules -d 300 >stdout 2>stderr &
pid=$!
wait_for 120 grep -q 'probes attached' stderr
check "--no-modules does not hold it" rmmod $module
kill -INT $pid
wait $pid
is "and ends well when it is gone" $? 0

is "list knows it no longer" "$(kfunctrace list --json | jq "map(select(.module == \"$module\")) | length")" 0
check "nothing stays attached" nothing_attached
done_testing
