// SPDX-License-Identifier: GPL-2.0-only
/* The catalogue of deprecated kfuncs: what is read out of its files, and what is said of bad ones. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deprecations.h"
#include "kernel_version.h"
#include "snapshot.h"

static char folder[64]; /* of a test: share/ and etc/ with deprecations.d/ in each */

static int setup(void **state)
{
	char path[128];

	(void)state;
	strcpy(folder, "/tmp/test_deprecations.XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "etc" : "share";

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		assert_int_equal(mkdir(path, 0755), 0);
		setenv(i ? "KFUNCTRACE_CONFIG" : "KFUNCTRACE_DATA", path, 1);
		strcat(path, "/deprecations.d");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void write_file(const char *where, const char *name, const char *text)
{
	char path[160];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s/deprecations.d/%s", folder, where, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* Loads the catalogue; what was said meanwhile is in `said`, which must be freed. */
static struct deprecations *load(char **said)
{
	struct deprecations *all;
	int saved = dup(STDERR_FILENO);
	FILE *taken = tmpfile();
	size_t len;

	fflush(stderr);
	dup2(fileno(taken), STDERR_FILENO);
	assert_int_equal(deprecations__load(&all), 0);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = lseek(fileno(taken), 0, SEEK_END);
	rewind(taken);
	*said = calloc(1, len + 1);
	assert_int_equal(fread(*said, 1, len, taken), len);
	fclose(taken);
	return all;
}

static struct deprecations *load_silently(void)
{
	struct deprecations *all;
	char *said;

	all = load(&said);
	assert_string_equal(said, "");
	free(said);
	return all;
}

static void expect_words(const char *said, const char *words)
{
	if (!strstr(said, words))
		fail_msg("'%s' is not in '%s'", words, said);
}

static void a_section_is_a_kfunc(void **state)
{
	const struct deprecation *found;
	struct deprecations *all;

	(void)state;
	write_file(
		"share", "a.ini",
		"; a comment\n[old]\nsince = 6.12\nremoved-in=7.3\nreplacement = new_one or two\n"
		"words = Will go\nsource = kernel/x.c (7.2)\n");
	all = load_silently();
	assert_int_equal(deprecations__nr(all), 1);
	assert_ptr_equal(deprecations__find(all, "old"), deprecations__at(all, 0));
	assert_null(deprecations__find(all, "ol"));
	found = deprecations__find(all, "old");
	assert_string_equal(found->kfunc, "old");
	assert_int_equal(found->kind, DEPRECATION_MARKED);
	assert_int_equal(found->since, KVER(6, 12));
	assert_int_equal(found->removed_in, KVER(7, 3));
	assert_string_equal(found->replacement, "new_one or two");
	assert_string_equal(found->words, "Will go");
	assert_string_equal(found->source, "kernel/x.c (7.2)");
	assert_null(found->renamed_to);
	expect_words(found->file, "share/deprecations.d/a.ini");
	deprecations__free(all);
}

static void the_kind_follows_from_the_keys(void **state)
{
	struct deprecations *all;

	(void)state;
	write_file("share", "a.ini",
		   "[marked]\nsince = 6.1\n[always]\nwords = x\n[renamed]\nremoved-in = 6.16\n"
		   "renamed-to = y\n[removed]\nremoved-in = 6.4\n[superseded]\nsince = 7.2\n"
		   "kind = superseded\n[renamed_later]\nsince = 6.13\nremoved-in = 6.16\n"
		   "renamed-to = z\nkind = renamed\n");
	all = load_silently();
	assert_int_equal(deprecations__find(all, "marked")->kind, DEPRECATION_MARKED);
	assert_int_equal(deprecations__find(all, "always")->kind, DEPRECATION_MARKED);
	assert_int_equal(deprecations__find(all, "renamed")->kind, DEPRECATION_RENAMED);
	assert_int_equal(deprecations__find(all, "removed")->kind, DEPRECATION_REMOVED);
	assert_int_equal(deprecations__find(all, "superseded")->kind, DEPRECATION_SUPERSEDED);
	assert_string_equal(deprecation__replacement(deprecations__find(all, "renamed")), "y");

	assert_false(deprecation__applies(deprecations__find(all, "marked"), KVER(6, 0)));
	assert_true(deprecation__applies(deprecations__find(all, "marked"), KVER(6, 1)));
	assert_true(deprecation__applies(deprecations__find(all, "always"), KVER(5, 18)));
	assert_false(deprecation__applies(deprecations__find(all, "renamed"), KVER(6, 12)));
	assert_false(deprecation__applies(deprecations__find(all, "removed"), KVER(6, 1)));
	assert_false(deprecation__applies(deprecations__find(all, "superseded"), KVER(6, 12)));
	assert_true(deprecation__applies(deprecations__find(all, "superseded"), KVER(7, 3)));
	assert_false(deprecation__applies(deprecations__find(all, "renamed_later"), KVER(6, 12)));
	assert_true(deprecation__applies(deprecations__find(all, "renamed_later"), KVER(6, 13)));
	deprecations__free(all);
}

static void users_add_and_replace(void **state)
{
	const struct deprecation *found;
	struct deprecations *all;

	(void)state;
	write_file("share", "a.ini", "[x]\nsince = 7.2\nwords = shipped\n[y]\nsince = 7.2\n");
	write_file("etc", "b.ini", "[x]\nsince = 6.1\nreplacement = mine\n[z]\nsince = 6.1\n");
	write_file("etc", "b.ini~", "[no]\nsince = 6.1\n");
	all = load_silently();
	assert_int_equal(deprecations__nr(all), 3);
	found = deprecations__find(all, "x");
	assert_int_equal(found->since, KVER(6, 1));
	assert_string_equal(found->replacement, "mine");
	/* Of the shipped section nothing is left. */
	assert_null(found->words);
	expect_words(found->file, "etc/deprecations.d/b.ini");
	assert_non_null(deprecations__find(all, "y"));
	assert_non_null(deprecations__find(all, "z"));
	deprecations__free(all);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	struct deprecations *all;
	char *said;

	(void)state;
	write_file("share", "a.ini",
		   "since = 6.1\n[x]\nsince = soon\ncolour = red\nkind = old\nnonsense\n"
		   "replacement = good\n[y]\nsince = 6.1x\n[x]\nwords = more\n[z]\nsince = 0.1\n");
	write_file("share", "b.ini", "[good]\nsince = 6.1\n");
	all = load(&said);
	expect_words(said, "a.ini:1: before the first [kfunc] stands 'since'");
	expect_words(said, "a.ini:3: no kernel version such as 6.12: 'soon'");
	expect_words(said, "a.ini:4: there is no key 'colour'");
	expect_words(said, "a.ini:5: a kind is deprecated, superseded, renamed or removed, not "
			   "'old'");
	expect_words(said, "a.ini:6: neither [kfunc] nor key = value");
	expect_words(said, "a.ini:9: no kernel version such as 6.12: '6.1x'");
	expect_words(said, "a.ini:11: this file has two sections of 'x'");
	expect_words(said, "a.ini:13: no kernel version");
	free(said);
	assert_string_equal(deprecations__find(all, "x")->replacement, "good");
	assert_string_equal(deprecations__find(all, "x")->words, "more");
	assert_int_equal(deprecations__find(all, "good")->since, KVER(6, 1));
	deprecations__free(all);
}

static void files_that_cannot_be_read_do_no_harm(void **state)
{
	char path[160], *said, text[4000] = "[x]\nwords = ";
	struct deprecations *all;

	(void)state;
	memset(text + strlen(text), 'w', sizeof(text) - 100);
	strcat(text, "\nreplacement = y\n");
	write_file("share", "long.ini", text);
	write_file("share", "empty.ini", "");
	write_file("share", "binary.ini",
		   "\x7f"
		   "ELF\x02\x01\x01\xff\xfe\n\n[[[\n]]]\n=\n");
	snprintf(path, sizeof(path), "%s/share/deprecations.d/folder.ini", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/share/deprecations.d/nowhere.ini", folder);
	assert_int_equal(symlink("/nowhere", path), 0);
	all = load(&said);
	expect_words(said, "long.ini:2: longer than");
	expect_words(said, "binary.ini:1: neither");
	expect_words(said, "folder.ini");
	expect_words(said, "nowhere.ini: No such file");
	free(said);
	assert_string_equal(deprecations__find(all, "x")->replacement, "y");
	assert_true(strlen(deprecations__find(all, "x")->words) > 100);
	deprecations__free(all);
}

static void without_folders_there_is_one_warning(void **state)
{
	struct deprecations *all;
	char *said;

	(void)state;
	setenv("KFUNCTRACE_DATA", "/nowhere", 1);
	setenv("KFUNCTRACE_CONFIG", "/nowhere", 1);
	all = load(&said);
	expect_words(said, "cannot read the catalogue of deprecated kfuncs");
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	free(said);
	assert_int_equal(deprecations__nr(all), 0);
	assert_null(deprecations__find(all, "x"));
	deprecations__free(all);
}

static void a_kernels_own_flag_counts(void **state)
{
	struct snapshot_hook hook = { .name = "tc",
				      .flags = { "acquire", "deprecated" },
				      .nr_flags = 2 };
	struct snapshot_kfunc kfunc = { .name = "x", .hooks = &hook, .nr_hooks = 1 };
	const struct deprecation *found;
	struct deprecations *all;

	(void)state;
	write_file("share", "a.ini", "[later]\nsince = 7.2\nreplacement = y\n");
	all = load_silently();
	assert_true(snapshot_kfunc__deprecated(&kfunc));
	hook.nr_flags = 1;
	assert_false(snapshot_kfunc__deprecated(&kfunc));
	/* No bit of today's kernels is taken for it. */
	assert_false(kfunc_flags__deprecated(~0u));

	assert_null(deprecations__of(all, "x", false, KVER(7, 3)));
	found = deprecations__of(all, "x", true, KVER(7, 3));
	assert_int_equal(found->kind, DEPRECATION_MARKED);
	assert_null(found->kfunc);
	assert_null(deprecations__of(all, "later", false, KVER(6, 12)));
	assert_string_equal(deprecations__of(all, "later", true, KVER(6, 12))->replacement, "y");
	deprecations__free(all);
}

static void notes_name_each_kfunc_once(void **state)
{
	struct deprecation_notes notes = { 0 };
	struct deprecations *all;
	char *text;
	size_t size;
	FILE *out;

	(void)state;
	write_file("share", "a.ini", "[x]\nsince = 7.2\nreplacement = y\n[w]\nwords = bad\n");
	all = load_silently();
	assert_string_equal(deprecation_notes__mark(&notes, "a", NULL), "");
	for (int i = 0; i < 2; i++)
		assert_string_equal(
			deprecation_notes__mark(&notes, "x", deprecations__find(all, "x")), "!");
	assert_string_equal(deprecation_notes__mark(&notes, "w", deprecations__find(all, "w")),
			    "!");
	out = open_memstream(&text, &size);
	deprecation_notes__print(&notes, out);
	deprecation_notes__print(&notes, out);
	fclose(out);
	assert_string_equal(text, " ! x: deprecated since 7.2, use y\n"
				  " ! w: deprecated, no replacement is known\n");
	free(text);
	deprecations__free(all);
}

static void the_shipped_catalogue_is_sound(void **state)
{
	struct deprecations *all;

	(void)state;
	setenv("KFUNCTRACE_DATA", "share", 1);
	all = load_silently();
	assert_true(deprecations__nr(all) > 20);
	for (size_t i = 0; i < deprecations__nr(all); i++) {
		const struct deprecation *entry = deprecations__at(all, i);

		if (!entry->source || !deprecation__replacement(entry))
			fail_msg("%s: no source or no replacement", entry->kfunc);
		if (entry->kind == DEPRECATION_MARKED && (!entry->words || !entry->since))
			fail_msg("%s: marked, but where and since when?", entry->kfunc);
		if (entry->kind == DEPRECATION_RENAMED && !entry->renamed_to)
			fail_msg("%s: renamed to what?", entry->kfunc);
		if (entry->kind >= DEPRECATION_RENAMED && !entry->removed_in)
			fail_msg("%s: gone since when?", entry->kfunc);
	}
	deprecations__free(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_section_is_a_kfunc),
		TEST(the_kind_follows_from_the_keys),
		TEST(users_add_and_replace),
		TEST(what_is_wrong_is_said_with_its_line),
		TEST(files_that_cannot_be_read_do_no_harm),
		TEST(without_folders_there_is_one_warning),
		TEST(a_kernels_own_flag_counts),
		TEST(notes_name_each_kfunc_once),
		TEST(the_shipped_catalogue_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
