/*
 * Jobs: their rows, by hand (enqueue, retry, drop), and folding.
 *
 * Invariant: one row per (account, person). A job that started with a Zendesk
 * id ("z:...") and learns the SunCo id becomes that person's row, or goes
 * into it.
 */
#include "sqlite_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void read_row(sqlite3_stmt *st, struct sq_job *out)
{
	memset(out, 0, sizeof(*out));
	out->id = sqlite3_column_int64(st, 0);
	out->account = sqlite3_column_int64(st, 1);
	sq_col_str(st, 2, out->person, sizeof(out->person));
	out->state = (enum job_state)sqlite3_column_int(st, 3);
	out->lane = (enum job_lane)sqlite3_column_int(st, 4);
	out->created_ms = sqlite3_column_int64(st, 5);
	out->run_at_ms = sqlite3_column_int64(st, 6);
	out->deadline_ms = sqlite3_column_int64(st, 7);
	out->lease_until_ms = sqlite3_column_int64(st, 8);
	out->attempts = sqlite3_column_int(st, 9);
	out->gen = sqlite3_column_int64(st, 10);
	out->token = sqlite3_column_int64(st, 11);
	out->zendesk_user_id = sq_col_id(st, 12);
	out->ticket_id = sq_col_id(st, 13);
	sq_col_str(st, 14, out->conversation_id, sizeof(out->conversation_id));
	out->source = (enum event_source)sqlite3_column_int(st, 15);
	out->review_id = sqlite3_column_int64(st, 16);
	out->rests_on = sqlite3_column_int64(st, 17);
	out->erase = sqlite3_column_int(st, 18);
	out->looked_ms = sqlite3_column_int64(st, 19);
	sq_col_str(st, 20, out->moves_to, sizeof(out->moves_to));
	out->told_ms[EVENT_FROM_SUNCO] = sqlite3_column_int64(st, 21);
	out->told_ms[EVENT_FROM_ZENDESK] = sqlite3_column_int64(st, 22);
	out->read_ms = sqlite3_column_int64(st, 23);
	out->heard = sqlite3_column_int64(st, 24);
	out->named = sqlite3_column_int64(st, 25);
}

static bool first_row(struct sq *q, sqlite3_stmt *st, struct sq_job *out)
{
	if (!sq_step(q, st))
		return false;
	read_row(st, out);
	sq_end(st);
	return true;
}

bool sq_job_get(struct sq *q, int64_t id, struct sq_job *out)
{
	return first_row(q, sq_query(q, JOB_BY_ID, sq_int(id)), out);
}

bool sq_job_find(struct sq *q, int64_t account, const char *person,
		 struct sq_job *out)
{
	return first_row(
		q, sq_query(q, JOB_BY_PERSON, sq_int(account), sq_text(person)),
		out);
}

bool sq_job_of_zendesk(struct sq *q, int64_t account, uint64_t user,
		       struct sq_job *out)
{
	return first_row(
		q, sq_query(q, JOB_BY_ZENDESK, sq_int(account), sq_id(user)),
		out);
}

bool sq_job_held(struct sq *q, int64_t id, int64_t token, struct sq_job *out,
		 enum result *refusal)
{
	if (sq_job_get(q, id, out) && out->token == token && token != 0)
		return true;
	*refusal = q->failed ? RESULT_TEMP
			     : error_set(q->err, RESULT_CONFLICT,
					 "the job's lease is another's");
	return false;
}

bool sq_job_has_saga(struct sq *q, const struct sq_job *job)
{
	return sq_get(q, 0, JOURNAL_OPEN_OF, sq_int(job->id)) != 0;
}

bool sq_job_busy(struct sq *q, const struct sq_job *job)
{
	return job->state == JOB_RUNNING ||
	       (job->state != JOB_DEAD && sq_job_has_saga(q, job));
}

void sq_job_delete(struct sq *q, const struct sq_job *job, int64_t now_ms)
{
	sq_review_close_of(q, job, 0, now_ms);
	sq_review_through(q, job, now_ms);
	sq_exec(q, LOCKS_RELEASE, sq_int(job->id));
	sq_exec(q, HEARD_CLEAR, sq_int(job->id));
	sq_exec(q, JOB_DELETE, sq_int(job->id));
	sq_count(q, job->account, job->state, -1);
}

/* The person's job, by the id that the user has now or had before. */
static bool job_of_user(struct sq *q, int64_t account, uint64_t user,
			struct sq_job *out)
{
	uint64_t survivor = sq_alias_follow(q, account, user);

	return sq_job_of_zendesk(q, account, user, out) ||
	       (survivor != user &&
		sq_job_of_zendesk(q, account, survivor, out));
}

/* Who asks by hand wants a decision, not what an earlier one left behind. */
static void forget_link(struct sq *q, int64_t account, const char *person)
{
	if (str_starts(person, "s:"))
		sq_exec(q, LINK_DELETE, sq_int(account), sq_text(person + 2));
}

enum result sq_op_enqueue(struct sq *q, struct store_op *op)
{
	struct store_enqueue *e = &op->u.enqueue;
	int64_t account = sq_account_id(q, e->account, true);
	struct sq_wake w = {
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
	struct sq_job job;

	if (str_is_empty(e->sunco_id) &&
	    job_of_user(q, account, e->zendesk_user_id, &job)) {
		forget_link(q, account, job.person);
		sq_job_wake(q, &job, &w);
		e->job_id = job.id;
		return RESULT_OK;
	}
	if (!job_person(person, e->sunco_id, e->zendesk_user_id))
		return error_set(q->err, RESULT_INVALID, "nobody is named");
	forget_link(q, account, person);
	e->job_id = sq_person_wake(q, account, person, &w);
	return RESULT_OK;
}

void sq_job_fold(struct sq *q, const struct sq_job *ours,
		 const struct sq_job *theirs, bool weak,
		 const struct event *says, int64_t now_ms)
{
	int64_t deadline_ms = ours->deadline_ms > theirs->deadline_ms
				      ? ours->deadline_ms
				      : theirs->deadline_ms;
	struct sq_wake w = {
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

	sq_exec(q, NOTES_MOVE, sq_int(ours->id), sq_int(theirs->id));
	sq_job_delete(q, ours, now_ms);
	sq_job_wake(q, theirs, &w);
	sq_exec(q, JOB_DEADLINE, sq_int(theirs->id), sq_int(deadline_ms));
}

/* All that was said to the job is whose conversation it is: the person's run
 * can be held against that. */
static bool only_names_user(const struct store_fold *f,
			    const struct sq_job *ours)
{
	return f->believes && ours->gen == 1 + ours->named &&
	       ours->zendesk_user_id != 0;
}

enum result sq_op_fold(struct sq *q, struct store_op *op)
{
	struct store_fold *f = &op->u.fold;
	struct event says = {.source = EVENT_FROM_ZENDESK};
	struct sq_job ours, theirs;
	char person[PERSON_SIZE];
	enum result r;

	if (!sq_job_held(q, f->job_id, f->token, &ours, &r))
		return r;
	(void)job_person(person, f->sunco_id, 0);
	f->kept = true;
	if (strcmp(ours.person, person) == 0)
		return RESULT_OK;
	if (str_starts(ours.person, "s:"))
		return error_set(q->err, RESULT_INVALID,
				 "the job is another person's");
	if (!sq_job_find(q, ours.account, person, &theirs)) {
		sq_exec(q, JOB_RENAME, sq_int(ours.id), sq_text(person));
		return RESULT_OK;
	}
	f->kept = false;
	says.zendesk_user_id = ours.zendesk_user_id;
	sq_job_fold(q, &ours, &theirs, false,
		    only_names_user(f, &ours) ? &says : NULL, f->now_ms);
	return RESULT_OK;
}

static void retry_one(struct sq *q, const struct store_retry *t,
		      const struct sq_job *job)
{
	struct sq_wake w = {
		.lane = job->lane,
		.source = job->source,
		.now_ms = t->now_ms,
		.wait_ms = t->wait_ms,
		.by_hand = true,
	};

	sq_job_wake(q, job, &w);
}

static void retry_dead(struct sq *q, struct store_retry *t, int64_t account)
{
	struct sq_ids ids =
		sq_collect(q, sq_query(q, JOBS_DEAD, sq_int(account)));
	struct sq_job job;
	size_t i;

	for (i = 0; i < ids.count; i++) {
		if (sq_job_get(q, ids.items[i], &job))
			retry_one(q, t, &job);
	}
	t->count += (int64_t)ids.count;
	free(ids.items);
}

static enum result retry_by_id(struct sq *q, struct store_retry *t)
{
	struct sq_job job;

	if (!sq_job_get(q, t->job_id, &job))
		return error_set(q->err, RESULT_NOTFOUND, "no such job");
	if (job.state == JOB_RUNNING || job.state == JOB_DONE)
		return error_set(q->err, RESULT_CONFLICT, "the job is %s",
				 job_state_name(job.state));
	retry_one(q, t, &job);
	t->count = 1;
	return RESULT_OK;
}

enum result sq_op_retry(struct sq *q, struct store_op *op)
{
	struct store_retry *t = &op->u.retry;
	struct sq_ids ids;
	int64_t account;
	size_t i;

	t->count = 0;
	if (t->job_id != 0)
		return retry_by_id(q, t);
	if (t->account != NULL) {
		account = sq_account_id(q, t->account, false);
		retry_dead(q, t, account);
		return RESULT_OK;
	}
	ids = sq_collect(q, sq_plain(q, ACCOUNT_IDS));
	for (i = 0; i < ids.count; i++)
		retry_dead(q, t, ids.items[i]);
	free(ids.items);
	return RESULT_OK;
}

enum result sq_op_drop(struct sq *q, struct store_op *op)
{
	struct store_drop *d = &op->u.drop;
	struct sq_job job;

	if (!sq_job_get(q, d->job_id, &job))
		return error_set(q->err, RESULT_NOTFOUND, "no such job");
	if (job.state == JOB_RUNNING)
		return error_set(q->err, RESULT_CONFLICT, "the job runs");
	sq_job_delete(q, &job, job.run_at_ms);
	return RESULT_OK;
}
