/*
 * Housekeeping: see janitor.h. One operation at a time, so that it never
 * delays intake by more than one small batch.
 */
#include "app/janitor.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

#define PRUNE_EVERY_MS 60000
#define PRUNE_BATCH    500
#define PRUNE_PAUSE_MS 50 /* between two batches */

struct janitor {
	struct loop *loop;
	struct engine *engine;
	struct intake *intake;
	struct loop_timer *timer;
	struct store_op op;
	bool busy;
	bool freed;
};

/* The store gave the op back; false: nobody is interested any more. */
static bool returned(struct janitor *j)
{
	j->busy = false;
	if (!j->freed)
		return true;
	store_op_release(&j->op);
	free(j);
	return false;
}

static void on_pruned(struct store_op *op, void *arg)
{
	struct janitor *j = arg;
	bool more = op->result == RESULT_OK &&
		    op->u.prune.removed >= op->u.prune.max;

	if (!returned(j))
		return;
	if (op->result != RESULT_OK)
		log_warn("prune_failed", log_str("error", op->error.text));
	store_op_release(op);
	loop_timer_set(j->timer, more ? PRUNE_PAUSE_MS : PRUNE_EVERY_MS);
}

static void prune(void *arg)
{
	struct janitor *j = arg;
	const struct config *c = engine_config(j->engine);
	int64_t now_ms = loop_wall_ms(j->loop);

	j->busy = true;
	store_op_init(&j->op, STORE_PRUNE);
	j->op.u.prune = (struct store_prune){
		.events_before_ms = now_ms - c->retention_events_ms,
		.jobs_before_ms = now_ms - c->retention_jobs_ms,
		.journal_before_ms = now_ms - c->retention_journal_ms,
		.images_before_ms = now_ms - c->retention_before_images_ms,
		.reviews_expire_ms = now_ms,
		.max = PRUNE_BATCH,
	};
	storeq_submit(engine_storeq(j->engine), &j->op, on_pruned, j);
}

static void list_waiting(struct janitor *j, int64_t after_id);

static void on_waiting(struct store_op *op, void *arg)
{
	struct janitor *j = arg;
	struct store_jobs *jobs = &op->u.jobs;
	bool more;
	int64_t last = 0;

	if (!returned(j))
		return;
	for (size_t i = 0; i < jobs->count; i++) {
		last = jobs->jobs[i].id;
		if (jobs->jobs[i].sunco_id[0])
			intake_watch(j->intake, jobs->jobs[i].account,
				     jobs->jobs[i].sunco_id);
	}
	more = op->result == RESULT_OK && jobs->count == jobs->max;
	store_op_release(op);
	if (more)
		list_waiting(j, last);
	else
		loop_timer_set(j->timer, PRUNE_EVERY_MS);
}

static void list_waiting(struct janitor *j, int64_t after_id)
{
	j->busy = true;
	store_op_init(&j->op, STORE_JOBS);
	j->op.u.jobs = (struct store_jobs){
		.state = JOB_WAITING,
		.after_id = after_id,
		.max = STORE_LIST_MAX,
	};
	storeq_submit(engine_storeq(j->engine), &j->op, on_waiting, j);
}

struct janitor *janitor_new(struct loop *loop, struct engine *engine,
			    struct intake *intake)
{
	struct janitor *j = xcalloc(1, sizeof(*j));

	j->loop = loop;
	j->engine = engine;
	j->intake = intake;
	j->timer = loop_timer_new(loop, prune, j);
	list_waiting(j, 0);
	return j;
}

void janitor_free(struct janitor *j)
{
	if (!j)
		return;
	loop_timer_free(j->timer);
	j->freed = true;
	if (!j->busy)
		free(j);
}
