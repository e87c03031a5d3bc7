#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the aggregator serves over HTTP, out of an aggregate of made-up counts: read by promtool, by a
# strict parser, by Prometheus itself, by a browser's like, and by clients that mean no good. Needs
# build/metrics/server (make metrics-server; $METRICS_SERVER is another one), no root. Speaks TAP.

set -uo pipefail
export LC_ALL=C.UTF-8

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
. tests/tap.sh
. tests/ports.sh
server=${METRICS_SERVER:-build/metrics/server}
server_pid=
prometheus_pid=
clients=

# shellcheck disable=SC2317 # it is called when the shell exits
cleanup()
{
	[[ -z $server_pid ]] || kill -KILL "$server_pid"
	[[ -z $clients ]] || kill -KILL "$clients"
	[[ -z $prometheus_pid ]] || kill "$prometheus_pid"
	[[ -z $prometheus_pid ]] || wait "$prometheus_pid"
	rm -rf "$tmp"
} 2>/dev/null
trap cleanup EXIT

# wait_for SECONDS COMMAND...
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

kfuncs=20
callers=6

serves_or_has_ended()
{
	grep -q serving "$tmp/said" || ! kill -0 "$server_pid" 2>/dev/null
}

# start_server ADDRESS [OPTIONS...]: false when it does not start
start_server()
{
	local address=$1

	shift
	rm -f "$tmp/stdin"
	mkfifo "$tmp/stdin"
	: >"$tmp/said"
	"$server" "$@" --listen "$address" <"$tmp/stdin" >"$tmp/said" 2>"$tmp/err" &
	server_pid=$!
	exec 8>"$tmp/stdin"
	wait_for 60 serves_or_has_ended
	grep -q serving "$tmp/said" && return
	exec 8>&-
	wait "$server_pid"
	server_pid=
	return 1
}

# tell COMMAND SAYS: a command for the server
tell()
{
	echo "$1" >&8
	wait_for 60 grep -qx "$2" "$tmp/said"
}

# A server at some port of the loopback interface; sets url.
start_somewhere()
{
	for _ in {1..20}; do
		port=$(free_port metrics)
		url=http://127.0.0.1:$port
		start_server "127.0.0.1:$port" "$@" && return
	done
	return 1
}

# It ends with its input.
stop_server()
{
	exec 8>&-
	wait "$server_pid"
	server_status=$?
	server_pid=
}

# get PATH [CURL OPTIONS]: status and type; the body is in $tmp/body, the headers in $tmp/headers
get()
{
	local path=$1

	shift
	rm -f "$tmp/body"
	curl -s -m 20 -o "$tmp/body" -D "$tmp/headers" -w '%{http_code} %{content_type}' "$@" "$url$path"
}

openmetrics='Accept: application/openmetrics-text; version=1.0.0'

# --- what is written --------------------------------------------------------------------------------

$server --kfuncs $kfuncs --callers $callers --print openmetrics >"$tmp/openmetrics"
$server --kfuncs $kfuncs --callers $callers --print prometheus >"$tmp/prometheus"

# Name, type and labels of each metric, `le` aside.
exposed()
{
	awk '
		/^# TYPE / { type[$3] = $4; next }
		/^#/ { next }
		{
			name = $1
			sub(/\{.*/, "", name)
			if (!(name in type))
				sub(/_(bucket|sum|count)$/, "", name)
			if (name in seen)
				next
			seen[name] = 1
			labels = ""
			text = $0
			while (match(text, /[a-z_]+="/)) {
				label = substr(text, RSTART, RLENGTH - 2)
				text = substr(text, RSTART + RLENGTH)
				if (label != "le")
					labels = labels (labels == "" ? "" : ",") label
				sub(/^([^"\\]|\\.)*"/, "", text)
			}
			print name "|" type[name] "|" (name == "kfunctrace_build_info" || \
				name == "kfunctrace_kernel_info" ? "info" : type[name]) "|" labels
		}' "$1" | cut -d'|' -f1,3,4 | tr '|' ' ' | sed 's/ $//' | sort
}

documented()
{
	sed -nE 's/^``([a-z_]+)``: (counter|gauge|info|histogram|summary)( by ([a-z_, ]+))?$/\1 \2 \4/p' \
		Documentation/metrics.rst | sed 's/, /,/g; s/ $//' | sort
}

same "metrics.rst has every metric with its type and labels, and no other" "$(documented)" \
	"$(exposed "$tmp/prometheus")"
same "the source has no metric that the server does not show" \
	"$(grep -ohE '"(kfunctrace|process)_[a-z_]+"' userspace/openmetrics.c | tr -d '"' | sort -u)" \
	"$(sed -nE 's/^# TYPE ([a-z_]+) .*/\1/p' "$tmp/openmetrics" | sort -u)"

if command -v promtool >/dev/null; then
	promtool check metrics <"$tmp/prometheus" >"$tmp/out" 2>&1
	is "promtool finds nothing wrong" "$? $(cat "$tmp/out")" "0 "
	sed 's/^kfunctrace_ready 1/kfunctrace_ready one/' "$tmp/prometheus" |
		promtool check metrics >"$tmp/out" 2>&1
	is "promtool does find what is wrong" "$((! $?))" 0
else
	skip "promtool finds nothing wrong" "there is no promtool (prometheus)"
fi

# Calls by kfunc and caller after so many drains, as tests/metrics/fill.h has them.
truth()
{
	local k c module labels types=(sched_cls tracing struct_ops xdp syscall)

	for ((k = 0; k < kfuncs; k++)); do
		module=vmlinux
		((k % 5 != 4)) || module=nf_conntrack
		for ((c = 0; c < callers; c++)); do
			labels="caller=\"program\",kfunc=\"bpf_kfunc_$k\",module=\"$module\""
			((c >= 2)) && labels+=",program=\"program_$c\",program_type=\"${types[c % 5]}\""
			((c == 0)) && labels=${labels/program/kernel}
			((c == 1)) && labels=${labels/program/unknown}
			echo "kfunctrace_kfunc_calls_total{$labels} $(($1 * (k * 1000 + c + 1)))"
		done
	done | sort
}

if /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
	strict=tests/metrics/strict.py
	is "the strict parser takes it, and all of it" \
		"$($strict <"$tmp/openmetrics" 2>&1 | tail -n 1)" \
		"$(grep -c '^# TYPE' "$tmp/openmetrics") $(grep -vc '^#' "$tmp/openmetrics")"
	is "and finds the counts that were put in" \
		"$($strict --samples <"$tmp/openmetrics" | grep '^kfunctrace_kfunc_calls_total' |
			sed 's/\.0$//' | sort)" "$(truth 1)"
	grep -v '# EOF' "$tmp/openmetrics" | $strict >/dev/null 2>&1
	is "without the end it does not" "$?" 1
else
	skip "the strict parser takes it" "there is no python3-prometheus-client"
fi

# --- HTTP -------------------------------------------------------------------------------------------

start_somewhere --kfuncs $kfuncs --callers $callers
ok $? "it serves on a port of the loopback interface" "$(cat "$tmp/err")"

is "/metrics is Prometheus' format by default" "$(get /metrics)" \
	"200 text/plain; version=0.0.4; charset=utf-8"
# Descriptors are another number in another process.
is "and the same as is written" "$(grep -v process_open_fds "$tmp/body" | cksum)" \
	"$(grep -v process_open_fds "$tmp/prometheus" | cksum)"
is "/metrics is OpenMetrics for who asks for it" "$(get /metrics -H "$openmetrics")" \
	"200 application/openmetrics-text; version=1.0.0; charset=utf-8"
is "and the same as is written" "$(grep -v process_open_fds "$tmp/body" | cksum)" \
	"$(grep -v process_open_fds "$tmp/openmetrics" | cksum)"
cp "$tmp/body" "$tmp/plain"
get /metrics -H "$openmetrics" -H 'Accept-Encoding: deflate, gzip;q=0.5' >/dev/null
is "it is packed for who asks for that" \
	"$(grep -ci '^content-encoding: gzip' "$tmp/headers") $(zcat "$tmp/body" | cksum)" \
	"1 $(cksum <"$tmp/plain")"
get /metrics -H "$openmetrics" -H 'Accept-Encoding: gzip;q=0' >/dev/null
is "and not for who does not want it" \
	"$(grep -ci '^content-encoding' "$tmp/headers") $(cksum <"$tmp/body")" \
	"0 $(cksum <"$tmp/plain")"
is "HEAD is answered as GET" "$(get /metrics -I -H "$openmetrics")" \
	"200 application/openmetrics-text; version=1.0.0; charset=utf-8"
is "with the length, and without a body" \
	"$(sed -nE 's/^content-length: ([0-9]+).*/\1/ip' "$tmp/headers") $(grep -c kfunc "$tmp/body")" \
	"$(stat -c %s "$tmp/plain") 0"
is "a query does not matter" "$(get '/metrics?x=%00&y')" "$(get /metrics)"

is "/ is a page" "$(get /)" "200 text/html; charset=utf-8"
matches "of this host" "$tmp/body" '<title>kfunctrace on host.example</title>'
is "which loads nothing from anywhere" \
	"$(sed -E "s#<a href=/(metrics|readyz|healthz)>|<link rel=icon href='data:,'>##g" "$tmp/body" |
		grep -cE 'src=|href=|@import|url\(|<script|https?:')" 0
for name in content-security-policy x-content-type-options x-frame-options referrer-policy cache-control; do
	matches "with a header $name" "$tmp/headers" "^$(sed 's/\b./[\u&\l&]/g' <<<"$name"):"
done
is "/healthz answers" "$(get /healthz; cat "$tmp/body")" "200 text/plain; charset=utf-8ok"
is "/readyz says that it counts" "$(get /readyz; cat "$tmp/body")" \
	"200 text/plain; charset=utf-8ready"
tell 'unready no BPF here: <b>EPERM' unready
is "/readyz says why it does not count" "$(get /readyz; cat "$tmp/body")" \
	"503 text/plain; charset=utf-8not ready: no BPF here: <b>EPERM"
get /metrics >/dev/null
matches "the metrics say so at once" "$tmp/body" '^kfunctrace_ready 0$'
get / >/dev/null
matches "and the page, where it is no markup" "$tmp/body" 'not counting: no BPF here: &lt;b&gt;EPERM'
is "/healthz does not care" "$(get /healthz)" "200 text/plain; charset=utf-8"
tell ready ready

is "other paths are not found" "$(get /metrics/; get /../etc/passwd --path-as-is; get /Metrics)" \
	"404 text/plain; charset=utf-8404 text/plain; charset=utf-8404 text/plain; charset=utf-8"
for method in POST PUT DELETE OPTIONS TRACE PATCH FOO; do
	is "$method is not allowed" "$(get /metrics -X $method) $(grep -ci '^allow: GET, HEAD' "$tmp/headers")" \
		"405 text/plain; charset=utf-8 1"
done
is "nor a body" "$(get /metrics -d aaaa; get /metrics -X GET -d aaaa)" \
	"405 text/plain; charset=utf-8413 text/plain; charset=utf-8"
is "what there is not, cannot be had" "$(get /metrics -H 'Accept: application/json')" \
	"406 text/plain; charset=utf-8"
long=$(head -c 40000 /dev/zero | tr '\0' a)
is "a header that is too long is refused" "$(get /metrics -H "X: $long" | cut -d' ' -f1)" 431
is "and so is an address" "$(get "/$long" | cut -d' ' -f1)" 414
is "a version of HTTP that there is not, too" \
	"$(exec 7<>"/dev/tcp/127.0.0.1/$port" && printf 'GET / HTTP/9.7\r\n\r\n' >&7 &&
		timeout 20 head -n 1 <&7 | cut -d' ' -f2)" 505
is "two requests in one connection" "$(curl -s -m 20 -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} ' \
	"$url/healthz" "$url/metrics")" "200 1 200 0 "

get /metrics >/dev/null
before=$(grep -m 1 '^kfunctrace_kfunc_calls_total' "$tmp/body")
tell drain drained
get /metrics >/dev/null
is "after a drain there is a new text at once" "$before
$(grep -m 1 '^kfunctrace_kfunc_calls_total' "$tmp/body")" "$(
	echo 'kfunctrace_kfunc_calls_total{kfunc="bpf_kfunc_0",module="vmlinux",caller="kernel",program="",program_type=""} 1'
	echo 'kfunctrace_kfunc_calls_total{kfunc="bpf_kfunc_0",module="vmlinux",caller="kernel",program="",program_type=""} 2')"

# --- Prometheus --------------------------------------------------------------------------------------

# ask QUERY: what Prometheus answers, as JSON
ask()
{
	curl -s -m 20 --data-urlencode "query=$1" "http://127.0.0.1:$prometheus_port/api/v1/query"
}

scraped()
{
	[[ $(ask 'kfunctrace_drain_duration_seconds_count' | jq -r '.data.result[0].value[1]' 2>/dev/null) == "$1" ]]
}

if command -v prometheus >/dev/null; then
	prometheus_port=$(free_port metrics)
	cat >"$tmp/prometheus.yml" <<-EOT
	global:
	  scrape_interval: 1s
	scrape_configs:
	  - job_name: kfunctrace
	    static_configs:
	      - targets: ["127.0.0.1:$port"]
	EOT
	prometheus --config.file="$tmp/prometheus.yml" --storage.tsdb.path="$tmp/tsdb" \
		--web.listen-address="127.0.0.1:$prometheus_port" >"$tmp/prometheus.log" 2>&1 &
	prometheus_pid=$!
	wait_for 60 scraped 2
	ok $? "Prometheus scrapes it" "$(tail -n 5 "$tmp/prometheus.log")"
	is "and has each count" "$(ask kfunctrace_kfunc_calls_total | jq -r '
		.data.result[] | (.metric | del(.__name__, .instance, .job) | to_entries | sort_by(.key) |
			map("\(.key)=\"\(.value)\"") | join(",")) as $labels |
		"kfunctrace_kfunc_calls_total{\($labels)} \(.value[1])"' | sort)" "$(truth 2)"
	is "nothing was dropped or said twice" \
		"$(ask 'scrape_samples_scraped' | jq -r '.data.result[0].value[1]') $(
			grep -ciE 'duplicate|out.of.order|invalid|level=(warn|error)' "$tmp/prometheus.log")" \
		"$(grep -vc '^#' "$tmp/prometheus") 0"
	# The older format has no units: Prometheus has asked for the newer one.
	is "it has units, and so OpenMetrics" \
		"$(curl -s "http://127.0.0.1:$prometheus_port/api/v1/targets/metadata?metric=kfunctrace_reference_holding_seconds" |
			jq -r '.data[0] | "\(.type) \(.unit)"')" "histogram seconds"
	# Half of the known times are 1 to 2 us in the bucket up to 8.191e-06, a third is 2 to 4 s.
	is "it computes with the histogram" \
		"$(ask 'histogram_quantile(0.99, sum by (le) (kfunctrace_reference_holding_seconds_bucket)) > 1.07 < 8.6' |
			jq '.data.result | length')" 1
	tell drain drained
	wait_for 60 scraped 3
	is "and sees the counters grow" \
		"$(ask 'sum(kfunctrace_kfunc_calls_total)' | jq -r '.data.result[0].value[1]')" \
		"$(truth 3 | awk '{ sum += $NF } END { print sum }')"
	is "which programs call what is deprecated" \
		"$(ask 'count by (kfunc, replacement) (kfunctrace_deprecated_calls_total{caller="program"} > 0)' |
			jq -r '.data.result[] | "\(.metric.kfunc) \(.metric.replacement) \(.value[1])"' | sort)" \
		"bpf_kfunc_13 bpf_new() $((callers - 2))
bpf_kfunc_3 bpf_new() $((callers - 2))"
	kill "$prometheus_pid"
	wait "$prometheus_pid"
	prometheus_pid=
else
	skip "Prometheus scrapes it" "there is no prometheus"
fi

# --- clients that do no good ---------------------------------------------------------------------------

open_fds()
{
	find "/proc/$server_pid/fd" -type l 2>/dev/null | wc -l
}

has_closed()
{
	(($(open_fds) <= fds))
}

cpu_ticks()
{
	awk '{ print $14 + $15 }' "/proc/$server_pid/stat"
}

stop_server
is "it ends when it is told to" "$server_status" 0
# Texts that do not fit into a socket.
start_somewhere --kfuncs 100 --callers 50
fds=$(open_fds)
get /metrics -H "$openmetrics" >/dev/null
size=$(stat -c %s "$tmp/body")
lines=$(wc -l <"$tmp/body")
seconds=${BAD_SECONDS:-5}

# begin_clients KIND: many that do no good, in the background until end_clients. They outlast each honest
# request: who is served when they have gone is not served beside them.
begin_clients()
{
	: >"$tmp/clients"
	tests/metrics/bad_clients.py "$1" 127.0.0.1 "$port" 600 >"$tmp/clients" 2>&1 &
	clients=$!
	wait_for 60 grep -q 'all there' "$tmp/clients"
	clients_until=$((SECONDS + seconds))
}

# Leaves how many connections they made in $tmp/clients.
end_clients()
{
	kill -TERM $clients
	wait $clients
	clients_status=$?
	clients=
	sed -i '/^all there$/d' "$tmp/clients"
}

for kind in half-open slow headers post get-body garbage unread hoard pipeline hang-up; do
	begin_clients $kind
	served=0 asked=0
	ticks=$(cpu_ticks)
	: >"$tmp/times"
	# Each drain is a text more to hoard.
	while [[ $kind == hoard ]] && kill -0 $clients 2>/dev/null; do
		tell drain drained
		sleep 0.1
	done &
	drains=$!
	while ((!asked || SECONDS < clients_until)); do
		asked=$((asked + 1))
		curl -s -m 20 --compressed -H "$openmetrics" -o "$tmp/body" -w '%{time_total}\n' \
			"$url/metrics" >>"$tmp/times" &&
			[[ "$(wc -l <"$tmp/body") $(tail -n 1 "$tmp/body")" == "$lines # EOF" ]] &&
			served=$((served + 1))
		sleep 0.2
	done
	end_clients
	wait $drains
	is "$kind clients, many at once: an honest one is served each time" \
		"$clients_status $served" "0 $asked"
	echo "# $kind: $(cut -d' ' -f1 "$tmp/clients") connections; $asked scrapes, the slowest $(
		sort -n "$tmp/times" | tail -n 1) s; CPU $((($(cpu_ticks) - ticks) * 10)) ms of $seconds s"
	wait_for 30 has_closed
	ok $? "and their connections are closed behind them" "$(open_fds) descriptors, $fds before"
done
rss=$(awk '/^VmHWM:/ { print $2 }' "/proc/$server_pid/status")
if [[ -z ${METRICS_SERVER-} ]]; then
	ok $((rss > 64 * 1024)) "it never took more than 64 MB" "$rss kB"
else
	skip "it never took more than 64 MB" "a sanitizer may take more"
fi
echo "# text $size bytes; most memory $rss kB"
stop_server
is "after all that it ends as before" "$server_status" 0

# --- the page in a browser -------------------------------------------------------------------------------

if command -v chromium >/dev/null; then
	start_somewhere --example
	timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$tmp/chromium" \
		--enable-logging=stderr --dump-dom "$url/" >"$tmp/dom" 2>"$tmp/log"
	is "a browser loads the page and has no complaint" "$? $(grep -c 'CONSOLE' "$tmp/log")" "0 0"
	matches "it has the calls of the most called kfunc" "$tmp/dom" '>68,123,456<?'
	matches "names are text, whatever is in them" "$tmp/dom" 'queue_<wbr>&lt;b&gt;&amp;"'
	stop_server
else
	skip "a browser loads the page" "there is no chromium"
fi

# --- few descriptors ----------------------------------------------------------------------------------------

# There are fewer than clients.
descriptors=$(ulimit -Sn)
ulimit -Sn 80
start_somewhere --kfuncs 5
ulimit -Sn "$descriptors"
begin_clients half-open
served=0 asked=0
while ((!asked || SECONDS < clients_until)); do
	asked=$((asked + 1))
	[[ $(get /healthz) == 200* ]] && served=$((served + 1))
done
end_clients
is "with few descriptors it goes on, too" "$clients_status $served" "0 $asked"
echo "# $asked requests in $seconds s"
stop_server

# --- where it listens ----------------------------------------------------------------------------------

if start_server "[::1]:$port" --kfuncs 2; then
	is "it serves on IPv6" "$(curl -s -m 20 "http://[::1]:$port/healthz")" ok
	stop_server
else
	skip "it serves on IPv6" "$(head -n 1 "$tmp/err")"
fi

path=$tmp/metrics.sock
start_server "unix:$path" --kfuncs 2
is "it serves on a Unix socket" "$(curl -s -m 20 --unix-socket "$path" http://localhost/healthz)" ok
is "for its group, and not for others" "$(stat -c '%a %F' "$path")" "660 socket"
"$server" --listen "unix:$path" >"$tmp/out" 2>"$tmp/err" </dev/null
is "a second one does not take its place" \
	"$? $(grep -c "cannot listen on unix:$path: .*somebody listens there" "$tmp/err")" "2 1"
is "and the first one goes on" "$(curl -s -m 20 --unix-socket "$path" http://localhost/healthz)" ok
{ kill -KILL "$server_pid" && wait "$server_pid"; } 2>/dev/null
server_pid=
exec 8>&-
start_server "unix:$path" --kfuncs 2
ok $? "what a killed one has left is no obstacle" "$(cat "$tmp/err")"
stop_server
is "in the end the socket is gone" "$(ls -A "$path" 2>/dev/null)" ""
echo precious >"$tmp/file"
"$server" --listen "unix:$tmp/file" >"$tmp/out" 2>"$tmp/err" </dev/null
is "a file that is no socket stays" "$? $(cat "$tmp/file")" "2 precious"

# refused ADDRESS REGEX
refused()
{
	"$server" --listen "$1" >"$tmp/out" 2>"$tmp/err" </dev/null
	is "it cannot listen on $1, and says why" "$? $(grep -cE "cannot listen on .*: .*$2" "$tmp/err")" "2 1"
}

for address in nonsense 127.0.0.1 127.0.0.1: :9435 127.0.0.1:99999 127.0.0.1:http localhost:9435 \
	::1:9435 '[::1:9435' 127.0.0.1:-1; do
	refused "$address" "must be an address and a port"
done
refused unix: "must begin with /"
refused unix:relative "must begin with /"
refused "unix:/$(head -c 200 /dev/zero | tr '\0' a)" "shorter than"
refused "unix:$tmp/none/socket" "make the folder first"
refused 192.0.2.1:9435 "has no such address"
start_somewhere --kfuncs 2
refused "127.0.0.1:$port" "somebody listens there"
stop_server

done_testing
