/*
 * users/update_many, users/create_or_update_many and the jobs that they begin.
 *
 * Kept rules: at most 100 rows; so many jobs at once, else TooManyJobs; bulk
 * imports have to be allowed for the account, updates of those who are there
 * have not.
 */
#include "sandbox/zendesk.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/jobs.h"

#define ROWS_MAX 100

static void too_many_jobs(const struct call *c, struct answer *out)
{
	call_too_many(c, out, 1);
	json_set_str(out->body, "error", "TooManyJobs");
	json_set_str(out->body, "description", "Too many jobs are under way");
	json_set(out->body, "current_job_ids", jobs_open_ids(c->account->jobs));
}

/* *takes* rows. */
static void begin(const struct call *c, struct json_t *rows, bool creates,
		  struct answer *out)
{
	struct account *a = c->account;
	struct json_t *body;

	if (json_len(rows) == 0 || json_len(rows) > ROWS_MAX) {
		call_bad_request(out, "InvalidParameter",
				 "users: 1 to 100 are needed");
		json_free(rows);
		return;
	}
	if ((int64_t)jobs_open(a->jobs) >= a->settings.job_limit) {
		too_many_jobs(c, out);
		json_free(rows);
		return;
	}
	body = json_new_obj();
	json_set(body, "job_status", jobs_begin(a, rows, creates, c->now_ms));
	out->applied = true;
	call_ok(out, 200, body);
}

/* {"user":{..}} for each of a list. */
static struct json_t *same_for_all(const struct call *c, const char *key,
				   const char *list)
{
	struct json_t *rows = json_new_arr();

	while (list && *list) {
		size_t len = strcspn(list, ",");
		char *word = xstrndup(list, len);
		struct json_t *row = json_clone(json_get(c->body, "user"));

		json_set_str(row, key, word);
		json_push(rows, row);
		free(word);
		list += len;
		list += *list == ',';
	}
	return rows;
}

void zendesk_users_update_many(const struct call *c, struct answer *out)
{
	const struct json_t *rows = json_get(c->body, "users");
	const char *ids = call_query(c, "ids");

	if (json_is_arr(rows))
		begin(c, json_clone(rows), false, out);
	else if (!json_is_obj(json_get(c->body, "user")))
		call_bad_request(out, "InvalidParameter", "users is needed");
	else if (ids)
		begin(c, same_for_all(c, "id", ids), false, out);
	else
		begin(c,
		      same_for_all(c, "external_id",
				   call_query(c, "external_ids")),
		      false, out);
}

void zendesk_users_create_or_update_many(const struct call *c,
					 struct answer *out)
{
	if (!c->account->settings.bulk_imports)
		call_forbidden(out);
	else
		begin(c, json_clone(json_get(c->body, "users")), true, out);
}

void zendesk_job_show(const struct call *c, struct answer *out)
{
	struct json_t *status = jobs_status(c->account, c->params[0]);
	struct json_t *body;

	if (!status) {
		call_not_found(out);
		return;
	}
	body = json_new_obj();
	json_set(body, "job_status", status);
	call_ok(out, 200, body);
}

void zendesk_jobs_show_many(const struct call *c, struct answer *out)
{
	const char *list = call_query(c, "ids");
	struct json_t *found = json_new_arr();
	struct json_t *body = json_new_obj();

	while (list && *list) {
		size_t len = strcspn(list, ",");
		char *id = xstrndup(list, len);
		struct json_t *status = jobs_status(c->account, id);

		if (status)
			json_push(found, status);
		free(id);
		list += len;
		list += *list == ',';
	}
	json_set(body, "job_statuses", found);
	call_ok(out, 200, body);
}
