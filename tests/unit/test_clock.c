/*
 * Times as text: what is read, what is refused, what is printed.
 */
#include "unit.h"

#include "base/clock.h"

#define DAY_MS 86400000LL

struct row {
	const char *text;
	int64_t ms;
};

static void good_iso8601(void **state)
{
	static const struct row rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59Z", -1000},
		{"1969-12-31T23:59:59.750Z", -250},
		{"2021-03-25T05:09:27Z", 1616648967000},
		{"2021-03-25t05:09:27z", 1616648967000},
		{"2021-03-25T05:09:27.1Z", 1616648967100},
		{"2021-03-25T05:09:27.12Z", 1616648967120},
		{"2021-03-25T05:09:27.123Z", 1616648967123},
		{"2021-03-25T05:09:27.1239Z", 1616648967123},
		{"2021-03-25T05:09:27.999999999999999999999Z", 1616648967999},
		{"2021-03-25T05:09:27.000Z", 1616648967000},
		{"2021-03-25T05:09:27,5Z", 1616648967500},
		{"2021-03-25T07:09:27+02:00", 1616648967000},
		{"2021-03-25T07:09:27+0200", 1616648967000},
		{"2021-03-25T07:09:27+02", 1616648967000},
		{"2021-03-25T00:09:27-05:00", 1616648967000},
		{"2021-03-25T00:09:27-05", 1616648967000},
		{"2021-03-25T10:54:27.25+0545", 1616648967250},
		{"2021-03-25T05:09:27-00:00", 1616648967000},
		{"2021-03-26T05:08:27+23:59", 1616648967000},
		{"2000-02-29T00:00:00Z", 951782400000},
		{"2024-02-29T12:00:00Z", 1709208000000},
		{"1999-12-31T23:59:59Z", 946684799000},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
		{"0000-01-01T00:00:00Z", -62167219200000},
		/* leap seconds, here and elsewhere */
		{"2016-12-31T23:59:60Z", 1483228800000},
		{"2017-01-01T08:59:60+09:00", 1483228800000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ms = 7;

		assert_true(clock_parse_iso8601(slice_of(rows[i].text), &ms));
		assert_true(ms == rows[i].ms);
	}
}

static void bad_iso8601(void **state)
{
	static const char *const rows[] = {
		"",
		"2021",
		"2021-03-25",
		"2021-03-25T05:09:27", /* no offset */
		"2021-03-25T05:09:27.5",
		"2021-03-25T05:09Z",
		"2021-03-25 05:09:27Z",
		"20210325T050927Z",
		"2021-3-25T05:09:27Z",
		"21-03-25T05:09:27Z",
		"+2021-03-25T05:09:27Z",
		" 2021-03-25T05:09:27Z",
		"2021-03-25T05:09:27Z ",
		"2021-03-25T05:09:27ZZ",
		"2021-03-25T05:09:27 Z",
		"2021-03-25T05:09:27.Z",
		"2021-03-25T05:09:27.5.5Z",
		"2021-03-25T05:09:27.-5Z",
		"2021-03-25T05:09:27+",
		"2021-03-25T05:09:27+2",
		"2021-03-25T05:09:27+02:",
		"2021-03-25T05:09:27+02:0",
		"2021-03-25T05:09:27+020",
		"2021-03-25T05:09:27+02:00:00",
		"2021-03-25T05:09:27+24:00",
		"2021-03-25T05:09:27+02:60",
		"2021-03-25T05:09:27+02:00Z",
		"2021-03-25T05:09:27UTC",
		"2021-00-25T05:09:27Z",
		"2021-13-25T05:09:27Z",
		"2021-03-00T05:09:27Z",
		"2021-03-32T05:09:27Z",
		"2021-04-31T05:09:27Z",
		"2021-02-29T05:09:27Z",
		"1900-02-29T05:09:27Z",
		"2024-02-30T05:09:27Z",
		"2021-03-25T24:00:00Z",
		"2021-03-25T05:60:27Z",
		"2021-03-25T05:09:61Z",
		"2021-03-25T05:09:60Z", /* no leap second can be there */
		"2016-12-31T23:59:60+09:00",
		"1616648967",
		"20a1-03-25T05:09:27Z",
		"2021-03-25T05:09:2\xd9\xa1Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ms = 7;

		assert_false(clock_parse_iso8601(slice_of(rows[i]), &ms));
		assert_int_equal(ms, 7);
	}
	assert_false(clock_parse_iso8601(SLICE("2021-03-25T05:09:27\0"),
					 &(int64_t){0}));
}

static void http_dates(void **state)
{
	static const struct row good[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199000},
	};
	static const char *const bad[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 +0000",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Mon, 06 Nov 1994 08:49:37 GMT", /* it was a Sunday */
		"sun, 06 nov 1994 08:49:37 gmt",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Foo 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Wed, 30 Feb 2022 08:49:37 GMT",
		"120",
	};
	int64_t ms = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(clock_parse_http_date(slice_of(bad[i]), &ms));
		assert_int_equal(ms, 7);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(clock_parse_http_date(slice_of(good[i].text), &ms));
		assert_true(ms == good[i].ms);
	}
}

static void formats(void **state)
{
	static const struct row rows[] = {
		{"1970-01-01T00:00:00.000Z", 0},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2026-11-22T10:00:00.123Z", 1795341600123},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
	};
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		clock_format(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
	}
	/* nothing is written behind the end, whatever the time */
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "292278994-08-17T07:12:55.807Z");
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "-292275055-05-16T16:47:04.192Z");
}

static void every_day_reads_back(void **state)
{
	int64_t first = -62167219200000, last = 253402300799999, back;
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	for (int64_t ms = first; ms <= last; ms += 17 * DAY_MS + 12345678) {
		clock_format(ms, text);
		assert_true(clock_parse_iso8601(slice_of(text), &back));
		assert_true(back == ms);
	}
}

static void the_time_zone_has_no_say(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t ms;

	(void)state;
	setenv("TZ", "America/New_York", 1);
	clock_format(1616648967000, text);
	assert_string_equal(text, "2021-03-25T05:09:27.000Z");
	assert_true(clock_parse_iso8601(slice_of(text), &ms));
	assert_true(ms == 1616648967000);
	unsetenv("TZ");
}

static void clocks_run(void **state)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	(void)state;
	assert_true(clock_wall_ms() > 1600000000000);
	assert_true(ms >= us / 1000);
	assert_true(clock_mono_us() >= us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_iso8601),
		cmocka_unit_test(bad_iso8601),
		cmocka_unit_test(http_dates),
		cmocka_unit_test(formats),
		cmocka_unit_test(every_day_reads_back),
		cmocka_unit_test(the_time_zone_has_no_say),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
