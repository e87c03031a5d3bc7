// SPDX-License-Identifier: GPL-2.0-only
/* The snapshot of the running kernel, made of its registry. */
#include "snapshot.h"

#include <sys/utsname.h>

#include "kernel_version.h"
#include "live_kernel.h"
#include "snapshot_private.h"

int snapshot__of_live(struct live_kernel *kernel, struct snapshot *snapshot)
{
	struct snapshot_builder builder;
	struct utsname uts;
	int err = snapshot_builder__begin(&builder, kernel_version());

	if (err)
		return err;
	uname(&uts);
	for (int i = 0; i < registry__nr(kernel->registry) && !err; i++) {
		const struct kfunc *kfunc = registry__at(kernel->registry, i);
		const struct snapshot_entry entry = {
			.name = kfunc->name,
			.module = kfunc->module,
			.btf = kfunc->kbtf->btf,
			.func_id = kfunc->btf_id,
			.abi_id = kfunc->abi_id,
			.hooks = kfunc->hooks,
			.nr_hooks = kfunc->nr_hooks,
			.coverage = coverage__name(kfunc->coverage),
		};

		err = snapshot_builder__add(&builder, &entry);
	}
	if (err) {
		snapshot_builder__drop(&builder);
		return err;
	}
	return snapshot_builder__finish(&builder, uts.release, uts.machine, "the running kernel",
					snapshot);
}
