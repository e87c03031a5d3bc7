// SPDX-License-Identifier: GPL-2.0-only
#include "notice_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_BUCKETS NOTICE_LIMITS_KEYS
#define NONE	   (-1)

/*
 * A bucket of tokens, in time: a notice costs its part of an interval, and what is not spent is kept up to
 * one interval.
 */
struct budget {
	__u64 credit_ns, filled_ns;
	__u64 suppressed, since_ns;
};

struct entry {
	__u64 hash;
	enum notice_kind kind;
	char kfunc[128], caller[80]; /* cut; the hash is of all of them */
	struct budget budget;
	short next;	    /* of the same bucket */
	short newer, older; /* in the order of use */
};

struct notice_limits {
	unsigned int burst;
	__u64 interval_ns;
	struct budget overall[NOTICE_NR_KINDS];
	short buckets[NR_BUCKETS];
	short nr, newest, oldest;
	struct entry entries[NOTICE_LIMITS_KEYS];
};

struct notice_limits *notice_limits__new(void)
{
	struct notice_limits *limits = calloc(1, sizeof(*limits));

	if (!limits)
		return NULL;
	for (int i = 0; i < NR_BUCKETS; i++)
		limits->buckets[i] = NONE;
	limits->newest = limits->oldest = NONE;
	return limits;
}

void notice_limits__free(struct notice_limits *limits)
{
	free(limits);
}

void notice_limits__set(struct notice_limits *limits, unsigned int burst, __u64 interval_ns)
{
	limits->burst = burst ?: 1;
	limits->interval_ns = interval_ns;
}

/* --- budgets ---------------------------------------------------------------------------------- */

static void fill(const struct notice_limits *limits, struct budget *budget, __u64 now_ns)
{
	__u64 passed = now_ns > budget->filled_ns ? now_ns - budget->filled_ns : 0;

	if (!budget->filled_ns || passed >= limits->interval_ns - budget->credit_ns)
		budget->credit_ns = limits->interval_ns;
	else
		budget->credit_ns += passed;
	budget->filled_ns = now_ns;
}

static bool spend(const struct notice_limits *limits, struct budget *budget, __u64 many,
		  __u64 now_ns)
{
	__u64 cost = limits->interval_ns / (limits->burst * many) ?: 1;

	/* Options may have changed. */
	if (budget->credit_ns > limits->interval_ns)
		budget->credit_ns = limits->interval_ns;
	fill(limits, budget, now_ns);
	if (budget->credit_ns < cost)
		return false;
	budget->credit_ns -= cost;
	return true;
}

static void suppress(struct budget *budget, __u64 number, __u64 since_ns)
{
	if (!budget->suppressed)
		budget->since_ns = since_ns;
	budget->suppressed += number;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* FNV-1a. */
static __u64 hash_text(__u64 hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
	return (hash ^ 0xff) * 0x100000001b3ull;
}

static __u64 hash_notice(const struct notice *notice)
{
	__u64 hash = 0xcbf29ce484222325ull ^ notice->kind;

	return hash_text(hash_text(hash, notice->kfunc ?: ""), notice->caller ?: "");
}

static void unlink_use(struct notice_limits *limits, struct entry *entry)
{
	if (entry->newer != NONE)
		limits->entries[entry->newer].older = entry->older;
	else
		limits->newest = entry->older;
	if (entry->older != NONE)
		limits->entries[entry->older].newer = entry->newer;
	else
		limits->oldest = entry->newer;
}

static void link_newest(struct notice_limits *limits, struct entry *entry)
{
	short at = entry - limits->entries;

	entry->newer = NONE;
	entry->older = limits->newest;
	if (limits->newest != NONE)
		limits->entries[limits->newest].newer = at;
	else
		limits->oldest = at;
	limits->newest = at;
}

static void unlink_bucket(struct notice_limits *limits, struct entry *entry)
{
	short *at = &limits->buckets[entry->hash % NR_BUCKETS];

	while (*at != entry - limits->entries)
		at = &limits->entries[*at].next;
	*at = entry->next;
}

/* What it had suppressed is told with all others of its kind. */
static struct entry *evict_oldest(struct notice_limits *limits)
{
	struct entry *entry = &limits->entries[limits->oldest];

	if (entry->budget.suppressed)
		suppress(&limits->overall[entry->kind], entry->budget.suppressed,
			 entry->budget.since_ns);
	unlink_bucket(limits, entry);
	unlink_use(limits, entry);
	return entry;
}

static struct entry *find(struct notice_limits *limits, const struct notice *notice, __u64 hash)
{
	for (short at = limits->buckets[hash % NR_BUCKETS]; at != NONE;
	     at = limits->entries[at].next) {
		struct entry *entry = &limits->entries[at];

		if (entry->hash == hash && entry->kind == notice->kind)
			return entry;
	}
	return NULL;
}

static struct entry *find_or_make(struct notice_limits *limits, const struct notice *notice)
{
	__u64 hash = hash_notice(notice);
	struct entry *entry = find(limits, notice, hash);
	short *bucket = &limits->buckets[hash % NR_BUCKETS];

	if (entry) {
		unlink_use(limits, entry);
		link_newest(limits, entry);
		return entry;
	}
	entry = limits->nr < NOTICE_LIMITS_KEYS ? &limits->entries[limits->nr++]
						: evict_oldest(limits);
	memset(entry, 0, sizeof(*entry));
	entry->hash = hash;
	entry->kind = notice->kind;
	snprintf(entry->kfunc, sizeof(entry->kfunc), "%s", notice->kfunc ?: "");
	snprintf(entry->caller, sizeof(entry->caller), "%s", notice->caller ?: "");
	entry->next = *bucket;
	*bucket = entry - limits->entries;
	link_newest(limits, entry);
	return entry;
}

bool notice_limits__admit(struct notice_limits *limits, const struct notice *notice, __u64 now_ns)
{
	struct entry *entry;

	if (!limits->interval_ns)
		return true;
	entry = find_or_make(limits, notice);
	if (spend(limits, &entry->budget, 1, now_ns) &&
	    spend(limits, &limits->overall[notice->kind], NOTICE_LIMITS_OVERALL, now_ns))
		return true;
	suppress(&entry->budget, 1, now_ns);
	return false;
}

static bool is_due(const struct notice_limits *limits, const struct budget *budget, __u64 now_ns)
{
	return budget->suppressed && now_ns >= budget->since_ns &&
	       now_ns - budget->since_ns >= limits->interval_ns;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void notice_limits__settle(struct notice_limits *limits, __u64 now_ns,
			   void (*fn)(const struct notice_suppressed *suppressed, void *arg),
			   void *arg)
{
	for (short i = 0; i < limits->nr; i++) {
		struct entry *entry = &limits->entries[i];
		struct budget *budget = &entry->budget, *overall = &limits->overall[entry->kind];
		struct notice_suppressed suppressed = {
			.kind = entry->kind,
			.kfunc = or_null(entry->kfunc),
			.caller = or_null(entry->caller),
			.number = budget->suppressed,
			.since_ns = budget->since_ns,
		};

		if (!is_due(limits, budget, now_ns))
			continue;
		/* That is a notice too. */
		if (spend(limits, overall, NOTICE_LIMITS_OVERALL, now_ns))
			fn(&suppressed, arg);
		else
			suppress(overall, budget->suppressed, budget->since_ns);
		budget->suppressed = 0;
	}
	for (int kind = 0; kind < NOTICE_NR_KINDS; kind++) {
		struct budget *overall = &limits->overall[kind];
		struct notice_suppressed suppressed = {
			.kind = kind,
			.number = overall->suppressed,
			.since_ns = overall->since_ns,
		};

		if (!is_due(limits, overall, now_ns))
			continue;
		fn(&suppressed, arg);
		overall->suppressed = 0;
	}
}
