/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of objects: references taken and given back, and for how long they were held. Part of
 * references.bpf.c.
 *
 * What is known of an object stands in one record, changed by compare-and-swap, because tracing
 * programs may take no lock and other CPUs may acquire and release the same object at the same
 * time. A record whose last reference is gone is kept for a while: most objects of a busy host
 * are the same ones again and again, and to find a record costs less than to insert and delete one.
 */
#ifndef KFUNCTRACE_REFERENCE_OBJECTS_BPF_H
#define KFUNCTRACE_REFERENCE_OBJECTS_BPF_H

#include "reference_sites.h"

/* Of a word that other CPUs change too. Each failure means that another one has got through. */
#define MAX_TRIES 6

static __always_inline u32 refs_in(u64 state)
{
	return state & KFT_STATE_REFS;
}

/* Adds the site to those that hold the object in this episode. */
static __always_inline void add_holder(struct kft_reference_object *object, u64 episode, u32 site)
{
	for (u32 i = 0; i < KFT_MAX_HOLDERS; i++) {
		u64 old = object->holders[i], new;

		if ((old & KFT_STATE_EPISODE) != episode)
			new = episode | KFT_HOLDER_ONE | site;
		else if ((old & KFT_HOLDER_SITE) != site)
			continue;
		else if ((old & KFT_HOLDER_COUNT) == KFT_HOLDER_COUNT)
			return;
		else
			new = old + KFT_HOLDER_ONE;
		if (__sync_val_compare_and_swap(&object->holders[i], old, new) == old)
			return;
	}
	object->more_holders = episode;
}

/*
 * Adds a reference to the state; returns the new one, or 0 when that could not be done: the record is
 * being deleted, or has no room for more. *lost are references of which the record was about before,
 * and whose releases were not seen: what is new, or of another type, cannot be the same object.
 */
static __always_inline u64 add_to_state(struct kft_reference_object *object, u32 type, u32 *lost)
{
#pragma nounroll
	for (u32 i = 0; i < MAX_TRIES; i++) {
		u64 old = object->state, new;

		*lost = 0;
		if (old & KFT_STATE_DEAD || refs_in(old) == KFT_STATE_REFS)
			return 0;
		if (refs_in(old) && ((own_flags() & KFT_IS_NEW) ||
				     (old & KFT_STATE_TYPE(~0)) != KFT_STATE_TYPE(type)))
			*lost = refs_in(old);
		if (refs_in(old) && !*lost) {
			new = old + KFT_STATE_ONE;
			if ((old & KFT_STATE_TAKEN) != KFT_STATE_TAKEN)
				new += KFT_STATE_TAKE;
		} else {
			new = ((old & KFT_STATE_EPISODE) + KFT_STATE_NEXT) | KFT_STATE_TYPE(type) |
			      KFT_STATE_TAKE | KFT_STATE_ONE;
		}
		if (__sync_val_compare_and_swap(&object->state, old, new) == old)
			return new;
	}
	return 0;
}

/* Adds a reference. False when that could not be done. */
static __always_inline bool take_reference(struct kft_reference_object *object, u32 type, u32 site)
{
	u64 ids = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(), state;
	u32 lost;

	state = add_to_state(object, type, &lost);
	if (!state)
		return false;
	if (lost)
		__sync_fetch_and_add(&shared_state()->lost_releases, lost);
	object->last_ns = now;
	if ((state & (KFT_STATE_REFS | KFT_STATE_TAKEN)) == (KFT_STATE_ONE | KFT_STATE_TAKE)) {
		object->since_ns = now;
		object->tid = ids;
		object->tgid = ids >> 32;
		object->elements = 0;
	} else if ((u32)ids != object->tid) {
		object->other_threads = state & KFT_STATE_EPISODE;
	}
	/* Last, and as all do it: another CPU may have joined by now. */
	add_holder(object, state & KFT_STATE_EPISODE, site);
	return true;
}

static __always_inline bool make_record(u64 *key, u32 type, u32 site)
{
	struct kft_reference_object new = {
		.state = KFT_STATE_NEXT | KFT_STATE_TYPE(type) | KFT_STATE_TAKE | KFT_STATE_ONE,
		.holders = { KFT_STATE_NEXT | KFT_HOLDER_ONE | site },
	};
	u64 ids = bpf_get_current_pid_tgid();

	new.since_ns = new.last_ns = bpf_ktime_get_ns();
	new.tid = ids;
	new.tgid = ids >> 32;
	if (bpf_map_update_elem(MAP(PATCH_MAP_OBJECTS), key, &new, BPF_NOEXIST))
		return false;
	__sync_fetch_and_add(&shared_state()->nr_objects, 1);
	return true;
}

/* Keeps account of a reference that was acquired on an object. */
static __always_inline bool track(u64 *key, u32 type, u32 site)
{
	struct kft_reference_object *object = bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), key);

	/* A record that is being deleted makes room for a new one, and so may a faster CPU. */
	if (!object || object->state & KFT_STATE_DEAD) {
		if (make_record(key, type, site))
			return true;
		object = bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), key);
	}
	if (object && take_reference(object, type, site))
		return true;
	__sync_fetch_and_add(&site_record(site)->untracked, 1);
	return false;
}

/* In branches: what the compiler makes of them otherwise takes two for each step. */
#define HALVE(value, bucket, bits)                                                                 \
	do {                                                                                       \
		if ((value) >> (bits)) {                                                           \
			(value) >>= (bits);                                                        \
			(bucket) += (bits);                                                        \
			asm volatile("" : "+r"(value), "+r"(bucket));                              \
		}                                                                                  \
	} while (0)

/* 1 + the position of the highest bit. */
static __always_inline u32 bucket_of(u64 value)
{
	u32 bucket = shared_state()->nothing;

	HALVE(value, bucket, 32);
	HALVE(value, bucket, 16);
	HALVE(value, bucket, 8);
	HALVE(value, bucket, 4);
	HALVE(value, bucket, 2);
	HALVE(value, bucket, 1);
	bucket += value;
	return bucket < KFT_BUCKETS ? bucket : KFT_BUCKETS - 1;
}

/* What is known of a pair of sites; NULL when there is no room for it. */
static __always_inline struct kft_hold *find_hold(u64 key)
{
	u64 at = (u32)((u32)key * 0x9e3779b1u + (u32)(key >> 32) * 0x85ebca6bu) >> 20;
	struct kft_holds *table = MAP(PATCH_HOLDS);

	_Static_assert(KFT_MAX_HOLDS == 1 << 12, "the hash has as many bits");
#pragma nounroll
	for (u32 i = 0; i < KFT_MAX_HOLD_DISPLACEMENT; i++) {
		u64 known = table->keys[at];

		if (!known)
			known = __sync_val_compare_and_swap(&table->keys[at], 0, key) ?: key;
		if (known == key)
			return &table->holds[at];
		at = (at + 1) & (KFT_MAX_HOLDS - 1);
	}
	return NULL;
}

static __always_inline void record_hold(u32 acquired_at, u32 released_at, u64 value, bool is_known)
{
	struct kft_hold *hold = find_hold(KFT_HOLD_KEY(acquired_at, released_at));
	u32 bucket;

	if (!hold) {
		__sync_fetch_and_add(&shared_state()->lost_holds, 1);
		return;
	}
	__sync_fetch_and_add(&hold->count, 1);
	if (!is_known)
		return;
	__sync_fetch_and_add(&hold->sum, value);
	bucket = bucket_of(value);
	if (bucket < KFT_BUCKETS)
		__sync_fetch_and_add(&hold->buckets[bucket], 1);
#pragma nounroll
	for (u32 i = 0; i < MAX_TRIES; i++) {
		u64 max = hold->max;

		if (value <= max || __sync_val_compare_and_swap(&hold->max, max, value) == max)
			break;
	}
}

/* Deletes a record that nobody will use any more; DEAD is set. */
static __always_inline void delete_record(struct kft_reference_object *object, u64 *key)
{
	if (bpf_map_delete_elem(MAP(PATCH_MAP_OBJECTS), key))
		__sync_fetch_and_and(&object->state, ~KFT_STATE_DEAD);
	else
		__sync_fetch_and_add(&shared_state()->nr_objects, -1);
}

/* What a release has found. */
struct former {
	u64 state; /* 0: nothing was known */
	u64 since_ns;
	u64 elements;
	u32 holder; /* the only site that took references in this episode, or KFT_AMBIGUOUS_SITE */
};

/* The holder when there is but one. */
static __always_inline u32 only_holder(struct kft_reference_object *object, u64 state)
{
	u64 first = object->holders[0], second = object->holders[1];

	if ((first ^ state) & KFT_STATE_EPISODE || !((second ^ state) & KFT_STATE_EPISODE))
		return KFT_AMBIGUOUS_SITE;
	return first & KFT_HOLDER_SITE;
}

/* Takes a reference away. The record may be gone afterwards: what is needed of it is copied. */
static __always_inline void give_back(u64 *key, u32 type, struct former *former)
{
	struct kft_reference_object *object = bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), key);
	struct kft_reference_state *shared = shared_state();

	former->state = 0;
	if (!object)
		return;
#pragma nounroll
	for (u32 i = 0; i < MAX_TRIES; i++) {
		u64 old = object->state, new = old - KFT_STATE_ONE;

		if (old & KFT_STATE_DEAD || !refs_in(old) ||
		    (old & KFT_STATE_TYPE(~0)) != KFT_STATE_TYPE(type))
			return;
		former->since_ns = object->since_ns;
		former->elements = object->elements;
		former->holder = only_holder(object, old);
		if (!refs_in(new) && shared->nr_objects > shared->keep_records)
			new |= KFT_STATE_DEAD;
		if (__sync_val_compare_and_swap(&object->state, old, new) != old)
			continue;
		if (new &KFT_STATE_DEAD)
			delete_record(object, key);
		former->state = old;
		return;
	}
}

/*
 * Keeps account of a release. References on one object are alike, and a program may give back
 * another one than it has acquired. So for how long this one was held is known when it was the
 * only one that was taken since there were none, and by whom when all were taken at one site.
 * Returns how long it was, or HOLD_UNKNOWN.
 */
#define HOLD_UNKNOWN KFT_MODULE_UNKNOWN

static __always_inline u64 untrack(u64 *key, u32 type, u32 site)
{
	struct former former;
	u64 held_ns;

	give_back(key, type, &former);
	if (!former.state) {
		__sync_fetch_and_add(&site_record(site)->unmatched, 1);
		return HOLD_UNKNOWN;
	}
	if ((former.state & KFT_STATE_TAKEN) != KFT_STATE_TAKE) {
		record_hold(former.holder, site, 0, false);
		return HOLD_UNKNOWN;
	}
	held_ns = bpf_ktime_get_ns() - former.since_ns;
	record_hold(former.holder, site, held_ns, true);
	return held_ns;
}

#endif
