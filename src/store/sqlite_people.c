/*
 * What is remembered of people: links (SunCo user -> Zendesk user), aliases
 * (merged user -> survivor), rejected pairs; recalling and erasing it.
 *
 * Invariant: aliases are flat. No to_id is a from_id, so following one takes
 * one look-up and there are no loops.
 */
#include "sqlite_ops.h"

#include <string.h>

#include "base/str.h"

bool sq_link_get(struct sq *q, int64_t account, const char *sunco_id,
		 struct store_link *out)
{
	sqlite3_stmt *st;

	memset(out, 0, sizeof(*out));
	if (str_is_empty(sunco_id))
		return false;
	st = sq_query(q, LINK_GET, sq_int(account), sq_text(sunco_id));
	if (!sq_step(q, st))
		return false;
	(void)str_copy(out->sunco_id, sizeof(out->sunco_id), sunco_id);
	out->zendesk_user_id = sq_col_id(st, 0);
	out->print.known = sqlite3_column_type(st, 1) != SQLITE_NULL;
	sq_col_blob(st, 1, out->print.hash, sizeof(out->print.hash));
	out->checked_ms = sqlite3_column_int64(st, 2);
	sq_end(st);
	return true;
}

void sq_link_put(struct sq *q, int64_t account, const struct store_link *l)
{
	struct sq_val print = {SQ_NULL, 0, 0, NULL};

	if (l->print.known)
		print = sq_blob(l->print.hash, sizeof(l->print.hash));
	sq_exec(q, LINK_PUT, sq_int(account), sq_text(l->sunco_id),
		sq_id(sq_alias_follow(q, account, l->zendesk_user_id)), print,
		sq_int(l->checked_ms));
}

bool sq_link_fresh(struct sq *q, int64_t account, uint64_t user,
		   int64_t since_ms, char sunco_id[SUNCO_ID_SIZE])
{
	sqlite3_stmt *st = sq_query(q, LINK_FRESH, sq_int(account), sq_id(user),
				    sq_int(since_ms));

	if (!sq_step(q, st))
		return false;
	sq_col_str(st, 0, sunco_id, SUNCO_ID_SIZE);
	sq_end(st);
	return true;
}

uint64_t sq_alias_follow(struct sq *q, int64_t account, uint64_t user)
{
	if (user == 0)
		return 0;
	return (uint64_t)sq_get(q, (int64_t)user, ALIAS_GET, sq_int(account),
				sq_id(user));
}

void sq_alias_put(struct sq *q, int64_t account, uint64_t from, uint64_t to,
		  int64_t now_ms)
{
	uint64_t survivor = sq_alias_follow(q, account, to);

	if (from == 0 || survivor == 0 || survivor == from)
		return;
	sq_exec(q, ALIAS_PUT, sq_int(account), sq_id(from), sq_id(survivor),
		sq_int(now_ms));
	sq_exec(q, ALIAS_FLATTEN, sq_int(account), sq_id(from),
		sq_id(survivor));
	sq_exec(q, LINKS_MOVE, sq_int(account), sq_id(from), sq_id(survivor));
	sq_addresses_move(q, account, from, survivor);
	sq_rejected_move(q, account, from, survivor);
}

void sq_rejected_move(struct sq *q, int64_t account, uint64_t from, uint64_t to)
{
	if (from != 0 && to != 0)
		sq_exec(q, REJECTED_MOVE, sq_int(account), sq_id(from),
			sq_id(to));
}

/* Rejections stay: anybody with an old key can say that a person was removed,
 * and must not undo a "no" by it. They hold two ids and a keyed hash. */
void sq_person_erase(struct sq *q, int64_t account, const char *sunco_id,
		     uint64_t user, int64_t now_ms)
{
	struct store_link l;

	if (sq_link_get(q, account, sunco_id, &l))
		sq_addresses_erase(q, account, l.zendesk_user_id);
	sq_addresses_erase(q, account, user);
	sq_review_erase(q, account, sunco_id, now_ms);
	sq_exec(q, LINK_DELETE, sq_int(account), sq_text(sunco_id));
	sq_exec(q, SUNCO_MERGE_ERASE, sq_int(account), sq_text(sunco_id));
	sq_exec(q, SUNCO_MERGES_ERASE, sq_int(account), sq_text(sunco_id));
	sq_exec(q, COUNTED_ERASE, sq_int(account), sq_text(sunco_id));
	/* who is on the way to this person is this person */
	sq_exec(q, JOBS_MOVED_ERASE, sq_int(account), sq_text(sunco_id));
	sq_exec(q, NOTES_ERASE, sq_int(account), sq_text(sunco_id));
	sq_exec(q, JOURNAL_ERASE, sq_int(account), sq_text(sunco_id));
}

bool sq_sunco_merged(struct sq *q, int64_t account, const char *from,
		     int64_t since_ms, char to[SUNCO_ID_SIZE])
{
	sqlite3_stmt *st = sq_query(q, SUNCO_MERGE_GET, sq_int(account),
				    sq_text(from), sq_int(since_ms));

	if (!sq_step(q, st))
		return false;
	sq_col_str(st, 0, to, SUNCO_ID_SIZE);
	sq_end(st);
	return true;
}

void sq_person_merge(struct sq *q, int64_t account, const char *from,
		     const char *to)
{
	sq_exec(q, LINK_DELETE, sq_int(account), sq_text(from));
	sq_exec(q, REJECTED_COPY, sq_int(account), sq_text(from), sq_text(to));
}

static bool is_rejected(struct sq *q, int64_t account,
			const struct store_recall *r, uint64_t profile)
{
	static const uint8_t any_address[16];
	char key[SQ_PERSON_KEY_SIZE];

	sq_person_key(r->person_hash, key);
	return sq_get(q, 0, REJECTED_HAS, sq_int(account), sq_text(r->sunco_id),
		      sq_int((int64_t)profile),
		      sq_blob(r->address_hash, sizeof(r->address_hash)),
		      sq_text(key),
		      sq_blob(any_address, sizeof(any_address))) != 0;
}

static void recall_user(struct sq *q, int64_t account, struct store_recall *r,
			size_t i)
{
	uint64_t id = r->ids[i];

	r->survivor[i] = sq_alias_follow(q, account, id);
	r->survived[i] =
		sq_get(q, 0, ALIAS_ENDED_IN, sq_int(account), sq_id(id)) != 0;
	r->rejected[i] = is_rejected(q, account, r, id);
	r->merges_today[i] = sq_merges_today(q, account, id, r->now_ms);
	sq_review_asked_of(
		q, sq_query(q, REVIEW_OF_PROFILE, sq_int(account), sq_id(id)),
		r->sunco_id, &r->asked[i]);
}

enum result sq_op_recall(struct sq *q, struct store_op *op)
{
	struct store_recall *r = &op->u.recall;
	int64_t account = sq_account_id(q, r->account, false);
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
		sq_review_asked_of(q,
				   sq_query(q, REVIEW_OF_USER, sq_int(account),
					    sq_id(r->ids[0])),
				   r->sunco_id, &r->asked_adopt);
	r->rejected_adopt = is_rejected(q, account, r, 0);
	r->merges_this_hour = sq_merges_this_hour(q, account, r->now_ms);
	r->linked = sq_link_get(q, account, r->sunco_id, &r->link);
	r->owner_count = sq_address_owners(q, account, r->address_hash,
					   r->ids[0], r->owners);
	return RESULT_OK;
}
