/*
 * Intake's accounts. A name that was ever configured keeps its entry: its
 * counters, and the people watched, outlive a reload. Keys do not outlive
 * the configuration they came with.
 */
#include "intake_int.h"

#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_ACCEPTED] = "accepted",
	[OUTCOME_DUPLICATE] = "duplicate",
	[OUTCOME_IGNORED] = "ignored",
	[OUTCOME_UNAUTHORIZED] = "unauthorized",
	[OUTCOME_MALFORMED] = "malformed",
	[OUTCOME_UNAVAILABLE] = "unavailable",
};

static const char *const late_names[LATE_COUNT] = {
	[LATE_OUTDATED] = "outdated",
	[LATE_BEHIND] = "behind",
};

static void keys_replace(struct intake_account *a, enum event_source source,
			 struct signature_keys *keys)
{
	signature_keys_free(a->keys[source]);
	a->keys[source] = keys;
}

static void account_retire(struct intake_account *a)
{
	a->gone = true;
	keys_replace(a, EVENT_FROM_SUNCO, NULL);
	keys_replace(a, EVENT_FROM_ZENDESK, NULL);
}

void intake_accounts_release(struct intake_accounts *t)
{
	for (size_t i = 0; i < t->count; i++) {
		account_retire(t->items[i]);
		watch_set_release(&t->items[i]->watched);
		free(t->items[i]);
	}
	free(t->items);
	memset(t, 0, sizeof(*t));
}

/* Where the name is, or belongs. */
static size_t position_of(const struct intake_accounts *t, struct slice name)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *there = t->items[middle]->name;
		int order = strncmp(there, name.ptr, name.len);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct intake_account *intake_account_known(const struct intake_accounts *t,
					    struct slice name)
{
	size_t i = position_of(t, name);

	if (i < t->count && slice_eq(slice_of(t->items[i]->name), name))
		return t->items[i];
	return NULL;
}

struct intake_account *intake_account_find(const struct intake_accounts *t,
					   struct slice name)
{
	struct intake_account *a = intake_account_known(t, name);

	return a && !a->gone ? a : NULL;
}

/* Series exist from the start, so that the first event shows as a rise. */
static void outcomes_open(struct intake_account *a, enum event_source source)
{
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		a->outcomes[source][i] =
			metric_get(METRIC_WEBHOOKS, a->name,
				   event_source_name(source), outcome_names[i]);
	for (size_t i = 0; i < LATE_COUNT; i++)
		a->late[source][i] =
			metric_get(METRIC_LATE_EVENTS, a->name,
				   event_source_name(source), late_names[i]);
}

static struct intake_account *account_add(struct intake_accounts *t,
					  struct slice name)
{
	struct intake_account *a = xcalloc(1, sizeof(*a));
	size_t at = position_of(t, name);

	str_copy_slice(a->name, sizeof(a->name), name);
	watch_set_init(&a->watched);
	outcomes_open(a, EVENT_FROM_SUNCO);
	outcomes_open(a, EVENT_FROM_ZENDESK);
	t->items = xrealloc(t->items, (t->count + 1) * sizeof(*t->items));
	memmove(t->items + at + 1, t->items + at,
		(t->count - at) * sizeof(*t->items));
	t->items[at] = a;
	t->count++;
	return a;
}

static struct signature_keys *keys_of(const struct config_list *secrets)
{
	return signature_keys_new((const char *const *)secrets->items,
				  secrets->count);
}

static void account_set(struct intake_accounts *t,
			const struct account_config *c)
{
	struct slice name = slice_of(c->name);
	struct intake_account *a = intake_account_known(t, name);

	if (!a)
		a = account_add(t, name);
	a->gone = false;
	a->tolerance_ms = c->timestamp_tolerance_ms;
	a->wait_ms = c->wait_for_user_ms;
	a->recheck_ms = c->recheck_after_ms;
	keys_replace(a, EVENT_FROM_SUNCO, keys_of(&c->sunco_webhook_secrets));
	keys_replace(a, EVENT_FROM_ZENDESK,
		     keys_of(&c->zendesk_webhook_secrets));
}

static bool is_configured(const char *name,
			  const struct account_config *configs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(configs[i].name, name))
			return true;
	}
	return false;
}

void intake_accounts_set(struct intake_accounts *t,
			 const struct account_config *configs, size_t count)
{
	for (size_t i = 0; i < t->count; i++) {
		if (!is_configured(t->items[i]->name, configs, count))
			account_retire(t->items[i]);
	}
	for (size_t i = 0; i < count; i++)
		account_set(t, &configs[i]);
}

void intake_account_count(struct intake_account *a, enum event_source source,
			  enum outcome outcome, size_t n)
{
	if (n)
		metric_add(a->outcomes[source][outcome], (double)n);
}

void intake_account_count_late(struct intake_account *a,
			       enum event_source source, enum late what,
			       size_t n)
{
	if (n)
		metric_add(a->late[source][what], (double)n);
}

bool intake_account_late(struct intake_account *a, int64_t now_ms)
{
	if (!a->late_count || now_ms - a->late_since_ms >= LATE_WINDOW_MS) {
		a->late_since_ms = now_ms;
		a->late_count = 0;
	}
	if (a->late_count == LATE_LIVE_MAX)
		return true;
	a->late_count++;
	return false;
}

void intake_account_seen(struct intake_account *a, enum event_source source,
			 int64_t wall_ms)
{
	struct metric_series **series = &a->last_webhook[source];

	if (!*series)
		*series = metric_get(METRIC_LAST_WEBHOOK, a->name,
				     event_source_name(source));
	metric_set(*series, (double)wall_ms / 1000);
	a->seen_ms[source] = wall_ms;
}
