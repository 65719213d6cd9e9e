/*
 * The PostgreSQL backend's ops table: transactions and dispatch.
 *
 * Each transaction carries its own timeouts (statements, locks, idleness), so
 * that a process that is stopped in one of them does not hold the others for
 * long, and waits for the disk even where the server would not: that works
 * behind a pooler, too, where a session's settings would be somebody else's.
 *
 * A commit whose wait for a standby was cut short is told as a success with a
 * warning: here it is none, since the standby may be all that is left soon.
 */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops.h"

/* How long is waited for a daemon's transaction, a command's statement, and
 * one that goes through whole tables or changes them. */
#define DAEMON_MS   5000
#define COMMAND_MS  10000
#define LONG_MS	    660000
#define ROLLBACK_MS 1000

static struct pg *of(struct store_backend *b)
{
	return (struct pg *)b;
}

static bool is_copied(const struct pg *p)
{
	return p->db.mode == STORE_SOURCE || p->db.mode == STORE_TARGET ||
	       p->db.mode == STORE_SNAPSHOT;
}

/* Its patience; and what tells the server, which is to give up first. */
static enum pg_own limit(struct pg *p, enum pg_tx kind)
{
	bool daemon = p->db.mode == STORE_SERVE;

	if (kind == PG_CHANGES_SCHEMA || is_copied(p) ||
	    (kind == PG_WALKS && !daemon)) {
		p->patience_ms = LONG_MS;
		return PG_OWN_LIMITS_LONG;
	}
	p->patience_ms = daemon ? DAEMON_MS : COMMAND_MS;
	return daemon ? PG_OWN_LIMITS_SERVE : PG_OWN_LIMITS_COMMAND;
}

static void forget_last(struct pg *p)
{
	p->db.failed = false;
	p->state[0] = '\0';
	p->sent_commit = p->warned = p->late = false;
	p->unsure = p->tells = false;
}

/* The server plans a prepared statement once for good, by the size that its
 * tables have then: on one that was empty any index is as good as another. It
 * looks again when it has counted the rows, which a new store's first hour of
 * load does not wait for: so it is told to, after 8, 16, 32 transactions and
 * so on. */
static bool outgrew_plans(struct pg *p)
{
	if (p->begun_in != p->session)
		p->begun = 0;
	p->begun_in = p->session;
	p->begun++;
	return p->begun >= 8 && (p->begun & (p->begun - 1)) == 0;
}

static void post_begin(struct pg *p, bool changes, enum pg_own limits)
{
	const enum pg_own own[] = {
		changes ? PG_OWN_BEGIN : PG_OWN_BEGIN_READ,
		limits,
		PG_OWN_PLAN_ANEW,
	};
	size_t count = ARRAY_LEN(own) - !outgrew_plans(p);

	for (size_t i = 0; i < count && !p->db.failed; i++)
		pg_driver.post(pg_bind_own(p, own[i], NULL, 0));
}

enum result pg_begin(struct pg *p, enum pg_tx kind, struct error *err)
{
	bool changes = kind == PG_WRITES || kind == PG_CHANGES_SCHEMA;
	enum pg_own limits = limit(p, kind);
	enum result r = pg_connect(p, err);

	forget_last(p);
	if (r != RESULT_OK) {
		p->late = true;
		return r;
	}
	p->db.err = err;
	p->in_tx = true;
	pg_limit(p, p->patience_ms);
	post_begin(p, changes, limits);
	p->db.err = NULL;
	if (!p->db.failed)
		return RESULT_OK;
	pg_rollback(&p->db.base);
	return RESULT_TEMP;
}

static bool walks(enum store_op_kind kind)
{
	return kind == STORE_CHECK || kind == STORE_FIND ||
	       kind == STORE_READINESS || kind == STORE_HEALTH;
}

static enum result start(struct pg *p, enum pg_tx kind,
			 const struct store_batch *batch, struct error *err)
{
	enum result r = pg_begin(p, kind, err);

	p->marks = batch->writes && p->db.mode == STORE_SERVE;
	if (r == RESULT_OK && p->db.mode == STORE_SOURCE)
		r = pg_keep_out(p, err);
	if (r != RESULT_OK && p->in_tx)
		pg_rollback(&p->db.base);
	if (r != RESULT_OK || !batch->writes)
		return r;
	p->db.err = err;
	pg_batch_start(p, batch);
	p->db.err = NULL;
	if (!p->db.failed)
		return RESULT_OK;
	pg_rollback(&p->db.base);
	return RESULT_TEMP;
}

static enum store_failure failure(struct store_backend *b)
{
	const struct pg *p = of(b);
	const char *s = p->state;

	if (p->unsure || p->late)
		return STORE_FAILED_FOR_NOW;
	if (pg_is_race(s) || pg_is_forgetful(s) || pg_is_lost(s))
		return STORE_FAILED_BY_MOMENT;
	/* Locks and statements that took too long, a full disk: one after the
	 * other they would wait as long again. */
	if (strncmp(s, "53", 2) == 0 || strncmp(s, "55", 2) == 0 ||
	    strncmp(s, "57", 2) == 0)
		return STORE_FAILED_FOR_NOW;
	return STORE_FAILED_BY_ONE;
}

static enum result begin_batch(struct store_backend *b,
			       const struct store_batch *batch,
			       struct error *err)
{
	enum pg_tx kind = batch->writes ? PG_WRITES : PG_READS;
	size_t i;

	for (i = 0; i < batch->count && kind == PG_READS; i++) {
		if (walks(batch->ops[i]->kind))
			kind = PG_WALKS;
	}
	return start(of(b), kind, batch, err);
}

static void apply(struct store_backend *b, struct store_op *op)
{
	db_apply(b, op);
	if (op->result == RESULT_OK)
		pg_tell(of(b), op);
}

static void tell_others(struct pg *p)
{
	const struct db_val id = db_text(p->id);

	if (p->tells)
		pg_driver.post(pg_bind_own(p, PG_OWN_TELL, &id, 1));
}

/* The server rolls back what it cannot commit, and says so. */
static bool is_committed(const PGresult *res)
{
	return res != NULL &&
	       strcmp(PQcmdStatus((PGresult *)(uintptr_t)res), "COMMIT") == 0;
}

/* The connection went with the answer to COMMIT. */
static enum result find_out(struct pg *p)
{
	enum pg_outcome o = pg_batch_outcome(p);

	p->unsure = o == PG_UNKNOWN;
	(void)str_copy(p->state, sizeof(p->state), "40001");
	return o == PG_HAPPENED ? RESULT_OK : RESULT_TEMP;
}

enum result pg_commit(struct store_backend *b, struct error *err)
{
	struct pg *p = of(b);
	PGresult *res = NULL;

	p->db.failed = false;
	p->db.err = err;
	if (p->marks)
		pg_batch_mark(p);
	tell_others(p);
	if (!p->db.failed) {
		p->warned = false;
		p->sent_commit = true;
		pg_driver.post(pg_bind_own(p, PG_OWN_COMMIT, NULL, 0));
		res = pg_finish(p);
	}
	if (!is_committed(res))
		pg_fail(p, "40000", "the transaction was rolled back");
	else if (p->warned)
		pg_fail(p, "01000", "no standby confirmed the transaction");
	PQclear(res);
	p->unsure = p->sent_commit && (p->conn == NULL || p->warned);
	p->in_tx = p->db.failed;
	p->db.err = NULL;
	if (p->unsure && p->marks && !p->warned)
		return find_out(p);
	return p->db.failed ? RESULT_TEMP : RESULT_OK;
}

void pg_rollback(struct store_backend *b)
{
	struct pg *p = of(b);

	if (p->in_tx && p->conn != NULL) {
		pg_limit(p, ROLLBACK_MS);
		(void)pg_abandon(p);
	}
	p->in_tx = false;
	db_account_forget(&p->db);
}

/* Whether it can be reached shows with the next transaction. */
static enum result watch(struct store_backend *b, struct error *err)
{
	(void)b;
	(void)err;
	return RESULT_OK;
}

/* Its log is the server's business. */
static int64_t checkpoint(struct store_backend *b)
{
	(void)b;
	return 0;
}

static bool empty_log(struct store_backend *b)
{
	(void)b;
	return true;
}

static size_t copies(const char *location, struct store_copy **out)
{
	(void)location;
	*out = NULL;
	return 0;
}

/* What libpq says of a wrong one may quote its password. */
static bool is_location(const char *location)
{
	char *url = pg_url(location), *why = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &why);
	bool ok = options != NULL && str_starts(location, "//");

	free(url);
	PQfreemem(why);
	PQconninfoFree(options);
	return ok;
}

#define PG_BACKEND(name)                                                       \
	{                                                                      \
		.scheme = name, .shared = true, .is_location = is_location,    \
		.open = pg_open, .close = pg_close, .begin = begin_batch,      \
		.apply = apply, .commit = pg_commit, .rollback = pg_rollback,  \
		.failure = failure, .changed = pg_changed, .watch = watch,     \
		.checkpoint = checkpoint, .empty_log = empty_log,              \
		.copies = copies, .key = db_key,                               \
	}

const struct store_backend_ops store_pg_ops = PG_BACKEND("postgresql");
const struct store_backend_ops store_pg_short_ops = PG_BACKEND("postgres");
