// SPDX-License-Identifier: GPL-2.0-only
#include "bpf_map_dump.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

/* A batch must hold the fullest bucket of the map; ENOSPC says that it did not. */
#define FIRST_BATCH 512

static int grow(void **buf, size_t elements, size_t size)
{
	void *grown = realloc(*buf, elements * size);

	if (!grown)
		return -ENOMEM;
	*buf = grown;
	return 0;
}

int bpf_map_dump(int fd, size_t key_size, size_t value_size, void **keys, void **values, size_t *nr)
{
	__u32 in_batch, out_batch, *in = NULL, batch = FIRST_BATCH;
	int err = 0;

	*keys = *values = NULL;
	*nr = 0;
	for (;;) {
		__u32 count = batch;

		err = grow(keys, *nr + batch, key_size) ?: grow(values, *nr + batch, value_size);
		if (err)
			break;
		err = bpf_map_lookup_batch(fd, in, &out_batch, (char *)*keys + *nr * key_size,
					   (char *)*values + *nr * value_size, &count, NULL);
		if (err && errno == ENOSPC) {
			batch *= 2;
			continue;
		}
		if (err && errno != ENOENT) {
			err = -errno;
			break;
		}
		*nr += count;
		if (err) { /* ENOENT: that was the last batch */
			err = 0;
			break;
		}
		in_batch = out_batch;
		in = &in_batch;
	}
	if (err) {
		free(*keys);
		free(*values);
		*keys = *values = NULL;
		*nr = 0;
	}
	return err;
}
