/*
 * Calls that a command waits for: see upstream.h.
 */
#include "upstream.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"

#define ANSWER_MAX_BYTES (4u << 20) /* a hundred triggers and their bodies */

struct upstream {
	struct loop *loop;
	struct http_client *http;
	struct api_client *api;
	struct api_result *result; /* of the call under way */
	struct json_t *answer;
};

struct upstream *upstream_new(const struct account_config *a,
			      enum api_purpose purpose)
{
	struct upstream *u = xcalloc(1, sizeof(*u));
	struct api_config config;

	config_api(a, &config);
	config.purpose = purpose;
	u->loop = loop_new();
	u->http = http_client_new(u->loop, ANSWER_MAX_BYTES, NULL);
	u->api = api_client_new(u->loop, u->http, &config);
	return u;
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	api_client_free(u->api);
	http_client_free(u->http);
	loop_free(u->loop);
	free(u);
}

static void on_done(const struct api_result *r, const struct json_t *answer,
		    void *arg)
{
	struct upstream *u = arg;

	*u->result = *r;
	u->answer = answer ? json_clone(answer) : NULL;
	loop_stop(u->loop);
}

enum result upstream_ask(struct upstream *u, const struct registration_order *o,
			 struct api_result *r, struct json_t **answer)
{
	u->result = r;
	u->answer = NULL;
	registration_send(u->api, LANE_LIVE, o, on_done, u);
	loop_run(u->loop);
	*answer = u->answer;
	return r->result;
}

struct api_client *upstream_client(struct upstream *u)
{
	return u->api;
}
