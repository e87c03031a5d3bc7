// SPDX-License-Identifier: GPL-2.0-only
/* Which programs contain calls of a survey's kfuncs, and what holds them. */
#include "deprecation_census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/libbpf.h>

#include "clock.h"
#include "message.h"
#include "program_holders.h"
#include "program_watch.h"
#include "systemd_unit.h"
#include "users.h"

/* --- programs --------------------------------------------------------------------------------- */

/* Index in the report, or -ENOMEM. */
static ssize_t find_program(struct deprecation_report *report, __u32 prog_id)
{
	struct reported_program *grown;

	for (size_t i = 0; i < report->nr_programs; i++) {
		if (report->programs[i].id == prog_id)
			return i;
	}
	grown = realloc(report->programs, (report->nr_programs + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	report->programs = grown;
	grown[report->nr_programs] = (struct reported_program){ .id = prog_id, .type = "?" };
	return report->nr_programs++;
}

struct reported_use *deprecation_survey__use(struct deprecation_survey *survey,
					     struct reported_kfunc *kfunc, __u32 prog_id)
{
	ssize_t program = find_program(&survey->report, prog_id);
	struct reported_use *grown;

	if (program < 0)
		return NULL;
	for (size_t i = 0; i < kfunc->nr_uses; i++) {
		if (kfunc->uses[i].program == (size_t)program)
			return &kfunc->uses[i];
	}
	grown = realloc(kfunc->uses, (kfunc->nr_uses + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	kfunc->uses = grown;
	grown[kfunc->nr_uses] = (struct reported_use){ .program = program };
	return &grown[kfunc->nr_uses++];
}

static void describe(struct reported_program *program, const struct kft_user *found)
{
	snprintf(program->name, sizeof(program->name), "%s", found->name);
	program->type = libbpf_bpf_prog_type_str(found->type) ?: "?";
	memcpy(program->tag, found->tag, sizeof(program->tag));
	program->uid = found->uid;
	program->has_uid = true;
	program->loaded = true;
}

static struct reported_kfunc *reported_of(struct deprecation_survey *survey,
					  const struct kfunc *kfunc)
{
	int idx = kfunc ? survey->by_index[kfunc->index] : -1;

	return idx < 0 ? NULL : &survey->report.kfuncs[idx];
}

/* A specialised kfunc may be there twice, as itself and as its twin. */
static int take_user(struct deprecation_survey *survey, const struct user *user)
{
	const struct kfunc *last = NULL;

	for (int i = 0; i < user->nr_kfuncs; i++) {
		const struct used_kfunc *used = &user->kfuncs[i];
		struct reported_kfunc *kfunc = reported_of(survey, used->kfunc);
		struct reported_use *use;

		if (!kfunc)
			continue;
		use = deprecation_survey__use(survey, kfunc, user->prog.prog_id);
		if (!use)
			return -ENOMEM;
		use->declared = used->declared;
		use->nr_sites = (used->kfunc == last ? use->nr_sites : 0) + used->nr_sites;
		last = used->kfunc;
		describe(&survey->report.programs[use->program], &user->prog);
	}
	return 0;
}

/* --- what holds them -------------------------------------------------------------------------- */

/* A process may hold a program and links of it: said once. */
static bool is_known(const struct reported_program *program, pid_t pid)
{
	for (size_t i = 0; i < program->nr_processes; i++) {
		if (program->processes[i].pid == pid)
			return true;
	}
	return false;
}

static int take_processes(struct reported_program *program, const struct program_process *found,
			  size_t nr)
{
	program->processes = calloc(nr + 1, sizeof(*program->processes));
	if (!program->processes)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		struct reported_process *process = &program->processes[program->nr_processes];

		if (is_known(program, found[i].pid))
			continue;
		process->pid = found[i].pid;
		memcpy(process->comm, found[i].comm, sizeof(process->comm));
		process->unit = found[i].unit ? strdup(found[i].unit) : NULL;
		program->nr_processes++;
	}
	return 0;
}

static int take_pins(struct reported_program *program, const struct program_pin *found, size_t nr)
{
	program->pins = calloc(nr + 1, sizeof(*program->pins));
	if (!program->pins)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		program->pins[i] = strdup(found[i].path);
		if (!program->pins[i])
			return -ENOMEM;
		program->nr_pins++;
	}
	return 0;
}

static int take_attachments(struct reported_program *program,
			    const struct program_attachment *found, size_t nr)
{
	program->attachments = calloc(nr + 1, sizeof(*program->attachments));
	if (!program->attachments)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		struct reported_attachment *attachment = &program->attachments[i];

		program->nr_attachments++;
		attachment->how = strdup(found[i].how);
		attachment->target = strdup(found[i].target);
		if (!attachment->how || !attachment->target)
			return -ENOMEM;
	}
	return 0;
}

static int take_holders_of(struct reported_program *program, const struct program_holders *holders)
{
	const struct program_process *processes;
	const struct program_attachment *attachments;
	const struct program_pin *pins;
	size_t nr_processes = program_holders__processes(holders, program->id, &processes);
	size_t nr_attachments = program_holders__attachments(holders, program->id, &attachments);
	size_t nr_pins = program_holders__pins(holders, program->id, &pins);
	int err;

	/* What was seen before says more than nothing. */
	if (!nr_processes && !nr_pins && !nr_attachments)
		return 0;
	reported_program__clear(program);
	err = take_processes(program, processes, nr_processes);
	if (!err)
		err = take_pins(program, pins, nr_pins);
	return err ?: take_attachments(program, attachments, nr_attachments);
}

static int take_holders(struct deprecation_survey *survey)
{
	struct deprecation_report *report = &survey->report;
	struct program_holders *holders = NULL;
	bool needed = false;
	int err;

	for (size_t i = 0; i < report->nr_programs; i++)
		needed |= report->programs[i].loaded;
	if (!needed)
		return 0;
	err = program_holders__read(survey->session.kernel.btfs, &holders);
	for (size_t i = 0; i < report->nr_programs && !err; i++) {
		if (report->programs[i].loaded)
			err = take_holders_of(&report->programs[i], holders);
	}
	program_holders__free(holders);
	return err;
}

/* --- the census ------------------------------------------------------------------------------- */

static void say_no_census(struct deprecation_survey *survey, int err)
{
	struct deprecation_report *report = &survey->report;

	report->no_census = "the programs' code cannot be read";
	msg__warn("cannot read which programs contain calls of what: %s", strerror(-err));
	for (size_t i = 0; i < report->nr_kfuncs; i++)
		report->kfuncs[i].no_census = report->no_census;
}

int deprecation_census__take(struct deprecation_survey *survey)
{
	struct deprecation_report *report = &survey->report;
	struct users users = { 0 };
	int err;

	if (report->no_census)
		return 0;
	err = users__read(&survey->session.kernel, &users);
	if (err && err != -ENOMEM) {
		say_no_census(survey, err);
		err = 0;
	} else if (!err) {
		for (size_t i = 0; i < report->nr_programs; i++)
			report->programs[i].loaded = false;
		for (size_t i = 0; i < users.nr && !err; i++)
			err = take_user(survey, &users.users[i]);
		if (!err)
			err = take_holders(survey);
	}
	users__free(&users);
	return err;
}

/* --- programs that come meanwhile --------------------------------------------------------------- */

/* Whoever loads a program holds it at first, and for a short-lived one nobody else may be found. */
static int take_loader(struct reported_program *program, const struct program_event *event)
{
	char unit[256];

	if (!event->pid || program->nr_processes)
		return 0;
	reported_program__clear(program);
	program->processes = calloc(1, sizeof(*program->processes));
	if (!program->processes)
		return -ENOMEM;
	program->nr_processes = 1;
	program->processes[0].pid = event->pid;
	memcpy(program->processes[0].comm, event->comm, sizeof(event->comm));
	if (systemd_unit__of_process(event->pid, unit, sizeof(unit)))
		program->processes[0].unit = strdup(unit);
	return 0;
}

static struct reported_program *known_program(struct deprecation_report *report, __u32 id)
{
	for (size_t i = 0; i < report->nr_programs; i++) {
		if (report->programs[i].id == id)
			return &report->programs[i];
	}
	return NULL;
}

static int take_event(const struct program_event *event, void *arg)
{
	struct deprecation_survey *survey = arg;
	const __u32 id = event->user.prog.prog_id;
	struct reported_program *program;
	int err;

	program = known_program(&survey->report, id);
	if (event->unloaded) {
		if (program)
			program->loaded = false;
		return 0;
	}
	if (!event->is_known)
		return 0;
	err = take_user(survey, &event->user);
	program = known_program(&survey->report, id);
	if (err || !program)
		return err;
	survey->has_newcomers = true;
	return take_loader(program, event);
}

void deprecation_census__begin_watch(struct deprecation_survey *survey)
{
	const char *why;
	int err;

	if (survey->report.no_census)
		return;
	err = program_watch__open(&survey->session.kernel, take_event, survey, &survey->watch);
	if (err) {
		survey->watch = NULL;
		msg__warn("cannot watch programs being loaded: %s; those that come and go may be "
			  "missing",
			  strerror(-err));
	} else if (!program_watch__is_complete(survey->watch, &why)) {
		msg__detail("programs that come and go at once may be missing: %s", why);
	} else {
		return;
	}
	survey->report.may_miss_programs = true;
}

int deprecation_census__watch(struct deprecation_survey *survey, __u64 timeout_ns)
{
	struct timespec pause = { .tv_nsec = timeout_ns };
	__u64 begin_ns;
	int err;

	if (!survey->watch) {
		nanosleep(&pause, NULL);
		return 0;
	}
	err = program_watch__poll(survey->watch, timeout_ns);
	begin_ns = clock_ns();
	if (err || !survey->has_newcomers || begin_ns < survey->next_holders_ns)
		return err;
	survey->has_newcomers = false;
	err = take_holders(survey);
	/* A tenth of the time at most, where programs are loaded without pause. */
	survey->next_holders_ns = clock_ns() + 9 * (clock_ns() - begin_ns);
	return err;
}
