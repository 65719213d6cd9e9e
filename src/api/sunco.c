/*
 * The Sunshine Conversations calls.
 *
 * Refuses an answer about somebody else: the path takes an id or an external
 * id, and an external id may look like an id.
 */
#include "api/sunco.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_int.h"
#include "base/buf.h"
#include "base/json.h"

enum {
	PATH_MAX_BYTES = 4096,
	USERS_MAX = 100, /* of one list; more are not looked at */
};

struct sunco_get {
	char id[SUNCO_ID_SIZE];
	sunco_user_done *done;
	void *arg;
};

static void user_got(const struct api_result *r, const struct json_t *json,
		     void *arg)
{
	struct sunco_get *g = arg;
	struct api_result result = *r;
	struct sunco_user user;
	bool decoded = false;

	if (r->result == RESULT_OK) {
		result.result = sunco_user_decode(json_get(json, "user"), &user,
						  &result.error);
		decoded = result.result == RESULT_OK;
		if (!decoded)
			result.result = RESULT_TEMP;
	}
	if (decoded && !str_eq(user.id, g->id))
		result.result = error_set(&result.error, RESULT_NOTFOUND,
					  "another user was answered");
	g->done(&result, result.result == RESULT_OK ? &user : NULL, g->arg);
	if (decoded)
		sunco_user_release(&user);
	free(g);
}

/* what: "/users/" or "/users?..=", then the value. */
static void path_init(struct buf *path, const struct api_client *c,
		      const char *what, const char *value, uint64_t brand)
{
	bool query = strchr(what, '?') != NULL;

	buf_init(path, PATH_MAX_BYTES);
	buf_puts(path, "/v2/apps/");
	http_escape(path, slice_of(api_client_config(c)->sunco_app_id));
	buf_puts(path, what);
	http_escape(path, slice_of(value));
	if (brand)
		buf_printf(path, "%cbrandId=%" PRIu64, query ? '&' : '?',
			   brand);
}

/* Takes the path. */
static struct api_request *send(struct api_client *c, struct api_call *call,
				struct buf *path, api_done *done,
				api_drop *drop, void *arg)
{
	struct api_request *q;

	call->path = path->overflow ? NULL : path->data;
	q = api_send_owned(c, call, done, drop, arg);
	buf_release(path);
	return q;
}

static struct api_request *get(struct api_client *c, enum job_lane lane,
			       const char *name, struct buf *path,
			       api_done *done, api_drop *drop, void *arg)
{
	struct api_call call = {
		.api = API_SUNCO,
		.name = name,
		.method = "GET",
		.lane = lane,
	};

	return send(c, &call, path, done, drop, arg);
}

struct api_request *sunco_user_get(struct api_client *c, enum job_lane lane,
				   const char *id, sunco_user_done *done,
				   void *arg)
{
	struct sunco_get *g = xcalloc(1, sizeof(*g));
	struct buf path;

	str_copy(g->id, sizeof(g->id), id);
	g->done = done;
	g->arg = arg;
	path_init(&path, c, "/users/", id, 0);
	return get(c, lane, "user_get", &path, user_got, free, g);
}

/* --- who holds something --- */

struct sunco_find {
	char *external_id; /* *owned*; NULL: a list */
	struct sunco_user users[USERS_MAX];
	size_t count;
	sunco_users_done *done;
	void *arg;
};

static void find_free(void *arg)
{
	struct sunco_find *f = arg;

	for (size_t i = 0; i < f->count; i++)
		sunco_user_release(&f->users[i]);
	free(f->external_id);
	free(f);
}

static bool take(struct sunco_find *f, const struct json_t *v)
{
	if (sunco_user_decode(v, &f->users[f->count], NULL) != RESULT_OK)
		return false;
	f->count++;
	return true;
}

static bool take_list(struct sunco_find *f, const struct json_t *list)
{
	bool readable = json_is_arr(list);

	for (size_t i = 0; readable && i < json_len(list) && i < USERS_MAX; i++)
		readable = take(f, json_at(list, i));
	return readable;
}

static void found(const struct api_result *r, const struct json_t *json,
		  void *arg)
{
	struct sunco_find *f = arg;
	struct api_result result = *r;
	bool list = !f->external_id;
	bool readable = true;

	if (r->result == RESULT_OK)
		readable = list ? take_list(f, json_get(json, "users"))
				: take(f, json_get(json, "user"));
	if (!readable)
		result.result = error_set(&result.error, RESULT_TEMP,
					  "users: cannot be read");
	else if (r->result == RESULT_OK && !list &&
		 !str_eq(f->users[0].external_id, f->external_id))
		result.result = error_set(&result.error, RESULT_NOTFOUND,
					  "another user was answered");
	if (result.result == RESULT_OK)
		f->done(&result, f->users, f->count, f->arg);
	else
		f->done(&result, NULL, 0, f->arg);
	find_free(f);
}

struct api_request *sunco_users_by_address(struct api_client *c,
					   enum job_lane lane,
					   const char *address, uint64_t brand,
					   sunco_users_done *done, void *arg)
{
	struct sunco_find *f = xcalloc(1, sizeof(*f));
	struct buf path;

	f->done = done;
	f->arg = arg;
	path_init(&path, c, "/users?filter%5Bidentities.email%5D=", address,
		  brand);
	return get(c, lane, "user_list", &path, found, find_free, f);
}

struct api_request *
sunco_users_by_external_id(struct api_client *c, enum job_lane lane,
			   const char *external_id, uint64_t brand,
			   sunco_users_done *done, void *arg)
{
	struct sunco_find *f = xcalloc(1, sizeof(*f));
	struct buf path;

	f->external_id = xstrdup(external_id);
	f->done = done;
	f->arg = arg;
	path_init(&path, c, "/users/", external_id, brand);
	return get(c, lane, "user_get", &path, found, find_free, f);
}

struct sunco_plain {
	sunco_plain_done *done;
	void *arg;
};

static void plain_answered(const struct api_result *r,
			   const struct json_t *json, void *arg)
{
	struct sunco_plain *p = arg;

	(void)json;
	p->done(r, p->arg);
	free(p);
}

struct api_request *sunco_sync(struct api_client *c, enum job_lane lane,
			       uint64_t outgoing, uint64_t survivor,
			       sunco_plain_done *done, void *arg)
{
	struct sunco_plain *p = xcalloc(1, sizeof(*p));
	struct json_t *body = json_new_obj();
	struct api_call call = {
		.api = API_SUNCO,
		.name = "sync",
		.method = "POST",
		.lane = lane,
		.body = body,
		.once = true, /* the second one finds nobody any more */
	};
	char id[24], into[24];
	struct buf path;

	p->done = done;
	p->arg = arg;
	snprintf(id, sizeof(id), "%" PRIu64, outgoing);
	snprintf(into, sizeof(into), "%" PRIu64, survivor);
	json_set_str(body, "survivingZendeskId", into);
	path_init(&path, c, "/users/", id, 0);
	buf_puts(&path, "/sync");
	return send(c, &call, &path, plain_answered, free, p);
}
