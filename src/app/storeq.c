/*
 * The store, without waiting: two threads in front of the two handles.
 *
 *	loop thread         writer thread             reader thread
 *	submit -> queue --> batch -> store_run        lists -> store_run
 *	done() <- finished <-------------------------+
 *	                    store_changed (1/s)       store_checkpoint (1/s)
 *	                    store_watch (1/s)         store_empty_log, if unclean
 *
 * All waiting writes go into one transaction, at most BATCH_MAX of them, and
 * fewer while transactions take long: a database across a network has a limit
 * for each, and a batch that is too large would never pass. What the loop
 * submits waits for the end of its turn, or for TURN_ENOUGH of it, so that
 * requests that came together are synced together; events that come fast wait
 * some milliseconds for one another (core/commit_delay.h), unless something
 * else is to be stored; and where syncing takes long, those who wait also wait
 * a part of that for those who were just answered. One post to the loop
 * delivers everything that has finished by then.
 *
 * Invariants:
 * 1. Under the lock: queues, finished list, flags. Outside: the stores, each
 *    touched by its own thread only (the writer's thread owns both when there
 *    is no reader).
 * 2. At most one post and one deferred call are under way; they carry the
 *    mailbox, which outlives the queue when it has to.
 * 3. After a failed transaction the writer probes once a second by writing a
 *    row, so that storeq_behind() ends by itself although nobody submits. What
 *    waits does not wait for a probe: it takes one along.
 */
#include "app/storeq.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "storeq_int.h"

#define BEHIND_COUNT  10000
#define BEHIND_AGE_MS 2000
#define TURN_ENOUGH   32

/* --- the loop's side --- */

static void observe(const struct sample *samples, size_t count)
{
	struct metric_series *seconds = metric_get(METRIC_STORE_COMMIT_SECONDS);
	struct metric_series *sizes = metric_get(METRIC_STORE_BATCH_SIZE);
	size_t i;

	for (i = 0; i < count; i++) {
		metric_observe(seconds, samples[i].seconds);
		metric_observe(sizes, (double)samples[i].count);
	}
}

/* Only what had finished when it began: done() may submit more. */
static void deliver(struct storeq *q)
{
	struct sample samples[SAMPLES_MAX];
	struct item_list finished;
	struct item *it;
	size_t count;
	bool changed;

	pthread_mutex_lock(&q->lock);
	finished = q->finished;
	q->finished = (struct item_list){NULL, NULL, 0};
	count = q->sample_count;
	for (size_t i = 0; i < count; i++)
		samples[i] = q->samples[i];
	q->sample_count = 0;
	changed = q->changed;
	q->changed = false;
	pthread_mutex_unlock(&q->lock);

	observe(samples, count);
	while ((it = item_list_pop(&finished)) != NULL) {
		it->done(it->op, it->arg);
		free(it);
	}
	if (changed && q->on_change != NULL)
		q->on_change(q->on_change_arg);
}

static void mailbox_leave(struct mailbox *m)
{
	if (m->q == NULL && !m->posted && !m->turning)
		free(m);
}

static void on_post(void *arg)
{
	struct mailbox *m = arg;
	struct storeq *q = m->q;

	if (q == NULL) {
		m->posted = false;
		mailbox_leave(m);
		return;
	}
	pthread_mutex_lock(&q->lock);
	m->posted = false;
	pthread_mutex_unlock(&q->lock);
	deliver(q);
}

/* Under the lock. */
void storeq_post(struct storeq *q)
{
	if (q->mailbox->posted)
		return;
	q->mailbox->posted = true;
	loop_post(q->loop, on_post, q->mailbox);
}

static struct side *side_for(struct storeq *q, const struct store_op *op)
{
	bool list = op->kind == STORE_JOBS || op->kind == STORE_JOURNAL ||
		    op->kind == STORE_REVIEWS;

	return list && q->has_reader ? &q->reader : &q->writer;
}

/* Under the lock. */
static void let_go(struct side *s)
{
	if (s->ready || s->queue.head == NULL)
		return;
	s->ready = true;
	pthread_cond_signal(&s->wake);
}

static void on_turn(void *arg)
{
	struct mailbox *m = arg;
	struct storeq *q = m->q;

	m->turning = false;
	if (q == NULL) {
		mailbox_leave(m);
		return;
	}
	pthread_mutex_lock(&q->lock);
	let_go(&q->writer);
	pthread_mutex_unlock(&q->lock);
}

/* Under the lock. Whether more may come in this turn of the loop, whose end
 * will let it go. */
static bool waits_for_turn(struct storeq *q, const struct side *s)
{
	if (s != &q->writer || q->draining || s->queue.count >= TURN_ENOUGH ||
	    !pthread_equal(pthread_self(), q->loop_thread))
		return false;
	if (!q->mailbox->turning) {
		q->mailbox->turning = true;
		loop_defer(q->loop, on_turn, q->mailbox);
	}
	return true;
}

/* Under the lock: whether it is worth a wait for more. */
static void note_pace(struct side *s, const struct item *it)
{
	if (it->op->kind == STORE_ACCEPT)
		commit_delay_came(&s->delay, it->since_us);
	else
		s->hurries = true;
}

/* Under the lock: whoever waits for more has them. */
static bool has_enough(const struct side *s)
{
	return s->hurries || s->queue.count == s->hold_count ||
	       s->queue.count == COMMIT_DELAY_ENOUGH;
}

void storeq_submit(struct storeq *q, struct store_op *op, storeq_done *done,
		   void *arg)
{
	struct side *s = side_for(q, op);
	struct item *it = xcalloc(1, sizeof(*it));

	it->op = op;
	it->done = done;
	it->arg = arg;
	it->since_us = clock_mono_us();
	pthread_mutex_lock(&q->lock);
	item_list_push(&s->queue, it);
	note_pace(s, it);
	if (!waits_for_turn(q, s))
		let_go(s);
	if (s->ready && has_enough(s))
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&q->lock);
}

bool storeq_behind(const struct storeq *cq)
{
	struct storeq *q = (struct storeq *)(uintptr_t)cq;
	int64_t since_ms;
	bool behind;

	pthread_mutex_lock(&q->lock);
	since_ms = q->writer.busy_since_ms;
	if (since_ms == 0 && q->writer.queue.head != NULL)
		since_ms = q->writer.queue.head->since_us / 1000;
	behind = q->failed || q->writer.queue.count > BEHIND_COUNT;
	pthread_mutex_unlock(&q->lock);
	return behind ||
	       (since_ms != 0 && clock_mono_ms() - since_ms > BEHIND_AGE_MS);
}

void storeq_leave(struct storeq *q)
{
	store_leave(q->writer.store);
}

int64_t storeq_call_ms(const struct storeq *cq)
{
	struct storeq *q = (struct storeq *)(uintptr_t)cq;
	int64_t since_ms;

	pthread_mutex_lock(&q->lock);
	since_ms = q->writer.call_since_ms;
	pthread_mutex_unlock(&q->lock);
	return since_ms ? clock_mono_ms() - since_ms : 0;
}

void storeq_on_change(struct storeq *q, void (*fn)(void *arg), void *arg)
{
	q->on_change = fn;
	q->on_change_arg = arg;
}

bool storeq_trouble(const struct storeq *cq, struct error *out)
{
	struct storeq *q = (struct storeq *)(uintptr_t)cq;
	bool failed;

	pthread_mutex_lock(&q->lock);
	failed = q->failed;
	*out = q->trouble;
	pthread_mutex_unlock(&q->lock);
	return failed;
}

int64_t storeq_log_bytes(const struct storeq *cq)
{
	struct storeq *q = (struct storeq *)(uintptr_t)cq;
	int64_t bytes;

	pthread_mutex_lock(&q->lock);
	bytes = log_left(q);
	pthread_mutex_unlock(&q->lock);
	return bytes;
}

const uint8_t *storeq_key(const struct storeq *q)
{
	return store_key(q->writer.store);
}

/* --- life --- */

struct storeq *storeq_new(struct loop *loop, struct store *writer,
			  struct store *reader)
{
	struct storeq *q = xcalloc(1, sizeof(*q));

	q->loop = loop;
	q->loop_thread = pthread_self();
	q->mailbox = xcalloc(1, sizeof(*q->mailbox));
	q->mailbox->q = q;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->idle, NULL);
	q->has_reader = reader != NULL;
	q->writer.writes = true;
	q->writer.checkpoints = reader == NULL;
	q->reader.checkpoints = true;
	side_start(q, &q->writer, writer);
	if (reader != NULL)
		side_start(q, &q->reader, reader);
	return q;
}

static bool is_busy(const struct side *s)
{
	return s->queue.head != NULL || s->busy_since_ms != 0;
}

/* Delivers until done() submits nothing more; then the threads end. */
static void drain(struct storeq *q)
{
	pthread_mutex_lock(&q->lock);
	q->draining = true;
	let_go(&q->writer);
	while (is_busy(&q->writer) || is_busy(&q->reader) ||
	       q->finished.head != NULL) {
		if (q->finished.head == NULL) {
			pthread_cond_wait(&q->idle, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		deliver(q);
		pthread_mutex_lock(&q->lock);
	}
	q->closing = true;
	pthread_cond_signal(&q->writer.wake);
	if (q->has_reader)
		pthread_cond_signal(&q->reader.wake);
	pthread_mutex_unlock(&q->lock);
}

void storeq_free(struct storeq *q)
{
	q->on_change = NULL;
	drain(q);
	if (q->has_reader)
		side_stop(&q->reader);
	side_stop(&q->writer);
	q->mailbox->q = NULL; /* calls under way will free it */
	mailbox_leave(q->mailbox);
	pthread_cond_destroy(&q->idle);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
