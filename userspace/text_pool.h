/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts that are kept once, however often they are said. */
#ifndef KFUNCTRACE_TEXT_POOL_H
#define KFUNCTRACE_TEXT_POOL_H

struct text_pool;

struct text_pool *text_pool__new(void);
void text_pool__free(struct text_pool *pool);
/*
 * The pool's copy, which is printable and lives as long as the pool; NULL without memory, and for NULL.
 */
const char *text_pool__keep(struct text_pool *pool, const char *text);
const char *text_pool__format(struct text_pool *pool, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
