// SPDX-License-Identifier: GPL-2.0-only
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

/* Errnos of the kernel's own that leak out of it. */
#define KERNEL_ENOTSUPP 524

const char *check_status__name(enum check_status status)
{
	static const char *const names[] = {
		[CHECK_OK] = "ok",
		[CHECK_LIMITED] = "limited",
		[CHECK_NO] = "no",
		[CHECK_UNTESTED] = "untested",
	};

	return names[status];
}

struct check *doctor__add(struct doctor *doctor, const char *name, const char *title,
			  enum check_status status, const char *cost)
{
	static struct check spare;
	struct check *check = &spare;

	if (doctor->nr < DOCTOR_MAX_CHECKS)
		check = &doctor->checks[doctor->nr++];
	else
		doctor->lost = true;
	*check = (struct check){ .name = name, .title = title, .status = status, .cost = cost };
	return check;
}

void doctor__say(struct doctor *doctor, char **text, const char *fmt, ...)
{
	va_list args;
	char *said;
	int len;

	va_start(args, fmt);
	len = vasprintf(&said, fmt, args);
	va_end(args);
	if (len < 0) {
		doctor->lost = true;
		return;
	}
	/* Only now, because the old text may be among the arguments. */
	free(*text);
	*text = said;
}

const struct check *doctor__find(const struct doctor *doctor, const char *name)
{
	for (int i = 0; i < doctor->nr; i++) {
		if (strcmp(doctor->checks[i].name, name) == 0)
			return &doctor->checks[i];
	}
	return NULL;
}

const char *doctor__errno(int err)
{
	if (err < 0)
		err = -err;
	return err == KERNEL_ENOTSUPP ? "Not supported by this kernel" : strerror(err);
}

int doctor__read_line(const char *path, char *buf, int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		err = -errno;
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return err;
}

int doctor__read_sysctl(const char *path)
{
	char line[32], *end;
	int err = doctor__read_line(path, line, sizeof(line));
	long value;

	if (err)
		return err;
	value = strtol(line, &end, 10);
	if (end == line)
		return -EBADMSG;
	/* perf_event_paranoid may be -1, which stands for the same as 0 here. */
	return value < 0 ? 0 : value;
}

int doctor__read_status_field(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t len = strlen(field);
	int value = -ENOENT;
	char line[256];

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, len) == 0 && line[len] == ':')
			value = atoi(line + len + 1);
	}
	fclose(file);
	return value;
}

static void reach_verdict(struct doctor *doctor)
{
	const char *separator = "; limited: ";

	doctor->list_works = !doctor->list_trouble;
	doctor->counting_works = doctor->list_works && !doctor->counting_trouble;
	if (!doctor->list_works) {
		doctor__say(doctor, &doctor->verdict, "neither counting nor list works here: %s%s",
			    doctor->list_trouble,
			    doctor->has_sys_admin ? "" : ": run as root, on the host");
		return;
	}
	if (!doctor->counting_works && doctor->module_counts) {
		doctor->counting_works = true;
		doctor__say(
			doctor, &doctor->verdict,
			"stat counts with the module here (%s); list works, refs and trace do not",
			doctor->counting_trouble);
		return;
	}
	if (!doctor->counting_works) {
		doctor__say(doctor, &doctor->verdict, "counting does not work here: %s; list works",
			    doctor->counting_trouble);
		return;
	}
	doctor__say(doctor, &doctor->verdict, "counting works");
	for (int i = 0; i < doctor->nr; i++) {
		if (doctor->checks[i].status == CHECK_OK)
			continue;
		doctor__say(doctor, &doctor->verdict, "%s%s%s", doctor->verdict ?: "", separator,
			    doctor->checks[i].title);
		separator = ", ";
	}
}

int doctor__examine(struct doctor *doctor)
{
	memset(doctor, 0, sizeof(*doctor));

	doctor__check_kernel_version(doctor);
	doctor__check_architecture(doctor);
	doctor__check_capabilities(doctor);
	doctor__check_lockdown(doctor);
	doctor__check_unprivileged(doctor);
	doctor__check_bpf(doctor);
	doctor__check_btf(doctor);
	doctor__check_iterators(doctor);
	doctor__check_registry(doctor);
	doctor__check_module_btf(doctor);
	doctor__check_ftrace(doctor);
	doctor__check_fentry(doctor);
	doctor__check_fexit(doctor);
	doctor__check_memory(doctor);
	doctor__check_watchers_and_probe(doctor);
	doctor__check_fast_path(doctor);
	doctor__check_module_engine(doctor);
	doctor__check_addresses(doctor);
	doctor__check_tracefs(doctor);

	reach_verdict(doctor);
	return doctor->lost ? -ENOMEM : 0;
}

void doctor__free(struct doctor *doctor)
{
	for (int i = 0; i < doctor->nr; i++) {
		free(doctor->checks[i].found);
		free(doctor->checks[i].remedy);
		free(doctor->checks[i].detail);
	}
	free(doctor->list_trouble);
	free(doctor->counting_trouble);
	free(doctor->verdict);
	btf__free(doctor->vmlinux);
	live_kernel__close(&doctor->kernel);
	memset(doctor, 0, sizeof(*doctor));
}
