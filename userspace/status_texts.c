// SPDX-License-Identifier: GPL-2.0-only
#include "status_texts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>
#include <zlib.h>

#include "aggregate.h"
#include "clock.h"
#include "openmetrics.h"
#include "status_page.h"
#include "status_server.h"

/* A text is written anew after a drain, or when it is older than this. */
#define FRESH_NS NS_PER_S
/*
 * Texts that have been replaced, and are still being sent to somebody slow, may have so many bytes together,
 * or as many as the newest have. Beyond that none is replaced, and nobody slow is given much time.
 */
#define OLD_TEXTS_BYTES (16ull * 1024 * 1024)

struct text {
	struct status_texts *texts;
	char *data;
	size_t size;
	bool is_old; /* replaced */
};

/* An answer that is kept for those who ask for the same soon. */
struct kept_text {
	struct MHD_Response *response;
	struct text *text; /* of the response */
	__u64 made_ns, drains;
	bool ready;
};

struct status_texts {
	const struct aggregate *aggregate;
	char *version, *host;
	void (*before_text)(void *arg);
	void *before_text_arg;
	struct kept_text kept[NR_TEXTS][2]; /* plain, gzip */
	__u64 old_bytes;		    /* of texts that have been replaced */
};

static void free_text(void *cls)
{
	struct text *text = cls;

	if (text->is_old)
		text->texts->old_bytes -= text->size;
	free(text->data);
	free(text);
}

/* Replaces *data by what gzip makes of it. 0 or -ENOMEM. */
static int compress_text(char **data, size_t *size)
{
	z_stream stream = { 0 };
	unsigned char *packed, *fitting;
	size_t bound;
	int done;

	/* The fastest level: texts are many times as small with it already. 16: gzip. */
	if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&stream, *size);
	packed = malloc(bound);
	if (packed) {
		stream.next_in = (unsigned char *)*data;
		stream.avail_in = *size;
		stream.next_out = packed;
		stream.avail_out = bound;
		done = deflate(&stream, Z_FINISH);
	}
	deflateEnd(&stream);
	if (!packed || done != Z_STREAM_END) {
		free(packed);
		return -ENOMEM;
	}
	free(*data);
	*size = bound - stream.avail_out;
	fitting = realloc(packed, *size);
	*data = (char *)(fitting ?: packed);
	return 0;
}

static int write_text(const struct status_texts *texts, enum status_text which, bool gzip,
		      char **data, size_t *size)
{
	enum exposition_format format =
		which == TEXT_OPENMETRICS ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
	int err;

	if (which == TEXT_PAGE)
		err = status_page__write(texts->aggregate, texts->version, texts->host, data, size);
	else
		err = exposition__write(texts->aggregate, format, texts->version, data, size);
	if (!err && gzip) {
		err = compress_text(data, size);
		if (err)
			free(*data);
	}
	return err;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	MHD_add_response_header(response, name, value);
}

void status_text__add_headers(struct MHD_Response *response, const char *type)
{
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "X-Frame-Options", "DENY");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	/* The page has its style and an empty icon in itself, and nothing else that does anything. */
	add_header(response, "Content-Security-Policy",
		   "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
		   "form-action 'none'; frame-ancestors 'none'");
}

static const char *type_of(enum status_text which)
{
	switch (which) {
	case TEXT_OPENMETRICS:
		return exposition__content_type(EXPOSITION_OPENMETRICS);
	case TEXT_PROMETHEUS:
		return exposition__content_type(EXPOSITION_PROMETHEUS);
	default:
		return "text/html; charset=utf-8";
	}
}

/* Into `kept`, unless memory is short. */
static void make_text(struct status_texts *texts, enum status_text which, bool gzip,
		      struct kept_text *kept)
{
	struct text *text = calloc(1, sizeof(*text));
	struct MHD_Response *response;

	if (!text)
		return;
	text->texts = texts;
	if (write_text(texts, which, gzip, &text->data, &text->size)) {
		free(text);
		return;
	}
	response = MHD_create_response_from_buffer_with_free_callback_cls(text->size, text->data,
									  free_text, text);
	if (!response) {
		free_text(text);
		return;
	}
	status_text__add_headers(response, type_of(which));
	add_header(response, MHD_HTTP_HEADER_VARY,
		   MHD_HTTP_HEADER_ACCEPT ", " MHD_HTTP_HEADER_ACCEPT_ENCODING);
	if (gzip)
		add_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	kept->response = response;
	kept->text = text;
}

/* Of a drain, or moment, that is over; it lives on with those who are still reading it. */
static void forget_text(struct kept_text *kept)
{
	if (!kept->response)
		return;
	kept->text->is_old = true;
	kept->text->texts->old_bytes += kept->text->size;
	MHD_destroy_response(kept->response);
	kept->response = NULL;
}

bool status_texts__are_hoarded(const struct status_texts *texts)
{
	__u64 newest_bytes = 0;

	if (texts->old_bytes <= OLD_TEXTS_BYTES)
		return false;
	for (int i = 0; i < NR_TEXTS * 2; i++) {
		const struct kept_text *kept = &texts->kept[i / 2][i % 2];

		newest_bytes += kept->response ? kept->text->size : 0;
	}
	return texts->old_bytes > newest_bytes;
}

static bool is_fresh(const struct kept_text *kept, const struct aggregate_state *state, __u64 now)
{
	return kept->drains == state->cost.drains && kept->ready == state->ready &&
	       now - kept->made_ns < FRESH_NS;
}

struct MHD_Response *status_texts__get(struct status_texts *texts, enum status_text which,
				       bool gzip)
{
	const struct aggregate_state *state = aggregate__read_state(texts->aggregate);
	struct kept_text *kept = &texts->kept[which][gzip];
	__u64 now = clock_ns();

	if (kept->response && (is_fresh(kept, state, now) || status_texts__are_hoarded(texts)))
		return kept->response;
	forget_text(kept);
	if (texts->before_text)
		texts->before_text(texts->before_text_arg);
	make_text(texts, which, gzip, kept);
	kept->made_ns = now;
	kept->drains = state->cost.drains;
	kept->ready = state->ready;
	return kept->response;
}

struct status_texts *status_texts__new(const struct status_server_options *opts,
				       const struct aggregate *aggregate)
{
	struct status_texts *texts = calloc(1, sizeof(*texts));

	if (!texts)
		return NULL;
	texts->aggregate = aggregate;
	texts->before_text = opts->before_text;
	texts->before_text_arg = opts->before_text_arg;
	texts->version = strdup(opts->version);
	texts->host = strdup(opts->host);
	if (!texts->version || !texts->host) {
		status_texts__free(texts);
		return NULL;
	}
	return texts;
}

void status_texts__free(struct status_texts *texts)
{
	if (!texts)
		return;
	for (int i = 0; i < NR_TEXTS * 2; i++)
		forget_text(&texts->kept[i / 2][i % 2]);
	free(texts->version);
	free(texts->host);
	free(texts);
}
