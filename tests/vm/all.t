# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
#
# All kfuncs at once.
. /root/vm/lib.sh

# Warnings fail the run in any case.
said_by_kernel()
{
	dmesg | but_for_clocks
}

dmesg -c >/dev/null
kfunctrace stat --all -d 2 -v >stdout 2>stderr
is "stat --all -d 2 ends well" $? 0
diag "$(head -n 20 stderr)"
matches "-v says what was attached and how long that took" stderr 'attach.* (ms|s)\b'
check "nothing stays attached" nothing_attached
is "the kernel has nothing to say" "$(said_by_kernel)" ""

stat_workload two-programs / --all
agrees "--all counts exactly, too" exact $?
if has_workload mix; then
	stat_workload mix / --all
	agrees "mix: kfuncs of every kind" exact $?
	# Some kfuncs end in a jump to another one, which sees the program's return address then.
	is "no program is said to call what only a kfunc called for it" \
		"$(jq -r --slurpfile truth truth.json '
			($truth[0] | map(.program)) as $programs |
			($truth[0] | map([.kfunc, .program])) as $called |
			map(select(.program != null and (.program | IN($programs[])))) | map([.kfunc, .program]) - $called |
			unique | map(join(" by ")) | join(", ")' rows.json)" ""
	is "nothing is unknown" "$(unknown_calls)" 0
fi
check "nothing stays attached" nothing_attached
is "the kernel has nothing to say" "$(said_by_kernel)" ""
check "the kernel goes on: the workload runs without the tracer" workload two-programs
done_testing
