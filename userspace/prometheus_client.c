// SPDX-License-Identifier: GPL-2.0-only
#include "prometheus_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "printable.h"

#define CONNECT_SECONDS	  10
#define ANSWER_SECONDS	  180
#define MAX_ANSWER	  (512ul << 20)
#define MAX_TOKEN	  16384
#define MAX_SAID	  300 /* characters of somebody else's message */
#define TOKEN_ENVIRONMENT "KFUNCTRACE_PROMETHEUS_TOKEN_FILE"
#define CA_ENVIRONMENT	  "KFUNCTRACE_PROMETHEUS_CA_FILE"

struct answer {
	char *text;
	size_t size, room;
	bool too_large, no_memory;
};

struct prometheus {
	CURL *curl;
	char *url; /* without user and password, without a slash at the end */
	char *user, *password;
	struct curl_slist *headers;
	struct prometheus_cost cost;
	json_t *warned; /* what the server has warned of, said once each */
	char error[CURL_ERROR_SIZE];
};

/* --- the URL, and who asks -------------------------------------------------------------------- */

/* A part of the URL, or NULL; it is decoded. */
static char *url_part(CURLU *parsed, CURLUPart part)
{
	char *text = NULL, *copy;

	if (curl_url_get(parsed, part, &text, CURLU_URLDECODE) != CURLUE_OK)
		return NULL;
	copy = strdup(text);
	curl_free(text);
	return copy;
}

/* Takes user and password out of it, and what is at the end that would be in the way. */
static int take_url(struct prometheus *client, CURLU *parsed)
{
	char *text = NULL;
	size_t len;

	client->user = url_part(parsed, CURLUPART_USER);
	client->password = url_part(parsed, CURLUPART_PASSWORD);
	if (curl_url_set(parsed, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return -ENOMEM;
	client->url = strdup(text);
	curl_free(text);
	if (!client->url)
		return -ENOMEM;
	for (len = strlen(client->url); len && client->url[len - 1] == '/'; len--)
		client->url[len - 1] = '\0';
	return 0;
}

/* What is wrong with it, or NULL. */
static const char *url_complaint(CURLU *parsed, const char *url)
{
	char *scheme = NULL, *other = NULL;
	const char *why = NULL;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return "it has to begin with http:// or https://";
	if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		why = "it cannot be understood";
	else if (curl_url_get(parsed, CURLUPART_QUERY, &other, 0) == CURLUE_OK ||
		 curl_url_get(parsed, CURLUPART_FRAGMENT, &other, 0) == CURLUE_OK)
		why = "nothing may follow its path";
	curl_free(scheme);
	curl_free(other);
	return why;
}

static int parse_url(struct prometheus *client, const char *url)
{
	CURLU *parsed = curl_url();
	const char *why;
	int err;

	if (!parsed)
		return -ENOMEM;
	why = url_complaint(parsed, url);
	if (why) {
		/* It may have a password in it. */
		msg__error("the URL of Prometheus is not usable: %s; it is like http://HOST:9090",
			   why);
		err = -EINVAL;
	} else {
		err = take_url(client, parsed);
	}
	curl_url_cleanup(parsed);
	return err;
}

static int read_token(struct prometheus *client)
{
	const char *path = getenv(TOKEN_ENVIRONMENT);
	char token[MAX_TOKEN], *header;
	size_t len;
	FILE *file;
	int err = 0;

	if (!path || !*path)
		return 0;
	file = fopen(path, "re");
	len = file ? fread(token, 1, sizeof(token) - 1, file) : 0;
	if (!file || ferror(file)) {
		err = -errno;
		msg__error("%s (%s): cannot read the token: %s", path, TOKEN_ENVIRONMENT,
			   strerror(errno));
	}
	if (file)
		fclose(file);
	if (err)
		return err;
	token[len] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	if (!token[0] || strlen(token) == sizeof(token) - 1 || !printable__is(token)) {
		msg__error("%s (%s): there is no token in it, of one line", path,
			   TOKEN_ENVIRONMENT);
		return -EINVAL;
	}
	if (asprintf(&header, "Authorization: Bearer %s", token) < 0)
		return -ENOMEM;
	client->headers = curl_slist_append(NULL, header);
	free(header);
	return client->headers ? 0 : -ENOMEM;
}

/* --- asking -------------------------------------------------------------------------------------- */

static size_t receive(char *data, size_t size, size_t nr, void *arg)
{
	struct answer *answer = arg;

	size *= nr;
	if (size > MAX_ANSWER - answer->size) {
		answer->too_large = true;
		return 0;
	}
	if (answer->size + size + 1 > answer->room) {
		size_t room = answer->room * 2 > answer->size + size + 1 ? answer->room * 2
									 : answer->size + size + 1;
		char *grown = realloc(answer->text, room);

		if (!grown) {
			answer->no_memory = true;
			return 0;
		}
		answer->text = grown;
		answer->room = room;
	}
	memcpy(answer->text + answer->size, data, size);
	answer->size += size;
	answer->text[answer->size] = '\0';
	return size;
}

static void set_options(struct prometheus *client)
{
	const char *ca = getenv(CA_ENVIRONMENT);
	CURL *curl = client->curl;

	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	/* A redirection could carry the token to somebody else: it is said instead. */
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "kfunctrace");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
	if (ca && *ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	if (client->user) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, client->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, client->password ?: "");
	} else if (!client->headers) {
		curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	}
}

int prometheus__open(const char *url, struct prometheus **client_)
{
	struct prometheus *client = calloc(1, sizeof(*client));
	int err = client ? 0 : -ENOMEM;

	*client_ = client;
	if (!err && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		err = -ENOMEM;
	if (!err)
		err = parse_url(client, url) ?: read_token(client);
	if (!err) {
		client->curl = curl_easy_init();
		client->warned = json_object();
		if (client->curl && client->warned)
			set_options(client);
		else
			err = -ENOMEM;
	}
	if (err == -ENOMEM)
		msg__error("out of memory");
	if (err) {
		prometheus__close(client);
		*client_ = NULL;
	}
	return err;
}

void prometheus__close(struct prometheus *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->headers);
	json_decref(client->warned);
	free(client->url);
	free(client->user);
	free(client->password);
	free(client);
}

const char *prometheus__url(const struct prometheus *client)
{
	return client->url;
}

const struct prometheus_cost *prometheus__cost(const struct prometheus *client)
{
	return &client->cost;
}

/* Sends it; the answer is whatever came back, its status in *status. */
static int post(struct prometheus *client, const char *path, const char *form,
		struct answer *answer, long *status)
{
	char *url;
	__u64 begin = clock_ns();
	CURLcode code;

	if (asprintf(&url, "%s/api/v1/%s", client->url, path) < 0)
		return -ENOMEM;
	client->error[0] = '\0';
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, form);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, answer);
	code = curl_easy_perform(client->curl);
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status);
	free(url);
	client->cost.queries++;
	client->cost.bytes += answer->size;
	client->cost.ns += clock_ns() - begin;
	if (code == CURLE_OK)
		return 0;
	if (answer->too_large)
		msg__error("%s: the answer is larger than %lu MiB; choose kfuncs with -k, or a "
			   "shorter time",
			   client->url, MAX_ANSWER >> 20);
	else if (answer->no_memory)
		return -ENOMEM;
	else if (code == CURLE_OPERATION_TIMEDOUT)
		msg__error(
			"%s: no answer in time: %s; is it up? Choose kfuncs with -k, or a shorter "
			"time with --since, when it is only slow",
			client->url, client->error);
	else
		msg__error(
			"%s: cannot ask: %s; is the URL right, and Prometheus or VictoriaMetrics "
			"up?",
			client->url, client->error[0] ? client->error : curl_easy_strerror(code));
	return -EIO;
}

/* --- answers --------------------------------------------------------------------------------------- */

/* What somebody else says, fit to be printed. */
static void take_words(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%s", text ?: "");
	buf[strcspn(buf, "\r\n")] = '\0';
	printable__make(buf);
}

static const char *advice(long status)
{
	if (status == 401 || status == 403)
		return "; " TOKEN_ENVIRONMENT ", ~/.netrc or the URL say who asks";
	if (status == 404)
		return "; does the URL lack a path (/prometheus, /select/0/prometheus)?";
	if (status >= 300 && status < 400)
		return "; give the URL where it is";
	return "";
}

/* A status that is not 200, or an error in words of the API. */
static int say_error(struct prometheus *client, long status, const json_t *answer, const char *text)
{
	char said[MAX_SAID], *target = NULL;
	const char *error = json_string_value(json_object_get(answer, "error"));

	curl_easy_getinfo(client->curl, CURLINFO_REDIRECT_URL, &target);
	take_words(said, sizeof(said), error ?: target ?: text);
	msg__error("%s: the answer is status %ld%s%s%s", client->url, status, said[0] ? ": " : "",
		   said, advice(status));
	return status == 401 || status == 403 ? -EACCES : -EIO;
}

static void say_warnings(struct prometheus *client, const json_t *answer)
{
	char said[MAX_SAID];
	const json_t *warning;
	size_t i;

	json_array_foreach (json_object_get(answer, "warnings"), i, warning) {
		take_words(said, sizeof(said), json_string_value(warning));
		if (!said[0] || json_object_get(client->warned, said))
			continue;
		msg__warn("%s warns: %s", client->url, said);
		json_object_set_new(client->warned, said, json_true());
	}
}

/* The series of a good answer. */
static int take_result(struct prometheus *client, json_t *answer, json_t **result)
{
	const json_t *data = json_object_get(answer, "data");
	json_t *series = json_object_get(data, "result");

	if (!json_is_array(series) ||
	    strcmp(json_string_value(json_object_get(answer, "status")) ?: "", "success") != 0) {
		msg__error("%s: this is not the HTTP API of Prometheus: the answer has no result",
			   client->url);
		return -EPROTO;
	}
	if (json_is_true(json_object_get(answer, "isPartial"))) {
		msg__error(
			"%s: the answer is partial, some of its storage nodes did not give theirs; "
			"figures would be too low: ask again when they are up",
			client->url);
		return -EIO;
	}
	*result = json_incref(series);
	return 0;
}

static int take_answer(struct prometheus *client, long status, const struct answer *text,
		       json_t **result)
{
	json_error_t error;
	json_t *answer = json_loadb(text->text ?: "", text->size, 0, &error);
	int err;

	if (status != 200) {
		/* The words of a page are for a browser. */
		err = say_error(client, status, answer,
				text->text && text->text[0] != '<' ? text->text : "");
	} else if (!answer) {
		msg__error("%s: this is not the HTTP API of Prometheus: the answer is no JSON: %s "
			   "(byte %d)",
			   client->url, error.text, error.position);
		err = -EPROTO;
	} else {
		say_warnings(client, answer);
		err = take_result(client, answer, result);
	}
	json_decref(answer);
	return err;
}

/* `form` is malloc'ed, or NULL without memory. */
static int ask(struct prometheus *client, const char *path, const char *expression, char *form,
	       json_t **result)
{
	struct answer answer = { 0 };
	__u64 before = client->cost.ns;
	long status = 0;
	int err = form ? post(client, path, form, &answer, &status) : -ENOMEM;

	*result = NULL;
	msg__detail("%s: %zu bytes in %.3f s: %s: %s", client->url, answer.size,
		    (client->cost.ns - before) / 1e9, path, expression);
	if (!err)
		err = take_answer(client, status, &answer, result);
	if (err == -ENOMEM)
		msg__error("out of memory");
	free(answer.text);
	free(form);
	return err;
}

/*
 * What only some servers know, and others take no notice of: nocache, so that VictoriaMetrics answers for
 * the time asked and not for half a minute before; no partial answers of Thanos.
 */
#define EVERYWHERE "nocache=1&partial_response=false"

/* Without memory NULL. */
static char *form_of(struct prometheus *client, const char *expression, const char *times)
{
	char *escaped = curl_easy_escape(client->curl, expression, 0), *form = NULL;

	if (escaped && asprintf(&form, EVERYWHERE "&%s&query=%s", times, escaped) < 0)
		form = NULL;
	curl_free(escaped);
	return form;
}

int prometheus__query(struct prometheus *client, const char *expression, __s64 time_ms,
		      json_t **result)
{
	char times[64];

	snprintf(times, sizeof(times), "time=%lld.%03lld", time_ms / 1000, time_ms % 1000);
	return ask(client, "query", expression, form_of(client, expression, times), result);
}

int prometheus__query_range(struct prometheus *client, const char *expression, __s64 begin_ms,
			    __s64 end_ms, __s64 step_ms, json_t **result)
{
	char times[128];

	snprintf(times, sizeof(times), "start=%lld.%03lld&end=%lld.%03lld&step=%lld.%03lld",
		 begin_ms / 1000, begin_ms % 1000, end_ms / 1000, end_ms % 1000, step_ms / 1000,
		 step_ms % 1000);
	return ask(client, "query_range", expression, form_of(client, expression, times), result);
}

int prometheus__sample(const json_t *pair, __s64 *time_ms, double *value)
{
	const json_t *time = json_array_get(pair, 0);
	const char *text = json_string_value(json_array_get(pair, 1));
	double seconds = json_number_value(time);
	char *end;

	if (!json_is_number(time) || !text || !(seconds >= 0 && seconds < (double)LLONG_MAX / 1e6))
		return -EPROTO;
	*time_ms = seconds * 1000 + 0.5;
	*value = strtod(text, &end);
	return end != text && !*end && !isnan(*value) ? 0 : -EPROTO;
}
