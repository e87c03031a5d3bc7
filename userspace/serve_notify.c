// SPDX-License-Identifier: GPL-2.0-only
#include "serve_notify.h"

#include <stdbool.h>
#include <systemd/sd-daemon.h>

#include "clock.h"

void serve_notify__ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void serve_notify__reloading(void)
{
	/* Managers that wait for the end of a reload go by the time. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", clock_ns() / 1000);
}

void serve_notify__stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
}

void serve_notify__status(const char *status)
{
	sd_notifyf(0, "STATUS=%s", status);
}

__u64 serve_notify__watchdog_ns(void)
{
	static bool asked;
	static __u64 half_ns;
	uint64_t usec = 0;

	/* The environment does not change. */
	if (!asked && sd_watchdog_enabled(0, &usec) > 0)
		half_ns = usec * 1000 / 2;
	asked = true;
	return half_ns;
}

void serve_notify__alive(__u64 now_ns)
{
	static __u64 last_ns;
	__u64 half_ns = serve_notify__watchdog_ns();

	if (!half_ns || (last_ns && now_ns - last_ns < half_ns / 2))
		return;
	last_ns = now_ns;
	sd_notify(0, "WATCHDOG=1");
}
