/*
 * One note, from its claim to its end: see teller.h.
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
#include "teller_int.h"

#include <string.h>

#include "base/crashpoint.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"
#include "core/ticket_note.h"

static const enum job_lane lane = LANE_REVIEW;

/* --- what came of it --- */

static void on_ended(struct store_op *op, void *arg)
{
	struct teller_account *a = arg;

	a->storing = false;
	CRASH_POINT("after_note_done");
	if (a->t->freed) {
		teller_release(a->t);
		return;
	}
	if (op->result == RESULT_TEMP) {
		loop_timer_set(a->timer, RETRY_FIRST_MS);
		return;
	}
	if (op->result != RESULT_OK)
		log_warn("note_lease_lost", log_str("account", a->name),
			 log_int("journal", teller_note_of(a)->journal_id));
	store_op_release(&a->claim);
	teller_rest(a);
}

void teller_submit_end(struct teller_account *a)
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
	d->note_id = teller_note_of(a)->id;
	d->token = teller_note_of(a)->token;
	return d;
}

static void finish(struct teller_account *a, const char *outcome)
{
	const struct store_note *n = teller_note_of(a);

	end_of(a)->outcome = outcome;
	a->end.u.note_done.unsure = n->unsure;
	metric_add(metric_get(METRIC_NOTES, a->name, outcome), 1);
	log_info("note", log_str("account", a->name),
		 log_int("journal", n->journal_id),
		 log_int("ticket", (int64_t)n->ticket_id),
		 log_str("outcome", outcome));
	teller_submit_end(a);
}

static void finish_told(struct teller_account *a)
{
	a->not_before_ms = loop_now_ms(a->t->loop) + TELLER_GAP_MS;
	finish(a, teller_note_of(a)->entry.status == JOURNAL_DONE ? "told"
								  : "given_up");
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
	const struct store_note *n = teller_note_of(a);

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
	const struct store_note *n = teller_note_of(a);
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
	teller_submit_end(a);
}

void teller_give_back(struct teller_account *a)
{
	struct store_note_done *d = end_of(a);

	d->due_ms = loop_wall_ms(a->t->loop);
	d->unsure = teller_note_of(a)->unsure;
	d->attempts = teller_note_of(a)->attempts;
	teller_submit_end(a);
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
	const struct store_note *n = teller_note_of(a);
	struct buf text;

	a->state = NOTE;
	CRASH_POINT("before_ticket_note");
	buf_init(&text, TICKET_NOTE_MAX_BYTES);
	ticket_note_write(&n->entry, a->config->zendesk_url, n->review_id,
			  &text);
	a->call = zendesk_ticket_note(a->api, lane, n->ticket_id, text.data,
				      on_noted, a);
	zendesk_send_by(a->call, teller_send_by_ms(a));
	buf_release(&text);
}

static void on_untagged(const struct api_result *r, void *arg)
{
	struct teller_account *a = arg;

	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!a->config)
		teller_give_back(a);
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
		if (all[i] != ticket_note_tag(&teller_note_of(a)->entry))
			others[count++] = all[i];
	a->state = UNTAG;
	a->call =
		zendesk_ticket_untag(a->api, lane, teller_note_of(a)->ticket_id,
				     others, count, on_untagged, a);
	zendesk_send_by(a->call, teller_send_by_ms(a));
}

static void on_tagged(const struct api_result *r, void *arg)
{
	struct teller_account *a = arg;

	CRASH_POINT("after_ticket_tag");
	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!a->config)
		teller_give_back(a);
	else if (teller_note_of(a)->told_before)
		untag(a);
	else
		note(a);
}

static void tag(struct teller_account *a)
{
	a->state = TAG;
	CRASH_POINT("before_ticket_tag");
	a->call = zendesk_ticket_tag(a->api, lane, teller_note_of(a)->ticket_id,
				     ticket_note_tag(&teller_note_of(a)->entry),
				     on_tagged, a);
	zendesk_send_by(a->call, teller_send_by_ms(a));
}

/* Whose ticket it is a webhook said. */
static void on_asked(const struct api_result *r, uint64_t requester, void *arg)
{
	struct teller_account *a = arg;

	if (r->result != RESULT_OK)
		fail(a, r);
	else if (!ticket_note_is_theirs(&teller_note_of(a)->entry, requester))
		finish(a, "foreign");
	else if (!a->config)
		teller_give_back(a);
	else
		tag(a);
}

static void ask(struct teller_account *a)
{
	a->state = ASK;
	a->call = zendesk_ticket_get(a->api, lane, teller_note_of(a)->ticket_id,
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
		teller_give_back(a);
	else
		ask(a);
}

static void look(struct teller_account *a)
{
	char mark[TICKET_NOTE_MARK_BYTES];

	ticket_note_mark(&teller_note_of(a)->entry, mark);
	a->state = LOOK;
	a->call = zendesk_ticket_find_note(
		a->api, lane, teller_note_of(a)->ticket_id, mark, on_looked, a);
}

/* --- is it to be told? --- */

/* What was true when it was decided, and is not any more; or is not wanted
 * any more. A link that was made stays true. */
static bool is_outdated(const struct teller_account *a)
{
	const struct store_note *n = teller_note_of(a);
	const struct journal_entry *e = &n->entry;

	if (!n->has_entry || !ticket_note_tells(a->config->ticket_note, e))
		return true;
	if (e->status != JOURNAL_DONE && !n->job_dead)
		return true;
	return !e->applied &&
	       (n->superseded || (e->action == ACTION_REVIEW && !n->review_id));
}

void teller_tell(struct teller_account *a)
{
	const struct store_note *n = teller_note_of(a);
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
