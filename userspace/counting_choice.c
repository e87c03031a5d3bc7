// SPDX-License-Identifier: GPL-2.0-only
/* Which kfuncs the aggregator probes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "counting_private.h"
#include "module_events.h"
#include "pairing.h"
#include "probe_set.h"
#include "registry.h"
#include "serve_config.h"

int counting__choose_modules(struct counting *counting)
{
	const struct pattern_list *chosen = &counting->config->modules;
	int err;

	pattern_list__free(&counting->plan_modules);
	if (chosen->nr || counting->config->no_modules)
		err = pattern_list__add(&counting->plan_modules, "vmlinux");
	else
		err = pattern_list__add(&counting->plan_modules, "*");
	for (int i = 0; i < chosen->nr && !err; i++)
		err = pattern_list__add(&counting->plan_modules, chosen->patterns[i]);
	return err;
}

static bool is_module_wanted(const struct counting *counting, const char *module)
{
	const struct serve_config *config = counting->config;

	if (strcmp(module, "vmlinux") == 0)
		return true;
	return !config->no_modules && pattern_list__match(&config->modules, module) &&
	       !name_list__has(&counting->let_go, module);
}

const char *counting__why_not(const struct counting *counting, const struct kfunc *kfunc)
{
	const struct serve_config *config = counting->config;

	if (!pattern_list__match(&config->kfuncs, kfunc->name))
		return "";
	/* They are called by probes: a probe on them would see itself. */
	if (strcmp(kfunc->module, MODULE_EVENTS_MODULE) == 0)
		return "";
	if (kfunc->is_gone)
		return "its module is not loaded";
	if (name_list__has(&counting->let_go, kfunc->module))
		return "its module was let go";
	if (!is_module_wanted(counting, kfunc->module))
		return "its module is not chosen";
	if (name_list__has(&counting->governed, kfunc->name))
		return COUNTING_GOVERNED;
	if (!kfunc__can_be_traced(kfunc))
		return kfunc->reason ?: coverage__name(kfunc->coverage);
	if (kfunc->hot_in_kernel && !pattern_list__has(&config->kfuncs, kfunc->name))
		return kfunc->hot_in_kernel;
	return NULL;
}

/*
 * By their index in the registry: those of which the references are accounted for. Malloc'ed, NULL:
 * out of memory.
 */
static bool *find_accounted(const struct counting *counting)
{
	bool *accounted =
		calloc(registry__nr(counting->session.tracing.kernel.registry) + 1, sizeof(bool));
	const struct reference_plan *plan = &counting->session.plan;
	const struct probe_set *set = counting->session.tracing.set;
	const struct pairing *pairing = counting->session.pairing;

	for (int i = 0; accounted && i < plan->nr; i++) {
		const struct kfunc *kfunc =
			pairing__function(pairing, plan->targets[i].subject)->kfunc;

		if (kfunc)
			accounted[kfunc->index] = true;
	}
	/* Those of modules that came later are not of the first plan. */
	for (int i = 0; accounted && set && i < probe_set__nr(set); i++) {
		int function = counting__function_of(probe_set__at(set, i)->target.subject);
		const struct kfunc *kfunc =
			function < 0 ? NULL : pairing__function(pairing, function)->kfunc;

		if (kfunc)
			accounted[kfunc->index] = true;
	}
	return accounted;
}

int counting__choose_others(const struct counting *counting, struct probe_target **targets)
{
	const struct registry *registry = counting->session.tracing.kernel.registry;
	bool *accounted = find_accounted(counting);
	int nr = 0;

	*targets = calloc(registry__nr(registry) + 1, sizeof(**targets));
	if (!*targets || !accounted) {
		free(accounted);
		return -ENOMEM;
	}
	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (counting__why_not(counting, kfunc) || accounted[kfunc->index])
			continue;
		(*targets)[nr] = probe_target__of_kfunc(kfunc, false);
		(*targets)[nr++].subject = FIRST_OTHER + kfunc->index;
	}
	free(accounted);
	return nr;
}

bool counting__is_unwanted(const struct counting *counting, const struct probe *probe)
{
	int function = counting__function_of(probe->target.subject);
	const struct kfunc *kfunc;

	if (probe->state != PROBE_ATTACHED || probe->is_twin)
		return false;
	if (!is_module_wanted(counting, probe->target.kbtf->name))
		return true;
	if (function < 0)
		return counting__why_not(counting,
					 registry__at(counting->session.tracing.kernel.registry,
						      probe->target.subject - FIRST_OTHER));
	/* As the plan chooses: destructors are wanted as long as their module is. */
	kfunc = pairing__function(counting->session.pairing, function)->kfunc;
	return kfunc && !pattern_list__match(&counting->config->kfuncs, kfunc->name);
}
