/*
 * What a PostgreSQL server says of an error, without what its rows hold.
 *
 * DETAIL, HINT and CONTEXT quote rows and statements: never used. The primary
 * message quotes values in some classes (22, data exceptions; whatever a
 * trigger raises): of those not in the table below only the SQLSTATE is told.
 */
#include "pg.h"

#include <stdio.h>
#include <string.h>

/* Classes whose primary messages name tables, roles and hosts at most. */
static const char *const speaking[] = {"08", "0A", "23", "25", "26", "28",
				       "2D", "34", "3D", "40", "42", "53",
				       "54", "55", "57", "58", "F0", "XX"};

static bool is_class(const char *state, const char *class)
{
	return strncmp(state, class, 2) == 0;
}

static bool is_among(const char *state, const char *const *states, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(states[i], state) == 0)
			return true;
	}
	return false;
}

bool pg_is_race(const char *state)
{
	return is_class(state, "40") || strcmp(state, "23505") == 0;
}

bool pg_is_lost(const char *state)
{
	/* A server that became a standby is not ours any more; one that ended
	 * an idle transaction has closed the connection. */
	static const char *const gone[] = {"57P01", "57P02", "57P03", "57P04",
					   "57P05", "25006", "25P03", "25P04"};

	return is_class(state, "08") || is_among(state, gone, ARRAY_LEN(gone));
}

bool pg_is_forgetful(const char *state)
{
	return strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0;
}

static bool speaks(const char *state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(speaking); i++) {
		if (is_class(state, speaking[i]))
			return true;
	}
	return false;
}

void pg_one_line(const char *text, char *out, size_t size)
{
	char *c;

	snprintf(out, size, "%s", text != NULL ? text : "");
	for (c = out; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	}
	while (c > out && c[-1] == ' ')
		*--c = '\0';
}

void pg_error_text(const char *state, const char *message, char *out,
		   size_t size)
{
	char text[128];

	pg_one_line(speaks(state) ? message : NULL, text, sizeof(text));
	snprintf(out, size, "%s%s(%s)", text, *text != '\0' ? " " : "", state);
}

void pg_fail(struct pg *p, const char *state, const char *what)
{
	if (p->db.failed)
		return;
	p->db.failed = true;
	(void)str_copy(p->state, sizeof(p->state), state);
	(void)error_set(p->db.err, RESULT_TEMP, "postgresql: %s", what);
}

static void tell_forgetful(struct pg *p, const char *state)
{
	if (p->plain)
		return;
	p->plain = true;
	log_info("store_statements_not_kept", log_str("sqlstate", state));
}

void pg_fail_result(struct pg *p, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	char text[160];

	if (state == NULL) /* libpq's own */
		state = "08006";
	pg_error_text(state, PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY),
		      text, sizeof(text));
	pg_fail(p, state, text);
	if (pg_is_forgetful(state))
		tell_forgetful(p, state);
	if (pg_is_lost(state))
		pg_drop(p);
}
