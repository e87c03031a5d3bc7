// SPDX-License-Identifier: GPL-2.0-only
#include "program_census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "aggregate.h"
#include "call_targets.h"
#include "deprecations.h"
#include "live_kernel.h"
#include "message.h"
#include "program_loaders.h"
#include "snapshot.h"
#include "snapshot_diff.h"
#include "users.h"

struct program_census {
	struct live_kernel *kernel;
	struct aggregate *aggregate;
	struct program_loaders *loaders;
	bool has_target;
	bool is_stale; /* what it knows of the kernel, after a refresh that failed */
	struct snapshot target;
	struct snapshot live;
	struct snapshot_diff diff;
	struct call_targets *targets;
	struct users_reader *reader;
	/* Of the look that is going on. */
	struct aggregate_problem *problems;
	size_t nr, room;
};

/* --- opening ------------------------------------------------------------------------------------ */

static void forget_kernel(struct program_census *census)
{
	snapshot_diff__free(&census->diff);
	snapshot__free(&census->live);
	users_reader__free(census->reader);
	call_targets__free(census->targets);
	memset(&census->diff, 0, sizeof(census->diff));
	memset(&census->live, 0, sizeof(census->live));
	census->reader = NULL;
	census->targets = NULL;
}

static int compare_with_target(struct program_census *census)
{
	int err;

	if (!census->has_target)
		return 0;
	err = snapshot__of_live(census->kernel, &census->live);
	return err
		       ?: snapshot_diff__make(&census->diff, &census->live, &census->target,
					      census->kernel->deprecations);
}

int program_census__refresh(struct program_census *census)
{
	int err;

	forget_kernel(census);
	err = call_targets__open(census->kernel, &census->targets);
	if (!err)
		err = users_reader__open(census->targets, &census->reader);
	if (!err)
		err = compare_with_target(census);
	census->is_stale = err;
	return err;
}

static int open_target(struct program_census *census, const char *target)
{
	int err;

	if (!target)
		return 0;
	err = snapshot__open(target, &census->target);
	census->has_target = !err;
	return err;
}

int program_census__open(struct live_kernel *kernel, struct aggregate *aggregate,
			 struct program_loaders *loaders, const char *target,
			 struct program_census **result)
{
	struct program_census *census = calloc(1, sizeof(*census));
	struct aggregate_state *state = aggregate__state(aggregate);
	int err;

	if (!census)
		return -ENOMEM;
	census->kernel = kernel;
	census->aggregate = aggregate;
	census->loaders = loaders;
	err = open_target(census, target);
	if (!err) {
		err = program_census__refresh(census);
		if (err)
			msg__error("cannot look at the programs that are loaded: %s",
				   strerror(-err));
	}
	if (err) {
		program_census__free(census);
		return err;
	}
	snprintf(state->target, sizeof(state->target), "%s",
		 census->has_target ? census->target.release : "");
	*result = census;
	return 0;
}

void program_census__free(struct program_census *census)
{
	if (!census)
		return;
	forget_kernel(census);
	if (census->has_target)
		snapshot__free(&census->target);
	free(census);
}

/* --- problems -------------------------------------------------------------------------------------- */

static struct aggregate_problem *find(struct program_census *census,
				      const struct aggregate_problem *like)
{
	for (size_t i = 0; i < census->nr; i++) {
		struct aggregate_problem *problem = &census->problems[i];

		if (problem->kfunc == like->kfunc && problem->caller == like->caller &&
		    !problem->target == !like->target &&
		    strcmp(problem->problem, like->problem) == 0)
			return problem;
	}
	return NULL;
}

/* Texts of `like` are copied, and owned by the list. */
static int add_problem(struct program_census *census, const struct aggregate_problem *like)
{
	struct aggregate_problem *problem = find(census, like);

	if (problem) {
		problem->programs++;
		return 0;
	}
	if (census->nr == census->room) {
		size_t room = census->room ? census->room * 2 : 64;

		problem = realloc(census->problems, room * sizeof(*problem));
		if (!problem)
			return -ENOMEM;
		census->problems = problem;
		census->room = room;
	}
	problem = &census->problems[census->nr];
	*problem = *like;
	problem->programs = 1;
	problem->problem = strdup(like->problem);
	return problem->problem ? (census->nr++, 0) : -ENOMEM;
}

static int add_changes(struct program_census *census, const struct kfunc *kfunc,
		       struct aggregate_problem *like)
{
	int err = 0;

	like->target = (char *)census->target.release;
	for (size_t i = 0; i < census->diff.nr && !err; i++) {
		const struct change *change = &census->diff.changes[i];
		char text[256];

		if (!change->breaks || strcmp(change->kfunc, kfunc->name) != 0)
			continue;
		if (change->kind == CHANGE_REMOVED)
			snprintf(text, sizeof(text), "removed");
		else
			snprintf(text, sizeof(text), "%s: %s", change_kind__name(change->kind),
				 change->what);
		like->problem = text;
		like->replacement = (char *)change->replacement;
		err = add_problem(census, like);
	}
	return err;
}

static int take_use(struct program_census *census, const struct kfunc *kfunc,
		    const struct known_program *program)
{
	const struct deprecation *deprecation = live_kernel__deprecation(census->kernel, kfunc);
	struct aggregate_problem like = {
		.kfunc = aggregate__kfunc(census->aggregate, kfunc->name, kfunc->module),
		.caller = aggregate__caller(census->aggregate, program),
	};
	int err = 0;

	if (like.kfunc == AGGREGATE_NONE || like.caller == AGGREGATE_NONE)
		return -ENOMEM;
	if (deprecation) {
		like.problem = (char *)deprecation_kind__name(deprecation->kind);
		like.replacement = (char *)deprecation__replacement(deprecation);
		err = add_problem(census, &like);
	}
	if (!err && census->has_target)
		err = add_changes(census, kfunc, &like);
	return err;
}

static struct known_program known_user(const struct program_census *census,
				       const struct kft_user *user)
{
	return known_program__of(user->name, libbpf_bpf_prog_type_str(user->type), user->tag,
				 user->prog_id,
				 program_loaders__of(census->loaders, user->prog_id));
}

static int take_user(struct program_census *census, const struct user *user)
{
	struct known_program known = known_user(census, &user->prog);
	const struct kfunc *last = NULL;
	int err = 0;

	/* A specialised kfunc may be there twice, as itself and as its twin. */
	for (int i = 0; i < user->nr_kfuncs && !err; i++) {
		const struct kfunc *kfunc = user->kfuncs[i].kfunc;

		if (kfunc && kfunc != last)
			err = take_use(census, kfunc, &known);
		last = kfunc;
	}
	return err;
}

static void free_problems(struct program_census *census)
{
	for (size_t i = 0; i < census->nr; i++)
		free(census->problems[i].problem);
	free(census->problems);
	census->problems = NULL;
	census->nr = census->room = 0;
}

int program_census__look(struct program_census *census)
{
	struct users users = { 0 };
	int err = census->is_stale ? program_census__refresh(census) : 0;

	if (!err)
		err = program_loaders__look(census->loaders, census->kernel->btfs);
	if (!err)
		err = users_reader__read(census->reader, &users);
	if (!err)
		err = users__add_declared(census->kernel, &users, false);
	for (size_t i = 0; i < users.nr && !err; i++)
		err = take_user(census, &users.users[i]);
	if (!err)
		err = aggregate__set_problems(census->aggregate, census->problems, census->nr);
	free_problems(census);
	users__free(&users);
	return err;
}
