/*
 * Obeying refusals: see throttle.h.
 */
#include "core/throttle.h"

#include <stdbool.h>

enum { DOUBLINGS_MAX = 16 };

/* Doubles with every refusal after the first. */
static int64_t grow(int64_t first_ms, int refusals, int64_t longest_ms)
{
	int64_t ms = first_ms;

	for (int i = 1; i < refusals && ms < longest_ms; i++)
		ms *= 2;
	return ms < longest_ms ? ms : longest_ms;
}

static int64_t hold_ms(int refusals, int64_t told_ms, uint32_t random)
{
	int64_t own_ms;

	if (told_ms < 0) {
		own_ms = grow(THROTTLE_UNTOLD_MS, refusals,
			      THROTTLE_UNTOLD_MAX_MS);
		/* many of us must not come back in the same moment */
		return own_ms / 2 + random % (uint64_t)(own_ms / 2 + 1);
	}
	own_ms = grow(THROTTLE_FIRST_MS, refusals, THROTTLE_LONGEST_MS);
	if (told_ms > THROTTLE_TOLD_MAX_MS)
		told_ms = THROTTLE_TOLD_MAX_MS;
	return told_ms > own_ms ? told_ms : own_ms;
}

int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms)
{
	int64_t at_ms = t->until_ms > t->next_ms ? t->until_ms : t->next_ms;

	return t->refusals > 0 && now_ms < at_ms ? at_ms - now_ms : 0;
}

void throttle_sent(struct throttle *t, int64_t now_ms)
{
	t->next_ms = now_ms + THROTTLE_PROBE_MS;
}

void throttle_refused(struct throttle *t, int64_t told_ms, uint32_t random,
		      int64_t now_ms)
{
	bool anew = t->refusals == 0 || now_ms >= t->until_ms;
	int64_t until_ms;

	if (anew && t->refusals < DOUBLINGS_MAX)
		t->refusals++;
	until_ms = now_ms + hold_ms(t->refusals, told_ms, random);
	if (anew || until_ms > t->until_ms)
		t->until_ms = until_ms;
}

void throttle_told(struct throttle *t, int64_t until_ms, int64_t now_ms)
{
	if (until_ms <= now_ms)
		return;
	if (t->refusals == 0)
		t->refusals = 1;
	if (until_ms > t->until_ms)
		t->until_ms = until_ms;
}

int64_t throttle_told_ms(const struct throttle *t, int64_t now_ms)
{
	return t->refusals > 0 && now_ms < t->until_ms ? t->until_ms - now_ms
						       : 0;
}

void throttle_passed(struct throttle *t, int64_t now_ms)
{
	if (now_ms >= t->until_ms)
		*t = (struct throttle){0};
}
