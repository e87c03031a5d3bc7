# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules sch_ingress,cls_bpf
#
# Each loaded program is listed with what it calls, and with nothing else; with where it calls it,
# and with what holds it; and when it comes and goes.
. /root/vm/lib.sh

kfunctrace users >out 2>err
is "without programs: exit status 0" "$? $(cat err)" "0 "
matches "and it is said" out '0 loaded programs'

# start_workload NAME: runs it once, and leaves it with its programs loaded; stop_workload ends it.
start_workload()
{
	rm -f ready end
	workload --truth truth.json --times 1 --done ready --hold end "$1" >log 2>&1 &
	holder=$!
	wait_for 60 test -e ready
}

stop_workload()
{
	touch end
	wait $holder
}

# --- which programs, which kfuncs ---------------------------------------------------------------

# What a program's rows name is what its source calls; the verifier takes some calls out, and then
# it is left that the object declares the kfunc.
inlined=$(inlined_kfuncs)
for name in two-programs subprograms mix refs-local refs-test; do
	has_workload $name || continue
	start_workload $name
	kfunctrace users --json >users.json 2>err
	# Some scenes have unloaded a program by now. bpftool knows fifteen characters of a name.
	bpftool -j prog show | jq 'map(.name // "")' >loaded.json
	stop_workload
	rows='if type == "object" then .rows else . end'
	jq -r --slurpfile loaded loaded.json "$rows"' |
		map(select(.program != null and (.program[:15] | IN($loaded[0][]))) |
			"\(.program) \(.kfunc)") | unique[]' truth.json >called
	jq -r '.[]' loaded.json >names
	echo "$inlined" | jq -r '.[] | " \(.)$"' >inlined
	if [ -s inlined ]; then
		grep -vf inlined called >want
		grep -f inlined called >want_declared
	else
		cp called want
		: >want_declared
	fi
	jq -r 'map(select(.declared | not) | "\(.program) \(.kfunc)") | unique[]' users.json >have
	same "$name: each program with its kfuncs" "$(cat have)" "$(cat want)"
	jq -r 'map(select(.declared) | "\(.program) \(.kfunc)") | unique[]' users.json >declared
	is "$name: what was inlined is declared" \
		"$(grep -Fxf declared want_declared)" "$(cat want_declared)"
	is "$name: nothing has no sites, but for what is declared" \
		"$(jq -c 'map(select((.sites == null) != .declared or .sites == 0)) | length' \
			users.json)" 0
	is "$name: all were loaded by root" "$(jq 'map(select(.uid != 0)) | length' users.json)" 0
done
kfunctrace users --json 'no_such_*' >out
is "a pattern that matches nothing: an empty array" "$? $(jq -c . out)" "0 []"

# --- where ----------------------------------------------------------------------------------------

start_workload subprograms
kfunctrace users --json >users.json
kfunctrace users -v >text
id=$(jq '.[0].program_id' users.json)
jq -r '.[] | .kfunc as $kfunc | .sites_list[] |
	"\($kfunc) \(.subprogram) \(.file | sub(".*/"; "")) \(.line)"' users.json | sort >have
jq -r '.[] | select(.program != null) |
	"\(.kfunc) \(.subprogram) subprograms.bpf.c \(.line)"' truth.json | sort >want
same "each call site with subprogram, file and line" "$(cat have)" "$(cat want)"
# bpftool writes a program's code with the line above each instruction; calls of kfuncs are the
# calls of functions that are no helpers: they have the source register 2.
jq -r '.[].sites_list[].instruction' users.json | sort -n >have
bpftool prog dump xlated id "$id" opcodes | awk '
	/^ *[0-9]+: \(85\)/ { split($1, n, ":") ; at = n[1] }
	/^ *85 20 / && at != "" { print at }
	/^ *[0-9a-f][0-9a-f] / { at = "" }' | sort -n >want
same "and at the instructions that bpftool shows" "$(cat have)" "$(cat want)"
sed -nE 's/^ {8}(subprograms.bpf.c):([0-9]+) in ([a-z_]+)\(\)$/\3 \1 \2/p' text | sort >have
jq -r '.[] | select(.program != null) | "\(.subprogram) subprograms.bpf.c \(.line)"' truth.json |
	sort >want
same "-v prints the same" "$(cat have)" "$(cat want)"
is "the tag is bpftool's" "$(jq -r '.[0].program_tag' users.json)" \
	"$(bpftool -j prog show id "$id" | jq -r .tag)"
is "and so is when it was loaded" \
	"$(date -d "$(jq -r '.[0].loaded[:19] | sub("T"; " ")' users.json)" +%s)" \
	"$(bpftool -j prog show id "$id" | jq .loaded_at)"
is "the process that has it is named" \
	"$(jq -c 'map(.holders[] | [.pid, .comm, .link_id]) | unique' users.json)" \
	"[[$holder,\"workload\",null]]"

# Hidden addresses make zeros of the calls in what bpftool shows.
was=$(cat /proc/sys/kernel/kptr_restrict)
echo 2 >/proc/sys/kernel/kptr_restrict
kfunctrace users --json >hidden.json
echo "$was" >/proc/sys/kernel/kptr_restrict
same "hidden addresses hide no call" "$(jq -c . hidden.json)" "$(jq -c . users.json)"

bpftool prog pin id "$id" /sys/fs/bpf/kept
stop_workload
kfunctrace users --json >users.json
is "a pinned program is kept by its pin" \
	"$(jq -c 'map([.program_id, .holders, [.pins[] | [.path, .link_id]]]) | unique' users.json)" \
	"[[$id,[],[[\"/sys/fs/bpf/kept\",null]]]]"
rm /sys/fs/bpf/kept
wait_for 20 no_programs
is "and gone without" "$(kfunctrace users --json | jq -c .)" "[]"

# --- attached to what -----------------------------------------------------------------------------

ip link set lo up
mkdir -p /sys/fs/cgroup/held
rm -f ready end
attach-all /sys/fs/cgroup/held ready end >log 2>&1 &
holder=$!
if ! wait_for 60 test -e ready; then
	not_ok "everything can be attached" "$(cat log)"
fi
exec_link=$(bpftool -j link show | jq 'map(select(.type == "raw_tracepoint").id)[0] // empty')
[ -z "$exec_link" ] || bpftool link pin id "$exec_link" /sys/fs/bpf/exec
kfunctrace users --json >users.json
kfunctrace users -v >text
jq -r '.[] | .program as $program | .attached[] | "\($program) \(.how) \(.target)"' users.json |
	sort -u >have
filter=old_filter
kernel_at_least 6.12 && filter=ask_filter
{
	for member in ssthresh cong_avoid undo_cwnd; do
		echo "own_$member struct_ops own_tcp.$member (tcp_congestion_ops)"
	done
	if kernel_at_least 6.12; then
		cat <<-EOT
			ask_cgroup cgroup_inet_egress /held
			ask_cgroup_by_link cgroup_inet_ingress /held
			ask_entry fentry bpf_fentry_test1
			ask_exec raw_tracepoint sched_process_exec
			ask_tracepoint tracepoint sched_process_fork
			ask_xdp xdp lo
		EOT
	fi
	echo "$filter prog_array tail_calls[2]"
	echo "$filter tc_egress lo"
	echo "$filter tc_ingress lo"
} | sort >want
same "what each program is attached to" "$(cat have)" "$(cat want)"

# The same by bpftool: links, filters, cgroups.
jq -r '.[] | .program_id as $id | .attached[] | select(.link_id != null) | "\(.link_id) \($id)"' \
	users.json | sort -u >have
jq -c 'map(.program_id)' users.json >ids
bpftool -j link show | jq -r --slurpfile ids ids \
	'.[] | select(.prog_id | IN($ids[0][])) | "\(.id) \(.prog_id)"' | sort >want
if kernel_at_least 6.12; then
	same "links are bpftool's" "$(cat have)" "$(cat want)"
else
	is "links are bpftool's" "$(cat have)" "$(cat want)"
fi
jq -r '.[] | .program_id as $id | .attached[] | select(.how | test("^(tc|xdp)")) |
	"\(.target) \($id)"' users.json | sort -u >have
bpftool -j net show | jq -r '.[] | (.xdp + .tc)[] | "\(.devname) \(.id // .prog_id)"' |
	sort -u >want
same "interfaces are bpftool's" "$(cat have)" "$(cat want)"
jq -r '.[] | .program_id as $id | .attached[] | select(.how | startswith("cgroup")) |
	"\(.how) \($id)"' users.json | sort -u >have
bpftool -j cgroup show /sys/fs/cgroup/held 2>/dev/null |
	jq -r '.[] | "\(.attach_type) \(.id)"' | sort >want
is "cgroups are bpftool's" "$(cat have)" "$(cat want)"

is "each program is held by its process" \
	"$(jq -c 'map([.holders[].pid] | unique) | unique' users.json)" "[[$holder]]"
if kernel_at_least 6.12; then
	jq -r 'map(select(.declared) | select(.kfunc == "bpf_cast_to_kern_ctx") |
		[.program, .sites, .sites_list])[] | tostring' users.json | sort >have
	# All programs of the object declare it, whether they call it or not.
	bpftool -j prog show | jq -r --argjson btf \
		"$(bpftool -j prog show | jq 'map(select(.name == "ask_filter").btf_id)[0]')" \
		'.[] | select(.btf_id == $btf) | .name[:15]' | sort >names
	is "what is inlined is declared, by each program of the object" \
		"$(jq -Rr 'fromjson | "\(.[0][:15]) \(.[1]) \(.[2])"' have | sort)" \
		"$(sed 's/$/ null null/' names)"
	kfunctrace users >out
	is "it is not in the table" "$(grep -c cast_to_kern out)" 0
	kfunctrace users '*cast_to_kern*' >out
	is "but when it is asked for, without a number" \
		"$(awk '/^bpf_cast/ { print $6 }' out | sort -u)" "-"
else
	skip "what is inlined is declared, by each program of the object" "$KERNEL inlines nothing"
	skip "it is not in the table" "the same"
	skip "but when it is asked for, without a number" "the same"
fi
matches "-v says it too" text '^    attached to: .*tc_ingress lo.*'
if [ -n "$exec_link" ]; then
	is "a pinned link is its program's" \
		"$(jq -c 'map(select(.program == "ask_exec").pins | map([.path, .link_id])) | unique' users.json)" \
		"[[[\"/sys/fs/bpf/exec\",$exec_link]]]"
	is "of links that a process has the ids are there" \
		"$(jq --argjson id "$exec_link" 'map(.holders[].link_id) | index($id) != null' \
			users.json)" true
	rm /sys/fs/bpf/exec
else
	skip "a pinned link is its program's" "$KERNEL has no kfunc for programs with links"
	skip "of links that a process has the ids are there" "the same"
fi
touch end
wait $holder
rmdir /sys/fs/cgroup/held
# Filters stay until they are taken off, and so do operations that were registered without a link.
kfunctrace users --json >users.json
is "what holds itself is held by no process" \
	"$(jq -c 'map(select(.declared | not) | [.program, .holders, .pins, [.attached[].how]]) |
		unique | .[]' users.json)" \
	"[\"$filter\",[],[],[\"tc_ingress\",\"tc_egress\"]]
[\"own_cong_avoid\",[],[],[\"struct_ops\"]]
[\"own_ssthresh\",[],[],[\"struct_ops\"]]
[\"own_undo_cwnd\",[],[],[\"struct_ops\"]]"
bpftool struct_ops unregister name own_tcp >/dev/null

# --- as they come and go ----------------------------------------------------------------------------

# watch OPTION...: begins to watch, into the files watched and err; end_watch ends it.
watch()
{
	# What the one before said would be taken for this one's.
	rm -f err
	kfunctrace users --watch -v "$@" >watched 2>err &
	watcher=$!
	wait_for 60 grep -q watching err
}

end_watch()
{
	kill -INT $watcher
	wait $watcher
}

watch --json
workload --rounds 200 --times 1 churn >log 2>&1
sleep 1
end_watch
is "watch ends with status 0 at Ctrl-C" "$?" 0
if kernel_at_least 6.12; then
	one=find_one five=find_five kfunc=bpf_task_from_pid
else
	one=lend_one five=lend_five kfunc=bpf_kfunc_call_test_acquire
fi
# Four templates, and fifty copies of each.
is "each of 200 programs is seen as it comes, with what it calls" \
	"$(jq -sc --arg one $one --arg five $five --arg kfunc $kfunc '
		map(select(.event == "load") | select(.program == $one or .program == $five) |
			[.program, .program_type, .comm, (.kfuncs[] | select(.kfunc == $kfunc).sites)]) |
		group_by(.) | map([length, .[0]])' watched)" \
	"[[51,[\"$five\",\"sched_cls\",\"workload\",5]],[51,[\"$one\",\"sched_cls\",\"workload\",1]]]"
is "and as it goes" "$(jq -sc 'map(select(.event == "unload") | .program_id) | sort' watched)" \
	"$(jq -sc 'map(select(.event == "load") | .program_id) | sort' watched)"
is "by the process that has loaded it" \
	"$(jq -sc 'map(select(.program != null) | [.comm, .uid]) | unique' watched)" '[["workload",0]]'
matches "that nothing was lost is said" err '^ losses: none$'
matches "and how many there were" err '^ 204 programs loaded, 204 unloaded in '

watch 'no_such_*'
workload --rounds 8 --times 1 churn >log 2>&1
sleep 1
end_watch
is "a pattern that matches nothing: no line" "$(cat watched)" ""

watch -d 2
wait $watcher
is "-d ends it" "$?" 0

# What was there before is told when it goes, with what it calls.
start_workload subprograms
id=$(kfunctrace users --json | jq '.[] | select(.program | endswith("_in_parts")).program_id' |
	head -n 1)
watch
stop_workload
wait_for 10 grep -q unload watched
end_watch
matches "the end of a program that was there before" watched \
	" unload $id [a-z]+_in_parts \(sched_cls\): [a-z_]+ \(4\), [a-z_]+ \(4\)\$"

# With the tracer off it is perf's records. Newer kernels cannot be kept from tracing in this way.
if echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
	watch --json
	start_workload subprograms
	wait_for 10 grep -q _in_parts watched
	stop_workload
	wait_for 10 grep -q '"unload".*_in_parts' watched
	sleep 1
	end_watch
	echo 1 >/proc/sys/kernel/ftrace_enabled
	matches "with the tracer off it is said what may be missed" err \
		'tracer is off: .*kfuncs unknown'
	is "and a program that stays is seen with what it calls, as it comes and goes" \
		"$(jq -sc 'map(select(.program // "" | endswith("_in_parts")) |
			[.event, .comm, [.kfuncs[].sites]])' watched)" \
		'[["load","workload",[4,4]],["unload","workload",[4,4]]]'
	is "and what is unknown is null" \
		"$(jq -sc 'map(select(.kfuncs == null) | .program_type) | unique - [null]' watched)" "[]"
else
	skip "with the tracer off it is said what may be missed" \
		"this kernel refuses to switch the function tracer off"
	skip "and a program that stays is seen with what it calls, as it comes and goes" "the same"
	skip "and what is unknown is null" "the same"
fi

done_testing
