/* SPDX-License-Identifier: GPL-2.0-only */
/* kfunctrace users --watch: programs that call kfuncs, as they come and go. */
#ifndef KFUNCTRACE_USERS_WATCH_H
#define KFUNCTRACE_USERS_WATCH_H

#include <stdbool.h>

struct live_kernel;
struct pattern_list;

struct users_watch_options {
	const struct pattern_list *patterns;
	bool json;
	double duration; /* seconds; 0: until Ctrl-C */
};

/* Returns 0, or a negative errno having said why. */
int users_watch__run(struct live_kernel *kernel, const struct users_watch_options *opts);

#endif
