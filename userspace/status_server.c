// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmicrohttpd does HTTP. What it does not do is done here: who is slow in asking or in reading has a
 * deadline, however busily it sends a byte now and then, and when there are many such, a short one.
 */
#include "status_server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "aggregate.h"
#include "clock.h"
#include "listen_socket.h"
#include "message.h"
#include "openmetrics.h"
#include "process_fds.h"
#include "status_texts.h"

/* Beyond so many, others wait to be accepted; fewer when there are not so many file descriptors. */
#define MAX_CONNECTIONS 256
#define MIN_CONNECTIONS 8
/* Beyond this part of them, nobody is given much time. */
#define MANY_CONNECTIONS(max) ((max) / 4)
#define CONNECTION_BYTES      (16 * 1024)
/* Of the kernel's memory, which else takes megabytes of an answer that nobody reads. */
#define SEND_BYTES (64 * 1024)

/* A request must be complete, and an answer be taken, within so long... */
#define REQUEST_NS (10 * NS_PER_S)
#define ANSWER_NS  (30 * NS_PER_S)
/* ...and the next request of a client that has been served begin. */
#define IDLE_NS (75 * NS_PER_S)
/* The same when there are many. */
#define CROWDED_REQUEST_NS (NS_PER_S / 2)
#define CROWDED_ANSWER_NS  (3 * NS_PER_S)
/* And when there is no room for one more: who means it sends its request with its first packet. */
#define FULL_REQUEST_NS (NS_PER_S / 10)

struct connection {
	struct connection *next, **link;
	int fd;
	__u64 since_ns; /* of what it is doing */
	enum { ASKS, IS_ANSWERED, IDLES, IS_DROPPED } state;
};

struct status_server {
	const struct aggregate *aggregate;
	struct status_texts *texts;
	struct listen_socket listener;
	struct MHD_Daemon *daemon;
	int fd;
	struct connection *connections;
	unsigned int nr_connections, max_connections;
	bool has_room_again; /* there were as many as there can be, and one has ended */
};

/* --- requests ------------------------------------------------------------------------------------ */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned int status,
			     struct MHD_Response *response)
{
	struct connection *own = connection_of(connection);

	if (own && own->state != IS_DROPPED) {
		own->state = IS_ANSWERED;
		own->since_ns = clock_ns();
	}
	return MHD_queue_response(connection, status, response);
}

/* An answer of a line. `name` and `value` are a header more, or NULL. */
static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status, const char *text,
			   const char *name, const char *value)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	status_text__add_headers(response, "text/plain; charset=utf-8");
	if (name)
		MHD_add_response_header(response, name, value);
	result = queue(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Whether the client takes gzip: "gzip", not "gzip;q=0". */
static bool takes_gzip(struct MHD_Connection *connection)
{
	const char *at = header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING);

	while (at && *at) {
		size_t length;
		const char *quality;

		at += strspn(at, " \t,");
		length = strcspn(at, ";, \t");
		if (length == 4 && !strncasecmp(at, "gzip", 4)) {
			at += length;
			at += strspn(at, " \t;");
			quality = strncasecmp(at, "q=", 2) ? NULL : at + 2;
			return !quality || strtod(quality, NULL) > 0;
		}
		at += strcspn(at, ",");
	}
	return false;
}

static enum MHD_Result answer_text(struct status_server *server, struct MHD_Connection *connection,
				   enum status_text which)
{
	struct MHD_Response *response =
		status_texts__get(server->texts, which, takes_gzip(connection));

	if (!response)
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "memory is short; try again\n",
			   MHD_HTTP_HEADER_RETRY_AFTER, "1");
	return queue(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result answer_metrics(struct status_server *server,
				      struct MHD_Connection *connection)
{
	const char *accept = header(connection, MHD_HTTP_HEADER_ACCEPT);

	if (!exposition__acceptable(accept))
		return say(connection, MHD_HTTP_NOT_ACCEPTABLE,
			   "there are text/plain; version=0.0.4 and "
			   "application/openmetrics-text; version=1.0.0\n",
			   NULL, NULL);
	return answer_text(server, connection,
			   exposition__choose(accept) == EXPOSITION_OPENMETRICS ? TEXT_OPENMETRICS
										: TEXT_PROMETHEUS);
}

static enum MHD_Result answer_readiness(const struct status_server *server,
					struct MHD_Connection *connection)
{
	const struct aggregate_state *state = aggregate__read_state(server->aggregate);
	char text[sizeof(state->trouble) + 32];

	if (state->ready)
		return say(connection, MHD_HTTP_OK, "ready\n", NULL, NULL);
	snprintf(text, sizeof(text), "not ready: %s\n",
		 *state->trouble ? state->trouble : "calls are not being counted yet");
	return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, text, NULL, NULL);
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && strcmp(length, "0"));
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload_data,
			      size_t *upload_size, void **request)
{
	struct status_server *server = cls;

	(void)version;
	(void)upload_data;
	(void)upload_size;
	/* The first call is for the headers; what is answered then ends the connection. */
	if (!*request) {
		*request = server;
		if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
			return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				   "only GET and HEAD are possible\n", MHD_HTTP_HEADER_ALLOW,
				   "GET, HEAD");
		if (has_body(connection))
			return say(connection, MHD_HTTP_CONTENT_TOO_LARGE,
				   "a request must not have a body\n", MHD_HTTP_HEADER_CONNECTION,
				   "close");
		return MHD_YES;
	}
	if (!strcmp(url, "/metrics"))
		return answer_metrics(server, connection);
	if (!strcmp(url, "/"))
		return answer_text(server, connection, TEXT_PAGE);
	if (!strcmp(url, "/healthz"))
		return say(connection, MHD_HTTP_OK, "ok\n", NULL, NULL);
	if (!strcmp(url, "/readyz"))
		return answer_readiness(server, connection);
	return say(connection, MHD_HTTP_NOT_FOUND, "there are /, /metrics, /healthz and /readyz\n",
		   NULL, NULL);
}

/* --- connections --------------------------------------------------------------------------------- */

static void connection_begins(struct status_server *server, struct MHD_Connection *connection,
			      void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct connection *own = calloc(1, sizeof(*own));

	if (!own || !info) {
		/* One that has no deadline must not be. */
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(own);
		return;
	}
	own->fd = info->connect_fd;
	own->since_ns = clock_ns();
	own->next = server->connections;
	own->link = &server->connections;
	if (own->next)
		own->next->link = &own->next;
	server->connections = own;
	server->nr_connections++;
	*context = own;
}

static void connection_ends(struct status_server *server, struct connection *own)
{
	if (!own)
		return;
	*own->link = own->next;
	if (own->next)
		own->next->link = own->link;
	if (server->nr_connections-- >= server->max_connections)
		server->has_room_again = true;
	free(own);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		connection_begins(cls, connection, context);
	else
		connection_ends(cls, *context);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode why)
{
	struct connection *own = connection_of(connection);

	(void)cls;
	(void)request;
	(void)why;
	if (own && own->state != IS_DROPPED) {
		own->state = IDLES;
		own->since_ns = clock_ns();
	}
}

static bool is_crowded(const struct status_server *server)
{
	return server->nr_connections > MANY_CONNECTIONS(server->max_connections) ||
	       status_texts__are_hoarded(server->texts);
}

/* How long one that sends nothing of use is kept; `otherwise` when there is room. */
static __u64 patience(const struct status_server *server, __u64 otherwise)
{
	if (server->nr_connections >= server->max_connections)
		return FULL_REQUEST_NS;
	return is_crowded(server) ? CROWDED_REQUEST_NS : otherwise;
}

static __u64 deadline_of(const struct status_server *server, const struct connection *own)
{
	switch (own->state) {
	case ASKS:
		return own->since_ns + patience(server, REQUEST_NS);
	case IS_ANSWERED:
		return own->since_ns + (is_crowded(server) ? CROWDED_ANSWER_NS : ANSWER_NS);
	case IDLES:
		return own->since_ns + patience(server, IDLE_NS);
	default:
		return ~0ull;
	}
}

/* Drops who has had its time; libmicrohttpd sees the end of its connection and closes it. */
static void tend(struct status_server *server)
{
	__u64 now = clock_ns();

	for (struct connection *own = server->connections; own; own = own->next) {
		if (deadline_of(server, own) > now)
			continue;
		shutdown(own->fd, SHUT_RDWR);
		own->state = IS_DROPPED;
	}
}

/* --- the server ---------------------------------------------------------------------------------- */

/* Connections must leave descriptors for everything else that the process does. */
static unsigned int connections_for(int fds, int limit)
{
	int spare = (limit - fds) / 2;

	if (fds < 0 || limit < 0 || spare > MAX_CONNECTIONS)
		return MAX_CONNECTIONS;
	return spare < MIN_CONNECTIONS ? MIN_CONNECTIONS : spare;
}

static int start_daemon(struct status_server *server, const char *address)
{
	const union MHD_DaemonInfo *info;
	int bytes = SEND_BYTES;

	server->max_connections = connections_for(process_fds__open(), process_fds__limit());
	/* Who is accepted inherits it. */
	setsockopt(server->listener.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));

	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET,
		server->listener.fd, MHD_OPTION_CONNECTION_LIMIT, server->max_connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, server, MHD_OPTION_END);
	if (!server->daemon) {
		msg__error(
			"cannot serve HTTP on %s: libmicrohttpd does not start; out of memory or "
			"file descriptors?",
			address);
		return -ENOMEM;
	}
	/* It closes it. */
	server->listener.fd = -1;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		msg__error("cannot serve HTTP on %s: this libmicrohttpd is built without epoll",
			   address);
		return -EOPNOTSUPP;
	}
	server->fd = info->epoll_fd;
	return 0;
}

static int listen_fd(const struct status_server *server)
{
	const union MHD_DaemonInfo *info =
		server ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD) : NULL;

	return info ? info->listen_fd : -1;
}

int status_server__open(const struct status_server_options *opts, const struct aggregate *aggregate,
			struct status_server **result)
{
	struct status_server *server = calloc(1, sizeof(*server));
	int err;

	*result = NULL;
	if (!server)
		goto no_memory;
	server->listener.fd = -1;
	server->fd = -1;
	server->aggregate = aggregate;
	server->texts = status_texts__new(opts, aggregate);
	if (!server->texts)
		goto no_memory;
	err = listen_socket__open(&server->listener, opts->listen, listen_fd(opts->beside))
		      ?: start_daemon(server, opts->listen);
	if (err) {
		status_server__free(server);
		return err;
	}
	*result = server;
	return 0;
no_memory:
	msg__error("cannot serve HTTP on %s: out of memory", opts->listen);
	status_server__free(server);
	return -ENOMEM;
}

void status_server__free(struct status_server *server)
{
	if (!server)
		return;
	/* Ends all connections, and with them what is left of the texts that were replaced. */
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	listen_socket__close(&server->listener);
	status_texts__free(server->texts);
	free(server);
}

int status_server__fd(const struct status_server *server)
{
	return server->fd;
}

void status_server__run(struct status_server *server)
{
	MHD_run(server->daemon);
	/* It looks again for who waits to be accepted when it runs again, and nothing else may make it. */
	if (server->has_room_again) {
		server->has_room_again = false;
		MHD_run(server->daemon);
	}
	tend(server);
}

int status_server__timeout_ms(const struct status_server *server)
{
	__u64 now = clock_ns(), next = ~0ull, wait;
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && !timeout)
		return 0;
	for (const struct connection *own = server->connections; own; own = own->next) {
		__u64 deadline = deadline_of(server, own);

		if (deadline < next)
			next = deadline;
	}
	if (next == ~0ull)
		return -1;
	wait = next > now ? next - now : 0;
	return (int)(wait / 1000000) + 1;
}
