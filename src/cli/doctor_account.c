/*
 * `reunite doctor`: how one account is doing, by what the store knows of it.
 */
#include <string.h>

#include "app/holds.h"
#include "app/sweeper.h"
#include "base/clock.h"
#include "base/str.h"
#include "doctor.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS	  (60 * MINUTE_MS)

#define DUE_WARNING_MS (10 * MINUTE_MS) /* a job should have run by then */
#define DUE_PROBLEM_MS HOUR_MS
#define UNFINISHED_MS  (15 * MINUTE_MS) /* a merge takes seconds */
#define SILENCE_MS     (24 * HOUR_MS)

static void check_apply(struct doctor *d)
{
	static const char *const texts[] = {
		[APPLY_OBSERVE] = "observe: only written down, not done",
		[APPLY_REVIEW] = "review: a person approves every link",
		[APPLY_AUTO] = "auto: links are made without asking",
	};

	doctor_say(d, DOCTOR_OK, NULL, "%s", texts[d->account->rules.apply]);
}

static void check_pause(struct doctor *d)
{
	const struct store_account *row = &d->row;
	char since[CLOCK_TEXT_SIZE];

	if (!row->is_paused)
		return;
	clock_format(row->paused_ms, since);
	doctor_say(d, DOCTOR_WARNING, "reunite queue resume --account NAME",
		   "paused since %s by %s%s%s%s", since,
		   row->paused_by ? row->paused_by : "somebody",
		   row->paused_why ? " (" : "",
		   row->paused_why ? row->paused_why : "",
		   row->paused_why ? ")" : "");
}

static void check_hold(struct doctor *d)
{
	const struct store_account *row = &d->row;
	char age[DOCTOR_AGE_SIZE];

	if (row->held)
		doctor_say(d, DOCTOR_PROBLEM,
			   holds_advice(row->held, row->held_api),
			   "held for %s: %s, %s: %s",
			   doctor_age(d, row->held_ms, age), row->held,
			   row->held_api ? row->held_api : "an API",
			   row->held_text ? row->held_text : "");
}

#define CLOSE_IT                                                               \
	"look what was linked, then wait, or: reunite queue resume "           \
	"--breaker --account NAME"

static void say_hour(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	char left[DOCTOR_AGE_SIZE];

	if (s->max_per_hour == 0)
		doctor_say(d, DOCTOR_WARNING, NULL,
			   "max_merges_per_hour is 0: every link waits for a "
			   "person");
	else if (s->merges_this_hour >= s->max_per_hour)
		doctor_say(d, DOCTOR_WARNING, CLOSE_IT,
			   "open: %lld of %lld links this hour; time closes "
			   "it in %s",
			   (long long)s->merges_this_hour,
			   (long long)s->max_per_hour,
			   doctor_age(d, s->hour_ends_ms, left));
	else
		doctor_say(d, DOCTOR_OK, NULL,
			   "closed: %lld of %lld links this hour",
			   (long long)s->merges_this_hour,
			   (long long)s->max_per_hour);
}

static void check_breaker(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	int64_t first_ms = INT64_MAX;
	char left[DOCTOR_AGE_SIZE];

	say_hour(d);
	if (s->full_count == 0)
		return;
	for (size_t i = 0; i < s->full_count && i < STORE_FULL_MAX; i++)
		if (s->full[i].ends_ms < first_ms)
			first_ms = s->full[i].ends_ms;
	doctor_say(d, DOCTOR_WARNING, CLOSE_IT,
		   "%zu profile%s joined by %lld conversations today, which "
		   "is all that is allowed (%llu is one); the next is free "
		   "in %s",
		   s->full_count, s->full_count == 1 ? " was" : "s were",
		   (long long)s->max_per_profile,
		   (unsigned long long)s->full[0].profile_id,
		   doctor_age(d, first_ms, left));
}

static enum doctor_level due_level(const struct doctor *d)
{
	int64_t late_ms = d->cli->now_ms - d->stats.oldest_due_ms;

	if (d->stats.oldest_due_ms == 0 || d->row.is_paused)
		return DOCTOR_OK;
	return late_ms >= DUE_PROBLEM_MS   ? DOCTOR_PROBLEM
	       : late_ms >= DUE_WARNING_MS ? DOCTOR_WARNING
					   : DOCTOR_OK;
}

static void check_queue(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	enum doctor_level level = due_level(d);
	char age[DOCTOR_AGE_SIZE];

	doctor_say(
		d, level,
		level == DOCTOR_OK ? NULL
				   : "is the daemon at work? see its log, and "
				     "reunite queue list",
		"%lld ready, %lld running, %lld waiting%s%s%s",
		(long long)s->jobs[JOB_READY], (long long)s->jobs[JOB_RUNNING],
		(long long)s->jobs[JOB_WAITING],
		s->oldest_due_ms ? "; due for " : "",
		s->oldest_due_ms ? doctor_age(d, s->oldest_due_ms, age) : "",
		d->row.is_paused && s->oldest_due_ms ? " (paused)" : "");
	if (s->jobs[JOB_DEAD] > 0)
		doctor_say(d, DOCTOR_WARNING,
			   "reunite queue list --state dead; then queue retry "
			   "or queue drop",
			   "%lld dead: tried often enough",
			   (long long)s->jobs[JOB_DEAD]);
}

static void check_unfinished(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	char age[DOCTOR_AGE_SIZE];

	if (s->unfinished == 0 ||
	    d->cli->now_ms - s->unfinished_since_ms < UNFINISHED_MS)
		return;
	doctor_say(d, DOCTOR_WARNING,
		   "reunite journal list; the daemon looks them up",
		   "%lld links were begun and have no known end, the oldest "
		   "for %s",
		   (long long)s->unfinished,
		   doctor_age(d, s->unfinished_since_ms, age));
}

static void check_reviews(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	int64_t old_ms = d->cli->now_ms - s->oldest_review_ms;
	char age[DOCTOR_AGE_SIZE];
	bool late;

	if (s->reviews_open == 0) {
		doctor_say(d, DOCTOR_OK, NULL, "nobody waits for a person");
		return;
	}
	late = old_ms >= d->account->review_expires_ms / 2;
	doctor_say(d, late ? DOCTOR_WARNING : DOCTOR_OK,
		   late ? "reunite review list; they end undecided after "
			  "review_expires"
			: NULL,
		   "%lld wait for a person, the oldest for %s",
		   (long long)s->reviews_open,
		   doctor_age(d, s->oldest_review_ms, age));
}

static void check_notes(struct doctor *d)
{
	const struct store_stats *s = &d->stats;
	char age[DOCTOR_AGE_SIZE];
	bool late;

	if (!config_tells(d->account, NOTE_MERGED))
		return;
	late = s->oldest_note_ms != 0 && !d->row.is_paused &&
	       d->cli->now_ms - s->oldest_note_ms >= HOUR_MS;
	doctor_say(d, late ? DOCTOR_WARNING : DOCTOR_OK,
		   late ? "see note_failed in the daemon's log" : NULL,
		   "%lld still to be told on tickets%s%s",
		   (long long)s->notes_open,
		   s->oldest_note_ms ? ", the oldest for " : "",
		   s->oldest_note_ms ? doctor_age(d, s->oldest_note_ms, age)
				     : "");
	if (s->notes_refused > 0)
		doctor_say(d, DOCTOR_WARNING,
			   "may reunite update these tickets, and has it the "
			   "scope tickets:write? see note_failed in the log",
			   "%lld refused by Zendesk in the last day",
			   (long long)s->notes_refused);
}

static void say_webhook(struct doctor *d, const char *whose, int64_t last_ms,
			const char *mend)
{
	char age[DOCTOR_AGE_SIZE];

	if (last_ms == 0)
		doctor_say(d, DOCTOR_WARNING, mend,
			   "no valid webhook of %s has come yet", whose);
	else
		doctor_say(d,
			   d->cli->now_ms - last_ms >= SILENCE_MS
				   ? DOCTOR_WARNING
				   : DOCTOR_OK,
			   d->cli->now_ms - last_ms >= SILENCE_MS ? mend : NULL,
			   "the last valid webhook of %s came %s ago", whose,
			   doctor_age(d, last_ms, age));
}

static void check_webhooks(struct doctor *d)
{
	const int64_t *last_ms = d->row.last_webhook_ms;

	if (d->account->sunco_webhook_secrets.count > 0)
		say_webhook(d, "Sunshine Conversations",
			    last_ms[EVENT_FROM_SUNCO],
			    "is it registered, with this shared secret?");
	if (d->account->zendesk_webhook_secrets.count > 0)
		say_webhook(d, "Zendesk", last_ms[EVENT_FROM_ZENDESK],
			    "is the trigger there, and the webhook's signing "
			    "secret this one?");
}

static bool say_standing(struct doctor *d, const struct store_cursor_row *r)
{
	const struct sweep_why *why = sweep_why_find(r->failure);

	if (!r->failure)
		return false;
	doctor_say(d, DOCTOR_WARNING, why->mend,
		   "what webhooks missed is not looked for in %s: %s", r->name,
		   why->text);
	return true;
}

static void say_sweep(struct doctor *d, const struct store_cursors *l)
{
	int64_t done_ms = sweep_done_ms(l->rows, l->count), woken = 0;
	bool stands = false, late;
	char age[DOCTOR_AGE_SIZE];

	for (size_t i = 0; i < l->count; i++) {
		if (!sweep_is_walk(l->rows[i].name))
			continue;
		woken += l->rows[i].woken;
		if (!d->row.is_paused)
			stands = say_standing(d, &l->rows[i]) || stands;
	}
	late = !stands && !d->row.is_paused && !d->row.held &&
	       sweep_is_late(d->account->sweep_every_ms, done_ms,
			     d->cli->now_ms);
	if (done_ms == 0)
		doctor_say(d, DOCTOR_OK, NULL,
			   "what webhooks missed was never looked for to the "
			   "end");
	else
		doctor_say(d, late ? DOCTOR_WARNING : DOCTOR_OK,
			   late ? "is the daemon at work? see swept and "
				  "sweep_failed in its log"
				: NULL,
			   "what webhooks missed was looked for %s ago; %lld "
			   "found so far",
			   doctor_age(d, done_ms, age), (long long)woken);
}

static void check_sweep(struct doctor *d)
{
	struct store_op op;

	if (d->account->sweep_every_ms == 0) {
		doctor_say(d, DOCTOR_OK, NULL,
			   "sweep_every is 0: what webhooks missed is not "
			   "looked for");
		return;
	}
	store_op_init(&op, STORE_CURSORS);
	op.u.cursors.account = d->account->name;
	op.u.cursors.now_ms = d->cli->now_ms;
	if (store_do(d->store, &op) == RESULT_OK)
		say_sweep(d, &op.u.cursors);
	else
		doctor_say(d, DOCTOR_PROBLEM, NULL,
			   "the store does not answer: %s", op.error.text);
	store_op_release(&op);
}

const struct doctor_check doctor_account_checks[] = {
	{"apply", check_apply},	      {"pause", check_pause},
	{"hold", check_hold},	      {"breaker", check_breaker},
	{"queue", check_queue},	      {"unfinished", check_unfinished},
	{"reviews", check_reviews},   {"notes", check_notes},
	{"webhooks", check_webhooks}, {"sweep", check_sweep},
};
const size_t doctor_account_check_count = ARRAY_LEN(doctor_account_checks);
