/*
 * The rate limits: requests per window for the account, and the tighter ones
 * of a few endpoints. Windows are fixed; every request counts one, refused
 * ones too (the account's counter stops at its limit).
 */
#ifndef REUNITE_SANDBOX_LIMITS_H
#define REUNITE_SANDBOX_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct settings;
struct zen_user;
struct zen_ticket;

struct limit_window {
	int64_t start_ms;
	int64_t used;
};

struct limits {
	struct limit_window zendesk;
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
