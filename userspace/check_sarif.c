// SPDX-License-Identifier: GPL-2.0-only
/* What check found as SARIF 2.1.0 (OASIS): one rule for each verdict, a result for each finding. */
#include "check_report.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "check.h"
#include "output.h"
#include "printable.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

static const char *level_of(const struct check_finding *finding)
{
	if (check_finding__counts(finding))
		return "error";
	return finding->outcome == CHECK_LOADS ? "note" : "warning";
}

/*
 * A path as URI. What lies under the working directory is named from there, as code hosts have it
 * when check runs where the sources are checked out.
 */
static json_t *json_uri(const char *path)
{
	static const char plain[] = "-._~/";
	char folder[PATH_MAX], *text;
	size_t len, size;
	json_t *json;
	FILE *out;

	if (getcwd(folder, sizeof(folder))) {
		len = strlen(folder);
		if (strncmp(path, folder, len) == 0 && path[len] == '/')
			path += len + 1;
	}
	path += strncmp(path, "./", 2) == 0 ? 2 : 0;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fputs(*path == '/' ? "file://" : "", out);
	for (const char *c = path; *c; c++) {
		if (isalnum((unsigned char)*c) || strchr(plain, *c))
			fputc(*c, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*c);
	}
	fclose(out);
	json = json_string(text);
	free(text);
	return json;
}

static json_t *json_message(const char *text)
{
	return json_pack("{s:s}", "text", text);
}

/* What a buffer had no room for may have been half a character. */
static json_t *json_message_of(char *text)
{
	printable__make(text);
	return json_message(text);
}

static json_t *json_rules(void)
{
	json_t *rules = json_array();

	for (int verdict = 0; verdict < CHECK_NR_VERDICTS; verdict++) {
		json_t *rule = json_object();

		json_object_set_new(rule, "id", json_string(check_verdict__name(verdict)));
		json_object_set_new(rule, "shortDescription",
				    json_message(check_verdict__explain(verdict)));
		json_array_append_new(rules, rule);
	}
	return rules;
}

static json_t *json_location(const struct check *check, const struct check_finding *finding)
{
	json_t *location = json_object(), *physical = json_object(), *artifact = json_object();
	json_t *logical = json_object(), *list = json_array();

	json_object_set_new(artifact, "uri",
			    json_uri(finding->file ?: check->objects[finding->object].path));
	json_object_set_new(physical, "artifactLocation", artifact);
	if (finding->file && finding->line > 0)
		json_object_set_new(physical, "region",
				    json_pack("{s:i}", "startLine", finding->line));
	json_object_set_new(location, "physicalLocation", physical);
	if (finding->program) {
		json_object_set_new(logical, "name", json_string(finding->program));
		json_object_set_new(logical, "kind", json_string("function"));
		json_array_append(list, logical);
		json_object_set(location, "logicalLocations", list);
	}
	json_decref(logical);
	json_decref(list);
	return location;
}

static json_t *json_result(const struct check *check, const struct check_finding *finding)
{
	json_t *result = json_object(), *locations = json_array();
	const char *release = check->kernels[finding->kernel].snapshot.release;
	char text[1024];

	snprintf(text, sizeof(text), "%s on Linux %s%s%s: %s%s%s%s%s%s%s", finding->kfunc, release,
		 finding->program ? ", program " : "", finding->program ?: "",
		 check_verdict__explain(finding->verdict), finding->what ? " Found: " : "",
		 finding->what ?: "", finding->advice ? ". What to do: " : "",
		 finding->advice ?: "", finding->replacement ? ". Its replacement: " : "",
		 finding->replacement ?: "");
	json_array_append_new(locations, json_location(check, finding));
	json_object_set_new(result, "ruleId", json_string(check_verdict__name(finding->verdict)));
	json_object_set_new(result, "ruleIndex", json_integer(finding->verdict));
	json_object_set_new(result, "level", json_string(level_of(finding)));
	json_object_set_new(result, "message", json_message_of(text));
	json_object_set_new(result, "locations", locations);
	json_object_set_new(result, "properties",
			    json_pack("{s:s, s:s, s:s}", "kernel", release, "kfunc", finding->kfunc,
				      "object", check->objects[finding->object].path));
	return result;
}

static json_t *json_results(const struct check *check)
{
	json_t *results = json_array();

	for (size_t i = 0; i < check->nr_findings; i++) {
		if (!check_finding__is_fine(&check->findings[i]))
			json_array_append_new(results, json_result(check, &check->findings[i]));
	}
	return results;
}

/* Objects that could not be judged must not look like good ones. */
static json_t *json_invocation(const struct check *check)
{
	json_t *invocation = json_object(), *notifications = json_array();

	for (size_t i = 0; i < check->nr_objects; i++) {
		const struct check_object *object = &check->objects[i];
		char text[512];

		if (!object->error)
			continue;
		snprintf(text, sizeof(text), "%s: %s", object->path, object->error);
		json_array_append_new(notifications, json_pack("{s:s, s:o}", "level", "error",
							       "message", json_message_of(text)));
	}
	json_object_set_new(invocation, "executionSuccessful",
			    json_boolean(!json_array_size(notifications)));
	json_object_set_new(invocation, "toolExecutionNotifications", notifications);
	return invocation;
}

int check_report__sarif(const struct check *check, FILE *out)
{
	json_t *root = json_object(), *run = json_object();

	json_object_set_new(run, "tool",
			    json_pack("{s:{s:s, s:o}}", "driver", "name", "kfunctrace check",
				      "rules", json_rules()));
	json_object_set_new(run, "invocations", json_pack("[o]", json_invocation(check)));
	json_object_set_new(run, "results", json_results(check));
	json_object_set_new(root, "$schema", json_string(SCHEMA));
	json_object_set_new(root, "version", json_string("2.1.0"));
	json_object_set_new(root, "runs", json_pack("[o]", run));
	return output__json(out, root, true);
}
