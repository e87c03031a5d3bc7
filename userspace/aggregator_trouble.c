// SPDX-License-Identifier: GPL-2.0-only
/* Whether the aggregator counts, and what is the matter with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aggregator_private.h"
#include "clock.h"
#include "counting.h"
#include "history.h"
#include "serve_notify.h"

const char *aggregator__status(struct aggregator *aggregator)
{
	const struct aggregate_state *state = aggregate__state(aggregator->aggregate);

	return *state->trouble ? state->trouble : state->only_looks ? "looking" : "counting";
}

static void set_trouble(struct aggregator *aggregator, const char *trouble)
{
	struct aggregate_state *state = aggregate__state(aggregator->aggregate);

	if (strcmp(state->trouble, trouble) == 0)
		return;
	snprintf(state->trouble, sizeof(state->trouble), "%s", trouble);
	serve_notify__status(aggregator__status(aggregator));
	if (!*trouble)
		return;
	notices__tell(aggregator->notices,
		      &(struct notice){ .kind = NOTICE_TROUBLE, .message = trouble }, clock_ns());
}

static bool has_drained_lately(const struct aggregator *aggregator, __u64 now_ns)
{
	return aggregator->last_good_ns &&
	       now_ns - aggregator->last_good_ns < 3 * aggregator->config->interval_ns + NS_PER_S;
}

/* What keeps it from counting comes first. */
static void describe(const struct aggregator *aggregator, const char *obstacle, bool is_late,
		     char *text, size_t size)
{
	const struct history *history = aggregator->history;

	*text = 0;
	if (obstacle)
		snprintf(text, size, "%s", obstacle);
	else if (aggregator->drain_err && aggregator->drain_err != -EAGAIN)
		snprintf(text, size, "the counters cannot be read: %s",
			 strerror(-aggregator->drain_err));
	else if (aggregator->drain_err && is_late)
		snprintf(text, size,
			 "the counters cannot be read while programs are being unloaded without "
			 "pause");
	else if (aggregator->modules_pending)
		snprintf(text, size, "modules that came or went could not be followed so far");
	else if (aggregator->look_err)
		snprintf(text, size,
			 "objects and programs cannot be looked at, what is told of them is old: "
			 "%s",
			 strerror(-aggregator->look_err));
	else if (aggregator->save_err)
		snprintf(text, size, "history is not being written: %s",
			 *history__trouble(history) ? history__trouble(history)
						    : strerror(-aggregator->save_err));
	else if (history && *history__trouble(history))
		snprintf(text, size, "%s", history__trouble(history));
}

void aggregator__judge(struct aggregator *aggregator)
{
	const char *obstacle =
		aggregator->counting ? counting__obstacle(aggregator->counting) : NULL;
	bool is_late = !has_drained_lately(aggregator, clock_ns());
	char trouble[sizeof(aggregate__state(aggregator->aggregate)->trouble)];

	aggregate__state(aggregator->aggregate)->ready = !obstacle && !is_late;
	describe(aggregator, obstacle, is_late, trouble, sizeof(trouble));
	set_trouble(aggregator, trouble);
}
