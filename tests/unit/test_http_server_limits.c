/*
 * The server at its limits and over time: deadlines, cap, descriptors, clients
 * that leave, drain. Times are configured short and only answers are checked.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "unit.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#include "http_fixture.h"

#define HOST   "Host: a.example\r\n"
#define GET_OK "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
#define HOLD   "POST /hold HTTP/1.1\r\n" HOST "\r\n"

#define SHORT_MS   150
#define LONG_MS	   (60 * 1000)
#define PUMP_LIMIT (64 * 1024 * 1024)
#define SPARE_FDS  1024
#define DRIP_US	   3000
#define SETTLE_US  (2 * SHORT_MS * 1000)

static void drip_until_answer(struct http_client_raw *c)
{
	for (int i = 0; i < 20 * 1000 && !raw_is_readable(c); i++) {
		raw_puts(c, "x");
		usleep(DRIP_US);
	}
}

static void a_dripping_head_is_503(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /healthz HTTP/1.1\r\nX: ");
	drip_until_answer(&c);
	raw_expect(&c, 503);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void a_dripping_body_is_503(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK);
	raw_expect(&c, 200);
	raw_puts(&c,
		 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n");
	drip_until_answer(&c);
	raw_expect(&c, 503);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void idle_connections_are_closed_silently(void **state)
{
	struct http_fixture f;
	struct http_client_raw fresh, used;

	(void)state;
	http_fixture_start_limited(&f, LONG_MS, SHORT_MS, 16);
	raw_connect(&fresh, &f);
	raw_connect(&used, &f);
	raw_puts(&used, GET_OK);
	raw_expect(&used, 200);
	raw_expect_end(&fresh);
	raw_expect_end(&used);
	raw_close(&fresh);
	raw_close(&used);
	http_fixture_stop(&f);
}

static void a_handler_may_take_its_time(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, SHORT_MS, SHORT_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	usleep(SETTLE_US);
	assert_false(raw_is_readable(&c));
	http_fixture_release(&f);
	raw_expect(&c, 200);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void who_does_not_read_is_cut_off(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;
	char byte;

	(void)state;
	http_fixture_start_limited(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /big HTTP/1.1\r\n" HOST "\r\n" HOLD);
	assert_int_equal(recv(c.fd, &byte, 1, MSG_PEEK), 1);
	http_fixture_await(&f, http_fixture_has_no);
	assert_null(f.held); /* the next request was not even read */
	raw_close(&c);
	http_fixture_stop(&f);
}

/* Sends until the server reads no more; returns how much that was. */
static size_t pump(struct http_client_raw *c)
{
	static char filler[64 * 1024];
	size_t sent = 0;

	memset(filler, 'x', sizeof(filler));
	for (int quiet = 0; quiet < 20 && sent < PUMP_LIMIT;) {
		size_t n = raw_try_send(c, filler, sizeof(filler));

		if (n > 0) {
			sent += n;
			quiet = 0;
		} else {
			quiet++;
			usleep(DRIP_US);
		}
	}
	return sent;
}

/* What a client sends while its request is worked on is not read for ever. */
static void reading_ahead_is_bounded(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	assert_true(pump(&c) < PUMP_LIMIT);
	http_fixture_release(&f);
	raw_expect(&c, 200);
	raw_expect(&c, 431);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

/* It is read again, and dropped, once the last answer is on its way: closing
 * over it would take the answer along. */
static void what_was_read_ahead_does_not_cost_the_last_answer(void **state)
{
	static char filler[64 * 1024];
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	memset(filler, 'x', sizeof(filler));
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c,
		 "POST /hold HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	http_fixture_await(&f, http_fixture_holds);
	assert_true(pump(&c) < PUMP_LIMIT);
	http_fixture_release(&f);
	for (int i = 0; i < 16; i++)
		assert_true(raw_send(&c, filler, sizeof(filler)));
	raw_expect(&c, 200);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void past_the_cap_accepting_pauses(void **state)
{
	struct http_fixture f;
	struct http_client_raw c[3];

	(void)state;
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 2);
	for (int i = 0; i < 3; i++) {
		raw_connect(&c[i], &f);
		raw_puts(&c[i], GET_OK);
	}
	raw_expect(&c[0], 200);
	raw_expect(&c[1], 200);
	http_fixture_await(&f, http_fixture_has_two);
	usleep(SETTLE_US);
	assert_false(raw_is_readable(&c[2]));
	raw_close(&c[0]);
	raw_expect(&c[2], 200);
	raw_expect_alive(&c[1]);
	raw_close(&c[1]);
	raw_close(&c[2]);
	http_fixture_stop(&f);
}

/* Takes every descriptor below a lowered limit; returns how many. */
static int exhaust_descriptors(int fds[SPARE_FDS], struct rlimit *before)
{
	struct rlimit limit;
	int count = 0, fd = -1;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = SPARE_FDS - 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		fds[count++] = fd;
	return count;
}

static size_t count_lines(int fd, const char *text)
{
	char log[8192] = "";
	size_t count = 0;

	assert_true(pread(fd, log, sizeof(log) - 1, 0) >= 0);
	for (const char *p = log; (p = strstr(p, text)); p++)
		count++;
	return count;
}

static bool has_failed_often(struct http_fixture *f)
{
	static int calls;

	(void)f;
	return ++calls > 700; /* of a millisecond and more: some retries */
}

static void without_descriptors_accepting_pauses(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;
	struct rlimit before;
	int fds[SPARE_FDS], count;
	FILE *log = tmpfile();

	(void)state;
	assert_non_null(log);
	log_setup(LOG_WARN, LOG_TEXT, fileno(log));
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	count = exhaust_descriptors(fds, &before);
	close(fds[--count]); /* for the client itself */
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK);
	http_fixture_await(&f, has_failed_often);
	assert_false(raw_is_readable(&c));
	assert_int_equal(count_lines(fileno(log), "accept_failed"), 1);
	while (count > 0)
		close(fds[--count]);
	raw_expect(&c, 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	raw_close(&c);
	http_fixture_stop(&f);
	log_setup(LOG_WARN, LOG_TEXT, 2);
	fclose(log);
}

static void a_reply_past_the_maximum_is_500(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /huge HTTP/1.1\r\n" HOST "\r\n");
	raw_expect(&c, 500);
	raw_expect_alive(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void refusals_and_connections_are_counted(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	metrics_reset();
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /a HTTP/1.1\r\n" HOST "\r\n"
		     "GET /b HTTP/1.1\r\n" HOST "\r\n\r\n\r\n");
	raw_expect(&c, 404);
	raw_expect(&c, 404);
	raw_expect(&c, 400);
	raw_expect_end(&c);
	raw_close(&c);
	raw_connect(&c, &f);
	raw_expect_alive(&c);
	http_fixture_await(&f, http_fixture_has_one);
	http_fixture_halt(&f);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_REJECTED, "test", "404")),
		2);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_REJECTED, "test", "400")),
		1);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_CONNECTIONS, "test")), 1);
	http_server_free(f.server);
	f.server = NULL;
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_CONNECTIONS, "test")), 0);
	http_fixture_free(&f);
	raw_close(&c);
	metrics_reset();
}

static void addresses_are_listened_on_or_refused(void **state)
{
	static const struct {
		const char *address;
		enum result result;
	} table[] = {
		{"127.0.0.1:0", RESULT_OK},
		{"localhost:0", RESULT_OK},
		{":0", RESULT_OK},
		{"", RESULT_INVALID},
		{"127.0.0.1", RESULT_INVALID},
		{"127.0.0.1:", RESULT_INVALID},
		{":65536", RESULT_INVALID},
		{":-1", RESULT_INVALID},
		{":80x", RESULT_INVALID},
		{"::1:80", RESULT_INVALID},
		{"[127.0.0.1]:0", RESULT_INVALID},
		{"[::1", RESULT_INVALID},
		{"a.example:80", RESULT_INVALID},
		{"[x::]:0", RESULT_INVALID},
		{"192.0.2.1:0", RESULT_PERM},
	};
	struct http_server_config config;
	struct loop *l = loop_new();

	(void)state;
	http_server_config_default(&config);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct http_server *s =
			http_server_new(l, &config, NULL, 0, NULL);
		struct error err = {""};

		assert_int_equal(http_server_listen(s, table[i].address, &err),
				 table[i].result);
		assert_int_equal(http_server_port(s) != 0,
				 table[i].result == RESULT_OK);
		assert_int_equal(err.text[0] != '\0',
				 table[i].result != RESULT_OK);
		if (table[i].result == RESULT_OK)
			assert_int_equal(http_server_listen(s, ":0", &err),
					 RESULT_INVALID);
		http_server_free(s);
	}
	loop_free(l);
}

static void a_taken_port_is_refused(void **state)
{
	struct http_fixture f;
	struct http_server *s;
	struct error err = {""};
	char address[32];

	(void)state;
	http_fixture_start_limited(&f, LONG_MS, LONG_MS, 16);
	s = http_server_new(f.loop, &f.config, NULL, 0, NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%u", f.port);
	assert_int_equal(http_server_listen(s, address, &err), RESULT_PERM);
	assert_non_null(strstr(err.text, address));
	http_fixture_halt(&f);
	http_server_free(s);
	http_fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dripping_head_is_503),
		cmocka_unit_test(a_dripping_body_is_503),
		cmocka_unit_test(idle_connections_are_closed_silently),
		cmocka_unit_test(a_handler_may_take_its_time),
		cmocka_unit_test(who_does_not_read_is_cut_off),
		cmocka_unit_test(reading_ahead_is_bounded),
		cmocka_unit_test(
			what_was_read_ahead_does_not_cost_the_last_answer),
		cmocka_unit_test(a_reply_past_the_maximum_is_500),
		cmocka_unit_test(refusals_and_connections_are_counted),
		cmocka_unit_test(addresses_are_listened_on_or_refused),
		cmocka_unit_test(a_taken_port_is_refused),
	};
	/* Without TLS: a client waits for its handshake. */
	const struct CMUnitTest unaccepted[] = {
		cmocka_unit_test(past_the_cap_accepting_pauses),
		cmocka_unit_test(without_descriptors_accepting_pauses),
	};
	int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);

	failed += cmocka_run_group_tests(unaccepted, NULL, NULL);
	http_fixture_use_tls(true);
	return failed + cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
