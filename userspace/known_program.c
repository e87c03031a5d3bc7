// SPDX-License-Identifier: GPL-2.0-only
#include "known_program.h"

#include <stdio.h>
#include <string.h>

#include "hash_index.h"

static const char *const kind_names[] = {
	[KNOWN_PROGRAM] = "program",
	[KNOWN_KERNEL] = "kernel",
	[KNOWN_UNKNOWN] = "unknown",
	[KNOWN_OTHER] = "other",
};
#define NR_KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *known_kind__name(enum known_kind kind)
{
	return (size_t)kind < NR_KINDS ? kind_names[kind] : "unknown";
}

int known_kind__parse(const char *name)
{
	for (size_t i = 0; i < NR_KINDS; i++) {
		if (!strcmp(name, kind_names[i]))
			return (int)i;
	}
	return -1;
}

struct known_program known_program__of(const char *name, const char *type, const __u8 *tag,
				       __u32 id, const char *loader)
{
	struct known_program known = { .kind = KNOWN_PROGRAM, .id = id };

	snprintf(known.name, sizeof(known.name), "%s", name);
	snprintf(known.type, sizeof(known.type), "%s", type ?: "?");
	snprintf(known.loader, sizeof(known.loader), "%s", loader);
	if (tag)
		format_prog_tag(tag, known.tag);
	return known;
}

bool known_program__equal(const struct known_program *a, const struct known_program *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->type, b->type);
}

__u64 known_program__hash(const struct known_program *program)
{
	__u64 hash = hash_text(HASH_START + program->kind, program->name);

	return hash_text(hash, program->type);
}

const char *known_program__title(const struct known_program *program)
{
	return program->kind == KNOWN_PROGRAM ? program->name : known_kind__name(program->kind);
}
