// SPDX-License-Identifier: GPL-2.0-only
#include "common_options.h"

#include <stdlib.h>

#include "message.h"
#include "output.h"

int common_option__take(int c, void (*print_usage)(FILE *out))
{
	switch (c) {
	case 'v':
		msg__set_verbosity(msg__verbosity() + 1);
		return 0;
	case 'h':
		print_usage(stdout);
		exit(output__finish(stdout, "standard output") ? EXIT_TROUBLE : EXIT_FINE);
	default:
		print_usage(stderr);
		return -1;
	}
}
