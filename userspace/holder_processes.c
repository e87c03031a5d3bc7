// SPDX-License-Identifier: GPL-2.0-only
/* Processes that have a program, a link of it, or a perf event that it is attached to. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "program_holders_private.h"
#include "systemd_unit.h"

/* First line of /proc/PID/NAME, or "". */
static void read_line(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	buf[0] = '\0';
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(buf, size, file))
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(file);
}

/* A process chooses its name itself: nothing in it may steer a terminal. */
static void read_comm(pid_t pid, char *comm, size_t size)
{
	read_line(pid, "comm", comm, size);
	for (; *comm; comm++) {
		if (iscntrl((unsigned char)*comm))
			*comm = '?';
	}
}

/* What a process holds, told once; it is looked at more closely when there is something. */
struct holder {
	struct program_process process;
	char unit[256];
	bool described;
};

static int add(struct program_holders *holders, struct holder *holder, __u32 prog_id, __u32 link_id)
{
	struct program_process *process = &holder->process;

	if (!holder->described) {
		read_comm(process->pid, process->comm, sizeof(process->comm));
		if (systemd_unit__of_process(process->pid, holder->unit, sizeof(holder->unit)))
			process->unit = holder->unit;
		holder->described = true;
	}
	process->prog_id = prog_id;
	process->link_id = link_id;
	return holders__add_process(holders, process);
}

/* A program or a link says in its fdinfo which one it is. */
static int add_bpf_fd(struct program_holders *holders, struct holder *holder, int fd)
{
	__u32 prog_id = 0, link_id = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", holder->process.pid, fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "prog_id:", 8) == 0)
			prog_id = strtoul(line + 8, NULL, 10);
		else if (strncmp(line, "link_id:", 8) == 0)
			link_id = strtoul(line + 8, NULL, 10);
	}
	fclose(file);
	return prog_id ? add(holders, holder, prog_id, link_id) : 0;
}

static int add_perf_event(struct program_holders *holders, struct holder *holder, int fd)
{
	static const char *const kinds[] = {
		[BPF_FD_TYPE_RAW_TRACEPOINT] = "raw_tracepoint",
		[BPF_FD_TYPE_TRACEPOINT] = "tracepoint",
		[BPF_FD_TYPE_KPROBE] = "kprobe",
		[BPF_FD_TYPE_KRETPROBE] = "kretprobe",
		[BPF_FD_TYPE_UPROBE] = "uprobe",
		[BPF_FD_TYPE_URETPROBE] = "uretprobe",
	};
	__u32 prog_id = 0, type = 0, len;
	__u64 offset = 0, address = 0;
	char name[4096] = "";
	int err;

	len = sizeof(name);
	if (bpf_task_fd_query(holder->process.pid, fd, 0, name, &len, &prog_id, &type, &offset,
			      &address))
		return 0;
	if (!prog_id || type >= sizeof(kinds) / sizeof(kinds[0]))
		return 0;
	err = holders__add_perf_event(holders, prog_id, kinds[type], name, offset);
	return err ?: add(holders, holder, prog_id, 0);
}

static int read_process(struct program_holders *holders, pid_t pid)
{
	struct holder holder = { .process.pid = pid };
	char path[64], fd_path[320];
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(fd_path, sizeof(fd_path), "%s/%s", path, entry->d_name);
		switch (holders__object_at(fd_path)) {
		case HOLDERS_PROGRAM:
		case HOLDERS_LINK:
			err = add_bpf_fd(holders, &holder, atoi(entry->d_name));
			break;
		case HOLDERS_PERF_EVENT:
			err = add_perf_event(holders, &holder, atoi(entry->d_name));
			break;
		case HOLDERS_OTHER:
			break;
		}
	}
	closedir(dir);
	return err;
}

int holders__read_processes(struct program_holders *holders)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int err = 0;

	while (dir && !err && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		/* What we have open ourselves is for looking. */
		if (pid > 0 && pid != getpid())
			err = read_process(holders, pid);
	}
	if (dir)
		closedir(dir);
	return err;
}
