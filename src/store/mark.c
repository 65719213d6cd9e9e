/*
 * The mark of an unfinished copy; see mark.h. It is a row of the table meta:
 * a store that is complete has its key there, and no mark.
 */
#include "mark.h"

static enum result answer(const struct db *db, enum result r)
{
	return db->failed ? RESULT_TEMP : r;
}

bool mark_read(struct db *db, struct mark *out)
{
	struct db_rows *r = db_plain(db, MARK_GET);

	if (!db_step(db, r))
		return false;
	db_col_blob(r, 0, out, sizeof(*out));
	db_end(r);
	return true;
}

enum result mark_refuse(struct db *db, struct error *err)
{
	struct mark m;

	if (!mark_read(db, &m))
		return answer(db, RESULT_OK);
	return error_set(err, RESULT_PERM,
			 "it is a copy that is not complete: finish it with "
			 "`reunite store copy`, or remove it");
}

enum result mark_check_target(struct db *db, struct error *err)
{
	struct db_rows *key;
	struct mark m;

	if (mark_read(db, &m))
		return answer(db, RESULT_OK);
	key = db_plain(db, KEY_GET);
	if (!db_step(db, key))
		return answer(db, RESULT_OK);
	db_end(key);
	return error_set(
		err, RESULT_CONFLICT,
		"there is a store already, or a copy that is complete: "
		"a copy needs a new one");
}

void mark_put(struct db *db, const struct mark *m)
{
	db_do(db, MARK_PUT, db_blob(m, sizeof(*m)));
}

static enum result taken(struct db *db, int rows, struct error *err)
{
	if (rows == 1)
		return answer(db, RESULT_OK);
	return answer(db, error_set(err, RESULT_CONFLICT,
				    "another `reunite store copy` goes on with "
				    "it"));
}

enum result mark_change(struct db *db, const struct mark *from,
			const struct mark *to, struct error *err)
{
	return taken(db,
		     db_exec(db, MARK_TAKE, db_blob(to, sizeof(*to)),
			     db_blob(from, sizeof(*from))),
		     err);
}

enum result mark_drop(struct db *db, const struct mark *m, struct error *err)
{
	return taken(db, db_exec(db, MARK_DROP, db_blob(m, sizeof(*m))), err);
}
