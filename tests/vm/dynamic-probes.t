# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: backports
# It takes modules out and in, so it has a machine that no other test has.
# machine: --modules nf_conntrack --module kfunctrace_test
#
# Probes come and go while others count, and so do modules: what serve does for months.
. /root/vm/lib.sh

# play NAME: dynamic-probes with the script on stdin; leaves what it said in the file NAME
play()
{
	local begin end status

	read -r begin _ </proc/uptime
	dynamic-probes >"$1" 2>"$1.stderr"
	status=$?
	read -r end _ </proc/uptime
	is "$1: it ends well" "$status $(grep FAILED "$1")" "0 "
	echo "# $1 took from $begin to $end s"
	sed -nE 's/^(detaching|churned)/# &/p' "$1.stderr"
}

# said NAME: all that it said but for the workloads
said()
{
	grep -vE '^[a-z-]+: [0-9]+ calls of kfuncs$|^(began|ended|status: 0)' "$1"
}

# sums FILE...: calls of each kfunc in rows or truths
sums()
{
	jq -r -s --argjson inlined "$(inlined_kfuncs)" 'add | group_by(.kfunc)[]
		| select(.[0].kfunc | IN($inlined[]) | not)
		| "\(.[0].kfunc) \(map(.calls) | add)"' "$@" | grep -v ' 0$'
}

# Of the kernel's own calls of what was detached meanwhile nobody knows.
of_programs()
{
	jq 'map(select(.caller == "program"))' "$1"
}

# --- one after the other ------------------------------------------------------------

# Kfuncs of two groups that have none in common, both with some that the workloads call.
if kernel_at_least 6.2; then
	always='bpf_????_[a-k]*' sometimes='bpf_????_[p-z]*'
	one=bpf_task_under_cgroup few=bpf_cpumask_create
else
	always='bpf_kfunc_call_test_[a-l]*' sometimes='bpf_kfunc_call_test_[m-z]*'
	one=bpf_kfunc_call_test_pass_ctx few=bpf_kfunc_call_test_acquire
fi
play in-turn <<-EOT
	statistics
	begin $always count
	add $sometimes
	sh workload --truth one.json --times 300 mix
	drain
	detach $sometimes
	state $one
	sh workload --truth two.json --times 300 mix
	drain
	add $sometimes
	state $one
	add $sometimes
	sh workload --truth three.json --times 300 mix
	drain always.json $always
	drain sometimes.json $sometimes
	runs $one
EOT
jq 'map(select(.caller == "program"))' sometimes.json >rows
same "what was attached all the time has all calls" "$(sums always.json)" \
	"$(sums one.json two.json three.json | while read -r kfunc n; do
		# shellcheck disable=SC2254 # it is a pattern
		case $kfunc in $always) echo "$kfunc $n" ;; esac
	done)"
of_programs one.json >one
of_programs three.json >three
same "what was detached in between has those before and after" "$(sums rows)" \
	"$(sums one three | while read -r kfunc n; do
		# shellcheck disable=SC2254 # it is a pattern
		case $kfunc in $sometimes) echo "$kfunc $n" ;; esac
	done)"
n=$(sed -nE 's/^detached: //p' in-turn)
calls=$(sums rows | sed -n "s/^$one //p")
is "a probe says what it does, once attached nothing is attached again, and run statistics go on" \
	"$(said in-turn | tail -n +2)" "detached: $n
state: detached
added: $n
state: attached
added: 0
runs: $calls that took time, and 0 missed"

# --- at once -------------------------------------------------------------------------

# Probes churn while two CPUs call, also in interrupts of each other: recursion misses count.
play at-once <<-EOT
	begin $always count
	add $sometimes
	drain
	sh (for i in mix spread contend; do workload --truth at-once.\$i.json --seconds 5 --threads 2 \$i; done; touch over) >/dev/null &
	churn over $sometimes
	drain always.json $always
	drain sometimes.json $sometimes
EOT
is "probes were detached and attached again, at their old indexes" "$(grep churned at-once)" \
	"churned: well"
same "what was attached all the while has all calls" "$(sums always.json)" \
	"$(sums at-once.*.json | while read -r kfunc n; do
		# shellcheck disable=SC2254 # it is a pattern
		case $kfunc in $always) echo "$kfunc $n" ;; esac
	done)"
sums at-once.*.json >truth
# Kfuncs call each other (bpf_list_push_front_impl of 7.3), of which the truth knows nothing.
jq --rawfile truth truth '($truth | split("\n") | map(split(" ")[0])) as $known
	| map(select(.caller == "program" or (.caller == "unknown" and (.kfunc | IN($known[])))))' \
	sometimes.json >rows
sums rows >have
is "and the others no more than all" \
	"$(awk 'NR == FNR { truth[$1] = $2; next } $2 > truth[$1]' truth have
		[ -s have ] || echo "nothing was counted")" ""
check "and not all: they were detached while programs called them" \
	awk 'NR == FNR { truth[$1] = $2; next } $2 < truth[$1] { n++ } END { exit !n }' truth have

# --- modules -------------------------------------------------------------------------

test_module=/vm/modules/kfunctrace_test.ko
nr_kfuncs()
{
	kfunctrace list --json -m "$1" | jq "map(select(.coverage == \"traced\")) | length"
}
nr_all()
{
	kfunctrace list --json -m "$1" | jq length
}
n_test=$(nr_kfuncs kfunctrace_test)
all_test=$(nr_all kfunctrace_test)
n_conntrack=$(nr_kfuncs nf_conntrack)
check "the module of tests can be taken out" wait_for 10 rmmod kfunctrace_test

cat >unload <<-EOT
	tries=0
	until rmmod \$1 2>rmmod.out; do
		tries=\$((tries + 1))
		[ \$tries -lt 20 ] || exit 1
		sleep 0.05
	done
	echo "unloaded \$1 after \$tries tries" >&2
EOT
# While its kfuncs are probed a module stays; when they are not any more, it can go within a second.
play modules <<-EOT
	begin $few count
	sh insmod $test_module
	watch 10
	add kfunctrace_test:kfunctrace_test_*
	add kfunctrace_test:bpf_*
	sh workload --truth one.json test-module >/dev/null
	drain
	sh ! rmmod kfunctrace_test 2>rmmod.out
	release kfunctrace_test
	sh workload --truth two.json test-module >/dev/null
	drain
	sh sh unload kfunctrace_test
	watch 10
	drain
	sh insmod $test_module; rmmod kfunctrace_test; insmod $test_module
	watch 10
	refresh
	add kfunctrace_test:kfunctrace_test_*
	add kfunctrace_test:bpf_*
	sh workload --truth three.json test-module >/dev/null
	drain rows.json kfunctrace_test_*
	add nf_conntrack:*
	sh workload --truth conntrack.json conntrack >/dev/null
	drain conntrack.rows bpf_*_ct_*
	release nf_conntrack
	sh sh unload nf_conntrack
	watch 10
	drain
	sh insmod /vm/modules/nf_conntrack.ko
	watch 10
	add nf_conntrack:*
	sh workload --truth conntrack2.json conntrack >/dev/null
	drain conntrack.rows bpf_*_ct_*
EOT
n_iter=0
! kernel_at_least 6.2 || n_iter=3
n_own=$((n_test - n_iter))
is "modules are seen to come and go, and to have come anew" "$(said modules)" \
	"watched: added 1 removed 0 lost 0
refreshed: came $all_test of kfunctrace_test went 0
added: $n_own
added: $n_iter
released: $n_test
watched: added 1 removed 1 lost 0
refreshed: came 0 went $all_test of kfunctrace_test
watched: added 3 removed 2 lost 0
refreshed: came $all_test of kfunctrace_test went 0
refreshed: came 0 went 0
added: $n_own
added: $n_iter
added: $n_conntrack
released: $n_conntrack
watched: added 3 removed 3 lost 0
refreshed: came 0 went 10 of nf_conntrack
watched: added 4 removed 3 lost 0
refreshed: came 10 of nf_conntrack went 0
added: $n_conntrack"
sed -n 's/^unloaded/# &/p' modules.stderr
jq 'map(select(.kfunc != "kfunctrace_test_no_site"))' one.json >one
jq 'map(select(.kfunc != "kfunctrace_test_no_site"))' three.json >three
grep_test='map(select(.kfunc | startswith("kfunctrace_test_")))'
same "the module's kfuncs have the calls from before it went and after it came back" \
	"$(jq "$grep_test" rows.json >rows; sums rows)" \
	"$(jq "$grep_test" one >1; jq "$grep_test" three >3; sums 1 3)"
same "and so have those of nf_conntrack" "$(sums conntrack.rows | grep _ct_)" \
	"$(sums conntrack.json conntrack2.json | grep _ct_)"

# A module that is unloaded and loaded between two looks, with nobody watching it.
play unseen <<-EOT
	begin $few count
	sh rmmod kfunctrace_test; insmod $test_module
	refresh
	add kfunctrace_test:kfunctrace_test_plain
	sh workload --truth one.json test-module >/dev/null
	drain rows.json kfunctrace_test_plain
EOT
is "it is seen to be another one" "$(said unseen)" \
	"refreshed: came $all_test of kfunctrace_test went $all_test of kfunctrace_test
added: 1"
jq 'map(select(.kfunc == "kfunctrace_test_plain"))' one.json >one
same "and its kfuncs are counted" "$(sums rows.json)" "$(sums one)"

# --- references ----------------------------------------------------------------------

check "the module of tests can be taken out again" wait_for 10 rmmod kfunctrace_test
play references <<-EOT
	begin - references
	sh insmod $test_module
	watch 10
	references kfunctrace_test
	sh workload --truth one.json test-module >/dev/null
	drain
	release kfunctrace_test
	sh sh unload kfunctrace_test
	watch 10
	sh insmod $test_module
	watch 10
	references kfunctrace_test
	references kfunctrace_test
	sh workload --truth two.json test-module >/dev/null
	drain rows.json kfunctrace_test_object_*
EOT
n=$(sed -nE '/^added/{s/.* //p;q}' references)
is "functions of a module that comes later are probed, let go, and probed again" \
	"$(grep -E '^(added|released)' references | tr '\n' ' ') $((n > 3))" \
	"added: $n released: $n added: $n added: 0  1"
# Some that belong to the module are no kfuncs that take or give references.
grep_object='map(select(.kfunc | test("^kfunctrace_test_object_(create|acquire|find|release)$")))'
same "their calls are counted to the last" "$(jq "$grep_object" rows.json >rows; sums rows)" \
	"$(jq "$grep_object" one.json >1; jq "$grep_object" two.json >2; sums 1 2)"

check "nothing stays attached" nothing_attached
done_testing
