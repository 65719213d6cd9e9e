/*
 * Lists: jobs, journal, reviews, each by id and at most STORE_LIST_MAX rows,
 * so that no reader holds a snapshot for long.
 */
#include "sqlite_ops.h"

#include <string.h>

#include "base/str.h"

void sq_job_read(sqlite3_stmt *st, struct job *j)
{
	job_init(j);
	j->id = sqlite3_column_int64(st, 0);
	sq_col_str(st, 1, j->account, sizeof(j->account));
	sq_col_str(st, 2, j->person, sizeof(j->person));
	j->state = (enum job_state)sqlite3_column_int(st, 3);
	j->lane = (enum job_lane)sqlite3_column_int(st, 4);
	j->created_ms = sqlite3_column_int64(st, 5);
	j->run_at_ms = sqlite3_column_int64(st, 6);
	j->deadline_ms = sqlite3_column_int64(st, 7);
	j->attempts = sqlite3_column_int(st, 8);
	j->gen = sqlite3_column_int64(st, 9);
	j->token = sqlite3_column_int64(st, 10);
	j->zendesk_user_id = sq_col_id(st, 11);
	j->ticket_id = sq_col_id(st, 12);
	sq_col_str(st, 13, j->conversation_id, sizeof(j->conversation_id));
	j->source = (enum event_source)sqlite3_column_int(st, 14);
	j->review_id = sqlite3_column_int64(st, 15);
	j->progress = sq_col_text(st, 16);
	j->last_error = sq_col_text(st, 17);
	j->journal_id = sqlite3_column_int64(st, 18);
	if (str_starts(j->person, "s:"))
		(void)str_copy(j->sunco_id, sizeof(j->sunco_id), j->person + 2);
}

static enum action action_of(sqlite3_stmt *st, int i)
{
	enum action a = ACTION_NONE;
	const char *s = (const char *)sqlite3_column_text(st, i);

	if (s != NULL)
		(void)action_parse(s, &a);
	return a;
}

static enum evidence evidence_of(sqlite3_stmt *st, int i)
{
	enum evidence e = EVIDENCE_NONE;
	const char *s = (const char *)sqlite3_column_text(st, i);

	if (s != NULL)
		(void)evidence_parse(s, &e);
	return e;
}

static enum journal_status status_of(sqlite3_stmt *st, int i)
{
	enum journal_status j = JOURNAL_DONE;
	const char *s = (const char *)sqlite3_column_text(st, i);

	if (s != NULL)
		(void)journal_status_parse(s, &j);
	return j;
}

static reason_set reasons_of(sqlite3_stmt *st, int i)
{
	return sq_reasons_parse((const char *)sqlite3_column_text(st, i));
}

void sq_journal_read(sqlite3_stmt *st, struct journal_entry *e)
{
	const char *reason = (const char *)sqlite3_column_text(st, 4);
	const char *outcome = (const char *)sqlite3_column_text(st, 20);

	journal_entry_init(e);
	e->id = sqlite3_column_int64(st, 0);
	sq_col_str(st, 1, e->account, sizeof(e->account));
	e->at_ms = sqlite3_column_int64(st, 2);
	e->action = action_of(st, 3);
	if (reason != NULL)
		(void)reason_parse(reason, &e->reason);
	e->reasons = reasons_of(st, 5);
	e->applied = sqlite3_column_int(st, 6) != 0;
	e->status = status_of(st, 7);
	e->evidence = evidence_of(st, 8);
	e->messaging_user_id = sq_col_id(st, 9);
	e->profile_id = sq_col_id(st, 10);
	sq_col_str(st, 11, e->sunco_id, sizeof(e->sunco_id));
	e->ticket_id = sq_col_id(st, 12);
	e->source = (enum event_source)sqlite3_column_int(st, 13);
	e->job_id = sqlite3_column_int64(st, 14);
	e->api_calls = sqlite3_column_int(st, 15);
	e->note = sq_col_text(st, 16);
	e->decided_by = sq_col_text(st, 17);
	e->before_image = sq_col_text(st, 18);
	e->linked = (unsigned)sqlite3_column_int(st, 19);
	if (outcome != NULL)
		(void)hindsight_parse(outcome, &e->outcome);
	e->outcome_ms = sqlite3_column_int64(st, 21);
	e->outcome_user = sq_col_id(st, 22);
	e->review_id = sqlite3_column_int64(st, 23);
}

static void read_review(sqlite3_stmt *st, struct review *r)
{
	review_init(r);
	r->id = sqlite3_column_int64(st, 0);
	sq_col_str(st, 1, r->account, sizeof(r->account));
	r->state = (enum review_state)sqlite3_column_int(st, 2);
	r->job_id = sqlite3_column_int64(st, 3);
	r->journal_id = sqlite3_column_int64(st, 4);
	r->intended = action_of(st, 5);
	r->reasons = reasons_of(st, 6);
	r->evidence = evidence_of(st, 7);
	r->messaging_user_id = sq_col_id(st, 8);
	r->profile_id = sq_col_id(st, 9);
	sq_col_str(st, 10, r->sunco_id, sizeof(r->sunco_id));
	r->ticket_id = sq_col_id(st, 11);
	sq_col_blob(st, 12, r->address_hash, sizeof(r->address_hash));
	sq_col_blob(st, 13, r->facts_hash, sizeof(r->facts_hash));
	r->facts = sq_col_text(st, 14);
	r->created_ms = sqlite3_column_int64(st, 15);
	r->expires_ms = sqlite3_column_int64(st, 16);
	r->attached = sqlite3_column_int64(st, 17);
	r->decided_ms = sqlite3_column_int64(st, 18);
	r->decided_by = sq_col_text(st, 19);
	r->source = (enum event_source)sqlite3_column_int(st, 20);
	r->api_calls = sqlite3_column_int(st, 21);
	(void)pair_pin_parse((const char *)sqlite3_column_text(st, 22),
			     &r->pin);
}

static int64_t list_max(size_t max)
{
	return max < STORE_LIST_MAX ? (int64_t)max : STORE_LIST_MAX;
}

/* The account's number, or NULL for all. */
static struct sq_val account_of(struct sq *q, const char *name)
{
	if (name == NULL)
		return (struct sq_val){SQ_NULL, 0, 0, NULL};
	return sq_int(sq_account_id(q, name, false));
}

enum result sq_op_jobs(struct sq *q, struct store_op *op)
{
	struct store_jobs *l = &op->u.jobs;
	int64_t max = list_max(l->max);
	int first = l->state < 0 ? JOB_READY : l->state;
	int last = l->state < 0 ? JOB_DEAD : l->state;
	sqlite3_stmt *st;

	if (l->id != 0)
		st = sq_query(q, JOB_READ, sq_int(l->id));
	else
		st = sq_query(q, JOBS_LIST, account_of(q, l->account),
			      sq_int(first), sq_int(last), sq_int(l->after_id),
			      sq_int(max));
	l->count = 0;
	l->jobs = xcalloc((size_t)max + 1, sizeof(*l->jobs));
	while (sq_step(q, st))
		sq_job_read(st, &l->jobs[l->count++]);
	return RESULT_OK;
}

static sqlite3_stmt *journal_query(struct sq *q, const struct store_journal *l,
				   int64_t max)
{
	struct sq_val account = account_of(q, l->account);
	const char *action =
		l->action < 0 ? NULL : action_name((enum action)l->action);

	struct sq_val source = l->of_source ? sq_int(l->source) : sq_text(NULL);

	if (l->id != 0)
		return sq_query(q, JOURNAL_READ, sq_int(l->id));
	if (l->job_id != 0)
		return sq_query(q, JOURNAL_OF_JOB, account, sq_text(action),
				sq_int(l->since_ms), sq_int(l->after_id),
				sq_int(max), source, sq_int(l->job_id),
				sq_id(l->user));
	if (l->user != 0)
		return sq_query(q, JOURNAL_OF_USER, account, sq_text(action),
				sq_int(l->since_ms), sq_int(l->after_id),
				sq_int(max), source, sq_id(l->user));
	return sq_query(q, JOURNAL_LIST, account, sq_text(action),
			sq_int(l->since_ms), sq_int(l->after_id), sq_int(max),
			source);
}

enum result sq_op_journal(struct sq *q, struct store_op *op)
{
	struct store_journal *l = &op->u.journal;
	int64_t max = list_max(l->max);
	sqlite3_stmt *st = journal_query(q, l, max);

	l->count = 0;
	l->entries = xcalloc((size_t)max + 1, sizeof(*l->entries));
	while (sq_step(q, st))
		sq_journal_read(st, &l->entries[l->count++]);
	if (l->id != 0 && l->count == 1)
		sq_journal_changes(q, &l->entries[0]);
	return RESULT_OK;
}

bool sq_journal_get(struct sq *q, int64_t id, struct journal_entry *out)
{
	sqlite3_stmt *st = sq_query(q, JOURNAL_READ, sq_int(id));

	if (!sq_step(q, st))
		return false;
	sq_journal_read(st, out);
	sq_end(st);
	return true;
}

enum result sq_op_reviews(struct sq *q, struct store_op *op)
{
	struct store_reviews *l = &op->u.reviews;
	int64_t max = list_max(l->max);
	sqlite3_stmt *st;

	if (l->id != 0)
		st = sq_query(q, REVIEW_READ, sq_int(l->id));
	else
		st = sq_query(q, REVIEWS_LIST, account_of(q, l->account),
			      sq_int(l->state), sq_int(l->after_id),
			      sq_int(max), sq_int(l->since_ms));
	l->count = 0;
	l->reviews = xcalloc((size_t)max + 1, sizeof(*l->reviews));
	while (sq_step(q, st))
		read_review(st, &l->reviews[l->count++]);
	return RESULT_OK;
}
