# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace_test
#
# The aggregator follows modules: it traces those that come, lets go of one that is to leave, and takes
# it up again when it is back.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh

module=kfunctrace_test
file=$(find /vm -name "$module.ko")
other=$(find /vm -name nf_conntrack.ko)
folder=/sys/kernel/debug/$module

# Calls of a kfunc, by the module's own count.
counted()
{
	awk -v kfunc="$1" '$1 == kfunc { print $2 }' "$folder/calls"
}

served()
{
	value kfunc_calls_total ".kfunc == \"$1\" and .caller == \"program\""
}

is_gone()
{
	rmmod $module
}

# attached: something has come to be traced since there are notices
attached()
{
	wait_for 60 grep -qs '"kind": *"attached"' notices.jsonl
}

# The reason that is served for not tracing a kfunc.
untraced()
{
	scrape && jq -r --arg kfunc "$1" '.[] | select(.name == "kfunctrace_untraced_kfunc" and
		.labels.kfunc == $kfunc).labels.reason' metrics.json
}

# untraced_for KFUNC REASON
untraced_for()
{
	[ "$(untraced "$1")" = "$2" ]
}

rmmod $module 2>/dev/null
rmmod nf_conntrack 2>/dev/null
check "serve begins without the module" serve_begin "kfuncs = $FIRST bpf_ct_* kfunctrace_test_*"
check "the module comes" insmod "$file"
check "and is traced" attached
check "programs call it" workload --truth truth.json test-module
check "it is drained" drained
for kfunc in kfunctrace_test_plain kfunctrace_test_object_release; do
	same "$kfunc: all calls of programs are counted" "$(served $kfunc)" \
		"$(jq --arg kfunc $kfunc '[.[] | select(.kfunc == $kfunc and .program != null).calls] | add' \
			truth.json)"
done
plain=$(served kfunctrace_test_plain)
echo 1234 >$folder/call_by_kernel
check "it is drained" drained
by_kernel='.kfunc == "kfunctrace_test_by_kernel"'
same "calls of the module's own code are counted, as the kernel's" \
	"$(value kfunc_calls_total "$by_kernel and .caller == \"kernel\"")" 1234
all=$(value kfunc_calls_total "$by_kernel")
rmmod $module 2>/dev/null
is "while it is traced it cannot leave" $? 1
kfunctrace release --config serve.conf $module >stdout 2>stderr
is "the aggregator lets go of it" "$? $(cat stderr)" "0 "
matches "that is told" notices.jsonl '"kind": *"detached".*"module": *"kfunctrace_test"'
rm notices.jsonl
# For another reason, which is seen: it takes up a kfunc that it did not trace.
sed -i "s/^kfuncs = .*/& $LATER/" serve.conf
kill -HUP $serve_pid
check "the configuration is read anew" attached
is "the module that was let go of is not traced for that" \
	"$(untraced kfunctrace_test_object_acquire)" "its module was let go"
rm notices.jsonl
check "another module comes" insmod "$other"
check "and is traced" attached
is "the one that was let go of is not" "$(untraced kfunctrace_test_object_acquire)" "its module was let go"
check "it leaves" wait_for 30 is_gone
check "it is seen to be gone" wait_for 30 untraced_for kfunctrace_test_plain "its module is not loaded"
check "it is drained" drained
is "what was counted stays" "$(served kfunctrace_test_plain)" "$plain"
same "and what its own code called is not counted once more, now that it is nobody's" \
	"$(value kfunc_calls_total "$by_kernel")" "$all"
rm notices.jsonl
check "it comes again" insmod "$file"
check "and is traced again" attached
check "it is drained" drained
same "nor when there is a module again" "$(value kfunc_calls_total "$by_kernel")" "$all"
check "programs call it" workload --truth again.json test-module
check "it is drained" drained
same "the counts go on" "$(served kfunctrace_test_plain)" "$((plain + $(jq \
	'[.[] | select(.kfunc == "kfunctrace_test_plain" and .program != null).calls] | add' again.json)))"
kfunctrace release --config serve.conf nosuch >stdout 2>stderr
is "a module that is not there is an error" $? 2
matches "which says so" stderr "nosuch"

# A configuration that names others of the modules, and one that leaves all alone.
sed -i 's/^max_overhead.*/&\nmodules = nf_*/' serve.conf
kill -HUP $serve_pid
check "when the configuration names other modules it is let go of" wait_for 60 is_gone
rmmod nf_conntrack 2>/dev/null
is "the one that is named is traced, and cannot leave" $? 1
check "the one that is not named comes again" insmod "$file"
check "it is drained" drained
check "it can leave, as it is not traced" wait_for 30 is_gone
sed -i 's/^modules = .*/modules = off/' serve.conf
kill -HUP $serve_pid
check "with modules = off the other is let go of, too" wait_for 60 rmmod nf_conntrack
serve_end
is "it ends" $? 0
kfunctrace release --config serve.conf $module >stdout 2>stderr
is "nobody is there to let go then" $? 2
matches "which says so" stderr "no aggregator|not running|nobody"

# What the governor has taken off stays off when a module comes, the functions of a type all together.
check "serve begins" serve_begin "kfuncs = $THREE kfunctrace_test_*" \
	'measure = 1s' 'max_overhead = 0.0001%'
workload --seconds 8 --truth truth.json two-programs >/dev/null 2>&1 &
work=$!
check "what costs too much is no longer traced" wait_for 60 grep -qs '"kind": *"detached"' notices.jsonl
wait $work
scrape
jq -r '.[] | select(.name == "kfunctrace_untraced_kfunc" and
	.labels.reason == "over max_overhead").labels.kfunc' metrics.json >governed
matches "with the acquire its release" governed release
rm notices.jsonl
check "a module comes" insmod "$file"
check "and is traced" attached
for kfunc in $(cat governed); do
	is "$kfunc stays off" "$(untraced $kfunc)" "over max_overhead"
done
serve_end
is "the log of the kernel is clean" "$(dmesg | grep -cE 'WARNING:|BUG:')" 0
done_testing
