// SPDX-License-Identifier: GPL-2.0-only
#include "btf_ids.h"

#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "kernel_version.h"
#include "kfunc_quirks.h"
#include "message.h"

/* Words of a set: how many members, flags, and two for each member. */
#define HEADER_WORDS 2
#define MEMBER_WORDS 2

/* As many as the kernel takes for a type of program. */
#define MAX_MEMBERS 256

/* The sets of kfuncs say so since 6.9. */
#define MARKED_SINCE KVER(6, 9)

/* Flags that kernels before 6.9 have: KF_ACQUIRE to KF_RCU_PROTECTED. */
#define UNMARKED_FLAGS 0xfffu

struct words {
	const struct btf_ids_input *input;
	size_t nr;
};

static __u32 word_at(const struct words *words, size_t at)
{
	__u32 word;

	memcpy(&word, (const char *)words->input->data + at * sizeof(word), sizeof(word));
	return words->input->swapped ? bswap_32(word) : word;
}

static bool is_function(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	return id && type && btf_is_func(type);
}

static const char *name_of(const struct btf *btf, __u32 id)
{
	return btf__name_by_offset(btf, btf__type_by_id(btf, id)->name_off) ?: "";
}

/* --- sets ------------------------------------------------------------------------------------- */

static struct btf_id_set *add_set(struct btf_id_sets *sets, int nr_members)
{
	struct btf_id_set *set;

	if (sets->nr == sets->room) {
		int room = sets->room ? sets->room * 2 : 16;
		struct btf_id_set *grown = realloc(sets->sets, room * sizeof(*grown));

		if (!grown)
			return NULL;
		sets->sets = grown;
		sets->room = room;
	}
	set = &sets->sets[sets->nr];
	memset(set, 0, sizeof(*set));
	set->members = calloc(nr_members + 1, sizeof(*set->members));
	if (!set->members)
		return NULL;
	sets->nr++;
	return set;
}

/*
 * Nobody can call the members of such a set, though some kernels mark it as one of kfuncs. One of
 * them may be a kfunc by another set.
 */
static bool is_modified_only(const struct words *words, const struct btf_id_set *set)
{
	bool found = false;

	for (int i = 0; i < set->nr; i++) {
		__u32 id = set->members[i].id;

		if (!is_function(words->input->btf, id))
			continue;
		if (!kfunc_quirk__is_fmodret(name_of(words->input->btf, id)))
			return false;
		found = true;
	}
	return found;
}

static int take_set(const struct words *words, size_t at, int nr, const char *name,
		    struct btf_id_sets *sets)
{
	struct btf_id_set *set = add_set(sets, nr);

	if (!set) {
		msg__error("%s: not enough memory for its sets of kfuncs", words->input->file);
		return -ENOMEM;
	}
	set->name = name;
	set->offset = at * sizeof(__u32);
	set->resolved = word_at(words, at);
	set->flags = word_at(words, at + 1);
	for (size_t member = at + HEADER_WORDS; set->nr < nr; member += MEMBER_WORDS)
		set->members[set->nr++] = (struct btf_id_set_member){
			.id = word_at(words, member),
			.flags = word_at(words, member + 1),
		};
	if (is_modified_only(words, set))
		set->kind = BTF_ID_SET_OTHER;
	return 0;
}

void btf_id_sets__free(struct btf_id_sets *sets)
{
	for (int i = 0; i < sets->nr; i++)
		free(sets->sets[i].members);
	free(sets->sets);
	memset(sets, 0, sizeof(*sets));
}

/* --- by symbols ------------------------------------------------------------------------------- */

static int complain(const struct words *words, const struct btf_id_symbol *symbol, const char *what)
{
	msg__error("%s: set %s in .BTF_ids %s; is the file damaged?", words->input->file,
		   symbol->name, what);
	return -EBADMSG;
}

static int take_symbol(const struct words *words, const struct btf_id_symbol *symbol,
		       struct btf_id_sets *sets)
{
	size_t bytes = words->nr * sizeof(__u32), at = symbol->offset / sizeof(__u32);
	size_t nr = symbol->size / sizeof(__u32);
	const struct btf_id_set *set;
	__u32 count;
	int err;

	if (symbol->offset > bytes || symbol->size > bytes - symbol->offset ||
	    symbol->offset % sizeof(__u32) || nr < HEADER_WORDS)
		return complain(words, symbol, "does not lie in the section");
	nr = (nr - HEADER_WORDS) / MEMBER_WORDS;
	count = word_at(words, at);
	/* Not even counted: nothing has been put in. */
	if (count && count != nr)
		return complain(words, symbol, "has not as many members as it says");
	err = take_set(words, at, nr, symbol->name, sets);
	if (err)
		return err;
	set = &sets->sets[sets->nr - 1];
	for (int i = 0; i < set->nr; i++) {
		if (set->members[i].id && !is_function(words->input->btf, set->members[i].id))
			return complain(words, symbol, "has a member that is no function");
	}
	return 0;
}

static int compare_sets(const void *a, const void *b)
{
	const struct btf_id_set *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

static int read_by_symbols(const struct words *words, struct btf_id_sets *sets)
{
	bool marked = words->input->version >= MARKED_SINCE;
	int err = 0;

	for (int i = 0; i < words->input->nr_symbols && !err; i++) {
		err = take_symbol(words, &words->input->symbols[i], sets);
		if (!err)
			marked |= sets->sets[sets->nr - 1].flags & BTF_ID_SET_MARKED;
	}
	for (int i = 0; marked && i < sets->nr; i++) {
		if (!(sets->sets[i].flags & BTF_ID_SET_MARKED))
			sets->sets[i].kind = BTF_ID_SET_OTHER;
	}
	if (sets->nr)
		qsort(sets->sets, sets->nr, sizeof(*sets->sets), compare_sets);
	return err;
}

/* --- by shape --------------------------------------------------------------------------------- */

/*
 * Members are sorted by id. Where a set does not say that it is one of kfuncs, the flags of its
 * members are to be some that there were, and ids as small as a number of members are not taken for
 * ids: another list may begin there.
 */
static bool looks_like_members(const struct words *words, size_t at, __u32 count, bool marked)
{
	const struct btf *btf = words->input->btf;
	bool found = false;
	__u32 last = 0;

	for (__u32 i = 0; i < count; i++, at += MEMBER_WORDS) {
		__u32 id = word_at(words, at), flags = word_at(words, at + 1);

		/* What was not found by the build has the id 0, and comes first. */
		if (!id && !found && marked)
			continue;
		if (!is_function(btf, id) || id < words->input->first_id || (found && id <= last))
			return false;
		if (!marked && (id <= MAX_MEMBERS || (flags & ~UNMARKED_FLAGS)))
			return false;
		last = id;
		found = true;
	}
	return found;
}

/* How many members the set at this word has, 0 when there is none. */
static __u32 set_at(const struct words *words, size_t at, bool marked)
{
	__u32 count;

	if (words->nr - at < HEADER_WORDS + MEMBER_WORDS)
		return 0;
	count = word_at(words, at);
	if (!count || count > MAX_MEMBERS ||
	    word_at(words, at + 1) != (marked ? BTF_ID_SET_MARKED : 0) ||
	    count > (words->nr - at - HEADER_WORDS) / MEMBER_WORDS)
		return 0;
	return looks_like_members(words, at + HEADER_WORDS, count, marked) ? count : 0;
}

static int read_by_shape(const struct words *words, bool marked, struct btf_id_sets *sets)
{
	size_t at = 0;
	int err = 0;

	while (at < words->nr && !err) {
		__u32 count = set_at(words, at, marked);

		if (!count) {
			at++;
			continue;
		}
		err = take_set(words, at, count, NULL, sets);
		at += HEADER_WORDS + count * MEMBER_WORDS;
	}
	return err;
}

int btf_ids__read(const struct btf_ids_input *input, struct btf_id_sets *sets)
{
	struct words words = { .input = input, .nr = input->size / sizeof(__u32) };
	int err;

	memset(sets, 0, sizeof(*sets));
	if (input->size % sizeof(__u32)) {
		msg__error("%s: .BTF_ids is no list of words; is the file damaged?", input->file);
		return -EBADMSG;
	}
	if (input->symbols)
		return read_by_symbols(&words, sets);
	err = read_by_shape(&words, true, sets);
	/* A kernel that marks its sets has no others. */
	if (!err && !sets->nr && input->version < MARKED_SINCE)
		err = read_by_shape(&words, false, sets);
	return err;
}
