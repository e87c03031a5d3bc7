# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# The module's own kfuncs: tracing programs may call them, others may not, and they take anything.
. /root/vm/lib.sh

kfunctrace list 'kfunctrace_*' --json >list.json 2>stderr
is "list ends well" "$? $(cat stderr)" "0 "
is "all kfuncs of the module are for tracing programs only" \
	"$(jq -r '.[] | "\(.name) \(.module) \(.hooks | join(","))"' list.json | sort | tr '\n' ';')" \
	"kfunctrace_event_v1 kfunctrace tracing;kfunctrace_function_v1 kfunctrace tracing;kfunctrace_listening_v1 kfunctrace tracing;"

# A function and an address inside of it, and what is none: userspace, no canonical address, holes.
inside=$(awk '$3 == "vfs_write" { print substr($1, 1, 15); exit }' /proc/kallsyms)
echo 1 >"$TRACEFS/events/kfunc/enable"
echo >"$TRACEFS/trace"
odd-events "${inside}0" "${inside}7" 0 1 7fffffffe000 8000000000000000 ffff800000000000 ffffffff00000000 \
	ffffffffff600000 fffffffffffffff0 ffffffffffffffff >odd.out 2>odd.err
is "whatever they are called with, programs end well" "$? $(cat odd.err)" "0 "
echo 0 >"$TRACEFS/events/kfunc/enable"
cat "$TRACEFS/trace" >trace.txt
same "tracing programs are loaded, the others refused" "$(sed -n 1,4p odd.out | tr '\n' ';')" \
	"tell_xdp refused;tell_tc refused;tell_syscall refused;tell_tracing loaded;"
is "each kind was listened to" "$(sed -n 5p odd.out)" "33 runs, listened to are 0x3f"
same "the function of an address is told, and none where there is none" \
	"$(sed -n '6,$p' odd.out | awk '{ print $2 }' | tr '\n' ' ')" "${inside}0 ${inside}0 0 0 0 0 0 0 0 0 0 "
is "a kind that there is gives an event, and no other one does" \
	"$(grep -aoE ' kfunc_[a-z_]+: kfunc=A' trace.txt | sort | uniq -c | tr -s ' \n' ' ')" \
	" 1 kfunc_acquire: kfunc=A 1 kfunc_call: kfunc=A 1 kfunc_deprecated: kfunc=A 1 kfunc_refcount_zero: kfunc=A 1 kfunc_release: kfunc=A 1 kfunc_stale: kfunc=A "
is "and texts without an end are cut" \
	"$(grep -acE ' kfunc=A{63} prog=A{63} prog_id=[0-9]+' trace.txt)" 6
is "the kernel has complained of nothing" "$(kernel_trouble)" ""
done_testing
