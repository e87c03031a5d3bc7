/* SPDX-License-Identifier: GPL-2.0-only */
/* Values of JSON (jansson) that all reports have. All give a new reference; NULL: out of memory. */
#ifndef KFUNCTRACE_JSON_VALUES_H
#define KFUNCTRACE_JSON_VALUES_H

struct json_t;

/*
 * Null for NULL. Names of processes are anything, and JSON is UTF-8: other text is made printable.
 */
struct json_t *json_text(const char *text);
/* The same, and null for "". */
struct json_t *json_text_unless_empty(const char *text);
/* Seconds since 1970 in ISO 8601, with the offset of the time zone; null for no time (0 or less). */
struct json_t *json_time(double when);
/* An array of the names of the flags of a kfunc, on a kernel of that version (kfunc_flags.h). */
struct json_t *json_kfunc_flags(unsigned int flags, unsigned int version);

#endif
