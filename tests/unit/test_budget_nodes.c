/*
 * Several nodes with a budget each and one account: together they stay inside
 * what one alone might use, and use nearly all of it, whoever of them has
 * work; however they come, stop, die or lose the store that tells them of one
 * another.
 *
 * BUDGET_SIM=1 in the environment prints the shares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/budget.h"

#include "base/str.h"
#include "budget_world.h"

enum {
	NODES = 5,
	OPEN_MAX = 512,
	BEAT_MS = 1000,
	BEAT_SOON_MS = 300, /* after another one */
	STORE_MS = 300,	    /* a beat takes at most twice that */
	JOB_CALLS = 5,
	PATIENCE_MS = 20000, /* of a call of a job */
};

struct node;
/* Does it have work that waits? */
typedef bool work_fn(const struct node *n, int64_t now_ms);

struct flight {
	struct budget_pass pass;
	int64_t arrives_ms, ends_ms;
	struct budget_headers h;
	bool arrived, refused;
};

enum life { ABSENT, ALIVE, STOPPED, DEAD, CUT_OFF };

struct node {
	enum life life;
	struct budget b;
	struct flight flights[OPEN_MAX];
	int open;
	int64_t ask_ms;
	/* its beat: told when it reaches the store, settled when that is back */
	int64_t beat_ms, store_ms, back_ms, since_ms;
	struct stake_row told, settled;
	/* as the store has it */
	struct stake_row row;
	int64_t row_ms; /* 0: no row */
	work_fn *work;
	int64_t sent, judged;
	/* a job: so many calls are done; its call waits since then */
	int calls;
	int64_t asked_ms;
	int64_t jobs, failed, slowest_job_ms, job_ms;
};

struct nodes {
	struct world w;
	struct node of[NODES];
	int count;
};

static bool always(const struct node *n, int64_t now_ms)
{
	(void)n;
	(void)now_ms;
	return true;
}

static bool never(const struct node *n, int64_t now_ms)
{
	(void)n;
	(void)now_ms;
	return false;
}

/* ---- the store ---- */

static void settle(struct nodes *s, struct node *n, int64_t now_ms)
{
	struct stake_row rows[NODES];
	size_t count = 0, me = 0;

	n->row = n->told;
	n->row_ms = now_ms;
	for (int i = 0; i < NODES; i++) {
		struct stake_row row = s->of[i].row;

		if (s->of[i].row_ms == 0)
			continue;
		if (&s->of[i] == n)
			me = count;
		if (stake_grow_old(&row, now_ms - s->of[i].row_ms) ||
		    &s->of[i] == n)
			rows[count++] = row;
	}
	stake_divide(rows, count, me, budget_sharers(&n->b),
		     now_ms / STAKE_TURN_MS);
	n->row = rows[me];
	n->settled = n->row;
}

static void beat(struct nodes *s, struct node *n, int64_t now_ms)
{
	bool waiting = n->work(n, now_ms);

	if (n->store_ms && n->store_ms <= now_ms) {
		n->store_ms = 0;
		if (n->life != CUT_OFF)
			settle(s, n, now_ms);
		else
			n->back_ms = 0; /* never comes back */
	}
	if (n->back_ms && !n->store_ms && n->back_ms <= now_ms) {
		n->back_ms = 0;
		budget_settle(&n->b, &n->settled, n->since_ms, now_ms);
		n->ask_ms = now_ms;
	}
	if (n->back_ms ||
	    now_ms < n->since_ms + (waiting && budget_lacks_stake(&n->b, now_ms)
					    ? BEAT_SOON_MS
					    : BEAT_MS))
		return;
	n->since_ms = now_ms;
	n->store_ms = now_ms + world_delay(&s->w, STORE_MS);
	n->back_ms = n->store_ms + world_delay(&s->w, STORE_MS);
	budget_stake(&n->b, waiting, &n->told, now_ms);
}

/* ---- requests ---- */

static void arrive(struct nodes *s, struct flight *f, int64_t now_ms)
{
	struct world *w = &s->w;

	f->arrived = true;
	f->refused = !world_take(w, now_ms);
	w->refused += f->refused;
	w->ours += !f->refused;
	f->h.limit = w->limit;
	f->h.remaining = w->limit - w->counted;
	f->h.reset_ms = world_reset_ms(w, f->pass.nth, now_ms);
}

static void job_goes_on(struct node *n, int64_t now_ms)
{
	if (n->calls++ == 0)
		n->job_ms = now_ms;
	if (n->calls == JOB_CALLS) {
		int64_t took_ms = now_ms - n->job_ms;

		n->jobs++;
		n->calls = 0;
		if (took_ms > n->slowest_job_ms)
			n->slowest_job_ms = took_ms;
	}
	n->asked_ms = now_ms;
}

static void answer(struct node *n, struct flight *f, int64_t now_ms)
{
	budget_end(&n->b);
	budget_learn(&n->b, &f->pass, &f->h, now_ms);
	if (f->refused)
		budget_refused(&n->b, f->h.reset_ms < 0 ? 1000 : f->h.reset_ms,
			       0, now_ms);
	else
		budget_passed(&n->b, now_ms);
	*f = n->flights[--n->open];
	n->ask_ms = now_ms;
	job_goes_on(n, now_ms);
}

static void send(struct nodes *s, struct node *n, int64_t now_ms)
{
	struct flight *f = &n->flights[n->open++];

	assert_true(n->open < OPEN_MAX);
	*f = (struct flight){
		.pass = budget_take(&n->b, now_ms),
		.arrives_ms = now_ms + world_delay(&s->w, s->w.slowest_ms / 2),
	};
	f->ends_ms = f->arrives_ms + world_delay(&s->w, s->w.slowest_ms / 2);
	n->sent++;
	s->w.per_second[(now_ms - START_MS) / 1000]++;
}

static void do_work(struct nodes *s, struct node *n, int64_t now_ms)
{
	while (n->ask_ms <= now_ms && n->work(n, now_ms)) {
		int64_t wait_ms = budget_wait_ms(&n->b, s->w.lane, now_ms);

		assert_true(wait_ms >= 0);
		if (wait_ms > 0)
			n->ask_ms = now_ms + wait_ms;
		else
			send(s, n, now_ms);
	}
}

static void step(struct nodes *s, int64_t now_ms)
{
	world_tick(&s->w, now_ms);
	for (int i = 0; i < NODES; i++) {
		struct node *n = &s->of[i];

		for (int k = 0; k < n->open; k++)
			if (!n->flights[k].arrived &&
			    n->flights[k].arrives_ms <= now_ms)
				arrive(s, &n->flights[k], now_ms);
		if (n->life != ALIVE && n->life != CUT_OFF)
			continue;
		for (int k = n->open - 1; k >= 0; k--)
			if (n->flights[k].arrived &&
			    n->flights[k].ends_ms <= now_ms)
				answer(n, &n->flights[k], now_ms);
		beat(s, n, now_ms);
		do_work(s, n, now_ms);
	}
}

/* ---- one run ---- */

static void join(struct nodes *s, int i, work_fn *work, int64_t now_ms)
{
	struct node *n = &s->of[i];

	memset(n, 0, sizeof(*n));
	n->life = ALIVE;
	n->work = work;
	n->since_ms = now_ms - BEAT_MS - i * 130;
	n->asked_ms = now_ms;
	budget_init(&n->b, 0, s->w.reserve_percent);
	budget_share(&n->b, now_ms);
}

typedef void act_fn(struct nodes *s, int64_t in_ms);

static void play(struct nodes *s, int count, act_fn *act)
{
	int64_t now_ms = START_MS;

	world_begin(&s->w);
	s->count = count;
	for (int i = 0; i < count; i++)
		join(s, i, always, now_ms);
	for (int i = 0; i < STEPS; i++, now_ms += STEP_MS) {
		if (act)
			act(s, now_ms - START_MS);
		step(s, now_ms);
	}
}

static struct nodes *nodes_of(int64_t limit, enum window window,
			      enum pattern pattern, int64_t slowest_ms)
{
	static struct nodes s;

	memset(&s, 0, sizeof(s));
	s.w = (struct world){
		.limit = limit,
		.reserve_percent = 25,
		.window = window,
		.pattern = pattern,
		.slowest_ms = slowest_ms,
	};
	return &s;
}

/* More than one alone might: in no minute at all. */
static void judge_minutes(const struct nodes *s)
{
	int64_t allowance = s->w.limit - s->w.reserve, sum = 0;

	for (int i = 0; i < MINUTES * 60; i++) {
		sum += s->w.per_second[i];
		sum -= i >= 60 ? s->w.per_second[i - 60] : 0;
		assert_true(sum <= allowance);
	}
}

static void judge(const struct nodes *s, const char *what, int64_t least)
{
	const struct world *w = &s->w;

	if (getenv("BUDGET_SIM"))
		printf("%-12s %d nodes limit %4ld %-15s %-22s %4ld ms: may "
		       "%5ld used %5ld = %5.1f%% refused %ld reserve %ld "
		       "sent %ld %ld %ld %ld %ld\n",
		       what, s->count, (long)w->limit, window_names[w->window],
		       pattern_names[w->pattern], (long)w->slowest_ms,
		       (long)w->may, (long)w->used,
		       100.0 * (double)w->used / (double)w->may,
		       (long)w->refused, (long)w->reserve_broken,
		       (long)s->of[0].sent, (long)s->of[1].sent,
		       (long)s->of[2].sent, (long)s->of[3].sent,
		       (long)s->of[4].sent);
	assert_int_equal(w->reserve_broken, 0);
	if (w->pattern <= (w->window == SLIDING ? STEADY : RAMP))
		assert_int_equal(w->refused, 0);
	else
		assert_true(w->refused <= MINUTES * 2 * s->count);
	assert_true(w->used * 100 >= w->may * least);
	judge_minutes(s);
}

static int64_t least(const struct world *w)
{
	bool told = w->window == FIXED || w->window == FIXED_TERSE;

	if (w->pattern <= STEADY)
		return 95;
	if (told && w->pattern <= MORE)
		return 90;
	return told ? 55 : 40; /* each one hears little */
}

static void all_busy(int count, enum window window, enum pattern pattern)
{
	struct nodes *s = nodes_of(400, window, pattern, 300);

	play(s, count, NULL);
	judge(s, "busy", least(&s->w));
}

static void test_all_busy(void **state)
{
	(void)state;
	for (int p = 0; p < EVERYTHING; p++) {
		all_busy(2, FIXED, (enum pattern)p);
		all_busy(5, p % 2 ? FIXED : FIXED_TERSE, (enum pattern)p);
	}
	for (int window = 0; window < WINDOW_COUNT; window++)
		all_busy(3, (enum window)window, STEADY);
	all_busy(3, SLIDING, MORE);
	all_busy(3, FIXED_SILENT, MORE);
}

static void test_each_has_its_part(void **state)
{
	struct nodes *s = nodes_of(400, FIXED, STEADY, 300);

	(void)state;
	play(s, 5, NULL);
	judge(s, "parts", 95);
	for (int i = 0; i < 5; i++)
		assert_in_range(s->of[i].sent, 300 * MINUTES / 5 * 85 / 100,
				300 * MINUTES / 5 * 115 / 100);
}

static void one_works(struct nodes *s, int64_t in_ms)
{
	if (in_ms == 0)
		for (int i = 1; i < s->count; i++)
			s->of[i].work = never;
}

static void test_one_busy_the_others_idle(void **state)
{
	(void)state;
	for (int window = 0; window < WINDOW_COUNT; window += SLIDING) {
		struct nodes *s =
			nodes_of(200, (enum window)window, STEADY, 300);

		play(s, 5, one_works);
		judge(s, "one works", 95);
	}
}

/* However many requests there may be: no refusal, though nothing is left to
 * anybody else. */
static void test_no_reserve(void **state)
{
	static const int64_t limits[] = {60, 200, 2500};

	(void)state;
	for (size_t l = 0; l < ARRAY_LEN(limits); l++)
		for (int window = 0; window < WINDOW_COUNT; window += SLIDING) {
			struct nodes *s = nodes_of(
				limits[l], (enum window)window, NOBODY, 300);

			s->w.reserve_percent = 0;
			play(s, 3, NULL);
			judge(s, "no reserve",
			      window == SLIDING ? 60
			      : limits[l] > 100 ? 95
						: 90);
		}
}

/* They come one after the other, and two go without a word. */
static void come_and_go(struct nodes *s, int64_t in_ms)
{
	switch (in_ms) {
	case 100 * 1000:
	case 130 * 1000:
	case 131 * 1000:
		join(s, s->count++, always, START_MS + in_ms);
		break;
	case 200 * 1000:
		s->of[0].life = DEAD;
		break;
	case 290 * 1000:
		s->of[3].life = DEAD;
		break;
	}
}

static void test_nodes_come_and_die(void **state)
{
	(void)state;
	for (int window = 0; window < WINDOW_COUNT; window += SLIDING) {
		struct nodes *s =
			nodes_of(400, (enum window)window, STEADY, 300);

		play(s, 2, come_and_go);
		judge(s, "come and die", window == FIXED ? 95 : 88);
		assert_true(s->of[4].sent > 150);
	}
}

/* The part of one that is gone is the others' within seconds. */
static void all_but_one_die(struct nodes *s, int64_t in_ms)
{
	if (in_ms == 150 * 1000)
		for (int i = 1; i < s->count; i++)
			s->of[i].life = DEAD;
}

static void test_the_part_of_the_dead_comes_back(void **state)
{
	struct nodes *s = nodes_of(400, FIXED, STEADY, 300);
	int64_t before = 0, after = 0;

	(void)state;
	play(s, 3, all_but_one_die);
	judge(s, "die", 93);
	for (int i = 120; i < 150; i++)
		before += s->w.per_second[i];
	for (int i = 159; i < 189; i++)
		after += s->w.per_second[i];
	assert_true(after * 100 >= before * 93);
}

/* One is stopped, or has no store, for longer than a claim lasts. */
static enum life trouble;

static void one_in_trouble(struct nodes *s, int64_t in_ms)
{
	if (in_ms == 130 * 1000 || in_ms == 250 * 1000)
		s->of[0].life = trouble;
	if (in_ms == 170 * 1000 || in_ms == 256 * 1000)
		s->of[0].life = ALIVE;
}

static void test_one_in_trouble(void **state)
{
	(void)state;
	for (trouble = STOPPED; trouble <= CUT_OFF; trouble++) {
		struct nodes *s = nodes_of(400, FIXED, STEADY, 300);

		if (trouble == DEAD)
			continue;
		s->w.reserve_percent = 0;
		s->w.pattern = NOBODY;
		play(s, 3, one_in_trouble);
		judge(s, trouble == STOPPED ? "stopped" : "cut off", 93);
		assert_true(s->of[0].sent > 400);
	}
}

/* Work that comes and goes, somewhere at any time. */
static bool now_and_then(const struct node *n, int64_t now_ms)
{
	(void)n;
	return (now_ms / 7000 * 2654435761u >> 7) % 5 < 2;
}

static bool in_turns(const struct node *n, int64_t now_ms)
{
	(void)n;
	return now_ms / 20000 % 2;
}

static void some_work(struct nodes *s, int64_t in_ms)
{
	static work_fn *const works[] = {always, now_and_then, in_turns, never,
					 in_turns};

	for (int i = 0; in_ms == 0 && i < s->count; i++)
		s->of[i].work = works[i];
}

static void test_work_comes_and_goes(void **state)
{
	(void)state;
	for (int window = 0; window < WINDOW_COUNT; window += SLIDING) {
		struct nodes *s =
			nodes_of(400, (enum window)window, STEADY, 300);

		play(s, 5, some_work);
		/* a second or two pass whenever one begins or ends */
		judge(s, "now and then", 85);
	}
}

/* ---- jobs ---- */

/* One call after the other; whoever waits too long for one begins anew. */
static bool one_job(const struct node *n, int64_t now_ms)
{
	(void)now_ms;
	return n->open == 0;
}

static bool a_job_a_minute(const struct node *n, int64_t now_ms)
{
	return n->open == 0 &&
	       (n->calls > 0 || (now_ms - START_MS) / MINUTE_MS > n->jobs);
}

static void impatience(struct nodes *s, int64_t in_ms)
{
	for (int i = 0; i < s->count; i++) {
		struct node *n = &s->of[i];

		if (n->calls == 0 || n->open > 0 ||
		    START_MS + in_ms - n->asked_ms < PATIENCE_MS)
			continue;
		n->failed++;
		n->calls = 0;
	}
}

static void a_job_beside(struct nodes *s, int64_t in_ms)
{
	if (in_ms == 0)
		s->of[2].work = a_job_a_minute;
	impatience(s, in_ms);
}

static void test_a_job_beside_busy_nodes(void **state)
{
	struct nodes *s = nodes_of(200, FIXED, STEADY, 300);

	(void)state;
	play(s, 3, a_job_beside);
	judge(s, "a job", 95);
	assert_int_equal(s->of[2].failed, 0);
	assert_true(s->of[2].jobs >= MINUTES - 1);
	assert_true(s->of[2].slowest_job_ms < PATIENCE_MS);
}

/* After a quiet time a job does not wait but for the store. */
static void quiet(struct nodes *s, int64_t in_ms)
{
	for (int i = 0; in_ms == 0 && i < s->count; i++)
		s->of[i].work = i == 0 ? a_job_a_minute : never;
}

static void test_a_job_after_a_quiet_time(void **state)
{
	struct nodes *s = nodes_of(200, FIXED, STEADY, 300);

	(void)state;
	play(s, 3, quiet);
	assert_true(s->of[0].jobs >= MINUTES - 1);
	assert_true(s->of[0].slowest_job_ms <
		    JOB_CALLS * 300 + 2 * STORE_MS + 500);
}

/* So few requests that a part of them is no use: they take turns. */
static void few(struct nodes *s, int64_t in_ms)
{
	for (int i = 0; in_ms == 0 && i < s->count; i++)
		s->of[i].work = one_job;
	impatience(s, in_ms);
}

static void test_few_requests(void **state)
{
	struct nodes *s = nodes_of(20, FIXED, NOBODY, 300);
	int64_t jobs = 0;

	(void)state;
	play(s, 3, few);
	for (int i = 0; i < 3; i++) {
		jobs += s->of[i].jobs;
		assert_true(s->of[i].jobs > 0);
	}
	/* fifteen a minute: three jobs */
	assert_true(jobs >= 3 * MINUTES * 60 / 100);
	assert_int_equal(s->w.refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_busy),
		cmocka_unit_test(test_each_has_its_part),
		cmocka_unit_test(test_one_busy_the_others_idle),
		cmocka_unit_test(test_no_reserve),
		cmocka_unit_test(test_nodes_come_and_die),
		cmocka_unit_test(test_the_part_of_the_dead_comes_back),
		cmocka_unit_test(test_one_in_trouble),
		cmocka_unit_test(test_work_comes_and_goes),
		cmocka_unit_test(test_a_job_beside_busy_nodes),
		cmocka_unit_test(test_a_job_after_a_quiet_time),
		cmocka_unit_test(test_few_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
