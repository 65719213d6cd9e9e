/*
 * Tells about accounts that are held: the log (a line when it begins, when its
 * reason changes, every hour, and when it ends), the metric, and the account's
 * row in the store, for other processes. That it is held is core/hold's
 * business, and the scheduler's what follows.
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_HOLDS_H
#define REUNITE_APP_HOLDS_H

#include "api/api_client.h"
#include "app/storeq.h"

struct holds;
/* node: this one's id; borrowed. */
struct holds *holds_new(struct loop *loop, struct storeq *q, const char *node);
void holds_free(struct holds *h); /* NULL is allowed */
/* api: borrowed until replaced or stopped. What the row says of a former life
 * is over. */
void holds_set_account(struct holds *h, const char *account,
		       struct api_client *api);
/* As if nothing were the matter with it. */
void holds_stop_account(struct holds *h, const char *account);
/* The account's row as others may have left it: another node's hold is ours,
 * too, until it is over or an attempt of ours works. */
void holds_read(struct holds *h, const char *account,
		const struct store_account *row);
/* A hold of the account began, changed or ended. */
void holds_look(struct holds *h, const char *account);

/* For a person: what is the matter, and what to do. */
const char *holds_advice(const char *reason, const char *api);

#endif
