# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# --by site tells call sites apart: by subprogram and by source line.
. /root/vm/lib.sh

by_subprogram='map(select(.caller == "program")) | group_by(.kfunc, .program, .subprogram)
	| map("\(.[0].kfunc) \(.[0].program) \(.[0].subprogram) \(map(.calls) | add)")
	| map(select(endswith(" 0") | not)) | sort[]'

stat_workload subprograms / --by site
agrees "subprograms: nothing is unknown" exact $?
same "subprograms: each subprogram has its calls" \
	"$(jq -r "$by_subprogram" rows.json)" "$(jq -r "$by_subprogram" truth.json)"

# Does the row of a source line say that line? It has "line": a number, or text with the number.
by_line='map(select(.caller == "program" and .line != null and .calls > 0))
	| map(. + {n: (.line
		| if type == "number" then . else (capture(":(?<n>[0-9]+)").n | tonumber) end)})
	| group_by(.kfunc, .n)
	| map("\(.[0].kfunc) line \(.[0].n): \(map(.calls) | add)") | sort[]'
same "subprograms: each source line has its calls" \
	"$(jq -r "$by_line" rows.json)" "$(jq -r "$by_line" truth.json)"

stat_workload many-sites / --by site
agrees "many-sites: nothing is unknown" exact $?
# The kfunc whose sixty sites the truth names one by one; the others' sites have no line.
kfunc=$(jq -r 'map(select(.line != null))[0].kfunc' truth.json)
counts="map(select(.kfunc == \"$kfunc\" and .caller == \"program\").calls) | sort"
same "many-sites: sixty sites, each with its own count" \
	"$(jq -c "$counts" rows.json)" "$(jq -c "$counts" truth.json)"
done_testing
