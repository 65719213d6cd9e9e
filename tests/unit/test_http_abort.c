/*
 * Requests that end without a reply: what a stand-in needs to misbehave.
 */
#include "unit.h"

#include "base/str.h"

#include "http_fixture.h"

static int setup(void **state)
{
	static struct http_fixture f;

	http_fixture_start(&f, NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	http_fixture_stop(*state);
	return 0;
}

struct ending {
	struct http_fixture *fixture;
	struct slice raw;
};

static void abort_held(void *arg)
{
	struct ending *a = arg;

	http_request_abort(a->fixture->held, a->raw);
	a->fixture->held = NULL;
}

/* A request that is held, then ended with raw. */
static void end_with(struct http_fixture *f, struct http_client_raw *c,
		     struct slice raw)
{
	struct ending a = {f, raw};

	raw_connect(c, f);
	raw_puts(c, "POST /hold HTTP/1.1\r\nHost: a.example\r\n\r\n");
	http_fixture_await(f, http_fixture_holds);
	http_fixture_call(f, abort_held, &a);
}

static void nothing_comes_but_the_end(void **state)
{
	struct http_client_raw c;

	end_with(*state, &c, (struct slice){NULL, 0});
	raw_expect_end(&c);
	raw_close(&c);
	http_fixture_await(*state, http_fixture_has_no);
}

static void raw_bytes_come_as_they_stand(void **state)
{
	static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
				   "\r\nhalf";
	struct http_client_raw c;
	char got[sizeof(half) + 16] = "";
	size_t len = 0;
	ssize_t n;

	end_with(*state, &c, SLICE(half));
	while ((n = read(c.fd, got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(len, sizeof(half) - 1);
	assert_memory_equal(got, half, len);
	raw_close(&c);
}

static void a_client_that_left_is_no_trouble(void **state)
{
	struct http_fixture *f = *state;
	struct ending a = {f, SLICE("late")};
	struct http_client_raw c;

	raw_connect(&c, f);
	raw_puts(&c, "POST /hold HTTP/1.1\r\nHost: a.example\r\n\r\n");
	http_fixture_await(f, http_fixture_holds);
	raw_close(&c);
	http_fixture_call(f, abort_held, &a);
	http_fixture_await(f, http_fixture_has_no);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_comes_but_the_end),
		TEST(raw_bytes_come_as_they_stand),
		TEST(a_client_that_left_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
