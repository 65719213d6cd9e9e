/*
 * A pair that a person rejects after the fact: `journal reject`.
 *
 * Unlike a review's rejection it holds for whatever address the person comes
 * with (a hash of zeros), and for every SunCo user with the same external id:
 * who takes a merge back says that the two are not one.
 */
#include "ops.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "core/restore.h"

static const uint8_t any_address[16];

void db_person_key(const uint8_t person_hash[16], char out[DB_PERSON_KEY_SIZE])
{
	char hex[33];

	out[0] = '\0';
	if (memcmp(person_hash, any_address, sizeof(any_address)) == 0)
		return;
	crypto_hex(person_hash, 16, hex);
	snprintf(out, DB_PERSON_KEY_SIZE, "x:%s", hex);
}

static void put(struct db *q, const struct store_reject *r, int64_t account,
		const char *who, uint64_t profile)
{
	if (*who)
		db_do(q, REJECTED_PUT, db_int(account), db_text(who),
		      db_int((int64_t)db_alias_follow(q, account, profile)),
		      db_blob(any_address, sizeof(any_address)),
		      db_int(r->now_ms), db_str(r->by));
}

static void put_external_id(struct db *q, const struct store_reject *r,
			    int64_t account, const struct journal_entry *e)
{
	struct crypto_hmac *hmac = crypto_hmac_new(q->key, sizeof(q->key));
	char key[DB_PERSON_KEY_SIZE];
	uint8_t hash[16];

	restore_person_hash(e, hmac, hash);
	crypto_hmac_free(hmac);
	db_person_key(hash, key);
	put(q, r, account, key, e->profile_id);
}

/* What is under way about the person decides anew; what is done stays so
 * until they come again. */
static void wake(struct db *q, const struct store_reject *r, int64_t account,
		 const char *sunco_id)
{
	char person[PERSON_SIZE];
	struct db_job job;
	struct db_wake w = {.now_ms = r->now_ms, .wait_ms = r->wait_ms};

	if (!job_person(person, sunco_id, 0) ||
	    !db_job_find(q, account, person, &job) || job.state == JOB_DONE ||
	    job.state == JOB_DEAD)
		return;
	w.lane = job.lane;
	w.source = job.source;
	db_job_wake(q, &job, &w);
}

/* Whose agents were told that the two are linked: it was wrong. */
static void tell(struct db *q, const struct journal_entry *old,
		 const struct journal_entry *e, int64_t now_ms)
{
	struct db_note n = {
		.account = db_account_id(q, old->account, false),
		.job_id = old->job_id,
		.journal_id = e->id,
		.now_ms = now_ms,
	};

	db_note_undone(q, old, &n, e);
}

static int64_t write_down(struct db *q, const struct store_reject *r,
			  int64_t account, const struct journal_entry *old)
{
	char note[64];
	struct journal_entry e = {
		.action = ACTION_NONE,
		.reason = REASON_REJECTED_BEFORE,
		.reasons = REASON_BIT(REASON_REJECTED_BEFORE),
		.status = JOURNAL_DONE,
		.evidence = old->evidence,
		.messaging_user_id = old->messaging_user_id,
		.profile_id = old->profile_id,
		.ticket_id = old->ticket_id,
		.source = old->source,
		.job_id = old->job_id,
		.note = note,
		.decided_by = (char *)(uintptr_t)r->by, /* borrowed */
	};

	snprintf(note, sizeof(note), JOURNAL_UNDONE "%lld", (long long)old->id);
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), old->sunco_id);
	e.id = db_journal_add(q, account, &e, r->now_ms);
	tell(q, old, &e, r->now_ms);
	return e.id;
}

static enum result check(struct db *q, const struct journal_entry *e)
{
	if ((e->action != ACTION_MERGE && e->action != ACTION_ADOPT) ||
	    !e->applied)
		return error_set(q->err, RESULT_CONFLICT,
				 "the entry linked nobody");
	if (e->sunco_id[0] == '\0')
		return error_set(q->err, RESULT_CONFLICT,
				 "the entry's person was erased");
	return RESULT_OK;
}

enum result op_reject(struct db *q, struct store_op *op)
{
	struct store_reject *r = &op->u.reject;
	struct journal_entry e;
	int64_t account;
	enum result result;

	r->entry_id = 0;
	if (!db_journal_get(q, r->journal_id, &e))
		return error_set(q->err, RESULT_NOTFOUND, "no such entry");
	result = check(q, &e);
	if (result == RESULT_OK) {
		account = db_account_id(q, e.account, false);
		put(q, r, account, e.sunco_id, e.profile_id);
		put_external_id(q, r, account, &e);
		db_do(q, LINK_DELETE, db_int(account), db_text(e.sunco_id));
		r->entry_id = write_down(q, r, account, &e);
		wake(q, r, account, e.sunco_id);
	}
	journal_entry_release(&e);
	return result;
}
