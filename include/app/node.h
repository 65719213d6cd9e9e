/*
 * This process among all that serve the store: it says that it lives, with
 * fingerprints of its settings, and shares the accounts' limits with the others
 * (core/stake.h).
 *
 * Beats every second where there can be others, else once a minute; at once
 * when an account needs a part of its limit. Owned by the loop thread.
 */
#ifndef REUNITE_APP_NODE_H
#define REUNITE_APP_NODE_H

#include "api/api_client.h"
#include "app/config.h"
#include "app/storeq.h"

struct node;
/* shared: there may be others. key: the store's, for the fingerprints. */
struct node *node_new(struct loop *loop, struct storeq *q, bool shared,
		      const uint8_t *key);
/* Says goodbye, too: the queue must still be there. NULL is allowed. */
void node_free(struct node *n);
const char *node_id(const struct node *n);
bool node_is_shared(const struct node *n);
void node_set_config(struct node *n, const struct config *config);
/* api: borrowed until node_drop_account(). */
void node_set_account(struct node *n, const char *account,
		      struct api_client *api);
void node_drop_account(struct node *n, const char *account);

/* A fingerprint of every setting, keyed: {"":{"name":"hash"},"account":{...}};
 * with many accounts one of each account as a whole. *new* */
#define NODE_SETTINGS_ACCOUNTS 500
char *node_settings(const struct config *config, const uint8_t *key);

#endif
