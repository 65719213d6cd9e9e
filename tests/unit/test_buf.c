/*
 * The growing buffer: contents, the maximum, what overflow leaves behind.
 */
#include "unit.h"

#include "base/buf.h"

static void starts_as_the_empty_string(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	buf_consume(&b, 5);
	assert_int_equal(buf_append(&b, NULL, 0), RESULT_OK);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void appends_and_terminates(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_puts(&b, "ab"), RESULT_OK);
	assert_int_equal(buf_putc(&b, 'c'), RESULT_OK);
	assert_int_equal(buf_append(&b, "d\0e", 3), RESULT_OK);
	assert_int_equal(buf_printf(&b, "%d-%s", 42, "x"), RESULT_OK);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abcd\0e42-x", 11);
	buf_release(&b);
}

static void takes_exactly_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(buf_puts(&b, "1234"), RESULT_OK);
	assert_false(b.overflow);
	assert_int_equal(buf_putc(&b, '5'), RESULT_INVALID);
	assert_true(b.overflow);
	assert_string_equal(b.data, "1234");
	buf_release(&b);
}

static void overflow_changes_nothing_and_stays(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_puts(&b, "12");
	assert_int_equal(buf_printf(&b, "%s", "345"), RESULT_INVALID);
	assert_string_equal(b.data, "12");
	/* it would fit, but then there would be a hole before it */
	assert_int_equal(buf_putc(&b, '6'), RESULT_INVALID);
	assert_string_equal(b.data, "12");
	buf_consume(&b, 1);
	assert_true(b.overflow);
	buf_clear(&b);
	assert_false(b.overflow);
	assert_int_equal(buf_puts(&b, "abcd"), RESULT_OK);
	assert_string_equal(b.data, "abcd");
	buf_release(&b);
}

static void a_buffer_for_nothing_takes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_puts(&b, ""), RESULT_OK);
	assert_int_equal(buf_putc(&b, 'x'), RESULT_INVALID);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void lengths_do_not_wrap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_putc(&b, 'x');
	assert_int_equal(buf_append(&b, "y", SIZE_MAX), RESULT_INVALID);
	assert_string_equal(b.data, "x");
	buf_release(&b);
}

static void grows_in_many_steps(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 20000; i++)
		assert_int_equal(buf_printf(&b, "%05d", i), RESULT_OK);
	assert_int_equal(b.len, 100000);
	assert_int_equal(buf_putc(&b, 'x'), RESULT_INVALID);
	assert_memory_equal(b.data, "0000000001", 10);
	assert_string_equal(b.data + b.len - 5, "19999");
	buf_release(&b);
}

static void consume_drops_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 0);
	assert_string_equal(b.data, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "cdef");
	assert_int_equal(buf_puts(&b, "gh"), RESULT_OK);
	assert_string_equal(b.data, "cdefgh");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void detach_gives_the_string_away(void **state)
{
	struct buf b;
	char *s;

	(void)state;
	buf_init(&b, 10);
	s = buf_detach(&b);
	assert_string_equal(s, "");
	free(s);
	buf_puts(&b, "abc");
	s = buf_detach(&b);
	assert_string_equal(s, "abc");
	assert_string_equal(b.data, "");
	assert_int_equal(b.max, 10);
	buf_puts(&b, "next");
	assert_string_equal(s, "abc");
	free(s);
	buf_release(&b);
}

static void released_it_may_be_used_again(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	buf_puts(&b, "abc");
	buf_release(&b);
	buf_release(&b);
	assert_string_equal(b.data, "");
	assert_int_equal(buf_puts(&b, "abcd"), RESULT_INVALID);
	buf_release(&b);
	assert_int_equal(buf_puts(&b, "xyz"), RESULT_OK);
	assert_string_equal(b.data, "xyz");
	buf_release(&b);
}

static void two_buffers_share_nothing(void **state)
{
	struct buf a, b;

	(void)state;
	buf_init(&a, 10);
	buf_init(&b, 10);
	buf_puts(&a, "a");
	assert_string_equal(b.data, "");
	buf_release(&a);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_as_the_empty_string),
		cmocka_unit_test(appends_and_terminates),
		cmocka_unit_test(takes_exactly_its_maximum),
		cmocka_unit_test(overflow_changes_nothing_and_stays),
		cmocka_unit_test(a_buffer_for_nothing_takes_nothing),
		cmocka_unit_test(lengths_do_not_wrap),
		cmocka_unit_test(grows_in_many_steps),
		cmocka_unit_test(consume_drops_the_front),
		cmocka_unit_test(detach_gives_the_string_away),
		cmocka_unit_test(released_it_may_be_used_again),
		cmocka_unit_test(two_buffers_share_nothing),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
