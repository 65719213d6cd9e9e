/*
 * Every statement as PostgreSQL takes it: it finds a type for each parameter,
 * one of those that the driver sends, and columns are of types that it reads.
 * And how it goes about those of intake while a new store fills.
 */
#include "pg_factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store/pg.h"

/* Tables of a few rows, and searches for a person, with their own handle. */
static const char walkers[] =
	" SCHEMA BACKUPS NODES_OTHERS FIND_REVIEWS_USER FIND_REVIEWS_ADDRESS ";

static bool is_among(const char *words, const char *word)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), " %s ", word);
	return strstr(words, quoted) != NULL;
}

static void check_types(const char *id, const PGresult *res)
{
	static const Oid known[] = {16, 17, 19, 20, 21, 23, 25, 1043};
	size_t k;
	Oid oid;
	int i;

	for (i = 0; i < PQnparams(res); i++) {
		oid = PQparamtype(res, i);
		if (oid != 20 && oid != 25 && oid != 17)
			fail_msg("%s: ?%d has type %u: CAST it", id, i + 1,
				 oid);
	}
	for (i = 0; i < PQnfields(res); i++) {
		k = 0;
		while (k < ARRAY_LEN(known) && known[k] != PQftype(res, i))
			k++;
		if (k == ARRAY_LEN(known))
			fail_msg("%s: column %d has type %u: CAST it", id,
				 i + 1, PQftype(res, i));
	}
}

/* As it is planned for any values, where an index is taken if one will do. */
static void check_plan(PGconn *conn, const char *id, int params)
{
	char sql[512];
	PGresult *res;
	size_t len;
	int i;

	snprintf(sql, sizeof(sql), "EXPLAIN EXECUTE \"%s\"", id);
	for (i = 0; i < params; i++) {
		len = strlen(sql);
		snprintf(sql + len, sizeof(sql) - len, "%sNULL",
			 i > 0 ? ", " : "(");
	}
	len = strlen(sql);
	snprintf(sql + len, sizeof(sql) - len, "%s", params > 0 ? ")" : "");
	res = PQexec(conn, sql);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", id, PQresultErrorMessage(res));
	for (i = 0; i < PQntuples(res); i++) {
		if (strstr(PQgetvalue(res, i, 0), "Seq Scan") != NULL)
			fail_msg("%s walks: %s", id, PQgetvalue(res, i, 0));
	}
	PQclear(res);
}

static void check(PGconn *conn, const char *id, const char *sql)
{
	uint64_t used;
	char *text = pg_text_query(sql, false, &used);
	PGresult *res = PQprepare(conn, id, text, 0, NULL);

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", id, PQresultErrorMessage(res));
	PQclear(res);
	res = PQdescribePrepared(conn, id);
	check_types(id, res);
	if (!is_among(walkers, id))
		check_plan(conn, id, PQnparams(res));
	PQclear(res);
	free(text);
}

static void every_statement_is_understood(void **state)
{
	static const struct {
		const char *id;
		const char *sql;
	} rows[] = {
#define ROW(id, text) {#id, text},
		SQL_TABLE(ROW)
#undef ROW
	};
	struct pg_database d;
	PGconn *conn;
	size_t i;

	(void)state;
	pg_store_make(&d);
	conn = PQconnectdb(d.url);
	assert_int_equal(PQstatus(conn), CONNECTION_OK);
	PQclear(PQexec(conn, "SET enable_seqscan = off"));
	PQclear(PQexec(conn, "SET plan_cache_mode = force_generic_plan"));
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (strncmp(rows[i].sql, "PRAGMA", 6) != 0 &&
		    !is_among(" BEGIN_READ BEGIN_WRITE COMMIT ROLLBACK ",
			      rows[i].id))
			check(conn, rows[i].id, rows[i].sql);
	}
	PQfinish(conn);
	pg_database_drop(&d);
}

#define PEOPLE 64 /* an event each, in one transaction */
#define TURNS  40

static void take_in(struct store *s, int turn)
{
	struct event e[PEOPLE];
	char person[SUNCO_ID_SIZE];
	struct store_op op;

	for (int i = 0; i < PEOPLE; i++) {
		snprintf(person, sizeof(person), "p%d-%d", turn, i);
		e[i] = ct_event(EVENT_CONVERSATION_CREATE, person);
	}
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = CT_ACCOUNT;
	op.u.accept.events = e;
	op.u.accept.count = PEOPLE;
	op.u.accept.now_ms = 1000;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	assert_int_equal(op.u.accept.woken, PEOPLE);
}

static int64_t looks(const struct pg_database *d, const char *indexes)
{
	char query[256];
	char *text;
	int64_t n;

	snprintf(query, sizeof(query),
		 "SELECT sum(idx_scan) FROM pg_stat_user_indexes"
		 " WHERE relname = 'jobs' AND indexrelname %s",
		 indexes);
	text = pg_database_value(d, query);
	n = strtoll(text, NULL, 10);
	free(text);
	return n;
}

/* The server has not counted the rows yet (this one never does), and made its
 * plans when there were none. */
static void plans_keep_up_with_a_new_store(void **state)
{
	const int64_t half = (int64_t)PEOPLE * TURNS / 2;
	struct pg_database d;
	struct store *s;

	(void)state;
	pg_store_make(&d);
	s = contract_open_url(d.url, STORE_SERVE);
	for (int turn = 0; turn < TURNS; turn++)
		take_in(s, turn);
	store_close(s); /* only then its use of indexes is told */
	for (int tries = 0; tries < 200 && looks(&d, "<> ''") < 2 * half;
	     tries++)
		pg_database_sql(&d, "SELECT pg_sleep(0.05)");
	assert_true(looks(&d, "<> ''") >= 2 * half);
	assert_true(looks(&d, "= 'jobs_person'") > half);
	pg_database_drop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_statement_is_understood),
		cmocka_unit_test(plans_keep_up_with_a_new_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
