# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests of the module's trace events: listeners that run beside a workload, and what a report
# on their recordings has beside what the workload says that it has done (truth.json of lib.sh and
# refs_lib.sh).

# What a listener runs, and ends with. (What a shell runs beside it cannot be interrupted.)
cat >until-stop <<EOF
#!/bin/sh
touch $PWD/started-\$1
until [ -e $PWD/stop-\$1 ]; do
	sleep 0.2
done
EOF
chmod +x until-stop

# listen NAME COMMAND...: in the background; COMMAND ends with ./until-stop NAME, which all of them
# start when they hear. To be ended with heard NAME. What it says is in NAME.log.
listen()
{
	local name=$1

	shift
	rm -f "started-$name" "stop-$name"
	"$@" >"$name.log" 2>&1 &
	eval "listener_$name=$!"
	wait_for 120 test -e "started-$name" || diag "$name does not start: $(tail -n 5 "$name.log")"
}

heard()
{
	local status

	touch "stop-$1"
	eval "wait \$listener_$1"
	status=$?
	[ $status = 0 ] || diag "$1: status $status: $(tail -n 5 "$1.log")"
	return $status
}

# record NAME OPTION-OF-PERF...: perf writes NAME.data, with room for what a workload makes at once.
record()
{
	local name=$1

	shift
	listen "$name" perf record -q -B -a -m 2048 -o "$name.data" "$@" ./until-stop "$name"
}

# The text of events, as the kernel puts it together, in a buffer of tracefs that nobody else writes to:
# from read_text EVENT... to text_of FILE.
read_text()
{
	local event

	mkdir "$TRACEFS/instances/own"
	for event; do
		echo 1 >"$TRACEFS/instances/own/events/kfunc/$event/enable"
	done
}

text_of()
{
	grep -v '^#' "$TRACEFS/instances/own/trace" >"$1"
	rmdir "$TRACEFS/instances/own"
}

# report_on FILE: report.json and report.err
report_on()
{
	kfunctrace report --perf "$1" --json >report.json 2>report.err ||
		diag "report --perf $1: $(cat report.err)"
}

# Lines of KFUNC PROGRAM CALLS; programs of one name are one.
reported_calls()
{
	jq -r '.uses[] | select(.caller == "program" and .calls > 0) | "\(.kfunc) \(.program) \(.calls)"' \
		report.json | sort
}

# heard_calls FILE: the same of the calls in the text of a recording
heard_calls()
{
	sed -nE 's/.* ?kfunc_call: .*kfunc=([^ ]*) prog=([^ ]*) prog_id=[1-9].*/\1 \2/p' "$1" |
		sort | uniq -c | awk '{ print $2, $3, $1 }'
}

# true_calls JQ [FILE]: the same of those kfuncs that JQ is true of, in truth.json or what has rows like it
true_calls()
{
	jq -r "(.rows? // .) | map(select(.caller == \"program\" and (.kfunc | $1)))
		| group_by([.kfunc, .program])[] | select(map(.calls) | add > 0)
		| \"\\(.[0].kfunc) \\(.[0].program) \\(map(.calls) | add)\"" "${2:-truth.json}" | sort
}

# Lines of KFUNC PROGRAM REFCOUNT-ZEROS of the truth
true_zeros()
{
	jq -r '.zero | group_by([.kfunc, .program])[] | select(map(.refcount_zero) | add > 0)
		| "\(.[0].kfunc) \(.[0].program) \(map(.refcount_zero) | add)"' truth.json | sort
}
