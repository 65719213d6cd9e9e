/*
 * The server at its limits and over time: deadlines, cap, descriptors, clients
 * that leave, drain. Times are configured short and only answers are checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#include "http_fixture.h"

#define HOST   "Host: a.example\r\n"
#define GET_OK "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
#define HOLD   "POST /hold HTTP/1.1\r\n" HOST "\r\n"

#define SHORT_MS   60
#define LONG_MS	   (60 * 1000)
#define PUMP_LIMIT (64 * 1024 * 1024)
#define SPARE_FDS  1024
#define DRIP_US	   3000
#define SETTLE_US  (4 * SHORT_MS * 1000)

static void start(struct http_fixture *f, int64_t request_ms, int64_t idle_ms,
		  size_t connections)
{
	struct http_server_config config;

	http_fixture_config(&config);
	config.request_timeout_ms = request_ms;
	config.idle_timeout_ms = idle_ms;
	config.max_connections = connections;
	http_fixture_start(f, &config);
}

static bool is_readable(const struct http_client_raw *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void drip_until_answer(struct http_client_raw *c)
{
	for (int i = 0; i < 20 * 1000 && !is_readable(c); i++) {
		raw_puts(c, "x");
		usleep(DRIP_US);
	}
}

static void a_dripping_head_is_408(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /healthz HTTP/1.1\r\nX: ");
	drip_until_answer(&c);
	raw_expect(&c, 408);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void a_dripping_body_is_408(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK);
	raw_expect(&c, 200);
	raw_puts(&c,
		 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2000\r\n\r\n");
	drip_until_answer(&c);
	raw_expect(&c, 408);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void idle_connections_are_closed_silently(void **state)
{
	struct http_fixture f;
	struct http_client_raw fresh, used;

	(void)state;
	start(&f, LONG_MS, SHORT_MS, 16);
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
	start(&f, SHORT_MS, SHORT_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	usleep(SETTLE_US);
	assert_false(is_readable(&c));
	http_fixture_release(&f);
	raw_expect(&c, 200);
	raw_close(&c);
	http_fixture_stop(&f);
}

static bool has_no_connection(struct http_fixture *f)
{
	return http_server_connections(f->server) == 0;
}

static bool has_one_connection(struct http_fixture *f)
{
	return http_server_connections(f->server) == 1;
}

static bool has_two_connections(struct http_fixture *f)
{
	return http_server_connections(f->server) == 2;
}

static void who_does_not_read_is_cut_off(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, SHORT_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /big HTTP/1.1\r\n" HOST "\r\n" HOLD);
	http_fixture_await(&f, has_one_connection);
	http_fixture_await(&f, has_no_connection);
	assert_null(f.held); /* the next request was not even read */
	raw_close(&c);
	http_fixture_stop(&f);
}

/* What a client sends while its request is worked on is not read for ever. */
static void reading_ahead_is_bounded(void **state)
{
	static char filler[64 * 1024];
	struct http_fixture f;
	struct http_client_raw c;
	size_t sent = 0;

	(void)state;
	memset(filler, 'x', sizeof(filler));
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	for (int quiet = 0; quiet < 20 && sent < PUMP_LIMIT;) {
		ssize_t n = send(c.fd, filler, sizeof(filler), MSG_DONTWAIT);

		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		} else {
			quiet++;
			usleep(DRIP_US);
		}
	}
	assert_true(sent < PUMP_LIMIT);
	http_fixture_release(&f);
	raw_expect(&c, 200);
	raw_expect(&c, 431);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void past_the_cap_accepting_pauses(void **state)
{
	struct http_fixture f;
	struct http_client_raw c[3];

	(void)state;
	start(&f, LONG_MS, LONG_MS, 2);
	for (int i = 0; i < 3; i++) {
		raw_connect(&c[i], &f);
		raw_puts(&c[i], GET_OK);
	}
	raw_expect(&c[0], 200);
	raw_expect(&c[1], 200);
	http_fixture_await(&f, has_two_connections);
	usleep(SETTLE_US);
	assert_false(is_readable(&c[2]));
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
	start(&f, LONG_MS, LONG_MS, 16);
	count = exhaust_descriptors(fds, &before);
	close(fds[--count]); /* for the client itself */
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK);
	http_fixture_await(&f, has_failed_often);
	assert_false(is_readable(&c));
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

static bool has_left(struct http_fixture *f)
{
	return f->held_left;
}

static void reset(struct http_client_raw *c)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	raw_close(c);
}

static void a_client_that_leaves_is_noticed(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	for (int i = 0; i < 2; i++) {
		raw_connect(&c, &f);
		raw_puts(&c, HOLD);
		http_fixture_await(&f, http_fixture_holds);
		if (i == 0)
			raw_close(&c);
		else
			reset(&c);
		http_fixture_await(&f, has_left);
		http_fixture_await(&f, has_one_connection); /* owed */
		http_fixture_release(&f);
		http_fixture_await(&f, has_no_connection);
	}
	http_fixture_stop(&f);
}

static void a_reply_may_come_from_the_leave_callback(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	f.reply_on_leave = true;
	for (int i = 0; i < 2; i++) {
		raw_connect(&c, &f);
		raw_puts(&c, HOLD);
		http_fixture_await(&f, http_fixture_holds);
		if (i == 0)
			raw_close(&c);
		else
			reset(&c);
		http_fixture_await(&f, has_no_connection);
	}
	http_fixture_stop(&f);
}

static void a_half_closed_client_gets_its_late_reply(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	shutdown(c.fd, SHUT_WR);
	http_fixture_await(&f, has_left);
	http_fixture_release(&f);
	raw_expect(&c, 200);
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void set_drained(void *arg)
{
	struct http_fixture *f = arg;

	f->drained = true;
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

static void an_idle_server_drains_at_once(void **state)
{
	struct http_fixture f;
	struct http_client_raw idle;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&idle, &f);
	raw_expect_alive(&idle);
	http_fixture_call(&f, start_drain, &f);
	raw_expect_end(&idle);
	http_fixture_await(&f, is_drained);
	raw_close(&idle);
	http_fixture_stop(&f);
}

static void expect_503(struct http_client_raw *c)
{
	struct http_answer_raw a;

	raw_read(c, &a, false);
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.head, "\r\nRetry-After: "));
	assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	buf_release(&a.body);
	raw_expect_end(c);
}

static void a_drain_answers_what_is_open(void **state)
{
	struct http_fixture f;
	struct http_client_raw held, half;
	struct http_answer_raw a;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&held, &f);
	raw_puts(&held, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	raw_connect(&half, &f);
	raw_expect_alive(&half);
	raw_puts(&half, "GET /healthz HTTP/1.1\r\n");
	http_fixture_call(&f, start_drain, &f);
	raw_puts(&half, HOST "\r\n");
	expect_503(&half);
	assert_false(f.drained);
	http_fixture_release(&f);
	raw_read(&held, &a, false);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	buf_release(&a.body);
	raw_expect_end(&held);
	http_fixture_await(&f, is_drained);
	raw_close(&held);
	raw_close(&half);
	http_fixture_stop(&f);
}

static void a_drain_waits_for_a_reply_that_goes_nowhere(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	reset(&c);
	http_fixture_await(&f, has_left);
	http_fixture_call(&f, start_drain, &f);
	assert_false(f.drained);
	http_fixture_release(&f);
	http_fixture_await(&f, is_drained);
	http_fixture_stop(&f);
}

/* Ended or reset, whichever: input may have been unread. */
static void expect_gone(struct http_client_raw *c)
{
	char byte;

	errno = 0;
	assert_true(recv(c->fd, &byte, 1, 0) <= 0);
	assert_true(errno != EAGAIN);
}

static void a_server_is_freed_with_open_requests(void **state)
{
	struct http_fixture f;
	struct http_client_raw held, half, gone;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&gone, &f);
	raw_puts(&gone, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	reset(&gone);
	http_fixture_await(&f, has_left);
	raw_connect(&held, &f);
	raw_puts(&held, HOLD);
	raw_connect(&half, &f);
	raw_expect_alive(&half);
	raw_puts(&half, "GET /healthz HTTP/1.1\r\n");
	http_fixture_stop(&f);
	expect_gone(&half);
	expect_gone(&held);
	raw_close(&held);
	raw_close(&half);
}

static void a_handler_may_free_the_server(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK "GET /free HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	raw_expect_end(&c); /* the first answer was in the same batch */
	raw_close(&c);
	http_fixture_stop(&f);
}

static void a_reply_past_the_maximum_is_500(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /huge HTTP/1.1\r\n" HOST "\r\n");
	raw_expect(&c, 500);
	raw_expect_alive(&c);
	raw_close(&c);
	http_fixture_stop(&f);
}

static void reply_twice(void)
{
	struct http_fixture f;
	struct http_client_raw c;

	log_setup(LOG_ERROR, LOG_TEXT, open("/dev/null", O_WRONLY));
	start(&f, LONG_MS, LONG_MS, 16);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /twice HTTP/1.1\r\n" HOST "\r\n");
	raw_expect_end(&c);
}

static void a_second_reply_aborts(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		reply_twice();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void refusals_and_connections_are_counted(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	metrics_reset();
	start(&f, LONG_MS, LONG_MS, 16);
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
	http_fixture_await(&f, has_one_connection);
	loop_stop(f.loop);
	pthread_join(f.thread, NULL);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_REJECTED, "test", "404")),
		2);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_REJECTED, "test", "400")),
		1);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_CONNECTIONS, "test")), 1);
	http_server_free(f.server);
	assert_int_equal(
		metric_value(metric_get(METRIC_HTTP_CONNECTIONS, "test")), 0);
	loop_timer_free(f.later);
	loop_free(f.loop);
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
	start(&f, LONG_MS, LONG_MS, 16);
	s = http_server_new(f.loop, &f.config, NULL, 0, NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%u", f.port);
	assert_int_equal(http_server_listen(s, address, &err), RESULT_PERM);
	assert_non_null(strstr(err.text, address));
	loop_stop(f.loop);
	pthread_join(f.thread, NULL);
	http_server_free(s);
	http_server_free(f.server);
	loop_timer_free(f.later);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_reply_aborts),
		cmocka_unit_test(a_dripping_head_is_408),
		cmocka_unit_test(a_dripping_body_is_408),
		cmocka_unit_test(idle_connections_are_closed_silently),
		cmocka_unit_test(a_handler_may_take_its_time),
		cmocka_unit_test(who_does_not_read_is_cut_off),
		cmocka_unit_test(reading_ahead_is_bounded),
		cmocka_unit_test(past_the_cap_accepting_pauses),
		cmocka_unit_test(without_descriptors_accepting_pauses),
		cmocka_unit_test(a_client_that_leaves_is_noticed),
		cmocka_unit_test(a_reply_may_come_from_the_leave_callback),
		cmocka_unit_test(a_half_closed_client_gets_its_late_reply),
		cmocka_unit_test(an_idle_server_drains_at_once),
		cmocka_unit_test(a_drain_answers_what_is_open),
		cmocka_unit_test(a_drain_waits_for_a_reply_that_goes_nowhere),
		cmocka_unit_test(a_server_is_freed_with_open_requests),
		cmocka_unit_test(a_handler_may_free_the_server),
		cmocka_unit_test(a_reply_past_the_maximum_is_500),
		cmocka_unit_test(refusals_and_connections_are_counted),
		cmocka_unit_test(addresses_are_listened_on_or_refused),
		cmocka_unit_test(a_taken_port_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
