/*
 * Statements: prepared once per connection at their first use, sent with typed
 * values, rows read in binary. See db.h.
 *
 * All goes through libpq's pipeline: a statement whose outcome nobody needs
 * (post) is only put into the buffer; whoever needs rows sends what is there
 * and reads every outcome before its own. The first error ends the
 * transaction; what follows in the pipeline the server leaves out.
 *
 * Parameters have the types that the server finds for them: bigint, text or
 * bytea, else the statement needs a CAST; a test prepares all of them. Behind
 * a pooler that does not keep prepared statements (see pg_is_forgetful) each
 * is sent with its text.
 */
#include "pg.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX 1024

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23
};

static struct pg_rows *rows_of(struct db_rows *r)
{
	return (struct pg_rows *)r;
}

static struct pg *owner(const struct pg_rows *r)
{
	return pg_of(r->base.db);
}

static void args_put(struct pg_args *a, size_t i, const struct db_val *v)
{
	a->formats[i] = 1;
	a->values[i] = a->cleaned[i] = NULL;
	a->lengths[i] = 0;
	switch (v->type) {
	case DB_INT:
		a->numbers[i] = (int64_t)htobe64((uint64_t)v->num);
		a->values[i] = (const char *)&a->numbers[i];
		a->lengths[i] = (int)sizeof(a->numbers[i]);
		break;
	case DB_TEXT:
		a->cleaned[i] = pg_text_clean(v->ptr);
		a->values[i] = a->cleaned[i] != NULL ? a->cleaned[i] : v->ptr;
		a->lengths[i] = (int)strlen(a->values[i]);
		break;
	case DB_BLOB:
		a->values[i] = v->len > 0 ? v->ptr : "";
		a->lengths[i] = v->len;
		break;
	case DB_NULL:
		break;
	}
}

/* A value that the text does not use needs a type of its own. */
static void args_fill(struct pg_args *a, const struct pg_rows *r)
{
	size_t i;

	a->count = r->count;
	for (i = 0; i < r->count; i++) {
		args_put(a, i, &r->values[i]);
		a->types[i] = 0;
		if (i < 64 && (r->used >> i & 1) == 0)
			a->types[i] = r->values[i].type == DB_INT ? OID_INT8
								  : OID_BYTEA;
	}
}

static void args_release(struct pg_args *a)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		free(a->cleaned[i]);
}

/* The outcome of the oldest statement; *out (*new*) when it is wanted. */
static bool take(struct pg *p, PGresult **out)
{
	PGresult *res, *last = NULL;
	ExecStatusType status = PGRES_COMMAND_OK;
	bool expected;

	while ((res = pg_result(p)) != NULL) {
		PQclear(last);
		last = res;
	}
	expected = pg_expect_is_next(p);
	if (p->conn != NULL) {
		p->pending--;
		p->taken++;
	}
	if (last != NULL)
		status = PQresultStatus(last);
	if (status == PGRES_PIPELINE_ABORTED)
		pg_fail(p, "25P02", "an earlier statement failed");
	else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		pg_fail_result(p, last);
	if (p->db.failed)
		PQclear(last);
	else if (expected)
		pg_expect_answer(p, last);
	else if (out == NULL)
		PQclear(last);
	else
		*out = last;
	return !p->db.failed;
}

/* Everything that is expected. */
static bool take_expected(struct pg *p)
{
	if (pg_expect_awaits(p))
		(void)pg_turn(p);
	while (pg_expect_awaits(p))
		if (!take(p, NULL))
			return false;
	return true;
}

/* Everything up to the last statement sent, whose outcome it is. */
static bool take_last(struct pg *p, PGresult **out)
{
	(void)pg_turn(p);
	while (p->pending > 1) {
		if (!take(p, NULL))
			return false;
	}
	return p->pending == 1 && take(p, out);
}

static bool sent(struct pg *p, int ok)
{
	if (ok) {
		p->pending++;
		return true;
	}
	pg_fail(p, "08006", "the connection is lost");
	pg_drop(p);
	return false;
}

static bool is_there(struct pg *p)
{
	if (p->conn != NULL)
		return true;
	pg_fail(p, "08003", "there is no connection");
	return false;
}

static bool prepare(struct pg_rows *r, const struct pg_args *a)
{
	struct pg *p = owner(r);

	if (!sent(p, PQsendPrepare(p->conn, r->name, r->sql, (int)a->count,
				   a->types)) ||
	    !take_last(p, NULL))
		return false;
	r->session = p->session;
	return true;
}

static void translate(struct pg_rows *r, bool returns)
{
	if (r->sql != NULL && r->returns == returns)
		return;
	free(r->sql);
	r->sql = pg_text_query(r->text, returns, &r->used);
	r->returns = returns;
	r->session = 0;
	pg_text_name(r->sql, r->name);
}

static bool is_prepared(struct pg_rows *r, const struct pg_args *a)
{
	const struct pg *p = owner(r);

	return r->once || p->plain || r->session == p->session || prepare(r, a);
}

static bool send_args(struct pg_rows *r, const struct pg_args *a)
{
	struct pg *p = owner(r);

	if (r->once || p->plain)
		return sent(p, PQsendQueryParams(p->conn, r->sql, (int)a->count,
						 a->types, a->values,
						 a->lengths, a->formats, 1));
	if (!is_prepared(r, a))
		return false;
	return sent(p,
		    PQsendQueryPrepared(p->conn, r->name, (int)a->count,
					a->values, a->lengths, a->formats, 1));
}

/* It is one of sql.h. */
static bool is_listed(const struct pg_rows *r)
{
	const struct pg *p = owner(r);

	return r >= p->rows && r < p->rows + SQL_COUNT;
}

static enum sql id_of(const struct pg_rows *r)
{
	return (enum sql)(r - owner(r)->rows);
}

static bool send_rows(struct pg_rows *r, bool returns)
{
	struct pg *p = owner(r);
	bool ok;

	if (!is_there(p))
		return false;
	if (is_listed(r)) {
		if (!take_expected(p))
			return false;
		pg_expect_spoil(p, id_of(r), r->text, r->values);
	}
	if (p->db.mode != STORE_SERVE)
		pg_limit(p, p->patience_ms);
	translate(r, returns);
	args_fill(&p->args, r);
	ok = send_args(r, &p->args);
	args_release(&p->args);
	if (ok && p->pending >= PENDING_MAX)
		ok = take_last(p, NULL);
	return ok;
}

static void drv_end(struct db_rows *b)
{
	struct pg_rows *r = rows_of(b);

	PQclear(r->res);
	r->res = NULL;
	if (r->once) {
		pg_rows_release(r);
		free(r);
	}
}

static struct db_rows *fill(struct pg *p, struct pg_rows *r, const char *text,
			    const struct db_val *values, size_t count)
{
	size_t i;

	assert(count <= PG_VALUES_MAX);
	r->base.db = &p->db;
	r->text = text;
	if (count > r->cap) {
		r->cap = count;
		r->values = xrealloc(r->values, count * sizeof(*r->values));
	}
	for (i = 0; i < count; i++)
		r->values[i] = values[i];
	r->count = count;
	PQclear(r->res);
	r->res = NULL;
	r->row = -1;
	return &r->base;
}

static struct db_rows *drv_bind(struct db *d, enum sql id,
				const struct db_val *values, size_t count)
{
	struct pg *p = pg_of(d);

	return fill(p, &p->rows[id], sql_texts[id], values, count);
}

static struct db_rows *drv_bind_text(struct db *d, const char *text,
				     const struct db_val *values, size_t count)
{
	struct pg_rows *r = xcalloc(1, sizeof(*r));

	r->once = true;
	return fill(pg_of(d), r, text, values, count);
}

/* Behind what was expected before; sent again after all if it is too much. */
static void drv_expect(struct db *d, enum sql id, const struct db_val *values,
		       size_t count)
{
	struct pg *p = pg_of(d);
	struct pg_rows *r = (struct pg_rows *)drv_bind(d, id, values, count);

	if (!is_there(p) || p->pending >= PENDING_MAX)
		return;
	translate(r, false);
	args_fill(&p->args, r);
	if (is_prepared(r, &p->args) && pg_expect_add(p, id, values, count))
		(void)send_args(r, &p->args);
	args_release(&p->args);
}

static bool fetch(struct pg_rows *r, bool returns)
{
	struct pg *p = owner(r);

	if (is_listed(r) && !returns && take_expected(p)) {
		r->res = pg_expect_take(p, id_of(r), r->values, r->count);
		if (r->res != NULL)
			return true;
	}
	return send_rows(r, returns) && take_last(owner(r), &r->res);
}

static bool drv_step(struct db_rows *b)
{
	struct pg_rows *r = rows_of(b);

	if ((r->res != NULL || fetch(r, false)) && ++r->row < PQntuples(r->res))
		return true;
	drv_end(b);
	return false;
}

static int drv_run(struct db_rows *b)
{
	struct pg_rows *r = rows_of(b);
	int n = 0;

	if (r->res != NULL || fetch(r, false))
		n = atoi(PQcmdTuples(r->res));
	drv_end(b);
	return n;
}

static void drv_post(struct db_rows *b)
{
	(void)send_rows(rows_of(b), false);
	drv_end(b);
}

static int64_t drv_insert(struct db_rows *b)
{
	struct pg_rows *r = rows_of(b);
	int64_t id = 0;

	if (fetch(r, true) && PQntuples(r->res) == 1) {
		r->row = 0;
		id = pg_driver.col_int(b, 0);
	}
	drv_end(b);
	return id;
}

static bool drv_is_null(struct db_rows *b, int i)
{
	const struct pg_rows *r = rows_of(b);

	return PQgetisnull(r->res, r->row, i) != 0;
}

static int64_t int_of(const char *bytes, int len)
{
	uint64_t n = (uint64_t)(int64_t)(signed char)bytes[0];
	int i;

	for (i = 1; i < len; i++)
		n = n << 8 | (unsigned char)bytes[i];
	return (int64_t)n;
}

static int64_t drv_col_int(struct db_rows *b, int i)
{
	struct pg_rows *r = rows_of(b);

	if (drv_is_null(b, i))
		return 0;
	switch (PQftype(r->res, i)) {
	case OID_BOOL:
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		return int_of(PQgetvalue(r->res, r->row, i),
			      PQgetlength(r->res, r->row, i));
	default:
		pg_fail(owner(r), "42804", "a column is not a whole number");
		return 0;
	}
}

/* libpq ends every value with a NUL. */
static const char *drv_col_text(struct db_rows *b, int i)
{
	const struct pg_rows *r = rows_of(b);

	return drv_is_null(b, i) ? NULL : PQgetvalue(r->res, r->row, i);
}

static const void *drv_col_bytes(struct db_rows *b, int i, size_t *len)
{
	const struct pg_rows *r = rows_of(b);

	*len = (size_t)PQgetlength(r->res, r->row, i);
	return drv_is_null(b, i) ? NULL : PQgetvalue(r->res, r->row, i);
}

/* Its server looks after its files. */
static char *no_damage(struct db *d, bool quick)
{
	(void)d;
	(void)quick;
	return NULL;
}

void pg_rows_release(struct pg_rows *r)
{
	PQclear(r->res);
	free(r->sql);
	free(r->values);
}

const struct db_driver pg_driver = {
	.bind = drv_bind,
	.bind_text = drv_bind_text,
	.expect = drv_expect,
	.step = drv_step,
	.end = drv_end,
	.run = drv_run,
	.post = drv_post,
	.insert = drv_insert,
	.is_null = drv_is_null,
	.col_int = drv_col_int,
	.col_text = drv_col_text,
	.col_bytes = drv_col_bytes,
	.version = pg_version,
	.now_ms = pg_now_ms,
	.health = pg_health,
	.damage = no_damage,
	.last_id = pg_last_id,
	.set_last_id = pg_set_last_id,
};

/* --- what is not in sql.h --- */

#define LIMITS(statement, lock, idle)                                          \
	"SELECT set_config('statement_timeout', '" statement "', true),"       \
	" set_config('lock_timeout', '" lock "', true),"                       \
	" set_config('idle_in_transaction_session_timeout', '" idle            \
	"', true),"                                                            \
	" set_config('synchronous_commit',"                                    \
	" CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')" \
	" THEN 'on' ELSE current_setting('synchronous_commit') END, true)"

#define NOW_MS "CAST(extract(epoch FROM now()) * 1000 AS INTEGER)"
/* "reun", and the account's number; 0: all of them. */
#define TURN(lock, account) "SELECT " lock "(1919251822, " account ")"
#define ACCOUNT		    "CAST(CAST(?1 AS INTEGER) AS int4)"

static const char *const own_texts[PG_OWN_COUNT] = {
	[PG_OWN_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
	[PG_OWN_BEGIN_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[PG_OWN_PLAN_ANEW] = "DISCARD PLANS",
	[PG_OWN_LIMITS_SERVE] = LIMITS("4000", "2000", "3000"),
	[PG_OWN_LIMITS_COMMAND] = LIMITS("9000", "5000", "10000"),
	/* A snapshot that nobody reads any more ends by itself. */
	[PG_OWN_LIMITS_LONG] = LIMITS("600000", "60000", "600000"),
	[PG_OWN_TURN_OF_ALL] = TURN("pg_advisory_xact_lock", "0"),
	[PG_OWN_SHARE_WITH_ALL] = TURN("pg_advisory_xact_lock_shared", "0"),
	[PG_OWN_TURN] = TURN("pg_advisory_xact_lock", ACCOUNT),
	[PG_OWN_SHARE_TURN] = TURN("pg_advisory_xact_lock_shared", ACCOUNT),
	/* Division by zero: a later one is there. */
	[PG_OWN_MARK] = "INSERT INTO commits(id, n, at_ms) VALUES(?1, ?2,"
			" " NOW_MS ") ON CONFLICT(id)"
			" DO UPDATE SET n = ?2 / CASE WHEN commits.n < ?2"
			" THEN 1 ELSE 0 END, at_ms = " NOW_MS,
	/* Waits for the first mark, too, of which there is no row yet. */
	[PG_OWN_MARKED] = "INSERT INTO commits(id, n, at_ms) VALUES(?1, 0,"
			  " " NOW_MS ") ON CONFLICT(id)"
			  " DO UPDATE SET n = commits.n RETURNING n",
	[PG_OWN_UNMARK] =
		"DELETE FROM commits WHERE at_ms < " NOW_MS " - 86400000",
	[PG_OWN_TELL] = "SELECT pg_notify('reunite', ?1)",
	[PG_OWN_COMMIT] = "COMMIT",
};

struct db_rows *pg_bind_own(struct pg *p, enum pg_own id,
			    const struct db_val *values, size_t count)
{
	return fill(p, &p->own[id], own_texts[id], values, count);
}

PGresult *pg_ask(struct pg *p, const char *sql)
{
	PGresult *res = NULL;

	if (!is_there(p) || !sent(p, PQsendQueryParams(p->conn, sql, 0, NULL,
						       NULL, NULL, NULL, 0)))
		return NULL;
	return take_last(p, &res) ? res : NULL;
}

/* Reads on to the end of all turns. Nothing comes twice: it is out of step. */
static bool drain(struct pg *p)
{
	PGresult *res;
	bool nothing = false;

	while (p->turns > 0) {
		res = pg_result(p);
		if (res == NULL && nothing && p->turns > 0)
			return false;
		nothing = res == NULL;
		PQclear(res);
	}
	return p->conn != NULL;
}

PGresult *pg_finish(struct pg *p)
{
	PGresult *res = NULL;

	if (!is_there(p) || !pg_turn(p))
		return NULL;
	while (p->pending > 1)
		(void)take(p, NULL);
	if (p->pending == 1)
		(void)take(p, &res);
	pg_expect_end(p);
	if (drain(p))
		return res;
	pg_drop(p);
	PQclear(res);
	return NULL;
}

bool pg_abandon(struct pg *p)
{
	bool ok = pg_turn(p) &&
		  PQsendQueryParams(p->conn, "ROLLBACK", 0, NULL, NULL, NULL,
				    NULL, 0) == 1 &&
		  pg_turn(p) && drain(p) &&
		  PQtransactionStatus(p->conn) == PQTRANS_IDLE;

	p->pending = 0;
	pg_expect_end(p);
	if (!ok)
		pg_drop(p);
	return ok;
}
