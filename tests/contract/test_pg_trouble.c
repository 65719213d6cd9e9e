/*
 * A PostgreSQL server that hangs, ends, forgets or refuses: calls end in
 * bounded time, say why without values, and the handle goes on by itself.
 */
#include "pg_factory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/store/pg.h"
#include "base/clock.h"
#include "base/str.h"

static struct ct c;

static struct pg *handle(void)
{
	return (struct pg *)store_backend(c.s);
}

static const struct pg_database *place(void)
{
	return c.place;
}

static int set_up(void **state)
{
	(void)state;
	c.factory = &pg_factory;
	c.place = c.factory->make();
	c.now_ms = CT_START;
	c.s = c.factory->open(c.place, STORE_SERVE, c.now_ms);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(c.s);
	c.factory->remove(c.place);
	return 0;
}

static void fill_accept(struct store_op *op, const struct event *e)
{
	ct_accept_op(op, e, c.now_ms);
	op->u.accept.recheck_ms = 7 * DAY;
}

static enum result accept_now(const char *who, struct error *err)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, who);
	struct store_op op;
	enum result r;

	fill_accept(&op, &e);
	r = store_do(c.s, &op);
	*err = op.error;
	store_op_release(&op);
	return r;
}

/* The same, step by step, with something between the last two. */
struct attempt {
	struct event event;
	struct store_op op;
	struct store_op *ops[1];
	struct error err;
};

static void begin_accept(struct attempt *a, const char *who)
{
	struct store_batch batch = {a->ops, 1, true};
	struct store_backend *b = store_backend(c.s);

	a->event = ct_event(EVENT_CONVERSATION_CREATE, who);
	fill_accept(&a->op, &a->event);
	a->ops[0] = &a->op;
	a->err.text[0] = '\0';
	assert_int_equal(b->ops->begin(b, &batch, &a->err), RESULT_OK);
}

static void apply_accept(struct attempt *a)
{
	struct store_backend *b = store_backend(c.s);

	b->ops->apply(b, &a->op);
}

static void assert_given_up(const struct attempt *a, enum store_failure f,
			    const char *why)
{
	struct store_backend *b = store_backend(c.s);
	const char *text =
		*a->err.text != '\0' ? a->err.text : a->op.error.text;

	if (strstr(text, why) == NULL)
		fail_msg("not \"%s\", but: %s", why, text);
	b->ops->rollback(b);
	assert_int_equal(b->ops->failure(b), f);
}

static void assert_works(const char *who)
{
	struct error err;

	if (accept_now(who, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

static void pause_a_moment(void)
{
	const struct timespec t = {0, 5 * 1000 * 1000};

	nanosleep(&t, NULL);
}

/* They are told to end. */
static void tell_sessions_to_end(void)
{
	pg_database_sql(place(), "SELECT pg_terminate_backend(pid)"
				 " FROM pg_stat_activity"
				 " WHERE datname = current_database()"
				 " AND pid <> pg_backend_pid()");
}

static void end_sessions(void)
{
	char *left = NULL;
	int i;

	tell_sessions_to_end();
	for (i = 0; i < 2000; i++) {
		left = pg_database_value(place(),
					 "SELECT count(*) FROM pg_stat_activity"
					 " WHERE datname = current_database()"
					 " AND pid <> pg_backend_pid()");
		if (atoi(left) == 0)
			break;
		free(left);
		left = NULL;
		pause_a_moment();
	}
	assert_non_null(left);
	free(left);
}

/* --- hanging --- */

static void a_stopped_server_is_given_up(void **state)
{
	struct attempt a;
	pid_t pid;

	(void)state;
	assert_works("ann");
	begin_accept(&a, "bob");
	pid = PQbackendPID(handle()->conn);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	pg_limit(handle(), 50);
	apply_accept(&a);
	assert_int_equal(a.op.result, RESULT_TEMP);
	assert_given_up(&a, STORE_FAILED_FOR_NOW, "does not answer");
	assert_null(handle()->conn);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_works("bob");
}

static void each_transaction_has_an_end(void **state)
{
	(void)state;
	assert_works("ann");
	assert_true(handle()->patience_ms <= 5000);
	assert_true(handle()->deadline_ms - clock_mono_ms() <= 5000);
}

/* The transaction; the machine may be slow. */
static void give_up(void)
{
	pg_limit(handle(), MINUTE);
	assert_true(pg_abandon(handle()));
	handle()->in_tx = false;
}

static void assert_setting(const char *name, const char *expected)
{
	char query[64];
	PGresult *res;

	snprintf(query, sizeof(query), "SHOW %s", name);
	res = pg_ask(handle(), query);
	assert_non_null(res);
	assert_string_equal(PQgetvalue(res, 0, 0), expected);
	PQclear(res);
}

static void whoever_stops_in_the_middle_holds_nobody_for_long(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(pg_begin(handle(), PG_WRITES, &err), RESULT_OK);
	handle()->db.err = &err;
	assert_setting("statement_timeout", "4s");
	assert_setting("lock_timeout", "2s");
	assert_setting("idle_in_transaction_session_timeout", "3s");
	handle()->db.err = NULL;
	give_up();
	handle()->db.err = &err;
	assert_setting("statement_timeout", "0");
	PQclear(pg_finish(handle()));
	handle()->db.err = NULL;
}

/* --- ending --- */

static void a_connection_that_ended_is_made_anew(void **state)
{
	uint64_t session;

	(void)state;
	assert_works("ann");
	session = handle()->session;
	end_sessions();
	assert_works("bob");
	assert_int_equal(handle()->session, session + 1);
	assert_int_equal(ct_claim_count(&c, 10), 2);
}

/* Whenever it happens: while idle, at the begin, among the statements. */
static void nobody_notices_one_end(void **state)
{
	char who[16];
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		snprintf(who, sizeof(who), "ann%d", i);
		tell_sessions_to_end();
		assert_works(who);
	}
	assert_int_equal(ct_claim_count(&c, 100), 20);
}

static void *continue_soon(void *arg)
{
	for (int i = 0; i < 10; i++)
		pause_a_moment();
	assert_int_equal(kill(*(pid_t *)arg, SIGCONT), 0);
	return NULL;
}

/* It has been told, and says so only when it is asked the first time. */
static void what_ends_at_the_begin_is_begun_again(void **state)
{
	pid_t pid = PQbackendPID(handle()->conn);
	pthread_t thread;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	tell_sessions_to_end();
	assert_int_equal(pthread_create(&thread, NULL, continue_soon, &pid), 0);
	assert_works("ann");
	pthread_join(thread, NULL);
}

static void what_ended_in_the_middle_is_done_again(void **state)
{
	struct store_backend *b = store_backend(c.s);
	struct attempt a;

	(void)state;
	begin_accept(&a, "ann");
	apply_accept(&a);
	assert_int_equal(a.op.result, RESULT_OK);
	end_sessions();
	assert_int_equal(b->ops->commit(b, &a.err), RESULT_TEMP);
	b->ops->rollback(b);
	assert_int_equal(b->ops->failure(b), STORE_FAILED_BY_MOMENT);
	store_op_release(&a.op);
	assert_int_equal(ct_claim_count(&c, 10), 0);
	assert_works("ann");
	assert_int_equal(ct_claim_count(&c, 10), 1);
}

static void allow(bool yes)
{
	struct pg_database other;
	char sql[96];

	pg_database_make(&other, NULL);
	snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS %s",
		 place()->name, yes ? "true" : "false");
	pg_database_sql(&other, sql);
	pg_database_drop(&other);
}

static void a_server_that_is_away_is_not_asked_all_the_time(void **state)
{
	struct error first, second;
	int64_t retry_ms;
	int i;

	(void)state;
	end_sessions();
	allow(false);
	assert_int_equal(accept_now("ann", &first), RESULT_TEMP);
	assert_non_null(strstr(first.text, "not currently accepting"));
	handle()->retry_ms = clock_mono_ms() + 60000;
	allow(true);
	assert_int_equal(accept_now("ann", &second), RESULT_TEMP);
	assert_string_equal(second.text, first.text);
	handle()->retry_ms = retry_ms = 0;
	assert_works("ann");
	assert_int_equal(handle()->backoff_ms, 0);
	/* the wait grows, and is bounded */
	end_sessions();
	allow(false);
	for (i = 0; i < 10; i++) {
		handle()->retry_ms = 0;
		assert_int_equal(accept_now("bob", &first), RESULT_TEMP);
		assert_true(handle()->backoff_ms > retry_ms ||
			    handle()->backoff_ms == 5000);
		retry_ms = handle()->backoff_ms;
	}
	assert_int_equal(retry_ms, 5000);
	assert_true(handle()->retry_ms <= clock_mono_ms() + 7500);
	allow(true);
	handle()->retry_ms = 0;
	assert_works("bob");
}

static void another_store_is_not_gone_on_with(void **state)
{
	struct error err;

	(void)state;
	pg_database_sql(place(), "CREATE TABLE kept AS SELECT value FROM meta"
				 " WHERE name = 'key'; UPDATE meta SET value ="
				 " decode(repeat('00', 32), 'hex')"
				 " WHERE name = 'key'");
	end_sessions();
	assert_int_equal(accept_now("ann", &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "not the one"));
	pg_database_sql(place(), "UPDATE meta SET value = kept.value FROM kept"
				 " WHERE name = 'key'; DROP TABLE kept");
	handle()->retry_ms = 0;
	assert_works("ann");
}

/* --- forgetting --- */

/* As behind a pooler, where the next transaction has another session. */
static void statements_that_are_not_kept_are_sent_whole(void **state)
{
	struct error err;

	(void)state;
	assert_works("ann");
	assert_false(handle()->plain);
	assert_int_equal(pg_begin(handle(), PG_WRITES, &err), RESULT_OK);
	handle()->db.err = &err;
	PQclear(pg_ask(handle(), "DEALLOCATE ALL"));
	handle()->db.err = NULL;
	give_up();
	assert_works("bob");
	assert_true(handle()->plain);
	assert_works("cy");
	assert_int_equal(ct_claim_count(&c, 10), 3);
}

/* --- refusing --- */

static void errors_quote_no_values(void **state)
{
	struct error err;

	(void)state;
	pg_database_sql(place(), "ALTER TABLE jobs ADD CONSTRAINT nobody"
				 " CHECK (person NOT LIKE '%hunter%')");
	assert_int_equal(accept_now("hunter2", &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "23514"));
	assert_null(strstr(err.text, "hunter"));
	pg_database_sql(place(), "ALTER TABLE jobs DROP CONSTRAINT nobody");
	assert_works("hunter2");
}

static void what_is_no_text_there_is_kept_all_the_same(void **state)
{
	struct store_op op;

	(void)state;
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = op.u.account.paused = true;
	op.u.account.by = "maria";
	op.u.account.why = "caf\xe9";
	op.u.account.now_ms = c.now_ms;
	assert_int_equal(store_do(c.s, &op), RESULT_OK);
	assert_string_equal(op.u.account.paused_why, "caf\xef\xbf\xbd");
	store_op_release(&op);
}

/* --- what a 200 is worth --- */

static void commits_wait_for_the_disk_whatever_the_server_does(void **state)
{
	struct error err;

	(void)state;
	pg_database_sql(place(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I"
				 " SET synchronous_commit = off',"
				 " current_database()); END $$");
	end_sessions();
	assert_works("ann");
	assert_int_equal(pg_begin(handle(), PG_WRITES, &err), RESULT_OK);
	handle()->db.err = &err;
	assert_setting("synchronous_commit", "on");
	handle()->db.err = NULL;
	give_up();
	pg_database_sql(place(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I"
				 " RESET synchronous_commit',"
				 " current_database()); END $$");
}

struct impatience {
	atomic_int cancelled;
	atomic_bool over;
};

/* Somebody loses patience with commits that wait for a standby. */
static void *cancel_waits(void *arg)
{
	struct impatience *p = arg;
	char *n;

	while (!atomic_load(&p->over)) {
		n = pg_database_value(place(),
				      "SELECT count(pg_cancel_backend(pid))"
				      " FROM pg_stat_activity"
				      " WHERE wait_event = 'SyncRep'");
		atomic_fetch_add(&p->cancelled, atoi(n));
		free(n);
		pause_a_moment();
	}
	return NULL;
}

/* One of the server's processes has to tell the others of the standby. */
static void await_waits(struct impatience *p)
{
	int i;

	for (i = 0; i < 2000 && atomic_load(&p->cancelled) == 0; i++)
		pg_database_sql(place(), "UPDATE meta SET value = value");
	assert_int_not_equal(atomic_load(&p->cancelled), 0);
}

static void set_standby(const char *sql, const char *expected)
{
	char *value = NULL;
	int i;

	pg_database_sql(place(), sql);
	pg_database_sql(place(), "SELECT pg_reload_conf()");
	for (i = 0; i < 2000; i++) {
		free(value);
		value = pg_database_value(place(),
					  "SHOW synchronous_standby_names");
		if (strcmp(value, expected) == 0)
			break;
		pause_a_moment();
	}
	assert_string_equal(value, expected);
	free(value);
}

static void what_no_standby_confirmed_is_not_accepted(void **state)
{
	struct store_backend *b = store_backend(c.s);
	struct attempt a;
	struct impatience p = {0};
	pthread_t thread;

	(void)state;
	set_standby("ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
		    "nobody");
	assert_int_equal(pthread_create(&thread, NULL, cancel_waits, &p), 0);
	await_waits(&p);
	begin_accept(&a, "ann");
	apply_accept(&a);
	assert_int_equal(a.op.result, RESULT_OK);
	assert_int_equal(b->ops->commit(b, &a.err), RESULT_TEMP);
	atomic_store(&p.over, true);
	pthread_join(thread, NULL);
	assert_given_up(&a, STORE_FAILED_FOR_NOW, "no standby");
	store_op_release(&a.op);
	set_standby("ALTER SYSTEM RESET synchronous_standby_names", "");
	assert_works("bob");
}

/* --- listening --- */

static void enqueue_beside(const char *who)
{
	struct store *other = c.factory->open(c.place, STORE_WRITE, c.now_ms);
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = who;
	op.u.enqueue.now_ms = c.now_ms;
	assert_int_equal(store_do(other, &op), RESULT_OK);
	store_close(other);
}

static void a_lost_listener_listens_again(void **state)
{
	(void)state;
	assert_works("ann");
	ct_calm(&c);
	end_sessions();
	while (handle()->ears != NULL) {
		(void)store_changed(c.s);
		pause_a_moment();
	}
	assert_works("bob");
	handle()->ears_retry_ms = 0;
	ct_calm(&c);
	enqueue_beside("cy");
	assert_true(ct_noticed(&c));
	assert_false(store_changed(c.s));
}

static void who_cannot_hear_looks_now_and_then(void **state)
{
	(void)state;
	assert_works("ann");
	ct_calm(&c);
	pg_deafen(handle());
	handle()->ears_retry_ms = clock_mono_ms() + 60000;
	assert_false(store_changed(c.s));
	handle()->looked_ms -= 3000;
	assert_true(store_changed(c.s));
	assert_false(store_changed(c.s));
}

#define TROUBLE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TROUBLE(a_stopped_server_is_given_up),
		TROUBLE(each_transaction_has_an_end),
		TROUBLE(whoever_stops_in_the_middle_holds_nobody_for_long),
		TROUBLE(a_connection_that_ended_is_made_anew),
		TROUBLE(nobody_notices_one_end),
		TROUBLE(what_ends_at_the_begin_is_begun_again),
		TROUBLE(what_ended_in_the_middle_is_done_again),
		TROUBLE(a_server_that_is_away_is_not_asked_all_the_time),
		TROUBLE(another_store_is_not_gone_on_with),
		TROUBLE(statements_that_are_not_kept_are_sent_whole),
		TROUBLE(errors_quote_no_values),
		TROUBLE(what_is_no_text_there_is_kept_all_the_same),
		TROUBLE(commits_wait_for_the_disk_whatever_the_server_does),
		TROUBLE(what_no_standby_confirmed_is_not_accepted),
		TROUBLE(a_lost_listener_listens_again),
		TROUBLE(who_cannot_hear_looks_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
