/*
 * What the platforms do by themselves when people write: which Zendesk user a
 * conversation ends with in each setting of email_identities, whose address
 * moves, and where a duplicate comes from. No I/O.
 *
 * Signed in (all settings alike): the external id decides; a verified address
 * is added to, or taken over by, that user. Not signed in: the setting and
 * the owner of the typed address decide. See README.md for the table.
 */
#ifndef REUNITE_SANDBOX_ACTOR_H
#define REUNITE_SANDBOX_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct conversation;
struct sun_user;
struct zen_user;

/* Who writes; all borrowed, NULL where there is none. */
struct actor_person {
	bool signed_in; /* came with a JWT, or through the help center */
	const char *external_id;
	const char *email;
	bool email_verified;
	const char *verification; /* of the SunCo identity: "embed", "sso" */
	const char *name;
	uint64_t help_center_user; /* signed in as this Zendesk user */
	uint64_t brand_id;
};

enum actor_way {
	ACTOR_AUTO,	 /* as the settings say */
	ACTOR_DUPLICATE, /* a new user all the same, without the address */
	ACTOR_TAKE,	 /* a new user takes a verified address away */
	ACTOR_LINK,	 /* a verified address finds its owner */
};

enum actor_login {
	ACTOR_NOT_SIGNED_IN,
	ACTOR_SIGNED_IN,
	ACTOR_REJECTED, /* address and external id disagree: a 409 */
	ACTOR_MERGED,	/* login: the anonymous user went into another */
};

/* The SunCo user of a person who arrives: known (may be NULL), the one with
 * that external id, or a new one. */
struct sun_user *actor_arrive(struct account *a, struct sun_user *known,
			      const struct actor_person *p, int64_t now_ms,
			      enum actor_login *login);
struct conversation *actor_start(struct account *a, struct sun_user *u,
				 const struct actor_person *p);
/* What a form collects, perhaps in the middle of the conversation; Zendesk
 * goes by it at the hand-off. */
void actor_type(struct account *a, struct conversation *c,
		const struct actor_person *p);
/* Gives the conversation its Zendesk user and its ticket; returns the user.
 * A second hand-off returns the requester and changes nothing. */
struct zen_user *actor_hand_off(struct account *a, struct conversation *c,
				enum actor_way way, const char *subject,
				int64_t now_ms);
/* A login in the middle. ACTOR_MERGED: *discarded is the former SunCo user
 * (inactive now), the conversation's is the survivor. */
enum actor_login actor_sign_in(struct account *a, struct conversation *c,
			       const struct actor_person *p, int64_t now_ms,
			       struct sun_user **discarded);

#endif
