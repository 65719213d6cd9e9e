/*
 * Log lines, as they reach the descriptor. It is a datagram socket: one
 * write(2) is one datagram, so a line written in parts would show.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

static int ours = -1, theirs = -1;
static char line[16384];

static int open_socket(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return -1;
	ours = pair[0];
	theirs = pair[1];
	return 0;
}

static int close_socket(void **state)
{
	(void)state;
	log_setup(LOG_WARN, LOG_TEXT, STDERR_FILENO);
	close(ours);
	close(theirs);
	return 0;
}

/* One datagram into line; its length, or -1 when there is none. */
static ssize_t take_line(void)
{
	ssize_t len = recv(ours, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[len > 0 ? len : 0] = '\0';
	return len;
}

/* Behind the time, which is checked. */
static const char *take_text(void)
{
	int64_t ms;

	assert_true(take_line() > 24);
	assert_true(clock_parse_iso8601((struct slice){line, 24}, &ms));
	assert_true(llabs(ms - clock_wall_ms()) < 3600000);
	return line + 25;
}

static struct json_t *take_json(void)
{
	struct json_t *v;
	ssize_t len = take_line();

	assert_true(len > 0);
	assert_int_equal(line[len - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	v = json_parse(line, (size_t)len, NULL);
	assert_non_null(v);
	return v;
}

static void text_lines(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_TEXT, theirs);
	log_info("job_done", log_str("account", "acme"), log_int("job", -5),
		 log_bool("applied", true), log_bool("late", false),
		 log_str("note", NULL));
	assert_string_equal(take_text(), "info job_done account=acme job=-5 "
					 "applied=true late=false note=null\n");
	log_error("store_failed", log_str("class", "temp"));
	assert_string_equal(take_text(), "error store_failed class=temp\n");
}

static void text_values_are_quoted_when_needed(void **state)
{
	static const struct {
		const char *value, *printed;
	} rows[] = {
		{"plain-1.2:3/4", "plain-1.2:3/4"},
		{"", "\"\""},
		{"two words", "\"two words\""},
		{"a=b", "\"a=b\""},
		{"say \"hi\"", "\"say \\\"hi\\\"\""},
		{"back\\slash", "\"back\\\\slash\""},
		{"new\nline", "\"new\\nline\""},
		{"cr\rtab\t", "\"cr\\u000dtab\\u0009\""},
		{"\x1b[31m", "\"\\u001b[31m\""},
		{"\x7f", "\"\\u007f\""},
		{"\xc2\x9b", "\"\\u009b\""}, /* CSI in one character */
		{"\xc3\xa4", "\"\xc3\xa4\""},
		{"\xff", "\"\xef\xbf\xbd\""},
		{"a\xe2\x82z", "\"a\xef\xbf\xbd\xef\xbf\xbdz\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};
	char expected[200];

	(void)state;
	log_setup(LOG_INFO, LOG_TEXT, theirs);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		log_info("e", log_str("v", rows[i].value));
		snprintf(expected, sizeof(expected), "info e v=%s\n",
			 rows[i].printed);
		assert_string_equal(take_text(), expected);
	}
}

static void json_lines(void **state)
{
	struct json_t *v;
	int64_t ms;

	(void)state;
	log_setup(LOG_DEBUG, LOG_JSON, theirs);
	log_debug("api_call", log_str("account", "acme"),
		  log_int("ms", INT64_MIN), log_bool("ok", false),
		  log_str("absent", NULL));
	v = take_json();
	assert_true(clock_parse_iso8601(slice_of(json_get_str(v, "at")), &ms));
	assert_string_equal(json_get_str(v, "level"), "debug");
	assert_string_equal(json_get_str(v, "event"), "api_call");
	assert_string_equal(json_get_str(v, "account"), "acme");
	assert_true(json_get_int(v, "ms", 0) == INT64_MIN);
	assert_false(json_get_bool(v, "ok", true));
	assert_non_null(json_get(v, "absent"));
	assert_true(json_is_null(json_get(v, "absent")));
	assert_int_equal(json_len(v), 7);
	json_free(v);
	assert_memory_equal(line, "{\"at\":\"2", 8);
	assert_non_null(strstr(line, "Z\",\"level\":\"debug\",\"event\":"));
}

static void json_values_read_back(void **state)
{
	char every[260];
	struct json_t *v;
	size_t len = 0;

	(void)state;
	for (int c = 1; c < 128; c++)
		every[len++] = (char)c;
	memcpy(every + len, "\xc2\x85\xe2\x82\xac", 6);
	log_setup(LOG_INFO, LOG_JSON, theirs);
	log_info("e", log_str("v", every));
	v = take_json();
	assert_string_equal(json_get_str(v, "v"), every);
	json_free(v);
	for (const char *p = line; *p && *p != '\n'; p++)
		assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
	log_info("e", log_str("v", "cut \xf0\x9f\x91"));
	v = take_json();
	assert_string_equal(json_get_str(v, "v"), "cut \xef\xbf\xbd\xef\xbf\xbd"
						  "\xef\xbf\xbd");
	json_free(v);
}

static void long_values_are_cut_between_characters(void **state)
{
	char value[4000], kept[1100];
	struct json_t *v;

	(void)state;
	/* one byte, then two-byte characters: 1024 is in the middle of one */
	value[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof(value); i += 2)
		memcpy(value + i, "\xc3\xa4", 3);
	memcpy(kept, value, 1023);
	memcpy(kept + 1023, "...", 4);
	log_setup(LOG_INFO, LOG_JSON, theirs);
	log_info("e", log_str("v", value), log_int("n", 1));
	v = take_json();
	assert_string_equal(json_get_str(v, "v"), kept);
	assert_int_equal(json_get_int(v, "n", 0), 1);
	assert_null(json_get(v, "cut"));
	json_free(v);
}

static void lines_too_long_lose_fields_and_say_so(void **state)
{
	char value[1024];
	struct json_t *v;

	(void)state;
	memset(value, 1, sizeof(value) - 1); /* grows sixfold */
	value[sizeof(value) - 1] = '\0';
	log_setup(LOG_INFO, LOG_JSON, theirs);
	log_info("e", log_str("a", value), log_str("b", value),
		 log_int("c", 3));
	v = take_json();
	assert_non_null(json_get(v, "a"));
	assert_null(json_get(v, "b"));
	assert_int_equal(json_get_int(v, "c", 0), 3);
	assert_true(json_get_bool(v, "cut", false));
	json_free(v);
	log_setup(LOG_INFO, LOG_TEXT, theirs);
	log_info("e", log_str("a", value), log_str("b", value));
	assert_non_null(strstr(take_text(), " cut=true\n"));
}

static void levels_hold_back(void **state)
{
	(void)state;
	log_setup(LOG_WARN, LOG_TEXT, theirs);
	assert_true(log_wants(LOG_ERROR));
	assert_true(log_wants(LOG_WARN));
	assert_false(log_wants(LOG_INFO));
	log_info("quiet", log_int("n", 1));
	log_debug("quiet", log_int("n", 1));
	assert_int_equal(take_line(), -1);
	log_warn("loud", log_int("n", 1));
	assert_string_equal(take_text(), "warn loud n=1\n");
	log_setup(LOG_DEBUG, LOG_TEXT, theirs);
	log_debug("loud", log_int("n", 2));
	assert_string_equal(take_text(), "debug loud n=2\n");
}

static void names_parse(void **state)
{
	enum log_format format = LOG_JSON;
	enum log_level level = LOG_ERROR;

	(void)state;
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_true(log_level_parse("warn", &level));
	assert_int_equal(level, LOG_WARN);
	assert_false(log_level_parse("WARN", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse(NULL, &level));
	assert_int_equal(level, LOG_WARN);
	assert_true(log_format_parse("text", &format));
	assert_int_equal(format, LOG_TEXT);
	assert_true(log_format_parse("json", &format));
	assert_int_equal(format, LOG_JSON);
	assert_false(log_format_parse("xml", &format));
	assert_false(log_format_parse(NULL, &format));
}

static void errno_survives(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_JSON, -1);
	errno = ENOENT;
	log_info("lost", log_int("n", 1));
	assert_int_equal(errno, ENOENT);
}

#define WRITERS 4
#define WRITES	200

static void *writer(void *arg)
{
	char value[600];

	memset(value, 'a' + *(int *)arg, sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < WRITES; i++)
		log_info("e", log_int("writer", *(int *)arg),
			 log_str("v", value));
	return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
	int seen[WRITERS] = {0}, ids[WRITERS];
	pthread_t threads[WRITERS];
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	log_setup(LOG_INFO, LOG_JSON, fileno(file));
	for (int i = 0; i < WRITERS; i++) {
		ids[i] = i;
		assert_int_equal(
			pthread_create(&threads[i], NULL, writer, &ids[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		struct json_t *v = json_parse(line, strlen(line), NULL);
		int64_t id = json_get_int(v, "writer", -1);

		assert_in_range(id, 0, WRITERS - 1);
		assert_int_equal(json_get_str(v, "v")[598], 'a' + id);
		seen[id]++;
		json_free(v);
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(seen[i], WRITES);
	fclose(file);
}

static void throttle_counts_what_it_holds_back(void **state)
{
	struct log_throttle t = {0};
	uint64_t held = 99;

	(void)state;
	assert_true(log_throttle_pass(&t, 5000, 1000, &held));
	assert_int_equal(held, 0);
	held = 99;
	assert_false(log_throttle_pass(&t, 5000, 1000, &held));
	assert_false(log_throttle_pass(&t, 5500, 1000, &held));
	assert_false(log_throttle_pass(&t, 5999, 1000, &held));
	assert_int_equal(held, 99);
	assert_true(log_throttle_pass(&t, 6000, 1000, &held));
	assert_int_equal(held, 3);
	assert_true(log_throttle_pass(&t, 60000, 1000, &held));
	assert_int_equal(held, 0);
}

static void throttles_are_independent(void **state)
{
	struct log_throttle a = {0}, b = {0};
	uint64_t held;

	(void)state;
	assert_true(log_throttle_pass(&a, 0, 1000, &held));
	assert_true(log_throttle_pass(&b, 0, 1000, &held));
	assert_false(log_throttle_pass(&a, 1, 1000, &held));
}

/* It would wait for ever: the test is that it comes back. */
static void who_does_not_read_hangs_nobody(void **state)
{
	char rest[4096] = {0};
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK), 0);
	while (write(pipe_fds[1], rest, sizeof(rest)) > 0)
		;
	assert_int_equal(fcntl(pipe_fds[1], F_SETFL, 0), 0);
	log_setup(LOG_INFO, LOG_TEXT, pipe_fds[1]);
	for (int i = 0; i < 3; i++)
		log_info("lost", log_int("line", i));
	assert_int_equal(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
	while (read(pipe_fds[0], rest, sizeof(rest)) > 0)
		;
	log_info("heard", log_bool("again", true));
	memset(rest, 0, sizeof(rest));
	assert_true(read(pipe_fds[0], rest, sizeof(rest) - 1) > 25);
	assert_string_equal(rest + 25, "info heard again=true\n");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines),
		cmocka_unit_test(text_values_are_quoted_when_needed),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(json_values_read_back),
		cmocka_unit_test(long_values_are_cut_between_characters),
		cmocka_unit_test(lines_too_long_lose_fields_and_say_so),
		cmocka_unit_test(levels_hold_back),
		cmocka_unit_test(names_parse),
		cmocka_unit_test(errno_survives),
		cmocka_unit_test(who_does_not_read_hangs_nobody),
		cmocka_unit_test(threads_do_not_mix_lines),
		cmocka_unit_test(throttle_counts_what_it_holds_back),
		cmocka_unit_test(throttles_are_independent),
	};

	return cmocka_run_group_tests_name("log", tests, open_socket,
					   close_socket);
}
