/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the kernel's function tracer works. To be asked before anything is attached to a kernel
 * function:
 *
 * While the sysctl kernel.ftrace_enabled is 0, fentry and fexit programs attach without an error
 * and are never run. Worse, when they are taken off, the kernel does not take back the marks on
 * their functions; once the sysctl is 1 again, the next program that is attached and taken off runs
 * into a warning, and ftrace is shut down until the next boot (seen on 6.1, 6.12 and 7.2).
 */
#ifndef KFUNCTRACE_FTRACE_STATE_H
#define KFUNCTRACE_FTRACE_STATE_H

/*
 * 1: on. 0: off, attach nothing. -ENODEV: the kernel has shut ftrace down after a fault of its own,
 * until the next boot. -ENOENT: this kernel is built without, or /proc/sys is not there; what
 * attaching then gives, the kernel says. Other negative errnos: could not be read.
 */
int ftrace_state(void);
/* In words, why nothing is counted and nothing must be attached or taken off; NULL: it may be. */
const char *ftrace_state__obstacle(void);

#endif
