# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# long: bookworm
# machine: --module kfunctrace --mem 768
#
# A tool and a module that do not belong together: nothing is counted wrong, and it is said what to do.
. /root/vm/lib.sh

MODULE=/vm/modules/kfunctrace.ko
CONTROL=/dev/kfunctrace
kfunc=$(workload --kfuncs two-programs | head -n1)

# replace_bytes FROM TO FILE: in hex
replace_bytes()
{
	od -An -v -tx1 "$3" | tr -d ' \n' | sed "s/$1/$2/g" | xxd -r -p
}

# says_so DESCRIPTION OPTION...: kfunctrace stat OPTION... ends, and says what is wrong
says_so()
{
	local what=$1

	shift
	kfunctrace stat -k "$kfunc" "$@" -d 1 >stdout 2>stderr
	is "$what: exit status 2, and nothing is printed" "$? $(cat stdout)" "2 "
	matches "$what: it says what is wrong, and what to do" stderr \
		'module kfunctrace that is loaded is of another version.*(install|build)'
	is "$what: in one line" "$(grep -c . stderr)" 1
}

rmmod kfunctrace 2>/dev/null
insmod $MODULE protocol=2
is "the module says which version it has" "$(head -n 1 $CONTROL)" "kfunctrace 2"
says_so "--engine=module" --engine=module
says_so "--keep" --keep
kfunctrace stat --stop >stdout 2>stderr
is "--stop: exit status 2" $? 2
matches "--stop: it says what is wrong" stderr 'is of another version'
is "commands of the tool's version are refused" "$(/root/control run '1 begin 16' '2 begin 16' '2 end' 2>&1)" \
"1 begin 16: EPROTO
2 begin 16: ok
2 end: ok"
check "BPF programs count all the same" kfunctrace stat --engine=bpf -k "$kfunc" -d 1
LD_PRELOAD=/root/refuse-fentry.so kfunctrace stat -k "$kfunc" -d 1 >stdout 2>stderr
is "auto does not fall back to it" $? 2
rmmod kfunctrace

# The kfuncs have their version in their names: v1 becomes v9, wherever it stands.
v1=$(printf 'kfunctrace_event_v1' | xxd -p)
v9=$(printf 'kfunctrace_event_v9' | xxd -p)
replace_bytes "$v1" "$v9" $MODULE >other.ko
if cmp -s other.ko $MODULE; then
	not_ok "a module with other kfuncs is made" "nothing was replaced"
fi
check "a module with other kfuncs can be loaded" insmod other.ko
says_so "--events" --events
kfunctrace refs --events -d 1 >stdout 2>stderr
is "refs --events: exit status 2" $? 2
matches "refs --events: it says what is wrong" stderr 'is of another version'
check "without events all works" kfunctrace stat -k "$kfunc" -d 1
rmmod kfunctrace

insmod $MODULE
is "nothing is left of them" "$(head -n 2 $CONTROL | tr '\n' ' ')" "kfunctrace 1 state idle "
done_testing
