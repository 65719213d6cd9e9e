/*
 * When a transaction waits for more events: simulated senders, a store that
 * takes some time for each transaction.
 */
#include "unit.h"

#include "base/str.h"
#include "core/commit_delay.h"

#define SENDERS_MAX 64
#define TOOK_US	    300 /* a transaction */
#define THINK_US    100 /* from an answer to the next one */
#define EVENTS	    20000
#define NEVER	    INT64_MAX

struct sim {
	struct commit_delay delay;
	bool waits;	/* as the delay says */
	int64_t gap_us; /* of a sender who waits for no answer; 0: for it */
	size_t senders;
	int64_t next_us[SENDERS_MAX];
	bool unanswered[SENDERS_MAX];
	size_t queued;
	int64_t first_us;
	int64_t free_us; /* the store, from then on */
	int64_t longest_us;
	int stored, transactions;
};

static void start(struct sim *s, size_t senders, int64_t gap_us, bool waits)
{
	memset(s, 0, sizeof(*s));
	s->senders = senders;
	s->gap_us = gap_us;
	s->waits = waits;
	for (size_t i = 0; i < senders; i++)
		s->next_us[i] = 1000000 + 7 * (int64_t)i;
}

static size_t who_is_next(const struct sim *s)
{
	size_t next = 0;

	for (size_t i = 1; i < s->senders; i++)
		if (s->next_us[i] < s->next_us[next])
			next = i;
	return next;
}

static void arrive(struct sim *s, size_t i)
{
	commit_delay_came(&s->delay, s->next_us[i]);
	if (s->queued++ == 0)
		s->first_us = s->next_us[i];
	s->unanswered[i] = true;
	s->next_us[i] = s->gap_us ? s->next_us[i] + s->gap_us : NEVER;
}

static int64_t begins_us(const struct sim *s)
{
	int64_t at_us = s->first_us;

	if (s->waits)
		at_us += commit_delay_us(&s->delay, s->queued);
	return at_us > s->free_us ? at_us : s->free_us;
}

static void answer(struct sim *s, size_t i)
{
	s->unanswered[i] = false;
	if (!s->gap_us)
		s->next_us[i] = s->free_us + THINK_US + 7 * (int64_t)i;
}

static void store(struct sim *s, int64_t at_us)
{
	int64_t waited_us = at_us - s->first_us;

	commit_delay_ends(&s->delay, s->queued, s->first_us, at_us);
	if (waited_us > s->longest_us)
		s->longest_us = waited_us;
	s->free_us = at_us + TOOK_US;
	s->stored += (int)s->queued;
	s->transactions++;
	s->queued = 0;
	for (size_t i = 0; i < s->senders; i++)
		if (s->unanswered[i])
			answer(s, i);
}

static void run(struct sim *s, int events)
{
	while (s->stored < events) {
		size_t i = who_is_next(s);

		if (s->queued > 0 && begins_us(s) <= s->next_us[i])
			store(s, begins_us(s));
		else
			arrive(s, i);
	}
}

static int transactions_at(int64_t gap_us)
{
	struct sim s;

	start(&s, 1, gap_us, true);
	run(&s, EVENTS);
	assert_true(s.longest_us <= COMMIT_DELAY_US);
	return s.transactions;
}

static void who_comes_fast_shares(void **state)
{
	(void)state;
	assert_true(transactions_at(500) < EVENTS / 8);
	assert_true(transactions_at(1000) < EVENTS / 4);
	assert_true(transactions_at(100) < EVENTS / 10);
}

static void who_comes_now_and_then_never_waits(void **state)
{
	static const int64_t gaps_us[] = {2000, 10000, 1000000};
	struct sim s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gaps_us); i++) {
		start(&s, 1, gaps_us[i], true);
		run(&s, EVENTS);
		assert_int_equal(s.longest_us, 0);
		assert_int_equal(s.transactions, s.stored);
	}
}

static int64_t come(struct commit_delay *d, int64_t from_us, int count)
{
	for (int i = 0; i < count; i++)
		commit_delay_came(d, from_us += 10);
	return from_us;
}

/* Of one customer some webhooks come at once; and who comes after many others,
 * but later, is alone. */
static void few_at_once_do_not_wait(void **state)
{
	struct commit_delay d = {0};
	int64_t at_us;

	(void)state;
	at_us = come(&d, 1000000, 20);
	assert_int_equal(commit_delay_us(&d, 1), 0);
	at_us = come(&d, at_us, 200);
	assert_int_equal(commit_delay_us(&d, 1), COMMIT_DELAY_US);
	at_us = come(&d, at_us + INT64_C(3600000000), 1);
	assert_int_equal(commit_delay_us(&d, 1), 0);
	(void)come(&d, at_us, 100);
	assert_int_equal(commit_delay_us(&d, 1), COMMIT_DELAY_US);
}

static int64_t took_us(size_t senders, bool waits)
{
	struct sim s;

	start(&s, senders, 0, waits);
	run(&s, 10 * EVENTS);
	return s.free_us;
}

/* What nobody can fill is tried ever less often. */
static void few_who_wait_for_answers_are_not_slowed_down(void **state)
{
	(void)state;
	for (size_t senders = 1; senders < COMMIT_DELAY_ENOUGH; senders++)
		assert_true(took_us(senders, true) <
			    took_us(senders, false) * 11 / 10);
}

static void many_who_wait_for_answers_are_not_either(void **state)
{
	(void)state;
	for (size_t senders = 2 * COMMIT_DELAY_ENOUGH; senders <= SENDERS_MAX;
	     senders += 8)
		assert_true(took_us(senders, true) <
			    took_us(senders, false) * 11 / 10);
}

/* Whom it did not help before it helps again when they come by themselves. */
static void it_is_tried_again(void **state)
{
	struct sim s;
	int before;

	(void)state;
	start(&s, 4, 0, true);
	run(&s, EVENTS);
	s.senders = 1;
	s.gap_us = 500;
	s.next_us[0] = s.free_us + 500;
	run(&s, 2 * EVENTS);
	before = s.transactions;
	run(&s, 3 * EVENTS);
	assert_true(s.transactions - before < EVENTS / 8);
}

static void enough_is_enough(void **state)
{
	struct commit_delay d = {0};

	(void)state;
	(void)come(&d, 1000000, 200);
	assert_int_equal(commit_delay_us(&d, COMMIT_DELAY_ENOUGH - 1),
			 COMMIT_DELAY_US);
	assert_int_equal(commit_delay_us(&d, COMMIT_DELAY_ENOUGH), 0);
	/* while the store was slow, and not in vain */
	commit_delay_ends(&d, COMMIT_DELAY_ENOUGH, d.came_us - 100,
			  d.came_us + 10 * COMMIT_DELAY_US);
	assert_int_equal(commit_delay_us(&d, 1), COMMIT_DELAY_US);
}

/* So many transactions go without a wait, after one that was in vain. */
static int gone_without(struct commit_delay *d)
{
	int count = 0;

	commit_delay_ends(d, 1, d->came_us, d->came_us + COMMIT_DELAY_US);
	for (; commit_delay_us(d, 1) == 0; count++)
		commit_delay_ends(d, 1, d->came_us, d->came_us);
	return count;
}

static void one_that_helped_makes_up_for_those_in_vain(void **state)
{
	struct commit_delay d = {0};
	int first, most = 0;

	(void)state;
	(void)come(&d, 1000000, 200);
	first = gone_without(&d);
	assert_int_equal(gone_without(&d), 2 * first);
	for (int i = 0; i < 20; i++)
		most = gone_without(&d);
	assert_int_equal(most, 64 * first);
	commit_delay_ends(&d, 5, d.came_us - COMMIT_DELAY_US, d.came_us);
	assert_int_equal(gone_without(&d), first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_fast_shares),
		cmocka_unit_test(who_comes_now_and_then_never_waits),
		cmocka_unit_test(few_at_once_do_not_wait),
		cmocka_unit_test(few_who_wait_for_answers_are_not_slowed_down),
		cmocka_unit_test(many_who_wait_for_answers_are_not_either),
		cmocka_unit_test(it_is_tried_again),
		cmocka_unit_test(enough_is_enough),
		cmocka_unit_test(one_that_helped_makes_up_for_those_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
