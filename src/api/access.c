/*
 * Whoever the credentials are, and what they may: see access.h.
 */
#include "api/access.h"

#include <stdlib.h>

#include "api_int.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

enum { SCOPES_MAX_BYTES = 4096, PATH_MAX_BYTES = 1024 };

/* Nobody has it: ids are made of a time and a counter. */
#define NOBODY "000000000000000000000000"

struct access_call {
	union {
		access_user_done *user;
		access_scopes_done *scopes;
		access_app_done *app;
	} done;
	void *arg;
};

static struct api_request *ask(struct api_client *c, struct api_call *call,
			       api_done *done, struct access_call *a)
{
	call->method = "GET";
	return api_send_owned(c, call, done, free, a);
}

static struct access_call *call_new(void *arg)
{
	struct access_call *a = xcalloc(1, sizeof(*a));

	a->arg = arg;
	return a;
}

/* ---- the user ---- */

static void user_answered(const struct api_result *r, const struct json_t *json,
			  void *arg)
{
	struct access_call *a = arg;
	const char *role = json_get_str(json_get(json, "user"), "role");
	struct api_result result = *r;

	if (r->result == RESULT_OK && !role)
		result.result = error_set(&result.error, RESULT_TEMP,
					  "users/me: no role answered");
	a->done.user(&result, result.result == RESULT_OK ? role : NULL, a->arg);
	free(a);
}

struct api_request *access_user(struct api_client *c, enum job_lane lane,
				access_user_done *done, void *arg)
{
	struct access_call *a = call_new(arg);
	struct api_call call = {
		.api = API_ZENDESK,
		.name = "user_me",
		.path = "/api/v2/users/me",
		.lane = lane,
	};

	a->done.user = done;
	return ask(c, &call, user_answered, a);
}

/* ---- the scopes ---- */

static void join(const struct json_t *list, struct buf *out)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const char *word = json_str(json_at(list, i));

		if (word)
			buf_printf(out, "%s%s", out->len > 0 ? " " : "", word);
	}
}

static void scopes_answered(const struct api_result *r,
			    const struct json_t *json, void *arg)
{
	struct access_call *a = arg;
	const struct json_t *list = json_get(json_get(json, "token"), "scopes");
	struct api_result result = *r;
	struct buf words;

	buf_init(&words, SCOPES_MAX_BYTES);
	if (r->result == RESULT_OK && !json_is_arr(list))
		result.result = error_set(&result.error, RESULT_TEMP,
					  "oauth/tokens/current: no scopes "
					  "answered");
	join(list, &words);
	a->done.scopes(&result, result.result == RESULT_OK ? words.data : NULL,
		       a->arg);
	buf_release(&words);
	free(a);
}

struct api_request *access_scopes(struct api_client *c, enum job_lane lane,
				  access_scopes_done *done, void *arg)
{
	struct access_call *a = call_new(arg);
	struct api_call call = {
		.api = API_ZENDESK,
		.name = "token_get",
		.path = "/api/v2/oauth/tokens/current",
		.lane = lane,
	};

	a->done.scopes = done;
	return ask(c, &call, scopes_answered, a);
}

/* ---- the app ---- */

static bool is_about_the_user(const struct json_t *json)
{
	const struct json_t *error = json_at(json_get(json, "errors"), 0);

	return str_eq(json_get_str(error, "code"), "user_not_found");
}

static void app_answered(const struct api_result *r, const struct json_t *json,
			 void *arg)
{
	struct access_call *a = arg;
	struct api_result result = *r;

	if (r->result == RESULT_NOTFOUND && is_about_the_user(json)) {
		result.result = RESULT_OK;
		result.error.text[0] = '\0';
	}
	a->done.app(&result, a->arg);
	free(a);
}

struct api_request *access_app(struct api_client *c, enum job_lane lane,
			       access_app_done *done, void *arg)
{
	struct access_call *a = call_new(arg);
	struct api_call call = {
		.api = API_SUNCO,
		.name = "user_get",
		.lane = lane,
	};
	struct api_request *q;
	struct buf path;

	a->done.app = done;
	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/v2/apps/");
	http_escape(&path, slice_of(api_client_config(c)->sunco_app_id));
	buf_puts(&path, "/users/" NOBODY);
	call.path = path.overflow ? NULL : path.data;
	q = ask(c, &call, app_answered, a);
	buf_release(&path);
	return q;
}
