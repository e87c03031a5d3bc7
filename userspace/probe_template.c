// SPDX-License-Identifier: GPL-2.0-only
#include "probe_template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../tracepoints/counter_records.h"
#include "../tracepoints/patch_points.h"
#include "kernel_btf.h"
#include "kernel_reader.h"
#include "message.h"
#include "probe.skel.h"
#include "prototype.h"
#include "references.skel.h"
#include "stub_prog.h"

#define TEST_FUNCTION STUB_TEST_FUNCTION

struct probe_template {
	struct probe_bpf *skel;
	struct references_bpf *references;
	struct probe_template_maps maps;
	struct probe_template_module module; /* btf_fd 0: none */
	int regions_fd;
	int nr_cpus;
	int nr_slots;
	__u32 cast_id; /* FUNC bpf_rdonly_cast, 0 where the kernel has none (before 6.2) */
	__u32 regs_id; /* STRUCT pt_regs */
	__u64 rethook; /* 0 where the kernel has none */
	__u64 fgraph;
	int exit_caller_word; /* of the caller's address behind the arguments, with fexit */
};

#if defined(__x86_64__)
#define IS_X86_64 1
#else
#define IS_X86_64 0
#endif

/* Words behind the arguments, see the frames in tracepoints/probe.bpf.c. */
#define ENTRY_CALLER_WORD 2
/* Loads through the cast must stay inside struct pt_regs. */
#define MAX_CAST_WORDS 21

struct patch {
	__u64 point;
	__u64 value;
};

static bool is_ld_imm64(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* Offsets occur as immediates only there; elsewhere such a number may be the id of a type. */
static bool is_addition(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_ADD | BPF_K);
}

static bool is_load(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LDX | BPF_MEM | BPF_DW);
}

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}

/*
 * Replaces a patch point wherever it stands. Returns how many there were. Points are told apart by
 * their values alone: 64-bit immediates, offsets of loads, and 32-bit immediates.
 */
static int patch_insns(struct bpf_insn *insns, size_t nr, __u64 point, __u64 value)
{
	int found = 0;

	for (size_t i = 0; i < nr; i++) {
		struct bpf_insn *insn = &insns[i];

		if (is_ld_imm64(insn)) {
			__u64 imm = (__u32)insn[0].imm | (__u64)(__u32)insn[1].imm << 32;

			if (imm == point) {
				insn[0].imm = value;
				insn[1].imm = value >> 32;
				found++;
			}
			i++;
		} else if (point <= 0x7fff && (__u64)insn->off == point) {
			/* A load from the frame, and with probe_read the addition before it. */
			if (is_load(insn)) {
				insn->off = value;
				found++;
			}
		} else if ((__u32)insn->imm == point && !is_load(insn) &&
			   (point > 0x7fff || is_addition(insn))) {
			insn->imm = value;
			found++;
		}
	}
	return found;
}

/* A 64-bit immediate that stands for a map, or for the address of a map's value. */
struct map_patch {
	__u64 point;
	int fd;
	__u8 src_reg; /* BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE */
};

static void mark_map(struct bpf_insn *insn, const struct map_patch *patches, size_t nr)
{
	__u64 imm = (__u32)insn[0].imm | (__u64)(__u32)insn[1].imm << 32;

	for (size_t i = 0; i < nr; i++) {
		if (imm != patches[i].point)
			continue;
		/* Code that nothing leads to needs no map, and no number that looks like one. */
		if (patches[i].fd <= 0) {
			insn[0].imm = insn[1].imm = 0;
			return;
		}
		insn[0].src_reg = patches[i].src_reg;
		insn[0].imm = patches[i].fd;
		insn[1].imm = 0;
		return;
	}
}

/* Where the module's BTF is in the array of fds that a program is loaded with; 0 is vmlinux. */
#define MODULE_FD_INDEX 1

static void call_module(const struct probe_template *tmpl, struct bpf_insn *insn, __u32 func_id)
{
	/* Without the module nothing leads here. */
	insn->imm = func_id;
	if (!tmpl->module.btf_fd)
		return;
	insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
	insn->off = MODULE_FD_INDEX;
}

/* Map and kfunc references are not plain values: the kernel is told so in the source register. */
static void mark_references(const struct probe_template *tmpl, struct bpf_insn *insns, size_t nr)
{
	const struct map_patch maps[] = {
		{ PATCH_REGIONS, tmpl->regions_fd, BPF_PSEUDO_MAP_VALUE },
		{ PATCH_MAP_OBJECTS, tmpl->maps.objects_fd, BPF_PSEUDO_MAP_FD },
		{ PATCH_HOLDS, tmpl->maps.holds_fd, BPF_PSEUDO_MAP_VALUE },
		{ PATCH_MAP_SITE_IDS, tmpl->maps.site_ids_fd, BPF_PSEUDO_MAP_FD },
		{ PATCH_MAP_TRANSIENT, tmpl->maps.transient_pages_fd, BPF_PSEUDO_MAP_FD },
		{ PATCH_MAP_EVENTS, tmpl->maps.events_fd, BPF_PSEUDO_MAP_FD },
		{ PATCH_SITE_CACHES, tmpl->maps.site_caches_fd, BPF_PSEUDO_MAP_VALUE },
		{ PATCH_STATE, tmpl->maps.state_fd, BPF_PSEUDO_MAP_VALUE },
		{ PATCH_MODULE_SITES, tmpl->module.sites_fd, BPF_PSEUDO_MAP_VALUE },
		{ PATCH_MAP_IMAGES, tmpl->module.images_fd, BPF_PSEUDO_MAP_FD },
		{ PATCH_MAP_PROGS, tmpl->module.progs_fd, BPF_PSEUDO_MAP_FD },
	};

	for (size_t i = 0; i < nr; i++) {
		struct bpf_insn *insn = &insns[i];

		if (is_ld_imm64(insn)) {
			mark_map(insn, maps, sizeof(maps) / sizeof(maps[0]));
			i++;
		} else if (is_call(insn) && insn->imm == PATCH_CAST_KFUNC) {
			insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
			insn->imm = tmpl->cast_id;
		} else if (is_call(insn) && insn->imm == PATCH_EVENT_KFUNC) {
			call_module(tmpl, insn, tmpl->module.event_id);
		} else if (is_call(insn) && insn->imm == PATCH_FUNCTION_KFUNC) {
			call_module(tmpl, insn, tmpl->module.function_id);
		} else if (is_call(insn) && insn->imm == PATCH_LISTENING_KFUNC) {
			call_module(tmpl, insn, tmpl->module.listening_id);
		}
	}
}

/* True when some patch point was left: then template and patcher do not belong together. */
static bool has_unpatched(const struct bpf_insn *insns, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if ((insns[i].imm & ~0xffff) == 0x5f4b0000 || (insns[i].off & ~0xff) == 0x5f00 ||
		    ((insns[i].imm & ~0xff) == 0x5f00 && is_addition(&insns[i])))
			return true;
	}
	return false;
}

static int load_patched(const struct probe_template *tmpl, const struct bpf_program *prog,
			enum bpf_attach_type type, const struct probe_params *params)
{
	int n = params->nr_arg_words;
	int caller = type == BPF_TRACE_FEXIT ? tmpl->exit_caller_word : ENTRY_CALLER_WORD;
	/* A function without arguments has a word there all the same: its return value. */
	int object = params->object_arg > 0 ? params->object_arg : 0;
	const struct patch patches[] = {
		{ PATCH_PROBE, params->probe },
		{ PATCH_NR_CPUS, tmpl->nr_cpus },
		{ PATCH_SLOT_MASK, (tmpl->nr_slots - 1) * sizeof(struct kft_slot) },
		{ PATCH_REGS_TYPE, tmpl->regs_id },
		{ PATCH_PROBE_BITS, (__u64)params->probe << 48 },
		{ PATCH_FUNC, params->address },
		{ PATCH_RETHOOK, tmpl->rethook },
		{ PATCH_FGRAPH, tmpl->fgraph },
		{ PATCH_OFF_CALLER, (n + caller) * 8 },
		{ PATCH_OFF_WORD0, (n + 1) * 8 },
		{ PATCH_OFF_WORD1, (n + 2) * 8 },
		{ PATCH_OFF_WORD2, (n + 3) * 8 },
		{ PATCH_OFF_RETURN, n * 8 },
		{ PATCH_OFF_OBJECT, object * 8 },
		{ PATCH_OFF_SECOND, (object + 1 < n ? object + 1 : object) * 8 },
		{ PATCH_TYPE, params->type },
		{ PATCH_RELEASED, params->released },
		{ PATCH_FLAGS, params->flags },
	};
	const int fds[] = { 0, [MODULE_FD_INDEX] = tmpl->module.btf_fd };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type,
		    .attach_btf_id = params->btf_id, .attach_btf_obj_fd = params->btf_fd,
		    .fd_array = tmpl->module.btf_fd ? fds : NULL);
	size_t nr = bpf_program__insn_cnt(prog);
	struct bpf_insn *insns = malloc(nr * sizeof(*insns));
	char name[BPF_OBJ_NAME_LEN], *log = NULL;
	int fd;

	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(prog), nr * sizeof(*insns));
	mark_references(tmpl, insns, nr);
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++)
		patch_insns(insns, nr, patches[i].point, patches[i].value);
	if (has_unpatched(insns, nr)) {
		free(insns);
		return -EBADMSG;
	}

	snprintf(name, sizeof(name), "kft_%s", params->name);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, name, "GPL", insns, nr, &opts);
	if (fd < 0)
		fd = -errno;
	if (fd < 0 && msg__verbosity() > 1 && (log = calloc(1, 1 << 20))) {
		opts.log_buf = log;
		opts.log_size = 1 << 20;
		opts.log_level = 1;
		bpf_prog_load(BPF_PROG_TYPE_TRACING, name, "GPL", insns, nr, &opts);
		fprintf(stderr, "%s", log);
		free(log);
	}
	free(insns);
	return fd;
}

enum bpf_attach_type probe_kind__attach_type(enum probe_kind kind)
{
	switch (kind) {
	case PROBE_COUNT_ENTRY:
	case PROBE_COUNT_RELEASE:
	case PROBE_RELEASE:
	case PROBE_ITER_DESTROY:
	case PROBE_CALL_ENTRY:
	case PROBE_CALL_RELEASE:
		return BPF_TRACE_FENTRY;
	default:
		return BPF_TRACE_FEXIT;
	}
}

/* The template of a kind: with loads from a cast frame, or with helper calls. */
static const struct bpf_program *program_of(const struct probe_template *tmpl, enum probe_kind kind,
					    bool cast)
{
	const struct probe_bpf *count = tmpl->skel;
	const struct references_bpf *refs = tmpl->references;

	switch (kind) {
	case PROBE_COUNT_ENTRY:
		return cast ? count->progs.count_entry_cast : count->progs.count_entry_read;
	case PROBE_COUNT_RELEASE:
		return cast ? count->progs.count_release_cast : count->progs.count_release_read;
	case PROBE_COUNT_EXIT:
		return cast ? count->progs.count_exit_cast : count->progs.count_exit_read;
	case PROBE_COUNT_EXIT_NEGATIVE:
		return cast ? count->progs.count_exit_negative_cast
			    : count->progs.count_exit_negative_read;
	case PROBE_ACQUIRE:
		return cast ? refs->progs.acquired_cast : refs->progs.acquired_read;
	case PROBE_RELEASE:
		return cast ? refs->progs.released_cast : refs->progs.released_read;
	case PROBE_CONVERT:
		return cast ? refs->progs.converted_cast : refs->progs.converted_read;
	case PROBE_ITER_NEW:
		return cast ? refs->progs.iterator_made_cast : refs->progs.iterator_made_read;
	case PROBE_ITER_NEXT:
		return cast ? refs->progs.iterator_moved_cast : refs->progs.iterator_moved_read;
	case PROBE_ITER_DESTROY:
		return cast ? refs->progs.iterator_destroyed_cast
			    : refs->progs.iterator_destroyed_read;
	case PROBE_CALL_ENTRY:
		return cast ? refs->progs.called_at_entry_cast : refs->progs.called_at_entry_read;
	case PROBE_CALL_RELEASE:
		return cast ? refs->progs.called_release_cast : refs->progs.called_release_read;
	case PROBE_CALL_EXIT:
		return cast ? refs->progs.called_at_exit_cast : refs->progs.called_at_exit_read;
	case PROBE_CALL_EXIT_NEGATIVE:
		return cast ? refs->progs.called_at_exit_negative_cast
			    : refs->progs.called_at_exit_negative_read;
	case PROBE_NR_KINDS:
		break;
	}
	return NULL;
}

void probe_template__set_maps(struct probe_template *tmpl, const struct probe_template_maps *maps)
{
	tmpl->maps = *maps;
}

void probe_template__set_module(struct probe_template *tmpl,
				const struct probe_template_module *module)
{
	tmpl->module = *module;
}

int probe_template__load(const struct probe_template *tmpl, const struct probe_params *params)
{
	bool cast = tmpl->cast_id && params->nr_arg_words + 4 <= MAX_CAST_WORDS;

	return load_patched(tmpl, program_of(tmpl, params->kind, cast),
			    probe_kind__attach_type(params->kind), params);
}

/* --- what this kernel is like ----------------------------------------------------------------- */

struct addresses {
	__u64 rethook, fgraph, test_function;
};

static int take_address(const struct kft_symbol_record *symbol, void *arg)
{
	struct addresses *addresses = arg;

	if (symbol->module[0])
		return 0;
	if (strcmp(symbol->name, "return_to_handler") == 0)
		addresses->fgraph = symbol->address;
	else if (strcmp(symbol->name, TEST_FUNCTION) == 0)
		addresses->test_function = symbol->address;
	else
		addresses->rethook = symbol->address;
	return 0;
}

/*
 * Runs show_frame at the exit of TEST_FUNCTION, in a region of its own, and sees whether the
 * trampoline left an address inside the function between the frame pointer and the caller's.
 */
static int learn_exit_frame(struct probe_template *tmpl, __u32 test_id, __u64 test_address)
{
	LIBBPF_OPTS(bpf_map_create_opts, map_opts, .map_flags = BPF_F_MMAPABLE);
	struct probe_params params = {
		.name = "calibrate",
		.btf_id = test_id,
		.nr_arg_words = 1,
		.address = test_address,
	};
	size_t size = sizeof(struct kft_region) * tmpl->nr_cpus;
	struct probe_template scratch = *tmpl;
	int prog_fd = -1, link_fd = -1, err = 0;
	struct kft_region *regions = MAP_FAILED;

	scratch.regions_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "kft_calibrate", 4, size, 1, &map_opts);
	if (scratch.regions_fd < 0)
		return -errno;
	regions = mmap(NULL, size, PROT_READ, MAP_SHARED, scratch.regions_fd, 0);
	if (regions == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	prog_fd = load_patched(&scratch, tmpl->skel->progs.show_frame, BPF_TRACE_FEXIT, &params);
	if (prog_fd < 0) {
		err = prog_fd;
		goto out;
	}
	link_fd = bpf_link_create(prog_fd, 0, BPF_TRACE_FEXIT, NULL);
	err = link_fd < 0 ? -errno : stub_prog__run_tests(prog_fd);
	if (err)
		goto out;
	err = -ENODATA;
	for (int cpu = 0; cpu < tmpl->nr_cpus; cpu++) {
		const struct kft_slot *words = regions[cpu].slots;

		if (!words[0].calls)
			continue;
		tmpl->exit_caller_word = words[1].key - test_address - 1 < 16 ? 3 : 2;
		msg__detail("frames with fexit carry the caller in word %d behind the arguments",
			    tmpl->exit_caller_word);
		err = 0;
	}
out:
	if (regions != MAP_FAILED)
		munmap(regions, size);
	if (link_fd >= 0)
		close(link_fd);
	if (prog_fd >= 0)
		close(prog_fd);
	close(scratch.regions_fd);
	return err;
}

int probe_template__open(struct kernel_btf_set *btfs, struct kernel_reader *reader, int regions_fd,
			 int nr_cpus, int nr_slots, struct probe_template **result)
{
	static const char *const symbols[] = {
		"arch_rethook_trampoline", /* kretprobes and fprobe exits */
		"return_to_handler",	   /* function_graph */
		TEST_FUNCTION,
	};
	struct btf *vmlinux = kernel_btf_set__vmlinux(btfs);
	struct addresses addresses = { 0 };
	struct probe_template *tmpl;
	__s32 id, test_id;
	int err;

	/* The frames and the ftrace sites that we know are those of x86-64. */
	if (!IS_X86_64)
		return -EOPNOTSUPP;
	if (!vmlinux)
		return -errno;
	tmpl = calloc(1, sizeof(*tmpl));
	if (!tmpl)
		return -ENOMEM;
	tmpl->regions_fd = regions_fd;
	tmpl->nr_cpus = nr_cpus;
	tmpl->nr_slots = nr_slots;
	tmpl->exit_caller_word = ENTRY_CALLER_WORD;

	tmpl->skel = probe_bpf__open();
	tmpl->references = references_bpf__open();
	if (!tmpl->skel || !tmpl->references) {
		err = -errno;
		goto fail;
	}
	err = kernel_reader__symbols(reader, symbols, 3, take_address, &addresses);
	if (err)
		goto fail;
	tmpl->rethook = addresses.rethook;
	tmpl->fgraph = addresses.fgraph;

	id = btf__find_by_name_kind(vmlinux, "bpf_rdonly_cast", BTF_KIND_FUNC);
	tmpl->cast_id = id > 0 ? id : 0;
	id = btf__find_by_name_kind(vmlinux, "pt_regs", BTF_KIND_STRUCT);
	tmpl->regs_id = id > 0 ? id : 0;
	test_id = btf__find_by_name_kind(vmlinux, TEST_FUNCTION, BTF_KIND_FUNC);
	if (test_id <= 0 || !addresses.test_function) {
		err = -ENOSYS;
		goto fail;
	}
	err = learn_exit_frame(tmpl, test_id, addresses.test_function);
	if (err)
		goto fail;
	*result = tmpl;
	return 0;
fail:
	probe_template__free(tmpl);
	return err;
}

void probe_template__free(struct probe_template *tmpl)
{
	if (!tmpl)
		return;
	probe_bpf__destroy(tmpl->skel);
	references_bpf__destroy(tmpl->references);
	free(tmpl);
}
