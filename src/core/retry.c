/*
 * Backoff: see retry.h.
 */
#include "core/retry.h"

static int64_t grow(int64_t first_ms, int factor, int steps, int64_t longest_ms)
{
	int64_t delay_ms = first_ms;

	while (steps-- > 0 && delay_ms < longest_ms)
		delay_ms *= factor;
	return delay_ms < longest_ms ? delay_ms : longest_ms;
}

/* base + random part of span, span included. */
static int64_t spread(int64_t base_ms, int64_t span_ms, uint32_t random)
{
	return base_ms + (int64_t)((uint64_t)random % (uint64_t)(span_ms + 1));
}

int64_t retry_delay_ms(enum result why, int attempts, int64_t told_ms,
		       uint32_t random)
{
	int64_t delay_ms = grow(
		RETRY_FIRST_MS, 2, attempts > 0 ? attempts - 1 : 0,
		why == RESULT_RATE ? RETRY_RATE_LONGEST_MS : RETRY_LONGEST_MS);

	if (why == RESULT_AUTH && delay_ms < RETRY_HOLD_MS)
		delay_ms = RETRY_HOLD_MS;
	delay_ms = spread(delay_ms / 2, delay_ms / 2, random);
	if (told_ms > RETRY_TOLD_MAX_MS)
		told_ms = RETRY_TOLD_MAX_MS;
	if (told_ms > 0 && delay_ms < told_ms)
		delay_ms = spread(told_ms, RETRY_FIRST_MS, random);
	return delay_ms;
}

bool retry_gives_up(enum result why, int attempts)
{
	switch (why) {
	case RESULT_PERM:
	case RESULT_INVALID:
	case RESULT_NOTFOUND:
		return attempts >= RETRY_PERM_TRIES;
	default:
		return false;
	}
}

int64_t retry_wait_ms(int looks, uint32_t random)
{
	int64_t delay_ms =
		grow(RETRY_LOOK_FIRST_MS, 3, looks, RETRY_LONGEST_MS);

	return spread(delay_ms - delay_ms / 10, delay_ms / 5, random);
}
