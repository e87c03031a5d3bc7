// SPDX-License-Identifier: GPL-2.0-only
#include "made_up_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>

#include "aggregate.h"
#include "clock.h"
#include "counters_private.h"
#include "notices.h"
#include "probe_set.h"
#include "program_loaders.h"

/* Programs lie next to each other in the kernel's memory for modules; each calls every kfunc once. */
#define FIRST_IMAGE 0xffffffffc0000000ull
#define IMAGE_LEN   0x2000
#define CALL_LEN    16

struct made_up {
	struct made_up_host *host;
	struct counters_reference_maps maps;
};

static struct made_up *own(const struct counters *counters)
{
	return counters->own;
}

static __u64 image_of(int caller)
{
	return FIRST_IMAGE + (__u64)caller * IMAGE_LEN;
}

static __u64 key_of(int kfunc, int caller)
{
	return (image_of(caller) + (kfunc + 1) * CALL_LEN) ^ (__u64)kfunc << 48;
}

/* --- what the kernel would do ----------------------------------------------------------------------- */

/* Room for the pair on that CPU, or NULL. */
static struct kft_slot *slot_of(struct kft_region *region, __u64 key)
{
	__u32 home =
		((__u32)key * 0x9e3779b1u) >> 16 & (KFT_MAX_SLOTS - 1) * sizeof(struct kft_slot);

	home /= sizeof(struct kft_slot);
	for (__u32 i = 0; i < KFT_MAX_DISPLACEMENT; i++) {
		__u32 at = (home + i) & (KFT_MAX_SLOTS - 1);
		struct kft_slot *slot = &region->slots[at];

		if (slot->key == KFT_SLOT_FREE) {
			slot->key = key;
			region->claims[region->nr_claims++] = at + 1;
		}
		if (slot->key == key)
			return slot;
	}
	return NULL;
}

bool made_up_host__call(struct made_up_host *host, int cpu, int kfunc, int caller)
{
	struct kft_region *region = &host->regions[cpu];
	struct kft_slot *slot = slot_of(region, key_of(kfunc, caller));

	if (slot)
		slot->calls++;
	else
		region->unattributed[kfunc].table_full++;
	return slot;
}

void made_up_host__number_site(struct made_up_host *host, __u32 number, int kfunc, int caller)
{
	host->state->sites[number] =
		(struct kft_reference_site){ .key = key_of(kfunc, caller), .probe = kfunc };
}

/* --- where the counters come from --------------------------------------------------------------------- */

/* Nobody is unloaded, so it is always of one moment. */
static int read_made_up(struct counters *counters)
{
	const struct made_up *made = own(counters);
	int err = 0;

	for (int cpu = 0; cpu < counters->nr_cpus && !err; cpu++)
		err = counters__copy_region(counters, &made->host->regions[cpu]);
	if (!err)
		err = prog_table__read_images(&counters->programs, made->maps.images_fd);
	return err ?: prog_table__read_progs(&counters->programs, made->maps.progs_fd);
}

static struct usage_counts unattributed(const struct counters *counters, int probe)
{
	struct usage_counts counts = { 0 };

	for (int cpu = 0; cpu < counters->nr_cpus; cpu++)
		counters__add_unattributed(&own(counters)->host->regions[cpu], probe, &counts);
	counts.returns = counts.table_full;
	return counts;
}

static bool has_image(const struct counters *counters, const struct prog_image *image)
{
	struct kft_image now;

	return !bpf_map_lookup_elem(own(counters)->maps.images_fd, &image->start, &now) &&
	       now.prog_id == image->image.prog_id;
}

static struct kft_reference_state *references(const struct counters *counters)
{
	return own(counters)->host->state;
}

static struct counters_reference_maps reference_maps(const struct counters *counters)
{
	return own(counters)->maps;
}

static void no_losses(const struct counters *counters, struct counters_losses *losses)
{
	(void)counters;
	memset(losses, 0, sizeof(*losses));
}

/* The maps go with the process. */
static void free_made_up(struct counters *counters)
{
	free(own(counters));
}

static const struct counters_source source = {
	.read = read_made_up,
	.unattributed = unattributed,
	.has_image = has_image,
	.references = references,
	.reference_maps = reference_maps,
	.losses = no_losses,
	.free = free_made_up,
};

/* --- making it ------------------------------------------------------------------------------------------ */

static int add_program(const struct made_up *made, int caller)
{
	__u64 start = image_of(caller);
	__u32 id = caller + 1;
	struct kft_image image = { .prog_id = id, .len = IMAGE_LEN };
	struct kft_prog prog = { .id = id, .type = BPF_PROG_TYPE_SCHED_CLS, .nr_images = 1 };

	snprintf(prog.name, sizeof(prog.name), "program_%d", caller);
	if (bpf_map_update_elem(made->maps.images_fd, &start, &image, 0) ||
	    bpf_map_update_elem(made->maps.progs_fd, &id, &prog, 0))
		return -errno;
	return 0;
}

static int make_maps(struct made_up *made)
{
	const struct made_up_host_options *opts = &made->host->opts;
	LIBBPF_OPTS(bpf_map_create_opts, mmapable, .map_flags = BPF_F_MMAPABLE);
	int err = 0;

	made->maps = (struct counters_reference_maps){
		.site_caches_fd =
			bpf_map_create(BPF_MAP_TYPE_ARRAY, "site_caches", 4,
				       sizeof(struct kft_site_cache) * opts->nr_cpus, 1, &mmapable),
		.site_ids_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "site_ids", 8, 4,
					      KFT_MAX_REFERENCE_SITES, NULL),
		.transient_pages_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "transient_pages", 8, 8,
						     KFT_MAX_TRANSIENT_PAGES, NULL),
		.state_fd = -1,
		.images_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "images", 8,
					    sizeof(struct kft_image), KFT_MAX_IMAGES, NULL),
		.progs_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "progs", 4, sizeof(struct kft_prog),
					   KFT_MAX_PROGS, NULL),
	};
	if (made->maps.site_caches_fd < 0 || made->maps.site_ids_fd < 0 ||
	    made->maps.transient_pages_fd < 0 || made->maps.images_fd < 0 ||
	    made->maps.progs_fd < 0)
		return -errno;
	for (int i = 0; i < opts->nr_callers && !err; i++)
		err = add_program(made, i);
	return err;
}

static int make_counters(struct made_up_host *host)
{
	struct tracing_session *tracing = &host->counting->session.tracing;
	struct made_up *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return -ENOMEM;
	made->host = host;
	err = make_maps(made)
		      ?: counters__new(tracing->kernel.reader, KFT_MAX_SLOTS, &tracing->counters);
	if (err) {
		free(made);
		return err;
	}
	tracing->counters->own = made;
	tracing->counters->source = &source;
	tracing->counters->nr_cpus = host->opts.nr_cpus;
	return 0;
}

static int load_nothing(const struct probe_attacher *attacher, struct probe *probe, int idx)
{
	(void)attacher, (void)probe, (void)idx;
	return 0;
}

static int finish_nothing(const struct probe_attacher *attacher)
{
	(void)attacher;
	return 0;
}

static int make_probes(struct made_up_host *host)
{
	static const struct probe_attacher attacher = { load_nothing, finish_nothing };
	struct tracing_session *tracing = &host->counting->session.tracing;
	struct counting *counting = host->counting;
	int nr = host->opts.nr_kfuncs, err;
	struct probe_target *targets = calloc(nr, sizeof(*targets));
	char name[32];

	counting->kfunc_numbers = calloc(nr, sizeof(*counting->kfunc_numbers));
	if (!targets || !counting->kfunc_numbers) {
		free(targets);
		return -ENOMEM;
	}
	for (int i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "kfunc_%d", i);
		counting->kfunc_numbers[i] = aggregate__kfunc(counting->aggregate, name, "vmlinux");
		targets[i] = (struct probe_target){
			.function = "made_up",
			.address = 1,
			.subject = FIRST_OTHER + i,
			.event_type = "task_struct",
		};
	}
	err = probe_set__attach_by(&tracing->kernel, &attacher, targets, nr, NULL, &tracing->set);
	free(targets);
	return err;
}

static int make_events(struct counting *counting)
{
	struct reference_session *session = &counting->session;
	const struct references_options opts = { .ring_bytes = COUNTING_RING_BYTES,
						 .recycle = true };
	int err = references__open(&opts, session->tracing.counters, session->tracing.kernel.btfs,
				   session->pairing, &session->references);

	return err
		       ?: event_stream__open(session->references, counting__take_zero, counting,
					     &session->stream);
}

static int make_counting(struct made_up_host *host)
{
	/* What is told is made into text and written, to nowhere. */
	const struct notices_options notices = {
		.to = "file:/dev/null",
		.burst = host->config.notice_burst,
		.interval_ns = host->config.notice_interval_ns,
	};
	const struct aggregate_options bounds = {
		.max_callers = host->opts.max_callers ?: host->config.max_callers,
		.max_objects = 1,
	};
	struct counting *counting = host->counting;

	counting->config = &host->config;
	counting->aggregate = aggregate__new(&bounds);
	counting->loaders = program_loaders__new();
	if (!counting->aggregate || !counting->loaders)
		return -ENOMEM;
	return notices__open(&notices, &counting->notices);
}

static int make(struct made_up_host *host)
{
	int err = serve_config__load(&host->config, "/dev/null", true) ?: make_counting(host);

	if (!err)
		err = reference_session__open(&host->counting->session);
	if (!err)
		err = make_counters(host) ?: make_probes(host);
	if (!err && host->opts.with_events)
		err = make_events(host->counting);
	return err;
}

int made_up_host__open(struct made_up_host *host, const struct made_up_host_options *opts)
{
	int err;

	memset(host, 0, sizeof(*host));
	host->opts = *opts;
	host->counting = calloc(1, sizeof(*host->counting));
	host->regions = calloc(opts->nr_cpus, sizeof(*host->regions));
	host->state = calloc(1, sizeof(*host->state));
	err = host->counting && host->regions && host->state ? make(host) : -ENOMEM;
	if (err) {
		fprintf(stderr, "bench: cannot make up a host: %s\n", strerror(-err));
		made_up_host__close(host);
	}
	return err;
}

void made_up_host__close(struct made_up_host *host)
{
	struct counting *counting = host->counting;

	if (counting) {
		aggregate__free(counting->aggregate);
		program_loaders__free(counting->loaders);
		notices__free(counting->notices);
		counting__close(counting);
	}
	serve_config__free(&host->config);
	free(host->regions);
	free(host->state);
	memset(host, 0, sizeof(*host));
}

/* --- measuring ------------------------------------------------------------------------------------------ */

__u64 spent_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return spent.tv_sec * NS_PER_S + spent.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare_doubles);
	return nr % 2 ? values[nr / 2] : (values[nr / 2 - 1] + values[nr / 2]) / 2;
}
