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
#include "program_maps.h"
#include "program_names.h"
#include "program_sweep.h"
#include "transient_programs.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define PERF_BPF_EVENT_PROG_LOAD   1
#define PERF_BPF_EVENT_PROG_UNLOAD 2
/* BPF_MAX_SUBPROGS, and the hidden ones that the verifier adds. */
#define MAX_IMAGES_OF_A_PROG 260

/* --- what a program is ------------------------------------------------------------------------ */

static u32 count_images(struct bpf_prog_aux *aux)
{
	/* Hidden subprograms (exception callbacks) exist since 6.7. */
	if (bpf_core_field_exists(aux->real_func_cnt))
		return BPF_CORE_READ(aux, real_func_cnt);
	return BPF_CORE_READ(aux, func_cnt);
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
