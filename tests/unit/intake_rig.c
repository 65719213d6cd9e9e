/*
 * Intake with everything behind it, for its tests.
 */
#include "intake_rig.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/metrics.h"

#define PATIENCE_ROUNDS 20000 /* of a millisecond */

/* --- the rig --- */

static void on_wake(const char *account, void *arg)
{
	struct rig *r = arg;

	if (str_eq(account, "acme"))
		r->woken++;
}

static void *rig_main(void *arg)
{
	struct rig *r = arg;

	loop_run(r->http.loop);
	return NULL;
}

struct configure {
	struct rig *r;
	const char *name;
	const char *sunco_key;
	const char *zendesk_secret;
};

static void configure(void *arg)
{
	struct configure *c = arg;
	char *sunco[] = {(char *)c->sunco_key};
	char *zendesk[] = {(char *)c->zendesk_secret};
	struct account_config a = {
		.sunco_webhook_secrets = {sunco, c->sunco_key != NULL},
		.zendesk_webhook_secrets = {zendesk, c->zendesk_secret != NULL},
		.timestamp_tolerance_ms = 5 * 60 * 1000,
		.wait_for_user_ms = 30 * 60 * 1000,
		.recheck_after_ms = 7 * 24 * 3600 * 1000,
	};

	str_copy(a.name, sizeof(a.name), c->name);
	intake_set_accounts(c->r->in, &a, 1);
}

void rig_configure(struct rig *r, const char *name, const char *sunco_key,
		   const char *zendesk_secret)
{
	struct configure c = {r, name, sunco_key, zendesk_secret};

	http_fixture_call(&r->http, configure, &c);
}

void rig_start(struct rig *r)
{
	const struct http_route *routes;
	struct error err = {""};
	size_t count;

	memset(r, 0, sizeof(*r));
	http_fixture_config(&r->http.config);
	r->http.config.max_body_bytes = 1 << 20;
	r->http.loop = loop_new();
	r->q = storeq_new(r->http.loop, store_gate_open(&r->store), NULL);
	r->in = intake_new(r->http.loop, r->q, on_wake, r);
	routes = intake_routes(&count);
	r->http.server = http_server_new(r->http.loop, &r->http.config, routes,
					 count, r->in);
	if (http_server_listen(r->http.server, "127.0.0.1:0", &err))
		fail_msg("%s", err.text);
	r->http.port = http_server_port(r->http.server);
	assert_int_equal(pthread_create(&r->http.thread, NULL, rig_main, r), 0);
	rig_configure(r, "acme", RIG_SUNCO_KEY, RIG_ZENDESK_SECRET);
}

/* In the order that intake.h asks for. */
void rig_stop(struct rig *r)
{
	loop_stop(r->http.loop);
	pthread_join(r->http.thread, NULL);
	storeq_free(r->q);
	http_server_free(r->http.server);
	intake_free(r->in);
	loop_free(r->http.loop);
	metrics_reset();
	store_gate_remove(&r->store);
}

/* --- requests --- */

void rig_send(struct rig *r, struct http_client_raw *c, const char *path,
	      const char *headers, const char *body)
{
	char head[2048];

	raw_connect(c, &r->http);
	snprintf(head, sizeof(head),
		 "POST %s HTTP/1.1\r\nHost: reunite.example\r\n%s"
		 "Content-Length: %zu\r\n\r\n",
		 path, headers, strlen(body));
	raw_puts(c, head);
	raw_puts(c, body);
}

void rig_post(struct rig *r, const char *path, const char *headers,
	      const char *body, int status, const char *expected)
{
	struct http_client_raw c;
	struct http_answer_raw a;

	rig_send(r, &c, path, headers, body);
	raw_read(&c, &a, false);
	assert_int_equal(a.status, status);
	if (expected)
		assert_string_equal(a.body.data, expected);
	if (status == 503)
		assert_non_null(strstr(a.head, "Retry-After: 20"));
	buf_release(&a.body);
	raw_close(&c);
}

void rig_post_sunco(struct rig *r, const char *body, int status,
		    const char *expected)
{
	rig_post(r, "/webhooks/acme/sunco",
		 "Content-Type: application/json\r\n"
		 "X-API-Key: " RIG_SUNCO_KEY "\r\n",
		 body, status, expected);
}

char *rig_sign(const char *secret, const char *body, int64_t time_ms)
{
	struct crypto_hmac *h = crypto_hmac_new(secret, strlen(secret));
	uint8_t mac[CRYPTO_SHA256_SIZE];
	char signature[CRYPTO_BASE64_SIZE(CRYPTO_SHA256_SIZE)];
	char time[CLOCK_TEXT_SIZE];
	char *headers = xcalloc(1, 512);

	clock_format(time_ms, time);
	crypto_hmac_sign(h, (struct slice[]){slice_of(time), slice_of(body)}, 2,
			 mac);
	crypto_hmac_free(h);
	crypto_base64(mac, sizeof(mac), signature);
	snprintf(headers, 512,
		 "Content-Type: application/json; charset=utf-8\r\n"
		 "X-Zendesk-Webhook-Signature: %s\r\n"
		 "X-Zendesk-Webhook-Signature-Timestamp: %s\r\n",
		 signature, time);
	return headers;
}

void rig_post_zendesk(struct rig *r, const char *body, int64_t time_ms,
		      int status, const char *expected)
{
	char *headers = rig_sign(RIG_ZENDESK_SECRET, body, time_ms);

	rig_post(r, "/webhooks/acme/zendesk", headers, body, status, expected);
	free(headers);
}

/* --- what is seen from outside --- */

struct question {
	struct rig *r;
	const char *source;
	const char *outcome;
	int answer;
};

static void ask_counted(void *arg)
{
	struct question *q = arg;

	q->answer = (int)metric_value(
		metric_get(METRIC_WEBHOOKS, "acme", q->source, q->outcome));
}

int rig_counted(struct rig *r, const char *source, const char *outcome)
{
	struct question q = {r, source, outcome, 0};

	http_fixture_call(&r->http, ask_counted, &q);
	return q.answer;
}

static void ask_late(void *arg)
{
	struct question *q = arg;

	q->answer = (int)metric_value(
		metric_get(METRIC_LATE_EVENTS, "acme", q->source, q->outcome));
}

int rig_late(struct rig *r, const char *source, const char *outcome)
{
	struct question q = {r, source, outcome, 0};

	http_fixture_call(&r->http, ask_late, &q);
	return q.answer;
}

static void ask_woken(void *arg)
{
	struct question *q = arg;

	q->answer = q->r->woken;
}

int rig_woken(struct rig *r)
{
	struct question q = {.r = r};

	http_fixture_call(&r->http, ask_woken, &q);
	return q.answer;
}

static void do_watch(void *arg)
{
	struct question *q = arg;

	if (q->answer)
		intake_watch(q->r->in, "acme", q->source);
	else
		intake_unwatch(q->r->in, "acme", q->source);
}

void rig_watch(struct rig *r, const char *sunco_id, bool waits)
{
	struct question q = {r, sunco_id, NULL, waits};

	http_fixture_call(&r->http, do_watch, &q);
}

static size_t count_jobs(struct rig *r, int lane)
{
	struct store *s;
	struct store_op op;
	struct error err = {""};
	size_t count = 0;

	if (store_open(&s, r->store.url, STORE_READ, clock_wall_ms(), &err))
		fail_msg("%s", err.text);
	store_op_init(&op, STORE_JOBS);
	op.u.jobs.state = -1;
	op.u.jobs.max = STORE_LIST_MAX;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	for (size_t i = 0; i < op.u.jobs.count; i++)
		count += lane < 0 || (int)op.u.jobs.jobs[i].lane == lane;
	store_op_release(&op);
	store_close(s);
	return count;
}

size_t rig_jobs(struct rig *r)
{
	return count_jobs(r, -1);
}

size_t rig_jobs_in(struct rig *r, enum job_lane lane)
{
	return count_jobs(r, (int)lane);
}
