// SPDX-License-Identifier: GPL-2.0-only
/*
 * .BTF.ext: which source line an instruction is from, and which constants libbpf replaces. Each kind
 * of record stands in a part of its own, in blocks, one for each section of code.
 */
#include "object_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <linux/btf.h>

#include "object_file_private.h"

struct ext_header {
	__u16 magic;
	__u8 version;
	__u8 flags;
	__u32 header_len;
	__u32 func_info_off, func_info_len;
	__u32 line_info_off, line_info_len;
	/* Not in old ones. */
	__u32 core_relo_off, core_relo_len;
};

struct line_record {
	__u32 insn_off, file_name_off, line_off, line_col;
};

struct core_record {
	__u32 insn_off, type_id, access_str_off, kind;
};

struct block_header {
	__u32 section_name_off, nr;
};

/* Takes one record of a section's code. */
typedef int (*take_record_fn)(struct object_file *file, size_t section, const void *record);

static int add_line(struct object_file *file, size_t section, const void *record)
{
	struct object_line *grown;
	struct line_record line;

	memcpy(&line, record, sizeof(line));
	/* Doubles when the number is a power of two. */
	if (!(file->nr_lines & (file->nr_lines - 1))) {
		grown = realloc(file->lines,
				(file->nr_lines ? file->nr_lines * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		file->lines = grown;
	}
	file->lines[file->nr_lines++] = (struct object_line){
		.section = section,
		.insn = line.insn_off / sizeof(struct bpf_insn),
		.file = btf__name_by_offset(file->btf, line.file_name_off) ?: "",
		.line = BPF_LINE_INFO_LINE_NUM(line.line_col),
	};
	return 0;
}

/* Kinds of CO-RE relocations that tell whether a field, a type or a value of an enum exists. */
static bool asks(__u32 kind)
{
	enum { FIELD_EXISTS = 2, TYPE_EXISTS = 8, VALUE_EXISTS = 10, TYPE_MATCHES = 12 };

	return kind == FIELD_EXISTS || kind == TYPE_EXISTS || kind == VALUE_EXISTS ||
	       kind == TYPE_MATCHES;
}

static int add_core_reloc(struct object_file *file, size_t section, const void *record)
{
	struct object_core_reloc *grown;
	struct core_record core;

	memcpy(&core, record, sizeof(core));
	if (!(file->nr_core_relocs & (file->nr_core_relocs - 1))) {
		grown = realloc(file->core_relocs,
				(file->nr_core_relocs ? file->nr_core_relocs * 2 : 1) *
					sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		file->core_relocs = grown;
	}
	file->core_relocs[file->nr_core_relocs++] = (struct object_core_reloc){
		.section = section,
		.insn = core.insn_off / sizeof(struct bpf_insn),
		.asks = asks(core.kind),
	};
	return 0;
}

static size_t section_by_name(const struct object_file *file, const char *name)
{
	for (size_t i = 1; name && i < file->nr_sections; i++) {
		if (file->sections[i].insns && strcmp(file->sections[i].name, name) == 0)
			return i;
	}
	return 0;
}

static int take_part(struct object_file *file, const char *data, size_t size, size_t min_record,
		     take_record_fn take)
{
	struct block_header block;
	__u32 record_size;
	int err = 0;

	if (size < sizeof(record_size))
		return size ? -EBADMSG : 0;
	memcpy(&record_size, data, sizeof(record_size));
	data += sizeof(record_size);
	size -= sizeof(record_size);
	if (record_size < min_record)
		return -EBADMSG;
	while (size) {
		size_t section;

		if (size < sizeof(block))
			return -EBADMSG;
		memcpy(&block, data, sizeof(block));
		data += sizeof(block);
		size -= sizeof(block);
		if (block.nr > size / record_size)
			return -EBADMSG;
		section = section_by_name(file,
					  btf__name_by_offset(file->btf, block.section_name_off));
		for (__u32 i = 0; i < block.nr && section && !err; i++)
			err = take(file, section, data + (size_t)i * record_size);
		if (err)
			return err;
		data += (size_t)block.nr * record_size;
		size -= (size_t)block.nr * record_size;
	}
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct object_line *left = a, *right = b;

	if (left->section != right->section)
		return left->section < right->section ? -1 : 1;
	return left->insn < right->insn ? -1 : left->insn > right->insn;
}

int object_file__take_btf_ext(struct object_file *file)
{
	const struct object_section *section = object_file__section(file, ".BTF.ext");
	struct ext_header header = { 0 };
	const char *data;
	size_t size;
	int err = -EBADMSG;

	if (!section)
		return 0;
	size = section->size;
	memcpy(&header, section->data, size < sizeof(header) ? size : sizeof(header));
	if (header.magic == BTF_MAGIC && header.header_len <= size &&
	    header.header_len >= offsetof(struct ext_header, core_relo_off)) {
		if (header.header_len < sizeof(header))
			header.core_relo_off = header.core_relo_len = 0;
		data = (const char *)section->data + header.header_len;
		size -= header.header_len;
		if (header.line_info_off <= size &&
		    header.line_info_len <= size - header.line_info_off &&
		    header.core_relo_off <= size &&
		    header.core_relo_len <= size - header.core_relo_off)
			err = take_part(file, data + header.line_info_off, header.line_info_len,
					sizeof(struct line_record), add_line)
				      ?: take_part(file, data + header.core_relo_off,
						   header.core_relo_len, sizeof(struct core_record),
						   add_core_reloc);
	}
	if (err == -EBADMSG)
		return object_file__complain(file, err,
					     "damaged line information (section .BTF.ext)");
	if (file->nr_lines)
		qsort(file->lines, file->nr_lines, sizeof(*file->lines), compare_lines);
	return err;
}
