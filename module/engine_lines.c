// SPDX-License-Identifier: GPL-2.0
/*
 * Source lines of call sites in BPF programs.
 *
 * A program has them until its last reference is gone; its counts stay for longer. So they are looked
 * up when somebody reads, and once more, to be kept, when the program goes. What is read of a program
 * is read as if it were bad memory: should its going be missed, the line is wrong, and no more.
 */
#include <linux/filter.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "engine.h"

#define TABLE_BITS 10
/* Beginnings of a path are cut in such steps until the rest, which has the file's name, fits. */
#define FILE_STEP 32

struct kept_line {
	struct hlist_node node;
	struct kft_site_key key;
	struct kft_site site;
};

/* With engine_lock held. */
static struct hlist_head kept[1 << TABLE_BITS];
static u32 nr_kept;

/* --- looking up ------------------------------------------------------------------------------- */

void engine_lines__of_image(const struct bpf_prog_aux *aux, u32 subprog, u32 nr_subprogs,
			    struct engine_lines *lines)
{
	const struct bpf_prog *func = nr_subprogs ? aux->func[subprog] : aux->prog;

	memset(lines, 0, sizeof(*lines));
	lines->symbol = compat_symbol_of_program(subprog ? func : aux->prog);
	if (!aux->btf || !aux->linfo || !aux->jited_linfo)
		return;
	lines->btf = aux->btf;
	lines->infos = aux->linfo;
	lines->addresses = aux->jited_linfo;
	lines->first = func->aux->linfo_idx;
	lines->end = aux->nr_linfo;
	/* A hidden subprogram has none. */
	if (subprog + 1 < nr_subprogs && aux->func[subprog + 1]->aux->linfo_idx > lines->first)
		lines->end = aux->func[subprog + 1]->aux->linfo_idx;
}

static u64 address_of_line(const struct engine_lines *lines, u32 i)
{
	void *address;

	return get_kernel_nofault(address, &lines->addresses[i]) ? 0 : (u64)address;
}

/* The last line that begins before the return address; they are in ascending order. -1: none. */
static int find_line(const struct engine_lines *lines, u64 start, u64 return_address)
{
	u32 low = lines->first, high = lines->end;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (address_of_line(lines, middle) < return_address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > lines->first && address_of_line(lines, low - 1) >= start ? low - 1 : -1;
}

/* Lines that are read are lines of text: none of a program's strings breaks them. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((u8)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

static void read_function(const struct engine_lines *lines, struct kft_site *site)
{
	char symbol[COMPAT_SYMBOL_PREFIX_LEN + sizeof(site->function)];

	if (!lines->symbol || copy_from_kernel_nofault(symbol, lines->symbol, sizeof(symbol)))
		return;
	symbol[sizeof(symbol) - 1] = '\0';
	if (strlen(symbol) > COMPAT_SYMBOL_PREFIX_LEN)
		strscpy(site->function, symbol + COMPAT_SYMBOL_PREFIX_LEN, sizeof(site->function));
	make_printable(site->function);
}

/* The end of the path that stands at `offset` in the strings. */
static void read_file(const struct btf *btf, u32 offset, struct kft_site *site)
{
	const char *strings;
	u32 len = compat_btf_strings(btf, &strings);

	for (; offset < len; offset += FILE_STEP) {
		u32 chunk = min_t(u32, len - offset, sizeof(site->file));

		if (copy_from_kernel_nofault(site->file, strings + offset, chunk))
			break;
		if (memchr(site->file, '\0', chunk)) {
			make_printable(site->file);
			return;
		}
	}
	site->file[0] = '\0';
}

static void look_up(const struct engine_lines *lines, u64 start, u64 return_address,
		    struct kft_site *site)
{
	int at = find_line(lines, start, return_address);
	struct bpf_line_info info;

	memset(site, 0, sizeof(*site));
	read_function(lines, site);
	if (at < 0 || get_kernel_nofault(info, &lines->infos[at]))
		return;
	read_file(lines->btf, info.file_name_off, site);
	if (site->file[0])
		site->line = BPF_LINE_INFO_LINE_NUM(info.line_col);
}

/* --- keeping ---------------------------------------------------------------------------------- */

static struct hlist_head *bucket_of(const struct kft_site_key *key)
{
	u32 hash = jhash_3words(key->prog_id, key->subprog, key->offset, 0);

	return &kept[hash & (ARRAY_SIZE(kept) - 1)];
}

static struct kept_line *find_kept(const struct kft_site_key *key)
{
	struct kept_line *line;

	hlist_for_each_entry(line, bucket_of(key), node) {
		if (line->key.prog_id == key->prog_id && line->key.subprog == key->subprog &&
		    line->key.offset == key->offset)
			return line;
	}
	return NULL;
}

/* Without room or memory the site has no line, which is no loss of counts. */
void engine_lines__keep(const struct engine_lines *lines, const struct kft_site_key *key, u64 start)
{
	struct kept_line *line;

	if (nr_kept >= KFT_MAX_SITES || find_kept(key))
		return;
	line = engine_zalloc(sizeof(*line), GFP_ATOMIC);
	if (!line)
		return;
	line->key = *key;
	look_up(lines, start, start + key->offset, &line->site);
	hlist_add_head(&line->node, bucket_of(key));
	nr_kept++;
}

static void drop(bool all, u32 prog_id)
{
	struct hlist_node *next;
	struct kept_line *line;

	for (int i = 0; i < ARRAY_SIZE(kept); i++) {
		hlist_for_each_entry_safe(line, next, &kept[i], node) {
			if (!all && line->key.prog_id != prog_id)
				continue;
			hlist_del(&line->node);
			kfree(line);
			nr_kept--;
		}
	}
}

void engine_lines__forget(u32 prog_id)
{
	drop(false, prog_id);
}

void engine_lines__free(void)
{
	drop(true, 0);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool show(struct engine_reading *reading, const struct kft_site_key *key,
		 const struct kft_site *site)
{
	seq_printf(reading->m, "site %u %u 0x%x %u %s %s\n", key->prog_id, key->subprog, key->offset,
		   site->line, site->function[0] ? site->function : "-", site->file);
	return engine_reading__goes_on(reading);
}

bool engine_lines__show_one(struct engine_reading *reading, const struct engine_lines *lines,
			    const struct kft_site_key *key, u64 start)
{
	struct kft_site site;

	look_up(lines, start, start + key->offset, &site);
	return show(reading, key, &site);
}

void engine_lines__show_kept(struct engine_reading *reading)
{
	struct kept_line *line;

	for (int i = 0; i < ARRAY_SIZE(kept); i++) {
		hlist_for_each_entry(line, &kept[i], node) {
			if (!show(reading, &line->key, &line->site))
				return;
		}
	}
}
