/*
 * /api/v1/: what the reading commands, `review` and `queue` do, as JSON.
 *
 * Every handler checks the token, fills one store operation, and one answer
 * function per kind of operation renders it.
 */
#include "admin_int.h"

#include <string.h>

#include "base/str.h"
#include "core/restore.h"

/* --- parameters --- */

bool admin_admit(struct admin *a, struct http_request *req)
{
	if (admin_authorized(a, req))
		return true;
	http_request_reply_error(req, 401, "unauthorized");
	return false;
}

enum given { ABSENT, GIVEN, MALFORMED };

/* A filter that cannot be read must not become none. */
static enum given query_text(struct http_request *req, const char *name,
			     char *out, size_t size)
{
	if (!http_request_has_query(req, name))
		return ABSENT;
	return http_request_query(req, name, out, size) ? GIVEN : MALFORMED;
}

static bool query_int(struct http_request *req, const char *name,
		      int64_t fallback, int64_t *out)
{
	char text[32];

	*out = fallback;
	switch (query_text(req, name, text, sizeof(text))) {
	case ABSENT:
		return true;
	case GIVEN:
		return str_parse_i64(slice_of(text), out) && *out >= 0;
	default:
		return false;
	}
}

/* False: there is a reason, but it is none. */
static bool query_reason(struct http_request *req, bool *given,
			 enum reason *out)
{
	char text[64];
	enum given word = query_text(req, "reason", text, sizeof(text));

	*given = word == GIVEN && reason_parse(text, out);
	return word == ABSENT || *given;
}

static bool query_flag(struct http_request *req, const char *name)
{
	char text[8];
	bool on = false;

	if (!http_request_query(req, name, text, sizeof(text)))
		return false;
	return str_eq(text, "1") || (str_parse_bool(slice_of(text), &on) && on);
}

static bool path_id(struct http_request *req, int64_t *out)
{
	return str_parse_i64(http_request_param(req, "id"), out) && *out > 0;
}

struct page {
	const char *account; /* NULL: all */
	int64_t after;
	int64_t limit;
};

/* What every list takes; false: answered with 400. */
static bool read_page(struct admin_call *call, struct page *out)
{
	struct http_request *req = call->req;
	enum given account = query_text(req, "account", call->account,
					sizeof(call->account));

	call->personal = query_flag(req, "personal");
	out->account = account == GIVEN ? call->account : NULL;
	return account != MALFORMED &&
	       query_int(req, "after", 0, &out->after) &&
	       query_int(req, "limit", ADMIN_PAGE_DEFAULT, &out->limit) &&
	       out->limit > 0 && out->limit <= STORE_LIST_MAX;
}

static void bad_request(struct admin_call *call, const char *what)
{
	http_request_reply_error(call->req, 400, what);
	admin_call_free(call);
}

/* --- answers --- */

static struct json_t *item_at(const struct admin_call *call, size_t i,
			      int64_t *id)
{
	const struct store_op *op = &call->op;

	switch (op->kind) {
	case STORE_JOBS:
		*id = op->u.jobs.jobs[i].id;
		return job_encode(&op->u.jobs.jobs[i]);
	case STORE_JOURNAL:
		*id = op->u.journal.entries[i].id;
		return journal_entry_encode(&op->u.journal.entries[i],
					    call->personal);
	default:
		*id = op->u.reviews.reviews[i].id;
		if (call->one)
			return admin_review_whole(call);
		return review_encode(&op->u.reviews.reviews[i], call->personal);
	}
}

static size_t item_count(const struct store_op *op, size_t *max)
{
	switch (op->kind) {
	case STORE_JOBS:
		*max = op->u.jobs.max;
		return op->u.jobs.count;
	case STORE_JOURNAL:
		*max = op->u.journal.max;
		return op->u.journal.count;
	default:
		*max = op->u.reviews.max;
		return op->u.reviews.count;
	}
}

static void answer_items(struct admin_call *call)
{
	size_t max;
	size_t n = item_count(&call->op, &max);
	struct json_t *items;
	struct json_t *v;
	int64_t id = 0;

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	if (call->one) {
		if (n == 0)
			admin_call_fail(call, RESULT_NOTFOUND);
		else
			admin_call_reply(call, 200, item_at(call, 0, &id));
		return;
	}
	items = json_new_arr();
	for (size_t i = 0; i < n; i++)
		json_push(items, item_at(call, i, &id));
	v = json_new_obj();
	json_set(v, "items", items);
	json_set_id(v, "next", n == max ? (uint64_t)id : 0);
	admin_call_reply(call, 200, v);
}

static void answer_done(struct admin_call *call)
{
	struct json_t *v;

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	v = json_new_obj();
	json_set_str(v, "status", "done");
	if (call->op.kind == STORE_RETRY)
		json_set_int(v, "count", call->op.u.retry.count);
	if (call->op.kind == STORE_REJECT)
		json_set_id(v, "journal_id",
			    (uint64_t)call->op.u.reject.entry_id);
	admin_call_changed(call);
	admin_call_reply(call, 200, v);
}

/* --- lists --- */

/* The words that the journal's list is filtered by; false: it is none. */
static bool read_words(struct http_request *req, struct store_journal *j)
{
	enum given action, source;
	enum action wanted;
	char text[32];

	action = query_text(req, "action", text, sizeof(text));
	if (action == GIVEN && action_parse(text, &wanted))
		j->action = (int)wanted;
	else if (action != ABSENT)
		return false;
	source = query_text(req, "source", text, sizeof(text));
	j->of_source = source == GIVEN && event_source_parse(text, &j->source);
	return (source == ABSENT || j->of_source) &&
	       query_reason(req, &j->of_reason, &j->reason);
}

static void get_journal(struct http_request *req, void *arg)
{
	struct admin_call *call;
	struct store_journal *j;
	struct page page;
	int64_t user, ticket;

	if (!admin_admit(arg, req))
		return;
	call = admin_call_new(arg, req);
	store_op_init(&call->op, STORE_JOURNAL);
	j = &call->op.u.journal;
	j->action = -1;
	if (!read_page(call, &page) ||
	    !query_int(req, "since_ms", 0, &j->since_ms) ||
	    !query_int(req, "user", 0, &user) ||
	    !query_int(req, "ticket", 0, &ticket)) {
		bad_request(call, "bad parameter");
		return;
	}
	if (!read_words(req, j)) {
		bad_request(call, "unknown action, reason or source");
		return;
	}
	j->account = page.account;
	j->user = (uint64_t)user;
	j->ticket = (uint64_t)ticket;
	j->after_id = page.after;
	j->max = (size_t)page.limit;
	admin_call_submit(call, answer_items);
}

static void get_queue(struct http_request *req, void *arg)
{
	struct admin_call *call;
	struct store_jobs *j;
	struct page page;
	char text[32];
	enum job_state state;

	if (!admin_admit(arg, req))
		return;
	call = admin_call_new(arg, req);
	store_op_init(&call->op, STORE_JOBS);
	j = &call->op.u.jobs;
	j->state = -1;
	if (!read_page(call, &page)) {
		bad_request(call, "bad parameter");
		return;
	}
	if (http_request_has_query(req, "state")) {
		if (query_text(req, "state", text, sizeof(text)) != GIVEN ||
		    !job_state_parse(text, &state)) {
			bad_request(call, "unknown state");
			return;
		}
		j->state = (int)state;
	}
	j->account = page.account;
	j->after_id = page.after;
	j->max = (size_t)page.limit;
	admin_call_submit(call, answer_items);
}

/* Without one the open ones; "all" as the command takes it. */
static bool query_review_state(struct http_request *req, int *out)
{
	enum review_state state = REVIEW_OPEN;
	char text[32];

	switch (query_text(req, "state", text, sizeof(text))) {
	case MALFORMED:
		return false;
	case GIVEN:
		if (str_eq(text, "all")) {
			*out = -1;
			return true;
		}
		if (!review_state_parse(text, &state))
			return false;
		break;
	default:
		break;
	}
	*out = (int)state;
	return true;
}

static void get_reviews(struct http_request *req, void *arg)
{
	struct admin_call *call;
	struct store_reviews *r;
	struct page page;

	if (!admin_admit(arg, req))
		return;
	call = admin_call_new(arg, req);
	store_op_init(&call->op, STORE_REVIEWS);
	r = &call->op.u.reviews;
	if (!read_page(call, &page) || !query_review_state(req, &r->state) ||
	    !query_int(req, "since_ms", 0, &r->since_ms) ||
	    !query_reason(req, &r->of_reason, &r->reason)) {
		bad_request(call, "bad parameter");
		return;
	}
	r->account = page.account;
	r->after_id = page.after;
	r->max = (size_t)page.limit;
	admin_call_submit(call, answer_items);
}

/* --- one item --- */

/* A call about the {id} of the path; NULL: answered. */
struct admin_call *admin_call_for_id(struct admin *a, struct http_request *req,
				     enum store_op_kind kind, int64_t *id)
{
	struct admin_call *call;

	if (!admin_admit(a, req))
		return NULL;
	if (!path_id(req, id)) {
		http_request_reply_error(req, 404, "not found");
		return NULL;
	}
	call = admin_call_new(a, req);
	call->one = true;
	call->personal = query_flag(req, "personal");
	store_op_init(&call->op, kind);
	return call;
}

static void read_entry(struct http_request *req, struct admin *a,
		       admin_answer *answer)
{
	int64_t id;
	struct admin_call *call = admin_call_for_id(a, req, STORE_JOURNAL, &id);

	if (!call)
		return;
	call->op.u.journal =
		(struct store_journal){.id = id, .action = -1, .max = 1};
	admin_call_submit(call, answer);
}

static void get_journal_entry(struct http_request *req, void *arg)
{
	read_entry(req, arg, answer_items);
}

static void answer_plan(struct admin_call *call)
{
	const struct store_journal *j = &call->op.u.journal;
	struct restore_plan plan;

	if (call->op.result != RESULT_OK || j->count == 0) {
		admin_call_fail(call, call->op.result != RESULT_OK
					      ? call->op.result
					      : RESULT_NOTFOUND);
		return;
	}
	restore_plan_make(&j->entries[0], call->personal, &plan);
	admin_call_reply(call, 200, restore_plan_encode(&plan));
	restore_plan_release(&plan);
}

static void get_restore_plan(struct http_request *req, void *arg)
{
	read_entry(req, arg, answer_plan);
}

static void get_job(struct http_request *req, void *arg)
{
	int64_t id;
	struct admin_call *call = admin_call_for_id(arg, req, STORE_JOBS, &id);

	if (!call)
		return;
	call->op.u.jobs = (struct store_jobs){.id = id, .state = -1, .max = 1};
	admin_call_submit(call, answer_items);
}

static void get_review(struct http_request *req, void *arg)
{
	int64_t id;
	struct admin_call *call =
		admin_call_for_id(arg, req, STORE_REVIEWS, &id);

	if (!call)
		return;
	call->op.u.reviews =
		(struct store_reviews){.id = id, .state = -1, .max = 1};
	admin_call_submit(call, answer_items);
}

/* --- changes --- */

static int64_t longest_wait_ms(const struct admin *a)
{
	const struct config *c = engine_config(a->engine);
	int64_t most = 0;

	for (size_t i = 0; i < c->account_count; i++)
		if (c->accounts[i].wait_for_user_ms > most)
			most = c->accounts[i].wait_for_user_ms;
	return most;
}

static void post_retry(struct http_request *req, void *arg)
{
	int64_t id;
	struct admin_call *call = admin_call_for_id(arg, req, STORE_RETRY, &id);

	if (!call)
		return;
	call->op.u.retry.job_id = id;
	call->op.u.retry.now_ms = loop_wall_ms(call->admin->loop);
	call->op.u.retry.wait_ms = longest_wait_ms(arg);
	admin_call_submit(call, answer_done);
}

static void post_retry_all(struct http_request *req, void *arg)
{
	struct admin_call *call;

	if (!admin_admit(arg, req))
		return;
	call = admin_call_new(arg, req);
	store_op_init(&call->op, STORE_RETRY);
	call->op.u.retry.now_ms = loop_wall_ms(call->admin->loop);
	call->op.u.retry.wait_ms = longest_wait_ms(arg);
	admin_call_submit(call, answer_done);
}

static void post_drop(struct http_request *req, void *arg)
{
	int64_t id;
	struct admin_call *call = admin_call_for_id(arg, req, STORE_DROP, &id);

	if (!call)
		return;
	call->op.u.drop.job_id = id;
	admin_call_submit(call, answer_done);
}

static bool is_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == '\177')
			return false;
	return true;
}

/* Who decides is part of the decision: required. */
bool admin_call_read_by(struct admin_call *call)
{
	struct slice body = http_request_body(call->req);
	struct json_t *v = json_parse(body.ptr, body.len, NULL);
	const char *by = json_get_str(v, "by");
	bool ok = !str_is_empty(by) && is_line(by) &&
		  str_copy(call->by, sizeof(call->by), by);

	json_free(v);
	if (!ok)
		bad_request(call, "say who decides: {\"by\":\"name\"}");
	return ok;
}

static void post_journal_reject(struct http_request *req, void *arg)
{
	int64_t id;
	struct admin_call *call =
		admin_call_for_id(arg, req, STORE_REJECT, &id);

	if (!call)
		return;
	if (!admin_call_read_by(call))
		return;
	call->op.u.reject = (struct store_reject){
		.journal_id = id,
		.by = call->by,
		.now_ms = loop_wall_ms(call->admin->loop),
		.wait_ms = longest_wait_ms(arg),
	};
	admin_call_submit(call, answer_done);
}

static void unknown(struct http_request *req, void *arg)
{
	if (admin_admit(arg, req))
		http_request_reply_error(req, 404, "not found");
}

const struct http_route admin_api_routes[] = {
	{"GET", "/api/v1/journal", get_journal, 0},
	{"GET", "/api/v1/journal/{id}", get_journal_entry, 0},
	{"GET", "/api/v1/journal/{id}/restore-plan", get_restore_plan, 0},
	{"POST", "/api/v1/journal/{id}/reject", post_journal_reject,
	 HTTP_ROUTE_JSON},
	{"GET", "/api/v1/readiness", admin_get_readiness, 0},
	{"GET", "/api/v1/nodes", admin_get_nodes, 0},
	{"GET", "/api/v1/queue", get_queue, 0},
	{"GET", "/api/v1/queue/{id}", get_job, 0},
	{"POST", "/api/v1/queue/retry", post_retry_all, 0},
	{"POST", "/api/v1/queue/{id}/retry", post_retry, 0},
	{"POST", "/api/v1/queue/{id}/drop", post_drop, 0},
	{"GET", "/api/v1/reviews", get_reviews, 0},
	{"GET", "/api/v1/reviews/{id}", get_review, 0},
	{"POST", "/api/v1/reviews/{id}/approve", admin_review_approve,
	 HTTP_ROUTE_JSON},
	{"POST", "/api/v1/reviews/{id}/reject", admin_review_reject,
	 HTTP_ROUTE_JSON},
	{"GET", "/api/v1/{rest...}", unknown, 0},
};
const size_t admin_api_route_count = ARRAY_LEN(admin_api_routes);
