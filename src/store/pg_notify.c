/*
 * Hearing of what others write: LISTEN on a connection of its own.
 *
 * What commands write, and what changes how the others work (pauses, holds,
 * decisions, walks, jobs by hand), is told with NOTIFY; plain intake is not,
 * because a notification makes commits wait for each other, and whoever takes
 * an event in runs its job. A message carries the handle that sent it, which
 * does not hear itself.
 *
 * Hearing may fail without anybody noticing (a cut wire): so every now and
 * then pg_changed() says yes by itself, more often while nothing listens. A
 * pooler would take LISTEN and give the session to somebody else: it is known
 * by a server process that is not the one it told us.
 */
#include "pg.h"

#include <string.h>

#include "base/clock.h"

#define DEAF_MS	   3000	  /* without a listener */
#define HEARING_MS 120000 /* with one: whoever has work looks for it anyway */
#define COUNT_MS   60000  /* what others did to the gauges */
#define RETRY_MS   10000

static bool is_for_others(const struct store_op *op)
{
	const struct store_account *a = &op->u.account;

	switch (op->kind) {
	case STORE_ENQUEUE:
	case STORE_DECIDE:
	case STORE_REJECT:
	case STORE_RETRY:
	case STORE_DROP:
	case STORE_WALK:
	case STORE_ERASE:
		return true;
	case STORE_ACCOUNT:
		return a->set_paused || a->set_breaker || a->set_hold ||
		       a->set_token;
	default:
		return false;
	}
}

void pg_tell(struct pg *p, const struct store_op *op)
{
	bool command = p->db.mode == STORE_WRITE && !store_op_reads(op->kind);

	p->tells = p->tells || command || is_for_others(op);
}

void pg_deafen(struct pg *p)
{
	if (p->ears != NULL)
		PQfinish(p->ears);
	p->ears = NULL;
}

static void listen(struct pg *p, int64_t now_ms)
{
	if (now_ms < p->ears_retry_ms)
		return;
	p->ears_retry_ms = now_ms + RETRY_MS;
	if (pg_dial(p, &p->ears, NULL) != RESULT_OK)
		p->ears = NULL;
	else if (PQsendQuery(p->ears, "SELECT pg_backend_pid();"
				      " LISTEN reunite") == 0)
		pg_deafen(p);
}

/* False: nothing will be heard here. */
static bool is_listening(struct pg *p, const PGresult *res)
{
	int64_t pid;

	if (PQresultStatus(res) == PGRES_COMMAND_OK) {
		p->heard++; /* what came before is not known */
		return true;
	}
	if (PQntuples(res) != 1)
		return false;
	if (str_parse_i64(slice_of(PQgetvalue(res, 0, 0)), &pid) &&
	    pid == PQbackendPID(p->ears))
		return true;
	p->ears_retry_ms = INT64_MAX;
	return false;
}

static void hear(struct pg *p)
{
	bool listening = pg_is_alive(p->ears);
	PGresult *res;
	PGnotify *n;

	(void)PQflush(p->ears);
	while (listening && !PQisBusy(p->ears) &&
	       (res = PQgetResult(p->ears)) != NULL) {
		listening = is_listening(p, res);
		PQclear(res);
	}
	while (listening && (n = PQnotifies(p->ears)) != NULL) {
		p->heard += strcmp(n->extra, p->id) != 0;
		PQfreemem(n);
	}
	if (!listening)
		pg_deafen(p);
}

/* A server that is away is tried by those who need it first. */
bool pg_changed(struct store_backend *b)
{
	struct pg *p = (struct pg *)b;
	int64_t now_ms = clock_mono_ms();
	bool changed;

	if (p->ears == NULL && p->conn != NULL)
		listen(p, now_ms);
	if (p->ears != NULL)
		hear(p);
	if (now_ms - p->looked_ms >= (p->ears ? HEARING_MS : DEAF_MS))
		p->heard++;
	changed = p->heard != p->seen;
	if (changed)
		p->looked_ms = now_ms;
	p->seen = p->heard;
	return changed;
}

/* Others count jobs up and down all the time, and tell nobody. */
int64_t pg_version(struct db *d)
{
	struct pg *p = pg_of(d);

	if (p->ears != NULL)
		hear(p);
	return p->heard + clock_mono_ms() / COUNT_MS;
}
