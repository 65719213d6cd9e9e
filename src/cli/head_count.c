/*
 * Counting users: see head_count.h.
 */
#include "head_count.h"

#include "api/zendesk.h"

#define ANSWER_MAX_BYTES (1u << 20)

struct counting {
	struct loop *loop;
	struct head_count *out;
};

static void on_counted(const struct api_result *r, int64_t unverified,
		       int64_t end_users, void *arg)
{
	struct counting *k = arg;

	*k->out = (struct head_count){
		.result = r->result,
		.forbidden = r->forbidden,
		.error = r->error,
		.unverified = unverified,
		.end_users = end_users,
	};
	loop_stop(k->loop);
}

/* A token that the daemon has is used, so that no new one is asked for. */
static void take_token(struct store *store, const char *account,
		       struct api_client *api)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = account;
	if (store_do(store, &op) == RESULT_OK && op.u.account.token)
		api_client_set_token(api, op.u.account.token,
				     op.u.account.token_expires_ms);
	store_op_release(&op);
}

void head_count_ask(struct store *store, const struct account_config *a,
		    struct head_count *out)
{
	struct loop *loop = loop_new();
	struct http_client *http =
		http_client_new(loop, ANSWER_MAX_BYTES, NULL);
	struct counting k = {loop, out};
	struct api_config config;
	struct api_client *api;

	config_api(a, &config);
	api = api_client_new(loop, http, &config);
	take_token(store, a->name, api);
	zendesk_head_count(api, LANE_BACKFILL, on_counted, &k);
	loop_run(loop);
	api_client_free(api);
	http_client_free(http);
	loop_free(loop);
}
