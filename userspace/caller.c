// SPDX-License-Identifier: GPL-2.0-only
#include "caller.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "../tracepoints/reference_records.h"
#include "counters.h"
#include "json_values.h"
#include "prog_table.h"
#include "prog_tag.h"
#include "site_table.h"

static struct caller make(const struct counters *counters, enum caller_kind kind, __u32 prog_id,
			  __u32 subprog, __u64 site)
{
	return (struct caller){
		.kind = kind,
		.prog = kind == CALLER_PROGRAM
				? prog_table__find(counters__programs(counters), prog_id)
				: NULL,
		.subprog = subprog,
		.site = site,
	};
}

struct caller caller__of_key(const struct counters *counters, const struct usage_key *key)
{
	return make(counters, key->kind, key->prog_id, key->subprog, key->site);
}

struct caller caller__of_site(const struct counters *counters,
			      const struct kft_reference_site *site)
{
	struct counters_caller found = counters__caller_of(counters, site);

	return caller__of(counters, &found);
}

struct caller caller__of(const struct counters *counters, const struct counters_caller *found)
{
	return make(counters, found->kind, found->prog_id, found->subprog, found->site);
}

const char *caller__name(const struct caller *caller)
{
	switch (caller->kind) {
	case CALLER_PROGRAM:
		return caller->prog ? caller->prog->name : "?";
	case CALLER_KERNEL:
		return "kernel";
	case CALLER_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *caller__type(const struct caller *caller)
{
	if (caller->kind != CALLER_PROGRAM || !caller->prog)
		return NULL;
	return libbpf_bpf_prog_type_str(caller->prog->type) ?: "?";
}

bool caller__is_alike(const struct caller *a, const struct caller *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->prog == b->prog)
		return true;
	return a->prog && b->prog && kft_prog__is_unloaded(a->prog) &&
	       kft_prog__is_unloaded(b->prog) && a->prog->type == b->prog->type &&
	       strcmp(a->prog->name, b->prog->name) == 0;
}

const struct kft_site *caller__line(const struct caller *caller, const struct site_table *sites)
{
	if (caller->kind != CALLER_PROGRAM || !caller->prog || !sites)
		return NULL;
	return site_table__find(sites, caller->prog->id, caller->subprog, caller->site);
}

/* The subprogram that a site lies in, or NULL. A program without BTF has its own name only. */
static const char *function_name(const struct caller *caller, const struct kft_site *site)
{
	if (site && site->function[0])
		return site->function;
	return caller->prog && caller->subprog == 0 ? caller->prog->name : NULL;
}

const char *caller__format_site(const struct caller *caller, const struct counters *counters,
				const struct site_table *sites, char *buf, size_t size)
{
	const struct kft_site *site = caller__line(caller, sites);
	const char *symbol, *file;
	__u64 offset = caller->site;

	if (caller->kind == CALLER_UNKNOWN) {
		snprintf(buf, size, "-");
		return buf;
	}
	if (site && site->line) {
		file = strrchr(site->file, '/');
		snprintf(buf, size, "%s:%u in %s()", file ? file + 1 : site->file, site->line,
			 site->function);
		return buf;
	}
	if (caller->kind == CALLER_KERNEL)
		symbol = counters__kernel_site(counters, caller->site, &offset);
	else
		symbol = function_name(caller, site);
	if (symbol && !offset)
		snprintf(buf, size, "%s", symbol);
	else if (symbol)
		snprintf(buf, size, "%s+%#llx", symbol, (unsigned long long)offset);
	else
		snprintf(buf, size, "subprogram %u+%#llx", caller->subprog,
			 (unsigned long long)offset);
	return buf;
}

void caller__add_json(const struct caller *caller, json_t *object)
{
	static const char *const kinds[] = { "program", "kernel", "unknown" };
	const struct kft_prog *prog = caller->prog;
	const char *type = caller__type(caller);
	char tag[PROG_TAG_TEXT];

	json_object_set_new(object, "caller", json_string(kinds[caller->kind]));
	json_object_set_new(object, "program", prog ? json_string(prog->name) : json_null());
	json_object_set_new(object, "program_id", prog ? json_integer(prog->id) : json_null());
	json_object_set_new(object, "program_type", json_text(type));
	json_object_set_new(object, "program_tag",
			    prog ? json_string(format_prog_tag(prog->tag, tag)) : json_null());
	json_object_set_new(object, "program_gone",
			    prog ? json_boolean(kft_prog__is_unloaded(prog)) : json_null());
}

/* The path may have been cut in the middle of a character, or be none that JSON can hold. */
static json_t *json_file(const char *file)
{
	while ((*file & 0xc0) == 0x80)
		file++;
	return json_text(file);
}

void caller__add_json_site(const struct caller *caller, const struct counters *counters,
			   const struct site_table *sites, bool addresses, json_t *object)
{
	const struct kft_site *site = caller__line(caller, sites);
	const char *symbol = function_name(caller, site);
	bool has_line = site && site->line;
	__u64 offset = caller->site;

	if (caller->kind == CALLER_KERNEL)
		symbol = counters__kernel_site(counters, caller->site, &offset);
	json_object_set_new(object, caller->kind == CALLER_KERNEL ? "function" : "subprogram",
			    json_text(symbol));
	json_object_set_new(object, "offset",
			    caller->kind == CALLER_UNKNOWN ? json_null() : json_integer(offset));
	json_object_set_new(object, "file", has_line ? json_file(site->file) : json_null());
	json_object_set_new(object, "line", has_line ? json_integer(site->line) : json_null());
	if (addresses && caller->kind == CALLER_KERNEL) {
		char address[32];

		snprintf(address, sizeof(address), "0x%" PRIx64, (uint64_t)caller->site);
		json_object_set_new(object, "address", json_string(address));
	}
}
