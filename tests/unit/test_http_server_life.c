/*
 * The server through requests' and its own life: clients that leave, replies
 * that come late or twice, drain, freeing.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "unit.h"

#include "http_fixture.h"

#define HOST   "Host: a.example\r\n"
#define GET_OK "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
#define HOLD   "POST /hold HTTP/1.1\r\n" HOST "\r\n"

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
	http_fixture_start(&f, NULL);
	for (int i = 0; i < 2; i++) {
		raw_connect(&c, &f);
		raw_puts(&c, HOLD);
		http_fixture_await(&f, http_fixture_holds);
		if (i == 0)
			raw_close(&c);
		else
			reset(&c);
		http_fixture_await(&f, has_left);
		http_fixture_await(&f, http_fixture_has_one); /* owed */
		http_fixture_release(&f);
		http_fixture_await(&f, http_fixture_has_no);
	}
	http_fixture_stop(&f);
}

static void a_reply_may_come_from_the_leave_callback(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start(&f, NULL);
	f.reply_on_leave = true;
	for (int i = 0; i < 2; i++) {
		raw_connect(&c, &f);
		raw_puts(&c, HOLD);
		http_fixture_await(&f, http_fixture_holds);
		if (i == 0)
			raw_close(&c);
		else
			reset(&c);
		http_fixture_await(&f, http_fixture_has_no);
	}
	http_fixture_stop(&f);
}

static void a_half_closed_client_gets_its_late_reply(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start(&f, NULL);
	raw_connect(&c, &f);
	raw_puts(&c, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	raw_end(&c);
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
	http_fixture_start(&f, NULL);
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
	http_fixture_start(&f, NULL);
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

/* Whoever has just connected means to ask; for a moment. */
static void a_drain_waits_for_a_first_request(void **state)
{
	struct http_fixture f;
	struct http_client_raw fresh, silent;

	(void)state;
	http_fixture_start(&f, NULL);
	raw_connect(&fresh, &f);
	raw_connect(&silent, &f);
	http_fixture_await(&f, http_fixture_has_two);
	http_fixture_call(&f, start_drain, &f);
	assert_false(f.drained);
	raw_puts(&fresh, GET_OK);
	expect_503(&fresh);
	raw_expect_end(&silent);
	http_fixture_await(&f, is_drained);
	raw_close(&fresh);
	raw_close(&silent);
	http_fixture_stop(&f);
}

/* Not refused, not waited for. */
static void a_drain_answers_whoever_comes(void **state)
{
	struct http_fixture f;
	struct http_client_raw held, late, health;

	(void)state;
	http_fixture_start(&f, NULL);
	raw_connect(&held, &f);
	raw_puts(&held, HOLD);
	http_fixture_await(&f, http_fixture_holds);
	http_fixture_call(&f, start_drain, &f);
	raw_connect(&late, &f);
	raw_puts(&late, GET_OK);
	expect_503(&late);
	raw_connect(&health, &f);
	raw_puts(&health, "GET /always HTTP/1.1\r\n" HOST "\r\n");
	raw_expect(&health, 200);
	raw_expect_end(&health);
	raw_close(&late);
	raw_connect(&late, &f); /* says nothing */
	http_fixture_release(&f);
	http_fixture_await(&f, is_drained);
	raw_close(&held);
	raw_close(&late);
	raw_close(&health);
	http_fixture_stop(&f);
}

static void a_drain_waits_for_a_reply_that_goes_nowhere(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start(&f, NULL);
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
	assert_true(raw_recv(c, &byte, 1) <= 0);
	assert_true(errno != EAGAIN);
}

static void a_server_is_freed_with_open_requests(void **state)
{
	struct http_fixture f;
	struct http_client_raw held, half, gone;

	(void)state;
	http_fixture_start(&f, NULL);
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
	http_fixture_start(&f, NULL);
	raw_connect(&c, &f);
	raw_puts(&c, GET_OK "GET /free HTTP/1.1\r\n" HOST "\r\n" GET_OK);
	raw_expect_end(&c); /* the first answer was in the same batch */
	raw_close(&c);
	http_fixture_stop(&f);
}

/* All that comes until the connection ends, which it does in order. */
static void expect_bytes(struct http_client_raw *c, const char *want)
{
	char got[256];
	size_t len = 0;
	ssize_t n;

	while ((n = raw_recv(c, got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
}

static void a_handler_may_send_half_an_answer_or_none(void **state)
{
	struct http_fixture f;
	struct http_client_raw c;

	(void)state;
	http_fixture_start(&f, NULL);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /half HTTP/1.1\r\n" HOST "\r\n");
	expect_bytes(&c, "HTTP/1.1 200 OK\r\nContent-Le");
	raw_close(&c);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /none HTTP/1.1\r\n" HOST "\r\n");
	expect_bytes(&c, "");
	raw_close(&c);
	http_fixture_stop(&f);
}

static void reply_twice(void)
{
	struct http_fixture f;
	struct http_client_raw c;

	signal(SIGABRT, SIG_DFL);
	http_fixture_start(&f, NULL);
	raw_connect(&c, &f);
	raw_puts(&c, "GET /twice HTTP/1.1\r\n" HOST "\r\n");
	raw_expect_end(&c);
}

static void a_second_reply_aborts(void **state)
{
	int status = unit_child_status(reply_twice);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_reply_aborts),
		cmocka_unit_test(a_client_that_leaves_is_noticed),
		cmocka_unit_test(a_handler_may_send_half_an_answer_or_none),
		cmocka_unit_test(a_reply_may_come_from_the_leave_callback),
		cmocka_unit_test(a_half_closed_client_gets_its_late_reply),
		cmocka_unit_test(an_idle_server_drains_at_once),
		cmocka_unit_test(a_drain_answers_what_is_open),
		cmocka_unit_test(a_drain_waits_for_a_first_request),
		cmocka_unit_test(a_drain_answers_whoever_comes),
		cmocka_unit_test(a_drain_waits_for_a_reply_that_goes_nowhere),
		cmocka_unit_test(a_server_is_freed_with_open_requests),
		cmocka_unit_test(a_handler_may_free_the_server),
	};
	int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);

	http_fixture_use_tls(true);
	return failed + cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
