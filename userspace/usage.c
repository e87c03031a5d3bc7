// SPDX-License-Identifier: GPL-2.0-only
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int usage__add(struct usage *usage, const struct usage_key *key, const struct usage_counts *counts)
{
	if (usage->nr == usage->room) {
		size_t room = usage->room ? usage->room * 2 : 256;
		struct usage_row *grown = realloc(usage->rows, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		usage->rows = grown;
		usage->room = room;
	}
	usage->rows[usage->nr].key = *key;
	usage->rows[usage->nr].counts = *counts;
	usage->nr++;
	return 0;
}

static int compare_keys(const struct usage_key *a, const struct usage_key *b)
{
	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->prog_id != b->prog_id)
		return a->prog_id < b->prog_id ? -1 : 1;
	if (a->subprog != b->subprog)
		return a->subprog < b->subprog ? -1 : 1;
	if (a->site != b->site)
		return a->site < b->site ? -1 : 1;
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct usage_row *left = a, *right = b;

	return compare_keys(&left->key, &right->key);
}

void usage_counts__add(struct usage_counts *sum, const struct usage_counts *counts)
{
	sum->calls += counts->calls;
	sum->nulls += counts->nulls;
	sum->returns += counts->returns;
	sum->recursion_misses += counts->recursion_misses;
	sum->table_full += counts->table_full;
	sum->no_caller += counts->no_caller;
	sum->orphaned += counts->orphaned;
}

void usage__compact(struct usage *usage)
{
	size_t last = 0;

	if (!usage->nr)
		return;
	qsort(usage->rows, usage->nr, sizeof(*usage->rows), compare_rows);
	for (size_t i = 1; i < usage->nr; i++) {
		if (compare_keys(&usage->rows[last].key, &usage->rows[i].key) == 0)
			usage_counts__add(&usage->rows[last].counts, &usage->rows[i].counts);
		else
			usage->rows[++last] = usage->rows[i];
	}
	usage->nr = last + 1;
}

/* A row can shrink when its program's record was lost and its calls became unknown: never below 0.
 */
static __u64 grown_by(__u64 newer, __u64 older)
{
	return newer > older ? newer - older : 0;
}

static struct usage_counts subtract(const struct usage_counts *a, const struct usage_counts *b)
{
	return (struct usage_counts){
		.calls = grown_by(a->calls, b->calls),
		.nulls = grown_by(a->nulls, b->nulls),
		.returns = grown_by(a->returns, b->returns),
		.recursion_misses = grown_by(a->recursion_misses, b->recursion_misses),
		.table_full = grown_by(a->table_full, b->table_full),
		.no_caller = grown_by(a->no_caller, b->no_caller),
		.orphaned = grown_by(a->orphaned, b->orphaned),
	};
}

int usage__difference(struct usage *into, const struct usage *newer, const struct usage *older)
{
	size_t at = 0;

	usage__clear(into);
	for (size_t i = 0; i < newer->nr; i++) {
		const struct usage_row *row = &newer->rows[i];
		struct usage_counts counts = row->counts;

		while (at < older->nr && compare_keys(&older->rows[at].key, &row->key) < 0)
			at++;
		if (at < older->nr && compare_keys(&older->rows[at].key, &row->key) == 0)
			counts = subtract(&row->counts, &older->rows[at].counts);
		if (counts.calls && usage__add(into, &row->key, &counts))
			return -ENOMEM;
	}
	return 0;
}

int usage__copy(struct usage *into, const struct usage *from)
{
	int err = 0;

	usage__clear(into);
	for (size_t i = 0; i < from->nr && !err; i++)
		err = usage__add(into, &from->rows[i].key, &from->rows[i].counts);
	return err;
}

void usage__clear(struct usage *usage)
{
	usage->nr = 0;
}

void usage__free(struct usage *usage)
{
	free(usage->rows);
	memset(usage, 0, sizeof(*usage));
}
