// SPDX-License-Identifier: GPL-2.0-only
/*
 * odd-events [ADDRESS]...: what the kfuncs of kfunctrace.ko make of what no probe hands to them.
 *
 * Prints which types of programs may call them; calls kfunctrace_event_v1() with kinds that there are and
 * that there are not, and with texts that do not end; and asks in which function each hexadecimal
 * address is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "odd_events.h"

__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"odd_events_begin:\n"
	".incbin \"odd_events.bpf.o\"\n"
	"odd_events_end:\n"
	".popsection\n");
extern const char odd_events_begin[], odd_events_end[];

static int say_nothing(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "odd-events: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Loads that program of the object alone, and tells. */
static struct bpf_object *load(const char *name)
{
	struct bpf_object *object =
		bpf_object__open_mem(odd_events_begin, odd_events_end - odd_events_begin, NULL);
	struct bpf_program *program;
	int err;

	check(!object, "open the object");
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	}
	err = bpf_object__load(object);
	printf("%s %s\n", name, !err ? "loaded" : err == -EACCES ? "refused" : strerror(-err));
	if (!err)
		return object;
	bpf_object__close(object);
	return NULL;
}

static void run(struct bpf_object *object, struct odd *odd)
{
	const int map = bpf_object__find_map_fd_by_name(object, "odds");
	const int program =
		bpf_program__fd(bpf_object__find_program_by_name(object, "tell_tracing"));
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const __u32 zero = 0;

	check(bpf_map_update_elem(map, &zero, odd, 0), "write the map");
	check(bpf_prog_test_run_opts(program, &opts), "run the program");
	check(bpf_map_lookup_elem(map, &zero, odd), "read the map");
}

static void tell(struct bpf_object *object)
{
	static const __u32 kinds[] = { KFT_MODULE_CALL,
				       KFT_MODULE_ACQUIRE,
				       KFT_MODULE_RELEASE,
				       KFT_MODULE_REFCOUNT_ZERO,
				       KFT_MODULE_DEPRECATED,
				       KFT_MODULE_STALE,
				       KFT_MODULE_STALE + 1,
				       255,
				       0x7fffffff,
				       0x80000000,
				       0xffffffff };
	static const unsigned char fills[] = { 'A', 0xff, '\n' };
	struct odd odd = { 0 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (size_t j = 0; j < sizeof(fills); j++) {
			const __u32 runs = odd.runs;

			memset(&odd, fills[j], sizeof(odd));
			odd.event.kind = kinds[i];
			odd.runs = runs;
			run(object, &odd);
		}
	}
	printf("%u runs, listened to are 0x%x\n", odd.runs, odd.listening);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;

	libbpf_set_print(say_nothing);
	load("tell_xdp");
	load("tell_tc");
	load("tell_syscall");
	object = load("tell_tracing");
	if (!object)
		return 1;
	check(!bpf_program__attach(bpf_object__find_program_by_name(object, "tell_tracing")),
	      "attach the program");
	tell(object);
	for (int i = 1; i < argc; i++) {
		/* A kind that there is not. */
		struct odd odd = { .event.kind = 255, .address = strtoull(argv[i], NULL, 16) };

		run(object, &odd);
		printf("%s %llx\n", argv[i], (unsigned long long)odd.function);
	}
	bpf_object__close(object);
	return 0;
}
