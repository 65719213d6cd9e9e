/*
 * A growing byte buffer with a named maximum.
 *
 * data is always NUL-terminated (the NUL is not counted in len) and never
 * NULL after buf_init(). A write past max changes nothing, sets overflow and
 * returns RESULT_INVALID; overflow stays set, and every further write refused,
 * until buf_clear(), so a chain of writes may be checked once at its end. Out
 * of memory aborts.
 */
#ifndef REUNITE_BASE_BUF_H
#define REUNITE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
	bool overflow;
};

void buf_init(struct buf *b, size_t max_bytes); /* allocates nothing */
void buf_release(struct buf *b);		/* b may be used again */
void buf_clear(struct buf *b);			/* keeps the memory */
enum result buf_append(struct buf *b, const void *data, size_t len);
enum result buf_puts(struct buf *b, const char *s);
enum result buf_putc(struct buf *b, char c);
enum result buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_consume(struct buf *b, size_t len); /* drops bytes at the front */
char *buf_detach(struct buf *b); /* *new* string, free(); b is empty then */

#endif
