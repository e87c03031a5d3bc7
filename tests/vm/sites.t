# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# --by site tells call sites apart: by subprogram and by source line, with both engines.
. /root/vm/lib.sh

by_subprogram='map(select(.caller == "program")) | group_by(.kfunc, .program, .subprogram)
	| map("\(.[0].kfunc) \(.[0].program) \(.[0].subprogram) \(map(.calls) | add)")
	| map(select(endswith(" 0") | not)) | sort[]'

# Does the row of a source line say that line? It has "line": a number, or text with the number.
by_line='map(select(.caller == "program" and .line != null and .calls > 0))
	| map(. + {n: (.line
		| if type == "number" then . else (capture(":(?<n>[0-9]+)").n | tonumber) end)})
	| group_by(.kfunc, .n)
	| map("\(.[0].kfunc) line \(.[0].n): \(map(.calls) | add)") | sort[]'

# With its name as the compiler was given it, and what is not in a program has none.
by_file='map(select(.calls > 0)) | map("\(.caller) \(.file // "-" | split("/") | last)") | unique[]'

# Of those that stay when the command ends, too: the workload goes on.
stat_staying_workload()
{
	local kfunc kfuncs='' status

	rm -f ready stop rows.json called.json
	for kfunc in $(workload --kfuncs subprograms); do
		kfuncs="$kfuncs -k $kfunc"
	done
	# shellcheck disable=SC2086 # options are separate words
	kfunctrace stat --json -o rows.json $kfuncs "$@" -- sh -c '
		workload --truth called.json --done ready --hold stop subprograms >/dev/null 2>&1 &
		until [ -e ready ]; do sleep 0.1; done' >stdout 2>stderr
	status=$?
	touch stop
	wait_for 20 test -s called.json
	mv called.json truth.json
	return $status
}

for engine in bpf module; do
	stat_workload subprograms / --by site --engine=$engine
	agrees "$engine: subprograms: nothing is unknown" exact $?
	same "$engine: subprograms: each subprogram has its calls" \
		"$(jq -r "$by_subprogram" rows.json)" "$(jq -r "$by_subprogram" truth.json)"
	same "$engine: subprograms: each source line has its calls" \
		"$(jq -r "$by_line" rows.json)" "$(jq -r "$by_line" truth.json)"
	is "$engine: subprograms: lines are of the source file, and the kernel's calls have none" \
		"$(jq -r "$by_file" rows.json | grep -v '^kernel -$')" "program subprograms.bpf.c"
	jq -c 'map({kfunc, caller, subprogram, file, line, calls} | select(.calls > 0)) | sort' rows.json >rows.$engine

	stat_staying_workload --by site --engine=$engine
	is "$engine: programs that stay: stat ends well" $? 0
	same "$engine: programs that stay: each source line has its calls" \
		"$(jq -r "$by_line" rows.json)" "$(jq -r "$by_line" truth.json)"

	stat_workload many-sites / --by site --engine=$engine
	agrees "$engine: many-sites: nothing is unknown" exact $?
	# The kfunc whose sixty sites the truth names one by one; the others' sites have no line.
	kfunc=$(jq -r 'map(select(.line != null))[0].kfunc' truth.json)
	counts="map(select(.kfunc == \"$kfunc\" and .caller == \"program\").calls) | sort"
	same "$engine: many-sites: sixty sites, each with its own count" \
		"$(jq -c "$counts" rows.json)" "$(jq -c "$counts" truth.json)"
done
same "both engines say the same of each call site" "$(cat rows.module)" "$(cat rows.bpf)"

# The programs have gone long before somebody asks.
kfuncs=
for kfunc in $(workload --kfuncs subprograms); do
	kfuncs="$kfuncs -k $kfunc"
done
# shellcheck disable=SC2086 # options are separate words
kfunctrace stat --keep $kfuncs -- true >stdout 2>stderr
workload --truth truth.json subprograms >/dev/null
kfunctrace stat --stop --by site --json >rows.json 2>stderr
same "what --keep has counted has source lines" \
	"$(jq -r "$by_line" rows.json)" "$(jq -r "$by_line" truth.json)"
done_testing
