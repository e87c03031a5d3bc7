/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects on which references are held, as of one moment: by whom, since when, whether they are
 * parked, and whether the object is dead.
 */
#ifndef KFUNCTRACE_REFERENCE_OBJECTS_H
#define KFUNCTRACE_REFERENCE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "references.h"

struct counters;
struct pairing;

/* A call site that acquired references on an object. */
struct object_holder {
	__u32 site;  /* numbered call site */
	__u32 taken; /* references that it has acquired since there were none */
};

struct object_row {
	const struct held_object *held;
	int type; /* in the pairing */
	__u32 references;
	struct object_holder holders[KFT_MAX_HOLDERS];
	int nr_holders;
	bool more_holders;
	/*
	 * Some references were given back, and it cannot be told of which site those are that are
	 * left. Otherwise each still has all that it has taken.
	 */
	bool is_ambiguous;
	bool is_one_program; /* all sites are of the same program, which so is known in any case */
	/*
	 * Parked: who acquired it has returned. In use: who did cannot park. Neither: it cannot be told.
	 */
	bool is_parked, is_in_use;
	bool is_stale; /* the object is dead: an exited task, a removed cgroup */
	const struct searched_map *parked_in; /* NULL: it is in no element of a map */
	/*
	 * Parked, and in no element of any map, all of which were looked through: on kernels that do
	 * not give back what a deleted element holds, it is in one (or in a program's own object).
	 */
	bool is_in_deleted_element;
	__u64 age_ns; /* since the first of the references was acquired */
};

struct reference_objects {
	struct object_row *rows;
	size_t nr;
	size_t nr_gone;	      /* the object's memory is another's: its release was not seen */
	size_t nr_unsearched; /* maps that could hold some and cannot be looked through */
	struct held_object *held;
	size_t nr_held;
	struct searched_map *maps;
	size_t nr_maps;
};

enum object_order { ORDER_AGE, ORDER_COUNT };

/*
 * Waits until every program that does not sleep and was running has returned, then reads. Sorted:
 * oldest, or those with most references, first. Returns 0 or a negative errno.
 */
int reference_objects__read(struct references *references, const struct counters *counters,
			    const struct pairing *pairing, enum object_order order,
			    struct reference_objects *objects);
void reference_objects__free(struct reference_objects *objects);

/* "pid 812 (sleep), exited", "/app.slice, removed", "tcp 10.0.0.1:80 -> ...", "-". Returns buf. */
const char *object_row__describe(const struct object_row *row, const struct pairing *pairing,
				 char *buf, size_t size);
/* The path of a cgroup out of its components. Returns buf. */
const char *held_object__path(const struct held_object *held, char *buf, size_t size);

#endif
