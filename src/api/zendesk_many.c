/*
 * Many users at a time: see zendesk_many.h. Searches are in zendesk_users.c.
 *
 * Of a job's results only code words are kept: its sentences hold addresses.
 * Nobody may rely on them for what happened to a user: the reference leaves
 * open whether "id" is the user's or a place in the request. They say why.
 */
#include "api/zendesk_many.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "zendesk_int.h"

enum { PATH_MAX_BYTES = 8 * 1024, ESCAPED_MAX = 3 };

size_t zendesk_many_cost(const char *value)
{
	struct buf b;
	size_t cost;

	buf_init(&b, ESCAPED_MAX * (strlen(value) + 1));
	http_escape(&b, slice_of(value));
	cost = b.len + ESCAPED_MAX; /* and a comma */
	buf_release(&b);
	return cost;
}

bool zendesk_many_allows(const char *external_id)
{
	return !strchr(external_id, ',');
}

/* ---- who are they? ---- */

static void deliver_users(struct zendesk_op *op, const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	op->done.users(r, ok ? op->users : NULL, ok ? op->count : 0, op->arg);
}

static void users_answered(struct zendesk_slot *s, const struct api_result *r,
			   const struct json_t *json)
{
	const struct json_t *users = json_get(json, "users");
	struct zendesk_op *op = s->op;
	bool readable = json_is_arr(users);

	if (r->result == RESULT_NOTFOUND) { /* none of them, then */
		struct api_result none = *r;

		none.result = RESULT_OK;
		zendesk_op_end(op, &none);
		return;
	}
	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return;
	}
	for (size_t i = 0; i < json_len(users) && readable; i++) {
		struct zd_user u;

		readable = zd_user_decode(json_at(users, i), &u, NULL) ==
			   RESULT_OK;
		if (readable)
			zendesk_op_add_user(op, &u);
	}
	if (readable)
		zendesk_op_end(op, r);
	else
		zendesk_op_fail(op, r, RESULT_TEMP, "users: cannot be read");
}

static struct zendesk_op *show_many(struct api_client *c, enum job_lane lane,
				    struct buf *path, zendesk_users_done *done,
				    void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {.name = "users_show_many", .method = "GET"};

	op->answered = users_answered;
	op->deliver = deliver_users;
	op->done.users = done;
	call.path = path->overflow ? NULL : path->data;
	zendesk_op_send(&op->slots[0], &call);
	buf_release(path);
	return op;
}

struct zendesk_op *
zendesk_users_by_external_ids(struct api_client *c, enum job_lane lane,
			      const char *const *external_ids, size_t count,
			      zendesk_users_done *done, void *arg)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/api/v2/users/show_many?external_ids=");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(&path, ',');
		http_escape(&path, slice_of(external_ids[i]));
	}
	return show_many(c, lane, &path, done, arg);
}

struct zendesk_op *zendesk_users_by_ids(struct api_client *c,
					enum job_lane lane, const uint64_t *ids,
					size_t count, zendesk_users_done *done,
					void *arg)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/api/v2/users/show_many?ids=");
	for (size_t i = 0; i < count; i++)
		buf_printf(&path, "%s%" PRIu64, i > 0 ? "," : "", ids[i]);
	return show_many(c, lane, &path, done, arg);
}

/* ---- jobs ---- */

static void deliver_job(struct zendesk_op *op, const struct api_result *r)
{
	op->done.job(r, r->result == RESULT_OK ? &op->job : NULL, op->arg);
}

static enum zendesk_job_state job_state(const char *status)
{
	if (str_eq(status, "completed"))
		return ZENDESK_JOB_ENDED;
	if (str_eq(status, "failed") || str_eq(status, "killed"))
		return ZENDESK_JOB_FAILED;
	return ZENDESK_JOB_OPEN;
}

static bool is_code(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len > 0 &&
	       len < sizeof(((struct zendesk_job_failure *)0)->code) &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static bool says_taken(const char *s)
{
	return s && (strcasestr(s, "already") || strcasestr(s, "duplicate"));
}

static void take_failure(struct zendesk_job *job, const struct json_t *v,
			 size_t place)
{
	const char *error = json_get_str(v, "error");
	struct zendesk_job_failure *f;

	if (json_get_bool(v, "success", !error))
		return;
	f = &job->failures[job->failure_count++];
	*f = (struct zendesk_job_failure){
		.user = json_get_id(v, "id"),
		.place = place,
		.duplicate = says_taken(error) ||
			     says_taken(json_get_str(v, "details")),
	};
	if (is_code(error))
		str_copy(f->code, sizeof(f->code), error);
}

/* False: it is no job at all. */
static bool take_job(struct zendesk_job *job, const struct json_t *v)
{
	const struct json_t *results = json_get(v, "results");
	size_t count = json_is_arr(results) ? json_len(results) : 0;

	if (str_is_empty(json_get_str(v, "id")) ||
	    !str_copy(job->id, sizeof(job->id), json_get_str(v, "id")))
		return false;
	job->state = job_state(json_get_str(v, "status"));
	free(job->failures);
	job->failures = xcalloc(count + 1, sizeof(*job->failures));
	job->failure_count = 0;
	for (size_t i = 0; i < count; i++)
		take_failure(job, json_at(results, i), i);
	return true;
}

static void job_answered(struct zendesk_slot *s, const struct api_result *r,
			 const struct json_t *json)
{
	struct zendesk_op *op = s->op;

	if (r->result == RESULT_OK &&
	    !take_job(&op->job, json_get(json, "job_status")))
		zendesk_op_fail(op, r, RESULT_TEMP, "job: cannot be read");
	else
		zendesk_op_end(op, r);
}

static struct zendesk_op *job_op(struct api_client *c, enum job_lane lane,
				 zendesk_job_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);

	op->answered = job_answered;
	op->deliver = deliver_job;
	op->done.job = done;
	return op;
}

struct zendesk_op *
zendesk_set_external_ids(struct api_client *c, enum job_lane lane,
			 const struct zendesk_external_id *items, size_t count,
			 zendesk_job_done *done, void *arg)
{
	struct zendesk_op *op = job_op(c, lane, done, arg);
	struct json_t *body = json_new_obj();
	struct json_t *users = json_new_arr();
	struct api_call call = {
		.name = "users_update_many",
		.endpoint = ENDPOINT_JOB,
		.method = "PUT",
		.path = "/api/v2/users/update_many",
		.body = body,
	};

	for (size_t i = 0; i < count; i++) {
		struct json_t *user = json_new_obj();

		json_set_id(user, "id", items[i].user);
		json_set_str(user, "external_id", items[i].external_id);
		json_push(users, user);
	}
	json_set(body, "users", users);
	zendesk_op_send(&op->slots[0], &call);
	return op;
}

static void status_answered(struct zendesk_slot *s, const struct api_result *r,
			    const struct json_t *json)
{
	struct zendesk_op *op = s->op;
	struct api_result gone = *r;

	if (r->result != RESULT_NOTFOUND) {
		job_answered(s, r, json);
		return;
	}
	gone.result = RESULT_OK;
	op->job.state = ZENDESK_JOB_ENDED;
	zendesk_op_end(op, &gone);
}

struct zendesk_op *zendesk_job_get(struct api_client *c, enum job_lane lane,
				   const char *id, zendesk_job_done *done,
				   void *arg)
{
	struct zendesk_op *op = job_op(c, lane, done, arg);
	struct api_call call = {.name = "job_status", .method = "GET"};
	struct buf path;

	str_copy(op->job.id, sizeof(op->job.id), id);
	op->answered = status_answered;
	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/api/v2/job_statuses/");
	http_escape(&path, slice_of(id));
	call.path = path.data;
	zendesk_op_send(&op->slots[0], &call);
	buf_release(&path);
	return op;
}
