# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
#
# The aggregator's history when it is damaged, when a later version has written it, after a kill, and when
# there is to be none: it counts all the same, and no counter goes backwards.
. /root/vm/lib.sh
. /root/vm/serve_lib.sh

# called: the calls of a run of two-programs, as these have it
called()
{
	workload --truth called.json two-programs >stdout 2>&1 || return
	jq "[.[] | select(.program != null and $(among "$FIRST")).calls] | add" called.json
}

# counted: the calls of programs that are served
counted()
{
	value kfunc_calls_total '.caller == "program"'
}

# backwards BEFORE AFTER: counters of one exposition that are less in the other, or not there
backwards()
{
	awk '/^#/ { next }
	{ value = $NF; series = $0; sub(/ [^ ]*$/, "", series); name = series; sub(/\{.*/, "", name) }
	name !~ /_(total|count|sum|bucket)$/ || name ~ /^process_/ { next }
	NR == FNR { before[series] = value; nr++; next }
	series in before { if (value + 0 < before[series] + 0) print series, before[series], value
		delete before[series] }
	END { for (series in before) print series, "is gone"; if (nr < 10) print "nothing to compare" }' "$@"
}

# told TEXT: as trouble
told()
{
	jq -e --arg text "$1" 'select(.kind == "trouble" and (.message | contains($text)))' notices.jsonl
}

is_saved()
{
	scrape && [ "$(value history_last_save_timestamp_seconds)" -gt 0 ]
}

is_off()
{
	scrape && [ "$(value history_enabled)" = 0 ]
}

# loaded_by PROCESS: the history's report says so of the programs that call
loaded_by()
{
	kfunctrace report --history history.db --since 1h --json >report.json && drained &&
		jq -e --arg process "$1" 'any(.uses[]; .loaded_by == $process)' report.json
}

# version NUMBER: makes a history that is closed one of that version
version()
{
	printf "\\0\\0\\0\\$1" | dd of=history.db bs=1 seek=60 conv=notrunc 2>/dev/null
}

# --- damaged ------------------------------------------------------------------------------------

serve_config "kfuncs = $FIRST"
head -c 50000 /dev/urandom >history.db
sum=$(md5sum <history.db)
check "serve begins with a damaged history" serve_again
check "it is drained" drained
is "which was moved aside as it was" "$(cat history.db.corrupt-* | md5sum)" "$sum"
check "that is told" told 'is corrupt: moved to'
is "and counted as an error" "$(value history_errors_total)" 1
check "a new one is written" wait_for 30 is_saved
first=$(called)
check "it is drained" drained
same "it counts" "$(counted)" "$first"

# --- killed -------------------------------------------------------------------------------------

cp metrics before
# What was served then is saved now.
check "it is drained" drained
kill -9 $serve_pid
wait $serve_pid 2>/dev/null
check "killed, it begins again" serve_again
check "it is drained" drained
is "no counter went backwards" "$(backwards before metrics)" ""
same "calls are as many as before" "$(counted)" "$first"

# --- of a later version --------------------------------------------------------------------------

serve_end
version 11
sum=$(md5sum <history.db)
check "serve begins with a history of a later version" serve_again
second=$(called)
check "it is drained" drained
same "it counts, from the beginning" "$(counted)" "$second"
is "the history stays as it is" "$(md5sum <history.db) $(ls history.db-wal 2>/dev/null)" "$sum "
is "it is wanted, and not written" \
	"$(value history_enabled) $(value history_last_save_timestamp_seconds)" "1 0"
check "that is told" told 'a later kfunctrace has written it'
# As if that kfunctrace had given it back.
version 1
kill -HUP $serve_pid
check "when it can be read, it is" wait_for 60 is_saved
check "it is drained" drained
is "no counter is less than before" "$(backwards before metrics)" ""
same "calls of before and of now are there" "$(counted)" "$((first + second))"
serve_end
kfunctrace report --history history.db --since 1h --json >report.json 2>stderr
is "the history can be reported on" "$? $(cat stderr)" "0 "
same "and has each of them once" \
	"$(jq '[.uses[] | select(.caller == "program").calls] | add' report.json)" "$((first + second))"

# --- killed while programs call ------------------------------------------------------------------

workload --seconds 600 --truth /dev/null two-programs >busy 2>&1 &
busy=$!
check "serve begins" serve_again
check "it is drained" drained
counted=$(counted)
wrong='' rounds=0
for seconds in 0.4 0.7 1 1.3; do
	sleep $seconds
	get /metrics >before || break
	kill -9 $serve_pid
	wait $serve_pid 2>/dev/null
	# Otherwise new calls would make up for those that are lost.
	kill -STOP $busy
	serve_again && drained || break
	kill -CONT $busy
	wrong=$wrong$(backwards before metrics)
	rounds=$((rounds + 1))
done
is "it is killed just after it has served, again and again" $rounds 4
is "no counter that was served went backwards" "$wrong" ""
check "and it counted again" test "$(counted)" -gt "$counted"
check "the report says which process has loaded them" wait_for 60 loaded_by "workload[$busy]"
check "programs called all the time" kill $busy
wait $busy 2>/dev/null
serve_end

# --- none ----------------------------------------------------------------------------------------

sum=$(md5sum <history.db)
check "serve begins with --history off" serve_again --history off
check "and says so" wait_for 30 is_off
third=$(called)
check "it is drained" drained
same "it counts, from the beginning" "$(counted)" "$third"
is "nothing is served of a history" "$(value history_bytes) $(value history_errors_total) $(
	value history_last_save_timestamp_seconds)" "- - -"
serve_end
is "it ends when it is told to" $? 0
is "the history stays as it is" "$(md5sum <history.db)" "$sum"
is "the log of the kernel is clean" "$(kernel_trouble)" ""
done_testing
