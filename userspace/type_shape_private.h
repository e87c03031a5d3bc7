/* SPDX-License-Identifier: GPL-2.0-only */
/* For those that make shapes; everybody else uses type_shape.h. */
#ifndef KFUNCTRACE_TYPE_SHAPE_PRIVATE_H
#define KFUNCTRACE_TYPE_SHAPE_PRIVATE_H

#include "type_shape.h"

/* Deeper than any prototype: damaged input must not take the stack. */
#define TYPE_MAX_DEPTH 24

/* NULL without memory. */
struct type_shape *type_shape__new(enum type_kind kind);
/* Moves a shape into place and frees what it came in; false when it is NULL. */
bool type_shape__put(struct type_shape *place, struct type_shape *shape);
/* A new parameter, or NULL without memory. */
struct type_shape *type_shape__add_param(struct type_shape *function);

#endif
