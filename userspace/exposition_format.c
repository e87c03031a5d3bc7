// SPDX-License-Identifier: GPL-2.0-only
/* Which of the formats a client gets: what it says in its Accept header. */
#include "openmetrics.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OPENMETRICS_TYPE    "application/openmetrics-text"
#define OPENMETRICS_VERSION "1.0.0"
#define PROMETHEUS_VERSION  "0.0.4"

/* How much a client wants each, 0 to 1; -1: it does not say. */
struct preferences {
	double openmetrics, text, any_text, any;
};

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* Whether the first `length` bytes are that word. */
static bool is_word(const char *at, size_t length, const char *word)
{
	return length == strlen(word) && !strncasecmp(at, word, length);
}

struct media_range {
	const char *type;
	size_t type_length;
	const char *version; /* NULL: none is given */
	size_t version_length;
	double quality;
};

static void parse_parameter(struct media_range *range, const char *name, size_t name_length,
			    const char *value, size_t value_length)
{
	if (value_length >= 2 && *value == '"' && value[value_length - 1] == '"') {
		value++;
		value_length -= 2;
	}
	if (is_word(name, name_length, "version")) {
		range->version = value;
		range->version_length = value_length;
	} else if (is_word(name, name_length, "q")) {
		char number[8] = "";

		memcpy(number, value, value_length < 7 ? value_length : 7);
		range->quality = strtod(number, NULL);
		/* NAN is neither. */
		if (!(range->quality >= 0 && range->quality <= 1))
			range->quality = 0;
	}
}

/* The range that begins at `at`; returns where the next begins, or the end. */
static const char *parse_range(const char *at, struct media_range *range)
{
	at = skip_blanks(at);
	*range = (struct media_range){ .type = at, .quality = 1 };
	range->type_length = strcspn(at, ";, \t");
	at = skip_blanks(at + range->type_length);
	while (*at == ';') {
		const char *name = skip_blanks(at + 1), *value;
		size_t name_length = strcspn(name, "=;, \t");

		at = skip_blanks(name + name_length);
		if (*at != '=')
			continue;
		value = skip_blanks(at + 1);
		at = value + strcspn(value, ";, \t");
		parse_parameter(range, name, name_length, value, at - value);
		at = skip_blanks(at);
	}
	at += strcspn(at, ",");
	return *at ? at + 1 : at;
}

static bool is_version(const struct media_range *range, const char *version)
{
	return !range->version || is_word(range->version, range->version_length, version);
}

static void prefer(double *preference, double quality)
{
	if (quality > *preference)
		*preference = quality;
}

static struct preferences parse_accept(const char *accept)
{
	struct preferences preferences = { -1, -1, -1, -1 };

	while (*accept) {
		struct media_range range;

		accept = parse_range(accept, &range);
		if (is_word(range.type, range.type_length, OPENMETRICS_TYPE)) {
			if (is_version(&range, OPENMETRICS_VERSION))
				prefer(&preferences.openmetrics, range.quality);
		} else if (is_word(range.type, range.type_length, "text/plain")) {
			if (is_version(&range, PROMETHEUS_VERSION))
				prefer(&preferences.text, range.quality);
		} else if (is_word(range.type, range.type_length, "text/*")) {
			prefer(&preferences.any_text, range.quality);
		} else if (is_word(range.type, range.type_length, "*/*")) {
			prefer(&preferences.any, range.quality);
		}
	}
	/* What is said of a type goes before what is said of all. */
	if (preferences.text < 0)
		preferences.text = preferences.any_text;
	if (preferences.text < 0)
		preferences.text = preferences.any;
	return preferences;
}

enum exposition_format exposition__choose(const char *accept)
{
	struct preferences preferences = parse_accept(accept ?: "");

	return preferences.openmetrics > 0 && preferences.openmetrics >= preferences.text
		       ? EXPOSITION_OPENMETRICS
		       : EXPOSITION_PROMETHEUS;
}

bool exposition__acceptable(const char *accept)
{
	struct preferences preferences;

	if (!accept || !*skip_blanks(accept))
		return true;
	preferences = parse_accept(accept);
	return preferences.openmetrics > 0 || preferences.text > 0;
}

const char *exposition__content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		       ? OPENMETRICS_TYPE "; version=" OPENMETRICS_VERSION "; charset=utf-8"
		       : "text/plain; version=" PROMETHEUS_VERSION "; charset=utf-8";
}
