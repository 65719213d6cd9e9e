/*
 * The only reader of the clock, and times as text.
 *
 * Everything else gets the time as a parameter. Wall times are milliseconds
 * since the epoch, UTC; monotonic times have no epoch and are for intervals.
 */
#ifndef REUNITE_BASE_CLOCK_H
#define REUNITE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
/* Like clock_mono_ms(), but a machine that sleeps does not stop it: for what
 * must not be believed to be young after that. */
int64_t clock_boot_ms(void);

/* "2026-11-22T10:00:00.123Z" is 24 characters. */
#define CLOCK_TEXT_SIZE 32
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/*
 * ISO 8601 / RFC 3339: date, 'T' or 't', time, optional fraction of any
 * length (cut to milliseconds), then 'Z' or an offset (+hh:mm, +hhmm, +hh).
 * Pure. False on anything else, impossible dates included.
 */
bool clock_parse_iso8601(struct slice s, int64_t *out_wall_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT" is 29 characters. */
void clock_format_http_date(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* IMF-fixdate of HTTP ("Sun, 06 Nov 1994 08:49:37 GMT"). Pure. */
bool clock_parse_http_date(struct slice s, int64_t *out_wall_ms);

#endif
