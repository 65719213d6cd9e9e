/*
 * Requests from bytes: how they are split must not matter.
 */
#include "unit.h"

#include "base/str.h"

#include "http_cases.h"
#include "http_transcript.h"

#define MAX_HEADER 1024
#define MAX_BODY   2048

struct split {
	size_t first; /* then everything else */
	size_t then;
};

static size_t split_next(void *arg)
{
	struct split *s = arg;
	size_t n = s->first;

	s->first = s->then;
	return n;
}

static void check_splits(const struct http_case *k, struct http_message *m,
			 struct buf *whole, struct buf *split)
{
	struct slice bytes = {k->bytes, k->len};
	struct split s = {SIZE_MAX, SIZE_MAX};

	transcript_write(whole, m, bytes, split_next, &s);
	for (size_t i = 1; i < k->len; i++) {
		s = (struct split){i, SIZE_MAX};
		transcript_write(split, m, bytes, split_next, &s);
		if (strcmp(whole->data, split->data) != 0)
			fail_msg("%s, split at %zu:\n%s\nis not\n%s", k->name,
				 i, split->data, whole->data);
		s = (struct split){i, i};
		transcript_write(split, m, bytes, split_next, &s);
		if (strcmp(whole->data, split->data) != 0)
			fail_msg("%s, pieces of %zu:\n%s\nis not\n%s", k->name,
				 i, split->data, whole->data);
	}
}

static void every_split_gives_the_same_request(void **state)
{
	struct http_message m;
	struct buf whole, split;

	(void)state;
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	buf_init(&whole, TRANSCRIPT_MAX_BYTES);
	buf_init(&split, TRANSCRIPT_MAX_BYTES);
	for (size_t i = 0; i < http_case_count; i++)
		check_splits(&http_cases[i], &m, &whole, &split);
	buf_release(&whole);
	buf_release(&split);
	http_message_release(&m);
}

/* The state after all bytes of text, in one piece. */
static enum http_message_state feed(struct http_message *m, const char *text)
{
	size_t len = strlen(text), used = 0;
	enum http_message_state before;

	do {
		before = m->state;
		used += http_message_feed(m, text + used, len - used);
	} while (used < len && m->state != before);
	return m->state;
}

static void a_state_is_never_skipped(void **state)
{
	struct http_message m;

	(void)state;
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	assert_false(http_message_is_begun(&m));
	assert_int_equal(feed(&m, "\r"), HTTP_MESSAGE_HEAD);
	assert_true(http_message_is_begun(&m));
	assert_int_equal(feed(&m, "\nPOST / HTTP/1.1\r\nHost: a\r\n"),
			 HTTP_MESSAGE_HEAD);
	assert_int_equal(feed(&m, "Transfer-Encoding: chunked\r\n\r\n"),
			 HTTP_MESSAGE_BODY);
	assert_int_equal(feed(&m, "1\r\nx\r\n"), HTTP_MESSAGE_BODY);
	assert_int_equal(feed(&m, "0\r\n"), HTTP_MESSAGE_TRAILER);
	assert_int_equal(feed(&m, "X: y\r\n\r\n"), HTTP_MESSAGE_DONE);
	assert_string_equal(m.body.data, "x");
	assert_int_equal(http_message_feed(&m, "GET", 3), 0);
	http_message_reset(&m);
	assert_false(http_message_is_begun(&m));
	http_message_release(&m);
}

/* What follows a request is left for the next one. */
static void nothing_is_taken_of_the_next_request(void **state)
{
	static const char *const heads[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
		("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
		 "\r\n\r\n0\r\n\r\n"),
	};
	struct http_message m;
	char text[256];

	(void)state;
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		size_t used = 0;

		snprintf(text, sizeof(text), "%sGET /", heads[i]);
		http_message_reset(&m);
		while (m.state != HTTP_MESSAGE_DONE)
			used += http_message_feed(&m, text + used,
						  strlen(text) - used);
		assert_int_equal(used, strlen(heads[i]));
	}
	http_message_release(&m);
}

static void limits_are_exact(void **state)
{
	static char head[MAX_HEADER + 2];
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	struct http_message m;

	(void)state;
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	memset(head, 'x', sizeof(head));
	memcpy(head, start, sizeof(start) - 1);
	memcpy(head + MAX_HEADER - 4, "\r\n\r\n", 5);
	assert_int_equal(feed(&m, head), HTTP_MESSAGE_DONE);
	http_message_reset(&m);
	memset(head + MAX_HEADER - 4, 'x', 1);
	memcpy(head + MAX_HEADER - 3, "\r\n\r\n", 5);
	assert_int_equal(feed(&m, head), HTTP_MESSAGE_BAD);
	assert_int_equal(m.status, 431);
	http_message_reset(&m);
	assert_int_equal(feed(&m, "POST / HTTP/1.1\r\nHost: a\r\n"
				  "Content-Length: 2048\r\n\r\n"),
			 HTTP_MESSAGE_BODY);
	http_message_release(&m);
}

static void a_large_body_is_not_kept(void **state)
{
	static char body[100 * 1024 + 1];
	struct http_message m;

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	http_message_init(&m, MAX_HEADER, sizeof(body));
	assert_int_equal(feed(&m, "POST / HTTP/1.1\r\nHost: a\r\n"
				  "Content-Length: 102400\r\n\r\n"),
			 HTTP_MESSAGE_BODY);
	assert_int_equal(feed(&m, body), HTTP_MESSAGE_DONE);
	assert_int_equal(m.body.len, 102400);
	http_message_reset(&m);
	assert_int_equal(m.body.cap, 0);
	http_message_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_gives_the_same_request),
		cmocka_unit_test(a_state_is_never_skipped),
		cmocka_unit_test(nothing_is_taken_of_the_next_request),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(a_large_body_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
