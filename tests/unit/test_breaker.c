/*
 * The breaker's lines in the log: one when it opens, one when it closes, with
 * who or what closed it.
 */
#include "unit.h"

#include <unistd.h>

#include "app/breaker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "flow_rig.h"

#define HOUR_MS INT64_C(3600000)

struct rig {
	char dir[64];
	char path[96];
	int log; /* what was logged, a file without a name */
	struct loop *loop;
	struct engine *engine;
	struct breaker *breaker;
	struct store *other; /* another process */
	const char *name;    /* of the account */
	uint64_t people;
	bool probed;
};

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static struct config *load(struct rig *r, int hour, int profile)
{
	struct config *config;
	struct error err;
	FILE *f = fopen(r->path, "w");

	assert_non_null(f);
	fprintf(f,
		"store = \"sqlite:%s/store\"\naccount \"%s\" {\n"
		"zendesk_url = \"http://127.0.0.1:1\"\n"
		"zendesk_auth = \"bearer\"\nzendesk_token = \"t\"\n"
		"sunco_url = \"http://127.0.0.1:1\"\nsunco_app_id = \"a\"\n"
		"sunco_key_id = \"k\"\nsunco_key_secret = \"ks\"\n"
		"sunco_webhook_secrets = {\"ws\"}\n"
		"max_merges_per_hour = %d\nmax_merges_per_profile = %d\n}\n",
		r->dir, r->name, hour, profile);
	fclose(f);
	if (config_load(&config, r->path, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return config;
}

static void start(struct rig *r, int hour, int profile)
{
	char url[96];
	struct error err;
	FILE *log = tmpfile();

	memset(r, 0, sizeof(*r));
	r->name = "acme";
	strcpy(r->dir, "/tmp/reunite_breaker_XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/conf", r->dir);
	assert_non_null(log);
	r->log = dup(fileno(log));
	fclose(log);
	log_setup(LOG_INFO, LOG_TEXT, r->log);
	r->loop = loop_new();
	if (engine_new(&r->engine, r->loop, load(r, hour, profile), STORE_SERVE,
		       on_watch, NULL, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	snprintf(url, sizeof(url), "sqlite:%s/store", r->dir);
	assert_int_equal(
		store_open(&r->other, url, STORE_WRITE, clock_wall_ms(), &err),
		RESULT_OK);
	r->breaker = breaker_new(r->loop, r->engine);
}

static void stop(struct rig *r)
{
	static const char *const names[] = {"conf", "store", "store-wal",
					    "store-shm", "store.lock"};
	char path[128];

	breaker_free(r->breaker);
	store_close(r->other);
	engine_free(r->engine);
	loop_free(r->loop);
	metrics_reset();
	log_setup(LOG_ERROR, LOG_TEXT, STDERR_FILENO);
	close(r->log);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
}

static void do_op(struct rig *r, struct store_op *op)
{
	if (store_do(r->other, op) != RESULT_OK)
		fail_msg("%s", op->error.text);
}

struct claimed {
	int64_t job, token, gen;
};

static struct claimed claim(struct rig *r, uint64_t user)
{
	struct claimed c;
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = "acme";
	op.u.enqueue.zendesk_user_id = user;
	op.u.enqueue.now_ms = clock_wall_ms();
	do_op(r, &op);
	c.job = op.u.enqueue.job_id;
	store_op_init(&op, STORE_CLAIM);
	op.u.claim = (struct store_claim){.account = "acme",
					  .max = 1,
					  .job_id = c.job,
					  .now_ms = clock_wall_ms(),
					  .lease_ms = 60000};
	do_op(r, &op);
	assert_int_equal(op.u.claim.count, 1);
	c.token = op.u.claim.jobs[0].token;
	c.gen = op.u.claim.jobs[0].gen;
	store_op_release(&op);
	return c;
}

static void settle(struct rig *r, struct claimed c, int64_t entry,
		   enum journal_status status)
{
	struct journal_entry e;
	struct store_op op;

	journal_entry_init(&e);
	e.id = entry;
	e.action = ACTION_MERGE;
	e.applied = true;
	e.status = status;
	store_op_init(&op, STORE_SETTLE);
	op.u.settle = (struct store_settle){.job_id = c.job,
					    .token = c.token,
					    .gen = c.gen,
					    .state = JOB_DONE,
					    .entry = &e,
					    .now_ms = clock_wall_ms()};
	do_op(r, &op);
}

/* A link to the profile takes a place; its entry ends as the status says. */
static int64_t take(struct rig *r, uint64_t profile, enum journal_status status)
{
	struct claimed c = claim(r, 1000 + ++r->people);
	struct journal_entry e;
	struct store_op op;

	journal_entry_init(&e);
	e.action = ACTION_MERGE;
	e.profile_id = profile;
	store_op_init(&op, STORE_INTENT);
	op.u.intent.job_id = c.job;
	op.u.intent.token = c.token;
	op.u.intent.now_ms = clock_wall_ms();
	op.u.intent.entry = &e;
	do_op(r, &op);
	settle(r, c, op.u.intent.journal_id, status);
	return op.u.intent.journal_id;
}

static void close_by_hand(struct rig *r)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = "acme";
	op.u.account.set_breaker = true;
	op.u.account.by = "Maria Muster";
	op.u.account.now_ms = clock_wall_ms();
	do_op(r, &op);
	store_op_release(&op);
}

static void on_probed(struct store_op *op, void *arg)
{
	struct rig *r = arg;

	(void)op;
	r->probed = true;
	loop_stop(r->loop);
}

/* Once around: what was asked of the store before has come back. */
static void turn(struct rig *r)
{
	struct store_op op;

	r->probed = false;
	store_op_init(&op, STORE_PROBE);
	storeq_submit(engine_storeq(r->engine), &op, on_probed, r);
	while (!r->probed)
		loop_run(r->loop);
}

static void look(struct rig *r)
{
	turn(r);
	flow_leap(0, 10000); /* it has rested */
	breaker_look(r->breaker, NULL);
	turn(r);
	turn(r);
}

/* How many lines of the log hold both. */
static int lines(struct rig *r, const char *event, const char *text)
{
	char log[16384], *line, *rest = log;
	ssize_t n = pread(r->log, log, sizeof(log) - 1, 0);
	int count = 0;

	assert_true(n >= 0);
	log[n] = '\0';
	while ((line = strtok_r(rest, "\n", &rest)))
		count += strstr(line, event) && strstr(line, text);
	return count;
}

static void opening_is_told_once(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 2, 9);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), 0);
	assert_float_equal(
		metric_value(metric_get(METRIC_MERGES_THIS_HOUR, "acme")), 1,
		0);
	take(&r, 22, JOURNAL_DONE);
	look(&r);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), 1);
	assert_int_equal(
		lines(&r, "breaker_opened",
		      "account=acme limit=max_merges_per_hour count=2 max=2 "
		      "closes_in_s=3"),
		1);
	assert_float_equal(
		metric_value(metric_get(METRIC_BREAKER_OPEN, "acme")), 1, 0);
	stop(&r);
}

static void time_closes_it(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 9);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", "per_hour"), 1);
	flow_leap(HOUR_MS, HOUR_MS);
	for (int i = 0; i < 1000 && !lines(&r, "breaker_closed", ""); i++)
		turn(&r);
	assert_int_equal(lines(&r, "breaker_closed", "by=time"), 1);
	assert_float_equal(
		metric_value(metric_get(METRIC_BREAKER_OPEN, "acme")), 0, 0);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", "per_hour"), 2);
	stop(&r);
}

static void a_person_closes_it_without_a_name(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 1);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	flow_leap(1000, 1000);
	close_by_hand(&r);
	look(&r);
	assert_int_equal(lines(&r, "breaker_closed", "by=person"), 2);
	assert_int_equal(lines(&r, "", "Maria"), 0);
	assert_float_equal(
		metric_value(metric_get(METRIC_PROFILES_AT_LIMIT, "acme")), 0,
		0);
	stop(&r);
}

static void profiles_are_told_one_by_one(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 99, 1);
	take(&r, 21, JOURNAL_DONE);
	take(&r, 22, JOURNAL_UNCERTAIN);
	take(&r, 23, JOURNAL_FAILED); /* gave its place back */
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), 2);
	assert_int_equal(lines(&r, "breaker_opened",
			       "limit=max_merges_per_profile profile=21 "
			       "count=1 max=1 closes_in_s=86"),
			 1);
	assert_int_equal(lines(&r, "breaker_opened", "profile=22"), 1);
	assert_float_equal(
		metric_value(metric_get(METRIC_PROFILES_AT_LIMIT, "acme")), 2,
		0);
	stop(&r);
}

static void many_profiles_do_not_flood(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 99, 1);
	for (uint64_t i = 0; i < STORE_FULL_MAX + 5; i++)
		take(&r, 100 + i, JOURNAL_DONE);
	look(&r);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), STORE_FULL_MAX);
	assert_float_equal(
		metric_value(metric_get(METRIC_PROFILES_AT_LIMIT, "acme")),
		STORE_FULL_MAX + 5, 0);
	stop(&r);
}

static void a_higher_limit_closes_it(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 9);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	engine_reload(r.engine, load(&r, 5, 9));
	look(&r);
	assert_int_equal(lines(&r, "breaker_closed", "by=settings"), 1);
	stop(&r);
}

static void a_link_that_failed_closes_it(void **state)
{
	struct rig r;
	int64_t entry;

	(void)state;
	start(&r, 1, 9);
	entry = take(&r, 21, JOURNAL_UNCERTAIN);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), 1);
	settle(&r, claim(&r, 1000 + r.people), entry, JOURNAL_FAILED);
	look(&r);
	assert_int_equal(lines(&r, "breaker_closed", "by=failed_links"), 1);
	stop(&r);
}

static void what_is_open_at_the_start_is_told(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 9);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	breaker_free(r.breaker);
	r.breaker = breaker_new(r.loop, r.engine); /* another life */
	turn(&r);
	assert_int_equal(lines(&r, "breaker_opened", "per_hour"), 2);
	assert_int_equal(lines(&r, "breaker_closed", ""), 0);
	stop(&r);
}

static void a_limit_of_zero_is_always_open(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 0, 0);
	look(&r);
	assert_int_equal(lines(&r, "breaker_opened", ""), 1);
	assert_int_equal(lines(&r, "breaker_opened", "closes_in_s=-1"), 1);
	stop(&r);
}

/* An account that is gone is not asked about for ever. */
static void a_removed_account_is_let_go(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 1);
	take(&r, 21, JOURNAL_DONE);
	look(&r);
	r.name = "other";
	engine_reload(r.engine, load(&r, 1, 1));
	look(&r);
	flow_leap(HOUR_MS, HOUR_MS);
	look(&r);
	assert_int_equal(lines(&r, "breaker_closed", ""), 0);
	r.name = "acme";
	engine_reload(r.engine, load(&r, 1, 9));
	look(&r);
	assert_int_equal(lines(&r, "breaker_closed", "per_hour"), 1);
	stop(&r);
}

static void it_goes_while_it_asks(void **state)
{
	struct rig r;

	(void)state;
	start(&r, 1, 1);
	breaker_look(r.breaker, "acme");
	breaker_free(r.breaker);
	r.breaker = NULL;
	stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_is_told_once),
		cmocka_unit_test(time_closes_it),
		cmocka_unit_test(a_person_closes_it_without_a_name),
		cmocka_unit_test(profiles_are_told_one_by_one),
		cmocka_unit_test(many_profiles_do_not_flood),
		cmocka_unit_test(a_higher_limit_closes_it),
		cmocka_unit_test(a_link_that_failed_closes_it),
		cmocka_unit_test(what_is_open_at_the_start_is_told),
		cmocka_unit_test(a_limit_of_zero_is_always_open),
		cmocka_unit_test(a_removed_account_is_let_go),
		cmocka_unit_test(it_goes_while_it_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
