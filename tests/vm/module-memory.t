# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
# machine: --module kfunctrace --mem 768
#
# What the module takes it gives back: loaded, counting, read, ended and unloaded again and again,
# the kernel's memory does not grow.
. /root/vm/lib.sh

CONTROL=/dev/kfunctrace
MODULE=/vm/modules/kfunctrace.ko
export PATH="$PATH:/root"

# Of cycles between two measurements, of programs in each that come and go, and how much may be noise. Were
# a record of each program lost, with the line of its call site, it would be twice that.
CYCLES=20
ROUNDS=16
NOISE_KB=48

for kfunc in $(workload --kfuncs churn); do
	kfuncs="${kfuncs:-} -k $kfunc"
	echo "1 kfunc $(awk -v name="$kfunc" '$3 == name { print $1; exit }' /proc/kallsyms) $kfunc nulls"
done >commands

# Counts while programs come and go, so that there are records and source lines, and reads.
cycle()
{
	insmod $MODULE || return
	# shellcheck disable=SC2046 # no command has a blank that does not separate
	control run '1 begin 4096' "$(sed -n 1p commands)" "$(sed -n 2p commands)" '1 start' '1 keep' >run.out
	workload --truth /dev/null --rounds $ROUNDS churn >/dev/null || return
	# The kernel frees programs in its own time.
	wait_for 10 grep -q '^retired ' $CONTROL
	grep -c '^retired ' $CONTROL >records
	control run '1 lines' '1 end' >>run.out
	rmmod kfunctrace
}

cycles()
{
	local n=0

	while [ $n -lt $CYCLES ]; do
		n=$((n + 1))
		cycle || return
		# With trace events, too: that takes longer.
		[ $((n % 10)) = 0 ] || continue
		insmod $MODULE || return
		# shellcheck disable=SC2086 # several options
		kfunctrace stat --events $kfuncs -- workload --truth /dev/null --rounds 4 churn >/dev/null || return
		wait_for 20 rmmod kfunctrace || return
	done
}

# Kilobytes of what modules allocate, of per-CPU memory and of vmalloc, when the kernel has given back what
# it can. Only a slab cache that is shrunk says how much of it is in use; else whole pages count.
memory()
{
	local cache

	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 3
	echo 3 >/proc/sys/vm/drop_caches
	for cache in /sys/kernel/slab/kmalloc-*; do
		echo 1 >"$cache/shrink"
	done
	{
		awk '/^kmalloc-[0-9]/ { sum += $2 * $4 } END { print "kmalloc", int(sum / 1024) }' /proc/slabinfo
		sed -nE 's/^(Percpu|VmallocUsed): +([0-9]+) kB/\1 \2/p' /proc/meminfo
	} | sort
}

rmmod kfunctrace 2>/dev/null
check "it is loaded, counts and is unloaded" cycles
matches "there were records of programs that had gone" records '^[1-9]'
is "no command failed" "$(grep -v ': ok' run.out)" ""
# What grows once is no leak: the smaller of two differences counts, after the kernel's caches are full.
check "again" cycles
memory >first
check "$CYCLES times" cycles
memory >second
check "and $CYCLES times more" cycles
memory >third
paste -d' ' first second third >all
diag "$(cat all)"
is "three kinds of memory were measured" "$(wc -l <all)" 3
while read -r name first _ second _ third; do
	grown=$((second - first))
	[ $((third - second)) -ge $grown ] || grown=$((third - second))
	check "$name has not grown: $grown kB" [ $grown -lt $NOISE_KB ]
done <all
insmod $MODULE
done_testing
