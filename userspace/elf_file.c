// SPDX-License-Identifier: GPL-2.0-only
#include "elf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <libelf.h>

#include "message.h"

struct elf_file {
	char *name;
	Elf *elf;
	GElf_Ehdr header;
	size_t size;
	size_t nr_sections, names_section;
	struct elf_symbol *symbols; /* by index */
	int nr_symbols;
	int *by_name; /* indexes of symbols sorted by name, then index */
};

bool elf_file__is(const void *data, size_t size)
{
	return size >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

static int complain(const struct elf_file *file, const char *what)
{
	msg__error("%s: %s; is it cut short or damaged?", file->name, what);
	return -EBADMSG;
}

/* --- sections --------------------------------------------------------------------------------- */

static int take_section(const struct elf_file *file, Elf_Scn *scn, struct elf_section *section)
{
	GElf_Shdr header;
	Elf_Data *data;

	if (!gelf_getshdr(scn, &header))
		return complain(file, "the header of a section cannot be read");
	*section = (struct elf_section){
		.name = elf_strptr(file->elf, file->names_section, header.sh_name),
		.index = elf_ndxscn(scn),
		.type = header.sh_type,
		.flags = header.sh_flags,
		.address = header.sh_addr,
	};
	if (!section->name)
		return complain(file, "a section has no name");
	if (header.sh_type == SHT_NOBITS || !header.sh_size)
		return 0;
	if (header.sh_offset > file->size || header.sh_size > file->size - header.sh_offset) {
		msg__error("%s: section %s reaches beyond the end of the file; is it cut short?",
			   file->name, section->name);
		return -EBADMSG;
	}
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf) {
		msg__error("%s: section %s cannot be read: %s", file->name, section->name,
			   elf_errmsg(-1));
		return -EBADMSG;
	}
	section->data = data->d_buf;
	section->size = data->d_size;
	return 0;
}

size_t elf_file__nr_sections(const struct elf_file *file)
{
	return file->nr_sections;
}

int elf_file__section_at(const struct elf_file *file, size_t index, struct elf_section *section)
{
	Elf_Scn *scn = index < file->nr_sections ? elf_getscn(file->elf, index) : NULL;

	return scn ? take_section(file, scn, section) : -ENOENT;
}

static Elf_Scn *find_section(Elf *elf, size_t names_section, const char *name)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr header;

	while ((scn = elf_nextscn(elf, scn))) {
		const char *found = NULL;

		if (gelf_getshdr(scn, &header))
			found = elf_strptr(elf, names_section, header.sh_name);
		if (found && strcmp(found, name) == 0)
			return scn;
	}
	return NULL;
}

int elf_file__section(const struct elf_file *file, const char *name, struct elf_section *section)
{
	Elf_Scn *scn = find_section(file->elf, file->names_section, name);

	return scn ? take_section(file, scn, section) : -ENOENT;
}

bool elf_file__has_section(void *data, size_t size, const char *section)
{
	Elf_Scn *scn = NULL;
	size_t names_section;
	GElf_Shdr header;
	bool found;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory(data, size);
	if (elf && elf_kind(elf) == ELF_K_ELF && elf_getshdrstrndx(elf, &names_section) == 0)
		scn = find_section(elf, names_section, section);
	found = scn && gelf_getshdr(scn, &header) && header.sh_type != SHT_NOBITS;
	elf_end(elf);
	return found;
}

/* --- symbols ---------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b, void *arg)
{
	const struct elf_symbol *symbols = arg;
	int left = *(const int *)a, right = *(const int *)b;

	return strcmp(symbols[left].name, symbols[right].name) ?: left - right;
}

static int read_symbols(struct elf_file *file, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data, *extended = NULL;
	int nr, extended_at = elf_scnshndx(scn);

	if (header->sh_offset > file->size || header->sh_size > file->size - header->sh_offset)
		return complain(file, "its symbols reach beyond the end of the file");
	data = elf_getdata(scn, NULL);
	if (!data || !header->sh_entsize)
		return complain(file, "its symbols cannot be read");
	if (extended_at > 0)
		extended = elf_getdata(elf_getscn(file->elf, extended_at), NULL);
	nr = data->d_size / gelf_fsize(file->elf, ELF_T_SYM, 1, EV_CURRENT);
	file->symbols = calloc(nr + 1, sizeof(*file->symbols));
	file->by_name = calloc(nr + 1, sizeof(*file->by_name));
	if (!file->symbols || !file->by_name) {
		msg__error("%s: not enough memory for its symbols", file->name);
		return -ENOMEM;
	}
	for (int i = 0; i < nr; i++) {
		Elf32_Word section = 0;
		GElf_Sym symbol;
		const char *name;

		if (!gelf_getsymshndx(data, extended, i, &symbol, &section))
			return complain(file, "a symbol cannot be read");
		name = elf_strptr(file->elf, header->sh_link, symbol.st_name);
		if (!name)
			return complain(file, "a symbol has no name");
		file->symbols[i] = (struct elf_symbol){
			.name = name,
			.value = symbol.st_value,
			.size = symbol.st_size,
			.section = symbol.st_shndx == SHN_XINDEX ? section : symbol.st_shndx,
			.type = GELF_ST_TYPE(symbol.st_info),
			.bind = GELF_ST_BIND(symbol.st_info),
			.index = i,
		};
		file->by_name[i] = i;
	}
	file->nr_symbols = nr;
	qsort_r(file->by_name, nr, sizeof(*file->by_name), compare_names, file->symbols);
	return 0;
}

static int find_symbols(struct elf_file *file)
{
	for (size_t i = 1; i < file->nr_sections; i++) {
		Elf_Scn *scn = elf_getscn(file->elf, i);
		GElf_Shdr header;

		if (scn && gelf_getshdr(scn, &header) && header.sh_type == SHT_SYMTAB)
			return read_symbols(file, scn, &header);
	}
	return 0;
}

int elf_file__nr_symbols(const struct elf_file *file)
{
	return file->nr_symbols;
}

const struct elf_symbol *elf_file__symbol_at(const struct elf_file *file, int index)
{
	return index >= 0 && index < file->nr_symbols ? &file->symbols[index] : NULL;
}

/* Where the names that are not less than this one begin in by_name. */
static int lower_bound(const struct elf_file *file, const char *name)
{
	int from = 0, to = file->nr_symbols;

	while (from < to) {
		int middle = from + (to - from) / 2;

		if (strcmp(file->symbols[file->by_name[middle]].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static const struct elf_symbol *nth_if_named(const struct elf_file *file, int at, const char *name)
{
	const struct elf_symbol *symbol;

	if (at >= file->nr_symbols)
		return NULL;
	symbol = &file->symbols[file->by_name[at]];
	return strcmp(symbol->name, name) == 0 ? symbol : NULL;
}

const struct elf_symbol *elf_file__symbol(const struct elf_file *file, const char *name)
{
	return nth_if_named(file, lower_bound(file, name), name);
}

const struct elf_symbol *elf_file__next_symbol(const struct elf_file *file,
					       const struct elf_symbol *symbol)
{
	int at = lower_bound(file, symbol->name);

	while (at < file->nr_symbols && file->by_name[at] <= (int)symbol->index)
		at++;
	return nth_if_named(file, at, symbol->name);
}

/* --- relocations ------------------------------------------------------------------------------ */

static int take_relocations(const struct elf_file *file, Elf_Scn *scn, const GElf_Shdr *header,
			    int (*take)(const struct elf_reloc *reloc, void *arg), void *arg)
{
	bool has_addend = header->sh_type == SHT_RELA;
	Elf_Data *data;
	int err = 0, nr;

	if (header->sh_offset > file->size || header->sh_size > file->size - header->sh_offset)
		return complain(file, "its relocations reach beyond the end of the file");
	data = elf_getdata(scn, NULL);
	if (!data)
		return complain(file, "its relocations cannot be read");
	nr = data->d_size /
	     gelf_fsize(file->elf, has_addend ? ELF_T_RELA : ELF_T_REL, 1, EV_CURRENT);
	for (int i = 0; i < nr && !err; i++) {
		struct elf_reloc reloc;
		GElf_Rela rela;
		GElf_Rel rel;

		if (has_addend ? !gelf_getrela(data, i, &rela) : !gelf_getrel(data, i, &rel))
			return complain(file, "a relocation cannot be read");
		if (!has_addend)
			rela = (GElf_Rela){ .r_offset = rel.r_offset, .r_info = rel.r_info };
		reloc = (struct elf_reloc){
			.offset = rela.r_offset,
			.type = GELF_R_TYPE(rela.r_info),
			.addend = rela.r_addend,
			.symbol = elf_file__symbol_at(file, GELF_R_SYM(rela.r_info)),
		};
		if (!reloc.symbol)
			return complain(file, "a relocation names a symbol that is not there");
		err = take(&reloc, arg);
	}
	return err;
}

int elf_file__relocations(const struct elf_file *file, size_t section,
			  int (*take)(const struct elf_reloc *reloc, void *arg), void *arg)
{
	int err = 0;

	for (size_t i = 1; i < file->nr_sections && !err; i++) {
		Elf_Scn *scn = elf_getscn(file->elf, i);
		GElf_Shdr header;

		if (scn && gelf_getshdr(scn, &header) && header.sh_info == section &&
		    (header.sh_type == SHT_RELA || header.sh_type == SHT_REL))
			err = take_relocations(file, scn, &header, take, arg);
	}
	return err;
}

/* --- the file --------------------------------------------------------------------------------- */

struct Elf *elf_file__handle(const struct elf_file *file)
{
	return file->elf;
}

const char *elf_file__name(const struct elf_file *file)
{
	return file->name;
}

unsigned int elf_file__type(const struct elf_file *file)
{
	return file->header.e_type;
}

unsigned int elf_file__machine(const struct elf_file *file)
{
	return file->header.e_machine;
}

bool elf_file__is_swapped(const struct elf_file *file)
{
	unsigned char native = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

	return file->header.e_ident[EI_DATA] != native;
}

static int open_elf(struct elf_file *file, void *data, size_t size)
{
	elf_version(EV_CURRENT);
	file->size = size;
	file->elf = elf_memory(data, size);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF ||
	    !gelf_getehdr(file->elf, &file->header))
		return complain(file, "its ELF header cannot be read");
	/* libelf shows a file whose table of sections is cut off as one without sections. */
	if (file->header.e_shoff > size ||
	    (size_t)file->header.e_shnum * file->header.e_shentsize > size - file->header.e_shoff)
		return complain(file, "its table of sections lies beyond the end of the file");
	if (elf_getshdrnum(file->elf, &file->nr_sections) ||
	    elf_getshdrstrndx(file->elf, &file->names_section))
		return complain(file, "its sections cannot be read");
	return find_symbols(file);
}

int elf_file__open(const char *name, void *data, size_t size, struct elf_file **result)
{
	struct elf_file *file = calloc(1, sizeof(*file));
	int err = -ENOMEM;

	if (file)
		file->name = strdup(name);
	if (!file || !file->name)
		msg__error("%s: not enough memory to read it", name);
	else
		err = open_elf(file, data, size);
	if (err) {
		elf_file__free(file);
		return err;
	}
	*result = file;
	return 0;
}

void elf_file__free(struct elf_file *file)
{
	if (!file)
		return;
	free(file->symbols);
	free(file->by_name);
	elf_end(file->elf);
	free(file->name);
	free(file);
}
