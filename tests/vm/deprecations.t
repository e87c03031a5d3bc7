# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# Deprecated kfuncs are marked, and the report names who uses them: with the counts
# of the programs themselves.
. /root/vm/lib.sh

config=/etc/kfunctrace/deprecations.d

# report FILE [OPTION]...: the exit status is that of report
report()
{
	local out=$1

	shift
	kfunctrace report --deprecations --json -o "$out" "$@" 2>stderr
}

# Of what programs call in truth.json, one line each: kfunc program calls
true_calls()
{
	jq -r --arg kfunc "$1" '[.[] | select(.kfunc == $kfunc and .program != null and .calls > 0)]
		| group_by(.program)[] | "\(.[0].program) \(map(.calls) | add)"' truth.json | sort
}

reported_calls()
{
	jq -r --arg kfunc "$1" '.kfuncs[] | select(.kfunc == $kfunc).uses[]
		| select(.calls > 0) | "\(.program) \(.calls)"' "$2" | sort
}

# field KFUNC FILTER FILE
field()
{
	jq -c --arg kfunc "$1" ".kfuncs[] | select(.kfunc == \$kfunc) | $2" "$3"
}

# --- what the catalogue that comes with the program says ----------------------------------

kfunctrace list --json >list.json 2>stderr
is "list reads the catalogue without a complaint" "$? $(cat stderr)" "0 "
if kernel_at_least 7.2; then
	same "names ending in _impl are superseded" \
		"$(jq -r '.[] | select(.deprecated == "superseded" and (.name | endswith("_impl")))
			| "\(.name) \(.replacement)"' list.json)" \
		"$(jq -r 'map(.name) as $all | $all[] | select(endswith("_impl"))
			| . as $old | sub("_impl$"; "") | select(IN($all[])) | "\($old) \(.)"' list.json)"
	is "kfuncs of sched_ext are deprecated" \
		"$(jq -r '.[] | select(.name == "scx_bpf_dsq_insert")
			| "\(.deprecated) \(.deprecated_since) \(.replacement)"' list.json)" \
		"deprecated 6.19 scx_bpf_dsq_insert___v2"
	kfunctrace list --deprecated >stdout 2>stderr
	is "list --deprecated ends well" "$? $(cat stderr)" "0 "
	matches "with a mark" stdout '^scx_bpf_dsq_insert! '
	matches "and what to call instead" stdout \
		'^ ! scx_bpf_dsq_insert: deprecated since 6.19, use scx_bpf_dsq_insert___v2$'
	is "it lists no other kfuncs" \
		"$(sed '/^$/,$d' stdout | awk 'NR > 1 { print $1 }' | grep -vc '!$')" 0
else
	is "nothing of this kernel is deprecated yet" \
		"$(jq 'map(select(.deprecated != null).name)' list.json)" "[]"
	kfunctrace list --deprecated >stdout 2>stderr
	is "and list --deprecated says so" "$? $(cat stdout)" \
		"0  none of these kfuncs is known to be deprecated on this kernel"
fi

# Each name that the catalogue deprecates here is a kfunc, or was none to begin with.
jq -r '.[] | select(.replacement != null and .deprecated == "superseded")
	| .replacement | select(test("^[a-z_0-9]+$"))' list.json | sort -u >replacements
jq -r '.[].name' list.json | sort >names
is "successors exist" "$(grep -vxFf names replacements)" ""

# --- a kfunc that the user says is deprecated ------------------------------------------------

if kernel_at_least 6.2; then
	kfunc=bpf_task_release
else
	kfunc=bpf_kfunc_call_test_release
fi
mkdir -p $config
cat >$config/site.ini <<-EOT
	[$kfunc]
	since = 6.0
	replacement = something_else
	words = will go
	source = the test
	colour = red
EOT

report report.json -k $kfunc -- workload --truth truth.json two-programs
is "report finds the use" $? 1
matches "a wrong key is said with its line" stderr "site.ini:6: there is no key 'colour'"
sed -i '/colour/d' $config/site.ini
same "calls are those that the programs have counted" \
	"$(reported_calls $kfunc report.json)" "$(true_calls $kfunc)"
is "the replacement is named" "$(field $kfunc .replacement report.json)" '"something_else"'
is "with the words" "$(field $kfunc .deprecated_words report.json)" '"will go"'
is "it rests on both, and all of it" \
	"$(jq -c '[.no_census, .no_counts, .incomplete]' report.json)" "[null,null,false]"
is "the calls have a time" "$(field $kfunc '(.last_call_before >= .last_call_after) and
	(.last_call_after != null)' report.json)" true
is "host and kernel are those of this machine" \
	"$(jq -r '"\(.host) \(.kernel)"' report.json)" "$(uname -n) $KERNEL"

# Two programs that are there, whatever they do, of what could be a service of systemd.
rm -f go "done" end
service=/sys/fs/cgroup/kft-test.service
mkdir $service
sh -c "echo \$\$ >$service/cgroup.procs
	exec workload --truth truth.json --wait go --done done --hold end two-programs" >log 2>&1 &
holder=$!
wait_for 60 sh -c "kfunctrace users $kfunc --json | jq -e 'length > 0'"
report held.json -k $kfunc -d 2
is "without a call the programs that contain it are a use" $? 1
is "no call was seen" "$(field $kfunc .calls held.json)" 0
matches "the verdict says so" held.json 'no call seen in [0-9.]+ s on this host; 2 programs contain it'
same "the programs are those that users lists" \
	"$(field $kfunc '[.uses[].program_id] | sort' held.json)" \
	"$(kfunctrace users $kfunc --json | jq -c '[.[].program_id] | unique')"
same "with as many places" "$(field $kfunc '[.uses[].sites] | sort' held.json)" \
	"$(kfunctrace users $kfunc --json | jq -c '[group_by(.program_id)[] | map(.sites) | add] | sort')"
is "the process behind them is named, and its service" \
	"$(field $kfunc '[.uses[].holders[] | "\(.comm) \(.pid) \(.unit)"] | unique' held.json)" \
	"[\"workload $holder kft-test.service\"]"
report census.json -k $kfunc --census -d 0.5
is "a census alone finds the use as well" "$? $(field $kfunc .calls census.json)" "1 null"
is "and attaches nothing" "$(jq -r .no_counts census.json)" "not asked for"

kfunctrace users $kfunc >stdout
matches "users marks it" stdout "^$kfunc! "
matches "and says what to call" stdout "^ ! $kfunc: deprecated since 6.0, use something_else$"
is "in JSON too" "$(kfunctrace users $kfunc --json | jq -c 'map([.deprecated, .replacement]) | unique')" \
	'[["deprecated","something_else"]]'
kfunctrace stat -k $kfunc -d 1 -o stdout 2>stderr &
sleep 0.3
touch go
wait $!
matches "stat is done" stdout ' calls of '
touch end
wait $holder
rmdir $service

kfunctrace stat -k $kfunc -o stdout -- workload two-programs >log 2>&1
matches "stat marks it" stdout "^$kfunc! "
matches "stat says what to call" stdout "^ ! $kfunc: deprecated since 6.0, use something_else$"
kfunctrace trace --refs -o stdout -- workload --times 2 two-programs >log 2>&1
matches "trace marks it" stdout "release: $kfunc! "
matches "trace says what to call" stdout "^ ! $kfunc: deprecated since 6.0, use something_else$"

report none.json -k $kfunc -d 1
is "when nobody uses it the exit status is 0" $? 0
matches "and the verdict is that no use was seen" none.json \
	'no use seen in [0-9.]+ s on this host; 0 programs contain it'

kfunctrace report --deprecations --markdown -k $kfunc -o mail -- workload two-programs >log 2>&1
is "no line of the mail is longer than 72" "$(awk 'length > 72' mail)" ""
matches "the mail has a section for the kfunc" mail "^## $kfunc$"
is "and the kernel" "$(sed -n 's/^- kernel: Linux //p' mail)" "$KERNEL"

# Programs that come and go faster than one can look have been counted all the same.
if has_workload churn && jq -e --arg kfunc $kfunc 'map(.name) | index($kfunc)' list.json >/dev/null &&
	workload --kfuncs churn | grep -qx $kfunc; then
	report churn.json -k $kfunc -- workload --rounds 50 --truth truth.json churn
	same "programs that were gone at once are in the report" \
		"$(jq --arg kfunc $kfunc '.kfuncs[] | .calls + .calls_by_unknown' churn.json)" \
		"$(jq --arg kfunc $kfunc 'map(select(.kfunc == $kfunc and .program != null).calls) | add' \
			truth.json)"
else
	skip "programs that were gone at once are in the report" "churn does not call $kfunc here"
fi
rm -r $config

# --- what another kernel has not -----------------------------------------------------------

version=$(echo "$KERNEL" | cut -d. -f1,2)
report same.json --target "$version" --census -d 0.1 -k 'bpf_*'
is "against itself nothing breaks" "$(jq 'map(.kfuncs[].on_target | length) | add // 0' -s same.json)" 0
if ! kernel_at_least 7.2; then
	report target.json --target 7.x --census -d 0.1
	is "a kfunc that is renamed there is in the report" \
		"$(field cgroup_rstat_flush '[.on_target[0], .replacement]' target.json)" \
		'["renamed: cgroup_rstat_flush -> css_rstat_flush","css_rstat_flush"]'
	is "the target is named" "$(jq -r '.target | startswith("7.")' target.json)" true
fi

# --- a scheduler -----------------------------------------------------------------------------

if has_workload sched-ext; then
	report scx.json -- workload --truth truth.json sched-ext
	is "a scheduler that calls a deprecated kfunc is found" $? 1
	same "with its calls" "$(reported_calls scx_bpf_dsq_insert scx.json)" \
		"$(true_calls scx_bpf_dsq_insert)"
	is "and its replacement" "$(field scx_bpf_dsq_insert .replacement scx.json)" \
		'"scx_bpf_dsq_insert___v2"'
	is "nothing else is in use" \
		"$(jq -c '[.kfuncs[] | select(.used).kfunc]' scx.json)" '["scx_bpf_dsq_insert"]'
	kfunctrace report --deprecations -o stdout -- workload sched-ext >log 2>&1
	diag "$(cat stdout)"
else
	skip "a scheduler that calls a deprecated kfunc is found" "this kernel has no sched_ext"
fi

# --- bad input -------------------------------------------------------------------------------

kfunctrace report >stdout 2>stderr
is "no history: exit status" $? 2
matches "and where it was looked for" stderr 'there is no history /var/lib/kfunctrace/history.db'
kfunctrace report --deprecations --target /nowhere/x.json -d 0.1 >stdout 2>stderr
is "a target that does not exist" $? 2
matches "is named" stderr '/nowhere/x.json'
kfunctrace report --deprecations --json --markdown >stdout 2>stderr
is "one format at a time" $? 2
kfunctrace report --deprecations -- /nowhere/command >stdout 2>stderr
is "a command that cannot be started" $? 2

check "nothing stays attached" nothing_attached
done_testing
