/*
 * Both sides of a review, put together; see review_card.h.
 *
 * Refuses to show what personal does not allow: values go through
 * card_set_personal() or are left out by name.
 */
#include "review_card_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define LINK_SIZE 400

const struct json_t *card_raw(const struct json_t *image)
{
	const struct json_t *raw = json_get(image, "user");

	return json_is_obj(raw) ? raw : NULL;
}

uint64_t card_id(const struct json_t *image)
{
	return json_get_id(card_raw(image), "id");
}

void card_set_personal(const struct card *c, struct json_t *v, const char *key,
		       const char *value)
{
	if (c->personal)
		json_set_str(v, key, str_is_empty(value) ? NULL : value);
}

/* --- identities --- */

/* What the identity has to do with the conversation. */
static const char *identity_role(const struct card *c, const struct json_t *i)
{
	const char *type = json_get_str(i, "type");
	const char *value = json_get_str(i, "value");

	if (str_eq(type, "messaging") && value &&
	    str_eq(value, json_get_str(c->sunco, "id")))
		return "conversation";
	if (str_eq(type, "email") && value &&
	    str_eq_nocase(value, json_get_str(c->facts, "address")))
		return "address";
	return NULL;
}

static struct json_t *identity(const struct card *c, const struct json_t *i)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "type", json_get_str(i, "type"));
	card_set_personal(c, v, "value", json_get_str(i, "value"));
	json_set_bool(v, "primary", json_get_bool(i, "primary", false));
	json_set_bool(v, "verified", json_get_bool(i, "verified", false));
	json_set_str(v, "verification_method",
		     json_get_str(i, "verification_method"));
	json_set_str(v, "how", card_how(i));
	json_set_str(v, "this", identity_role(c, i));
	return v;
}

static struct json_t *identities(const struct card *c,
				 const struct json_t *image)
{
	const struct json_t *from = json_get(image, "identities");
	struct json_t *arr;

	if (!json_is_arr(from))
		return json_new_null();
	arr = json_new_arr();
	for (size_t i = 0; i < json_len(from); i++)
		json_push(arr, identity(c, json_at(from, i)));
	return arr;
}

/* --- a side --- */

static void set_link(const struct card *c, struct json_t *v, uint64_t id)
{
	char link[LINK_SIZE];
	int n;

	if (!c->about->zendesk_url || !id)
		return;
	n = snprintf(link, sizeof(link), "%s/agent/users/%" PRIu64,
		     c->about->zendesk_url, id);
	if (n > 0 && (size_t)n < sizeof(link))
		json_set_str(v, "link", link);
}

static const char *organization_name(const struct json_t *image, uint64_t id)
{
	const struct json_t *list = json_get(image, "organizations");

	for (size_t i = 0; id && i < json_len(list); i++)
		if (json_get_id(json_at(list, i), "id") == id)
			return json_get_str(json_at(list, i), "name");
	return NULL;
}

static void set_organization(const struct card *c, struct json_t *v,
			     const struct json_t *image)
{
	uint64_t id = json_get_id(card_raw(image), "organization_id");

	json_set_id(v, "organization_id", id);
	card_set_personal(c, v, "organization", organization_name(image, id));
}

static void set_tags(const struct card *c, struct json_t *v,
		     const struct json_t *tags)
{
	json_set_int(v, "tag_count", (int64_t)json_len(tags));
	if (c->personal && json_is_arr(tags))
		json_set(v, "tags", json_clone(tags));
}

static void set_external_id(const struct card *c, struct json_t *v,
			    const struct json_t *raw)
{
	char *id = json_get_text(raw, "external_id");

	json_set_bool(v, "has_external_id", !str_is_empty(id));
	card_set_personal(c, v, "external_id", id);
	free(id);
}

static struct json_t *side(const struct card *c, const struct json_t *image,
			   const char *name)
{
	const struct json_t *raw = card_raw(image);
	const struct json_t *tickets =
		json_get(json_get(c->facts, "tickets"), name);
	struct json_t *v;

	if (!raw)
		return json_new_null();
	v = json_new_obj();
	json_set_id(v, "id", card_id(image));
	set_link(c, v, card_id(image));
	card_set_personal(c, v, "name", json_get_str(raw, "name"));
	json_set_bool(v, "name_made_up",
		      policy_name_generated(json_get_str(raw, "name")));
	json_set_str(v, "role", json_get_str(raw, "role"));
	json_set_bool(v, "active", json_get_bool(raw, "active", true));
	json_set_bool(v, "suspended", json_get_bool(raw, "suspended", false));
	json_set_str(v, "created_at", json_get_str(raw, "created_at"));
	json_set_str(v, "updated_at", json_get_str(raw, "updated_at"));
	json_set_str(v, "last_login_at", json_get_str(raw, "last_login_at"));
	set_external_id(c, v, raw);
	set_organization(c, v, image);
	json_set_id(v, "brand_id",
		    json_get_id(json_get(raw, "separation"), "brand_id"));
	json_set(v, "tickets",
		 json_is_num(tickets) ? json_clone(tickets) : json_new_null());
	set_tags(c, v, json_get(raw, "tags"));
	json_set(v, "identities", identities(c, image));
	return v;
}

/* --- Sunshine Conversations --- */

static struct json_t *sunco_user(const struct card *c, const struct json_t *u)
{
	struct json_t *v = json_new_obj();
	const struct json_t *profile = json_get(u, "profile");

	json_set_str(v, "id", json_get_str(u, "id"));
	json_set_bool(v, "authenticated",
		      json_get_bool(u, "authenticated", false));
	json_set_id(v, "zendesk_id", json_get_id(u, "zendeskId"));
	json_set_bool(v, "has_external_id",
		      !str_is_empty(json_get_str(u, "externalId")));
	card_set_personal(c, v, "external_id", json_get_str(u, "externalId"));
	card_set_personal(c, v, "given_name",
			  json_get_str(profile, "givenName"));
	card_set_personal(c, v, "surname", json_get_str(profile, "surname"));
	if (c->personal && json_get(u, "identities"))
		json_set(v, "identities",
			 json_clone(json_get(u, "identities")));
	return v;
}

static bool has_address(const struct json_t *u, const struct json_t *image)
{
	const struct json_t *theirs = json_get(u, "identities");
	const struct json_t *ours = json_get(image, "identities");

	for (size_t i = 0; i < json_len(theirs); i++) {
		const char *value = json_get_str(json_at(theirs, i), "value");

		for (size_t n = 0; n < json_len(ours); n++)
			if (value &&
			    str_eq_nocase(value, json_get_str(json_at(ours, n),
							      "value")))
				return true;
	}
	return false;
}

/* A sync moves what the profile has to the conversation's user: another one
 * is merged into it, or loses it if it is linked to a user of its own. */
static struct json_t *third_user(const struct card *c, const struct json_t *u)
{
	struct json_t *v = sunco_user(c, u);
	bool linked = json_get_id(u, "zendeskId") != 0;

	json_set_str(v, "holds",
		     has_address(u, c->profile) ? "an address of the profile"
						: "the external id");
	json_set_str(v, "sync_would",
		     linked ? "take it away" : "merge this user away");
	return v;
}

static void set_third(const struct card *c, struct json_t *v)
{
	const struct json_t *from = json_get(c->facts, "sunco_users");
	struct json_t *arr;

	if (!from)
		return;
	if (!json_is_arr(from)) {
		json_set(v, "third_sunco_users", json_new_null());
		return;
	}
	arr = json_new_arr();
	for (size_t i = 0; i < json_len(from); i++)
		json_push(arr, third_user(c, json_at(from, i)));
	json_set(v, "third_sunco_users", arr);
}

/* --- the card --- */

static void set_words(const struct card *c, struct json_t *v)
{
	const enum pair_pin pin = c->about->pin;

	json_set(v, "because", card_because(c));
	json_set_str(v, "evidence", card_evidence(c));
	if (card_former_owner(c))
		json_set_str(v, "former_owner", card_former_owner(c));
	card_set_personal(c, v, "address", json_get_str(c->facts, "address"));
	json_set_bool(v, "approvable", card_approvable(c));
	json_set_str(v, "pin", pair_pin_name(pin));
	if (card_pin(c))
		json_set_str(v, "pin_means", card_pin(c));
	json_set(v, "approving", card_approving(c));
}

static void set_text(const struct card *c, struct json_t *v, const char *key)
{
	if (json_get_str(c->facts, key))
		json_set_str(v, key, json_get_str(c->facts, key));
}

/* Whoever owns the address: with several, the profile is the likeliest. */
static struct json_t *owners(const struct card *c)
{
	const struct json_t *from = json_get(c->facts, "owners");
	struct json_t *arr = json_new_arr();

	for (size_t i = 0; i < json_len(from); i++) {
		struct json_t *v = json_new_obj();
		uint64_t id = 0;

		str_parse_u64(slice_of(json_str(json_at(from, i))), &id);
		json_set_id(v, "id", id);
		set_link(c, v, id);
		json_push(arr, v);
	}
	return arr;
}

static int64_t addresses(const struct card *c)
{
	const struct json_t *list = json_get(c->sunco, "identities");
	int64_t count = 0;

	for (size_t i = 0; i < json_len(list); i++)
		count +=
			str_eq(json_get_str(json_at(list, i), "type"), "email");
	return count;
}

static void set_sides(const struct card *c, struct json_t *v)
{
	bool merge = c->about->intended == ACTION_MERGE;

	json_set(v, "conversation", sunco_user(c, c->sunco));
	json_set(v, "messaging_user", side(c, c->person, "messaging_user"));
	json_set(v, "profile", side(c, c->profile, "profile"));
	json_set(v, "owners", owners(c));
	json_set_int(v, "addresses", addresses(c));
	json_set_bool(v, "survived_merge",
		      json_get_bool(c->facts, "survived_merge", false));
	if (card_raw(c->person) && card_raw(c->profile)) {
		json_set(v, "alike", card_alike(c));
		if (merge)
			json_set(v, "loses", card_losses(c));
	}
	set_third(c, v);
}

struct json_t *review_card(const struct json_t *facts,
			   const struct review_card_about *about, bool personal)
{
	struct card c = {
		.facts = facts,
		.about = about,
		.personal = personal,
		.person = json_get(facts, "messaging_user"),
		.profile = json_get(facts, "profile"),
		.sunco = json_get(facts, "sunco_user"),
	};
	struct json_t *v = json_new_obj();

	set_words(&c, v);
	set_text(&c, v, "earlier_approval");
	set_text(&c, v, "refusal");
	if (json_is_obj(facts))
		set_sides(&c, v);
	return v;
}
