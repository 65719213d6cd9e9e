/*
 * Background jobs: see jobs.h. The shape of results is that of the reference
 * (Job Statuses, Results) and of what people were answered; whether the id of
 * a failed row is the user's or its place is left open there: job_failure_id.
 */
#include "sandbox/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/call.h"
#include "sandbox/list.h"
#include "sandbox/words.h"
#include "sandbox/zendesk.h"

#define URL_SIZE 256

struct job_row {
	char id[SUN_ID_SIZE];
	struct json_t *rows;	/* array */
	struct json_t *results; /* NULL: not over */
	const char *status;	/* static */
	bool creates;
	int64_t begun_ms;
};

struct jobs {
	struct job_row *items;
	size_t count;
};

struct jobs *jobs_new(void)
{
	return xcalloc(1, sizeof(struct jobs));
}

void jobs_reset(struct jobs *j)
{
	for (size_t i = 0; i < j->count; i++) {
		json_free(j->items[i].rows);
		json_free(j->items[i].results);
	}
	free(j->items);
	*j = (struct jobs){.count = 0};
}

void jobs_free(struct jobs *j)
{
	jobs_reset(j);
	free(j);
}

/* ---- one user ---- */

static struct zen_user *user_of(const struct account *a,
				const struct json_t *row)
{
	uint64_t id = json_get_id(row, "id");
	struct zen_user *u = id ? state_user(a->state, id) : NULL;
	char *external_id = json_get_text(row, "external_id");

	if (!id && external_id)
		u = state_user_by_external_id(a->state, external_id, 0);
	if (!id && !u && json_get_str(row, "email"))
		u = state_user_by_address(a->state, json_get_str(row, "email"),
					  0);
	free(external_id);
	return u && u->active ? u : NULL;
}

static struct json_t *failed(const struct account *a, const struct json_t *row,
			     size_t place, const char *error,
			     const char *details)
{
	struct json_t *v = json_new_obj();

	if (str_eq(a->settings.job_failure_id, "user"))
		json_set_id(v, "id", json_get_id(row, "id"));
	else
		json_set_int(v, "id", (int64_t)place);
	json_set_str(v, "action", "update");
	json_set_bool(v, "success", false);
	json_set_str(v, "status", "Failed");
	json_set_str(v, "error", error);
	json_set_str(v, "details", details);
	return v;
}

static struct json_t *succeeded(const struct zen_user *u, const char *action,
				const char *status)
{
	struct json_t *v = json_new_obj();

	json_set_id(v, "id", u->id);
	json_set_str(v, "action", action);
	json_set_bool(v, "success", true);
	json_set_str(v, "status", status);
	return v;
}

/* The first description in an answer's details. */
static const char *why(const struct answer *out)
{
	struct json_t *list = NULL;
	void *iter = NULL;
	const char *key;

	json_next(json_get(out->body, "details"), &iter, &key, &list);
	return json_get_str(json_at(list, 0), "description");
}

static struct json_t *do_row(struct account *a, const struct job_row *j,
			     size_t place, int64_t now_ms)
{
	struct call c = {.account = a, .now_ms = now_ms};
	const struct json_t *row = json_at(j->rows, place);
	struct zen_user *u = user_of(a, row);
	const char *action = u ? "update" : "create";
	struct json_t *result;
	struct answer out;
	bool done;
	char id[STR_U64_SIZE];

	str_u64(json_get_id(row, "id"), id);
	if (words_have(a->settings.job_fails, ' ', id))
		return failed(a, row, place, "UserUpdateError", "It failed");
	if (!u && !j->creates)
		return failed(a, row, place, "UserNotFound", "Not found");
	answer_init(&out);
	if (u) {
		done = zendesk_user_change(&c, u, row, &out);
	} else {
		u = zendesk_user_make(&c, row, &out);
		done = u != NULL;
	}
	if (done)
		result = succeeded(u, action,
				   *action == 'u' ? "Updated" : "Created");
	else
		result = failed(a, row, place, "UserUpdateError", why(&out));
	answer_release(&out);
	return result;
}

/* ---- all of them ---- */

static void run(struct account *a, struct job_row *j, int64_t now_ms)
{
	j->results = json_new_arr();
	if (str_eq(a->settings.job_fails, "all")) {
		j->status = "failed";
		return;
	}
	for (size_t i = 0; i < json_len(j->rows); i++)
		json_push(j->results, do_row(a, j, i, now_ms));
	j->status = "completed";
}

void jobs_run(struct account *a, int64_t now_ms)
{
	struct jobs *all = a->jobs;

	for (size_t i = 0; i < all->count; i++) {
		struct job_row *j = &all->items[i];

		if (!j->results && now_ms - j->begun_ms >= a->settings.job_ms)
			run(a, j, now_ms);
	}
}

size_t jobs_open(const struct jobs *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->count; i++)
		n += j->items[i].results == NULL;
	return n;
}

struct json_t *jobs_open_ids(const struct jobs *j)
{
	struct json_t *ids = json_new_arr();

	for (size_t i = 0; i < j->count; i++) {
		if (!j->items[i].results)
			json_push(ids, json_new_str(j->items[i].id));
	}
	return ids;
}

static struct json_t *status_of(const struct account *a,
				const struct job_row *j)
{
	struct json_t *v = json_new_obj();
	char url[URL_SIZE];
	bool over = j->results != NULL;

	snprintf(url, sizeof(url), "%s/api/v2/job_statuses/%s", a->base_url,
		 j->id);
	json_set_str(v, "id", j->id);
	json_set_str(v, "url", url);
	json_set_int(v, "total", (int64_t)json_len(j->rows));
	json_set(v, "progress",
		 over ? json_new_int((int64_t)json_len(j->results))
		      : json_new_null());
	json_set_str(v, "status", over ? j->status : "queued");
	json_set_str(v, "message", over ? "Completed" : NULL);
	json_set(v, "results", over ? json_clone(j->results) : json_new_null());
	return v;
}

struct json_t *jobs_begin(struct account *a, struct json_t *rows, bool creates,
			  int64_t now_ms)
{
	struct job_row j = {.rows = rows,
			    .creates = creates,
			    .status = "queued",
			    .begun_ms = now_ms};

	state_hex_id(a->state, j.id);
	LIST_PUSH(a->jobs->items, a->jobs->count, j);
	jobs_run(a, now_ms - 1); /* those before it */
	return status_of(a, &a->jobs->items[a->jobs->count - 1]);
}

struct json_t *jobs_status(const struct account *a, const char *id)
{
	const struct jobs *all = a->jobs;

	for (size_t i = 0; i < all->count; i++) {
		if (str_eq(all->items[i].id, id) && !a->settings.job_forgotten)
			return status_of(a, &all->items[i]);
	}
	return NULL;
}
