// SPDX-License-Identifier: GPL-2.0-only
/* Kernels and modules in files as subjects of lint: what their sets, symbols and relocations say. */
#include "lint.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_ids.h"
#include "elf_file.h"
#include "kernel_image.h"
#include "kernel_version.h"
#include "kfunc_flags.h"
#include "kfunc_quirks.h"
#include "lint_private.h"
#include "prototype.h"

/* BTF_KFUNC_SET_MAX_CNT of the kernel. */
#define MAX_KFUNCS_OF_A_HOOK 256
/* From here on the kernel takes only sets that are marked as kfuncs'. */
#define MARKED_SINCE KVER(6, 9)
#define REGISTRAR    "register_btf_kfunc_id_set"

/* --- its kfuncs ------------------------------------------------------------------------------- */

/* The symbol of a copy that the compiler has changed ("foo.isra.0"), or NULL. */
static const char *find_copy(const struct elf_file *elf, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < elf_file__nr_symbols(elf); i++) {
		const struct elf_symbol *symbol = elf_file__symbol_at(elf, i);

		if (symbol->type == STT_FUNC && strncmp(symbol->name, name, len) == 0 &&
		    symbol->name[len] == '.')
			return symbol->name;
	}
	return NULL;
}

static void look_for_code(const struct kernel_image *image, struct lint_kfunc *kfunc)
{
	const struct elf_file *elf = kernel_image__elf(image);
	const struct elf_symbol *symbol = elf_file__symbol(elf, kfunc->name);

	/* A stripped file has no symbols, or a damaged one the few that relocations need. */
	if (!kernel_image__has_symbols(image))
		return;
	while (symbol && symbol->section == SHN_UNDEF)
		symbol = elf_file__next_symbol(elf, symbol);
	kfunc->symbol = symbol ? LINT_PRESENT : LINT_ABSENT;
	if (!symbol)
		kfunc->copy = find_copy(elf, kfunc->name);
}

static struct lint_kfunc *find_or_add(struct lint_subject *subject,
				      const struct kernel_image *image, __u32 id)
{
	const struct btf_type *func = btf__type_by_id(subject->btf, id);
	struct lint_kfunc *kfunc, *grown;

	for (int i = 0; i < subject->nr; i++) {
		if (subject->kfuncs[i].func_id == id)
			return &subject->kfuncs[i];
	}
	grown = realloc(subject->kfuncs, (subject->nr + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	subject->kfuncs = grown;
	kfunc = &grown[subject->nr++];
	*kfunc = (struct lint_kfunc){
		.name = func ? btf__name_by_offset(subject->btf, func->name_off) : "?",
		.func_id = id,
	};
	look_for_code(image, kfunc);
	if (kernel_image__has_tags(image))
		kfunc->tag = kernel_image__is_tagged(image, id) ? LINT_PRESENT : LINT_ABSENT;
	return kfunc;
}

static int add_member(struct lint_kfunc *kfunc, const char *set, __u32 flags)
{
	struct lint_member *grown =
		realloc(kfunc->members, (kfunc->nr_members + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	kfunc->members = grown;
	grown[kfunc->nr_members++] = (struct lint_member){ .set = set, .flags = flags };
	return 0;
}

static int take_kfuncs(struct lint_subject *subject, const struct kernel_image *image)
{
	for (int i = 0; i < kernel_image__nr_sets(image); i++) {
		const struct btf_id_set *set = kernel_image__set_at(image, i);

		for (int j = 0; j < set->nr && set->kind == BTF_ID_SET_KFUNCS; j++) {
			struct lint_kfunc *kfunc;

			if (!set->members[j].id)
				continue;
			kfunc = find_or_add(subject, image, set->members[j].id);
			if (!kfunc || add_member(kfunc, set->name, set->members[j].flags))
				return -ENOMEM;
		}
	}
	return 0;
}

/* --- its destructors -------------------------------------------------------------------------- */

static __u32 word_at(const struct elf_section *ids, size_t at)
{
	__u32 word;

	memcpy(&word, (const char *)ids->data + at, sizeof(word));
	return word;
}

/* Flags of kfuncs look like ids. */
static bool is_in_a_set(const struct kernel_image *image, size_t at)
{
	for (int i = 0; i < kernel_image__nr_sets(image); i++) {
		const struct btf_id_set *set = kernel_image__set_at(image, i);

		if (at >= set->offset && at < set->offset + (set->nr + 1) * 2 * sizeof(__u32))
			return true;
	}
	return false;
}

static bool is_destructor(const struct btf *btf, __u32 id)
{
	const struct btf_type *proto = prototype__type(btf, id);

	return proto && !proto->type && btf_vlen(proto) == 1 &&
	       lint__is_pointer(btf, btf_params(proto)[0].type);
}

/*
 * What registers destructors is a list of ids, a structure's and its destructor's in turn. Among
 * other lists such a pair is not told apart for sure; it has to be a structure and a function that
 * could be one.
 */
static int take_destructors(struct lint_subject *subject, const struct kernel_image *image)
{
	struct elf_section ids;

	if (elf_file__is_swapped(kernel_image__elf(image)))
		return 0;
	subject->destructors_known = true;
	if (elf_file__section(kernel_image__elf(image), ".BTF_ids", &ids) || !ids.data)
		return 0;
	for (size_t at = 0; at + 2 * sizeof(__u32) <= ids.size; at += sizeof(__u32)) {
		const struct btf_type *type = btf__type_by_id(subject->btf, word_at(&ids, at));
		const char **grown;

		if (!type || !btf_is_struct(type) || is_in_a_set(image, at) ||
		    !is_destructor(subject->btf, word_at(&ids, at + sizeof(__u32))))
			continue;
		grown = realloc(subject->destructors,
				(subject->nr_destructors + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		subject->destructors = grown;
		grown[subject->nr_destructors++] =
			btf__name_by_offset(subject->btf, type->name_off);
	}
	return 0;
}

int lint__of_image(const struct kernel_image *image, struct lint_subject *subject)
{
	int err;

	*subject = (struct lint_subject){
		.name = kernel_image__module(image),
		.btf = kernel_image__btf(image),
		.version = kernel_image__version(image),
		.wanted = true,
	};
	err = take_kfuncs(subject, image) ?: take_destructors(subject, image);
	if (err)
		lint_subject__free(subject);
	return err;
}

/* --- what is wrong with the file as a whole --------------------------------------------------- */

#define IMAGE_FINDING(image, sev, id, does, mend)                                                  \
	&(const struct lint_finding)                                                               \
	{                                                                                          \
		.severity = (sev), .rule = (id), .subject = kernel_image__module(image),           \
		.effect = (does), .remedy = (mend)                                                 \
	}

/* Does it call that function of the kernel's? */
static bool imports(const struct kernel_image *image, const char *name)
{
	const struct elf_symbol *symbol = elf_file__symbol(kernel_image__elf(image), name);

	return symbol && symbol->section == SHN_UNDEF;
}

bool lint__check_btf(const struct kernel_image *image, struct lint_findings *findings)
{
	struct elf_section btf;

	if (elf_file__section(kernel_image__elf(image), ".BTF", &btf) == 0)
		return true;
	if (imports(image, REGISTRAR))
		lint_findings__add(findings,
				   IMAGE_FINDING(image, LINT_ERROR, "no-btf",
						 "registering them fails, or is skipped with a "
						 "warning: no program can call them",
						 "build with CONFIG_DEBUG_INFO_BTF_MODULES, pahole "
						 "and the kernel's vmlinux at hand"),
				   "it registers kfuncs, and has no BTF");
	return false;
}

static const char *name_of(const struct btf_id_set *set)
{
	return set->name ?: "a set without a name";
}

/*
 * Is it "__BTF_ID__func__bpf_foo__12", the place of an id in this set? Then the name is copied. Which
 * id is whose, the places do not tell any more: they have been sorted.
 */
static bool is_place(const struct elf_symbol *symbol, const struct elf_section *ids,
		     const struct btf_id_set *set, char *name, size_t size)
{
	static const char prefix[] = "__BTF_ID__func__";
	__u64 offset = symbol->value - ids->address;
	const char *end;

	if (symbol->section != ids->index || strncmp(symbol->name, prefix, strlen(prefix)) != 0 ||
	    offset < set->offset || offset >= set->offset + (set->nr + 1) * 2 * sizeof(__u32))
		return false;
	snprintf(name, size, "%s", symbol->name + strlen(prefix));
	/* A number that makes it unique stands behind the name. */
	for (end = name; (end = strstr(end, "__")); end += 2) {
		if (strspn(end + 2, "0123456789") == strlen(end + 2)) {
			name[end - name] = '\0';
			break;
		}
	}
	return true;
}

/* The names that the build looked for in vain. Returns how many. */
static int add_unresolved(const struct kernel_image *image, const struct btf_id_set *set,
			  const struct lint_finding *finding, struct lint_findings *findings)
{
	const struct elf_file *elf = kernel_image__elf(image);
	struct elf_section ids;
	char name[256];
	int nr = 0;

	if (elf_file__section(elf, ".BTF_ids", &ids))
		return 0;
	for (int i = 0; i < elf_file__nr_symbols(elf); i++) {
		if (!is_place(elf_file__symbol_at(elf, i), &ids, set, name, sizeof(name)) ||
		    btf__find_by_name_kind(kernel_image__btf(image), name, BTF_KIND_FUNC) > 0)
			continue;
		lint_findings__add(findings, finding, "%s: there was no %s when it was built",
				   name_of(set), name);
		nr++;
	}
	return nr;
}

static void check_ids(const struct kernel_image *image, const struct btf_id_set *set,
		      struct lint_findings *findings)
{
	const struct lint_finding *missing = IMAGE_FINDING(
		image, LINT_ERROR, "unresolved",
		"the kernel refuses the whole set when it is registered",
		"spell it as it is defined, and define it with __bpf_kfunc in each configuration");
	int nr = 0;

	if (!set->resolved) {
		lint_findings__add(findings,
				   IMAGE_FINDING(image, LINT_ERROR, "unresolved",
						 "none of its kfuncs is registered",
						 "run resolve_btfids on the file, as the kernel's "
						 "build does"),
				   "%s: no id has been put in", name_of(set));
		return;
	}
	for (int i = 0; i < set->nr; i++)
		nr += !set->members[i].id;
	nr -= nr ? add_unresolved(image, set, missing, findings) : 0;
	if (nr > 0)
		lint_findings__add(findings, missing,
				   "%s: %d of its functions were not there when it was built",
				   name_of(set), nr);
	if (set->nr > MAX_KFUNCS_OF_A_HOOK)
		lint_findings__add(findings,
				   IMAGE_FINDING(image, LINT_ERROR, "set-too-large",
						 "the kernel refuses it when it is registered",
						 "make two of it, for other program types"),
				   "%s: %d kfuncs, and the kernel takes %d", name_of(set), set->nr,
				   MAX_KFUNCS_OF_A_HOOK);
}

struct reference_search {
	const struct kernel_image *image;
	size_t ids; /* index of .BTF_ids */
	size_t wanted;
};

static int is_reference(const struct elf_reloc *reloc, void *arg)
{
	const struct reference_search *search = arg;

	return reloc->symbol && reloc->symbol->section == search->ids &&
	       reloc->symbol->value + reloc->addend == search->wanted;
}

/* Some data of the module points at the set: what it is registered with. */
static bool is_referred_to(const struct kernel_image *image, const struct btf_id_set *set)
{
	const struct elf_file *elf = kernel_image__elf(image);
	struct reference_search search = { .image = image, .wanted = set->offset };
	struct elf_section section;

	if (elf_file__section(elf, ".BTF_ids", &section))
		return true;
	search.ids = section.index;
	for (size_t i = 1; i < elf_file__nr_sections(elf); i++) {
		if (elf_file__section_at(elf, i, &section) || !(section.flags & SHF_ALLOC))
			continue;
		if (elf_file__relocations(elf, i, is_reference, &search) > 0)
			return true;
	}
	return false;
}

static bool is_fmodret(const struct kernel_image *image, const struct btf_id_set *set)
{
	const struct btf *btf = kernel_image__btf(image);

	for (int i = 0; i < set->nr; i++) {
		const struct btf_type *func = btf__type_by_id(btf, set->members[i].id);

		if (func && set->members[i].id &&
		    kfunc_quirk__is_fmodret(btf__name_by_offset(btf, func->name_off)))
			return true;
	}
	return false;
}

/* A module's relocations tell what it does with its sets; a linked kernel has none. */
static void check_registration(const struct kernel_image *image, const struct btf_id_set *set,
			       struct lint_findings *findings)
{
	bool referred = is_referred_to(image, set);

	if (set->kind == BTF_ID_SET_KFUNCS && !referred)
		lint_findings__add(findings,
				   IMAGE_FINDING(image, LINT_WARNING, "set-not-registered",
						 "no program can call its kfuncs",
						 "register it with " REGISTRAR "(), or remove it"),
				   "%s: nothing in the module refers to it", name_of(set));
	if (set->kind == BTF_ID_SET_OTHER && referred && imports(image, REGISTRAR) &&
	    kernel_image__version(image) >= MARKED_SINCE && !is_fmodret(image, set))
		lint_findings__add(findings,
				   IMAGE_FINDING(image, LINT_ERROR, "set-not-tagged",
						 "the kernel refuses it when it is registered",
						 "make it with BTF_KFUNCS_START() and "
						 "BTF_KFUNCS_END()"),
				   "%s: it is not marked as a set of kfuncs", name_of(set));
}

void lint__check_image(const struct kernel_image *image, struct lint_findings *findings)
{
	bool is_complete = kernel_image__is_module(image) && kernel_image__has_symbols(image);

	for (int i = 0; i < kernel_image__nr_sets(image); i++) {
		const struct btf_id_set *set = kernel_image__set_at(image, i);

		if (set->kind == BTF_ID_SET_KFUNCS)
			check_ids(image, set, findings);
		if (is_complete)
			check_registration(image, set, findings);
	}
}
