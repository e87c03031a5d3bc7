// SPDX-License-Identifier: GPL-2.0-only
/* The census program by program: kfunctrace users -v. */
#include "users_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "deprecations.h"
#include "holders_text.h"
#include "prog_tag.h"
#include "program_source.h"
#include "registry.h"
#include "users.h"

/* "prog.bpf.c:12 in check()", "check(), instruction 7". */
static void format_site(const struct program_source *source, __u32 insn, char *buf, size_t size)
{
	const char *function = program_source__function(source, insn), *file, *base;
	__u32 line = 0;

	file = program_source__file(source, insn, &line);
	base = file ? strrchr(file, '/') : NULL;
	if (file)
		snprintf(buf, size, "%s:%u in %s()", base ? base + 1 : file, line, function ?: "?");
	else if (function)
		snprintf(buf, size, "%s(), instruction %u", function, insn);
	else
		snprintf(buf, size, "instruction %u", insn);
}

/* Sites that the compiler or the verifier has made of one line are one line. */
static void print_sites(const struct used_kfunc *used, const struct program_source *source,
			FILE *out)
{
	char text[512], next[512];
	int same = 1;

	for (int i = 0; i < used->nr_sites; i++) {
		format_site(source, used->sites[i], text, sizeof(text));
		next[0] = '\0';
		if (i + 1 < used->nr_sites)
			format_site(source, used->sites[i + 1], next, sizeof(next));
		if (strcmp(text, next) == 0) {
			same++;
			continue;
		}
		fprintf(out, "        %s", text);
		if (same > 1)
			fprintf(out, ", %d times", same);
		fputc('\n', out);
		same = 1;
	}
}

static void print_kfunc(const struct used_kfunc *used, const struct program_source *source,
			struct deprecation_notes *notes, const struct deprecation *deprecation,
			FILE *out)
{
	const struct kfunc *kfunc = used->kfunc;

	fprintf(out, "    calls %s%s", used_kfunc__name(used),
		deprecation_notes__mark(notes, used_kfunc__name(used), deprecation));
	if (kfunc && strcmp(kfunc->module, "vmlinux") != 0)
		fprintf(out, " [%s]", kfunc->module);
	if (used->is_twin)
		fprintf(out, " for %s", kfunc->name);
	if (used->declared)
		fprintf(out, ": -, %s\n",
			kfunc->coverage == COVERAGE_INLINED
				? "inlined; its object declares it"
				: "where is hidden; its object declares it");
	else
		fprintf(out, ": %d site%s\n", used->nr_sites, used->nr_sites == 1 ? "" : "s");
	print_sites(used, source, out);
}

static void print_text(const char *title, char *text, FILE *out)
{
	fprintf(out, "    %s: %s\n", title, text ?: "?");
	free(text);
}

static void print_program(const struct users_report *report, const struct user *user, FILE *out)
{
	const __u32 id = user->prog.prog_id;
	char tag[PROG_TAG_TEXT], when[64], who[64];

	fprintf(out, "%u: %s  %s  tag %s\n", id, user->prog.name,
		libbpf_bpf_prog_type_str(user->prog.type) ?: "?",
		format_prog_tag(user->prog.tag, tag));
	fprintf(out, "    loaded: %s by %s\n",
		user__format_time(user__loaded_at(user), "%Y-%m-%d %H:%M:%S", when, sizeof(when)),
		user__format_uid(user, who, sizeof(who)));
	print_text("attached to", holders_text__attachments(report->holders, id), out);
	print_text("held by", holders_text__processes(report->holders, id), out);
	print_text("pinned", holders_text__pins(report->holders, id), out);
}

int users_report__print_details(const struct users_report *report, FILE *out)
{
	struct deprecation_notes notes = { 0 };

	for (size_t i = 0; i < report->users->nr; i++) {
		const struct user *user = &report->users->users[i];
		struct program_source *source = NULL;
		bool begun = false;

		for (int j = 0; j < user->nr_kfuncs; j++) {
			if (!users_report__wants(report, user->kfuncs[j].kfunc))
				continue;
			if (!begun) {
				print_program(report, user, out);
				if (program_source__open(user->prog.prog_id, &source))
					source = NULL;
				begun = true;
			}
			print_kfunc(&user->kfuncs[j], source, &notes,
				    users_report__deprecation(report, &user->kfuncs[j]), out);
		}
		if (user->prog.nr_left_out && begun)
			fprintf(out, "    and %u more call sites, not looked at\n",
				user->prog.nr_left_out);
		program_source__free(source);
	}
	users_report__print_summary(report, true, out);
	deprecation_notes__print(&notes, out);
	return 0;
}
