/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about references: what the rows of calls say of each type, and what only the scenario
 * knows, such as where it parked what.
 */
#ifndef WORKLOADS_REFERENCES_H
#define WORKLOADS_REFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/types.h>

struct iteration_row;
struct truth_row;

/* Types as in BTF, without `struct`. */
#define TASK	       "task_struct"
#define CGROUP	       "cgroup"
#define CPUMASK	       "bpf_cpumask"
#define CRYPTO_CONTEXT "bpf_crypto_ctx"
#define CONNECTION     "nf_conn"
#define NEW_CONNECTION "nf_conn___init"
#define LOCAL_OBJECT   "local object"
#define TEST_OBJECT    "prog_test_ref_kfunc"
#define MODULE_OBJECT  "kfunctrace_test_object"

/* References that are outstanding, to one object or to several of the same kind. */
struct parked {
	const char *type;
	const char *program; /* that acquired them, by: */
	const char *kfunc;
	const char *map;      /* NULL: in none */
	int pid;	      /* of a task */
	__u64 cgroup_id;      /* of a cgroup */
	unsigned int objects; /* 0: one */
	unsigned int references;
	bool stale;
	bool deleted_element; /* the element of the map is gone, the reference is not */
	bool in_use;	      /* not parked: the program has not returned */
	/* Of several references to the object one was released, and not all were acquired alike. */
	bool is_ambiguous;
};

struct references *references__new(void);
void references__free(struct references *references);

/* The strings are not copied. */
void references__add_parked(struct references *references, const struct parked *parked);
void references__add_released_by_maps(struct references *references, const char *type,
				      unsigned long long n);
/* 6.1 calls the destructor for slots, too, that hold nothing. */
void references__add_empty_releases(struct references *references, const char *type,
				    unsigned long long n);
void references__add_handed_over(struct references *references, const char *type,
				 const char *acquired_by, const char *released_by,
				 unsigned long long n);
/* Of the NULL returns of a row so many were for a count that was zero already. */
void references__add_refcount_zero(struct references *references, const char *kfunc,
				   const char *program, unsigned long long n);
void references__add_iterations(struct references *references, const struct iteration_row *row);

/* What is outstanding by the calls must be what the scenario says is parked. */
int references__check(const struct references *references, const struct truth_row *rows, size_t n);
/* The members of the JSON object that follow the rows. */
void references__print(const struct references *references, FILE *file,
		       const struct truth_row *rows, size_t n);

#endif
