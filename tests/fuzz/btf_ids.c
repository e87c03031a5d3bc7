// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as a section .BTF_ids: a byte of choices, and the words. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_ids.h"
#include "kernel_version.h"

enum { SWAPPED = 1, OLD_KERNEL = 2, WITH_SYMBOLS = 4, OF_MODULE = 8 };

#define FIRST	  300
#define NR_FUNCS  64
#define MAX_NAMED 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct btf *make_types(void)
{
	struct btf *btf = btf__new_empty();

	btf__add_func_proto(btf, 0);
	while (btf__type_cnt(btf) <= FIRST)
		btf__add_int(btf, "int", 4, 0);
	for (int i = 0; i < NR_FUNCS; i++)
		btf__add_func(btf, i % 16 ? "bpf_task_acquire" : "bpf_fentry_test1",
			      BTF_FUNC_GLOBAL, 1);
	return btf;
}

/* Symbols come out of the bytes as well, two words each. */
static size_t take_symbols(struct btf_id_symbol *symbols, int *nr, const uint8_t *data, size_t size)
{
	size_t taken = 0;

	while (*nr < MAX_NAMED && size - taken >= 64) {
		uint16_t words[2];

		memcpy(words, data + taken, sizeof(words));
		taken += sizeof(words);
		symbols[*nr].name = "set";
		symbols[*nr].offset = words[0];
		symbols[(*nr)++].size = words[1];
	}
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct btf *types;
	struct btf_id_symbol symbols[MAX_NAMED];
	struct btf_ids_input input = { .file = "fuzz" };
	struct btf_id_sets sets;
	uint8_t choices;
	void *copy;

	if (!types)
		types = make_types();
	if (!size)
		return 0;
	choices = *data++;
	size--;
	if (choices & WITH_SYMBOLS) {
		size_t taken = take_symbols(symbols, &input.nr_symbols, data, size);

		input.symbols = symbols;
		data += taken;
		size -= taken;
	}
	/* Apart, so that a byte too far is seen. */
	copy = malloc(size);
	memcpy(copy, data, size);
	input.data = copy;
	input.size = size;
	input.btf = types;
	input.swapped = choices & SWAPPED;
	input.version = choices & OLD_KERNEL ? KVER(6, 1) : KVER(6, 12);
	input.first_id = choices & OF_MODULE ? FIRST + NR_FUNCS / 2 : 1;
	if (btf_ids__read(&input, &sets) == 0) {
		for (int i = 0; i < sets.nr; i++) {
			for (int j = 0; j < sets.sets[i].nr; j++) {
				__u32 id = sets.sets[i].members[j].id;

				/* What the reader promises. */
				if (id && !btf_is_func(btf__type_by_id(types, id)))
					abort();
			}
		}
	}
	btf_id_sets__free(&sets);
	free(copy);
	return 0;
}
