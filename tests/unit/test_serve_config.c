// SPDX-License-Identifier: GPL-2.0-only
/* The aggregator's configuration: what is read out of it, and what is said of a wrong one. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "config_values.h"
#include "serve_config.h"

static char path[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/test_serve_config.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

/* Loads `text`; what was said meanwhile is in `said`, which must be freed. */
static int load_bytes(struct serve_config *config, const void *text, size_t len, char **said)
{
	int saved = dup(STDERR_FILENO), err;
	FILE *out = fopen(path, "w"), *taken = tmpfile();
	size_t size;

	assert_int_equal(fwrite(text, 1, len, out), len);
	fclose(out);
	fflush(stderr);
	dup2(fileno(taken), STDERR_FILENO);
	err = serve_config__load(config, path, true);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	size = lseek(fileno(taken), 0, SEEK_END);
	rewind(taken);
	*said = calloc(1, size + 1);
	assert_int_equal(fread(*said, 1, size, taken), size);
	fclose(taken);
	return err;
}

static void load_well(struct serve_config *config, const char *text)
{
	char *said;
	int err = load_bytes(config, text, strlen(text), &said);

	assert_string_equal(said, "");
	assert_int_equal(err, 0);
	free(said);
}

/* `words` are all that is said, each line without "kfunctrace: PATH". */
static void expect_refused(const char *text, const char *words)
{
	struct serve_config config;
	char *said, have[8192] = "";
	size_t prefix = strlen("kfunctrace: ") + strlen(path);

	assert_int_equal(load_bytes(&config, text, strlen(text), &said), -EINVAL);
	serve_config__free(&config);
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(strlen(line) > prefix);
		strcat(strcat(have, line + prefix), "\n");
	}
	assert_string_equal(have, words);
	free(said);
}

static void check_defaults(const struct serve_config *config)
{
	assert_int_equal(config->interval_ns, 10 * NS_PER_S);
	assert_int_equal(config->kfuncs.nr, 1);
	assert_string_equal(config->kfuncs.patterns[0], "*");
	assert_int_equal(config->modules.nr, 0);
	assert_false(config->no_modules);
	assert_int_equal(config->references, SERVE_REFERENCES_OBJECTS);
	assert_int_equal(config->max_callers, 10000);
	assert_int_equal(config->max_objects, 16384);
	assert_true(config->max_overhead > 0.009999 && config->max_overhead < 0.010001);
	assert_null(config->target);
	assert_int_equal(config->look_ns, 60 * NS_PER_S);
	assert_int_equal(config->measure_ns, 30 * NS_PER_S);
	assert_false(config->no_counting);
	assert_string_equal(config->control, "/run/kfunctrace/control");
	assert_string_equal(config->history, "/var/lib/kfunctrace/history.db");
	assert_int_equal(config->retention_s, 14 * 86400);
	assert_int_equal(config->max_bytes, 256 << 20);
	assert_string_equal(config->listen, "127.0.0.1:9435");
	assert_string_equal(config->notices, "auto");
	assert_int_equal(config->notice_burst, 5);
	assert_int_equal(config->notice_interval_ns, 600 * NS_PER_S);
	assert_int_equal(config->stale_age_ns, 3600 * NS_PER_S);
	assert_true(config->loss_rate == 100);
}

static void without_a_file_there_are_defaults(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(serve_config__load(&config, "/nonexistent/kfunctrace.conf", false), 0);
	check_defaults(&config);
	serve_config__free(&config);
	load_well(&config, "");
	check_defaults(&config);
	serve_config__free(&config);
	load_well(&config, "# nothing\n\n[serve]\n ; nothing\n[listen]");
	check_defaults(&config);
	serve_config__free(&config);
}

static void the_example_has_the_defaults(void **state)
{
	struct serve_config config;
	char text[16384] = "", line[256];
	FILE *in = fopen("share/kfunctrace.conf", "r");
	int nr = 0;

	(void)state;
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		bool is_key = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		strcat(text, line + is_key);
		nr += is_key;
	}
	fclose(in);
	assert_int_equal(nr, 21);
	load_well(&config, text);
	check_defaults(&config);
	serve_config__free(&config);
}

static void every_key_is_read(void **state)
{
	struct serve_config config;

	(void)state;
	load_well(&config, "[serve]\ninterval = 250ms\nkfuncs = bpf_task_* \tscx_*  bpf_x\n"
			   "modules=nf_* xfs\nreferences : balance\nmax_callers = 7\n"
			   "max_objects = 1048576 ; many\nmax_overhead = 0.25%\ntarget = 7.x\n"
			   "look = 5m\ncontrol = /a b\n[history]\nfile = /h\nretention = 3w\n"
			   "max_size = 1.5G\n[listen]\naddress = [::1]:80\n"
			   "[notices]\nto = journal file:/var/log/x\nburst = 1000\n"
			   "interval = 1h\nstale_age = 2d\nloss_rate = 0.5\n");
	assert_int_equal(config.interval_ns, 250000000);
	assert_int_equal(config.kfuncs.nr, 3);
	assert_string_equal(config.kfuncs.patterns[0], "bpf_task_*");
	assert_string_equal(config.kfuncs.patterns[1], "scx_*");
	assert_string_equal(config.kfuncs.patterns[2], "bpf_x");
	assert_int_equal(config.modules.nr, 2);
	assert_string_equal(config.modules.patterns[1], "xfs");
	assert_false(config.no_modules);
	assert_int_equal(config.references, SERVE_REFERENCES_BALANCE);
	assert_int_equal(config.max_callers, 7);
	assert_int_equal(config.max_objects, 1048576);
	assert_true(config.max_overhead == 0.25 * 0.01);
	assert_string_equal(config.target, "7.x");
	assert_int_equal(config.look_ns, 300 * NS_PER_S);
	assert_string_equal(config.control, "/a b");
	assert_string_equal(config.history, "/h");
	assert_int_equal(config.retention_s, 21 * 86400);
	assert_int_equal(config.max_bytes, 3ull << 29);
	assert_string_equal(config.listen, "[::1]:80");
	assert_string_equal(config.notices, "journal file:/var/log/x");
	assert_int_equal(config.notice_burst, 1000);
	assert_int_equal(config.notice_interval_ns, 3600 * NS_PER_S);
	assert_int_equal(config.stale_age_ns, 2 * 86400 * NS_PER_S);
	assert_true(config.loss_rate == 0.5);
	serve_config__free(&config);
}

static void off_is_off(void **state)
{
	struct serve_config config;

	(void)state;
	load_well(&config, "\xef\xbb\xbf[serve]\r\nmodules = off\r\nreferences = off\r\n"
			   "max_overhead = off\r\n[history]\r\nfile=off\r\n[listen]\r\n"
			   "address = off\r\n[notices]\r\nto = off\r\n");
	assert_true(config.no_modules);
	assert_int_equal(config.modules.nr, 0);
	assert_int_equal(config.references, SERVE_REFERENCES_OFF);
	assert_true(config.max_overhead == 0);
	assert_null(config.history);
	assert_null(config.listen);
	assert_null(config.notices);
	serve_config__free(&config);
}

static void all_that_is_wrong_is_said(void **state)
{
	(void)state;
	expect_refused("interval = 1s\n[serve]\nintervall = 1s\n[server]\nlook = 1s\n\n[history]\n"
		       "look = 60s\njunk\n[listen\n[notices] x\n",
		       ":1: interval stands before the first [section]\n"
		       ":3: [serve] has no key intervall\n"
		       ":4: there is no section [server]\n"
		       ":8: [history] has no key look\n"
		       ":9: neither [section] nor key = value\n"
		       ":10: ']' is missing behind a section's name\n"
		       ":11: nothing may stand behind [notices]\n");
	expect_refused("[serve]\nlook = 2s\n[serve]\nlook = 3s\n",
		       ":4: look stands in line 2 already\n");
	/* An error does not keep what comes after it from being looked at. */
	expect_refused("[serve]\nlook = 0s\nmax_callers = 0\nkfuncs =\n",
		       ":2: look takes a time from 1s to 1d, not '0s'\n"
		       ":3: max_callers takes a number from 1 to 1000000, not '0'\n"
		       ":4: kfuncs takes globs, separated by blanks, not ''\n");
	expect_refused("[serve]\ntarget = \xff\n",
		       ":2: the value of target is not plain text (UTF-8)\n");
}

static void expect_wrong_value(const char *section, const char *key, const char *value)
{
	struct serve_config config;
	char text[512], want[128], *said;

	snprintf(text, sizeof(text), "[%s]\n%s = %s\n", section, key, value);
	snprintf(want, sizeof(want), ":2: %s takes ", key);
	assert_int_equal(load_bytes(&config, text, strlen(text), &said), -EINVAL);
	if (!strstr(said, want))
		fail_msg("'%s' of '%s' gives: %s", value, key, said);
	serve_config__free(&config);
	free(said);
}

static void values_out_of_range_are_refused(void **state)
{
	char path_of_108[110] = "/";

	(void)state;
	expect_wrong_value("serve", "interval", "99ms");
	expect_wrong_value("serve", "interval", "3601s");
	expect_wrong_value("serve", "interval", "-1s");
	expect_wrong_value("serve", "interval", "1 s");
	expect_wrong_value("serve", "interval", "nan");
	expect_wrong_value("serve", "interval", "0x10s");
	expect_wrong_value("serve", "interval", "1.2.3s");
	expect_wrong_value("serve", "references", "all");
	expect_wrong_value("serve", "max_callers", "1000001");
	expect_wrong_value("serve", "max_callers", "1.5");
	expect_wrong_value("serve", "max_objects", "99999999999999999999999");
	expect_wrong_value("serve", "max_overhead", "1");
	expect_wrong_value("serve", "max_overhead", "0%");
	expect_wrong_value("serve", "control", "run/control");
	expect_wrong_value("serve", "control", "off");
	memset(path_of_108 + 1, 'a', 107);
	expect_wrong_value("serve", "control", path_of_108);
	expect_wrong_value("history", "file", "history.db");
	expect_wrong_value("history", "retention", "59min");
	expect_wrong_value("history", "max_size", "1023K");
	expect_wrong_value("history", "max_size", "10m");
	expect_wrong_value("listen", "address", "9435");
	expect_wrong_value("listen", "address", "localhost:");
	expect_wrong_value("listen", "address", ":80");
	expect_wrong_value("listen", "address", "localhost:65536");
	expect_wrong_value("listen", "address", "localhost:1.5");
	expect_wrong_value("listen", "address", "unix:x");
	expect_wrong_value("notices", "to", "journald");
	expect_wrong_value("notices", "to", "journal file:relative");
	expect_wrong_value("notices", "to", "off journal");
	expect_wrong_value("notices", "to", "file:");
	expect_wrong_value("notices", "burst", "0");
	expect_wrong_value("notices", "loss_rate", "1/s");
}

static void what_is_no_configuration_is_refused(void **state)
{
	struct serve_config config;
	static char text[500000];
	char *said, folder[] = "/tmp/test_serve_config.XXXXXX";

	(void)state;
	/* Bytes that are 0. */
	assert_int_equal(load_bytes(&config, "[serve]\n\0look = 1s\n", 19, &said), -EINVAL);
	assert_non_null(strstr(said, ":2: a byte that is 0"));
	serve_config__free(&config);
	free(said);

	/* A line without an end. What would begin behind its cut is no key. */
	strcpy(text, "[serve]\nlook = ");
	memset(text + 15, '1', 5000);
	strcpy(text + 5015, "\nmax_callers = 5\n");
	assert_int_equal(load_bytes(&config, text, strlen(text), &said), -EINVAL);
	assert_non_null(strstr(said, ":2: longer than "));
	assert_int_equal(config.max_callers, 5);
	serve_config__free(&config);
	free(said);

	/* Bounded in what is said. */
	for (int i = 0; i < 100000; i++)
		memcpy(text + i * 2, "x\n", 2);
	assert_int_equal(load_bytes(&config, text, 200000, &said), -EINVAL);
	assert_non_null(strstr(said, ":20: neither"));
	assert_null(strstr(said, ":21: "));
	assert_non_null(strstr(said, ": 99980 more\n"));
	serve_config__free(&config);
	free(said);

	/* Not a file, not there, not to be read. */
	assert_non_null(mkdtemp(folder));
	assert_int_equal(serve_config__load(&config, folder, true), -EISDIR);
	serve_config__free(&config);
	rmdir(folder);
	assert_int_equal(serve_config__load(&config, folder, true), -ENOENT);
	serve_config__free(&config);
}

static void some_keys_are_fixed(void **state)
{
	static const struct {
		const char *text, *key;
	} changes[] = {
		{ "[serve]\nmax_objects = 5\n", "max_objects" },
		{ "[serve]\nkfuncs = a* b\n", NULL },
		{ "[serve]\nmodules = off\n", NULL },
		{ "[serve]\nmodules = x\n", NULL },
		{ "[serve]\ncount = off\n", "count" },
		{ "[serve]\nreferences = off\n", "references" },
		{ "[serve]\ncontrol = /x\n", "control" },
		{ "[serve]\nkfuncs = *\nmodules = on\ncontrol = /run/kfunctrace/control\n", NULL },
		{ "[serve]\ninterval = 1s\nmax_callers = 1\nmax_overhead = off\ntarget = x\n"
		  "look = 1s\nmeasure = 1s\n[history]\nfile = off\nretention = 1d\nmax_size = 1M\n"
		  "[listen]\naddress = off\n[notices]\nto = off\nburst = 1\ninterval = 1s\n"
		  "stale_age = 1s\nloss_rate = 1\n",
		  NULL },
	};
	struct serve_config defaults, config;

	(void)state;
	load_well(&defaults, "");
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const char *difference;

		load_well(&config, changes[i].text);
		difference = serve_config__fixed_difference(&defaults, &config);
		if (changes[i].key)
			assert_string_equal(difference, changes[i].key);
		else
			assert_null(difference);
		serve_config__free(&config);
	}
	serve_config__free(&defaults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_there_are_defaults),
		cmocka_unit_test(the_example_has_the_defaults),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(off_is_off),
		cmocka_unit_test(all_that_is_wrong_is_said),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(what_is_no_configuration_is_refused),
		cmocka_unit_test(some_keys_are_fixed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
