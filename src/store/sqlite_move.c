/*
 * A SunCo user went on as another one: what was known of the first, and its
 * job, follow to the survivor.
 *
 *	the discarded job is    its row
 *	idle                    becomes the survivor's, or goes into it
 *	running                 moves when its run ends
 *	with a saga under way   moves when the saga has ended; a dead one is
 *	                        woken for that
 *
 * The survivor's job wakes at once in any case. What it knows better (its
 * Zendesk user, its conversation) it keeps, what it lacks it gets; the ticket
 * is the discarded one's, since that is where the person writes now. The
 * later deadline counts. An approval is not taken along: it was given for
 * what the other had said.
 *
 * A job that goes into another was about a user that Zendesk may leave
 * behind: the journal names that user.
 */
#include "sqlite_ops.h"

#include <string.h>

#include "base/str.h"

static bool can_move(struct sq *q, const struct sq_job *job)
{
	return job->state != JOB_RUNNING && !sq_job_has_saga(q, job);
}

static void into(struct sq *q, const struct sq_job *ours,
		 const struct sq_job *theirs, int64_t now_ms)
{
	sq_exec(q, NOTES_FOLLOW, sq_int(ours->id), sq_int(theirs->id));
	sq_job_fold(q, ours, theirs, true, NULL, now_ms);
}

void sq_job_move(struct sq *q, const struct sq_job *job, int64_t now_ms)
{
	struct sq_wake w = {
		.lane = job->lane,
		.source = job->source,
		.now_ms = now_ms,
		.wait_ms = job->deadline_ms > now_ms ? job->deadline_ms - now_ms
						     : 0,
	};
	char person[PERSON_SIZE];
	struct sq_job other;

	(void)job_person(person, job->moves_to, 0);
	if (sq_job_find(q, job->account, person, &other)) {
		into(q, job, &other, now_ms);
		return;
	}
	sq_review_close_of(q, job, 0, now_ms);
	sq_exec(q, JOB_MOVE, sq_int(job->id), sq_text(person));
	if (sq_job_get(q, job->id, &other))
		sq_job_wake(q, &other, &w);
}

/* Nobody decides any more about the user that the discarded one had. */
static void write_down(struct sq *q, const struct sq_job *job, const char *from,
		       int64_t now_ms)
{
	static char note[] = "the person went on as another SunCo user";
	struct journal_entry e = {
		.action = ACTION_NONE,
		.reason = REASON_MESSAGING_USER_GONE,
		.reasons = REASON_BIT(REASON_MESSAGING_USER_GONE),
		.status = JOURNAL_DONE,
		.evidence = EVIDENCE_NONE,
		.messaging_user_id = job->zendesk_user_id,
		.ticket_id = job->ticket_id,
		.source = EVENT_FROM_SUNCO,
		.job_id = job->id,
		.note = note,
	};

	if (!job->zendesk_user_id || job->state == JOB_DONE)
		return;
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), from);
	(void)sq_journal_add(q, job->account, &e, now_ms);
}

static void busy_moves_later(struct sq *q, const struct sq_job *job,
			     const char *to, const struct sq_wake *w)
{
	sq_exec(q, JOB_MOVES_TO, sq_int(job->id), sq_text(to));
	if (job->state == JOB_DEAD)
		sq_job_wake(q, job, w);
}

void sq_person_follow(struct sq *q, int64_t account, const char *from,
		      const char *to, const struct sq_wake *w)
{
	char person[PERSON_SIZE];
	struct sq_job job, other;
	struct sq_wake bare = {.lane = w->lane,
			       .source = w->source,
			       .now_ms = w->now_ms,
			       .wait_ms = w->wait_ms};
	bool found, idle;

	sq_exec(q, JOBS_MOVE_ON, sq_int(account), sq_text(from), sq_text(to));
	(void)job_person(person, from, 0);
	found = sq_job_find(q, account, person, &job);
	idle = found && can_move(q, &job);
	if (found && !idle)
		busy_moves_later(q, &job, to, &bare);
	(void)job_person(person, to, 0);
	if (idle && !sq_job_find(q, account, person, &other)) {
		sq_review_close_of(q, &job, 0, w->now_ms);
		sq_exec(q, JOB_MOVE, sq_int(job.id), sq_text(person));
		idle = false;
	}
	(void)sq_person_wake(q, account, person, w);
	if (idle && sq_job_find(q, account, person, &other)) {
		write_down(q, &job, from, w->now_ms);
		into(q, &job, &other, w->now_ms);
	}
}
