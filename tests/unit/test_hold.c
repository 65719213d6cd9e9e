/*
 * When an account is left alone, and when it is not: every trouble in a row,
 * for one person and for several.
 */
#include "unit.h"

#include "base/str.h"
#include "core/hold.h"
#include "core/retry.h"

#define ANN 11
#define BEN 22
#define EVE 33

struct kit {
	struct hold h;
	int64_t now_ms;
};

static struct kit kit(void)
{
	struct kit k = {.now_ms = 1000000};

	return k;
}

static bool meets(struct kit *k, enum hold_use use, enum hold_reason trouble,
		  uint64_t user)
{
	struct hold_answer a = {
		.use = use, .trouble = trouble, .user = user, .text = "x: y"};

	k->now_ms += 1;
	return hold_learn(&k->h, &a, k->now_ms, k->now_ms + 5, 0);
}

static bool works(struct kit *k, enum hold_use use, uint64_t user)
{
	return meets(k, use, HOLD_NONE, user);
}

static int64_t wait_ms(const struct kit *k)
{
	return hold_wait_ms(&k->h, k->now_ms);
}

/* Makes an attempt whenever one may be made; how many in this time. */
static int attempts_in(struct kit *k, int64_t span_ms, enum hold_use use,
		       enum hold_reason trouble)
{
	int64_t end_ms = k->now_ms + span_ms;
	int n = 0;

	for (; k->now_ms < end_ms; k->now_ms += 10) {
		if (wait_ms(k) > 0)
			continue;
		meets(k, use, trouble, 0);
		n++;
	}
	return n;
}

static void test_refused_credentials_hold_at_once(void **state)
{
	struct kit k = kit();

	(void)state;
	assert_int_equal(wait_ms(&k), 0);
	assert_string_equal(hold_text(&k.h), "");
	meets(&k, HOLD_READ, HOLD_CREDENTIALS, ANN);
	assert_string_equal(hold_reason_name(k.h.reason), "credentials");
	assert_string_equal(hold_text(&k.h), "x: y");
	assert_int_equal(wait_ms(&k), RETRY_HOLD_MS);
	assert_int_equal(k.h.since_ms, k.now_ms);
	assert_int_equal(k.h.since_wall_ms, k.now_ms + 5);
	works(&k, HOLD_READ, ANN);
	assert_null(hold_reason_name(k.h.reason));
	assert_int_equal(wait_ms(&k), 0);
}

static void test_credentials_that_work_once_work_for_all(void **state)
{
	struct kit k = kit();

	(void)state;
	meets(&k, HOLD_WRITE, HOLD_CREDENTIALS, ANN);
	works(&k, HOLD_READ, ANN);
	assert_int_equal(k.h.reason, HOLD_NONE);
	meets(&k, HOLD_TOKEN, HOLD_CREDENTIALS, 0);
	works(&k, HOLD_READ, ANN); /* with an old token */
	assert_int_equal(k.h.reason, HOLD_CREDENTIALS);
	works(&k, HOLD_TOKEN, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

static void test_silence_holds_when_it_repeats(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 1; i < HOLD_ROW_MAX; i++)
		meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	works(&k, HOLD_READ, BEN);
	for (int i = 1; i < HOLD_ROW_MAX; i++)
		meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	assert_int_equal(k.h.reason, HOLD_NONE);
	meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
}

static void test_without_a_token_it_is_sooner(void **state)
{
	struct kit k = kit();

	(void)state;
	meets(&k, HOLD_TOKEN, HOLD_UNREACHABLE, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
	meets(&k, HOLD_TOKEN, HOLD_UNREACHABLE, 0);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
}

static void test_silence_holds_when_it_lasts(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 0; i < HOLD_ROW_MIN; i++) {
		assert_int_equal(k.h.reason, HOLD_NONE);
		k.now_ms += HOLD_ROW_LASTS_MS / (HOLD_ROW_MIN - 1);
		meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	}
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
}

/* The search is down, and users can be read. */
static void test_uses_are_told_apart(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 0; i < HOLD_ROW_MAX; i++) {
		works(&k, HOLD_READ, ANN);
		meets(&k, HOLD_SEARCH, HOLD_UNREACHABLE, 0);
	}
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
	works(&k, HOLD_READ, ANN);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
	works(&k, HOLD_SEARCH, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

static void test_what_nothing_rests_on_holds_nobody(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 0; i < 20; i++)
		meets(&k, HOLD_ASIDE, HOLD_CREDENTIALS + i % 4, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
	assert_true(meets(&k, HOLD_ASIDE, HOLD_FORBIDDEN, 0));
}

/* All who were on the way are told at the same time. */
static void test_one_limit_is_one_failure(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 0; i < 20; i++)
		meets(&k, HOLD_READ, HOLD_RATE_LIMITED, ANN);
	assert_int_equal(k.h.reason, HOLD_NONE);
	for (int i = 0; i < HOLD_ROW_MIN; i++) {
		k.now_ms += HOLD_ROW_LASTS_MS;
		meets(&k, HOLD_READ, HOLD_RATE_LIMITED, ANN);
	}
	assert_int_equal(k.h.reason, HOLD_RATE_LIMITED);
}

static void test_a_trouble_that_nobody_meets_again_ends(void **state)
{
	struct kit k = kit();

	(void)state;
	meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN);
	meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, BEN);
	works(&k, HOLD_READ, ANN);
	assert_int_equal(k.h.reason, HOLD_FORBIDDEN);
	k.now_ms += HOLD_STALE_MS;
	works(&k, HOLD_READ, ANN);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

/* --- not hammered --- */

static void test_attempts_become_seldom(void **state)
{
	static const enum hold_reason reasons[] = {
		HOLD_CREDENTIALS, HOLD_FORBIDDEN, HOLD_UNREACHABLE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		struct kit k = kit();
		int first, later;

		while (!k.h.reason)
			meets(&k, HOLD_READ, reasons[i], 0);
		first = attempts_in(&k, 60000, HOLD_READ, reasons[i]);
		attempts_in(&k, 240000, HOLD_READ, reasons[i]);
		later = attempts_in(&k, 600000, HOLD_READ, reasons[i]);
		assert_true(first <= 5);
		assert_in_range(later, 9, 10);
	}
}

static void test_jitter_never_exceeds_a_minute(void **state)
{
	(void)state;
	for (uint32_t dice = 0; dice < 100000; dice += 777) {
		struct hold h = {.user_count = 0};
		struct hold_answer a = {.use = HOLD_READ,
					.trouble = HOLD_CREDENTIALS,
					.text = ""};

		hold_learn(&h, &a, 1, 1, dice);
		assert_in_range(hold_wait_ms(&h, 1), RETRY_HOLD_MS * 3 / 4,
				RETRY_HOLD_MS);
	}
}

/* What fails beside an attempt puts the next one off no further. */
static void test_failures_at_the_same_time_are_one_attempt(void **state)
{
	struct kit k = kit();
	int64_t next_ms;

	(void)state;
	for (int i = 0; i < HOLD_ROW_MAX; i++)
		meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	next_ms = k.h.next_ms;
	for (int i = 0; i < 30; i++)
		meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	assert_int_equal(k.h.next_ms, next_ms);
	k.now_ms = next_ms;
	meets(&k, HOLD_READ, HOLD_UNREACHABLE, ANN);
	assert_true(k.h.next_ms - k.now_ms > 5000);
}

static void test_something_mended_is_tried_at_once(void **state)
{
	struct kit k = kit();

	(void)state;
	meets(&k, HOLD_READ, HOLD_CREDENTIALS, ANN);
	hold_try_again(&k.h);
	assert_int_equal(wait_ms(&k), 0);
	assert_int_equal(k.h.reason, HOLD_CREDENTIALS);
	meets(&k, HOLD_READ, HOLD_CREDENTIALS, ANN);
	assert_int_equal(wait_ms(&k), RETRY_HOLD_MS);
}

/* --- forbidden: to us, or for one person --- */

static void test_two_people_in_a_row_hold(void **state)
{
	struct kit k = kit();

	(void)state;
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	assert_int_equal(k.h.reason, HOLD_NONE);
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, BEN));
	assert_int_equal(k.h.reason, HOLD_FORBIDDEN);
	works(&k, HOLD_WRITE, EVE);
	assert_int_equal(k.h.reason, HOLD_NONE);
	assert_true(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	assert_int_equal(k.h.reason, HOLD_NONE);
}

static void test_others_who_are_let_make_it_personal(void **state)
{
	struct kit k = kit();

	(void)state;
	works(&k, HOLD_WRITE, EVE); /* before: says nothing of now */
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	works(&k, HOLD_READ, BEN);
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	works(&k, HOLD_WRITE, BEN);
	assert_true(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	assert_int_equal(k.h.reason, HOLD_NONE);
}

/* One call about a person is allowed and the next one is not: that says
 * nothing about anybody else. */
static void test_ones_own_permission_proves_nothing(void **state)
{
	struct kit k = kit();

	(void)state;
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	works(&k, HOLD_WRITE, ANN);
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
}

/* The permission was given, and is taken back months later: whoever was met
 * the first time is as good a witness as anybody else. */
static void test_a_trouble_of_long_ago_blames_nobody(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 1; i < HOLD_TRIES_MAX; i++)
		assert_false(meets(&k, HOLD_MERGE, HOLD_FORBIDDEN, ANN));
	works(&k, HOLD_MERGE, ANN);
	works(&k, HOLD_MERGE, BEN);
	k.now_ms += HOLD_FORGET_MS;
	assert_false(meets(&k, HOLD_MERGE, HOLD_FORBIDDEN, ANN));
	assert_false(meets(&k, HOLD_MERGE, HOLD_FORBIDDEN, BEN));
	assert_int_equal(k.h.reason, HOLD_FORBIDDEN);
	works(&k, HOLD_MERGE, EVE);
	assert_true(meets(&k, HOLD_MERGE, HOLD_FORBIDDEN, ANN));
}

static void test_the_only_person_holds_and_then_is_to_blame(void **state)
{
	struct kit k = kit();

	(void)state;
	for (int i = 1; i < HOLD_TRIES_MAX; i++) {
		assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
		assert_int_equal(k.h.reason, i < HOLD_USER_TRIES
						     ? HOLD_NONE
						     : HOLD_FORBIDDEN);
	}
	assert_true(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, ANN));
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, BEN));
	assert_int_equal(k.h.reason, HOLD_FORBIDDEN);
	for (int i = 0; i < 20; i++)
		assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, BEN));
}

static void test_nobody_in_particular_is_everybody(void **state)
{
	struct kit k = kit();

	(void)state;
	assert_false(meets(&k, HOLD_TOKEN, HOLD_FORBIDDEN, 0));
	assert_int_equal(k.h.reason, HOLD_FORBIDDEN);
}

static void test_many_people_are_remembered_boundedly(void **state)
{
	struct kit k = kit();

	(void)state;
	for (uint64_t user = 1; user < 100; user++)
		assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, user));
	assert_int_equal(k.h.user_count, HOLD_USERS);
	works(&k, HOLD_WRITE, 500);
	assert_true(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, 99));
	assert_false(meets(&k, HOLD_WRITE, HOLD_FORBIDDEN, 1));
}

static void test_the_worst_is_shown(void **state)
{
	struct kit k = kit();

	(void)state;
	while (!k.h.reason)
		meets(&k, HOLD_SEARCH, HOLD_UNREACHABLE, 0);
	meets(&k, HOLD_TOKEN, HOLD_CREDENTIALS, 0);
	assert_int_equal(k.h.reason, HOLD_CREDENTIALS);
	assert_int_equal(k.h.use, HOLD_TOKEN);
	works(&k, HOLD_TOKEN, 0);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
	works(&k, HOLD_SEARCH, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

static void told(struct kit *k, int64_t since_ms)
{
	hold_told(&k->h, HOLD_READ, HOLD_UNREACHABLE, "user_get: down",
		  since_ms, k->now_ms, 0);
}

/* Another node's hold is ours, too, until it says that it is over. */
static void test_told_by_another_node(void **state)
{
	struct kit k = kit();

	(void)state;
	told(&k, 7);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
	assert_string_equal(hold_text(&k.h), "user_get: down");
	assert_false(hold_is_own(&k.h));
	assert_int_equal(wait_ms(&k), RETRY_HOLD_MS);
	assert_int_equal(
		attempts_in(&k, RETRY_HOLD_MS - 20, HOLD_READ, HOLD_NONE), 0);
	hold_told_over(&k.h, k.now_ms);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

/* What works here shows that it is theirs alone: until they have another. */
static void test_told_what_is_not_so_here(void **state)
{
	struct kit k = kit();

	(void)state;
	told(&k, 7);
	works(&k, HOLD_READ, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
	told(&k, 7);
	assert_int_equal(k.h.reason, HOLD_NONE);
	told(&k, 8);
	assert_int_equal(k.h.reason, HOLD_UNREACHABLE);
}

/* What is met here, too, lasts though theirs is over. */
static void test_told_and_met(void **state)
{
	struct kit k = kit();

	(void)state;
	told(&k, 7);
	meets(&k, HOLD_READ, HOLD_CREDENTIALS, 0);
	assert_true(hold_is_own(&k.h));
	hold_told_over(&k.h, k.now_ms);
	assert_int_equal(k.h.reason, HOLD_CREDENTIALS);
	works(&k, HOLD_READ, 0);
	assert_int_equal(k.h.reason, HOLD_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told_by_another_node),
		cmocka_unit_test(test_told_what_is_not_so_here),
		cmocka_unit_test(test_told_and_met),
		cmocka_unit_test(test_refused_credentials_hold_at_once),
		cmocka_unit_test(test_credentials_that_work_once_work_for_all),
		cmocka_unit_test(test_silence_holds_when_it_repeats),
		cmocka_unit_test(test_without_a_token_it_is_sooner),
		cmocka_unit_test(test_silence_holds_when_it_lasts),
		cmocka_unit_test(test_uses_are_told_apart),
		cmocka_unit_test(test_what_nothing_rests_on_holds_nobody),
		cmocka_unit_test(test_one_limit_is_one_failure),
		cmocka_unit_test(test_a_trouble_that_nobody_meets_again_ends),
		cmocka_unit_test(test_attempts_become_seldom),
		cmocka_unit_test(test_jitter_never_exceeds_a_minute),
		cmocka_unit_test(
			test_failures_at_the_same_time_are_one_attempt),
		cmocka_unit_test(test_something_mended_is_tried_at_once),
		cmocka_unit_test(test_two_people_in_a_row_hold),
		cmocka_unit_test(test_others_who_are_let_make_it_personal),
		cmocka_unit_test(test_ones_own_permission_proves_nothing),
		cmocka_unit_test(test_a_trouble_of_long_ago_blames_nobody),
		cmocka_unit_test(
			test_the_only_person_holds_and_then_is_to_blame),
		cmocka_unit_test(test_nobody_in_particular_is_everybody),
		cmocka_unit_test(test_many_people_are_remembered_boundedly),
		cmocka_unit_test(test_the_worst_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
