/*
 * The saga's rows: intent (locks, breaker, pending entry), steps, settle.
 *
 * Everything that can refuse is asked before anything is written. A lock
 * belongs to a job: its own next run may renew it, others may take it once
 * it expired. The breaker's places are in op_breaker.c.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Held by another job, and not expired. */
static bool is_locked(struct db *q, const struct db_job *job, uint64_t user,
		      int64_t now_ms)
{
	if (user == 0)
		return false;
	return db_get(q, 0, LOCK_OF_ANOTHER, db_int(job->account), db_id(user),
		      db_int(job->id), db_int(now_ms)) != 0;
}

static void lock_users(struct db *q, const struct store_intent *n,
		       const struct db_job *job)
{
	bool swap = n->users[0] > n->users[1];
	size_t i;

	for (i = 0; i < 2; i++) {
		uint64_t user = n->users[swap ? 1 - i : i];

		if (user != 0)
			db_do(q, LOCK_PUT, db_int(job->account), db_id(user),
			      db_int(job->id), db_int(job->token),
			      db_int(n->lock_until_ms));
	}
}

enum result op_intent(struct db *q, struct store_op *op)
{
	struct store_intent *n = &op->u.intent;
	struct journal_entry entry = *n->entry;
	struct db_job job;
	enum result r;

	if (!db_job_held(q, n->job_id, n->token, &job, &r))
		return r;
	if (is_locked(q, &job, n->users[0], n->now_ms) ||
	    is_locked(q, &job, n->users[1], n->now_ms))
		return error_set(q->err, RESULT_CONFLICT,
				 "another job works on one of the users");
	r = db_breaker_ask(q, n, job.account);
	if (r != RESULT_OK)
		return r;
	lock_users(q, n, &job);
	entry.job_id = job.id;
	entry.status = JOURNAL_PENDING;
	n->journal_id = db_journal_add(q, job.account, &entry, n->now_ms);
	db_journal_change(q, n->journal_id, JOURNAL_PENDING, n->now_ms);
	db_breaker_take(q, n, job.account);
	db_do(q, JOB_PROGRESS, db_int(job.id), db_text(n->progress));
	return RESULT_OK;
}

static enum result no_entry(struct db *q)
{
	return q->failed ? RESULT_TEMP
			 : error_set(q->err, RESULT_NOTFOUND,
				     "the job has no such journal entry");
}

enum result op_step(struct db *q, struct store_op *op)
{
	struct store_step *s = &op->u.step;
	struct db_job job;
	enum result r;

	if (!db_job_held(q, s->job_id, s->token, &job, &r))
		return r;
	if (s->journal_id != 0 && !db_journal_is(q, s->journal_id, job.id))
		return no_entry(q);
	db_do(q, JOB_PROGRESS, db_int(job.id), db_text(s->progress));
	if (s->journal_id != 0) {
		db_journal_change(q, s->journal_id, s->status, s->now_ms);
		db_breaker_release(q, s->journal_id, s->status, true);
	}
	return RESULT_OK;
}

/* Somebody who has or had the address, and of whom the run was not told. */
static bool has_another_owner(struct db *q, int64_t account,
			      const struct store_settle *s)
{
	struct owner now[OWNERS_MAX];
	size_t n = db_address_owners(q, account, s->address_hash,
				     s->link->zendesk_user_id, now);

	for (size_t i = 0; i < n; i++) {
		bool told = false;

		for (size_t k = 0; k < s->owner_count; k++)
			told = told || s->owners[k].user == now[i].user;
		if (!told)
			return true;
	}
	return false;
}

/* Whose an address is was read before the merge that the run did. */
static void settle_people(struct db *q, struct store_settle *s,
			  const struct db_job *job)
{
	for (size_t i = 0; i < s->sighting_count && !job->erase; i++)
		db_address_sighted(q, job->account, &s->sightings[i]);
	if (s->alias_from != 0)
		db_alias_put(q, job->account, s->alias_from, s->alias_to,
			     s->now_ms);
	if (s->link == NULL || job->moves_to[0] != '\0')
		return;
	if (has_another_owner(q, job->account, s))
		s->again = true;
	else
		db_link_put(q, job->account, s->link);
}

/* What a run learnt: its entry, its link, who was merged into whom. A question
 * that is open already is not asked twice. */
static void settle_facts(struct db *q, struct store_settle *s,
			 const struct db_job *job)
{
	struct journal_entry entry;

	if (s->entry != NULL) {
		entry = *s->entry;
		entry.job_id = job->id;
		if (entry.id == 0)
			db_hindsight_before(q, job->account, &entry,
					    s->gone_user, s->now_ms);
		if (entry.id != 0)
			db_journal_finish(q, &entry, s->now_ms);
		else
			entry.id = db_review_asked(q, job, s);
		if (entry.id == 0)
			entry.id = db_journal_add(q, job->account, &entry,
						  s->now_ms);
		db_breaker_release(q, entry.id, entry.status, entry.applied);
		s->journal_id = entry.id;
	}
}

/* What the run adds to the day's conversations, and to hindsight. Backfill and
 * what follows an approval are no conversations. */
static void settle_tallies(struct db *q, const struct store_settle *s,
			   const struct db_job *job)
{
	bool counts = job->lane == LANE_LIVE;

	if (s->entry == NULL) {
		if (counts && s->state == JOB_DONE &&
		    str_starts(job->person, "s:"))
			db_tally_known(q, job->account, job->person + 2,
				       s->now_ms);
		return;
	}
	if (counts)
		db_tally_decided(q, job->account, s->entry, s->now_ms);
	db_hindsight_after(q, job->account, s->entry, s->now_ms);
}

static bool stirred(const struct store_settle *s, const struct db_job *job)
{
	return job->gen != s->gen;
}

/* All that was said during the run would cost nothing now: the person is
 * linked, as it says. */
static bool says_the_same(struct db *q, const struct store_settle *s,
			  const struct db_job *job)
{
	return job->gen - s->gen == job->heard && s->state == JOB_DONE &&
	       s->link != NULL && db_heard_fits(q, job, s->link);
}

/* A question, and meanwhile a person answered the one before: the next run goes
 * by the answer, and asks if need be. What a run began is written down. */
static bool is_overtaken(const struct store_settle *s, const struct db_job *job)
{
	bool began = s->entry != NULL && s->entry->id != 0;

	return stirred(s, job) && s->review != NULL && !began &&
	       job->review_id != 0 && job->moves_to[0] == '\0';
}

/* What an event said during the run is newer than what the run knows. */
static uint64_t newest(const struct store_settle *s, const struct db_job *job,
		       uint64_t told, uint64_t row)
{
	bool newer = s->again || stirred(s, job);

	return told == 0 || (newer && row != 0) ? row : told;
}

/* The review that the job waits for, or will again: a run that decided nothing
 * leaves it, and so does an event that came meanwhile. */
static int64_t rests_on(const struct store_settle *s, const struct db_job *job)
{
	bool undecided = s->state == JOB_READY || s->state == JOB_DEAD;

	return s->review_id == 0 && undecided ? job->rests_on : s->review_id;
}

/* A message that came during the run hastens the next look. */
static int64_t run_at_ms(const struct store_settle *s, const struct db_job *job)
{
	bool hastened = s->state == JOB_WAITING && job->run_at_ms > s->now_ms &&
			job->run_at_ms < s->run_at_ms;

	return hastened ? job->run_at_ms : s->run_at_ms;
}

/* The state that the row gets: an event that came during the run starts the
 * next one, unless a retry is due anyway. */
static void settle_row(struct db *q, const struct store_settle *s,
		       const struct db_job *job)
{
	bool ends = s->state == JOB_DONE || s->state == JOB_DEAD;
	bool restart = s->again && s->state != JOB_READY;
	enum job_state state = restart ? JOB_READY : s->state;
	bool rests = ends || s->state == JOB_REVIEW || restart;
	uint64_t user =
		newest(s, job, s->zendesk_user_id, job->zendesk_user_id);
	int64_t review = job->review_id;

	/* An approval is used up by a decision, not by a failure; one given
	 * during the run is for the next. */
	if (!s->again && (s->state == JOB_DONE || s->state == JOB_REVIEW))
		review = 0;
	if (review == 0 || s->state == JOB_DEAD)
		db_review_through(q, job, s->now_ms);
	db_do(q, JOB_SETTLE, db_int(job->id), db_int(state),
	      db_int(rests ? s->now_ms : run_at_ms(s, job)),
	      db_int(restart && ends ? s->now_ms : job->created_ms),
	      db_int(restart ? 0 : s->attempts), db_text(s->progress),
	      db_text(s->last_error),
	      db_id(db_alias_follow(q, job->account, user)),
	      db_id(newest(s, job, s->ticket_id, job->ticket_id)),
	      db_int(review), db_id((uint64_t)rests_on(s, job)),
	      db_int(s->now_ms),
	      db_int(s->read_ms != 0 ? s->read_ms : job->read_ms));
	if (job->heard > 0)
		db_do(q, HEARD_CLEAR, db_int(job->id));
	db_count(q, job->account, job->state, state);
}

static void settle_review(struct db *q, struct store_settle *s,
			  const struct db_job *job)
{
	int64_t journal = s->journal_id;

	if (s->review != NULL && !s->overtaken && job->moves_to[0] == '\0')
		s->review_id =
			db_review_open(q, job, s->review, journal, s->now_ms);
	/* A retry has decided nothing: the question stays open. */
	if (s->state != JOB_READY && s->state != JOB_DEAD)
		db_review_close_of(q, job, s->review_id, s->now_ms);
}

/* First what waits for a ticket that is known now, so that what is told
 * follows the order of the decisions. */
static void settle_note(struct db *q, struct store_settle *s,
			const struct db_job *job)
{
	struct db_note n = {
		.account = job->account,
		.job_id = job->id,
		.journal_id = s->journal_id,
		.ticket_id = s->ticket_id != 0 ? s->ticket_id : job->ticket_id,
		.now_ms = s->now_ms,
	};

	s->noted = db_note_take(q, job->id, n.ticket_id, s->now_ms);
	if (!s->note || s->overtaken)
		return;
	db_note_add(q, &n, s->entry);
	s->noted = s->noted || n.ticket_id != 0;
}

static void settle_erased(struct db *q, const struct store_settle *s,
			  const struct db_job *job)
{
	if (job->erase == DB_ERASE_ALL)
		db_do(q, FORGET_OF_JOB, db_int(job->id));
	db_job_delete(q, job, s->now_ms);
	if (str_starts(job->person, "s:"))
		db_person_erase(q, job->account, job->person + 2,
				newest(s, job, s->zendesk_user_id,
				       job->zendesk_user_id),
				s->now_ms);
}

/* The person went on as another SunCo user while it ran: nobody says any more
 * what the run has found out, so that no question of it is asked and no link
 * remembered. */
static void settle_moved(struct db *q, struct store_settle *s)
{
	struct db_job job;

	if (!db_job_get(q, s->job_id, &job) || db_job_has_saga(q, &job))
		return;
	db_job_move(q, &job, s->now_ms);
	s->again = true;
	s->moved = true;
}

enum result op_settle(struct db *q, struct store_op *op)
{
	struct store_settle *s = &op->u.settle;
	struct db_job job;
	enum result r;

	s->journal_id = s->review_id = 0;
	s->again = s->noted = s->moved = s->erased = false;
	s->overtaken = false;
	if (!db_job_held(q, s->job_id, s->token, &job, &r))
		return r;
	if (s->entry != NULL && s->entry->id != 0 &&
	    !db_journal_is(q, s->entry->id, job.id))
		return no_entry(q);
	s->overtaken = is_overtaken(s, &job);
	if (!s->overtaken)
		settle_facts(q, s, &job);
	settle_people(q, s, &job);
	if (stirred(s, &job) && !says_the_same(q, s, &job))
		s->again = true;
	if (!s->overtaken)
		settle_tallies(q, s, &job);
	if (job.erase && s->state != JOB_READY) {
		settle_erased(q, s, &job);
		s->erased = true;
		return RESULT_OK;
	}
	settle_review(q, s, &job);
	settle_row(q, s, &job);
	settle_note(q, s, &job);
	db_do(q, LOCKS_RELEASE, db_int(job.id));
	if (job.moves_to[0] != '\0')
		settle_moved(q, s);
	return RESULT_OK;
}
