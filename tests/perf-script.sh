#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The handler for `perf script`: events are recorded in a VM, and looked at here,
# as one does with the recording of a production host. Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

module=$(scripts/module trixie | tail -n 1)/kfunctrace.ko
scripts/vm --kernel trixie --timeout 300 --module "$module" --add "$(command -v perf)" \
	--get perf.data="$tmp/perf.data" --get truth="$tmp/truth" -- \
	kfunctrace refs --events -o refs.txt -- \
	perf record -q -a -o perf.data -e 'kfunc:*' workload --truth truth demo >"$tmp/out" 2>&1
ok $? "events are recorded in the VM" "$(tail -n 20 "$tmp/out")"
perf script -i "$tmp/perf.data" --force -s scripts/kfunc-holding.py >"$tmp/holding" 2>"$tmp/err"
ok $? "perf script runs the handler" "$(cat "$tmp/err")"
# What demo acquires it gives back: each release ends a holding.
same "it has paired what the workload says that it has released" \
	"$(awk '$2 ~ /^demo_/ { print $1, $2, $3 }' "$tmp/holding" | sort)" \
	"$(jq -r '(.rows? // .)[] | select(.caller == "program")
		| {bpf_cpumask_release: "bpf_cpumask", bpf_task_release: "task_struct",
		   bpf_cgroup_release: "cgroup"}[.kfunc] as $type
		| select($type) | "\($type) \(.program) \(.calls)"' "$tmp/truth" | sort)"
is "nothing is left over" "$(grep -c -e 'still held' -e 'before the recording' "$tmp/holding")" 0
./kfunctrace report --perf "$tmp/perf.data" --json >"$tmp/report" 2>"$tmp/err"
same "report --perf reads it on this machine" \
	"$(jq -r '.uses[] | select(.caller == "program" and (.kfunc | endswith("_release")))
		| "\(.kfunc) \(.program) \(.calls)"' "$tmp/report" | sort)" \
	"$(jq -r '(.rows? // .)[] | select(.caller == "program" and (.kfunc | endswith("_release")))
		| "\(.kfunc) \(.program) \(.calls)"' "$tmp/truth" | sort)"
done_testing
