/*
 * The plan for a merge: the profile gives back, the absorbed user is made
 * again, its tickets go back to it.
 *
 * Refuses to guess whose a ticket or a membership was: where the before-image
 * cannot tell, the step is optional.
 */
#include "restore_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define MINUTE_MS    INT64_C(60000)
#define SECONDS_SIZE 20 /* "2026-11-22T10:00:00" and the NUL */

static char *user_path(uint64_t id, const char *rest)
{
	return restore_text("/api/v2/users/%" PRIu64 "%s", id, rest);
}

static uint64_t profile_id(const struct restore_case *c)
{
	return c->entry->profile_id;
}

static struct json_t *wrapped(const char *key, struct json_t *v)
{
	struct json_t *body = json_new_obj();

	json_set(body, key, v);
	return body;
}

/* --- the profile gives back --- */

static const char *person_external_id(const struct restore_case *c)
{
	if (c->sunco_known && c->sunco.authenticated && c->sunco.external_id)
		return c->sunco.external_id;
	return c->person.user.external_id;
}

static void take_back_external_id(struct restore_case *c)
{
	const char *external_id = person_external_id(c);
	struct json_t *user;
	struct restore_step *s;

	if (!external_id || c->profile.user.external_id)
		return;
	s = restore_add(c, RESTORE_READ,
			"User %" PRIu64 " had no external id. Has it the "
			"absorbed user's now?",
			profile_id(c));
	restore_call(s, "GET", user_path(profile_id(c), ""), NULL);
	s->sets = xstrdup("PINNED");
	s->pick = restore_pick(
		".user | select((.external_id // \"\" | ascii_downcase) == (",
		restore_value(c, external_id, "<external id>"),
		" | ascii_downcase)) | .id");
	s = restore_add(c, RESTORE_CHANGE,
			"Clear it, or the person's next login ends at this "
			"user again.");
	user = json_new_obj();
	json_set(user, "external_id", json_new_null());
	restore_call(s, "PUT", user_path(profile_id(c), ""),
		     wrapped("user", user));
	s->only_if = xstrdup("PINNED");
}

/* What the API creates; the others come from elsewhere and stay. */
static bool creatable(const struct zd_identity *i)
{
	static const char *const types[] = {"email", "phone_number", "twitter",
					    "facebook", "google"};

	for (size_t n = 0; n < ARRAY_LEN(types); n++)
		if (str_eq(i->type, types[n]))
			return true;
	return false;
}

static bool moved(const struct restore_case *c, const struct zd_identity *i)
{
	return creatable(i) &&
	       !zd_user_identity(&c->profile.user, i->type, i->value);
}

static void take_back_identities(struct restore_case *c)
{
	const struct zd_user *u = &c->person.user;

	for (size_t n = 0; n < u->identity_count; n++)
		if (moved(c, &u->identities[n]))
			restore_drop_identity(c, profile_id(c),
					      u->identities[n].type,
					      u->identities[n].value);
}

static void take_back_phone(struct restore_case *c)
{
	const char *phone = json_get_str(c->person.raw, "phone");
	struct json_t *user;
	struct restore_step *s;

	if (str_is_empty(phone) ||
	    !str_is_empty(json_get_str(c->profile.raw, "phone")))
		return;
	s = restore_add(c, RESTORE_READ,
			"User %" PRIu64 " had no phone number. Has it the "
			"absorbed user's now?",
			profile_id(c));
	restore_call(s, "GET", user_path(profile_id(c), ""), NULL);
	s->sets = xstrdup("PHONE");
	s->pick = restore_pick(".user | select(.phone == ",
			       restore_value(c, phone, "<phone>"), ") | .id");
	s = restore_add(c, RESTORE_CHANGE, "Clear it.");
	user = json_new_obj();
	json_set_str(user, "phone", "");
	restore_call(s, "PUT", user_path(profile_id(c), ""),
		     wrapped("user", user));
	s->only_if = xstrdup("PHONE");
}

/* What was marked verified after the merge, and by nobody since. */
static void take_back_verification(struct restore_case *c)
{
	char address[ADDRESS_SIZE] = "";
	const struct zd_identity *i;
	struct json_t *identity;
	struct restore_step *s;

	if (c->sunco_known)
		policy_evidence(&c->sunco, address);
	i = zd_user_identity(&c->profile.user, "email", address);
	if (!i || i->verified)
		return;
	s = restore_add(c, RESTORE_READ,
			"The address of user %" PRIu64 " was not verified. Is "
			"it now, because somebody's API call said so?",
			profile_id(c));
	restore_call(s, "GET",
		     user_path(profile_id(c), "/identities?page%5Bsize%5D=100"),
		     NULL);
	s->sets = xstrdup("VERIFIED");
	s->pick = restore_pick(
		"first(.identities[] | select(.type == \"email\" and .verified "
		"and (.verification_method // \"low\") == \"low\" and (.value "
		"| ascii_downcase) == ",
		restore_value(c, address, "<address>"), ")) | .id");
	s = restore_add(c, RESTORE_CHANGE, "Unverify it.");
	identity = json_new_obj();
	json_set_bool(identity, "verified", false);
	restore_call(s, "PUT",
		     user_path(profile_id(c), "/identities/$VERIFIED"),
		     wrapped("identity", identity));
	s->only_if = xstrdup("VERIFIED");
}

static bool belongs(const struct zd_user *u, uint64_t organization)
{
	for (size_t i = 0; i < u->organization_count; i++)
		if (u->organizations[i].id == organization)
			return true;
	return u->organization_id == organization;
}

static void take_back_organization(struct restore_case *c, uint64_t id)
{
	const struct zd_user *profile = &c->profile.user;
	bool sure = profile->organizations_known || !profile->organization_id;
	struct restore_step *s;
	char *name;

	if (!id || belongs(profile, id))
		return;
	name = restore_text("MEMBERSHIP_%zu", c->plan->count + 1);
	s = restore_add(c, RESTORE_READ,
			"Does user %" PRIu64 " belong to organization %" PRIu64
			" now?",
			profile_id(c), id);
	s->optional = !sure;
	restore_call(s, "GET",
		     user_path(profile_id(c),
			       "/organization_memberships?page%5Bsize%5D=100"),
		     NULL);
	s->sets = xstrdup(name);
	s->pick = restore_text(
		"first(.organization_memberships[] | select(.organization_id"
		" == %" PRIu64 ")) | .id",
		id);
	s = restore_add(c, RESTORE_CHANGE, "Leave it%s.",
			sure ? ""
			     : ", unless it belonged to it before: the "
			       "before-image names only its default one");
	s->optional = !sure;
	restore_call(s, "DELETE",
		     restore_text("/api/v2/organization_memberships/$%s", name),
		     NULL);
	s->only_if = name;
}

static void take_back_organizations(struct restore_case *c)
{
	const struct zd_user *u = &c->person.user;

	if (!u->organization_count)
		take_back_organization(c, u->organization_id);
	for (size_t i = 0; i < u->organization_count; i++)
		take_back_organization(c, u->organizations[i].id);
}

/* --- the absorbed user is made again --- */

static bool worth_copying(const struct json_t *v)
{
	if (json_is_null(v) || (json_str(v) && !*json_str(v)))
		return false;
	return !json_is_arr(v) || json_len(v) > 0;
}

static void copy(const struct restore_case *c, struct json_t *user,
		 const char *key, const char *what)
{
	const struct json_t *v = json_get(c->person.raw, key);

	if (!worth_copying(v))
		return;
	if (what && !c->plan->personal)
		json_set_str(user, key, what);
	else
		json_set(user, key, json_clone(v));
}

/* Only what has a value: the others are the fields' own defaults. */
static void copy_fields(const struct restore_case *c, struct json_t *user)
{
	const struct json_t *from = json_get(c->person.raw, "user_fields");
	struct json_t *fields = json_new_obj();
	struct json_t *value;
	void *iter = NULL;
	const char *key;

	while (json_is_obj(from) && json_next(from, &iter, &key, &value)) {
		if (!worth_copying(value))
			continue;
		if (c->plan->personal)
			json_set(fields, key, json_clone(value));
		else
			json_set_str(fields, key, "<value>");
	}
	if (json_len(fields) > 0)
		json_set(user, "user_fields", fields);
	else
		json_free(fields);
}

static struct json_t *user_body(const struct restore_case *c)
{
	static const struct {
		const char *key;
		const char *what; /* NULL: not personal */
	} rows[] = {
		{"name", "<name>"},   {"alias", "<alias>"},
		{"role", NULL},	      {"external_id", "<external id>"},
		{"locale", NULL},     {"time_zone", NULL},
		{"notes", "<notes>"}, {"details", "<details>"},
		{"tags", "<tags>"},   {"organization_id", NULL},
		{"separation", NULL},
	};
	struct json_t *user = json_new_obj();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		copy(c, user, rows[i].key, rows[i].what);
	copy_fields(c, user);
	if (zd_user_count(&c->person.user, "phone_number") == 0)
		copy(c, user, "phone", "<phone>");
	json_set_bool(user, "skip_verify_email", true);
	return wrapped("user", user);
}

static void create_user(struct restore_case *c)
{
	struct restore_step *s =
		restore_add(c, RESTORE_CHANGE,
			    "Recreate the absorbed user %" PRIu64
			    ", without a mail to anybody. Its id is a new one.",
			    c->entry->messaging_user_id);

	restore_call(s, "POST", xstrdup("/api/v2/users"), user_body(c));
	s->sets = xstrdup("NEW_USER");
	s->pick = xstrdup(".user.id // empty");
	s->check = xstrdup("201. A 422 about the external id means that it is "
			   "not free yet: wait a minute, then repeat.");
}

static void give_identity(struct restore_case *c, const struct zd_identity *i)
{
	struct json_t *identity = json_new_obj();
	struct restore_step *s = restore_add(
		c, RESTORE_CHANGE,
		"Give it its identity (%s) back, without a mail.", i->type);

	json_set_str(identity, "type", i->type);
	json_set_str(identity, "value",
		     restore_value(c, i->value, "<identity>"));
	if (i->verified)
		json_set_bool(identity, "verified", true);
	json_set_bool(identity, "skip_verify_email", true);
	restore_call(s, "POST", xstrdup("/api/v2/users/$NEW_USER/identities"),
		     wrapped("identity", identity));
}

/* The first of its type becomes the primary one. */
static void give_identities(struct restore_case *c)
{
	const struct zd_user *u = &c->person.user;

	for (int primary = 1; primary >= 0; primary--)
		for (size_t n = 0; n < u->identity_count; n++)
			if (u->identities[n].primary == (primary != 0) &&
			    moved(c, &u->identities[n]))
				give_identity(c, &u->identities[n]);
}

static void give_organizations(struct restore_case *c)
{
	const struct zd_user *u = &c->person.user;

	for (size_t i = 0; i < u->organization_count; i++) {
		struct json_t *m = json_new_obj();
		struct restore_step *s;

		if (u->organizations[i].id == u->organization_id) {
			json_free(m); /* created with it */
			continue;
		}
		s = restore_add(c, RESTORE_CHANGE,
				"Make it a member of organization %" PRIu64
				" again.",
				u->organizations[i].id);
		json_set_str(m, "user_id", "$NEW_USER");
		json_set_id(m, "organization_id", u->organizations[i].id);
		restore_call(s, "POST",
			     xstrdup("/api/v2/organization_memberships"),
			     wrapped("organization_membership", m));
		s->variables = true;
	}
}

/* --- the tickets go back --- */

static void seconds_of(int64_t wall_ms, char out[SECONDS_SIZE])
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(wall_ms, text);
	memcpy(out, text, SECONDS_SIZE - 1);
	out[SECONDS_SIZE - 1] = '\0';
}

/* A profile without a conversation of its own got all of its messaging
 * tickets from the absorbed user: those from its creation to the merge. */
static char *pick_tickets(const struct restore_case *c)
{
	bool alone = zd_user_count(&c->profile.user, "messaging") == 0;
	const char *created = json_get_str(c->person.raw, "created_at");
	char until[SECONDS_SIZE], since[SECONDS_SIZE] = "";
	int64_t created_ms;

	if (!alone || !created ||
	    !clock_parse_iso8601(slice_of(created), &created_ms))
		return restore_text(".tickets[] | select(.id == %" PRIu64
				    ") | .id",
				    c->entry->ticket_id);
	seconds_of(created_ms, since);
	seconds_of(c->entry->at_ms + MINUTE_MS, until);
	return restore_text(".tickets[] | select(.id == %" PRIu64
			    " or (.from_messaging_channel and .created_at >= "
			    "\"%s\" and .created_at <= \"%s\")) | .id",
			    c->entry->ticket_id, since, until);
}

static void give_tickets(struct restore_case *c)
{
	struct restore_step *s = restore_add(
		c, RESTORE_READ,
		"Find the tickets that user %" PRIu64
		" got from the absorbed one: %s. More than 100 tickets: go on "
		"with links.next of the answer.",
		profile_id(c),
		zd_user_count(&c->profile.user, "messaging") == 0
			? "those of messaging from before the merge"
			: "it had conversations of its own, so only the "
			  "ticket of this decision is sure");
	struct json_t *ticket;

	restore_call(s, "GET",
		     user_path(profile_id(c),
			       "/tickets/requested?page%5Bsize%5D=100"),
		     NULL);
	s->sets = xstrdup("TICKETS");
	s->pick = pick_tickets(c);
	s = restore_add(c, RESTORE_CHANGE,
			"Give each of them back to the recreated user. Closed "
			"tickets cannot change any more.");
	ticket = json_new_obj();
	json_set_str(ticket, "requester_id", "$NEW_USER");
	restore_call(s, "PUT", xstrdup("/api/v2/tickets/$ID"),
		     wrapped("ticket", ticket));
	s->variables = true;
	s->each = xstrdup("TICKETS");
}

/* --- what stays --- */

static void cannot(struct restore_case *c)
{
	restore_add(c, RESTORE_CANNOT,
		    "The conversation stays with user %" PRIu64
		    ": no API makes a messaging identity, and deleting the one "
		    "there breaks the conversation. End the conversation. At "
		    "the next login Zendesk goes by the external id first, "
		    "which the recreated user has. Whoever may not see this "
		    "profile's messages at all: delete SunCo user %s "
		    "(its conversations are lost, the tickets stay); the "
		    "person then comes back as a new one.",
		    profile_id(c),
		    c->entry->sunco_id[0] ? c->entry->sunco_id : "(erased)");
	restore_add(c, RESTORE_CANNOT,
		    "What verified the identities: Zendesk calls \"low\" what "
		    "an API call verifies, whatever it was before. Identities "
		    "of other types than email, phone_number, twitter, "
		    "facebook and google stay where they are.");
	restore_add(c, RESTORE_CANNOT,
		    "The old id %" PRIu64 ", its times, photo, password and "
		    "ratings, and its place as CC or follower of tickets. What "
		    "was noted on tickets stays; take the tag reunite_linked "
		    "off. What Sunshine Conversations was told (sunco_sync) "
		    "stays, too.",
		    c->entry->messaging_user_id);
}

/* Without the before-image. */
static void look_around(struct restore_case *c)
{
	struct restore_step *s;

	c->plan->verdict = RESTORE_PARTIAL;
	s = restore_add(c, RESTORE_LOOK,
			"The before-image is gone. Zendesk may still show the "
			"absorbed user %" PRIu64 ".",
			c->entry->messaging_user_id);
	restore_call(s, "GET",
		     restore_text("/api/v2/deleted_users/%" PRIu64,
				  c->entry->messaging_user_id),
		     NULL);
	s = restore_add(c, RESTORE_LOOK,
			"Which identities of user %" PRIu64
			" are not its own? Delete them by their ids, but none "
			"of type messaging.",
			profile_id(c));
	restore_call(s, "GET",
		     user_path(profile_id(c), "?include=identities,"
					      "organizations"),
		     NULL);
	s = restore_add(c, RESTORE_LOOK,
			"Which of its tickets are not its own? The decision "
			"was about ticket %" PRIu64 " (0: not known).",
			c->entry->ticket_id);
	restore_call(s, "GET",
		     user_path(profile_id(c),
			       "/tickets/requested?page%5Bsize%5D=100"),
		     NULL);
}

void restore_merge(struct restore_case *c)
{
	restore_reject(c);
	if (!c->person.known || !c->profile.known) {
		look_around(c);
		return;
	}
	take_back_external_id(c);
	take_back_identities(c);
	take_back_phone(c);
	take_back_verification(c);
	take_back_organizations(c);
	create_user(c);
	give_identities(c);
	give_organizations(c);
	give_tickets(c);
	cannot(c);
}
