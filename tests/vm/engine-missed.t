# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
# machine: --module kfunctrace --mem 768
#
# What the kernel has no room to follow to its return is missing exactly as the module says.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
MODULE=/vm/modules/kfunctrace.ko

rmmod kfunctrace 2>/dev/null
insmod $MODULE max_active=1
kfuncs=
for kfunc in $(workload --kfuncs spread); do
	kfuncs="$kfuncs -k $kfunc"
done
# shellcheck disable=SC2086 # several options
kfunctrace stat --keep $kfuncs -- true >stdout 2>stderr
is "it counts" $? 0
# From two CPUs, as the kernel is not always one that may be preempted in a kfunc. Whether one call comes
# while another has not returned is chance: on a busy host it may take a while.
for try in $(seq 20); do
	workload --truth "truth.$try.json" --threads 4 --times 100 spread >/dev/null
	missed=$(sed -nE 's/^missed ([0-9]+) .*/\1/p' $CONTROL)
	[ "$missed" = 0 ] || break
	! kernel_at_least 6.14 || break
done
jq -s add truth.*.json >truth.json
what=$(sed -nE 's/^missed [0-9]+ //p' $CONTROL)
kfunctrace stat --engine=module >table 2>stderr
kfunctrace stat --stop --json >rows.json 2>warnings
made=$(jq 'map(.calls) | add' truth.json)
counted=$(jq 'map(.calls) | add' rows.json)
unseen=$(jq 'map(.losses.missed_returns) | add' rows.json)
diag "after $try runs: $made calls; $counted counted, the returns of $unseen were not seen; missed $missed $what"
if kernel_at_least 6.14; then
	is "fprobes need no room set aside: all is counted" "$missed $counted $unseen" "0 $made 0"
	is "and no loss is told" "$(grep -c 'not followed by the kernel' table) $(grep -c 'no room' warnings)" "0 0"
else
	check "the room was too small" [ "$missed" -gt 0 ]
	if kernel_at_least 6.5; then
		is "calls that were missed are those that are not counted" "$what $((made - counted)) $unseen" "calls $missed 0"
	else
		is "all calls are counted, and returns that were missed are not seen" \
			"$what $counted $unseen" "returns $made $missed"
	fi
	matches "the totals of the table say so" table "losses: .*$(echo "$missed" | sed ':a; s/\([0-9]\)\([0-9]\{3\}\)\($\|[,.]\)/\1.\2\3/; ta') calls not followed by the kernel"
	matches "and with JSON a warning does" warnings "no room to follow $missed calls"
fi
is "before the next counting nothing is missed" \
	"$(/root/control run '1 begin 16' '?missed 0 ' | sed 's/.*: //' | tr '\n' ' ')" "ok 1 "
rmmod kfunctrace
for room in 0 65537 -1 x; do
	is "room for $room calls is none" "$(insmod $MODULE max_active=$room 2>/dev/null || echo refused)" refused
done
insmod $MODULE
stat_workload spread --threads 4 --times 100 / --engine=module
agrees "with the usual room nothing is missed" exact $?
done_testing
