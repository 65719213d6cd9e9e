/*
 * Copies of whole stores: every table and column is in the list, awkward
 * values arrive as they were, an interrupted copy goes on, what is not the
 * same is found, and nobody uses half of one.
 */
#include "transfer_kit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/store/table.h"
#include "base/str.h"

/* --- the list of tables --- */

/* A row of the list as the schema would be written there. */
static void columns_of(const char *path, const char *table, char *out,
		       size_t size)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	size_t used = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT CASE type WHEN 'INTEGER' THEN 'i.'"
				   " WHEN 'TEXT' THEN 't.' ELSE 'b.' END"
				   " || name FROM pragma_table_info(?1)"
				   " ORDER BY pk = 0, pk, cid",
				   -1, &st, NULL),
		SQLITE_OK);
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	while (sqlite3_step(st) == SQLITE_ROW)
		used += (size_t)snprintf(out + used, size - used, "%s%s",
					 used > 0 ? " " : "",
					 sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* A new table, or a new column, that is not in the list fails here. */
static void every_table_is_in_the_list(void **state)
{
	struct contract_dir d;
	char sql[256], columns[2048];

	(void)state;
	contract_dir_make(&d);
	store_close(contract_open_url(d.url, STORE_SERVE));
	assert_int_equal(contract_ask(d.path,
				      "SELECT count(*) FROM sqlite_master"
				      " WHERE type = 'table'"
				      " AND name <> 'sqlite_sequence'"),
			 store_table_count + store_table_left_out_count);
	for (size_t i = 0; i < store_table_left_out_count; i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM sqlite_master"
			 " WHERE type = 'table' AND name = '%s'",
			 store_tables_left_out[i].name);
		assert_int_equal(contract_ask(d.path, sql), 1);
		assert_non_null(store_tables_left_out[i].why);
	}
	for (size_t i = 0; i < store_table_count; i++) {
		const struct table *t = &store_tables[i];

		columns_of(d.path, t->name, columns, sizeof(columns));
		assert_string_equal(t->columns, columns);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM pragma_table_info('%s')"
			 " WHERE pk > 0",
			 t->name);
		assert_int_equal(contract_ask(d.path, sql), t->keys);
		snprintf(sql, sizeof(sql),
			 "SELECT sql LIKE '%%( id INTEGER PRIMARY KEY%%'"
			 " FROM sqlite_master WHERE name = '%s'",
			 t->name);
		assert_int_equal(contract_ask(d.path, sql), t->numbered);
	}
	contract_dir_remove(&d);
}

/* --- there and back --- */

static void a_copy_is_the_same_there_and_back(void **state)
{
	struct transfer there, back, again;
	struct tk_place a, b, c, d;

	(void)state;
	tk_fill(&a);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		tk_place_make(&b, kind);
		tk_place_make(&c, TK_SQLITE);
		tk_place_make(&d, kind);
		tk_copy(a.url, b.url, &there);
		tk_copy(b.url, c.url, &back);
		tk_copy(b.url, d.url, &again); /* of its own kind */
		assert_false(there.resumed || there.restarted);
		assert_true(there.rows > TK_EVENTS);
		tk_same(&there, &back);
		tk_same(&there, &again);
		transfer_release(&there);
		transfer_release(&back);
		transfer_release(&again);
		tk_place_remove(&b);
		tk_place_remove(&c);
		tk_place_remove(&d);
	}
	tk_place_remove(&a);
}

/* Every value, not what our own checksums make of it. */
static void values_arrive_as_they_were(void **state)
{
	struct tk_place a, b, c;
	struct transfer t;
	char sql[512];

	(void)state;
	tk_fill(&a);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		tk_place_make(&b, kind);
		tk_place_make(&c, TK_SQLITE);
		tk_copy(a.url, b.url, &t);
		transfer_release(&t);
		tk_copy(b.url, c.url, &t);
		transfer_release(&t);
		for (size_t i = 0; i < store_table_count; i++) {
			const char *name = store_tables[i].name;

			if (str_eq(name, "backups"))
				continue; /* they know of the originals */
			snprintf(sql, sizeof(sql),
				 "ATTACH '%s' AS other;"
				 "CREATE TEMP TABLE same(n CHECK(n = 0));"
				 "INSERT INTO same SELECT count(*) FROM"
				 " (SELECT * FROM main.%s EXCEPT"
				 " SELECT * FROM other.%s)",
				 tk_path(&c), name, name);
			contract_sql(tk_path(&a), sql);
		}
		tk_place_remove(&b);
		tk_place_remove(&c);
	}
	tk_place_remove(&a);
}

/* --- work goes on --- */

static void enqueue(struct store *s, const char *sunco_id, int64_t *job_id)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.now_ms = CT_START;
	op.u.enqueue.wait_ms = CT_WAIT;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	*job_id = op.u.enqueue.job_id;
}

static void claim(struct store *s, struct store_op *op)
{
	store_op_init(op, STORE_CLAIM);
	op->u.claim.account = CT_ACCOUNT;
	op->u.claim.max = 8;
	op->u.claim.now_ms = CT_START;
	op->u.claim.lease_ms = CT_LEASE;
	op->u.claim.grace_ms = CT_GRACE;
	assert_int_equal(store_do(s, op), RESULT_OK);
}

static void drop(struct store *s, int64_t id)
{
	struct store_op op;

	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = id;
	assert_int_equal(store_do(s, &op), RESULT_OK);
}

/* One runs, one waits, and the newest id has no row any more. */
static void prepare_work(struct tk_place *p, uint8_t key[STORE_KEY_SIZE],
			 int64_t *last_id)
{
	struct store_op op;
	struct store *s;
	int64_t id;

	tk_place_make(p, TK_SQLITE);
	s = contract_open_url(p->url, STORE_SERVE);
	enqueue(s, "runs", &id);
	claim(s, &op);
	assert_int_equal(op.u.claim.count, 1);
	store_op_release(&op);
	enqueue(s, "waits", &id);
	enqueue(s, "goes", last_id);
	drop(s, *last_id);
	memcpy(key, store_key(s), STORE_KEY_SIZE);
	store_close(s);
}

/* What ran is free at once; the key is the same; no id comes again. */
static void work_goes_on_in_a_copy(void **state)
{
	uint8_t key[STORE_KEY_SIZE];
	struct tk_place a, b;
	int64_t last_id, id;
	struct transfer t;
	struct store_op op;
	struct store *s;

	(void)state;
	prepare_work(&a, key, &last_id);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		tk_place_make(&b, kind);
		tk_copy(a.url, b.url, &t);
		transfer_release(&t);
		s = contract_open_url(b.url, STORE_SERVE);
		assert_memory_equal(store_key(s), key, STORE_KEY_SIZE);
		enqueue(s, "new", &id);
		assert_int_equal(id, last_id + 1);
		claim(s, &op);
		assert_int_equal(op.u.claim.count, 3);
		store_op_release(&op);
		store_close(s);
		tk_place_remove(&b);
	}
	tk_place_remove(&a);
}

/* --- interruptions --- */

static int tells_left;

static void die_in_time(void *arg, const char *doing, const char *table,
			int64_t done, int64_t total)
{
	(void)arg;
	(void)table;
	assert_true(done <= total);
	if (!str_eq(doing, "reading") && tells_left-- == 0)
		raise(SIGKILL);
}

/* In a process of its own, which ends after so many steps; false: it came to
 * the end before. */
static bool copy_and_die(const struct tk_place *from, const struct tk_place *to,
			 int steps)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct transfer t = {.from = from->url,
				     .to = to->url,
				     .host = "here",
				     .now_ms = CT_START,
				     .tell = die_in_time};
		struct error err;

		tells_left = steps;
		_exit(transfer_copy(&t, &err) == RESULT_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void not_to_be_used(const char *url)
{
	static const enum store_mode modes[] = {STORE_SERVE, STORE_WRITE,
						STORE_READ, STORE_SOURCE};
	struct store *s;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct error err = {""};

		assert_int_equal(store_open(&s, url, modes[i], CT_START, &err),
				 RESULT_PERM);
		assert_non_null(strstr(err.text, "not complete"));
	}
}

/* Killed after every step, and each time gone on with by the next one. */
static void an_interrupted_copy_goes_on(enum tk_kind kind, bool step_by_step)
{
	struct transfer want, t;
	struct tk_place a, b, c;
	int steps = 1;

	tk_fill(&a);
	tk_place_make(&b, kind);
	tk_place_make(&c, TK_SQLITE);
	tk_copy(a.url, c.url, &want);
	while (copy_and_die(&a, &b, steps)) {
		not_to_be_used(b.url);
		if (step_by_step) {
			steps += kind == TK_SQLITE ? 2 : 5;
			continue;
		}
		tk_copy(a.url, b.url, &t);
		assert_true(t.resumed && !t.restarted);
		tk_same(&want, &t);
		transfer_release(&t);
		tk_place_remove(&b);
		tk_place_make(&b, kind);
		steps += kind == TK_SQLITE ? 7 : 15;
	}
	transfer_release(&want);
	tk_place_remove(&a);
	tk_place_remove(&b);
	tk_place_remove(&c);
}

static void killed_at_every_step(void **state)
{
	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++)
		an_interrupted_copy_goes_on(kind, true);
}

static void killed_once_anywhere(void **state)
{
	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++)
		an_interrupted_copy_goes_on(kind, false);
}

/* Somebody used the source before it went on. */
static void copy_what_changed(enum tk_kind kind, bool die_again)
{
	struct tk_place a, b, c;
	struct transfer t, want;

	tk_fill(&a);
	tk_place_make(&b, kind);
	tk_place_make(&c, TK_SQLITE);
	assert_true(copy_and_die(&a, &b, 9));
	contract_sql(tk_path(&a), "UPDATE events SET kind = 77 WHERE kind = 0");
	if (die_again)
		assert_true(copy_and_die(&a, &b, 3));
	tk_copy(a.url, b.url, &t);
	tk_copy(a.url, c.url, &want);
	assert_true(t.restarted || (die_again && t.resumed));
	tk_same(&want, &t);
	transfer_release(&want);
	transfer_release(&t);
	tk_place_remove(&a);
	tk_place_remove(&b);
	tk_place_remove(&c);
}

static void a_source_that_changed_is_copied_anew(void **state)
{
	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		copy_what_changed(kind, false);
		copy_what_changed(kind, true);
	}
}

/* --- what is refused --- */

static void sources_and_targets_are_looked_at(void **state)
{
	struct tk_place a, b, none;
	struct store *s;
	struct transfer t;

	(void)state;
	tk_fill(&a);
	tk_place_make(&none, TK_SQLITE);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		tk_place_make(&b, kind);
		tk_refused(none.url, b.url, RESULT_NOTFOUND, "source");
		tk_refused(a.url, a.url, RESULT_CONFLICT, "target");
		s = contract_open_url(a.url, STORE_SERVE);
		tk_refused(a.url, b.url, RESULT_CONFLICT, "another process");
		store_close(s);
		store_close(contract_open_url(b.url, STORE_SERVE));
		tk_refused(a.url, b.url, RESULT_CONFLICT,
			   "there is a store already");
		tk_place_remove(&b);
		tk_place_make(&b, kind);
		tk_copy(a.url, b.url, &t);
		transfer_release(&t);
		tk_refused(a.url, b.url, RESULT_CONFLICT,
			   "there is a store already");
		tk_place_remove(&b);
	}
	tk_refused("mysql:x", none.url, RESULT_INVALID, "url");
	tk_refused(a.url, "mysql:x", RESULT_INVALID, "url");
	tk_place_remove(&a);
	tk_place_remove(&none);
}

/* While it is copied nobody serves it, nor writes to it in another way. */
struct intruder {
	const char *url;
	int tried;
};

static void intrude(void *arg, const char *doing, const char *table,
		    int64_t done, int64_t total)
{
	struct intruder *i = arg;
	struct error err = {""};
	struct store *s;

	(void)table;
	(void)done;
	(void)total;
	if (!str_eq(doing, "copying") || i->tried++ > 0)
		return;
	assert_int_equal(store_open(&s, i->url, STORE_SERVE, CT_START, &err),
			 RESULT_CONFLICT);
	assert_true(strstr(err.text, "store copy") ||
		    strstr(err.text, "another process"));
}

static void nobody_serves_what_is_copied(void **state)
{
	struct tk_place first, a, b;
	struct transfer t;
	struct error err;

	(void)state;
	tk_fill(&first);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		struct intruder in = {a.url, 0};

		tk_place_make(&a, kind);
		tk_place_make(&b, TK_SQLITE);
		tk_copy(first.url, a.url, &t);
		transfer_release(&t);
		t = (struct transfer){.from = a.url,
				      .to = b.url,
				      .host = "here",
				      .now_ms = CT_START,
				      .tell = intrude,
				      .arg = &in};
		if (transfer_copy(&t, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_true(in.tried > 0);
		transfer_release(&t);
		/* and then again */
		store_close(contract_open_url(a.url, STORE_SERVE));
		tk_place_remove(&a);
		tk_place_remove(&b);
	}
	tk_place_remove(&first);
}

/* Of two into the same target the later one goes on. */
struct rival {
	const char *from, *to;
	int tried;
};

static void compete(void *arg, const char *doing, const char *table,
		    int64_t done, int64_t total)
{
	struct rival *r = arg;
	struct transfer t;

	(void)done;
	(void)total;
	if (!str_eq(doing, "copying") || !str_eq(table, "jobs") ||
	    r->tried++ > 0)
		return;
	tk_copy(r->from, r->to, &t);
	transfer_release(&t);
}

static void a_copy_has_one_author(void **state)
{
	struct rival rival = {NULL, NULL, 0};
	struct transfer t = {.host = "here",
			     .now_ms = CT_START,
			     .tell = compete,
			     .arg = &rival};
	struct tk_place a, b, c, d;
	struct transfer want, is;
	struct error err = {""};

	(void)state;
	tk_fill(&a);
	tk_place_make(&b, TK_SQLITE);
	tk_place_make(&c, TK_POSTGRESQL);
	tk_place_make(&d, TK_SQLITE);
	tk_copy(a.url, b.url, &want);
	t.from = a.url;
	t.to = c.url;
	rival.from = b.url;
	rival.to = c.url;
	assert_int_equal(transfer_copy(&t, &err), RESULT_CONFLICT);
	assert_non_null(strstr(err.text, "another `reunite store copy`"));
	assert_true(rival.tried > 0);
	tk_copy(c.url, d.url, &is);
	tk_same(&want, &is);
	transfer_release(&want);
	transfer_release(&is);
	transfer_release(&t);
	tk_place_remove(&a);
	tk_place_remove(&b);
	tk_place_remove(&c);
	tk_place_remove(&d);
}

static void an_older_source_is_refused(void **state)
{
	struct tk_place a, b;

	(void)state;
	tk_fill(&a);
	tk_place_make(&b, TK_SQLITE);
	contract_sql(tk_path(&a), "UPDATE schema_version SET version = 4");
	tk_refused(a.url, b.url, RESULT_PERM, "start the daemon once");
	contract_sql(tk_path(&a), "UPDATE schema_version SET version = 99");
	tk_refused(a.url, b.url, RESULT_PERM, "newer version");
	tk_place_remove(&a);
	tk_place_remove(&b);
}

/* --- what is not the same --- */

struct meddling {
	const char *path;
	const char *sql;
};

static void meddle(void *arg, const char *doing, const char *table,
		   int64_t done, int64_t total)
{
	struct meddling *m = arg;

	(void)done;
	(void)total;
	if (str_eq(doing, "copying") && str_eq(table, "clocks"))
		contract_sql(m->path, m->sql);
}

static void copy_meddled_with(const struct tk_place *a, const char *sql,
			      const char *words)
{
	struct tk_place b;
	struct meddling m = {NULL, sql};
	struct transfer t = {.from = a->url,
			     .host = "here",
			     .now_ms = CT_START,
			     .tell = meddle,
			     .arg = &m};
	struct error err = {""};

	tk_place_make(&b, TK_SQLITE);
	m.path = tk_path(&b);
	t.to = b.url;
	assert_int_equal(transfer_copy(&t, &err), RESULT_PERM);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s; not: %s", err.text, words);
	not_to_be_used(b.url);
	transfer_release(&t);
	tk_place_remove(&b);
}

/* Behind our back, before the tables are compared. */
static void a_difference_is_found(void **state)
{
	struct tk_place a;

	(void)state;
	tk_fill(&a);
	copy_meddled_with(&a,
			  "UPDATE rejected SET address_hash ="
			  " substr(address_hash, 1, 2) || x'77'"
			  " WHERE (account, sunco_id, profile_id) IN"
			  " (SELECT account, sunco_id, profile_id"
			  " FROM rejected LIMIT 1)",
			  "the table rejected is not the same");
	copy_meddled_with(&a, "UPDATE links SET print = NULL",
			  "the table links is not the same");
	copy_meddled_with(&a, "UPDATE journal SET note = '' WHERE note IS NULL",
			  "the table journal is not the same");
	copy_meddled_with(&a, "DELETE FROM aliases WHERE from_id = 1",
			  "the table aliases has 40 rows");
	tk_place_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_is_in_the_list),
		cmocka_unit_test(a_copy_is_the_same_there_and_back),
		cmocka_unit_test(values_arrive_as_they_were),
		cmocka_unit_test(work_goes_on_in_a_copy),
		cmocka_unit_test(killed_at_every_step),
		cmocka_unit_test(killed_once_anywhere),
		cmocka_unit_test(a_source_that_changed_is_copied_anew),
		cmocka_unit_test(sources_and_targets_are_looked_at),
		cmocka_unit_test(nobody_serves_what_is_copied),
		cmocka_unit_test(a_copy_has_one_author),
		cmocka_unit_test(an_older_source_is_refused),
		cmocka_unit_test(a_difference_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
