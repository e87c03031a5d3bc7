// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as a snapshot: read, compared with itself and with another, and written. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "snapshot.h"
#include "snapshot_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char other_text[] =
	"{\"format\":1,\"kernel\":{\"release\":\"6.1\",\"arch\":\"x86_64\"},\"typedefs\":{},\"kfuncs\":["
	"{\"name\":\"bpf_arena_alloc_pages\",\"module\":\"vmlinux\",\"hooks\":{\"unknown\":[\"acquire\"]},"
	"\"filtered\":null,\"returns\":\"void\",\"params\":[{\"type\":\"int\",\"name\":\"n__sz\"}],"
	"\"abi\":null,\"coverage\":\"unknown\"}]}";

static void compare(const struct snapshot *old, const struct snapshot *new)
{
	struct snapshot_diff diff;

	snapshot_diff__make(&diff, old, new, NULL);
	/* A kernel does not differ from itself. */
	if (old == new && diff.nr_breaking)
		abort();
	snapshot_diff__free(&diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot other;
	struct snapshot snapshot;
	FILE *file;
	int err;

	if (!other.document) {
		file = fmemopen((void *)other_text, sizeof(other_text) - 1, "r");
		if (snapshot__read(file, "other", &other))
			abort();
		fclose(file);
	}
	if (!size)
		return 0;
	file = fmemopen((void *)data, size, "r");
	err = snapshot__read(file, "fuzz", &snapshot);
	fclose(file);
	if (err)
		return 0;
	compare(&snapshot, &other);
	compare(&other, &snapshot);
	compare(&snapshot, &snapshot);
	file = fopen("/dev/null", "w");
	snapshot__write(&snapshot, file);
	fclose(file);
	snapshot__free(&snapshot);
	return 0;
}
