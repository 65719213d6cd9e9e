/*
 * What the checker and the walkers of the scanner share: stepping over the
 * dull bytes of a string eight at a time, and over white space.
 */
#ifndef REUNITE_SRC_CORE_SCAN_BYTES_H
#define REUNITE_SRC_CORE_SCAN_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SCAN_EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))

/* Dull inside a string: ASCII from 0x20 on, but neither quote nor
 * backslash. */
static inline bool scan_is_dull(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

/*
 * The top bit of every byte that is not dull. A borrow can set bits of later
 * bytes too, so only the lowest one counts.
 */
static inline uint64_t scan_marks(uint64_t x)
{
	uint64_t quote = x ^ SCAN_EACH_BYTE('"');
	uint64_t slash = x ^ SCAN_EACH_BYTE('\\');
	uint64_t marks = (quote - SCAN_EACH_BYTE(1)) & ~quote;

	marks |= (slash - SCAN_EACH_BYTE(1)) & ~slash;
	marks |= x - SCAN_EACH_BYTE(0x20);
	return (marks | x) & SCAN_EACH_BYTE(0x80);
}

/* The first byte at or after p that is not dull, or end. */
static inline const char *scan_skip_dull(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t x;

		memcpy(&x, p, sizeof(x));
		x = scan_marks(le64toh(x));
		if (x)
			return p + __builtin_ctzll(x) / 8;
		p += 8;
	}
	while (p < end && scan_is_dull(*p))
		p++;
	return p;
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
