// SPDX-License-Identifier: GPL-2.0-only
#include "object_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/btf.h>
#include <gelf.h>
#include <libelf.h>

#include "btf_check.h"
#include "object_file_private.h"

/* Types of relocations, of LLVM's BPF backend. */
#ifndef R_BPF_64_64
#define R_BPF_64_64 1
#endif
#ifndef R_BPF_64_32
#define R_BPF_64_32 10
#endif

int object_file__complain(struct object_file *file, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(file->error, sizeof(file->error), fmt, args);
	va_end(args);
	return err;
}

#define complain object_file__complain

/* --- ELF -------------------------------------------------------------------------------------- */

static int open_elf(struct object_file *file, void *data, size_t size)
{
	const unsigned char *ident = data;
	GElf_Ehdr header;

	if (size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return complain(file, -ENOEXEC, "not an ELF file");
	if (size < sizeof(Elf64_Ehdr))
		return complain(file, -EBADMSG, "cut short in its ELF header");
	/* libelf would swap for us, but instructions and BTF are in the order of their target. */
	if (ident[EI_CLASS] != ELFCLASS64 ||
	    ident[EI_DATA] !=
		    (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB))
		return complain(file, -ENOEXEC,
				"an ELF file of the other byte order, or not of 64 bits");
	elf_version(EV_CURRENT);
	file->elf = elf_memory(data, size);
	if (!file->elf || !gelf_getehdr(file->elf, &header))
		return complain(file, -EBADMSG, "damaged ELF header (%s)", elf_errmsg(-1));
	/* Old compilers write 0 for the machine. */
	if (header.e_machine != EM_BPF && header.e_machine != EM_NONE)
		return complain(file, -ENOEXEC, "an ELF file for another machine than BPF");
	if (header.e_type != ET_REL)
		return complain(file, -ENOEXEC, "not a relocatable ELF file");
	return 0;
}

/* Sections that are loaded and executable hold instructions; copied to where they are aligned. */
static int take_code(struct object_file *file, struct object_section *section)
{
	section->nr_insns = section->size / sizeof(*section->insns);
	if (section->size % sizeof(*section->insns))
		return complain(file, -EBADMSG, "section %s is no whole number of instructions",
				section->name);
	section->insns = malloc(section->size ?: 1);
	if (!section->insns)
		return -ENOMEM;
	if (section->size)
		memcpy(section->insns, section->data, section->size);
	return 0;
}

static int take_section(struct object_file *file, Elf_Scn *scn, size_t names)
{
	struct object_section *section = &file->sections[elf_ndxscn(scn)];
	GElf_Shdr header;
	Elf_Data *data;

	if (!gelf_getshdr(scn, &header))
		return complain(file, -EBADMSG, "damaged header of section %zu", elf_ndxscn(scn));
	section->name = elf_strptr(file->elf, names, header.sh_name);
	if (!section->name)
		return complain(file, -EBADMSG, "section %zu has no name", elf_ndxscn(scn));
	if (header.sh_type == SHT_NOBITS || header.sh_type == SHT_NULL)
		return 0;
	data = elf_rawdata(scn, NULL);
	if (!data || (header.sh_size && (!data->d_buf || data->d_size < header.sh_size)))
		return complain(file, -EBADMSG, "section %s reaches behind the end of the file",
				section->name);
	section->data = data->d_buf;
	section->size = data->d_size;
	if (header.sh_type == SHT_PROGBITS && (header.sh_flags & SHF_EXECINSTR))
		return take_code(file, section);
	return 0;
}

static int take_sections(struct object_file *file)
{
	size_t names;
	Elf_Scn *scn = NULL;
	int err = 0;

	if (elf_getshdrnum(file->elf, &file->nr_sections) || !file->nr_sections ||
	    elf_getshdrstrndx(file->elf, &names))
		return complain(file, -EBADMSG, "no table of sections");
	file->sections = calloc(file->nr_sections, sizeof(*file->sections));
	if (!file->sections)
		return -ENOMEM;
	for (size_t i = 0; i < file->nr_sections; i++)
		file->sections[i].name = "";
	while (!err && (scn = elf_nextscn(file->elf, scn))) {
		if (elf_ndxscn(scn) < file->nr_sections)
			err = take_section(file, scn, names);
	}
	return err;
}

static Elf_Scn *find_section(struct object_file *file, GElf_Word type, Elf_Scn *after,
			     GElf_Shdr *header)
{
	Elf_Scn *scn = after;

	while ((scn = elf_nextscn(file->elf, scn))) {
		if (gelf_getshdr(scn, header) && header->sh_type == type)
			return scn;
	}
	return NULL;
}

static int take_symbols(struct object_file *file)
{
	GElf_Shdr header;
	Elf_Scn *scn = find_section(file, SHT_SYMTAB, NULL, &header);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Sym sym;

	if (!data || header.sh_entsize != sizeof(Elf64_Sym))
		return complain(file, -EBADMSG, "no table of symbols, or a damaged one");
	file->nr_symbols = data->d_size / header.sh_entsize;
	file->symbols = calloc(file->nr_symbols + 1, sizeof(*file->symbols));
	if (!file->symbols)
		return -ENOMEM;
	for (size_t i = 0; i < file->nr_symbols; i++) {
		struct object_symbol *symbol = &file->symbols[i];

		symbol->name = "";
		if (!gelf_getsym(data, i, &sym))
			return complain(file, -EBADMSG, "damaged symbol %zu", i);
		symbol->name = elf_strptr(file->elf, header.sh_link, sym.st_name) ?: "";
		symbol->section = sym.st_shndx < file->nr_sections ? sym.st_shndx : 0;
		symbol->value = sym.st_value;
		symbol->size = sym.st_size;
		symbol->is_function = GELF_ST_TYPE(sym.st_info) == STT_FUNC;
		symbol->is_local = GELF_ST_BIND(sym.st_info) == STB_LOCAL;
		symbol->is_weak = GELF_ST_BIND(sym.st_info) == STB_WEAK;
		symbol->is_hidden = GELF_ST_VISIBILITY(sym.st_other) == STV_HIDDEN ||
				    GELF_ST_VISIBILITY(sym.st_other) == STV_INTERNAL;
		symbol->is_undefined = sym.st_shndx == SHN_UNDEF && !symbol->is_local &&
				       GELF_ST_TYPE(sym.st_info) == STT_NOTYPE && *symbol->name;
	}
	return 0;
}

static int take_reloc(struct object_file *file, size_t section, const GElf_Rel *rel)
{
	const struct object_section *code = &file->sections[section];
	struct object_reloc *reloc = &file->relocs[file->nr_relocs];
	unsigned int type = GELF_R_TYPE(rel->r_info);

	*reloc = (struct object_reloc){
		.section = section,
		.insn = rel->r_offset / sizeof(struct bpf_insn),
		.symbol = GELF_R_SYM(rel->r_info),
		.is_call = type == R_BPF_64_32,
	};
	if (rel->r_offset % sizeof(struct bpf_insn) || reloc->insn >= code->nr_insns ||
	    reloc->symbol >= file->nr_symbols)
		return complain(file, -EBADMSG, "a relocation of section %s points nowhere",
				code->name);
	if (type == R_BPF_64_32 || type == R_BPF_64_64)
		file->nr_relocs++;
	return 0;
}

static int take_relocs(struct object_file *file)
{
	GElf_Shdr header;
	Elf_Scn *scn = NULL;
	GElf_Rel rel;

	while ((scn = find_section(file, SHT_REL, scn, &header))) {
		Elf_Data *data = elf_getdata(scn, NULL);
		struct object_reloc *grown;
		size_t nr;
		int err;

		if (header.sh_info >= file->nr_sections || !file->sections[header.sh_info].insns)
			continue;
		if (!data || header.sh_entsize != sizeof(Elf64_Rel))
			return complain(file, -EBADMSG, "damaged relocations");
		nr = data->d_size / header.sh_entsize;
		grown = realloc(file->relocs, (file->nr_relocs + nr + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		file->relocs = grown;
		for (size_t i = 0; i < nr; i++) {
			if (!gelf_getrel(data, i, &rel))
				return complain(file, -EBADMSG, "damaged relocation %zu", i);
			err = take_reloc(file, header.sh_info, &rel);
			if (err)
				return err;
		}
	}
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

const struct object_section *object_file__section(const struct object_file *file, const char *name)
{
	for (size_t i = 1; i < file->nr_sections; i++) {
		if (file->sections[i].data && strcmp(file->sections[i].name, name) == 0)
			return &file->sections[i];
	}
	return NULL;
}

static int take_btf(struct object_file *file)
{
	const struct object_section *section = object_file__section(file, ".BTF");
	char why[100];
	__u16 magic = 0;

	if (!section)
		return complain(
			file, -ENODATA,
			"no BTF, without which libbpf finds no kfunc: compile with -g, and strip "
			"with llvm-strip -g");
	if (section->size >= sizeof(magic))
		memcpy(&magic, section->data, sizeof(magic));
	if (magic == BTF_MAGIC)
		file->btf = btf__new(section->data, section->size);
	if (!file->btf)
		return complain(file, -EBADMSG, "damaged BTF (section .BTF)");
	if (btf_check(file->btf, 1, why, sizeof(why)))
		return complain(file, -EBADMSG, "damaged BTF (section .BTF): %s", why);
	return 0;
}

static int take_license(struct object_file *file)
{
	const struct object_section *section = object_file__section(file, "license");

	file->license_copy = strndup(section ? section->data : "", section ? section->size : 0);
	file->license = file->license_copy;
	return file->license ? 0 : -ENOMEM;
}

int object_file__read(struct object_file *file, void *data, size_t size)
{
	int err;

	memset(file, 0, sizeof(*file));
	err = open_elf(file, data, size);
	if (!err)
		err = take_sections(file);
	if (!err)
		err = take_symbols(file);
	if (!err)
		err = take_relocs(file);
	if (!err)
		err = take_btf(file);
	if (!err)
		err = take_license(file);
	if (!err)
		err = object_file__take_btf_ext(file);
	if (err == -ENOMEM)
		complain(file, err, "out of memory");
	return err;
}

void object_file__free(struct object_file *file)
{
	for (size_t i = 0; i < file->nr_sections && file->sections; i++)
		free(file->sections[i].insns);
	free(file->sections);
	free(file->symbols);
	free(file->relocs);
	free(file->lines);
	free(file->core_relocs);
	free(file->license_copy);
	btf__free(file->btf);
	elf_end(file->elf);
	memset(file, 0, sizeof(*file));
}
