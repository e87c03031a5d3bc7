/* SPDX-License-Identifier: GPL-2.0-only */
/* An event of a reference, as a line of text or JSON. */
#ifndef KFUNCTRACE_EVENT_TEXT_H
#define KFUNCTRACE_EVENT_TEXT_H

#include <stdio.h>

struct deprecation_notes;
struct json_t;
struct kft_reference_event;
struct refs_report;

/*
 * Seconds since boot, who was running, what happened, to what and by whom; with a stack, a line a
 * frame behind it. Objects have a number that tells one from another and not where it lies, unless
 * addresses may be shown. Deprecated kfuncs are marked, and noted in `notes` (may be NULL).
 */
void event_text__print(const struct refs_report *report, const struct kft_reference_event *event,
		       struct deprecation_notes *notes, FILE *out);
struct json_t *event_text__json(const struct refs_report *report,
				const struct kft_reference_event *event);

#endif
