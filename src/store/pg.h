/*
 * PostgreSQL behind db.h: the handle, its connection, its statements.
 *
 * A handle has at most one transaction, and no call of it lasts longer than a
 * bounded time, whatever the server does: all waiting is poll(2) with a
 * deadline. A connection that missed it, or that the server broke, is dropped;
 * the next transaction makes another one.
 *
 * What the server says of an error may hold values of rows: of it only the
 * SQLSTATE and, where its class has none, the primary message are used.
 */
#ifndef REUNITE_STORE_PG_H
#define REUNITE_STORE_PG_H

#include <libpq-fe.h>

#include "base/log.h"
#include "db.h"

#define PG_NAME_SIZE  24
#define PG_STATE_SIZE 6
#define PG_VALUES_MAX 512

/* A statement. */
struct pg_rows {
	struct db_rows base;
	const char *text;	 /* as in sql.h; NULL: not used yet */
	char *sql;		 /* in PostgreSQL's words */
	char name[PG_NAME_SIZE]; /* what it is prepared as */
	bool returns;		 /* the new row's id */
	uint64_t session;	 /* that it is prepared in; 0: none */
	uint64_t used;		 /* bit N - 1: ?N occurs, up to 64 */
	bool once;		 /* made by bind_text: it goes at its end */
	struct db_val *values;
	size_t count, cap;
	PGresult *res; /* its rows; NULL: it has not run, or is over */
	int row;       /* the current one; -1: before the first */
};

/* Values as libpq takes them. */
struct pg_args {
	const char *values[PG_VALUES_MAX];
	int lengths[PG_VALUES_MAX];
	int formats[PG_VALUES_MAX];
	int64_t numbers[PG_VALUES_MAX];
	char *cleaned[PG_VALUES_MAX]; /* *new* texts */
	Oid types[PG_VALUES_MAX];
	size_t count;
};

/* Statements of the driver itself. */
enum pg_own {
	PG_OWN_BEGIN,
	PG_OWN_BEGIN_READ,
	PG_OWN_PLAN_ANEW,
	PG_OWN_LIMITS_SERVE,
	PG_OWN_LIMITS_COMMAND,
	PG_OWN_LIMITS_LONG,
	PG_OWN_TURN_OF_ALL,
	PG_OWN_SHARE_WITH_ALL,
	PG_OWN_TURN,
	PG_OWN_SHARE_TURN,
	PG_OWN_MARK,
	PG_OWN_MARKED,
	PG_OWN_UNMARK,
	PG_OWN_TELL,
	PG_OWN_COMMIT,
	PG_OWN_COUNT
};

/* PG_WALKS: reads whole tables, for a command. */
enum pg_tx { PG_READS, PG_WRITES, PG_WALKS, PG_CHANGES_SCHEMA };

/* A job whose account is known. */
struct pg_seat {
	int64_t job_id;
	int64_t account;
};
#define PG_SEATS 1024

struct pg_ahead; /* pg_expect.c */

struct pg {
	struct db db;
	char *url; /* with a password perhaps: never for a log */
	char id[17];
	PGconn *conn;	   /* NULL: none */
	uint64_t session;  /* which connection it is, from 1 on */
	uint64_t begun_in; /* session of the last transaction */
	uint64_t begun;	   /* transactions of this one */
	/* Of the transaction that a daemon waits for, of the statement in a
	 * command. */
	int64_t patience_ms;
	int64_t deadline_ms;	   /* monotonic; when it ends */
	int64_t retry_ms;	   /* no new connection before */
	int64_t backoff_ms;	   /* how long after the next failure */
	struct error trouble;	   /* why there is none */
	char state[PG_STATE_SIZE]; /* SQLSTATE of the transaction's error */
	size_t pending;		/* statements whose outcome is still to come */
	size_t turns;		/* ends of turns that are still to come */
	uint64_t taken;		/* and of how many it has come */
	struct pg_ahead *ahead; /* NULL: nothing was expected yet */
	struct pg_seat seats[PG_SEATS];
	int64_t mark; /* of the last transaction that carries one */
	bool marks;   /* the transaction carries one */
	bool opened;  /* once: then it is known which store it is */
	bool in_tx;
	bool writes; /* the transaction */
	bool tells;  /* others shall hear of it at once */
	bool sent_commit;
	bool warned; /* by the server, since the commit was sent */
	bool late;   /* the deadline was missed */
	/* Whether the last commit happened, or will outlive its server, is not
	 * known. What a new transaction finds is safe once that has itself
	 * committed. */
	bool unsure;
	bool plain; /* statements are not kept by the server's end */
	struct pg_rows rows[SQL_COUNT];
	struct pg_rows own[PG_OWN_COUNT];
	struct pg_args args; /* of the statement that is being sent */

	/* pg_notify.c */
	PGconn *ears;	       /* NULL: none */
	int64_t ears_retry_ms; /* monotonic */
	int64_t looked_ms;     /* when changed() last said so by itself */
	int64_t seen;	       /* of heard, by the last pg_changed() */
	int64_t heard;	       /* how often others wrote */
};

static inline struct pg *pg_of(struct db *d)
{
	return (struct pg *)d;
}

/* pg_conn.c: connects unless it is; RESULT_TEMP while that does not work. */
enum result pg_connect(struct pg *p, struct error *err);
/* Another connection to the same place, blocking for a bounded time. */
enum result pg_dial(struct pg *p, PGconn **out, struct error *err);
bool pg_is_alive(PGconn *conn);
/* No answer will come any more. */
void pg_drop(struct pg *p);
/* From now on a call may last so long. */
void pg_limit(struct pg *p, int64_t ms);
/* Ends a turn: the server answers all that was sent. Only between turns does
 * it look at how long a transaction is idle, so nothing may be waited for
 * within one: a process that is stopped there would keep its locks. */
bool pg_turn(struct pg *p);
/* The next result, or NULL: there is no more of this statement, or (db.failed)
 * the connection is lost. */
PGresult *pg_result(struct pg *p);

/* pg_error.c: the transaction fails so; later errors are not told. */
void pg_fail(struct pg *p, const char *state, const char *what);
void pg_fail_result(struct pg *p, const PGresult *res);
/* As one line, cut where it is too long. */
void pg_one_line(const char *text, char *out, size_t size);
/* What a server said, without values, one line. */
void pg_error_text(const char *state, const char *message, char *out,
		   size_t size);
/* The same transaction may work when it is repeated at once. */
bool pg_is_race(const char *state);
/* This connection will not work any more. */
bool pg_is_lost(const char *state);
/* The server's end does not keep what was prepared. */
bool pg_is_forgetful(const char *state);

/* pg_stmt.c */
extern const struct db_driver pg_driver;
/* A statement of the driver's own (*lives as long*), to be run or posted. */
struct db_rows *pg_bind_own(struct pg *p, enum pg_own id,
			    const struct db_val *values, size_t count);
/* Runs a text in PostgreSQL's own words; *new*, or NULL after an error. */
PGresult *pg_ask(struct pg *p, const char *sql);
/* Ends the pipeline's turn after the last statement sent: its result (*new*),
 * or NULL after an error. */
PGresult *pg_finish(struct pg *p);
/* What was sent is given up; false: the connection is lost. */
bool pg_abandon(struct pg *p);
void pg_rows_release(struct pg_rows *r);

/* pg_open.c */
enum result pg_open(struct store_backend **out, const char *location,
		    enum store_mode mode, int64_t now_ms, struct error *err);
void pg_close(struct store_backend *b);
/* What libpq takes, of what is behind the scheme; *new*. */
char *pg_url(const char *location);
/* Until the end of the transaction nobody writes to the store, or begins to
 * serve it. RESULT_CONFLICT: somebody does. */
enum result pg_keep_out(struct pg *p, struct error *err);
/* It is the store that this handle was opened for. */
enum result pg_same_store(struct pg *p, struct error *err);

/* pg_health.c */
void pg_health(struct db *d, struct store_health *out);
int64_t pg_now_ms(struct db *d);
int64_t pg_last_id(struct db *d, const char *table);
void pg_set_last_id(struct db *d, const char *table, int64_t id);

/* pg.c: transactions. */
enum result pg_begin(struct pg *p, enum pg_tx kind, struct error *err);
enum result pg_commit(struct store_backend *b, struct error *err);
void pg_rollback(struct store_backend *b);

/* pg_expect.c: the statement that is sent next is expected; false: there are
 * too many. */
bool pg_expect_add(struct pg *p, enum sql id, const struct db_val *values,
		   size_t count);
/* Some have no answer yet; the outcome that comes next is one's; it is *taken*. */
bool pg_expect_awaits(const struct pg *p);
bool pg_expect_is_next(const struct pg *p);
void pg_expect_answer(struct pg *p, PGresult *res);
/* The answer, if there is one that holds: *new*, else NULL. */
PGresult *pg_expect_take(struct pg *p, enum sql id, const struct db_val *values,
			 size_t count);
/* This statement changes rows: the answers about them hold no longer. */
void pg_expect_spoil(struct pg *p, enum sql id, const char *text,
		     const struct db_val *values);
void pg_expect_end(struct pg *p); /* of a transaction */
void pg_expect_free(struct pg *p);

/* pg_batch.c: behind BEGIN: the turns of its accounts, and what it will ask. */
void pg_batch_start(struct pg *p, const struct store_batch *batch);
/* Before COMMIT, so that one can tell later whether that happened. */
void pg_batch_mark(struct pg *p);
enum pg_outcome { PG_UNKNOWN, PG_HAPPENED, PG_DID_NOT_HAPPEN };
enum pg_outcome pg_batch_outcome(struct pg *p);

/* pg_notify.c: others shall hear of it, if this operation is for them. */
void pg_tell(struct pg *p, const struct store_op *op);
/* Others wrote since the last call, or may have. */
bool pg_changed(struct store_backend *b);
int64_t pg_version(struct db *d);
void pg_deafen(struct pg *p);

/* pg_text.c: a statement of sql.h in PostgreSQL's words (*new*); *used* gets
 * the parameters that occur. */
char *pg_text_query(const char *sql, bool returns_id, uint64_t *used);
/* A statement of migrate.c, likewise. */
char *pg_text_schema(const char *sql);
/* What a statement is prepared as: the same for the same text. */
void pg_text_name(const char *sql, char out[PG_NAME_SIZE]);
/* What PostgreSQL takes as text: *new*, with U+FFFD for bytes that are not
 * UTF-8; NULL: it takes it as it is. */
char *pg_text_clean(const char *s);

#endif
