/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The aggregator's configuration, /etc/kfunctrace/kfunctrace.conf: an ini file, all of it optional.
 * Documentation/kfunctrace.conf.rst describes it.
 */
#ifndef KFUNCTRACE_SERVE_CONFIG_H
#define KFUNCTRACE_SERVE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "pattern.h"

#define SERVE_CONFIG_PATH "/etc/kfunctrace/kfunctrace.conf"

enum serve_references {
	SERVE_REFERENCES_OFF,	  /* acquires and releases are calls like any other */
	SERVE_REFERENCES_BALANCE, /* acquired, released, outstanding by type */
	SERVE_REFERENCES_OBJECTS, /* each object: since when, by whom, parked, stale; holding times */
};

struct serve_config {
	/* [serve] */
	__u64 interval_ns;	    /* between drains: 100ms to 1h; 10s */
	struct pattern_list kfuncs; /* "*": several globs, separated by blanks */
	struct pattern_list
		modules; /* of which kfuncs are traced besides vmlinux's: on (all), off, or globs */
	bool no_modules;
	enum serve_references references; /* objects */
	size_t max_callers;		  /* 10000 */
	size_t max_objects;		  /* 16384 */
	double max_overhead;		  /* share of one CPU: "1%" is 0.01; 0: no limit */
	char *target;			  /* version or snapshot of the kernel to come, or NULL */
	__u64 look_ns;			  /* between looks at objects and loaded programs: 60s */
	__u64 measure_ns;		  /* between measurements of the own cost: 30s */
	bool no_counting;		  /* count = off: only loaded programs are looked at */
	char *control;			  /* /run/kfunctrace/control */
	/* [history] */
	char *history;	   /* /var/lib/kfunctrace/history.db; NULL: off */
	__u64 retention_s; /* 14d */
	__u64 max_bytes;   /* 256M */
	/* [listen] */
	char *listen; /* 127.0.0.1:9435; NULL: off */
	/* [notices] */
	char *notices;		   /* "auto": as notices_options.to */
	unsigned int notice_burst; /* 5 */
	__u64 notice_interval_ns;  /* 10min */
	__u64 stale_age_ns;	   /* 1h */
	double loss_rate;	   /* losses a second beyond which it is told: 100 */
};

/*
 * Defaults, then the file. A file that is not there is an error only if `must_exist`. Everything wrong
 * is said, with file and line: unknown sections and keys, values out of range, keys given twice.
 * Returns 0 or a negative errno; to be freed in any case.
 */
int serve_config__load(struct serve_config *config, const char *path, bool must_exist);
void serve_config__free(struct serve_config *config);
/*
 * The first key that differs and cannot be changed while it runs ("max_objects"); NULL: both agree in all of
 * these, so that one may take the place of the other.
 */
const char *serve_config__fixed_difference(const struct serve_config *a,
					   const struct serve_config *b);

#endif
