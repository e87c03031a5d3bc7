// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as what `perf script` prints of a recording, reported on in each form. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "usage_recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *text;
static size_t text_size;

static int read_text(struct recording *recording, const char *path)
{
	FILE *in = fmemopen((void *)text, text_size, "r");
	int err;

	(void)path;
	if (!in)
		return 0;
	err = recording__read_perf_text(recording, in);
	fclose(in);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct usage_query query = { .end = 0 };
	struct usage_report report;
	FILE *out;

	setenv("KFUNCTRACE_DATA", "share", 1);
	text = data;
	text_size = size;
	if (!recording__report(&report, &query, "fuzz", read_text)) {
		out = fopen("/dev/null", "w");
		usage_report__print_text(&report, out);
		usage_report__print_json(&report, out, false);
		usage_report__print_html(&report, out);
		fclose(out);
	}
	usage_report__free(&report);
	return 0;
}
