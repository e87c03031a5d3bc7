// SPDX-License-Identifier: GPL-2.0-only
#include "kernel_image.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "btf_check.h"
#include "btf_ids.h"
#include "elf_file.h"
#include "file_bytes.h"
#include "kernel_version.h"
#include "message.h"
#include "unpack.h"

#define TAG		 "bpf_kfunc"
#define ID_PREFIX	 "__BTF_ID__"
#define SET_PREFIX	 ID_PREFIX "set8__"
#define MODULE_NAME_LEN	 64
#define RELEASE_NAME_LEN 128

struct kernel_image {
	char *path;
	struct file_bytes bytes; /* what the ELF file lies in */
	struct elf_file *elf;
	bool is_module;
	bool has_symbols;
	char module[MODULE_NAME_LEN];
	char release[RELEASE_NAME_LEN];
	struct btf *distilled; /* .BTF.base */
	struct btf *btf;
	__u32 first_id;
	bool *tagged; /* by id, from first_id on; NULL when there are no tags */
	__u32 nr_types;
	struct btf_id_sets sets;
};

/* --- what it is ------------------------------------------------------------------------------- */

/* Copies the word at `from`, which ends before `end`; false when it is none or does not fit. */
static bool copy_word(char *to, size_t size, const char *from, const char *end)
{
	size_t len = 0;

	while (from + len < end && isgraph((unsigned char)from[len]))
		len++;
	if (!len || len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* Lines "key=value", each with a null byte behind it. */
static bool copy_modinfo(const struct elf_section *modinfo, const char *key, char *to, size_t size)
{
	const char *at = modinfo->data, *end = at + modinfo->size;
	size_t len = strlen(key);

	while (at < end) {
		size_t left = end - at;

		if (left > len && memcmp(at, key, len) == 0 && at[len] == '=')
			return copy_word(to, size, at + len + 1, end);
		at += strnlen(at, left) + 1;
	}
	return false;
}

/* The kernel's banner, "Linux version 6.12.107-amd64 (...". */
static bool copy_banner(const void *data, size_t size, char *to, size_t to_size)
{
	static const char banner[] = "Linux version ";
	const char *at = data, *end = at + size;

	while ((at = memmem(at, end - at, banner, strlen(banner)))) {
		at += strlen(banner);
		if (at < end && isdigit((unsigned char)*at))
			return copy_word(to, to_size, at, end);
	}
	return false;
}

static int identify_module(struct kernel_image *image, const struct elf_section *modinfo)
{
	image->is_module = true;
	if (!copy_modinfo(modinfo, "name", image->module, sizeof(image->module)) ||
	    !copy_modinfo(modinfo, "vermagic", image->release, sizeof(image->release))) {
		msg__error("%s: a module that does not say its name and its kernel (.modinfo); is "
			   "it damaged?",
			   image->path);
		return -EBADMSG;
	}
	return 0;
}

/*
 * The vmlinux in Debian's packages of headers is for building modules: it has types and ids, and
 * nothing that says its version, but for the name of its folder.
 */
static bool copy_headers_release(const char *path, char *to, size_t size)
{
	static const char headers[] = "/linux-headers-";
	const char *at = strstr(path, headers);

	if (!at)
		return false;
	at += strlen(headers);
	return copy_word(to, size, at, at + strcspn(at, "/"));
}

static int identify_kernel(struct kernel_image *image)
{
	struct elf_section rodata;
	int err;

	snprintf(image->module, sizeof(image->module), "vmlinux");
	err = elf_file__section(image->elf, ".rodata", &rodata);
	if (err && err != -ENOENT)
		return err;
	if (!err && rodata.data &&
	    copy_banner(rodata.data, rodata.size, image->release, sizeof(image->release)))
		return 0;
	if (copy_banner(image->bytes.data, image->bytes.size, image->release,
			sizeof(image->release)))
		return 0;
	if (elf_file__section(image->elf, ".BTF", &rodata) == 0 &&
	    copy_headers_release(image->path, image->release, sizeof(image->release)))
		return 0;
	msg__error("%s: neither a kernel (it says no `Linux version`) nor a module", image->path);
	return -EBADMSG;
}

static bool has_function_symbols(const struct elf_file *elf)
{
	for (int i = 0; i < elf_file__nr_symbols(elf); i++) {
		if (elf_file__symbol_at(elf, i)->type == STT_FUNC)
			return true;
	}
	return false;
}

static int identify(struct kernel_image *image)
{
	struct elf_section modinfo;
	int err;

	if (elf_file__machine(image->elf) == EM_BPF) {
		msg__error("%s: an object file of BPF programs, not a kernel or a module",
			   image->path);
		return -EBADMSG;
	}
	image->has_symbols = has_function_symbols(image->elf);
	err = elf_file__section(image->elf, ".modinfo", &modinfo);
	if (!err && elf_file__type(image->elf) == ET_REL && modinfo.data)
		return identify_module(image, &modinfo);
	return err && err != -ENOENT ? err : identify_kernel(image);
}

/* --- the file --------------------------------------------------------------------------------- */

/* Replaces what is packed by what is in it. */
static int unpack(struct kernel_image *image)
{
	struct file_bytes *bytes = &image->bytes;
	void *unpacked;
	size_t size;
	int err;

	if (bzimage__is(bytes->data, bytes->size))
		err = bzimage__unpack(image->path, bytes->data, bytes->size, &unpacked, &size);
	else if (unpack__is_packed(bytes->data, bytes->size))
		err = unpack__all(image->path, bytes->data, bytes->size, &unpacked, &size);
	else
		return 0;
	if (err)
		return err;
	file_bytes__free(bytes);
	*bytes = (struct file_bytes){ .data = unpacked, .size = size };
	return 0;
}

static bool is_package(const struct file_bytes *bytes)
{
	static const char magic[] = "!<arch>\n";

	return bytes->size >= strlen(magic) && memcmp(bytes->data, magic, strlen(magic)) == 0;
}

static int open_bytes(struct kernel_image *image)
{
	int err = unpack(image);

	if (err)
		return err;
	if (!elf_file__is(image->bytes.data, image->bytes.size)) {
		msg__error("%s: no kernel and no module: %s", image->path,
			   is_package(&image->bytes) ? "is it a package?"
						     : "neither ELF nor a compressed image");
		return -EBADMSG;
	}
	return elf_file__open(image->path, image->bytes.data, image->bytes.size, &image->elf)
		       ?: identify(image);
}

/* Takes the bytes over. */
static int make(const char *path, struct file_bytes bytes, struct kernel_image **result)
{
	struct kernel_image *image = calloc(1, sizeof(*image));
	int err = -ENOMEM;

	if (image)
		image->path = strdup(path);
	if (!image || !image->path) {
		file_bytes__free(&bytes);
		msg__error("%s: not enough memory to read it", path);
	} else {
		image->bytes = bytes;
		err = open_bytes(image);
	}
	if (err) {
		kernel_image__free(image);
		return err;
	}
	*result = image;
	return 0;
}

int kernel_image__open(const char *path, struct kernel_image **image)
{
	struct file_bytes bytes;

	return file_bytes__read(path, &bytes) ?: make(path, bytes, image);
}

int kernel_image__open_memory(const char *name, void *data, size_t size,
			      struct kernel_image **image)
{
	return make(name, (struct file_bytes){ .data = data, .size = size }, image);
}

void kernel_image__free(struct kernel_image *image)
{
	if (!image)
		return;
	btf_id_sets__free(&image->sets);
	free(image->tagged);
	btf__free(image->btf);
	btf__free(image->distilled);
	elf_file__free(image->elf);
	file_bytes__free(&image->bytes);
	free(image->path);
	free(image);
}

/* --- types ------------------------------------------------------------------------------------ */

/* Types that a module brings of its kernel, when it was built apart from it. */
static int read_distilled(struct kernel_image *image)
{
	struct elf_section section;
	int err = elf_file__section(image->elf, ".BTF.base", &section);

	if (err)
		return err == -ENOENT ? 0 : err;
	return btf_check__parse(image->path, section.data, section.size, NULL, &image->distilled);
}

static int check_kernel(const struct kernel_image *image, const struct kernel_image *kernel)
{
	if (!kernel) {
		msg__error("%s: a module of %s, and its types make no sense without those of its "
			   "kernel: give that one too",
			   image->path, image->release);
		return -EINVAL;
	}
	if (strcmp(kernel->release, image->release) != 0) {
		msg__error("%s: a module of %s, and %s is %s", image->path, image->release,
			   kernel->path, kernel->release);
		return -EINVAL;
	}
	return 0;
}

static int read_btf(struct kernel_image *image, const struct kernel_image *kernel)
{
	struct elf_section section;
	struct btf *base = NULL;
	int err = elf_file__section(image->elf, ".BTF", &section);

	if (err == -ENOENT || (!err && !section.data)) {
		msg__error("%s: has no BTF: %s", image->path,
			   image->is_module ? "its build had no vmlinux at hand"
					    : "the kernel is built without CONFIG_DEBUG_INFO_BTF");
		return -ENODATA;
	}
	if (!err && image->is_module)
		err = read_distilled(image);
	if (!err && image->is_module) {
		base = image->distilled;
		if (!base) {
			err = check_kernel(image, kernel);
			base = err ? NULL : kernel->btf;
		}
	}
	if (!err)
		err = btf_check__parse(image->path, section.data, section.size, base, &image->btf);
	if (err)
		return err;
	image->first_id = base ? btf__type_cnt(base) : 1;
	image->nr_types = btf__type_cnt(image->btf);
	return 0;
}

static int read_tags(struct kernel_image *image)
{
	for (__u32 id = image->first_id; id < image->nr_types; id++) {
		const struct btf_type *type = btf__type_by_id(image->btf, id);

		if (!btf_is_decl_tag(type) || btf_decl_tag(type)->component_idx != -1 ||
		    type->type < image->first_id || type->type >= image->nr_types ||
		    strcmp(btf__name_by_offset(image->btf, type->name_off), TAG) != 0)
			continue;
		if (!image->tagged)
			image->tagged = calloc(image->nr_types, sizeof(*image->tagged));
		if (!image->tagged) {
			msg__error("%s: not enough memory for its tags", image->path);
			return -ENOMEM;
		}
		image->tagged[type->type - image->first_id] = true;
	}
	return 0;
}

/* --- sets of kfuncs --------------------------------------------------------------------------- */

/*
 * The symbols of sets in .BTF_ids; they are addresses in a kernel. NULL when there are none of ids at
 * all: they are local, and some ways to strip a file take only those out.
 */
static int find_set_symbols(const struct kernel_image *image, const struct elf_section *ids,
			    struct btf_id_symbol **result, int *nr)
{
	struct btf_id_symbol *symbols;
	bool found = false;

	*result = NULL;
	*nr = 0;
	if (!elf_file__nr_symbols(image->elf))
		return 0;
	symbols = calloc(elf_file__nr_symbols(image->elf), sizeof(*symbols));
	if (!symbols) {
		msg__error("%s: not enough memory for its symbols", image->path);
		return -ENOMEM;
	}
	for (int i = 0; i < elf_file__nr_symbols(image->elf); i++) {
		const struct elf_symbol *symbol = elf_file__symbol_at(image->elf, i);

		if (symbol->section != ids->index ||
		    strncmp(symbol->name, ID_PREFIX, strlen(ID_PREFIX)) != 0)
			continue;
		found = true;
		if (strncmp(symbol->name, SET_PREFIX, strlen(SET_PREFIX)) == 0)
			symbols[(*nr)++] = (struct btf_id_symbol){
				.name = symbol->name + strlen(SET_PREFIX),
				.offset = symbol->value - ids->address,
				.size = symbol->size,
			};
	}
	if (found)
		*result = symbols;
	else
		free(symbols);
	return 0;
}

static int read_sets(struct kernel_image *image)
{
	struct btf_ids_input input = {
		.file = image->path,
		.swapped = elf_file__is_swapped(image->elf),
		.version = kernel_image__version(image),
		.btf = image->btf,
		.first_id = image->first_id,
	};
	struct btf_id_symbol *symbols;
	struct elf_section ids;
	int err = elf_file__section(image->elf, ".BTF_ids", &ids);

	if (err == -ENOENT || (!err && !ids.data))
		return 0;
	if (!err)
		err = find_set_symbols(image, &ids, &symbols, &input.nr_symbols);
	if (err)
		return err;
	input.data = ids.data;
	input.size = ids.size;
	input.symbols = symbols;
	err = btf_ids__read(&input, &image->sets);
	free(symbols);
	return err;
}

int kernel_image__read_types(struct kernel_image *image, struct kernel_image *kernel)
{
	return read_btf(image, kernel) ?: read_tags(image) ?: read_sets(image);
}

/* --- what there is ---------------------------------------------------------------------------- */

bool kernel_image__is_module(const struct kernel_image *image)
{
	return image->is_module;
}

bool kernel_image__may_have_kfuncs(const struct kernel_image *image)
{
	struct btf_id_symbol *symbols;
	struct elf_section ids;
	bool may;
	int nr;

	if (elf_file__section(image->elf, ".BTF_ids", &ids) || !ids.data ||
	    find_set_symbols(image, &ids, &symbols, &nr))
		return false;
	may = nr || !symbols;
	free(symbols);
	return may;
}

const char *kernel_image__path(const struct kernel_image *image)
{
	return image->path;
}

const char *kernel_image__module(const struct kernel_image *image)
{
	return image->module;
}

const char *kernel_image__release(const struct kernel_image *image)
{
	return image->release;
}

unsigned int kernel_image__version(const struct kernel_image *image)
{
	return kernel_version__parse(image->release);
}

const char *kernel_image__arch(const struct kernel_image *image)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{ EM_X86_64, "x86_64" },
		{ EM_AARCH64, "aarch64" },
		{ EM_RISCV, "riscv64" },
		{ EM_S390, "s390x" },
		{ EM_PPC64, "ppc64le" },
		{ EM_386, "i686" },
		{ EM_ARM, "armv7l" },
		{ EM_MIPS, "mips64" },
#ifdef EM_LOONGARCH
		{ EM_LOONGARCH, "loongarch64" },
#endif
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].machine == elf_file__machine(image->elf))
			return names[i].name;
	}
	return "unknown";
}

const struct elf_file *kernel_image__elf(const struct kernel_image *image)
{
	return image->elf;
}

bool kernel_image__has_symbols(const struct kernel_image *image)
{
	return image->has_symbols;
}

const struct btf *kernel_image__btf(const struct kernel_image *image)
{
	return image->btf;
}

__u32 kernel_image__first_id(const struct kernel_image *image)
{
	return image->first_id;
}

bool kernel_image__has_tags(const struct kernel_image *image)
{
	return image->tagged;
}

bool kernel_image__is_tagged(const struct kernel_image *image, __u32 func_id)
{
	return image->tagged && func_id >= image->first_id && func_id < image->nr_types &&
	       image->tagged[func_id - image->first_id];
}

int kernel_image__nr_sets(const struct kernel_image *image)
{
	return image->sets.nr;
}

const struct btf_id_set *kernel_image__set_at(const struct kernel_image *image, int index)
{
	return &image->sets.sets[index];
}
