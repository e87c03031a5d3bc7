/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the running kernel and the present privileges allow. Wherever the kernel can be asked by
 * doing the thing, it is done and undone again; files and settings are read only to say why.
 */
#ifndef KFUNCTRACE_DOCTOR_H
#define KFUNCTRACE_DOCTOR_H

#include <stdbool.h>
#include <linux/types.h>

#include "live_kernel.h"

struct btf;

enum check_status {
	CHECK_OK,
	CHECK_LIMITED,	/* works, but not all of it */
	CHECK_NO,	/* does not work */
	CHECK_UNTESTED, /* could not be found out, because something before it does not work */
};

/* In print and in JSON: "ok", "limited", "no", "untested". */
const char *check_status__name(enum check_status status);

/* One question and its answer. Texts are sentences without a full stop, NULL where there is none.
 */
struct check {
	const char *name;  /* for programs: "module_btf" */
	const char *title; /* for people: "module BTF" */
	enum check_status status;
	char *found;	  /* what the kernel answered */
	const char *cost; /* what the user goes without when the answer is no; NULL: nothing */
	char *remedy;	  /* how to get it */
	char *detail;	  /* names behind a number in `found` */
};

#define DOCTOR_MAX_CHECKS 24

struct doctor {
	struct check checks[DOCTOR_MAX_CHECKS];
	int nr;
	bool list_works, counting_works;
	bool module_counts; /* the kernel module's engine is there and works */
	char *verdict; /* one line */

	/* Learnt on the way; later checks and remedies go by it. */
	struct btf *vmlinux;
	struct live_kernel kernel;	/* members NULL as far as they could not be opened */
	bool has_sys_admin, has_syslog; /* effective, on the host */
	bool in_user_namespace;
	bool ftrace_is_off;   /* nothing must be attached: ftrace_state.h */
	const char *lockdown; /* "none", "integrity", "confidentiality"; NULL when not known */
	bool lost;	      /* out of memory: some text is missing */
	char *list_trouble;   /* why `list` does not work, or NULL */
	char *counting_trouble;
};

/* Makes all checks. Returns 0 or -ENOMEM. */
int doctor__examine(struct doctor *doctor);
void doctor__free(struct doctor *doctor);
/* NULL when there is no such check. */
const struct check *doctor__find(const struct doctor *doctor, const char *name);

/* --- for the checks --------------------------------------------------------------------------- */

/* Adds a check; `cost` and the names are constants. */
struct check *doctor__add(struct doctor *doctor, const char *name, const char *title,
			  enum check_status status, const char *cost);
/* Sets *text, one of the members of a check or of the doctor, and keeps count of lost ones. */
void doctor__say(struct doctor *doctor, char **text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* strerror(), and what it does not know: errnos that only the kernel uses. */
const char *doctor__errno(int err);
/* The first line of a small file into buf. Returns 0 or a negative errno. */
int doctor__read_line(const char *path, char *buf, int size);
/* The number in a file of /proc/sys, or a negative errno. */
int doctor__read_sysctl(const char *path);
/* The number in a field of /proc/self/status, or a negative errno. */
int doctor__read_status_field(const char *field);

/* What the host is like (doctor_host.c). */
void doctor__check_kernel_version(struct doctor *doctor);
void doctor__check_architecture(struct doctor *doctor);
void doctor__check_capabilities(struct doctor *doctor);
void doctor__check_lockdown(struct doctor *doctor);
void doctor__check_unprivileged(struct doctor *doctor);
void doctor__check_module_btf(struct doctor *doctor);
void doctor__check_ftrace(struct doctor *doctor);
void doctor__check_tracefs(struct doctor *doctor);
void doctor__check_memory(struct doctor *doctor);
void doctor__check_addresses(struct doctor *doctor);
void doctor__check_module_engine(struct doctor *doctor);

/* What the kernel does when asked (doctor_bpf.c). */
void doctor__check_bpf(struct doctor *doctor);
void doctor__check_btf(struct doctor *doctor);
void doctor__check_iterators(struct doctor *doctor);
void doctor__check_registry(struct doctor *doctor);
void doctor__check_fentry(struct doctor *doctor);
void doctor__check_fexit(struct doctor *doctor);
void doctor__check_watchers_and_probe(struct doctor *doctor);
void doctor__check_fast_path(struct doctor *doctor);

#endif
