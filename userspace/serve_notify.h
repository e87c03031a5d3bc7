/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the service manager is told (sd_notify(3)), and that the aggregator is alive. Without a service
 * manager all of it does nothing.
 */
#ifndef KFUNCTRACE_SERVE_NOTIFY_H
#define KFUNCTRACE_SERVE_NOTIFY_H

#include <linux/types.h>

/* Attached, and the first drain has succeeded. `status` is one line for `systemctl status`. */
void serve_notify__ready(const char *status);
/* Between SIGHUP and the next serve_notify__ready(). */
void serve_notify__reloading(void);
void serve_notify__stopping(void);
void serve_notify__status(const char *status);

/*
 * The watchdog: to be called in each turn of the loop with the time (CLOCK_MONOTONIC), and at least once in
 * serve_notify__watchdog_ns(). Says that all goes on, twice in that time.
 */
void serve_notify__alive(__u64 now_ns);
/* Half of what the service manager waits for; 0: there is no watchdog. */
__u64 serve_notify__watchdog_ns(void);

#endif
