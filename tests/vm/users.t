# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Each loaded program is listed with what it calls, and with nothing else.
. /root/vm/lib.sh

kfunctrace users >out 2>err
is "without programs: exit status 0" "$? $(cat err)" "0 "
matches "and it is said" out '0 loaded programs'

# What a program's rows name is what its source calls; the verifier takes some calls out.
inlined=$(inlined_kfuncs)
for name in two-programs subprograms mix refs-local refs-test; do
	has_workload $name || continue
	rm -f go done end users.json
	workload --truth truth.json --times 1 --done done --hold end $name >log 2>&1 &
	wait_for 60 test -e done
	kfunctrace users --json >users.json 2>err
	# Some scenes have unloaded a program by now. bpftool knows fifteen characters of a name.
	bpftool -j prog show | jq 'map(.name // "")' >loaded.json
	touch end
	wait
	rows='if type == "object" then .rows else . end'
	jq -r --argjson inlined "$inlined" --slurpfile loaded loaded.json "$rows"' |
		map(select(.program != null and (.program[:15] | IN($loaded[0][])) and
			(.kfunc | IN($inlined[]) | not)) | "\(.program) \(.kfunc)") |
		unique[]' truth.json >want
	jq -r 'map("\(.program) \(.kfunc)") | unique[]' users.json >have
	same "$name: each program with its kfuncs" "$(cat have)" "$(cat want)"
	is "$name: all were loaded by root" "$(jq 'map(select(.uid != 0)) | length' users.json)" 0
done

kfunctrace users --json 'no_such_*' >out
is "a pattern that matches nothing: an empty array" "$? $(jq -c . out)" "0 []"
done_testing
