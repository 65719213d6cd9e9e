/*
 * What the world is told about holds: see holds.h.
 *
 * Invariants: `shown` is what the metric and the log say; the row follows it
 * (`dirty` until the store has it). Each account has at most one operation of
 * either kind under way.
 */
#include "app/holds.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"

#define REMIND_MS INT64_C(3600000)

/* What was said last about one API. */
struct shown {
	enum hold_reason reason;
	int64_t since_ms; /* monotonic */
	int64_t failures;
	/* to be logged with the number of jobs that wait */
	enum hold_reason ended;
	int64_t lasted_ms;
	bool remind;
};

struct held_account {
	struct holds *h;
	char name[ACCOUNT_SIZE];
	struct api_client *api; /* NULL: stopped */
	struct shown shown[API_COUNT];
	struct loop_timer *reminder;
	struct loop_timer *again; /* the store failed */
	struct store_op row;
	bool writing, dirty;
	struct store_op stats;
	bool counting;
};

struct holds {
	struct loop *loop;
	struct storeq *q;
	const char *node;
	struct held_account **accounts;
	size_t count;
	bool freed; /* the store still holds an op */
};

static struct held_account *find(const struct holds *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (str_eq(h->accounts[i]->name, name))
			return h->accounts[i];
	return NULL;
}

static void release_when_idle(struct holds *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->accounts[i]->writing || h->accounts[i]->counting)
			return;
	for (size_t i = 0; i < h->count; i++)
		free(h->accounts[i]);
	free(h->accounts);
	free(h);
}

/* --- the row --- */

static void write_row(void *arg);

static void on_written(struct store_op *op, void *arg)
{
	struct held_account *a = arg;
	bool failed = op->result != RESULT_OK;

	a->writing = false;
	store_op_release(op);
	if (a->h->freed) {
		release_when_idle(a->h);
	} else if (failed) {
		a->dirty = true;
		loop_timer_set(a->again, RETRY_FIRST_MS);
	} else if (a->dirty) {
		write_row(a);
	}
}

/* Of those that were met here; NULL: none. */
static const struct hold *worst(struct held_account *a, enum api *api)
{
	const struct hold *found = NULL;

	for (enum api i = 0; a->api && i < API_COUNT; i++) {
		const struct hold *hold = api_client_hold(a->api, i);

		if (!hold_is_own(hold) ||
		    (found && found->reason <= hold->reason))
			continue;
		found = hold;
		*api = i;
	}
	return found;
}

static void write_row(void *arg)
{
	struct held_account *a = arg;
	struct store_account *u = &a->row.u.account;
	const struct hold *hold;
	enum api api;

	a->dirty = a->writing;
	if (a->writing)
		return;
	a->writing = true;
	store_op_init(&a->row, STORE_ACCOUNT);
	u->account = a->name;
	u->set_hold = true;
	u->hold_node = a->h->node;
	u->now_ms = loop_wall_ms(a->h->loop);
	hold = worst(a, &api);
	if (hold) {
		u->hold = hold_reason_name(hold->reason);
		u->hold_api = api_name(api);
		u->hold_text = hold_text(hold);
		u->hold_ms = hold->since_wall_ms;
	}
	storeq_submit(a->h->q, &a->row, on_written, a);
}

/* --- lines that say how many jobs wait --- */

static void log_ended(struct held_account *a, enum api api, int64_t jobs)
{
	struct shown *s = &a->shown[api];

	log_info("account_resumed", log_str("account", a->name),
		 log_str("api", api_name(api)),
		 log_str("reason", hold_reason_name(s->ended)),
		 log_int("seconds", s->lasted_ms / 1000),
		 log_int("failures", s->failures), log_int("jobs", jobs));
	s->ended = HOLD_NONE;
}

static void log_reminder(struct held_account *a, enum api api, int64_t jobs)
{
	struct shown *s = &a->shown[api];
	const struct hold *hold;

	s->remind = false;
	if (!s->reason || !a->api)
		return;
	hold = api_client_hold(a->api, api);
	log_error("account_still_held", log_str("account", a->name),
		  log_str("api", api_name(api)),
		  log_str("reason", hold_reason_name(s->reason)),
		  log_str("text", hold_text(hold)),
		  log_int("seconds",
			  (loop_now_ms(a->h->loop) - s->since_ms) / 1000),
		  log_int("failures", hold->failures), log_int("jobs", jobs));
}

static void on_counted(struct store_op *op, void *arg)
{
	struct held_account *a = arg;
	const int64_t *n = op->u.stats.jobs;
	int64_t jobs = n[JOB_READY] + n[JOB_RUNNING];

	a->counting = false;
	for (enum api api = 0; api < API_COUNT; api++) {
		if (a->shown[api].ended)
			log_ended(a, api, jobs);
		if (a->shown[api].remind)
			log_reminder(a, api, jobs);
	}
	store_op_release(op);
	if (a->h->freed)
		release_when_idle(a->h);
}

static void count_jobs(struct held_account *a)
{
	if (a->counting)
		return;
	a->counting = true;
	store_op_init(&a->stats, STORE_STATS);
	a->stats.u.stats.account = a->name;
	a->stats.u.stats.now_ms = loop_wall_ms(a->h->loop);
	storeq_submit(a->h->q, &a->stats, on_counted, a);
}

static void on_reminder(void *arg)
{
	struct held_account *a = arg;
	bool any = false;

	for (enum api api = 0; api < API_COUNT; api++) {
		a->shown[api].remind = a->shown[api].reason != HOLD_NONE;
		any = any || a->shown[api].remind;
	}
	if (!any)
		return;
	count_jobs(a);
	loop_timer_set(a->reminder, REMIND_MS);
}

/* --- what changed --- */

static void show_metrics(const struct held_account *a)
{
	for (enum hold_reason r = HOLD_NONE + 1; r < HOLD_REASON_COUNT; r++) {
		bool any = a->shown[API_ZENDESK].reason == r ||
			   a->shown[API_SUNCO].reason == r;

		metric_set(metric_get(METRIC_ACCOUNT_HELD, a->name,
				      hold_reason_name(r)),
			   any);
	}
}

static void begin(struct held_account *a, enum api api, const struct hold *hold)
{
	log_error("account_held", log_str("account", a->name),
		  log_str("api", api_name(api)),
		  log_str("reason", hold_reason_name(hold->reason)),
		  log_str("text", hold_text(hold)),
		  log_str("mend", holds_advice(hold_reason_name(hold->reason),
					       api_name(api))));
}

/* True: something is to be counted for its line. */
static bool compare(struct held_account *a, enum api api)
{
	static const struct hold none;
	const struct hold *hold = a->api ? api_client_hold(a->api, api) : &none;
	struct shown *s = &a->shown[api];
	enum hold_reason was = s->reason;

	if (hold->reason == was)
		return false;
	s->reason = hold->reason;
	if (hold->reason) {
		s->since_ms = hold->since_ms;
		begin(a, api, hold);
		if (!was)
			loop_timer_set(a->reminder, REMIND_MS);
		return false;
	}
	s->ended = was;
	s->lasted_ms = loop_now_ms(a->h->loop) - s->since_ms;
	s->failures = hold->failures;
	return true;
}

static void look(struct held_account *a)
{
	bool count = false;

	for (enum api api = 0; api < API_COUNT; api++)
		count = compare(a, api) || count;
	show_metrics(a);
	write_row(a);
	if (count)
		count_jobs(a);
}

void holds_read(struct holds *h, const char *account,
		const struct store_account *row)
{
	struct held_account *a = find(h, account);
	bool theirs =
		row->held && row->held_node && !str_eq(row->held_node, h->node);
	struct api_told_hold told = {0};
	enum api api;

	if (!a || !a->api)
		return;
	if (theirs)
		told = (struct api_told_hold){
			.reason = row->held,
			.api = row->held_api,
			.text = row->held_text,
			.since_ms = row->held_ms,
		};
	api_client_told_hold(a->api, &told);
	/* ours waits for theirs to end, or was not heard */
	if (!theirs && !row->held != !worst(a, &api))
		write_row(a);
}

void holds_look(struct holds *h, const char *account)
{
	struct held_account *a = find(h, account);

	if (a)
		look(a);
}

const char *holds_advice(const char *reason, const char *api)
{
	bool sunco = str_eq(api, "sunco");

	if (str_eq(reason, "credentials"))
		return sunco ? "give sunco_key_id and sunco_key_secret a key "
			       "that works, then reload"
			     : "give zendesk_auth credentials that work, then "
			       "reload";
	if (str_eq(reason, "forbidden"))
		return sunco ? "the key must be the app's own"
			     : "grant the OAuth client its scopes, or let an "
			       "admin own it; nothing else has to be done";
	return "nothing: it is tried again every minute at least";
}

/* --- life --- */

struct holds *holds_new(struct loop *loop, struct storeq *q, const char *node)
{
	struct holds *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	h->q = q;
	h->node = node;
	return h;
}

void holds_set_account(struct holds *h, const char *account,
		       struct api_client *api)
{
	struct held_account *a = find(h, account);

	if (!a) {
		h->accounts = xrealloc(h->accounts, (h->count + 1) * sizeof(a));
		a = xcalloc(1, sizeof(*a));
		h->accounts[h->count++] = a;
		a->h = h;
		str_copy(a->name, sizeof(a->name), account);
		a->reminder = loop_timer_new(h->loop, on_reminder, a);
		a->again = loop_timer_new(h->loop, write_row, a);
	}
	a->api = api;
	look(a);
}

void holds_stop_account(struct holds *h, const char *account)
{
	struct held_account *a = find(h, account);

	if (!a)
		return;
	a->api = NULL;
	look(a);
}

void holds_free(struct holds *h)
{
	if (!h)
		return;
	h->freed = true;
	for (size_t i = 0; i < h->count; i++) {
		loop_timer_free(h->accounts[i]->reminder);
		loop_timer_free(h->accounts[i]->again);
	}
	release_when_idle(h);
}
