// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as a BPF object file: read, and judged against a kernel that has a bit of everything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "check.h"
#include "check_report.h"
#include "deprecations.h"
#include "kernel_version.h"
#include "text_pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KFUNC(name, flags, type)                                                                   \
	"{\"name\":\"" name "\",\"module\":\"vmlinux\",\"hooks\":{\"tracing\":[" flags             \
	"]},\"filtered\":[],"                                                                      \
	"\"returns\":\"struct task_struct *\",\"params\":[{\"type\":\"" type                       \
	"\",\"name\":\"p\"}],\"abi\":null,\"coverage\":\"traced\"}"

static const char kernel_text[] =
	"{\"format\":1,\"kernel\":{\"release\":\"6.12.3\",\"arch\":\"x86_64\"},\"typedefs\":{},\"kfuncs\":[" KFUNC(
		"bpf_task_from_pid", "\"acquire\",\"ret_null\"",
		"s32") "," KFUNC("bpf_task_release", "\"release\"",
				 "struct task_struct *") "," KFUNC("bpf_lookup_user_key",
								   "\"sleepable\",\"ret_null\"",
								   "int (*)(u32, void *)") "]}";

static void read_kernel(struct check *check)
{
	FILE *file = fmemopen((void *)kernel_text, sizeof(kernel_text) - 1, "r");

	check->kernels = calloc(1, sizeof(*check->kernels));
	if (snapshot__read(file, "kernel", &check->kernels->snapshot))
		abort();
	fclose(file);
	check->kernels->name = check->kernels->label = "kernel";
	check->kernels->version = KVER(6, 12);
	check->nr_kernels = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The reader may not write, nor read behind the end. */
	char *copy = malloc(size ? size : 1);
	struct check check = { .texts = text_pool__new() };
	FILE *out;

	memcpy(copy, data, size);
	read_kernel(&check);
	check__object(&check, "object", copy, size);
	if (check.nr_objects != 1)
		abort();
	out = fopen("/dev/null", "w");
	check_report__text(&check, true, out);
	check_report__json(&check, out);
	check_report__sarif(&check, out);
	fclose(out);
	check__free(&check);
	free(copy);
	return 0;
}
