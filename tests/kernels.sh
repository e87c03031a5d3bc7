#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Are the kernels that come with kfunctrace what their sources say, does diff
# find what the sources say has changed, and are they installed with it? Speaks
# TAP. Needs no privileges.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# What the sources of a version register: name and flags, a line a set. What a
# configuration can leave out is marked so; FMODRET functions are no kfuncs, though
# their sets look alike.
in_sources()
{
	awk -F'\t' -v version="$1" -v all="${2-}" '
		$1 == version && $3 != "FMODRET" && (all || $5 ~ /^vmlinux/) {
			print $2, ($4 == "0" ? "-" : tolower($4))
		}' tests/data/kfuncs.tsv
}

names_in_sources()
{
	in_sources "$@" | cut -d' ' -f1 | sort -u
}

# Flags in the order of the alphabet, so that two lists compare.
sorted_flags()
{
	jq -rRn '[inputs | split(" ") | "\(.[0]) \(.[1] | split("|") | sort | join("|"))"] | unique[]'
}

declare -A file
for version in 6.1 6.12 7.3; do
	files=(share/kernels/$version.*.json)
	is "one kernel $version comes with kfunctrace" "${#files[@]} $(wc -c <"${files[0]}" | grep -c '^0$')" "1 0"
	file[$version]=${files[0]}
	jq -r '.kfuncs[].name' "${file[$version]}" | sort -u >"$tmp/names.$version"
	is "$version: each of its kfuncs is in the sources" \
		"$(names_in_sources $version all | comm -13 - "$tmp/names.$version")" ""
	is "$version: it has what the sources have, whatever is configured" \
		"$(names_in_sources $version | comm -23 - "$tmp/names.$version")" ""
	same "$version: flags are those of the sources" \
		"$(jq -r '.kfuncs[] | .name as $name | .hooks[] |
			"\($name) \(if length == 0 then "-" else join("|") end)"' "${file[$version]}" | sorted_flags)" \
		"$(in_sources $version all | grep -wFf "$tmp/names.$version" | sorted_flags |
			while read -r name flags; do
				! grep -qx "$name" "$tmp/names.$version" || echo "$name $flags"
			done)"
done

for pair in "6.1 6.12" "6.12 7.3"; do
	read -r old new <<<"$pair"
	./kfunctrace diff --json "$old" "$new" >"$tmp/diff" 2>"$tmp/err"
	is "diff $old $new: something breaks" "$? $(<"$tmp/err")" "1 "
	same "diff $old $new: what has gone, is gone from the sources or renamed" \
		"$(jq -r '.changes[] | select(.change == "removed" or .change == "renamed").kfunc' "$tmp/diff" | sort -u)" \
		"$(comm -23 "$tmp/names.$old" "$tmp/names.$new")"
done
./kfunctrace diff 6.12 7.x --json >"$tmp/diff"
is "7.x is the newest 7" "$(jq -r .new.release "$tmp/diff")" "$(basename "${file[7.3]}" .json)"
./kfunctrace diff 6.12 9.9 >"$tmp/out" 2>"$tmp/err"
is "a kernel that there is none of: exit status 2" $? 2
matches "and what there is, is named" "$tmp/err" '6\.12.*7\.3'

make --no-print-directory DESTDIR="$tmp/root" install >"$tmp/out" 2>&1
is "make install ends well" "$?" 0
"$tmp/root/usr/local/bin/kfunctrace" diff 6.1 6.12 >"$tmp/installed" 2>&1
./kfunctrace diff 6.1 6.12 >"$tmp/here"
is "installed it knows the same kernels" "$(cmp "$tmp/installed" "$tmp/here" 2>&1)" ""
done_testing
