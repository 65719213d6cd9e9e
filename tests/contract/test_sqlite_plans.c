/*
 * How SQLite runs each statement of the backend: what runs while the daemon
 * works looks things up, it never walks a table that grows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../src/store/sql.h"
#include "base/str.h"
#include "contract.h"

struct row {
	const char *id;
	const char *sql;
};

static const struct row rows[] = {
#define PLAN_ROW(id, text) {#id, text},
	SQL_TABLE(PLAN_ROW)
#undef PLAN_ROW
};

/* Lists for people walk by id or sort, one recount goes over an index;
 * accounts, versions, sagas under way, walks and backups are few. */
static const char *const walkers[] = {
	"JOURNAL_LIST", "REVIEWS_LIST",
	"JOBS_COUNT",	"ACCOUNT_IDS",
	"JOBS_LIST",	"JOURNAL_OF_USER",
	"SCHEMA",	"JOURNAL_UNFINISHED",
	"CLAIM_SAGAS",	"CURSORS_LIST",
	"BACKUPS",	"NODES_LIST",
	"NODES_OTHERS", "LOOK",
};

/* Forgetting a person is seldom, and looks with a handle of its own. */
static const char *const searches[] = {
	"FIND_REVIEWS_USER",	"FIND_REVIEWS_ADDRESS", "FIND_ENTRIES_USER",
	"FIND_ENTRIES_ADDRESS", "FORGET_PAIRS",		"FORGET_PAIRS_ADDRESS",
	"FORGET_AGENT_MERGES",
};

/* A part of an account's rows, kept small by an index of their own: open
 * reviews, and the breaker's places of a day; of walks there are a few, and
 * of locks those of links under way. When the clock is set, all of that moves,
 * which is seldom. */
static const char *const of_account[] = {
	"STAKES_GET",	 "REVIEW_OLDEST",  "REVIEWS_OPEN", "RESERVED_FULL",
	"CURSORS_LIST",	 "PRUNE_LOCKS",	   "SHIFT_LOCKS",  "SHIFT_NOTES",
	"SHIFT_REVIEWS", "SHIFT_RESERVED", "SHIFT_CURSORS"};

static bool is_among(const char *id, const char *const *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(ids[i], id) == 0)
			return true;
	}
	return false;
}

static void check_row(sqlite3 *db, const struct row *r)
{
	bool walks = is_among(r->id, walkers, ARRAY_LEN(walkers));
	char sql[4096];
	sqlite3_stmt *st;

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", r->sql);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", r->id, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);

		if (strncmp(step, "SCAN", 4) == 0 && !walks)
			fail_msg("%s walks: %s", r->id, step);
		if (strstr(step, "(account=?)") != NULL &&
		    !is_among(r->id, of_account, ARRAY_LEN(of_account)))
			fail_msg("%s walks an account: %s", r->id, step);
		if (strstr(step, "TEMP B-TREE") != NULL && !walks)
			fail_msg("%s sorts: %s", r->id, step);
	}
	sqlite3_finalize(st);
}

static void every_statement_looks_up(void **state)
{
	struct contract_dir dir;
	struct store *s;
	sqlite3 *db;
	size_t i;

	(void)state;
	contract_dir_make(&dir);
	s = contract_open_url(dir.url, STORE_SERVE);
	assert_int_equal(sqlite3_open(dir.path, &db), SQLITE_OK);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (strncmp(rows[i].sql, "PRAGMA", 6) != 0 &&
		    !is_among(rows[i].id, searches, ARRAY_LEN(searches)))
			check_row(db, &rows[i]);
	}
	sqlite3_close(db);
	store_close(s);
	contract_dir_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_looks_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
