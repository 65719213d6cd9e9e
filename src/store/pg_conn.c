/*
 * The connection: made, waited for, dropped.
 *
 *	none --pg_connect--> open --pg_drop--> none
 *
 * Making one blocks for at most connect_timeout per host of the URL: libpq's
 * own loop, because it alone goes on to the next host. It is tried at once
 * after a loss, then with a growing, jittered delay in which calls fail with
 * what the last try said. Everything after that is non-blocking libpq in
 * pipeline mode, waited for with poll(2) until the call's deadline.
 *
 * Invariant: a connection that missed a deadline is dropped, since nobody knows
 * what it would still answer. The server ends what was left in it by the
 * timeouts that each transaction carries; see pg.c.
 */
#include "pg.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"

#define BACKOFF_MS     250
#define BACKOFF_MAX_MS 5000
#define OLDEST	       130000 /* PostgreSQL 13 */

/* What the URL does not say. */
static const struct setting {
	const char *name;
	const char *environment; /* says so, too; or NULL */
	const char *value;
} settings[] = {
	{"fallback_application_name", NULL, "reunite"},
	{"client_encoding", NULL, "UTF8"},
	{"connect_timeout", "PGCONNECT_TIMEOUT", "3"},
	{"target_session_attrs", "PGTARGETSESSIONATTRS", "read-write"},
	{"keepalives_idle", NULL, "10"},
	{"keepalives_interval", NULL, "3"},
	{"keepalives_count", NULL, "3"},
	{"tcp_user_timeout", NULL, "10000"},
};

static void on_notice(void *arg, const PGresult *res)
{
	const char *severity =
		PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		((struct pg *)arg)->warned = true;
}

static PGconn *dial(const char *url)
{
	const char *names[ARRAY_LEN(settings) + 2];
	const char *values[ARRAY_LEN(settings) + 2];
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(settings); i++) {
		if (settings[i].environment != NULL &&
		    getenv(settings[i].environment) != NULL)
			continue;
		names[n] = settings[i].name;
		values[n++] = settings[i].value;
	}
	/* What comes later wins. */
	names[n] = "dbname";
	values[n++] = url;
	names[n] = values[n] = NULL;
	return PQconnectdbParams(names, values, 1);
}

/* libpq's messages name hosts, roles and databases, never the password. */
static enum result why_not(const PGconn *conn, struct error *err)
{
	char text[200];

	pg_one_line(PQerrorMessage(conn), text, sizeof(text));
	return error_set(err, RESULT_TEMP, "postgresql: %s", text);
}

static enum result check_server(const PGconn *conn, struct error *err)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	int version = PQserverVersion(conn);

	if (version < OLDEST)
		return error_set(
			err, RESULT_PERM,
			"postgresql: the server is version %d, reunite "
			"needs %d or newer",
			version / 10000, OLDEST / 10000);
	if (!str_eq(encoding, "UTF8"))
		return error_set(err, RESULT_PERM,
				 "postgresql: the database's encoding is %s, "
				 "reunite needs UTF8",
				 encoding != NULL ? encoding : "not known");
	return RESULT_OK;
}

enum result pg_dial(struct pg *p, PGconn **out, struct error *err)
{
	PGconn *conn = dial(p->url);
	enum result r;

	if (PQstatus(conn) != CONNECTION_OK)
		r = why_not(conn, err);
	else
		r = check_server(conn, err);
	if (r == RESULT_OK && PQsetnonblocking(conn, 1) != 0)
		r = why_not(conn, err);
	if (r != RESULT_OK) {
		PQfinish(conn);
		return r;
	}
	(void)PQsetNoticeReceiver(conn, on_notice, p);
	*out = conn;
	return RESULT_OK;
}

void pg_drop(struct pg *p)
{
	if (p->conn != NULL)
		PQfinish(p->conn);
	p->conn = NULL;
	p->pending = p->turns = 0;
	pg_expect_end(p);
}

static bool is_readable(const PGconn *conn)
{
	struct pollfd fd = {PQsocket(conn), POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

/* What a server says at its end comes before the end itself. */
bool pg_is_alive(PGconn *conn)
{
	int i;

	for (i = 0; i < 3 && is_readable(conn); i++) {
		if (PQconsumeInput(conn) == 0)
			return false;
		(void)PQisBusy(conn);
	}
	return PQstatus(conn) == CONNECTION_OK;
}

static int64_t jittered(int64_t ms)
{
	uint16_t r;

	crypto_random(&r, sizeof(r));
	return ms / 2 + ms * r / UINT16_MAX;
}

static void back_off(struct pg *p)
{
	p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_MS : 2 * p->backoff_ms;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	p->retry_ms = clock_mono_ms() + jittered(p->backoff_ms);
}

static enum result make(struct pg *p)
{
	enum result r = pg_dial(p, &p->conn, &p->trouble);

	if (r != RESULT_OK)
		return r;
	p->session++;
	p->pending = p->turns = 0;
	pg_expect_end(p);
	if (PQenterPipelineMode(p->conn) == 0)
		r = why_not(p->conn, &p->trouble);
	else if (p->opened && p->db.mode != STORE_TARGET) /* has a mark */
		r = pg_same_store(p, &p->trouble);
	if (r != RESULT_OK)
		pg_drop(p);
	return r;
}

enum result pg_connect(struct pg *p, struct error *err)
{
	enum result r = RESULT_OK;

	if (p->conn != NULL && pg_is_alive(p->conn))
		return RESULT_OK;
	pg_drop(p);
	if (clock_mono_ms() < p->retry_ms)
		r = RESULT_TEMP;
	else
		r = make(p);
	if (r == RESULT_OK) {
		if (p->backoff_ms != 0)
			log_info("store_connected",
				 log_str("host", PQhost(p->conn)));
		p->retry_ms = p->backoff_ms = 0;
		return RESULT_OK;
	}
	if (clock_mono_ms() >= p->retry_ms)
		back_off(p);
	return error_set(err, p->opened ? RESULT_TEMP : r, "%s",
			 p->trouble.text);
}

void pg_limit(struct pg *p, int64_t ms)
{
	p->deadline_ms = clock_mono_ms() + ms;
}

static bool lose(struct pg *p, const char *what)
{
	pg_fail(p, "08006", what);
	pg_drop(p);
	return false;
}

/* Sends what waits to be sent, and reads what is there. */
static bool wait_socket(struct pg *p)
{
	int unsent = PQflush(p->conn);
	struct pollfd fd = {PQsocket(p->conn), POLLIN, 0};
	int64_t left_ms = p->deadline_ms - clock_mono_ms();
	int n;

	if (unsent < 0)
		return lose(p, "the connection is lost");
	if (left_ms <= 0) {
		p->late = true;
		return lose(p, "the server does not answer");
	}
	if (unsent > 0)
		fd.events |= POLLOUT;
	n = poll(&fd, 1, (int)left_ms);
	if (n < 0 && errno != EINTR)
		return lose(p, "the connection cannot be waited for");
	if (n > 0 && PQconsumeInput(p->conn) == 0)
		return lose(p, "the connection is lost");
	return true;
}

bool pg_turn(struct pg *p)
{
	if (p->conn == NULL || PQpipelineSync(p->conn) != 1)
		return false;
	p->turns++;
	return true;
}

PGresult *pg_result(struct pg *p)
{
	PGresult *res;

	while (p->conn != NULL) {
		while (PQisBusy(p->conn)) {
			if (!wait_socket(p))
				return NULL;
		}
		res = PQgetResult(p->conn);
		if (PQresultStatus(res) != PGRES_PIPELINE_SYNC)
			return res;
		PQclear(res);
		p->turns--;
	}
	return NULL;
}
