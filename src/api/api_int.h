/*
 * What the files of this layer share.
 */
#ifndef REUNITE_API_API_INT_H
#define REUNITE_API_API_INT_H

#include "api/api_client.h"

/* api_send() for wrappers that own their arg: drop(arg) runs instead of the
 * callback when the request is cancelled or the client freed. */
typedef void api_drop(void *arg);
struct api_request *api_send_owned(struct api_client *c,
				   const struct api_call *call, api_done *done,
				   api_drop *drop, void *arg);
const struct api_config *api_client_config(const struct api_client *c);
struct oauth *api_client_oauth(const struct api_client *c);
struct api_holds *api_client_holds(struct api_client *c);
struct loop *api_client_loop(const struct api_client *c);
bool api_client_waits(const struct api_client *c); /* a request to Zendesk */
void api_client_pump(void *c); /* soon: something may go now */
/* The path (and query) of a link in an answer, borrowed from it, if it leads
 * to the same Zendesk account; else NULL. */
const char *api_client_link_path(const struct api_client *c, const char *url);

/* api_config.c: a deep copy, and its end. */
void api_config_copy(struct api_config *dst, const struct api_config *src);
void api_config_release(struct api_config *c);
/* The Authorization header's line; oauth: the token, or NULL. */
struct buf;
void api_authorization(const struct api_config *c, enum api api,
		       const char *oauth, struct buf *out);

/* api_hold.c: what answers say about the account as a whole. */
struct api_holds {
	struct loop *loop;
	struct hold hold[API_COUNT];
	void (*changed)(void *arg); /* or NULL */
	void *changed_arg;
};
/* r of an answer that came, or should have; user: whom it was about. Fills in
 * r->personal. */
void api_holds_learn(struct api_holds *h, struct api_result *r, uint64_t user);
int64_t api_holds_wait_ms(const struct api_holds *h);
/* Nobody will ask for one any more, so that no answer can end its hold. */
void api_holds_need_no_token(struct api_holds *h);

/* api_answer.c: what an answer means. Fills r but api, call and calls; the
 * body's tree is *new* or NULL. */
struct json_t *api_answer_read(const struct http_answer *a, int64_t wall_ms,
			       struct api_result *r);
/* Zendesk answers some requests without valid credentials as to a user who
 * has no id; true: it did, and r says that the credentials are refused. */
bool api_answer_is_anonymous(const struct json_t *json, struct api_result *r);
/* What the headers say about limits. */
struct api_told {
	struct budget_headers account;
	struct endpoint_headers own; /* of the endpoint */
};
void api_answer_told(const struct http_answer *a, enum endpoint e,
		     struct api_told *out);

#endif
