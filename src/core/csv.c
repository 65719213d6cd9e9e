/*
 * The parser: see csv.h.
 *
 *	            ,                          "
 *	AT_FIELD <------ IN_BARE   AT_FIELD ------> IN_QUOTES <-+
 *	   |  \            ^                         | "        | "
 *	   |   +-- other --+                         v          |
 *	   +--CR--> BEHIND_CR --LF--> record   BEHIND_QUOTE ----+
 *	   +--LF--> record                       +-- , --> AT_FIELD
 *	                                         +-- CR, LF as above
 *
 * AT_RECORD is AT_FIELD of the first field, but a line end there is an empty
 * line, not a record. take() makes every transition, one byte each.
 */
#include "core/csv.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

void csv_init(struct csv *c)
{
	*c = (struct csv){.line = 1, .here = 1};
	buf_init(&c->text, CSV_RECORD_MAX);
}

void csv_resume(struct csv *c, size_t width, uint64_t offset, int64_t line)
{
	csv_init(c);
	c->width = width;
	c->offset = offset;
	c->line = c->here = line;
}

void csv_release(struct csv *c)
{
	buf_release(&c->text);
}

struct slice csv_field(const struct csv *c, size_t i)
{
	size_t begin = i > 0 ? c->ends[i - 1] : 0;

	return (struct slice){c->text.data + begin, c->ends[i] - begin};
}

int64_t csv_error_line(const struct csv *c)
{
	return c->quote_line ? c->quote_line : c->here;
}

static enum csv_got broken(struct csv *c, struct error *err, const char *why)
{
	error_set(err, RESULT_INVALID, "%s", why);
	c->state = CSV_OVER;
	return CSV_BROKEN;
}

static void begin_record(struct csv *c)
{
	c->returned = false;
	c->count = 0;
	c->line = c->here;
	buf_clear(&c->text);
}

/* ---- fields ---- */

static size_t field_len(const struct csv *c)
{
	return c->text.len - (c->count > 0 ? c->ends[c->count - 1] : 0);
}

static enum csv_got put(struct csv *c, char byte, enum csv_state then,
			struct error *err)
{
	c->state = then;
	if (field_len(c) == CSV_FIELD_MAX)
		return broken(c, err,
			      c->quote_line
				      ? "a field is too long; is its quote "
					"never closed?"
				      : "a field is too long");
	if (buf_putc(&c->text, byte) != RESULT_OK)
		return broken(c, err, "a record is too long");
	return CSV_MORE;
}

static enum csv_got end_field(struct csv *c, enum csv_state then,
			      struct error *err)
{
	if (c->count == CSV_FIELDS_MAX)
		return broken(c, err, "too many columns");
	c->ends[c->count++] = c->text.len;
	c->quote_line = 0;
	c->state = then;
	return CSV_MORE;
}

static enum csv_got end_record(struct csv *c, struct error *err)
{
	if (end_field(c, CSV_AT_RECORD, err) == CSV_BROKEN)
		return CSV_BROKEN;
	if (c->width == 0)
		c->width = c->count;
	if (c->count != c->width) {
		c->here = c->line;
		c->state = CSV_OVER;
		error_set(err, RESULT_INVALID,
			  "%zu columns, the first line has %zu", c->count,
			  c->width);
		return CSV_BROKEN;
	}
	c->returned = true;
	return CSV_RECORD;
}

/* ---- bytes ---- */

/* A line end, outside of quotes. */
static enum csv_got end_line(struct csv *c, enum csv_state from,
			     struct error *err)
{
	enum csv_got got = CSV_MORE;

	if (from == CSV_AT_RECORD)
		c->state = CSV_AT_RECORD;
	else
		got = end_record(c, err);
	if (got != CSV_BROKEN)
		c->here++;
	return got;
}

/* Outside of quotes, and not the first byte of a quoted field. */
static enum csv_got take_bare(struct csv *c, char byte, struct error *err)
{
	enum csv_state from = c->state;

	switch (byte) {
	case ',':
		return end_field(c, CSV_AT_FIELD, err);
	case '\n':
		return end_line(c, from, err);
	case '\r':
		c->mark = from;
		c->state = CSV_BEHIND_CR;
		return CSV_MORE;
	case '"':
		return broken(c, err,
			      "a quote inside a field that does not begin "
			      "with one");
	default:
		return put(c, byte, CSV_IN_BARE, err);
	}
}

static enum csv_got take_quoted(struct csv *c, char byte, struct error *err)
{
	if (byte == '"') {
		c->state = CSV_BEHIND_QUOTE;
		return CSV_MORE;
	}
	if (byte == '\n')
		c->here++;
	return put(c, byte, CSV_IN_QUOTES, err);
}

static enum csv_got take_behind_quote(struct csv *c, char byte,
				      struct error *err)
{
	if (byte == '"')
		return put(c, byte, CSV_IN_QUOTES, err);
	c->quote_line = 0;
	if (byte == ',' || byte == '\n' || byte == '\r')
		return take_bare(c, byte, err);
	return broken(c, err,
		      "neither a comma nor a line end behind a closing quote");
}

static enum csv_got take(struct csv *c, char byte, struct error *err)
{
	if (byte == '\0') {
		c->quote_line = 0;
		return broken(c, err, "a NUL byte: this is no text in UTF-8");
	}
	switch (c->state) {
	case CSV_AT_RECORD:
	case CSV_AT_FIELD:
		if (byte != '"')
			return take_bare(c, byte, err);
		c->quote_line = c->here;
		c->state = CSV_IN_QUOTES;
		return CSV_MORE;
	case CSV_IN_BARE:
		return take_bare(c, byte, err);
	case CSV_IN_QUOTES:
		return take_quoted(c, byte, err);
	case CSV_BEHIND_QUOTE:
		return take_behind_quote(c, byte, err);
	case CSV_BEHIND_CR:
		if (byte == '\n')
			return end_line(c, c->mark, err);
		return broken(c, err, "a carriage return without a line feed");
	default:
		return CSV_END;
	}
}

/* ---- pieces ---- */

/* The mark counts at the very beginning only; a piece may end inside it. */
static enum csv_got take_first(struct csv *c, char byte, struct error *err)
{
	if (c->offset == 0 &&
	    ((unsigned char)byte == 0xff || (unsigned char)byte == 0xfe))
		return broken(c, err, "UTF-16: save the file as UTF-8");
	if (c->marked != c->offset || byte != BOM[c->offset])
		return take(c, byte, err);
	if (++c->marked == sizeof(BOM) - 1) {
		begin_record(c);
		c->state = CSV_AT_RECORD;
		return CSV_MORE;
	}
	return put(c, byte, CSV_IN_BARE, err);
}

static enum csv_got finish(struct csv *c, struct error *err)
{
	enum csv_state state = c->state;

	if (state == CSV_IN_QUOTES)
		return broken(c, err, "a quote is never closed");
	if (state == CSV_BEHIND_CR)
		return broken(c, err, "a carriage return without a line feed");
	if (state == CSV_AT_RECORD || state == CSV_OVER) {
		c->state = CSV_OVER;
		return CSV_END;
	}
	return end_record(c, err);
}

enum csv_got csv_next(struct csv *c, struct slice *input, bool last,
		      struct error *err)
{
	enum csv_got got = CSV_MORE;

	if (c->state == CSV_OVER)
		return CSV_END;
	if (c->returned || c->state == CSV_AT_RECORD)
		begin_record(c);
	while (got == CSV_MORE && input->len > 0) {
		if (c->state == CSV_AT_RECORD)
			c->line = c->here;
		got = c->offset < sizeof(BOM) - 1
			      ? take_first(c, *input->ptr, err)
			      : take(c, *input->ptr, err);
		c->offset++;
		input->ptr++;
		input->len--;
	}
	return got == CSV_MORE && last ? finish(c, err) : got;
}
