/*
 * A small validating scanner over raw JSON bytes: RFC 8259 grammar (UTF-8
 * checked), bounded depth, no allocation, no values decoded.
 *
 * scan_check() decides what is a 400. The walkers find slices in text that
 * has passed it, and must not be used on other text.
 */
#ifndef REUNITE_CORE_SCAN_H
#define REUNITE_CORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define SCAN_MAX_DEPTH 64

/* RESULT_INVALID with the offset in err. Empty text is invalid. */
MUST_CHECK enum result scan_check(struct slice text, struct error *err);

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

/* A value inside checked text: its bytes, quotes and brackets included. */
struct scan_value {
	enum scan_type type;
	struct slice raw;
};

struct scan_value scan_top(struct slice checked);
/* The last member of that name, as jansson does; SCAN_ABSENT if none or not
 * an object. Names with escapes are compared decoded. */
struct scan_value scan_get(struct scan_value obj, const char *name);
/* Several members in one walk: out[i] as scan_get(obj, names[i]) gives it.
 * The names differ from one another. */
void scan_members(struct scan_value obj, const char *const *names,
		  struct scan_value *out, size_t count);
/* Walk an array or an object: start with *pos = 0; false at the end, and for
 * anything else. name_raw keeps its quotes; for arrays it may be NULL. */
bool scan_next(struct scan_value container, size_t *pos, struct slice *name_raw,
	       struct scan_value *value);

/* A string or number as text: escapes decoded (lone surrogates and \u0000
 * become U+FFFD), numbers as written. False if another type or too long. */
bool scan_text(struct scan_value v, char *out, size_t size);
/* A string that says this, escapes decoded; false for other types. */
bool scan_equals(struct scan_value v, const char *text);
/* An id: digits, as number or string; 0 if not. */
uint64_t scan_id(struct scan_value v);

#endif
