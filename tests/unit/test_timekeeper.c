/*
 * A store with a clock of its own: the loop goes by it from the first
 * operation on, whatever the machine's clock does; what happens when it is
 * set.
 */
#include "unit.h"

#include "flow_rig.h"

#include "app/timekeeper.h"
#include "store/backend.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define AHEAD  INT64_C(1900000000000)
#define HOUR   3600000
#define NEAR   500 /* ms, on a machine that is busy */
#define ASK_MS 10000

static struct store_gate gate;

/* The engine's writer is the gate; its reader has the file itself. */
enum result __wrap_store_open(struct store **out, const char *url,
			      enum store_mode mode, int64_t now_ms,
			      struct error *err);
enum result __wrap_store_open(struct store **out, const char *url,
			      enum store_mode mode, int64_t now_ms,
			      struct error *err)
{
	struct store_backend *b;
	enum result r;

	(void)url;
	if (mode == STORE_SERVE) {
		*out = store_gate_open(&gate);
		store_gate_clock(AHEAD);
		return RESULT_OK;
	}
	r = store_sqlite_ops.open(&b, gate.path, mode, now_ms, err);
	if (r == RESULT_OK)
		*out = store_over(b);
	return r;
}

struct rig {
	struct loop *loop;
	struct engine *engine;
	struct timekeeper *clock;
	struct loop_timer *timer;
	int told; /* that the clock was set */
};

static void on_set(void *arg)
{
	((struct rig *)arg)->told++;
}

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static void start(struct rig *r)
{
	struct config *config = xcalloc(1, sizeof(*config));
	struct error err = {""};

	memset(r, 0, sizeof(*r));
	r->loop = loop_new();
	config->store = xstrdup("sqlite:/nowhere");
	if (engine_new(&r->engine, r->loop, config, STORE_SERVE, on_watch, r,
		       &err) != RESULT_OK)
		fail_msg("%s", err.text);
	r->clock = timekeeper_new(r->loop, r->engine, on_set, r);
}

static void stop(struct rig *r)
{
	loop_timer_free(r->timer);
	timekeeper_free(r->clock);
	engine_free(r->engine);
	loop_free(r->loop);
	metrics_reset();
	store_gate_remove(&gate);
}

struct until {
	struct rig *r;
	struct loop_timer *timer;
	int count;
	int turns; /* behind that, for the answer */
};

static void on_poll(void *arg)
{
	struct until *u = arg;

	if (store_gate_count(STORE_CLOCK) >= u->count && u->turns-- == 0)
		loop_stop(u->r->loop);
	else
		loop_timer_set(u->timer, 1);
}

/* Until it was asked so often in all, and has had time to answer. */
static void asked(struct rig *r, int count)
{
	struct until u = {r, NULL, count, 20};

	u.timer = loop_timer_new(r->loop, on_poll, &u);
	loop_timer_set(u.timer, 0);
	loop_run(r->loop);
	loop_timer_free(u.timer);
}

static void check_wall(const struct rig *r, int64_t ahead_ms)
{
	int64_t off_ms = loop_wall_ms(r->loop) - clock_boot_ms() - ahead_ms;

	assert_in_range(off_ms + NEAR, 0, 2 * NEAR);
}

static void test_the_loop_goes_by_the_store(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	check_wall(&r, AHEAD); /* before anything is asked of it */
	asked(&r, 2);
	check_wall(&r, AHEAD);
	assert_int_equal(r.told, 0);
	stop(&r);
}

static void test_the_machines_clock_does_not_matter(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	asked(&r, 2);
	flow_leap(HOUR, 0);
	flow_leap(0, ASK_MS);
	asked(&r, 3);
	check_wall(&r, AHEAD);
	assert_int_equal(r.told, 0);
	flow_leap(-HOUR, 0);
	stop(&r);
}

static void test_a_store_whose_clock_is_set(void **state)
{
	static const int64_t steps[] = {HOUR, -HOUR, 3000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct rig r;

		start(&r);
		asked(&r, 2);
		store_gate_clock(AHEAD + steps[i]);
		flow_leap(0, ASK_MS);
		asked(&r, 3);
		check_wall(&r, AHEAD + steps[i]);
		assert_int_equal(r.told, 1);
		stop(&r);
	}
}

/* What was said while nobody knows when is not believed. */
static void test_an_answer_that_took_too_long(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	asked(&r, 2);
	store_gate_hold_at(STORE_CLOCK);
	flow_leap(0, ASK_MS);
	r.timer = loop_timer_new(r.loop, (loop_fn *)loop_stop, r.loop);
	loop_timer_set(r.timer, 100);
	loop_run(r.loop);
	store_gate_await_held();
	store_gate_clock(AHEAD + HOUR);
	flow_leap(0, TIMEKEEPER_TRIP_MS + 1);
	store_gate_hold_at(-1);
	asked(&r, 3);
	check_wall(&r, AHEAD);
	assert_int_equal(r.told, 0);
	stop(&r);
}

static void test_a_command_goes_by_the_store(void **state)
{
	struct store *s = store_gate_open(&gate);
	int64_t off_ms;

	(void)state;
	assert_in_range(store_now_ms(s) - clock_wall_ms() + NEAR, 0, 2 * NEAR);
	store_gate_clock(AHEAD);
	off_ms = store_now_ms(s) - clock_boot_ms() - AHEAD;
	assert_in_range(off_ms + NEAR, 0, 2 * NEAR);
	store_close(s);
	store_gate_remove(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_loop_goes_by_the_store),
		cmocka_unit_test(test_the_machines_clock_does_not_matter),
		cmocka_unit_test(test_a_store_whose_clock_is_set),
		cmocka_unit_test(test_an_answer_that_took_too_long),
		cmocka_unit_test(test_a_command_goes_by_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
