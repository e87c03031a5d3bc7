// SPDX-License-Identifier: GPL-2.0-only
#include "program_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

struct program_source {
	struct btf *btf;
	struct bpf_func_info *functions;
	__u32 nr_functions;
	struct bpf_line_info *lines;
	__u32 nr_lines;
};

/* Both kinds of records begin with the number of an instruction. */
int program_source__last_up_to(const __u32 *first, __u32 nr, __u32 record_size, __u32 insn)
{
	__u32 low = 0, high = nr;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (*(const __u32 *)((const char *)first + (size_t)middle * record_size) <= insn)
			low = middle + 1;
		else
			high = middle;
	}
	return (int)low - 1;
}

static int read_records(int fd, const struct bpf_prog_info *all, struct program_source *source)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (all->nr_func_info && all->func_info_rec_size == sizeof(*source->functions)) {
		source->functions = calloc(all->nr_func_info, sizeof(*source->functions));
		if (!source->functions)
			return -ENOMEM;
		info.nr_func_info = source->nr_functions = all->nr_func_info;
		info.func_info_rec_size = sizeof(*source->functions);
		info.func_info = (__u64)(unsigned long)source->functions;
	}
	if (all->nr_line_info && all->line_info_rec_size == sizeof(*source->lines)) {
		source->lines = calloc(all->nr_line_info, sizeof(*source->lines));
		if (!source->lines)
			return -ENOMEM;
		info.nr_line_info = source->nr_lines = all->nr_line_info;
		info.line_info_rec_size = sizeof(*source->lines);
		info.line_info = (__u64)(unsigned long)source->lines;
	}
	return bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
}

static int read_source(int fd, struct program_source *source)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (!info.btf_id)
		return -ENODATA;
	source->btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!source->btf)
		return -errno;
	return read_records(fd, &info, source);
}

int program_source__open(__u32 prog_id, struct program_source **result)
{
	struct program_source *source;
	int fd = bpf_prog_get_fd_by_id(prog_id), err;

	if (fd < 0)
		return -errno;
	source = calloc(1, sizeof(*source));
	err = source ? read_source(fd, source) : -ENOMEM;
	close(fd);
	if (err)
		program_source__free(source);
	else
		*result = source;
	return err;
}

void program_source__free(struct program_source *source)
{
	if (!source)
		return;
	btf__free(source->btf);
	free(source->functions);
	free(source->lines);
	free(source);
}

static const char *name_of(const struct program_source *source, int at)
{
	const struct btf_type *type;
	const char *name;

	if (at < 0)
		return NULL;
	type = btf__type_by_id(source->btf, source->functions[at].type_id);
	name = type ? btf__name_by_offset(source->btf, type->name_off) : NULL;
	return name && *name ? name : NULL;
}

const char *program_source__name(const struct program_source *source)
{
	return source && source->nr_functions ? name_of(source, 0) : NULL;
}

const char *program_source__function(const struct program_source *source, __u32 insn)
{
	if (!source || !source->nr_functions)
		return NULL;
	return name_of(source, program_source__last_up_to(&source->functions[0].insn_off,
							  source->nr_functions,
							  sizeof(*source->functions), insn));
}

const char *program_source__file(const struct program_source *source, __u32 insn, __u32 *line)
{
	const char *file;
	int at;

	if (!source || !source->nr_lines)
		return NULL;
	at = program_source__last_up_to(&source->lines[0].insn_off, source->nr_lines,
					sizeof(*source->lines), insn);
	file = at < 0 ? NULL : btf__name_by_offset(source->btf, source->lines[at].file_name_off);
	if (!file || !*file)
		return NULL;
	*line = BPF_LINE_INFO_LINE_NUM(source->lines[at].line_col);
	return file;
}

const struct btf *program_source__btf(const struct program_source *source)
{
	return source ? source->btf : NULL;
}
