/*
 * The saga's rows: intent (locks, breaker, pending entry), steps, settle.
 *
 * Everything that can refuse is asked before anything is written. A lock
 * belongs to a job: its own next run may renew it, others may take it once
 * it expired. The breaker's places are in sqlite_breaker.c.
 */
#include "sqlite_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Held by another job, and not expired. */
static bool is_locked(struct sq *q, const struct sq_job *job, uint64_t user,
		      int64_t now_ms)
{
	if (user == 0)
		return false;
	return sq_get(q, 0, LOCK_OF_ANOTHER, sq_int(job->account), sq_id(user),
		      sq_int(job->id), sq_int(now_ms)) != 0;
}

static void lock_users(struct sq *q, const struct store_intent *n,
		       const struct sq_job *job)
{
	bool swap = n->users[0] > n->users[1];
	size_t i;

	for (i = 0; i < 2; i++) {
		uint64_t user = n->users[swap ? 1 - i : i];

		if (user != 0)
			sq_exec(q, LOCK_PUT, sq_int(job->account), sq_id(user),
				sq_int(job->id), sq_int(job->token),
				sq_int(n->lock_until_ms));
	}
}

enum result sq_op_intent(struct sq *q, struct store_op *op)
{
	struct store_intent *n = &op->u.intent;
	struct journal_entry entry = *n->entry;
	struct sq_job job;
	enum result r;

	if (!sq_job_held(q, n->job_id, n->token, &job, &r))
		return r;
	if (is_locked(q, &job, n->users[0], n->now_ms) ||
	    is_locked(q, &job, n->users[1], n->now_ms))
		return error_set(q->err, RESULT_CONFLICT,
				 "another job works on one of the users");
	r = sq_breaker_ask(q, n, job.account);
	if (r != RESULT_OK)
		return r;
	lock_users(q, n, &job);
	entry.job_id = job.id;
	entry.status = JOURNAL_PENDING;
	n->journal_id = sq_journal_add(q, job.account, &entry, n->now_ms);
	sq_journal_change(q, n->journal_id, JOURNAL_PENDING, n->now_ms);
	sq_breaker_take(q, n, job.account);
	sq_exec(q, JOB_PROGRESS, sq_int(job.id), sq_text(n->progress));
	return RESULT_OK;
}

static enum result no_entry(struct sq *q)
{
	return q->failed ? RESULT_TEMP
			 : error_set(q->err, RESULT_NOTFOUND,
				     "the job has no such journal entry");
}

enum result sq_op_step(struct sq *q, struct store_op *op)
{
	struct store_step *s = &op->u.step;
	struct sq_job job;
	enum result r;

	if (!sq_job_held(q, s->job_id, s->token, &job, &r))
		return r;
	if (s->journal_id != 0 && !sq_journal_is(q, s->journal_id, job.id))
		return no_entry(q);
	sq_exec(q, JOB_PROGRESS, sq_int(job.id), sq_text(s->progress));
	if (s->journal_id != 0) {
		sq_journal_change(q, s->journal_id, s->status, s->now_ms);
		sq_breaker_release(q, s->journal_id, s->status, true);
	}
	return RESULT_OK;
}

/* Somebody who has or had the address, and of whom the run was not told. */
static bool has_another_owner(struct sq *q, int64_t account,
			      const struct store_settle *s)
{
	struct owner now[OWNERS_MAX];
	size_t n = sq_address_owners(q, account, s->address_hash,
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
static void settle_people(struct sq *q, struct store_settle *s,
			  const struct sq_job *job)
{
	for (size_t i = 0; i < s->sighting_count && !job->erase; i++)
		sq_address_sighted(q, job->account, &s->sightings[i]);
	if (s->alias_from != 0)
		sq_alias_put(q, job->account, s->alias_from, s->alias_to,
			     s->now_ms);
	if (s->link == NULL || job->moves_to[0] != '\0')
		return;
	if (has_another_owner(q, job->account, s))
		s->again = true;
	else
		sq_link_put(q, job->account, s->link);
}

/* What a run learnt: its entry, its link, who was merged into whom. A question
 * that is open already is not asked twice. */
static void settle_facts(struct sq *q, struct store_settle *s,
			 const struct sq_job *job)
{
	struct journal_entry entry;

	if (s->entry != NULL) {
		entry = *s->entry;
		entry.job_id = job->id;
		if (entry.id == 0)
			sq_hindsight_before(q, job->account, &entry,
					    s->gone_user, s->now_ms);
		if (entry.id != 0)
			sq_journal_finish(q, &entry, s->now_ms);
		else
			entry.id = sq_review_asked(q, job, s);
		if (entry.id == 0)
			entry.id = sq_journal_add(q, job->account, &entry,
						  s->now_ms);
		sq_breaker_release(q, entry.id, entry.status, entry.applied);
		s->journal_id = entry.id;
	}
}

/* What the run adds to the day's conversations, and to hindsight. Backfill and
 * what follows an approval are no conversations. */
static void settle_tallies(struct sq *q, const struct store_settle *s,
			   const struct sq_job *job)
{
	bool counts = job->lane == LANE_LIVE;

	if (s->entry == NULL) {
		if (counts && s->state == JOB_DONE &&
		    str_starts(job->person, "s:"))
			sq_tally_known(q, job->account, job->person + 2,
				       s->now_ms);
		return;
	}
	if (counts)
		sq_tally_decided(q, job->account, s->entry, s->now_ms);
	sq_hindsight_after(q, job->account, s->entry, s->now_ms);
}

static bool stirred(const struct store_settle *s, const struct sq_job *job)
{
	return job->gen != s->gen;
}

/* All that was said during the run would cost nothing now: the person is
 * linked, as it says. */
static bool says_the_same(struct sq *q, const struct store_settle *s,
			  const struct sq_job *job)
{
	return job->gen - s->gen == job->heard && s->state == JOB_DONE &&
	       s->link != NULL && sq_heard_fits(q, job, s->link);
}

/* What an event said during the run is newer than what the run knows. */
static uint64_t newest(const struct store_settle *s, const struct sq_job *job,
		       uint64_t told, uint64_t row)
{
	bool newer = s->again || stirred(s, job);

	return told == 0 || (newer && row != 0) ? row : told;
}

/* The review that the job waits for, or will again: a run that decided nothing
 * leaves it, and so does an event that came meanwhile. */
static int64_t rests_on(const struct store_settle *s, const struct sq_job *job)
{
	bool undecided = s->state == JOB_READY || s->state == JOB_DEAD;

	return s->review_id == 0 && undecided ? job->rests_on : s->review_id;
}

/* A message that came during the run hastens the next look. */
static int64_t run_at_ms(const struct store_settle *s, const struct sq_job *job)
{
	bool hastened = s->state == JOB_WAITING && job->run_at_ms > s->now_ms &&
			job->run_at_ms < s->run_at_ms;

	return hastened ? job->run_at_ms : s->run_at_ms;
}

/* The state that the row gets: an event that came during the run starts the
 * next one, unless a retry is due anyway. */
static void settle_row(struct sq *q, const struct store_settle *s,
		       const struct sq_job *job)
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
		sq_review_through(q, job, s->now_ms);
	sq_exec(q, JOB_SETTLE, sq_int(job->id), sq_int(state),
		sq_int(rests ? s->now_ms : run_at_ms(s, job)),
		sq_int(restart && ends ? s->now_ms : job->created_ms),
		sq_int(restart ? 0 : s->attempts), sq_text(s->progress),
		sq_text(s->last_error),
		sq_id(sq_alias_follow(q, job->account, user)),
		sq_id(newest(s, job, s->ticket_id, job->ticket_id)),
		sq_int(review), sq_id((uint64_t)rests_on(s, job)),
		sq_int(s->now_ms),
		sq_int(s->read_ms != 0 ? s->read_ms : job->read_ms));
	if (job->heard > 0)
		sq_exec(q, HEARD_CLEAR, sq_int(job->id));
	sq_count(q, job->account, job->state, state);
}

static void settle_review(struct sq *q, struct store_settle *s,
			  const struct sq_job *job)
{
	int64_t journal = s->journal_id;

	if (s->review != NULL && job->moves_to[0] == '\0')
		s->review_id =
			sq_review_open(q, job, s->review, journal, s->now_ms);
	/* A retry has decided nothing: the question stays open. */
	if (s->state != JOB_READY && s->state != JOB_DEAD)
		sq_review_close_of(q, job, s->review_id, s->now_ms);
}

/* First what waits for a ticket that is known now, so that what is told
 * follows the order of the decisions. */
static void settle_note(struct sq *q, struct store_settle *s,
			const struct sq_job *job)
{
	struct sq_note n = {
		.account = job->account,
		.job_id = job->id,
		.journal_id = s->journal_id,
		.ticket_id = s->ticket_id != 0 ? s->ticket_id : job->ticket_id,
		.now_ms = s->now_ms,
	};

	s->noted = sq_note_take(q, job->id, n.ticket_id, s->now_ms);
	if (s->note)
		sq_note_add(q, &n, s->entry);
	s->noted = s->noted || (s->note && n.ticket_id != 0);
}

static void settle_erased(struct sq *q, const struct store_settle *s,
			  const struct sq_job *job)
{
	if (job->erase == SQ_ERASE_ALL)
		sq_exec(q, FORGET_OF_JOB, sq_int(job->id));
	sq_job_delete(q, job, s->now_ms);
	if (str_starts(job->person, "s:"))
		sq_person_erase(q, job->account, job->person + 2,
				newest(s, job, s->zendesk_user_id,
				       job->zendesk_user_id),
				s->now_ms);
}

/* The person went on as another SunCo user while it ran: nobody says any more
 * what the run has found out, so that no question of it is asked and no link
 * remembered. */
static void settle_moved(struct sq *q, struct store_settle *s)
{
	struct sq_job job;

	if (!sq_job_get(q, s->job_id, &job) || sq_job_has_saga(q, &job))
		return;
	sq_job_move(q, &job, s->now_ms);
	s->again = true;
	s->moved = true;
}

enum result sq_op_settle(struct sq *q, struct store_op *op)
{
	struct store_settle *s = &op->u.settle;
	struct sq_job job;
	enum result r;

	s->journal_id = s->review_id = 0;
	s->again = s->noted = s->moved = s->erased = false;
	if (!sq_job_held(q, s->job_id, s->token, &job, &r))
		return r;
	if (s->entry != NULL && s->entry->id != 0 &&
	    !sq_journal_is(q, s->entry->id, job.id))
		return no_entry(q);
	settle_facts(q, s, &job);
	settle_people(q, s, &job);
	if (stirred(s, &job) && !says_the_same(q, s, &job))
		s->again = true;
	settle_tallies(q, s, &job);
	if (job.erase && s->state != JOB_READY) {
		settle_erased(q, s, &job);
		s->erased = true;
		return RESULT_OK;
	}
	settle_review(q, s, &job);
	settle_row(q, s, &job);
	settle_note(q, s, &job);
	sq_exec(q, LOCKS_RELEASE, sq_int(job.id));
	if (job.moves_to[0] != '\0')
		settle_moved(q, s);
	return RESULT_OK;
}
