/*
 * Which note is next, account by account: see teller.h; how one is told is in
 * teller_note.c.
 *
 * What comes next is known from the claim (next_ms) and from wakes; there is
 * no polling besides IDLE_MS, which finds the leases of other nodes and what
 * other processes wrote.
 *
 * Invariant: per account at most one note is claimed.
 */
#include "teller_int.h"

#include <stdlib.h>

#include "base/str.h"
#include "core/retry.h"
#include "core/ticket_note.h"

#define IDLE_MS	       30000
#define BUDGET_LONG_MS 2000 /* begin only when calls may go soon */

static struct teller_account *find(const struct teller *t, const char *name)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (str_eq(t->accounts[i]->name, name))
			return t->accounts[i];
	return NULL;
}

static void check_drained(struct teller *t)
{
	if (!t->draining || !t->drained)
		return;
	for (size_t i = 0; i < t->account_count; i++)
		if (t->accounts[i]->state != IDLE)
			return;
	loop_defer(t->loop, t->drained, t->drained_arg);
	t->drained = NULL;
}

static void sleep_until(struct teller_account *a, int64_t mono_ms)
{
	int64_t delay_ms = mono_ms - loop_now_ms(a->t->loop);

	loop_timer_set(a->timer, delay_ms > 0 ? delay_ms : 0);
}

/* The next one, when it is due and the account may be spoken to again. */
void teller_rest(struct teller_account *a)
{
	struct loop *loop = a->t->loop;
	int64_t delay_ms = IDLE_MS;

	a->state = IDLE;
	check_drained(a->t);
	if (a->dirty)
		delay_ms = 0;
	else if (a->next_ms < loop_wall_ms(loop) + IDLE_MS)
		delay_ms = a->next_ms - loop_wall_ms(loop);
	a->dirty = false;
	if (loop_now_ms(loop) + delay_ms < a->not_before_ms)
		sleep_until(a, a->not_before_ms);
	else
		sleep_until(a, loop_now_ms(loop) + delay_ms);
}

/* --- claims --- */

/* What the token does not allow is not tried: a new one wakes us. */
static bool may_begin(const struct teller_account *a)
{
	return a->config && !a->t->draining &&
	       config_tells(a->config, NOTE_MERGED) &&
	       !api_client_lacks_tickets(a->api);
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct teller_account *a = arg;
	bool found = op->result == RESULT_OK && op->u.note_claim.note.id != 0;

	a->storing = false;
	a->next_ms = op->u.note_claim.next_ms;
	if (op->result != RESULT_OK)
		a->next_ms = loop_wall_ms(a->t->loop) + RETRY_FIRST_MS;
	if (a->t->freed && !found) {
		store_op_release(op);
		teller_release(a->t);
	} else if (!found) {
		store_op_release(op);
		teller_rest(a);
	} else if (a->t->freed || !may_begin(a)) {
		teller_give_back(a);
	} else {
		teller_tell(a);
	}
}

static void begin(struct teller_account *a)
{
	struct loop *loop = a->t->loop;
	int64_t wait_ms = a->not_before_ms - loop_now_ms(loop);

	a->dirty = a->dirty || a->state != IDLE;
	if (a->state != IDLE || !may_begin(a))
		return;
	if (wait_ms <= 0) {
		wait_ms = api_client_wait_ms(a->api);
		wait_ms = wait_ms > BUDGET_LONG_MS ? wait_ms : 0;
	}
	if (wait_ms > 0) {
		loop_timer_set(a->timer, wait_ms);
		return;
	}
	loop_timer_clear(a->timer);
	a->state = CLAIM;
	a->dirty = false;
	a->storing = true;
	a->claimed_ms = loop_boot_ms(loop);
	store_op_init(&a->claim, STORE_NOTE);
	a->claim.u.note_claim = (struct store_note_claim){
		.account = a->name,
		.now_ms = loop_wall_ms(loop),
		.lease_ms = TELLER_LEASE_MS,
	};
	storeq_submit(a->t->q, &a->claim, on_claimed, a);
}

static void on_timer(void *arg)
{
	struct teller_account *a = arg;

	if (a->state == DONE)
		teller_submit_end(a);
	else
		begin(a);
}

void teller_wake(struct teller *t, const char *account)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (!account || str_eq(t->accounts[i]->name, account))
			begin(t->accounts[i]);
}

/* --- life --- */

struct teller *teller_new(struct loop *loop, struct storeq *q)
{
	struct teller *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->q = q;
	return t;
}

void teller_set_account(struct teller *t, const struct account_config *config,
			struct api_client *api)
{
	struct teller_account *a = find(t, config->name);

	if (!a) {
		t->accounts = xrealloc(t->accounts,
				       (t->account_count + 1) * sizeof(a));
		a = xcalloc(1, sizeof(*a));
		t->accounts[t->account_count++] = a;
		a->t = t;
		str_copy(a->name, sizeof(a->name), config->name);
		a->timer = loop_timer_new(t->loop, on_timer, a);
		a->next_ms = INT64_MAX;
	}
	a->config = config;
	a->api = api;
	a->token_done = false;
	begin(a);
}

void teller_stop_account(struct teller *t, const char *account)
{
	struct teller_account *a = find(t, account);

	if (a)
		a->config = NULL;
}

void teller_drain(struct teller *t, loop_fn *done, void *arg)
{
	t->draining = true;
	t->drained = done;
	t->drained_arg = arg;
	check_drained(t);
}

/* The store may still hold operations of ours; the last one to come back
 * frees the rest. */
void teller_release(struct teller *t)
{
	for (size_t i = 0; i < t->account_count; i++)
		if (t->accounts[i]->storing)
			return;
	for (size_t i = 0; i < t->account_count; i++) {
		store_op_release(&t->accounts[i]->claim);
		free(t->accounts[i]);
	}
	free(t->accounts);
	free(t);
}

void teller_free(struct teller *t)
{
	if (!t)
		return;
	t->freed = true;
	for (size_t i = 0; i < t->account_count; i++) {
		struct teller_account *a = t->accounts[i];

		if (a->call)
			zendesk_cancel(a->call);
		a->call = NULL;
		loop_timer_free(a->timer);
		a->timer = NULL;
	}
	teller_release(t);
}
