# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# machine: --modules nf_conntrack
#
# What acquires and what releases: against a table made from the kernels'
# sources, the flags of the registry, and the names in the kernel's BTF.
. /root/vm/lib.sh

kfunctrace refs --pairs --json >pairs.json 2>stderr
is "refs --pairs ends well" $? 0
is "it has nothing to complain about" "$(cat stderr)" ""
kfunctrace list --json >list.json
jq -r '.[].name' list.json | sort >names

# name, does, type, what NULL means; one line for each kfunc.
jq -r '
	def lines($type; $does): .[] | [.kfunc, $does, $type, .null_means // "-"] | @tsv;
	.types[] | .type as $type | if .iterator then
		(.acquires[] | [.kfunc, "new", $type, "-"] | @tsv),
		(.releases[] | [.kfunc, "destroy", $type, "-"] | @tsv)
	else
		(.acquires | lines($type; "acquire")), (.releases | lines($type; "release")),
		(.converts | lines($type; "convert")), (.moves_in | lines($type; "move in")),
		(.moves_out | lines($type; "move out"))
	end' pairs.json | sort >all
# The verifier puts one function in place of another: not a kfunc that is registered.
jq -r '.[].specialised_to // empty' list.json | sort >twins
awk -F'\t' 'FILENAME == "twins" { twin[$1]; next } !($1 in twin)' twins all >have
is "what is there is a kfunc or what stands for one" "$(cut -f1 have | grep -vxFf names)" ""

# The flags' own word: who is registered to acquire, to release or to iterate.
jq -r '.[] | select(.flags - ["acquire", "release", "iter_new", "iter_destroy"] != .flags).name' \
	list.json | sort >flagged
same "each kfunc whose flags say so does something to references" \
	"$(cut -f1 have | grep -xFf flagged)" "$(cat flagged)"

version=$(echo "$KERNEL" | cut -d. -f1,2)
table=/root/data/acquire_release.tsv
case $version in
6.1)	column=6 ;;
6.12)	column=7 ;;
7.2)	column=8 ;;
7.3)	column=9 ;;
*)	column= ;;
esac
if [ -n "$column" ]; then
	# Of what the sources have, a build has what its configuration selects.
	awk -F'\t' -v column="$column" '
		NR == FNR { registered[$1]; next }
		/^#/ || $column == "-" { next }
		$1 in registered { print > "table"; next }
		{ print $1 }' names $table >not_built
	diag "not built into $KERNEL: $(tr '\n' ' ' <not_built)"

	same "name, role, type and NULL are those of the sources of $version" \
		"$(cut -f1,2,3,5 table | sort | diff have - && wc -l <have)" "$(wc -l <have)"
	cut -f1,"$column" table | sed 's/	0$/	/' | sort >want
	jq -r '.[] | [.name, (.flags | sort | join(","))] | @tsv' list.json | sort >flags
	# Flags in the order of the alphabet.
	while IFS='	' read -r name flags; do
		printf '%s\t%s\n' "$name" "$(echo "$flags" | tr , '\n' | sort | paste -sd, -)"
	done <want | sort >want.sorted
	same "and their flags" "$(grep -xFf flags want.sorted)" "$(cat want.sorted)"

	# Each acquire with everything that gives its type back.
	jq -r '
		.types as $types | .types[] | .type as $type | .iterator as $iterator
		| (.acquires + .converts + .moves_out)[].kfunc as $acquire
		| (.releases + [$types[].converts[] | select(.from == $type and ($iterator | not))])[]
		| "\($acquire)\t\(.kfunc)"' pairs.json | sort >pairs
	awk -F'\t' '$4 != "-" { print $1 "\t" $4 }' table | sort >wanted_pairs
	same "each has what the sources give it back with" \
		"$(grep -xFf wanted_pairs pairs)" "$(cat wanted_pairs)"
else
	skip "name, role, type and NULL are those of the sources" "the table has no $version"
fi

is "an iterator has one kfunc of each kind" "$(jq -r '.types[] | select(.iterator)
	| select([.acquires, .steps, .releases | length] != [1, 1, 1]).type' pairs.json)" ""
is "what converts takes one type and returns another" \
	"$(jq -r '.types[] | .type as $to | .converts[] | "\(.kfunc) \(.from) \($to)"' pairs.json)" \
	"bpf_ct_insert_entry nf_conn___init nf_conn"
is "a type that nothing acquires says so" \
	"$(jq -r '.types[] | select((.acquires + .converts | length) == 0)
		| select(.acquired_elsewhere | not).type' pairs.json)" ""

# --- destructors ---------------------------------------------------------------

bpftool btf dump file /sys/kernel/btf/vmlinux >btf
sed -nE "s/.* FUNC '(bpf_.*(release|kfree_skb)_dtor|__bpf_obj_drop_impl)'.*/\1/p" btf | sort >dtors
jq -r '.types[].destructors[].function' pairs.json | sort >destructors
if [ -s dtors ]; then
	same "destructors are the functions that the kernel's BTF has for it" \
		"$(cat destructors)" "$(cat dtors)"
	is "a destructor's type is that of the kfunc by its name" \
		"$(jq -r '.types[] | [.releases[].kfunc] as $releases | .destructors[].function
			| select(endswith("_dtor"))
			| select([sub("_dtor$"; "")] - $releases != [])' pairs.json)" ""
	jq -r '.types[].destructors[] | select(.ends_in) | "\(.function) \(.ends_in)"' pairs.json >ends
	same "those that only jump into the release are found by their code" \
		"$(grep -E 'cpumask|crypto' ends)" "\
bpf_cpumask_release_dtor bpf_cpumask_release
bpf_crypto_ctx_release_dtor bpf_crypto_ctx_release"
	is "none ends in another one's release" \
		"$(awk '$1 != $2 "_dtor"' ends)" ""
else
	is "where releases are the destructors, there are no others" "$(cat destructors)" ""
fi
if kernel_at_least 7.2; then
	# bpf_list_push_front_impl and the like do nothing but call what they have been renamed to.
	jq -r '.types[] | (.acquires + .releases + .moves_in)[] | select(.ends_in)
		| "\(.kfunc) \(.ends_in)"' pairs.json >renamed
	same "an old name ends in the new one" "$(awk '$1 == $2 "_impl"' renamed)" "$(cat renamed)"
	matches "bpf_obj_drop_impl is one" renamed '^bpf_obj_drop_impl bpf_obj_drop$'
	is "a twin acquires as well" "$(grep -c '^bpf_dynptr_from_file_sleepable	acquire' all)" 1
fi

# --- the command ------------------------------------------------------------------

kfunctrace refs --pairs >table.txt
matches "the table has a row for each function" table.txt '^bpf_key +release +bpf_key_put '
is "as many as JSON has" "$(wc -l <table.txt)" "$(jq '1 + ([.types[]
	| .acquires, .releases, .converts, .destructors, .moves_in, .moves_out, .steps | length] | add)' \
	pairs.json)"
kfunctrace refs --pairs -- true >stdout 2>stderr
is "--pairs with a command: exit status 2" $? 2
check "--pairs with a command: a message" test -s stderr
done_testing
