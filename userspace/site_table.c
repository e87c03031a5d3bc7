// SPDX-License-Identifier: GPL-2.0-only
#include "site_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf_map_dump.h"
#include "prog_table.h"

static int compare(const void *a, const void *b)
{
	const struct kft_site_key *left = a, *right = b;

	if (left->prog_id != right->prog_id)
		return left->prog_id < right->prog_id ? -1 : 1;
	if (left->subprog != right->subprog)
		return left->subprog < right->subprog ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

const struct kft_site *site_table__find(const struct site_table *table, __u32 prog_id,
					__u32 subprog, __u64 offset)
{
	const struct kft_site_key key = {
		.prog_id = prog_id,
		.subprog = subprog,
		.offset = offset,
	};
	const struct named_site *found;

	if (!table->nr)
		return NULL;
	found = bsearch(&key, table->sites, table->nr, sizeof(*table->sites), compare);
	return found ? &found->site : NULL;
}

static int compare_sites(const void *a, const void *b)
{
	const struct named_site *left = a, *right = b;

	return compare(&left->key, &right->key);
}

/* Sites that are still there come again with every reading. */
void site_table__sort(struct site_table *table)
{
	size_t last = 0;

	if (!table->nr)
		return;
	qsort(table->sites, table->nr, sizeof(*table->sites), compare_sites);
	for (size_t i = 1; i < table->nr; i++) {
		if (compare_sites(&table->sites[last], &table->sites[i]))
			table->sites[++last] = table->sites[i];
	}
	table->nr = last + 1;
}

int site_table__add(struct site_table *table, const struct kft_site_key *key,
		    const struct kft_site *site)
{
	if (table->nr == table->room) {
		size_t room = table->room ? table->room * 2 : 256;
		struct named_site *grown = realloc(table->sites, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->sites = grown;
		table->room = room;
	}
	table->sites[table->nr].key = *key;
	table->sites[table->nr++].site = *site;
	return 0;
}

int site_table__take(struct site_table *table, int sites_fd)
{
	struct kft_site_key *keys;
	struct kft_site *sites;
	size_t nr;
	int err;

	err = bpf_map_dump(sites_fd, sizeof(*keys), sizeof(*sites), (void **)&keys, (void **)&sites,
			   &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++) {
		err = site_table__add(table, &keys[i], &sites[i]);
		/* It comes back when it is asked for again: its program is still there then. */
		if (!err)
			bpf_map_delete_elem(sites_fd, &keys[i]);
	}
	site_table__sort(table);
	free(keys);
	free(sites);
	return err;
}

void site_table__forget(struct site_table *table, const struct prog_table *programs)
{
	struct named_site *smaller;
	size_t kept = 0;

	for (size_t i = 0; i < table->nr; i++) {
		if (prog_table__find(programs, table->sites[i].key.prog_id))
			table->sites[kept++] = table->sites[i];
	}
	table->nr = kept;
	if (!table->room || kept > table->room / 4)
		return;
	smaller = realloc(table->sites, (kept ?: 1) * sizeof(*smaller));
	if (smaller) {
		table->sites = smaller;
		table->room = kept ?: 1;
	}
}

void site_table__free(struct site_table *table)
{
	free(table->sites);
	memset(table, 0, sizeof(*table));
}
