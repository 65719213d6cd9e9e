/*
 * The admin listener: /healthz, /readyz, /metrics without a token, /api/v1/
 * behind `Authorization: Bearer`. An empty admin_token closes the API.
 *
 * GET  /api/v1/journal            since_ms action reason source user ticket
 *                                 account after limit
 * GET  /api/v1/journal/{id}       with before-image if personal=true
 * GET  /api/v1/journal/{id}/restore-plan  exact if personal=true
 * POST /api/v1/journal/{id}/reject        body {"by":"name"}
 * GET  /api/v1/readiness          account since_ms: {"summary","weeks"}
 * GET  /api/v1/nodes              who serves the store: name, version, since
 * GET  /api/v1/queue              account state after limit
 * GET  /api/v1/queue/{id}
 * POST /api/v1/queue/{id}/retry   and /api/v1/queue/retry for all dead ones
 * POST /api/v1/queue/{id}/drop
 * GET  /api/v1/reviews            account state reason since_ms after limit
 * GET  /api/v1/reviews/{id}       with "card" (core/review_card.h), values
 *                                 in it and "facts" if personal=true
 * POST /api/v1/reviews/{id}/approve  and /reject, body {"by":"name"}; an
 *                                 approval may have "pin":true
 * GET  /api/v1/accounts           one row each: pause, hold, breaker, queue, sweep,
 *                                 backfill
 * POST /api/v1/accounts/{account}/pause   and /resume, /close-breaker, body
 *                                 {"by":"name","reason":"text or left out"}
 * GET  /api/v1/accounts/{account}/events  the last events that Zendesk told
 *                                 this daemon (app/tidings.h)
 *
 * /readyz answers 200 though accounts are held (core/hold.h): "held" has a row
 * for each API that holds one up, with account, reason, api, since and text (no
 * personal data), and one with the reason "paused" for each that a person did;
 * /accounts has the rows of its account as "holds". 503 when the store fails:
 * "store" is "failing", and "store_error" says why if it said so itself.
 *
 * Lists answer {"items":[...],"next":id or null}; the items are the lines of
 * the commands of the same name. Statuses: 400, 401, 404, 409 (not open any
 * more, or the rules refuse: the error says which), 503.
 *
 * Nothing waits for a store that hangs: /readyz and the API answer 503,
 * /metrics with the gauges as they were. A change that was asked for may still
 * happen then.
 */
#ifndef REUNITE_APP_ADMIN_H
#define REUNITE_APP_ADMIN_H

#include "app/engine.h"
#include "net/http_server.h"

struct admin;

struct admin *admin_new(struct loop *loop, struct engine *engine);
/* fn is called when the API has changed something in the store. */
void admin_on_change(struct admin *a, void (*fn)(void *arg), void *arg);
/* Borrowed; NULL: there are none to be told. */
struct tidings;
void admin_set_tidings(struct admin *a, const struct tidings *t);
/* Open requests are cancelled. */
void admin_free(struct admin *a);
MUST_CHECK enum result admin_listen(struct admin *a, const char *address,
				    struct error *err);
uint16_t admin_port(const struct admin *a);
/* Copied; NULL or "" closes the API. */
void admin_set_token(struct admin *a, const char *token);
/* From now on /readyz answers 503. */
void admin_set_draining(struct admin *a);
/* Answers what it was asked, and closes; see http_server_drain(). */
void admin_drain(struct admin *a, loop_fn *done, void *arg);

#endif
