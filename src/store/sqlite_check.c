/*
 * Is the file of a store whole?
 */
#include "sqlite_db.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A heading may come before what is wrong. */
static char *last_line(const char *words)
{
	const char *end = strrchr(words, '\n');

	return xstrdup(end != NULL ? end + 1 : words);
}

/* Its words name pages, tables and indexes, never what is in them. */
int sq_check_file(sqlite3 *db, bool quick, char **damage)
{
	sqlite3_stmt *st = NULL;
	const char *words = NULL;
	int rc = sqlite3_prepare_v2(db,
				    quick ? "PRAGMA quick_check(1)"
					  : "PRAGMA integrity_check(1)",
				    -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		words = (const char *)sqlite3_column_text(st, 0);
	else if (sq_is_damage(rc))
		words = "malformed";
	if (words != NULL && strcmp(words, "ok") != 0)
		*damage = last_line(words);
	sqlite3_finalize(st);
	return words != NULL ? SQLITE_OK : rc;
}

char *sq_damage(struct db *d, bool quick)
{
	struct sq *q = (struct sq *)d;
	char *damage = NULL;
	int rc = sq_check_file(q->db, quick, &damage);

	if (rc == SQLITE_OK)
		return damage;
	free(damage);
	sq_fail(q, rc, "queue check");
	return NULL;
}
