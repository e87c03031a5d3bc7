/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells when kernel modules were loaded or unloaded, from the kernel's own messages (kobject events
 * over netlink): nothing is polled, and udev is not needed. What has changed the registry tells
 * (live_kernel__refresh()).
 */
#ifndef KFUNCTRACE_MODULE_WATCH_H
#define KFUNCTRACE_MODULE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct module_watch;

/* One message of the kernel's. */
struct module_event {
	bool added; /* else removed */
	char name[64];
};

/*
 * What a kobject event says: "add@/module/NAME" and fields, each ended by a zero. False when it is
 * not of a module that came or went, or not well-formed.
 */
bool module_event__parse(const char *message, size_t len, struct module_event *event);

/*
 * Begins to watch. Whoever reads the registry afterwards misses nothing. Returns 0 or a negative
 * errno. Needs no privileges; messages reach network namespaces of the first user namespace only.
 */
int module_watch__open(struct module_watch **watch);
void module_watch__free(struct module_watch *watch);

/* For epoll: readable when module_watch__settled() has something to do. */
int module_watch__fd(const struct module_watch *watch);

/*
 * Takes what has come, without waiting; to be called when the fd is readable. Modules come many at
 * a time and register their kfuncs in their own time: returns 1 once nothing has come for a tenth of
 * a second (or some have been coming for a second), and the registry is to be read; else 0, or a
 * negative errno. When messages were lost it is to be read as well.
 */
int module_watch__settled(struct module_watch *watch);

/* Loads and unloads seen so far, and how often messages were lost. */
struct module_watch_stats {
	__u64 added, removed, lost;
};
struct module_watch_stats module_watch__stats(const struct module_watch *watch);

#endif
