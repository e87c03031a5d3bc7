// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's messages say; that they come is seen in vm/dynamic-probes.t. */
#include "unit.h"

#include <string.h>

#include "module_watch.h"

/* With all of its zeros, the last one as well. */
#define PARSE(message, event) module_event__parse(message, sizeof(message), event)

static void a_load_and_an_unload_are_seen(void **state)
{
	struct module_event event;

	(void)state;
	assert_true(PARSE("add@/module/nf_conntrack\0ACTION=add\0DEVPATH=/module/nf_conntrack\0"
			  "SUBSYSTEM=module\0SEQNUM=1434",
			  &event));
	assert_true(event.added);
	assert_string_equal(event.name, "nf_conntrack");
	assert_true(PARSE("remove@/module/nf_conntrack\0ACTION=remove", &event));
	assert_false(event.added);
	assert_string_equal(event.name, "nf_conntrack");
}

static void other_objects_are_not_modules(void **state)
{
	struct module_event event;

	(void)state;
	assert_false(PARSE("add@/devices/virtual/net/veth0\0ACTION=add", &event));
	assert_false(PARSE("change@/module/nf_conntrack\0ACTION=change", &event));
	assert_false(PARSE("add@/module/nf_conntrack/holders/nf_nat\0ACTION=add", &event));
	assert_false(PARSE("add@/modules/x\0ACTION=add", &event));
	/* udev's begin so. */
	assert_false(PARSE("libudev\0\xfe\xed\xca\xfe", &event));
}

static void what_is_not_well_formed_is_nothing(void **state)
{
	char longest[12 + 63 + 1] = "add@/module/";
	char too_long[12 + 64 + 1] = "add@/module/";
	struct module_event event;

	(void)state;
	assert_false(PARSE("", &event));
	assert_false(module_event__parse("", 0, &event));
	assert_false(PARSE("add@/module/", &event));
	assert_false(PARSE("add@/mod", &event));
	/* Without the zero at the end. */
	assert_false(module_event__parse("add@/module/x", strlen("add@/module/x"), &event));
	memset(longest + 12, 'x', 63);
	assert_true(PARSE(longest, &event));
	assert_int_equal(strlen(event.name), 63);
	memset(too_long + 12, 'x', 64);
	assert_false(PARSE(too_long, &event));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_load_and_an_unload_are_seen),
		cmocka_unit_test(other_objects_are_not_modules),
		cmocka_unit_test(what_is_not_well_formed_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
