/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The aggregator: counts day and night, and keeps, shows and tells what it counts. One thread, one
 * epoll loop.
 */
#ifndef KFUNCTRACE_AGGREGATOR_H
#define KFUNCTRACE_AGGREGATOR_H

#include <stdbool.h>

struct aggregator_options {
	const char *config; /* path of the configuration */
	bool config_must_exist;
	/* Instead of what the configuration says, also after it is read anew; NULL: as it says. */
	const char *history; /* a path or "off" */
	const char *listen;  /* an address or "off" */
	const char *version; /* of kfunctrace */
};

/* Runs until SIGINT or SIGTERM. Returns 0 or a negative errno having said why. */
int aggregator__run(const struct aggregator_options *opts);
/* Only reads the configuration, and says what is wrong with it. 0 or a negative errno. */
int aggregator__check_config(const struct aggregator_options *opts);

#endif
