/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A BPF object file as clang or `bpftool gen object` has written it: code, symbols, relocations and
 * BTF, all checked, so that nobody behind has to.
 */
#ifndef KFUNCTRACE_OBJECT_FILE_H
#define KFUNCTRACE_OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>

struct btf;

struct object_section {
	const char *name;
	const void *data;
	size_t size;
	/* Only of sections with code. */
	struct bpf_insn *insns;
	size_t nr_insns;
};

struct object_symbol {
	const char *name;
	size_t section; /* 0: of none, or undefined */
	__u64 value, size;
	bool is_undefined;
	bool is_function;
	bool is_local;
	bool is_weak;
	bool is_hidden;
};

struct object_reloc {
	size_t section; /* with code */
	size_t insn;	/* in it */
	size_t symbol;
	bool is_call; /* or a 64-bit load of an address */
};

struct object_line {
	size_t section;
	size_t insn;
	const char *file;
	int line;
};

/* A constant in the code that libbpf replaces by what it finds in the kernel's BTF (CO-RE). */
struct object_core_reloc {
	size_t section;
	size_t insn;
	bool asks; /* whether the kernel has something, for a test */
};

struct object_file {
	struct object_section *sections; /* by their ELF number; [0] is none */
	size_t nr_sections;
	struct object_symbol *symbols;
	size_t nr_symbols;
	struct object_reloc *relocs;
	size_t nr_relocs;
	struct object_line *lines; /* sorted by section and instruction; none without .BTF.ext */
	size_t nr_lines;
	struct object_core_reloc *core_relocs;
	size_t nr_core_relocs;
	struct btf *btf;
	const char *license; /* "" when there is none */

	char error[160]; /* what is wrong, without the file's name */
	/* Inside. */
	struct Elf *elf;
	char *license_copy;
};

/*
 * Reads an object out of memory, which must outlive it. Returns 0; -ENOEXEC when it is no BPF object
 * file of this machine's byte order, or another negative errno when it is a damaged one or without
 * BTF: `error` says what. To be freed in any case.
 */
int object_file__read(struct object_file *file, void *data, size_t size);
void object_file__free(struct object_file *file);

#endif
