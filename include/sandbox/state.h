/*
 * What the two platforms hold: Zendesk users, identities and tickets,
 * SunCo users and conversations, and the merges that happened.
 *
 * Everything is owned by the state and lives until state_reset(): a merged or
 * deleted user becomes inactive, it is never freed. Look-ups by id, address,
 * external id and SunCo id are hashed. Addresses and external ids compare
 * case-insensitively and are unique per brand (0: the whole account); the
 * state does not enforce that, callers ask first. Times are wall milliseconds
 * and always a parameter.
 *
 * Changes that Zendesk would tell its event subscribers are collected until
 * state_changes_take().
 */
#ifndef REUNITE_SANDBOX_STATE_H
#define REUNITE_SANDBOX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SUN_ID_SIZE 25 /* 24 hex digits and the NUL */

struct index;
struct search;
struct json_t;

struct zen_identity {
	uint64_t id;
	uint64_t user_id;
	char *type;
	char *value;
	char *method; /* verification_method; NULL: not told */
	bool primary;
	bool verified;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t visible_ms; /* no answer shows it before */
};

struct zen_organization {
	uint64_t id;
	char *name;
};

struct zen_membership {
	uint64_t id;
	uint64_t organization_id;
};

struct zen_user {
	uint64_t id;
	char *name;
	char *role; /* "end-user", "agent", "admin" */
	char *external_id;
	char *notes;
	char *details;
	char *phone;
	char *alias;
	char *locale;
	char *time_zone;
	struct json_t *user_fields; /* object */
	struct json_t *tags;	    /* array of strings */
	bool active;
	bool purged; /* deleted for good */
	bool suspended;
	bool shared;
	uint64_t organization_id; /* of the default membership; 0: none */
	struct zen_membership *memberships;
	size_t membership_count;
	uint64_t brand_id;
	uint64_t merged_into;
	int64_t old_tickets; /* counted, not kept */
	struct zen_identity **identities;
	size_t identity_count;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t update_window_ms; /* limits: start of its minute of updates */
	int64_t update_count;
	struct search_doc *doc; /* as the search sees it */
	int64_t doc_due_ms;	/* when it changed last; search.c */
};

struct zen_comment {
	char *body;
	bool is_public;
	uint64_t author_id;
	int64_t created_ms;
};

struct zen_ticket {
	uint64_t id;
	uint64_t requester_id;
	char *subject;
	char *status;
	char *channel;	       /* how it came: via.channel */
	char *conversation_id; /* or NULL */
	struct json_t *tags;   /* array of strings */
	struct zen_comment *comments;
	size_t comment_count;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t update_window_ms; /* limits: start of its ten minutes */
	int64_t update_count;
};

struct sun_identity {
	char *type;
	char *value;
	char *verification; /* or NULL */
};

struct sun_user {
	char id[SUN_ID_SIZE];
	bool authenticated;
	bool active; /* false: merged or removed */
	char *external_id;
	uint64_t zendesk_id;
	uint64_t brand_id;
	char *email; /* profile.email */
	char *given_name;
	char *surname;
	char *locale;
	struct json_t *metadata; /* object */
	struct sun_identity *identities;
	size_t identity_count;
	int64_t signed_up_ms;
};

struct conversation {
	char id[SUN_ID_SIZE];
	struct sun_user *user;
	char *typed_email; /* what a form collected, or NULL */
	char *typed_name;
	uint64_t ticket_id; /* 0: not handed off */
};

struct merge_record {
	uint64_t from;
	uint64_t into;
	int64_t at_ms;
	const char *by; /* "api" or "zendesk", static */
};

enum change_kind {
	CHANGE_USER_CREATED,
	CHANGE_USER_DELETED,
	CHANGE_USER_MERGED, /* user into other */
	CHANGE_IDENTITY_CREATED,
	CHANGE_IDENTITY_CHANGED,
	CHANGE_IDENTITY_DELETED,
};

struct change {
	enum change_kind kind;
	uint64_t user_id;
	uint64_t other_user_id;
	uint64_t identity_id;
	char *identity_type;
	char *identity_value;
	char *identity_previous; /* value before, where that changed, or NULL */
	bool identity_primary;
	int64_t at_ms;
};

struct state {
	struct zen_user **users; /* in the order of their creation */
	size_t user_count;
	struct zen_organization *organizations;
	size_t organization_count;
	struct zen_ticket **tickets;
	size_t ticket_count;
	struct sun_user **sun_users;
	size_t sun_user_count;
	struct conversation **conversations;
	size_t conversation_count;
	struct merge_record *merges;
	size_t merge_count;
	struct change *changes;
	size_t change_count;
	struct search *search;
	struct index *by_id, *by_address, *by_external_id, *by_messaging;
	struct index *ticket_by_id, *tickets_of;
	struct index *sun_by_id, *sun_by_external_id, *sun_by_address;
	struct index *conversation_by_id;
	struct reservation *reserved; /* external ids that lag */
	size_t reserved_count;
	uint64_t next_id; /* of users and identities */
	uint64_t next_ticket_id;
	uint64_t next_hex;
	uint32_t run; /* first part of every hex id */
};

/* Ids start at first_id; run tells one run's hex ids from another's. */
struct state *state_new(uint64_t first_id, uint32_t run);
void state_free(struct state *s);
void state_reset(struct state *s); /* empties; ids go on */
void state_hex_id(struct state *s, char out[SUN_ID_SIZE]);

/* Zendesk users. id 0 takes the next one; a used id is a caller's bug. */
struct zen_user *state_user_add(struct state *s, uint64_t id, const char *name,
				int64_t now_ms);
struct zen_user *state_user(const struct state *s, uint64_t id);
/* Active ones only. */
struct zen_user *state_user_by_external_id(const struct state *s,
					   const char *external_id,
					   uint64_t brand_id);
struct zen_user *state_user_by_address(const struct state *s,
				       const char *address, uint64_t brand_id);
struct zen_user *state_user_by_messaging(const struct state *s,
					 const char *sun_id);
/* NULL or "" clears. */
void state_user_set_external_id(struct state *s, struct zen_user *u,
				const char *external_id, int64_t now_ms);
/* The id stays taken for a while after its user has lost it. */
void state_external_id_reserve(struct state *s, const char *external_id,
			       int64_t until_ms);
bool state_external_id_reserved(struct state *s, const char *external_id,
				int64_t now_ms);
/* After any change: updated_at, and the search index will follow. */
void state_user_touch(struct state *s, struct zen_user *u, int64_t now_ms);
void state_user_set_text(char **field, const char *value); /* NULL clears */
/* Inactive, without its external id; its identities are found no more. */
void state_user_deactivate(struct state *s, struct zen_user *u, int64_t now_ms);
/* Tickets and identities go over; what else a merge loses is lost. Tells
 * nothing of what is allowed: zendesk_merge.c. */
struct merge_rules {
	bool messaging_moves;
	bool organizations_join; /* else only where the survivor has none */
	bool external_id_lost;	 /* the survivor's own */
	bool zendesk_id_follows; /* of SunCo users */
	int64_t identity_lag_ms;
	int64_t external_id_lag_ms;
	const char *by; /* static */
};
void state_user_merge(struct state *s, struct zen_user *from,
		      struct zen_user *into, const struct merge_rules *rules,
		      int64_t now_ms);

/* Identities. The first one of its type is primary; not verified. */
struct zen_identity *state_identity_add(struct state *s, struct zen_user *u,
					const char *type, const char *value,
					int64_t now_ms);
struct zen_identity *state_identity(const struct zen_user *u, uint64_t id);
struct zen_identity *state_identity_named(const struct zen_user *u,
					  const char *type, const char *value);
/* The primary e-mail address, or NULL. */
struct zen_identity *state_primary_email(const struct zen_user *u);
size_t state_identity_count(const struct zen_user *u, const char *type);
void state_identity_verify(struct state *s, struct zen_identity *i,
			   bool verified, const char *method, int64_t now_ms);
void state_identity_set_value(struct state *s, struct zen_identity *i,
			      const char *value, int64_t now_ms);
void state_identity_make_primary(struct state *s, struct zen_user *u,
				 struct zen_identity *i, int64_t now_ms);
void state_identity_move(struct state *s, struct zen_identity *i,
			 struct zen_user *to, int64_t now_ms);
void state_identity_remove(struct state *s, struct zen_identity *i,
			   int64_t now_ms);

/* Organizations. */
void state_organization_add(struct state *s, uint64_t id, const char *name);
/* NULL: an organization that is gone, or never was. */
const struct zen_organization *state_organization(const struct state *s,
						  uint64_t id);
/* The id of the user's membership in it, 0 if there is none. */
uint64_t state_membership(const struct zen_user *u, uint64_t organization_id);
/* The first one becomes the default. Nothing happens to a member. */
void state_membership_add(struct state *s, struct zen_user *u,
			  uint64_t organization_id, int64_t now_ms);
/* Another one becomes the default. */
void state_membership_remove(struct state *s, struct zen_user *u, uint64_t id,
			     int64_t now_ms);
/* Becomes a member of it where it is none; 0: leaves the default one. */
void state_organization_set(struct state *s, struct zen_user *u,
			    uint64_t organization_id, int64_t now_ms);
void state_organizations_free(struct state *s);

/* Tickets. */
struct zen_ticket *state_ticket_add(struct state *s, uint64_t id,
				    struct zen_user *requester, int64_t now_ms);
struct zen_ticket *state_ticket(const struct state *s, uint64_t id);
size_t state_tickets_of(const struct state *s, const struct zen_user *u);
size_t state_tickets_open(const struct state *s, const struct zen_user *u);
/* Found by exports only, with the status "deleted". */
void state_ticket_delete(struct state *s, struct zen_ticket *t, int64_t now_ms);
void state_ticket_give(struct state *s, struct zen_ticket *t,
		       const struct zen_user *to, int64_t now_ms);
void state_tickets_move(struct state *s, struct zen_user *from,
			struct zen_user *to, int64_t now_ms);
void state_ticket_comment(struct zen_ticket *t, const char *body,
			  bool is_public, uint64_t author_id, int64_t now_ms);

/* SunCo. id NULL takes a new one. */
struct sun_user *state_sun_add(struct state *s, const char *id, int64_t now_ms);
struct sun_user *state_sun(const struct state *s, const char *id);
struct sun_user *state_sun_by_external_id(const struct state *s,
					  const char *external_id,
					  uint64_t brand_id);
/* By e-mail identity, never by profile.email; the n-th, or NULL. */
struct sun_user *state_sun_by_address(const struct state *s,
				      const char *address, size_t n);
struct sun_user *state_sun_by_zendesk_id(const struct state *s, uint64_t id);
/* Whoever is linked to one by zendeskId is linked to the other then. */
void state_sun_follow(struct state *s, uint64_t from_id, uint64_t into_id);
void state_sun_set_external_id(struct state *s, struct sun_user *u,
			       const char *external_id);
void state_sun_add_identity(struct state *s, struct sun_user *u,
			    const char *type, const char *value,
			    const char *verification);
/* Every e-mail identity, or only the one with this value. */
void state_sun_drop_emails(struct state *s, struct sun_user *u,
			   const char *value);
/* Inactive; its conversations belong to into (NULL: nobody's). */
void state_sun_retire(struct state *s, struct sun_user *u,
		      struct sun_user *into);
struct conversation *state_conversation_add(struct state *s,
					    struct sun_user *u);
struct conversation *state_conversation(const struct state *s, const char *id);

/* The changes since the last time: *new*, each with its strings. */
struct change *state_changes_take(struct state *s, size_t *count);
void state_changes_free(struct change *changes, size_t count);

/* For the files of state itself and search.c. */

#define FOLD_SIZE 1100 /* the longest external id, and then some */
/* Lower-cased and cut: a key that compares case-insensitively. */
struct slice state_fold(const char *text, char buf[FOLD_SIZE]);
/* i: NULL for changes of users. */
void state_change(struct state *s, enum change_kind kind, uint64_t user_id,
		  uint64_t other_user_id, const struct zen_identity *i,
		  int64_t now_ms);
void state_tickets_free(struct state *s);
void state_sun_free(struct state *s);

#endif
