// SPDX-License-Identifier: GPL-2.0-only
#include "config_values.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};

/* strtod() also takes signs, hexadecimal digits, "inf" and "nan": it gets nothing but digits. */
static bool parse(const char *text, const struct unit *units, size_t nr, double *value)
{
	char digits[32];
	size_t len = strspn(text, "0123456789.");
	char *end;
	double number;

	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	number = strtod(digits, &end);
	if (*end || end == digits)
		return false;
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(text + len, units[i].name) == 0) {
			*value = number * units[i].factor;
			return true;
		}
	}
	return false;
}

#define PARSE(text, units, value) parse(text, units, sizeof(units) / sizeof((units)[0]), value)

bool config_value__time(const char *text, double *seconds)
{
	static const struct unit units[] = { { "", 1 },	     { "ms", 1e-3 }, { "s", 1 },
					     { "m", 60 },    { "min", 60 },  { "h", 3600 },
					     { "d", 86400 }, { "w", 604800 } };

	return PARSE(text, units, seconds);
}

bool config_value__bytes(const char *text, double *bytes)
{
	static const struct unit units[] = { { "", 1 },
					     { "K", 1024 },
					     { "M", 1 << 20 },
					     { "G", 1 << 30 },
					     { "T", (double)(1ull << 40) } };

	return PARSE(text, units, bytes);
}

bool config_value__share(const char *text, double *share)
{
	static const struct unit units[] = { { "%", 0.01 } };

	return PARSE(text, units, share);
}

bool config_value__number(const char *text, double *number)
{
	static const struct unit units[] = { { "", 1 } };

	return PARSE(text, units, number);
}
