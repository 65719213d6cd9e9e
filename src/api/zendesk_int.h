/*
 * A Zendesk call under way: one request, or several for one answer.
 *
 *	op_new -> requests open -> op_end: done() -> freed
 *	              +-- zendesk_cancel(), client freed --> freed
 *
 * Each open request holds one of the op's slots. op_end() cancels what is
 * still open, so done() comes exactly once.
 */
#ifndef REUNITE_API_ZENDESK_INT_H
#define REUNITE_API_ZENDESK_INT_H

#include "api/zendesk.h"
#include "api/zendesk_many.h"
#include "api_int.h"

#define ZENDESK_SLOTS 4 /* requests of one call at the same time */

struct zendesk_op;
struct json_t;

struct zendesk_slot {
	struct zendesk_op *op;
	struct api_request *request; /* NULL: free */
	size_t user;		     /* whose identities are listed */
	int pages;
	struct json_t *identities; /* so far */
};

struct zendesk_op {
	struct api_client *client;
	enum job_lane lane;
	uint64_t id; /* who is meant; 0: a search */
	/* one answer: goes on with op_send() or ends with op_end() */
	void (*answered)(struct zendesk_slot *s, const struct api_result *r,
			 const struct json_t *json);
	/* calls the caller's callback */
	void (*deliver)(struct zendesk_op *op, const struct api_result *r);
	union {
		zendesk_user_done *user;
		zendesk_users_done *users;
		zendesk_plain_done *plain;
		zendesk_ticket_done *ticket;
		zendesk_found_done *found;
		zendesk_count_done *count;
		zendesk_head_count_done *head_count;
		zendesk_export_users_done *export_users;
		zendesk_export_tickets_done *export_tickets;
		zendesk_job_done *job;
	} done;
	void *arg;
	struct zendesk_slot slots[ZENDESK_SLOTS];
	int open;    /* requests */
	int calls;   /* that reached the API */
	bool ending; /* done() runs, or cancelled: not to be touched */
	struct zd_user *users;
	size_t count;
	size_t listed; /* users whose identities are known or being listed */
	int pages;     /* of the search */
	uint64_t requester_id;
	char *text; /* that is looked for; a page's cursor; *owned* */
	bool found;
	int64_t tickets;
	int64_t heads[ZENDESK_SLOTS]; /* head count, slot by slot */
	bool lenient; /* who cannot be read is left out: made inactive */
	size_t asked_from, asked; /* of the users, for their identities */
	struct zendesk_page page;
	struct zendesk_ticket *ticket_rows;
	size_t ticket_row_count;
	struct zendesk_job job; /* its failures are *owned* */
};

struct zendesk_op *zendesk_op_new(struct api_client *c, enum job_lane lane,
				  void *arg);
/* call->api and ->lane are filled in; call->path is copied, NULL: too long. */
void zendesk_op_send(struct zendesk_slot *s, struct api_call *call);
void zendesk_op_end(struct zendesk_op *op, const struct api_result *r);
/* The same with another class. */
void zendesk_op_fail(struct zendesk_op *op, const struct api_result *r,
		     enum result class, const char *why);
/* Takes u. */
void zendesk_op_add_user(struct zendesk_op *op, struct zd_user *u);
/* One request about one object: before, id and behind are its path. */
struct zendesk_op *zendesk_op_start(struct zendesk_op *op,
				    struct api_call *call, const char *before,
				    uint64_t id, const char *behind);
/* zendesk_users.c: lists the identities of those whose are not known, then
 * ends the op. */
void zendesk_op_list_rest(struct zendesk_op *op, const struct api_result *r);
/* For op->answered and op->deliver of calls that answer nothing of use. */
void zendesk_op_plain(struct zendesk_slot *s, const struct api_result *r,
		      const struct json_t *json);
void zendesk_op_deliver_plain(struct zendesk_op *op,
			      const struct api_result *r);
/* The next page of a list: cursor paging says meta.has_more and links.next,
 * offset paging next_page. path: borrowed from the answer. */
enum zendesk_more { MORE_NO, MORE_YES, MORE_BROKEN };
enum zendesk_more zendesk_next_path(const struct zendesk_op *op,
				    const struct json_t *json,
				    const char **path);
/* For op->deliver: the first of the users. */
void zendesk_op_deliver_user(struct zendesk_op *op, const struct api_result *r);

#endif
