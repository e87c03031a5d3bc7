/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with kfuncs, for those who write them: what the kernel refuses when they are
 * registered, what the verifier refuses when a program calls them, and what works other than it
 * reads. Looks at the same things whether they come from the running kernel or from files.
 */
#ifndef KFUNCTRACE_LINT_H
#define KFUNCTRACE_LINT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct btf;

enum lint_severity {
	LINT_ERROR,   /* it cannot be registered, or no program can call it */
	LINT_WARNING, /* it works other than it reads, or not always */
	LINT_NOTE,    /* it may be meant so */
	LINT_NR_SEVERITIES
};

/* "error", "warning", "note". */
const char *lint_severity__name(enum lint_severity severity);

/* Something that can be there, not be there, or not be known. */
enum lint_presence { LINT_UNKNOWN, LINT_PRESENT, LINT_ABSENT };

/* A set that a kfunc stands in. */
struct lint_member {
	const char *set; /* its symbol, its hook when that is all that is known, or NULL */
	__u32 flags;
};

struct lint_kfunc {
	const char *name;
	__u32 func_id; /* FUNC that programs call */
	struct lint_member *members;
	int nr_members;
	enum lint_presence symbol; /* of its code */
	const char *copy;	   /* a symbol of a changed copy, "name.isra.0", or NULL */
	enum lint_presence tag;	   /* `bpf_kfunc` in BTF; unknown when this toolchain writes none */
};

/* What is looked at: a kernel or a module. */
struct lint_subject {
	const char *name; /* "vmlinux" or the module's */
	const struct btf *btf;
	unsigned int version; /* KVER of the kernel it is for */
	bool wanted;	      /* false: only there for what the others need of it */
	struct lint_kfunc *kfuncs;
	int nr;
	/* Types that have a destructor, so that maps can hold references on them. */
	bool destructors_known;
	const char **destructors;
	int nr_destructors;
};

struct lint_finding {
	enum lint_severity severity;
	const char *rule; /* "release-argument"; stable */
	const char *subject;
	const char *kfunc;  /* or NULL: of the subject as a whole */
	char *what;	    /* is wrong */
	const char *effect; /* what the kernel or the verifier does */
	const char *remedy;
};

struct lint_findings {
	struct lint_finding *findings; /* sorted by severity, subject, kfunc */
	size_t nr, room;
	bool out_of_memory;
};

/*
 * Looks at all subjects; what one needs of another (a type's release) may be in any of them. The
 * subjects must outlive the findings, which may hold some already. Returns 0 or -ENOMEM; to be freed
 * in any case.
 */
int lint__run(const struct lint_subject *subjects, int nr, struct lint_findings *findings);
void lint_findings__free(struct lint_findings *findings);

/* For what only the reader of a subject can see. The strings but `what` must outlive them. */
void lint_findings__add(struct lint_findings *findings, const struct lint_finding *finding,
			const char *what, ...) __attribute__((format(printf, 3, 4)));

/* All flags of a kfunc together. */
__u32 lint_kfunc__flags(const struct lint_kfunc *kfunc);

/* What pahole tags kfuncs with (from 1.26 on; the kernels' builds from 6.9 on ask for it). */
#define LINT_TAG "bpf_kfunc"

/* Says of each kfunc whether its BTF tags it, for subjects whose toolchain writes tags. */
void lint_subject__find_tags(struct lint_subject *subject);

/* Frees what a subject's makers have allocated: kfuncs, their members, the list of destructors. */
void lint_subject__free(struct lint_subject *subject);

struct live_kernel;

/* What is registered in the running kernel: a subject a BTF. Freed by lint_subjects__free(). */
int lint__of_live(struct live_kernel *kernel, struct lint_subject **subjects, int *nr);
void lint_subjects__free(struct lint_subject *subjects, int nr);

struct kernel_image;

/* Of a file whose types have been read; it must outlive the subject. Returns 0 or -ENOMEM. */
int lint__of_image(const struct kernel_image *image, struct lint_subject *subject);
/* Before its types are read: false, with a finding when that is wrong, for a file without BTF. */
bool lint__check_btf(const struct kernel_image *image, struct lint_findings *findings);
/* What is wrong with the file's sets as such. */
void lint__check_image(const struct kernel_image *image, struct lint_findings *findings);

#endif
