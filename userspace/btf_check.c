// SPDX-License-Identifier: GPL-2.0-only
#include "btf_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "message.h"
#include "printable.h"

/* Pointers, arrays, modifiers and typedefs one behind the other; C code has less than ten. */
#define MAX_CHAIN 32

struct check {
	const struct btf *btf;
	__u32 nr;
};

static bool has_name(const struct check *check, __u32 offset)
{
	const char *name = btf__name_by_offset(check->btf, offset);

	return name && printable__is(name);
}

static bool has_type(const struct check *check, __u32 id)
{
	return id < check->nr;
}

/* Kinds that say what they are by one other type. */
static bool refers(const struct btf_type *type)
{
	return btf_is_ptr(type) || btf_is_mod(type) || btf_is_typedef(type) ||
	       btf_is_type_tag(type) || btf_is_func(type) || btf_is_func_proto(type) ||
	       btf_is_var(type) || btf_is_decl_tag(type);
}

static bool members_are_there(const struct check *check, const struct btf_type *type)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];

		if (!has_name(check, member->name_off) || !has_type(check, member->type))
			return false;
	}
	return true;
}

static bool params_are_there(const struct check *check, const struct btf_type *type)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_param *param = &btf_params(type)[i];

		if (!has_name(check, param->name_off) || !has_type(check, param->type))
			return false;
	}
	return true;
}

static bool values_are_named(const struct check *check, const struct btf_type *type)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		__u32 name = btf_is_enum(type) ? btf_enum(type)[i].name_off
					       : btf_enum64(type)[i].name_off;

		if (!has_name(check, name))
			return false;
	}
	return true;
}

static bool variables_are_there(const struct check *check, const struct btf_type *type)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		if (!has_type(check, btf_var_secinfos(type)[i].type))
			return false;
	}
	return true;
}

/* A function is of a prototype, and nothing else is. */
static bool is_function_of_prototype(const struct check *check, const struct btf_type *type)
{
	const struct btf_type *proto = btf__type_by_id(check->btf, type->type);

	return type->type && proto && btf_is_func_proto(proto);
}

static bool is_whole(const struct check *check, const struct btf_type *type)
{
	if (!has_name(check, type->name_off) || (refers(type) && !has_type(check, type->type)))
		return false;
	switch (btf_kind(type)) {
	case BTF_KIND_ARRAY:
		return has_type(check, btf_array(type)->type) &&
		       has_type(check, btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return members_are_there(check, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return values_are_named(check, type);
	case BTF_KIND_FUNC:
		return is_function_of_prototype(check, type);
	case BTF_KIND_FUNC_PROTO:
		return params_are_there(check, type);
	case BTF_KIND_DATASEC:
		return variables_are_there(check, type);
	default:
		return true;
	}
}

static bool comes_to_an_end(const struct check *check, const struct btf_type *type)
{
	for (int i = 0; i < MAX_CHAIN; i++) {
		__u32 next;

		if (btf_is_array(type))
			next = btf_array(type)->type;
		else if (refers(type) && !btf_is_decl_tag(type))
			next = type->type;
		else
			return true;
		if (!next)
			return true;
		type = btf__type_by_id(check->btf, next);
		if (!type)
			return false;
	}
	return false;
}

int btf_check(const struct btf *btf, __u32 first, char *why, size_t size)
{
	struct check check = { .btf = btf, .nr = btf__type_cnt(btf) };

	for (__u32 id = first ?: 1; id < check.nr; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *what = NULL;

		if (!type || !is_whole(&check, type))
			what = "refers to a name or a type that is not there, or is no text";
		else if (!comes_to_an_end(&check, type))
			what = "leads to itself";
		if (what) {
			snprintf(why, size, "type %u %s", id, what);
			return -EBADMSG;
		}
	}
	return 0;
}

/* libbpf 1.1 declares btf__new_split() and does not export it: it takes such types from a file only. */
static struct btf *parse_split(const void *data, size_t size, struct btf *base)
{
	int fd = memfd_create("btf", MFD_CLOEXEC), err = 0;
	const char *at = data;
	struct btf *btf = NULL;
	char path[32];

	if (fd < 0)
		return NULL;
	while (size) {
		ssize_t len = write(fd, at, size);

		if (len < 0) {
			err = errno;
			break;
		}
		at += len;
		size -= len;
	}
	if (!err) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		btf = btf__parse_raw_split(path, base);
		err = errno;
	}
	close(fd);
	errno = err;
	return btf;
}

int btf_check__parse(const char *name, const void *data, size_t size, struct btf *base,
		     struct btf **result)
{
	struct btf *btf = base ? parse_split(data, size, base) : btf__new(data, size);
	char why[128];
	int err;

	if (!btf) {
		err = -errno;
		msg__error("%s: its BTF cannot be read: %s; is it cut short or damaged?", name,
			   strerror(-err));
		return err == -ENOMEM ? err : -EBADMSG;
	}
	err = btf_check(btf, base ? btf__type_cnt(base) : 1, why, sizeof(why));
	if (err) {
		msg__error("%s: its BTF is damaged: %s%s", name, why,
			   base ? "; is it a module of this very kernel?" : "");
		btf__free(btf);
		return err;
	}
	*result = btf;
	return 0;
}
