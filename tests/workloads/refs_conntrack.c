// SPDX-License-Identifier: GPL-2.0-only
/*
 * References to connections: inserted, inserted again in vain, found, and asked for in vain.
 */
#include <unistd.h>

#include "scene.h"
#include "workload.h"

/* What a workload before this one has inserted may still be there. */
static __u32 first_number(void)
{
	return (getpid() & 0xff) << 16;
}

int refs_conntrack__perform(struct scene *scene)
{
	unsigned int n = scene->options->times;

	if (n > 0x10000)
		return fail(0, "refs-conntrack has connections up to %d", 0x10000);
	scene->step->n = first_number();
	if (scene__do_times(scene, "ct_insert", n))
		return -1;
	scene->step->n = first_number();
	if (scene__do_times(scene, "ct_duplicate", n / 2))
		return -1;
	scene->step->n = first_number();
	if (scene__do_times(scene, "ct_find", n))
		return -1;
	return scene__do_times(scene, "ct_miss", n / 4);
}
