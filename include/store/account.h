/*
 * An account's row, which all nodes share: pause, hold, token, breaker. See
 * store.h, which includes this.
 */
#ifndef REUNITE_STORE_ACCOUNT_H
#define REUNITE_STORE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

struct store_account {
	const char *account;
	/* change: only what its flag says */
	bool set_paused, set_breaker, set_hold, set_token, set_webhook;
	bool paused;
	/* set_paused, set_breaker: who does it and, if told, why. A change is
	 * an entry of the journal. set_breaker closes the breaker: places
	 * taken before now_ms do not count any more. */
	const char *by;
	const char *why;
	int64_t now_ms;
	const char *hold;      /* reason, NULL: not held */
	const char *hold_api;  /* whose trouble it is, or NULL */
	const char *hold_text; /* what it said, or NULL */
	int64_t hold_ms;       /* since */
	/* Whose word about the hold it is: not put over that of another node
	 * that lives at now_ms. NULL: put in any case. */
	const char *hold_node;
	const char *oauth_token; /* NULL clears it */
	const char *instead_of;	 /* only if it was this one; NULL: any */
	int64_t oauth_expires_ms;
	enum event_source webhook_source; /* last valid webhook */
	int64_t webhook_ms;
	/* out */
	int64_t journal_id; /* of set_paused, set_breaker; 0: no change */
	bool is_paused;
	int64_t paused_ms; /* since; 0: not paused */
	char *paused_by;   /* *owned* or NULL */
	char *paused_why;  /* *owned* or NULL */
	char *held;	   /* *owned* or NULL */
	char *held_api;	   /* *owned* or NULL */
	char *held_text;   /* *owned* or NULL */
	char *held_node;   /* *owned* or NULL */
	int64_t held_ms;
	char *token; /* *owned* or NULL */
	int64_t token_expires_ms;
	int64_t last_webhook_ms[2]; /* by enum event_source */
};

#endif
