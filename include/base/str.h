/*
 * Strings: slices, strict parsing, bounded copies, allocation that aborts.
 *
 * Every parser refuses leading or trailing rubbish, signs and overflow, and
 * leaves *out alone when it returns false.
 */
#ifndef REUNITE_BASE_STR_H
#define REUNITE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed run of bytes, not NUL-terminated. */
struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))

struct slice slice_of(const char *s); /* NULL gives the empty slice */
bool slice_eq(struct slice a, struct slice b);
bool slice_eq_nocase(struct slice a, struct slice b); /* ASCII */
struct slice slice_trim(struct slice s);	      /* ASCII white space */

/* All abort when memory is out; the result is *new*, free(). */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);		   /* NULL gives NULL */
char *xstrndup(const char *s, size_t len); /* adds the NUL */

/* Copies with NUL; false (and dst empty) when it does not fit. */
bool str_copy(char *dst, size_t size, const char *src);
bool str_copy_slice(char *dst, size_t size, struct slice src);
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_eq_nocase(const char *a, const char *b);
bool str_is_empty(const char *s); /* NULL or "" */
bool str_starts(const char *s, const char *prefix);
void str_lower(char *s); /* ASCII, in place */

bool str_parse_u64(struct slice s, uint64_t *out); /* decimal digits */
bool str_parse_i64(struct slice s, int64_t *out);  /* one '-' allowed */
bool str_parse_bool(struct slice s, bool *out); /* true false on off yes no */
/* "250ms" "10s" "3m" "2h" "14d", or "0"; milliseconds. */
bool str_parse_duration(struct slice s, int64_t *out_ms);

/* Shell-style match of one '*' wildcard or more, ASCII, case-insensitive. */
bool str_glob(const char *pattern, const char *s);

/* True when the bytes are valid UTF-8 (RFC 3629, no surrogates). */
bool str_is_utf8(struct slice s);
/* Bytes of the character at the front; 0 when it is none, or s is empty. */
size_t str_utf8_next(struct slice s);

/* In decimal; returns the length. */
#define STR_U64_SIZE 21
size_t str_u64(uint64_t n, char out[STR_U64_SIZE]);
/* The shortest of 15 to 17 digits that reads back as the same number. */
#define STR_DOUBLE_SIZE 32
void str_double(double value, char out[STR_DOUBLE_SIZE]);

#endif
