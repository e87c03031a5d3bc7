# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack --module kfunctrace
#
# Other tools that come to the same kfuncs and go while the module counts: all calls are counted, and
# returns but for those that kretprobes miss.
. /root/vm/lib.sh
. /root/vm/others_lib.sh

CONTROL=/dev/kfunctrace

# Returns that were not seen of calls that were counted.
returns_lost()
{
	jq 'group_by(.kfunc) | map(map(.losses.missed_returns) | max) | add // 0' rows.json
}

# Lines of the kfuncs whose NULL returns differ by more than returns were missed.
more_than_missed()
{
	jq -r --slurpfile truth truth.json 'group_by(.kfunc)[] | .[0].kfunc as $kfunc
		| (map(.losses.missed_returns) | max) as $missed | (map(.null_returns // 0) | add) as $seen
		| $truth[0] | map(select(.kfunc == $kfunc).null_returns)
		| select(length > 0 and all(. != null)) | (add - $seen) as $unseen
		| select($unseen < 0 or $unseen > $missed)
		| "\($kfunc): \($unseen) NULLs not seen, \($missed) returns missed"' rows.json
}

for name in kretprobe function_graph; do
	beside $name / --keep
	status=$?
	grep '^missed ' $CONTROL >missed
	# The same once more, now that the calls are over.
	kfunctrace stat --stop --json >rows.json 2>>stderr || status=$?
	is "$name comes and goes: the module has counted" "$(jq -r 'map(.engine) | unique[]' rows.json)" module
	diag "returns lost: $(returns_lost), $(cat missed)"
	# What an fprobe misses is no call that is counted.
	if grep -q ' calls$' missed; then
		is "$name: no return is lost of a call that was counted" "$(returns_lost)" 0
	else
		skip "$name: no return is lost of a call that was counted" "kretprobes lose some, and the kernel does not count all of them"
	fi
	is "no more NULLs are missing than returns were missed" "$(more_than_missed 2>&1)" ""
	# fprobes would miss calls as well, and have room for far more than one task makes at once.
	for file in rows.json truth.json; do
		jq 'map(.null_returns = null)' $file >t.json && mv t.json $file
	done
	case $name in
	# On 7.x it takes the return address away before the module sees it.
	kretprobe)	agrees "all calls are counted, by their programs or as unknown" sums $status ;;
	*)		agrees "each program has its own calls, none is unknown" exact $status ;;
	esac
	diag "unknown: $(unknown_calls) of $(jq 'map(.calls) | add' truth.json)"
	came_and_went $name
done
done_testing
