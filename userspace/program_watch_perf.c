// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching programs by perf's records: PERF_RECORD_KSYMBOL has the name, PERF_RECORD_BPF_EVENT that
 * follows it the id and the tag. What a program calls is read out of it, when it is still there:
 * it is held for as long as that takes.
 */
#include "program_watch_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/perf_event.h>

#include "cpus.h"

#define RING_PAGES 64

struct ring {
	int fd;
	struct perf_event_mmap_page *head;
	size_t size;   /* of the data */
	char name[64]; /* the last program's that was announced on this CPU */
};

/* A record, taken out of its ring. */
struct notice {
	__u64 time_ns;
	__u32 prog_id;
	__u32 pid;
	__u8 tag[8];
	bool unloaded;
	int fd; /* of a loaded program, to hold it; -1: gone */
	char name[64];
};

/* What is known of a program that was there at some time. */
struct seen {
	struct user user;
	bool is_known;
};

struct perf_watch {
	struct users_reader *reader;
	struct program_watch *watch;
	struct ring *rings;
	struct pollfd *polls;
	int nr_rings;
	struct notice *notices;
	size_t nr_notices, room_notices;
	struct seen *seen; /* programs with calls, and those that were too fast for us */
	size_t nr_seen, room_seen;
};

/* --- rings ------------------------------------------------------------------------------------ */

static int open_ring(int cpu, struct ring *ring)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.read_format = PERF_FORMAT_LOST,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.ksymbol = 1,
		.bpf_event = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	const size_t page = sysconf(_SC_PAGESIZE);
	int err;

	ring->fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return -errno;
	ring->size = RING_PAGES * page;
	ring->head = mmap(NULL, ring->size + page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (ring->head != MAP_FAILED)
		return 0;
	err = -errno;
	close(ring->fd);
	return err;
}

static int open_rings(struct perf_watch *perf)
{
	int nr_ids = cpus__nr_ids(), err = -ENODEV;

	if (nr_ids < 0)
		return nr_ids;
	perf->rings = calloc(nr_ids, sizeof(*perf->rings));
	perf->polls = calloc(nr_ids, sizeof(*perf->polls));
	if (!perf->rings || !perf->polls)
		return -ENOMEM;
	for (int cpu = 0; cpu < nr_ids; cpu++) {
		struct ring *ring = &perf->rings[perf->nr_rings];

		err = open_ring(cpu, ring);
		/* Possible, but not there. */
		if (err == -ENODEV)
			continue;
		if (err)
			return err;
		perf->polls[perf->nr_rings++] = (struct pollfd){ .fd = ring->fd, .events = POLLIN };
	}
	return perf->nr_rings ? 0 : err;
}

/* --- records ---------------------------------------------------------------------------------- */

/* What stands behind each record. */
struct sample_id {
	__u32 pid, tid;
	__u64 time_ns;
};

struct bpf_event_record {
	struct perf_event_header header;
	__u16 type, flags;
	__u32 id;
	__u8 tag[8];
	struct sample_id sample;
};

struct ksymbol_record {
	struct perf_event_header header;
	__u64 address;
	__u32 len;
	__u16 type, flags;
	char name[];
};

static int add_notice(struct perf_watch *perf, struct ring *ring,
		      const struct bpf_event_record *record)
{
	struct notice *notice;

	if (perf->nr_notices == perf->room_notices) {
		size_t room = perf->room_notices ? perf->room_notices * 2 : 64;
		struct notice *grown = realloc(perf->notices, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		perf->notices = grown;
		perf->room_notices = room;
	}
	notice = &perf->notices[perf->nr_notices++];
	*notice = (struct notice){
		.time_ns = record->sample.time_ns,
		.prog_id = record->id,
		.pid = record->sample.pid,
		.unloaded = record->type == PERF_BPF_EVENT_PROG_UNLOAD,
		.fd = -1,
	};
	memcpy(notice->tag, record->tag, sizeof(notice->tag));
	memcpy(notice->name, ring->name, sizeof(notice->name));
	ring->name[0] = '\0';
	/* At once: the next moment it may be gone. */
	if (!notice->unloaded)
		notice->fd = bpf_prog_get_fd_by_id(notice->prog_id);
	return 0;
}

/* "bpf_prog_0123456789abcdef_name"; the first symbol is the program's own, others are its parts. */
static void take_name(struct ring *ring, const struct ksymbol_record *record, size_t size)
{
	const size_t prefix = strlen("bpf_prog_0123456789abcdef_");
	size_t len = size - sizeof(*record);

	if (ring->name[0] || record->type != PERF_RECORD_KSYMBOL_TYPE_BPF || len <= prefix ||
	    strncmp(record->name, "bpf_prog_", 9) != 0 || strnlen(record->name, len) <= prefix)
		return;
	snprintf(ring->name, sizeof(ring->name), "%.*s", (int)(len - prefix),
		 record->name + prefix);
}

static int take_record(struct perf_watch *perf, struct ring *ring,
		       const struct perf_event_header *header)
{
	const struct bpf_event_record *event = (const void *)header;

	switch (header->type) {
	case PERF_RECORD_KSYMBOL:
		if (header->size > sizeof(struct ksymbol_record))
			take_name(ring, (const void *)header, header->size);
		return 0;
	case PERF_RECORD_BPF_EVENT:
		if (header->size < sizeof(*event) || (event->type != PERF_BPF_EVENT_PROG_LOAD &&
						      event->type != PERF_BPF_EVENT_PROG_UNLOAD))
			return 0;
		return add_notice(perf, ring, event);
	default:
		return 0;
	}
}

static int drain_ring(struct perf_watch *perf, struct ring *ring)
{
	const char *data = (const char *)ring->head + sysconf(_SC_PAGESIZE);
	__u64 head = __atomic_load_n(&ring->head->data_head, __ATOMIC_ACQUIRE);
	__u64 tail = ring->head->data_tail;
	static __u64 record[65536 / sizeof(__u64)];
	struct perf_event_header *header = (void *)record;
	int err = 0;

	while (tail < head && !err) {
		/* It may lie around the end; the header itself, 8 bytes, never does. */
		memcpy(header, data + tail % ring->size, sizeof(*header));
		if (header->size < sizeof(*header))
			return -EBADMSG;
		for (size_t i = sizeof(*header); i < header->size; i++)
			((char *)record)[i] = data[(tail + i) % ring->size];
		tail += header->size;
		err = take_record(perf, ring, header);
	}
	__atomic_store_n(&ring->head->data_tail, tail, __ATOMIC_RELEASE);
	return err;
}

/* --- programs --------------------------------------------------------------------------------- */

static struct seen *find_seen(struct perf_watch *perf, __u32 prog_id)
{
	for (size_t i = perf->nr_seen; i-- > 0;) {
		if (perf->seen[i].user.prog.prog_id == prog_id)
			return &perf->seen[i];
	}
	return NULL;
}

/* Takes over `user`. */
static int remember(struct perf_watch *perf, struct user *user, bool is_known)
{
	if (perf->nr_seen == perf->room_seen) {
		size_t room = perf->room_seen ? perf->room_seen * 2 : 64;
		struct seen *grown = realloc(perf->seen, room * sizeof(*grown));

		if (!grown) {
			user__free(user);
			return -ENOMEM;
		}
		perf->seen = grown;
		perf->room_seen = room;
	}
	perf->seen[perf->nr_seen++] = (struct seen){ .user = *user, .is_known = is_known };
	memset(user, 0, sizeof(*user));
	return 0;
}

/* Remembers those programs that call something and are not known yet. */
static int read_present(struct perf_watch *perf)
{
	struct users users;
	int err = users_reader__read(perf->reader, &users);

	for (size_t i = 0; i < users.nr && !err; i++) {
		if (users.users[i].prog.nr_calls && !find_seen(perf, users.users[i].prog.prog_id))
			err = remember(perf, &users.users[i], true);
	}
	users__free(&users);
	return err;
}

static int remember_unknown(struct perf_watch *perf, const struct notice *notice)
{
	struct user user = { .prog.prog_id = notice->prog_id };

	memcpy(user.prog.tag, notice->tag, sizeof(user.prog.tag));
	memcpy(user.prog.name, notice->name, sizeof(user.prog.name));
	return remember(perf, &user, false);
}

static void read_comm(__u32 pid, char *comm, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	comm[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(comm, size, file))
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
}

/* A copy of what is known, with sites that are its own. */
static int copy_user(const struct user *from, struct user *to)
{
	const __u32 nr = from->prog.nr_calls;

	*to = *from;
	to->kfuncs = calloc(from->nr_kfuncs + 1, sizeof(*to->kfuncs));
	to->sites = calloc(nr + 1, sizeof(*to->sites));
	if (!to->kfuncs || !to->sites)
		return -ENOMEM;
	if (nr)
		memcpy(to->sites, from->sites, nr * sizeof(*to->sites));
	for (int i = 0; i < from->nr_kfuncs; i++) {
		to->kfuncs[i] = from->kfuncs[i];
		if (from->kfuncs[i].sites)
			to->kfuncs[i].sites = to->sites + (from->kfuncs[i].sites - from->sites);
	}
	return 0;
}

static int tell(struct perf_watch *perf, const struct notice *notice)
{
	struct seen *seen = find_seen(perf, notice->prog_id);
	struct program_event event = {
		.unloaded = notice->unloaded,
		.time_ns = notice->time_ns,
		.pid = notice->pid,
	};
	int err;

	/* It was there, and calls no kfunc. */
	if (!seen)
		return 0;
	event.is_known = seen->is_known;
	if (!event.unloaded)
		read_comm(notice->pid, event.comm, sizeof(event.comm));
	if (notice->unloaded) {
		event.user = seen->user;
		*seen = perf->seen[--perf->nr_seen];
	} else {
		err = copy_user(&seen->user, &event.user);
		if (err) {
			user__free(&event.user);
			return err;
		}
	}
	return program_watch__tell(perf->watch, &event);
}

static int compare_notices(const void *a, const void *b)
{
	const struct notice *left = a, *right = b;

	return left->time_ns < right->time_ns ? -1 : left->time_ns > right->time_ns;
}

/* Looks up what was loaded, and lets go of it. */
static int look_up(struct perf_watch *perf)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < perf->nr_notices; i++)
		any |= perf->notices[i].fd >= 0;
	if (any)
		err = read_present(perf);
	for (size_t i = 0; i < perf->nr_notices; i++) {
		struct notice *notice = &perf->notices[i];

		if (notice->fd >= 0)
			close(notice->fd);
		else if (!notice->unloaded && !err)
			err = remember_unknown(perf, notice);
	}
	return err;
}

static int take_notices(struct perf_watch *perf)
{
	int err = 0;

	for (int i = 0; i < perf->nr_rings && !err; i++)
		err = drain_ring(perf, &perf->rings[i]);
	if (!perf->nr_notices)
		return err;
	qsort(perf->notices, perf->nr_notices, sizeof(*perf->notices), compare_notices);
	err = look_up(perf) ?: err;
	for (size_t i = 0; i < perf->nr_notices && !err; i++)
		err = tell(perf, &perf->notices[i]);
	perf->nr_notices = 0;
	return err;
}

/* --- watching --------------------------------------------------------------------------------- */

int perf_watch__open(const struct call_targets *targets, struct program_watch *watch,
		     struct perf_watch **result)
{
	struct perf_watch *perf = calloc(1, sizeof(*perf));
	int err;

	if (!perf)
		return -ENOMEM;
	perf->watch = watch;
	/* First, or its own programs are the first to be seen. */
	err = users_reader__open(targets, &perf->reader);
	if (!err)
		err = open_rings(perf);
	/* Those that are there already may be unloaded. */
	if (!err)
		err = read_present(perf);
	if (err)
		perf_watch__free(perf);
	else
		*result = perf;
	return err;
}

void perf_watch__free(struct perf_watch *perf)
{
	if (!perf)
		return;
	for (int i = 0; i < perf->nr_rings; i++) {
		munmap(perf->rings[i].head, perf->rings[i].size + sysconf(_SC_PAGESIZE));
		close(perf->rings[i].fd);
	}
	for (size_t i = 0; i < perf->nr_notices; i++) {
		if (perf->notices[i].fd >= 0)
			close(perf->notices[i].fd);
	}
	for (size_t i = 0; i < perf->nr_seen; i++)
		user__free(&perf->seen[i].user);
	users_reader__free(perf->reader);
	free(perf->rings);
	free(perf->polls);
	free(perf->notices);
	free(perf->seen);
	free(perf);
}

int perf_watch__poll(struct perf_watch *perf, __u64 timeout_ns)
{
	if (poll(perf->polls, perf->nr_rings, timeout_ns / 1000000) < 0)
		return errno == EINTR ? 0 : -errno;
	return take_notices(perf);
}

/* Records of what was lost come only with the next event that is not. */
__u64 perf_watch__lost(const struct perf_watch *perf)
{
	struct {
		__u64 value, lost;
	} count;
	__u64 lost = 0;

	for (int i = 0; i < perf->nr_rings; i++) {
		if (read(perf->rings[i].fd, &count, sizeof(count)) == sizeof(count))
			lost += count.lost;
	}
	return lost;
}
