/*
 * The store's threads: exactly once, on the loop, in batches; draining;
 * falling behind and recovering; other processes' writes.
 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "app/storeq.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/commit_delay.h"
#include "store/backend.h"

#define PATIENCE_MS 20000 /* a bound for what must happen, not a measure */

/* --- a backend that counts, can be stopped and can fail --- */

struct fake {
	struct store_backend base;
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool closed_gate; /* apply waits */
	atomic_bool broken;
	atomic_bool full; /* for who writes a row */
	atomic_bool changed;
	atomic_bool applying; /* has an op in hand */
	atomic_int commits;
	atomic_int checkpoints;
	atomic_int log;	  /* bytes */
	atomic_int moved; /* of them, by a checkpoint */
	atomic_int emptied;
	atomic_bool lost;
	atomic_int largest;  /* batch */
	atomic_int slow_us;  /* for each op */
	atomic_int sizes[8]; /* of the first batches */
	int batch;
	bool *freed;
};

static struct fake *fake_of(struct store_backend *b)
{
	return (struct fake *)b;
}

static void fake_close(struct store_backend *b)
{
	struct fake *f = fake_of(b);

	*f->freed = true;
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->opened);
	free(f);
}

static enum result fake_begin(struct store_backend *b,
			      const struct store_batch *batch,
			      struct error *err)
{
	(void)batch;
	fake_of(b)->batch = 0;
	if (atomic_load(&fake_of(b)->broken))
		return error_set(err, RESULT_TEMP, "no disk");
	return RESULT_OK;
}

static void fake_apply(struct store_backend *b, struct store_op *op)
{
	struct fake *f = fake_of(b);

	atomic_store(&f->applying, true);
	pthread_mutex_lock(&f->lock);
	while (f->closed_gate)
		pthread_cond_wait(&f->opened, &f->lock);
	pthread_mutex_unlock(&f->lock);
	usleep((useconds_t)atomic_load(&f->slow_us));
	if (++f->batch > atomic_load(&f->largest))
		atomic_store(&f->largest, f->batch);
	if (op->kind == STORE_PRUNE)
		op->u.prune.removed = 1;
	op->result = op->kind == STORE_PROBE && atomic_load(&f->full)
			     ? error_set(&op->error, RESULT_TEMP, "no room")
			     : RESULT_OK;
}

static enum result fake_commit(struct store_backend *b, struct error *err)
{
	struct fake *f = fake_of(b);
	int n = atomic_fetch_add(&f->commits, 1);

	(void)err;
	if (n < (int)ARRAY_LEN(f->sizes))
		atomic_store(&f->sizes[n], f->batch);
	return RESULT_OK;
}

static void fake_rollback(struct store_backend *b)
{
	(void)b;
}

static bool fake_changed(struct store_backend *b)
{
	return atomic_exchange(&fake_of(b)->changed, false);
}

static int64_t fake_checkpoint(struct store_backend *b)
{
	atomic_fetch_add(&fake_of(b)->checkpoints, 1);
	return atomic_load(&fake_of(b)->moved);
}

static int64_t fake_log_bytes(const struct store_backend *b)
{
	return atomic_load(&((const struct fake *)b)->log);
}

static enum result fake_watch(struct store_backend *b, struct error *err)
{
	if (atomic_load(&fake_of(b)->lost))
		return error_set(err, RESULT_TEMP, "no file");
	return RESULT_OK;
}

/* Somebody reads the first time. */
static bool fake_empty_log(struct store_backend *b)
{
	return atomic_fetch_add(&fake_of(b)->emptied, 1) > 0;
}

static const uint8_t *fake_key(const struct store_backend *b)
{
	return (const uint8_t *)b;
}

static const struct store_backend_ops fake_ops = {
	.scheme = "fake",
	.close = fake_close,
	.begin = fake_begin,
	.apply = fake_apply,
	.commit = fake_commit,
	.rollback = fake_rollback,
	.changed = fake_changed,
	.watch = fake_watch,
	.checkpoint = fake_checkpoint,
	.log_bytes = fake_log_bytes,
	.empty_log = fake_empty_log,
	.key = fake_key,
};

static struct fake *fake_new(bool *freed)
{
	struct fake *f = xcalloc(1, sizeof(*f));

	f->base.ops = &fake_ops;
	f->freed = freed;
	f->log = 8192;
	f->moved = 4096;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->opened, NULL);
	return f;
}

static void gate(struct fake *f, bool closed)
{
	pthread_mutex_lock(&f->lock);
	f->closed_gate = closed;
	pthread_cond_broadcast(&f->opened);
	pthread_mutex_unlock(&f->lock);
}

/* --- the world of one test --- */

struct world {
	struct loop *loop;
	struct loop_timer *bound;
	struct loop_timer *poll;
	bool (*until)(struct world *w);
	struct storeq *q;
	struct fake *writer;
	struct fake *reader;
	bool writer_freed;
	bool reader_freed;
	pthread_t loop_thread;
	struct store_op *ops;
	int *seen; /* how often each op came back */
	int done;
	int expected;
	int more; /* what done() submits on top */
	int64_t done_us;
	int changes;
	bool submitting;
};

static void on_bound(void *arg)
{
	(void)arg;
	fail_msg("it did not happen in %d ms", PATIENCE_MS);
}

static void on_poll(void *arg)
{
	struct world *w = arg;

	if (w->until(w))
		loop_stop(w->loop);
	else
		loop_timer_set(w->poll, 5);
}

static void run_until(struct world *w, bool (*until)(struct world *w))
{
	w->until = until;
	loop_timer_set(w->bound, PATIENCE_MS);
	loop_timer_set(w->poll, 0);
	loop_run(w->loop);
	loop_timer_clear(w->bound);
}

static bool all_done(struct world *w)
{
	return w->done == w->expected;
}

static void world_open(struct world *w, bool with_reader, int count)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop_new();
	w->bound = loop_timer_new(w->loop, on_bound, w);
	w->poll = loop_timer_new(w->loop, on_poll, w);
	w->loop_thread = pthread_self();
	w->writer = fake_new(&w->writer_freed);
	if (with_reader)
		w->reader = fake_new(&w->reader_freed);
	w->q = storeq_new(w->loop, store_over(&w->writer->base),
			  with_reader ? store_over(&w->reader->base) : NULL);
	w->expected = count;
	w->ops = xcalloc((size_t)count + 1, sizeof(*w->ops));
	w->seen = xcalloc((size_t)count + 1, sizeof(*w->seen));
}

static void world_close(struct world *w)
{
	if (w->q != NULL)
		storeq_free(w->q);
	assert_true(w->writer_freed);
	assert_true(w->reader == NULL || w->reader_freed);
	loop_timer_free(w->bound);
	loop_timer_free(w->poll);
	loop_free(w->loop);
	free(w->ops);
	free(w->seen);
	metrics_reset();
}

static void on_done(struct store_op *op, void *arg);

static void submit(struct world *w, int i, enum store_op_kind kind)
{
	store_op_init(&w->ops[i], kind);
	storeq_submit(w->q, &w->ops[i], on_done, w);
}

static void on_done(struct store_op *op, void *arg)
{
	struct world *w = arg;

	assert_true(pthread_equal(pthread_self(), w->loop_thread));
	assert_false(w->submitting);
	w->seen[op - w->ops]++;
	w->done++;
	w->done_us = clock_mono_us();
	if (w->more > 0)
		submit(w, w->expected - w->more--, STORE_PROBE);
}

static void check_once(const struct world *w)
{
	int i;

	for (i = 0; i < w->expected; i++)
		assert_int_equal(w->seen[i], 1);
}

/* --- cases --- */

static bool is_applying(struct world *w)
{
	return atomic_load(&w->writer->applying);
}

/* While the first is in hand the others wait; then they go together, and few
 * enough are left for a small batch, should the large one be slow. */
static void a_batch_takes_all_that_waits(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, false, 273);
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, is_applying);
	w.submitting = true;
	for (i = 1; i < 273; i++)
		submit(&w, i, STORE_PROBE);
	w.submitting = false;
	gate(w.writer, false);
	run_until(&w, all_done);
	check_once(&w);
	assert_int_equal(atomic_load(&w.writer->largest), 256);
	assert_int_equal(atomic_load(&w.writer->commits), 3);
	assert_true(metric_value(metric_get(METRIC_STORE_COMMIT_SECONDS)) == 3);
	assert_true(metric_value(metric_get(METRIC_STORE_BATCH_SIZE)) == 3);
	world_close(&w);
}

/* A store that is far away gets small ones, until it is quick again. */
static void a_slow_store_gets_small_batches(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, false, 321);
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, is_applying);
	for (i = 1; i < 321; i++)
		submit(&w, i, STORE_PROBE);
	atomic_store(&w.writer->slow_us, 2500);
	gate(w.writer, false);
	run_until(&w, all_done);
	assert_int_equal(atomic_load(&w.writer->sizes[0]), 1);
	assert_int_equal(atomic_load(&w.writer->sizes[1]), 256);
	assert_int_equal(atomic_load(&w.writer->sizes[2]), 16);
	assert_true(atomic_load(&w.writer->sizes[3]) >= 16);
	world_close(&w);
}

/* The store has nothing to do meanwhile: it waits for the turn's end. */
static void a_turn_is_one_transaction(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, false, 20);
	for (i = 0; i < 20; i++) {
		submit(&w, i, STORE_PROBE);
		usleep(1000);
	}
	run_until(&w, all_done);
	check_once(&w);
	assert_int_equal(atomic_load(&w.writer->sizes[0]), 20);
	world_close(&w);
}

static void wait_without_a_turn(struct world *w)
{
	int ms;

	for (ms = 0; ms < PATIENCE_MS && !is_applying(w); ms++)
		usleep(1000);
	assert_true(is_applying(w));
}

static void a_long_turn_is_not_waited_for(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, false, 40);
	for (i = 0; i < 40; i++)
		submit(&w, i, STORE_PROBE);
	wait_without_a_turn(&w);
	run_until(&w, all_done);
	check_once(&w);
	world_close(&w);
}

static void *submit_one(void *arg)
{
	submit(arg, 0, STORE_PROBE);
	return NULL;
}

static void other_threads_have_no_turns(void **state)
{
	pthread_t thread;
	struct world w;

	(void)state;
	world_open(&w, false, 1);
	assert_int_equal(pthread_create(&thread, NULL, submit_one, &w), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	wait_without_a_turn(&w);
	run_until(&w, all_done);
	world_close(&w);
}

/* One more comes as soon as the first is answered. */
static int second_of_a_slow_store(void)
{
	struct world w;
	int i, second;

	world_open(&w, false, 5);
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, is_applying);
	for (i = 1; i < 4; i++)
		submit(&w, i, STORE_PROBE);
	w.more = 1;
	usleep(20000);
	gate(w.writer, false);
	run_until(&w, all_done);
	check_once(&w);
	second = atomic_load(&w.writer->sizes[1]);
	world_close(&w);
	return second;
}

/* The loop may be late now and then. */
static void a_slow_store_waits_for_who_comes_back(void **state)
{
	int tries = 0;

	(void)state;
	while (second_of_a_slow_store() < 4)
		assert_true(++tries < 200);
}

#define CROWD 100 /* makes one more likely */

static void submit_event(struct world *w, int i)
{
	static const struct event event = {.key = {1, {'e'}}};

	store_op_init(&w->ops[i], STORE_ACCEPT);
	w->ops[i].u.accept.account = "acme";
	w->ops[i].u.accept.events = &event;
	w->ops[i].u.accept.count = 1;
	storeq_submit(w->q, &w->ops[i], on_done, w);
}

/* How long an event takes that comes behind many others, with something else
 * or without. */
static int64_t event_in_a_crowd_us(bool with_other)
{
	struct world w;
	int64_t from_us;

	world_open(&w, false, CROWD + 2);
	w.expected = CROWD;
	for (int i = 0; i < CROWD; i++)
		submit_event(&w, i);
	run_until(&w, all_done);
	w.expected += with_other ? 2 : 1;
	from_us = clock_mono_us();
	submit_event(&w, CROWD);
	if (with_other)
		submit(&w, CROWD + 1, STORE_PROBE);
	run_until(&w, all_done);
	check_once(&w);
	from_us = w.done_us - from_us;
	world_close(&w);
	return from_us;
}

/* All of these may be interrupted in between, which is a pause. */
static void events_that_come_fast_wait_for_more(void **state)
{
	int tries = 0;

	(void)state;
	while (event_in_a_crowd_us(false) < COMMIT_DELAY_US)
		assert_true(++tries < 200);
}

static void nothing_else_waits_for_events(void **state)
{
	int tries = 0;

	(void)state;
	while (event_in_a_crowd_us(true) >= COMMIT_DELAY_US)
		assert_true(++tries < 200);
}

#define THREADS	   4
#define PER_THREAD 500

struct submitter {
	struct world *w;
	int first;
};

static void *submit_many(void *arg)
{
	struct submitter *s = arg;
	int i;

	for (i = 0; i < PER_THREAD; i++)
		submit(s->w, s->first + i,
		       i % 5 == 0 ? STORE_JOBS : STORE_PROBE);
	return NULL;
}

static void many_threads_may_submit(void **state)
{
	struct submitter subs[THREADS];
	pthread_t threads[THREADS];
	struct world w;
	int i;

	(void)state;
	world_open(&w, true, THREADS * PER_THREAD);
	for (i = 0; i < THREADS; i++) {
		subs[i] = (struct submitter){&w, i * PER_THREAD};
		assert_int_equal(pthread_create(&threads[i], NULL, submit_many,
						&subs[i]),
				 0);
	}
	run_until(&w, all_done);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	check_once(&w);
	world_close(&w);
}

static void lists_do_not_wait_for_writes(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 2);
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	submit(&w, 1, STORE_JOURNAL);
	w.expected = 1;
	run_until(&w, all_done);
	assert_int_equal(w.seen[1], 1);
	assert_int_equal(w.seen[0], 0);
	gate(w.writer, false);
	w.expected = 2;
	run_until(&w, all_done);
	world_close(&w);
}

static void freeing_runs_what_is_queued(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, true, 100);
	for (i = 0; i < 100; i++)
		submit(&w, i, i % 3 == 0 ? STORE_REVIEWS : STORE_PROBE);
	storeq_free(w.q);
	w.q = NULL;
	assert_int_equal(w.done, 100);
	check_once(&w);
	world_close(&w);
}

static void freeing_runs_what_done_submits(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 10);
	w.more = 9;
	submit(&w, 0, STORE_PROBE);
	storeq_free(w.q);
	w.q = NULL;
	assert_int_equal(w.done, 10);
	check_once(&w);
	world_close(&w);
}

/* --- behind --- */

static bool is_behind(struct world *w)
{
	return storeq_behind(w->q);
}

static bool is_not_behind(struct world *w)
{
	return !storeq_behind(w->q);
}

static void an_old_queue_is_behind(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 1);
	assert_false(storeq_behind(w.q));
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, is_behind);
	gate(w.writer, false);
	run_until(&w, is_not_behind);
	assert_int_equal(w.done, 1);
	world_close(&w);
}

static bool takes_long(struct world *w)
{
	return storeq_call_ms(w->q) > 50;
}

static bool is_idle(struct world *w)
{
	return storeq_call_ms(w->q) == 0;
}

/* Each call counts from its own beginning, however old its work is. */
static void a_call_that_takes_long_is_seen(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 2);
	run_until(&w, is_idle);
	gate(w.writer, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, takes_long);
	gate(w.writer, false);
	w.expected = 1;
	run_until(&w, all_done);
	run_until(&w, is_idle);
	world_close(&w);
}

static void a_long_queue_is_behind(void **state)
{
	struct world w;
	int i;

	(void)state;
	world_open(&w, false, 10300);
	gate(w.writer, true);
	for (i = 0; i < 10300; i++)
		submit(&w, i, STORE_PROBE);
	assert_true(storeq_behind(w.q));
	gate(w.writer, false);
	run_until(&w, all_done);
	assert_false(storeq_behind(w.q));
	check_once(&w);
	world_close(&w);
}

static void a_failure_is_behind_until_a_probe_works(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 1);
	atomic_store(&w.writer->broken, true);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, all_done);
	assert_int_equal(w.ops[0].result, RESULT_TEMP);
	assert_string_equal(w.ops[0].error.text, "no disk");
	assert_true(storeq_behind(w.q));
	atomic_store(&w.writer->broken, false);
	run_until(&w, is_not_behind); /* nobody submits */
	assert_int_equal(atomic_load(&w.writer->commits), 1);
	world_close(&w);
}

static void the_next_success_ends_it_too(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 2);
	atomic_store(&w.writer->broken, true);
	submit(&w, 0, STORE_PROBE);
	w.expected = 1;
	run_until(&w, all_done);
	atomic_store(&w.writer->broken, false);
	submit(&w, 1, STORE_PROBE);
	w.expected = 2;
	run_until(&w, all_done);
	assert_int_equal(w.ops[1].result, RESULT_OK);
	assert_false(storeq_behind(w.q));
	world_close(&w);
}

static void what_changes_nothing_does_not_end_it(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 2);
	atomic_store(&w.writer->full, true);
	submit(&w, 0, STORE_PROBE);
	submit(&w, 1, STORE_EXTEND);
	run_until(&w, all_done);
	assert_int_equal(w.ops[0].result, RESULT_TEMP);
	assert_int_equal(w.ops[1].result, RESULT_OK);
	submit(&w, 1, STORE_EXTEND);
	w.expected = 3;
	run_until(&w, all_done);
	assert_int_equal(w.ops[1].result, RESULT_OK);
	assert_true(storeq_behind(w.q));
	atomic_store(&w.writer->full, false);
	submit(&w, 1, STORE_EXTEND);
	w.expected = 4;
	run_until(&w, all_done);
	assert_false(storeq_behind(w.q));
	world_close(&w);
}

static void a_failing_list_is_not_behind(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	atomic_store(&w.reader->broken, true);
	submit(&w, 0, STORE_JOBS);
	run_until(&w, all_done);
	assert_int_equal(w.ops[0].result, RESULT_TEMP);
	assert_false(storeq_behind(w.q));
	world_close(&w);
}

/* --- once a second --- */

static void on_change(void *arg)
{
	struct world *w = arg;

	assert_true(pthread_equal(pthread_self(), w->loop_thread));
	w->changes++;
}

static bool has_changed(struct world *w)
{
	return w->changes > 0;
}

static void others_writes_are_told(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	storeq_on_change(w.q, on_change, &w);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, all_done);
	assert_int_equal(w.changes, 0);
	atomic_store(&w.writer->changed, true);
	run_until(&w, has_changed);
	assert_int_equal(w.changes, 1);
	world_close(&w);
}

static bool has_checkpointed(struct world *w)
{
	struct fake *f = w->reader != NULL ? w->reader : w->writer;

	return atomic_load(&f->checkpoints) > 0;
}

static void the_reader_checkpoints(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 0);
	run_until(&w, has_checkpointed);
	assert_int_equal(atomic_load(&w.writer->checkpoints), 0);
	world_close(&w);
	world_open(&w, false, 0);
	run_until(&w, has_checkpointed);
	world_close(&w);
}

static bool writer_has_checkpointed(struct world *w)
{
	return atomic_load(&w->writer->checkpoints) > 0;
}

static bool reader_goes_on(struct world *w)
{
	return atomic_load(&w->reader->checkpoints) > 2;
}

/* The reader moves the most of it, and the writer what is left. */
static void a_long_log_is_moved_by_both(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	atomic_store(&w.writer->log, 32 << 20);
	atomic_store(&w.reader->moved, (32 << 20) - 100);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, writer_has_checkpointed);
	assert_true(atomic_load(&w.reader->checkpoints) > 0);
	world_close(&w);
}

static void much_of_a_long_log_is_the_readers(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	atomic_store(&w.writer->log, 32 << 20);
	atomic_store(&w.reader->moved, 20 << 20);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, reader_goes_on);
	assert_int_equal(atomic_load(&w.writer->checkpoints), 0);
	world_close(&w);
}

/* Less than before is a log that has begun anew: nothing of it is moved. */
static void a_log_that_begins_anew(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 2);
	atomic_store(&w.writer->log, 32 << 20);
	atomic_store(&w.reader->moved, 32 << 20);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, writer_has_checkpointed);
	atomic_store(&w.writer->log, 4096);
	atomic_store(&w.reader->moved, 0);
	submit(&w, 1, STORE_PROBE);
	w.expected = 2;
	run_until(&w, all_done);
	assert_int_equal(storeq_log_bytes(w.q), 4096);
	world_close(&w);
}

/* As much comes as the reader moves: it would never be done. */
static void what_does_not_get_less_is_the_writers(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	atomic_store(&w.writer->log, 32 << 20);
	atomic_store(&w.reader->moved, 31 << 20);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, writer_has_checkpointed);
	assert_true(atomic_load(&w.reader->checkpoints) > 1);
	world_close(&w);
}

/* The writer's transaction may have been under way: its end goes behind what
 * was moved, and the log on. */
static void a_log_that_is_moved_is_looked_at_by_the_writer(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 1);
	atomic_store(&w.writer->log, 32 << 20);
	atomic_store(&w.reader->moved, 32 << 20);
	submit(&w, 0, STORE_PROBE);
	run_until(&w, writer_has_checkpointed);
	world_close(&w);
}

static bool has_emptied(struct world *w)
{
	return atomic_load(&w->reader->emptied) > 1;
}

/* Nobody submits: it is seen all the same, and when it ends. What others
 * wrote may be that they erased somebody. */
static void a_store_that_is_gone_is_behind(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 0);
	atomic_store(&w.writer->lost, true);
	atomic_store(&w.writer->changed, true);
	run_until(&w, is_behind);
	atomic_store(&w.writer->lost, false);
	run_until(&w, is_not_behind);
	run_until(&w, has_emptied);
	world_close(&w);
}

static bool log_is_empty(struct world *w)
{
	return storeq_log_bytes(w->q) == 0;
}

static bool half_is_moved(struct world *w)
{
	return storeq_log_bytes(w->q) == 4096;
}

/* The log keeps no bytes of who was erased: as soon as nobody reads. */
static void after_an_erasure_the_log_is_emptied(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, true, 2);
	submit(&w, 0, STORE_PROBE);
	w.expected = 1;
	run_until(&w, all_done);
	run_until(&w, half_is_moved);
	assert_int_equal(atomic_load(&w.reader->emptied), 0);
	store_op_init(&w.ops[1], STORE_PRUNE);
	w.ops[1].u.prune.max = 2;
	storeq_submit(w.q, &w.ops[1], on_done, &w);
	w.expected = 2;
	run_until(&w, has_emptied);
	run_until(&w, all_done);
	run_until(&w, log_is_empty);
	world_close(&w);
}

static void the_key_is_the_stores(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, false, 0);
	assert_ptr_equal(storeq_key(w.q), w.writer);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_takes_all_that_waits),
		cmocka_unit_test(a_slow_store_gets_small_batches),
		cmocka_unit_test(a_turn_is_one_transaction),
		cmocka_unit_test(a_long_turn_is_not_waited_for),
		cmocka_unit_test(other_threads_have_no_turns),
		cmocka_unit_test(a_slow_store_waits_for_who_comes_back),
		cmocka_unit_test(events_that_come_fast_wait_for_more),
		cmocka_unit_test(nothing_else_waits_for_events),
		cmocka_unit_test(many_threads_may_submit),
		cmocka_unit_test(lists_do_not_wait_for_writes),
		cmocka_unit_test(freeing_runs_what_is_queued),
		cmocka_unit_test(freeing_runs_what_done_submits),
		cmocka_unit_test(an_old_queue_is_behind),
		cmocka_unit_test(a_call_that_takes_long_is_seen),
		cmocka_unit_test(a_long_queue_is_behind),
		cmocka_unit_test(a_failure_is_behind_until_a_probe_works),
		cmocka_unit_test(the_next_success_ends_it_too),
		cmocka_unit_test(what_changes_nothing_does_not_end_it),
		cmocka_unit_test(a_failing_list_is_not_behind),
		cmocka_unit_test(others_writes_are_told),
		cmocka_unit_test(the_reader_checkpoints),
		cmocka_unit_test(a_long_log_is_moved_by_both),
		cmocka_unit_test(much_of_a_long_log_is_the_readers),
		cmocka_unit_test(a_log_that_begins_anew),
		cmocka_unit_test(what_does_not_get_less_is_the_writers),
		cmocka_unit_test(
			a_log_that_is_moved_is_looked_at_by_the_writer),
		cmocka_unit_test(a_store_that_is_gone_is_behind),
		cmocka_unit_test(after_an_erasure_the_log_is_emptied),
		cmocka_unit_test(the_key_is_the_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
