/*
 * The automaton of http_lines.h: a class for each byte, a row for each state.
 */
#include "http_lines.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

enum byte_class {
	C_CTL, /* everything not named below, NUL and DEL */
	C_TAB,
	C_LF,
	C_CR,
	C_SPACE,
	C_TOKEN,
	C_COLON,
	C_VISIBLE, /* delimiters */
	C_HIGH,	   /* 0x80 and up */
	C_COUNT
};

#define CTL C_CTL
#define SPC C_SPACE
#define TOK C_TOKEN
#define VIS C_VISIBLE
#define COL C_COLON

/* clang-format off */
static const uint8_t ascii_class[128] = {
	CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL,
	CTL, C_TAB, C_LF, CTL, CTL, C_CR, CTL, CTL,
	CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL,
	CTL, CTL, CTL, CTL, CTL, CTL, CTL, CTL,
	/* SP !  "    #    $    %    &    ' */
	SPC, TOK, VIS, TOK, TOK, TOK, TOK, TOK,
	/* (  )  *    +    ,    -    .    / */
	VIS, VIS, TOK, TOK, VIS, TOK, TOK, VIS,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	/* 8  9  :    ;    <    =    >    ? */
	TOK, TOK, COL, VIS, VIS, VIS, VIS, VIS,
	/* @ */
	VIS, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	/* X  Y  Z    [    \    ]    ^    _ */
	TOK, TOK, TOK, VIS, VIS, VIS, TOK, TOK,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	TOK, TOK, TOK, TOK, TOK, TOK, TOK, TOK,
	/* x  y  z    {    |    }    ~    DEL */
	TOK, TOK, TOK, VIS, TOK, VIS, TOK, CTL,
};

#define ___ HTTP_LINES_BAD
#define SLF HTTP_LINES_START_LF
#define RST HTTP_LINES_REQUEST_START
#define REQ HTTP_LINES_REQUEST
#define LIN HTTP_LINES_LF
#define FLD HTTP_LINES_FIELD
#define NAM HTTP_LINES_NAME
#define VAL HTTP_LINES_VALUE
#define ELF HTTP_LINES_END_LF
#define END HTTP_LINES_END

static const uint8_t next_state[HTTP_LINES_BAD][C_COUNT] = {
	/*		    ctl  tab  LF   CR   SP   tok  :    vis  high */
	[HTTP_LINES_START] =
			  { ___, ___, ___, SLF, ___, REQ, ___, ___, ___ },
	[HTTP_LINES_START_LF] =
			  { ___, ___, RST, ___, ___, ___, ___, ___, ___ },
	[HTTP_LINES_REQUEST_START] =
			  { ___, ___, ___, ___, ___, REQ, ___, ___, ___ },
	[HTTP_LINES_REQUEST] =
			  { ___, ___, ___, LIN, REQ, REQ, REQ, REQ, ___ },
	[HTTP_LINES_LF] = { ___, ___, FLD, ___, ___, ___, ___, ___, ___ },
	[HTTP_LINES_FIELD] =
			  { ___, ___, ___, ELF, ___, NAM, ___, ___, ___ },
	[HTTP_LINES_NAME] =
			  { ___, ___, ___, ___, ___, NAM, VAL, ___, ___ },
	[HTTP_LINES_VALUE] =
			  { ___, VAL, ___, LIN, VAL, VAL, VAL, VAL, VAL },
	[HTTP_LINES_END_LF] =
			  { ___, ___, END, ___, ___, ___, ___, ___, ___ },
	[HTTP_LINES_END] = { ___, ___, ___, ___, ___, ___, ___, ___, ___ },
};
/* clang-format on */

static enum byte_class byte_class_of(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 128 ? ascii_class[u] : C_HIGH;
}

#define EACH_BYTE(n) (UINT64_C(0x0101010101010101) * (n))

/* So many bytes at the front are neither control bytes nor DEL, looked at
 * eight at a time. A borrow can only mark too much behind a true mark. */
static size_t plain_run(const char *data, size_t len)
{
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t x, del, marks;

		memcpy(&x, data + i, sizeof(x));
		x = le64toh(x);
		del = x ^ EACH_BYTE(0x7f);
		marks = (((x - EACH_BYTE(0x20)) & ~x) |
			 ((del - EACH_BYTE(1)) & ~del)) &
			EACH_BYTE(0x80);
		if (marks)
			return i + (size_t)__builtin_ctzll(marks) / 8;
	}
	return i;
}

size_t http_lines_scan(enum http_lines_state *state, const char *data,
		       size_t len)
{
	enum http_lines_state s = *state;
	size_t i = 0;

	while (i < len && s < HTTP_LINES_END) {
		const uint8_t *next = next_state[s];

		if (s == HTTP_LINES_VALUE)
			i += plain_run(data + i, len - i);
		while (i < len && next[byte_class_of(data[i])] == s)
			i++;
		if (i == len)
			break;
		s = next[byte_class_of(data[i])];
		if (s != HTTP_LINES_BAD)
			i++;
	}
	*state = s;
	return i;
}

bool http_is_token(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (byte_class_of(s[i]) != C_TOKEN)
			return false;
	}
	return len > 0;
}
