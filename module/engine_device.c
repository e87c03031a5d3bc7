// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kfunctrace, the control file of the engine: commands are written to it, a line each, and what
 * was counted is read from it, as text. Documentation/module.rst describes both. A misc device rather
 * than a file in debugfs: it is there without debugfs mounted, it comes and goes with the module, and
 * closing it tells that the tool has gone.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "engine.h"

/* The longest command has an address and a name. */
#define MAX_LINE (ENGINE_NAME_LEN + 64)
#define MAX_ARGS 4

static unsigned int protocol = ENGINE_PROTOCOL;
module_param(protocol, uint, 0400);
MODULE_PARM_DESC(protocol, "for tests: the version of the control file that is pretended");

struct command {
	const char *name;
	int nr_args;
	bool owner_only;
	int (*run)(const struct file *file, char **args);
};

static int begin(const struct file *file, char **args)
{
	u32 nr_slots;
	int err = kstrtou32(args[0], 10, &nr_slots);

	if (err)
		return err;
	if (nr_slots < KFT_MAX_DISPLACEMENT || nr_slots > KFT_MAX_SLOTS || !is_power_of_2(nr_slots))
		return -EINVAL;
	return engine__begin(file, nr_slots);
}

static const char *const counts[NR_COUNTS] = {
	[COUNT_CALLS] = "calls",
	[COUNT_NULLS] = "nulls",
	[COUNT_NEGATIVES] = "negatives",
	[COUNT_RELEASES] = "releases",
};

static int add_kfunc(const struct file *file, char **args)
{
	u64 address;
	int err = kstrtou64(args[0], 16, &address);
	int count = match_string(counts, NR_COUNTS, args[2]);

	if (err)
		return err;
	if (count < 0)
		return -EINVAL;
	if (strlen(args[1]) >= ENGINE_NAME_LEN)
		return -ENAMETOOLONG;
	return engine.state == ENGINE_PREPARED ? engine__add_kfunc(address, args[1], count) :
						 -EBUSY;
}

static int add_program(const struct file *file, char **args)
{
	int fd, err = kstrtoint(args[0], 10, &fd);
	u32 type;

	if (!err)
		err = kstrtou32(args[1], 10, &type);
	if (err)
		return err;
	/* Later its images could have slots already, and nobody would know whose. */
	return engine.state == ENGINE_PREPARED ? engine_programs__record_fd(fd, type) : -EBUSY;
}

static int start(const struct file *file, char **args)
{
	return engine__start();
}

static int keep(const struct file *file, char **args)
{
	if (engine.state != ENGINE_COUNTING)
		return -EINVAL;
	engine.owner = NULL;
	return 0;
}

/* Of this opener's readings only; the mark is on what single_open() has made for it. */
static int lines(const struct file *file, char **args)
{
	static int wanted;

	((struct seq_file *)file->private_data)->private = &wanted;
	return 0;
}

static int forget(const struct file *file, char **args)
{
	u32 id;

	return kstrtou32(args[0], 10, &id) ?: engine_programs__forget(id);
}

static int end(const struct file *file, char **args)
{
	if (engine.state == ENGINE_IDLE)
		return -ESRCH;
	/* What nobody owns counts on for whoever comes. */
	if (engine.owner && engine.owner != file)
		return -EBUSY;
	return engine__end();
}

static const struct command commands[] = {
	{ "begin", 1, false, begin },	     { "kfunc", 3, true, add_kfunc },
	{ "program", 2, true, add_program }, { "start", 0, true, start },
	{ "keep", 0, true, keep },	     { "forget", 1, true, forget },
	{ "lines", 0, false, lines },	     { "end", 0, false, end },
};

static int run_command(const struct file *file, const char *name, char **args, int nr_args)
{
	for (int i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		int err;

		if (strcmp(command->name, name) != 0)
			continue;
		if (command->nr_args != nr_args)
			return -EINVAL;
		mutex_lock(&engine.mutex);
		if (command->owner_only && engine.owner != file)
			err = engine.state == ENGINE_IDLE ? -EINVAL : -EBUSY;
		else
			err = command->run(file, args);
		mutex_unlock(&engine.mutex);
		return err;
	}
	return -EINVAL;
}

/* "VERSION COMMAND ARGUMENT..." */
static int run_line(const struct file *file, char *line)
{
	char *words[MAX_ARGS + 2], *word;
	u32 version;
	int nr = 0;

	while ((word = strsep(&line, " "))) {
		if (nr == ARRAY_SIZE(words) || !*word)
			return -EINVAL;
		words[nr++] = word;
	}
	if (nr < 2 || kstrtou32(words[0], 10, &version))
		return -EINVAL;
	if (version != protocol)
		return -EPROTO;
	return run_command(file, words[1], words + 2, nr - 2);
}

/*
 * The lines before the one that failed have been done and are what is returned; the next write begins
 * with the one that failed, and returns its error.
 */
static ssize_t device_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char line[MAX_LINE];
	size_t done = 0;

	while (done < count) {
		size_t chunk = min(count - done, sizeof(line) - 1), len;
		char *end;
		int err;

		/* One write may have as many lines as anyone likes. */
		if (fatal_signal_pending(current))
			return done ?: -EINTR;
		cond_resched();
		if (copy_from_user(line, from + done, chunk))
			return done ?: -EFAULT;
		line[chunk] = '\0';
		end = memchr(line, '\n', chunk);
		if (end)
			*end = '\0';
		len = end ? end - line : chunk;
		if (!end && done + chunk < count)
			err = -ENAMETOOLONG;
		else if (strlen(line) != len)
			err = -EINVAL;
		else
			err = run_line(file, line);
		if (err)
			return done ?: err;
		done += len + (end ? 1 : 0);
	}
	return done;
}

static void show_kfuncs(struct seq_file *m)
{
	for (int i = 0; i < engine.nr_kfuncs; i++) {
		const struct engine_kfunc *kfunc = &engine.kfuncs[i];

		seq_printf(m, "kfunc %d 0x%lx %s %s %s\n", i, kfunc->address,
			   counts[kfunc->count], kfunc->gone ? "gone" : "there", kfunc->name);
	}
}

/* Everything as of one moment; the buffer is read from in pieces of any size. */
static int show(struct seq_file *m, void *unused)
{
	static const char *const states[] = { "idle", "prepared", "counting" };

	mutex_lock(&engine.mutex);
	seq_printf(m, "kfunctrace %u\nstate %s\n", protocol, states[engine.state]);
	if (engine.state != ENGINE_IDLE) {
		seq_printf(m, "kept %d\nslots %u\n", !engine.owner, engine_slots__nr());
		if (engine.state == ENGINE_COUNTING)
			seq_printf(m, "nanoseconds %llu\n", ktime_get_ns() - engine.begun_ns);
		seq_printf(m, "missed %lu %s\n", engine__missed(),
			   COMPAT_EXITS_SEE_CALLS ? "calls" : "returns");
		show_kfuncs(m);
		engine_reading__make(m, m->private);
	}
	seq_puts(m, "end\n");
	mutex_unlock(&engine.mutex);
	return 0;
}

static int device_open(struct inode *inode, struct file *file)
{
	/* The misc device has put itself there, which single_open() would take for its own. */
	file->private_data = NULL;
	if (!capable(CAP_SYS_ADMIN) && !(capable(CAP_BPF) && capable(CAP_PERFMON)))
		return -EPERM;
	if (engine__allocation_fails())
		return -ENOMEM;
	return single_open(file, show, NULL);
}

static int device_release(struct inode *inode, struct file *file)
{
	mutex_lock(&engine.mutex);
	/* Whoever comes may try again what fails here. */
	if (engine.owner == file && engine__end())
		engine.owner = NULL;
	mutex_unlock(&engine.mutex);
	return single_release(inode, file);
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.read = seq_read,
	.llseek = seq_lseek,
	.write = device_write,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kfunctrace",
	.fops = &device_operations,
	.mode = 0600,
};

int engine_device__register(void)
{
	return misc_register(&device);
}

void engine_device__unregister(void)
{
	misc_deregister(&device);
}
