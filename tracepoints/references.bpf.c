// SPDX-License-Identifier: GPL-2.0-only
/*
 * Templates of the programs that keep account of references: each acquire, release and iterator is
 * counted as probe.bpf.c does it, and then the object itself is looked at. See patch_points.h for
 * how a template becomes a program; flags in the instructions choose what it does, and the verifier
 * takes out the rest.
 *
 * What is known of an object stands in one record, changed by compare-and-swap, because tracing
 * programs may take no lock and other CPUs may acquire and release the same object at the same
 * time. A record whose last reference is gone is kept for a while: most objects of a busy host
 * are the same ones again and again, and to find a record costs less than to insert and delete one.
 */
#include "probe_frame.h"
#include "reference_records.h"

char LICENSE[] SEC("license") = "GPL";

/* Of a word that other CPUs change too. Each failure means that another one has got through. */
#define MAX_TRIES 8

/*
 * The maps, without relocations. Where the verifier follows the pointers, they must come out of the
 * instruction that is patched and not out of the compiler's arithmetic.
 */
#define MAP(point)                                                                                 \
	({                                                                                         \
		void *__map;                                                                       \
		PATCHED_IMM64(__map, point);                                                       \
		__map;                                                                             \
	})

static __always_inline struct kft_reference_state *shared_state(void)
{
	return MAP(PATCH_STATE);
}

static __always_inline u32 own_flags(void)
{
	u64 flags;

	PATCHED_IMM(flags, PATCH_FLAGS);
	return flags;
}

static __always_inline u32 own_probe(void)
{
	u64 probe;

	PATCHED_IMM(probe, PATCH_PROBE);
	return probe & (KFT_MAX_PROBES - 1);
}

static __always_inline u64 second_argument(void *ctx)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(PATCH_OFF_SECOND));
	return value;
}

/*
 * The number behind a pointer: the verifier takes an argument for a pointer to a structure, and
 * forbids to add to it what it does not know. Through memory that it does not follow.
 */
static __always_inline u64 plain_number(u64 pointer)
{
	u64 stored = pointer, number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &stored);
	return number;
}

/* --- call sites ------------------------------------------------------------------------------- */

static __always_inline bool is_in(const struct kft_code_range *range, u64 address)
{
	return address - range->start < range->end - range->start;
}

/* True when the call came out of a function that is accounted for itself. */
static __always_inline bool is_inner(u64 caller, u64 via)
{
	struct kft_reference_probe *probe = &shared_state()->probes[own_probe()];

	for (u32 i = 0; i < KFT_MAX_INNER; i++) {
		/* A return address is one past the call. */
		if (is_in(&probe->inner[i], caller - 1) || is_in(&probe->inner[i], via))
			return true;
	}
	return false;
}

/* True when the call came out of a program that cannot park. */
static __always_inline bool is_transient(u64 caller)
{
	u64 page = (caller - 1) >> 12, *chunks;

	chunks = bpf_map_lookup_elem(MAP(PATCH_MAP_TRANSIENT), &page);
	return chunks && (*chunks >> ((caller - 1) >> 6 & 63) & 1);
}

/* Gives a call site its number, unless another CPU has been faster. */
static __always_inline u32 new_site(u64 key, u64 via)
{
	struct kft_reference_state *state = shared_state();
	u64 *known, id = __sync_fetch_and_add(&state->nr_sites, 1) + KFT_FIRST_REFERENCE_SITE;
	struct kft_reference_site *site;
	u32 number = id;

	if (id >= KFT_MAX_REFERENCE_SITES)
		goto none;
	site = &state->sites[id];
	site->via = via;
	site->probe = own_probe();
	site->flags = is_inner(key | 0xffffull << 48, via) ? KFT_SITE_INNER : 0;
	if (is_transient(key | 0xffffull << 48))
		site->flags |= KFT_SITE_TRANSIENT;
	site->key = key;
	if (!bpf_map_update_elem(MAP(PATCH_MAP_SITE_IDS), &key, &number, BPF_NOEXIST))
		return number;
	site->key = 0;
	known = bpf_map_lookup_elem(MAP(PATCH_MAP_SITE_IDS), &key);
	if (known)
		return *(u32 *)known;
none:
	__sync_fetch_and_add(&state->lost_sites, 1);
	return KFT_UNKNOWN_SITE(own_probe());
}

/* The number of the call site that a slot belongs to. */
static __always_inline u32 site_of_slot(struct kft_region *region, struct kft_site_cache *cache,
					u64 index)
{
	u32 *known, site = cache->sites[index];
	u64 key;

	if (likely(site))
		return site;
	key = region->slots[index].key;
	known = bpf_map_lookup_elem(MAP(PATCH_MAP_SITE_IDS), &key);
	site = known ? *known : new_site(key, region->via[index]);
	cache->sites[index] = site;
	return site;
}

/* Counts the call, and returns the number of its call site. */
static __always_inline u32 count_at_site(void *ctx, const enum frame_access access,
					 const enum call_check check)
{
	void *volatile saved_ctx = ctx;
	struct kft_site_cache *caches;
	struct kft_region *region;
	struct kft_slot *slot;
	u64 caller, bits, at, cpu;

	caller = FRAME_WORD(access == FRAME_CAST ? cast_context(ctx) : ctx, access,
			    PATCH_OFF_CALLER);
	cpu = processor_id(&caller);
	asm volatile goto("if %0 >= %1 goto %l2" : : "r"(cpu), "i"(PATCH_NR_CPUS) : : out_of_range);
	PATCHED_IMM64(region, PATCH_REGIONS);
	region += cpu;
	PATCHED_IMM64(bits, PATCH_PROBE_BITS);
	at = home_offset(caller);
	slot = (void *)region->slots + at;
	if (unlikely(slot->key != (caller ^ bits))) {
		at = find_slot(&saved_ctx, access, check);
		if (at == NO_SLOT)
			return KFT_UNKNOWN_SITE(own_probe());
		at &= sizeof(region->slots) - sizeof(*slot);
		/* Again, rather than kept while the slot was looked for. */
		cpu = processor_id(&at);
		asm volatile goto("if %0 >= %1 goto %l2"
				  :
				  : "r"(cpu), "i"(PATCH_NR_CPUS)
				  :
				  : out_of_range);
		PATCHED_IMM64(region, PATCH_REGIONS);
		region += cpu;
		slot = (void *)region->slots + at;
	}
	slot->calls++;
	at /= sizeof(*slot);
	if (has_failed(saved_ctx, check))
		region->nulls[at]++;
	PATCHED_IMM64(caches, PATCH_SITE_CACHES);
	return site_of_slot(region, &caches[cpu], at);
out_of_range:
	return KFT_UNKNOWN_SITE(own_probe());
}

static __always_inline struct kft_reference_site *site_record(u32 site)
{
	u64 index = site;

	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	/* The bound must be seen on the register that is used. */
	asm volatile("" : "+r"(index));
	if (index >= KFT_MAX_REFERENCE_SITES)
		index = 0;
	return &shared_state()->sites[index];
}

/* --- objects ---------------------------------------------------------------------------------- */

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
 * Adds a reference. False when that could not be done: the record is being deleted, or has no room
 * for more.
 */
static __always_inline bool take_reference(struct kft_reference_object *object, u32 type, u32 site)
{
	for (u32 i = 0; i < MAX_TRIES; i++) {
		u64 old = object->state, new, episode;
		u64 ids;

		if (old & KFT_STATE_DEAD || refs_in(old) == KFT_STATE_REFS)
			return false;
		/*
		 * What is new, or of another type, cannot be what this record is about: that is
		 * gone, and its releases were not seen.
		 */
		if (refs_in(old) && ((own_flags() & KFT_IS_NEW) ||
				     (old & KFT_STATE_TYPE(~0)) != KFT_STATE_TYPE(type))) {
			new = 0;
		} else {
			new = refs_in(old);
		}
		if (new) {
			new = old + KFT_STATE_ONE;
			if ((old & KFT_STATE_TAKEN) != KFT_STATE_TAKEN)
				new += KFT_STATE_TAKE;
			if (__sync_val_compare_and_swap(&object->state, old, new) != old)
				continue;
			object->last_ns = bpf_ktime_get_ns();
			if ((u32)bpf_get_current_pid_tgid() != object->tid)
				object->other_threads = new & KFT_STATE_EPISODE;
			add_holder(object, new &KFT_STATE_EPISODE, site);
			return true;
		}
		episode = (old & KFT_STATE_EPISODE) + KFT_STATE_NEXT;
		new = episode | KFT_STATE_TYPE(type) | KFT_STATE_TAKE | KFT_STATE_ONE;
		if (__sync_val_compare_and_swap(&object->state, old, new) != old)
			continue;
		if (refs_in(old))
			__sync_fetch_and_add(&shared_state()->lost_releases, refs_in(old));
		ids = bpf_get_current_pid_tgid();
		object->since_ns = object->last_ns = bpf_ktime_get_ns();
		object->tid = ids;
		object->tgid = ids >> 32;
		object->elements = 0;
		/* Another CPU may have joined by now. */
		add_holder(object, episode, site);
		return true;
	}
	return false;
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
	/* Twice: a record that is being deleted makes room for a new one, and so does a fast CPU. */
	for (u32 i = 0; i < 2; i++) {
		struct kft_reference_object *object =
			bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), key);

		if (object && take_reference(object, type, site))
			return true;
		if (!object && make_record(key, type, site))
			return true;
	}
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
	u32 bucket = 0;

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
 */
static __always_inline void untrack(u64 *key, u32 type, u32 site)
{
	struct former former;

	give_back(key, type, &former);
	if (!former.state)
		__sync_fetch_and_add(&site_record(site)->unmatched, 1);
	else if ((former.state & KFT_STATE_TAKEN) == KFT_STATE_TAKE)
		record_hold(former.holder, site, bpf_ktime_get_ns() - former.since_ns, true);
	else
		record_hold(former.holder, site, 0, false);
}

/* --- events ----------------------------------------------------------------------------------- */

/* What the object is, as far as a few loads can tell. `event->object` is a plain number. */
static __always_inline void describe_object(struct kft_reference_event *event)
{
	struct kft_member_offsets *offsets = &shared_state()->offsets;
	u64 object = event->object, node = 0;

	if (own_flags() & KFT_IS_TASK) {
		bpf_probe_read_kernel(&event->object_pid, sizeof(event->object_pid),
				      (void *)(object + offsets->task_pid));
		bpf_probe_read_kernel(&event->object_tgid, sizeof(event->object_tgid),
				      (void *)(object + offsets->task_tgid));
		bpf_probe_read_kernel_str(event->object_comm, sizeof(event->object_comm),
					  (void *)(object + offsets->task_comm));
	}
	if (own_flags() & KFT_IS_CGROUP) {
		bpf_probe_read_kernel(&node, sizeof(node), (void *)(object + offsets->cgroup_kn));
		bpf_probe_read_kernel(&event->object_id, sizeof(event->object_id),
				      (void *)(node + offsets->kernfs_id));
	}
}

static __always_inline void send_event(void *ctx, u32 kind, u32 site, u64 object)
{
	struct kft_reference_state *state = shared_state();
	struct kft_reference_event *event;
	u64 ids;

	event = bpf_ringbuf_reserve(MAP(PATCH_MAP_EVENTS), sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&state->events_dropped, 1);
		return;
	}
	ids = bpf_get_current_pid_tgid();
	event->time_ns = bpf_ktime_get_ns();
	event->object = plain_number(object);
	event->object_id = 0;
	event->kind = kind;
	event->probe = own_probe();
	event->site = site;
	event->tid = ids;
	event->tgid = ids >> 32;
	event->object_pid = 0;
	event->object_tgid = 0;
	event->cpu = bpf_get_smp_processor_id();
	event->object_comm[0] = 0;
	event->stack_len = 0;
	event->pad = 0;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	describe_object(event);
	if (own_flags() & KFT_DO_STACK)
		event->stack_len = bpf_get_stack(ctx, event->stack, sizeof(event->stack), 0);
	bpf_ringbuf_submit(event, 0);
}

/* --- refcount-zero ------------------------------------------------------------------------------ */

/* Whether a cgroup has an ancestor at the level that was asked for. */
static __always_inline bool has_level(void *ctx)
{
	struct kft_member_offsets *offsets = &shared_state()->offsets;
	s32 level = 0, wanted = second_argument(ctx);
	u64 cgroup = plain_number(argument(ctx));

	bpf_probe_read_kernel(&level, sizeof(level), (void *)(cgroup + offsets->cgroup_level));
	return wanted >= 0 && wanted <= level;
}

/* Whether the cgroup of a controller's state has a memory controller. */
static __always_inline bool has_memory_controller(void *ctx)
{
	struct kft_member_offsets *offsets = &shared_state()->offsets;
	u64 css = plain_number(argument(ctx)), cgroup = 0, memory = 0;

	bpf_probe_read_kernel(&cgroup, sizeof(cgroup), (void *)(css + offsets->css_cgroup));
	bpf_probe_read_kernel(&memory, sizeof(memory),
			      (void *)(cgroup + offsets->cgroup_subsys +
				       offsets->memory_subsys * sizeof(memory)));
	return memory != 0;
}

/* Something could not be acquired. Why? */
static __always_inline void note_failure(void *ctx, u32 site)
{
	struct kft_reference_site *record = site_record(site);
	struct kft_reference_state *state = shared_state();
	u32 flags = own_flags();

	if (flags & KFT_ZERO_UNCLEAR)
		__sync_fetch_and_add(&record->unclear, 1);
	if (!(flags & KFT_ZERO_ALWAYS) && !((flags & KFT_ZERO_LEVEL) && has_level(ctx)) &&
	    !((flags & KFT_ZERO_MEMCG) && has_memory_controller(ctx)))
		return;
	__sync_fetch_and_add(&record->zeros, 1);
	if (!(flags & KFT_DO_ZERO))
		return;
	/* A sample: a flood of them must not cost more than it tells. */
	if (state->event_budget <= 0) {
		__sync_fetch_and_add(&state->events_left_out, 1);
		return;
	}
	__sync_fetch_and_add(&state->event_budget, -1);
	send_event(ctx, KFT_EVENT_ZERO, site, argument(ctx));
}

/* --- the programs ----------------------------------------------------------------------------- */

static __always_inline u32 patched_type(void)
{
	u64 type;

	PATCHED_IMM(type, PATCH_TYPE);
	return type;
}

static __always_inline u32 patched_released(void)
{
	u64 type;

	PATCHED_IMM(type, PATCH_RELEASED);
	return type;
}

/* The record in which the site's program has its references. */
static __always_inline u64 key_for(u64 object, u32 site_flags)
{
	if (site_flags & KFT_SITE_TRANSIENT)
		object += KFT_KEY_TRANSIENT;
	return object;
}

static __always_inline void take_away(void *ctx, u32 site, u32 site_flags)
{
	u64 object = argument(ctx), key;

	if (own_flags() & KFT_DO_OBJECTS) {
		key = key_for(object, site_flags);
		untrack(&key, patched_released(), site);
	}
	if (own_flags() & KFT_DO_EVENTS)
		send_event(ctx, KFT_EVENT_RELEASE, site, object);
}

static __always_inline void hand_out(void *ctx, u32 site, u32 site_flags)
{
	u64 object = return_value(ctx), key;

	if (own_flags() & KFT_DO_OBJECTS) {
		key = key_for(object, site_flags);
		track(&key, patched_type(), site);
	}
	if (own_flags() & KFT_DO_EVENTS)
		send_event(ctx, KFT_EVENT_ACQUIRE, site, object);
}

static __always_inline int acquired(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, EXIT_NULL), flags;

	if (unlikely(has_failed(ctx, EXIT_NULL))) {
		note_failure(ctx, site);
		return 0;
	}
	flags = site_record(site)->flags;
	if (!(flags & KFT_SITE_INNER))
		hand_out(ctx, site, flags);
	return 0;
}

static __always_inline int released(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, ENTRY_NULL), flags;

	/* Maps of 6.1 release what is not there as well. */
	if (has_failed(ctx, ENTRY_NULL))
		return 0;
	flags = site_record(site)->flags;
	if (!(flags & KFT_SITE_INNER))
		take_away(ctx, site, flags);
	return 0;
}

/* Takes its argument's reference away, also when it fails, and returns one of another type. */
static __always_inline int converted(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, EXIT_NULL), flags = site_record(site)->flags;

	take_away(ctx, site, flags);
	if (!has_failed(ctx, EXIT_NULL))
		hand_out(ctx, site, flags);
	return 0;
}

/* An iterator is an object on the program's stack, on which one reference is held while it is open.
 */
static __always_inline int iterator_made(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, EXIT_NEGATIVE);
	u64 iterator = argument(ctx);

	if (!track(&iterator, patched_type(), site))
		return 0;
	if (has_failed(ctx, EXIT_NEGATIVE)) {
		struct kft_reference_object *object =
			bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), &iterator);

		if (object)
			object->elements = KFT_ITER_FAILED;
	}
	return 0;
}

static __always_inline int iterator_moved(void *ctx, const enum frame_access access)
{
	struct kft_reference_object *object;
	u64 iterator = argument(ctx);

	count_at_site(ctx, access, EXIT_NULL);
	if (has_failed(ctx, EXIT_NULL))
		return 0;
	object = bpf_map_lookup_elem(MAP(PATCH_MAP_OBJECTS), &iterator);
	if (object && object->elements != KFT_ITER_FAILED)
		object->elements++;
	return 0;
}

static __always_inline int iterator_destroyed(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, AT_ENTRY);
	u64 iterator = argument(ctx);
	struct former former;

	give_back(&iterator, patched_released(), &former);
	if (!former.state)
		__sync_fetch_and_add(&site_record(site)->unmatched, 1);
	else if (former.elements != KFT_ITER_FAILED)
		record_hold(former.holder, KFT_NO_SITE, former.elements, true);
	return 0;
}

#define REFERENCE_PROBE(section, name)                                                             \
	SEC(section)                                                                               \
	int name##_cast(void *ctx)                                                                 \
	{                                                                                          \
		return name(ctx, FRAME_CAST);                                                      \
	}                                                                                          \
	SEC(section)                                                                               \
	int name##_read(void *ctx)                                                                 \
	{                                                                                          \
		return name(ctx, FRAME_PROBE_READ);                                                \
	}

REFERENCE_PROBE("fexit", acquired)
REFERENCE_PROBE("fentry", released)
REFERENCE_PROBE("fexit", converted)
REFERENCE_PROBE("fexit", iterator_made)
REFERENCE_PROBE("fexit", iterator_moved)
REFERENCE_PROBE("fentry", iterator_destroyed)
