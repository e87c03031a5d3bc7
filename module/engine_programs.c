// SPDX-License-Identifier: GPL-2.0
/*
 * Follows BPF programs as they come and go, so that every return address can be named and none is
 * ever credited to the wrong program.
 *
 * perf_event_bpf_event(LOAD) runs before a new program has a file descriptor, so before it can run:
 * its images are recorded. bpf_jit_free() runs once a JIT image, after the last grace period and
 * before its memory is given back: its slots are retired. Both are called across files of the kernel
 * and so never inlined. Ftrace keeps track of recursion by task and context, not by CPU: a handler
 * does not miss what happens while another task is in it.
 *
 * Whatever is found in the slots at the addresses of an image that is new was counted for somebody
 * who is gone unseen. It becomes unknown before the new program can run.
 */
#include <linux/filter.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/perf_event.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "engine.h"

#define TABLE_BITS 10
/* BPF_MAX_SUBPROGS, and the hidden ones that the verifier adds. */
#define MAX_IMAGES_OF_A_PROG 260

struct image {
	struct hlist_node node;
	u64 start;
	u32 len;
	u32 prog_id, subprog;
	bool has_lines; /* its program has not gone */
	struct engine_lines lines;
};

struct prog {
	struct hlist_node node;
	u32 id, type;
	u32 nr_images, nr_freed;
	bool unloaded, sleepable;
	u8 tag[BPF_TAG_SIZE];
	char name[64];
};

/* All of these with engine_lock held. */
static struct hlist_head images[1 << TABLE_BITS];
static struct hlist_head progs[1 << TABLE_BITS];
static u32 nr_images, nr_progs;
static u64 lost_images, lost_progs;

static struct image *find_image(u64 start)
{
	struct image *image;

	hlist_for_each_entry(image, &images[hash_64(start, TABLE_BITS)], node) {
		if (image->start == start)
			return image;
	}
	return NULL;
}

static struct prog *find_prog(u32 id)
{
	struct prog *prog;

	hlist_for_each_entry(prog, &progs[hash_32(id, TABLE_BITS)], node) {
		if (prog->id == id)
			return prog;
	}
	return NULL;
}

/* The image's slots become the program's records, and its memory is nobody's. */
static void retire_image(struct image *image)
{
	const struct engine_heir heir = {
		.kind = HEIR_PROGRAM,
		.prog_id = image->prog_id,
		.subprog = image->subprog,
	};
	struct prog *prog = find_prog(image->prog_id);

	engine_generation++;
	engine_slots__sweep(image->start, image->start + image->len, &heir);
	if (prog)
		prog->nr_freed++;
	hlist_del(&image->node);
	kfree(image);
	nr_images--;
}

bool engine_programs__heir_of(u64 return_address, struct engine_heir *heir, u64 *start)
{
	struct image *image;

	for (int i = 0; i < ARRAY_SIZE(images); i++) {
		hlist_for_each_entry(image, &images[i], node) {
			if (return_address <= image->start ||
			    return_address > image->start + image->len)
				continue;
			heir->kind = HEIR_PROGRAM;
			heir->prog_id = image->prog_id;
			heir->subprog = image->subprog;
			*start = image->start;
			return true;
		}
	}
	return false;
}

/* --- recording -------------------------------------------------------------------------------- */

static void record_image(const struct bpf_prog *func, const struct bpf_prog_aux *aux, u32 subprog,
			 u32 nr_subprogs)
{
	static const struct engine_heir nobody = { .kind = HEIR_NOBODY };
	u64 start = (u64)func->bpf_func;
	struct image *image, *former;

	if (!start || !func->jited_len)
		return;
	former = find_image(start);
	if (former)
		retire_image(former);
	engine_slots__sweep(start, start + func->jited_len, &nobody);
	image = nr_images < KFT_MAX_IMAGES ? engine_zalloc(sizeof(*image), GFP_ATOMIC) : NULL;
	if (!image) {
		struct prog *prog = find_prog(aux->id);

		/* Nobody will see its end, and its program must not wait for that. */
		if (prog)
			prog->nr_images--;
		lost_images++;
		return;
	}
	image->start = start;
	image->len = func->jited_len;
	image->prog_id = aux->id;
	image->subprog = subprog;
	image->has_lines = true;
	engine_lines__of_image(aux, subprog, nr_subprogs, &image->lines);
	hlist_add_head(&image->node, &images[hash_64(start, TABLE_BITS)]);
	nr_images++;
}

/* The whole name from the program's BTF is in its symbol; else there are 15 characters. */
static void copy_name(const struct bpf_prog *bpf_prog, char *name, size_t size)
{
	const struct bpf_prog_aux *aux = bpf_prog->aux;
	const char *symbol = compat_symbol_of_program(bpf_prog);

	if (strnlen(symbol, KSYM_NAME_LEN) > COMPAT_SYMBOL_PREFIX_LEN)
		strscpy(name, symbol + COMPAT_SYMBOL_PREFIX_LEN, size);
	else
		strscpy(name, aux->name, size);
}

static void record_program(const struct bpf_prog *bpf_prog)
{
	const struct bpf_prog_aux *aux = bpf_prog->aux;
	u32 nr = compat_nr_images_of_program(aux);
	struct prog *prog;

	if (find_prog(aux->id))
		return;
	engine_generation++;
	prog = nr_progs < KFT_MAX_PROGS ? engine_zalloc(sizeof(*prog), GFP_ATOMIC) : NULL;
	if (!prog) {
		lost_progs++;
		return;
	}
	prog->id = aux->id;
	prog->type = bpf_prog->type;
	prog->sleepable = compat_program_is_sleepable(bpf_prog);
	prog->nr_images = nr ?: 1;
	memcpy(prog->tag, bpf_prog->tag, sizeof(prog->tag));
	copy_name(bpf_prog, prog->name, sizeof(prog->name));
	hlist_add_head(&prog->node, &progs[hash_32(prog->id, TABLE_BITS)]);
	nr_progs++;
	if (!nr)
		record_image(bpf_prog, aux, 0, 0);
	for (u32 i = 0; i < nr && i < MAX_IMAGES_OF_A_PROG; i++)
		record_image(aux->func[i], aux, i, nr);
}

int engine_programs__record_fd(int fd, u32 type)
{
	struct bpf_prog *bpf_prog = bpf_prog_get_type_dev(fd, type, false);
	unsigned long flags;

	if (IS_ERR(bpf_prog))
		return PTR_ERR(bpf_prog);
	spin_lock_irqsave(&engine_lock, flags);
	record_program(bpf_prog);
	spin_unlock_irqrestore(&engine_lock, flags);
	bpf_prog_put(bpf_prog);
	return 0;
}

static void drop_prog(struct prog *prog)
{
	hlist_del(&prog->node);
	kfree(prog);
	nr_progs--;
}

int engine_programs__forget(u32 id)
{
	unsigned long flags;
	struct prog *prog;
	int err = 0;

	spin_lock_irqsave(&engine_lock, flags);
	prog = find_prog(id);
	if (!prog) {
		err = -ENOENT;
	} else if (prog->nr_freed < prog->nr_images) {
		err = -EBUSY;
	} else {
		engine_slots__forget(id);
		engine_lines__forget(id);
		drop_prog(prog);
	}
	spin_unlock_irqrestore(&engine_lock, flags);
	return err;
}

/* --- source lines ----------------------------------------------------------------------------- */

static struct kft_site_key site_key(const struct image *image, u64 return_address)
{
	return (struct kft_site_key){
		.prog_id = image->prog_id,
		.subprog = image->subprog,
		.offset = return_address - image->start,
	};
}

static bool keep_line(u64 return_address, void *arg)
{
	const struct image *image = arg;
	const struct kft_site_key key = site_key(image, return_address);

	engine_lines__keep(&image->lines, &key, image->start);
	return true;
}

static void keep_lines_of_image(const struct bpf_prog *func, u32 prog_id)
{
	struct image *image = find_image((u64)func->bpf_func);

	if (!image || image->prog_id != prog_id || !image->has_lines)
		return;
	engine_slots__visit(image->start, image->start + image->len, keep_line, image);
	image->has_lines = false;
}

/* The program is about to lose them. */
static void keep_lines(const struct bpf_prog *bpf_prog)
{
	const struct bpf_prog_aux *aux = bpf_prog->aux;
	u32 nr = compat_nr_images_of_program(aux);

	engine_generation++;
	if (!nr)
		keep_lines_of_image(bpf_prog, aux->id);
	for (u32 i = 0; i < nr && i < MAX_IMAGES_OF_A_PROG; i++)
		keep_lines_of_image(aux->func[i], aux->id);
}

/* --- watching --------------------------------------------------------------------------------- */

static void on_program_event(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	const struct bpf_prog *bpf_prog = (void *)compat_ftrace_argument(fregs, 0);
	int event = compat_ftrace_argument(fregs, 1);
	unsigned long flags;
	struct prog *prog;

	spin_lock_irqsave(&engine_lock, flags);
	if (event == PERF_BPF_EVENT_PROG_LOAD) {
		record_program(bpf_prog);
	} else if (event == PERF_BPF_EVENT_PROG_UNLOAD) {
		prog = find_prog(bpf_prog->aux->id);
		if (prog) {
			prog->unloaded = true;
			keep_lines(bpf_prog);
		}
	}
	spin_unlock_irqrestore(&engine_lock, flags);
}

static void on_image_free(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			  struct ftrace_regs *fregs)
{
	static const struct engine_heir nobody = { .kind = HEIR_NOBODY };
	const struct bpf_prog *func = (void *)compat_ftrace_argument(fregs, 0);
	u64 start = (u64)func->bpf_func;
	struct image *image;
	unsigned long flags;

	if (!func->jited_len)
		return;
	spin_lock_irqsave(&engine_lock, flags);
	image = find_image(start);
	if (image)
		retire_image(image);
	/* What was not recorded for want of memory has slots all the same. */
	engine_slots__sweep(start, start + func->jited_len, &nobody);
	spin_unlock_irqrestore(&engine_lock, flags);
}

/* Permanent: kernel.ftrace_enabled cannot be set to 0, which would make them miss what retires slots. */
static struct ftrace_ops event_ops = { .func = on_program_event, .flags = FTRACE_OPS_FL_PERMANENT };
static struct ftrace_ops free_ops = { .func = on_image_free, .flags = FTRACE_OPS_FL_PERMANENT };

static int watch(struct ftrace_ops *ops, const char *function)
{
	char name[32];
	int err;

	if (engine__allocation_fails())
		return -ENOMEM;
	/* It is taken apart in place. */
	strscpy(name, function, sizeof(name));
	err = ftrace_set_filter(ops, name, strlen(name), 1);
	if (!err)
		err = register_ftrace_function(ops);
	if (err) {
		compat_ftrace_forget(ops);
		pr_info_once("kfunctrace: cannot watch %s (%d): this kernel's programs cannot be followed\n",
			     function, err);
	}
	/* The function tracer is off: that is not the EBUSY of those who find another owner. */
	return err == -EBUSY ? -ENODEV : err;
}

int engine_programs__watch(void)
{
	lost_images = lost_progs = 0;
	/* Ends before beginnings: no image is recorded whose end could be missed. */
	return watch(&free_ops, "bpf_jit_free") ?: watch(&event_ops, "perf_event_bpf_event");
}

int engine_programs__unwatch(void)
{
	int err = compat_ftrace_detach(&event_ops) ?: compat_ftrace_detach(&free_ops);
	struct hlist_node *next;
	struct image *image;
	struct prog *prog;

	if (err)
		return err;
	for (int i = 0; i < ARRAY_SIZE(images); i++) {
		hlist_for_each_entry_safe(image, next, &images[i], node)
			kfree(image);
		INIT_HLIST_HEAD(&images[i]);
		hlist_for_each_entry_safe(prog, next, &progs[i], node)
			kfree(prog);
		INIT_HLIST_HEAD(&progs[i]);
	}
	nr_images = nr_progs = 0;
	engine_lines__free();
	return 0;
}

static bool show_program(struct engine_reading *reading, const struct prog *prog)
{
	seq_printf(reading->m, "program %u %u %*phN %u %u %d %d %s\n", prog->id, prog->type,
		   BPF_TAG_SIZE, prog->tag, prog->nr_images, prog->nr_freed, prog->unloaded,
		   prog->sleepable, prog->name);
	return engine_reading__goes_on(reading);
}

static bool show_image(struct engine_reading *reading, const struct image *image)
{
	seq_printf(reading->m, "image 0x%llx %u %u %u\n", image->start, image->len, image->prog_id,
		   image->subprog);
	return engine_reading__goes_on(reading);
}

void engine_programs__show(struct engine_reading *reading)
{
	struct image *image;
	struct prog *prog;

	seq_printf(reading->m, "lost-programs %llu\nlost-images %llu\n", lost_progs, lost_images);
	for (int i = 0; i < ARRAY_SIZE(progs); i++) {
		hlist_for_each_entry(prog, &progs[i], node) {
			if (!show_program(reading, prog))
				return;
		}
	}
	for (int i = 0; i < ARRAY_SIZE(images); i++) {
		hlist_for_each_entry(image, &images[i], node) {
			if (!show_image(reading, image))
				return;
		}
	}
}

struct line_reading {
	struct engine_reading *reading;
	const struct image *image;
	bool goes_on;
};

static bool show_line(u64 return_address, void *arg)
{
	struct line_reading *line = arg;
	const struct kft_site_key key = site_key(line->image, return_address);

	line->goes_on = engine_lines__show_one(line->reading, &line->image->lines, &key,
					       line->image->start);
	return line->goes_on;
}

static bool show_lines_of_image(struct engine_reading *reading, const struct image *image)
{
	struct line_reading line = { .reading = reading, .image = image, .goes_on = true };

	if (image->has_lines)
		engine_slots__visit(image->start, image->start + image->len, show_line, &line);
	return line.goes_on && engine_reading__goes_on(reading);
}

void engine_programs__show_lines(struct engine_reading *reading)
{
	struct image *image;

	for (int i = 0; i < ARRAY_SIZE(images); i++) {
		hlist_for_each_entry(image, &images[i], node) {
			if (!show_lines_of_image(reading, image))
				return;
		}
	}
	engine_lines__show_kept(reading);
}
