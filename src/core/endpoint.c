/*
 * Endpoint limits: see endpoint.h.
 *
 * Windows are counted a little longer than published: requests that leave us
 * so far apart may arrive closer together.
 */
#include "core/endpoint.h"

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	GUARD_MS = 2 * SECOND_MS, /* the network's jitter */
	USER_GAP_MS = 1100,
	RECHECK_MS = SECOND_MS,
	SPENT_UNTOLD_MS = MINUTE_MS,
	ONE = 1000000,
};

struct rule {
	int64_t count; /* 0: none published */
	int64_t window_ms;
};

static const struct rules {
	struct rule all;
	struct rule each; /* of one object */
	bool own_headers;
} rules[ENDPOINT_COUNT] = {
	[ENDPOINT_USER_UPDATE] = {.all = {1, USER_GAP_MS},
				  .each = {5, MINUTE_MS + GUARD_MS}},
	[ENDPOINT_TICKET_UPDATE] = {.all = {100, MINUTE_MS + GUARD_MS},
				    .each = {30, 10 * MINUTE_MS + GUARD_MS}},
	[ENDPOINT_INCREMENTAL] = {.all = {10, MINUTE_MS + GUARD_MS},
				  .own_headers = true},
};

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool endpoint_speaks_for_itself(enum endpoint e)
{
	return rules[e].own_headers;
}

/* How long until the rule leaves room. object 0: whichever. What is no longer
 * remembered is as if it had not been. */
static int64_t rule_wait_ms(const struct endpoint_state *s,
			    const struct rule *rule, uint64_t object,
			    int64_t now_ms)
{
	uint64_t known =
		s->count < ENDPOINT_TAKEN_MAX ? s->count : ENDPOINT_TAKEN_MAX;
	int64_t left = rule->count;

	for (uint64_t i = 1; i <= known && left > 0; i++) {
		uint64_t at = (s->count - i) % ENDPOINT_TAKEN_MAX;

		if (object && s->taken[at].object != object)
			continue;
		if (--left == 0)
			return max64(s->taken[at].at_ms + rule->window_ms -
					     now_ms,
				     0);
	}
	return 0;
}

static int64_t held_ms(const struct endpoint_state *s, uint64_t object,
		       int64_t now_ms)
{
	for (int i = 0; i < ENDPOINT_HELD_MAX; i++)
		if (object && s->held[i].object == object)
			return max64(s->held[i].until_ms - now_ms, 0);
	return 0;
}

/* A small part lasts no longer than until the nodes have shared anew: the wait
 * for it is until then. */
static int64_t part_wait_ms(const struct endpoint_state *s, struct rule rule,
			    int64_t part, int64_t now_ms)
{
	int64_t wait_ms = rule_wait_ms(s, &rule, 0, now_ms);

	if (part <= 0)
		return wait_ms;
	rule.window_ms = rule.window_ms * ONE / part;
	return max64(wait_ms,
		     min64(rule_wait_ms(s, &rule, 0, now_ms), RECHECK_MS));
}

int64_t endpoint_wait_ms(const struct endpoints *all, enum endpoint e,
			 uint64_t object, int64_t now_ms)
{
	const struct endpoint_state *s = &all->of[e];
	struct rule rule = rules[e].all;
	int64_t wait_ms = throttle_wait_ms(&s->refused, now_ms);

	if (s->total > 0 && rule.count > 0)
		rule.count = s->total;
	wait_ms = max64(wait_ms, s->spent_until_ms - now_ms);
	wait_ms = max64(wait_ms, held_ms(s, object, now_ms));
	wait_ms = max64(wait_ms,
			part_wait_ms(s, rule,
				     rules[e].own_headers ? 0 : all->part,
				     now_ms));
	if (object)
		wait_ms = max64(wait_ms, rule_wait_ms(s, &rules[e].each, object,
						      now_ms));
	return wait_ms;
}

void endpoint_take(struct endpoints *all, enum endpoint e, uint64_t object,
		   int64_t now_ms)
{
	struct endpoint_state *s = &all->of[e];
	uint64_t at = s->count++ % ENDPOINT_TAKEN_MAX;

	s->taken[at].at_ms = now_ms;
	s->taken[at].object = object;
	throttle_sent(&s->refused, now_ms);
}

/* In the place of whichever is free first. */
static void hold_object(struct endpoint_state *s, uint64_t object,
			int64_t until_ms)
{
	int at = 0;

	for (int i = 0; i < ENDPOINT_HELD_MAX; i++) {
		if (s->held[i].object == object) {
			at = i;
			until_ms = max64(until_ms, s->held[i].until_ms);
			break;
		}
		if (s->held[i].until_ms < s->held[at].until_ms)
			at = i;
	}
	s->held[at].object = object;
	s->held[at].until_ms = until_ms;
}

/* Whether a limit of so many is each object's. */
static bool is_each(enum endpoint e, uint64_t object, int64_t total)
{
	const struct rule *each = &rules[e].each;

	return object && each->count > 0 && (total < 0 || total == each->count);
}

void endpoint_learn(struct endpoints *all, enum endpoint e, uint64_t object,
		    const struct endpoint_headers *h, int64_t now_ms)
{
	struct endpoint_state *s = &all->of[e];
	bool each = is_each(e, object, h->total);
	int64_t until_ms = now_ms + SPENT_UNTOLD_MS;

	if (!h->named && h->total > rules[e].all.count)
		return; /* the account's after all */
	if (h->reset_ms >= 0)
		until_ms = now_ms + min64(h->reset_ms, THROTTLE_TOLD_MAX_MS);
	if (h->total > 0 && !rules[e].each.count)
		s->total = min64(h->total, ENDPOINT_TAKEN_MAX);
	if (h->remaining != 0)
		return;
	if (each)
		hold_object(s, object, until_ms);
	else
		s->spent_until_ms = max64(s->spent_until_ms, until_ms);
}

/* Where an object is held, the endpoint only pauses: the limit may be of all
 * of them after all, and then the pauses grow. */
void endpoint_refused(struct endpoints *all, enum endpoint e, uint64_t object,
		      int64_t told_ms, uint32_t random, int64_t now_ms)
{
	struct endpoint_state *s = &all->of[e];

	if (is_each(e, object, -1) && told_ms >= 0) {
		hold_object(s, object,
			    now_ms + min64(told_ms, THROTTLE_TOLD_MAX_MS));
		told_ms = 0;
	}
	throttle_refused(&s->refused, told_ms, random, now_ms);
}

void endpoint_passed(struct endpoints *all, enum endpoint e, int64_t now_ms)
{
	throttle_passed(&all->of[e].refused, now_ms);
}
