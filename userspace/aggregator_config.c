// SPDX-License-Identifier: GPL-2.0-only
/* The aggregator's configuration, at the beginning and when it is read anew. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator_private.h"
#include "clock.h"
#include "counting.h"
#include "history.h"
#include "message.h"
#include "program_census.h"
#include "serve_notify.h"
#include "status_server.h"

static int override(char **field, const char *value)
{
	if (!value)
		return 0;
	free(*field);
	*field = NULL;
	if (strcmp(value, "off") == 0)
		return 0;
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

int aggregator__load_config(const struct aggregator_options *opts, struct serve_config **result)
{
	struct serve_config *config = calloc(1, sizeof(*config));
	int err;

	if (!config)
		return -ENOMEM;
	err = serve_config__load(config, opts->config, opts->config_must_exist);
	if (!err)
		err = override(&config->history, opts->history)
			      ?: override(&config->listen, opts->listen);
	if (err) {
		serve_config__free(config);
		free(config);
		return err;
	}
	*result = config;
	return 0;
}

void aggregator__free_config(struct serve_config *config)
{
	if (!config)
		return;
	serve_config__free(config);
	free(config);
}

int aggregator__check_config(const struct aggregator_options *opts)
{
	struct serve_config *config = NULL;
	int err = aggregator__load_config(opts, &config);

	aggregator__free_config(config);
	return err;
}

struct aggregate_options aggregate_options__of(const struct serve_config *config)
{
	return (struct aggregate_options){
		.max_callers = config->max_callers,
		.max_objects = config->max_objects,
		.forget_s = config->retention_s,
	};
}

struct overhead_options overhead_options__of(const struct serve_config *config)
{
	return (struct overhead_options){
		.max_share = config->max_overhead,
		.interval_ns = config->measure_ns,
	};
}

static void save_before_text(void *arg)
{
	aggregator__save(arg);
}

int aggregator__listen(struct aggregator *aggregator, const struct serve_config *config,
		       struct status_server **server)
{
	const struct status_server_options opts = {
		.listen = config->listen,
		.version = aggregator->opts->version,
		.host = aggregator->host,
		.before_text = save_before_text,
		.before_text_arg = aggregator,
		.beside = aggregator->server,
	};
	int err;

	*server = NULL;
	if (!config->listen)
		return 0;
	err = status_server__open(&opts, aggregator->aggregate, server);
	if (!err)
		err = aggregator__watch_fd(aggregator, status_server__fd(*server));
	if (err) {
		status_server__free(*server);
		*server = NULL;
	}
	return err;
}

struct notices_options notices_options__of(const struct serve_config *config)
{
	return (struct notices_options){
		.to = config->notices,
		.burst = config->notice_burst,
		.interval_ns = config->notice_interval_ns,
	};
}

static struct history_options history_options(const struct serve_config *config)
{
	return (struct history_options){
		.path = config->history,
		.retention_s = config->retention_s,
		.max_bytes = config->max_bytes,
	};
}

int aggregator__open_history(const struct serve_config *config, struct history **history)
{
	const struct history_options opts = history_options(config);

	*history = NULL;
	if (!config->history)
		return 0;
	history__open(&opts, history);
	return *history ? 0 : -ENOMEM;
}

/* --- a new one -------------------------------------------------------------------------------------- */

static bool differ(const char *a, const char *b)
{
	return strcmp(a ?: "", b ?: "") != 0;
}

/*
 * Steps from one configuration to another; also back again. A step that fails has said why, and has left
 * all as it was, or said what is not.
 */
typedef int (*step_fn)(struct aggregator *aggregator, const struct serve_config *from,
		       const struct serve_config *to);

static int change_target(struct aggregator *aggregator, const struct serve_config *from,
			 const struct serve_config *to)
{
	struct program_census *census;
	int err;

	if (!differ(from->target, to->target))
		return 0;
	err = program_census__open(counting__kernel(aggregator->counting), aggregator->aggregate,
				   aggregator->loaders, to->target, &census);
	if (err)
		return err;
	program_census__free(aggregator->census);
	aggregator->census = census;
	return 0;
}

static int change_notices(struct aggregator *aggregator, const struct serve_config *from,
			  const struct serve_config *to)
{
	const struct notices_options opts = notices_options__of(to);

	(void)from;
	return notices__set_options(aggregator->notices, &opts);
}

static int change_counting(struct aggregator *aggregator, const struct serve_config *from,
			   const struct serve_config *to)
{
	(void)from;
	return counting__reconfigure(aggregator->counting, to);
}

/*
 * What follows is opened before the steps and given to the aggregator behind them. No steps, because the
 * way back would open what may just now be impossible to open.
 */

/* Serves at the address of `to` if it is another one, beside the server that there is. */
static int open_other_server(struct aggregator *aggregator, const struct serve_config *to,
			     struct status_server **server)
{
	*server = NULL;
	if (!differ(aggregator->config->listen, to->listen))
		return 0;
	return aggregator__listen(aggregator, to, server);
}

static void change_server(struct aggregator *aggregator, const struct serve_config *to,
			  struct status_server *other)
{
	if (!differ(aggregator->config->listen, to->listen))
		return;
	status_server__free(aggregator->server);
	aggregator->server = other;
}

/* Opens that of `to` if it is another one; it does without what was counted until now. */
static int open_other_history(const struct aggregator *aggregator, const struct serve_config *to,
			      struct history **history)
{
	const struct history_options opts = history_options(to);
	int err;

	*history = NULL;
	if (!to->history || !differ(aggregator->config->history, to->history))
		return 0;
	err = history__open(&opts, history);
	if (!err)
		err = history__adopt(*history, aggregator->aggregate);
	if (err) {
		history__close(*history);
		*history = NULL;
	}
	return err;
}

static void change_history(struct aggregator *aggregator, const struct serve_config *to,
			   struct history *other)
{
	const struct history_options opts = history_options(to);

	if (!differ(aggregator->config->history, to->history)) {
		if (aggregator->history)
			history__set_options(aggregator->history, &opts);
		return;
	}
	aggregator__take_history_errors(aggregator);
	history__close(aggregator->history);
	aggregator->history = other;
	aggregator->seen.history_errors = 0;
	aggregate__state(aggregator->aggregate)->history_on = other;
}

static int take_steps(struct aggregator *aggregator, const struct serve_config *to)
{
	static const step_fn steps[] = { change_target, change_notices, change_counting };
	const struct serve_config *from = aggregator->config;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](aggregator, from, to);

		if (!err)
			continue;
		while (i--) {
			if (steps[i](aggregator, to, from))
				msg__error("what has changed already could not all be undone");
		}
		return err;
	}
	return 0;
}

static int follow(struct aggregator *aggregator, const struct serve_config *to)
{
	const struct aggregate_options bounds = aggregate_options__of(to);
	const struct overhead_options overhead = overhead_options__of(to);
	struct status_server *server = NULL;
	struct history *history;
	int err = open_other_history(aggregator, to, &history);

	err = err ?: open_other_server(aggregator, to, &server) ?: take_steps(aggregator, to);
	if (err) {
		status_server__free(server);
		history__close(history);
		return err;
	}
	change_server(aggregator, to, server);
	change_history(aggregator, to, history);
	aggregate__set_options(aggregator->aggregate, &bounds);
	overhead__set_options(aggregator->overhead, &overhead);
	/* Those times may be other ones now. */
	aggregator->next_look_ns = aggregator->next_overhead_ns = 0;
	return 0;
}

void aggregator__reload(struct aggregator *aggregator)
{
	struct serve_config *config = NULL;
	const char *fixed = NULL;
	int err;

	serve_notify__reloading();
	err = aggregator__load_config(aggregator->opts, &config);
	if (!err)
		fixed = serve_config__fixed_difference(aggregator->config, config);
	if (fixed) {
		msg__error("%s cannot be changed while the aggregator runs: restart it", fixed);
		err = -EBUSY;
	}
	if (!err)
		err = follow(aggregator, config);
	if (err) {
		msg__error("the configuration stays as it was");
		notices__tell(aggregator->notices,
			      &(struct notice){ .kind = NOTICE_TROUBLE,
						.message = "a wrong configuration was refused, the "
							   "one before stays" },
			      clock_ns());
		aggregator__free_config(config);
	} else {
		aggregator__free_config(aggregator->config);
		aggregator->config = config;
		aggregator__set_timer(aggregator);
		msg__detail("configuration read anew");
	}
	aggregator__judge(aggregator);
	serve_notify__ready(aggregator__status(aggregator));
}
