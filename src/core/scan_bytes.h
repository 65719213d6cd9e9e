/*
 * What the checker and the walkers of the scanner share: looking at the
 * bytes of a string eight at a time, and stepping over white space.
 */
#ifndef REUNITE_SRC_CORE_SCAN_BYTES_H
#define REUNITE_SRC_CORE_SCAN_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SCAN_EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))

/*
 * The top bit of every quote and backslash. A borrow can set bits of later
 * bytes too, so only the lowest one counts.
 */
static inline uint64_t scan_marks(uint64_t x)
{
	uint64_t quote = x ^ SCAN_EACH_BYTE('"');
	uint64_t slash = x ^ SCAN_EACH_BYTE('\\');

	return (((quote - SCAN_EACH_BYTE(1)) & ~quote) |
		((slash - SCAN_EACH_BYTE(1)) & ~slash)) &
	       SCAN_EACH_BYTE(0x80);
}

/* The same, and of control characters and what is not ASCII. */
static inline uint64_t scan_marks_raw(uint64_t x)
{
	return scan_marks(x) |
	       (((x - SCAN_EACH_BYTE(0x20)) | x) & SCAN_EACH_BYTE(0x80));
}

static inline uint64_t scan_load(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline const char *scan_first_mark(const char *p, uint64_t marks)
{
	return p + __builtin_ctzll(marks) / 8;
}

static inline bool scan_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *scan_skip_space(const char *p, const char *end)
{
	while (p < end && scan_is_space(*p))
		p++;
	return p;
}

static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
