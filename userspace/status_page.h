/* SPDX-License-Identifier: GPL-2.0-only */
/* The aggregate at a glance, as a page of HTML that needs nothing else. */
#ifndef KFUNCTRACE_STATUS_PAGE_H
#define KFUNCTRACE_STATUS_PAGE_H

#include <stddef.h>

struct aggregate;

/* Writes it to malloc'ed memory, its length in *size. Returns 0 or -ENOMEM. */
int status_page__write(const struct aggregate *aggregate, const char *version, const char *host,
		       char **text, size_t *size);

#endif
