// SPDX-License-Identifier: GPL-2.0-only
/*
 * Follows BPF programs as they come and go, so that every return address can be named and none is
 * ever credited to the wrong program.
 *
 * JIT memory is reused: an address in a slot must be retired before it can belong to another
 * program. Userspace cannot do that in time (the unload event comes before the grace period, the id
 * is gone when the memory is freed), so it happens here: perf_event_bpf_event(LOAD) runs before the
 * new program has a file descriptor, so before it can run: its images are recorded; bpf_jit_free()
 * runs once a JIT image, after the last grace period and before its memory is given back: the
 * counts of its slots move to a record of the program. Both functions are called across files of
 * the kernel and so never inlined.
 *
 * A tracing program that is already running on a CPU is not run a second time (recursion miss).
 * Each of the three watchers is therefore attached twice; the second does what the first has missed
 * and finds nothing to do otherwise. An image that no watcher has seen stays unknown.
 */
#include "kernel_types.h"
#include "counter_records.h"
#include "program_names.h"
#include "reference_records.h"
#include "transient_programs.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define PERF_BPF_EVENT_PROG_LOAD   1
#define PERF_BPF_EVENT_PROG_UNLOAD 2
/* BPF_MAX_SUBPROGS, and the hidden ones that the verifier adds. */
#define MAX_IMAGES_OF_A_PROG 260

/* Made by userspace, one struct kft_region a CPU in a single value. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct kft_region));
} regions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_IMAGES);
	__type(key, u64);
	__type(value, struct kft_image);
} images SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_PROGS);
	__type(key, u32);
	__type(value, struct kft_prog);
} progs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KFT_MAX_RETIRED);
	__type(key, struct kft_retired_key);
	__type(value, struct kft_retired_count);
} retired SEC(".maps");

/* Call sites with their source lines. One entry only, unless userspace wants to know them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct kft_site_key);
	__type(value, struct kft_site);
} sites SEC(".maps");

/* One a probe. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KFT_MAX_PROBES);
	__type(key, u32);
	__type(value, struct kft_orphans);
} orphans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kft_sweep_state);
} sweep_state SEC(".maps");

/*
 * Numbers of call sites, when references are accounted for; otherwise userspace leaves these three
 * as small as they are here, and nothing looks at them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 8);
} site_caches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 8);
} reference_state SEC(".maps");

/* Key of a slot -> number of the site. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u64);
	__type(value, u32);
} site_ids SEC(".maps");

const volatile __u32 nr_cpus = 1;
/* References are accounted for: call sites have numbers, which outlive their programs. */
const volatile bool want_references = false;
/* Call sites are told apart by source line, so their lines are kept when a program goes. */
const volatile bool want_lines = false;

/* --- what a program is ------------------------------------------------------------------------ */

static u32 count_images(struct bpf_prog_aux *aux)
{
	/* Hidden subprograms (exception callbacks) exist since 6.7. */
	if (bpf_core_field_exists(aux->real_func_cnt))
		return BPF_CORE_READ(aux, real_func_cnt);
	return BPF_CORE_READ(aux, func_cnt);
}

static struct kft_sweep_state *own_state(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&sweep_state, &zero);
}

/* --- sweeping --------------------------------------------------------------------------------- */

struct sweep {
	u64 start, end; /* return addresses in (start, end] */
	u32 prog_id;	/* 0: not known */
	u32 subprog;
	u32 cpu;
	u32 begun; /* something is being moved */
	/* Whose source lines the slots are looked up in, to record them. */
	struct bpf_prog_aux *lines_of;
};

/* Drains that read from here on until the end of the sweep are no good, and are told so. */
static void begin_sweep(struct sweep *sweep)
{
	struct kft_sweep_state *state;

	if (sweep->begun)
		return;
	state = own_state();
	if (!state)
		return;
	__sync_fetch_and_add(&state->begun, 1);
	sweep->begun = true;
}

/* What has the number of this site is of the program that is going, whoever comes to its address. */
static void retire_site(const struct sweep *sweep, u64 key, u32 at)
{
	struct kft_reference_state *state;
	struct kft_reference_site *site;
	struct kft_site_cache *caches;
	u64 cpu = sweep->cpu;
	u32 zero = 0, number, *id;

	caches = bpf_map_lookup_elem(&site_caches, &zero);
	state = bpf_map_lookup_elem(&reference_state, &zero);
	/* The verifier of 6.1 must see the bound in the register that is used. */
	asm volatile("" : "+r"(cpu));
	if (!caches || !state || cpu >= nr_cpus || at >= KFT_MAX_SLOTS)
		return;
	caches[cpu].sites[at] = KFT_NO_SITE;
	id = bpf_map_lookup_elem(&site_ids, &key);
	/* None: another CPU's slot of the same site came first. */
	number = id ? *id : KFT_MAX_REFERENCE_SITES;
	if (number >= KFT_MAX_REFERENCE_SITES)
		return;
	site = &state->sites[number];
	site->prog_id = sweep->prog_id;
	site->subprog = sweep->subprog;
	site->offset = (key | 0xffffull << 48) - sweep->start;
	site->flags |= KFT_SITE_RETIRED;
	bpf_map_delete_elem(&site_ids, &key);
}

static void retire(struct kft_region *region, u32 at, u64 caller, struct sweep *sweep)
{
	struct kft_retired_key key = { .prog_id = sweep->prog_id, .subprog = sweep->subprog };
	struct kft_slot *slot = &region->slots[at];
	u64 *nulls = &region->nulls[at];
	struct kft_retired_count *count, first = {};
	struct kft_orphans *orphan;

	key.probe = (slot->key >> 48) ^ 0xffff;
	key.offset = caller - sweep->start;
	if (region->via[at]) {
		key.prog_id = 0;
		key.subprog = region->via[at] >> 32;
		key.offset = region->via[at];
	}
	begin_sweep(sweep);
	if (want_references)
		retire_site(sweep, slot->key, at);
	if (sweep->prog_id || region->via[at]) {
		count = bpf_map_lookup_elem(&retired, &key);
		if (!count) {
			bpf_map_update_elem(&retired, &key, &first, BPF_NOEXIST);
			count = bpf_map_lookup_elem(&retired, &key);
		}
		if (count) {
			__sync_fetch_and_add(&count->calls, slot->calls);
			__sync_fetch_and_add(&count->nulls, *nulls);
			goto clear;
		}
	}
	orphan = bpf_map_lookup_elem(&orphans, &key.probe);
	if (orphan) {
		__sync_fetch_and_add(&orphan->calls, slot->calls);
		__sync_fetch_and_add(&orphan->nulls, *nulls);
	}
	if (sweep->prog_id) {
		struct kft_sweep_state *state = own_state();

		if (state)
			__sync_fetch_and_add(&state->lost_retired, 1);
	}
clear:
	/* The program cannot run any more, so nobody writes here. Empty first, then free. */
	slot->calls = 0;
	*nulls = 0;
	region->via[at] = 0;
	__sync_lock_test_and_set(&slot->key, KFT_SLOT_RETIRED);
}

struct line_search {
	void **addresses; /* jited_linfo: where the code of each line begins */
	u64 start, end;
	u64 best;
	u32 best_idx;
};

/* The last line that begins before the return address, in the same image. */
static long look_at_line(u32 idx, struct line_search *search)
{
	u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &search->addresses[idx]);
	if (address >= search->start && address < search->end && address >= search->best) {
		search->best = address;
		search->best_idx = idx;
	}
	return 0;
}

/* Begins of a path are cut in such steps until the rest, which has the file's name, fits. */
#define FILE_STEP  32
#define FILE_STEPS 128 /* PATH_MAX */

struct file_search {
	const char *name;
	struct kft_site site;
};

static long read_end_of_name(u32 idx, struct file_search *search)
{
	char *file = search->site.file;
	long len = bpf_probe_read_kernel_str(file, sizeof(search->site.file), search->name);

	search->name += FILE_STEP;
	return len < (long)sizeof(search->site.file);
}

static __noinline int record_site(const struct sweep *sweep, u64 caller)
{
	struct kft_site_key key = {
		.prog_id = sweep->prog_id,
		.subprog = sweep->subprog,
		.offset = caller - sweep->start,
	};
	struct line_search search = { .start = sweep->start, .end = caller };
	struct bpf_prog_aux *aux = sweep->lines_of;
	struct bpf_line_info *infos, info = {};
	struct file_search found = {};
	struct btf *btf;

	if (bpf_map_lookup_elem(&sites, &key))
		return 0;
	read_function_name(aux, sweep->subprog, found.site.function, sizeof(found.site.function));
	btf = BPF_CORE_READ(aux, btf);
	infos = BPF_CORE_READ(aux, linfo);
	search.addresses = BPF_CORE_READ(aux, jited_linfo);
	if (btf && infos && search.addresses)
		bpf_loop(BPF_CORE_READ(aux, nr_linfo), look_at_line, &search, 0);
	if (search.best) {
		bpf_probe_read_kernel(&info, sizeof(info), &infos[search.best_idx]);
		found.site.line = BPF_LINE_INFO_LINE_NUM(info.line_col);
		found.name = BPF_CORE_READ(btf, strings) + info.file_name_off;
		bpf_loop(FILE_STEPS, read_end_of_name, &found, 0);
	}
	bpf_map_update_elem(&sites, &key, &found.site, BPF_ANY);
	return 0;
}

static __always_inline struct kft_region *region_of(u32 cpu)
{
	struct kft_region *region;
	u32 zero = 0;

	region = bpf_map_lookup_elem(&regions, &zero);
	return region && cpu < nr_cpus ? region + cpu : NULL;
}

/* The slot of a claim, when its caller is in the range; otherwise KFT_MAX_SLOTS. */
static __always_inline u32 claimed(const struct kft_region *region, u32 idx,
				   const struct sweep *sweep, u64 *caller)
{
	u32 at = region->claims[idx] - 1;
	u64 key;

	if (at >= KFT_MAX_SLOTS)
		return KFT_MAX_SLOTS;
	key = region->slots[at].key;
	*caller = key | 0xffffull << 48;
	if (key <= KFT_SLOT_RETIRED || *caller <= sweep->start || *caller > sweep->end)
		return KFT_MAX_SLOTS;
	return at;
}

static long retire_claim(u32 idx, struct sweep *sweep)
{
	struct kft_region *region = region_of(sweep->cpu);
	u64 caller = 0;
	u32 at;

	if (!region || idx >= KFT_MAX_SLOTS)
		return 1;
	at = claimed(region, idx, sweep, &caller);
	if (at < KFT_MAX_SLOTS)
		retire(region, at, caller, sweep);
	return 0;
}

static long record_claim(u32 idx, struct sweep *sweep)
{
	struct kft_region *region = region_of(sweep->cpu);
	u64 caller = 0;

	if (!region || idx >= KFT_MAX_SLOTS)
		return 1;
	if (claimed(region, idx, sweep, &caller) < KFT_MAX_SLOTS)
		record_site(sweep, caller);
	return 0;
}

static __always_inline long sweep_cpu(u32 cpu, struct sweep *sweep,
				      long (*each)(u32 idx, struct sweep *sweep))
{
	struct kft_region *region = region_of(cpu);
	u64 nr;

	if (!region)
		return 1;
	nr = region->nr_claims;
	if (nr > KFT_MAX_SLOTS)
		nr = KFT_MAX_SLOTS;
	sweep->cpu = cpu;
	bpf_loop(nr, each, sweep, 0);
	return 0;
}

static long retire_cpu(u32 cpu, struct sweep *sweep)
{
	return sweep_cpu(cpu, sweep, retire_claim);
}

/* Apart, because the verifiers up to 6.12 take no more than eight functions that call each other. */
static long record_cpu(u32 cpu, struct sweep *sweep)
{
	return sweep_cpu(cpu, sweep, record_claim);
}

/*
 * Retires every slot of [start, start + len) into the record of the program that was there. Most
 * images that are freed on a host (socket filters, seccomp) have neither slots nor a record: a
 * drain does not have to begin again for them.
 *
 * Global, as find_overlap() is: verified once, and not again for each way that leads here, which takes
 * 7.x several times as long as all the rest.
 */
__noinline int sweep_range(u64 start, u32 len)
{
	struct sweep sweep = { .start = start, .end = start + len };
	struct kft_image *image = bpf_map_lookup_elem(&images, &start);
	struct kft_sweep_state *state = own_state();
	struct kft_prog *prog;

	if (!state)
		return 0;
	if (image) {
		sweep.prog_id = image->prog_id;
		sweep.subprog = image->subprog;
	}
	if (image)
		begin_sweep(&sweep);
	bpf_loop(nr_cpus, retire_cpu, &sweep, 0);
	if (image) {
		prog = bpf_map_lookup_elem(&progs, &sweep.prog_id);
		bpf_map_delete_elem(&images, &start);
		if (prog)
			__sync_fetch_and_add(&prog->nr_freed, 1);
	}
	if (sweep.begun)
		__sync_fetch_and_add(&state->ended, 1);
	return 0;
}

/* --- recording ------------------------------------------------------------------------------- */

/* Nobody will see its end, and its program must not wait for that. */
static __noinline int lose_image(u32 prog_id)
{
	struct kft_prog *prog = bpf_map_lookup_elem(&progs, &prog_id);
	struct kft_sweep_state *state = own_state();

	if (prog)
		__sync_fetch_and_add(&prog->nr_images, -1);
	if (state)
		__sync_fetch_and_add(&state->lost_images, 1);
	return 0;
}

struct overlap {
	u64 start, end;
	u32 prog_id;
	u64 found; /* where another program's image begins that reaches in there; 0: none does */
};

static long look_for_overlap(struct bpf_map *map, u64 *start, struct kft_image *image,
			     struct overlap *overlap)
{
	if (*start >= overlap->end || *start + image->len <= overlap->start ||
	    image->prog_id == overlap->prog_id)
		return 0;
	overlap->found = *start;
	return 1;
}

/* Where another program's image begins that reaches into [start, start + len); 0: none does. */
__noinline u64 find_overlap(u64 start, u32 len, u32 prog_id)
{
	struct overlap overlap = { .start = start, .end = start + len, .prog_id = prog_id };

	bpf_for_each_map_elem(&images, look_for_overlap, &overlap, 0);
	return overlap.found;
}

/* A large image may lie where several small ones were. */
#define MAX_FORMER 4

static void record_image(struct bpf_prog *func, u32 prog_id, u32 subprog)
{
	struct kft_image image = { .prog_id = prog_id, .subprog = subprog };
	u64 start = (u64)BPF_CORE_READ(func, bpf_func);

	image.len = BPF_CORE_READ(func, jited_len);
	if (!start || !image.len)
		return;
	/*
	 * Somebody's memory was freed and neither watcher saw it. As long as nobody else has run
	 * there, the counts are its own.
	 */
	for (u32 i = 0; i < MAX_FORMER; i++) {
		u64 at = find_overlap(start, image.len, prog_id);
		struct kft_image *former = at ? bpf_map_lookup_elem(&images, &at) : NULL;

		if (!former)
			break;
		sweep_range(at, former->len);
	}
	if (bpf_map_update_elem(&images, &start, &image, BPF_ANY))
		lose_image(prog_id);
}

struct image_loop {
	struct bpf_prog **funcs;
	u32 prog_id;
	bool transient;
};

static long record_one_subprog(u32 idx, struct image_loop *loop)
{
	struct bpf_prog *func = NULL;

	bpf_probe_read_kernel(&func, sizeof(func), &loop->funcs[idx]);
	if (!func)
		return 1;
	record_image(func, loop->prog_id, idx);
	return 0;
}

static bool is_sleepable(struct bpf_prog *prog)
{
	if (bpf_core_field_exists(prog->sleepable))
		return BPF_CORE_READ_BITFIELD_PROBED(prog, sleepable);
	return BPF_CORE_READ(prog, aux, sleepable);
}

/* Apart from recording, which already goes as deep as the stack of 6.1 allows. */
static void mark_func(struct bpf_prog *func, bool transient)
{
	mark_image((u64)BPF_CORE_READ(func, bpf_func), BPF_CORE_READ(func, jited_len), transient);
}

static long mark_one_subprog(u32 idx, struct image_loop *loop)
{
	struct bpf_prog *func = NULL;

	bpf_probe_read_kernel(&func, sizeof(func), &loop->funcs[idx]);
	if (!func)
		return 1;
	mark_func(func, loop->transient);
	return 0;
}

static __noinline int mark_program(struct bpf_prog *prog, u32 nr)
{
	struct image_loop loop = { .transient = !can_park(prog) };

	loop.funcs = BPF_CORE_READ(prog, aux, func);
	if (nr)
		bpf_loop(nr < MAX_IMAGES_OF_A_PROG ? nr : MAX_IMAGES_OF_A_PROG, mark_one_subprog,
			 &loop, 0);
	else
		mark_func(prog, loop.transient);
	return 0;
}

static void record_program(struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);
	struct kft_sweep_state *state = own_state();
	struct kft_prog record = {};
	struct image_loop loop = {};
	u32 nr;

	record.id = BPF_CORE_READ(aux, id);
	if (bpf_map_lookup_elem(&progs, &record.id))
		return;
	record.type = BPF_CORE_READ(prog, type);
	record.sleepable = is_sleepable(prog);
	bpf_probe_read_kernel(record.tag, sizeof(record.tag), &prog->tag);
	read_program_name(aux, record.name, sizeof(record.name));
	nr = count_images(aux);
	record.nr_images = nr ?: 1;
	if (bpf_map_update_elem(&progs, &record.id, &record, BPF_ANY)) {
		if (state)
			__sync_fetch_and_add(&state->lost_programs, 1);
		return;
	}
	if (want_references)
		mark_program(prog, nr);
	if (!nr) {
		record_image(prog, record.id, 0);
		return;
	}
	loop.funcs = BPF_CORE_READ(aux, func);
	loop.prog_id = record.id;
	bpf_loop(nr < MAX_IMAGES_OF_A_PROG ? nr : MAX_IMAGES_OF_A_PROG, record_one_subprog, &loop,
		 0);
}

struct line_loop {
	struct bpf_prog **funcs;
	struct bpf_prog_aux *aux;
};

static void record_lines_of_image(struct bpf_prog *func, struct bpf_prog_aux *main_aux, u32 subprog)
{
	struct sweep sweep = { .subprog = subprog, .lines_of = main_aux };

	sweep.prog_id = BPF_CORE_READ(main_aux, id);
	sweep.start = (u64)BPF_CORE_READ(func, bpf_func);
	sweep.end = sweep.start + BPF_CORE_READ(func, jited_len);
	bpf_loop(nr_cpus, record_cpu, &sweep, 0);
}

static long record_lines_of_subprog(u32 idx, struct line_loop *loop)
{
	struct bpf_prog *func = NULL;

	bpf_probe_read_kernel(&func, sizeof(func), &loop->funcs[idx]);
	if (!func)
		return 1;
	record_lines_of_image(func, loop->aux, idx);
	return 0;
}

/* Source lines of all slots that a program has. Its line info is gone before its images are. */
static void record_lines(struct bpf_prog *prog)
{
	struct bpf_prog_aux *aux = BPF_CORE_READ(prog, aux);
	struct line_loop loop = { .aux = aux };
	u32 nr = count_images(aux);

	loop.funcs = BPF_CORE_READ(aux, func);
	if (nr)
		bpf_loop(nr < MAX_IMAGES_OF_A_PROG ? nr : MAX_IMAGES_OF_A_PROG,
			 record_lines_of_subprog, &loop, 0);
	else
		record_lines_of_image(prog, aux, 0);
}

/* --- watchers --------------------------------------------------------------------------------- */

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_loaded, struct bpf_prog *prog, int event)
{
	if (event == PERF_BPF_EVENT_PROG_LOAD)
		record_program(prog);
	return 0;
}

static void note_unloaded(struct bpf_prog *prog)
{
	u32 id = BPF_CORE_READ(prog, aux, id);
	struct kft_prog *record = bpf_map_lookup_elem(&progs, &id);

	if (!record || record->unloaded)
		return;
	record->unloaded = 1;
	if (want_lines)
		record_lines(prog);
}

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_unloaded, struct bpf_prog *prog, int event)
{
	if (event == PERF_BPF_EVENT_PROG_UNLOAD)
		note_unloaded(prog);
	return 0;
}

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_unloaded_again, struct bpf_prog *prog, int event)
{
	if (event == PERF_BPF_EVENT_PROG_UNLOAD)
		note_unloaded(prog);
	return 0;
}

SEC("fentry/perf_event_bpf_event")
int BPF_PROG(program_loaded_again, struct bpf_prog *prog, int event)
{
	if (event == PERF_BPF_EVENT_PROG_LOAD)
		record_program(prog);
	return 0;
}

static void free_image(struct bpf_prog *prog)
{
	u64 start = (u64)BPF_CORE_READ(prog, bpf_func);
	u32 len = BPF_CORE_READ(prog, jited_len);

	if (len && want_references)
		mark_image(start, len, false);
	if (len)
		sweep_range(start, len);
}

SEC("fentry/bpf_jit_free")
int BPF_PROG(image_freed, struct bpf_prog *prog)
{
	free_image(prog);
	return 0;
}

SEC("fentry/bpf_jit_free")
int BPF_PROG(image_freed_again, struct bpf_prog *prog)
{
	free_image(prog);
	return 0;
}

/*
 * The programs that were there before us. The iterator holds a reference on each while it is shown,
 * so that its images cannot be freed in between; what is freed later, the watchers see.
 */
SEC("iter/bpf_prog")
int record_present(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;

	if (prog)
		record_program(prog);
	return 0;
}

/* Source lines of the programs that are there, asked for when a report is due. */
SEC("iter/bpf_prog")
int record_present_lines(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;

	if (prog)
		record_lines(prog);
	return 0;
}
