// SPDX-License-Identifier: GPL-2.0-only
#include "counters_module.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tracepoints/counter_records.h"
#include "counters_private.h"
#include "module_engine.h"

/* A slot of the module: key and `via`, and on each CPU calls, exits and NULLs. */
#define WORDS_OF_A_SLOT	 2
#define COUNTS_OF_A_SLOT 3

struct module_counters {
	struct module_engine *engine;
	struct counters_module_state state;
	struct counters_losses losses;
	struct usage_counts unattributed[KFT_MAX_PROBES]; /* by probe */

	/* Programs and images of the reading that is going on. */
	struct kft_image *images;
	__u64 *starts;
	size_t nr_images, room_images;
	struct kft_prog *progs;
	size_t nr_progs, room_progs;
};

static struct module_counters *own(const struct counters *counters)
{
	return counters->own;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Where no returns are to be seen, none is missing. */
static void take_counts(const struct module_counters *module, int n, struct usage_counts *counts)
{
	if (!module_engine__sees_returns(module->engine, n))
		counts->returns = counts->calls;
}

static int take_slot(struct counters *counters, const char *line)
{
	uint64_t address, via, calls, exits, nulls;
	struct slot_copy *slot;
	int n, probe;

	if (sscanf(line, "%d %" SCNx64 " %" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &n,
		   &address, &via, &calls, &exits, &nulls) != 6)
		return -EPROTO;
	probe = module_engine__probe(own(counters)->engine, n);
	if (probe < 0)
		return 0;
	slot = counters__add_slot(counters);
	if (!slot)
		return -ENOMEM;
	slot->probe = probe;
	slot->address = address;
	slot->via = via;
	slot->counts.calls = calls;
	slot->counts.returns = exits;
	slot->counts.nulls = nulls;
	take_counts(own(counters), n, &slot->counts);
	return 0;
}

static int take_retired(struct counters *counters, const char *line)
{
	uint64_t offset, calls, exits, nulls;
	struct retired_copy *retired;
	__u32 prog_id, subprog;
	char kind[16];
	int n, probe;

	if (sscanf(line, "%d %15s %u %u %" SCNx64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &n, kind,
		   &prog_id, &subprog, &offset, &calls, &exits, &nulls) != 8)
		return -EPROTO;
	probe = module_engine__probe(own(counters)->engine, n);
	if (probe < 0)
		return 0;
	retired = counters__add_retired(counters);
	if (!retired)
		return -ENOMEM;
	retired->key.probe = probe;
	retired->key.prog_id = prog_id;
	retired->key.subprog = subprog;
	retired->key.offset = offset;
	if (strcmp(kind, "kernel") == 0) {
		retired->key.prog_id = 0;
		retired->key.subprog = offset >> 32;
	}
	retired->counts.calls = calls;
	retired->counts.returns = exits;
	retired->counts.nulls = nulls;
	take_counts(own(counters), n, &retired->counts);
	return 0;
}

static int take_unknown(struct counters *counters, const char *line)
{
	uint64_t table_full, no_caller, orphaned, exits, nulls;
	struct usage_counts *counts;
	int n, probe;

	if (sscanf(line, "%d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &n,
		   &table_full, &no_caller, &orphaned, &exits, &nulls) != 6)
		return -EPROTO;
	probe = module_engine__probe(own(counters)->engine, n);
	if (probe < 0)
		return 0;
	counts = &own(counters)->unattributed[probe];
	counts->table_full = table_full;
	counts->no_caller = no_caller;
	counts->orphaned = orphaned;
	counts->returns = exits;
	counts->nulls = nulls;
	if (!module_engine__sees_returns(own(counters)->engine, n))
		counts->returns = table_full + no_caller + orphaned;
	return 0;
}

/* Room for one more in an array. */
static int grow(void **array, size_t nr, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 256;
	void *grown;

	if (nr < *room)
		return 0;
	grown = realloc(*array, more * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

static int take_program(struct counters *counters, const char *line)
{
	struct module_counters *module = own(counters);
	char tag[2 * sizeof(((struct kft_prog *)0)->tag) + 1];
	struct kft_prog *prog;
	int name = 0;

	if (grow((void **)&module->progs, module->nr_progs, &module->room_progs,
		 sizeof(*module->progs)))
		return -ENOMEM;
	prog = &module->progs[module->nr_progs];
	memset(prog, 0, sizeof(*prog));
	if (sscanf(line, "%u %u %16s %u %u %u %u %n", &prog->id, &prog->type, tag, &prog->nr_images,
		   &prog->nr_freed, &prog->unloaded, &prog->sleepable, &name) != 7)
		return -EPROTO;
	for (size_t i = 0; i < sizeof(prog->tag); i++)
		sscanf(tag + 2 * i, "%2hhx", &prog->tag[i]);
	snprintf(prog->name, sizeof(prog->name), "%s", line + name);
	module->nr_progs++;
	return 0;
}

static int take_image(struct counters *counters, const char *line)
{
	struct module_counters *module = own(counters);
	struct kft_image *image;
	size_t room = module->room_images;
	uint64_t start;

	if (grow((void **)&module->starts, module->nr_images, &room, sizeof(*module->starts)) ||
	    grow((void **)&module->images, module->nr_images, &module->room_images,
		 sizeof(*module->images)))
		return -ENOMEM;
	image = &module->images[module->nr_images];
	memset(image, 0, sizeof(*image));
	if (sscanf(line, "%" SCNx64 " %u %u %u", &start, &image->len, &image->prog_id,
		   &image->subprog) != 4)
		return -EPROTO;
	module->starts[module->nr_images++] = start;
	return 0;
}

/* A path may have anything in it but the end of the line; it is the last. */
static int take_site(struct counters *counters, const char *line)
{
	struct kft_site_key key;
	struct kft_site site = { 0 };
	int file = 0;

	if (sscanf(line, "%u %u %x %u %63s %n", &key.prog_id, &key.subprog, &key.offset, &site.line,
		   site.function, &file) != 5)
		return -EPROTO;
	if (strcmp(site.function, "-") == 0)
		site.function[0] = '\0';
	snprintf(site.file, sizeof(site.file), "%s", line + file);
	return site_table__add(&counters->sites, &key, &site);
}

static int take_number(const char *line, __u64 *number)
{
	uint64_t value;

	if (sscanf(line, "%" SCNu64, &value) != 1)
		return -EPROTO;
	*number = value;
	return 0;
}

static int take_missed(struct counters *counters, const char *line)
{
	struct counters_module_state *state = &own(counters)->state;
	char what[16];
	uint64_t missed;

	if (sscanf(line, "%" SCNu64 " %15s", &missed, what) != 2)
		return -EPROTO;
	state->missed = missed;
	state->missed_are_counted = strcmp(what, "returns") == 0;
	return 0;
}

static int take_line(struct counters *counters, const char *line)
{
	static const struct {
		const char *word;
		int (*take)(struct counters *counters, const char *line);
	} records[] = {
		{ "slot ", take_slot },	      { "retired ", take_retired },
		{ "unknown ", take_unknown }, { "program ", take_program },
		{ "image ", take_image },     { "site ", take_site },
		{ "missed ", take_missed },
	};
	struct module_counters *module = own(counters);
	const struct {
		const char *word;
		__u64 *number;
	} numbers[] = {
		{ "nanoseconds ", &module->state.counting_ns },
		{ "lost-programs ", &module->losses.programs },
		{ "lost-images ", &module->losses.images },
		{ "lost-records ", &module->losses.retired },
	};

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		size_t len = strlen(records[i].word);

		if (strncmp(line, records[i].word, len) == 0)
			return records[i].take(counters, line + len);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t len = strlen(numbers[i].word);

		if (strncmp(line, numbers[i].word, len) == 0)
			return take_number(line + len, numbers[i].number);
	}
	return 0;
}

/* --- source ----------------------------------------------------------------------------------- */

static int read_module(struct counters *counters)
{
	struct module_counters *module = own(counters);
	char *text, *line, *next;
	int err = module_engine__read(module->engine, &text);

	module->nr_progs = module->nr_images = 0;
	memset(module->unattributed, 0, sizeof(module->unattributed));
	/* Each line by itself: sscanf() looks for the end of its text, and goes on to the next line. */
	for (line = text; !err && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		err = take_line(counters, line);
	}
	site_table__sort(&counters->sites);
	if (!err)
		err = prog_table__take_images(&counters->programs, module->starts, module->images,
					      module->nr_images);
	if (!err)
		err = prog_table__take_progs(&counters->programs, module->progs, module->nr_progs);
	return err;
}

static struct usage_counts unattributed(const struct counters *counters, int probe)
{
	return own(counters)->unattributed[probe];
}

static void forget(struct counters *counters, __u32 prog_id)
{
	module_engine__forget(own(counters)->engine, prog_id);
}

/* They came with the last reading. */
static int read_sites(struct counters *counters, struct site_table *sites)
{
	(void)counters;
	(void)sites;
	return 0;
}

static void find_losses(const struct counters *counters, struct counters_losses *losses)
{
	*losses = own(counters)->losses;
}

static __u64 memory(const struct counters *counters)
{
	return (__u64)counters->nr_slots *
	       (WORDS_OF_A_SLOT + COUNTS_OF_A_SLOT * counters->nr_cpus) * sizeof(__u64);
}

static void free_module(struct counters *counters)
{
	struct module_counters *module = own(counters);

	free(module->images);
	free(module->starts);
	free(module->progs);
	free(module);
}

static const struct counters_source source = {
	.read = read_module,
	.unattributed = unattributed,
	.forget = forget,
	.read_sites = read_sites,
	.losses = find_losses,
	.memory = memory,
	.free = free_module,
};

static const struct counters_source kept_source = {
	.read = read_module,
	.unattributed = unattributed,
	.read_sites = read_sites,
	.losses = find_losses,
	.memory = memory,
	.free = free_module,
};

int counters__open_module(struct module_engine *engine, int nr_slots, bool kept,
			  struct kernel_reader *reader, struct counters **result)
{
	struct module_counters *module = calloc(1, sizeof(*module));
	int err;

	if (!module)
		return -ENOMEM;
	module->engine = engine;
	err = counters__new(reader, nr_slots, result);
	if (err) {
		free(module);
		return err;
	}
	(*result)->own = module;
	(*result)->source = kept ? &kept_source : &source;
	return 0;
}

struct counters_module_state counters__module_state(const struct counters *counters)
{
	return own(counters)->state;
}
