// SPDX-License-Identifier: GPL-2.0
/* How everything is read as of one moment without interrupts being off for long. */
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "engine.h"

/* Lines, or what takes as long, after which the lock is let go. */
#define PIECES_A_GO 16
/* Where programs come and go without pause no try in pieces may ever succeed. */
#define MAX_TRIES 16

bool engine_reading__goes_on(struct engine_reading *reading)
{
	if (reading->in_one_go || ++reading->pieces < PIECES_A_GO)
		return true;
	reading->pieces = 0;
	spin_unlock_irqrestore(&engine_lock, reading->flags);
	cond_resched();
	spin_lock_irqsave(&engine_lock, reading->flags);
	/* Without room for more it will be made again with more room. */
	return engine_generation == reading->generation && !seq_has_overflowed(reading->m);
}

/* True when it is of one moment. */
static bool try(struct engine_reading *reading)
{
	bool is_good;

	reading->pieces = 0;
	spin_lock_irqsave(&engine_lock, reading->flags);
	reading->generation = engine_generation;
	engine_programs__show(reading);
	if (engine_generation == reading->generation)
		engine_slots__show(reading);
	if (engine_generation == reading->generation && reading->lines)
		engine_programs__show_lines(reading);
	is_good = engine_generation == reading->generation;
	spin_unlock_irqrestore(&engine_lock, reading->flags);
	return is_good;
}

void engine_reading__make(struct seq_file *m, bool lines)
{
	struct engine_reading reading = { .m = m, .lines = lines };
	size_t begin = m->count;

	for (int tries = 0; !try(&reading) && !seq_has_overflowed(m); tries++) {
		m->count = begin;
		reading.in_one_go = tries == MAX_TRIES - 2;
	}
}
