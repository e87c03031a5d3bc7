/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The texts that the status server answers with. Each is made once for all who ask for it within a second,
 * and lives on, when it is replaced, until the last who is being sent it has it or was dropped.
 */
#ifndef KFUNCTRACE_STATUS_TEXTS_H
#define KFUNCTRACE_STATUS_TEXTS_H

#include <stdbool.h>

struct MHD_Response;
struct aggregate;
struct status_server_options;
struct status_texts;

enum status_text {
	TEXT_OPENMETRICS,
	TEXT_PROMETHEUS,
	TEXT_PAGE,
	NR_TEXTS,
};

/* `aggregate` must outlive them. NULL: no memory. */
struct status_texts *status_texts__new(const struct status_server_options *opts,
				       const struct aggregate *aggregate);
/* No connection must be left that is being sent one. */
void status_texts__free(struct status_texts *texts);

/*
 * The answer, made unless there is one that is as good, or none may be made: then the one there is goes to
 * everybody until the server has dropped who does not read. It is theirs. NULL: memory is short.
 */
struct MHD_Response *status_texts__get(struct status_texts *texts, enum status_text which, bool gzip);
/* Whether those who read slowly have as much of replaced texts as they may. */
bool status_texts__are_hoarded(const struct status_texts *texts);

/* Headers that every answer has. `type`: of its content. */
void status_text__add_headers(struct MHD_Response *response, const char *type);

#endif
