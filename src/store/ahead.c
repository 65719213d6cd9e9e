/*
 * What operations are about to ask, so that a driver across a network asks it
 * all at once, for every operation of a batch. Nothing depends on it: an
 * operation asks again, and gets what was answered already.
 *
 * Only what is asked for in any case: an expected statement counts as run.
 */
#include "ops.h"

#include "base/str.h"

/* The person whom an event is about has a link, or a job, or neither. */
static void ahead_event(struct db *q, int64_t account, const struct event *e,
			int64_t now_ms)
{
	char person[PERSON_SIZE];

	db_expect(q, EVENT_INSERT, db_int(account),
		  db_blob(e->key.bytes, e->key.len), db_int(now_ms),
		  db_int(e->kind));
	if (!job_person(person, e->sunco_id, 0))
		return;
	db_expect(q, LINK_GET, db_int(account), db_text(e->sunco_id));
	db_expect(q, JOB_BY_PERSON, db_int(account), db_text(person));
}

static void ahead_accept(struct db *q, const struct store_op *op)
{
	const struct store_accept *a = &op->u.accept;
	int64_t account = db_account_id(q, a->account, true);

	for (size_t i = 0; i < a->count; i++)
		ahead_event(q, account, &a->events[i], a->now_ms);
}

static void ahead_claim(struct db *q, const struct store_op *op)
{
	const struct store_claim *c = &op->u.claim;
	int64_t account = db_account_id(q, c->account, false);

	if (c->along)
		return; /* what it asks for is only coming */
	db_expect(q, ACCOUNT_PAUSED, db_int(account));
	if (c->job_id == 0)
		db_claim_ahead(q, c, account);
}

static void ahead_job(struct db *q, int64_t id)
{
	db_expect(q, JOB_BY_ID, db_int(id));
}

void db_ahead(struct db *q, const struct store_op *op)
{
	switch (op->kind) {
	case STORE_ACCEPT:
		ahead_accept(q, op);
		break;
	case STORE_CLAIM:
		ahead_claim(q, op);
		break;
	case STORE_EXTEND:
		db_extend_ahead(q, &op->u.extend);
		break;
	case STORE_FOLD:
		ahead_job(q, op->u.fold.job_id);
		break;
	case STORE_INTENT:
		ahead_job(q, op->u.intent.job_id);
		break;
	case STORE_STEP:
		ahead_job(q, op->u.step.job_id);
		break;
	case STORE_SETTLE:
		ahead_job(q, op->u.settle.job_id);
		break;
	default:
		break;
	}
}
