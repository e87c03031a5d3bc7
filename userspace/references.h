/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of references in the kernel: which objects are held, by which call sites, and how long
 * they were. What the reference probes (references.bpf.c) fill.
 */
#ifndef KFUNCTRACE_REFERENCES_H
#define KFUNCTRACE_REFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "../tracepoints/reference_records.h"

struct counters;
struct kernel_btf_set;
struct pairing;
struct probe_template;
struct references;
struct site_changes;
struct site_numbers;

struct references_options {
	__u32 max_objects;     /* more are counted as untracked; 0: none are kept */
	__u32 ring_bytes;      /* room for events, a power of two; 0: none are sent */
	__u32 events_a_second; /* of acquires that fail, at most; 0: no limit */
	bool recycle;	       /* references__take_changes() will be called as long as it goes on */
};

/*
 * Makes the records. `counters` were opened with want_references, and with the others must outlive
 * them. Returns 0 or a negative errno.
 */
int references__open(const struct references_options *opts, struct counters *counters,
		     struct kernel_btf_set *btfs, const struct pairing *pairing,
		     struct references **references);
void references__free(struct references *references);

/* Tells the template's reference probes where they are. */
void references__tell_template(const struct references *references, struct probe_template *tmpl);

/* After pairing__extend(): what objects of the new types are. Before they are probed. */
void references__know_types(struct references *references, const struct pairing *pairing);

/* To be called about once a second: makes room. Returns 0 or a negative errno. */
int references__tend(struct references *references);

/* Bytes of kernel memory that the records take. */
__u64 references__memory(const struct references *references);
/* The most objects that there is room for. */
__u32 references__max_objects(const struct references *references);
int references__events_fd(const struct references *references);

/*
 * With `recycle`: what has changed since the last time, and takes numbers of call sites and slots of
 * holding times back whose programs are gone, see site_numbers.h. What is told is final: an
 * aggregator adds it up, and the records of sites have only what has not been given back since. The
 * numbers in held objects are good until the next call; to be sure whose they are read objects
 * first, drain then, and name them last.
 */
int references__take_changes(struct references *references, struct site_changes *changes);
/* NULL without `recycle`. */
const struct site_numbers *references__numbers(const struct references *references);

/* What the probes have written so far; changes all the time. */
const struct kft_reference_state *references__state(const struct references *references);
/* A numbered call site, or NULL. */
const struct kft_reference_site *references__site(const struct references *references, __u32 site);

/* An object on which references are held at the moment. */
struct held_object {
	struct kft_object_report report;
	char (*components)[KFT_COMPONENT_LEN]; /* report.nr_components; NULL when there are none */
};

/* A map that was searched for references. */
struct searched_map {
	__u32 id;
	char name[16];
	bool is_searched; /* false: the kernel does not let its elements be looked through */
};

/*
 * Looks through the elements of all maps that can hold references. Afterwards an object whose
 * seen_at is *number was found in the map seen_in; one with another number is in no element. The
 * maps are malloc'ed, sorted by id. Returns 0 or a negative errno.
 */
int references__search_maps(struct references *references, struct searched_map **maps, size_t *nr,
			    __u32 *number);

/* All of them, malloc'ed, to be freed with held_objects__free(). Returns 0 or a negative errno. */
int references__read_objects(struct references *references, struct held_object **objects,
			     size_t *nr);
void held_objects__free(struct held_object *objects, size_t nr);

/* The threads that are inside of sleepable programs, sorted; malloc'ed. 0 or a negative errno. */
int references__read_sleepers(struct references *references, __u32 **tids, size_t *nr);

/* Whether a thread is among them. */
bool references__is_sleeper(const __u32 *tids, size_t nr, __u32 tid);

/*
 * Who held how long, malloc'ed arrays; keys[i] belongs to holds[i]. With `recycle` a key may be there
 * twice, for some of both, and what was told as a last change is missing. Returns 0 or a negative
 * errno.
 */
int references__read_holds(const struct references *references, struct kft_hold_key **keys,
			   struct kft_hold **holds, size_t *nr);

#endif
