/*
 * The Sunshine Conversations calls.
 *
 * Refuses an answer about somebody else: the path takes an id or an external
 * id, and an external id may look like an id.
 */
#include "api/sunco.h"

#include <stdlib.h>

#include "api_int.h"
#include "base/buf.h"
#include "base/json.h"

enum { PATH_MAX_BYTES = 4096 };

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

struct api_request *sunco_user_get(struct api_client *c, enum job_lane lane,
				   const char *id, sunco_user_done *done,
				   void *arg)
{
	struct sunco_get *g = xcalloc(1, sizeof(*g));
	struct api_call call = {
		.api = API_SUNCO,
		.name = "user_get",
		.method = "GET",
		.lane = lane,
	};
	struct api_request *q;
	struct buf path;

	str_copy(g->id, sizeof(g->id), id);
	g->done = done;
	g->arg = arg;
	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/v2/apps/");
	http_escape(&path, slice_of(api_client_config(c)->sunco_app_id));
	buf_puts(&path, "/users/");
	http_escape(&path, slice_of(id));
	call.path = path.data;
	q = api_send_owned(c, &call, user_got, free, g);
	buf_release(&path);
	return q;
}
