/* SPDX-License-Identifier: GPL-2.0-only */
/* The census of kfuncs in print: kfunctrace users. */
#ifndef KFUNCTRACE_USERS_REPORT_H
#define KFUNCTRACE_USERS_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

struct deprecation;
struct kfunc;
struct live_kernel;
struct pattern_list;
struct program_holders;
struct used_kfunc;
struct user;
struct users;

struct users_report {
	const struct users *users;
	const struct pattern_list *patterns;   /* on the names of kfuncs */
	const struct program_holders *holders; /* of the programs */
	const struct live_kernel *kernel;      /* for what is deprecated on it */
};

/* Each returns 0 or a negative errno. */
int users_report__print_table(const struct users_report *report, FILE *out);
int users_report__print_json(const struct users_report *report, FILE *out);
/* Program by program, with each call site. */
int users_report__print_details(const struct users_report *report, FILE *out);

/* For all three. */
bool users_report__wants(const struct users_report *report, const struct kfunc *kfunc);
/* NULL: not deprecated. */
const struct deprecation *users_report__deprecation(const struct users_report *report,
						    const struct used_kfunc *used);
time_t user__loaded_at(const struct user *user);
const char *user__format_time(time_t when, const char *format, char *buf, size_t size);
/* Name of who loaded it, or the number. Returns buf. */
const char *user__format_uid(const struct user *user, char *buf, size_t size);
/* How many programs are in it; `all`: those that only declare were printed as well. */
void users_report__print_summary(const struct users_report *report, bool all, FILE *out);

#endif
