/*
 * The scopes of operations: see scope.h.
 */
#include "scope.h"

static struct scope named(const char *account)
{
	return (struct scope){.kind = account != NULL ? SCOPE_ACCOUNT
						      : SCOPE_ALL,
			      .account = account};
}

static struct scope of_row(enum sql owner, int64_t id)
{
	return (struct scope){.kind = SCOPE_ROW, .owner = owner, .id = id};
}

static struct scope of_job(int64_t id)
{
	return of_row(SQL_JOB_ACCOUNT, id);
}

static struct scope of_account_row(const struct store_account *a)
{
	if (a->set_paused || a->set_breaker || a->set_hold || a->set_token ||
	    a->set_webhook)
		return named(a->account);
	return (struct scope){.kind = SCOPE_NOBODY};
}

static struct scope of_claim(const struct store_claim *c)
{
	struct scope s = named(c->account);

	s.claims = true;
	return s;
}

static struct scope of_retry(const struct store_retry *r)
{
	return r->job_id != 0 ? of_job(r->job_id) : named(r->account);
}

struct scope scope_of(const struct store_op *op)
{
	const struct scope nobody = {.kind = SCOPE_NOBODY};

	if (store_op_reads(op->kind))
		return nobody;
	switch (op->kind) {
	case STORE_ACCEPT:
		return named(op->u.accept.account);
	case STORE_ENQUEUE:
		return named(op->u.enqueue.account);
	case STORE_CLAIM:
		return of_claim(&op->u.claim);
	case STORE_FOLD:
		return of_job(op->u.fold.job_id);
	case STORE_INTENT:
		return of_job(op->u.intent.job_id);
	case STORE_STEP:
		return of_job(op->u.step.job_id);
	case STORE_SETTLE:
		return of_job(op->u.settle.job_id);
	case STORE_DECIDE:
		return of_row(SQL_REVIEW_ACCOUNT, op->u.decide.review_id);
	case STORE_REJECT:
		return of_row(SQL_ENTRY_ACCOUNT, op->u.reject.journal_id);
	case STORE_RETRY:
		return of_retry(&op->u.retry);
	case STORE_DROP:
		return of_job(op->u.drop.job_id);
	case STORE_ACCOUNT:
		return of_account_row(&op->u.account);
	case STORE_NOTE:
		return named(op->u.note_claim.account);
	case STORE_NOTED:
		return of_row(SQL_NOTE_ACCOUNT, op->u.note_done.note_id);
	case STORE_ERASE:
		return named(op->u.erase.account);
	case STORE_SAMPLE:
		return named(op->u.sample.account);
	case STORE_CURSOR:
		return named(op->u.cursor.account);
	case STORE_FOUND:
		return named(op->u.found.account);
	case STORE_LOCK:
		return named(op->u.lock.account);
	case STORE_WALK:
		return named(op->u.walk.account);
	case STORE_EXTEND: /* goes by each row's token alone */
	case STORE_BACKUP: /* a row of its own */
	case STORE_CLOCK:  /* likewise */
	case STORE_PROBE:  /* likewise */
	case STORE_NODE:   /* likewise, and rows that it finds free */
	case STORE_TURN:   /* one statement decides */
		return nobody;
	default: /* retention, and what nobody has thought of yet */
		return (struct scope){.kind = SCOPE_ALL};
	}
}
