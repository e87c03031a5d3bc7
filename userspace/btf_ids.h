/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The section .BTF_ids of kernels and modules: sets of kfuncs with their flags, among lists of other
 * ids. With symbols it is known where sets are; in a stripped file they are told by their shape.
 */
#ifndef KFUNCTRACE_BTF_IDS_H
#define KFUNCTRACE_BTF_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct btf;

enum btf_id_set_kind {
	BTF_ID_SET_KFUNCS,
	BTF_ID_SET_OTHER, /* functions that programs may modify the result of */
};

struct btf_id_set_member {
	__u32 id; /* of a FUNC; 0 when the build found no function of that name */
	__u32 flags;
};

/* What the kernel calls a set8. */
struct btf_id_set {
	const char *name; /* from its symbol, which it belongs to; NULL without symbols */
	enum btf_id_set_kind kind;
	size_t offset; /* into the section */
	__u32 flags;   /* BTF_ID_SET_MARKED, or 0 before 6.9 */
	bool resolved; /* false: the build has not put in the ids (resolve_btfids did not run) */
	struct btf_id_set_member *members;
	int nr;
};

/* BTF_SET8_KFUNCS of the kernel. */
#define BTF_ID_SET_MARKED 1u

struct btf_id_sets {
	struct btf_id_set *sets; /* as they lie in the section */
	int nr, room;
};

/* A symbol `__BTF_ID__set8__NAME`. */
struct btf_id_symbol {
	const char *name; /* NAME */
	__u64 offset, size;
};

struct btf_ids_input {
	const char *file; /* for messages */
	const void *data;
	size_t size;
	bool swapped;	      /* its words are in the other order of bytes */
	unsigned int version; /* KVER of the kernel; 0 when it is not known */
	const struct btf *btf;
	__u32 first_id; /* of the types that are a module's own: its kfuncs are among them */
	const struct btf_id_symbol *symbols; /* of sets; NULL: stripped */
	int nr_symbols;
};

/*
 * Finds the sets. All ids of members are FUNCs of `btf`, or 0. Returns 0, or a negative errno
 * having said what is wrong; to be freed in any case.
 */
int btf_ids__read(const struct btf_ids_input *input, struct btf_id_sets *sets);
void btf_id_sets__free(struct btf_id_sets *sets);

#endif
