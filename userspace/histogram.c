// SPDX-License-Identifier: GPL-2.0-only
#include "histogram.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#define BAR_WIDTH 50

void histogram__add(struct histogram *histogram, const struct kft_hold *hold)
{
	__u64 known = 0;

	for (int i = 0; i < KFT_BUCKETS; i++) {
		histogram->buckets[i] += hold->buckets[i];
		known += hold->buckets[i];
	}
	histogram->count += hold->count;
	/* They are not read in one moment. */
	histogram->unknown += hold->count > known ? hold->count - known : 0;
	histogram->sum += hold->sum;
	if (hold->max > histogram->max)
		histogram->max = hold->max;
}

__u64 histogram__low(int bucket)
{
	return bucket ? 1ull << (bucket - 1) : 0;
}

static __u64 known_values(const struct histogram *histogram)
{
	__u64 known = 0;

	for (int i = 0; i < KFT_BUCKETS; i++)
		known += histogram->buckets[i];
	return known;
}

__u64 histogram__percentile(const struct histogram *histogram, double percent)
{
	double wanted = known_values(histogram) * percent / 100, seen = 0;

	for (int i = 0; i < KFT_BUCKETS; i++) {
		double here = histogram->buckets[i], low = histogram__low(i);
		double high = histogram__low(i + 1), value;

		if (!here || seen + here < wanted) {
			seen += here;
			continue;
		}
		value = low + (high - low) * (wanted - seen) / here;
		return value < histogram->max ? value : histogram->max;
	}
	return 0;
}

/* 4096 -> "4K", as bpftrace has it. */
static const char *format_bound(__u64 value, char *buf, size_t size)
{
	static const char units[] = "\0KMGTPE";
	int unit = 0;

	while (value >= 1024) {
		value /= 1024;
		unit++;
	}
	if (unit)
		snprintf(buf, size, "%llu%c", (unsigned long long)value, units[unit]);
	else
		snprintf(buf, size, "%llu", (unsigned long long)value);
	return buf;
}

static void print_bucket(const struct histogram *histogram, int bucket, __u64 most, FILE *out,
			 const char *indent)
{
	static const char bar[BAR_WIDTH + 1] = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";
	__u64 count = histogram->buckets[bucket];
	char low[16], high[16], range[40];
	int width = most ? (int)((double)count * BAR_WIDTH / most) : 0;

	if (bucket == 0)
		snprintf(range, sizeof(range), "[0]");
	else if (bucket == 1)
		snprintf(range, sizeof(range), "[1]");
	else if (bucket == KFT_BUCKETS - 1)
		snprintf(range, sizeof(range), "[%s, ...)",
			 format_bound(histogram__low(bucket), low, sizeof(low)));
	else
		snprintf(range, sizeof(range), "[%s, %s)",
			 format_bound(histogram__low(bucket), low, sizeof(low)),
			 format_bound(histogram__low(bucket + 1), high, sizeof(high)));
	fprintf(out, "%s%-14s %10llu |%-*.*s|\n", indent, range, (unsigned long long)count,
		BAR_WIDTH, width, bar);
}

void histogram__print(const struct histogram *histogram, FILE *out, const char *indent)
{
	int first = -1, last = -1;
	__u64 most = 0;

	for (int i = 0; i < KFT_BUCKETS; i++) {
		if (!histogram->buckets[i])
			continue;
		if (first < 0)
			first = i;
		last = i;
		if (histogram->buckets[i] > most)
			most = histogram->buckets[i];
	}
	for (int i = first; first >= 0 && i <= last; i++)
		print_bucket(histogram, i, most, out, indent);
}

static void set(json_t *object, const char *name, const char *unit, __u64 value)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%s", name, unit);
	json_object_set_new(object, key, json_integer(value));
}

json_t *histogram__json(const struct histogram *histogram, const char *unit)
{
	json_t *object = json_object(), *buckets = json_array();
	__u64 known = known_values(histogram);

	json_object_set_new(object, "count", json_integer(histogram->count));
	json_object_set_new(object, "unknown", json_integer(histogram->unknown));
	set(object, "mean", unit, known ? histogram->sum / known : 0);
	set(object, "p50", unit, histogram__percentile(histogram, 50));
	set(object, "p99", unit, histogram__percentile(histogram, 99));
	set(object, "max", unit, histogram->max);
	for (int i = 0; i < KFT_BUCKETS; i++) {
		if (!histogram->buckets[i])
			continue;
		json_array_append_new(
			buckets, json_pack("{s:I, s:I, s:I}", "from", (json_int_t)histogram__low(i),
					   "to", (json_int_t)histogram__low(i + 1) - 1, "count",
					   (json_int_t)histogram->buckets[i]));
	}
	json_object_set_new(object, "buckets", buckets);
	return object;
}

const char *format_ns(__u64 ns, char *buf, size_t size)
{
	double s = ns / 1e9;

	if (ns < 1000)
		snprintf(buf, size, "%llu ns", (unsigned long long)ns);
	else if (ns < 1000000)
		snprintf(buf, size, "%.1f us", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(buf, size, "%.1f ms", ns / 1e6);
	else if (s < 120)
		snprintf(buf, size, "%.1f s", s);
	else if (s < 7200)
		snprintf(buf, size, "%d min %d s", (int)s / 60, (int)s % 60);
	else
		snprintf(buf, size, "%d h %d min", (int)(s / 3600), (int)(s / 60) % 60);
	return buf;
}
