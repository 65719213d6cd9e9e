/*
 * Lists: jobs, journal, reviews, each by id and at most STORE_LIST_MAX rows,
 * so that no reader holds a snapshot for long.
 */
#include "ops.h"

#include <string.h>

#include "base/str.h"

void db_job_read(struct db_rows *st, struct job *j)
{
	job_init(j);
	j->id = db_col_int(st, 0);
	db_col_str(st, 1, j->account, sizeof(j->account));
	db_col_str(st, 2, j->person, sizeof(j->person));
	j->state = (enum job_state)(int)db_col_int(st, 3);
	j->lane = (enum job_lane)(int)db_col_int(st, 4);
	j->created_ms = db_col_int(st, 5);
	j->run_at_ms = db_col_int(st, 6);
	j->deadline_ms = db_col_int(st, 7);
	j->attempts = (int)db_col_int(st, 8);
	j->gen = db_col_int(st, 9);
	j->token = db_col_int(st, 10);
	j->zendesk_user_id = db_col_id(st, 11);
	j->ticket_id = db_col_id(st, 12);
	db_col_str(st, 13, j->conversation_id, sizeof(j->conversation_id));
	j->source = (enum event_source)(int)db_col_int(st, 14);
	j->review_id = db_col_int(st, 15);
	j->progress = db_col_text(st, 16);
	j->last_error = db_col_text(st, 17);
	j->journal_id = db_col_int(st, 18);
	if (str_starts(j->person, "s:"))
		(void)str_copy(j->sunco_id, sizeof(j->sunco_id), j->person + 2);
}

static enum action action_of(struct db_rows *st, int i)
{
	enum action a = ACTION_NONE;
	const char *s = db_col_chars(st, i);

	if (s != NULL)
		(void)action_parse(s, &a);
	return a;
}

static enum evidence evidence_of(struct db_rows *st, int i)
{
	enum evidence e = EVIDENCE_NONE;
	const char *s = db_col_chars(st, i);

	if (s != NULL)
		(void)evidence_parse(s, &e);
	return e;
}

static enum journal_status status_of(struct db_rows *st, int i)
{
	enum journal_status j = JOURNAL_DONE;
	const char *s = db_col_chars(st, i);

	if (s != NULL)
		(void)journal_status_parse(s, &j);
	return j;
}

static reason_set reasons_of(struct db_rows *st, int i)
{
	return db_reasons_parse(db_col_chars(st, i));
}

void db_journal_read(struct db_rows *st, struct journal_entry *e)
{
	const char *reason = db_col_chars(st, 4);
	const char *outcome = db_col_chars(st, 20);

	journal_entry_init(e);
	e->id = db_col_int(st, 0);
	db_col_str(st, 1, e->account, sizeof(e->account));
	e->at_ms = db_col_int(st, 2);
	e->action = action_of(st, 3);
	if (reason != NULL)
		(void)reason_parse(reason, &e->reason);
	e->reasons = reasons_of(st, 5);
	e->applied = (int)db_col_int(st, 6) != 0;
	e->status = status_of(st, 7);
	e->evidence = evidence_of(st, 8);
	e->messaging_user_id = db_col_id(st, 9);
	e->profile_id = db_col_id(st, 10);
	db_col_str(st, 11, e->sunco_id, sizeof(e->sunco_id));
	e->ticket_id = db_col_id(st, 12);
	e->source = (enum event_source)(int)db_col_int(st, 13);
	e->job_id = db_col_int(st, 14);
	e->api_calls = (int)db_col_int(st, 15);
	e->note = db_col_text(st, 16);
	e->decided_by = db_col_text(st, 17);
	e->before_image = db_col_text(st, 18);
	e->linked = (unsigned)(int)db_col_int(st, 19);
	if (outcome != NULL)
		(void)hindsight_parse(outcome, &e->outcome);
	e->outcome_ms = db_col_int(st, 21);
	e->outcome_user = db_col_id(st, 22);
	e->review_id = db_col_int(st, 23);
}

static void read_review(struct db_rows *st, struct review *r)
{
	review_init(r);
	r->id = db_col_int(st, 0);
	db_col_str(st, 1, r->account, sizeof(r->account));
	r->state = (enum review_state)(int)db_col_int(st, 2);
	r->job_id = db_col_int(st, 3);
	r->journal_id = db_col_int(st, 4);
	r->intended = action_of(st, 5);
	r->reasons = reasons_of(st, 6);
	r->evidence = evidence_of(st, 7);
	r->messaging_user_id = db_col_id(st, 8);
	r->profile_id = db_col_id(st, 9);
	db_col_str(st, 10, r->sunco_id, sizeof(r->sunco_id));
	r->ticket_id = db_col_id(st, 11);
	db_col_blob(st, 12, r->address_hash, sizeof(r->address_hash));
	db_col_blob(st, 13, r->facts_hash, sizeof(r->facts_hash));
	r->facts = db_col_text(st, 14);
	r->created_ms = db_col_int(st, 15);
	r->expires_ms = db_col_int(st, 16);
	r->attached = db_col_int(st, 17);
	r->decided_ms = db_col_int(st, 18);
	r->decided_by = db_col_text(st, 19);
	r->source = (enum event_source)(int)db_col_int(st, 20);
	r->api_calls = (int)db_col_int(st, 21);
	(void)pair_pin_parse(db_col_chars(st, 22), &r->pin);
}

static int64_t list_max(size_t max)
{
	return max < STORE_LIST_MAX ? (int64_t)max : STORE_LIST_MAX;
}

/* The account's number, or NULL for all. */
static struct db_val account_of(struct db *q, const char *name)
{
	if (name == NULL)
		return (struct db_val){DB_NULL, 0, 0, NULL};
	return db_int(db_account_id(q, name, false));
}

enum result op_jobs(struct db *q, struct store_op *op)
{
	struct store_jobs *l = &op->u.jobs;
	int64_t max = list_max(l->max);
	int first = l->state < 0 ? JOB_READY : l->state;
	int last = l->state < 0 ? JOB_DEAD : l->state;
	struct db_rows *st;

	if (l->id != 0)
		st = db_query(q, JOB_READ, db_int(l->id));
	else
		st = db_query(q, JOBS_LIST, account_of(q, l->account),
			      db_int(first), db_int(last), db_int(l->after_id),
			      db_int(max));
	l->count = 0;
	l->jobs = xcalloc((size_t)max + 1, sizeof(*l->jobs));
	while (db_step(q, st))
		db_job_read(st, &l->jobs[l->count++]);
	return RESULT_OK;
}

static struct db_rows *journal_query(struct db *q,
				     const struct store_journal *l, int64_t max)
{
	struct db_val account = account_of(q, l->account);
	const char *action =
		l->action < 0 ? NULL : action_name((enum action)l->action);
	struct db_val source = l->of_source ? db_int(l->source) : db_text(NULL);
	const char *reason = l->of_reason ? reason_code(l->reason) : NULL;

	if (l->id != 0)
		return db_query(q, JOURNAL_READ, db_int(l->id));
	if (l->job_id != 0)
		return db_query(q, JOURNAL_OF_JOB, account, db_text(action),
				db_int(l->since_ms), db_int(l->after_id),
				db_int(max), source, db_text(reason),
				db_id(l->ticket), db_int(l->job_id),
				db_id(l->user));
	if (l->user != 0)
		return db_query(q, JOURNAL_OF_USER, account, db_text(action),
				db_int(l->since_ms), db_int(l->after_id),
				db_int(max), source, db_text(reason),
				db_id(l->ticket), db_id(l->user));
	return db_query(q, JOURNAL_LIST, account, db_text(action),
			db_int(l->since_ms), db_int(l->after_id), db_int(max),
			source, db_text(reason), db_id(l->ticket));
}

enum result op_journal(struct db *q, struct store_op *op)
{
	struct store_journal *l = &op->u.journal;
	int64_t max = list_max(l->max);
	struct db_rows *st = journal_query(q, l, max);

	l->count = 0;
	l->entries = xcalloc((size_t)max + 1, sizeof(*l->entries));
	while (db_step(q, st))
		db_journal_read(st, &l->entries[l->count++]);
	if (l->id != 0 && l->count == 1)
		db_journal_changes(q, &l->entries[0]);
	return RESULT_OK;
}

bool db_journal_get(struct db *q, int64_t id, struct journal_entry *out)
{
	struct db_rows *st = db_query(q, JOURNAL_READ, db_int(id));

	if (!db_step(q, st))
		return false;
	db_journal_read(st, out);
	db_end(st);
	return true;
}

enum result op_reviews(struct db *q, struct store_op *op)
{
	struct store_reviews *l = &op->u.reviews;
	int64_t max = list_max(l->max);
	struct db_rows *st;

	if (l->id != 0)
		st = db_query(q, REVIEW_READ, db_int(l->id));
	else
		st = db_query(
			q, REVIEWS_LIST, account_of(q, l->account),
			db_int(l->state), db_int(l->after_id), db_int(max),
			db_int(l->since_ms),
			db_text(l->of_reason ? reason_code(l->reason) : NULL));
	l->count = 0;
	l->reviews = xcalloc((size_t)max + 1, sizeof(*l->reviews));
	while (db_step(q, st))
		read_review(st, &l->reviews[l->count++]);
	return RESULT_OK;
}
