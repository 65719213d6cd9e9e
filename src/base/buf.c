/*
 * A growing byte buffer with a named maximum.
 *
 * Invariants: data is never NULL; cap == 0 means that data is the shared
 * empty string, which nobody writes to; otherwise len < cap and
 * data[len] == 0; len <= max.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define BUF_FIRST_CAP 64

static char buf_nothing[1];

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.data = buf_nothing, .max = max_bytes};
}

void buf_release(struct buf *b)
{
	if (b->cap)
		free(b->data);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->cap)
		b->data[0] = '\0';
}

/* Room for extra bytes and the NUL, or overflow. */
static bool buf_grow(struct buf *b, size_t extra)
{
	size_t need, cap = b->cap ? b->cap : BUF_FIRST_CAP;

	if (b->overflow || extra > b->max - b->len || b->len > b->max ||
	    extra >= SIZE_MAX - b->len) {
		b->overflow = true;
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->cap)
		return true;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	b->data = xrealloc(b->cap ? b->data : NULL, cap);
	b->cap = cap;
	return true;
}

enum result buf_append(struct buf *b, const void *data, size_t len)
{
	if (!buf_grow(b, len))
		return RESULT_INVALID;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return RESULT_OK;
}

enum result buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

enum result buf_putc(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

enum result buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->overflow = true;
		return RESULT_INVALID;
	}
	if (!buf_grow(b, (size_t)n))
		return RESULT_INVALID;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return RESULT_OK;
}

void buf_consume(struct buf *b, size_t len)
{
	if (len > b->len)
		len = b->len;
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

char *buf_detach(struct buf *b)
{
	char *s = b->cap ? b->data : xstrdup("");

	buf_init(b, b->max);
	return s;
}
