/*
 * Where whole copies of the store are: whoever erases a person has to know.
 */
#include "ops.h"

enum result op_backup(struct db *q, struct store_op *op)
{
	const struct store_backup *b = &op->u.backup;

	if (b->made_ms != 0)
		db_do(q, BACKUP_PUT, db_str(b->host), db_str(b->name),
		      db_int(b->made_ms));
	else
		db_do(q, BACKUP_DELETE, db_str(b->host), db_str(b->name));
	return RESULT_OK;
}

enum result op_backups(struct db *q, struct store_op *op)
{
	struct store_backups *l = &op->u.backups;
	struct db_rows *r = db_query(q, BACKUPS, db_int(STORE_LIST_MAX));

	l->count = 0;
	l->rows = xcalloc(STORE_LIST_MAX, sizeof(*l->rows));
	while (db_step(q, r)) {
		struct store_backup_row *row = &l->rows[l->count++];

		row->host = db_col_text(r, 0);
		row->name = db_col_text(r, 1);
		row->made_ms = db_col_int(r, 2);
	}
	return RESULT_OK;
}
