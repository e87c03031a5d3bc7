// SPDX-License-Identifier: GPL-2.0-only
#include "program_loaders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "program_holders.h"

struct loader {
	__u32 prog_id;
	char name[64];
};

struct program_loaders {
	struct loader *loaders; /* by id, ascending */
	size_t nr, room;
	__u32 newest;
};

struct program_loaders *program_loaders__new(void)
{
	return calloc(1, sizeof(struct program_loaders));
}

void program_loaders__free(struct program_loaders *loaders)
{
	if (!loaders)
		return;
	free(loaders->loaders);
	free(loaders);
}

static int add(struct program_loaders *loaders, __u32 prog_id,
	       const struct program_process *process)
{
	struct loader *loader;

	if (loaders->nr == loaders->room) {
		size_t room = loaders->room ? loaders->room * 2 : 64;
		struct loader *grown = realloc(loaders->loaders, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		loaders->loaders = grown;
		loaders->room = room;
	}
	loader = &loaders->loaders[loaders->nr++];
	loader->prog_id = prog_id;
	if (process->unit)
		snprintf(loader->name, sizeof(loader->name), "%s", process->unit);
	else
		snprintf(loader->name, sizeof(loader->name), "%s[%d]", process->comm, process->pid);
	return 0;
}

int program_loaders__look(struct program_loaders *loaders, struct kernel_btf_set *btfs)
{
	const struct program_process *process;
	struct program_holders *holders;
	__u32 id = 0;
	int err = program_holders__read(btfs, &holders);

	if (err)
		return err;
	loaders->nr = 0;
	while (!err && !bpf_prog_get_next_id(id, &id)) {
		if (program_holders__processes(holders, id, &process))
			err = add(loaders, id, process);
	}
	/* Ids are not used again. */
	loaders->newest = id;
	program_holders__free(holders);
	return err;
}

__u32 program_loaders__newest(const struct program_loaders *loaders)
{
	return loaders->newest;
}

static int compare(const void *key, const void *element)
{
	const __u32 id = *(const __u32 *)key, other = ((const struct loader *)element)->prog_id;

	return id < other ? -1 : id > other;
}

const char *program_loaders__of(const struct program_loaders *loaders, __u32 prog_id)
{
	const struct loader *found = NULL;

	if (loaders->nr)
		found = bsearch(&prog_id, loaders->loaders, loaders->nr, sizeof(*found), compare);
	return found ? found->name : "";
}
