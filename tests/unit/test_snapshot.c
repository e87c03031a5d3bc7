// SPDX-License-Identifier: GPL-2.0-only
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deprecations.h"
#include "snapshot.h"
#include "snapshot_diff.h"

#define HEAD                                                                                       \
	"{\"format\":1,\"kernel\":{\"release\":\"6.1\",\"arch\":\"x86_64\"},\"typedefs\":{},\"kfuncs\":["
#define KFUNC(name, module, hooks, returns, params)                                                \
	"{\"name\":\"" name "\",\"module\":\"" module "\",\"hooks\":{" hooks                       \
	"},\"filtered\":[],\"returns\":\"" returns "\",\"params\":[" params                        \
	"],\"abi\":null,\"coverage\":\"traced\"}"
#define PARAM(type, name) "{\"type\":\"" type "\",\"name\":\"" name "\"}"
#define TAIL		  "]}"

static struct deprecations *catalogue; /* of the tests that have one */

static int read_text(const char *text, struct snapshot *snapshot)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err = snapshot__read(in, "test", snapshot);

	fclose(in);
	return err;
}

/* The changes between two kernels, "kind[!] what" a line; '!' is breaking. */
static char *changes(const char *old_kfuncs, const char *new_kfuncs)
{
	struct snapshot old, new;
	struct snapshot_diff diff;
	char *texts[2], *result;
	size_t size;
	FILE *out;

	assert_true(asprintf(&texts[0], HEAD "%s" TAIL, old_kfuncs) > 0);
	assert_true(asprintf(&texts[1], HEAD "%s" TAIL, new_kfuncs) > 0);
	assert_int_equal(read_text(texts[0], &old), 0);
	assert_int_equal(read_text(texts[1], &new), 0);
	assert_int_equal(snapshot_diff__make(&diff, &old, &new, catalogue), 0);
	out = open_memstream(&result, &size);
	for (size_t i = 0; i < diff.nr; i++)
		fprintf(out, "%s%s %s\n", change_kind__name(diff.changes[i].kind),
			diff.changes[i].breaks ? "!" : "", diff.changes[i].what);
	fclose(out);
	snapshot_diff__free(&diff);
	snapshot__free(&old);
	snapshot__free(&new);
	free(texts[0]);
	free(texts[1]);
	return result;
}

static void expect(const char *old_kfuncs, const char *new_kfuncs, const char *wanted)
{
	char *found = changes(old_kfuncs, new_kfuncs);

	assert_string_equal(found, wanted);
	free(found);
}

#define PLAIN(hooks)	   KFUNC("f", "vmlinux", hooks, "int", "")
#define TAKING(type, name) KFUNC("f", "vmlinux", "\"tc\":[]", "int", PARAM(type, name))
#define RETURNING(type)	   KFUNC("f", "vmlinux", "\"tc\":[]", type, "")

static void a_kernel_is_equal_to_itself(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[\"acquire\"]"), PLAIN("\"tc\":[\"acquire\"]"), "");
}

static void what_comes_and_goes(void **state)
{
	(void)state;
	expect("", PLAIN("\"tc\":[]"), "added vmlinux\n");
	expect(PLAIN("\"tc\":[]"), "", "removed! vmlinux\n");
	expect(PLAIN("\"tc\":[]"), KFUNC("f", "nf_nat", "\"tc\":[]", "int", ""),
	       "moved! vmlinux -> nf_nat\n");
}

static void flags_that_ask_more_of_programs_break(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[]"), PLAIN("\"tc\":[\"ret_null\"]"), "flag! +ret_null\n");
	expect(PLAIN("\"tc\":[\"ret_null\"]"), PLAIN("\"tc\":[]"), "flag -ret_null\n");
	expect(PLAIN("\"tc\":[]"), PLAIN("\"tc\":[\"sleepable\"]"), "flag! +sleepable\n");
	expect(PLAIN("\"tc\":[]"), PLAIN("\"tc\":[\"bit 25\"]"), "flag +bit 25\n");
	/* The same of two hooks is said once. */
	expect(PLAIN("\"tc\":[],\"xdp\":[]"), PLAIN("\"tc\":[\"acquire\"],\"xdp\":[\"acquire\"]"),
	       "flag! +acquire\n");
}

static void a_lost_hook_breaks_and_common_is_for_all(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[],\"xdp\":[]"), PLAIN("\"tc\":[]"), "hook! -xdp\n");
	expect(PLAIN("\"tc\":[]"), PLAIN("\"tc\":[],\"xdp\":[]"), "hook +xdp\n");
	expect(PLAIN("\"tc\":[],\"xdp\":[]"), PLAIN("\"common\":[]"), "hook +common\n");
	/* The kernel does not look at the flags of the other. */
	expect(PLAIN("\"common\":[],\"tc\":[\"acquire\"]"),
	       PLAIN("\"common\":[],\"tc\":[\"acquire\"]"), "");
}

static void unknown_hooks_and_coverage_are_not_compared(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[\"acquire\"],\"xdp\":[\"acquire\"]"),
	       PLAIN("\"unknown\":[\"acquire\"]"), "");
	expect(PLAIN("\"unknown\":[\"acquire\"]"), PLAIN("\"common\":[\"acquire\"]"), "");
	expect(KFUNC("f", "vmlinux", "\"tc\":[]", "int", ""),
	       "{\"name\":\"f\",\"module\":\"vmlinux\",\"hooks\":{\"tc\":[]},\"filtered\":null,"
	       "\"returns\":\"int\",\"params\":[],\"abi\":null,\"coverage\":\"unknown\"}",
	       "");
}

static void flags_of_unknown_hooks_are_compared(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[],\"lsm\":[\"ret_null\"]"), PLAIN("\"unknown\":[\"ret_null\"]"),
	       "flag! +ret_null\n");
	expect(PLAIN("\"tc\":[],\"lsm\":[\"ret_null\"]"),
	       PLAIN("\"unknown\":[],\"unknown-2\":[\"ret_null\"]"), "");
	expect(PLAIN("\"unknown\":[]"), PLAIN("\"unknown\":[\"sleepable\"]"), "flag! +sleepable\n");
	/* A kernel's hook of such a name would be another thing. */
	expect(PLAIN("\"unknowns\":[]"), PLAIN("\"tc\":[]"), "hook! -unknowns\nhook +tc\n");
}

static void numbers_of_another_width_and_const_do_not_break(void **state)
{
	(void)state;
	expect(TAKING("u32", "n"), TAKING("u64", "n"), "signature parameter 1: u32 n -> u64 n\n");
	expect(TAKING("const struct file *", "f"), TAKING("struct file *", "f"),
	       "signature parameter 1: const struct file * f -> struct file * f\n");
	expect(TAKING("struct bpf_dynptr_kern *", "p"), TAKING("struct bpf_dynptr *", "p"),
	       "signature parameter 1: struct bpf_dynptr_kern * p -> struct bpf_dynptr * p\n");
	expect(RETURNING("void *"), RETURNING("void __address_space(1) *"),
	       "signature returns void * -> void __address_space(1) *\n");
}

static void another_type_breaks(void **state)
{
	(void)state;
	expect(TAKING("struct file *", "f"), TAKING("struct path *", "f"),
	       "signature! parameter 1: struct file * f -> struct path * f\n");
	expect(TAKING("u64", "n"), TAKING("void *", "n"),
	       "signature! parameter 1: u64 n -> void * n\n");
	expect(RETURNING("int"), RETURNING("void"), "signature! returns int -> void\n");
	expect(RETURNING("int"), TAKING("int", "a"), "signature! parameter 1 added: int a\n");
	expect(TAKING("int", "a"), RETURNING("int"), "signature! parameter 1 removed: int a\n");
}

static void a_parameter_is_what_its_suffix_says(void **state)
{
	(void)state;
	expect(TAKING("void *", "buf"), TAKING("void *", "buffer"), "");
	expect(TAKING("u32", "n"), TAKING("u32", "n__sz"), "signature! parameter 1: n -> n__sz\n");
	expect(TAKING("void *", "buffer__opt"), TAKING("void *", "buffer__nullable"),
	       "signature parameter 1: buffer__opt -> buffer__nullable\n");
}

static int with_catalogue(void **state)
{
	char folder[] = "/tmp/test_snapshot.XXXXXX", path[64];
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("KFUNCTRACE_DATA", folder, 1);
	setenv("KFUNCTRACE_CONFIG", "/nowhere", 1);
	snprintf(path, sizeof(path), "%s/deprecations.d", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	strcat(path, "/a.ini");
	out = fopen(path, "w");
	fputs("[f]\nrenamed-to = g\nremoved-in = 6.0\n[gone]\nreplacement = h or i\nsince = 6.2\n"
	      "[late]\nsince = 6.1\nreplacement = h\n[later]\nsince = 6.2\n",
	      out);
	fclose(out);
	assert_int_equal(deprecations__load(&catalogue), 0);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(folder);
	return 0;
}

static int without_catalogue(void **state)
{
	(void)state;
	deprecations__free(catalogue);
	catalogue = NULL;
	return 0;
}

#define OTHER(hooks, params) KFUNC("g", "vmlinux", hooks, "int", params)

static void a_known_rename_is_one_change(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[]"), OTHER("\"tc\":[]", ""), "renamed! f -> g\n");
	/* The way back is a rename as well. */
	expect(OTHER("\"tc\":[]", ""), PLAIN("\"tc\":[]"), "renamed! g -> f\n");
	/* All else that is different between the two is said too. */
	expect(TAKING("struct cgroup *", "cgrp"),
	       OTHER("\"tc\":[\"sleepable\"]", PARAM("struct css *", "css")),
	       "renamed! f -> g\n"
	       "signature! parameter 1: struct cgroup * cgrp -> struct css * css\n"
	       "flag! +sleepable\n");
}

static void where_both_names_are_nothing_was_renamed(void **state)
{
	(void)state;
	expect(PLAIN("\"tc\":[]"), PLAIN("\"tc\":[]") "," OTHER("\"tc\":[]", ""),
	       "added vmlinux\n");
	expect(PLAIN("\"tc\":[]") "," OTHER("\"tc\":[]", ""), OTHER("\"tc\":[]", ""),
	       "removed! vmlinux\n");
	expect(PLAIN("\"tc\":[]"), KFUNC("h", "vmlinux", "\"tc\":[]", "int", ""),
	       "removed! vmlinux\nadded vmlinux\n");
}

static void what_is_removed_has_its_replacement(void **state)
{
	struct snapshot old, new;
	struct snapshot_diff diff;

	(void)state;
	assert_int_equal(
		read_text(HEAD KFUNC("gone", "vmlinux", "\"tc\":[]", "int", "") TAIL, &old), 0);
	assert_int_equal(read_text(HEAD TAIL, &new), 0);
	assert_int_equal(snapshot_diff__make(&diff, &old, &new, catalogue), 0);
	assert_int_equal(diff.nr, 1);
	assert_int_equal(diff.changes[0].kind, CHANGE_REMOVED);
	assert_string_equal(diff.changes[0].replacement, "h or i");
	snapshot_diff__free(&diff);
	snapshot__free(&old);
	snapshot__free(&new);
}

static void a_deprecation_is_a_change(void **state)
{
	static const char older[] =
		"{\"format\":1,\"kernel\":{\"release\":\"6.0\",\"arch\":"
		"\"x86_64\"},\"typedefs\":{},\"kfuncs\":[" KFUNC(
			"late", "vmlinux", "\"tc\":[]", "int",
			"") "," KFUNC("later", "vmlinux", "\"tc\":[]", "int", "") TAIL;
	static const char newer[] = HEAD KFUNC("late", "vmlinux", "\"tc\":[]", "int", "") "," KFUNC(
		"later", "vmlinux", "\"tc\":[]", "int", "") TAIL;
	struct snapshot old, new;
	struct snapshot_diff diff;

	(void)state;
	assert_int_equal(read_text(older, &old), 0);
	assert_int_equal(read_text(newer, &new), 0);
	assert_int_equal(snapshot_diff__make(&diff, &old, &new, catalogue), 0);
	assert_int_equal(diff.nr, 1);
	assert_int_equal(diff.nr_breaking, 0);
	assert_int_equal(diff.changes[0].kind, CHANGE_DEPRECATED);
	assert_string_equal(diff.changes[0].kfunc, "late");
	assert_string_equal(diff.changes[0].what, "deprecated since 6.1, use h");
	assert_string_equal(diff.changes[0].replacement, "h");
	snapshot_diff__free(&diff);
	/* It was so before, or the way is back. */
	assert_int_equal(snapshot_diff__make(&diff, &new, &old, catalogue), 0);
	assert_int_equal(diff.nr, 0);
	snapshot_diff__free(&diff);
	assert_int_equal(snapshot_diff__make(&diff, &new, &new, catalogue), 0);
	assert_int_equal(diff.nr, 0);
	snapshot_diff__free(&diff);
	snapshot__free(&old);
	snapshot__free(&new);
}

static void what_is_no_snapshot_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"[]",
		"{",
		"{\"format\":1}",
		"{\"format\":\"1\",\"kernel\":{},\"kfuncs\":[]}",
		"{\"format\":2,\"kernel\":{\"release\":\"9\",\"arch\":\"x\"},\"kfuncs\":[]}",
		HEAD "{}" TAIL,
		HEAD "7" TAIL,
		HEAD KFUNC("f", "vmlinux", "\"tc\":7", "int", "") TAIL,
		HEAD KFUNC("f", "vmlinux", "", "int", "") "," KFUNC("f", "vmlinux", "", "int", "")
			TAIL,
		HEAD KFUNC("f", "vmlinux", "\"tc\":[7]", "int", "") TAIL,
		HEAD KFUNC("f", "vmlinux", "\"tc\":[]", "int", "{\"type\":\"int\"}") TAIL,
	};
	struct snapshot snapshot;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(read_text(wrong[i], &snapshot), -EBADMSG);
}

static void what_is_written_reads_the_same(void **state)
{
	static const char text[] =
		HEAD KFUNC("b", "m", "\"tc\":[\"acquire\"]", "int",
			   PARAM("u32", "n__k")) "," KFUNC("a", "vmlinux", "", "void", "") TAIL;
	struct snapshot once, twice;
	char *first, *second;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(read_text(text, &once), 0);
	out = open_memstream(&first, &size);
	assert_int_equal(snapshot__write(&once, out), 0);
	fclose(out);
	assert_int_equal(read_text(first, &twice), 0);
	out = open_memstream(&second, &size);
	assert_int_equal(snapshot__write(&twice, out), 0);
	fclose(out);
	assert_string_equal(first, second);
	assert_string_equal(twice.kfuncs[0].name, "a");
	assert_true(
		snapshot_hook__has_flag(&snapshot__find(&twice, "b", "m")->hooks[0], "acquire"));
	snapshot__free(&once);
	snapshot__free(&twice);
	free(first);
	free(second);
}

#define WITH_CATALOGUE(test)                                                                       \
	cmocka_unit_test_setup_teardown(test, with_catalogue, without_catalogue)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_is_equal_to_itself),
		cmocka_unit_test(what_comes_and_goes),
		cmocka_unit_test(flags_that_ask_more_of_programs_break),
		cmocka_unit_test(a_lost_hook_breaks_and_common_is_for_all),
		cmocka_unit_test(unknown_hooks_and_coverage_are_not_compared),
		cmocka_unit_test(flags_of_unknown_hooks_are_compared),
		cmocka_unit_test(numbers_of_another_width_and_const_do_not_break),
		cmocka_unit_test(another_type_breaks),
		cmocka_unit_test(a_parameter_is_what_its_suffix_says),
		WITH_CATALOGUE(a_known_rename_is_one_change),
		WITH_CATALOGUE(where_both_names_are_nothing_was_renamed),
		WITH_CATALOGUE(what_is_removed_has_its_replacement),
		WITH_CATALOGUE(a_deprecation_is_a_change),
		cmocka_unit_test(what_is_no_snapshot_is_refused),
		cmocka_unit_test(what_is_written_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
