/*
 * Intake while its store waits or fails, while accounts are replaced, while
 * clients leave, and on the way out.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow_rig.h"
#include "intake_rig.h"

#define SUNCO "/webhooks/acme/sunco"
#define HEADERS                                                                \
	"Content-Type: application/json\r\nX-API-Key: " RIG_SUNCO_KEY "\r\n"
#define EVENT(id)                                                              \
	"{\"events\":[{\"id\":\"" id "\",\"type\":\"user:update\","            \
	"\"payload\":{\"reason\":\"authentication\","                          \
	"\"user\":{\"id\":\"user-" id "\"}}}]}"
#define TYPING                                                                 \
	"{\"events\":[{\"id\":\"t\",\"type\":\"conversation:typing\","         \
	"\"payload\":{}}]}"
#define ACCEPTED    "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}"
#define UNAVAILABLE "{\"error\":\"unavailable\"}"

static int start(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	rig_start(r);
	*state = r;
	return 0;
}

static int stop(void **state)
{
	store_gate_hold(false);
	rig_stop(*state);
	free(*state);
	return 0;
}

/* Until the queue finds out that the store works again. */
static void await_recovery(struct rig *r)
{
	struct http_client_raw c;
	struct http_answer_raw a;
	int status = 503;

	for (int i = 0; i < 2000 && status == 503; i++) {
		rig_send(r, &c, SUNCO, HEADERS, EVENT("recovery"));
		raw_read(&c, &a, false);
		status = a.status;
		buf_release(&a.body);
		raw_close(&c);
		usleep(10000);
	}
	assert_int_equal(status, 200);
}

static void test_a_failing_store_is_503(void **state)
{
	struct rig *r = *state;

	store_gate_fail(true);
	rig_post_sunco(r, EVENT("1"), 503, UNAVAILABLE);
	assert_int_equal(rig_woken(r), 0);
	/* Behind now: the store is not even asked, and what needs none is
	 * answered as always. */
	rig_post_sunco(r, EVENT("1"), 503, UNAVAILABLE);
	rig_post_sunco(r, TYPING, 200, NULL);
	assert_int_equal(rig_counted(r, "sunco", "unavailable"), 2);
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 0);
	store_gate_fail(false);
	await_recovery(r);
	rig_post_sunco(r, EVENT("1"), 200, ACCEPTED);
	assert_int_equal(rig_jobs(r), 2);
}

static bool one_woken(struct http_fixture *f)
{
	return ((struct rig *)f)->woken == 1; /* its first member */
}

static void turn(void *arg)
{
	(void)arg;
}

/* Told in time to come again; and what was stored all the same is known. */
static void test_a_store_that_hangs_is_503(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;

	store_gate_hold(true);
	rig_send(r, &c, SUNCO, HEADERS, EVENT("1"));
	store_gate_await_held();
	flow_leap(0, INTAKE_PATIENCE_MS);
	http_fixture_call(&r->http, turn, r);
	raw_expect(&c, 503);
	raw_close(&c);
	assert_int_equal(rig_counted(r, "sunco", "unavailable"), 1);
	assert_int_equal(rig_woken(r), 0);
	rig_post_sunco(r, EVENT("2"), 503, UNAVAILABLE); /* at once */
	store_gate_hold(false);
	http_fixture_await(&r->http, one_woken);
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 0);
	await_recovery(r);
	rig_post_sunco(r, EVENT("1"), 200,
		       "{\"accepted\":0,\"duplicate\":1,\"ignored\":0}");
}

static void drain(void *arg)
{
	struct rig *r = arg;

	intake_drain(r->in);
}

static void test_draining(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;

	store_gate_hold(true);
	rig_send(r, &c, SUNCO, HEADERS, EVENT("1"));
	store_gate_await_held();
	http_fixture_call(&r->http, drain, r);
	rig_post_sunco(r, EVENT("2"), 503, UNAVAILABLE);
	rig_post_sunco(r, TYPING, 200, NULL);
	rig_post_sunco(r, "{}", 400, NULL);
	store_gate_hold(false);
	raw_expect(&c, 200); /* what was taken is finished */
	raw_close(&c);
	assert_int_equal(rig_jobs(r), 1);
}

static void test_accounts_are_replaced_under_way(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;

	store_gate_hold(true);
	rig_send(r, &c, SUNCO, HEADERS, EVENT("1"));
	store_gate_await_held();
	rig_configure(r, "zenith", "new key", NULL);
	rig_post_sunco(r, EVENT("2"), 404, NULL);
	rig_post(r, "/webhooks/zenith/sunco", HEADERS, EVENT("2"), 401, NULL);
	store_gate_hold(false);
	raw_expect(&c, 200);
	raw_close(&c);
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 1);
	assert_int_equal(rig_woken(r), 1);
	/* The old key is as dead as the account was. */
	rig_configure(r, "acme", "new key", NULL);
	rig_post_sunco(r, EVENT("2"), 401, NULL);
	rig_post(r, "/webhooks/zenith/sunco", HEADERS, EVENT("2"), 404, NULL);
	rig_post(r, SUNCO,
		 "Content-Type: application/json\r\nX-API-Key: new key\r\n",
		 EVENT("2"), 200, ACCEPTED);
}

/* An account without secrets lets nobody in. */
static void test_no_secrets(void **state)
{
	struct rig *r = *state;
	char *signature = rig_sign("", "{}", clock_wall_ms());

	rig_configure(r, "acme", NULL, NULL);
	rig_post_sunco(r, EVENT("1"), 401, NULL);
	rig_post(r, SUNCO, "Content-Type: application/json\r\nX-API-Key:\r\n",
		 EVENT("1"), 401, NULL);
	rig_post(r, "/webhooks/acme/zendesk", signature, "{}", 401, NULL);
	free(signature);
}

static bool nobody_is_there(struct http_fixture *f)
{
	return http_server_connections(f->server) == 0;
}

static void test_a_client_that_leaves(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;

	store_gate_hold(true);
	rig_send(r, &c, SUNCO, HEADERS, EVENT("1"));
	store_gate_await_held();
	raw_close(&c);
	store_gate_hold(false);
	http_fixture_await(&r->http, nobody_is_there);
	assert_int_equal(rig_jobs(r), 1);
	assert_int_equal(rig_woken(r), 1);
	rig_post_sunco(r, EVENT("1"), 200,
		       "{\"accepted\":0,\"duplicate\":1,\"ignored\":0}");
}

static void *release_store(void *arg)
{
	(void)arg;
	usleep(50000);
	store_gate_hold(false);
	return NULL;
}

/* Freed in the documented order with a delivery under way. */
static void test_stopping_finishes_deliveries(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;
	pthread_t thread;

	store_gate_hold(true);
	rig_send(r, &c, SUNCO, HEADERS, EVENT("1"));
	store_gate_await_held();
	assert_int_equal(pthread_create(&thread, NULL, release_store, NULL), 0);
	rig_stop(r);
	pthread_join(thread, NULL);
	assert_int_equal(r->woken, 1);
	raw_close(&c);
	rig_start(r);
}

static void test_many_at_once(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c[32];
	char body[256];

	store_gate_hold(true);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		snprintf(body, sizeof(body),
			 "{\"events\":[{\"id\":\"%zu\",\"type\":\"user:update\""
			 ",\"payload\":{\"reason\":\"authentication\","
			 "\"user\":{\"id\":\"user-%zu\"}}}]}",
			 i, i % 16);
		rig_send(r, &c[i], SUNCO, HEADERS, body);
	}
	store_gate_await_held();
	store_gate_hold(false);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		raw_expect(&c[i], 200);
		raw_close(&c[i]);
	}
	assert_int_equal(rig_counted(r, "sunco", "accepted"), ARRAY_LEN(c));
	assert_int_equal(rig_jobs(r), 16);
}

/* --- when the last webhook came --- */

static bool one_stored(struct http_fixture *f)
{
	(void)f;
	return store_gate_count(STORE_ACCOUNT) >= 1;
}

static bool two_stored(struct http_fixture *f)
{
	(void)f;
	return store_gate_count(STORE_ACCOUNT) >= 2;
}

static void test_many_webhooks_are_one_write(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 5; i++)
		rig_post_sunco(r, TYPING, 200, NULL);
	http_fixture_await(&r->http, one_stored);
	for (int i = 0; i < 5; i++)
		rig_post_sunco(r, TYPING, 200, NULL);
	assert_int_equal(store_gate_count(STORE_ACCOUNT), 1);
	http_fixture_call(&r->http, drain, r);
	http_fixture_await(&r->http, two_stored); /* before the end */
}

static void test_a_last_webhook_is_stored_although_that_failed(void **state)
{
	struct rig *r = *state;

	store_gate_spoil(STORE_ACCOUNT, 1);
	rig_post_sunco(r, TYPING, 200, NULL);
	http_fixture_await(&r->http, one_stored);
	http_fixture_call(&r->http, drain, r);
	http_fixture_await(&r->http, two_stored);
	rig_post_sunco(r, TYPING, 200, NULL);
}

/* The minute's write is due while the last one is under way. */
static void test_the_end_meets_the_timer(void **state)
{
	struct rig *r = *state;

	store_gate_hold(true);
	rig_post_sunco(r, TYPING, 200, NULL);
	http_fixture_call(&r->http, drain, r);
	store_gate_await_held();
	flow_leap(0, 5000);
	http_fixture_call(&r->http, turn, r);
	store_gate_hold(false);
	http_fixture_await(&r->http, one_stored);
	rig_post_sunco(r, TYPING, 200, NULL);
	assert_int_equal(store_gate_count(STORE_ACCOUNT), 1);
}

/* Whoever comes is seen to by somebody else: nobody is told. */
static bool sees_to_it(const char *account, void *arg)
{
	assert_string_equal(account, "acme");
	*(int *)arg += 1;
	return *(int *)arg == 1;
}

struct along {
	struct rig *r;
	int asked;
};

static void set_along(void *arg)
{
	struct along *a = arg;

	intake_on_along(a->r->in, sees_to_it, &a->asked);
}

static void test_what_is_seen_to_wakes_nobody(void **state)
{
	struct along a = {.r = *state};

	http_fixture_call(&a.r->http, set_along, &a);
	rig_post_sunco(a.r, EVENT("1"), 200, ACCEPTED);
	assert_int_equal(a.asked, 1);
	assert_int_equal(rig_woken(a.r), 0);
	rig_post_sunco(a.r, EVENT("2"), 200, ACCEPTED);
	assert_int_equal(a.asked, 2);
	assert_int_equal(rig_woken(a.r), 1);
	rig_post_sunco(a.r, TYPING, 200, NULL); /* nothing is stored */
	assert_int_equal(a.asked, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_failing_store_is_503),
		TEST(test_a_store_that_hangs_is_503),
		TEST(test_draining),
		TEST(test_accounts_are_replaced_under_way),
		TEST(test_no_secrets),
		TEST(test_a_client_that_leaves),
		TEST(test_stopping_finishes_deliveries),
		TEST(test_many_at_once),
		TEST(test_many_webhooks_are_one_write),
		TEST(test_the_end_meets_the_timer),
		TEST(test_what_is_seen_to_wakes_nobody),
		TEST(test_a_last_webhook_is_stored_although_that_failed),
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	log_setup(LOG_ERROR, LOG_TEXT, null);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
