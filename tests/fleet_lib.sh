# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Debian's prometheus and victoria-metrics, on loopback, with their data where they are told: to be
# sourced by tests, from the folder of the sources. Whatever was started is to be stopped with
# stores_stop, also when the test fails: trap it. Needs curl and jq.

. tests/ports.sh

prometheus_pid=
victoria_pid=
prometheus_url=
victoria_url=

# Nothing here goes through a proxy.
no_proxy='*'
NO_PROXY='*'
export no_proxy NO_PROXY

# store_missing: prints what is not installed
store_missing()
{
	for store_program in prometheus promtool victoria-metrics curl jq; do
		command -v "$store_program" >/dev/null || echo "$store_program"
	done
}

# store_await SECONDS COMMAND...: until it succeeds
store_await()
{
	store_tries=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		store_tries=$((store_tries - 1))
		[ $store_tries -gt 0 ] || return 1
		sleep 0.2
	done
}

# store_up URL PID: ready within a minute, and the process lives
store_up()
{
	store_await 60 store_up_now "$1" "$2" && kill -0 "$2" 2>/dev/null
}

# Or gone, which is known then too.
store_up_now()
{
	curl -sf "$1/-/ready" || ! kill -0 "$2"
}

# prometheus_start DIR CONFIG: keeps its data and its log in DIR; sets prometheus_url, prometheus_pid
prometheus_start()
{
	for store_try in 1 2 3; do
		store_port=$(free_port store)
		prometheus --config.file="$2" --storage.tsdb.path="$1/prometheus" \
			--web.listen-address="127.0.0.1:$store_port" --storage.tsdb.retention.time=1d \
			--web.enable-admin-api --log.level=warn >"$1/prometheus.log" 2>&1 &
		prometheus_pid=$!
		prometheus_url=http://127.0.0.1:$store_port
		! store_up "$prometheus_url" $prometheus_pid || return 0
		stores_stop
	done
	echo "prometheus does not start (try $store_try):" >&2
	cat "$1/prometheus.log" >&2
	return 1
}

# victoria_start DIR CONFIG: the same
victoria_start()
{
	for store_try in 1 2 3; do
		store_port=$(free_port store)
		victoria-metrics -promscrape.config="$2" -storageDataPath="$1/victoria" \
			-httpListenAddr="127.0.0.1:$store_port" -retentionPeriod=1 \
			-memory.allowedPercent=20 -loggerLevel=WARN >"$1/victoria.log" 2>&1 &
		victoria_pid=$!
		victoria_url=http://127.0.0.1:$store_port
		! store_up "$victoria_url" $victoria_pid || return 0
		kill -KILL $victoria_pid 2>/dev/null
		victoria_pid=
	done
	echo "victoria-metrics does not start (try $store_try):" >&2
	cat "$1/victoria.log" >&2
	return 1
}

# stores_stop: both, at once; their data are of no use any more
stores_stop()
{
	for store_pid in $prometheus_pid $victoria_pid; do
		kill -KILL "$store_pid" 2>/dev/null
		wait "$store_pid" 2>/dev/null
	done
	prometheus_pid=
	victoria_pid=
}

# store_query URL EXPRESSION [TIME]: the array of series
store_query()
{
	curl -sf "$1/api/v1/query" --data-urlencode "query=$2" --data-urlencode nocache=1 \
		${3:+--data-urlencode "time=$3"} | jq -c .data.result
}

# store_value URL EXPRESSION [TIME]: the value of the first series, or nothing
store_value()
{
	store_query "$@" | jq -r '.[0].value[1] // empty'
}

# store_has URL EXPRESSION: it has a result
store_has()
{
	[ -n "$(store_value "$@")" ]
}
