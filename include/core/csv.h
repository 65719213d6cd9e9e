/*
 * Comma-separated values as RFC 4180 has them, record by record, from pieces
 * of any size in bounded memory.
 *
 * Lines end with CRLF or LF, the last one need not. A field may be quoted;
 * then it may hold commas, line ends and, doubled, quotes. A UTF-8 byte order
 * mark at the beginning is left out, and so are lines without a single byte.
 * Every record has as many fields as the first.
 *
 * Refused, with the line: a quote inside a field that did not begin with one,
 * anything but a comma or a line end behind a closing quote, a quote that is
 * never closed (with the line in which it opened), a carriage return without a
 * line feed, NUL bytes, UTF-16, and whatever is over the limits. Nothing can
 * be trusted behind such a place, so reading ends there. What the bytes of a
 * field mean, UTF-8 or not, is the caller's business.
 *
 * Pure: no files, no clock.
 */
#ifndef REUNITE_CORE_CSV_H
#define REUNITE_CORE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define CSV_FIELD_MAX  (64 * 1024) /* bytes of one field, quotes taken off */
#define CSV_FIELDS_MAX 256	   /* of a record */
#define CSV_RECORD_MAX (512 * 1024)

enum csv_state {
	CSV_AT_RECORD, /* nothing of it was read */
	CSV_AT_FIELD,
	CSV_IN_BARE,
	CSV_IN_QUOTES,
	CSV_BEHIND_QUOTE, /* a closing one, or the first of two */
	CSV_BEHIND_CR,
	CSV_OVER, /* the end was reached, or refused */
};

/* Its fields are the parser's; the caller reads through csv_field(), line and
 * offset. */
struct csv {
	enum csv_state state;
	enum csv_state mark; /* CSV_BEHIND_CR: where the CR stood */
	struct buf text;     /* of the record, fields one after the other */
	size_t ends[CSV_FIELDS_MAX];
	size_t count;	    /* fields of the record */
	size_t width;	    /* of every record; 0: none was read */
	int64_t line;	    /* the record's first, from 1 */
	int64_t here;	    /* the line of the next byte */
	int64_t quote_line; /* where the quote opened */
	uint64_t offset;    /* bytes read: of the next one */
	uint64_t marked;    /* bytes of the mark that were there */
	bool returned;	    /* the record; the next byte begins another */
};

void csv_init(struct csv *c);
/* As if everything before had been read: width fields, so many bytes and
 * lines, the next byte begins a record. */
void csv_resume(struct csv *c, size_t width, uint64_t offset, int64_t line);
void csv_release(struct csv *c);

enum csv_got {
	CSV_RECORD, /* c->count fields, until the next call */
	CSV_MORE,   /* all of the input was read: the next piece, please */
	CSV_END,
	CSV_BROKEN, /* err says why, error_line where */
};
/* Reads from *input, and takes off what it read. last: no piece follows. */
enum csv_got csv_next(struct csv *c, struct slice *input, bool last,
		      struct error *err);
/* Borrowed until the next call; i < c->count. */
struct slice csv_field(const struct csv *c, size_t i);
/* CSV_BROKEN: the line that is to blame. */
int64_t csv_error_line(const struct csv *c);

#endif
