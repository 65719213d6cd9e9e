/*
 * When the last valid webhook came, kept in the store: see intake_int.h.
 *
 * Never in the way: one operation at a time, begun by a timer. What fails is
 * stored with the next minute's; what a crash loses is a minute at most.
 */
#include "intake_int.h"

#define SOON_MS	 1000
#define EVERY_MS 60000

static void store_next(struct intake_seen *s);

static void on_stored(struct store_op *op, void *arg)
{
	struct intake_seen *s = arg;
	struct intake_account *a = s->account;
	bool ok = op->result == RESULT_OK;

	s->account = NULL;
	(*s->under_way)--;
	if (ok)
		a->stored_ms[op->u.account.webhook_source] = s->storing_ms;
	store_op_release(op);
	if (!s->timer)
		return; /* released */
	if (ok)
		store_next(s);
	else
		loop_timer_set(s->timer, EVERY_MS);
}

static void store_one(struct intake_seen *s, struct intake_account *a,
		      enum event_source source)
{
	struct store_account *u = &s->op.u.account;

	s->account = a;
	s->storing_ms = a->seen_ms[source];
	store_op_init(&s->op, STORE_ACCOUNT);
	u->account = a->name;
	u->set_webhook = true;
	u->webhook_source = source;
	u->webhook_ms = s->storing_ms;
	(*s->under_way)++;
	storeq_submit(s->q, &s->op, on_stored, s);
}

static bool is_news(const struct intake_account *a, enum event_source source)
{
	return !a->gone && a->seen_ms[source] > a->stored_ms[source];
}

/* One after the other, each once; then nothing for a minute. */
static void store_next(struct intake_seen *s)
{
	while (s->next < s->accounts->count * EVENT_SOURCES) {
		size_t i = s->next++;
		struct intake_account *a =
			s->accounts->items[i / EVENT_SOURCES];
		enum event_source source =
			(enum event_source)(i % EVENT_SOURCES);

		if (is_news(a, source)) {
			store_one(s, a, source);
			return;
		}
	}
	loop_timer_set(s->timer, EVERY_MS);
}

static bool any_news(const struct intake_seen *s)
{
	for (size_t i = 0; i < s->accounts->count; i++)
		if (is_news(s->accounts->items[i], EVENT_FROM_SUNCO) ||
		    is_news(s->accounts->items[i], EVENT_FROM_ZENDESK))
			return true;
	return false;
}

static void on_timer(void *arg)
{
	struct intake_seen *s = arg;

	s->waiting = any_news(s);
	s->next = 0;
	if (s->waiting)
		store_next(s);
}

void intake_seen_soon(struct intake_seen *s)
{
	if (s->waiting)
		return;
	s->waiting = true;
	loop_timer_set(s->timer, SOON_MS);
}

void intake_seen_flush(struct intake_seen *s)
{
	loop_timer_clear(s->timer); /* one operation at a time */
	s->waiting = true;
	s->next = 0;
	if (!s->account)
		store_next(s);
}

void intake_seen_init(struct intake_seen *s, struct loop *loop,
		      struct storeq *q, struct intake_accounts *accounts,
		      size_t *under_way)
{
	*s = (struct intake_seen){
		.accounts = accounts, .q = q, .under_way = under_way};
	s->timer = loop_timer_new(loop, on_timer, s);
}

void intake_seen_release(struct intake_seen *s)
{
	loop_timer_free(s->timer);
	s->timer = NULL;
}
