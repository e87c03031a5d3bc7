# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: trixie
# It takes the modules out, so it has a machine that no other test has.
# machine: --module kfunctrace --module kfunctrace_test --mem 768
#
# Modules with kfuncs come and go while the engine counts their calls: the engine lets them go, and
# has what was called, to the last call.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
TEST_MODULE=/vm/modules/kfunctrace_test.ko
folder=/sys/kernel/debug/kfunctrace_test
other=$(workload --kfuncs two-programs | head -n1)
export PATH="$PATH:/root"

# Commands that count all kfuncs of the test module and one of the kernel's: the tool would count
# the same, and take longer.
begin()
{
	awk '$4 == "[kfunctrace_test]" && $3 !~ /^bpf_iter|_no_site$|destroy$/ { print $3, $1 }' /proc/kallsyms |
		sort >addresses
	set -- '1 begin 4096'
	while read -r name address; do
		grep -q "^$name " $folder/calls || continue
		case $name in
		*_create | *_find | *_acquire | *_peek)	what=nulls ;;
		*)					what=calls ;;
		esac
		set -- "$@" "1 kfunc $address $name $what"
	done <addresses
	set -- "$@" "1 kfunc $(awk -v name="$other" '$3 == name { print $1; exit }' /proc/kallsyms) $other nulls"
	control run "$@" '1 start' '1 keep' >run.out
	! grep -v ': ok$' run.out
}

# What the engine has counted of each function that it counts: name and calls.
counted()
{
	awk '$1 == "kfunc" { name[$2] = $6 }
		$1 == "slot" { calls[$2] += $5 }
		$1 == "retired" { calls[$2] += $7 }
		$1 == "unknown" { calls[$2] += $3 + $4 + $5 }
		END { for (n in name) print name[n], calls[n] + 0 }' $CONTROL | sort
}

# What the test module has counted since `before`, of what the engine counts.
truth()
{
	awk 'FILENAME == "before" { calls[$1] = $2; next }
		FILENAME == "engine" { asked[$1]; next }
		$1 in asked { print $1, $2 - calls[$1] }' before engine after | sort
}

# Somebody calls another kfunc all the time.
(while [ ! -e end ]; do
	nice workload --truth /dev/null two-programs >/dev/null 2>&1
done) &
load_pid=$!

trouble=
calls=0
kept=0
n=0
while [ $n -lt 8 ]; do
	n=$((n + 1))
	cp $folder/calls before
	begin || { trouble="$trouble $n:$(head -n 1 run.out)"; break; }
	workload --truth /dev/null --times 50 --done ready --hold stop test-module >log 2>&1 &
	pid=$!
	wait_for 60 test -e ready || trouble="$trouble $n:workload"
	echo $((n * 1000)) >$folder/call_by_kernel
	# While programs can call it, the kernel keeps it.
	if rmmod kfunctrace_test 2>/dev/null; then
		trouble="$trouble $n:gone-with-programs"
	else
		kept=$((kept + 1))
	fi
	touch stop
	wait $pid
	rm -f ready stop
	cp $folder/calls after
	# With callers in flight: it goes when they have returned.
	wait_for 30 rmmod kfunctrace_test || trouble="$trouble $n:stays"
	counted >engine
	truth >true
	grep -v "^$other " engine >ours
	cmp -s ours true || trouble="$trouble $n:$(diff ours true | head -n 3 | tr '\n' ' ')"
	calls=$((calls + $(awk '{ sum += $2 } END { print sum + 0 }' ours)))
	[ "$(awk '$1 == "kfunc" && $5 == "gone" { n++ } END { print n + 0 }' $CONTROL)" = "$(wc -l <ours)" ] ||
		trouble="$trouble $n:not-gone"
	first=$(awk -v name="$other" '$1 == name { print $2 }' engine)
	# It comes back while the engine counts on; what it is now, nobody asked for.
	insmod $TEST_MODULE || trouble="$trouble $n:insmod"
	echo 500 >$folder/call_by_kernel
	counted >engine
	grep -v "^$other " engine | cmp -s - true || trouble="$trouble $n:changed"
	last=$(awk -v name="$other" '$1 == name { print $2 }' engine)
	[ "$last" -ge "$first" ] || trouble="$trouble $n:$other-fell"
	control run '1 end' >>run.out
done
is "the test module went $n times while its kfuncs were counted, and each call is there" "$trouble" ''
diag "$calls calls of its kfuncs"
check "there were calls to count" [ $calls -gt 36000 ]
is "programs that call it kept it each time" $kept $n
touch end
wait $load_pid

# The tool: it counts on with what is left, and says nothing false.
kfunctrace stat --engine=module --json -o rows.json -k 'kfunctrace_test_*' -k "$other" -- sh -c "
	echo 777 >$folder/call_by_kernel
	rmmod kfunctrace_test" >stdout 2>stderr
status=$?
is "stat ends well when the module that it counts goes" "$status $(lsmod | grep -c '^kfunctrace_test ')" "0 0"
is "and has what was called before" \
	"$(jq '[.[] | select(.kfunc == "kfunctrace_test_by_kernel").calls] | add' rows.json)" 777
is "the kernel has complained of nothing" "$(kernel_trouble)" ""
insmod $TEST_MODULE
done_testing
