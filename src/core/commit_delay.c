/*
 * Waiting for more events: see commit_delay.h.
 */
#include "core/commit_delay.h"

#include <stdbool.h>

#define GAP_MAX_US 20000 /* one is enough to make the pace slow */
#define GAP_PART   16	 /* of the average is the last one's */
#define WORTH	   4	 /* so many more are expected, at least */
#define SKIP_FIRST 16u
#define VAIN_MAX   6

void commit_delay_came(struct commit_delay *d, int64_t now_us)
{
	int64_t gap_us = now_us - d->came_us;

	if (d->came_us == 0 || gap_us > GAP_MAX_US)
		gap_us = GAP_MAX_US;
	if (d->came_us == 0)
		d->gap_us = gap_us;
	d->gap_us += (gap_us - d->gap_us) / GAP_PART;
	d->came_us = now_us;
}

static bool is_fast(const struct commit_delay *d)
{
	return d->came_us != 0 && d->gap_us * WORTH < COMMIT_DELAY_US;
}

int64_t commit_delay_us(const struct commit_delay *d, size_t count)
{
	return is_fast(d) && d->skip == 0 && count < COMMIT_DELAY_ENOUGH
		       ? COMMIT_DELAY_US
		       : 0;
}

/* Others still came when half of the wait was over. */
static bool did_come(const struct commit_delay *d, int64_t first_us,
		     int64_t now_us)
{
	return d->came_us - first_us > (now_us - first_us) / 2;
}

void commit_delay_ends(struct commit_delay *d, size_t count, int64_t first_us,
		       int64_t now_us)
{
	if (!is_fast(d))
		return;
	if (d->skip > 0) {
		d->skip--;
	} else if (count >= COMMIT_DELAY_ENOUGH ||
		   did_come(d, first_us, now_us)) {
		d->vain = 0;
	} else if (now_us - first_us >= COMMIT_DELAY_US) {
		d->skip = SKIP_FIRST << d->vain;
		d->vain += d->vain < VAIN_MAX;
	}
}
