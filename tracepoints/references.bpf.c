// SPDX-License-Identifier: GPL-2.0-only
/*
 * Templates of the programs that keep account of references: each acquire, release and iterator is
 * counted as probe.bpf.c does it, and then the object itself is looked at. See patch_points.h for
 * how a template becomes a program; flags in the instructions choose what it does, and the verifier
 * takes out the rest.
 */
#include "reference_objects.h"
#include "reference_sites.h"

char LICENSE[] SEC("license") = "GPL";

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

/* --- trace events ------------------------------------------------------------------------------ */

static __always_inline void call_module(struct kft_module_event *event,
					struct kft_module_site *site)
{
	asm volatile("r1 = %[event]\n"
		     "r2 = %[event_size]\n"
		     "r3 = %[site]\n"
		     "r4 = %[site_size]\n"
		     "call %[function]\n"
		     :
		     : [event] "r"(event), [event_size] "i"(sizeof(*event)), [site] "r"(site),
		       [site_size] "i"(sizeof(*site)), [function] "i"(PATCH_EVENT_KFUNC)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
}

/* KFT_MODULE_LISTENED(kind) of what somebody listens to: in the module a few static branches. */
static __always_inline u64 listening(void)
{
	register u64 kinds asm("r0");

	asm volatile("call %[function]\n"
		     : [kinds] "=r"(kinds)
		     : [function] "i"(PATCH_LISTENING_KFUNC)
		     : "r1", "r2", "r3", "r4", "r5");
	return kinds;
}

static __always_inline void trace(u32 kind, u32 site, u64 object, u64 duration_ns)
{
	struct kft_module_event event = {
		.object = object,
		.count = KFT_MODULE_UNKNOWN,
		.duration_ns = duration_ns,
		.kind = kind,
	};

	call_module(&event, module_site(site));
}

/* An event about an object, when somebody listens. */
static __always_inline void trace_object(u32 kind, u32 site, u64 object, u64 duration_ns)
{
	if (own_flags() & KFT_DO_TRACE && unlikely(listening() & KFT_MODULE_LISTENED(kind)))
		trace(kind, site, plain_number(object), duration_ns);
}

/* What is of interest of each call, whatever becomes of it. */
#define LISTENED_CALLS                                                                             \
	(KFT_MODULE_LISTENED(KFT_MODULE_CALL) |                                                    \
	 (own_flags() & KFT_IS_OLD ? KFT_MODULE_LISTENED(KFT_MODULE_DEPRECATED) : 0))

static __always_inline void trace_listened_call(u32 site)
{
	trace(KFT_MODULE_CALL, site, 0, KFT_MODULE_UNKNOWN);
	if (own_flags() & KFT_IS_OLD)
		trace(KFT_MODULE_DEPRECATED, site, 0, KFT_MODULE_UNKNOWN);
}

static __always_inline void trace_call(u32 site)
{
	if (own_flags() & KFT_DO_TRACE && unlikely(listening() & LISTENED_CALLS))
		trace_listened_call(site);
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

/* A sample, so many in a second: a flood of them must not cost more than it tells. */
static __always_inline bool may_send(struct kft_reference_state *state)
{
	u64 second = bpf_ktime_get_ns() / 1000000000, before = state->event_second;

	/* Whoever is the first in a second fills it up for all. */
	if (second > before &&
	    __sync_val_compare_and_swap(&state->event_second, before, second) == before)
		state->event_budget = state->events_a_second;
	if (state->event_budget <= 0) {
		__sync_fetch_and_add(&state->events_left_out, 1);
		return false;
	}
	__sync_fetch_and_add(&state->event_budget, -1);
	return true;
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
	trace_object(KFT_MODULE_REFCOUNT_ZERO, site, argument(ctx), KFT_MODULE_UNKNOWN);
	if (flags & KFT_DO_ZERO && may_send(state))
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
	u64 object = argument(ctx), held_ns = KFT_MODULE_UNKNOWN, key;

	if (own_flags() & KFT_DO_OBJECTS) {
		key = key_for(object, site_flags);
		held_ns = untrack(&key, patched_released(), site);
	}
	trace_object(KFT_MODULE_RELEASE, site, object, held_ns);
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
	trace_object(KFT_MODULE_ACQUIRE, site, object, KFT_MODULE_UNKNOWN);
	if (own_flags() & KFT_DO_EVENTS)
		send_event(ctx, KFT_EVENT_ACQUIRE, site, object);
}

static __always_inline int acquired(void *ctx, const enum frame_access access)
{
	u32 site = count_at_site(ctx, access, EXIT_NULL), flags;

	trace_call(site);
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

	trace_call(site);
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

	trace_call(site);
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

/*
 * Of any kfunc: no more than the event. While nobody listens to it, no more than the count and the
 * question: who has called is looked up afterwards.
 */
static __always_inline int called(void *ctx, const enum frame_access access,
				  const enum call_check check)
{
	/* On the stack for the reasons of count_call() in probe.bpf.c. */
	volatile u64 at = count_in_slot(ctx, access, check);

	if (unlikely(listening() & LISTENED_CALLS))
		trace_listened_call(site_at(at));
	return 0;
}

static __always_inline int called_at_entry(void *ctx, const enum frame_access access)
{
	return called(ctx, access, AT_ENTRY);
}

static __always_inline int called_release(void *ctx, const enum frame_access access)
{
	return called(ctx, access, ENTRY_NULL);
}

static __always_inline int called_at_exit(void *ctx, const enum frame_access access)
{
	return called(ctx, access, EXIT_NULL);
}

static __always_inline int called_at_exit_negative(void *ctx, const enum frame_access access)
{
	return called(ctx, access, EXIT_NEGATIVE);
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
REFERENCE_PROBE("fentry", called_at_entry)
REFERENCE_PROBE("fentry", called_release)
REFERENCE_PROBE("fexit", called_at_exit)
REFERENCE_PROBE("fexit", called_at_exit_negative)
