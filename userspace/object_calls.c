// SPDX-License-Identifier: GPL-2.0-only
#include "object_calls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

/* More than any kernel takes. */
#define MAX_INSNS 1000000

static int complain(struct object_calls *calls, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(struct object_calls *calls, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(calls->error, sizeof(calls->error), fmt, args);
	va_end(args);
	return -EBADMSG;
}

/* --- externs ---------------------------------------------------------------------------------- */

/* Externs of the object by their symbols: which of the kinds a reference to one is. */
struct extern_symbol {
	enum object_ref_kind kind; /* REF_KFUNC_CALL, REF_KERNEL_VERSION or REF_CONFIG */
	size_t kfunc;
};

static const struct btf_type *find_section_type(const struct btf *btf, const char *name)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

/* The extern function or variable of that name in .ksyms or .kconfig, or NULL. */
static const struct btf_type *find_extern(const struct btf *btf, const struct btf_type *section,
					  const char *name)
{
	for (int i = 0; section && i < btf_vlen(section); i++) {
		const struct btf_type *type =
			btf__type_by_id(btf, btf_var_secinfos(section)[i].type);

		if (type && (btf_is_func(type) || btf_is_var(type)) &&
		    strcmp(btf__name_by_offset(btf, type->name_off) ?: "", name) == 0)
			return type;
	}
	return NULL;
}

static int add_kfunc(struct object_calls *calls, const struct object_symbol *symbol,
		     const struct btf_type *func)
{
	struct object_kfunc *kfunc = &calls->kfuncs[calls->nr_kfuncs];
	const char *flavor = strstr(symbol->name + 1, "___");

	kfunc->declared = symbol->name;
	kfunc->is_weak = symbol->is_weak;
	kfunc->proto_id = func->type;
	kfunc->name = flavor && flavor[3] ? strndup(symbol->name, flavor - symbol->name)
					  : strdup(symbol->name);
	if (!kfunc->name)
		return -ENOMEM;
	calls->nr_kfuncs++;
	return 0;
}

static int take_externs(struct object_calls *calls, struct extern_symbol *externs)
{
	const struct object_file *file = calls->file;
	const struct btf_type *ksyms = find_section_type(file->btf, ".ksyms");
	const struct btf_type *kconfig = find_section_type(file->btf, ".kconfig");

	calls->kfuncs = calloc(file->nr_symbols + 1, sizeof(*calls->kfuncs));
	if (!calls->kfuncs)
		return -ENOMEM;
	for (size_t i = 0; i < file->nr_symbols; i++) {
		const struct object_symbol *symbol = &file->symbols[i];
		const struct btf_type *type;
		int err;

		externs[i].kind = REF_CONFIG;
		if (!symbol->is_undefined)
			continue;
		if (strcmp(symbol->name, "LINUX_KERNEL_VERSION") == 0)
			externs[i].kind = REF_KERNEL_VERSION;
		type = find_extern(file->btf, ksyms, symbol->name);
		if (!type && !find_extern(file->btf, kconfig, symbol->name)) {
			complain(
				calls,
				"%s is not in it, and not the kernel's (__ksym): libbpf does not open "
				"an object that is not linked yet (bpftool gen object)",
				symbol->name);
			return -ENOEXEC;
		}
		if (!type || !btf_is_func(type))
			continue;
		externs[i].kind = REF_KFUNC_CALL;
		externs[i].kfunc = calls->nr_kfuncs;
		err = add_kfunc(calls, symbol, type);
		if (err)
			return err;
	}
	return 0;
}

/* --- functions -------------------------------------------------------------------------------- */

static int compare_functions(const void *a, const void *b)
{
	const struct object_function *left = a, *right = b;

	if (left->section != right->section)
		return left->section < right->section ? -1 : 1;
	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

static int take_function(struct object_calls *calls, const struct object_symbol *symbol)
{
	const struct object_section *section = &calls->file->sections[symbol->section];
	struct object_function *function = &calls->functions[calls->nr_functions];
	size_t size = sizeof(struct bpf_insn);

	if (!symbol->is_function || !section->insns)
		return 0;
	if (symbol->value % size || symbol->size % size || !symbol->size ||
	    symbol->value > section->size || symbol->size > section->size - symbol->value)
		return complain(calls, "function %s reaches out of its section %s", symbol->name,
				section->name);
	if (symbol->size / size > MAX_INSNS)
		return complain(calls, "function %s is longer than any kernel takes", symbol->name);
	*function = (struct object_function){
		.name = symbol->name,
		.section = symbol->section,
		.begin = symbol->value / size,
		.end = (symbol->value + symbol->size) / size,
		.is_global = !symbol->is_local && !symbol->is_hidden,
	};
	calls->nr_functions++;
	return 0;
}

static int take_functions(struct object_calls *calls)
{
	const struct object_file *file = calls->file;
	size_t nr = 0;
	int err = 0;

	calls->functions = calloc(file->nr_symbols + 1, sizeof(*calls->functions));
	if (!calls->functions)
		return -ENOMEM;
	for (size_t i = 0; i < file->nr_symbols && !err; i++)
		err = take_function(calls, &file->symbols[i]);
	if (err)
		return err;
	if (calls->nr_functions)
		qsort(calls->functions, calls->nr_functions, sizeof(*calls->functions),
		      compare_functions);
	/* Two names for the same code, or damage: what overlaps is the first one's. */
	for (size_t i = 0; i < calls->nr_functions; i++) {
		const struct object_function *before = nr ? &calls->functions[nr - 1] : NULL;

		if (before && before->section == calls->functions[i].section &&
		    calls->functions[i].begin < before->end)
			continue;
		calls->functions[nr++] = calls->functions[i];
	}
	calls->nr_functions = nr;
	return 0;
}

/* The function that an instruction of a section belongs to; NULL: none. */
static struct object_function *find_function(const struct object_calls *calls, size_t section,
					     __u64 insn)
{
	size_t low = 0, high = calls->nr_functions;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct object_function *function = &calls->functions[mid];

		if (function->section == section && insn >= function->begin && insn < function->end)
			return function;
		if (function->section < section ||
		    (function->section == section && function->end <= insn))
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int take_programs(struct object_calls *calls)
{
	calls->programs = calloc(calls->nr_functions + 1, sizeof(*calls->programs));
	if (!calls->programs)
		return -ENOMEM;
	for (size_t i = 0; i < calls->nr_functions; i++) {
		const struct object_function *function = &calls->functions[i];
		const char *name = calls->file->sections[function->section].name;
		struct object_program *program = &calls->programs[calls->nr_programs];

		/* What has no section of its own is there to be called. */
		if (strcmp(name, ".text") == 0)
			continue;
		program->name = function->name;
		program->section_name = name + (*name == '?');
		program->function = i;
		prog_section__parse(name, &program->section);
		calls->nr_programs++;
	}
	return 0;
}

/* --- references ------------------------------------------------------------------------------- */

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)

static int add_ref(struct object_calls *calls, const struct object_ref *ref)
{
	if (!(calls->nr_refs & (calls->nr_refs - 1))) {
		size_t room = calls->nr_refs ? calls->nr_refs * 2 : 1;
		struct object_ref *grown = realloc(calls->refs, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		calls->refs = grown;
	}
	calls->refs[calls->nr_refs++] = *ref;
	return 0;
}

static bool is_constant_section(const struct object_section *section)
{
	return section->data && strncmp(section->name, ".rodata", 7) == 0 &&
	       (section->name[7] == '\0' || section->name[7] == '.');
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

/* What a relocation at an instruction of a function means. Returns 1: nothing of interest. */
static int resolve_reloc(struct object_calls *calls, const struct object_reloc *reloc,
			 const struct extern_symbol *externs, struct object_ref *ref)
{
	const struct object_file *file = calls->file;
	const struct object_symbol *symbol = &file->symbols[reloc->symbol];
	const struct bpf_insn *insn = &file->sections[reloc->section].insns[reloc->insn];
	const struct object_function *target;
	bool call = is_call(insn);

	if (!call && insn->code != LD_IMM64)
		return 1;
	if (symbol->is_undefined) {
		const struct extern_symbol *ext = &externs[reloc->symbol];

		ref->kind = ext->kind;
		ref->target = ext->kfunc;
		if (ref->kind == REF_KFUNC_CALL && !call)
			ref->kind = REF_KFUNC_ADDRESS;
		return 0;
	}
	if (file->sections[symbol->section].insns) {
		__u64 at = symbol->value / sizeof(*insn);

		at += call ? (__s64)insn->imm + 1 : insn->imm / (__s64)sizeof(*insn);
		target = find_function(calls, symbol->section, at);
		if (!target)
			return complain(calls, "%s in section %s goes nowhere",
					call ? "a call" : "the address of a function",
					file->sections[reloc->section].name);
		ref->kind = call ? REF_CALL : REF_CALLBACK;
		ref->target = target - calls->functions;
		return 0;
	}
	if (call || !is_constant_section(&file->sections[symbol->section]))
		return 1;
	ref->kind = REF_DATA;
	ref->target = symbol->section;
	ref->offset = symbol->value + (__s64)insn->imm;
	return 0;
}

static int take_relocs(struct object_calls *calls, const struct extern_symbol *externs)
{
	const struct object_file *file = calls->file;

	for (size_t i = 0; i < file->nr_relocs; i++) {
		const struct object_reloc *reloc = &file->relocs[i];
		struct object_ref ref = { .insn = reloc->insn };
		const struct object_function *function;
		int err;

		function = find_function(calls, reloc->section, reloc->insn);
		if (!function)
			continue;
		err = resolve_reloc(calls, reloc, externs, &ref);
		if (err > 0)
			continue;
		/* For sorting: section and instruction in one number. */
		ref.insn += (size_t)reloc->section << 32;
		err = err ?: add_ref(calls, &ref);
		if (err)
			return err;
	}
	return 0;
}

/* Calls within a section need no relocation. */
static int take_near_calls(struct object_calls *calls, const struct object_function *function)
{
	const struct object_section *section = &calls->file->sections[function->section];

	for (size_t i = function->begin; i < function->end; i++) {
		const struct bpf_insn *insn = &section->insns[i];
		struct object_ref ref = { .insn = i + (function->section << 32),
					  .kind = REF_NEAR_CALL };
		const struct object_function *target;
		int err;

		/* -1 waits for a relocation. */
		if (!is_call(insn) || insn->src_reg != BPF_PSEUDO_CALL || insn->imm == -1)
			continue;
		target = find_function(calls, function->section, i + 1 + (__s64)insn->imm);
		if (!target)
			continue;
		ref.target = target - calls->functions;
		err = add_ref(calls, &ref);
		if (err)
			return err;
	}
	return 0;
}

static int take_core_relocs(struct object_calls *calls)
{
	const struct object_file *file = calls->file;

	for (size_t i = 0; i < file->nr_core_relocs; i++) {
		const struct object_core_reloc *core = &file->core_relocs[i];
		struct object_ref ref = { .kind = core->asks ? REF_CORE_TEST : REF_CORE };
		int err;

		if (!find_function(calls, core->section, core->insn))
			continue;
		ref.insn = core->insn + (core->section << 32);
		err = add_ref(calls, &ref);
		if (err)
			return err;
	}
	return 0;
}

/* What a relocation says comes before what the instruction alone seems to say. */
static int compare_refs(const void *a, const void *b)
{
	const struct object_ref *left = a, *right = b;

	if (left->insn != right->insn)
		return left->insn < right->insn ? -1 : 1;
	return (int)left->kind - (int)right->kind;
}

/* Sorts them, and gives each function its own. */
static void hand_out_refs(struct object_calls *calls)
{
	size_t at = 0, nr = 0;

	if (calls->nr_refs)
		qsort(calls->refs, calls->nr_refs, sizeof(*calls->refs), compare_refs);
	for (size_t i = 0; i < calls->nr_refs; i++) {
		/* One an instruction. */
		if (!nr || calls->refs[nr - 1].insn != calls->refs[i].insn)
			calls->refs[nr++] = calls->refs[i];
	}
	calls->nr_refs = nr;
	for (size_t i = 0; i < calls->nr_functions; i++) {
		struct object_function *function = &calls->functions[i];
		size_t last = function->end + (function->section << 32);

		function->refs = nr ? &calls->refs[at] : NULL;
		for (; at < nr && calls->refs[at].insn < last; at++)
			function->nr_refs++;
	}
	for (size_t i = 0; i < nr; i++) {
		calls->refs[i].insn &= 0xffffffff;
		if (calls->refs[i].kind == REF_NEAR_CALL)
			calls->refs[i].kind = REF_CALL;
	}
}

int object_calls__read(struct object_calls *calls, const struct object_file *file)
{
	struct extern_symbol *externs;
	int err;

	memset(calls, 0, sizeof(*calls));
	calls->file = file;
	externs = calloc(file->nr_symbols + 1, sizeof(*externs));
	if (!externs)
		return -ENOMEM;
	err = take_externs(calls, externs);
	if (!err)
		err = take_functions(calls);
	if (!err)
		err = take_programs(calls);
	if (!err)
		err = take_relocs(calls, externs);
	for (size_t i = 0; i < calls->nr_functions && !err; i++)
		err = take_near_calls(calls, &calls->functions[i]);
	if (!err)
		err = take_core_relocs(calls);
	if (!err)
		hand_out_refs(calls);
	else if (err == -ENOMEM)
		snprintf(calls->error, sizeof(calls->error), "out of memory");
	free(externs);
	return err;
}

void object_calls__free(struct object_calls *calls)
{
	for (size_t i = 0; i < calls->nr_kfuncs; i++)
		free(calls->kfuncs[i].name);
	free(calls->kfuncs);
	free(calls->functions);
	free(calls->programs);
	free(calls->refs);
	memset(calls, 0, sizeof(*calls));
}

/* --- asking ----------------------------------------------------------------------------------- */

const struct object_ref *object_function__ref(const struct object_function *function, size_t insn)
{
	size_t low = 0, high = function->nr_refs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (function->refs[mid].insn == insn)
			return &function->refs[mid];
		if (function->refs[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool object_calls__line(const struct object_calls *calls, const struct object_function *function,
			size_t insn, const char **file, int *line)
{
	const struct object_line *lines = calls->file->lines, *found;
	size_t low = 0, high = calls->file->nr_lines;

	/* The last one at or before it. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (lines[mid].section < function->section ||
		    (lines[mid].section == function->section && lines[mid].insn <= insn))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return false;
	found = &lines[low - 1];
	if (found->section != function->section || found->insn < function->begin || !*found->file)
		return false;
	*file = found->file;
	*line = found->line;
	return true;
}

int object_calls__closure(const struct object_calls *calls, size_t function, bool *used)
{
	size_t *queue = calloc(calls->nr_functions + 1, sizeof(*queue)), nr = 0;

	if (!queue)
		return -ENOMEM;
	memset(used, 0, calls->nr_functions * sizeof(*used));
	used[function] = true;
	queue[nr++] = function;
	while (nr) {
		const struct object_function *from = &calls->functions[queue[--nr]];

		for (size_t i = 0; i < from->nr_refs; i++) {
			const struct object_ref *ref = &from->refs[i];

			if ((ref->kind == REF_CALL || ref->kind == REF_CALLBACK) &&
			    !used[ref->target]) {
				used[ref->target] = true;
				queue[nr++] = ref->target;
			}
		}
	}
	free(queue);
	return 0;
}
