/*
 * Parts of an account's requests: how they are divided, and what is held of a
 * minute. What they are good for is in test_budget_nodes.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/stake.h"

#include "base/str.h"

#define MINUTE 60000
#define NOW    1000000 /* any time */
#define ALL    STAKE_ONE
#define MANY   1000 /* at once */

/* What each one claims when all were settled again and again. */
static void divide(struct stake_row *rows, size_t count, int64_t at_once,
		   int64_t turn)
{
	for (size_t round = 0; round < 2 * count; round++)
		stake_divide(rows, count, round % count, at_once, turn);
}

static void test_equal_parts(void **state)
{
	struct stake_row rows[4] = {
		{.need = ALL}, {.need = ALL}, {.need = 0}, {.need = ALL}};

	(void)state;
	divide(rows, 4, MANY, 0);
	assert_int_equal(rows[0].claim, ALL / 3);
	assert_int_equal(rows[1].claim, ALL / 3);
	assert_int_equal(rows[2].claim, 0);
	assert_int_equal(rows[3].claim, ALL / 3);
}

static void test_who_needs_little_leaves_the_rest(void **state)
{
	struct stake_row rows[3] = {
		{.need = ALL / 10}, {.need = ALL}, {.need = ALL}};

	(void)state;
	divide(rows, 3, MANY, 0);
	assert_int_equal(rows[0].claim, ALL / 10);
	assert_int_equal(rows[1].claim, ALL * 45 / 100);
	assert_int_equal(rows[2].claim, ALL * 45 / 100);
}

static void test_what_nobody_needs_is_everybodys(void **state)
{
	struct stake_row rows[2] = {{.need = ALL / 10}, {.need = ALL / 5}};

	(void)state;
	divide(rows, 2, MANY, 0);
	assert_int_equal(rows[0].claim, ALL * 45 / 100);
	assert_int_equal(rows[1].claim, ALL * 55 / 100);
}

/* One comes down before another goes up. */
static void test_never_more_than_the_whole(void **state)
{
	struct stake_row rows[2] = {{.need = ALL, .claim = ALL, .held = ALL},
				    {.need = ALL}};

	(void)state;
	stake_divide(rows, 2, 1, MANY, 0);
	assert_int_equal(rows[1].claim, 0);
	assert_int_equal(rows[1].gain, 0);
	stake_divide(rows, 2, 0, MANY, 0);
	assert_int_equal(rows[0].claim, ALL / 2);
	stake_divide(rows, 2, 1, MANY, 0);
	assert_int_equal(rows[1].claim, ALL / 2);
}

static void test_what_was_sent_keeps_its_part(void **state)
{
	struct stake_row rows[2] = {
		{.need = ALL, .claim = ALL, .floor = ALL * 7 / 10},
		{.need = ALL}};

	(void)state;
	divide(rows, 2, MANY, 0);
	assert_int_equal(rows[0].claim, ALL * 7 / 10);
	assert_int_equal(rows[1].claim, ALL * 3 / 10);
}

static void test_turns(void **state)
{
	(void)state;
	for (int64_t turn = 0; turn < 6; turn++) {
		struct stake_row rows[4] = {{.need = ALL},
					    {.need = 0},
					    {.need = ALL},
					    {.need = ALL}};
		int claim = 0;

		divide(rows, 4, 1, turn);
		for (int i = 0; i < 4; i++)
			claim += rows[i].claim == ALL;
		assert_int_equal(claim, 1);
		assert_int_equal(rows[turn % 3 == 0   ? 0
				      : turn % 3 == 2 ? 2
						      : 3]
					 .claim,
				 ALL);
	}
}

/* ---- ours ---- */

static struct stake shared(void)
{
	struct stake s;

	stake_share(&s, NOW);
	return s;
}

static void settle(struct stake *s, int64_t claim, int64_t gain, int64_t at_ms)
{
	struct stake_row row = {.claim = claim, .gain = gain};

	stake_settle(s, &row, at_ms, at_ms);
}

static void test_alone_all_of_it(void **state)
{
	struct stake s = {0};

	(void)state;
	assert_int_equal(stake_claim(&s, NOW), ALL);
	assert_int_equal(stake_held(&s, NOW), ALL);
}

static void test_held_is_what_was_claimed(void **state)
{
	struct stake s = shared();

	(void)state;
	assert_int_equal(stake_held(&s, NOW), 0);
	for (int64_t at = NOW; at < NOW + MINUTE / 2; at += 1000)
		settle(&s, ALL / 2, 0, at);
	assert_in_range(stake_held(&s, NOW + MINUTE / 2), ALL * 24 / 100,
			ALL * 26 / 100);
}

static void test_what_nobody_held(void **state)
{
	struct stake s = shared();

	(void)state;
	settle(&s, ALL, ALL, NOW);
	assert_in_range(stake_held(&s, NOW), ALL * 99 / 100, ALL);
	/* it is of the past */
	settle(&s, 0, 0, NOW + 1000);
	assert_in_range(stake_held(&s, NOW + MINUTE / 2), ALL * 48 / 100,
			ALL * 52 / 100);
}

static void test_a_claim_ends(void **state)
{
	struct stake s = shared();

	(void)state;
	settle(&s, ALL, 0, NOW);
	assert_int_equal(stake_claim(&s, NOW + STAKE_LASTS_MS - 1), ALL);
	assert_int_equal(stake_claim(&s, NOW + STAKE_LASTS_MS), 0);
	assert_in_range(stake_held(&s, NOW + MINUTE - 1),
			ALL * STAKE_LASTS_MS / MINUTE * 95 / 100,
			ALL * STAKE_LASTS_MS / MINUTE * 105 / 100);
}

/* Others may have had it since it was asked for. */
static void test_less_counts_from_when_it_was_asked_for(void **state)
{
	struct stake s = shared();
	struct stake_row row = {.claim = 0};

	(void)state;
	settle(&s, ALL, 0, NOW);
	stake_settle(&s, &row, NOW + 2000, NOW + 5000);
	assert_in_range(stake_held(&s, NOW + 5000),
			ALL * 2000 / MINUTE * 9 / 10,
			ALL * 2000 / MINUTE * 11 / 10);
}

/* ---- the others' ---- */

static void test_rows_grow_old(void **state)
{
	struct stake_row row = {.need = ALL,
				.claim = ALL / 2,
				.floor = ALL / 4,
				.floor_ms = 20000,
				.held = ALL / 10};
	struct stake_row r = row;

	(void)state;
	assert_true(stake_grow_old(&r, 1000));
	assert_int_equal(r.claim, ALL / 2);
	assert_int_equal(r.held, ALL / 10 + ALL / 2 / 60);
	r = row;
	assert_true(stake_grow_old(&r, STAKE_LASTS_MS + STAKE_LATER_MS));
	assert_int_equal(r.need, 0);
	assert_int_equal(r.claim, ALL / 4);
	r = row;
	assert_true(stake_grow_old(&r, 30000));
	assert_int_equal(r.claim, 0);
	assert_true(r.held > 0);
	r = row;
	assert_false(stake_grow_old(&r, MINUTE + STAKE_LASTS_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_parts),
		cmocka_unit_test(test_who_needs_little_leaves_the_rest),
		cmocka_unit_test(test_what_nobody_needs_is_everybodys),
		cmocka_unit_test(test_never_more_than_the_whole),
		cmocka_unit_test(test_what_was_sent_keeps_its_part),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_alone_all_of_it),
		cmocka_unit_test(test_held_is_what_was_claimed),
		cmocka_unit_test(test_what_nobody_held),
		cmocka_unit_test(test_a_claim_ends),
		cmocka_unit_test(test_less_counts_from_when_it_was_asked_for),
		cmocka_unit_test(test_rows_grow_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
