/*
 * Steps of the clock, and the sure one: see timekeeper.h.
 *
 * One operation of the store at a time: a step that comes meanwhile waits for
 * its end, as does one that the store would not take; steps add up.
 *
 * Invariant: sure_ms is what the sure clock said at sure_mono_ms.
 */
#include "app/timekeeper.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define LOOK_MS	   5000	 /* a loop that sleeps notices no step */
#define ASK_MS	   10000 /* a store's own clock */
#define STORE_MS   60000 /* so much of a step may a restart miss */
#define RETRY_MS   1000
#define LOG_OFF_MS 3600000

struct timekeeper {
	struct loop *loop;
	struct engine *engine;
	loop_fn *fn;
	void *arg;
	struct loop_timer *timer;
	struct store_op op;
	int64_t by_ms;	      /* steps that the store does not know of */
	int64_t storing_ms;   /* those that the op tells */
	int64_t stored_ms;    /* monotonic: when the store was told last */
	int64_t asked_ms;     /* loop_boot_ms(): when it was asked last */
	int64_t sure_ms;      /* 0: not known yet */
	int64_t sure_mono_ms; /* when it was so */
	struct log_throttle off;
	struct log_throttle local_off;
	bool busy;
	bool freed;
};

/* By the APIs' clocks the wall clock is right; *off_ms: how far it is off. */
static bool is_confirmed(const struct timekeeper *t, int64_t *off_ms)
{
	int64_t date_ms;

	*off_ms = 0;
	if (!engine_date_ms(t->engine, &date_ms))
		return false;
	*off_ms = loop_wall_ms(t->loop) - date_ms;
	return *off_ms<TIMEKEEPER_OFF_MS && * off_ms> - TIMEKEEPER_OFF_MS;
}

static int64_t sure_clock(const struct timekeeper *t)
{
	int64_t off_ms;

	if (t->sure_ms == 0 || is_confirmed(t, &off_ms))
		return t->sure_ms ? loop_wall_ms(t->loop) : 0;
	return t->sure_ms + loop_now_ms(t->loop) - t->sure_mono_ms;
}

int64_t timekeeper_sure_ms(const struct timekeeper *t)
{
	int64_t wall_ms = loop_wall_ms(t->loop), sure_ms = sure_clock(t);

	return sure_ms < wall_ms ? sure_ms : wall_ms;
}

/* --- the store's own clock --- */

static bool follows(const struct timekeeper *t)
{
	return engine_clock(t->engine)->known;
}

/* It matters to whoever reads logs, and to timestamps of others. */
static void check_local(struct timekeeper *t)
{
	int64_t off_ms = clock_wall_ms() - clock_boot_ms() -
			 remote_clock_ahead_ms(engine_clock(t->engine));
	uint64_t held_back;

	if (off_ms < TIMEKEEPER_LOCAL_MS && off_ms > -TIMEKEEPER_LOCAL_MS)
		return;
	if (log_throttle_pass(&t->local_off, loop_now_ms(t->loop), LOG_OFF_MS,
			      &held_back))
		log_warn("clock_differs", log_int("seconds", off_ms / 1000));
}

static void follow(struct timekeeper *t, int64_t store_ms)
{
	struct remote_clock *c = engine_clock(t->engine);
	int64_t was_ms = remote_clock_ahead_ms(c), by_ms;
	int64_t now_ms = clock_boot_ms();

	if (now_ms - t->asked_ms > TIMEKEEPER_TRIP_MS)
		return;
	remote_clock_learn(c, t->asked_ms, now_ms, store_ms);
	by_ms = remote_clock_ahead_ms(c) - was_ms;
	loop_set_wall(t->loop, remote_clock_ahead_ms(c));
	check_local(t);
	if (by_ms < LOOP_STEP_MS && by_ms > -LOOP_STEP_MS)
		return;
	log_warn("store_clock_set", log_int("seconds", by_ms / 1000));
	scheduler_store_clock_set(engine_scheduler(t->engine), by_ms);
	t->fn(t->arg);
}

/* --- what the store is told --- */

static void tell(struct timekeeper *t);

static void on_told(struct store_op *op, void *arg)
{
	struct timekeeper *t = arg;
	bool ok = op->result == RESULT_OK;
	bool was_set = t->storing_ms != 0;

	t->busy = false;
	if (t->freed) {
		free(t);
		return;
	}
	if (ok && op->u.clock.store_ms)
		follow(t, op->u.clock.store_ms);
	if (ok && t->sure_ms == 0 && op->u.clock.sure_ms) {
		t->sure_ms = op->u.clock.sure_ms;
		t->sure_mono_ms = loop_now_ms(t->loop);
	}
	if (!ok)
		t->by_ms += t->storing_ms;
	else if (was_set)
		t->fn(t->arg);
	if (t->by_ms != 0)
		loop_timer_set(t->timer, ok ? 0 : RETRY_MS);
}

static void ask(struct timekeeper *t, const struct store_clock *what)
{
	t->busy = true;
	t->asked_ms = loop_boot_ms(t->loop);
	t->storing_ms = what->by_ms;
	store_op_init(&t->op, STORE_CLOCK);
	t->op.u.clock = *what;
	storeq_submit(engine_storeq(t->engine), &t->op, on_told, t);
}

static void tell(struct timekeeper *t)
{
	if (t->busy)
		return;
	t->sure_ms = sure_clock(t);
	t->sure_mono_ms = t->stored_ms = loop_now_ms(t->loop);
	ask(t, &(struct store_clock){
		       .now_ms = loop_wall_ms(t->loop),
		       .by_ms = t->by_ms,
		       .sure_ms = t->sure_ms,
	       });
	t->by_ms = 0;
}

/* Nothing has been asked of the store by the new time yet. */
static void on_step(int64_t by_ms, void *arg)
{
	struct timekeeper *t = arg;

	log_warn("clock_set", log_int("seconds", by_ms / 1000));
	scheduler_clock_set(engine_scheduler(t->engine), by_ms);
	t->by_ms += by_ms;
	tell(t);
}

static void check_off(struct timekeeper *t)
{
	int64_t off_ms;
	uint64_t held_back;

	if (is_confirmed(t, &off_ms) || off_ms == 0)
		return;
	if (log_throttle_pass(&t->off, loop_now_ms(t->loop), LOG_OFF_MS,
			      &held_back))
		log_error("clock_wrong", log_int("seconds", off_ms / 1000));
}

static void on_timer(void *arg)
{
	struct timekeeper *t = arg;
	int64_t now_ms = loop_now_ms(t->loop);

	check_off(t);
	engine_tidy(t->engine);
	if (t->by_ms != 0 || now_ms - t->stored_ms >= STORE_MS)
		tell(t);
	else if (follows(t) && !t->busy &&
		 loop_boot_ms(t->loop) - t->asked_ms >= ASK_MS)
		ask(t, &(struct store_clock){.now_ms = 0});
	loop_timer_set(t->timer, LOOK_MS);
}

struct timekeeper *timekeeper_new(struct loop *loop, struct engine *engine,
				  loop_fn *fn, void *arg)
{
	struct timekeeper *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->engine = engine;
	t->fn = fn;
	t->arg = arg;
	t->timer = loop_timer_new(loop, on_timer, t);
	loop_timer_set(t->timer, LOOK_MS);
	loop_on_step(loop, on_step, t);
	tell(t); /* and hear how far the sure clock had come */
	return t;
}

void timekeeper_free(struct timekeeper *t)
{
	if (!t)
		return;
	loop_on_step(t->loop, NULL, NULL);
	loop_timer_free(t->timer);
	t->freed = true;
	if (!t->busy)
		free(t);
}
