/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who still uses kfuncs that are deprecated, or that another kernel has not: what is known of it, and
 * its printers. Who fills it, such as deprecation_survey.h, owns all strings.
 */
#ifndef KFUNCTRACE_DEPRECATION_REPORT_H
#define KFUNCTRACE_DEPRECATION_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <linux/types.h>

struct deprecation;

/* Between two moments, in seconds since 1970; `before` is 0 when there is none. */
struct reported_time {
	double after, before;
};

struct reported_process {
	pid_t pid;
	char comm[16];
	char *unit; /* "cron.service", or NULL */
};

struct reported_attachment {
	char *how;    /* "fentry" */
	char *target; /* "tcp_connect"; may be "" */
};

struct reported_program {
	__u32 id;
	char name[64];
	const char *type; /* "sched_cls" */
	__u8 tag[8];
	bool has_uid;
	__u32 uid;   /* who loaded it */
	bool loaded; /* when the report was made */
	/* What held it, as it was seen last. */
	struct reported_process *processes;
	size_t nr_processes;
	char **pins;
	size_t nr_pins;
	struct reported_attachment *attachments;
	size_t nr_attachments;
};

/* A program that contains calls of a kfunc, or has called it. */
struct reported_use {
	size_t program; /* index in the report */
	int nr_sites;	/* places in its code; 0: not known */
	bool declared;	/* its object declares the kfunc; whether it calls it cannot be told */
	__u64 calls;
	struct reported_time last_call;
};

struct reported_kfunc {
	const char *name;
	const char *module;
	const struct deprecation *deprecation; /* on this kernel or the target; or NULL */
	char **problems;		       /* on the target: "removed", "renamed: a -> b" */
	size_t nr_problems;
	const char *replacement; /* or NULL */
	const char *no_census;	 /* why it cannot be seen which programs contain it; NULL: it can */
	const char *no_counts;	 /* why its calls were not counted; NULL: they were */
	struct reported_use *uses;
	size_t nr_uses;
	__u64 kernel_calls;  /* from the kernel's own code */
	__u64 unknown_calls; /* whose caller could not be told */
};

struct deprecation_report {
	const char *host;
	const char *release;   /* of the running kernel */
	const char *target;    /* release of the other kernel, or NULL */
	double begin, end;     /* of the observation, seconds since 1970 */
	const char *no_census; /* for none of them, and why; or NULL */
	const char *no_counts;
	bool may_miss_programs;	       /* those that come and go quickly */
	bool tracer_was_off;	       /* calls are missing */
	struct reported_kfunc *kfuncs; /* sorted by name */
	size_t nr_kfuncs;
	struct reported_program *programs;
	size_t nr_programs;
};

/* Frees what it has of holders. */
void reported_program__clear(struct reported_program *program);

/* Calls by programs, without those of the kernel and of unknown callers. */
__u64 reported_kfunc__calls(const struct reported_kfunc *kfunc);
/* Programs whose code contains calls of it. */
size_t reported_kfunc__programs(const struct reported_kfunc *kfunc);
/* When a program, or an unknown caller, called it last. */
struct reported_time reported_kfunc__last_call(const struct reported_kfunc *kfunc);
/* 1: somebody uses it; 0: nobody was seen to; -1: that cannot be seen. */
int reported_kfunc__used(const struct reported_kfunc *kfunc);
/* "no use seen in 30 s on this host; 0 programs contain it". Returns buf. */
const char *reported_kfunc__verdict(const struct deprecation_report *report,
				    const struct reported_kfunc *kfunc, char *buf, size_t size);
/* "deprecated since 7.1", "renamed: a -> b": all that is the matter. Returns buf. */
const char *reported_kfunc__status(const struct reported_kfunc *kfunc, char *buf, size_t size);
/* "a census of loaded programs, and counted calls". Returns buf. */
const char *deprecation_report__basis(const struct deprecation_report *report, char *buf,
				      size_t size);
/* "scx_qmap (id 12, struct_ops), gone": Returns buf. */
const char *reported_program__title(const struct reported_program *program, char *buf, size_t size);
/* "loaded by uid 0; held by cron[12] (cron.service); attached to fentry f". Returns buf. */
const char *reported_program__holders(const struct reported_program *program, char *buf,
				      size_t size);

/* Return 0 or -ENOMEM; whether it reached its reader, output__finish() tells. */
int deprecation_report__print_text(const struct deprecation_report *report, FILE *out);
int deprecation_report__print_markdown(const struct deprecation_report *report, FILE *out);
int deprecation_report__print_json(const struct deprecation_report *report, FILE *out);

#endif
