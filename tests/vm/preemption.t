# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
# machine: --append preempt=full
# machine: --append preempt=full --smp 1
#
# Where a task can be preempted inside the tracer, the calls that are missed are known.
. /root/vm/lib.sh

for name in contend churn; do
	stat_workload $name
	agrees "$name: named and unknown are the truth" sums $?
	diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"
done
stat_workload contend --threads 4 --cpu 0
agrees "contend with four threads: named and unknown are the truth" sums $?
losses=$(jq 'map(.losses.recursion_misses // 0) | add' rows.json)
diag "unknown: $(unknown_calls), recursion misses: $losses"
check "recursion misses are part of what is unknown" [ "$losses" -le "$(unknown_calls)" ]
stat_workload two-programs
agrees "two-programs: a single thread loses nothing" exact $?
done_testing
