// SPDX-License-Identifier: GPL-2.0-only
#include "hash_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 64

/* What of a hash is kept; its upper half has seen every byte too. */
static __u32 short_hash(__u64 hash)
{
	hash *= 0x9e3779b97f4a7c15ull;
	return hash >> 32;
}

static __u32 look(const struct hash_index *index, __u32 hash, size_t *at)
{
	if (!index->room)
		return HASH_NONE;
	for (;; *at = (*at + 1) & (index->room - 1)) {
		const struct hash_entry *entry = &index->entries[*at];

		if (entry->value == HASH_NONE || entry->hash == hash)
			return entry->value;
	}
}

__u32 hash_index__first(const struct hash_index *index, __u64 hash, size_t *at)
{
	*at = index->room ? short_hash(hash) & (index->room - 1) : 0;
	return look(index, short_hash(hash), at);
}

__u32 hash_index__next(const struct hash_index *index, __u64 hash, size_t *at)
{
	*at = (*at + 1) & (index->room - 1);
	return look(index, short_hash(hash), at);
}

static void put(struct hash_index *index, struct hash_entry entry)
{
	size_t at = entry.hash & (index->room - 1);

	while (index->entries[at].value != HASH_NONE)
		at = (at + 1) & (index->room - 1);
	index->entries[at] = entry;
}

static int grow(struct hash_index *index)
{
	size_t room = index->room ? index->room * 2 : FIRST_ROOM;
	struct hash_index grown = { .room = room, .nr = index->nr };

	grown.entries = malloc(room * sizeof(*grown.entries));
	if (!grown.entries)
		return -ENOMEM;
	memset(grown.entries, 0xff, room * sizeof(*grown.entries));
	for (size_t i = 0; i < index->room; i++) {
		if (index->entries[i].value != HASH_NONE)
			put(&grown, index->entries[i]);
	}
	free(index->entries);
	*index = grown;
	return 0;
}

int hash_index__add(struct hash_index *index, __u64 hash, __u32 value)
{
	if ((index->nr + 1) * 4 > index->room * 3 && grow(index))
		return -ENOMEM;
	put(index, (struct hash_entry){ .hash = short_hash(hash), .value = value });
	index->nr++;
	return 0;
}

/* Those that stand behind, because it was in their way, move up. */
static void close_gap(struct hash_index *index, size_t gap)
{
	size_t mask = index->room - 1, at = gap;

	for (;;) {
		at = (at + 1) & mask;
		if (index->entries[at].value == HASH_NONE)
			break;
		if (((at - index->entries[at].hash) & mask) < ((at - gap) & mask))
			continue;
		index->entries[gap] = index->entries[at];
		gap = at;
	}
	index->entries[gap].value = HASH_NONE;
}

void hash_index__remove(struct hash_index *index, __u64 hash, __u32 value)
{
	size_t at;

	for (__u32 found = hash_index__first(index, hash, &at); found != HASH_NONE;
	     found = hash_index__next(index, hash, &at)) {
		if (found != value)
			continue;
		close_gap(index, at);
		index->nr--;
		return;
	}
}

void hash_index__free(struct hash_index *index)
{
	free(index->entries);
	memset(index, 0, sizeof(*index));
}

/* FNV-1a */
static __u64 hash_byte(__u64 hash, unsigned char byte)
{
	return (hash ^ byte) * 0x100000001b3ull;
}

__u64 hash_text(__u64 hash, const char *text)
{
	for (; *text; text++)
		hash = hash_byte(hash, (unsigned char)*text);
	/* "ab", "c" is not "a", "bc". */
	return hash_byte(hash, 0xff);
}

__u64 hash_number(__u64 hash, __u64 number)
{
	hash = (hash ^ number) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}
