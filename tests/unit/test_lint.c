// SPDX-License-Identifier: GPL-2.0-only
/* The rules of lint, each on a kfunc that breaks it and on one that does not. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "kernel_version.h"
#include "kfunc_flags.h"
#include "lint.h"

#define MAX_KFUNCS 8

/* A module of the test's own: kfuncs are added one by one, and then looked at. */
struct module {
	struct btf *btf;
	int int_id, void_ptr_id, object_id, object_ptr_id;
	struct lint_kfunc kfuncs[MAX_KFUNCS];
	struct lint_member members[MAX_KFUNCS];
	struct lint_subject subject;
};

static struct module module;

static int pointer_to_struct(const char *name, int size)
{
	int id = btf__add_struct(module.btf, name, size);

	return btf__add_ptr(module.btf, id);
}

static int setup(void **state)
{
	(void)state;
	memset(&module, 0, sizeof(module));
	module.btf = btf__new_empty();
	assert_non_null(module.btf);
	module.int_id = btf__add_int(module.btf, "int", 4, BTF_INT_SIGNED);
	module.void_ptr_id = btf__add_ptr(module.btf, 0);
	module.object_ptr_id = pointer_to_struct("object", 64);
	module.subject = (struct lint_subject){
		.name = "module",
		.btf = module.btf,
		.version = KVER(6, 12),
		.wanted = true,
		.kfuncs = module.kfuncs,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	btf__free(module.btf);
	return 0;
}

struct param {
	const char *name;
	int type;
};

/* Parameters end with one that has no name. */
static struct lint_kfunc *add(const char *name, __u32 flags, int returns,
			      const struct param *params)
{
	int idx = module.subject.nr++;
	int proto = btf__add_func_proto(module.btf, returns);

	for (; params && params->name; params++)
		assert_int_equal(btf__add_func_param(module.btf, params->name, params->type), 0);
	module.members[idx] = (struct lint_member){ .set = "set", .flags = flags };
	module.kfuncs[idx] = (struct lint_kfunc){
		.name = name,
		.func_id = btf__add_func(module.btf, name, BTF_FUNC_STATIC, proto),
		.members = &module.members[idx],
		.nr_members = 1,
		.symbol = LINT_PRESENT,
	};
	return &module.kfuncs[idx];
}

#define PARAMS(...) ((const struct param[]){ __VA_ARGS__, { 0 } })

/* "severity rule kfunc" a line. */
static void expect(const char *wanted)
{
	struct lint_findings findings = { 0 };
	char found[1024] = "";
	size_t len = 0;

	assert_int_equal(lint__run(&module.subject, 1, &findings), 0);
	for (size_t i = 0; i < findings.nr; i++)
		len += snprintf(found + len, sizeof(found) - len, "%s %s %s\n",
				lint_severity__name(findings.findings[i].severity),
				findings.findings[i].rule, findings.findings[i].kfunc);
	lint_findings__free(&findings);
	assert_string_equal(found, wanted);
}

static void a_good_pair_is_clean(void **state)
{
	(void)state;
	add("object_get", KFUNC_ACQUIRE | KFUNC_RET_NULL, module.object_ptr_id,
	    PARAMS({ "id", module.int_id }));
	add("object_put", KFUNC_RELEASE, 0, PARAMS({ "object", module.object_ptr_id }));
	expect("");
}

static void flags_contradict_the_prototype(void **state)
{
	(void)state;
	add("acquires_int", KFUNC_ACQUIRE, module.int_id, NULL);
	add("acquires_void", KFUNC_ACQUIRE, module.void_ptr_id, NULL);
	add("null_int", KFUNC_RET_NULL, module.int_id, NULL);
	add("null_void", KFUNC_RET_NULL, module.void_ptr_id, NULL);
	add("releases_int", KFUNC_RELEASE, 0, PARAMS({ "id", module.int_id }));
	expect("error acquire-return acquires_int\n"
	       "error acquire-return acquires_void\n"
	       "error no-release acquires_void\n"
	       "error release-argument releases_int\n"
	       "warning ret-null-return null_int\n");
}

static void what_is_acquired_must_be_released_and_may_be_kept(void **state)
{
	int other = pointer_to_struct("other", 8);
	static const char *kept[] = { "other" };

	(void)state;
	module.subject.destructors_known = true;
	add("object_get", KFUNC_ACQUIRE, module.object_ptr_id, NULL);
	expect("error no-release object_get\n");
	add("object_put", KFUNC_RELEASE, 0, PARAMS({ "object", module.object_ptr_id }));
	expect("note no-destructor object_get\n");
	add("other_get", KFUNC_ACQUIRE, other, NULL);
	add("other_put", KFUNC_RELEASE, 0, PARAMS({ "other", other }));
	module.subject.destructors = kept;
	module.subject.nr_destructors = 1;
	expect("note no-destructor object_get\n");
}

static void flags_contradict_each_other(void **state)
{
	struct lint_member both[] = { { "one", 0 }, { "two", KFUNC_SLEEPABLE } };
	struct lint_kfunc *kfunc;

	(void)state;
	module.subject.version = KVER(7, 3);
	add("sleeps_in_rcu", KFUNC_SLEEPABLE | KFUNC_RCU_PROTECTED, 0, NULL);
	add("sleeps_with_lock", KFUNC_SLEEPABLE | KFUNC_SPINLOCK_SAFE, 0, NULL);
	add("from_the_future", 1u << 30, 0, NULL);
	/* Trusted arguments are what 7.x wants of all. */
	add("trusted", 1u << 4, 0, NULL);
	kfunc = add("two_sets", 0, 0, NULL);
	kfunc->members = both;
	kfunc->nr_members = 2;
	expect("warning unknown-flag from_the_future\n"
	       "warning flags-contradict sleeps_in_rcu\n"
	       "warning flags-contradict sleeps_with_lock\n"
	       "warning unknown-flag trusted\n"
	       "note flags-differ two_sets\n");
}

static void code_and_tags_must_be_there(void **state)
{
	(void)state;
	add("elided", 0, 0, NULL)->symbol = LINT_ABSENT;
	add("untagged", 0, 0, NULL)->tag = LINT_ABSENT;
	add("unknown", 0, 0, NULL)->symbol = LINT_UNKNOWN;
	add("implicit", KFUNC_IMPLICIT_ARGS, 0, NULL);
	module.subject.version = KVER(7, 3);
	expect("error no-symbol elided\n"
	       "error no-twin implicit\n"
	       "warning no-tag untagged\n");
}

static void suffixes_are_what_the_verifier_knows(void **state)
{
	(void)state;
	add("good", 0, 0, PARAMS({ "data", module.void_ptr_id }, { "data__sz", module.int_id }));
	add("no_size", 0, 0, PARAMS({ "data", module.void_ptr_id }, { "size", module.int_id }));
	add("ignored", 0, 0, PARAMS({ "data__ign", module.void_ptr_id }));
	add("misspelled", 0, 0, PARAMS({ "object__nullabel", module.object_ptr_id }));
	add("own", 0, 0, PARAMS({ "object__mine", module.object_ptr_id }));
	add("plain", 0, 0, PARAMS({ "__object", module.object_ptr_id }));
	add("early", 0, 0, PARAMS({ "map__const_map", module.object_ptr_id }));
	expect("warning suffix-of-others early\n"
	       "warning unknown-suffix misspelled\n"
	       "warning void-without-size no_size\n"
	       "note unknown-suffix own\n");
}

static void iterators_follow_the_rules(void **state)
{
	int good = pointer_to_struct("bpf_iter_good", 8);

	(void)state;
	add("bpf_iter_good_new", KFUNC_ITER_NEW, module.int_id,
	    PARAMS({ "it", good }, { "n", module.int_id }));
	add("bpf_iter_good_next", KFUNC_ITER_NEXT | KFUNC_RET_NULL, module.object_ptr_id,
	    PARAMS({ "it", good }));
	expect("error iterator-trio bpf_iter_good_new\n");
	add("bpf_iter_good_destroy", KFUNC_ITER_DESTROY, 0, PARAMS({ "it", good }));
	expect("");
}

static void iterators_break_the_rules(void **state)
{
	int odd = pointer_to_struct("bpf_iter_odd", 12);

	(void)state;
	add("bpf_iter_odd_new", KFUNC_ITER_NEW, module.int_id, PARAMS({ "it", odd }));
	add("bpf_iter_odd_next", KFUNC_ITER_NEXT | KFUNC_RET_NULL, module.int_id,
	    PARAMS({ "it", odd }, { "n", module.int_id }));
	add("bpf_iter_odd_destroy", KFUNC_ITER_DESTROY, module.int_id, PARAMS({ "it", odd }));
	add("misnamed_next", KFUNC_ITER_NEXT, module.object_ptr_id, PARAMS({ "it", odd }));
	add("of_other", KFUNC_ITER_NEW, 0, PARAMS({ "it", module.object_ptr_id }));
	add("several", KFUNC_ITER_NEW | KFUNC_ITER_NEXT, 0, NULL);
	expect("error iterator bpf_iter_odd_destroy\n" /* size */
	       "error iterator bpf_iter_odd_destroy\n" /* returns something */
	       "error iterator bpf_iter_odd_new\n"     /* size */
	       "error iterator bpf_iter_odd_next\n"    /* size */
	       "error iterator bpf_iter_odd_next\n"    /* takes more */
	       "error iterator bpf_iter_odd_next\n"    /* returns no pointer */
	       "error iterator misnamed_next\n"	       /* size */
	       "error iterator misnamed_next\n"	       /* name */
	       "error iterator of_other\n"
	       "error iterator several\n"
	       "warning ret-null-return bpf_iter_odd_next\n"
	       "warning iterator-end misnamed_next\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_pair_is_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(flags_contradict_the_prototype, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_acquired_must_be_released_and_may_be_kept,
						setup, teardown),
		cmocka_unit_test_setup_teardown(flags_contradict_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(code_and_tags_must_be_there, setup, teardown),
		cmocka_unit_test_setup_teardown(suffixes_are_what_the_verifier_knows, setup,
						teardown),
		cmocka_unit_test_setup_teardown(iterators_follow_the_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(iterators_break_the_rules, setup, teardown),
	};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
