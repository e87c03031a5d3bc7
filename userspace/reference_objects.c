// SPDX-License-Identifier: GPL-2.0-only
#include "reference_objects.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "counters.h"
#include "kernel_version.h"
#include "pairing.h"
#include "prog_table.h"

/* --- parked or in use ------------------------------------------------------------------------- */

/* What was acquired before `before_ns` is parked, unless its thread is among the sleepers. */
struct settled {
	__u64 before_ns; /* 0: nothing can be said */
	__u32 *sleepers;
	size_t nr_sleepers;
};

/*
 * A program that does not sleep runs in an RCU read-side critical section, which a global membarrier
 * waits out. One that sleeps is left when its thread's nesting in RCU tasks trace is 0.
 */
static int settle(struct references *references, struct settled *settled)
{
	__u64 begin_ns = clock_ns();
	int err = references__read_sleepers(references, &settled->sleepers, &settled->nr_sleepers);

	settled->before_ns = 0;
	if (err)
		return err;
	/* Not on a kernel with CPUs that take no part in it (nohz_full). */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		settled->before_ns = begin_ns;
	return 0;
}

static bool is_sleepable(const struct references *references, const struct counters *counters,
			 __u32 site)
{
	const struct kft_reference_site *record = references__site(references, site);
	struct counters_caller caller;
	const struct kft_prog *prog;

	if (!record)
		return true;
	caller = counters__caller_of(counters, record);
	if (caller.kind != CALLER_PROGRAM)
		return true;
	prog = prog_table__find(counters__programs(counters), caller.prog_id);
	return !prog || prog->sleepable;
}

static bool can_sleep(const struct object_row *row, const struct references *references,
		      const struct counters *counters)
{
	for (int i = 0; i < row->nr_holders; i++) {
		if (is_sleepable(references, counters, row->holders[i].site))
			return true;
	}
	return !row->nr_holders || row->more_holders;
}

static bool is_parked(const struct object_row *row, const struct references *references,
		      const struct counters *counters, const struct settled *settled)
{
	const struct kft_reference_object *object = &row->held->report.object;

	if (row->is_in_use || object->last_ns >= settled->before_ns)
		return false;
	if (!can_sleep(row, references, counters))
		return true;
	/* Of several threads that acquired references, only the first is known. */
	if (object->other_threads == (object->state & KFT_STATE_EPISODE))
		return false;
	return !references__is_sleeper(settled->sleepers, settled->nr_sleepers, object->tid);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void find_holders(struct object_row *row)
{
	const struct kft_reference_object *object = &row->held->report.object;
	__u64 episode = object->state & KFT_STATE_EPISODE;
	__u32 taken = (object->state & KFT_STATE_TAKEN) / KFT_STATE_TAKE;

	for (int i = 0; i < KFT_MAX_HOLDERS; i++) {
		__u64 holder = object->holders[i];

		/* An earlier one's, or its acquirer has yet to write this. */
		if ((holder & KFT_STATE_EPISODE) != episode)
			continue;
		row->holders[row->nr_holders++] = (struct object_holder){
			.site = holder & KFT_HOLDER_SITE,
			.taken = (holder & KFT_HOLDER_COUNT) / KFT_HOLDER_ONE,
		};
	}
	row->more_holders = object->more_holders == episode;
	row->is_ambiguous = row->references < taken && (row->nr_holders > 1 || row->more_holders);
}

static bool is_one_program(const struct object_row *row, const struct references *references,
			   const struct counters *counters)
{
	__u32 program = 0;

	for (int i = 0; i < row->nr_holders; i++) {
		const struct kft_reference_site *site =
			references__site(references, row->holders[i].site);
		struct counters_caller caller = { .kind = CALLER_UNKNOWN };

		if (site)
			caller = counters__caller_of(counters, site);
		if (caller.kind != CALLER_PROGRAM || (i && caller.prog_id != program))
			return false;
		program = caller.prog_id;
	}
	return row->nr_holders && !row->more_holders;
}

static int compare_map(const void *key, const void *element)
{
	const __u32 *id = key;
	const struct searched_map *map = element;

	return *id < map->id ? -1 : *id > map->id;
}

static const struct searched_map *find_map(const struct reference_objects *objects,
					   const struct kft_reference_object *object, __u32 search)
{
	if (object->seen_at != search || !objects->nr_maps)
		return NULL;
	return bsearch(&object->seen_in, objects->maps, objects->nr_maps, sizeof(*objects->maps),
		       compare_map);
}

static __u64 boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* A task that is younger than the reference is not the task that was acquired. */
static bool is_gone(const struct object_row *row, enum kft_object object, __u64 boot_offset_ns)
{
	const struct kft_object_report *report = &row->held->report;

	return object == KFT_OBJECT_TASK &&
	       report->start_boottime_ns > report->object.since_ns + boot_offset_ns;
}

static bool is_stale(const struct object_row *row, enum kft_object object)
{
	switch (object) {
	case KFT_OBJECT_TASK:
		return row->held->report.exit_state != 0;
	case KFT_OBJECT_CGROUP:
	case KFT_OBJECT_MEM_CGROUP:
		return row->held->report.dying;
	default:
		return false;
	}
}

static int compare_ages(const void *a, const void *b)
{
	const struct object_row *left = a, *right = b;

	if (left->age_ns != right->age_ns)
		return left->age_ns > right->age_ns ? -1 : 1;
	return left->held->report.address < right->held->report.address ? -1 : 1;
}

static int compare_counts(const void *a, const void *b)
{
	const struct object_row *left = a, *right = b;

	if (left->references != right->references)
		return left->references > right->references ? -1 : 1;
	return compare_ages(a, b);
}

/* From 7.0 on a hash map leaves references in elements that are deleted, for whoever comes next. */
static bool is_in_deleted_element(const struct object_row *row, enum kft_object object,
				  const struct reference_objects *objects)
{
	return kernel_version() >= KVER(7, 0) && row->is_parked && !row->parked_in &&
	       !objects->nr_unsearched && object != KFT_OBJECT_LOCAL;
}

int reference_objects__read(struct references *references, const struct counters *counters,
			    const struct pairing *pairing, enum object_order order,
			    struct reference_objects *objects)
{
	struct settled settled = { 0 };
	__u64 now_ns, boot_offset_ns;
	__u32 search = 0;
	int err = settle(references, &settled);

	memset(objects, 0, sizeof(*objects));
	if (!err)
		err = references__search_maps(references, &objects->maps, &objects->nr_maps,
					      &search);
	for (size_t i = 0; i < objects->nr_maps; i++)
		objects->nr_unsearched += !objects->maps[i].is_searched;
	if (!err)
		err = references__read_objects(references, &objects->held, &objects->nr_held);
	if (!err)
		objects->rows = calloc(objects->nr_held ?: 1, sizeof(*objects->rows));
	if (!err && !objects->rows)
		err = -ENOMEM;
	now_ns = clock_ns();
	boot_offset_ns = boottime_ns() - now_ns;
	for (size_t i = 0; i < objects->nr_held && !err; i++) {
		struct object_row *row = &objects->rows[objects->nr];
		const struct kft_reference_object *object = &objects->held[i].report.object;
		enum kft_object what;

		memset(row, 0, sizeof(*row));
		row->held = &objects->held[i];
		row->type = (__u8)(object->state >> 32);
		row->references = object->state & KFT_STATE_REFS;
		row->age_ns = now_ns > object->since_ns ? now_ns - object->since_ns : 0;
		what = pairing__type(pairing, row->type)->object;
		find_holders(row);
		row->is_one_program = is_one_program(row, references, counters);
		row->is_stale = is_stale(row, what);
		row->parked_in = find_map(objects, object, search);
		row->is_in_use = row->held->report.transient;
		row->is_parked = is_parked(row, references, counters, &settled);
		row->is_in_deleted_element = is_in_deleted_element(row, what, objects);
		if (is_gone(row, what, boot_offset_ns))
			objects->nr_gone++;
		else
			objects->nr++;
	}
	if (objects->nr)
		qsort(objects->rows, objects->nr, sizeof(*objects->rows),
		      order == ORDER_AGE ? compare_ages : compare_counts);
	free(settled.sleepers);
	return err;
}

void reference_objects__free(struct reference_objects *objects)
{
	held_objects__free(objects->held, objects->nr_held);
	free(objects->rows);
	free(objects->maps);
	memset(objects, 0, sizeof(*objects));
}

/* --- in words --------------------------------------------------------------------------------- */

const char *held_object__path(const struct held_object *held, char *buf, size_t size)
{
	__u32 nr = held->report.nr_components;
	size_t len = 0;

	/* The first component is the cgroup itself, the last the one below the root. */
	snprintf(buf, size, nr == KFT_MAX_COMPONENTS ? "..." : nr ? "" : "/");
	len = strlen(buf);
	for (__u32 i = nr; i-- > 0 && len < size;)
		len += snprintf(buf + len, size - len, "/%.*s", KFT_COMPONENT_LEN,
				held->components[i]);
	return buf;
}

/* struct nf_conntrack_tuple: address and port of the source, family, the same of the destination. */
static void describe_connection(const __u8 *tuple, char *buf, size_t size)
{
	char from[INET6_ADDRSTRLEN] = "?", to[INET6_ADDRSTRLEN] = "?", number[16];
	__u16 family, from_port, to_port;
	const char *protocol = number;

	memcpy(&from_port, tuple + 16, sizeof(from_port));
	memcpy(&family, tuple + 18, sizeof(family));
	memcpy(&to_port, tuple + 36, sizeof(to_port));
	inet_ntop(family, tuple, from, sizeof(from));
	inet_ntop(family, tuple + 20, to, sizeof(to));
	snprintf(number, sizeof(number), "protocol %u", tuple[38]);
	if (tuple[38] == IPPROTO_TCP)
		protocol = "tcp";
	else if (tuple[38] == IPPROTO_UDP)
		protocol = "udp";
	snprintf(buf, size, family == AF_INET6 ? "%s [%s]:%u -> [%s]:%u" : "%s %s:%u -> %s:%u",
		 protocol, from, ntohs(from_port), to, ntohs(to_port));
}

const char *object_row__describe(const struct object_row *row, const struct pairing *pairing,
				 char *buf, size_t size)
{
	const struct kft_object_report *report = &row->held->report;
	char path[512];

	snprintf(buf, size, "-");
	switch (pairing__type(pairing, row->type)->object) {
	case KFT_OBJECT_TASK:
		snprintf(buf, size, "pid %d (%s)%s", report->pid, report->text,
			 row->is_stale ? ", exited" : "");
		break;
	case KFT_OBJECT_CGROUP:
	case KFT_OBJECT_MEM_CGROUP:
		snprintf(buf, size, "id %llu %s%s", (unsigned long long)report->id,
			 held_object__path(row->held, path, sizeof(path)),
			 row->is_stale ? ", removed" : "");
		break;
	case KFT_OBJECT_CPUMASK:
		snprintf(buf, size, "CPUs %#llx", (unsigned long long)report->id);
		break;
	case KFT_OBJECT_FILE:
		snprintf(buf, size, "%s", report->text);
		break;
	case KFT_OBJECT_KEY:
		if (report->pid)
			snprintf(buf, size, "serial %d %s", report->pid, report->text);
		break;
	case KFT_OBJECT_CONNECTION:
		describe_connection(report->tuple, buf, size);
		break;
	default:
		break;
	}
	return buf;
}
