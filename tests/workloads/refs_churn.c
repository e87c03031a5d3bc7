// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs by the thousand, that are loaded, run and unloaded: what they leave behind is found by
 * others, long after they have gone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "scene.h"
#include "workload.h"

#define N_PAIRS	    2
#define N_PARKS	    2
#define N_DROPS	    2
#define MAX_PADDING 256
/* So many programs are there at a time, and so many references stay behind. */
#define ALIVE 3
#define LEFT  40

struct churn {
	struct scene *scene;
	const char *type, *kfunc, *map;
	bool is_hash;
	int alive[ALIVE];
	unsigned int round;
	/* Who has left something in a slot: 1 + index of the program; 0: nobody. */
	unsigned int owners[CHURN_SLOTS];
	unsigned int n_left;
	unsigned long long handed_over[N_PARKS][N_DROPS], n_pairs[N_PAIRS];
};

static const char *const pairs[N_PAIRS] = { "pair_one", "pair_three" };
static const unsigned int n_pairs[N_PAIRS] = { 1, 3 };
static const char *const parks[N_PARKS] = { "park_one", "park_two" };
static const char *const drops[N_DROPS] = { "drop_one", "drop_two" };

static int run_copy(struct churn *churn, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(churn->scene->object, name);
	int *slot = &churn->alive[churn->round % ALIVE];
	__u64 done = churn->scene->step->done;

	if (*slot >= 0)
		close(*slot);
	*slot = program__load_copy(program, churn->round * 37 % MAX_PADDING);
	churn->round++;
	if (*slot < 0 || program__run(*slot, bpf_program__type(program), 1))
		return -1;
	if (*(volatile __u64 *)&churn->scene->step->done != done + 1)
		return fail(0, "a copy of %s did not do what it is for", name);
	return 0;
}

static int pair(struct churn *churn, unsigned int n)
{
	if (run_copy(churn, pairs[n]))
		return -1;
	churn->n_pairs[n] += n_pairs[n];
	return 0;
}

static unsigned int find_slot(const struct churn *churn, bool is_taken)
{
	unsigned int key = rand() % CHURN_SLOTS;

	while (!churn->owners[key] == is_taken)
		key = (key + 1) % CHURN_SLOTS;
	return key;
}

static int park(struct churn *churn, unsigned int n)
{
	unsigned int key = find_slot(churn, false);

	churn->scene->step->key = key;
	if (run_copy(churn, parks[n]))
		return -1;
	churn->owners[key] = n + 1;
	churn->n_left++;
	return 0;
}

static int drop(struct churn *churn, unsigned int n)
{
	unsigned int key = find_slot(churn, true);

	churn->scene->step->key = key;
	if (run_copy(churn, drops[n]))
		return -1;
	churn->handed_over[churn->owners[key] - 1][n]++;
	churn->owners[key] = 0;
	churn->n_left--;
	return 0;
}

static int do_round(struct churn *churn)
{
	if (churn->round % 3 == 0)
		return pair(churn, rand() % N_PAIRS);
	/* What is left behind becomes more and less, but never nothing again. */
	if (churn->n_left <= LEFT / 2 || (churn->n_left < LEFT && rand() % 2))
		return park(churn, rand() % N_PARKS);
	return drop(churn, rand() % N_DROPS);
}

static void tell(struct churn *churn)
{
	struct references *references = churn->scene->references;
	const char *paired = churn->is_hash ? churn->type : TASK;

	for (unsigned int i = 0; i < N_PAIRS; i++)
		references__add_handed_over(references, paired, pairs[i], pairs[i],
					    churn->n_pairs[i]);
	for (unsigned int i = 0; i < N_PARKS; i++) {
		struct parked parked = {
			.type = churn->type,
			.program = parks[i],
			.kfunc = churn->kfunc,
			.map = churn->map,
		};

		for (unsigned int j = 0; j < N_DROPS; j++)
			references__add_handed_over(references, churn->type, parks[i], drops[j],
						    churn->handed_over[i][j]);
		for (unsigned int key = 0; key < CHURN_SLOTS; key++)
			parked.references += churn->owners[key] == i + 1;
		parked.objects = parked.references;
		if (parked.references)
			references__add_parked(references, &parked);
	}
}

int refs_churn__perform(struct scene *scene)
{
	struct churn churn = {
		.scene = scene,
		.type = CPUMASK,
		.kfunc = "bpf_cpumask_create",
		.map = "churned",
		.alive = { -1, -1, -1 },
	};
	int n_cpus = sysconf(_SC_NPROCESSORS_ONLN), err = 0;

	if (!bpf_object__find_map_by_name(scene->object, "churned")) {
		churn.type = TEST_OBJECT;
		churn.kfunc = "bpf_kfunc_call_test_acquire";
		churn.map = "churned_tests";
		churn.is_hash = true;
	}
	for (unsigned int key = 0; churn.is_hash && key < CHURN_SLOTS && !err; key++)
		err = scene__add_slot(scene, churn.map, key, sizeof(void *));
	srand(1);
	while (!err && churn.round < scene->options->rounds) {
		/* Now on one CPU, now on another: a call site then has a slot on each. */
		if (churn.round % 16 == 0)
			err = pin_to_cpu(churn.round / 16 % n_cpus);
		err = err ?: do_round(&churn);
	}
	for (int i = 0; i < ALIVE; i++) {
		if (churn.alive[i] >= 0)
			close(churn.alive[i]);
	}
	if (!err)
		tell(&churn);
	return err;
}
