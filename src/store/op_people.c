/*
 * What is remembered of people: links (SunCo user -> Zendesk user), aliases
 * (merged user -> survivor), rejected pairs; recalling and erasing it.
 *
 * Invariant: aliases are flat. No to_id is a from_id, so following one takes
 * one look-up and there are no loops.
 */
#include "ops.h"

#include <string.h>

#include "base/str.h"

bool db_link_get(struct db *q, int64_t account, const char *sunco_id,
		 struct store_link *out)
{
	struct db_rows *st;

	memset(out, 0, sizeof(*out));
	if (str_is_empty(sunco_id))
		return false;
	st = db_query(q, LINK_GET, db_int(account), db_text(sunco_id));
	if (!db_step(q, st))
		return false;
	(void)str_copy(out->sunco_id, sizeof(out->sunco_id), sunco_id);
	out->zendesk_user_id = db_col_id(st, 0);
	out->print.known = !db_col_null(st, 1);
	db_col_blob(st, 1, out->print.hash, sizeof(out->print.hash));
	out->checked_ms = db_col_int(st, 2);
	db_end(st);
	return true;
}

void db_link_put(struct db *q, int64_t account, const struct store_link *l)
{
	struct db_val print = {DB_NULL, 0, 0, NULL};

	if (l->print.known)
		print = db_blob(l->print.hash, sizeof(l->print.hash));
	db_do(q, LINK_PUT, db_int(account), db_text(l->sunco_id),
	      db_id(db_alias_follow(q, account, l->zendesk_user_id)), print,
	      db_int(l->checked_ms));
}

bool db_link_fresh(struct db *q, int64_t account, uint64_t user,
		   int64_t since_ms, char sunco_id[SUNCO_ID_SIZE])
{
	struct db_rows *st = db_query(q, LINK_FRESH, db_int(account),
				      db_id(user), db_int(since_ms));

	if (!db_step(q, st))
		return false;
	db_col_str(st, 0, sunco_id, SUNCO_ID_SIZE);
	db_end(st);
	return true;
}

uint64_t db_alias_follow(struct db *q, int64_t account, uint64_t user)
{
	if (user == 0)
		return 0;
	return (uint64_t)db_get(q, (int64_t)user, ALIAS_GET, db_int(account),
				db_id(user));
}

void db_alias_put(struct db *q, int64_t account, uint64_t from, uint64_t to,
		  int64_t now_ms)
{
	uint64_t survivor = db_alias_follow(q, account, to);

	if (from == 0 || survivor == 0 || survivor == from)
		return;
	db_do(q, ALIAS_PUT, db_int(account), db_id(from), db_id(survivor),
	      db_int(now_ms));
	db_do(q, ALIAS_FLATTEN, db_int(account), db_id(from), db_id(survivor));
	db_do(q, LINKS_MOVE, db_int(account), db_id(from), db_id(survivor));
	db_addresses_move(q, account, from, survivor);
	db_rejected_move(q, account, from, survivor);
}

void db_rejected_move(struct db *q, int64_t account, uint64_t from, uint64_t to)
{
	if (from != 0 && to != 0)
		db_do(q, REJECTED_MOVE, db_int(account), db_id(from),
		      db_id(to));
}

/* Rejections stay: anybody with an old key can say that a person was removed,
 * and must not undo a "no" by it. They hold two ids and a keyed hash. */
void db_person_erase(struct db *q, int64_t account, const char *sunco_id,
		     uint64_t user, int64_t now_ms)
{
	struct store_link l;

	if (db_link_get(q, account, sunco_id, &l))
		db_addresses_erase(q, account, l.zendesk_user_id);
	db_addresses_erase(q, account, user);
	db_review_erase(q, account, sunco_id, now_ms);
	db_do(q, LINK_DELETE, db_int(account), db_text(sunco_id));
	db_do(q, SUNCO_MERGE_ERASE, db_int(account), db_text(sunco_id));
	db_do(q, SUNCO_MERGES_ERASE, db_int(account), db_text(sunco_id));
	db_do(q, COUNTED_ERASE, db_int(account), db_text(sunco_id));
	/* who is on the way to this person is this person */
	db_do(q, JOBS_MOVED_ERASE, db_int(account), db_text(sunco_id));
	db_do(q, NOTES_ERASE, db_int(account), db_text(sunco_id));
	db_do(q, JOURNAL_ERASE, db_int(account), db_text(sunco_id));
}

bool db_sunco_merged(struct db *q, int64_t account, const char *from,
		     int64_t since_ms, char to[SUNCO_ID_SIZE])
{
	struct db_rows *st = db_query(q, SUNCO_MERGE_GET, db_int(account),
				      db_text(from), db_int(since_ms));

	if (!db_step(q, st))
		return false;
	db_col_str(st, 0, to, SUNCO_ID_SIZE);
	db_end(st);
	return true;
}

void db_person_merge(struct db *q, int64_t account, const char *from,
		     const char *to)
{
	db_do(q, LINK_DELETE, db_int(account), db_text(from));
	db_do(q, REJECTED_COPY, db_int(account), db_text(from), db_text(to));
}

static bool is_rejected(struct db *q, int64_t account,
			const struct store_recall *r, uint64_t profile)
{
	static const uint8_t any_address[16];
	char key[DB_PERSON_KEY_SIZE];

	db_person_key(r->person_hash, key);
	return db_get(q, 0, REJECTED_HAS, db_int(account), db_text(r->sunco_id),
		      db_int((int64_t)profile),
		      db_blob(r->address_hash, sizeof(r->address_hash)),
		      db_text(key),
		      db_blob(any_address, sizeof(any_address))) != 0;
}

static void recall_user(struct db *q, int64_t account, struct store_recall *r,
			size_t i)
{
	uint64_t id = r->ids[i];

	r->survivor[i] = db_alias_follow(q, account, id);
	r->survived[i] =
		db_get(q, 0, ALIAS_ENDED_IN, db_int(account), db_id(id)) != 0;
	r->rejected[i] = is_rejected(q, account, r, id);
	r->merges_today[i] = db_merges_today(q, account, id, r->now_ms);
	db_review_asked_of(
		q, db_query(q, REVIEW_OF_PROFILE, db_int(account), db_id(id)),
		r->sunco_id, &r->asked[i]);
}

/* Asked for a ticket's requester only, of whom no more is known. */
static bool is_being_merged(struct db *q, int64_t account,
			    const struct store_recall *r)
{
	return r->sunco_id[0] == '\0' && r->ids[0] != 0 &&
	       db_get(q, 0, MERGE_OPEN, db_int(account), db_id(r->ids[0])) != 0;
}

enum result op_recall(struct db *q, struct store_op *op)
{
	struct store_recall *r = &op->u.recall;
	int64_t account = db_account_id(q, r->account, false);
	size_t i;

	memset(r->survivor, 0, sizeof(r->survivor));
	memset(r->survived, 0, sizeof(r->survived));
	memset(r->rejected, 0, sizeof(r->rejected));
	memset(r->merges_today, 0, sizeof(r->merges_today));
	memset(r->asked, 0, sizeof(r->asked));
	memset(&r->asked_adopt, 0, sizeof(r->asked_adopt));
	for (i = 0; i < STORE_RECALL_MAX; i++) {
		if (r->ids[i] != 0)
			recall_user(q, account, r, i);
	}
	if (r->ids[0] != 0)
		db_review_asked_of(q,
				   db_query(q, REVIEW_OF_USER, db_int(account),
					    db_id(r->ids[0])),
				   r->sunco_id, &r->asked_adopt);
	r->merging = is_being_merged(q, account, r);
	r->rejected_adopt = is_rejected(q, account, r, 0);
	r->merges_this_hour = db_merges_this_hour(q, account, r->now_ms);
	r->linked = db_link_get(q, account, r->sunco_id, &r->link);
	r->owner_count = db_address_owners(q, account, r->address_hash,
					   r->ids[0], r->owners);
	return RESULT_OK;
}
