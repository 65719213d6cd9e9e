/*
 * What the writer's and the reader's thread do: see storeq.c.
 */
#include "storeq_int.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#define BATCH_MAX	256
#define BATCH_SMALL	16
#define BATCH_SLOW_S	0.5
#define HOLD_SLOW_S	0.002
#define HOLD_PART	4 /* of what the last transaction took */
#define HOLD_US		5000
#define TICK_MS		1000
#define LOG_INTERVAL_MS 10000
#define LOG_LONG_BYTES	(24 << 20)
#define LOG_REST_BYTES	(256 << 10)
#define LOG_MUCH_BYTES	(2 << 20)
#define LOG_MOVES_MAX	8 /* in a row: somebody may be reading it */

/* Under the lock: until when what is queued waits for more; 0: it does not.
 * Those who were just answered may come back, and then go together with those
 * who wait, instead of waiting for them. */
static int64_t held_until_us(const struct side *s)
{
	const struct item *first = s->queue.head;
	int64_t until_us = 0, delay_us = 0;

	if (s->q->draining || first == NULL)
		return 0;
	if (s->queue.count < s->hold_count)
		until_us = s->hold_until_us;
	if (!s->hurries)
		delay_us = commit_delay_us(&s->delay, s->queue.count);
	if (delay_us > 0 && first->since_us + delay_us > until_us)
		until_us = first->since_us + delay_us;
	return until_us;
}

static struct timespec wake_at(const struct side *s, int64_t tick_at_ms)
{
	int64_t us = tick_at_ms * 1000;
	int64_t held_us = s->ready ? held_until_us(s) : 0;

	if (held_us != 0 && held_us < us)
		us = held_us;
	return (struct timespec){us / 1000000, us % 1000000 * 1000};
}

/* Under the lock; false when the tick came first. */
static bool wait_for_work(struct side *s, int64_t tick_at_ms)
{
	while ((!s->ready || clock_mono_us() < held_until_us(s)) &&
	       !s->moves_log && !s->q->closing) {
		struct timespec at = wake_at(s, tick_at_ms);

		if (clock_mono_ms() >= tick_at_ms)
			return false;
		pthread_cond_timedwait(&s->wake, &s->q->lock, &at);
	}
	return s->ready;
}

static bool batch_writes(struct store_op **ops, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!store_op_reads(ops[i]->kind))
			return true;
	}
	return false;
}

static const struct store_op *first_failure(struct store_op **ops, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (ops[i]->result == RESULT_TEMP)
			return ops[i];
	}
	return NULL;
}

static bool any_erased(struct store_op **ops, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (store_op_erased(ops[i]))
			return true;
	}
	return false;
}

static void log_failure(struct side *s, const struct error *err)
{
	uint64_t held_back;

	if (s->writes) {
		pthread_mutex_lock(&s->q->lock);
		s->q->trouble = *err;
		pthread_mutex_unlock(&s->q->lock);
	}
	if (log_throttle_pass(&s->throttle, clock_mono_ms(), LOG_INTERVAL_MS,
			      &held_back))
		log_error("store_failed", log_str("error", err->text),
			  log_int("suppressed", (int64_t)held_back));
}

/* Under the lock. */
static void set_failed(struct storeq *q, bool failed)
{
	if (q->failed && !failed)
		log_info("store_works", log_bool("again", true));
	q->failed = failed;
}

/* What takes long though it is small would do so in any case. */
static void resize(struct side *s, size_t count, bool slow)
{
	if (!slow && s->batch_max < BATCH_MAX)
		s->batch_max *= 2;
	else if (slow && count >= 2 * BATCH_SMALL)
		s->batch_max = BATCH_SMALL;
}

/* Runs one transaction; the caller does not hold the lock. */
static void run_batch(struct side *s, struct store_op **ops, size_t count,
		      struct sample *sample)
{
	const struct store_op *failure;
	int64_t from_us = clock_mono_us();
	bool writes = batch_writes(ops, count);

	store_run(s->store, ops, count);
	sample->seconds = (double)(clock_mono_us() - from_us) / 1e6;
	sample->count = writes ? count : 0;
	failure = first_failure(ops, count);
	if (failure != NULL)
		log_failure(s, &failure->error);
	resize(s, count, sample->seconds > BATCH_SLOW_S);
}

/* Under the lock. */
static void finish_batch(struct side *s, struct item_list *batch,
			 const struct sample *sample, bool failed)
{
	struct storeq *q = s->q;
	struct item *it;

	while ((it = item_list_pop(batch)) != NULL)
		item_list_push(&q->finished, it);
	if (sample->count > 0 && q->sample_count < SAMPLES_MAX)
		q->samples[q->sample_count++] = *sample;
	if (s->writes && (sample->count > 0 || failed))
		set_failed(q, failed);
	s->busy_since_ms = 0;
	storeq_post(q);
	pthread_cond_signal(&q->idle);
}

static bool probe(struct side *s)
{
	struct store_op op;

	store_op_init(&op, STORE_PROBE);
	return store_do(s->store, &op) == RESULT_OK;
}

/* Under the lock, which is given up meanwhile. */
static void watch(struct side *s)
{
	struct storeq *q = s->q;
	bool failed = q->failed && s->queue.head == NULL;
	bool works = false, sound, changed;
	struct error err;

	pthread_mutex_unlock(&q->lock);
	sound = store_watch(s->store, &err) == RESULT_OK;
	if (!sound)
		log_failure(s, &err);
	else if (failed)
		works = probe(s);
	changed = store_changed(s->store);
	pthread_mutex_lock(&q->lock);
	if (works || !sound)
		set_failed(q, !sound);
	if (!changed)
		return;
	q->changed = true;
	q->unclean = true; /* perhaps they erased somebody */
	storeq_post(q);
}

/* Under the lock, which is given up meanwhile. */
static bool move_log(struct side *s)
{
	struct storeq *q = s->q;
	int64_t moved;

	s->moves_log = false;
	pthread_mutex_unlock(&q->lock);
	moved = store_checkpoint(s->store);
	pthread_mutex_lock(&q->lock);
	if (moved >= 0)
		q->log_moved = moved;
	return moved >= 0;
}

static void call_to_move(struct side *s)
{
	s->moves_log = true;
	pthread_cond_signal(&s->wake);
}

static bool log_is_long(const struct storeq *q)
{
	return q->has_reader && q->log_bytes >= LOG_LONG_BYTES;
}

/* What is little the writer moves before anything else comes; and what does not
 * get less, because as much comes as is moved. */
static bool is_the_rest(const struct storeq *q, int64_t left)
{
	return left <= LOG_REST_BYTES ||
	       (left <= LOG_MUCH_BYTES && q->log_moves > 0 &&
		left > q->log_was_left / 2);
}

/* Under the lock. What came meanwhile is the reader's as long as it is much,
 * and the log can be moved at all. When nothing is left the writer looks, too:
 * it may be at a transaction. */
static void move_on(struct storeq *q)
{
	int64_t left = log_left(q);

	if (!log_is_long(q))
		return;
	if (is_the_rest(q, left))
		call_to_move(&q->writer);
	else if (q->log_moves++ < LOG_MOVES_MAX)
		call_to_move(&q->reader);
	q->log_was_left = left;
}

/* Under the lock: once for a log that has become long. */
static void heed_log(struct storeq *q, int64_t bytes)
{
	bool was_long = log_is_long(q);

	if (bytes < q->log_bytes)
		q->log_moved = 0; /* it has begun anew */
	q->log_bytes = bytes;
	if (was_long || !log_is_long(q))
		return;
	q->log_moves = 0;
	call_to_move(&q->reader);
}

/* Under the lock, which is given up meanwhile. */
static void empty_log(struct side *s)
{
	struct storeq *q = s->q;
	bool emptied;

	q->unclean = false;
	pthread_mutex_unlock(&q->lock);
	emptied = store_empty_log(s->store);
	pthread_mutex_lock(&q->lock);
	if (emptied)
		q->log_bytes = q->log_moved = 0;
	q->unclean = q->unclean || !emptied;
}

static void checkpoint(struct side *s)
{
	s->q->log_moves = 0;
	if (move_log(s))
		move_on(s->q);
	if (s->q->unclean)
		empty_log(s);
}

/* Under the lock. Where syncing takes long, a little more of it is worth one
 * sync less. */
static void expect_more(struct side *s, const struct sample *last)
{
	int64_t us = (int64_t)(last->seconds * 1e6 / HOLD_PART);

	s->hold_until_us = 0;
	if (!s->writes || s->queue.head == NULL || last->seconds < HOLD_SLOW_S)
		return;
	s->hold_until_us = clock_mono_us() + (us < HOLD_US ? us : HOLD_US);
	s->hold_count = s->queue.count + last->count;
	if (s->hold_count > s->batch_max)
		s->hold_count = s->batch_max;
}

/* Under the lock, which is given up while the store works. */
static void work(struct side *s)
{
	struct store_op *ops[BATCH_MAX + 1], proof;
	struct item_list batch = {NULL, NULL, 0};
	struct sample sample;
	size_t count;
	bool failed, erased;
	int64_t log_bytes, from_us = s->queue.head->since_us;

	s->busy_since_ms = from_us / 1000;
	if (!s->hurries)
		commit_delay_ends(&s->delay, s->queue.count, from_us,
				  clock_mono_us());
	while (batch.count < s->batch_max && s->queue.head != NULL) {
		ops[batch.count] = s->queue.head->op;
		item_list_push(&batch, item_list_pop(&s->queue));
	}
	s->ready = s->queue.head != NULL;
	s->hurries = s->hurries && s->ready;
	count = batch.count;
	/* what finds nothing to change works on a full disk, too */
	if (s->q->failed && s->writes && batch_writes(ops, count)) {
		store_op_init(&proof, STORE_PROBE);
		ops[count++] = &proof;
	}
	pthread_mutex_unlock(&s->q->lock);
	run_batch(s, ops, count, &sample);
	failed = first_failure(ops, count) != NULL;
	erased = any_erased(ops, count);
	log_bytes = store_log_bytes(s->store);
	pthread_mutex_lock(&s->q->lock);
	s->q->unclean = s->q->unclean || erased;
	if (s->writes && sample.count > 0)
		heed_log(s->q, log_bytes);
	finish_batch(s, &batch, &sample, failed);
	expect_more(s, &sample);
}

static void take_log(struct side *s)
{
	if (move_log(s) && !s->writes)
		move_on(s->q);
}

static void tick(struct side *s)
{
	if (s->writes)
		watch(s);
	if (s->checkpoints)
		checkpoint(s);
}

static void *side_main(void *arg)
{
	struct side *s = arg;
	struct storeq *q = s->q;
	int64_t tick_at_ms = clock_mono_ms() + TICK_MS;

	pthread_mutex_lock(&q->lock);
	while (!q->closing || s->queue.head != NULL) {
		bool ready = wait_for_work(s, tick_at_ms);

		if (ready || s->moves_log)
			s->call_since_ms = clock_mono_ms();
		if (s->moves_log)
			take_log(s);
		if (ready)
			work(s);
		if (clock_mono_ms() >= tick_at_ms) {
			s->call_since_ms = clock_mono_ms();
			tick(s);
			tick_at_ms = clock_mono_ms() + TICK_MS;
		}
		s->call_since_ms = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

void side_start(struct storeq *q, struct side *s, struct store *store)
{
	pthread_condattr_t attr;
	sigset_t all, before;

	s->q = q;
	s->store = store;
	s->batch_max = BATCH_MAX;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&s->thread, NULL, side_main, s) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void side_stop(struct side *s)
{
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	store_close(s->store);
}
