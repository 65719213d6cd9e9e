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
#include "ops.h"

#include <string.h>

#include "base/str.h"

static bool can_move(struct db *q, const struct db_job *job)
{
	return job->state != JOB_RUNNING && !db_job_has_saga(q, job);
}

static void into(struct db *q, const struct db_job *ours,
		 const struct db_job *theirs, int64_t now_ms)
{
	db_do(q, NOTES_FOLLOW, db_int(ours->id), db_int(theirs->id));
	db_job_fold(q, ours, theirs, true, NULL, now_ms);
}

void db_job_move(struct db *q, const struct db_job *job, int64_t now_ms)
{
	struct db_wake w = {
		.lane = job->lane,
		.source = job->source,
		.now_ms = now_ms,
		.wait_ms = job->deadline_ms > now_ms ? job->deadline_ms - now_ms
						     : 0,
	};
	char person[PERSON_SIZE];
	struct db_job other;

	(void)job_person(person, job->moves_to, 0);
	if (db_job_find(q, job->account, person, &other)) {
		into(q, job, &other, now_ms);
		return;
	}
	db_review_close_of(q, job, 0, now_ms);
	db_do(q, JOB_MOVE, db_int(job->id), db_text(person));
	if (db_job_get(q, job->id, &other))
		db_job_wake(q, &other, &w);
}

/* Nobody decides any more about the user that the discarded one had. */
static void write_down(struct db *q, const struct db_job *job, const char *from,
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
	(void)db_journal_add(q, job->account, &e, now_ms);
}

static void busy_moves_later(struct db *q, const struct db_job *job,
			     const char *to, const struct db_wake *w)
{
	db_do(q, JOB_MOVES_TO, db_int(job->id), db_text(to));
	if (job->state == JOB_DEAD)
		db_job_wake(q, job, w);
}

void db_person_follow(struct db *q, int64_t account, const char *from,
		      const char *to, const struct db_wake *w)
{
	char person[PERSON_SIZE];
	struct db_job job, other;
	struct db_wake bare = {.lane = w->lane,
			       .source = w->source,
			       .now_ms = w->now_ms,
			       .wait_ms = w->wait_ms};
	bool found, idle;

	db_do(q, JOBS_MOVE_ON, db_int(account), db_text(from), db_text(to));
	(void)job_person(person, from, 0);
	found = db_job_find(q, account, person, &job);
	idle = found && can_move(q, &job);
	if (found && !idle)
		busy_moves_later(q, &job, to, &bare);
	(void)job_person(person, to, 0);
	if (idle && !db_job_find(q, account, person, &other)) {
		db_review_close_of(q, &job, 0, w->now_ms);
		db_do(q, JOB_MOVE, db_int(job.id), db_text(person));
		idle = false;
	}
	db_person_wake(q, account, person, w);
	if (idle && db_job_find(q, account, person, &other)) {
		write_down(q, &job, from, w->now_ms);
		into(q, &job, &other, w->now_ms);
	}
}
