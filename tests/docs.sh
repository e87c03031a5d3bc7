#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the documentation say what there is, and nothing else? Compares options
# and JSON fields, both ways. Needs a built ./kfunctrace. Speaks TAP.

set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh

# --- options --------------------------------------------------------------------

# Options with their arguments, as they stand at the beginning of a line of --help,
# up to two blanks.
options_in_help()
{
	./kfunctrace "$@" --help | sed -nE 's/^ +(-[a-zA-Z], )?(--[a-z-]+( [A-Z]+)?)( .*)?$/\1\2/p' | sort
}

options_in_manual()
{
	grep -E '^-' "Documentation/$1.rst" | grep -E '^(-[a-zA-Z], )?--[a-z]' | sort
}

commands=$(./kfunctrace --help | sed -nE 's/^  ([a-z]+)  .*/\1/p')
for command in $commands; do
	same "the manual of $command has the options of --help" \
		"$(options_in_manual "kfunctrace-$command")" "$(options_in_help "$command")"
done
same "the manual has the commands of --help" \
	"$(sed -nE 's/^\*\*kfunctrace ([a-z]+)\*\*$/\1/p' Documentation/kfunctrace.rst | sort)" \
	"$(sort <<<"$commands")"
same "each command has a manual, and each manual a command" \
	"$(cd Documentation && printf '%s\n' kfunctrace-*.rst | sed -E 's/kfunctrace-(.*)\.rst/\1/')" \
	"$(sort <<<"$commands")"

# --- configuration ----------------------------------------------------------------

# Keys with their defaults, "[serve] interval = 10s": in the source, in the manual page
# under its sections, and in the example.
keys_in_source()
{
	tr -s '\n\t ' ' ' <userspace/serve_config.c |
		grep -oE '\{ "[a-z]+", "[a-z_]+", "[^"]*"' |
		sed -E 's/^\{ "(.*)", "(.*)", "(.*)"$/[\1] \2 = \3/' | sort
}

# shellcheck disable=SC2016 # backquotes are what is searched for
keys_in_manual()
{
	awk '/^\[[a-z]+\]$/ { section = $1 }
		/^[a-z_]+ = ``.*``$/ { gsub(/``/, ""); print section, $0 }' \
		Documentation/kfunctrace.conf.rst | sort
}

keys_in_example()
{
	awk '/^\[/ { section = $1 } /^#[a-z]/ { print section, substr($0, 2) }' share/kfunctrace.conf | sort
}

same "the manual of the configuration has its keys and defaults" "$(keys_in_manual)" "$(keys_in_source)"
same "the example configuration has them" "$(keys_in_example)" "$(keys_in_source)"
same "the manual tells which keys need a restart" \
	"$(awk '/^[a-z_]+ = ``/ { key = $1 } /Needs a restart\./ { print key }' Documentation/kfunctrace.conf.rst | sort)" \
	"$(tr -s '\n\t ' ' ' <userspace/serve_config.c |
		grep -oE '\{ "[a-z]+", "[a-z_]+", "[^"]*", "[^"]*", [^}]* true \}' |
		sed -E 's/^\{ "[a-z]+", "([a-z_]+)".*/\1/' | sort)"

# --- JSON -------------------------------------------------------------------------

# Fields in a section of json.rst, those of objects within as well.
documented()
{
	awk -v section="$1" '
		/^=+$/ { current = last }
		{ last = $0 }
		# One field or several alike, and then the type.
		current == section && /^ *``[a-z0-9_]+``(, ``[a-z0-9_]+``)*: (string|integer|number|boolean|array|object)/ {
			sub(/:.*/, "")
			gsub(/[` ]/, "")
			gsub(/,/, "\n")
			print
		}
	' Documentation/json.rst | sort -u
}

# Fields that the sources of a command set.
set_in()
{
	{
		# The name is the second argument, and may be one of two; a call may take several lines.
		cat "$@" | tr -s '\n\t ' ' ' |
			grep -oE 'json_object_set_new\( ?[a-z_]+, [^,]*,' | grep -oE '"[a-z0-9_]+"'
		# The names in json_pack() have their values on either side.
		sed -n '/json_pack(/,/;/p' "$@" | grep -oE '"[a-z0-9_]+",'
	} | tr -d '",' | sort -u
}

# Fields of a histogram whose values are in a unit: nothing, or _ns.
set_in_histogram()
{
	set_in userspace/histogram.c
	sed -nE "s/^\tset\(object, \"([a-z0-9]+)\", unit.*/\1$1/p" userspace/histogram.c
}

./kfunctrace doctor --json >"$tmp/doctor" 2>/dev/null
same "json.rst has the fields of doctor" "$(documented doctor)" \
	"$(jq -r '(keys[]), (.checks[] | keys[])' "$tmp/doctor" | sort -u)"
# shellcheck disable=SC2016 # backquotes are what is searched for
same "json.rst has the names of doctor's checks" \
	"$(grep -A 5 'For programs, and stable' Documentation/json.rst | sed 's/.*stable://' |
		grep -oE '``[a-z_]+``' | tr -d '`' | sort -u | grep -v '^title$')" \
	"$(jq -r '.checks[].name' "$tmp/doctor" | sort -u)"

if ./kfunctrace list --json >"$tmp/list" 2>/dev/null; then
	same "json.rst has the fields of list" "$(documented list)" \
		"$(jq -r '.[] | keys[]' "$tmp/list" | sort -u)"
else
	skip "json.rst has the fields of list" "list does not work here"
fi

if ./kfunctrace snapshot -o "$tmp/snapshot" 2>/dev/null; then
	# The names of hooks and typedefs are no fields.
	same "json.rst has the fields of snapshot" "$(documented snapshot)" \
		"$(jq -r 'keys[], (.kernel | keys[]), (.kfuncs[] | del(.hooks[]) |
			[.. | objects | keys[]] | .[])' "$tmp/snapshot" | sort -u)"
else
	skip "json.rst has the fields of snapshot" "snapshot does not work here"
fi
same "json.rst has the fields of users" "$(documented users)" \
	"$(set_in userspace/users_report.c userspace/holders_text.c userspace/deprecation_text.c)"
same "json.rst has the fields of report" "$(documented report)" \
	"$(set_in userspace/deprecation_report_json.c userspace/deprecation_details.c userspace/deprecation_text.c)"
same "json.rst has the fields of report --since" "$(documented 'report --since')" \
	"$(set_in userspace/usage_report_json.c)"
# "lost" is a value.
same "json.rst has the fields of users --watch" "$(documented 'users --watch')" \
	"$(set_in userspace/users_watch.c | grep -vx lost)"
same "json.rst has the fields of notices" "$(documented notices)" "$(set_in userspace/notice_formats.c)"
same "notices.rst has the fields of the journal" \
	"$(grep -oE '^KFUNCTRACE_[A-Z_, ]+$' Documentation/notices.rst | grep -oE '[A-Z_]+' | sort)" \
	"$(grep -oE '"KFUNCTRACE_[A-Z_]+"' userspace/notice_formats.c | tr -d '"' | sort)"
same "notices.rst has the kinds, priorities and ids" \
	"$(awk '/^[a-z-]+ +[a-z]+ +[0-9a-f]+ / { print $1, $2, $3 }' Documentation/notices.rst | sort)" \
	"$(tr -s '\n\t ' ' ' <userspace/notice_formats.c |
		grep -oE '\{ "[a-z-]+", LOG_[A-Z]+, "[0-9a-f]+" \}' | tr -d '{},"' |
		sed -E 's/LOG_ERR/error/; s/LOG_([A-Z]+)/\L\1/; s/^ //; s/ $//' | sort)"
same "json.rst has the fields of release" "$(documented release)" "$(set_in userspace/cmd_release.c)"
same "json.rst has the fields of lint" "$(documented lint)" "$(set_in userspace/cmd_lint.c)"
same "json.rst has the fields of check" "$(documented check)" "$(set_in userspace/check_report.c)"
same "json.rst has the fields of diff" "$(documented diff)" "$(set_in userspace/cmd_diff.c)"

# They need a kernel that allows tracing; the source tells them without.
same "json.rst has the fields of stat" "$(documented stat)" \
	"$({ set_in userspace/stat_report.c userspace/caller.c userspace/deprecation_text.c; echo function; echo subprogram; } | sort -u)"
same "json.rst has the fields of refs" "$(documented refs)" \
	"$(set_in userspace/balance_report.c userspace/refs_report.c)"
same "json.rst has the fields of refs --objects" "$(documented 'refs --objects')" \
	"$({ set_in userspace/objects_report.c; set_in_histogram _ns; } | sort -u)"
same "json.rst has the fields of refs --zero" "$(documented 'refs --zero')" \
	"$(set_in userspace/zero_report.c)"
same "json.rst has the fields of refs --iterators" "$(documented 'refs --iterators')" \
	"$({ set_in userspace/iterators_report.c; set_in_histogram ''; } | sort -u)"
# The lists of functions are named in a table.
same "json.rst has the fields of refs --pairs" "$(documented 'refs --pairs')" \
	"$({
		set_in userspace/pairs_report.c
		sed -n '/lists\[\] = {/,/}/p' userspace/pairs_report.c | grep -oE '"[a-z_]+"' | tr -d '"'
	} | sort -u)"
# "dropped" is a value.
same "json.rst has the fields of trace" "$(documented trace)" \
	"$(set_in userspace/event_text.c userspace/cmd_trace.c userspace/deprecation_text.c | grep -vx dropped)"

# --- manual pages --------------------------------------------------------------------

if command -v "${RST2MAN:-rst2man}" >/dev/null; then
	make --no-print-directory BUILD="$tmp/build" man >"$tmp/man" 2>&1
	status=$?
	same "make man builds the manual pages without a warning" "$status $(grep -v MAN "$tmp/man")" "0 "
else
	skip "make man builds the manual pages" "there is no rst2man (python3-docutils)"
fi

done_testing
