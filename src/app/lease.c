/*
 * The heartbeat: see lease.h.
 *
 * Leases are kept in the order in which they were asked for; the timer is that
 * of the oldest. A beat takes along whatever is half as old as that.
 *
 * Invariants: at most one operation is under way, and its items are the leases
 * that say so (place), or of runs that have ended since. The list is in the
 * order of since_ms.
 */
#include "app/lease.h"

#include <assert.h>
#include <stdlib.h>

#include "api/api_client.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/saga.h"

#define RETRY_MS 1000

_Static_assert(RUN_REQUEST_MS >= API_TIMEOUT_MS + SAGA_SETTLE_MS,
	       "the longest request, and what it leaves behind");
_Static_assert(RUN_BEAT_MS + RUN_SPARE_MS < RUN_SEND_MS,
	       "a beat in time leaves enough to send");
_Static_assert(RUN_LEASE_MS + RUN_GRACE_MS < 60000, "within a minute");

TAILQ_HEAD(lease_list, lease);

struct lease_keeper {
	struct loop *loop;
	struct storeq *q;
	struct lease_list list;
	struct loop_timer *timer;
	struct store_op op;
	struct store_lease items[STORE_EXTEND_MAX];
	struct lease *of[STORE_EXTEND_MAX]; /* NULL: its run has ended */
	int64_t asked_ms;		    /* clock_boot_ms() before it */
	bool busy;
	bool again; /* somebody cannot wait for the next one */
	bool freed;
};

static void beat(void *arg);

static void arm(struct lease_keeper *k, int64_t at_least_ms)
{
	const struct lease *oldest = TAILQ_FIRST(&k->list);
	int64_t delay_ms = 0;

	if (k->busy || !oldest)
		return;
	if (!k->again)
		delay_ms = oldest->since_ms + RUN_BEAT_MS - clock_boot_ms();
	loop_timer_set(k->timer,
		       delay_ms > at_least_ms ? delay_ms : at_least_ms);
}

/* --- the answer --- */

static void put(struct lease *l)
{
	struct lease_list *list = &l->keeper->list;
	struct lease *before = TAILQ_LAST(list, lease_list);

	while (before && before->since_ms > l->since_ms)
		before = TAILQ_PREV(before, lease_list, entry);
	if (before)
		TAILQ_INSERT_AFTER(list, before, l, entry);
	else
		TAILQ_INSERT_HEAD(list, l, entry);
}

static void kept(struct lease *l)
{
	TAILQ_REMOVE(&l->keeper->list, l, entry);
	l->since_ms = l->keeper->asked_ms;
	put(l);
	l->told(LEASE_KEPT, l->arg);
}

static void lost(struct lease *l)
{
	lease_told *told = l->told;
	void *arg = l->arg;

	lease_drop(l);
	told(LEASE_LOST, arg);
}

static void tell(struct lease_keeper *k, size_t i, bool answered)
{
	struct lease *l = k->of[i];

	if (!l)
		return;
	l->place = -1;
	if (!answered)
		l->told(LEASE_FAILED, l->arg);
	else if (k->items[i].held)
		kept(l);
	else
		lost(l);
}

static void on_answer(struct store_op *op, void *arg)
{
	struct lease_keeper *k = arg;
	bool answered = op->result == RESULT_OK;

	if (k->freed) {
		free(k);
		return;
	}
	for (size_t i = 0; i < op->u.extend.count; i++)
		tell(k, i, answered);
	k->busy = false;
	arm(k, answered ? 0 : RETRY_MS);
}

/* --- the question --- */

static int by_job(const void *a, const void *b)
{
	int64_t x = (*(struct lease *const *)a)->job_id;
	int64_t y = (*(struct lease *const *)b)->job_id;

	return (x > y) - (x < y);
}

static size_t collect(struct lease_keeper *k)
{
	size_t n = 0;
	struct lease *l;

	TAILQ_FOREACH(l, &k->list, entry)
	{
		if (n == STORE_EXTEND_MAX ||
		    k->asked_ms - l->since_ms < RUN_BEAT_MS / 2)
			break;
		k->of[n++] = l;
	}
	qsort(k->of, n, sizeof(struct lease *), by_job);
	for (size_t i = 0; i < n; i++) {
		k->of[i]->place = (int)i;
		k->items[i] = (struct store_lease){.job_id = k->of[i]->job_id,
						   .token = k->of[i]->token};
	}
	return n;
}

static void beat(void *arg)
{
	struct lease_keeper *k = arg;
	int64_t now_ms = loop_wall_ms(k->loop);
	size_t count;

	if (k->busy)
		return;
	k->again = false;
	k->asked_ms = loop_boot_ms(k->loop);
	count = collect(k);
	if (count == 0) {
		arm(k, 0);
		return;
	}
	k->busy = true;
	store_op_init(&k->op, STORE_EXTEND);
	k->op.u.extend = (struct store_extend){
		.leases = k->items,
		.count = count,
		.until_ms = now_ms + RUN_LEASE_MS,
		.lock_until_ms = now_ms + RUN_LEASE_MS + RUN_GRACE_MS,
	};
	storeq_submit(k->q, &k->op, on_answer, k);
}

/* --- leases --- */

void lease_take(struct lease *l, struct lease_keeper *k, int64_t job_id,
		int64_t token, int64_t since_ms, lease_told *told, void *arg)
{
	bool first = TAILQ_EMPTY(&k->list);

	*l = (struct lease){
		.keeper = k,
		.job_id = job_id,
		.token = token,
		.since_ms = since_ms,
		.place = -1,
		.told = told,
		.arg = arg,
	};
	put(l);
	if (first)
		arm(k, 0);
}

void lease_drop(struct lease *l)
{
	struct lease_keeper *k = l->keeper;

	if (!k)
		return;
	if (l->place >= 0)
		k->of[l->place] = NULL;
	TAILQ_REMOVE(&k->list, l, entry);
	l->keeper = NULL;
	if (TAILQ_EMPTY(&k->list))
		loop_timer_clear(k->timer);
}

void lease_move(struct lease *l, int64_t job_id)
{
	if (l->place >= 0)
		l->keeper->of[l->place] = NULL;
	l->place = -1;
	l->job_id = job_id;
}

int64_t lease_send_by_ms(const struct lease *l)
{
	return l->since_ms + RUN_SEND_MS;
}

bool lease_suffices(const struct lease *l)
{
	return lease_send_by_ms(l) - clock_boot_ms() >= RUN_SPARE_MS;
}

/* One that is under way may be from too long ago to be of use. */
void lease_renew(struct lease *l)
{
	struct lease_keeper *k = l->keeper;

	k->again = k->again || l->place < 0;
	arm(k, 0);
}

/* --- life --- */

struct lease_keeper *lease_keeper_new(struct loop *loop, struct storeq *q)
{
	struct lease_keeper *k = xcalloc(1, sizeof(*k));

	k->loop = loop;
	k->q = q;
	TAILQ_INIT(&k->list);
	k->timer = loop_timer_new(loop, beat, k);
	return k;
}

void lease_keeper_free(struct lease_keeper *k)
{
	if (!k)
		return;
	assert(TAILQ_EMPTY(&k->list));
	loop_timer_free(k->timer);
	k->timer = NULL;
	k->freed = true;
	if (!k->busy)
		free(k);
}
