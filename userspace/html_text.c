// SPDX-License-Identifier: GPL-2.0-only
#include "html_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "printable.h"

/* Not characters, and not allowed in XML: U+FFFE and U+FFFF. */
static int is_no_character(const char *at)
{
	return !memcmp(at, "\xef\xbf", 2) && ((unsigned char)at[2] & 0xfe) == 0xbe;
}

static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		case '\xef':
			if (is_no_character(text)) {
				fputc('?', out);
				text += 2;
				break;
			}
			/* fallthrough */
		default:
			fputc(*text, out);
		}
	}
}

void html__text(FILE *out, const char *text)
{
	char *copy;

	if (!text)
		return;
	if (printable__is(text)) {
		put(out, text);
		return;
	}
	copy = strdup(text);
	if (!copy) {
		fputc('?', out);
		return;
	}
	printable__make(copy);
	put(out, copy);
	free(copy);
}

/* Bytes of the first `max` characters. */
static size_t bytes_of(const char *text, size_t max)
{
	size_t len = 0;

	while (text[len]) {
		if ((text[len] & 0xc0) != 0x80 && !max--)
			break;
		len++;
	}
	return len;
}

void html__short_text(FILE *out, const char *text, size_t max)
{
	size_t len = text ? bytes_of(text, max) : 0;
	char *copy;

	if (!text || !text[len]) {
		html__text(out, text);
		return;
	}
	copy = strndup(text, bytes_of(text, max - 1));
	html__text(out, copy ?: "?");
	html__text(out, "…");
	free(copy);
}

/* One conversion: `spec` is all of it, "%5.1f". */
static void put_converted(FILE *out, const char *spec, va_list *args)
{
	char kind = spec[strlen(spec) - 1];
	bool is_long = strchr(spec, 'l'), is_size = strchr(spec, 'z');

	switch (kind) {
	case '%':
		fputc('%', out);
		break;
	case 's':
		html__text(out, va_arg(*args, const char *));
		break;
	case 'f':
	case 'g':
		fprintf(out, spec, va_arg(*args, double));
		break;
	case 'c':
		put(out, (char[]){ va_arg(*args, int), '\0' });
		break;
	default:
		if (strstr(spec, "ll"))
			fprintf(out, spec, va_arg(*args, long long));
		else if (is_long)
			fprintf(out, spec, va_arg(*args, long));
		else if (is_size)
			fprintf(out, spec, va_arg(*args, size_t));
		else
			fprintf(out, spec, va_arg(*args, int));
	}
}

void html__printf(FILE *out, const char *fmt, ...)
{
	char spec[16];
	va_list args;

	va_start(args, fmt);
	while (*fmt) {
		size_t len = strcspn(fmt, "%");

		fwrite(fmt, 1, len, out);
		fmt += len;
		if (!*fmt)
			break;
		len = 1 + strcspn(fmt + 1, "cdiuxfgs%") + 1;
		if (len >= sizeof(spec))
			break;
		memcpy(spec, fmt, len);
		spec[len] = '\0';
		put_converted(out, spec, &args);
		fmt += len;
	}
	va_end(args);
}
