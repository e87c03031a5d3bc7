#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The catalogue of deprecated kfuncs as people meet it: what diff makes of it, what
# list and report say of it on this machine, and what is said of files that are
# wrong. Speaks TAP. Diff needs no privileges; what else does is skipped without.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh
export KFUNCTRACE_CONFIG=$tmp/etc
mkdir -p "$tmp/etc/deprecations.d"

# --- diff ---------------------------------------------------------------------------

./kfunctrace diff --json 6.12 7.3 >"$tmp/diff" 2>"$tmp/err"
is "diff has no complaint about the catalogue" "$(<"$tmp/err")" ""
same "what is renamed" \
	"$(jq -r '.changes[] | select(.change == "renamed") | "\(.kfunc)>\(.replacement)"' "$tmp/diff")" \
	"bbr_cwnd_event>bbr_cwnd_event_tx_start
bpf_wq_set_callback_impl>bpf_wq_set_callback
cgroup_rstat_flush>css_rstat_flush
cgroup_rstat_updated>css_rstat_updated
cubictcp_cwnd_event>cubictcp_cwnd_event_tx_start"
is "nothing that is renamed was removed or added" \
	"$(jq -r '[.changes[] | select(.change == "renamed") | .kfunc, .replacement] as $names |
		.changes[] | select((.change == "removed" or .change == "added") and (.kfunc | IN($names[]))).kfunc' \
		"$tmp/diff")" ""
is "each change that breaks says what it means" \
	"$(jq -r '.changes[] | select(.breaking and .means == null).kfunc' "$tmp/diff")" ""
is "all else of a renamed kfunc is compared" \
	"$(jq -r '.changes[] | select(.kfunc == "cgroup_rstat_flush" and .change == "signature").what' "$tmp/diff")" \
	"parameter 1: struct cgroup * cgrp -> struct cgroup_subsys_state * css"
# Each kfunc of the newer kernel that has the older one's name without _impl.
same "what is superseded is a change that does not break" \
	"$(jq -r '.changes[] | select(.change == "deprecated" and (.breaking | not) and (.kfunc | endswith("_impl"))) |
		"\(.kfunc)>\(.replacement)"' "$tmp/diff")" \
	"$(jq -rn --slurpfile old share/kernels/6.12.*.json --slurpfile new share/kernels/7.3.*.json '
		[$new[0].kfuncs[].name] as $names | $old[0].kfuncs[].name | select(endswith("_impl")) |
		. as $name | sub("_impl$"; "") | select(IN($names[]) and ($name | IN($names[]))) |
		"\($name)>\(.)"')"
./kfunctrace diff 6.1 6.12 >"$tmp/out"
matches "what to call instead of a kfunc that has gone" "$tmp/out" \
	'^bpf_kfunc_call_test_kptr_get .*do not load; use an acquiring kfunc with KF_RCU$'

KFUNCTRACE_DATA=$tmp ./kfunctrace diff share/kernels/6.12.*.json share/kernels/7.3.*.json --json \
	>"$tmp/bare" 2>"$tmp/err"
is "without the catalogue: one warning" "$(grep -c 'catalogue of deprecated kfuncs' "$tmp/err") $(wc -l <"$tmp/err")" "1 1"
is "and what was renamed is removed" \
	"$(jq -r '.changes[] | select(.kfunc == "cgroup_rstat_flush").change' "$tmp/bare")" removed

# --- names -----------------------------------------------------------------------------

# Of a kernel that is known, what the catalogue calls removed is not there, and what it
# has a successor for is.
for version in 6.1 6.12 7.3; do
	jq -r '.kfuncs[].name' share/kernels/$version.*.json | sort -u >"$tmp/names.$version"
	awk -v version=$version '
		function at_least(a, b, x, y) {
			split(a, x, "."); split(b, y, ".")
			return x[1] > y[1] || (x[1] == y[1] && x[2] >= y[2])
		}
		/^\[/ { name = $0; gsub(/[][]/, "", name) }
		/^removed-in/ && at_least(version, $3) { print name }' \
		share/deprecations.d/*.ini | sort -u | comm -12 - "$tmp/names.$version" >"$tmp/there"
	is "$version: nothing is there that was removed earlier" "$(<"$tmp/there")" ""
done
sed -nE 's/^renamed-to = //p' share/deprecations.d/*.ini | sort -u |
	comm -23 - "$tmp/names.7.3" >"$tmp/missing"
is "what something was renamed to is there" "$(<"$tmp/missing")" ""

# --- list and report ----------------------------------------------------------------------

cat >"$tmp/etc/deprecations.d/a.ini" <<-EOT
	[no_such_kfunc_anywhere]
	since = 6.1
	[bpf_cast_to_kern_ctx]
	since = 6.1
	replacement = another_cast
EOT
if ./kfunctrace list --json bpf_cast_to_kern_ctx >"$tmp/list" 2>"$tmp/err"; then
	is "list marks what users add" "$(jq -r '.[] | "\(.deprecated) \(.replacement)"' "$tmp/list")" \
		"deprecated another_cast"
	is "a section about no kfunc of this kernel does no harm" "$(<"$tmp/err")" ""
	is "list --deprecated has it" \
		"$(./kfunctrace list --deprecated --json | jq -r '.[].name' | grep -x bpf_cast_to_kern_ctx)" \
		bpf_cast_to_kern_ctx
	for command in "list --deprecated" "report --deprecations --census -d 0.2"; do
		# shellcheck disable=SC2086 # several words
		KFUNCTRACE_DATA=$tmp ./kfunctrace $command >"$tmp/out" 2>"$tmp/err"
		is "$command: no answer without the catalogue" "$? $(<"$tmp/out")" "2 "
		matches "$command: and it is said" "$tmp/err" 'not known without the catalogue; .* KFUNCTRACE_DATA$'
	done
	./kfunctrace report --deprecations --census -d 0.2 --json -k bpf_cast_to_kern_ctx >"$tmp/report" 2>"$tmp/err"
	jq -e '.kfuncs[0] | .no_census != null and .programs == null and .calls == null' "$tmp/report" >"$tmp/out"
	ok $? "of an inlined kfunc report says that it cannot be seen" "$(<"$tmp/report")"
	./kfunctrace report --deprecations --census -d 0.2 -o "$tmp/target" --json --target 7.3 2>"$tmp/err"
	is "report compares with another kernel" "$(jq -r .target "$tmp/target")" \
		"$(jq -r .kernel.release share/kernels/7.3.*.json)"
	./kfunctrace report --deprecations --census -d 0.2 -o /dev/full -k bpf_cast_to_kern_ctx >"$tmp/out" 2>"$tmp/err"
	is "a report that cannot be written: exit status 2" $? 2
	./kfunctrace report --deprecations --target "$tmp/none.json" >"$tmp/out" 2>"$tmp/err"
	is "a target that cannot be read: exit status 2" "$? $(grep -c none.json "$tmp/err")" "2 1"

	cat >"$tmp/etc/deprecations.d/b.ini" <<-EOT
		since = 6.1
		[bpf_cast_to_kern_ctx]
		since = soon
		colour = red
		nonsense
		replacement = a_third_cast
	EOT
	mkdir "$tmp/etc/deprecations.d/c.ini"
	./kfunctrace list --json bpf_cast_to_kern_ctx >"$tmp/list" 2>"$tmp/err"
	is "wrong lines do not stop list" "$? $(jq -r '.[].replacement' "$tmp/list")" "0 a_third_cast"
	is "each is said, with file and line" "$(grep -oE '[a-z]\.ini(:[0-9]+)?' "$tmp/err" | xargs)" \
		"b.ini:1 b.ini:3 b.ini:4 b.ini:5 c.ini"
else
	skip "list and report on this machine" "list does not work here"
fi
./kfunctrace report --deprecations --since 7d -- true >"$tmp/out" 2>"$tmp/err"
is "the past of a command is not to be had: exit status 2" "$?" 2
./kfunctrace report --deprecations --json --markdown >"$tmp/out" 2>"$tmp/err"
is "and in one form: exit status 2" "$?" 2
done_testing
