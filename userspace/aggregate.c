// SPDX-License-Identifier: GPL-2.0-only
#include "aggregate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash_index.h"

/* Callers of objects and problems that have no row; beyond these it is `other`. */
#define SPARE_CALLERS 1024

struct row {
	struct aggregate_row row;
	__s64 touched; /* last_seen, or less after the clock was set back */
};

struct caller {
	struct known_program program;
	__u64 users;	     /* rows, objects and problems that have it */
	__u64 reserved_till; /* generation until which somebody may be about to use it */
};

struct aggregate {
	struct aggregate_options opts;
	struct aggregate_state state;

	struct aggregate_kfunc *kfuncs;
	size_t nr_kfuncs, room_kfuncs;
	struct hash_index kfunc_index;

	struct caller *callers; /* the first one is `other` */
	size_t nr_callers, room_callers;
	size_t next_caller; /* where the search for one that nobody has goes on */
	struct hash_index caller_index;
	__u64 generation; /* counts how often objects or problems were set */

	struct row *rows;
	size_t nr_rows, room_rows;
	size_t nr_others; /* rows of `other`, which are beyond max_callers */
	struct hash_index row_index;
	__u64 next_serial;
	size_t next_row;     /* where the search for one to be forgotten goes on */
	__s64 none_old_till; /* before then there is none */

	struct aggregate_type *types;
	size_t nr_types, room_types;
	struct hash_index type_index;

	struct aggregate_object *objects;
	size_t nr_objects;
	struct aggregate_problem *problems;
	size_t nr_problems;
};

#define OTHER_CALLER 0

/* Room for one more; 0 or -ENOMEM. */
static int make_room(void **array, size_t *room, size_t nr, size_t size)
{
	size_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (nr < *room)
		return 0;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

#define MAKE_ROOM(aggregate, what)                                                                 \
	make_room((void **)&(aggregate)->what, &(aggregate)->room_##what, (aggregate)->nr_##what,  \
		  sizeof(*(aggregate)->what))

/* --- kfuncs ----------------------------------------------------------------------------------- */

static __u32 find_kfunc(const struct aggregate *aggregate, const char *name, const char *module,
			__u64 hash)
{
	const struct hash_index *index = &aggregate->kfunc_index;
	size_t at;
	__u32 i;

	for (i = hash_index__first(index, hash, &at); i != HASH_NONE;
	     i = hash_index__next(index, hash, &at)) {
		if (!strcmp(aggregate->kfuncs[i].name, name) &&
		    !strcmp(aggregate->kfuncs[i].module, module))
			break;
	}
	return i;
}

__u32 aggregate__kfunc(struct aggregate *aggregate, const char *name, const char *module)
{
	struct aggregate_kfunc new = { 0 };
	__u64 hash;
	__u32 found;

	if (!module || !*module)
		module = "vmlinux";
	hash = hash_text(hash_text(HASH_START, name), module);
	found = find_kfunc(aggregate, name, module, hash);
	if (found != HASH_NONE)
		return found;
	new.name = strdup(name);
	new.module = strdup(module);
	if (!new.name || !new.module || MAKE_ROOM(aggregate, kfuncs) ||
	    hash_index__add(&aggregate->kfunc_index, hash, aggregate->nr_kfuncs)) {
		free(new.name);
		free(new.module);
		return AGGREGATE_NONE;
	}
	aggregate->kfuncs[aggregate->nr_kfuncs] = new;
	return aggregate->nr_kfuncs++;
}

/* 0 or -ENOMEM; then it is as it was. */
static int set_text(char **text, const char *value)
{
	char *copy = NULL;

	if (*text == value || (*text && value && !strcmp(*text, value)))
		return 0;
	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*text);
	*text = copy;
	return 0;
}

int aggregate__set_deprecation(struct aggregate *aggregate, __u32 kfunc, const char *kind,
			       const char *replacement, const char *since)
{
	struct aggregate_kfunc *known = &aggregate->kfuncs[kfunc];

	return set_text((char **)&known->deprecation, kind) ?:
	       set_text(&known->replacement, replacement) ?:
	       set_text(&known->since, since);
}

int aggregate__set_traced(struct aggregate *aggregate, __u32 kfunc, bool traced,
			  const char *why_not)
{
	struct aggregate_kfunc *known = &aggregate->kfuncs[kfunc];

	known->traced = traced;
	return set_text(&known->untraced, traced ? NULL : why_not);
}

/* --- callers ------------------------------------------------------------------------------------ */

static __u32 find_caller(const struct aggregate *aggregate, const struct known_program *program,
			 __u64 hash)
{
	const struct hash_index *index = &aggregate->caller_index;
	size_t at;
	__u32 i;

	for (i = hash_index__first(index, hash, &at); i != HASH_NONE;
	     i = hash_index__next(index, hash, &at)) {
		if (known_program__equal(&aggregate->callers[i].program, program))
			break;
	}
	return i;
}

/* What is known of it besides who it is: the last word counts, if it says something. */
static void describe_caller(struct known_program *known, const struct known_program *program)
{
	if (*program->tag)
		memcpy(known->tag, program->tag, sizeof(known->tag));
	if (*program->loader)
		memcpy(known->loader, program->loader, sizeof(known->loader));
	if (program->id)
		known->id = program->id;
}

/* A place in the array for a new one. */
static __u32 place_for_caller(struct aggregate *aggregate)
{
	size_t bound = aggregate->opts.max_callers + SPARE_CALLERS;

	for (size_t i = 0; aggregate->nr_callers >= bound && i < aggregate->nr_callers; i++) {
		size_t place = aggregate->next_caller++ % aggregate->nr_callers;
		struct caller *caller = &aggregate->callers[place];

		if (place == OTHER_CALLER || caller->users ||
		    caller->reserved_till > aggregate->generation)
			continue;
		hash_index__remove(&aggregate->caller_index, known_program__hash(&caller->program),
				   place);
		return place;
	}
	if (aggregate->nr_callers >= bound || MAKE_ROOM(aggregate, callers))
		return AGGREGATE_NONE;
	return aggregate->nr_callers++;
}

/* The one that is equal, made when it is not there; AGGREGATE_NONE: no room, or no memory. */
static __u32 keep_caller(struct aggregate *aggregate, const struct known_program *program)
{
	__u64 hash = known_program__hash(program);
	__u32 place = find_caller(aggregate, program, hash);

	if (place != HASH_NONE) {
		describe_caller(&aggregate->callers[place].program, program);
		return place;
	}
	place = place_for_caller(aggregate);
	if (place == AGGREGATE_NONE)
		return place;
	aggregate->callers[place] = (struct caller){ .program = *program };
	if (hash_index__add(&aggregate->caller_index, hash, place)) {
		/* Nobody finds it; one day somebody else gets the place. */
		return AGGREGATE_NONE;
	}
	return place;
}

__u32 aggregate__caller(struct aggregate *aggregate, const struct known_program *caller)
{
	__u32 place = keep_caller(aggregate, caller);

	if (place == AGGREGATE_NONE)
		place = OTHER_CALLER;
	aggregate->callers[place].reserved_till = aggregate->generation + 2;
	return place;
}

/* --- rows --------------------------------------------------------------------------------------- */

static __u64 pair_hash(__u32 kfunc, __u32 caller)
{
	return hash_number(HASH_START, (__u64)kfunc << 32 | caller);
}

static struct row *find_row(struct aggregate *aggregate, __u32 kfunc, __u32 caller)
{
	__u64 hash = pair_hash(kfunc, caller);
	size_t at;

	for (__u32 i = hash_index__first(&aggregate->row_index, hash, &at); i != HASH_NONE;
	     i = hash_index__next(&aggregate->row_index, hash, &at)) {
		struct row *row = &aggregate->rows[i];

		if (row->row.kfunc == kfunc && row->row.caller == caller)
			return row;
	}
	return NULL;
}

/*
 * A row to be forgotten, or NULL. When there is none, it is known when there can be the next, and
 * until then none is looked for: a flood of new callers must not cost a search each.
 */
static struct row *forgettable(struct aggregate *aggregate, __s64 now)
{
	__s64 forget_s = aggregate->opts.forget_s, oldest = now;

	/* A time that is too far away is from before the clock was set back. */
	if (!forget_s ||
	    (now < aggregate->none_old_till && aggregate->none_old_till - now <= forget_s))
		return NULL;
	for (size_t i = 0; i < aggregate->nr_rows; i++) {
		struct row *row = &aggregate->rows[aggregate->next_row++ % aggregate->nr_rows];

		if (row->row.caller == OTHER_CALLER || row->row.outstanding > 0)
			continue;
		if (row->touched > now)
			row->touched = now;
		if (now - row->touched >= forget_s)
			return row;
		if (row->touched < oldest)
			oldest = row->touched;
	}
	aggregate->none_old_till = oldest + forget_s;
	return NULL;
}

static void forget_row(struct aggregate *aggregate, struct row *row)
{
	hash_index__remove(&aggregate->row_index, pair_hash(row->row.kfunc, row->row.caller),
			   row - aggregate->rows);
	aggregate->callers[row->row.caller].users--;
	free(row->row.held);
	row->row.held = NULL;
}

/* A place in the array; AGGREGATE_NONE: out of memory. */
static __u32 place_for_row(struct aggregate *aggregate, struct row *reused)
{
	if (reused)
		return reused - aggregate->rows;
	if (MAKE_ROOM(aggregate, rows))
		return AGGREGATE_NONE;
	return aggregate->nr_rows;
}

/* Makes a row, in the place of `reused`, which is already forgotten, or in a new one. */
static struct row *make_row(struct aggregate *aggregate, __u32 kfunc, __u32 caller,
			    struct row *reused)
{
	__u32 place = place_for_row(aggregate, reused);
	struct row *row;

	if (place == AGGREGATE_NONE ||
	    hash_index__add(&aggregate->row_index, pair_hash(kfunc, caller), place))
		return NULL;
	if (place == aggregate->nr_rows)
		aggregate->nr_rows++;
	row = &aggregate->rows[place];
	*row = (struct row){
		.row = {
			.serial = ++aggregate->next_serial,
			.kfunc = kfunc,
			.caller = caller,
			.outstanding = -1,
		},
	};
	aggregate->callers[caller].users++;
	return row;
}

static struct row *other_row(struct aggregate *aggregate, __u32 kfunc)
{
	struct row *row = find_row(aggregate, kfunc, OTHER_CALLER);

	if (row)
		return row;
	row = make_row(aggregate, kfunc, OTHER_CALLER, NULL);
	if (row)
		aggregate->nr_others++;
	return row;
}

/* `now`: for its sake one that was not seen for long may be forgotten; 0: none. */
static struct row *row_for(struct aggregate *aggregate, __u32 kfunc,
			   const struct known_program *program, __s64 now)
{
	bool full = aggregate->nr_rows - aggregate->nr_others >= aggregate->opts.max_callers;
	__u32 caller = find_caller(aggregate, program, known_program__hash(program));
	struct row *row = NULL, *old = NULL;

	if (caller == OTHER_CALLER)
		return other_row(aggregate, kfunc);
	if (caller != HASH_NONE)
		row = find_row(aggregate, kfunc, caller);
	if (row) {
		describe_caller(&aggregate->callers[caller].program, program);
		return row;
	}
	if (full && now)
		old = forgettable(aggregate, now);
	if (full && !old)
		return other_row(aggregate, kfunc);
	caller = keep_caller(aggregate, program);
	if (caller == AGGREGATE_NONE)
		return other_row(aggregate, kfunc);
	if (old)
		forget_row(aggregate, old);
	return make_row(aggregate, kfunc, caller, old);
}

void aggregate_counts__add(struct aggregate_counts *to, const struct aggregate_counts *counts)
{
	to->calls += counts->calls;
	to->nulls += counts->nulls;
	to->zeros += counts->zeros;
	to->unclear += counts->unclear;
	to->acquired += counts->acquired;
	to->released += counts->released;
}

static bool any(const struct aggregate_counts *counts)
{
	return counts->calls || counts->nulls || counts->zeros || counts->unclear ||
	       counts->acquired || counts->released;
}

struct aggregate_row *aggregate__add(struct aggregate *aggregate, __u32 kfunc,
				     const struct known_program *caller,
				     const struct aggregate_counts *counts, __s64 now)
{
	struct row *row = row_for(aggregate, kfunc, caller, now);

	if (!row)
		return NULL;
	if (!row->touched)
		row->touched = now;
	if (!any(counts))
		return &row->row;
	aggregate_counts__add(&row->row.counts, counts);
	if (row->row.caller == OTHER_CALLER && caller->kind != KNOWN_OTHER)
		aggregate->state.losses.other_rows += counts->calls;
	if (!row->row.first_seen)
		row->row.first_seen = now;
	row->row.last_seen = row->touched = now;
	return &row->row;
}

__u32 aggregate__add_past(struct aggregate *aggregate, __u32 kfunc,
			  const struct known_program *caller, const struct aggregate_counts *counts,
			  __s64 first_seen, __s64 last_seen)
{
	struct row *row = row_for(aggregate, kfunc, caller, 0);

	if (!row)
		return AGGREGATE_NONE;
	aggregate_counts__add(&row->row.counts, counts);
	if (first_seen && (!row->row.first_seen || first_seen < row->row.first_seen))
		row->row.first_seen = first_seen;
	if (last_seen > row->row.last_seen)
		row->row.last_seen = last_seen;
	if (last_seen > row->touched)
		row->touched = last_seen;
	return row - aggregate->rows;
}

struct aggregate_row *aggregate__find(struct aggregate *aggregate, __u32 kfunc,
				      const struct known_program *caller)
{
	__u32 known = find_caller(aggregate, caller, known_program__hash(caller));
	struct row *row = known == HASH_NONE ? NULL : find_row(aggregate, kfunc, known);

	return row ? &row->row : NULL;
}

int aggregate_row__add_held(struct aggregate_row *row, const struct kft_hold *hold)
{
	if (!row->held)
		row->held = calloc(1, sizeof(*row->held));
	if (!row->held)
		return -ENOMEM;
	histogram__add(row->held, hold);
	return 0;
}

/* --- types, objects and problems ------------------------------------------------------------------ */

static __u32 find_type(const struct aggregate *aggregate, const char *name, __u64 hash)
{
	const struct hash_index *index = &aggregate->type_index;
	size_t at;
	__u32 i;

	for (i = hash_index__first(index, hash, &at); i != HASH_NONE;
	     i = hash_index__next(index, hash, &at)) {
		if (!strcmp(aggregate->types[i].name, name))
			break;
	}
	return i;
}

__u32 aggregate__type(struct aggregate *aggregate, const char *name)
{
	struct aggregate_type new = { .outstanding = -1, .parked = -1, .stale = -1 };
	__u64 hash = hash_text(HASH_START, name);
	__u32 found = find_type(aggregate, name, hash);

	if (found != HASH_NONE)
		return found;
	/* The last place is that of `other`. */
	if (aggregate->nr_types >= AGGREGATE_MAX_TYPES)
		return AGGREGATE_MAX_TYPES - 1;
	if (aggregate->nr_types == AGGREGATE_MAX_TYPES - 1) {
		name = "other";
		hash = hash_text(HASH_START, name);
		found = find_type(aggregate, name, hash);
		if (found != HASH_NONE)
			return found;
	}
	new.name = strdup(name);
	if (!new.name || MAKE_ROOM(aggregate, types) ||
	    hash_index__add(&aggregate->type_index, hash, aggregate->nr_types)) {
		free(new.name);
		return AGGREGATE_NONE;
	}
	aggregate->types[aggregate->nr_types] = new;
	return aggregate->nr_types++;
}

struct aggregate_type *aggregate__type_for(struct aggregate *aggregate, __u32 type)
{
	return &aggregate->types[type];
}

static void count_user(struct aggregate *aggregate, __u32 caller, int change)
{
	if (caller != AGGREGATE_NONE)
		aggregate->callers[caller].users += change;
}

static void free_problems(struct aggregate_problem *problems, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		free(problems[i].target);
		free(problems[i].problem);
		free(problems[i].replacement);
	}
	free(problems);
}

int aggregate__set_objects(struct aggregate *aggregate, const struct aggregate_object *objects,
			   size_t nr)
{
	struct aggregate_object *copies = NULL;

	if (nr > aggregate->opts.max_objects)
		nr = aggregate->opts.max_objects;
	if (nr) {
		copies = calloc(nr, sizeof(*copies));
		if (!copies)
			return -ENOMEM;
		memcpy(copies, objects, nr * sizeof(*copies));
	}
	for (size_t i = 0; i < nr; i++)
		count_user(aggregate, copies[i].caller, 1);
	for (size_t i = 0; i < aggregate->nr_objects; i++)
		count_user(aggregate, aggregate->objects[i].caller, -1);
	free(aggregate->objects);
	aggregate->objects = copies;
	aggregate->nr_objects = nr;
	aggregate->generation++;
	return 0;
}

static int copy_problem(struct aggregate_problem *copy, const struct aggregate_problem *problem)
{
	*copy = *problem;
	copy->target = copy->problem = copy->replacement = NULL;
	return set_text(&copy->target, problem->target) ?:
	       set_text(&copy->problem, problem->problem) ?:
	       set_text(&copy->replacement, problem->replacement);
}

int aggregate__set_problems(struct aggregate *aggregate, const struct aggregate_problem *problems,
			    size_t nr)
{
	struct aggregate_problem *copies;

	if (nr > AGGREGATE_MAX_PROBLEMS)
		nr = AGGREGATE_MAX_PROBLEMS;
	copies = calloc(nr ?: 1, sizeof(*copies));
	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (copy_problem(&copies[i], &problems[i])) {
			free_problems(copies, nr);
			return -ENOMEM;
		}
	}
	for (size_t i = 0; i < nr; i++)
		count_user(aggregate, copies[i].caller, 1);
	for (size_t i = 0; i < aggregate->nr_problems; i++)
		count_user(aggregate, aggregate->problems[i].caller, -1);
	free_problems(aggregate->problems, aggregate->nr_problems);
	aggregate->problems = copies;
	aggregate->nr_problems = nr;
	aggregate->generation++;
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------------ */

struct aggregate *aggregate__new(const struct aggregate_options *opts)
{
	static const struct known_program other = { .kind = KNOWN_OTHER };
	struct aggregate *aggregate = calloc(1, sizeof(*aggregate));

	if (!aggregate)
		return NULL;
	aggregate->opts = *opts;
	if (keep_caller(aggregate, &other) != OTHER_CALLER) {
		aggregate__free(aggregate);
		return NULL;
	}
	return aggregate;
}

void aggregate__free(struct aggregate *aggregate)
{
	if (!aggregate)
		return;
	for (size_t i = 0; i < aggregate->nr_kfuncs; i++) {
		free(aggregate->kfuncs[i].name);
		free(aggregate->kfuncs[i].module);
		free((char *)aggregate->kfuncs[i].deprecation);
		free(aggregate->kfuncs[i].replacement);
		free(aggregate->kfuncs[i].since);
		free(aggregate->kfuncs[i].untraced);
	}
	for (size_t i = 0; i < aggregate->nr_rows; i++)
		free(aggregate->rows[i].row.held);
	for (size_t i = 0; i < aggregate->nr_types; i++)
		free(aggregate->types[i].name);
	free_problems(aggregate->problems, aggregate->nr_problems);
	free(aggregate->objects);
	free(aggregate->kfuncs);
	free(aggregate->callers);
	free(aggregate->rows);
	free(aggregate->types);
	hash_index__free(&aggregate->kfunc_index);
	hash_index__free(&aggregate->caller_index);
	hash_index__free(&aggregate->row_index);
	hash_index__free(&aggregate->type_index);
	free(aggregate);
}

void aggregate__set_options(struct aggregate *aggregate, const struct aggregate_options *opts)
{
	aggregate->opts = *opts;
	aggregate->none_old_till = 0;
}

struct aggregate_state *aggregate__state(struct aggregate *aggregate)
{
	return &aggregate->state;
}

const struct aggregate_state *aggregate__read_state(const struct aggregate *aggregate)
{
	return &aggregate->state;
}

size_t aggregate__nr_kfuncs(const struct aggregate *aggregate)
{
	return aggregate->nr_kfuncs;
}

const struct aggregate_kfunc *aggregate__kfunc_at(const struct aggregate *aggregate, size_t idx)
{
	return &aggregate->kfuncs[idx];
}

struct aggregate_kfunc *aggregate__kfunc_for(struct aggregate *aggregate, __u32 kfunc)
{
	return &aggregate->kfuncs[kfunc];
}

size_t aggregate__nr_callers(const struct aggregate *aggregate)
{
	return aggregate->nr_callers;
}

const struct known_program *aggregate__caller_at(const struct aggregate *aggregate, size_t idx)
{
	return &aggregate->callers[idx].program;
}

size_t aggregate__nr_rows(const struct aggregate *aggregate)
{
	return aggregate->nr_rows;
}

const struct aggregate_row *aggregate__row_at(const struct aggregate *aggregate, size_t idx)
{
	return &aggregate->rows[idx].row;
}

struct aggregate_row *aggregate__row_for(struct aggregate *aggregate, size_t idx)
{
	return &aggregate->rows[idx].row;
}

size_t aggregate__nr_types(const struct aggregate *aggregate)
{
	return aggregate->nr_types;
}

const struct aggregate_type *aggregate__type_at(const struct aggregate *aggregate, size_t idx)
{
	return &aggregate->types[idx];
}

const struct aggregate_object *aggregate__objects(const struct aggregate *aggregate, size_t *nr)
{
	*nr = aggregate->nr_objects;
	return aggregate->objects;
}

const struct aggregate_problem *aggregate__problems(const struct aggregate *aggregate, size_t *nr)
{
	*nr = aggregate->nr_problems;
	return aggregate->problems;
}
