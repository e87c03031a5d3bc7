// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_symbols.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_reader.h"
#include "message.h"

struct symbol {
	__u64 address;
	char *name;
	char *module; /* "" for vmlinux; "bpf" and "__builtin__..." are made up by kallsyms */
};

struct kernel_symbols {
	struct kernel_reader *reader;
	struct symbol *symbols;
	size_t nr, room;
	bool has_failed; /* they could not be read: not before kernel_symbols__try_again() */
};

int kernel_symbols__open(struct kernel_reader *reader, struct kernel_symbols **symbols)
{
	*symbols = calloc(1, sizeof(**symbols));
	if (!*symbols)
		return -ENOMEM;
	(*symbols)->reader = reader;
	return 0;
}

void kernel_symbols__forget(struct kernel_symbols *symbols)
{
	for (size_t i = 0; i < symbols->nr; i++) {
		free(symbols->symbols[i].name);
		free(symbols->symbols[i].module);
	}
	symbols->nr = 0;
	symbols->has_failed = false;
}

void kernel_symbols__try_again(struct kernel_symbols *symbols)
{
	symbols->has_failed = false;
}

void kernel_symbols__free(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	kernel_symbols__forget(symbols);
	free(symbols->symbols);
	free(symbols);
}

static int take(const struct kft_symbol_record *record, void *arg)
{
	struct kernel_symbols *symbols = arg;
	struct symbol *symbol;

	if (symbols->nr == symbols->room) {
		size_t room = symbols->room ? symbols->room * 2 : 65536;
		struct symbol *grown = realloc(symbols->symbols, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		symbols->symbols = grown;
		symbols->room = room;
	}
	symbol = &symbols->symbols[symbols->nr++];
	symbol->address = record->address;
	symbol->name = strdup(record->name);
	symbol->module = strdup(record->module);
	return symbol->name && symbol->module ? 0 : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

/*
 * Programs and trampolines stand in kallsyms as well, as module "bpf". A trampoline is the kernel's:
 * what it calls is the function that is traced.
 */
static bool is_code_of_kernel(const struct symbol *symbol)
{
	if (strncmp(symbol->name, "bpf_trampoline_", strlen("bpf_trampoline_")) == 0)
		return true;
	return strcmp(symbol->module, "bpf") != 0 &&
	       strncmp(symbol->module, "__builtin__", strlen("__builtin__")) != 0;
}

/*
 * kallsyms knows no sizes. An address belongs to the function before it if the function behind it
 * is of the same module; the rest is JIT memory, which lies between the modules.
 */
static const struct symbol *find(const struct kernel_symbols *symbols, __u64 address)
{
	size_t low = 0, high = symbols->nr;
	const struct symbol *before, *behind;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || low == symbols->nr)
		return NULL;
	before = &symbols->symbols[low - 1];
	behind = &symbols->symbols[low];
	if (!is_code_of_kernel(before) || strcmp(before->module, behind->module) != 0)
		return NULL;
	return before;
}

static void read_once(struct kernel_symbols *symbols)
{
	int err;

	if (symbols->nr || symbols->has_failed)
		return;
	err = kernel_reader__text_symbols(symbols->reader, take, symbols);
	if (err) {
		msg__warn("cannot read the kernel's symbols: %s: callers in the kernel are unknown",
			  strerror(-err));
		kernel_symbols__forget(symbols);
		symbols->has_failed = true;
		return;
	}
	qsort(symbols->symbols, symbols->nr, sizeof(*symbols->symbols), compare);
}

const char *kernel_symbols__resolve(struct kernel_symbols *symbols, __u64 return_address,
				    __u64 *offset)
{
	const struct symbol *symbol;

	read_once(symbols);
	/* A return address is one past the call, which may be the last thing in a function. */
	symbol = find(symbols, return_address);
	if (!symbol || symbol->address != return_address)
		symbol = find(symbols, return_address - 1);
	if (!symbol)
		return NULL;
	*offset = return_address - symbol->address;
	return symbol->name;
}

__u64 kernel_symbols__end(struct kernel_symbols *symbols, __u64 address)
{
	const struct symbol *symbol, *last;

	read_once(symbols);
	symbol = find(symbols, address);
	if (!symbol)
		return address;
	last = &symbols->symbols[symbols->nr - 1];
	/* Several names may stand for one function. */
	while (symbol < last && symbol->address <= address)
		symbol++;
	return symbol->address;
}
