# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
#
# list against two sources of its own: the tags that pahole wrote into the
# kernel's BTF, and a table made from the kernels' sources.
. /root/vm/lib.sh

kfunctrace list --json -m vmlinux >list.json 2>stderr
is "list ends well" $? 0
is "list has nothing to complain about" "$(cat stderr)" ""
jq -r '.[].name' list.json | sort >names
same "each kfunc stands there once" "$(uniq names)" "$(cat names)"

# Functions of the BTF with their last parameter, and which of them are tagged.
bpftool btf dump file /sys/kernel/btf/vmlinux >btf
awk -v q="'" '
	/^\[[0-9]+\] FUNC_PROTO / { in_proto = substr($1, 2) + 0; last[in_proto] = ""; next }
	/^\t/ { if (in_proto) { split($0, part, q); last[in_proto] = part[2] } next }
	{ in_proto = 0 }
	/^\[[0-9]+\] FUNC / {
		split($0, part, q); sub(/.*type_id=/, ""); sub(/ .*/, "")
		func_name[++n] = part[2]; proto[part[2]] = $0
	}
	END { for (i = 1; i <= n; i++) print func_name[i], last[proto[func_name[i]]] }' btf >functions
awk -v q="'" '
	/^\[[0-9]+\] FUNC / { split($0, part, q); name[substr($1, 2) + 0] = part[2] }
	/DECL_TAG .bpf_kfunc. / { sub(/.*type_id=/, ""); sub(/ .*/, ""); tagged[$0] = 1 }
	END { for (id in tagged) print name[id] }' btf | sort >tagged

# Functions that fmod_ret programs may replace are tagged or registered in the
# same way, but no program can call them.
cat >replaceable <<-EOT
	bpf_fentry_test1
	bpf_modify_return_test
	bpf_modify_return_test2
	update_socket_protocol
EOT

if [ -s tagged ]; then
	same "each function that BTF tags as a kfunc is listed" \
		"$(grep -vxFf names tagged)" "$(grep -xFf replaceable tagged)"
	# Some builds lose the tag of functions with a hidden parameter, and leave that
	# parameter in the public prototype: scx_bpf_kick_cpu(cpu, flags, aux) in 7.2.12.
	awk '$2 == "aux" { print $1 }' functions | sort >lost_tag
	jq -r '.[] | select(.flags | index("implicit_args")).name' list.json | sort >implicit
	is "each kfunc that is listed is tagged, if it has not lost its tag" \
		"$(grep -vxFf tagged names | grep -vxFf lost_tag)" ""
	is "none but those with implicit arguments have lost it" \
		"$(grep -vxFf tagged names | grep -vxFf implicit)" ""
	diag "$(wc -l <names) kfuncs, $(grep -vxFf tagged names | wc -l) without a tag"
else
	skip "each function that BTF tags as a kfunc is listed" "the BTF of $KERNEL has no such tags"
fi

version=$(echo "$KERNEL" | cut -d. -f1,2)
table=/root/data/kfuncs.tsv
if grep -q "^$version	" $table; then
	# name, flags; a kfunc may have other flags for other program types.
	awk -F'\t' -v version="$version" '
		$1 == version && $5 ~ /^vmlinux/ && $3 != "FMODRET" {
			print $2, ($4 == "0" ? "-" : tolower($4))
		}' $table >table
	jq -r '.[] | .name as $name | .flags_by_hook[]
		| "\($name) \(if length == 0 then "-" else join("|") end)"' list.json >listed
	# Flags in the order of the alphabet.
	for file in table listed; do
		awk '{
			n = split($2, flag, "|"); line = $1
			while (n > 0) {
				least = ""
				for (i in flag)
					if (least == "" || flag[i] < flag[least])
						least = i
				line = line " " flag[least]; delete flag[least]; n--
			}
			print line
		}' $file | sort -u >$file.sorted
	done
	same "names and flags are those of the sources of $version" \
		"$(diff listed.sorted table.sorted && wc -l <listed.sorted)" "$(wc -l <listed.sorted)"
else
	skip "names and flags are those of the sources" "the table does not know $version"
fi

# Every kfunc that is said to be traced has a site, the others have none.
cut -d' ' -f1 $TRACEFS/available_filter_functions | sort -u >sites
jq -r '.[] | select(.coverage == "traced").name' list.json | sort >traced
jq -r '.[] | select(.coverage == "no-site").name' list.json | sort >without
same "what is traced has an ftrace site" "$(grep -xFf sites traced)" "$(cat traced)"
is "what is said to have no site has none" "$(grep -xFf sites without)" ""

kfunc=$(grep -xm1 -e bpf_task_acquire -e bpf_kfunc_call_test_acquire names)
is "a pattern picks one" "$(kfunctrace list --json "$kfunc" | jq -r '.[].name')" "$kfunc"
kfunctrace list --json -f acquire,ret_null >picked
is "-f picks by flags" \
	"$(jq 'map(select(.flags | index("acquire") and index("ret_null") | not)) | length' picked)" 0
matches "-f acquire,ret_null finds $kfunc" picked "\"$kfunc\""
kfunctrace list --json >list.json
unshare -p -f --mount-proc kfunctrace list --json >inside.json
same "in a PID namespace of its own it sees the same" "$(jq -c . inside.json)" "$(jq -c . list.json)"
kfunctrace list "no_such_kfunc*" >stdout 2>stderr
is "a pattern that matches nothing: exit status 2" $? 2
check "a pattern that matches nothing: a message" test -s stderr
done_testing
