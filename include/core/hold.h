/*
 * When an account is left alone: what the answers of one of its APIs say about
 * that API and our credentials as a whole, not about one person. Pure: time
 * and randomness are parameters.
 *
 * Calls are told apart by what they are for (enum hold_use), since a search
 * may be down while users can be read. Of one use
 *
 *	credentials that are refused                 hold at once
 *	a permission that is missing                 hold when two people in a row
 *	                                             are forbidden, or one three
 *	                                             times, or nobody in particular
 *	no answer, limits                            hold after some in a row
 *
 * and the next answer of that use ends it. While it lasts, whoever works asks
 * hold_wait_ms() before every attempt, and makes one at a time.
 *
 * Forbidden is also what concerns one person only (an agent may not edit
 * them). That is so if somebody else was let since that person was first
 * forbidden, or if nobody else was ever in question for HOLD_TRIES_MAX tries;
 * what is longer ago than HOLD_FORGET_MS was another trouble.
 *
 * Several nodes with the same credentials: whoever finds a hold tells the
 * others, which make no attempt of their own for RETRY_HOLD_MS.
 *
 * Invariants: held if and only if a track holds; next_ms is at most
 * RETRY_HOLD_MS away.
 */
#ifndef REUNITE_CORE_HOLD_H
#define REUNITE_CORE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HOLD_ROW_MAX	  5 /* failures in a row */
#define HOLD_TOKEN_MAX	  2 /* likewise, of fetching a token */
#define HOLD_ROW_MIN	  3 /* these suffice when they last */
#define HOLD_ROW_LASTS_MS 10000
#define HOLD_USER_TRIES	  3	  /* of one person: hold */
#define HOLD_TRIES_MAX	  5	  /* of the only person: about them */
#define HOLD_STALE_MS	  600000  /* a trouble that nobody met again */
#define HOLD_USERS	  16	  /* remembered */
#define HOLD_FORGET_MS	  3600000 /* and not met again */

/* In the order in which they are shown when there are several. */
enum hold_reason {
	HOLD_NONE,
	HOLD_CREDENTIALS,
	HOLD_FORBIDDEN,
	HOLD_RATE_LIMITED,
	HOLD_UNREACHABLE,
	HOLD_REASON_COUNT
};
const char *hold_reason_name(enum hold_reason r); /* NULL for HOLD_NONE */

enum hold_use {
	HOLD_TOKEN,
	HOLD_READ,
	HOLD_SEARCH,
	HOLD_MERGE,
	HOLD_WRITE, /* any other change of a user */
	HOLD_USE_COUNT,
	HOLD_ASIDE = HOLD_USE_COUNT /* nothing rests on it */
};

/* What one answer says; trouble HOLD_NONE: the API did its work. */
struct hold_answer {
	enum hold_use use;
	enum hold_reason trouble;
	uint64_t user;	  /* whom it is about; 0: nobody in particular */
	const char *text; /* which call, what was said; no personal data */
};

struct hold_track {
	bool holds;
	bool told; /* by another node, not met here */
	enum hold_reason reason;
	int failures; /* in a row */
	int64_t first_ms, last_ms;
	struct {
		uint64_t user;
		int64_t at_ms;
	} let[2]; /* the last two who were not forbidden */
	struct error text;
};

struct hold_user {
	uint64_t user;
	enum hold_use use;
	int64_t first_ms, last_ms;
	int tries;
};

struct hold {
	struct hold_track tracks[HOLD_USE_COUNT];
	struct hold_user users[HOLD_USERS];
	size_t user_count;
	enum hold_reason reason; /* as shown */
	enum hold_use use;	 /* whose it is */
	int64_t since_ms;	 /* monotonic; of the whole hold */
	int64_t since_wall_ms;
	int64_t next_ms; /* no attempt before */
	int probes;
	int64_t failures; /* met while it lasted */
	int64_t told_ms;  /* the hold of another node, by when it began, */
	bool refuted;	  /* while it works for us */
};

/* True: forbidden, and about this person only. */
bool hold_learn(struct hold *h, const struct hold_answer *a, int64_t now_ms,
		int64_t wall_ms, uint32_t dice);
/* Another node is held since then, by its word about this use: so are we, until
 * it says that it is over, or until an attempt of ours works. */
void hold_told(struct hold *h, enum hold_use use, enum hold_reason why,
	       const char *text, int64_t since_wall_ms, int64_t now_ms,
	       uint32_t dice);
void hold_told_over(struct hold *h, int64_t now_ms);
/* The hold that is shown was met here. */
bool hold_is_own(const struct hold *h);
/* How long to make no attempt; 0: one may be made now. */
int64_t hold_wait_ms(const struct hold *h, int64_t now_ms);
/* Credentials or settings are other ones: the next attempt may come now. */
void hold_try_again(struct hold *h);
/* What was said, of the track that is shown; "" if not held. */
const char *hold_text(const struct hold *h);

#endif
