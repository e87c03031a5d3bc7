// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as the aggregator's configuration. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "notices.h"
#include "serve_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(what)                                                                              \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

/* What everybody who uses a configuration relies on. */
static void check(const struct serve_config *config)
{
	size_t len;

	PROMISE(config->interval_ns >= NS_PER_S / 10 && config->interval_ns <= 3600 * NS_PER_S);
	PROMISE(config->look_ns >= NS_PER_S && config->look_ns <= 86400 * NS_PER_S);
	PROMISE(config->kfuncs.nr > 0);
	PROMISE(!config->no_modules || !config->modules.nr);
	PROMISE(config->references <= SERVE_REFERENCES_OBJECTS);
	PROMISE(config->max_callers >= 1 && config->max_callers <= 1000000);
	PROMISE(config->max_objects >= 1 && config->max_objects <= 1 << 20);
	PROMISE(config->max_overhead >= 0 && config->max_overhead <= 1000);
	PROMISE(config->control && config->control[0] == '/');
	PROMISE(!config->history || config->history[0] == '/');
	PROMISE(config->retention_s >= 3600 && config->max_bytes >= 1 << 20);
	PROMISE(config->notice_burst >= 1 && config->notice_burst <= 1000);
	PROMISE(config->notice_interval_ns >= NS_PER_S && config->stale_age_ns >= NS_PER_S);
	PROMISE(config->loss_rate >= 0 && config->loss_rate <= 1e9);
	PROMISE(!notices__wrong_word(config->notices, &len));
	PROMISE(!serve_config__fixed_difference(config, config));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct serve_config config;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC), err;

	PROMISE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = serve_config__load(&config, path, true);
	PROMISE(err == 0 || err == -EINVAL);
	if (!err)
		check(&config);
	serve_config__free(&config);
	close(fd);
	return 0;
}
