/*
 * Opening a store on PostgreSQL: is it ours, its schema, its key.
 *
 * The store is what the search_path's first schema holds. Only SERVE makes one
 * there, and only where there are no tables; any number of processes may have
 * it open. Who serves looks at the schema, and changes it, in one transaction
 * under an advisory lock: of several that start at once one migrates, the
 * others wait. Nobody's leases are freed: their owners may be alive.
 */
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "mark.h"
#include "migrate.h"

/* As those of pg_batch.c: who serves shares the first, who writes the second.
 */
#define SERVE_LOCK "1919251822, -1"
#define WRITE_LOCK "1919251822, 0"

#define SCHEMA_LOCK "SELECT pg_advisory_xact_lock(1919251822)" /* "reun" */

/* Tables by which a store is known, and how many there are at all. */
#define LOOK                                                                   \
	"SELECT count(*) FILTER (WHERE c.relname IN ('schema_version', "       \
	"'meta',"                                                              \
	" 'accounts', 'jobs', 'journal')), count(*) FROM pg_class c"           \
	" JOIN pg_namespace n ON n.oid = c.relnamespace"                       \
	" WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')"      \
	" AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid"     \
	" AND d.deptype = 'e')"
#define LOOK_KNOWN 5

static int64_t number(const PGresult *res, int column)
{
	int64_t n = 0;

	if (res != NULL && PQntuples(res) > 0)
		(void)str_parse_i64(slice_of(PQgetvalue(res, 0, column)), &n);
	return n;
}

static int64_t ask_number(struct pg *p, const char *sql)
{
	PGresult *res = pg_ask(p, sql);
	int64_t n = number(res, 0);

	PQclear(res);
	return n;
}

/* While opening: what an error means is not that it may work later. */
static enum result outcome(const struct pg *p)
{
	static const char *const passing[] = {"08", "40", "53", "55", "57"};
	size_t i;

	if (!p->db.failed)
		return RESULT_OK;
	for (i = 0; i < ARRAY_LEN(passing); i++) {
		if (strncmp(p->state, passing[i], 2) == 0)
			return RESULT_TEMP;
	}
	return RESULT_PERM;
}

/* *version: 0 where there is no store yet. */
static enum result look(struct pg *p, int64_t *version, struct error *err)
{
	PGresult *res = pg_ask(p, LOOK);
	int64_t known = number(res, 0), tables = number(res, 1);

	PQclear(res);
	*version = 0;
	if (p->db.failed || tables == 0)
		return outcome(p);
	if (known != LOOK_KNOWN)
		return error_set(err, RESULT_PERM,
				 "postgresql: the schema has tables of another "
				 "program: give reunite one, or a database, of "
				 "its own");
	*version = ask_number(p, "SELECT version FROM schema_version");
	return outcome(p);
}

static enum result exec(void *arg, const char *sql, struct error *err)
{
	struct pg *p = arg;
	char *text;

	(void)err; /* is the handle's, and gets it there */
	/* It is one transaction from the first step to the last. */
	if (str_eq(sql, "BEGIN") || str_eq(sql, "COMMIT") ||
	    str_eq(sql, "ROLLBACK"))
		return RESULT_OK;
	text = pg_text_schema(sql);
	PQclear(pg_ask(p, text));
	free(text);
	return outcome(p);
}

/* Nobody writes just now, and nobody is about to. */
#define KEEP_OUT                                                               \
	"SELECT CAST(pg_try_advisory_xact_lock(" SERVE_LOCK ")"                \
	" AND pg_try_advisory_xact_lock(" WRITE_LOCK ")"                       \
	" AND NOT EXISTS (SELECT 1 FROM nodes WHERE until_ms >"                \
	" extract(epoch FROM clock_timestamp()) * 1000) AS int)"

enum result pg_keep_out(struct pg *p, struct error *err)
{
	int64_t ours;

	p->db.err = err;
	ours = ask_number(p, KEEP_OUT);
	p->db.err = NULL;
	if (p->db.failed)
		return outcome(p);
	return ours != 0 ? RESULT_OK
			 : error_set(err, RESULT_CONFLICT,
				     "somebody works on it: end every `reunite "
				     "serve` first; one that died counts for "
				     "some seconds");
}

static enum result refuse_copied(struct pg *p, struct error *err)
{
	int64_t ours = ask_number(
		p, "SELECT CAST(pg_try_advisory_xact_lock_shared(" SERVE_LOCK
		   ") AS int)");

	if (p->db.failed)
		return outcome(p);
	return ours != 0 ? RESULT_OK
			 : error_set(err, RESULT_CONFLICT,
				     "`reunite store copy` copies it elsewhere "
				     "just now: serve the copy");
}

static enum result bring_up(struct pg *p, bool *created, struct error *err)
{
	struct migrate_db db = {
		.exec = exec, .arg = p, .begin = "BEGIN", .embedded = false};
	int64_t version = 0;
	enum result r;

	PQclear(pg_ask(p, SCHEMA_LOCK));
	r = outcome(p);
	if (r == RESULT_OK)
		r = look(p, &version, err);
	if (r == RESULT_OK)
		r = migrate_check((int)version, true, err);
	if (r == RESULT_OK && p->db.mode == STORE_SERVE)
		r = refuse_copied(p, err);
	if (r == RESULT_OK && version > 0)
		r = p->db.mode == STORE_SERVE ? mark_refuse(&p->db, err)
					      : mark_check_target(&p->db, err);
	*created = version == 0;
	if (r == RESULT_OK)
		r = migrate_run(&db, (int)version, err);
	if (r == RESULT_OK && p->db.mode == STORE_SERVE)
		db_key_make(&p->db);
	return p->db.failed ? outcome(p) : r;
}

static enum result look_up(struct pg *p, struct error *err)
{
	int64_t version;
	enum result r = look(p, &version, err);

	if (r == RESULT_OK && version == 0)
		return error_set(err, RESULT_NOTFOUND,
				 "there is no store in this database: start "
				 "the daemon once");
	if (r == RESULT_OK)
		r = migrate_check((int)version, false, err);
	if (r == RESULT_OK)
		r = mark_refuse(&p->db, err);
	return p->db.failed ? outcome(p) : r;
}

static enum result open_all(struct pg *p, struct error *err)
{
	bool target = p->db.mode == STORE_TARGET, created = false;
	bool makes = p->db.mode == STORE_SERVE || target;
	enum result r = pg_begin(p, makes ? PG_CHANGES_SCHEMA : PG_READS, err);

	if (r != RESULT_OK)
		return r;
	p->db.err = err;
	r = makes ? bring_up(p, &created, err) : look_up(p, err);
	if (r == RESULT_OK && !target)
		r = db_key_read(&p->db, err);
	p->db.err = NULL;
	if (r == RESULT_OK)
		r = pg_commit(&p->db.base, err);
	if (r == RESULT_OK && created && !target)
		log_warn("store_created", log_str("database", PQdb(p->conn)));
	return r;
}

/* Behind a pooler the first try tells that statements are not kept. */
static enum result open_again(struct pg *p, struct error *err)
{
	enum result r = open_all(p, err);

	if (r == RESULT_OK || !pg_is_forgetful(p->state))
		return r;
	pg_rollback(&p->db.base);
	return open_all(p, err);
}

char *pg_url(const char *location)
{
	struct buf url;

	buf_init(&url, strlen(location) + 16);
	(void)buf_puts(&url, "postgresql:");
	(void)buf_puts(&url, location);
	return buf_detach(&url);
}

enum result pg_open(struct store_backend **out, const char *location,
		    enum store_mode mode, int64_t now_ms, struct error *err)
{
	struct pg *p = xcalloc(1, sizeof(*p));
	uint8_t id[8];
	enum result r;

	(void)now_ms;
	crypto_random(id, sizeof(id));
	crypto_hex(id, sizeof(id), p->id);
	p->url = pg_url(location);
	p->db.driver = &pg_driver;
	p->db.base.ops = &store_pg_ops;
	p->db.mode = mode;
	r = open_again(p, err);
	if (r != RESULT_OK) {
		pg_close(&p->db.base);
		return r;
	}
	p->opened = true;
	p->looked_ms = clock_mono_ms();
	*out = &p->db.base;
	return RESULT_OK;
}

void pg_close(struct store_backend *b)
{
	struct pg *p = (struct pg *)b;
	size_t i;

	for (i = 0; i < SQL_COUNT; i++)
		pg_rows_release(&p->rows[i]);
	for (i = 0; i < PG_OWN_COUNT; i++)
		pg_rows_release(&p->own[i]);
	pg_drop(p);
	pg_deafen(p);
	pg_expect_free(p);
	db_release(&p->db);
	crypto_wipe(p->url, strlen(p->url));
	free(p->url);
	free(p);
}

enum result pg_same_store(struct pg *p, struct error *err)
{
	char key[2 * STORE_KEY_SIZE + 1];
	PGresult *res;
	bool same;

	crypto_hex(p->db.key, sizeof(p->db.key), key);
	p->db.failed = false;
	p->db.err = err;
	pg_limit(p, p->patience_ms);
	PQclear(pg_ask(p, "SELECT 1"));
	res = pg_ask(p, "SELECT encode(value, 'hex') FROM meta"
			" WHERE name = 'key'");
	same = res != NULL && PQntuples(res) == 1 &&
	       strcmp(PQgetvalue(res, 0, 0), key) == 0;
	crypto_wipe(key, sizeof(key));
	PQclear(res);
	PQclear(pg_finish(p));
	p->db.err = NULL;
	if (p->db.failed)
		return RESULT_TEMP;
	if (!same)
		return error_set(err, RESULT_TEMP,
				 "postgresql: the database is not the one that "
				 "this process was started with");
	return RESULT_OK;
}
