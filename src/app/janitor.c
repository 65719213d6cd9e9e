/*
 * Housekeeping: see janitor.h. One operation at a time, so that it never
 * delays intake by more than one small batch: of rows, and of time.
 */
#include "app/janitor.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

#define PRUNE_FIRST_MS	5000 /* a start has better things to do */
#define PRUNE_EVERY_MS	60000
#define EVENTS_EVERY_MS (15 * 60 * 1000) /* it looks at each of them */
#define PRUNE_BATCH	500
#define PRUNE_LEAST	25
#define PRUNE_LONG_MS	50 /* a batch that took longer was too large */
#define PRUNE_PAUSE_MS	50 /* between two batches */
#define LIST_RETRY_MS	1000
#define TURN_MS		(2 * PRUNE_EVERY_MS) /* then another node prunes */

struct janitor {
	struct loop *loop;
	struct engine *engine;
	struct intake *intake;
	const struct timekeeper *clock;
	struct loop_timer *timer;
	struct store_op op;
	int64_t listed;	   /* up to this job; -1: all are */
	size_t batch;	   /* rows at a time */
	int64_t account;   /* retention goes on behind this one */
	int64_t events_ms; /* when that of events is next; 0: at once */
	int64_t asked_ms;
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

/* Rows differ in size, disks in speed, and others may be waiting, too. */
static size_t next_batch(const struct janitor *j)
{
	bool too_long = loop_now_ms(j->loop) - j->asked_ms > PRUNE_LONG_MS;
	size_t batch = too_long ? j->batch / 2 : j->batch * 2;

	return batch < PRUNE_LEAST   ? PRUNE_LEAST
	       : batch > PRUNE_BATCH ? PRUNE_BATCH
				     : batch;
}

static void on_pruned(struct store_op *op, void *arg)
{
	struct janitor *j = arg;
	const struct store_prune *p = &op->u.prune;
	bool ok = op->result == RESULT_OK;
	bool more = ok && (p->removed >= p->max || p->next_account != 0 ||
			   p->more_events);

	if (!returned(j))
		return;
	if (ok)
		j->account = p->next_account;
	if (ok && p->events_before_ms > 0 && !p->more_events)
		j->events_ms = loop_now_ms(j->loop) + EVENTS_EVERY_MS;
	if (!ok)
		log_warn("prune_failed", log_str("error", op->error.text));
	else if (op->u.prune.removed > 0)
		log_debug("pruned",
			  log_int("rows", (int64_t)op->u.prune.removed));
	store_op_release(op);
	j->batch = next_batch(j);
	loop_timer_set(j->timer, j->listed >= 0 ? 0
				 : more		? PRUNE_PAUSE_MS
						: PRUNE_EVERY_MS);
}

static void prune(struct janitor *j)
{
	const struct config *c = engine_config(j->engine);
	int64_t now_ms = timekeeper_sure_ms(j->clock);
	bool events = loop_now_ms(j->loop) >= j->events_ms;

	j->busy = true;
	store_op_init(&j->op, STORE_PRUNE);
	j->op.u.prune = (struct store_prune){
		.events_before_ms =
			events ? now_ms - c->retention_events_ms : 0,
		.jobs_before_ms = now_ms - c->retention_jobs_ms,
		.journal_before_ms = now_ms - c->retention_journal_ms,
		.images_before_ms = now_ms - c->retention_before_images_ms,
		.reviews_expire_ms = now_ms,
		.notes_before_ms = now_ms - TICKET_NOTE_WAIT_MS,
		.max = j->batch,
		.after_account = j->account,
	};
	j->asked_ms = loop_now_ms(j->loop);
	storeq_submit(engine_storeq(j->engine), &j->op, on_pruned, j);
}

/* One node does it for all. */
static void on_turn(struct store_op *op, void *arg)
{
	struct janitor *j = arg;
	bool mine = op->result == RESULT_OK && op->u.turn.mine;

	if (!returned(j))
		return;
	if (mine)
		prune(j);
	else
		loop_timer_set(j->timer, PRUNE_EVERY_MS);
}

static void take_turn(struct janitor *j)
{
	j->busy = true;
	store_op_init(&j->op, STORE_TURN);
	j->op.u.turn = (struct store_turn){
		.name = "prune",
		.node = node_id(engine_node(j->engine)),
		.now_ms = loop_wall_ms(j->loop),
		.lease_ms = TURN_MS,
	};
	storeq_submit(engine_storeq(j->engine), &j->op, on_turn, j);
}

static void watch(struct janitor *j, const struct store_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->jobs[i].sunco_id[0])
			intake_watch(j->intake, jobs->jobs[i].account,
				     jobs->jobs[i].sunco_id);
}

static void on_waiting(struct store_op *op, void *arg)
{
	struct janitor *j = arg;
	const struct store_jobs *jobs = &op->u.jobs;
	int64_t after_id = jobs->after_id;
	bool ok = op->result == RESULT_OK;

	if (!returned(j))
		return;
	watch(j, jobs);
	/* unless a reload wants them all again */
	if (ok && j->listed == after_id)
		j->listed = jobs->count == jobs->max
				    ? jobs->jobs[jobs->count - 1].id
				    : -1;
	store_op_release(op);
	loop_timer_set(j->timer, !ok		 ? LIST_RETRY_MS
				 : j->listed < 0 ? PRUNE_FIRST_MS
						 : 0);
}

static void list_waiting(struct janitor *j)
{
	j->busy = true;
	store_op_init(&j->op, STORE_JOBS);
	j->op.u.jobs = (struct store_jobs){
		.state = JOB_WAITING,
		.after_id = j->listed,
		.max = STORE_LIST_MAX,
	};
	storeq_submit(engine_storeq(j->engine), &j->op, on_waiting, j);
}

static void go_on(void *arg)
{
	struct janitor *j = arg;

	if (j->busy)
		return; /* its end sets the timer */
	if (j->listed >= 0)
		list_waiting(j);
	else if (node_is_shared(engine_node(j->engine)))
		take_turn(j);
	else
		prune(j);
}

void janitor_reloaded(struct janitor *j)
{
	j->listed = 0;
	loop_timer_set(j->timer, 0);
}

struct janitor *janitor_new(struct loop *loop, struct engine *engine,
			    struct intake *intake,
			    const struct timekeeper *clock)
{
	struct janitor *j = xcalloc(1, sizeof(*j));

	j->loop = loop;
	j->engine = engine;
	j->intake = intake;
	j->clock = clock;
	j->batch = PRUNE_BATCH;
	j->timer = loop_timer_new(loop, go_on, j);
	list_waiting(j);
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
