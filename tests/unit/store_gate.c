/*
 * See store_gate.h.
 */
#include "store_gate.h"

#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/backend.h"

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool hold;
	int hold_at; /* kind of operation and one; 0: none */
	bool held;
	atomic_bool fail;
	atomic_int counts[STORE_OP_COUNT];
	atomic_int spoilt[STORE_OP_COUNT];
	atomic_llong ahead_ms;
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	  .changed = PTHREAD_COND_INITIALIZER};

struct gated {
	struct store_backend base;
	struct store_backend *inner;
};

static struct store_backend *inner_of(const struct store_backend *b)
{
	return ((const struct gated *)b)->inner;
}

static void gated_close(struct store_backend *b)
{
	inner_of(b)->ops->close(inner_of(b));
	free(b);
}

/* kind -1: the beginning of a transaction. */
static void pass(int kind)
{
	pthread_mutex_lock(&gate.mutex);
	while (kind < 0 ? gate.hold : gate.hold_at == kind + 1) {
		gate.held = true;
		pthread_cond_broadcast(&gate.changed);
		pthread_cond_wait(&gate.changed, &gate.mutex);
	}
	gate.held = false;
	pthread_mutex_unlock(&gate.mutex);
}

static enum result gated_begin(struct store_backend *b,
			       const struct store_batch *batch,
			       struct error *err)
{
	pass(-1);
	if (gate.fail)
		return error_set(err, RESULT_TEMP, "the disk is on fire");
	return inner_of(b)->ops->begin(inner_of(b), batch, err);
}

static void gated_apply(struct store_backend *b, struct store_op *op)
{
	pass((int)op->kind);
	gate.counts[op->kind]++;
	if (gate.spoilt[op->kind] > 0) {
		gate.spoilt[op->kind]--;
		op->result = error_set(&op->error, RESULT_TEMP, "spoilt");
		return;
	}
	inner_of(b)->ops->apply(inner_of(b), op);
	if (op->kind == STORE_CLOCK && gate.ahead_ms)
		op->u.clock.store_ms = clock_boot_ms() + gate.ahead_ms;
}

static enum result gated_commit(struct store_backend *b, struct error *err)
{
	return inner_of(b)->ops->commit(inner_of(b), err);
}

static void gated_rollback(struct store_backend *b)
{
	inner_of(b)->ops->rollback(inner_of(b));
}

static bool gated_changed(struct store_backend *b)
{
	return inner_of(b)->ops->changed(inner_of(b));
}

static enum result gated_watch(struct store_backend *b, struct error *err)
{
	return inner_of(b)->ops->watch(inner_of(b), err);
}

static bool gated_empty_log(struct store_backend *b)
{
	return inner_of(b)->ops->empty_log(inner_of(b));
}

static int64_t gated_checkpoint(struct store_backend *b)
{
	return inner_of(b)->ops->checkpoint(inner_of(b));
}

static const uint8_t *gated_key(const struct store_backend *b)
{
	return inner_of(b)->ops->key(inner_of(b));
}

static const struct store_backend_ops gated_ops = {
	.scheme = "gated",
	.close = gated_close,
	.begin = gated_begin,
	.apply = gated_apply,
	.commit = gated_commit,
	.rollback = gated_rollback,
	.changed = gated_changed,
	.watch = gated_watch,
	.checkpoint = gated_checkpoint,
	.empty_log = gated_empty_log,
	.key = gated_key,
};

struct store *store_gate_open(struct store_gate *g)
{
	struct gated *s = xcalloc(1, sizeof(*s));
	struct error err = {""};

	gate.fail = gate.hold = false;
	gate.hold_at = 0;
	gate.ahead_ms = 0;
	for (int i = 0; i < STORE_OP_COUNT; i++)
		gate.counts[i] = gate.spoilt[i] = 0;
	strcpy(g->dir, "/tmp/reunite_store_XXXXXX");
	assert_non_null(mkdtemp(g->dir));
	snprintf(g->path, sizeof(g->path), "%s/store", g->dir);
	snprintf(g->url, sizeof(g->url), "sqlite:%s", g->path);
	s->base.ops = &gated_ops;
	if (store_sqlite_ops.open(&s->inner, g->path, STORE_SERVE,
				  clock_wall_ms(), &err))
		fail_msg("%s", err.text);
	return store_over(&s->base);
}

void store_gate_remove(struct store_gate *g)
{
	static const char *const names[] = {"store", "store-wal", "store-shm",
					    "store.lock"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", g->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(g->dir), 0);
}

void store_gate_hold(bool hold)
{
	pthread_mutex_lock(&gate.mutex);
	gate.hold = hold;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

void store_gate_hold_at(int kind)
{
	pthread_mutex_lock(&gate.mutex);
	gate.hold_at = kind + 1;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

void store_gate_await_held(void)
{
	pthread_mutex_lock(&gate.mutex);
	while (!gate.held)
		pthread_cond_wait(&gate.changed, &gate.mutex);
	pthread_mutex_unlock(&gate.mutex);
}

void store_gate_fail(bool fail)
{
	gate.fail = fail;
}

void store_gate_spoil(enum store_op_kind kind, int times)
{
	gate.spoilt[kind] = times;
}

void store_gate_clock(int64_t ahead_ms)
{
	gate.ahead_ms = ahead_ms;
}

int store_gate_count(enum store_op_kind kind)
{
	return gate.counts[kind];
}
