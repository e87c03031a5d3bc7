// SPDX-License-Identifier: GPL-2.0-only
/* What is written is read back here, by the rules of the formats, and compared with what was put in. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "metric_text.h"
#include "openmetrics.h"

#define NOW 1790000000

/* --- reading back -------------------------------------------------------------------------------- */

struct sample {
	char name[128];
	struct {
		char name[64], value[256];
	} labels[12];
	int nr_labels;
	char value[64];
};

struct exposition {
	char *text;
	size_t size;
	struct sample *samples;
	size_t nr;
};

/* Takes a label's value, of which `at` is behind the opening quote; returns what is behind the closing one. */
static const char *read_value(const char *at, char *value)
{
	while (*at != '"') {
		assert_int_not_equal(*at, '\n');
		if (*at == '\\') {
			at++;
			assert_non_null(strchr("n\\\"", *at));
			*value++ = *at == 'n' ? '\n' : *at;
			at++;
			continue;
		}
		*value++ = *at++;
	}
	*value = '\0';
	return at + 1;
}

static void read_sample(const char *at, struct sample *sample)
{
	size_t length = strcspn(at, "{ \n");

	snprintf(sample->name, sizeof(sample->name), "%.*s", (int)length, at);
	at += length;
	while (*at == '{' || *at == ',') {
		length = strcspn(++at, "=");
		snprintf(sample->labels[sample->nr_labels].name, sizeof(sample->labels[0].name),
			 "%.*s", (int)length, at);
		assert_int_equal(at[length + 1], '"');
		at = read_value(at + length + 2, sample->labels[sample->nr_labels].value);
		sample->nr_labels++;
	}
	if (sample->nr_labels)
		assert_int_equal(*at++, '}');
	assert_int_equal(*at++, ' ');
	snprintf(sample->value, sizeof(sample->value), "%.*s", (int)strcspn(at, "\n"), at);
	assert_true(*sample->value);
}

static struct exposition expose(const struct aggregate *aggregate, enum exposition_format format)
{
	struct exposition exposition = { 0 };

	assert_int_equal(
		exposition__write(aggregate, format, "1.0", &exposition.text, &exposition.size), 0);
	assert_int_equal(strlen(exposition.text), exposition.size);
	for (const char *at = exposition.text; *at; at = strchr(at, '\n') + 1) {
		assert_non_null(strchr(at, '\n'));
		if (*at == '#')
			continue;
		exposition.samples = realloc(exposition.samples,
					     (exposition.nr + 1) * sizeof(*exposition.samples));
		memset(&exposition.samples[exposition.nr], 0, sizeof(*exposition.samples));
		read_sample(at, &exposition.samples[exposition.nr++]);
	}
	return exposition;
}

static void release(struct exposition *exposition)
{
	free(exposition->text);
	free(exposition->samples);
}

static const char *label(const struct sample *sample, const char *name)
{
	for (int i = 0; i < sample->nr_labels; i++) {
		if (!strcmp(sample->labels[i].name, name))
			return sample->labels[i].value;
	}
	return NULL;
}

/* The sample of that name which has the label (NULL: whatever it has); NULL: there is none. */
static const struct sample *find(const struct exposition *exposition, const char *name,
				 const char *with, const char *value)
{
	for (size_t i = 0; i < exposition->nr; i++) {
		const struct sample *sample = &exposition->samples[i];
		const char *has = with ? label(sample, with) : NULL;

		if (!strcmp(sample->name, name) && (!with || (has && !strcmp(has, value))))
			return sample;
	}
	return NULL;
}

static size_t count(const struct exposition *exposition, const char *name)
{
	size_t nr = 0;

	for (size_t i = 0; i < exposition->nr; i++)
		nr += !strcmp(exposition->samples[i].name, name);
	return nr;
}

static void assert_value(const struct exposition *exposition, const char *name, const char *with,
			 const char *value, const char *number)
{
	const struct sample *sample = find(exposition, name, with, value);

	if (!sample)
		print_error("no %s with %s=%s\n", name, with ?: "", value ?: "");
	assert_non_null(sample);
	assert_string_equal(sample->value, number);
}

/* --- what is written ------------------------------------------------------------------------------ */

static struct aggregate *new_aggregate(void)
{
	static const struct aggregate_options opts = { .max_callers = 100, .max_objects = 10 };
	struct aggregate *aggregate = aggregate__new(&opts);

	assert_non_null(aggregate);
	return aggregate;
}

static struct known_program program(const char *name, const char *type)
{
	struct known_program program = { .kind = KNOWN_PROGRAM };

	snprintf(program.name, sizeof(program.name), "%s", name);
	snprintf(program.type, sizeof(program.type), "%s", type);
	return program;
}

static struct aggregate_row *add(struct aggregate *aggregate, const char *kfunc, const char *module,
				 const struct known_program *caller, __u64 calls, __u64 nulls)
{
	struct aggregate_counts counts = { .calls = calls, .nulls = nulls };
	struct aggregate_row *row = aggregate__add(
		aggregate, aggregate__kfunc(aggregate, kfunc, module), caller, &counts, NOW);

	assert_non_null(row);
	return row;
}

static void each_pair_has_its_count(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program callers[] = { program("first", "xdp"),
					   program("second", "tracing"),
					   { .kind = KNOWN_KERNEL },
					   { .kind = KNOWN_UNKNOWN },
					   { .kind = KNOWN_OTHER } };
	static const char *const kfuncs[][2] = { { "bpf_a", "vmlinux" },
						 { "bpf_b", "vmlinux" },
						 { "bpf_a", "nf_nat" } };
	struct exposition exposition;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kfuncs); k++) {
		for (size_t c = 0; c < ARRAY_SIZE(callers); c++)
			add(aggregate, kfuncs[k][0], kfuncs[k][1], &callers[c], 100 * k + c, 0);
	}
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_int_equal(count(&exposition, "kfunctrace_kfunc_calls_total"),
			 aggregate__nr_rows(aggregate));
	for (size_t i = 0, nth = 0; i < exposition.nr; i++) {
		const struct sample *sample = &exposition.samples[i];
		const struct aggregate_row *row;
		const struct aggregate_kfunc *kfunc;
		const struct known_program *caller;

		if (strcmp(sample->name, "kfunctrace_kfunc_calls_total"))
			continue;
		row = aggregate__row_at(aggregate, nth++);
		kfunc = aggregate__kfunc_at(aggregate, row->kfunc);
		caller = aggregate__caller_at(aggregate, row->caller);
		assert_string_equal(label(sample, "kfunc"), kfunc->name);
		assert_string_equal(label(sample, "module"), kfunc->module);
		assert_string_equal(label(sample, "caller"), known_kind__name(caller->kind));
		assert_string_equal(label(sample, "program"), caller->name);
		assert_string_equal(label(sample, "program_type"), caller->type);
		assert_int_equal(strtoull(sample->value, NULL, 10), row->counts.calls);
	}
	release(&exposition);
	aggregate__free(aggregate);
}

static void a_count_keeps_its_last_digit(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program caller = program("first", "xdp");
	struct exposition exposition;

	(void)state;
	add(aggregate, "bpf_a", "vmlinux", &caller, ~0ull, 0);
	aggregate__state(aggregate)->cost.process_ns = 18446744073709551615ull;
	aggregate__state(aggregate)->cost.probe_ns = 1000000010;
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_value(&exposition, "kfunctrace_kfunc_calls_total", NULL, NULL,
		     "18446744073709551615");
	assert_value(&exposition, "process_cpu_seconds_total", NULL, NULL, "18446744073.709551615");
	assert_value(&exposition, "kfunctrace_probe_cpu_seconds_total", NULL, NULL, "1.00000001");
	release(&exposition);
	aggregate__free(aggregate);
}

static void names_survive_whatever_is_in_them(void **state)
{
	static const char *const names[] = {
		"a\"b", "a\\b", "a\\\"b", "a\nb", "a}b{c=\"d\",", "a b # c", "\xc3\xa4\xe2\x82\xac",
		"a\\nb"
	};
	struct aggregate *aggregate = new_aggregate();
	struct exposition exposition;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct known_program caller = program(names[i], "xdp");

		add(aggregate, "bpf_a", "vmlinux", &caller, i + 1, 0);
	}
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_int_equal(count(&exposition, "kfunctrace_kfunc_calls_total"), ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char number[8];

		/* A newline is a control character, and has an escape nevertheless. */
		snprintf(number, sizeof(number), "%zu", i + 1);
		assert_value(&exposition, "kfunctrace_kfunc_calls_total", "program", names[i],
			     number);
	}
	release(&exposition);
	aggregate__free(aggregate);
}

static void what_is_not_utf8_is_told_apart(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program one = program("a\xff", "xdp"), other = program("a\xfe", "xdp"),
			     steering = program("a\x1b[2J", "xdp");
	struct exposition exposition;

	(void)state;
	add(aggregate, "bpf_a", "vmlinux", &one, 1, 0);
	add(aggregate, "bpf_a", "vmlinux", &other, 2, 0);
	add(aggregate, "bpf_a", "vmlinux", &steering, 3, 0);
	exposition = expose(aggregate, EXPOSITION_PROMETHEUS);
	assert_value(&exposition, "kfunctrace_kfunc_calls_total", "program", "a\\xff", "1");
	assert_value(&exposition, "kfunctrace_kfunc_calls_total", "program", "a\\xfe", "2");
	assert_value(&exposition, "kfunctrace_kfunc_calls_total", "program", "a\\x1b[2J", "3");
	release(&exposition);
	aggregate__free(aggregate);
}

static void what_is_not_known_is_left_out(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program caller = program("first", "xdp");
	struct aggregate_type *type =
		aggregate__type_for(aggregate, aggregate__type(aggregate, "task_struct"));
	struct exposition exposition;

	(void)state;
	add(aggregate, "bpf_plain", "vmlinux", &caller, 5, 0);
	add(aggregate, "bpf_looked_at", "vmlinux", &caller, 5, 0);
	add(aggregate, "bpf_before", "vmlinux", &caller, 5, 1);
	aggregate__kfunc_for(aggregate, aggregate__kfunc(aggregate, "bpf_looked_at", "vmlinux"))
		->measured = AGGREGATE_NULLS;
	type->acquired = 3;
	type->outstanding = 2;
	type->parked = type->stale = -1;
	aggregate__state(aggregate)->cost.share = NAN;
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_null(find(&exposition, "kfunctrace_kfunc_null_returns_total", "kfunc", "bpf_plain"));
	assert_value(&exposition, "kfunctrace_kfunc_null_returns_total", "kfunc", "bpf_looked_at",
		     "0");
	assert_value(&exposition, "kfunctrace_kfunc_null_returns_total", "kfunc", "bpf_before",
		     "1");
	assert_int_equal(count(&exposition, "kfunctrace_refcount_zero_total"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_references_held"), 0);
	assert_value(&exposition, "kfunctrace_references_outstanding", "type", "task_struct", "2");
	assert_int_equal(count(&exposition, "kfunctrace_references_parked"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_references_stale"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_oldest_reference_seconds"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_overhead_ratio"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_last_drain_timestamp_seconds"), 0);
	assert_int_equal(count(&exposition, "process_resident_memory_bytes"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_history_bytes"), 0);
	assert_int_equal(count(&exposition, "kfunctrace_history_last_save_timestamp_seconds"), 0);
	/* Nor is there a header of what has no sample. */
	assert_null(strstr(exposition.text, "kfunctrace_refcount_zero"));
	release(&exposition);
	aggregate__free(aggregate);
}

static void deprecated_calls_say_what_to_call_instead(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program caller = program("first", "xdp");
	const struct sample *sample;
	struct exposition exposition;

	(void)state;
	add(aggregate, "bpf_old", "vmlinux", &caller, 7, 0);
	add(aggregate, "bpf_new", "vmlinux", &caller, 9, 0);
	aggregate__set_deprecation(aggregate, aggregate__kfunc(aggregate, "bpf_old", "vmlinux"),
				   "superseded", "bpf_new()", NULL);
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_int_equal(count(&exposition, "kfunctrace_deprecated_calls_total"), 1);
	sample = find(&exposition, "kfunctrace_deprecated_calls_total", "kfunc", "bpf_old");
	assert_string_equal(sample->value, "7");
	assert_string_equal(label(sample, "replacement"), "bpf_new()");
	assert_string_equal(label(sample, "deprecation"), "superseded");
	assert_string_equal(label(sample, "since"), "");
	assert_string_equal(label(sample, "program"), "first");
	release(&exposition);
	aggregate__free(aggregate);
}

static void no_two_problems_are_the_same_series(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program other = { .kind = KNOWN_OTHER }, caller = program("first", "xdp");
	__u32 kfunc = aggregate__kfunc(aggregate, "bpf_old", "vmlinux");
	struct aggregate_problem problems[] = {
		{ kfunc, aggregate__caller(aggregate, &other), NULL, (char *)"deprecated", NULL,
		  2 },
		{ kfunc, aggregate__caller(aggregate, &caller), NULL, (char *)"deprecated", NULL,
		  1 },
		{ kfunc, aggregate__caller(aggregate, &other), NULL, (char *)"deprecated", NULL,
		  3 },
		{ kfunc, aggregate__caller(aggregate, &other), (char *)"7.3", (char *)"removed",
		  NULL, 1 },
	};
	struct exposition exposition;

	(void)state;
	assert_int_equal(aggregate__set_problems(aggregate, problems, ARRAY_SIZE(problems)), 0);
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	assert_int_equal(count(&exposition, "kfunctrace_problem_programs"), 3);
	assert_value(&exposition, "kfunctrace_problem_programs", "caller", "other", "5");
	assert_value(&exposition, "kfunctrace_problem_programs", "program", "first", "1");
	assert_value(&exposition, "kfunctrace_problem_programs", "target", "7.3", "1");
	release(&exposition);
	aggregate__free(aggregate);
}

/* --- holding times --------------------------------------------------------------------------------- */

static const __u64 times[] = { 0,
			       1,
			       1023,
			       1024,
			       8191,
			       8192,
			       131071,
			       131072,
			       1048575,
			       1048576,
			       1073741823,
			       1073741824,
			       5000000,
			       600000000000ull,
			       1125899906842623ull,
			       1125899906842624ull,
			       ~0ull >> 1 };

/* As the kernel side fills it. */
static struct kft_hold hold_of_times(void)
{
	struct kft_hold hold = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int bucket = times[i] ? 64 - __builtin_clzll(times[i]) : 0;

		hold.count++;
		hold.sum += times[i] < 1ull << 60 ? times[i] : 0;
		hold.buckets[bucket < KFT_BUCKETS ? bucket : KFT_BUCKETS - 1]++;
	}
	return hold;
}

static void a_bucket_has_exactly_the_times_up_to_its_border(void **state)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program caller = program("first", "xdp");
	struct kft_hold hold = hold_of_times();
	struct exposition exposition;
	size_t nr = 0;

	(void)state;
	hold.count += 3; /* of which nobody knows how long */
	aggregate_row__add_held(add(aggregate, "bpf_a", "vmlinux", &caller, 1, 0), &hold);
	exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	for (size_t i = 0; i < exposition.nr; i++) {
		const struct sample *sample = &exposition.samples[i];
		const char *le = label(sample, "le");
		size_t below = 0;

		if (strcmp(sample->name, "kfunctrace_reference_holding_seconds_bucket"))
			continue;
		nr++;
		for (size_t j = 0; j < ARRAY_SIZE(times); j++)
			below += !strcmp(le, "+Inf") ||
				 times[j] <= (__u64)(strtod(le, NULL) * 1e9 + 0.5);
		assert_int_equal(atoi(sample->value), below);
	}
	assert_int_equal(nr, METRIC_NR_BORDERS + 1);
	assert_value(&exposition, "kfunctrace_reference_holding_seconds_count", NULL, NULL, "17");
	assert_value(&exposition, "kfunctrace_reference_holding_unknown_total", NULL, NULL, "3");
	release(&exposition);
	aggregate__free(aggregate);
}

static void borders_are_written_as_prometheus_writes_them(void **state)
{
	(void)state;
	for (int i = 0; i < METRIC_NR_BORDERS; i++) {
		double border = ((1ull << (metric_borders[i].bucket - 1)) - 1) / 1e9;
		char shortest[40];

		/* %g turns to an exponent later than Go does: from 21 digits on, or 6 of these. */
		for (int digits = 1; digits < 18; digits++) {
			snprintf(shortest, sizeof(shortest), border >= 1e6 ? "%.*e" : "%.*g",
				 border >= 1e6 ? digits - 1 : digits, border);
			if (strtod(shortest, NULL) == border)
				break;
		}
		assert_string_equal(metric_borders[i].le, shortest);
	}
}

/* --- formats --------------------------------------------------------------------------------------- */

/* One of everything. */
static struct aggregate *full_aggregate(void)
{
	struct aggregate *aggregate = new_aggregate();
	struct known_program caller = program("first", "xdp");
	struct kft_hold hold = hold_of_times();
	struct aggregate_row *row = add(aggregate, "bpf_a", "vmlinux", &caller, 9, 3);
	struct aggregate_state *state = aggregate__state(aggregate);
	__u32 kfunc = row->kfunc;

	row->outstanding = 1;
	row->counts.acquired = 6;
	row->counts.zeros = row->counts.unclear = 1;
	aggregate_row__add_held(row, &hold);
	aggregate__set_deprecation(aggregate, kfunc, "deprecated", "bpf_b", "6.9");
	aggregate__kfunc_for(aggregate, kfunc)->runs = 1;
	add(aggregate, "bpf_b", "vmlinux", &caller, 9, 3);
	aggregate__set_traced(aggregate, aggregate__kfunc(aggregate, "bpf_c", "vmlinux"), false,
			      "no \"ftrace\" site");
	aggregate__type_for(aggregate, aggregate__type(aggregate, "task_struct"))->oldest_ns = 5;
	aggregate__type(aggregate, "cgroup");
	state->ready = state->history_on = true;
	state->started = state->counting_since = state->last_drain = NOW;
	state->cost.drains = state->cost.drain_ns = state->cost.process_ns = 1;
	state->cost.probe_ns = state->cost.rss_bytes = state->cost.kernel_bytes = 1;
	return aggregate;
}

/* The family of a header or a sample, in OpenMetrics. */
static void family_of(const char *line, char *family, size_t size)
{
	static const char *const suffixes[] = { "_total", "_info", "_bucket", "_count", "_sum" };
	bool header = *line == '#';

	if (header)
		line = strchr(line + 2, ' ') + 1;
	snprintf(family, size, "%.*s", (int)strcspn(line, " {"), line);
	for (size_t i = 0; !header && i < ARRAY_SIZE(suffixes); i++) {
		char *end = family + strlen(family) - strlen(suffixes[i]);

		if (end > family && !strcmp(end, suffixes[i])) {
			*end = '\0';
			return;
		}
	}
}

static void each_family_is_in_one_piece_and_has_headers(void **state)
{
	struct aggregate *aggregate = full_aggregate();
	struct exposition exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	char seen[80][128], family[128];
	int nr = 0;

	(void)state;
	for (const char *at = exposition.text; strncmp(at, "# EOF", 5); at = strchr(at, '\n') + 1) {
		family_of(at, family, sizeof(family));
		if (nr && !strcmp(seen[nr - 1], family))
			continue;
		for (int i = 0; i < nr; i++)
			assert_string_not_equal(seen[i], family);
		/* A new one begins with its type; its help comes before the first sample. */
		assert_int_equal(strncmp(at, "# TYPE ", 7), 0);
		assert_true(strstr(at, "\n# HELP ") < strchr(strchr(at, '\n') + 1, '\n') ||
			    !strncmp(strchr(at, '\n'), "\n# UNIT ", 8));
		strcpy(seen[nr++], family);
	}
	assert_true(nr > 35);
	release(&exposition);
	aggregate__free(aggregate);
}

static void a_unit_is_the_end_of_the_name(void **state)
{
	struct aggregate *aggregate = full_aggregate();
	struct exposition exposition = expose(aggregate, EXPOSITION_OPENMETRICS);
	char name[128], unit[32];
	int nr = 0;

	(void)state;
	for (const char *at = exposition.text; (at = strstr(at, "# UNIT ")); at++, nr++) {
		assert_int_equal(sscanf(at, "# UNIT %127s %31s", name, unit), 2);
		assert_string_equal(name + strlen(name) - strlen(unit), unit);
	}
	assert_true(nr >= 8);
	release(&exposition);
	aggregate__free(aggregate);
}

static void it_ends_where_it_says(void **state)
{
	struct aggregate *aggregate = full_aggregate();
	struct exposition exposition = expose(aggregate, EXPOSITION_OPENMETRICS);

	(void)state;
	assert_string_equal(exposition.text + exposition.size - 7, "\n# EOF\n");
	assert_ptr_equal(strstr(exposition.text, "# EOF"), exposition.text + exposition.size - 6);
	release(&exposition);
	aggregate__free(aggregate);
}

static void the_older_format_has_the_same_samples(void **state)
{
	struct aggregate *aggregate = full_aggregate();
	struct exposition newer = expose(aggregate, EXPOSITION_OPENMETRICS);
	struct exposition older = expose(aggregate, EXPOSITION_PROMETHEUS);

	(void)state;
	assert_int_equal(newer.nr, older.nr);
	for (size_t i = 0; i < newer.nr; i++)
		assert_memory_equal(&newer.samples[i], &older.samples[i], sizeof(newer.samples[i]));
	assert_null(strstr(older.text, "# EOF"));
	assert_null(strstr(older.text, "# UNIT"));
	assert_non_null(strstr(older.text, "# TYPE kfunctrace_kfunc_calls_total counter\n"));
	assert_non_null(strstr(newer.text, "# TYPE kfunctrace_kfunc_calls counter\n"));
	assert_non_null(strstr(older.text, "# TYPE kfunctrace_build_info gauge\n"));
	assert_non_null(strstr(newer.text, "# TYPE kfunctrace_build info\n"));
	release(&newer);
	release(&older);
	aggregate__free(aggregate);
}

static void a_client_gets_what_it_asks_for(void **state)
{
	static const struct {
		const char *accept;
		enum exposition_format format;
		bool acceptable;
	} clients[] = {
		{ NULL, EXPOSITION_PROMETHEUS, true },
		{ "", EXPOSITION_PROMETHEUS, true },
		{ "*/*", EXPOSITION_PROMETHEUS, true },
		{ "text/html, */*;q=0.1", EXPOSITION_PROMETHEUS, true },
		{ "application/openmetrics-text", EXPOSITION_OPENMETRICS, true },
		{ "application/openmetrics-text; version=1.0.0; charset=utf-8",
		  EXPOSITION_OPENMETRICS, true },
		{ "Application/OpenMetrics-Text;Version=\"1.0.0\"", EXPOSITION_OPENMETRICS, true },
		/* Prometheus 2.42, 2.54 and 3, VictoriaMetrics */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPOSITION_OPENMETRICS, true },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		  "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,"
		  "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,"
		  "*/*;q=0.2",
		  EXPOSITION_OPENMETRICS, true },
		{ "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		  "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
		  "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  EXPOSITION_OPENMETRICS, true },
		{ "text/plain;version=0.0.4;q=1,*/*;q=0.1", EXPOSITION_PROMETHEUS, true },
		/* It would rather have the other. */
		{ "application/openmetrics-text;q=0.4, text/plain;q=0.5", EXPOSITION_PROMETHEUS,
		  true },
		{ "application/openmetrics-text;q=0, */*", EXPOSITION_PROMETHEUS, true },
		/* It would rather have a version that there is not. */
		{ "application/openmetrics-text;version=2.0.0, text/*;q=0.1", EXPOSITION_PROMETHEUS,
		  true },
		{ "application/openmetrics-text;version=2.0.0", EXPOSITION_PROMETHEUS, false },
		{ "application/json", EXPOSITION_PROMETHEUS, false },
		{ "text/plain;q=0", EXPOSITION_PROMETHEUS, false },
		{ "text/plain;q=0, */*", EXPOSITION_PROMETHEUS, false },
		{ "text/plain;q=nan", EXPOSITION_PROMETHEUS, false },
		/* Garbage ends. */
		{ ",,;;==q=,;q", EXPOSITION_PROMETHEUS, false },
		{ "text/plain;;;q=\"", EXPOSITION_PROMETHEUS, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		if (exposition__choose(clients[i].accept) != clients[i].format ||
		    exposition__acceptable(clients[i].accept) != clients[i].acceptable)
			print_error("%s\n", clients[i].accept);
		assert_int_equal(exposition__choose(clients[i].accept), clients[i].format);
		assert_int_equal(exposition__acceptable(clients[i].accept), clients[i].acceptable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_has_its_count),
		cmocka_unit_test(a_count_keeps_its_last_digit),
		cmocka_unit_test(names_survive_whatever_is_in_them),
		cmocka_unit_test(what_is_not_utf8_is_told_apart),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(deprecated_calls_say_what_to_call_instead),
		cmocka_unit_test(no_two_problems_are_the_same_series),
		cmocka_unit_test(a_bucket_has_exactly_the_times_up_to_its_border),
		cmocka_unit_test(borders_are_written_as_prometheus_writes_them),
		cmocka_unit_test(each_family_is_in_one_piece_and_has_headers),
		cmocka_unit_test(a_unit_is_the_end_of_the_name),
		cmocka_unit_test(it_ends_where_it_says),
		cmocka_unit_test(the_older_format_has_the_same_samples),
		cmocka_unit_test(a_client_gets_what_it_asks_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
