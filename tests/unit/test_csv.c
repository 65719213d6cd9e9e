/*
 * CSV: every rule of RFC 4180, every refusal with its line, the limits, and
 * that it makes no difference where the pieces end (tests/fuzz/fuzz_csv.c has
 * that at random).
 */
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "unit.h"

#define TEXT_MAX 4096

/* Fields joined by '|', records by '/', lines before ':'; the error, if any,
 * behind '!'. */
static void read_text(const char *text, size_t len, size_t piece,
		      struct buf *out)
{
	struct error err = {.text = ""};
	enum csv_got got;
	size_t at = 0;
	struct csv c;

	csv_init(&c);
	buf_clear(out);
	do {
		size_t n = len - at < piece ? len - at : piece;
		struct slice input = {text + at, n};

		got = csv_next(&c, &input, at + n == len, &err);
		at += n - input.len;
		if (got != CSV_RECORD)
			continue;
		buf_printf(out, "%s%d:", out->len ? "/" : "", (int)c.line);
		for (size_t i = 0; i < c.count; i++) {
			struct slice f = csv_field(&c, i);

			if (i > 0)
				buf_putc(out, '|');
			buf_append(out, f.ptr, f.len);
		}
	} while (got == CSV_RECORD || got == CSV_MORE);
	if (got == CSV_BROKEN)
		buf_printf(out, "!%d %s", (int)csv_error_line(&c), err.text);
	csv_release(&c);
}

static void check(const char *text, size_t len, const char *expected)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	for (size_t piece = 1; piece <= len + 1; piece++) {
		read_text(text, len, piece, &out);
		assert_string_equal(out.data, expected);
	}
	buf_release(&out);
}

#define CHECK(text, expected) check(text, sizeof(text) - 1, expected)

static void test_records(void **state)
{
	(void)state;
	CHECK("", "");
	CHECK("a", "1:a");
	CHECK("a,b\nc,d\n", "1:a|b/2:c|d");
	CHECK("a,b\r\nc,d", "1:a|b/2:c|d");
	CHECK(",\n,", "1:|/2:|");
	CHECK(" a , b ", "1: a | b ");
	CHECK("\xc3\xa4,\xff", "1:\xc3\xa4|\xff");
}

static void test_quotes(void **state)
{
	(void)state;
	CHECK("\"a\",\"b\"\n", "1:a|b");
	CHECK("\"a,b\",c", "1:a,b|c");
	CHECK("\"a\"\"b\"", "1:a\"b");
	CHECK("\"\"\"\"", "1:\"");
	CHECK("\"\",x\n\"\"\"\",y", "1:|x/2:\"|y");
	CHECK("\"a\r\nb\",c\r\nd,e", "1:a\r\nb|c/3:d|e");
}

static void test_empty_lines_are_no_records(void **state)
{
	(void)state;
	CHECK("\n\r\na\n\n\nb\n\n", "3:a/6:b");
	CHECK("\n", "");
	CHECK("a\n\"\"\n", "1:a/2:");
}

static void test_byte_order_mark(void **state)
{
	(void)state;
	CHECK("\xef\xbb\xbfgot,b\n1,2", "1:got|b/2:1|2");
	CHECK("\xef\xbb\xbf\"a\"\n", "1:a");
	CHECK("\xef\xbb\xbf", "");
	CHECK("\xef\xbb,x", "1:\xef\xbb|x");
	CHECK("x\xbb\xbf,y", "1:x\xbb\xbf|y");
	CHECK("a\n\xef\xbb\xbf\n", "1:a/2:\xef\xbb\xbf");
}

static void test_what_is_refused_and_where(void **state)
{
	(void)state;
	CHECK("a\nb\"c\n", "1:a!2 a quote inside a field that does not begin "
			   "with one");
	CHECK("\n\"a\"b", "!2 neither a comma nor a line end behind a closing "
			  "quote");
	CHECK("a\n\"b\nc\n", "1:a!2 a quote is never closed");
	CHECK("a\rb", "!1 a carriage return without a line feed");
	CHECK("a\n\"b\"\r", "1:a!2 a carriage return without a line feed");
	CHECK("a\n\"\n\0\"", "1:a!3 a NUL byte: this is no text in UTF-8");
	CHECK("\xff\xfe"
	      "a\0",
	      "!1 UTF-16: save the file as UTF-8");
	CHECK("a,b\n1,2\n3\n", "1:a|b/2:1|2!3 1 columns, the first line has 2");
	CHECK("a,b\n\"1\n\",2,3\n4", "1:a|b!2 3 columns, the first line has 2");
}

/* ---- limits ---- */

static enum csv_got first_of(const char *before, size_t count, char byte,
			     const char *behind, struct csv *c,
			     struct error *err)
{
	char *fill = xcalloc(count + 1, 1);
	struct slice input = slice_of(before);
	enum csv_got got;

	memset(fill, byte, count);
	csv_init(c);
	got = csv_next(c, &input, false, err);
	input = (struct slice){fill, count};
	if (got == CSV_MORE)
		got = csv_next(c, &input, false, err);
	input = slice_of(behind);
	if (got == CSV_MORE)
		got = csv_next(c, &input, true, err);
	free(fill);
	return got;
}

static void test_the_longest_field(void **state)
{
	struct error err;
	struct csv c;

	(void)state;
	assert_int_equal(first_of("a,", CSV_FIELD_MAX, 'x', "\n", &c, &err),
			 CSV_RECORD);
	assert_int_equal(csv_field(&c, 1).len, CSV_FIELD_MAX);
	csv_release(&c);
	assert_int_equal(first_of("a,", CSV_FIELD_MAX + 1, 'x', "\n", &c, &err),
			 CSV_BROKEN);
	assert_string_equal(err.text, "a field is too long");
	csv_release(&c);
	assert_int_equal(
		first_of("\"", CSV_FIELD_MAX + 1, '\n', "\"", &c, &err),
		CSV_BROKEN);
	assert_string_equal(err.text,
			    "a field is too long; is its quote never closed?");
	assert_int_equal(csv_error_line(&c), 1);
	csv_release(&c);
}

static void test_the_most_columns(void **state)
{
	struct error err;
	struct csv c;

	(void)state;
	assert_int_equal(first_of("", CSV_FIELDS_MAX - 1, ',', "\n", &c, &err),
			 CSV_RECORD);
	assert_int_equal(c.count, CSV_FIELDS_MAX);
	csv_release(&c);
	assert_int_equal(first_of("", CSV_FIELDS_MAX, ',', "\n", &c, &err),
			 CSV_BROKEN);
	assert_string_equal(err.text, "too many columns");
	csv_release(&c);
}

static void test_the_longest_record(void **state)
{
	char *text = xcalloc(CSV_RECORD_MAX + 64, 1);
	struct slice input;
	struct error err;
	struct csv c;

	(void)state;
	memset(text, 'x', CSV_RECORD_MAX + 63);
	for (size_t i = CSV_FIELD_MAX; i < CSV_RECORD_MAX + 63;
	     i += CSV_FIELD_MAX + 1)
		text[i] = ',';
	input = slice_of(text);
	csv_init(&c);
	assert_int_equal(csv_next(&c, &input, true, &err), CSV_BROKEN);
	assert_string_equal(err.text, "a record is too long");
	csv_release(&c);
	free(text);
}

static void test_nothing_is_read_behind_a_refusal(void **state)
{
	struct slice input = SLICE("a\"\nb\n");
	struct error err;
	struct csv c;

	(void)state;
	csv_init(&c);
	assert_int_equal(csv_next(&c, &input, true, &err), CSV_BROKEN);
	assert_int_equal(csv_next(&c, &input, true, &err), CSV_END);
	csv_release(&c);
}

static void test_it_goes_on_where_it_was(void **state)
{
	struct slice input = SLICE("c,d\ne\n");
	struct error err;
	struct csv c;

	(void)state;
	csv_resume(&c, 2, 100, 7);
	assert_int_equal(csv_next(&c, &input, true, &err), CSV_RECORD);
	assert_int_equal(c.line, 7);
	assert_int_equal(c.offset, 104);
	assert_int_equal(csv_next(&c, &input, true, &err), CSV_BROKEN);
	assert_string_equal(err.text, "1 columns, the first line has 2");
	assert_int_equal(csv_error_line(&c), 8);
	csv_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_empty_lines_are_no_records),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_what_is_refused_and_where),
		cmocka_unit_test(test_the_longest_field),
		cmocka_unit_test(test_the_most_columns),
		cmocka_unit_test(test_the_longest_record),
		cmocka_unit_test(test_nothing_is_read_behind_a_refusal),
		cmocka_unit_test(test_it_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
