# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: backports
# It takes modules out, so it has a machine that no other test has.
# machine: --module kfunctrace --module kfunctrace_test
#
# Our modules load, with BTF, and unload, again and again; without BTF they do not, and say why.
. /root/vm/lib.sh

both="kfunctrace kfunctrace_test"

loaded()
{
	lsmod | sed -nE 's/^(kfunctrace[a-z_]*) .*/\1/p' | sort | tr '\n' ' '
}

is "both modules are loaded" "$(loaded)" "$both "
for module in $both; do
	is "$module has BTF" "$(bpftool btf show | grep -c "name \[$module\]")" 1
done

log=$(($(dmesg | wc -l) + 1))
again()
{
	local n=0

	while [ $n -lt 200 ]; do
		for module in $both; do
			rmmod $module || return
		done
		for module in $both; do
			insmod /vm/modules/$module.ko || return
		done
		n=$((n + 1))
	done
}
# While programs that call kfuncs come and go on both CPUs.
for cpu in 0 1; do
	(while [ ! -e stop ]; do
		nice taskset $((1 << cpu)) workload --truth /dev/null --rounds 100 churn >/dev/null 2>&1
	done) &
	load_pids="${load_pids:-} $!"
done
check "they are unloaded and loaded 200 times under load" again
touch stop
# shellcheck disable=SC2086 # several numbers
wait $load_pids
is "both are there" "$(loaded)" "$both "
is "the kernel has nothing to say of it" "$(log_since $log)" ""

# replace_bytes FROM TO FILE: in hex
replace_bytes()
{
	od -An -v -tx1 "$3" | tr -d ' \n' | sed "s/$1/$2/g" | xxd -r -p
}

# A section of another name is no BTF, and a version that there is not is no good one.
for module in $both; do
	rmmod $module
	replace_bytes 2e42544600 2e42545800 /vm/modules/$module.ko >without.ko
	replace_bytes 9feb0100 9feb7f00 /vm/modules/$module.ko >wrong.ko
	for what in without wrong; do
		dmesg -c >/dev/null
		if cmp -s $what.ko /vm/modules/$module.ko; then
			not_ok "$module $what BTF is not loaded" "the file could not be made"
			continue
		fi
		is "$module $what BTF is not loaded" \
			"$(insmod $what.ko 2>/dev/null || echo refused) $(lsmod | grep -c "^$module ")" \
			"refused 0"
		# 7.x itself refuses a module whose BTF it does not understand.
		dmesg >log
		matches "and the log says why" log "$module: not loaded, because the kernel has no BTF|$module\\] BTF: -"
	done
done
rm -f without.ko wrong.ko
is "nothing is left of them" "$(loaded)$(ls /sys/kernel/btf | grep -c kfunctrace)" 0
done_testing
