// SPDX-License-Identifier: GPL-2.0-only
#include "history_private.h"

#define LOSS(member)  { #member, offsetof(struct aggregate_state, losses.member), true }
#define COST(member)  { #member, offsetof(struct aggregate_state, cost.member), false }
#define STATE(member) { #member, offsetof(struct aggregate_state, member), false }

const struct history_counter history_counters[] = {
	LOSS(recursion_misses),
	LOSS(table_full),
	LOSS(no_caller),
	LOSS(orphaned),
	LOSS(events_dropped),
	LOSS(events_left_out),
	LOSS(untracked),
	LOSS(lost_releases),
	LOSS(lost_sites),
	LOSS(lost_holds),
	LOSS(programs),
	LOSS(other_rows),
	LOSS(drains_failed),
	COST(probe_ns),
	COST(drains),
	COST(drain_ns),
	STATE(notices),
	STATE(notices_suppressed),
	STATE(history_errors),
	STATE(counting_since),
};
const size_t nr_history_counters = sizeof(history_counters) / sizeof(history_counters[0]);
