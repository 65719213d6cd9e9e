/*
 * One note after the other: see teller.h.
 *
 *	         none due: sleeps
 *	IDLE ─> CLAIM ─────────────> IDLE
 *	 ^        │ due
 *	 │        ├─ may have been sent ─> LOOK ─ it is there ──┐
 *	 │        v                          │ it is not        │
 *	 │       ASK <───────────────────────┘                  │
 *	 │        │ theirs  └─ another's ticket ────────────────┤
 *	 │        v                                             │
 *	 │       TAG                                            │
 *	 │        │ added     another note stands there already │
 *	 │        ├──────────────────> UNTAG ─┐                 │
 *	 │        v                           │                 │
 *	 │       NOTE <───────────────────────┘                 │
 *	 │        │ written                                     │
 *	 └─────  DONE <── nothing to be told any more ──────────┘
 *
 *	every state but DONE ─ no, or no answer ─> DONE: again later, or given
 *	up; DONE ─ the store fails ─> DONE, a little later
 *
 * The note comes last: the tags may be set twice, it may not. An answer to it
 * that was lost is looked up TELLER_SETTLE_MS later. What concerns the whole
 * account (no answer, limits, credentials) holds up all its notes, anything
 * else only the one.
 *
 * Invariants: 1. in LOOK, ASK, TAG, UNTAG and NOTE exactly one call is under
 * way, in CLAIM and DONE the store has the operation or the timer is set.
 * 2. NOTE is entered only when the note is known not to be there, and the
 * ticket to be the person's.
 */
#include "app/teller.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/zendesk.h"
#include "base/crashpoint.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"
#include "core/ticket_note.h"

#define IDLE_MS	       30000 /* other nodes' leases, other processes' writes */
#define BUDGET_LONG_MS 2000  /* begin only when calls may go soon */

enum telling { IDLE, CLAIM, LOOK, ASK, TAG, UNTAG, NOTE, DONE };

struct teller_account {
	struct teller *t;
	char name[ACCOUNT_SIZE];
	const struct account_config *config; /* NULL: stopped */
	struct api_client *api;
	enum telling state;
	struct store_op claim; /* its note is the one that is told */
	struct store_op end;
	bool storing;
	struct zendesk_op *call;
	struct loop_timer *timer;
	bool dirty;	       /* woken while at work */
	bool token_done;       /* a new token has been asked for */
	int64_t next_ms;       /* when the next is due, as the claim said */
	int64_t not_before_ms; /* monotonic */
};

struct teller {
	struct loop *loop;
	struct storeq *q;
	struct teller_account **accounts;
	size_t account_count;
	bool draining;
	bool freed; /* the store still holds an op */
	loop_fn *drained;
	void *drained_arg;
};

static const enum job_lane lane = LANE_REVIEW;

static struct teller_account *find(const struct teller *t, const char *name)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (str_eq(t->accounts[i]->name, name))
			return t->accounts[i];
	return NULL;
}

static const struct store_note *note_of(const struct teller_account *a)
{
	return &a->claim.u.note_claim.note;
}

static void check_drained(struct teller *t)
{
	if (!t->draining || !t->drained)
		return;
	for (size_t i = 0; i < t->account_count; i++)
		if (t->accounts[i]->state != IDLE)
			return;
	loop_defer(t->loop, t->drained, t->drained_arg);
	t->drained = NULL;
}

static void sleep_until(struct teller_account *a, int64_t mono_ms)
{
	int64_t delay_ms = mono_ms - loop_now_ms(a->t->loop);

	loop_timer_set(a->timer, delay_ms > 0 ? delay_ms : 0);
}

/* The next one, when it is due and the account may be spoken to again. */
static void rest(struct teller_account *a)
{
	struct loop *loop = a->t->loop;
	int64_t delay_ms = IDLE_MS;

	a->state = IDLE;
	check_drained(a->t);
	if (a->dirty)
		delay_ms = 0;
	else if (a->next_ms < loop_wall_ms(loop) + IDLE_MS)
		delay_ms = a->next_ms - loop_wall_ms(loop);
	a->dirty = false;
	if (loop_now_ms(loop) + delay_ms < a->not_before_ms)
		sleep_until(a, a->not_before_ms);
	else
		sleep_until(a, loop_now_ms(loop) + delay_ms);
}

/* --- what came of a note --- */

static void release_when_idle(struct teller *t);

static void on_ended(struct store_op *op, void *arg)
{
	struct teller_account *a = arg;

	a->storing = false;
	CRASH_POINT("after_note_done");
	if (a->t->freed) {
		release_when_idle(a->t);
		return;
	}
	if (op->result == RESULT_TEMP) {
		loop_timer_set(a->timer, RETRY_FIRST_MS);
		return;
	}
	if (op->result != RESULT_OK)
		log_warn("note_lease_lost", log_str("account", a->name),
			 log_int("journal", note_of(a)->journal_id));
	store_op_release(&a->claim);
	rest(a);
}

static void submit_end(struct teller_account *a)
{
	a->storing = true;
	CRASH_POINT("before_note_done");
	storeq_submit(a->t->q, &a->end, on_ended, a);
}

/* The store's word about the note; the caller fills in the rest. */
static struct store_note_done *end_of(struct teller_account *a)
{
	struct store_note_done *d = &a->end.u.note_done;

	a->state = DONE;
	a->call = NULL;
	store_op_init(&a->end, STORE_NOTED);
	d->note_id = note_of(a)->id;
	d->token = note_of(a)->token;
	return d;
}

static void finish(struct teller_account *a, const char *outcome)
{
	const struct store_note *n = note_of(a);

	end_of(a)->outcome = outcome;
	metric_add(metric_get(METRIC_NOTES, a->name, outcome), 1);
	log_info("note", log_str("account", a->name),
		 log_int("journal", n->journal_id),
		 log_int("ticket", (int64_t)n->ticket_id),
		 log_str("outcome", outcome));
	submit_end(a);
}

static void finish_told(struct teller_account *a)
{
	a->not_before_ms = loop_now_ms(a->t->loop) + TELLER_GAP_MS;
	finish(a, "told");
}

/* About this one ticket, and not for the moment. */
static bool is_refusal(const struct api_result *r)
{
	return r->forbidden || r->result == RESULT_PERM ||
	       r->result == RESULT_NOTFOUND;
}

static void log_failure(const struct teller_account *a,
			const struct api_result *r, int attempts)
{
	const struct store_note *n = note_of(a);

	log_warn("note_failed", log_str("account", a->name),
		 log_int("journal", n->journal_id),
		 log_int("ticket", (int64_t)n->ticket_id),
		 log_str("call", r->call), log_int("attempts", attempts),
		 log_str("class", result_name(r->result)),
		 log_str("error", r->error.text),
		 log_str("hint", r->forbidden ? "the scope tickets:write, or "
						"the ticket, is not allowed"
					      : ""));
}

static int64_t delay_of(const struct api_result *r, int attempts, bool unsure)
{
	uint32_t dice;
	int64_t delay_ms;

	crypto_random(&dice, sizeof(dice));
	delay_ms = retry_delay_ms(is_refusal(r) ? RESULT_PERM : r->result,
				  attempts, r->retry_after_ms, dice);
	return unsure && delay_ms < TELLER_SETTLE_MS ? TELLER_SETTLE_MS
						     : delay_ms;
}

/* Once, since the token may be from before the setting was on. */
static void ask_for_scope(struct teller_account *a, const struct api_result *r)
{
	if (!r->forbidden || a->token_done || !a->api)
		return;
	a->token_done = true;
	api_client_renew_token(a->api);
}

static void fail(struct teller_account *a, const struct api_result *r)
{
	const struct store_note *n = note_of(a);
	int attempts = n->attempts + 1;
	bool lost = a->state == NOTE && r->sent && !is_refusal(r);
	bool unsure = lost || a->state == LOOK;
	struct store_note_done *d;
	int64_t delay_ms;

	log_failure(a, r, attempts);
	if (is_refusal(r) && retry_gives_up(RESULT_PERM, attempts)) {
		finish(a, "refused");
		return;
	}
	ask_for_scope(a, r);
	delay_ms = delay_of(r, attempts, unsure);
	if (!is_refusal(r) && r->result != RESULT_CONFLICT)
		a->not_before_ms = loop_now_ms(a->t->loop) + delay_ms;
	d = end_of(a);
	d->due_ms = loop_wall_ms(a->t->loop) + delay_ms;
	d->unsure = unsure;
	d->attempts = attempts;
	if (d->due_ms < a->next_ms)
		a->next_ms = d->due_ms;
	submit_end(a);
}

/* As it was; the lease would hold it up for others. */
static void give_back(struct teller_account *a)
{
	struct store_note_done *d = end_of(a);

	d->due_ms = loop_wall_ms(a->t->loop);
	d->unsure = note_of(a)->unsure;
	d->attempts = note_of(a)->attempts;
	submit_end(a);
}

/* --- the calls --- */

static void on_noted(const struct api_result *r, void *arg)
{
	struct teller_account *a = arg;

	CRASH_POINT("after_ticket_note");
	if (r->result == RESULT_OK)
		finish_told(a);
	else
		fail(a, r);
}

static void note(struct teller_account *a)
{
	const struct store_note *n = note_of(a);
	struct buf text;

	a->state = NOTE;
	CRASH_POINT("before_ticket_note");
	buf_init(&text, TICKET_NOTE_MAX_BYTES);
	ticket_note_write(&n->entry, a->config->zendesk_url, n->review_id,
			  &text);
	a->call = zendesk_ticket_note(a->api, lane, n->ticket_id, text.data,
				      on_noted, a);
	buf_release(&text);
}

static void on_untagged(const struct api_result *r, void *arg)
{
	struct teller_account *a = arg;

	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!a->config)
		give_back(a);
	else
		note(a);
}

/* The tags of what was told before say nothing any more. */
static void untag(struct teller_account *a)
{
	const char *const *all = ticket_note_tags();
	const char *others[TICKET_NOTE_TAGS];
	size_t count = 0;

	for (size_t i = 0; i < TICKET_NOTE_TAGS; i++)
		if (all[i] != ticket_note_tag(&note_of(a)->entry))
			others[count++] = all[i];
	a->state = UNTAG;
	a->call = zendesk_ticket_untag(a->api, lane, note_of(a)->ticket_id,
				       others, count, on_untagged, a);
}

static void on_tagged(const struct api_result *r, void *arg)
{
	struct teller_account *a = arg;

	CRASH_POINT("after_ticket_tag");
	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!a->config)
		give_back(a);
	else if (note_of(a)->told_before)
		untag(a);
	else
		note(a);
}

static void tag(struct teller_account *a)
{
	a->state = TAG;
	CRASH_POINT("before_ticket_tag");
	a->call = zendesk_ticket_tag(a->api, lane, note_of(a)->ticket_id,
				     ticket_note_tag(&note_of(a)->entry),
				     on_tagged, a);
}

/* Whose ticket it is a webhook said. */
static void on_asked(const struct api_result *r, uint64_t requester, void *arg)
{
	struct teller_account *a = arg;

	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!ticket_note_is_theirs(&note_of(a)->entry, requester))
		finish(a, "foreign");
	else if (!a->config)
		give_back(a);
	else
		tag(a);
}

static void ask(struct teller_account *a)
{
	a->state = ASK;
	a->call = zendesk_ticket_get(a->api, lane, note_of(a)->ticket_id,
				     on_asked, a);
}

static void on_looked(const struct api_result *r, bool found, void *arg)
{
	struct teller_account *a = arg;

	CRASH_POINT("after_ticket_comments");
	if (r->result != RESULT_OK)
		fail(a, r);
	else if (found)
		finish_told(a);
	else if (!a->config)
		give_back(a);
	else
		ask(a);
}

static void look(struct teller_account *a)
{
	char mark[TICKET_NOTE_MARK_BYTES];

	ticket_note_mark(note_of(a)->journal_id, mark);
	a->state = LOOK;
	a->call = zendesk_ticket_find_note(a->api, lane, note_of(a)->ticket_id,
					   mark, on_looked, a);
}

/* --- claims --- */

/* What was true when it was decided, and is not any more; or is not wanted
 * any more. A link that was made stays true. */
static bool is_outdated(const struct teller_account *a)
{
	const struct store_note *n = note_of(a);
	const struct journal_entry *e = &n->entry;

	if (!n->has_entry || !ticket_note_tells(a->config->ticket_note, e))
		return true;
	return !e->applied &&
	       (n->superseded || (e->action == ACTION_REVIEW && !n->review_id));
}

static void tell(struct teller_account *a)
{
	const struct store_note *n = note_of(a);
	int64_t age_ms = loop_wall_ms(a->t->loop) - n->created_ms;

	if (is_outdated(a))
		finish(a, "outdated");
	else if (age_ms > TICKET_NOTE_LATE_MS)
		finish(a, "late");
	else if (n->unsure)
		look(a);
	else
		ask(a);
}

static bool may_begin(const struct teller_account *a)
{
	return a->config && !a->t->draining &&
	       config_tells(a->config, NOTE_MERGED);
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct teller_account *a = arg;
	bool found = op->result == RESULT_OK && op->u.note_claim.note.id != 0;

	a->storing = false;
	a->next_ms = op->u.note_claim.next_ms;
	if (op->result != RESULT_OK)
		a->next_ms = loop_wall_ms(a->t->loop) + RETRY_FIRST_MS;
	if (a->t->freed && !found) {
		store_op_release(op);
		release_when_idle(a->t);
	} else if (!found) {
		store_op_release(op);
		rest(a);
	} else if (a->t->freed || !may_begin(a)) {
		give_back(a);
	} else {
		tell(a);
	}
}

static void begin(struct teller_account *a)
{
	struct loop *loop = a->t->loop;
	int64_t wait_ms = a->not_before_ms - loop_now_ms(loop);

	a->dirty = a->dirty || a->state != IDLE;
	if (a->state != IDLE || !may_begin(a))
		return;
	if (wait_ms <= 0) {
		wait_ms = api_client_wait_ms(a->api);
		wait_ms = wait_ms > BUDGET_LONG_MS ? wait_ms : 0;
	}
	if (wait_ms > 0) {
		loop_timer_set(a->timer, wait_ms);
		return;
	}
	a->state = CLAIM;
	a->dirty = false;
	a->storing = true;
	store_op_init(&a->claim, STORE_NOTE);
	a->claim.u.note_claim = (struct store_note_claim){
		.account = a->name,
		.now_ms = loop_wall_ms(loop),
		.lease_ms = TELLER_LEASE_MS,
	};
	storeq_submit(a->t->q, &a->claim, on_claimed, a);
}

static void on_timer(void *arg)
{
	struct teller_account *a = arg;

	if (a->state == DONE)
		submit_end(a);
	else
		begin(a);
}

void teller_wake(struct teller *t, const char *account)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (!account || str_eq(t->accounts[i]->name, account))
			begin(t->accounts[i]);
}

/* --- life --- */

struct teller *teller_new(struct loop *loop, struct storeq *q)
{
	struct teller *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->q = q;
	return t;
}

void teller_set_account(struct teller *t, const struct account_config *config,
			struct api_client *api)
{
	struct teller_account *a = find(t, config->name);

	if (!a) {
		t->accounts = xrealloc(t->accounts,
				       (t->account_count + 1) * sizeof(a));
		a = xcalloc(1, sizeof(*a));
		t->accounts[t->account_count++] = a;
		a->t = t;
		str_copy(a->name, sizeof(a->name), config->name);
		a->timer = loop_timer_new(t->loop, on_timer, a);
		a->next_ms = INT64_MAX;
	}
	a->config = config;
	a->api = api;
	a->token_done = false;
	begin(a);
}

void teller_stop_account(struct teller *t, const char *account)
{
	struct teller_account *a = find(t, account);

	if (a)
		a->config = NULL;
}

void teller_drain(struct teller *t, loop_fn *done, void *arg)
{
	t->draining = true;
	t->drained = done;
	t->drained_arg = arg;
	check_drained(t);
}

/* The store may still hold operations of ours; the last one to come back
 * frees the rest. */
static void release_when_idle(struct teller *t)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (t->accounts[i]->storing)
			return;
	for (size_t i = 0; i < t->account_count; i++) {
		store_op_release(&t->accounts[i]->claim);
		free(t->accounts[i]);
	}
	free(t->accounts);
	free(t);
}

void teller_free(struct teller *t)
{
	if (!t)
		return;
	t->freed = true;
	for (size_t i = 0; i < t->account_count; i++) {
		struct teller_account *a = t->accounts[i];

		if (a->call)
			zendesk_cancel(a->call);
		a->call = NULL;
		loop_timer_free(a->timer);
		a->timer = NULL;
	}
	release_when_idle(t);
}
