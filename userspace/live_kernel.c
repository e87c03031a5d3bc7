// SPDX-License-Identifier: GPL-2.0-only
#include "live_kernel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "deprecations.h"
#include "kernel_version.h"
#include "message.h"

static void explain_btf_failure(int err)
{
	if (access("/sys/kernel/btf/vmlinux", F_OK))
		msg__error("this kernel (%s) has no BTF (/sys/kernel/btf/vmlinux): it must be "
			   "built with "
			   "CONFIG_DEBUG_INFO_BTF=y",
			   kernel_release());
	else if (err == -EPERM)
		msg__error("not allowed to read the kernel's BTF objects: run as root, or with "
			   "CAP_BPF, "
			   "CAP_PERFMON and CAP_SYS_ADMIN");
	else
		msg__error("cannot read the kernel's BTF objects: %s", strerror(-err));
}

static void explain_reader_failure(int err)
{
	if (err == -EPERM)
		msg__error("not allowed to load BPF iterators: run as root, or with CAP_BPF and "
			   "CAP_PERFMON; `kfunctrace doctor` tells what is missing");
	else if (err == -ENOMEM)
		msg__error(
			"no memory for the BPF iterators: raise the memory limit of this cgroup");
	else
		msg__error("cannot load the BPF iterators that read the registry: %s (kernel %s; "
			   "6.1 is "
			   "the oldest that works; -vv shows the kernel's own words)",
			   strerror(-err), kernel_release());
}

int live_kernel__open(struct live_kernel *kernel)
{
	int err;

	memset(kernel, 0, sizeof(*kernel));
	err = kernel_btf_set__open(&kernel->btfs);
	if (err) {
		explain_btf_failure(err);
		return err;
	}
	err = kernel_reader__open(kernel->btfs, &kernel->reader);
	if (err) {
		explain_reader_failure(err);
		goto fail;
	}
	err = registry__open_live(kernel->btfs, kernel->reader, &kernel->registry);
	if (err) {
		msg__error("cannot read the kernel's kfunc registry: %s", strerror(-err));
		goto fail;
	}
	return 0;
fail:
	live_kernel__close(kernel);
	return err;
}

int live_kernel__refresh(struct live_kernel *kernel, struct registry_changes *changes)
{
	int err = kernel_btf_set__refresh(kernel->btfs);

	memset(changes, 0, sizeof(*changes));
	if (err < 0)
		return err;
	return registry__refresh(kernel->registry, kernel->btfs, kernel->reader, changes);
}

int live_kernel__load_deprecations(struct live_kernel *kernel)
{
	int err = kernel->deprecations ? 0 : deprecations__load(&kernel->deprecations);

	if (err)
		msg__error("cannot read the catalogue of deprecated kfuncs: %s", strerror(-err));
	return err;
}

int live_kernel__need_deprecations(struct live_kernel *kernel)
{
	int err = live_kernel__load_deprecations(kernel);

	if (err || !deprecations__is_partial(kernel->deprecations))
		return err;
	msg__error(
		"which kfuncs are deprecated is not known without the catalogue; where it is, tell "
		"KFUNCTRACE_DATA");
	return -ENOENT;
}

const struct deprecation *live_kernel__deprecation(const struct live_kernel *kernel,
						   const struct kfunc *kfunc)
{
	return deprecations__of(kernel->deprecations, kfunc->name,
				kfunc_flags__deprecated(kfunc->flags), kernel_version());
}

void live_kernel__close(struct live_kernel *kernel)
{
	deprecations__free(kernel->deprecations);
	registry__free(kernel->registry);
	kernel_reader__close(kernel->reader);
	kernel_btf_set__free(kernel->btfs);
	memset(kernel, 0, sizeof(*kernel));
}
