/*
 * All of the scheduler's accounts at once: which have something to do. Those
 * that sleep are left alone.
 *
 * Invariants: the accounts are in order, as the answer is; one look is under
 * way at most, or its timer is set.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/retry.h"
#include "scheduler_int.h"

/* Where it is, or would be. */
static size_t place_of(const struct scheduler *s, const char *name)
{
	size_t low = 0, high = s->account_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->accounts[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct sched_account *sched_find(const struct scheduler *s, const char *name)
{
	size_t at = place_of(s, name);
	bool there =
		at < s->account_count && str_eq(s->accounts[at]->name, name);

	return there ? s->accounts[at] : NULL;
}

struct sched_account *sched_add(struct scheduler *s, const char *name)
{
	struct sched_account *a = xcalloc(1, sizeof(*a));
	size_t at = place_of(s, name);

	s->accounts = xrealloc(s->accounts, (s->account_count + 1) * sizeof(a));
	memmove(&s->accounts[at + 1], &s->accounts[at],
		(s->account_count - at) * sizeof(a));
	s->accounts[at] = a;
	s->account_count++;
	a->s = s;
	str_copy(a->name, sizeof(a->name), name);
	return a;
}

/* Both are by name. */
static void take_look(struct scheduler *s, const struct store_look *l)
{
	static const struct store_stir asleep;
	size_t k = 0;

	for (size_t i = 0; i < s->account_count; i++) {
		struct sched_account *a = s->accounts[i];
		const struct store_stir *stir = &asleep;

		while (k < l->count && strcmp(l->rows[k].account, a->name) < 0)
			k++;
		if (k < l->count && str_eq(l->rows[k].account, a->name))
			stir = &l->rows[k];
		if (stir->paused != a->paused)
			sched_ask_row(a); /* claims when it knows */
		else if (stir->jobs)
			sched_claim(a);
	}
}

static void on_looked(struct store_op *op, void *arg)
{
	struct scheduler *s = arg;
	bool ok = op->result == RESULT_OK;

	s->looking = false;
	if (ok && !s->freed)
		take_look(s, &op->u.look);
	store_op_release(op);
	if (s->freed)
		sched_release_when_idle(s);
	else
		loop_timer_set(s->look_timer,
			       ok ? SCHED_IDLE_MS : RETRY_FIRST_MS);
}

void sched_look(void *arg)
{
	struct scheduler *s = arg;

	if (s->draining)
		return;
	s->looking = true;
	store_op_init(&s->look, STORE_LOOK);
	s->look.u.look.until_ms = loop_wall_ms(s->loop) + SCHED_IDLE_MS;
	storeq_submit(s->q, &s->look, on_looked, s);
}

void scheduler_wake(struct scheduler *s, const char *account)
{
	struct sched_account *a = account ? sched_find(s, account) : NULL;

	if (a)
		sched_claim_woken(a);
	for (size_t i = 0; !account && i < s->account_count; i++)
		sched_ask_row(s->accounts[i]); /* claims when it knows */
}
