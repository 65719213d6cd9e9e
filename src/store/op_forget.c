/*
 * Forgetting a person: first what speaks of them is looked for (it walks
 * journal and reviews, without a lock), then it is erased by id, in one short
 * transaction.
 *
 * Found are the users who have or had the address, the users who were merged
 * into them, and the SunCo users linked with any of them; what those lead to
 * is not followed further: a conversation that was joined by mistake must not
 * take a stranger along.
 */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "core/address.h"

static void add_user(struct store_find *f, uint64_t user)
{
	for (size_t i = 0; i < f->user_count; i++)
		if (f->users[i] == user)
			return;
	if (user == 0)
		return;
	f->users = xrealloc(f->users, (f->user_count + 1) * sizeof(*f->users));
	f->users[f->user_count++] = user;
}

static void add_sunco(struct store_find *f, const char *id)
{
	for (size_t i = 0; i < f->sunco_count; i++)
		if (str_eq(f->sunco_ids[i], id))
			return;
	if (str_is_empty(id))
		return;
	f->sunco_ids = xrealloc(f->sunco_ids,
				(f->sunco_count + 1) * sizeof(*f->sunco_ids));
	(void)str_copy(f->sunco_ids[f->sunco_count++], sizeof(*f->sunco_ids),
		       id);
}

static void add_id(int64_t **ids, size_t *count, int64_t id)
{
	for (size_t i = 0; i < *count; i++)
		if ((*ids)[i] == id)
			return;
	*ids = xrealloc(*ids, (*count + 1) * sizeof(**ids));
	(*ids)[(*count)++] = id;
}

static void each_user(struct db *q, struct store_find *f, struct db_rows *st)
{
	while (db_step(q, st))
		add_user(f, db_col_id(st, 0));
}

static void each_sunco(struct db *q, struct store_find *f, struct db_rows *st)
{
	char id[PERSON_SIZE];

	while (db_step(q, st)) {
		db_col_str(st, 0, id, sizeof(id));
		add_sunco(f, str_starts(id, "s:") ? id + 2 : id);
	}
}

static void each_review(struct db *q, struct store_find *f, struct db_rows *st)
{
	while (db_step(q, st))
		add_id(&f->reviews, &f->review_count, db_col_int(st, 0));
}

static void each_entry(struct db *q, struct store_find *f, struct db_rows *st)
{
	while (db_step(q, st))
		add_id(&f->entries, &f->entry_count, db_col_int(st, 0));
}

static struct db_val hash_of(const struct db *q, const char *address,
			     uint8_t out[16])
{
	struct crypto_hmac *hmac = crypto_hmac_new(q->key, sizeof(q->key));

	address_hash(hmac, address, out);
	crypto_hmac_free(hmac);
	return db_blob(out, 16);
}

static void find_of_address(struct db *q, struct store_find *f, int64_t account)
{
	uint8_t hash[16];
	struct db_val h = hash_of(q, f->address, hash);

	each_user(q, f, db_query(q, FIND_OWNERS, db_int(account), h));
	each_review(q, f,
		    db_query(q, FIND_REVIEWS_ADDRESS, db_int(account), h,
			     db_text(f->address)));
	each_entry(q, f,
		   db_query(q, FIND_ENTRIES_ADDRESS, db_int(account),
			    db_text(f->address)));
}

static void find_of_user(struct db *q, struct store_find *f, int64_t account,
			 uint64_t user)
{
	struct db_val a = db_int(account), u = db_id(user);

	each_sunco(q, f, db_query(q, FIND_LINKS, a, u));
	each_sunco(q, f, db_query(q, FIND_JOBS, a, u));
	each_review(q, f, db_query(q, FIND_REVIEWS_USER, a, u));
	each_entry(q, f, db_query(q, FIND_ENTRIES_USER, a, u));
}

static void find_of_sunco(struct db *q, struct store_find *f, int64_t account,
			  const char *id)
{
	struct store_link l;

	if (db_link_get(q, account, id, &l))
		add_user(f, l.zendesk_user_id);
	each_review(
		q, f,
		db_query(q, REVIEWS_OF_SUNCO, db_int(account), db_text(id)));
	each_entry(
		q, f,
		db_query(q, FIND_ENTRIES_SUNCO, db_int(account), db_text(id)));
}

enum result op_find(struct db *q, struct store_op *op)
{
	struct store_find *f = &op->u.find;
	int64_t account = db_account_id(q, f->account, false);
	size_t i, seeds;

	add_user(f, f->zendesk_user_id);
	add_sunco(f, f->sunco_id);
	if (!str_is_empty(f->address))
		find_of_address(q, f, account);
	for (i = 0; i < f->sunco_count; i++)
		find_of_sunco(q, f, account, f->sunco_ids[i]);
	seeds = f->user_count;
	for (i = 0; i < seeds; i++)
		each_user(q, f,
			  db_query(q, FIND_ABSORBED, db_int(account),
				   db_id(f->users[i])));
	for (i = 0; i < f->user_count; i++)
		find_of_user(q, f, account, f->users[i]);
	for (i = 0; i < f->sunco_count; i++)
		find_of_sunco(q, f, account, f->sunco_ids[i]);
	return RESULT_OK;
}

/* --- erasing --- */

static void erase_job(struct db *q, struct store_erase *e, int64_t account,
		      const char *person)
{
	struct db_job job;

	if (!db_job_find(q, account, person, &job))
		return;
	if (db_job_busy(q, &job)) {
		e->busy += db_exec(q, JOB_FORGET, db_int(job.id));
		return;
	}
	db_job_delete(q, &job, e->now_ms);
	e->jobs++;
}

static void erase_sunco(struct db *q, struct store_erase *e, int64_t account,
			const char *id)
{
	char person[PERSON_SIZE];

	if (job_person(person, id, 0))
		erase_job(q, e, account, person);
	e->links +=
		(int)db_get(q, 0, FIND_LINKED, db_int(account), db_text(id));
	e->pairs +=
		db_exec(q, FORGET_PAIRS_SUNCO, db_int(account), db_text(id));
	db_person_erase(q, account, id, 0, e->now_ms);
}

static void erase_user(struct db *q, struct store_erase *e, int64_t account,
		       uint64_t user)
{
	struct db_val a = db_int(account), u = db_id(user);
	char person[PERSON_SIZE];

	if (job_person(person, "", user))
		erase_job(q, e, account, person);
	e->addresses += db_exec(q, ADDRESSES_ERASE, a, u);
	e->pairs += db_exec(q, FORGET_PAIRS, a, u);
	db_do(q, FORGET_AGENT_MERGES, a, u);
}

static void erase_address(struct db *q, struct store_erase *e, int64_t account)
{
	uint8_t hash[16];
	struct db_val h = hash_of(q, e->who->address, hash);

	e->addresses += db_exec(q, FORGET_ADDRESS, db_int(account), h);
	e->pairs += db_exec(q, FORGET_PAIRS_ADDRESS, db_int(account), h);
}

enum result op_erase(struct db *q, struct store_op *op)
{
	struct store_erase *e = &op->u.erase;
	const struct store_find *who = e->who;
	int64_t account = db_account_id(q, e->account, false);
	size_t i;

	e->jobs = e->busy = e->links = e->pairs = e->addresses = 0;
	e->reviews = e->entries = 0;
	for (i = 0; i < who->review_count; i++)
		e->reviews += db_review_drop(q, who->reviews[i], e->now_ms);
	for (i = 0; i < who->sunco_count; i++)
		erase_sunco(q, e, account, who->sunco_ids[i]);
	for (i = 0; i < who->user_count; i++)
		erase_user(q, e, account, who->users[i]);
	if (!str_is_empty(who->address))
		erase_address(q, e, account);
	for (i = 0; i < who->entry_count; i++)
		e->entries += db_exec(q, FORGET_ENTRY, db_int(who->entries[i]));
	return RESULT_OK;
}
