/*
 * The tables, and how their rows are read: in batches behind a key, so that
 * neither side holds more than one of them.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define SQL_MAX	   8192
#define BATCH_TEXT "1000"
_Static_assert(TABLE_BATCH == 1000, "BATCH_TEXT says so");

#define N(name)	       {#name, DB_INT}
#define T(name)	       {#name, DB_TEXT}
#define B(name)	       {#name, DB_BLOB}
#define COLUMNS(table) table##_columns, ARRAY_LEN(table##_columns)

static const struct table_column accounts_columns[] = {
	N(id),
	T(name),
	N(paused),
	T(hold),
	T(oauth_token),
	N(oauth_expires_ms),
	N(sunco_webhook_ms),
	N(zendesk_webhook_ms),
	N(breaker_since_ms),
	N(paused_ms),
	T(paused_by),
	T(paused_why),
	T(hold_api),
	T(hold_text),
	N(hold_ms),
};
static const struct table_column events_columns[] = {
	N(account),
	B(key),
	N(received_ms),
	N(kind),
};
static const struct table_column jobs_columns[] = {
	N(id),		    N(account),		N(person),
};
