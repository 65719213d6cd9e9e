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
#include "sqlite_ops.h"

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
static bool outgrew_ticket(const struct sq_job *job, const struct sq_wake *w)
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
static void take_hints(struct sq_job *job, const struct sq_wake *w, bool renews)
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

static bool same_but_gen(const struct sq_job *a, const struct sq_job *b)
{
	return a->state == b->state && a->lane == b->lane &&
	       a->source == b->source && a->run_at_ms == b->run_at_ms &&
	       a->zendesk_user_id == b->zendesk_user_id &&
	       a->ticket_id == b->ticket_id && a->review_id == b->review_id &&
	       strcmp(a->conversation_id, b->conversation_id) == 0;
}

static bool names_another(struct sq *q, const struct sq_job *job,
			  const struct sq_wake *w)
{
	return w->zendesk_user_id != 0 &&
	       sq_alias_follow(q, job->account, w->zendesk_user_id) !=
		       sq_alias_follow(q, job->account, job->zendesk_user_id);
}

static bool says_nothing_new(struct sq *q, const struct sq_job *job,
			     const struct sq_wake *w)
{
	return w->replayed && w->at_ms != 0 &&
	       w->at_ms < job->told_ms[w->source] &&
	       w->at_ms + EVENT_LAG_MS < job->read_ms &&
	       job->read_ms <= w->now_ms && !names_another(q, job, w);
}

static void pass_over(struct sq *q, const struct sq_job *job,
		      const struct sq_wake *w)
{
	q->outdated++;
	if (w->ticket_id != 0 && job->ticket_id == 0)
		sq_exec(q, JOB_TICKET, sq_int(job->id), sq_id(w->ticket_id));
}

/* What it says can be held against how the run ends, the job's own, or the
 * one of the person whose job this turns out to be. */
static void hear(struct sq *q, const struct sq_job *job,
		 const struct event *says)
{
	const struct event_print *p = &says->print;

	if (str_starts(job->person, "z:"))
		sq_exec(q, JOB_NAMED, sq_int(job->id));
	if (job->state != JOB_RUNNING)
		return;
	sq_exec(q, HEARD_PUT, sq_int(job->id),
		sq_int((int64_t)says->zendesk_user_id),
		sq_blob(p->hash, p->known ? sizeof(p->hash) : 0));
	sq_exec(q, JOB_HEARD, sq_int(job->id));
}

bool sq_heard_fits(struct sq *q, const struct sq_job *job,
		   const struct store_link *l)
{
	uint64_t owner = sq_alias_follow(q, job->account, l->zendesk_user_id);
	sqlite3_stmt *st = sq_query(q, HEARD_OF, sq_int(job->id));
	uint8_t hash[sizeof(l->print.hash)];
	bool fits = true;

	while (sq_step(q, st)) {
		uint64_t user = sq_col_id(st, 0);
		bool print = sqlite3_column_bytes(st, 1) > 0;

		sq_col_blob(st, 1, hash, sizeof(hash));
		fits = fits &&
		       (user == 0 ||
			sq_alias_follow(q, job->account, user) == owner) &&
		       (!print ||
			(l->print.known &&
			 memcmp(hash, l->print.hash, sizeof(hash)) == 0));
	}
	return fits;
}

static void write_wake(struct sq *q, const struct sq_job *now)
{
	sq_exec(q, JOB_WAKE, sq_int(now->id), sq_int(now->state),
		sq_int(now->lane), sq_int(now->created_ms),
		sq_int(now->run_at_ms), sq_int(now->deadline_ms),
		sq_int(now->attempts), sq_id(now->zendesk_user_id),
		sq_id(now->ticket_id), sq_text(now->conversation_id),
		sq_int(now->source), sq_int(now->review_id),
		sq_int(now->told_ms[EVENT_FROM_SUNCO]),
		sq_int(now->told_ms[EVENT_FROM_ZENDESK]));
}

static void hasten_next(struct sq *q, const struct sq_job *job,
			const struct sq_wake *w)
{
	if (job->run_at_ms <= w->now_ms)
		sq_exec(q, JOB_RUN_AT, sq_int(job->id),
			sq_int(w->now_ms + HASTEN_EVERY_MS));
}

void sq_job_hasten(struct sq *q, const struct sq_job *job,
		   const struct sq_wake *w)
{
	int64_t soon_ms = w->now_ms + HASTEN_AFTER_MS;
	int64_t next_ms = job->looked_ms + HASTEN_EVERY_MS;
	struct sq_job now = *job;

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
		q->woken++;
	}
	if (!same_but_gen(&now, job))
		write_wake(q, &now);
}

/* Of somebody whom only a walk over history had in mind. */
static bool is_first_word(const struct sq_job *job, const struct sq_wake *w)
{
	return job->source == EVENT_FROM_BACKFILL &&
	       w->source != EVENT_FROM_BACKFILL;
}

void sq_job_wake(struct sq *q, const struct sq_job *job,
		 const struct sq_wake *w)
{
	struct sq_job now = *job;
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
		q->woken++;
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
		sq_exec(q, JOB_GEN, sq_int(job->id), sq_int(now.deadline_ms),
			sq_int(now.told_ms[EVENT_FROM_SUNCO]),
			sq_int(now.told_ms[EVENT_FROM_ZENDESK]));
		return;
	}
	write_wake(q, &now);
	sq_count(q, job->account, job->state, now.state);
}

int64_t sq_person_wake(struct sq *q, int64_t account, const char *person,
		       const struct sq_wake *w)
{
	struct sq_job job;

	if (sq_job_find(q, account, person, &job)) {
		sq_job_wake(q, &job, w);
		return job.id;
	}
	sq_exec(q, JOB_INSERT, sq_int(account), sq_text(person),
		sq_int(JOB_READY), sq_int(w->lane), sq_int(w->now_ms),
		sq_int(w->now_ms + w->wait_ms), sq_id(w->zendesk_user_id),
		sq_id(w->ticket_id), sq_text(w->conversation_id),
		sq_int(w->source), sq_int(w->review_id),
		sq_int(w->source == EVENT_FROM_SUNCO ? w->at_ms : 0),
		sq_int(w->source == EVENT_FROM_ZENDESK ? w->at_ms : 0));
	q->woken++;
	sq_count(q, account, -1, JOB_READY);
	return sqlite3_last_insert_rowid(q->db);
}
