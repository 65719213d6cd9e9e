/*
 * Bounds of a difference between two clocks: see remote_clock.h.
 */
#include "core/remote_clock.h"

static void grow(struct remote_clock *c, int64_t now_ms)
{
	int64_t by_ms = (now_ms - c->at_ms) / REMOTE_CLOCK_DRIFT + 1;

	c->least_ms -= by_ms;
	c->most_ms += by_ms;
	c->at_ms = now_ms;
}

void remote_clock_learn(struct remote_clock *c, int64_t asked_ms,
			int64_t answered_ms, int64_t said_ms)
{
	int64_t least_ms = said_ms - answered_ms;
	int64_t most_ms = said_ms + 1 - asked_ms;

	grow(c, answered_ms);
	if (!c->known || least_ms > c->most_ms || most_ms < c->least_ms) {
		c->least_ms = least_ms;
		c->most_ms = most_ms;
	} else {
		if (least_ms > c->least_ms)
			c->least_ms = least_ms;
		if (most_ms < c->most_ms)
			c->most_ms = most_ms;
	}
	c->known = true;
}

int64_t remote_clock_ahead_ms(const struct remote_clock *c)
{
	return c->least_ms + (c->most_ms - c->least_ms) / 2;
}
