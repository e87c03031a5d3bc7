// SPDX-License-Identifier: GPL-2.0-only
#include "metric_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "printable.h"

#define FIRST_ROOM 65536

/*
 * About a decade apart. The strings are what Prometheus makes of them itself, as some of its versions
 * rewrite the label: the same series then comes from either format.
 */
const struct metric_border metric_borders[METRIC_NR_BORDERS] = {
	{ 11, "1.023e-06" },
	{ 14, "8.191e-06" },
	{ 18, "0.000131071" },
	{ 21, "0.001048575" },
	{ 24, "0.008388607" },
	{ 28, "0.134217727" },
	{ 31, "1.073741823" },
	{ 34, "8.589934591" },
	{ 38, "137.438953471" },
	{ 41, "1099.511627775" },
	{ 44, "8796.093022207" },
	{ 48, "140737.488355327" },
	{ 51, "1.125899906842623e+06" },
};

void metric_labels__add(struct metric_labels *labels, const char *name, const char *value)
{
	labels->labels[labels->nr++] = (struct metric_label){ name, value ?: "" };
}

void metric_text__init(struct metric_text *text, enum exposition_format format)
{
	*text = (struct metric_text){ .format = format };
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* Room for so many more bytes; NULL: there is none. */
static char *reserve(struct metric_text *text, size_t bytes)
{
	size_t room = text->room ?: FIRST_ROOM;
	char *data;

	if (text->failed)
		return NULL;
	while (room - text->size < bytes)
		room *= 2;
	if (room > text->room) {
		data = realloc(text->data, room);
		if (!data) {
			text->failed = true;
			return NULL;
		}
		text->data = data;
		text->room = room;
	}
	return text->data + text->size;
}

static void put_bytes(struct metric_text *text, const char *bytes, size_t size)
{
	char *to = reserve(text, size);

	if (to) {
		memcpy(to, bytes, size);
		text->size += size;
	}
}

static void put(struct metric_text *text, const char *string)
{
	put_bytes(text, string, strlen(string));
}

static void put_number(struct metric_text *text, __u64 value)
{
	char digits[24], *at = digits + sizeof(digits);

	do {
		*--at = '0' + value % 10;
		value /= 10;
	} while (value);
	put_bytes(text, at, digits + sizeof(digits) - at);
}

static void put_seconds(struct metric_text *text, __u64 ns)
{
	char fraction[16];
	int digits = 9;

	put_number(text, ns / 1000000000);
	if (!(ns % 1000000000))
		return;
	snprintf(fraction, sizeof(fraction), "%09u", (unsigned int)(ns % 1000000000));
	while (fraction[digits - 1] == '0')
		digits--;
	put(text, ".");
	put_bytes(text, fraction, digits);
}

/* Most of what is in names, which needs no closer look. */
static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '\\' && c != '"';
}

/*
 * Of a label's value or of a help text. What is not UTF-8, or a control character, becomes \xNN: two
 * names that differ must not become the same series.
 */
static void put_escaped(struct metric_text *text, const char *string, bool quotes)
{
	/* Each byte becomes five at most. */
	char *to = reserve(text, 5 * strlen(string));

	if (!to)
		return;
	while (*string) {
		int length;

		if (is_plain(*string)) {
			*to++ = *string++;
			continue;
		}
		length = printable__length(string);
		if (*string == '\\' || (*string == '"' && quotes) || *string == '\n') {
			*to++ = '\\';
			*to++ = *string == '\n' ? 'n' : *string;
			string++;
		} else if (length) {
			memcpy(to, string, length);
			to += length;
			string += length;
		} else {
			static const char digits[] = "0123456789abcdef";
			unsigned char byte = *string++;

			memcpy(to, "\\\\x", 3);
			to[3] = digits[byte >> 4];
			to[4] = digits[byte & 15];
			to += 5;
		}
	}
	text->size = to - text->data;
}

/* --- families --------------------------------------------------------------------------------- */

static void put_header(struct metric_text *text, const char *what, const char *suffix)
{
	put(text, what);
	put(text, text->name);
	put(text, suffix);
	put(text, " ");
}

static void put_headers(struct metric_text *text)
{
	static const char *const types[] = { "counter", "gauge", "info", "histogram", "summary" };
	bool old = text->format == EXPOSITION_PROMETHEUS;
	const char *type = types[text->type], *suffix = "";

	/* The older format knows no info, and its families are called what their samples are. */
	if (old && text->type == METRIC_COUNTER)
		suffix = "_total";
	if (old && text->type == METRIC_INFO) {
		suffix = "_info";
		type = "gauge";
	}
	put_header(text, "# TYPE ", suffix);
	put(text, type);
	if (text->unit && !old) {
		put_header(text, "\n# UNIT ", "");
		put(text, text->unit);
	}
	put_header(text, "\n# HELP ", suffix);
	put_escaped(text, text->help, !old);
	put(text, "\n");
	text->begun = true;
}

void metric_text__family(struct metric_text *text, enum metric_type type, const char *name,
			 const char *unit, const char *help)
{
	text->type = type;
	text->name = name;
	text->unit = unit;
	text->help = help;
	text->begun = false;
}

/* What is between the braces, without the last quote; nothing without labels. */
static void put_labels(struct metric_text *text, const struct metric_labels *labels)
{
	for (size_t i = 0; labels && i < labels->nr; i++) {
		put(text, i ? "\"," : "{");
		put(text, labels->labels[i].name);
		put(text, "=\"");
		put_escaped(text, labels->labels[i].value, true);
	}
}

/* Name and labels of a sample. The value is to follow, and the newline. */
static void begin_sample(struct metric_text *text, const char *suffix,
			 const struct metric_labels *labels)
{
	if (!text->begun)
		put_headers(text);
	put(text, text->name);
	put(text, suffix);
	put_labels(text, labels);
	put(text, labels && labels->nr ? "\"} " : " ");
}

static const char *sample_suffix(const struct metric_text *text)
{
	return text->type == METRIC_COUNTER ? "_total" : text->type == METRIC_INFO ? "_info" : "";
}

void metric_text__number(struct metric_text *text, const struct metric_labels *labels, __u64 value)
{
	begin_sample(text, sample_suffix(text), labels);
	put_number(text, value);
	put(text, "\n");
}

void metric_text__seconds(struct metric_text *text, const struct metric_labels *labels, __u64 ns)
{
	begin_sample(text, sample_suffix(text), labels);
	put_seconds(text, ns);
	put(text, "\n");
}

void metric_text__ratio(struct metric_text *text, const struct metric_labels *labels, double value)
{
	char number[32];

	begin_sample(text, sample_suffix(text), labels);
	snprintf(number, sizeof(number), "%.6g\n", value);
	put(text, number);
}

void metric_text__info(struct metric_text *text, const struct metric_labels *labels)
{
	metric_text__number(text, labels, 1);
}

static void put_count_and_sum(struct metric_text *text, const struct metric_labels *labels,
			      __u64 count, __u64 sum_ns)
{
	begin_sample(text, "_count", labels);
	put_number(text, count);
	put(text, "\n");
	begin_sample(text, "_sum", labels);
	put_seconds(text, sum_ns);
	put(text, "\n");
}

void metric_text__summary(struct metric_text *text, const struct metric_labels *labels, __u64 count,
			  __u64 sum_ns)
{
	put_count_and_sum(text, labels, count, sum_ns);
}

/* Once more what is already in the text. */
static void put_again(struct metric_text *text, size_t at, size_t size)
{
	char *to = reserve(text, size);

	if (!to)
		return;
	memcpy(to, text->data + at, size);
	text->size += size;
}

void metric_text__histogram(struct metric_text *text, const struct metric_labels *labels,
			    const struct histogram *histogram)
{
	size_t labels_at = 0, labels_size = 0;
	__u64 below = 0;
	int bucket = 0;

	if (!text->begun)
		put_headers(text);
	for (int i = 0; i <= METRIC_NR_BORDERS; i++) {
		int end = i < METRIC_NR_BORDERS ? metric_borders[i].bucket : KFT_BUCKETS;

		while (bucket < end)
			below += histogram->buckets[bucket++];
		put(text, text->name);
		put(text, "_bucket");
		if (i) {
			put_again(text, labels_at, labels_size);
		} else {
			labels_at = text->size;
			put_labels(text, labels);
			labels_size = text->size - labels_at;
		}
		put(text, labels && labels->nr ? "\",le=\"" : "{le=\"");
		put(text, i < METRIC_NR_BORDERS ? metric_borders[i].le : "+Inf");
		put(text, "\"} ");
		put_number(text, below);
		put(text, "\n");
	}
	put_count_and_sum(text, labels, below, histogram->sum);
}

int metric_text__finish(struct metric_text *text, char **data, size_t *size)
{
	if (text->format == EXPOSITION_OPENMETRICS)
		put(text, "# EOF\n");
	put_bytes(text, "", 1);
	if (text->failed) {
		free(text->data);
		*text = (struct metric_text){ 0 };
		return -ENOMEM;
	}
	*data = text->data;
	*size = text->size - 1;
	return 0;
}
