/*
 * Reviews: opened or attached to, decided, expired, erased.
 *
 * Invariants: at most one open review per profile (for an adopt: per
 * messaging user), kept by unique indexes too. A job in state review rests on
 * one open review; when that closes, the job is decided (the review's own) or
 * wakes to be decided anew (the attached ones), except that an expired review
 * ends them all. After an approval the attached ones rest until its own job is
 * through, since they are other pairs of the same profile: what they would
 * read before is not what a person could approve afterwards.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int64_t insert(struct db *q, const struct db_job *job,
		      const struct review *r, int64_t journal_id,
		      int64_t now_ms)
{
	char reasons[DB_REASONS_SIZE];

	db_reasons_write(r->reasons, reasons);
	return db_add(q, REVIEW_INSERT, db_int(job->account), db_int(job->id),
		      db_int(journal_id), db_str(action_name(r->intended)),
		      db_str(reasons), db_str(evidence_name(r->evidence)),
		      db_int((int64_t)r->messaging_user_id),
		      db_int((int64_t)r->profile_id), db_text(r->sunco_id),
		      db_id(r->ticket_id),
		      db_blob(r->address_hash, sizeof(r->address_hash)),
		      db_blob(r->facts_hash, sizeof(r->facts_hash)),
		      db_text(r->facts), db_int(now_ms), db_int(r->expires_ms),
		      db_str(pair_pin_name(r->pin)));
}

/* The open review about the same; id 0: none. */
struct asked {
	int64_t id;
	int64_t job_id;
	uint64_t ticket_id;
	uint8_t address_hash[16];
	uint8_t facts_hash[16];
	reason_set reasons;
};

static void find_open(struct db *q, const struct db_job *job,
		      const struct review *r, struct asked *out)
{
	struct db_rows *st;

	memset(out, 0, sizeof(*out));
	if (r->profile_id != 0)
		st = db_query(q, REVIEW_OF_PROFILE, db_int(job->account),
			      db_id(r->profile_id));
	else
		st = db_query(q, REVIEW_OF_USER, db_int(job->account),
			      db_int((int64_t)r->messaging_user_id));
	if (!db_step(q, st))
		return;
	out->id = db_col_int(st, 0);
	out->job_id = db_col_int(st, 1);
	out->ticket_id = db_col_id(st, 2);
	db_col_blob(st, 3, out->address_hash, sizeof(out->address_hash));
	db_col_blob(st, 5, out->facts_hash, sizeof(out->facts_hash));
	out->reasons = db_reasons_parse(db_col_chars(st, 6));
	db_end(st);
}

/* What a person was shown is what the run found again. */
static bool is_same(const struct asked *a, const struct review *r)
{
	return a->reasons == r->reasons &&
	       memcmp(a->facts_hash, r->facts_hash, sizeof(a->facts_hash)) ==
		       0 &&
	       memcmp(a->address_hash, r->address_hash,
		      sizeof(a->address_hash)) == 0;
}

/* Another conversation: of another messaging user, or with another ticket.
 * The two webhooks of one are none. */
static bool is_further(const struct asked *a, const struct db_job *job,
		       const struct review *r)
{
	if (a->job_id != job->id)
		return job->rests_on != a->id;
	return a->ticket_id != 0 && r->ticket_id != 0 &&
	       a->ticket_id != r->ticket_id;
}

static void close_one(struct db *q, int64_t id, enum review_state state,
		      int64_t now_ms, const char *by)
{
	db_do(q, REVIEW_CLOSE, db_int(id), db_int(state), db_int(now_ms),
	      db_text(by));
}

/* An approval is for what was shown, so what changed is another question, with
 * another number. Who rests on the old one rests on the new one. */
static int64_t ask_anew(struct db *q, const struct db_job *job, int64_t old,
			const struct review *r, int64_t journal_id,
			int64_t now_ms)
{
	int64_t id;

	close_one(q, old, REVIEW_EXPIRED, now_ms, NULL);
	id = insert(q, job, r, journal_id, now_ms);
	db_do(q, REVIEW_SUCCEED, db_int(id), db_int(old));
	db_do(q, JOBS_REST_MOVE, db_int(old), db_int(id));
	return id;
}

int64_t db_review_open(struct db *q, const struct db_job *job,
		       const struct review *r, int64_t journal_id,
		       int64_t now_ms)
{
	struct asked a;
	bool further;

	find_open(q, job, r, &a);
	further = a.id != 0 && is_further(&a, job, r);
	if (a.id == 0)
		a.id = insert(q, job, r, journal_id, now_ms);
	else if (a.job_id == job->id && !is_same(&a, r))
		a.id = ask_anew(q, job, a.id, r, journal_id, now_ms);
	else if (a.job_id == job->id)
		db_do(q, REVIEW_REFRESH, db_int(a.id), db_int(journal_id),
		      db_id(r->ticket_id));
	if (further)
		db_do(q, REVIEW_ATTACH, db_int(a.id));
	if (journal_id != 0)
		db_do(q, JOURNAL_REVIEW, db_int(journal_id), db_int(a.id));
	return a.id;
}

void db_review_asked_of(struct db *q, struct db_rows *st, const char *sunco_id,
			struct pair_asked *out)
{
	char about[SUNCO_ID_SIZE];

	if (!db_step(q, st))
		return;
	out->open = true;
	db_col_str(st, 4, about, sizeof(about));
	out->own = !str_is_empty(sunco_id) && strcmp(about, sunco_id) == 0;
	db_col_blob(st, 5, out->hash, sizeof(out->hash));
	out->reasons = db_reasons_parse(db_col_chars(st, 6));
	db_end(st);
}

int64_t db_review_asked(struct db *q, const struct db_job *job,
			const struct store_settle *s)
{
	const struct journal_entry *e = s->entry;
	char reasons[DB_REASONS_SIZE];
	struct asked a;

	if (s->review == NULL)
		return 0;
	find_open(q, job, s->review, &a);
	if (a.id == 0 || (a.job_id != job->id && job->rests_on != a.id) ||
	    (a.job_id == job->id && !is_same(&a, s->review)) ||
	    memcmp(a.address_hash, s->review->address_hash,
		   sizeof(a.address_hash)) != 0)
		return 0;
	db_reasons_write(e->reasons, reasons);
	return db_get(q, 0, JOURNAL_SAME, db_int(job->id),
		      db_str(action_name(e->action)),
		      db_str(reason_code(e->reason)), db_str(reasons),
		      db_str(evidence_name(e->evidence)),
		      db_id(e->messaging_user_id), db_id(e->profile_id));
}

static void end_job(struct db *q, const struct db_job *job, int64_t now_ms)
{
	db_do(q, JOB_END, db_int(job->id), db_int(now_ms));
	db_count(q, job->account, job->state, JOB_DONE);
}

static void wake_job(struct db *q, const struct db_job *job, int64_t now_ms,
		     int64_t wait_ms)
{
	struct db_wake w = {
		.lane = LANE_REVIEW,
		.source = job->source,
		.now_ms = now_ms,
		.wait_ms = wait_ms,
	};

	db_job_wake(q, job, &w);
}

/* Whoever rests on the review, but its own job: wakes, or ends. */
static void release_resting(struct db *q, int64_t review, int64_t own_job,
			    bool end, int64_t now_ms, int64_t wait_ms)
{
	struct db_ids ids =
		db_collect(q, db_query(q, JOBS_RESTING_ON, db_int(review)));
	struct db_job job;
	size_t i;

	for (i = 0; i < ids.count; i++) {
		if (ids.items[i] == own_job ||
		    !db_job_get(q, ids.items[i], &job))
			continue;
		if (end)
			end_job(q, &job, now_ms);
		else
			wake_job(q, &job, now_ms, wait_ms);
	}
	free(ids.items);
}

void db_review_through(struct db *q, const struct db_job *job, int64_t now_ms)
{
	if (job->review_id != 0)
		release_resting(q, job->review_id, job->id, false, now_ms,
				job->deadline_ms - job->created_ms);
}

void db_review_close_of(struct db *q, const struct db_job *job, int64_t but_id,
			int64_t now_ms)
{
	struct db_ids ids =
		db_collect(q, db_query(q, REVIEWS_OPEN_OF, db_int(job->id),
				       db_int(but_id)));
	size_t i;

	for (i = 0; i < ids.count; i++) {
		close_one(q, ids.items[i], REVIEW_EXPIRED, now_ms, NULL);
		release_resting(q, ids.items[i], job->id, false, now_ms, 0);
	}
	free(ids.items);
}

void db_review_merged(struct db *q, int64_t account, uint64_t messaging_user,
		      uint64_t profile, int64_t now_ms)
{
	struct db_rows *st = db_query(q, REVIEW_OF_PAIR, db_int(account),
				      db_id(profile), db_id(messaging_user));
	int64_t id, own_job;

	if (!db_step(q, st))
		return;
	id = db_col_int(st, 0);
	own_job = db_col_int(st, 1);
	db_end(st);
	close_one(q, id, REVIEW_MERGED, now_ms, NULL);
	release_resting(q, id, own_job, false, now_ms, 0);
}

int db_review_drop(struct db *q, int64_t id, int64_t now_ms)
{
	int n = db_exec(q, REVIEW_DELETE, db_int(id));

	release_resting(q, id, 0, false, now_ms, 0);
	return n;
}

void db_review_erase(struct db *q, int64_t account, const char *sunco_id,
		     int64_t now_ms)
{
	struct db_ids ids =
		db_collect(q, db_query(q, REVIEWS_OF_SUNCO, db_int(account),
				       db_text(sunco_id)));
	size_t i;

	for (i = 0; i < ids.count; i++)
		(void)db_review_drop(q, ids.items[i], now_ms);
	free(ids.items);
}

/* What closing a review needs to know of it. */
struct open_review {
	int64_t id;
	enum review_state state;
	int64_t expires_ms;
	int64_t account;
	int64_t job_id;
	enum pair_pin pin;
	uint8_t address_hash[16];
	struct journal_entry entry; /* of its end; owns nothing */
};

static bool load(struct db *q, int64_t id, struct open_review *o)
{
	struct db_rows *st = db_query(q, REVIEW_DECIDE, db_int(id));
	struct journal_entry *e = &o->entry;

	memset(o, 0, sizeof(*o));
	if (!db_step(q, st))
		return false;
	o->id = e->review_id = id;
	o->state = (enum review_state)(int)db_col_int(st, 0);
	o->expires_ms = db_col_int(st, 1);
	o->job_id = e->job_id = db_col_int(st, 2);
	e->messaging_user_id = db_col_id(st, 3);
	e->profile_id = db_col_id(st, 4);
	db_col_str(st, 5, e->sunco_id, sizeof(e->sunco_id));
	e->ticket_id = db_col_id(st, 6);
	db_col_blob(st, 7, o->address_hash, sizeof(o->address_hash));
	(void)evidence_parse(db_col_chars(st, 8), &e->evidence);
	e->reasons = db_reasons_parse(db_col_chars(st, 9));
	(void)pair_pin_parse(db_col_chars(st, 10), &o->pin);
	o->account = db_col_int(st, 11);
	db_end(st);
	e->status = JOURNAL_DONE;
	return true;
}

/* The journal owns what it says; note and by are borrowed for the call. */
static int64_t add_entry(struct db *q, struct open_review *o, enum action a,
			 enum reason why, const char *note, const char *by,
			 int64_t now_ms)
{
	struct journal_entry *e = &o->entry;

	e->action = a;
	e->reason = why;
	e->note = (char *)(uintptr_t)note;
	e->decided_by = (char *)(uintptr_t)by;
	return db_journal_add(q, o->account, e, now_ms);
}

static void expire(struct db *q, int64_t id, int64_t now_ms)
{
	struct open_review o;
	struct db_job job;

	close_one(q, id, REVIEW_EXPIRED, now_ms, NULL);
	if (!load(q, id, &o))
		return;
	if (db_job_get(q, o.job_id, &job))
		o.entry.source = job.source;
	o.entry.reasons = REASON_BIT(REASON_REVIEW_EXPIRED);
	add_entry(q, &o, ACTION_NONE, REASON_REVIEW_EXPIRED, NULL, NULL,
		  now_ms);
	release_resting(q, id, 0, true, now_ms, 0);
}

size_t db_review_expire(struct db *q, int64_t now_ms, size_t max)
{
	struct db_ids ids =
		db_collect(q, db_query(q, REVIEWS_EXPIRED, db_int(now_ms),
				       db_int((int64_t)max)));
	size_t i, count = ids.count;

	for (i = 0; i < ids.count; i++)
		expire(q, ids.items[i], now_ms);
	free(ids.items);
	return count;
}

/* Everything that can refuse, before anything is written. */
static enum result may_decide(struct db *q, const struct store_decide *d,
			      const struct open_review *o)
{
	if (o->state != REVIEW_OPEN)
		return error_set(q->err, RESULT_CONFLICT, "the review is %s",
				 review_state_name(o->state));
	if (o->expires_ms <= d->now_ms)
		return error_set(q->err, RESULT_CONFLICT, "the review expired");
	if (d->approve && !policy_approvable(o->entry.reasons))
		return error_set(q->err, RESULT_PERM,
				 "nothing can be approved here: the "
				 "conversation carries several addresses; "
				 "correct them, or reject");
	if (d->approve && d->pin && o->pin == PAIR_PIN_NONE)
		return error_set(q->err, RESULT_PERM,
				 "there is no external id to pin");
	return RESULT_OK;
}

static void approve(struct db *q, struct store_decide *d, struct open_review *o,
		    const struct db_job *job)
{
	struct db_wake w = {
		.lane = LANE_REVIEW,
		.source = job->source,
		.ticket_id = job->ticket_id == 0 ? o->entry.ticket_id : 0,
		.review_id = o->id,
		.now_ms = d->now_ms,
		.wait_ms = d->wait_ms,
		.by_hand = true,
	};
	bool pin = d->pin && o->pin == PAIR_PIN_OFFERED;
	enum reason list[REASON_COUNT];

	close_one(q, o->id, REVIEW_APPROVED, d->now_ms, d->by);
	if (pin)
		db_do(q, REVIEW_PIN, db_int(o->id),
		      db_str(pair_pin_name(PAIR_PIN_NAMED)));
	(void)reason_set_list(o->entry.reasons, list);
	d->journal_id =
		add_entry(q, o, ACTION_REVIEW, list[0],
			  pin ? "Approved, with the external id." : "Approved.",
			  d->by, d->now_ms);
	if (job->review_id != o->id)
		db_review_through(q, job, d->now_ms);
	db_job_wake(q, job, &w);
}

/* Its ticket's agent was told that the review waits. */
static void tell(struct db *q, const struct store_decide *d,
		 const struct open_review *o, const struct db_job *job)
{
	struct db_note n = {
		.account = o->account,
		.job_id = job->id,
		.journal_id = d->journal_id,
		.ticket_id = o->entry.ticket_id != 0 ? o->entry.ticket_id
						     : job->ticket_id,
		.now_ms = d->now_ms,
	};

	db_note_add(q, &n, &o->entry);
}

static void reject(struct db *q, struct store_decide *d, struct open_review *o,
		   const struct db_job *job)
{
	struct journal_entry *e = &o->entry;

	close_one(q, o->id, REVIEW_REJECTED, d->now_ms, d->by);
	if (e->sunco_id[0] != '\0')
		db_do(q, REJECTED_PUT, db_int(o->account), db_text(e->sunco_id),
		      db_int((int64_t)e->profile_id),
		      db_blob(o->address_hash, sizeof(o->address_hash)),
		      db_int(d->now_ms), db_str(d->by));
	e->reasons = REASON_BIT(REASON_REJECTED_BEFORE);
	d->journal_id = add_entry(q, o, ACTION_NONE, REASON_REJECTED_BEFORE,
				  NULL, d->by, d->now_ms);
	if (d->note && job->id != 0)
		tell(q, d, o, job);
	if (job->state == JOB_REVIEW || job->state == JOB_DEAD)
		end_job(q, job, d->now_ms);
	else if (job->state == JOB_RUNNING)
		wake_job(q, job, d->now_ms, d->wait_ms);
	release_resting(q, o->id, job->id, false, d->now_ms, d->wait_ms);
}

enum result op_decide(struct db *q, struct store_op *op)
{
	struct store_decide *d = &op->u.decide;
	struct open_review o;
	struct db_job job;
	enum result r;

	d->job_id = d->journal_id = 0;
	if (!load(q, d->review_id, &o))
		return error_set(q->err, RESULT_NOTFOUND, "no such review");
	r = may_decide(q, d, &o);
	if (r != RESULT_OK)
		return r;
	if (!db_job_get(q, o.job_id, &job)) {
		if (d->approve)
			return error_set(q->err, RESULT_CONFLICT,
					 "the review's job is gone");
		memset(&job, 0, sizeof(job)); /* nothing to end */
	}
	d->job_id = job.id;
	o.entry.source = job.source;
	if (d->approve)
		approve(q, d, &o, &job);
	else
		reject(q, d, &o, &job);
	return RESULT_OK;
}
