/*
 * The webhook routes from outside: what is answered, counted, logged, stored
 * and woken for bodies of every quality.
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

#include "app/runner.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "fixture.h"
#include "intake_rig.h"

#define SUNCO	     "/webhooks/acme/sunco"
#define ZENDESK	     "/webhooks/acme/zendesk"
#define JSON	     "Content-Type: application/json\r\n"
#define KEY	     "X-API-Key: " RIG_SUNCO_KEY "\r\n"
#define UNAUTHORIZED "{\"error\":\"unauthorized\"}"
#define GWEN	     "65fa11d37be4d90034c1a2c4"

static int start(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	rig_start(r);
	*state = r;
	return 0;
}

static int stop(void **state)
{
	rig_stop(*state);
	free(*state);
	return 0;
}

static char *fixture_text(const char *name)
{
	struct slice s = fixture_read(name);
	char *text = xstrndup(s.ptr, s.len);

	free((char *)s.ptr);
	return text;
}

static void post_sunco_fixture(struct rig *r, const char *name,
			       const char *expected)
{
	char *body = fixture_text(name);

	rig_post_sunco(r, body, 200, expected);
	free(body);
}

static void test_health(void **state)
{
	struct rig *r = *state;
	struct http_client_raw c;

	raw_connect(&c, &r->http);
	raw_puts(&c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&c, 200);
	raw_puts(&c, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(&c, 404);
	raw_close(&c);
}

static void test_accepted_is_stored_and_wakes(void **state)
{
	struct rig *r = *state;

	post_sunco_fixture(r, "sunco/user_update.json",
			   "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	assert_int_equal(rig_jobs(r), 1);
	assert_int_equal(rig_woken(r), 1);
	post_sunco_fixture(r, "sunco/user_update.json",
			   "{\"accepted\":0,\"duplicate\":1,\"ignored\":0}");
	assert_int_equal(rig_jobs(r), 1);
	assert_int_equal(rig_woken(r), 1);
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 1);
	assert_int_equal(rig_counted(r, "sunco", "duplicate"), 1);
	assert_int_equal(rig_counted(r, "zendesk", "accepted"), 0);
}

static void test_several_people_in_one_operation(void **state)
{
	struct rig *r = *state;

	post_sunco_fixture(r, "sunco/several_people.json",
			   "{\"accepted\":3,\"duplicate\":0,\"ignored\":2}");
	assert_int_equal(store_gate_count(STORE_ACCEPT), 1);
	assert_int_equal(rig_jobs(r), 2);
	assert_int_equal(rig_woken(r), 1);
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 3);
	assert_int_equal(rig_counted(r, "sunco", "ignored"), 2);
}

/* One event of a person of its own; time as JSON. */
static void post_timed(struct rig *r, unsigned n, const char *time)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"events\":[{\"id\":\"%024x\",\"type\":"
		 "\"conversation:create\",\"createdAt\":%s,\"payload\":"
		 "{\"user\":{\"id\":\"%024x\"}}}]}",
		 n, time, n);
	rig_post_sunco(r, body, 200, NULL);
}

/* A few late ones are like any other; many must not delay who writes now. */
static void test_many_late_ones_come_behind(void **state)
{
	struct rig *r = *state;

	for (unsigned n = 1; n <= 23; n++)
		post_timed(r, n, "\"2020-09-30T15:14:29.834Z\"");
	assert_int_equal(rig_counted(r, "sunco", "accepted"), 23);
	assert_int_equal(rig_late(r, "sunco", "behind"), 3);
	assert_int_equal(rig_late(r, "sunco", "outdated"), 0);
	assert_int_equal(rig_jobs_in(r, LANE_LIVE), 20);
	assert_int_equal(rig_jobs_in(r, LANE_BACKFILL), 3);
	post_timed(r, 24, "\"2099-09-30T15:14:29.834Z\"");
	post_timed(r, 25, "null");
	assert_int_equal(rig_jobs_in(r, LANE_LIVE), 22);
	assert_int_equal(rig_late(r, "sunco", "behind"), 3);
}

static void test_nothing_that_matters_writes_nothing(void **state)
{
	struct rig *r = *state;

	post_sunco_fixture(r, "sunco/conversation_typing.json",
			   "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
	post_sunco_fixture(r, "sunco/no_events.json",
			   "{\"accepted\":0,\"duplicate\":0,\"ignored\":0}");
	assert_int_equal(store_gate_count(STORE_ACCEPT), 0);
	assert_int_equal(rig_woken(r), 0);
	assert_int_equal(rig_counted(r, "sunco", "ignored"), 1);
}

static void post_message(struct rig *r, const char *event_id,
			 const char *expected)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"events\":[{\"id\":\"%s\",\"type\":"
		 "\"conversation:message\",\"payload\":{\"message\":{"
		 "\"author\":{\"type\":\"user\",\"userId\":\"" GWEN "\"}}}}]}",
		 event_id);
	rig_post_sunco(r, body, 200, expected);
}

static void test_messages_count_while_somebody_waits(void **state)
{
	struct rig *r = *state;

	post_message(r, "m1", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
	rig_watch(r, "somebody-else", true);
	post_message(r, "m1", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
	assert_int_equal(store_gate_count(STORE_ACCEPT), 0);
	rig_watch(r, GWEN, true);
	post_message(r, "m1", "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	post_message(r, "m1", "{\"accepted\":0,\"duplicate\":1,\"ignored\":0}");
	/* A reload does not forget who waits. */
	rig_configure(r, "acme", RIG_SUNCO_KEY, RIG_ZENDESK_SECRET);
	post_message(r, "m2", "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	rig_watch(r, GWEN, false);
	post_message(r, "m3", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
}

#define NED "67b0000000000000000000ed"

static void post_gone(struct rig *r, const char *event_id, const char *type,
		      const char *payload)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"events\":[{\"id\":\"%s\",\"type\":\"%s\","
		 "\"payload\":%s}]}",
		 event_id, type, payload);
	rig_post_sunco(r, body, 200,
		       "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
}

/* Who was waited for as one SunCo user is waited for as the next. */
static void test_messages_of_a_survivor_count(void **state)
{
	static const char merged[] =
		"{\"mergedUsers\":{\"surviving\":{\"id\":\"" GWEN "\"},"
		"\"discarded\":{\"id\":\"" NED "\"}},\"reason\":\"api\"}";
	struct rig *r = *state;

	post_gone(r, "g1", "user:merge", merged);
	post_message(r, "m1", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
	rig_watch(r, NED, true);
	post_gone(r, "g2", "user:merge", merged);
	post_message(r, "m2", "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	post_gone(r, "g3", "user:remove", "{\"user\":{\"id\":\"" GWEN "\"}}");
	post_message(r, "m3", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
}

/* Its jobs wait on, and so do the people who are waited for. */
static void test_an_account_that_comes_back_knows_who_waits(void **state)
{
	struct rig *r = *state;

	rig_watch(r, GWEN, true);
	rig_configure(r, "zenith", "another key", NULL);
	rig_configure(r, "acme", RIG_SUNCO_KEY, RIG_ZENDESK_SECRET);
	post_message(r, "m1", "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	rig_configure(r, "zenith", "another key", NULL);
	rig_watch(r, GWEN, false); /* a run that was under way */
	rig_configure(r, "acme", RIG_SUNCO_KEY, RIG_ZENDESK_SECRET);
	post_message(r, "m2", "{\"accepted\":0,\"duplicate\":0,\"ignored\":1}");
}

static void test_unauthorized(void **state)
{
	struct rig *r = *state;
	const char *body = "{\"v\":1,\"ticket_id\":1,\"requester_id\":2}";
	int64_t now_ms = clock_wall_ms();
	char *wrong = rig_sign("another secret", body, now_ms);
	char *other_body = rig_sign(RIG_ZENDESK_SECRET, "{}", now_ms);

	rig_post(r, SUNCO, JSON, "{\"events\":[]}", 401, UNAUTHORIZED);
	rig_post(r, SUNCO, JSON "X-API-Key: \r\n", "{}", 401, UNAUTHORIZED);
	rig_post(r, SUNCO, JSON "X-API-Key: x" RIG_SUNCO_KEY "\r\n", "{}", 401,
		 UNAUTHORIZED);
	rig_post(r, SUNCO, JSON "X-API-Key: " RIG_ZENDESK_SECRET "\r\n", "{}",
		 401, UNAUTHORIZED);
	assert_int_equal(rig_counted(r, "sunco", "unauthorized"), 4);
	rig_post(r, ZENDESK, JSON, body, 401, UNAUTHORIZED);
	rig_post(r, ZENDESK, JSON KEY, body, 401, UNAUTHORIZED);
	rig_post(r, ZENDESK, wrong, body, 401, UNAUTHORIZED);
	rig_post(r, ZENDESK, other_body, body, 401, UNAUTHORIZED);
	rig_post_zendesk(r, body, now_ms - 600000, 401, UNAUTHORIZED);
	rig_post_zendesk(r, body, now_ms + 600000, 401, UNAUTHORIZED);
	assert_int_equal(rig_counted(r, "zendesk", "unauthorized"), 6);
	assert_int_equal(store_gate_count(STORE_ACCEPT), 0);
	free(wrong);
	free(other_body);
}

static void test_nothing_is_parsed_before_it_is_verified(void **state)
{
	struct rig *r = *state;

	rig_post(r, SUNCO, JSON, "not JSON", 401, UNAUTHORIZED);
	rig_post(r, ZENDESK, JSON, "not JSON", 401, UNAUTHORIZED);
	assert_int_equal(rig_counted(r, "sunco", "malformed"), 0);
}

static void test_malformed(void **state)
{
	struct rig *r = *state;

	rig_post_sunco(r, "{\"canary\":}", 400,
		       "{\"error\":\"not JSON at byte 10\"}");
	rig_post_sunco(r, "", 400, "{\"error\":\"empty body\"}");
	rig_post_sunco(r, "{}", 400, NULL);
	assert_int_equal(rig_counted(r, "sunco", "malformed"), 3);
	rig_post_zendesk(r, "{}", clock_wall_ms(), 400, NULL);
	rig_post_zendesk(r, "", clock_wall_ms(), 400, NULL);
	assert_int_equal(rig_counted(r, "zendesk", "malformed"), 2);
}

static void test_refused_by_the_server(void **state)
{
	struct rig *r = *state;

	rig_post(r, SUNCO, KEY, "{\"events\":[]}", 415, NULL);
	rig_post(r, SUNCO, KEY "Content-Type: text/plain\r\n",
		 "{\"events\":[]}", 415, NULL);
	rig_post(r, "/webhooks/acme", JSON KEY, "{}", 404, NULL);
	rig_post(r, "/webhooks/acme/sunco/", JSON KEY, "{}", 404, NULL);
}

static void test_unknown_account(void **state)
{
	struct rig *r = *state;
	static const char *const names[] = {"nobody", "acm",	 "acmee",
					    "ACME",   "acme%20", "%2e%2e"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "/webhooks/%s/sunco", names[i]);
		rig_post(r, path, JSON KEY, "{\"events\":[]}", 404,
			 "{\"error\":\"not found\"}");
	}
}

static void test_zendesk_test_call(void **state)
{
	struct rig *r = *state;
	static const char zeros[] =
		"{\"accepted\":0,\"duplicate\":0,\"ignored\":0}";
	char *signature = rig_sign(RIG_ZENDESK_SECRET, "", clock_wall_ms());
	char headers[1024];

	/* It has no content type either. */
	snprintf(headers, sizeof(headers),
		 "%sX-Zendesk-Webhook-Id: test_webhook:fake_webhook:1\r\n",
		 strstr(signature, "X-Zendesk"));
	rig_post(r, ZENDESK, headers, "", 200, zeros);
	snprintf(headers, sizeof(headers), "%sX-Zendesk-Webhook-Id: 01F1\r\n",
		 signature);
	rig_post(r, ZENDESK, headers, "", 400, NULL);
	rig_post(r, ZENDESK, JSON "X-Zendesk-Webhook-Id: test_webhook:1\r\n",
		 "", 401, UNAUTHORIZED);
	rig_post(r, SUNCO, KEY "X-Zendesk-Webhook-Id: test_webhook:1\r\n", "",
		 400, NULL);
	free(signature);
}

static void test_a_resent_trigger_is_a_duplicate(void **state)
{
	struct rig *r = *state;
	char *body = fixture_text("zendesk/trigger.json");
	int64_t now_ms = clock_wall_ms();

	rig_post_zendesk(r, body, now_ms, 200,
			 "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	rig_post_zendesk(r, body, now_ms + 7000, 200,
			 "{\"accepted\":0,\"duplicate\":1,\"ignored\":0}");
	assert_int_equal(rig_jobs(r), 1);
	free(body);
}

/* Who lost the address, as the store's own key hashes it. */
static struct owner owner_of(struct rig *r, const char *address)
{
	struct store *s;
	struct store_op op;
	struct error err = {""};
	struct crypto_hmac *hmac;

	if (store_open(&s, r->store.url, STORE_READ, clock_wall_ms(), &err))
		fail_msg("%s", err.text);
	hmac = crypto_hmac_new(store_key(s), STORE_KEY_SIZE);
	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = "acme";
	op.u.recall.sunco_id = "";
	address_hash(hmac, address, op.u.recall.address_hash);
	assert_int_equal(store_do(s, &op), RESULT_OK);
	assert_int_equal(op.u.recall.owner_count, 1);
	crypto_hmac_free(hmac);
	store_close(s);
	return op.u.recall.owners[0];
}

static void test_addresses_are_kept_as_keyed_hashes(void **state)
{
	char *body = fixture_text("zendesk/user_identity_changed_value.json");
	struct rig *r = *state;
	struct owner o;

	rig_post_zendesk(r, body, clock_wall_ms(), 200,
			 "{\"accepted\":1,\"duplicate\":0,\"ignored\":0}");
	o = owner_of(r, "gwen@web.example");
	assert_int_equal(o.user, 8800123);
	assert_int_equal(o.lost_ms, INT64_C(1773480413000));
	o = owner_of(r, "gwen.new@web.example");
	assert_int_equal(o.user, 8800123);
	assert_int_equal(o.lost_ms, 0);
	free(body);
}

static void ask_last_webhook(void *arg)
{
	*(double *)arg =
		metric_value(metric_get(METRIC_LAST_WEBHOOK, "acme", "sunco"));
}

static void ask_seconds(void *arg)
{
	*(double *)arg = metric_value(metric_get(METRIC_WEBHOOK_SECONDS));
}

static void test_metrics_of_time(void **state)
{
	struct rig *r = *state;
	double last, seconds;

	rig_post(r, SUNCO, JSON, "{\"events\":[]}", 401, NULL);
	http_fixture_call(&r->http, ask_last_webhook, &last);
	assert_true(last == 0);
	rig_post_sunco(r, "{\"events\":[]}", 200, NULL);
	http_fixture_call(&r->http, ask_last_webhook, &last);
	assert_true(last > 1.6e9 && last < 1e11);
	http_fixture_call(&r->http, ask_seconds, &seconds);
	assert_true(seconds == 2);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (text = strstr(text, part); text; text = strstr(text + 1, part))
		count++;
	return count;
}

static void test_rejections_are_logged_once_in_a_while(void **state)
{
	struct rig *r = *state;
	char path[96], text[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/log", r->store.dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	log_setup(LOG_INFO, LOG_JSON, fd);
	for (int i = 0; i < 5; i++)
		rig_post(r, SUNCO, JSON "X-API-Key: canary\r\n",
			 "{\"canary\":1}", 401, NULL);
	rig_post_sunco(r, "canary", 400, NULL);
	rig_post(r, "/webhooks/canary/sunco", JSON, "{}", 404, NULL);
	post_sunco_fixture(r, "sunco/user_update.json", NULL);
	log_setup(LOG_ERROR, LOG_TEXT, STDERR_FILENO);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	unlink(path);
	assert_int_equal(count_of(text, "webhook_rejected"), 2);
	assert_int_equal(count_of(text, "\n"), 2);
	assert_int_equal(count_of(text, "canary"), 0);
	assert_int_equal(count_of(text, "\"reason\":\"wrong\""), 1);
	assert_int_equal(count_of(text, "\"status\":404"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_health),
		TEST(test_accepted_is_stored_and_wakes),
		TEST(test_several_people_in_one_operation),
		TEST(test_many_late_ones_come_behind),
		TEST(test_nothing_that_matters_writes_nothing),
		TEST(test_messages_count_while_somebody_waits),
		TEST(test_messages_of_a_survivor_count),
		TEST(test_an_account_that_comes_back_knows_who_waits),
		TEST(test_unauthorized),
		TEST(test_nothing_is_parsed_before_it_is_verified),
		TEST(test_malformed),
		TEST(test_refused_by_the_server),
		TEST(test_unknown_account),
		TEST(test_addresses_are_kept_as_keyed_hashes),
		TEST(test_zendesk_test_call),
		TEST(test_a_resent_trigger_is_a_duplicate),
		TEST(test_metrics_of_time),
		TEST(test_rejections_are_logged_once_in_a_while),
	};

	log_setup(LOG_ERROR, LOG_TEXT, STDERR_FILENO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
