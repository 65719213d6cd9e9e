/*
 * A small validating reader of raw JSON bytes: RFC 8259 grammar (UTF-8
 * checked), bounded depth, no values decoded.
 *
 * scan_read() decides what is a 400, and notes on the way where each value
 * begins and ends, so that nothing is looked at twice. The walkers go by its
 * notes; what they return borrows from them and from the text.
 */
#ifndef REUNITE_CORE_SCAN_H
#define REUNITE_CORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define SCAN_MAX_DEPTH 64
#define SCAN_MAX_BYTES (16 * 1024 * 1024)

/* A value, or the name of a member, which comes just before its value. */
struct scan_node {
	uint32_t at; /* offset of its first byte */
	uint32_t len : 31;
	uint32_t escaped : 1; /* a string with a backslash in it */
	uint32_t span;	      /* nodes, itself and all inside */
};

/* So many nodes need no memory of their own: more than a SunCo event has. */
#define SCAN_ROOM 256

/* Caller's memory; its address must not change. */
struct scan {
	const char *text;
	struct scan_node *nodes; /* in the order in which they begin */
	size_t count;
	size_t cap;
	struct scan_node room[SCAN_ROOM];
};

/*
 * RESULT_INVALID with the offset in err, and nothing to release. Empty text
 * is invalid. The notes take at most twelve times the room of the text.
 */
MUST_CHECK enum result scan_read(struct scan *s, struct slice text,
				 struct error *err);
void scan_release(struct scan *s);

enum scan_type {
	SCAN_ABSENT = 0,
	SCAN_OBJECT,
	SCAN_ARRAY,
	SCAN_STRING,
	SCAN_NUMBER,
	SCAN_TRUE,
	SCAN_FALSE,
	SCAN_NULL,
};

struct scan_value {
	enum scan_type type;
	struct slice raw; /* its bytes, quotes and brackets included */
	const struct scan_node *node;
};

struct scan_value scan_top(const struct scan *s);
/* The last member of that name, as jansson does; SCAN_ABSENT if none or not
 * an object. Names with escapes are compared decoded. */
struct scan_value scan_get(struct scan_value obj, const char *name);
/* Several members in one walk: out[i] as scan_get(obj, names[i]) gives it.
 * The names differ from one another. */
void scan_members(struct scan_value obj, const struct slice *names,
		  struct scan_value *out, size_t count);
#define SCAN_NAME(literal)                                                     \
	{                                                                      \
		(literal), sizeof(literal) - 1                                 \
	}
/* Walk an array or an object: start with *pos = 0; false at the end, and for
 * anything else. name, a string, may be NULL; arrays leave it alone. */
bool scan_next(struct scan_value container, size_t *pos,
	       struct scan_value *name, struct scan_value *value);

/* A string or number as text: escapes decoded (lone surrogates and \u0000
 * become U+FFFD), numbers as written. False if another type or too long. */
bool scan_text(struct scan_value v, char *out, size_t size);
/* A string that says this, escapes decoded; false for other types. */
bool scan_equals(struct scan_value v, struct slice text);
/* An id: digits, as number or string; 0 if not. */
uint64_t scan_id(struct scan_value v);

#endif
