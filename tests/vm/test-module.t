# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# It takes the module out, so it has a machine that no other test has.
# machine: --module kfunctrace_test
#
# Kfuncs with every flag, of a module that counts their calls itself: what list, stat, users and
# refs say of them is compared with the module's own counts.
. /root/vm/lib.sh
. /root/vm/refs_lib.sh

module=kfunctrace_test
folder=/sys/kernel/debug/$module

# counted_since FILE: a line for each kfunc that was called since its counts were copied to FILE
counted_since()
{
	awk 'NR == FNR { calls[$1] = $2; nulls[$1] = $3; next }
		$2 > calls[$1] { print $1, $2 - calls[$1], $3 - nulls[$1] }' "$1" $folder/calls | sort
}

# --- list --------------------------------------------------------------------------

kfunctrace list --json -m $module >list.json 2>stderr
is "list ends well" "$? $(cat stderr)" "0 "
cat >flags <<-EOT
	kfunctrace_test_by_kernel -
	kfunctrace_test_destructive destructive
	kfunctrace_test_no_site -
	kfunctrace_test_object_create acquire,ret_null
	kfunctrace_test_object_find acquire,ret_null
	kfunctrace_test_object_leak release
	kfunctrace_test_object_release release
	kfunctrace_test_old -
	kfunctrace_test_plain -
	kfunctrace_test_sleepable sleepable
	kfunctrace_test_sum -
EOT
if kernel_at_least 6.2; then
	cat >>flags <<-EOT
		bpf_iter_kfunctrace_test_destroy iter_destroy
		bpf_iter_kfunctrace_test_new iter_new
		bpf_iter_kfunctrace_test_next ret_null,iter_next
		kfunctrace_test_object_acquire acquire,ret_null,rcu
		kfunctrace_test_object_peek ret_null,rcu_protected
	EOT
else
	cat >>flags <<-EOT
		kfunctrace_test_object_acquire acquire,ret_null,trusted_args
		kfunctrace_test_object_kptr_get acquire,ret_null,kptr_get
	EOT
fi
trusted=trusted_args
if kernel_at_least 7.2; then
	trusted=-
	echo "kfunctrace_test_implicit implicit_args" >>flags
fi
if kernel_at_least 7.3; then
	cat >>flags <<-EOT
		kfunctrace_test_perfmon perfmon
		kfunctrace_test_spinlock_safe spinlock_safe
	EOT
fi
cat >>flags <<-EOT
	kfunctrace_test_object_expire $trusted
	kfunctrace_test_object_index $trusted
EOT
same "list has each kfunc of the module, with its flags" \
	"$(jq -r '.[] | "\(.name) \(if .flags == [] then "-" else .flags | join(",") end)"' list.json |
		sort)" "$(sort flags)"
is "all are for the same types of programs" \
	"$(jq -r '[.[].hooks | sort] | unique | map(join(" ")) | join("; ")' list.json)" \
	"syscall tc tracing xdp"
is "one of them cannot be traced" \
	"$(jq -r '.[] | select(.coverage != "traced") | "\(.name) \(.coverage)"' list.json)" \
	"kfunctrace_test_no_site no-site"
is "the hidden argument of kfunctrace_test_implicit is not in its prototype" \
	"$(jq -r '.[] | select(.name == "kfunctrace_test_implicit").prototype' list.json)" \
	"$(kernel_at_least 7.2 && echo 'u32 kfunctrace_test_implicit(u32 value)')"

# --- stat --------------------------------------------------------------------------

cp $folder/calls before
stat_workload test-module
status=$?
counted_since before >counted
# Nobody can see its calls but the program and the module.
export NOT_CALLED=kfunctrace_test_no_site
agrees "stat has the calls and NULL returns of programs of all types" exact $status
unset NOT_CALLED
rows_of_stat()
{
	jq -r 'group_by(.kfunc)[] | "\(.[0].kfunc) \(map(.calls) | add) \(
		map(.null_returns // 0) | add)"' rows.json | grep -v ' 0 0$' | sort
}
same "and the module counted the same" "$(rows_of_stat)" \
	"$(grep -v '^kfunctrace_test_no_site ' counted)"
is "of the kfunc without an ftrace site, it alone" \
	"$(grep '^kfunctrace_test_no_site ' counted) $(jq 'map(select(.kfunc == "kfunctrace_test_no_site"
		and .calls != null)) | length' rows.json)" "kfunctrace_test_no_site 500 0 0"

kfunctrace stat --json -o rows.json -m $module -k kfunctrace_test_by_kernel -- \
	sh -c "echo 1234 >$folder/call_by_kernel" >stdout 2>stderr
is "stat of the kernel's own calls ends well" $? 0
is "they are the kernel's" \
	"$(jq -r '.[] | select(.calls > 0) | "\(.kfunc) \(.caller) \(.calls)"' rows.json)" \
	"kfunctrace_test_by_kernel kernel 1234"

# --- users -------------------------------------------------------------------------

workload --truth truth.json --times 1 --done ready --hold stop test-module >log 2>&1 &
wait_for 60 test -e ready
kfunctrace users --json 'kfunctrace_test_*' >users.json 2>stderr
is "users ends well" $? 0
if rmmod $module 2>stderr; then
	not_ok "the kernel keeps the module while programs call it" "$(lsmod)"
else
	ok "the kernel keeps the module while programs call it"
fi
touch stop
wait
same "users has each program with its kfuncs, the one without a site as well" \
	"$(jq -r 'map("\(.program) \(.kfunc)") | unique[]' users.json)" \
	"$(jq -r 'map("\(.program) \(.kfunc)") | unique[]' truth.json)"

# --- refs --------------------------------------------------------------------------

# watch OPTION...: refs of the scene, with what the module holds while all hold still
watch()
{
	cp $folder/calls before
	begin_scenes
	scene refs-test-module
	# shellcheck disable=SC2016 # for the shell that is watched
	kfunctrace refs --json -t kfunctrace_test_object -o out.json "$@" -- sh -c '
		sh /root/vm/play.sh refs-test-module
		cat "$1/objects" >held
		cat "$1/calls" >after' sh $folder >stdout 2>stderr
	status=$?
	check "refs-test-module can be watched" end_scenes
	ended_well "refs $* ends well" $status
}

# What the module counted of a kfunc while the scene was played.
counted()
{
	awk -v kfunc="$1" '$1 == kfunc { n = $2 - n } END { print n + 0 }' before after
}

# Objects that leaked stay for good, and the module has not very many.
held=0
leaked=0
note_held()
{
	local before=$held

	held=$(sed -n 's/^held //p' held)
	leaked=$(counted kfunctrace_test_object_leak)
	held_more=$((held - before))
	# What this scene parked is given back when it ends.
	held=$((before + leaked))
}

watch
tells "refs has acquires, releases and what maps release" balance
for kfunc in create acquire release leak; do
	kfunc=kfunctrace_test_object_$kfunc
	is "as the module counted: $kfunc" "$(jq --arg kfunc $kfunc '[.callers[] | select(.kfunc == $kfunc)
		| .acquired + .null_returns + .released] | add' out.json)" "$(counted $kfunc)"
done
note_held
same "the release that leaks takes references that nobody gives back: refs says that the kernel has them" \
	"$(jq -r '.callers[] | select(.caller == "kernel" and .acquired > 0)
		| "\(.kfunc) \(.acquired) \(.released)"' out.json)" \
	"kfunctrace_test_object_acquire $leaked 0"
is "and the module holds as many objects as refs has outstanding" "$held_more" \
	"$(jq '[.types[] | select(.type == "kfunctrace_test_object").outstanding] | add' out.json)"

watch --objects
tells "refs --objects has what is parked, and where" objects
note_held
same "it names the function that leaks, for each object" \
	"$(jq -r '[.objects[].holders | select(length == 1)[] | select(.caller == "kernel") | .function]
		| group_by(.)[] | "\(.[0]) \(length)"' out.json)" "kfunctrace_test_object_leak $leaked"

if kernel_at_least 6.2; then
	watch --zero
	tells "refs --zero has the acquires that failed because the count was zero" zero
	note_held
	begin_scenes
	scene refs-test-module
	watch_scenes refs --iterators --json
	status=$?
	check "refs-test-module can be watched" end_scenes
	ended_well "refs --iterators ends well" $status
	export INLINED=
	tells "refs --iterators has the elements of each" iterators
else
	skip "refs --zero" "6.1 has no KF_RCU, so that NULL may mean anything"
	skip "refs --iterators" "6.1 has no iterators"
fi

# --- deprecation ---------------------------------------------------------------------

mkdir -p /etc/kfunctrace/deprecations.d
cp /root/data/deprecations.d/kfunctrace_test.ini /etc/kfunctrace/deprecations.d/
kfunctrace list --deprecated --json -m $module >list.json 2>stderr
is "list --deprecated has the one that is" \
	"$? $(jq -r '.[] | "\(.name) \(.replacement)"' list.json)" \
	"0 kfunctrace_test_old kfunctrace_test_plain"
kfunctrace report --deprecations --json -o report.json -- \
	workload --truth truth.json --times 50 test-module >stdout 2>stderr
is "report --deprecations finds something" $? 1
same "it names who calls it, how often" \
	"$(jq -r '.kfuncs[] | select(.kfunc == "kfunctrace_test_old").uses[]
		| select(.calls > 0) | "\(.program) \(.calls)"' report.json | sort)" \
	"$(jq -r '.[] | select(.kfunc == "kfunctrace_test_old")
		| "\(.program) \(.calls)"' truth.json | sort)"
rm -r /etc/kfunctrace

# --- the end -------------------------------------------------------------------------

check "nothing stays attached" nothing_attached
check "nothing keeps the module" wait_for 60 rmmod $module
is "the kernel is rid of its kfuncs" "$(kfunctrace list --json | jq --arg name $module \
	'map(select(.module == $name)) | length')" 0
done_testing
