/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ELF file in memory: its sections, symbols and relocations. What is read is checked against the
 * size of the file, so that damaged ones end in an error.
 */
#ifndef KFUNCTRACE_ELF_FILE_H
#define KFUNCTRACE_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct Elf;
struct elf_file;

bool elf_file__is(const void *data, size_t size);

/*
 * True when the data is an ELF file with a section of that name, which has bytes: what debuggers need
 * is in files of empty ones. Quick, and says nothing.
 */
bool elf_file__has_section(void *data, size_t size, const char *section);

/*
 * The data is used, not copied, and must outlive the file; `name` is for messages and is copied.
 * Returns 0, or a negative errno having said what is wrong.
 */
int elf_file__open(const char *name, void *data, size_t size, struct elf_file **file);
void elf_file__free(struct elf_file *file);

/* For what these functions do not offer. */
struct Elf *elf_file__handle(const struct elf_file *file);
const char *elf_file__name(const struct elf_file *file);
unsigned int elf_file__type(const struct elf_file *file);    /* ET_* */
unsigned int elf_file__machine(const struct elf_file *file); /* EM_* */
/* True when its words have the other order of bytes than this machine's. */
bool elf_file__is_swapped(const struct elf_file *file);

struct elf_section {
	const char *name;
	size_t index;
	unsigned int type; /* SHT_* */
	__u64 flags;	   /* SHF_* */
	__u64 address;
	const void *data; /* the bytes of the file; NULL when it has none */
	size_t size;
};

/*
 * The first section of that name. Returns 0, -ENOENT without a message when there is none, or
 * another negative errno having said what is wrong with it.
 */
int elf_file__section(const struct elf_file *file, const char *name, struct elf_section *section);
/* The section of an index, as symbols and relocations name it; the same errors. */
int elf_file__section_at(const struct elf_file *file, size_t index, struct elf_section *section);
size_t elf_file__nr_sections(const struct elf_file *file);

struct elf_symbol {
	const char *name;
	__u64 value; /* offset into its section in a module, address in a kernel */
	__u64 size;
	size_t section;	   /* SHN_UNDEF: not in this file */
	unsigned int type; /* STT_* */
	unsigned int bind; /* STB_* */
	__u32 index;	   /* as relocations name it */
};

/* Of .symtab; 0 when the file is stripped. */
int elf_file__nr_symbols(const struct elf_file *file);
const struct elf_symbol *elf_file__symbol_at(const struct elf_file *file, int index);
/* Several may have one name (static functions): the first one is returned, or NULL. */
const struct elf_symbol *elf_file__symbol(const struct elf_file *file, const char *name);
/* The next one of the same name, or NULL. */
const struct elf_symbol *elf_file__next_symbol(const struct elf_file *file,
					       const struct elf_symbol *symbol);

struct elf_reloc {
	__u64 offset; /* into the section that it is applied to */
	__u32 type;   /* R_* of the machine */
	__s64 addend; /* 0 in SHT_REL */
	const struct elf_symbol *symbol;
};

/*
 * Calls `take` for each relocation that is applied to a section, until it returns something else
 * than 0, which is returned. -EBADMSG when the relocations are damaged, which is said.
 */
int elf_file__relocations(const struct elf_file *file, size_t section,
			  int (*take)(const struct elf_reloc *reloc, void *arg), void *arg);

#endif
