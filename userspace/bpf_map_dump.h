/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KFUNCTRACE_BPF_MAP_DUMP_H
#define KFUNCTRACE_BPF_MAP_DUMP_H

#include <stddef.h>

/*
 * All entries of a hash map. *keys and *values are malloc'ed arrays of *nr elements; the caller
 * frees both. Entries that come or go meanwhile may or may not be in it. Returns 0 or a negative
 * errno.
 */
int bpf_map_dump(int fd, size_t key_size, size_t value_size, void **keys, void **values,
		 size_t *nr);

#endif
