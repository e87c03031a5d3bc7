/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands: each takes its own argv (argv[0] is its name) and returns an enum exit_status. */
#ifndef KFUNCTRACE_COMMANDS_H
#define KFUNCTRACE_COMMANDS_H

int cmd_check(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_refs(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_users(int argc, char **argv);

#endif
