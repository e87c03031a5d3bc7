# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# For the tests of `kfunctrace serve`: an aggregator in the background, and what it serves as JSON.
#
#	serve_begin 'kfuncs = bpf_task_*' ...   lines for [serve]
#	scrape                                   leaves metrics and metrics.json
#	serve_end

# What two-programs calls: kfuncs that are traced from the beginning, and others.
if kernel_at_least 6.2; then
	FIRST='bpf_task_*'
	LATER='bpf_cgroup_*'
	THREE='bpf_task_from_pid bpf_task_release bpf_cgroup_from_id'
else
	FIRST='bpf_kfunc_call_test_acquire bpf_kfunc_call_test_release'
	LATER='bpf_kfunc_call_test_get_rdonly_mem'
	THREE="$FIRST $LATER"
fi

# among GLOBS: a filter of jq for rows and labels
among()
{
	echo "(.kfunc | test(\"^($(echo "$1" | sed 's/ /|/g; s/\*/.*/g'))\$\"))"
}

serve_pid=
serve_port=9435
# A Unix socket instead of the port.
serve_socket=

# serve_config LINE...: what the tests need, and LINEs of [serve]
serve_config()
{
	cat >serve.conf <<-EOT
	[serve]
	interval = 500ms
	look = 1s
	max_overhead = off
	control = /run/kfunctrace-test/control
	[history]
	file = ${serve_history:-$PWD/history.db}
	[listen]
	address = ${serve_socket:+unix:}${serve_socket:-127.0.0.1:$serve_port}
	[notices]
	to = file:$PWD/notices.jsonl stderr
	burst = ${serve_burst:-100}
	stale_age = ${serve_stale_age:-1s}
	loss_rate = ${serve_loss_rate:-100}
	EOT
	for line; do
		# Keys of [serve] that stand there already are replaced.
		sed -i "/^${line%% *} = /d; s|^\[serve\]\$|&\n$line|" serve.conf
	done
}

get()
{
	if [ -n "$serve_socket" ]; then
		curl -s -f -m 20 --unix-socket "$serve_socket" "http://localhost$1"
	else
		timeout 20 wget -q -O - "http://127.0.0.1:$serve_port$1"
	fi
}

is_ready()
{
	get /readyz
}

# Begins anew with what serve.conf says. Leaves serve.err.
serve_again()
{
	kfunctrace serve -c serve.conf "$@" >serve.out 2>serve.err &
	serve_pid=$!
	wait_for 120 is_ready
}

serve_begin()
{
	rm -f notices.jsonl history.db*
	serve_config "$@"
	serve_again
}

serve_end()
{
	kill -TERM $serve_pid 2>/dev/null
	wait $serve_pid
}

# Metrics as an array of {name, value, labels}.
scrape()
{
	get /metrics >metrics || return
	grep -v '^#' metrics | jq -R 'capture("^(?<name>[a-z0-9_]+)(\\{(?<labels>.*)\\})? (?<value>[^ ]+)$")
		| .value |= tonumber
		| .labels = ([.labels // "" | scan("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"")]
			| map({key: .[0], value: .[1]}) | from_entries)' | jq -s . >metrics.json
}

# Waits until drains that began after now are served.
drained()
{
	local seen

	scrape || return
	seen=$(value kfunctrace_drain_duration_seconds_count)
	wait_for 30 drained_after $((seen + 1))
}

drained_after()
{
	scrape && [ "$(value kfunctrace_drain_duration_seconds_count)" -gt "$1" ]
}

# value NAME [FILTER]: the sum of its samples, "-" when there is none
value()
{
	jq -r --arg name "kfunctrace_${1#kfunctrace_}" \
		"map(select(.name == \$name and (.labels | ${2:-true})).value)
		| if length == 0 then \"-\" else add end" metrics.json
}

# Rows as `kfunctrace stat` has them, for compare().
rows_of_metrics()
{
	jq '[.[] | select(.name == "kfunctrace_kfunc_calls_total") | .labels as $l
		| {kfunc: $l.kfunc, caller: $l.caller, program: (if $l.caller == "program" then $l.program else null end),
		   calls: .value}] as $calls
		| [.[] | select(.name == "kfunctrace_kfunc_null_returns_total")
			| {key: "\(.labels.kfunc) \(.labels.caller) \(.labels.program)", value}] as $nulls
		| ($nulls | from_entries) as $nulls
		| $calls | map(. + {null_returns: $nulls["\(.kfunc) \(.caller) \(.program // "")"]})' metrics.json
}

# --- comparing with the programs -------------------------------------------------------------

# run WORKLOAD [OPTION]...: leaves truth.json of it alone
run()
{
	local name=$1

	shift
	workload --truth called.json "$@" "$name" >stdout 2>&1 || return
	tasks called.json >truth.json
}

# tasks FILE: what is traced from the beginning
tasks()
{
	jq "map(select($(among "$FIRST")))" "$1"
}

# sum FILE...: the truths of several runs as one
sum()
{
	jq -s 'add | group_by([.kfunc, .program])
		| map(.[0] + {calls: (map(.calls) | add),
			null_returns: (if all(.null_returns == null) then null else map(.null_returns // 0) | add end)})' \
		"$@" >truth.json
}

# serves DESCRIPTION [MODE]: the metrics are what truth.json has
serves()
{
	local difference

	rows_of_metrics >rows.json
	difference=$(compare "${2:-exact}" 2>&1)
	if [ -z "$difference" ]; then
		ok "$1"
	else
		not_ok "$1" "$difference
$(tail -n 5 serve.err)"
	fi
}
