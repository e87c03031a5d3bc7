// SPDX-License-Identifier: GPL-2.0-only
#include "stat_choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "module_events.h"
#include "registry.h"
#include "stat_options.h"

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

static bool module_wanted(const struct stat_options *opts, const struct kfunc *kfunc)
{
	if (opts->run.no_modules && strcmp(kfunc->module, "vmlinux") != 0)
		return false;
	return pattern_list__match(&opts->run.modules, kfunc->module);
}

/* A kfunc asked for by its very name that cannot be counted is worth a word. */
static void warn_untraceable(const struct stat_options *opts, const struct kfunc *kfunc)
{
	const char *coverage = coverage__name(kfunc->coverage);

	if (pattern_list__has(&opts->kfuncs, kfunc->name))
		msg__warn("cannot count %s: %s (%s)", kfunc->name, coverage, kfunc->reason);
	else
		msg__detail("cannot count %s: %s (%s)", kfunc->name, coverage, kfunc->reason);
}

static void warn_unknown_names(const struct stat_options *opts, const struct registry *registry)
{
	for (int i = 0; i < opts->kfuncs.nr; i++) {
		const char *name = opts->kfuncs.patterns[i];

		if (!is_pattern(name) && !registry__find(registry, name))
			msg__warn("this kernel has registered no kfunc %s", name);
	}
}

void stat_choice__say_what_is_held(const struct stat_choice *choice)
{
	for (int i = 0; i < choice->nr; i++) {
		const char *module = choice->kfuncs[i]->module;
		bool said = strcmp(module, "vmlinux") == 0;

		for (int j = 0; j < i && !said; j++)
			said = choice->kfuncs[j]->module == module;
		if (!said)
			msg__warn("module %s cannot be unloaded while its kfuncs are counted "
				  "(--no-modules leaves it alone)",
				  module);
	}
}

int stat_choice__make(struct stat_choice *choice, const struct registry *registry,
		      const struct stat_options *opts)
{
	struct stat_omissions *omissions = &choice->omissions;
	int nr_matched = 0;

	memset(choice, 0, sizeof(*choice));
	choice->kfuncs = calloc(registry__nr(registry) ?: 1, sizeof(*choice->kfuncs));
	if (!choice->kfuncs)
		return -ENOMEM;
	warn_unknown_names(opts, registry);
	for (int i = 0; i < registry__nr(registry); i++) {
		const struct kfunc *kfunc = registry__at(registry, i);

		if (kfunc->is_gone || !pattern_list__match(&opts->kfuncs, kfunc->name) ||
		    !module_wanted(opts, kfunc))
			continue;
		/* They are called by the probes: a probe on them would see itself. */
		if (strcmp(kfunc->module, MODULE_EVENTS_MODULE) == 0) {
			msg__detail("leaving out %s: it is called by probes", kfunc->name);
			continue;
		}
		nr_matched++;
		if (!kfunc__can_be_traced(kfunc)) {
			warn_untraceable(opts, kfunc);
			omissions->untraceable++;
			continue;
		}
		/* Whoever names them wants them. */
		if (kfunc->hot_in_kernel && !opts->all && !opts->kfuncs.nr) {
			msg__detail("leaving out %s: the kernel itself calls it (%s)", kfunc->name,
				    kfunc->hot_in_kernel);
			omissions->hot_in_kernel++;
			continue;
		}
		choice->kfuncs[choice->nr++] = kfunc;
	}
	if (!nr_matched) {
		msg__error(
			"no kfunc of this kernel matches %s; `kfunctrace list` shows the %d that are "
			"registered",
			opts->kfuncs.nr ? opts->kfuncs.patterns[0] : "these modules",
			registry__nr(registry));
		return -ENOENT;
	}
	if (!choice->nr) {
		msg__error(
			"none of the %d matching kfuncs can be counted; `kfunctrace list -v` tells "
			"why",
			nr_matched);
		return -ENOENT;
	}
	if (omissions->hot_in_kernel)
		msg__warn(
			"left out %d kfuncs that the kernel itself calls all the time (--all counts "
			"them, -v names them)",
			omissions->hot_in_kernel);
	return 0;
}

void stat_choice__free(struct stat_choice *choice)
{
	free(choice->kfuncs);
	memset(choice, 0, sizeof(*choice));
}
