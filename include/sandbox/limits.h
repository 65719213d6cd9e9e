/*
 * The rate limits: requests per window for the account, and the tighter ones
 * of a few endpoints. Windows are fixed; every request counts one, refused
 * ones too (the account's counter stops at its limit).
 *
 * Another integration may eat of the account's: so many a window, evenly, or
 * some at once. It is nowhere but in the counter. Every window is written
 * down: who took how many, and who was refused.
 */
#ifndef REUNITE_SANDBOX_LIMITS_H
#define REUNITE_SANDBOX_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_t;
struct settings;
struct zen_user;
struct zen_ticket;

struct limit_window {
	int64_t start_ms;
	int64_t used;
};

/* One window of the account. */
struct limit_record {
	int64_t start_ms;
	int64_t limit;
	int64_t taken, refused;		      /* by whoever is tested */
	int64_t others_taken, others_refused; /* by the other integration */
};
#define LIMIT_RECORDS_MAX 1024 /* the newest ones are kept */

struct limits {
	struct limit_window zendesk;
	struct limit_record records[LIMIT_RECORDS_MAX];
	size_t record_count; /* ever */
	int64_t others_due_us;
	struct limit_window sunco;
	struct limit_window incremental;
	struct limit_window updates; /* of any user, a second */
	struct limit_window tickets; /* updates of any ticket */
};

struct limit_verdict {
	bool refused;
	int64_t total;
	int64_t remaining;
	int64_t reset_s; /* rounded up */
};

/* total 0: no limit. */
struct limit_verdict limits_take(struct limit_window *w, int64_t total,
				 int64_t window_ms, int64_t now_ms);
/* A request to the account. */
struct limit_verdict limits_take_account(struct limits *l,
					 const struct settings *settings,
					 int64_t now_ms);
/* The other integration: up to now, and so many more at once. */
void limits_others(struct limits *l, const struct settings *settings,
		   int64_t more, int64_t now_ms);
/* The windows, oldest first: *new*. */
struct json_t *limits_encode(const struct limits *l);
/* Updates: five a minute per user, one a second in all. The verdict tells of
 * the user's. */
struct limit_verdict limits_take_update(struct limits *l,
					const struct settings *settings,
					struct zen_user *u, int64_t now_ms);
/* Updates of a ticket: 30 in ten windows for each, 100 a window in all. */
struct limit_verdict limits_take_ticket(struct limits *l,
					const struct settings *settings,
					struct zen_ticket *t, int64_t now_ms);
/* As Zendesk's headers tell it. */
struct buf;
void limits_headers(const struct limit_verdict *v, struct buf *headers);

#endif
