/*
 * Shared by admin.c and admin_api.c; nobody else includes it.
 */
#ifndef REUNITE_APP_ADMIN_INT_H
#define REUNITE_APP_ADMIN_INT_H

#include "app/admin.h"
#include "base/json.h"

#define ADMIN_PAGE_DEFAULT 100
#define ADMIN_PATIENCE_MS  2000 /* with the store */

struct admin {
	struct loop *loop;
	struct engine *engine;
	struct http_server *server;
	struct http_route *routes;
	char *token;
	bool draining;
	void (*on_change)(void *arg); /* or NULL */
	void *change_arg;
	const struct tidings *tidings; /* or NULL */
	struct admin_call *calls;      /* the store holds their operations */
};

struct admin_call;
typedef void admin_answer(struct admin_call *call);

/* One request that waits for the store. */
struct admin_call {
	struct admin *admin; /* NULL once the admin is gone */
	struct admin_call *next;
	struct http_request *req; /* NULL once it was answered, being late */
	struct store_op op;
	admin_answer *answer;
	admin_answer *late; /* replies without what the store would say */
	struct loop_timer *patience;
	bool one; /* an item, not a list */
	bool personal;
	char account[ACCOUNT_SIZE];
	char by[101];
	struct store_decide decide; /* until its review was read */
	char why[256];
	/* /metrics, /accounts: which account is being asked for */
	size_t index;
	struct store_stats stats; /* /accounts: of this one */
	struct json_t *sweep;	  /* *owned*: likewise, or NULL */
	struct json_t *backfill;  /* *owned*: likewise, or NULL */
	struct json_t *items;	  /* *owned*: of those before */
};

struct admin_call *admin_call_new(struct admin *a, struct http_request *req);
/* Sends the op; answer is called with the result and ends the call, or late
 * is called when that takes too long. */
void admin_call_submit(struct admin_call *call, admin_answer *answer);
/* Replies with v (*taken*) and ends the call. */
void admin_call_reply(struct admin_call *call, int status, struct json_t *v);
/* The status that fits a store's result, with a text. */
void admin_call_fail(struct admin_call *call, enum result r);
void admin_call_free(struct admin_call *call);
/* The store was changed from here: who works with it looks again. */
void admin_call_changed(struct admin_call *call);
bool admin_authorized(const struct admin *a, struct http_request *req);

/* False: the request has been answered. */
bool admin_admit(struct admin *a, struct http_request *req);

/* 404, 409 or 503 with the words of the store's error. */
void admin_call_refuse(struct admin_call *call);
/* admin_api.c: a call about the {id} of the path; NULL: answered. */
struct admin_call *admin_call_for_id(struct admin *a, struct http_request *req,
				     enum store_op_kind kind, int64_t *id);
/* {"by":"name"} of the body; false: answered, and the call has ended. */
bool admin_call_read_by(struct admin_call *call);
/* admin_review.c: the review that was read, with its card: *new* */
struct json_t *admin_review_whole(const struct admin_call *call);
http_handler admin_review_approve, admin_review_reject;

/* admin.c: a row for each API that holds the account up: *new* */
struct json_t *admin_hold_rows(const struct admin *a, const char *account);

/* Of /api/v1/readiness, in admin_readiness.c. */
http_handler admin_get_readiness;
/* Of /api/v1/accounts/{account}/events, in admin_events.c. */
http_handler admin_get_events;
/* Of /api/v1/nodes, in admin_nodes.c. */
http_handler admin_get_nodes;

/* admin_sweep.c: how a sweep is doing: *new* */
struct json_t *admin_sweep_row(int64_t every_ms, const struct store_cursors *l);
/* The walk over all of history; null: there never was one. */
struct json_t *admin_backfill_row(const struct store_cursors *l);
/* 0 is null. */
void admin_set_time(struct json_t *obj, const char *key, int64_t wall_ms);

/* The rows of /api/v1/accounts, in admin_accounts.c: before the others. */
extern const struct http_route admin_account_routes[];
extern const size_t admin_account_route_count;
/* The other rows of /api/v1/, in admin_api.c. */
extern const struct http_route admin_api_routes[];
extern const size_t admin_api_route_count;

#endif
