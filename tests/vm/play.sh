# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# The command that is watched in tests about references (refs_lib.sh): of the
# scenes that are named each in turn does what it is for. Then all hold still.
for name; do
	touch "scenes/$name.go"
	until [ -e "scenes/$name.done" ]; do
		sleep 0.1
	done
done
