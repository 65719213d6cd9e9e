/*
 * The line for the service manager: see status.h.
 *
 * A round asks the store about one account after the other; then the sums are
 * told. busy is set while the store holds the operation.
 */
#include "app/status.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"

#define FIRST_MS 1000
#define EVERY_MS 10000
#define LINE_MAX 400

struct status {
	struct loop *loop;
	struct engine *engine;
	struct supervisor *supervisor;
	struct loop_timer *timer;
	struct store_op op;
	char account[ACCOUNT_SIZE];
	size_t next; /* account */
	int64_t jobs[JOB_STATE_COUNT];
	bool busy;
	bool freed;
};

static void put_jobs(const struct status *s, struct buf *line)
{
	for (int i = 0; i < JOB_DONE; i++)
		buf_printf(line, "%s %" PRId64 " %s", i ? "," : "", s->jobs[i],
			   job_state_name((enum job_state)i));
}

/* Of the first API that has one; NULL: none. */
static const char *why_held(const struct status *s, const char *account)
{
	struct api_client *api = engine_api(s->engine, account);
	const char *why = NULL;

	for (enum api i = 0; api && !why && i < API_COUNT; i++)
		why = hold_reason_name(api_client_hold(api, i)->reason);
	if (!why && scheduler_paused(engine_scheduler(s->engine), account))
		why = "paused";
	return why;
}

static void put_held(const struct status *s, struct buf *line)
{
	const struct config *c = engine_config(s->engine);
	const char *before = "; held: ";

	for (size_t i = 0; i < c->account_count; i++) {
		const char *name = c->accounts[i].name;
		const char *why = why_held(s, name);

		if (!why)
			continue;
		buf_printf(line, "%s%s (%s)", before, name, why);
		before = ", ";
	}
}

static void tell(const struct status *s)
{
	size_t accounts = engine_config(s->engine)->account_count;
	struct buf line;

	buf_init(&line, LINE_MAX);
	buf_printf(&line, "%zu %s, jobs:", accounts,
		   accounts == 1 ? "account" : "accounts");
	put_jobs(s, &line);
	put_held(s, &line);
	supervisor_status(s->supervisor, line.data);
	buf_release(&line);
}

static void ask_next(struct status *s);

static void on_asked(struct store_op *op, void *arg)
{
	struct status *s = arg;

	s->busy = false;
	if (s->freed) {
		free(s);
		return;
	}
	for (int i = 0; op->result == RESULT_OK && i < JOB_STATE_COUNT; i++)
		s->jobs[i] += op->u.stats.jobs[i];
	ask_next(s);
}

static void ask_next(struct status *s)
{
	const struct config *c = engine_config(s->engine);

	if (s->next >= c->account_count) {
		tell(s);
		loop_timer_set(s->timer, EVERY_MS);
		return;
	}
	(void)str_copy(s->account, sizeof(s->account),
		       c->accounts[s->next++].name);
	store_op_init(&s->op, STORE_STATS);
	s->op.u.stats.account = s->account;
	s->op.u.stats.now_ms = loop_wall_ms(s->loop);
	s->busy = true;
	storeq_submit(engine_storeq(s->engine), &s->op, on_asked, s);
}

static void on_timer(void *arg)
{
	struct status *s = arg;

	s->next = 0;
	for (int i = 0; i < JOB_STATE_COUNT; i++)
		s->jobs[i] = 0;
	ask_next(s);
}

struct status *status_new(struct loop *loop, struct engine *engine,
			  struct supervisor *supervisor)
{
	struct status *s;

	if (!supervisor_listens(supervisor))
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->engine = engine;
	s->supervisor = supervisor;
	s->timer = loop_timer_new(loop, on_timer, s);
	loop_timer_set(s->timer, FIRST_MS);
	return s;
}

void status_free(struct status *s)
{
	if (!s)
		return;
	loop_timer_free(s->timer);
	s->freed = true;
	if (!s->busy)
		free(s);
}
