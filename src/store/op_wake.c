/*
 * How an event or a person makes a job ready: the one place with the rules
 * for every state, so that a person's row never runs twice at once and no
 * event is lost.
 *
 *	state    an event makes it     and a new round (created, deadline)
 *	(none)   ready                 yes
 *	ready    (only gen)            no
 *	running  (only gen; its settle then leaves it ready)   deadline
 *	waiting  ready                 no
 *	review   ready                 yes
 *	dead     ready                 yes
 *	done     ready                 yes
 *
 * Not so for one of many late events (event.behind) that says nothing new: it
 * is older than what its source has told of the person before, the person was
 * looked at long after it, and it names nobody whom that look did not know.
 * The first compares the source's clock with itself, the second ours with it:
 * of a sender whose clock is wrong, or stands still, nothing is passed over.
 * It changes nothing, but for a ticket that was missing.
 *
 * What is said while the job runs is judged when it ends, as if it had come
 * then: an event about somebody who is linked by that, with the same print
 * and user, costs no further run.
 *
 * By hand, everything but a running job becomes ready with a new round. A job
 * that only a walk over history woke (EVENT_FROM_BACKFILL) is nobody's who
 * waits: an event makes a new round of it in any state. A
 * message only hastens a waiting job: people write many, and a look costs two
 * calls. One that comes while the job looks may be too late for that look: it
 * hastens the next one (run_at_ms of a running job, which its settle heeds).
 */
#include "ops.h"

#include <string.h>

#include "base/str.h"

#define HASTEN_AFTER_MS 5000  /* what was typed has to arrive first */
#define HASTEN_EVERY_MS 15000 /* between two looks */
#define TICKET_OLD_MS	(INT64_C(24) * 3600 * 1000) /* since the last run */

static const struct {
	bool starts;
	bool renews;
} wake_rules[JOB_STATE_COUNT] = {
	[JOB_READY] = {false, false},  [JOB_RUNNING] = {false, false},
	[JOB_WAITING] = {true, false}, [JOB_REVIEW] = {true, true},
	[JOB_DEAD] = {true, true},     [JOB_DONE] = {true, true},
};

static bool is_active(enum job_state s)
{
	return s == JOB_READY || s == JOB_RUNNING || s == JOB_WAITING;
}

/* The customer came back, and a ticket for that is not known yet: the one of
 * the former conversation is none. */
static bool outgrew_ticket(const struct db_job *job, const struct db_wake *w)
{
	bool other = !str_is_empty(w->conversation_id) &&
		     job->conversation_id[0] != '\0' &&
		     strcmp(w->conversation_id, job->conversation_id) != 0;

	return w->ticket_id == 0 && w->source == EVENT_FROM_SUNCO &&
	       w->lane == LANE_LIVE && !w->by_hand &&
	       (other || w->now_ms - job->looked_ms > TICKET_OLD_MS);
}

/* A round under way keeps its hints and takes missing ones; a new round
 * prefers the newer ones. The newest ticket always wins, and of its users
 * Zendesk (a sweep reads it, too) knows more than SunCo, whose zendeskId may
 * be the profile. */
static void take_hints(struct db_job *job, const struct db_wake *w, bool renews)
{
	bool better = !w->weak && (renews || w->source != EVENT_FROM_SUNCO);

	if (renews && outgrew_ticket(job, w))
		job->ticket_id = 0;
	if (w->zendesk_user_id != 0 && (better || job->zendesk_user_id == 0))
		job->zendesk_user_id = w->zendesk_user_id;
	if (!str_is_empty(w->conversation_id) &&
	    ((renews && !w->weak) || job->conversation_id[0] == '\0'))
		(void)str_copy(job->conversation_id,
			       sizeof(job->conversation_id),
			       w->conversation_id);
	if (w->ticket_id != 0)
		job->ticket_id = w->ticket_id;
	if (w->review_id != 0)
		job->review_id = w->review_id;
	if (renews)
		job->source = w->source;
}

static bool same_but_gen(const struct db_job *a, const struct db_job *b)
{
	return a->state == b->state && a->lane == b->lane &&
	       a->source == b->source && a->run_at_ms == b->run_at_ms &&
	       a->zendesk_user_id == b->zendesk_user_id &&
	       a->ticket_id == b->ticket_id && a->review_id == b->review_id &&
	       strcmp(a->conversation_id, b->conversation_id) == 0;
}

static bool names_another(struct db *q, const struct db_job *job,
			  const struct db_wake *w)
{
	return w->zendesk_user_id != 0 &&
	       db_alias_follow(q, job->account, w->zendesk_user_id) !=
		       db_alias_follow(q, job->account, job->zendesk_user_id);
}

static bool says_nothing_new(struct db *q, const struct db_job *job,
			     const struct db_wake *w)
{
	return w->replayed && w->at_ms != 0 &&
	       w->at_ms < job->told_ms[w->source] &&
	       w->at_ms + EVENT_LAG_MS < job->read_ms &&
	       job->read_ms <= w->now_ms && !names_another(q, job, w);
}

static void pass_over(struct db *q, const struct db_job *job,
		      const struct db_wake *w)
{
	q->outdated++;
	if (w->ticket_id != 0 && job->ticket_id == 0)
		db_do(q, JOB_TICKET, db_int(job->id), db_id(w->ticket_id));
}

/* What it says can be held against how the run ends, the job's own, or the
 * one of the person whose job this turns out to be. */
static void hear(struct db *q, const struct db_job *job,
		 const struct event *says)
{
	const struct event_print *p = &says->print;

	if (str_starts(job->person, "z:"))
		db_do(q, JOB_NAMED, db_int(job->id));
	if (job->state != JOB_RUNNING)
		return;
	db_do(q, HEARD_PUT, db_int(job->id),
	      db_int((int64_t)says->zendesk_user_id),
	      db_blob(p->hash, p->known ? sizeof(p->hash) : 0));
	db_do(q, JOB_HEARD, db_int(job->id));
}

bool db_heard_fits(struct db *q, const struct db_job *job,
		   const struct store_link *l)
{
	uint64_t owner = db_alias_follow(q, job->account, l->zendesk_user_id);
	struct db_rows *st = db_query(q, HEARD_OF, db_int(job->id));
	uint8_t hash[sizeof(l->print.hash)];
	bool fits = true;

	while (db_step(q, st)) {
		uint64_t user = db_col_id(st, 0);
		bool print = db_col_len(st, 1) > 0;

		db_col_blob(st, 1, hash, sizeof(hash));
		fits = fits &&
		       (user == 0 ||
			db_alias_follow(q, job->account, user) == owner) &&
		       (!print ||
			(l->print.known &&
			 memcmp(hash, l->print.hash, sizeof(hash)) == 0));
	}
	return fits;
}

static void write_wake(struct db *q, const struct db_job *now)
{
	db_do(q, JOB_WAKE, db_int(now->id), db_int(now->state),
	      db_int(now->lane), db_int(now->created_ms),
	      db_int(now->run_at_ms), db_int(now->deadline_ms),
	      db_int(now->attempts), db_id(now->zendesk_user_id),
	      db_id(now->ticket_id), db_text(now->conversation_id),
	      db_int(now->source), db_int(now->review_id),
	      db_int(now->told_ms[EVENT_FROM_SUNCO]),
	      db_int(now->told_ms[EVENT_FROM_ZENDESK]));
}

static void hasten_next(struct db *q, const struct db_job *job,
			const struct db_wake *w)
{
	if (job->run_at_ms <= w->now_ms)
		db_do(q, JOB_RUN_AT, db_int(job->id),
		      db_int(w->now_ms + HASTEN_EVERY_MS));
}

void db_job_hasten(struct db *q, const struct db_job *job,
		   const struct db_wake *w)
{
	int64_t soon_ms = w->now_ms + HASTEN_AFTER_MS;
	int64_t next_ms = job->looked_ms + HASTEN_EVERY_MS;
	struct db_job now = *job;

	if (says_nothing_new(q, job, w)) {
		pass_over(q, job, w);
		return;
	}
	if (job->state == JOB_RUNNING) {
		hasten_next(q, job, w);
		return;
	}
	take_hints(&now, w, false);
	if (next_ms < soon_ms)
		next_ms = soon_ms;
	if (next_ms < job->run_at_ms) {
		now.run_at_ms = next_ms;
		db_woken(q, job->account);
	}
	if (!same_but_gen(&now, job))
		write_wake(q, &now);
}

/* Of somebody whom only a walk over history had in mind. */
static bool is_first_word(const struct db_job *job, const struct db_wake *w)
{
	return job->source == EVENT_FROM_BACKFILL &&
	       w->source != EVENT_FROM_BACKFILL;
}

void db_job_wake(struct db *q, const struct db_job *job,
		 const struct db_wake *w)
{
	struct db_job now = *job;
	bool by_hand = w->by_hand && job->state != JOB_RUNNING;
	bool starts = by_hand || wake_rules[job->state].starts;
	bool renews = by_hand || wake_rules[job->state].renews ||
		      is_first_word(job, w);

	if (says_nothing_new(q, job, w)) {
		pass_over(q, job, w);
		return;
	}
	if (w->at_ms != 0 && w->at_ms > now.told_ms[w->source])
		now.told_ms[w->source] = w->at_ms;
	if (w->says != NULL)
		hear(q, job, w->says);
	take_hints(&now, w, renews);
	if (starts) {
		db_woken(q, job->account);
		now.state = JOB_READY;
		now.run_at_ms = w->now_ms;
		now.attempts = 0;
	}
	if (renews)
		now.created_ms = w->now_ms;
	if (renews || job->state == JOB_RUNNING)
		now.deadline_ms = w->now_ms + w->wait_ms;
	if (!is_active(job->state) || w->lane < job->lane)
		now.lane = w->lane;
	if (same_but_gen(&now, job)) {
		db_do(q, JOB_GEN, db_int(job->id), db_int(now.deadline_ms),
		      db_int(now.told_ms[EVENT_FROM_SUNCO]),
		      db_int(now.told_ms[EVENT_FROM_ZENDESK]));
		return;
	}
	write_wake(q, &now);
	db_count(q, job->account, job->state, now.state);
}

void db_person_wake(struct db *q, int64_t account, const char *person,
		    const struct db_wake *w)
{
	struct db_job job;

	if (db_job_find(q, account, person, &job)) {
		db_job_wake(q, &job, w);
		return;
	}
	db_do(q, JOB_INSERT, db_int(account), db_text(person),
	      db_int(JOB_READY), db_int(w->lane), db_int(w->now_ms),
	      db_int(w->now_ms + w->wait_ms), db_id(w->zendesk_user_id),
	      db_id(w->ticket_id), db_text(w->conversation_id),
	      db_int(w->source), db_int(w->review_id),
	      db_int(w->source == EVENT_FROM_SUNCO ? w->at_ms : 0),
	      db_int(w->source == EVENT_FROM_ZENDESK ? w->at_ms : 0));
	db_woken(q, account);
	db_count(q, account, -1, JOB_READY);
}
