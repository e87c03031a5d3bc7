/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds elements of an array by a hash: it holds their indices, the array is somebody else's. */
#ifndef KFUNCTRACE_HASH_INDEX_H
#define KFUNCTRACE_HASH_INDEX_H

#include <stddef.h>
#include <linux/types.h>

/* All zeros is an empty one. */
struct hash_index {
	struct hash_entry {
		__u32 hash;
		__u32 value;
	} *entries;
	size_t room, nr; /* room is 0 or a power of two */
};
#define HASH_NONE (~0u)

/*
 * Those that may be what is looked for; the caller compares:
 * for (v = hash_index__first(index, hash, &at); v != HASH_NONE; v = hash_index__next(index, hash, &at))
 */
__u32 hash_index__first(const struct hash_index *index, __u64 hash, size_t *at);
__u32 hash_index__next(const struct hash_index *index, __u64 hash, size_t *at);
/* 0 or -ENOMEM. */
int hash_index__add(struct hash_index *index, __u64 hash, __u32 value);
void hash_index__remove(struct hash_index *index, __u64 hash, __u32 value);
void hash_index__free(struct hash_index *index);

/* Hashes of what is in several parts begin with HASH_START, and go on with what the last one gave. */
#define HASH_START 0xcbf29ce484222325ull
__u64 hash_text(__u64 hash, const char *text);
__u64 hash_number(__u64 hash, __u64 number);

#endif
