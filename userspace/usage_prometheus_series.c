// SPDX-License-Identifier: GPL-2.0-only
/* What the series of an answer are about. */
#include "usage_prometheus.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "pattern.h"
#include "printable.h"
#include "prometheus_client.h"

int fleet__out_of_memory(void)
{
	msg__error("out of memory");
	return -ENOMEM;
}

const char *fleet_series__label(const json_t *series, const char *name)
{
	return json_string_value(json_object_get(json_object_get(series, "metric"), name)) ?: "";
}

void fleet_series__take_label(char *buf, size_t size, const json_t *series, const char *name)
{
	snprintf(buf, size, "%s", fleet_series__label(series, name));
	printable__make(buf);
}

int fleet_series__set_text(char **text, const json_t *series, const char *name)
{
	char value[256];

	fleet_series__take_label(value, sizeof(value), series, name);
	return usage_report__set(text, value[0] ? value : NULL);
}

bool fleet_series__count(const json_t *series, __u64 *count)
{
	__s64 time;
	double value;

	if (prometheus__sample(json_object_get(series, "value"), &time, &value) ||
	    !(value >= 0 && value < 0x1p63))
		return false;
	*count = value;
	return true;
}

int fleet_report__kfunc(struct fleet_report *fleet, const json_t *series, __u32 *kfunc)
{
	char name[128], module[64];

	fleet_series__take_label(name, sizeof(name), series, "kfunc");
	fleet_series__take_label(module, sizeof(module), series, "module");
	if (!name[0]) {
		msg__error("%s: metrics of kfuncs have no label kfunc: does relabeling drop it?",
			   prometheus__url(fleet->client));
		return -EPROTO;
	}
	if (fleet->query->kfuncs && !pattern_list__match(fleet->query->kfuncs, name))
		return 0;
	*kfunc = usage_report__kfunc(fleet->report, name, module);
	return *kfunc == USAGE_ALL ? fleet__out_of_memory() : 1;
}

int fleet_report__caller(struct fleet_report *fleet, const json_t *series, __u32 *kfunc,
			 __u32 *program)
{
	struct known_program caller = { .kind = KNOWN_UNKNOWN };
	char kind[16];
	int parsed, err;

	err = fleet_report__kfunc(fleet, series, kfunc);
	if (err <= 0)
		return err;
	fleet_series__take_label(kind, sizeof(kind), series, "caller");
	parsed = known_kind__parse(kind);
	/* Problems are those of programs, and have no such label. */
	if (!kind[0])
		caller.kind = KNOWN_PROGRAM;
	else if (parsed >= 0)
		caller.kind = parsed;
	if (caller.kind == KNOWN_PROGRAM) {
		fleet_series__take_label(caller.name, sizeof(caller.name), series, "program");
		fleet_series__take_label(caller.type, sizeof(caller.type), series, "program_type");
	}
	*program = usage_report__program(fleet->report, &caller);
	return *program == USAGE_ALL ? fleet__out_of_memory() : 1;
}

__u32 fleet_report__host(const struct fleet_report *fleet, const json_t *series)
{
	const struct fleet_host *host =
		fleet_hosts__get(&fleet->hosts, fleet_series__label(series, "instance"));

	return host ? usage_report__host(fleet->report, host->name) : USAGE_ALL;
}
