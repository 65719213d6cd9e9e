/*
 * Result classes and error text.
 *
 * There are few classes because each one changes what a caller does. The
 * text is caller-owned, one line, and never holds a secret, an e-mail
 * address, a name or a message body: it ends in logs and on screens.
 */
#ifndef REUNITE_BASE_ERROR_H
#define REUNITE_BASE_ERROR_H

#define MUST_CHECK	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum result {
	RESULT_OK = 0,
	RESULT_TEMP,	 /* may work later: network, 5xx, store busy */
	RESULT_RATE,	 /* told to slow down: 429 */
	RESULT_AUTH,	 /* credentials refused: 401, 403 */
	RESULT_PERM,	 /* will not work however often it is tried */
	RESULT_NOTFOUND, /* the thing named is not there */
	RESULT_CONFLICT, /* somebody else holds it, or it changed meanwhile */
	RESULT_INVALID,	 /* the input breaks its grammar or a limit */
};

struct error {
	char text[256];
};

/* Lower-case name of a class ("ok", "temp", ...), static. */
const char *result_name(enum result r);

/* Formats into e (NULL is allowed: the text is dropped) and returns r. */
enum result error_set(struct error *e, enum result r, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
