// SPDX-License-Identifier: GPL-2.0-only
#include "notices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "notice_formats.h"
#include "notice_limits.h"
#include "notice_sinks.h"

#define MAX_SINKS 8

struct sinks {
	struct notice_sink *sinks[MAX_SINKS];
	int nr;
};

struct notices {
	struct sinks to;
	struct notice_limits *limits;
	__u64 told, suppressed, failed;
	__u64 now_ns; /* while it tends */
};

/* --- where to --------------------------------------------------------------------------------- */

static const char *next_word(const char *at, size_t *len)
{
	at += strspn(at, " \t");
	*len = strcspn(at, " \t");
	return *len ? at : NULL;
}

static bool is_off(const char *to)
{
	return !to || strcmp(to, "off") == 0;
}

const char *notices__wrong_word(const char *to, size_t *len)
{
	const char *word = is_off(to) ? NULL : next_word(to, len);
	int nr = 0;

	for (; word; word = next_word(word + *len, len)) {
		if (!notice_sink__is(word, *len) || nr++ == MAX_SINKS)
			return word;
	}
	return NULL;
}

static void close_sinks(struct sinks *to)
{
	for (int i = 0; i < to->nr; i++)
		notice_sink__free(to->sinks[i]);
	to->nr = 0;
}

static int open_sinks(struct sinks *to, const char *words)
{
	size_t len;
	const char *word = notices__wrong_word(words, &len);

	to->nr = 0;
	if (word) {
		msg__error("notices do not go to '%.*s': journal, syslog, stderr, file:/PATH, "
			   "unix:/PATH, auto, up to %d of them, or off",
			   (int)len, word, MAX_SINKS);
		return -EINVAL;
	}
	word = is_off(words) ? NULL : next_word(words, &len);
	for (; word; word = next_word(word + len, &len)) {
		int err = notice_sink__open(word, len, &to->sinks[to->nr]);

		if (err) {
			close_sinks(to);
			return err;
		}
		to->nr++;
	}
	return 0;
}

int notices__set_options(struct notices *notices, const struct notices_options *opts)
{
	struct sinks to;
	int err = open_sinks(&to, opts->to);

	if (err)
		return err;
	close_sinks(&notices->to);
	notices->to = to;
	notice_limits__set(notices->limits, opts->burst, opts->interval_ns);
	return 0;
}

int notices__open(const struct notices_options *opts, struct notices **result)
{
	struct notices *notices = calloc(1, sizeof(*notices));
	int err = -ENOMEM;

	*result = NULL;
	if (notices)
		notices->limits = notice_limits__new();
	if (!notices || !notices->limits)
		msg__error("out of memory");
	else
		err = notices__set_options(notices, opts);
	if (err)
		notices__free(notices);
	else
		*result = notices;
	return err;
}

void notices__free(struct notices *notices)
{
	if (!notices)
		return;
	close_sinks(&notices->to);
	notice_limits__free(notices->limits);
	free(notices);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void tell_all(struct notices *notices, const struct notice *notice, __u64 suppressed)
{
	struct notice_record record = { .notice = notice, .suppressed = suppressed };

	clock_gettime(CLOCK_REALTIME, &record.time);
	for (int i = 0; i < notices->to.nr; i++) {
		if (notice_sink__tell(notices->to.sinks[i], &record))
			notices->failed++;
	}
}

void notices__tell(struct notices *notices, const struct notice *notice, __u64 now_ns)
{
	if (!notices->to.nr)
		return;
	if (!notice_limits__admit(notices->limits, notice, now_ns)) {
		notices->suppressed++;
		return;
	}
	notices->told++;
	tell_all(notices, notice, 0);
}

static void tell_suppressed(const struct notice_suppressed *suppressed, void *arg)
{
	struct notices *notices = arg;
	char message[512];
	struct notice notice = {
		.kind = suppressed->kind,
		.kfunc = suppressed->kfunc,
		.caller = suppressed->caller,
		.message = message,
	};

	snprintf(message, sizeof(message), "%llu more%s%s%s%s were not told in the last %llu s",
		 suppressed->number, notice.kfunc ? " of " : "", notice.kfunc ?: "",
		 notice.caller ? " by " : "", notice.caller ?: "",
		 (notices->now_ns - suppressed->since_ns) / NS_PER_S);
	tell_all(notices, &notice, suppressed->number);
}

void notices__tend(struct notices *notices, __u64 now_ns)
{
	notices->now_ns = now_ns;
	notice_limits__settle(notices->limits, now_ns, tell_suppressed, notices);
}

__u64 notices__told(const struct notices *notices)
{
	return notices->told;
}

__u64 notices__suppressed(const struct notices *notices)
{
	return notices->suppressed;
}

__u64 notices__failed(const struct notices *notices)
{
	return notices->failed;
}
