/*
 * One act under way: its steps, each a webhook, one after the other.
 */
#ifndef REUNITE_SANDBOX_ACT_H
#define REUNITE_SANDBOX_ACT_H

#include "sandbox/sandbox.h"
#include "sandbox/webhooks_out.h"

struct conversation;
struct http_request;
struct json_t;
struct subscriber;
struct zen_ticket;

struct step {
	struct webhook_order order; /* its strings belong to the order tree */
	char *body;
	char *url, *key; /* of whoever registered for it, or NULL */
};

struct act {
	struct act *next;
	struct sandbox *sandbox;
	struct http_request *request; /* NULL once answered */
	struct json_t *order;	      /* what was asked */
	struct json_t *answer;
	struct json_t *results;
	struct step *steps;
	size_t step_count;
	size_t step_at;
	struct loop_timer *timer; /* a hand-off to come */
	struct conversation *conversation;
};

/* Takes order. */
struct act *act_new(struct sandbox *sb, struct http_request *req,
		    struct json_t *order);
/* Refuses what was asked; the act ends. */
void act_refuse(struct act *act, const char *why);
/* Takes text. to: who registered for it; NULL: as the settings say. */
struct step *act_push(struct act *act, enum webhook_source source,
		      const char *label, char *text,
		      const struct subscriber *to);
/* Takes body. To those who registered for it, and where the settings send it;
 * if neither is anywhere, it fails there. t: the ticket of a trigger. */
void act_add(struct act *act, enum webhook_source source, const char *label,
	     struct json_t *body, const struct zen_ticket *t);
/* The steps, and the answer when it is due. */
void act_run(struct act *act);

#endif
