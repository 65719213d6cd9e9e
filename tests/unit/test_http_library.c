/*
 * Our reading of requests beside a parser library's: what we accept it
 * accepts, and reads as the same request. Cases are http_cases.c's, as they
 * are and damaged.
 */
#include <strings.h>

#include "unit.h"

#include "base/str.h"

#include "../../src/net/http_message.h"
#include "http_cases.h"
#include "http_parse.h"

#define MAX_HEADER 1024
#define MAX_BODY   2048
#define ROUNDS	   300

/* What the library says. */
struct seen {
	struct slice names[HTTP_MESSAGE_FIELDS + 1];
	struct slice values[HTTP_MESSAGE_FIELDS + 1];
	size_t count; /* trailers, too */
	struct buf body;
	bool done;
};

static void on_field(void *arg, const char *at, size_t len)
{
	struct seen *s = arg;

	assert_true(s->count < ARRAY_LEN(s->names));
	s->names[s->count] = (struct slice){at, len};
	s->values[s->count++] = SLICE("");
}

static void on_value(void *arg, const char *at, size_t len)
{
	struct seen *s = arg;

	s->values[s->count - 1] = slice_trim((struct slice){at, len});
}

static void on_body(void *arg, const char *at, size_t len)
{
	struct seen *s = arg;

	buf_append(&s->body, at, len);
}

static bool on_chunk(void *arg, uint64_t size)
{
	(void)arg;
	(void)size;
	return false;
}

static void on_done(void *arg)
{
	struct seen *s = arg;

	s->done = true;
}

static const struct http_parse_events events = {
	on_field, on_value, on_body, on_chunk, on_done,
};

/* The bytes of the first request if we accept it, else 0. */
static size_t read_ours(struct http_message *m, struct slice bytes)
{
	size_t used = 0;

	http_message_reset(m);
	while (used < bytes.len && m->state < HTTP_MESSAGE_DONE)
		used += http_message_feed(m, bytes.ptr + used,
					  bytes.len - used);
	return m->state == HTTP_MESSAGE_DONE ? used : 0;
}

static void same_request(const struct http_message *m, const struct seen *s)
{
	assert_true(s->done);
	assert_true(s->count >= m->field_count);
	for (size_t i = 0; i < m->field_count; i++) {
		assert_true(slice_eq(m->fields[i].name, s->names[i]));
		assert_true(slice_eq(m->fields[i].value, s->values[i]));
	}
	assert_int_equal(m->body.len, s->body.len);
	assert_memory_equal(m->body.data, s->body.data, s->body.len);
}

/* It takes longer names for Transfer-Encoding, too. */
static bool library_errs(const struct http_message *m)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const char *name = m->fields[i].name.ptr;

		if (strlen(name) > 17 &&
		    strncasecmp(name, "Transfer-Encoding", 17) == 0)
			return true;
	}
	return false;
}

static size_t accepted, kept;

static void compare(struct http_message *m, struct slice bytes, bool exact)
{
	struct seen seen = {.count = 0};
	size_t len = read_ours(m, bytes), used;
	struct http_parse *p;

	if (len == 0 || library_errs(m))
		return;
	p = http_parse_new(&events, &seen);
	buf_init(&seen.body, MAX_BODY);
	if (!http_parse_feed(p, bytes.ptr, len, &used))
		fail_msg("refused: %.*s", (int)len, bytes.ptr);
	assert_int_equal(used, len);
	same_request(m, &seen);
	/* It overlooks options behind a tab or an empty one. */
	if (m->keep_alive != http_parse_keep_alive(p) &&
	    (exact || (m->keep_alive && !m->is_http10)))
		fail_msg("keep %d: %.*s", m->keep_alive, (int)len, bytes.ptr);
	accepted++;
	kept += m->keep_alive;
	buf_release(&seen.body);
	http_parse_free(p);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void damage(char *text, size_t len, uint32_t *seed)
{
	static const char likely[] = " \t:,;/?%\r\n0123456789abcdefxPGH-";
	size_t at = next_random(seed) % len;
	size_t from = next_random(seed) % len;
	size_t run = next_random(seed) % 16;

	if (next_random(seed) % 3)
		text[at] = likely[next_random(seed) % (sizeof(likely) - 1)];
	else if (from + run < len && at + run < len)
		memmove(text + at, text + from, run);
}

static void what_we_accept_the_library_reads_as_we_do(void **state)
{
	struct http_message m;
	uint32_t seed = 1;

	(void)state;
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	for (size_t i = 0; i < http_case_count; i++) {
		const struct http_case *k = &http_cases[i];
		char *text = xcalloc(1, k->len);

		compare(&m, (struct slice){k->bytes, k->len}, true);
		for (int round = 0; round < ROUNDS; round++) {
			memcpy(text, k->bytes, k->len);
			for (int n = 0; n <= round % 3; n++)
				damage(text, k->len, &seed);
			compare(&m, (struct slice){text, k->len}, false);
		}
		free(text);
	}
	http_message_release(&m);
	/* The comparison means something. */
	assert_true(accepted > 2000 && kept > 1000 && kept < accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_accept_the_library_reads_as_we_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
