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
 * for each, and a batch that is too large would never pass. One
 * post to the loop delivers everything that has finished by then.
 *
 * Invariants:
 * 1. Under the lock: queues, finished list, flags. Outside: the stores, each
 *    touched by its own thread only (the writer's thread owns both when there
 *    is no reader).
 * 2. At most one post is under way, and it carries the mailbox, which outlives
 *    the queue when it has to.
 * 3. After a failed transaction the writer probes once a second by writing a
 *    row, so that storeq_behind() ends by itself although nobody submits. What
 *    waits does not wait for a probe: it is one.
 */
#include "app/storeq.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define BATCH_MAX	256
#define BATCH_SMALL	16
#define BATCH_SLOW_S	0.5
#define BEHIND_COUNT	10000
#define BEHIND_AGE_MS	2000
#define TICK_MS		1000
#define LOG_INTERVAL_MS 10000

struct item {
	struct item *next;
	struct store_op *op;
	storeq_done *done;
	void *arg;
	int64_t since_ms; /* monotonic */
};

struct item_list {
	struct item *head;
	struct item *tail;
	size_t count;
};

/* What a post to the loop carries; see invariant 2. */
struct mailbox {
	struct storeq *q; /* NULL: the queue is gone */
};

/* One thread with its store and its queue. */
struct side {
	struct storeq *q;
	struct store *store;
	struct item_list queue;
	int64_t busy_since_ms; /* of the oldest op in hand; 0: idle */
	int64_t call_since_ms; /* the store has been at one call; 0: it is not */
	pthread_cond_t wake;
	pthread_t thread;
	struct log_throttle throttle;
	size_t batch_max; /* for now; the thread's own */
	bool writes;	  /* the writer's side */
	bool checkpoints; /* the reader's side, or the only one */
};

/* One transaction, for the metrics. */
struct sample {
	double seconds;
	size_t count;
};

#define SAMPLES_MAX 64

struct storeq {
	struct loop *loop;
	struct mailbox *mailbox;
	struct side writer;
	struct side reader;
	bool has_reader;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* something has finished */
	struct item_list finished;
	struct sample samples[SAMPLES_MAX];
	size_t sample_count;
	bool posted;
	bool failed; /* the writer's last transaction */
	bool closing;
	bool changed;
	bool unclean;	      /* the log holds what was erased */
	int64_t log_bytes;    /* as the last checkpoint left it */
	struct error trouble; /* of the writer, while it fails */
	void (*on_change)(void *arg);
	void *on_change_arg;
};

static void list_push(struct item_list *l, struct item *it)
{
	it->next = NULL;
	if (l->tail != NULL)
		l->tail->next = it;
	else
		l->head = it;
	l->tail = it;
	l->count++;
}

static struct item *list_pop(struct item_list *l)
{
	struct item *it = l->head;

	if (it == NULL)
		return NULL;
	l->head = it->next;
	if (l->head == NULL)
		l->tail = NULL;
	l->count--;
	return it;
}

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
	while ((it = list_pop(&finished)) != NULL) {
		it->done(it->op, it->arg);
		free(it);
	}
	if (changed && q->on_change != NULL)
		q->on_change(q->on_change_arg);
}

static void on_post(void *arg)
{
	struct mailbox *m = arg;
	struct storeq *q = m->q;

	if (q == NULL) {
		free(m);
		return;
	}
	pthread_mutex_lock(&q->lock);
	q->posted = false;
	pthread_mutex_unlock(&q->lock);
	deliver(q);
}

/* Under the lock. */
static void post(struct storeq *q)
{
	if (q->posted)
		return;
	q->posted = true;
	loop_post(q->loop, on_post, q->mailbox);
}

static struct side *side_for(struct storeq *q, const struct store_op *op)
{
	bool list = op->kind == STORE_JOBS || op->kind == STORE_JOURNAL ||
		    op->kind == STORE_REVIEWS;

	return list && q->has_reader ? &q->reader : &q->writer;
}

void storeq_submit(struct storeq *q, struct store_op *op, storeq_done *done,
		   void *arg)
{
	struct side *s = side_for(q, op);
	struct item *it = xcalloc(1, sizeof(*it));

	it->op = op;
	it->done = done;
	it->arg = arg;
	it->since_ms = clock_mono_ms();
	pthread_mutex_lock(&q->lock);
	list_push(&s->queue, it);
	if (s->queue.count == 1)
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
		since_ms = q->writer.queue.head->since_ms;
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
	bytes = q->log_bytes;
	pthread_mutex_unlock(&q->lock);
	return bytes;
}

const uint8_t *storeq_key(const struct storeq *q)
{
	return store_key(q->writer.store);
}

/* --- the threads --- */

/* Under the lock; false when the tick came first. */
static bool wait_for_work(struct side *s, int64_t tick_at_ms)
{
	struct timespec at = {tick_at_ms / 1000,
			      tick_at_ms % 1000 * 1000 * 1000};

	while (s->queue.head == NULL && !s->q->closing) {
		if (clock_mono_ms() >= tick_at_ms)
			return false;
		pthread_cond_timedwait(&s->wake, &s->q->lock, &at);
	}
	return s->queue.head != NULL;
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

	while ((it = list_pop(batch)) != NULL)
		list_push(&q->finished, it);
	if (sample->count > 0 && q->sample_count < SAMPLES_MAX)
		q->samples[q->sample_count++] = *sample;
	if (s->writes && (sample->count > 0 || failed))
		set_failed(q, failed);
	s->busy_since_ms = 0;
	post(q);
	pthread_cond_signal(&q->idle);
}

/* Under the lock, which is given up while the store works. */
static void work(struct side *s)
{
	struct store_op *ops[BATCH_MAX];
	struct item_list batch = {NULL, NULL, 0};
	struct sample sample;
	bool failed, erased;

	s->busy_since_ms = s->queue.head->since_ms;
	while (batch.count < s->batch_max && s->queue.head != NULL) {
		ops[batch.count] = s->queue.head->op;
		list_push(&batch, list_pop(&s->queue));
	}
	pthread_mutex_unlock(&s->q->lock);
	run_batch(s, ops, batch.count, &sample);
	failed = first_failure(ops, batch.count) != NULL;
	erased = any_erased(ops, batch.count);
	pthread_mutex_lock(&s->q->lock);
	s->q->unclean = s->q->unclean || erased;
	finish_batch(s, &batch, &sample, failed);
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
	post(q);
}

/* Under the lock, which is given up meanwhile. */
static void checkpoint(struct side *s)
{
	struct storeq *q = s->q;
	bool unclean = q->unclean;
	int64_t bytes;

	q->unclean = false;
	pthread_mutex_unlock(&q->lock);
	bytes = store_checkpoint(s->store);
	if (unclean && store_empty_log(s->store))
		unclean = false;
	pthread_mutex_lock(&q->lock);
	q->unclean = q->unclean || unclean;
	if (bytes >= 0)
		q->log_bytes = bytes;
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
		if (wait_for_work(s, tick_at_ms)) {
			s->call_since_ms = clock_mono_ms();
			work(s);
		}
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

/* --- life --- */

static void side_start(struct storeq *q, struct side *s, struct store *store)
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

static void side_stop(struct side *s)
{
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	store_close(s->store);
}

struct storeq *storeq_new(struct loop *loop, struct store *writer,
			  struct store *reader)
{
	struct storeq *q = xcalloc(1, sizeof(*q));

	q->loop = loop;
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
	if (q->posted)
		q->mailbox->q = NULL; /* the post will free it */
	else
		free(q->mailbox);
	pthread_cond_destroy(&q->idle);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
