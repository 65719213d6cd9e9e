/*
 * /api/v1/accounts: how each account is doing, and what a person may do about
 * it: pause, resume, close the breaker.
 *
 * The list asks the store thrice per account, one operation after the other:
 * gauges, how its sweep is doing, then the account's row. A change says who made it; it is an entry
 * of the journal.
 */
#include "admin_int.h"

#include <string.h>

#include "app/breaker.h"
#include "base/clock.h"
#include "base/str.h"

void admin_set_time(struct json_t *obj, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms)
		clock_format(wall_ms, text);
	json_set_str(obj, key, wall_ms ? text : NULL);
}

static struct json_t *pause_row(const struct store_account *row)
{
	struct json_t *v;

	if (!row->is_paused)
		return json_new_null();
	v = json_new_obj();
	admin_set_time(v, "since", row->paused_ms);
	json_set_str(v, "by", row->paused_by);
	json_set_str(v, "reason", row->paused_why);
	return v;
}

static struct json_t *full_rows(const struct store_stats *s)
{
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < s->full_count && i < STORE_FULL_MAX; i++) {
		struct json_t *v = json_new_obj();

		json_set_id(v, "profile_id", s->full[i].profile_id);
		json_set_int(v, "merges_today", s->full[i].merges);
		admin_set_time(v, "closes_at", s->full[i].ends_ms);
		json_push(list, v);
	}
	return list;
}

static struct json_t *breaker_row(const struct store_stats *s)
{
	struct json_t *v = json_new_obj();

	json_set_bool(v, "open", breaker_is_open(s));
	json_set_int(v, "merges_this_hour", s->merges_this_hour);
	json_set_int(v, "max_merges_per_hour", s->max_per_hour);
	admin_set_time(v, "closes_at", s->hour_ends_ms);
	json_set_int(v, "profiles_at_limit", (int64_t)s->full_count);
	json_set_int(v, "max_merges_per_profile", s->max_per_profile);
	json_set(v, "profiles", full_rows(s));
	admin_set_time(v, "closed_by_a_person_at", s->breaker_since_ms);
	return v;
}

static struct json_t *webhook_row(const struct store_account *row)
{
	struct json_t *v = json_new_obj();

	admin_set_time(v, "sunco", row->last_webhook_ms[EVENT_FROM_SUNCO]);
	admin_set_time(v, "zendesk", row->last_webhook_ms[EVENT_FROM_ZENDESK]);
	return v;
}

static struct json_t *job_row(const struct store_stats *s)
{
	struct json_t *v = json_new_obj();

	for (int i = 0; i < JOB_DONE; i++)
		json_set_int(v, job_state_name((enum job_state)i), s->jobs[i]);
	return v;
}

/* Takes what is known of its sweep. */
static struct json_t *account_row(struct admin_call *call)
{
	const struct store_stats *s = &call->stats;
	const struct store_account *row = &call->op.u.account;
	struct json_t *holds = admin_hold_rows(call->admin, call->account);
	const struct json_t *first = json_at(holds, 0);
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", call->account);
	json_set(v, "paused", pause_row(row));
	json_set_str(v, "held", json_get_str(first, "reason"));
	json_set(v, "holds", holds);
	json_set(v, "breaker", breaker_row(s));
	json_set(v, "last_webhook", webhook_row(row));
	json_set(v, "jobs", job_row(s));
	admin_set_time(v, "oldest_due", s->oldest_due_ms);
	json_set_int(v, "reviews_open", s->reviews_open);
	admin_set_time(v, "oldest_review", s->oldest_review_ms);
	json_set_int(v, "unfinished", s->unfinished);
	json_set_int(v, "notes_open", s->notes_open);
	json_set_int(v, "notes_refused", s->notes_refused);
	json_set(v, "sweep", call->sweep);
	call->sweep = NULL;
	json_set(v, "backfill", call->backfill);
	call->backfill = NULL;
	return v;
}

/* --- the list --- */

static void ask_gauges(struct admin_call *call);

static void answer_list(struct admin_call *call)
{
	struct json_t *v = json_new_obj();

	json_set(v, "items", call->items);
	call->items = NULL;
	json_set(v, "next", json_new_null());
	admin_call_reply(call, 200, v);
}

static void on_row(struct admin_call *call)
{
	const struct config *c = engine_config(call->admin->engine);

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	json_push(call->items, account_row(call));
	store_op_release(&call->op);
	if (++call->index < c->account_count)
		ask_gauges(call);
	else
		answer_list(call);
}

static void on_cursors(struct admin_call *call)
{
	const struct account_config *a = config_account(
		engine_config(call->admin->engine), call->account);

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	call->sweep =
		admin_sweep_row(a ? a->sweep_every_ms : 0, &call->op.u.cursors);
	call->backfill = admin_backfill_row(&call->op.u.cursors);
	store_op_release(&call->op);
	store_op_init(&call->op, STORE_ACCOUNT);
	call->op.u.account.account = call->account;
	admin_call_submit(call, on_row);
}

static void on_gauges(struct admin_call *call)
{
	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	call->stats = call->op.u.stats;
	store_op_init(&call->op, STORE_CURSORS);
	call->op.u.cursors.account = call->account;
	call->op.u.cursors.now_ms = loop_wall_ms(call->admin->loop);
	admin_call_submit(call, on_cursors);
}

static void ask_gauges(struct admin_call *call)
{
	const struct config *c = engine_config(call->admin->engine);
	const struct account_config *a = &c->accounts[call->index];

	str_copy(call->account, sizeof(call->account), a->name);
	breaker_ask(&call->op, a, loop_wall_ms(call->admin->loop));
	call->op.u.stats.account = call->account; /* outlives a reload */
	call->op.u.stats.detail = true;
	admin_call_submit(call, on_gauges);
}

static void get_accounts(struct http_request *req, void *arg)
{
	struct admin_call *call;

	if (!admin_admit(arg, req))
		return;
	call = admin_call_new(arg, req);
	call->items = json_new_arr();
	ask_gauges(call);
}

/* --- changes --- */

static void on_changed(struct admin_call *call)
{
	struct json_t *v;

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	v = json_new_obj();
	json_set_str(v, "status", "done");
	json_set_id(v, "journal_id", (uint64_t)call->op.u.account.journal_id);
	admin_call_changed(call);
	admin_call_reply(call, 200, v);
}

/* {"by":"name","reason":"text"}; the reason may be missing. */
static bool read_words(struct admin_call *call)
{
	struct slice body = http_request_body(call->req);
	struct json_t *v = json_parse(body.ptr, body.len, NULL);
	const char *why = json_get_str(v, "reason");
	const char *by = json_get_str(v, "by");
	bool ok = !str_is_empty(by) &&
		  str_copy(call->by, sizeof(call->by), by) &&
		  (!why || str_copy(call->why, sizeof(call->why), why));

	json_free(v);
	return ok;
}

/* The account of the path, to be changed; NULL: answered. */
static struct admin_call *change(struct http_request *req, struct admin *a)
{
	struct slice name = http_request_param(req, "account");
	struct admin_call *call;
	struct store_account *u;

	if (!admin_admit(a, req))
		return NULL;
	call = admin_call_new(a, req);
	if (!str_copy_slice(call->account, sizeof(call->account), name) ||
	    !config_account(engine_config(a->engine), call->account)) {
		admin_call_fail(call, RESULT_NOTFOUND);
		return NULL;
	}
	if (!read_words(call)) {
		http_request_reply_error(req, 400,
					 "say who does it: {\"by\":\"name\"}");
		admin_call_free(call);
		return NULL;
	}
	store_op_init(&call->op, STORE_ACCOUNT);
	u = &call->op.u.account;
	u->account = call->account;
	u->by = call->by;
	u->why = call->why;
	u->now_ms = loop_wall_ms(a->loop);
	return call;
}

static void set_pause(struct http_request *req, struct admin *a, bool paused)
{
	struct admin_call *call = change(req, a);

	if (!call)
		return;
	call->op.u.account.set_paused = true;
	call->op.u.account.paused = paused;
	admin_call_submit(call, on_changed);
}

static void post_pause(struct http_request *req, void *arg)
{
	set_pause(req, arg, true);
}

static void post_resume(struct http_request *req, void *arg)
{
	set_pause(req, arg, false);
}

static void post_close_breaker(struct http_request *req, void *arg)
{
	struct admin_call *call = change(req, arg);

	if (!call)
		return;
	call->op.u.account.set_breaker = true;
	admin_call_submit(call, on_changed);
}

const struct http_route admin_account_routes[] = {
	{"GET", "/api/v1/accounts", get_accounts, 0},
	{"GET", "/api/v1/accounts/{account}/events", admin_get_events, 0},
	{"POST", "/api/v1/accounts/{account}/pause", post_pause,
	 HTTP_ROUTE_JSON},
	{"POST", "/api/v1/accounts/{account}/resume", post_resume,
	 HTTP_ROUTE_JSON},
	{"POST", "/api/v1/accounts/{account}/close-breaker", post_close_breaker,
	 true},
};
const size_t admin_account_route_count = ARRAY_LEN(admin_account_routes);
