// SPDX-License-Identifier: GPL-2.0-only
#include "usage.h"

#include <errno.h>
#include <stdbool.h>
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

__u64 usage_counts__missed_returns(const struct usage_counts *counts)
{
	return counts->calls > counts->returns ? counts->calls - counts->returns : 0;
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

static __u64 grown_by(__u64 newer, __u64 older)
{
	return newer > older ? newer - older : 0;
}

struct usage_counts usage_counts__subtract(const struct usage_counts *a,
					   const struct usage_counts *b)
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

static bool is_empty(const struct usage_counts *counts)
{
	static const struct usage_counts none;

	return memcmp(counts, &none, sizeof(none)) == 0;
}

static __u64 take_from(__u64 *from, __u64 most)
{
	__u64 taken = *from < most ? *from : most;

	*from -= taken;
	return taken;
}

/* What has come from another row was counted there. */
static void take_moved(struct usage_counts *grown, struct usage_counts *moved)
{
	__u64 calls = take_from(&grown->calls, moved->calls);

	moved->calls -= calls;
	moved->nulls -= take_from(&grown->nulls, moved->nulls);
	moved->returns -= take_from(&grown->returns, moved->returns);
	/* Why they are unknown: for want of an owner, or of a record. */
	calls -= take_from(&grown->no_caller, calls);
	take_from(&grown->orphaned, calls);
}

/*
 * The rows of one subject, from `first` on, of which `moved` are no new calls. Unknown callers, the last
 * ones, are what calls move to or from.
 */
static void settle(struct usage *change, size_t first, struct usage_counts *moved)
{
	size_t kept = first;

	for (size_t i = change->nr; i-- > first;)
		take_moved(&change->rows[i].counts, moved);
	for (size_t i = first; i < change->nr; i++) {
		if (!is_empty(&change->rows[i].counts))
			change->rows[kept++] = change->rows[i];
	}
	change->nr = kept;
}

/* Which of two sorted rows comes first, with NULL for none left. */
static int compare_next(const struct usage_row *a, const struct usage_row *b)
{
	if (!a || !b)
		return a ? -1 : 1;
	return compare_keys(&a->key, &b->key);
}

static const struct usage_row *row_of(const struct usage *usage, size_t at, __u32 subject)
{
	return at < usage->nr && usage->rows[at].key.subject == subject ? &usage->rows[at] : NULL;
}

/* The rows of one subject, from *new_at and *old_at on, which are behind them afterwards. */
static int add_subject(struct usage *into, __u32 subject, const struct usage *newer, size_t *new_at,
		       const struct usage *older, size_t *old_at)
{
	static const struct usage_counts none;
	const struct usage_row *row, *before;
	struct usage_counts moved = { 0 };
	size_t first = into->nr;

	while ((row = row_of(newer, *new_at, subject)) || row_of(older, *old_at, subject)) {
		struct usage_counts grown, shrunk;
		int order;

		before = row_of(older, *old_at, subject);
		order = compare_next(row, before);
		grown = usage_counts__subtract(order <= 0 ? &row->counts : &none,
					       order >= 0 ? &before->counts : &none);
		shrunk = usage_counts__subtract(order >= 0 ? &before->counts : &none,
						order <= 0 ? &row->counts : &none);
		usage_counts__add(&moved, &shrunk);
		if (order <= 0 && usage__add(into, &row->key, &grown))
			return -ENOMEM;
		*new_at += order <= 0;
		*old_at += order >= 0;
	}
	settle(into, first, &moved);
	return 0;
}

int usage__difference(struct usage *into, const struct usage *newer, const struct usage *older)
{
	size_t new_at = 0, old_at = 0;
	int err = 0;

	usage__clear(into);
	while (new_at < newer->nr && !err) {
		__u32 subject = newer->rows[new_at].key.subject;

		while (old_at < older->nr && older->rows[old_at].key.subject < subject)
			old_at++;
		err = add_subject(into, subject, newer, &new_at, older, &old_at);
	}
	return err;
}

void usage__take_out(struct usage *usage, const struct usage *gone)
{
	size_t at = 0, kept = 0;

	for (size_t i = 0; i < usage->nr; i++) {
		struct usage_row row = usage->rows[i];

		while (at < gone->nr && compare_keys(&gone->rows[at].key, &row.key) < 0)
			at++;
		if (at < gone->nr && compare_keys(&gone->rows[at].key, &row.key) == 0)
			row.counts = usage_counts__subtract(&row.counts, &gone->rows[at].counts);
		if (!is_empty(&row.counts))
			usage->rows[kept++] = row;
	}
	usage->nr = kept;
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
