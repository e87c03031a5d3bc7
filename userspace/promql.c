// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts in expressions. A regular expression stands in a string, so what is special in either is
 * escaped for both.
 */
#include <string.h>

#include "prometheus_client.h"

static void print_char(FILE *out, char c)
{
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (c == '\n')
		fputs("\\n", out);
	else
		fputc(c, out);
}

void promql__print_string(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text)
		print_char(out, *text++);
	fputc('"', out);
}

/* A character that stands for itself in a regular expression. */
static void print_plain(FILE *out, char c)
{
	if (strchr(".+*?()|[]{}^$\\", c))
		fputs("\\\\", out);
	print_char(out, c);
}

void promql__print_literal(FILE *out, const char *text)
{
	while (*text)
		print_plain(out, *text++);
}

/* The ']' of a set whose '[' is before `text`; NULL: there is none, then '[' stands for itself. */
static const char *set_end(const char *text)
{
	if (*text == '!' || *text == '^')
		text++;
	if (*text == ']')
		text++;
	return strchr(text, ']');
}

/*
 * [a-z] and [!x]. The server need not be exact here, as whoever asks compares again: from a set with
 * classes or escapes on, everything matches.
 */
static const char *print_set(FILE *out, const char *text)
{
	const char *end = set_end(text), *p = text;

	if (!end) {
		fputs("\\\\[", out);
		return text;
	}
	if (memchr(text, '[', end - text) || memchr(text, '\\', end - text)) {
		fputs(".*", out);
		return text + strlen(text);
	}
	fputc('[', out);
	if (*p == '!' || *p == '^') {
		fputc('^', out);
		p++;
	}
	for (; p < end; p++) {
		if (*p == ']' || *p == '^')
			fputs("\\\\", out);
		print_char(out, *p);
	}
	fputc(']', out);
	return end + 1;
}

void promql__print_glob(FILE *out, const char *glob)
{
	while (*glob) {
		char c = *glob++;

		if (c == '*') {
			fputs(".*", out);
		} else if (c == '?') {
			fputc('.', out);
		} else if (c == '[') {
			glob = print_set(out, glob);
		} else {
			if (c == '\\' && *glob)
				c = *glob++;
			print_plain(out, c);
		}
	}
}
