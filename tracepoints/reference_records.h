/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of the reference accounting: what the reference probes (references.bpf.c) write and what
 * userspace reads.
 */
#ifndef KFUNCTRACE_REFERENCE_RECORDS_H
#define KFUNCTRACE_REFERENCE_RECORDS_H

#include <linux/types.h>

#include "module_records.h"

#include "counter_records.h"

/* What an object is, so that something can be said of it. */
enum kft_object {
	KFT_OBJECT_OTHER,
	KFT_OBJECT_TASK,
	KFT_OBJECT_CGROUP,
	KFT_OBJECT_CPUMASK,
	KFT_OBJECT_CRYPTO,
	KFT_OBJECT_CONNECTION, /* nf_conn */
	KFT_OBJECT_FILE,
	KFT_OBJECT_KEY,
	KFT_OBJECT_MEM_CGROUP,
	KFT_OBJECT_LOCAL, /* allocated by a program: bpf_obj_new */
};

/* --- call sites ------------------------------------------------------------------------------- */

/*
 * A call site keeps its number when its program has gone, so that what was acquired there can be
 * said to be long after its memory holds another one: 0 is none, 1 to KFT_MAX_PROBES are the unknown
 * callers of each probe, the others are given out as sites are first seen. Userspace may give
 * numbers back that nothing names any more (userspace/site_numbers.h).
 */
#define KFT_MAX_REFERENCE_SITES	 8192
#define KFT_NO_SITE		 0u
#define KFT_UNKNOWN_SITE(probe)	 ((probe) + 1u)
#define KFT_FIRST_REFERENCE_SITE (KFT_MAX_PROBES + 1u)
/* Several references were held on the object, and the one that was given back can be any of them. */
#define KFT_AMBIGUOUS_SITE 0xffffu

/* The call was made by another function that is accounted for itself: it is not a program's. */
#define KFT_SITE_INNER (1u << 0)
/* Its program cannot park anything: it gives back what it has acquired before it returns. */
#define KFT_SITE_TRANSIENT (1u << 2)
/*
 * The program is gone; prog_id, subprog and offset say which it was. Without a key it is a number
 * that was taken in vain.
 */
#define KFT_SITE_RETIRED (1u << 1)

struct kft_reference_site {
	__u64 key; /* as in struct kft_slot; 0: an unknown caller */
	__u64 via; /* as in struct kft_region */
	__u32 probe;
	__u32 flags;
	__u32 prog_id; /* KFT_SITE_RETIRED; 0: it could not be told */
	__u32 subprog;
	__u32 offset;
	__u32 pad;
	__u64 unmatched; /* releases of what was not known: acquired before the start, or untracked */
	__u64 untracked; /* acquires for which there was no room */
	__u64 zeros;	 /* acquires that failed because the count was zero */
	__u64 unclear;	 /* those that failed because of that or of something else */
};

/* The sites of one CPU's slots, in the same order; 0: not yet looked up. */
struct kft_site_cache {
	__u32 sites[KFT_MAX_SLOTS];
};
_Static_assert(sizeof(struct kft_site_cache) % 4096 == 0, "caches lie on page boundaries");

/* --- objects ---------------------------------------------------------------------------------- */

/*
 * How many references are held on an object and how many were taken since there were none (an
 * episode), in one word, so that two CPUs can change it at once:
 *
 *   bits  0-19  references held
 *   bits 20-31  references taken in this episode, or as many as that can say
 *   bits 32-39  type (index in the pairing)
 *   bit  40     the record is being deleted
 *   bits 41-63  number of the episode
 */
#define KFT_STATE_ONE		1ull
#define KFT_STATE_REFS		0xfffffull
#define KFT_STATE_TAKEN		(0xfffull << 20)
#define KFT_STATE_TAKE		(1ull << 20)
#define KFT_STATE_TYPE(t)	((__u64)(__u8)(t) << 32)
#define KFT_STATE_DEAD		(1ull << 40)
#define KFT_STATE_EPISODE	(~0ull << 41)
#define KFT_STATE_NEXT		(1ull << 41)

#define KFT_MAX_REFERENCE_TYPES 256

/*
 * A site that took references in an episode: bits 0-15 the site, bits 16-31 how many, the rest the
 * number of the episode as in the state. One of another episode is no longer of interest.
 */
#define KFT_HOLDER_SITE	 0xffffull
#define KFT_HOLDER_COUNT (0xffffull << 16)
#define KFT_HOLDER_ONE	 (1ull << 16)

#define KFT_MAX_HOLDERS	 4

/*
 * What a program can do that cannot park is no concern of those who can: its references are in a
 * record of their own, and never make it ambiguous who holds the others.
 */
#define KFT_KEY_TRANSIENT 1ull

/*
 * Chunks of JIT memory that hold programs which cannot park: the key of the map is the number of a
 * page, a bit of the value stands for 64 bytes. The kernel gives programs memory in such chunks.
 */
#define KFT_MAX_TRANSIENT_PAGES 16384

/*
 * An object on which references are held, or were a short time ago; the key is its address, with
 * KFT_KEY_TRANSIENT added for references of programs that cannot park.
 */
struct kft_reference_object {
	__u64 state;
	__u64 holders[KFT_MAX_HOLDERS];
	__u64 more_holders;  /* episode in which there were more than that */
	__u64 other_threads; /* episode in which another thread took one than the first */
	__u64 since_ns;	     /* when the first reference was taken */
	__u64 last_ns;	     /* when the last was */
	__u32 tid;	     /* of the thread that took it */
	__u32 tgid;
	__u64 elements; /* of an iterator: how many it has returned; KFT_ITER_FAILED */
	__u32 seen_in;	/* map in whose elements it was found... */
	__u32 seen_at;	/* ...by the search of this number */
};

/* Its constructor failed; it has to be destroyed all the same. */
#define KFT_ITER_FAILED (~0ull)

/* A map that can hold references: where in its values (kptr fields). */
#define KFT_MAX_KPTRS 16 /* more than the kernel allows special fields; a power of two */

struct kft_kptr_map {
	__u32 map_id;
	__u32 map_type;
	__u32 nr_kptrs;
	__u32 offsets[KFT_MAX_KPTRS];
};

/* What the iterator over the objects writes: this, and then so many names of path components. */
struct kft_object_report {
	__u64 address;
	struct kft_reference_object object;
	__u64 start_boottime_ns; /* of a task */
	__u64 id;		 /* of a cgroup; the first 64 CPUs of a cpumask */
	__s32 pid, tgid;	 /* of a task; `pid` is the serial number of a key */
	__u32 exit_state;	 /* of a task; not 0: it has exited */
	__u32 dying;		 /* a cgroup that has been removed */
	char text[64];		 /* comm of a task, name of a file, description of a key */
	__u8 tuple[40];		 /* of a connection, the original direction */
	__u32 transient;	 /* held by programs that cannot park */
	__u32 nr_components;	 /* of a cgroup's path, from itself upwards */
};

#define KFT_MAX_COMPONENTS 16
#define KFT_COMPONENT_LEN  64

/* --- how long, how many ----------------------------------------------------------------------- */

/* Bucket 0 is for 0, bucket n for values from 2^(n-1) to 2^n - 1. The last has all above as well. */
#define KFT_BUCKETS 56

/* By whom a reference was acquired and by whom released; of an iterator, where it was made. */
struct kft_hold_key {
	__u32 acquired_at; /* site, never KFT_NO_SITE; KFT_AMBIGUOUS_SITE */
	__u32 released_at; /* site; of an iterator KFT_NO_SITE */
};

struct kft_hold {
	__u64 count;
	__u64 sum; /* nanoseconds; of an iterator elements */
	__u64 max;
	__u64 buckets[KFT_BUCKETS];
};

#define KFT_MAX_HOLDS 4096
/* How far from its home slot a key may stand: not much until the table is nearly full. */
#define KFT_MAX_HOLD_DISPLACEMENT 16

/*
 * A table of our own: the kernel's hash tables take ten times as long to find something. A key goes
 * into the first free slot from its home on. Userspace frees the slots of sites whose numbers are
 * given back; a key that lies behind such a slot may then come to stand in two: readers add up.
 */
struct kft_holds {
	__u64 keys[KFT_MAX_HOLDS]; /* struct kft_hold_key, the first member lowest; 0: free */
	struct kft_hold holds[KFT_MAX_HOLDS];
};

#define KFT_HOLD_KEY(acquired_at, released_at) ((__u64)(released_at) << 32 | (acquired_at))

/* --- events ----------------------------------------------------------------------------------- */

enum kft_reference_event_kind {
	KFT_EVENT_ACQUIRE,
	KFT_EVENT_RELEASE,
	KFT_EVENT_ZERO,
};

#define KFT_EVENT_STACK 24

struct kft_reference_event {
	__u64 time_ns;
	__u64 object;
	__u64 object_id; /* of a cgroup */
	__u32 kind;	 /* enum kft_reference_event_kind */
	__u32 probe;
	__u32 site;
	__u32 tid, tgid;  /* who was running */
	__s32 object_pid; /* of a task, its thread id; 0: none */
	__s32 object_tgid;
	__u32 cpu;
	char comm[16];
	char object_comm[16];
	__s32 stack_len; /* bytes of `stack`; 0: not asked for; negative: could not be had */
	__u32 pad;
	__u64 stack[KFT_EVENT_STACK];
};

/* --- what the probes are told, and what they could not do ---------------------------------------- */

/* Code that is accounted for itself: what it calls is not a program's call. */
struct kft_code_range {
	__u64 start, end;
};

#define KFT_MAX_INNER 6

/* Where things are in kernel structures; 0xffff...: this kernel has no such member. */
struct kft_member_offsets {
	__u64 task_pid, task_tgid, task_comm;
	__u64 cgroup_kn, kernfs_id, cgroup_level, cgroup_subsys;
	__u64 css_cgroup;
	__u64 memory_subsys; /* index of memory in cgroup_subsys */
};

struct kft_reference_probe {
	struct kft_code_range inner[KFT_MAX_INNER];
};

struct kft_reference_state {
	/* Written by the probes. */
	__u64 nr_sites;	      /* given out for the first time */
	__u64 nr_objects;     /* records in the map */
	__u64 lost_sites;     /* calls from sites for which there was no number */
	__u64 lost_releases;  /* references whose release went by unseen: the memory is another's */
	__u64 lost_holds;     /* holding times for which there was no room */
	__u64 events_dropped; /* the ring buffer was full */
	__u64 events_left_out; /* more than the sample holds */
	__u64 event_second;    /* of the last events, since boot */
	__s64 event_budget;    /* events that may still be sent in it */
	/* Written by userspace, before anything is attached. */
	__s64 events_a_second; /* at most */
	/*
	 * 0, which the verifier does not know: what is added to it can be anything, so that the ways
	 * by which a sum is made need not be looked at one by one.
	 */
	__u64 nothing;
	__u64 keep_records; /* up to so many, records of objects that are free are kept for a while */
	struct kft_member_offsets offsets;
	struct kft_reference_probe probes[KFT_MAX_PROBES];
	struct kft_reference_site sites[KFT_MAX_REFERENCE_SITES];
	/*
	 * Numbers that were given back, a ring: userspace puts them in, and the probes take them out
	 * when all others have been given out. There is room for all, so none is written over.
	 */
	__u64 nr_given_back;
	__u64 nr_taken_again;
	__u16 given_back[KFT_MAX_REFERENCE_SITES];
};

/* What a reference probe does besides counting, in its instructions (patch_points.h). */
#define KFT_DO_OBJECTS	 (1u << 0) /* keeps account of each object */
#define KFT_DO_EVENTS	 (1u << 1) /* tells of each acquire and release */
#define KFT_DO_ZERO	 (1u << 2) /* tells of each acquire that failed for a count of zero */
#define KFT_DO_STACK	 (1u << 3) /* with the stack */
#define KFT_IS_NEW	 (1u << 4) /* nobody else can have a reference on what it returns */
#define KFT_ZERO_ALWAYS	 (1u << 5) /* NULL means that the count was zero */
#define KFT_ZERO_LEVEL	 (1u << 6) /* or that the cgroup has no ancestor at that level */
#define KFT_ZERO_MEMCG	 (1u << 7) /* or that the cgroup has no memory controller */
#define KFT_ZERO_UNCLEAR (1u << 8) /* or something that cannot be told apart */
#define KFT_IS_TASK	 (1u << 9)
#define KFT_IS_CGROUP	 (1u << 10)
#define KFT_DO_TRACE	 (1u << 11) /* makes trace events of what it sees (kernel module) */
#define KFT_IS_OLD	 (1u << 12) /* deprecated: each call is a trace event of its own */

/* --- trace events ----------------------------------------------------------------------------------- */

/* By number of the site. Those of unknown callers, one a probe, are filled in by userspace. */
struct kft_module_sites {
	struct kft_module_site sites[KFT_MAX_REFERENCE_SITES];
};

#endif
