// SPDX-License-Identifier: GPL-2.0-only
#include "refs_report.h"

#include <jansson.h>

#include "caller.h"
#include "counters.h"
#include "pairing.h"
#include "probe_set.h"
#include "references.h"
#include "table.h"
#include "tracing_session.h"

const struct reference_function *refs_report__function_at(const struct refs_report *report,
							  __u32 site)
{
	const struct kft_reference_site *record = references__site(report->references, site);
	const struct probe_set *set = report->session->set;
	__u32 probe;

	if (!record)
		return NULL;
	probe = site < KFT_FIRST_REFERENCE_SITE ? site - 1 : record->probe;
	if ((int)probe >= probe_set__nr(set))
		return NULL;
	return pairing__function(report->pairing, probe_set__at(set, probe)->target.subject);
}

struct caller refs_report__caller_at(const struct refs_report *report, __u32 site)
{
	const struct kft_reference_site *record = references__site(report->references, site);

	return record ? caller__of_site(report->session->counters, record)
		      : (struct caller){ .kind = CALLER_UNKNOWN };
}

void refs_report__add_site_json(const struct refs_report *report, __u32 site, json_t *object)
{
	const struct reference_function *function = refs_report__function_at(report, site);
	struct caller caller = refs_report__caller_at(report, site);

	json_object_set_new(object, "kfunc", function ? json_string(function->name) : json_null());
	caller__add_json(&caller, object);
	caller__add_json_site(&caller, report->session->counters, report->sites, report->addresses,
			      object);
}

/* --- losses ----------------------------------------------------------------------------------- */

struct losses {
	struct usage_counts calls;
	__u64 missed_returns;
	__u64 untracked, unmatched;
	__u64 lost_releases, lost_holds, lost_sites;
};

static void collect(const struct refs_report *report, struct losses *losses)
{
	const struct kft_reference_state *state;

	*losses = (struct losses){ 0 };
	for (size_t i = 0; i < report->usage->nr; i++) {
		const struct usage_counts *counts = &report->usage->rows[i].counts;

		usage_counts__add(&losses->calls, counts);
		losses->missed_returns += usage_counts__missed_returns(counts);
	}
	if (!report->references)
		return;
	state = references__state(report->references);
	losses->lost_releases = state->lost_releases;
	losses->lost_holds = state->lost_holds;
	losses->lost_sites = state->lost_sites;
	for (__u32 i = 1; i < KFT_MAX_REFERENCE_SITES; i++) {
		losses->untracked += state->sites[i].untracked;
		losses->unmatched += state->sites[i].unmatched;
	}
}

static void print_loss(FILE *out, int *nr, __u64 count, const char *what)
{
	char buf[32];

	if (!count)
		return;
	(*nr)++;
	fprintf(out, " lost: %s %s\n", format_thousands(count, buf, sizeof(buf)), what);
}

void refs_report__print_losses(const struct refs_report *report, FILE *out)
{
	struct losses losses;
	char buf[32];
	int nr = 0;

	collect(report, &losses);
	print_loss(out, &nr, losses.calls.recursion_misses,
		   "calls while the probe was running on that CPU (recursion misses)");
	print_loss(out, &nr,
		   losses.calls.table_full + losses.calls.no_caller + losses.calls.orphaned,
		   "callers that could not be told: their calls are in the sums, as unknown");
	print_loss(out, &nr, losses.missed_returns,
		   "calls that were not seen to return (yet): they may have acquired something");
	print_loss(out, &nr, report->not_followed,
		   "calls not followed by the kernel, for want of room: not counted, of functions "
		   "that may fail");
	print_loss(out, &nr, losses.untracked,
		   "references for which there was no room (--max-objects)");
	print_loss(out, &nr, losses.lost_releases,
		   "references whose release was not seen: their memory is another object's now");
	print_loss(out, &nr, losses.lost_holds, "holding times for which there was no room");
	print_loss(out, &nr, losses.lost_sites, "calls from more sites than can be told apart");
	if (report->session->tracer_was_off) {
		fputs(" incomplete: the kernel's function tracer was off in between\n", out);
		nr++;
	}
	if (!nr && !report->nr_untraceable)
		fputs(" losses: none\n", out);
	if (report->nr_untraceable)
		fprintf(out, " not watched: %d functions that cannot be traced (-v names them)\n",
			report->nr_untraceable);
	if (losses.unmatched)
		fprintf(out,
			" %s references were given back that were acquired before the start%s%s\n",
			format_thousands(losses.unmatched, buf, sizeof(buf)),
			losses.calls.recursion_misses ? ", or whose acquire was missed" : "",
			losses.untracked ? ", or not tracked" : "");
}

json_t *refs_report__json_losses(const struct refs_report *report)
{
	json_t *object = json_object();
	struct losses losses;

	collect(report, &losses);
	json_object_set_new(object, "recursion_misses",
			    json_integer(losses.calls.recursion_misses));
	json_object_set_new(object, "table_full", json_integer(losses.calls.table_full));
	json_object_set_new(object, "no_caller", json_integer(losses.calls.no_caller));
	json_object_set_new(object, "orphaned", json_integer(losses.calls.orphaned));
	json_object_set_new(object, "missed_returns", json_integer(losses.missed_returns));
	json_object_set_new(object, "not_followed", json_integer(report->not_followed));
	json_object_set_new(object, "untraceable", json_integer(report->nr_untraceable));
	json_object_set_new(object, "tracer_was_off",
			    json_boolean(report->session->tracer_was_off));
	if (!report->references)
		return object;
	json_object_set_new(object, "untracked", json_integer(losses.untracked));
	json_object_set_new(object, "before_start", json_integer(losses.unmatched));
	json_object_set_new(object, "lost_releases", json_integer(losses.lost_releases));
	json_object_set_new(object, "lost_holds", json_integer(losses.lost_holds));
	json_object_set_new(object, "lost_sites", json_integer(losses.lost_sites));
	return object;
}
