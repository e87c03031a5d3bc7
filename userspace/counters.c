// SPDX-License-Identifier: GPL-2.0-only
#include "counters_private.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/counter_records.h"
#include "../tracepoints/reference_records.h"
#include "clock.h"
#include "cpus.h"
#include "kernel_symbols.h"
#include "probe_set.h"
#include "prog_table.h"
#include "site_table.h"
#include "usage.h"

/* On a busy host one reading may take long, and another come out well. */
#define MIN_READINGS 8
/* Unless counters__set_patience() says otherwise. */
#define PATIENCE_NS (2 * NS_PER_S)

int counters__new(struct kernel_reader *reader, int nr_slots, struct counters **result)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	int err;

	if (!counters)
		return -ENOMEM;
	counters->nr_slots = nr_slots;
	counters->patience_ns = PATIENCE_NS;
	counters->nr_cpus = cpus__nr_ids();
	err = counters->nr_cpus < 0 ? counters->nr_cpus
				    : kernel_symbols__open(reader, &counters->symbols);
	if (err) {
		counters__free(counters);
		return err;
	}
	*result = counters;
	return 0;
}

void counters__free(struct counters *counters)
{
	if (!counters)
		return;
	if (counters->source)
		counters->source->free(counters);
	kernel_symbols__free(counters->symbols);
	prog_table__free(&counters->programs);
	site_table__free(&counters->sites);
	usage__free(&counters->ended);
	free(counters->slots);
	free(counters->retired);
	free(counters);
}

__u64 counters__memory(const struct counters *counters)
{
	return counters->source->memory(counters);
}

void counters__losses(const struct counters *counters, struct counters_losses *losses)
{
	counters->source->losses(counters, losses);
}

const struct site_table *counters__sites(struct counters *counters)
{
	int err = counters->source->read_sites(counters, &counters->sites);

	if (err) {
		errno = -err;
		return NULL;
	}
	return &counters->sites;
}

struct kft_reference_state *counters__reference_state(const struct counters *counters)
{
	return counters->source->references ? counters->source->references(counters) : NULL;
}

struct counters_reference_maps counters__reference_maps(const struct counters *counters)
{
	if (!counters__reference_state(counters))
		return (struct counters_reference_maps){ -1, -1, -1, -1, -1, -1 };
	return counters->source->reference_maps(counters);
}

int counters__nr_cpus(const struct counters *counters)
{
	return counters->nr_cpus;
}

int counters__nr_slots(const struct counters *counters)
{
	return counters->nr_slots;
}

const struct prog_table *counters__programs(const struct counters *counters)
{
	return &counters->programs;
}

const char *counters__kernel_site(const struct counters *counters, __u64 address, __u64 *offset)
{
	return kernel_symbols__resolve(counters->symbols, address, offset);
}

__u64 counters__kernel_function_end(const struct counters *counters, __u64 address)
{
	return kernel_symbols__end(counters->symbols, address);
}

void counters__forget_symbols(struct counters *counters)
{
	kernel_symbols__forget(counters->symbols);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Room for one more; NULL when there is no memory. */
static void *add(void **array, size_t *nr, size_t *room, size_t size)
{
	void *added;

	if (*nr == *room) {
		size_t more = *room ? *room * 2 : 512;
		void *grown = realloc(*array, more * size);

		if (!grown)
			return NULL;
		*array = grown;
		*room = more;
	}
	added = (char *)*array + (*nr)++ * size;
	return memset(added, 0, size);
}

struct slot_copy *counters__add_slot(struct counters *counters)
{
	return add((void **)&counters->slots, &counters->nr_slot_copies,
		   &counters->room_slot_copies, sizeof(*counters->slots));
}

struct retired_copy *counters__add_retired(struct counters *counters)
{
	return add((void **)&counters->retired, &counters->nr_retired, &counters->room_retired,
		   sizeof(*counters->retired));
}

static int read_once(struct counters *counters)
{
	counters->nr_slot_copies = counters->nr_retired = 0;
	return counters->source->read(counters);
}

static int read_quiet(struct counters *counters)
{
	__u64 deadline = clock_ns() + counters->patience_ns;
	int err;

	for (int readings = 1; (err = read_once(counters)) == 1; readings++) {
		if (clock_ns() > deadline && readings >= MIN_READINGS)
			return -EAGAIN;
		sched_yield();
	}
	return err;
}

/* --- making rows ------------------------------------------------------------------------------ */

/*
 * A specialised kfunc may be called by its own twin (bpf_dynptr_from_skb), or call it
 * (bpf_set_dentry_xattr): that is one call of a program, and the probe on the one that calls has
 * counted it.
 */
static bool is_call_between_twins(const struct probe_set *set, int idx, const char *kernel_caller)
{
	int twin = probe_set__twin(set, idx);

	return twin >= 0 && strcmp(probe_set__at(set, twin)->target.function, kernel_caller) == 0;
}

/* A kretprobe or function_graph has put its own address where the caller's stood. */
static bool is_return_hook(const char *symbol)
{
	return strcmp(symbol, "arch_rethook_trampoline") == 0 ||
	       strcmp(symbol, "return_to_handler") == 0;
}

static bool is_trampoline(const char *symbol)
{
	return strncmp(symbol, "bpf_trampoline_", strlen("bpf_trampoline_")) == 0;
}

struct counters_caller counters__caller_at(const struct counters *counters, __u64 address,
					   __u64 via)
{
	const struct prog_image *image = prog_table__resolve(&counters->programs, address);
	struct counters_caller caller = { .kind = CALLER_UNKNOWN };
	const char *symbol = NULL;
	__u64 offset;

	if (!image)
		symbol = kernel_symbols__resolve(counters->symbols, address, &offset);
	if (symbol && is_return_hook(symbol))
		return caller;
	if (symbol && !(via && is_trampoline(symbol))) {
		caller.kind = CALLER_KERNEL;
		caller.site = address;
	} else if (via) {
		/*
		 * A program called the other function, or the trampoline of probes on it, and that
		 * called this one.
		 */
		caller.kind = CALLER_KERNEL;
		caller.site = via;
	} else if (image) {
		caller.kind = CALLER_PROGRAM;
		caller.prog_id = image->image.prog_id;
		caller.subprog = image->image.subprog;
		caller.site = address - image->start;
	}
	return caller;
}

static bool is_retired(const struct kft_reference_site *site)
{
	return __atomic_load_n(&site->flags, __ATOMIC_ACQUIRE) & KFT_SITE_RETIRED;
}

static struct counters_caller retired_caller(const struct kft_reference_site *site)
{
	struct counters_caller caller = { .kind = CALLER_UNKNOWN };

	if (site->prog_id) {
		caller.kind = CALLER_PROGRAM;
		caller.prog_id = site->prog_id;
		caller.subprog = site->subprog;
		caller.site = site->offset;
	}
	return caller;
}

/*
 * An image that was there at the last drain may be another's memory by now, and the site that one's.
 * If it still is there, it has been all the time: no program gets the id of another.
 */
bool counters__find_caller(const struct counters *counters, const struct kft_reference_site *site,
			   struct counters_caller *caller)
{
	__u64 address = site->key | 0xffffull << 48;
	const struct prog_image *image;

	*caller = (struct counters_caller){ .kind = CALLER_UNKNOWN };
	if (!site->key)
		return true;
	if (site->via) {
		*caller = counters__caller_at(counters, address, site->via);
		return true;
	}
	if (is_retired(site)) {
		*caller = retired_caller(site);
		return true;
	}
	image = prog_table__resolve(&counters->programs, address);
	if (!image || !counters->source->has_image ||
	    counters->source->has_image(counters, image)) {
		*caller = counters__caller_at(counters, address, site->via);
		return true;
	}
	/* It is marked before its image is taken out. */
	if (!is_retired(site))
		return false;
	*caller = retired_caller(site);
	return true;
}

struct counters_caller counters__caller_of(const struct counters *counters,
					   const struct kft_reference_site *site)
{
	struct counters_caller caller;

	counters__find_caller(counters, site, &caller);
	return caller;
}

static int add_slot(struct counters *counters, const struct probe_set *set,
		    const struct slot_copy *slot, struct usage *usage)
{
	const struct probe *probe = probe_set__at(set, slot->probe);
	struct counters_caller caller = counters__caller_at(counters, slot->address, slot->via);
	struct usage_key key = {
		.subject = probe->target.subject,
		.kind = caller.kind,
		.prog_id = caller.prog_id,
		.subprog = caller.subprog,
		.site = caller.site,
	};
	struct usage_counts counts = slot->counts;
	const char *function;
	__u64 offset;

	if (caller.kind == CALLER_KERNEL && caller.site == slot->address) {
		function = kernel_symbols__resolve(counters->symbols, caller.site, &offset);
		if (function && is_call_between_twins(set, slot->probe, function))
			return 0;
	}
	if (caller.kind == CALLER_UNKNOWN)
		counts.no_caller = counts.calls;
	return usage__add(usage, &key, &counts);
}

static int add_retired(const struct retired_copy *retired, const struct probe_set *set,
		       struct usage *usage)
{
	struct usage_key key = {
		.subject = probe_set__at(set, retired->key.probe)->target.subject,
		.kind = CALLER_PROGRAM,
		.prog_id = retired->key.prog_id,
		.subprog = retired->key.subprog,
		.site = retired->key.offset,
	};

	if (!retired->key.prog_id) {
		key.kind = CALLER_KERNEL;
		key.subprog = 0;
		key.site = (__u64)retired->key.subprog << 32 | retired->key.offset;
	}
	return usage__add(usage, &key, &retired->counts);
}

/* What no slot has: one row of unknown callers a kfunc. */
static int add_unattributed(const struct counters *counters, const struct probe_set *set, int probe,
			    struct usage *usage)
{
	struct usage_key key = {
		.subject = probe_set__at(set, probe)->target.subject,
		.kind = CALLER_UNKNOWN,
	};
	struct usage_counts counts = counters->source->unattributed(counters, probe);

	counts.recursion_misses = probe_set__recursion_misses(set, probe);
	counts.returns += counts.recursion_misses;
	counts.calls =
		counts.table_full + counts.no_caller + counts.orphaned + counts.recursion_misses;
	return counts.calls ? usage__add(usage, &key, &counts) : 0;
}

static bool is_gone(const struct counters *counters, __u32 prog_id)
{
	const struct kft_prog *prog = prog_table__find(&counters->programs, prog_id);

	return prog && kft_prog__is_gone(prog);
}

/*
 * Records of programs that are gone for good are final: nothing adds to them any more. They are
 * taken out of the kernel.
 */
static int take_ended(struct counters *counters, const struct probe_set *set)
{
	if (!counters->source->forget)
		return 0;
	for (size_t i = 0; i < counters->nr_retired; i++) {
		int err;

		if (!is_gone(counters, counters->retired[i].key.prog_id))
			continue;
		err = add_retired(&counters->retired[i], set, &counters->ended);
		if (err)
			return err;
		/* Counted by now, not to be counted again below. */
		memset(&counters->retired[i].counts, 0, sizeof(counters->retired[i].counts));
	}
	for (size_t i = 0; i < counters->programs.nr_progs; i++) {
		struct known_prog *known = &counters->programs.progs[i];

		if (known->dropped || !kft_prog__is_gone(&known->prog))
			continue;
		counters->source->forget(counters, known->prog.id);
		known->dropped = true;
	}
	usage__compact(&counters->ended);
	return 0;
}

void counters__set_patience(struct counters *counters, __u64 ns)
{
	counters->patience_ns = ns;
}

__u64 counters__nr_drains(const struct counters *counters)
{
	return counters->nr_drains;
}

int counters__drain(struct counters *counters, const struct probe_set *set, struct usage *usage)
{
	int err = read_quiet(counters);

	kernel_symbols__try_again(counters->symbols);
	usage__clear(usage);
	if (!err)
		err = take_ended(counters, set);
	for (size_t i = 0; i < counters->nr_slot_copies && !err; i++)
		err = add_slot(counters, set, &counters->slots[i], usage);
	for (size_t i = 0; i < counters->nr_retired && !err; i++) {
		if (counters->retired[i].counts.calls)
			err = add_retired(&counters->retired[i], set, usage);
	}
	for (int i = 0; i < probe_set__nr(set) && !err; i++)
		err = add_unattributed(counters, set, i, usage);
	for (size_t i = 0; i < counters->ended.nr && !err; i++)
		err = usage__add(usage, &counters->ended.rows[i].key,
				 &counters->ended.rows[i].counts);
	usage__compact(usage);
	counters->is_drained = !err;
	counters->nr_drains += !err;
	return err;
}

/* --- forgetting ------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	const __u32 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/*
 * The programs to which numbered call sites belong, sorted. Those of a program that is gone have all
 * been marked before it was.
 */
static size_t find_named(const struct kft_reference_state *state, __u32 *ids)
{
	size_t nr = 0;

	for (__u32 i = KFT_FIRST_REFERENCE_SITE; state && i < KFT_MAX_REFERENCE_SITES; i++) {
		if (is_retired(&state->sites[i]) && state->sites[i].prog_id)
			ids[nr++] = state->sites[i].prog_id;
	}
	if (nr)
		qsort(ids, nr, sizeof(*ids), compare_ids);
	return nr;
}

int counters__forget_ended(struct counters *counters, struct usage *drained)
{
	const struct kft_reference_state *state = counters__reference_state(counters);
	const struct counters_source *source = counters->source;
	__u32 ids[KFT_MAX_REFERENCE_SITES];

	if (!counters->is_drained)
		return 0;
	usage__take_out(drained, &counters->ended);
	usage__free(&counters->ended);
	prog_table__forget(&counters->programs, ids, find_named(state, ids));
	site_table__forget(&counters->sites, &counters->programs);
	/* Afterwards: what has come since the drain is of programs that the next one will know. */
	return source->take_sites ? source->take_sites(counters, &counters->sites) : 0;
}
