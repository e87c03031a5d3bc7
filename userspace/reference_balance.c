// SPDX-License-Identifier: GPL-2.0-only
#include "reference_balance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "pairing.h"
#include "probe_set.h"
#include "reference_plan.h"
#include "references.h"

static void add_counts(struct balance_counts *sum, const struct balance_counts *counts)
{
	sum->acquired += counts->acquired;
	sum->failed += counts->failed;
	sum->released += counts->released;
	sum->by_maps += counts->by_maps;
	sum->missed_acquires += counts->missed_acquires;
	sum->missed_releases += counts->missed_releases;
	sum->unmatched += counts->unmatched;
	sum->untracked += counts->untracked;
}

static __u64 above(__u64 a, __u64 b)
{
	return a > b ? a - b : 0;
}

/* Whose part the call is; NULL: nobody's. */
static const struct reference_function *find_outer(const struct pairing *pairing,
						   const struct counters *counters,
						   const struct usage_key *key)
{
	const char *name;
	__u64 offset;

	if (key->kind != CALLER_KERNEL)
		return NULL;
	name = counters__kernel_site(counters, key->site, &offset);
	return name && reference_plan__is_inner(pairing, key->subject, name)
		       ? pairing__find(pairing, name)
		       : NULL;
}

bool balance__is_inner(const struct pairing *pairing, const struct counters *counters,
		       const struct usage_key *key)
{
	return find_outer(pairing, counters, key) != NULL;
}

/* Each call of the outer one is a call of the inner one. */
static bool always_calls(const struct pairing *pairing, const struct reference_function *outer,
			 __u32 inner)
{
	return outer && outer->ends_in &&
	       strcmp(outer->ends_in, pairing__function(pairing, inner)->name) == 0 &&
	       reference_plan__is_inner(pairing, inner, outer->name);
}

/* The inner calls of a function that are not told from where they came. */
static struct usage_counts hidden_calls(const struct usage *usage, const struct pairing *pairing,
					const struct counters *counters, __u32 inner)
{
	struct usage_counts all = { 0 }, told = { 0 };

	for (size_t i = 0; i < usage->nr; i++) {
		const struct usage_row *row = &usage->rows[i];

		if (row->key.subject == inner &&
		    always_calls(pairing, find_outer(pairing, counters, &row->key), inner))
			usage_counts__add(&told, &row->counts);
		else if (always_calls(pairing, pairing__function(pairing, row->key.subject), inner))
			usage_counts__add(&all, &row->counts);
	}
	return usage_counts__subtract(&all, &told);
}

void reference_balance__drop_hidden(struct usage *usage, const struct pairing *pairing,
				    const struct counters *counters)
{
	for (size_t i = 0; i < usage->nr; i++) {
		struct usage_row *row = &usage->rows[i];
		struct usage_counts hidden;

		if (row->key.kind != CALLER_UNKNOWN || !row->counts.no_caller)
			continue;
		hidden = hidden_calls(usage, pairing, counters, row->key.subject);
		if (hidden.calls > row->counts.no_caller)
			hidden.calls = row->counts.no_caller;
		row->counts = usage_counts__subtract(
			&row->counts, &(struct usage_counts){ .calls = hidden.calls,
							      .no_caller = hidden.calls,
							      .returns = hidden.returns,
							      .nulls = hidden.nulls });
	}
}

struct balance_counts balance_counts__of(const struct reference_function *function, int type,
					 const struct usage_key *key,
					 const struct usage_counts *usage)
{
	__u64 seen = usage->calls - usage->recursion_misses;
	__u64 returned = above(usage->returns, usage->recursion_misses);
	__u64 failed = usage->nulls < returned ? usage->nulls : returned;
	struct balance_counts counts = { 0 };

	if (function->acquires == type) {
		counts.acquired = returned - failed;
		counts.failed = failed;
		/* What was not seen to return may have acquired something. */
		counts.missed_acquires = usage->recursion_misses + above(seen, returned);
	}
	if (function->releases == type) {
		/* A release has failed when it was one of nothing; a conversion releases always. */
		__u64 given = function->role == REFERENCE_CONVERT ? seen : above(seen, failed);

		if (key->kind == CALLER_KERNEL || function->role == REFERENCE_DESTRUCTOR)
			counts.by_maps = given;
		else
			counts.released = given;
		counts.missed_releases = usage->recursion_misses;
	}
	return counts;
}

static struct balance_counts counts_of_row(const struct reference_function *function,
					   const struct usage_key *key,
					   const struct usage_counts *usage)
{
	struct balance_counts counts = { 0 }, part;

	if (function->acquires >= 0) {
		part = balance_counts__of(function, function->acquires, key, usage);
		add_counts(&counts, &part);
	}
	if (function->releases >= 0 && function->releases != function->acquires) {
		part = balance_counts__of(function, function->releases, key, usage);
		add_counts(&counts, &part);
	}
	return counts;
}

static struct balance_row *row_for(struct reference_balance *balance, int function,
				   const struct caller *caller)
{
	struct balance_row *row;

	for (size_t i = 0; i < balance->nr; i++) {
		row = &balance->rows[i];
		if (row->function == function && row->caller.kind == caller->kind &&
		    row->caller.prog == caller->prog)
			return row;
	}
	row = &balance->rows[balance->nr++];
	row->function = function;
	row->caller = *caller;
	return row;
}

static struct balance_type *type_for(struct reference_balance *balance, int type)
{
	for (size_t i = 0; i < balance->nr_types; i++) {
		if (balance->types[i].type == type)
			return &balance->types[i];
	}
	balance->types[balance->nr_types].type = type;
	return &balance->types[balance->nr_types++];
}

static void add_usage(struct reference_balance *balance, const struct pairing *pairing,
		      const struct counters *counters, const struct usage_row *usage)
{
	const struct reference_function *function = pairing__function(pairing, usage->key.subject);
	struct caller caller = caller__of_key(counters, &usage->key);
	struct balance_row *row = row_for(balance, usage->key.subject, &caller);
	struct balance_counts counts = counts_of_row(function, &usage->key, &usage->counts);
	const int types[] = { function->acquires, function->releases };

	add_counts(&row->counts, &counts);
	for (int i = 0; i < 2; i++) {
		if (types[i] < 0 || (i && types[i] == types[0]))
			continue;
		counts = balance_counts__of(function, types[i], &usage->key, &usage->counts);
		add_counts(&type_for(balance, types[i])->counts, &counts);
	}
}

/* What the accounting of each object knows besides. */
static void add_site(struct reference_balance *balance, const struct pairing *pairing,
		     const struct counters *counters, int function_idx,
		     const struct kft_reference_site *site)
{
	const struct reference_function *function = pairing__function(pairing, function_idx);
	struct balance_counts counts = {
		.unmatched = site->unmatched,
		.untracked = site->untracked,
	};
	struct caller caller;

	if (!site->unmatched && !site->untracked)
		return;
	caller = caller__of_site(counters, site);
	add_counts(&row_for(balance, function_idx, &caller)->counts, &counts);
	if (function->releases >= 0) {
		type_for(balance, function->releases)->counts.unmatched += site->unmatched;
		if (function->acquires < 0)
			return;
	}
	type_for(balance, function->acquires)->counts.untracked += site->untracked;
}

/* None of them is told from the others. */
static void add_not_followed(struct balance_type *type, const struct pairing *pairing,
			     __u64 not_followed)
{
	bool acquires = false, releases = false;

	for (int i = 0; i < pairing__nr_functions(pairing); i++) {
		const struct reference_function *function = pairing__function(pairing, i);

		if (function->failure == FAILS_NEVER)
			continue;
		acquires |= function->acquires == type->type;
		releases |= function->releases == type->type;
	}
	type->counts.missed_acquires += acquires ? not_followed : 0;
	type->counts.missed_releases += releases ? not_followed : 0;
}

static void conclude(struct balance_type *type)
{
	const struct balance_counts *counts = &type->counts;
	/* What was acquired before the start is not of this balance. */
	__u64 gone = above(counts->released + counts->by_maps, counts->unmatched);

	type->outstanding = above(counts->acquired, gone);
	type->at_least = above(counts->acquired, gone + counts->missed_releases);
	type->at_most = above(counts->acquired + counts->missed_acquires, gone);
	type->before_start = counts->unmatched ?: above(gone, counts->acquired);
}

static int compare_rows_of(const void *a, const void *b)
{
	const struct balance_row *left = a, *right = b;
	__u64 one = left->counts.acquired + left->counts.released + left->counts.by_maps;
	__u64 other = right->counts.acquired + right->counts.released + right->counts.by_maps;

	/* Functions are sorted by type and role. */
	if (left->function != right->function)
		return left->function - right->function;
	if (one != other)
		return one > other ? -1 : 1;
	return (int)left->caller.kind - (int)right->caller.kind;
}

static int compare_types(const void *a, const void *b)
{
	const struct balance_type *left = a, *right = b;

	return left->type - right->type;
}

int reference_balance__make(struct reference_balance *balance, const struct usage *usage,
			    const struct pairing *pairing, const struct counters *counters,
			    const struct probe_set *set, const struct references *references,
			    __u64 not_followed)
{
	size_t nr_sites = references ? KFT_MAX_REFERENCE_SITES : 0;

	memset(balance, 0, sizeof(*balance));
	balance->rows = calloc(usage->nr + nr_sites + 1, sizeof(*balance->rows));
	balance->types = calloc(pairing__nr_types(pairing) + 1, sizeof(*balance->types));
	if (!balance->rows || !balance->types) {
		reference_balance__free(balance);
		return -ENOMEM;
	}
	for (size_t i = 0; i < usage->nr; i++) {
		if (usage->rows[i].counts.calls &&
		    !balance__is_inner(pairing, counters, &usage->rows[i].key))
			add_usage(balance, pairing, counters, &usage->rows[i]);
	}
	for (__u32 i = 1; i < nr_sites; i++) {
		const struct kft_reference_site *site = references__site(references, i);
		__u32 probe = i < KFT_FIRST_REFERENCE_SITE ? i - 1 : site->probe;

		if ((int)probe < probe_set__nr(set))
			add_site(balance, pairing, counters,
				 probe_set__at(set, probe)->target.subject, site);
	}
	for (size_t i = 0; i < balance->nr_types; i++) {
		add_not_followed(&balance->types[i], pairing, not_followed);
		conclude(&balance->types[i]);
	}
	if (balance->nr)
		qsort(balance->rows, balance->nr, sizeof(*balance->rows), compare_rows_of);
	if (balance->nr_types)
		qsort(balance->types, balance->nr_types, sizeof(*balance->types), compare_types);
	return 0;
}

void reference_balance__free(struct reference_balance *balance)
{
	free(balance->rows);
	free(balance->types);
	memset(balance, 0, sizeof(*balance));
}
