/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing HTML and SVG in which no text can be taken for markup. The pages are XML as well: what is
 * not well-formed is a mistake of ours.
 */
#ifndef KFUNCTRACE_HTML_TEXT_H
#define KFUNCTRACE_HTML_TEXT_H

#include <stdio.h>

/*
 * Writes `text` such that it is text, in an element or in a quoted attribute. What is not printable
 * becomes a '?'. NULL is nothing.
 */
void html__text(FILE *out, const char *text);
/*
 * As fprintf(), but each %s is written by html__text(); the format itself is markup. Knows the
 * conversions c d i u x f g s %, with width, precision and the sizes l, ll, z.
 */
void html__printf(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As html__text(), not longer than `max` characters: then the end is an ellipsis. */
void html__short_text(FILE *out, const char *text, size_t max);

#endif
