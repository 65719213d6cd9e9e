/*
 * One node fetches an account's OAuth token, all use it.
 *
 * Who wants one takes the turn first, then looks whether the account's row has
 * one by now that was not refused here, and fetches only if not. Who does not
 * get the turn looks again until there is one, or until the turn is free.
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_TOKEN_TURN_H
#define REUNITE_APP_TOKEN_TURN_H

#include "api/api_client.h"
#include "app/storeq.h"

struct token_turn;
/* node, account, api: borrowed. Answers what the client wants of tokens. */
struct token_turn *token_turn_new(struct loop *loop, struct storeq *q,
				  const char *node, const char *account,
				  struct api_client *api);
/* What was fetched is in the row: others may look. */
void token_turn_saved(struct token_turn *t);
void token_turn_free(struct token_turn *t); /* NULL is allowed */

#endif
