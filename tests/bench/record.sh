# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts that measure in the guest have in common: how a figure is written down.

die()
{
	echo "bench: $*" >&2
	exit 2
}

# Usage: record FILE FIELDS [SEEN]; what bench-loop has said is in ./loop. FIELDS: a JSON object.
# SEEN: calls counted. Who counts must have counted every one of the loop, otherwise the figure is
# worth nothing.
record()
{
	local made

	made=$(jq .calls loop)
	[[ ${3:-$made} == "$made" ]] || die "$2 has counted $3 of $made calls"
	jq -c --argjson fields "$2" '$fields + .' loop >>"$1"
	rm loop
}
