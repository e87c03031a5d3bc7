// SPDX-License-Identifier: GPL-2.0-only
/* What the governor measures and takes off. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counting_private.h"
#include "pairing.h"
#include "probe_set.h"
#include "registry.h"

/* Acquires and releases of a type come and go together, or its balance would mean nothing. */
static const char *unit_of(const struct counting *counting, const struct probe *probe)
{
	int function = counting__function_of(probe->target.subject);

	if (function < 0)
		return registry__at(counting->session.tracing.kernel.registry,
				    probe->target.subject - FIRST_OTHER)
			->name;
	return pairing__type(counting->session.pairing,
			     pairing__function(counting->session.pairing, function)->type)
		->name;
}

bool counting__is_governed(const struct counting *counting, const struct probe *probe)
{
	return probe->state == PROBE_DETACHED &&
	       name_list__has(&counting->governed, unit_of(counting, probe));
}

static struct counting_unit *unit_named(struct counting *counting, size_t *nr, const char *name)
{
	for (size_t i = 0; i < *nr; i++) {
		if (strcmp(counting->units[i].name, name) == 0)
			return &counting->units[i];
	}
	counting->units[*nr] = (struct counting_unit){ .name = name };
	return &counting->units[(*nr)++];
}

/* What has come since, to that of runs before this one. */
static void add_cost(struct probe_cost *before, struct aggregate_kfunc *kfunc, __u64 run_ns,
		     __u64 runs)
{
	/* Less than before: the kernel could not be asked. */
	if (run_ns < before->run_ns || runs < before->runs)
		return;
	kfunc->run_time_ns += run_ns - before->run_ns;
	kfunc->runs += runs - before->runs;
	*before = (struct probe_cost){ run_ns, runs };
}

size_t counting__units(struct counting *counting, const struct counting_unit **units)
{
	const struct probe_set *set = counting->session.tracing.set;
	size_t nr = 0;

	*units = NULL;
	if (counting->is_off)
		return 0;
	free(counting->units);
	counting->units = calloc(probe_set__nr(set) + 1, sizeof(*counting->units));
	*units = counting->units;
	for (int i = 0; i < probe_set__nr(set) && counting->units; i++) {
		const struct probe *probe = probe_set__at(set, i);
		struct aggregate_kfunc *kfunc = aggregate__kfunc_for(
			counting->aggregate, counting__number_of(counting, probe->target.subject));
		struct counting_unit *unit;
		__u64 run_ns, runs;

		if (probe->is_twin)
			continue;
		unit = unit_named(counting, &nr, unit_of(counting, probe));
		probe_set__run_stats(set, i, &run_ns, &runs);
		unit->run_ns += run_ns;
		unit->runs += runs;
		unit->attached |= probe->state == PROBE_ATTACHED;
		add_cost(&counting->costs[i], kfunc, run_ns, runs);
	}
	return nr;
}

int counting__detach_unit(struct counting *counting, const char *name)
{
	const struct probe_set *set = counting->session.tracing.set;
	int nr = 0, err, *idxs;

	if (counting__must_wait(counting))
		return -EBUSY;
	idxs = calloc(probe_set__nr(set) + 1, sizeof(*idxs));
	/* It is remembered, so that a new look at modules does not bring it back. */
	err = idxs ? name_list__add(&counting->governed, name) : -ENOMEM;
	for (int i = 0; i < probe_set__nr(set) && !err; i++) {
		const struct probe *probe = probe_set__at(set, i);

		if (probe->state == PROBE_ATTACHED && !probe->is_twin &&
		    strcmp(unit_of(counting, probe), name) == 0)
			idxs[nr++] = i;
	}
	nr = err ?: counting__detach(counting, idxs, nr);
	if (nr > 0)
		err = counting__note_states(counting);
	free(idxs);
	return err ?: nr;
}
