/*
 * What TLS adds to the server: versions, protocols, handshakes that drip, hang
 * or break, plain HTTP, resumption, another certificate while it runs. That
 * everything else is as without TLS is what the other test_http_server*.c say,
 * which run twice.
 */
#include <errno.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "unit.h"

#include "base/metrics.h"
#include "base/str.h"
#include "http_fixture.h"

#include "../../src/net/http_server_impl.h"

#define HOST   "Host: a.example\r\n"
#define GET_OK "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
#define HOLD   "POST /hold HTTP/1.1\r\n" HOST "\r\n"

#define SHORT_MS 150
#define LONG_MS	 (60 * 1000)
#define DRIP_US	 3000

static int setup(void **state)
{
	static struct http_fixture f;

	metrics_reset();
	http_fixture_start(&f, NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	http_fixture_stop(*state);
	return 0;
}

struct handshakes {
	double full, resumed, failed;
};

static void read_handshakes(void *arg)
{
	struct handshakes *h = arg;

	h->full =
		metric_value(metric_get(METRIC_TLS_HANDSHAKES, "test", "full"));
	h->resumed = metric_value(
		metric_get(METRIC_TLS_HANDSHAKES, "test", "resumed"));
	h->failed = metric_value(
		metric_get(METRIC_TLS_HANDSHAKES, "test", "failed"));
}

static struct handshakes handshakes(struct http_fixture *f)
{
	struct handshakes h;

	http_fixture_call(f, read_handshakes, &h);
	return h;
}

/* Rules for one client, from those that trust the server: *new*. */
static SSL_CTX *rules_of(const struct http_fixture *f, int version)
{
	SSL_CTX *rules = SSL_CTX_new(TLS_client_method());

	assert_non_null(rules);
	assert_int_equal(SSL_CTX_load_verify_file(rules, f->kit.certificate),
			 1);
	SSL_CTX_set_verify(rules, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(rules, version);
	SSL_CTX_set_max_proto_version(rules, version);
	/* TLS 1.1 is not even offered otherwise. */
	SSL_CTX_set_security_level(rules, 0);
	return rules;
}

static bool agrees(const struct http_fixture *f, SSL_CTX *rules)
{
	struct http_client_raw c;
	bool ok;

	raw_connect_plain(&c, f);
	ok = raw_start_tls(&c, rules);
	if (ok)
		raw_expect_alive(&c);
	raw_close(&c);
	ERR_clear_error();
	return ok;
}

static void versions_from_1_2_on_are_spoken(void **state)
{
	static const struct {
		int version;
		bool ok;
	} table[] = {{TLS1_VERSION, false},
		     {TLS1_1_VERSION, false},
		     {TLS1_2_VERSION, true},
		     {TLS1_3_VERSION, true}};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		SSL_CTX *rules = rules_of(*state, table[i].version);

		assert_int_equal(agrees(*state, rules), table[i].ok);
		SSL_CTX_free(rules);
	}
}

static void ciphers_without_forward_secrecy_are_refused(void **state)
{
	static const struct {
		const char *ciphers;
		bool ok;
	} table[] = {{"AES128-GCM-SHA256", false},
		     {"ECDHE-ECDSA-AES128-SHA256", false},
		     {"ECDHE-ECDSA-AES128-GCM-SHA256", true}};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		SSL_CTX *rules = rules_of(*state, TLS1_2_VERSION);

		SSL_CTX_set_cipher_list(rules, table[i].ciphers);
		assert_int_equal(agrees(*state, rules), table[i].ok);
		SSL_CTX_free(rules);
	}
}

static void http_1_1_is_the_only_protocol(void **state)
{
	static const struct {
		const char *offered;
		const char *chosen; /* NULL: refused */
	} table[] = {{"", ""},
		     {"\x08http/1.1", "http/1.1"},
		     {"\x02h2\x08http/1.1", "http/1.1"},
		     {"\x02h2", NULL},
		     {"\x08http/1.0", NULL}};
	const struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct http_client_raw c;
		const unsigned char *got;
		unsigned len;

		SSL_CTX_set_alpn_protos(f->kit.client,
					(const uint8_t *)table[i].offered,
					(unsigned)strlen(table[i].offered));
		raw_connect_plain(&c, f);
		assert_int_equal(raw_start_tls(&c, f->kit.client),
				 table[i].chosen != NULL);
		SSL_get0_alpn_selected(c.tls, &got, &len);
		if (table[i].chosen) {
			assert_int_equal(len, strlen(table[i].chosen));
			assert_memory_equal(got ? (const char *)got : "",
					    table[i].chosen, len);
		}
		raw_close(&c);
	}
	SSL_CTX_set_alpn_protos(f->kit.client, NULL, 0);
}

struct exchange {
	struct http_fixture *f;
	struct tls_context *tls;
};

static void put_context(void *arg)
{
	const struct exchange *e = arg;

	http_server_set_tls(e->f->server, e->tls);
}

static void set_context(struct http_fixture *f, struct tls_context *tls)
{
	struct exchange e = {f, tls};

	http_fixture_call(f, put_context, &e);
}

/* --- clients whose bytes a test has in its own hands --- */

struct by_hand {
	struct http_client_raw c; /* plain: what TLS says goes through it */
	SSL *tls;
};

static void hand_connect(struct by_hand *h, const struct http_fixture *f)
{
	raw_connect_plain(&h->c, f);
	h->tls = SSL_new(f->kit.client);
	assert_non_null(h->tls);
	SSL_set_bio(h->tls, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(h->tls);
}

static void hand_close(struct by_hand *h)
{
	SSL_free(h->tls);
	raw_close(&h->c);
}

/* What the client's side wants to say: byte by byte, each a segment. */
static void hand_send(struct by_hand *h)
{
	char byte;

	while (BIO_read(SSL_get_wbio(h->tls), &byte, 1) == 1)
		(void)raw_send(&h->c, &byte, 1);
}

/* Some of what the server says; false at its end. */
static bool hand_take(struct by_hand *h)
{
	char room[4096];
	ssize_t n = raw_recv(&h->c, room, sizeof(room));

	if (n > 0)
		BIO_write(SSL_get_rbio(h->tls), room, (int)n);
	return n > 0;
}

static void hand_shake(struct by_hand *h)
{
	while (SSL_do_handshake(h->tls) != 1) {
		hand_send(h);
		assert_true(hand_take(h));
	}
	hand_send(h);
}

static void hand_expect(struct by_hand *h, const char *begin)
{
	char room[512];
	int n;

	while ((n = SSL_read(h->tls, room, sizeof(room))) <= 0)
		assert_true(hand_take(h));
	assert_true((size_t)n >= strlen(begin));
	assert_memory_equal(room, begin, strlen(begin));
}

static void every_byte_may_come_alone(void **state)
{
	struct by_hand h;

	hand_connect(&h, *state);
	hand_shake(&h);
	for (int i = 0; i < 3; i++) {
		assert_true(SSL_write(h.tls, GET_OK, strlen(GET_OK)) > 0);
		hand_send(&h);
		hand_expect(&h, "HTTP/1.1 200 OK\r\n");
	}
	hand_close(&h);
}

/* The first request may follow at the heels of the handshake. */
static void a_request_comes_with_the_last_word_of_the_handshake(void **state)
{
	struct by_hand h;
	char *bytes;
	long len;

	hand_connect(&h, *state);
	while (SSL_do_handshake(h.tls) != 1) {
		hand_send(&h);
		assert_true(hand_take(&h));
	}
	assert_true(SSL_write(h.tls, GET_OK, strlen(GET_OK)) > 0);
	len = BIO_get_mem_data(SSL_get_wbio(h.tls), &bytes);
	assert_true(raw_send(&h.c, bytes, (size_t)len));
	hand_expect(&h, "HTTP/1.1 200 OK\r\n");
	hand_close(&h);
}

/* --- handshakes that come to nothing --- */

static bool has_failed(struct http_fixture *f)
{
	(void)f;
	return metric_value(metric_get(METRIC_TLS_HANDSHAKES, "test",
				       "failed")) == 1;
}

static void start_impatient(struct http_fixture *f)
{
	struct http_server_config config;

	metrics_reset();
	http_fixture_config(&config);
	config.handshake_timeout_ms = SHORT_MS;
	http_fixture_start(f, &config);
}

static void whoever_says_nothing_is_cut_off(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start_impatient(&f);
	raw_connect_plain(&c, &f);
	http_fixture_await(&f, http_fixture_has_one);
	raw_expect_end(&c);
	http_fixture_await(&f, http_fixture_has_no);
	assert_true(handshakes(&f).failed == 0);
	raw_close(&c);
	http_fixture_stop(&f);
}

/* However it drips: the time is for the handshake as a whole. */
static void a_handshake_that_drips_is_cut_off(void **state)
{
	struct http_fixture f;
	struct by_hand h;
	char byte;

	(void)state;
	start_impatient(&f);
	hand_connect(&h, &f);
	assert_int_equal(SSL_do_handshake(h.tls), -1);
	while (!raw_is_readable(&h.c) &&
	       BIO_read(SSL_get_wbio(h.tls), &byte, 1) == 1) {
		(void)raw_send(&h.c, &byte, 1);
		usleep(DRIP_US);
	}
	assert_true(raw_recv(&h.c, &byte, 1) <= 0);
	http_fixture_await(&f, has_failed);
	http_fixture_await(&f, http_fixture_has_no);
	hand_close(&h);
	http_fixture_stop(&f);
}

static void the_time_for_a_request_begins_after_it(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	usleep(2 * SHORT_MS * 1000);
	raw_expect_alive(&c); /* idle, and for longer */
	raw_close(&c);
	http_fixture_stop(&f);
}

static void a_handshake_that_is_cut_leaves_nothing(void **state)
{
	struct http_fixture f;
	struct by_hand h;

	(void)state;
	metrics_reset();
	http_fixture_start(&f, NULL);
	hand_connect(&h, &f);
	assert_int_equal(SSL_do_handshake(h.tls), -1);
	hand_send(&h);
	assert_true(hand_take(&h));
	hand_close(&h);
	http_fixture_await(&f, has_failed);
	http_fixture_await(&f, http_fixture_has_no);
	http_fixture_stop(&f);
}

static void whoever_only_knocks_is_no_failure(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_raw c;

	raw_connect_plain(&c, f);
	http_fixture_await(f, http_fixture_has_one);
	raw_close(&c);
	http_fixture_await(f, http_fixture_has_no);
	assert_true(handshakes(f).failed == 0);
}

/* The library has its queue of errors per thread, not per connection. */
static void a_failure_is_nobody_elses(void **state)
{
	struct http_client_raw bad;
	struct by_hand h;
	char byte;

	hand_connect(&h, *state);
	hand_shake(&h);
	for (int i = 0; i < 3; i++) {
		raw_connect_plain(&bad, *state);
		raw_send(&bad, "\x16\x03\x01\0\5\2\0\0\1\0", 10); /* no hello */
		while (raw_recv(&bad, (char[64]){0}, 64) > 0)
			;
		raw_close(&bad);
	}
	assert_true(SSL_write(h.tls, GET_OK, strlen(GET_OK)) > 0);
	assert_int_equal(BIO_read(SSL_get_wbio(h.tls), &byte, 1), 1);
	assert_true(raw_send(&h.c, &byte, 1));
	usleep(10 * DRIP_US); /* not a record yet: the library has to say so */
	hand_send(&h);
	hand_expect(&h, "HTTP/1.1 200 OK\r\n");
	hand_close(&h);
}

/* --- plain HTTP --- */

static void plain_http_is_told_and_ended(void **state)
{
	static const char *const requests[] = {
		GET_OK, HOLD, "HEAD / HTTP/1.0\r\n\r\n",
		"PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"};
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct http_client_raw c;
		struct http_answer_raw a;

		raw_connect_plain(&c, f);
		raw_puts(&c, requests[i]);
		raw_puts(&c, requests[i]);
		raw_read(&c, &a, false);
		assert_int_equal(a.status, 400);
		assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
		assert_string_equal(a.body.data,
				    "{\"error\":\"this port speaks HTTPS\"}");
		buf_release(&a.body);
		raw_expect_end(&c);
		raw_close(&c);
	}
	assert_true(handshakes(f).failed == ARRAY_LEN(requests));
	assert_null(f->held);
}

/* What is no TLS and no HTTP either gets TLS's word for it, if any. */
static void rubbish_is_ended(void **state)
{
	static const char *const rubbish[] = {
		"DELETE / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n",
		"\x16\x03\x01\xff\xff" GET_OK, "\x80\x2e\x01\x03\x01"};
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
		struct http_client_raw c;
		char room[64];

		raw_connect_plain(&c, f);
		raw_puts(&c, rubbish[i]);
		shutdown(c.fd, SHUT_WR);
		while (raw_recv(&c, room, sizeof(room)) > 0)
			assert_int_not_equal(room[0], 'H');
		raw_close(&c);
	}
	http_fixture_await(f, http_fixture_has_no);
}

/* --- during a connection --- */

static void the_end_is_said(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c,
		 "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	raw_expect(&c, 200);
	raw_expect_end(&c); /* with close_notify, else it would fail */
	assert_true(SSL_get_shutdown(c.tls) & SSL_RECEIVED_SHUTDOWN);
	raw_close(&c);
}

static void a_connection_that_is_cut_still_gets_its_answer(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_raw c;

	raw_connect(&c, f);
	raw_puts(&c, HOLD);
	http_fixture_await(f, http_fixture_holds);
	shutdown(c.fd, SHUT_WR); /* without TLS's word for it */
	http_fixture_release(f);
	raw_expect(&c, 200);
	raw_expect_end(&c);
	raw_close(&c);
}

static void half_a_request_that_is_cut_is_no_request(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_raw c;

	raw_connect(&c, f);
	raw_puts(&c, "POST /hold HTTP/1.1\r\n" HOST
		     "Content-Length: 10\r\n\r\nhalf");
	shutdown(c.fd, SHUT_WR);
	raw_expect_end(&c);
	assert_null(f->held);
	raw_close(&c);
}

/* Records that do not fit while a request is worked on: what is decrypted
 * already makes no socket readable. */
static void what_was_decrypted_early_is_not_forgotten(void **state)
{
	static char batch[12 * 1024];
	const size_t count = sizeof(batch) / strlen(GET_OK);
	struct http_fixture *f = *state;
	struct http_client_raw c;

	for (size_t i = 0; i < count; i++)
		memcpy(batch + i * strlen(GET_OK), GET_OK, strlen(GET_OK));
	raw_connect(&c, f);
	raw_puts(&c, HOLD);
	http_fixture_await(f, http_fixture_holds);
	for (int i = 0; i < 2; i++)
		assert_true(raw_send(&c, batch, count * strlen(GET_OK)));
	usleep(SHORT_MS * 1000); /* it reads as much as it may */
	http_fixture_release(f);
	for (size_t i = 0; i < 1 + 2 * count; i++)
		raw_expect(&c, 200);
	raw_close(&c);
}

static void renegotiation_is_refused(void **state)
{
	SSL_CTX *rules = rules_of(*state, TLS1_2_VERSION);
	struct http_client_raw c;
	char room[16];

	raw_connect_plain(&c, *state);
	assert_true(raw_start_tls(&c, rules));
	raw_expect_alive(&c);
	assert_int_equal(SSL_renegotiate(c.tls), 1);
	assert_int_not_equal(SSL_do_handshake(c.tls), 1);
	assert_true(raw_recv(&c, room, sizeof(room)) <= 0);
	raw_close(&c);
	SSL_CTX_free(rules);
	ERR_clear_error();
}

/* The server has to say something in order to go on reading. */
static void new_keys_may_be_asked_for(void **state)
{
	struct http_fixture *f = *state;
	SSL_CTX *rules = rules_of(f, TLS1_3_VERSION);
	struct http_client_raw c;

	raw_connect_plain(&c, f);
	assert_true(raw_start_tls(&c, rules));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			SSL_key_update(c.tls, SSL_KEY_UPDATE_REQUESTED), 1);
		raw_expect_alive(&c);
	}
	raw_puts(&c, HOLD);
	http_fixture_await(f, http_fixture_holds);
	assert_int_equal(SSL_key_update(c.tls, SSL_KEY_UPDATE_REQUESTED), 1);
	raw_puts(&c, GET_OK);
	http_fixture_release(f);
	raw_expect(&c, 200);
	raw_expect(&c, 200);
	raw_close(&c);
	SSL_CTX_free(rules);
}

/* Of its only connection, for what is sent. */
static void leave_little_room(void *arg)
{
	const struct http_fixture *f = arg;
	int room = 32 * 1024;

	assert_int_equal(setsockopt(f->server->conns->socket.fd, SOL_SOCKET,
				    SO_SNDBUF, &room, sizeof(room)),
			 0);
}

/* More than the kernel takes at once: the server waits to write, in the midst
 * of the handshake. */
static void a_long_chain_waits_for_room(void **state)
{
	const struct tls_kit_plan plan = {.ends_s = 1000, .chain = 1500};
	struct http_fixture f;
	struct tls_kit kit;
	struct by_hand h;

	(void)state;
	tls_kit_make(&kit, &plan);
	http_fixture_start(&f, NULL);
	set_context(&f, tls_kit_context(&kit));
	SSL_CTX_free(f.kit.client);
	f.kit.client = kit.client;
	SSL_CTX_up_ref(kit.client);
	hand_connect(&h, &f);
	http_fixture_await(&f, http_fixture_has_one);
	http_fixture_call(&f, leave_little_room, &f);
	assert_int_equal(SSL_do_handshake(h.tls), -1);
	hand_send(&h);
	usleep(SHORT_MS * 1000); /* nobody reads */
	hand_shake(&h);
	assert_true(SSL_write(h.tls, GET_OK, strlen(GET_OK)) > 0);
	hand_send(&h);
	hand_expect(&h, "HTTP/1.1 200 OK\r\n");
	hand_close(&h);
	http_fixture_stop(&f);
	tls_kit_free(&kit);
}

/* --- sessions and certificates --- */

/* A connection, and what it may be resumed with later: *new*. */
static SSL_SESSION *session_of(const struct http_fixture *f, SSL_CTX *rules,
			       SSL_SESSION *with, bool *resumed)
{
	struct http_client_raw c;
	SSL_SESSION *s;

	raw_connect_plain(&c, f);
	c.tls = SSL_new(rules);
	assert_non_null(c.tls);
	assert_int_equal(SSL_set_fd(c.tls, c.fd), 1);
	if (with)
		SSL_set_session(c.tls, with);
	assert_int_equal(SSL_connect(c.tls), 1);
	raw_expect_alive(&c);
	*resumed = SSL_session_reused(c.tls);
	s = SSL_get1_session(c.tls);
	raw_end(&c);
	raw_close(&c);
	return s;
}

static void sessions_are_resumed(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct http_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		SSL_CTX *rules = rules_of(f, versions[i]);
		struct handshakes before = handshakes(f);
		SSL_SESSION *first, *second;
		bool resumed;

		first = session_of(f, rules, NULL, &resumed);
		assert_false(resumed);
		second = session_of(f, rules, first, &resumed);
		assert_true(resumed);
		assert_true(handshakes(f).full == before.full + 1);
		assert_true(handshakes(f).resumed == before.resumed + 1);
		SSL_SESSION_free(second);
		/* Other keys know nothing of it, and do not mind. */
		set_context(f, tls_kit_context(&f->kit));
		second = session_of(f, rules, first, &resumed);
		assert_false(resumed);
		SSL_SESSION_free(first);
		SSL_SESSION_free(second);
		SSL_CTX_free(rules);
	}
}

static void another_certificate_is_for_whoever_comes(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_raw before, after;
	struct tls_kit other;

	tls_kit_make(&other, NULL);
	raw_connect(&before, f);
	raw_puts(&before, HOLD);
	http_fixture_await(f, http_fixture_holds);
	set_context(f, tls_kit_context(&other));
	assert_false(agrees(f, f->kit.client));
	raw_connect_plain(&after, f);
	assert_true(raw_start_tls(&after, other.client));
	raw_expect_alive(&after);
	http_fixture_release(f);
	raw_expect(&before, 200);
	raw_expect_alive(&before);
	set_context(f, tls_kit_context(&f->kit));
	raw_expect_alive(&after);
	assert_true(agrees(f, f->kit.client));
	raw_close(&before);
	raw_close(&after);
	tls_kit_free(&other);
}

static void tls_may_be_turned_off_and_on(void **state)
{
	struct http_fixture *f = *state;
	struct http_client_raw secure, plain;

	raw_connect(&secure, f);
	set_context(f, NULL);
	raw_connect_plain(&plain, f);
	raw_expect_alive(&plain);
	raw_expect_alive(&secure);
	set_context(f, tls_kit_context(&f->kit));
	raw_expect_alive(&plain);
	assert_true(agrees(f, f->kit.client));
	raw_close(&plain);
	raw_close(&secure);
}

/* --- drain --- */

static void set_drained(void *arg)
{
	((struct http_fixture *)arg)->drained = true;
}

static void start_drain(void *arg)
{
	struct http_fixture *f = arg;

	http_server_drain(f->server, set_drained, f);
}

static bool is_drained(struct http_fixture *f)
{
	return f->drained;
}

static bool has_three(struct http_fixture *f)
{
	return http_server_connections(f->server) == 3;
}

/* In the midst of a handshake. */
static void hand_begin(struct by_hand *h, const struct http_fixture *f)
{
	hand_connect(h, f);
	assert_int_equal(SSL_do_handshake(h->tls), -1);
	hand_send(h);
	assert_true(hand_take(h));
}

static void a_drain_waits_for_a_handshake_under_way(void **state)
{
	struct http_client_raw silent;
	struct by_hand asks, idle;
	struct http_fixture f;

	(void)state;
	http_fixture_start(&f, NULL);
	raw_connect_plain(&silent, &f);
	hand_begin(&asks, &f);
	hand_begin(&idle, &f);
	http_fixture_await(&f, has_three);
	http_fixture_call(&f, start_drain, &f);
	hand_shake(&asks);
	assert_true(SSL_write(asks.tls, GET_OK, strlen(GET_OK)) > 0);
	hand_send(&asks);
	hand_expect(&asks, "HTTP/1.1 503 ");
	while (SSL_do_handshake(idle.tls) != 1 && hand_take(&idle))
		hand_send(&idle);
	hand_send(&idle); /* and asks nothing, if it was in time at all */
	raw_expect_end(&silent);
	http_fixture_await(&f, is_drained);
	hand_close(&asks);
	hand_close(&idle);
	raw_close(&silent);
	http_fixture_stop(&f);
}

static void a_server_is_freed_amid_handshakes(void **state)
{
	struct http_fixture f;
	struct by_hand h;

	(void)state;
	http_fixture_start(&f, NULL);
	hand_begin(&h, &f);
	http_fixture_stop(&f);
	hand_close(&h);
}

/* A server for each, as what is counted is its own. */
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(versions_from_1_2_on_are_spoken),
		WITH_SERVER(ciphers_without_forward_secrecy_are_refused),
		WITH_SERVER(http_1_1_is_the_only_protocol),
		WITH_SERVER(every_byte_may_come_alone),
		WITH_SERVER(
			a_request_comes_with_the_last_word_of_the_handshake),
		WITH_SERVER(whoever_only_knocks_is_no_failure),
		WITH_SERVER(a_failure_is_nobody_elses),
		WITH_SERVER(plain_http_is_told_and_ended),
		WITH_SERVER(rubbish_is_ended),
		WITH_SERVER(the_end_is_said),
		WITH_SERVER(a_connection_that_is_cut_still_gets_its_answer),
		WITH_SERVER(half_a_request_that_is_cut_is_no_request),
		WITH_SERVER(what_was_decrypted_early_is_not_forgotten),
		WITH_SERVER(renegotiation_is_refused),
		WITH_SERVER(new_keys_may_be_asked_for),
		WITH_SERVER(sessions_are_resumed),
		WITH_SERVER(another_certificate_is_for_whoever_comes),
		WITH_SERVER(tls_may_be_turned_off_and_on),
		cmocka_unit_test(whoever_says_nothing_is_cut_off),
		cmocka_unit_test(a_handshake_that_drips_is_cut_off),
		cmocka_unit_test(the_time_for_a_request_begins_after_it),
		cmocka_unit_test(a_handshake_that_is_cut_leaves_nothing),
		cmocka_unit_test(a_long_chain_waits_for_room),
		cmocka_unit_test(a_drain_waits_for_a_handshake_under_way),
		cmocka_unit_test(a_server_is_freed_amid_handshakes),
	};

	http_fixture_use_tls(true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
