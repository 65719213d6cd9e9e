/*
 * The Zendesk calls that reunite uses, as values.
 *
 * Sources: Zendesk Support API, Users, User Identities, Tickets. Ids are
 * numbers. Every callback comes exactly once, on the loop, never from inside
 * the call; values are borrowed for the callback.
 */
#ifndef REUNITE_API_ZENDESK_H
#define REUNITE_API_ZENDESK_H

#include "api/api_client.h"
#include "core/user.h"

typedef void zendesk_user_done(const struct api_result *r,
			       const struct zd_user *user, void *arg);
typedef void zendesk_users_done(const struct api_result *r,
				const struct zd_user *users, size_t count,
				void *arg);
typedef void zendesk_plain_done(const struct api_result *r, void *arg);
typedef void zendesk_count_done(const struct api_result *r, int64_t count,
				void *arg);
typedef void zendesk_ticket_done(const struct api_result *r,
				 uint64_t requester_id, void *arg);

typedef void zendesk_found_done(const struct api_result *r, bool found,
				void *arg);
/* How many of the account's end users there are, and how many of them have no
 * verified address; 0 unless OK. */
typedef void zendesk_head_count_done(const struct api_result *r,
				     int64_t unverified, int64_t end_users,
				     void *arg);

/* A page of an incremental export. */
struct zendesk_page {
	const char *after_cursor; /* where the next one begins; NULL at an end
				     without one: where this one did; borrowed */
	bool end_of_stream;	  /* all up to a minute ago; go on later */
	size_t scanned;		  /* what was in it, before anything was left
				     out */
	int64_t first_ms; /* the earliest change in it; 0: none is told */
};
/* A ticket of a messaging conversation. */
struct zendesk_ticket {
	uint64_t id;
	uint64_t requester_id;
	int64_t created_ms; /* 0: not said */
};
typedef void zendesk_export_users_done(const struct api_result *r,
				       const struct zendesk_page *page,
				       const struct zd_user *users,
				       size_t count, void *arg);
typedef void zendesk_export_tickets_done(const struct api_result *r,
					 const struct zendesk_page *page,
					 const struct zendesk_ticket *tickets,
					 size_t count, void *arg);

struct zendesk_op; /* a call under way, possibly of several requests */
void zendesk_cancel(struct zendesk_op *op);
void zendesk_send_by(struct zendesk_op *op, int64_t boot_ms); /* api_send_by */

/* One user with its identities: side-loaded, or listed with one more request
 * where the answer does not bring them (paging followed). */
struct zendesk_op *zendesk_user_get(struct api_client *c, enum job_lane lane,
				    uint64_t id, zendesk_user_done *done,
				    void *arg);
/* Every hit of a search for the address, each with its identities: the search
 * is fuzzy, so the caller compares exactly. Paging followed, at most 300
 * hits; more is RESULT_PERM. */
struct zendesk_op *zendesk_search_address(struct api_client *c,
					  enum job_lane lane,
					  const char *address,
					  zendesk_users_done *done, void *arg);
struct zendesk_op *zendesk_search_external_id(struct api_client *c,
					      enum job_lane lane,
					      const char *external_id,
					      zendesk_users_done *done,
					      void *arg);
/* from is absorbed, into survives. Never repeated by any layer below. */
struct zendesk_op *zendesk_merge(struct api_client *c, enum job_lane lane,
				 uint64_t from, uint64_t into,
				 zendesk_user_done *done, void *arg);
/* NULL clears it. */
struct zendesk_op *zendesk_set_external_id(struct api_client *c,
					   enum job_lane lane, uint64_t id,
					   const char *external_id,
					   zendesk_plain_done *done, void *arg);
struct zendesk_op *zendesk_set_name(struct api_client *c, enum job_lane lane,
				    uint64_t id, const char *name,
				    zendesk_plain_done *done, void *arg);
/* No verification mail is sent. */
struct zendesk_op *zendesk_add_address(struct api_client *c, enum job_lane lane,
				       uint64_t id, const char *address,
				       bool verified, zendesk_plain_done *done,
				       void *arg);
/* How many tickets the user requested. */
struct zendesk_op *zendesk_user_tickets(struct api_client *c,
					enum job_lane lane, uint64_t id,
					zendesk_count_done *done, void *arg);
/* Marks the address of this identity verified; no mail is sent. */
struct zendesk_op *zendesk_verify_address(struct api_client *c,
					  enum job_lane lane, uint64_t id,
					  uint64_t identity_id,
					  zendesk_plain_done *done, void *arg);
struct zendesk_op *zendesk_ticket_get(struct api_client *c, enum job_lane lane,
				      uint64_t ticket_id,
				      zendesk_ticket_done *done, void *arg);
/* An internal note, seen by agents only. Nothing else of the ticket changes.
 * Never repeated by any layer below. */
struct zendesk_op *zendesk_ticket_note(struct api_client *c, enum job_lane lane,
				       uint64_t ticket_id, const char *text,
				       zendesk_plain_done *done, void *arg);
/* Is there an internal note with this text in it, among the ticket's newest
 * 300 comments? */
struct zendesk_op *
zendesk_ticket_find_note(struct api_client *c, enum job_lane lane,
			 uint64_t ticket_id, const char *text,
			 zendesk_found_done *done, void *arg);
/* Adds a tag beside the ticket's others; takes some away (none of which has
 * a character that a URL would escape). */
struct zendesk_op *zendesk_ticket_tag(struct api_client *c, enum job_lane lane,
				      uint64_t ticket_id, const char *tag,
				      zendesk_plain_done *done, void *arg);
struct zendesk_op *zendesk_ticket_untag(struct api_client *c,
					enum job_lane lane, uint64_t ticket_id,
					const char *const *tags, size_t count,
					zendesk_plain_done *done, void *arg);
/* As Zendesk's search counts them: two requests at the same time. */
struct zendesk_op *zendesk_head_count(struct api_client *c, enum job_lane lane,
				      zendesk_head_count_done *done, void *arg);

/*
 * What changed, the longest ago first (incremental exports, cursor based):
 * from since_ms on, or, if cursor is not NULL, from where an earlier page
 * ended. size: how many of them in a page, at most ZENDESK_PAGE_MAX; an answer
 * may be too large, then a smaller one may be had. Zendesk leaves out the last
 * minute, and refuses a start in it (with RESULT_PERM); a cursor stays good at
 * the end of the stream, one that it does not know any more is RESULT_PERM or
 * RESULT_NOTFOUND. All exports of an account share 10 requests a minute.
 * Admins only (a role that may not is RESULT_AUTH, forbidden), and for tickets
 * OAuth needs tickets:read.
 *
 * Users: active end users only (nobody else can be a messaging user), with
 * their identities: where the answer does not bring them they are read with
 * more requests, 100 users at a time, or one by one where that does not help.
 *
 * Tickets: of every channel (via.channel) that is not known to be something
 * else than messaging: Zendesk has a name for each messenger (native_messaging,
 * whatsapp, sunshine_conversations_api ...) and makes new ones, and whether
 * the requester is a messaging user only its identities tell. Deleted ones are
 * left out.
 */
#define ZENDESK_PAGE_MAX 200
struct zendesk_op *zendesk_export_users(struct api_client *c,
					enum job_lane lane, int64_t since_ms,
					const char *cursor, size_t size,
					zendesk_export_users_done *done,
					void *arg);
struct zendesk_op *zendesk_export_tickets(struct api_client *c,
					  enum job_lane lane, int64_t since_ms,
					  const char *cursor, size_t size,
					  zendesk_export_tickets_done *done,
					  void *arg);
/* These users with their identities; 1 to ZENDESK_MANY_MAX. Those that are
 * not there any more, no end users or not active are left out. */
#define ZENDESK_MANY_MAX 100
struct zendesk_op *zendesk_users_get_many(struct api_client *c,
					  enum job_lane lane,
					  const uint64_t *ids, size_t count,
					  zendesk_users_done *done, void *arg);

#endif
