/*
 * Jobs: their rows, by hand (enqueue, retry, drop), and folding.
 *
 * Invariant: one row per (account, person). A job that started with a Zendesk
 * id ("z:...") and learns the SunCo id becomes that person's row, or goes
 * into it.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void read_row(struct db_rows *st, struct db_job *out)
{
	memset(out, 0, sizeof(*out));
	out->id = db_col_int(st, 0);
	out->account = db_col_int(st, 1);
	db_col_str(st, 2, out->person, sizeof(out->person));
	out->state = (enum job_state)(int)db_col_int(st, 3);
	out->lane = (enum job_lane)(int)db_col_int(st, 4);
	out->created_ms = db_col_int(st, 5);
	out->run_at_ms = db_col_int(st, 6);
	out->deadline_ms = db_col_int(st, 7);
	out->lease_until_ms = db_col_int(st, 8);
	out->attempts = (int)db_col_int(st, 9);
	out->gen = db_col_int(st, 10);
	out->token = db_col_int(st, 11);
	out->zendesk_user_id = db_col_id(st, 12);
	out->ticket_id = db_col_id(st, 13);
	db_col_str(st, 14, out->conversation_id, sizeof(out->conversation_id));
	out->source = (enum event_source)(int)db_col_int(st, 15);
	out->review_id = db_col_int(st, 16);
	out->rests_on = db_col_int(st, 17);
	out->erase = (int)db_col_int(st, 18);
	out->looked_ms = db_col_int(st, 19);
	db_col_str(st, 20, out->moves_to, sizeof(out->moves_to));
	out->told_ms[EVENT_FROM_SUNCO] = db_col_int(st, 21);
	out->told_ms[EVENT_FROM_ZENDESK] = db_col_int(st, 22);
	out->read_ms = db_col_int(st, 23);
	out->heard = db_col_int(st, 24);
	out->named = db_col_int(st, 25);
}

static bool first_row(struct db *q, struct db_rows *st, struct db_job *out)
{
	if (!db_step(q, st))
		return false;
	read_row(st, out);
	db_end(st);
	return true;
}

bool db_job_get(struct db *q, int64_t id, struct db_job *out)
{
	return first_row(q, db_query(q, JOB_BY_ID, db_int(id)), out);
}

bool db_job_find(struct db *q, int64_t account, const char *person,
		 struct db_job *out)
{
	return first_row(
		q, db_query(q, JOB_BY_PERSON, db_int(account), db_text(person)),
		out);
}

bool db_job_of_zendesk(struct db *q, int64_t account, uint64_t user,
		       struct db_job *out)
{
	return first_row(
		q, db_query(q, JOB_BY_ZENDESK, db_int(account), db_id(user)),
		out);
}

bool db_job_held(struct db *q, int64_t id, int64_t token, struct db_job *out,
		 enum result *refusal)
{
	if (db_job_get(q, id, out) && out->token == token && token != 0)
		return true;
	*refusal = q->failed ? RESULT_TEMP
			     : error_set(q->err, RESULT_CONFLICT,
					 "the job's lease is another's");
	return false;
}

bool db_job_has_saga(struct db *q, const struct db_job *job)
{
	return db_get(q, 0, JOURNAL_OPEN_OF, db_int(job->id)) != 0;
}

bool db_job_busy(struct db *q, const struct db_job *job)
{
	return job->state == JOB_RUNNING ||
	       (job->state != JOB_DEAD && db_job_has_saga(q, job));
}

void db_job_delete(struct db *q, const struct db_job *job, int64_t now_ms)
{
	db_review_close_of(q, job, 0, now_ms);
	db_review_through(q, job, now_ms);
	db_do(q, LOCKS_RELEASE, db_int(job->id));
	db_do(q, HEARD_CLEAR, db_int(job->id));
	db_do(q, JOB_DELETE, db_int(job->id));
	db_count(q, job->account, job->state, -1);
}

/* The person's job, by the id that the user has now or had before. */
static bool job_of_user(struct db *q, int64_t account, uint64_t user,
			struct db_job *out)
{
	uint64_t survivor = db_alias_follow(q, account, user);

	return db_job_of_zendesk(q, account, user, out) ||
	       (survivor != user &&
		db_job_of_zendesk(q, account, survivor, out));
}

/* Who asks by hand wants a decision, not what an earlier one left behind. */
static void forget_link(struct db *q, int64_t account, const char *person)
{
	if (str_starts(person, "s:"))
		db_do(q, LINK_DELETE, db_int(account), db_text(person + 2));
}

enum result op_enqueue(struct db *q, struct store_op *op)
{
	struct store_enqueue *e = &op->u.enqueue;
	int64_t account = db_account_id(q, e->account, true);
	struct db_wake w = {
		.lane = e->lane,
		.source = str_is_empty(e->sunco_id) ? EVENT_FROM_ZENDESK
						    : EVENT_FROM_SUNCO,
		.zendesk_user_id = e->zendesk_user_id,
		.ticket_id = e->ticket_id,
		.review_id = e->review_id,
		.now_ms = e->now_ms,
		.wait_ms = e->wait_ms,
		.by_hand = true,
	};
	char person[PERSON_SIZE];
	struct db_job job;

	if (str_is_empty(e->sunco_id) &&
	    job_of_user(q, account, e->zendesk_user_id, &job)) {
		forget_link(q, account, job.person);
		db_job_wake(q, &job, &w);
		e->job_id = job.id;
		return RESULT_OK;
	}
	if (!job_person(person, e->sunco_id, e->zendesk_user_id))
		return error_set(q->err, RESULT_INVALID, "nobody is named");
	forget_link(q, account, person);
	db_person_wake(q, account, person, &w);
	if (db_job_find(q, account, person, &job))
		e->job_id = job.id;
	return RESULT_OK;
}

void db_job_fold(struct db *q, const struct db_job *ours,
		 const struct db_job *theirs, bool weak,
		 const struct event *says, int64_t now_ms)
{
	int64_t deadline_ms = ours->deadline_ms > theirs->deadline_ms
				      ? ours->deadline_ms
				      : theirs->deadline_ms;
	struct db_wake w = {
		.lane = ours->lane,
		.source = ours->source,
		.zendesk_user_id = ours->zendesk_user_id,
		.ticket_id = ours->ticket_id,
		.conversation_id = ours->conversation_id,
		.now_ms = now_ms,
		.wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0,
		.weak = weak,
		.says = says,
	};

	db_do(q, NOTES_MOVE, db_int(ours->id), db_int(theirs->id));
	db_job_delete(q, ours, now_ms);
	db_job_wake(q, theirs, &w);
	db_do(q, JOB_DEADLINE, db_int(theirs->id), db_int(deadline_ms));
}

/* All that was said to the job is whose conversation it is: the person's run
 * can be held against that. */
static bool only_names_user(const struct store_fold *f,
			    const struct db_job *ours)
{
	return f->believes && ours->gen == 1 + ours->named &&
	       ours->zendesk_user_id != 0;
}

/* Of a fold that is done again. */
static void forget_taken(struct store_fold *f)
{
	if (f->taken)
		job_release(f->taken);
	free(f->taken);
	f->taken = NULL;
}

/* A run could begin with it now, needs to read nothing of the store's first,
 * and nothing again of what ours has read: nobody told that row anything since,
 * and no run of it has changed anything. */
static bool may_take(struct db *q, const struct store_fold *f,
		     const struct db_job *theirs)
{
	bool rests = theirs->state == JOB_WAITING || theirs->state == JOB_DONE;

	return f->takes && rests && theirs->looked_ms < f->read_ms &&
	       theirs->review_id == 0 && theirs->erase == 0 &&
	       theirs->moves_to[0] == '\0' && !db_job_has_saga(q, theirs);
}

/* Woken just now: what the next claim would do. */
static void take(struct db *q, struct store_fold *f, const struct db_job *ours,
		 const struct db_job *theirs)
{
	struct db_rows *st;

	if (db_exec(q, JOB_CLAIM, db_int(theirs->id), db_int(ours->token),
		    db_int(ours->lease_until_ms), db_int(JOB_READY),
		    db_int(theirs->token), db_int(f->now_ms)) == 0)
		return;
	db_count(q, ours->account, JOB_READY, JOB_RUNNING);
	st = db_query(q, JOB_READ, db_int(theirs->id));
	if (!db_step(q, st))
		return;
	f->taken = xcalloc(1, sizeof(*f->taken));
	db_job_read(st, f->taken);
	db_end(st);
}

enum result op_fold(struct db *q, struct store_op *op)
{
	struct store_fold *f = &op->u.fold;
	struct event says = {.source = EVENT_FROM_ZENDESK};
	struct db_job ours, theirs;
	char person[PERSON_SIZE];
	enum result r;
	bool takes;

	forget_taken(f);
	if (!db_job_held(q, f->job_id, f->token, &ours, &r))
		return r;
	(void)job_person(person, f->sunco_id, 0);
	f->kept = true;
	if (strcmp(ours.person, person) == 0)
		return RESULT_OK;
	if (str_starts(ours.person, "s:"))
		return error_set(q->err, RESULT_INVALID,
				 "the job is another person's");
	if (!db_job_find(q, ours.account, person, &theirs)) {
		db_do(q, JOB_RENAME, db_int(ours.id), db_text(person));
		return RESULT_OK;
	}
	f->kept = false;
	takes = may_take(q, f, &theirs);
	says.zendesk_user_id = ours.zendesk_user_id;
	db_job_fold(q, &ours, &theirs, false,
		    only_names_user(f, &ours) ? &says : NULL, f->now_ms);
	if (takes)
		take(q, f, &ours, &theirs);
	return RESULT_OK;
}

static void retry_one(struct db *q, const struct store_retry *t,
		      const struct db_job *job)
{
	struct db_wake w = {
		.lane = job->lane,
		.source = job->source,
		.now_ms = t->now_ms,
		.wait_ms = t->wait_ms,
		.by_hand = true,
	};

	db_job_wake(q, job, &w);
}

static void retry_dead(struct db *q, struct store_retry *t, int64_t account)
{
	struct db_ids ids =
		db_collect(q, db_query(q, JOBS_DEAD, db_int(account)));
	struct db_job job;
	size_t i;

	for (i = 0; i < ids.count; i++) {
		if (db_job_get(q, ids.items[i], &job))
			retry_one(q, t, &job);
	}
	t->count += (int64_t)ids.count;
	free(ids.items);
}

static enum result retry_by_id(struct db *q, struct store_retry *t)
{
	struct db_job job;

	if (!db_job_get(q, t->job_id, &job))
		return error_set(q->err, RESULT_NOTFOUND, "no such job");
	if (job.state == JOB_RUNNING || job.state == JOB_DONE)
		return error_set(q->err, RESULT_CONFLICT, "the job is %s",
				 job_state_name(job.state));
	retry_one(q, t, &job);
	t->count = 1;
	return RESULT_OK;
}

enum result op_retry(struct db *q, struct store_op *op)
{
	struct store_retry *t = &op->u.retry;
	struct db_ids ids;
	int64_t account;
	size_t i;

	t->count = 0;
	if (t->job_id != 0)
		return retry_by_id(q, t);
	if (t->account != NULL) {
		account = db_account_id(q, t->account, false);
		retry_dead(q, t, account);
		return RESULT_OK;
	}
	ids = db_collect(q, db_plain(q, ACCOUNT_IDS));
	for (i = 0; i < ids.count; i++)
		retry_dead(q, t, ids.items[i]);
	free(ids.items);
	return RESULT_OK;
}

enum result op_drop(struct db *q, struct store_op *op)
{
	struct store_drop *d = &op->u.drop;
	struct db_job job;

	if (!db_job_get(q, d->job_id, &job))
		return error_set(q->err, RESULT_NOTFOUND, "no such job");
	if (job.state == JOB_RUNNING)
		return error_set(q->err, RESULT_CONFLICT, "the job runs");
	db_job_delete(q, &job, job.run_at_ms);
	return RESULT_OK;
}
