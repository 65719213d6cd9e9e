/*
 * Result classes and error text. Text that does not fit is cut.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *result_name(enum result r)
{
	switch (r) {
	case RESULT_OK:
		return "ok";
	case RESULT_TEMP:
		return "temp";
	case RESULT_RATE:
		return "rate";
	case RESULT_AUTH:
		return "auth";
	case RESULT_PERM:
		return "perm";
	case RESULT_NOTFOUND:
		return "notfound";
	case RESULT_CONFLICT:
		return "conflict";
	case RESULT_INVALID:
		return "invalid";
	}
	return "unknown";
}

enum result error_set(struct error *e, enum result r, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return r;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	/* one line, whatever was formatted in */
	for (char *p = e->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return r;
}
