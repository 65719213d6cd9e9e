/*
 * Loading of people. Refused: an id that is taken, a ticket whose requester
 * is not there, a user or an organization without a name.
 */
#include "sandbox/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"

#define AGE_MS ((int64_t)30 * 24 * 3600 * 1000)

static void load_identity(struct account *a, struct zen_user *u,
			  const struct json_t *v, int64_t at_ms)
{
	const char *type = json_get_str(v, "type");
	const char *value = json_get_str(v, "value");
	const char *method = json_get_str(v, "verification_method");
	bool verified =
		json_get_bool(v, "verified", method && !str_eq(method, "none"));
	struct zen_identity *i;

	if (!type || !value)
		return;
	i = state_identity_add(a->state, u, type, value, at_ms);
	if (!method && str_eq(type, "email"))
		method = verified ? "low" : "none";
	state_identity_verify(a->state, i, verified, method, at_ms);
	if (json_get_bool(v, "primary", false))
		state_identity_make_primary(a->state, u, i, at_ms);
}

/* The first one is the default unless "organization_id" names it. */
static void load_memberships(struct account *a, struct zen_user *u,
			     const struct json_t *v, int64_t at_ms)
{
	const struct json_t *ids = json_get(v, "organization_ids");
	uint64_t id = json_get_id(v, "organization_id");

	if (id)
		state_organization_set(a->state, u, id, at_ms);
	for (size_t i = 0; i < json_len(ids); i++) {
		id = (uint64_t)json_int(json_at(ids, i), 0);
		if (id)
			state_membership_add(a->state, u, id, at_ms);
	}
}

static void load_flags(struct zen_user *u, const struct json_t *v)
{
	state_user_set_text(&u->notes, json_get_str(v, "notes"));
	state_user_set_text(&u->details, json_get_str(v, "details"));
	state_user_set_text(&u->phone, json_get_str(v, "phone"));
	state_user_set_text(&u->alias, json_get_str(v, "alias"));
	if (json_get_str(v, "locale"))
		state_user_set_text(&u->locale, json_get_str(v, "locale"));
	if (json_get_str(v, "time_zone"))
		state_user_set_text(&u->time_zone,
				    json_get_str(v, "time_zone"));
	if (json_is_obj(json_get(v, "user_fields"))) {
		json_free(u->user_fields);
		u->user_fields = json_clone(json_get(v, "user_fields"));
	}
	if (json_get_str(v, "role"))
		state_user_set_text(&u->role, json_get_str(v, "role"));
	if (json_is_arr(json_get(v, "tags"))) {
		json_free(u->tags);
		u->tags = json_clone(json_get(v, "tags"));
	}
	u->suspended = json_get_bool(v, "suspended", false);
	u->shared = json_get_bool(v, "shared", false);
	u->brand_id = json_get_id(v, "brand_id");
	u->old_tickets = json_get_int(v, "tickets", 0);
}

/* "email" is short for one address, fully verified. */
static void load_email(struct account *a, struct zen_user *u,
		       const struct json_t *v, int64_t at_ms)
{
	const char *email = json_get_str(v, "email");
	struct zen_identity *i;

	if (!email)
		return;
	i = state_identity_add(a->state, u, "email", email, at_ms);
	state_identity_verify(a->state, i, true, "full", at_ms);
}

/* When it changed last; now, if that is not said. */
static int64_t load_time(const struct json_t *v, int64_t at_ms)
{
	const char *text = json_get_str(v, "updated_at");

	if (text)
		(void)clock_parse_iso8601(slice_of(text), &at_ms);
	return at_ms;
}

static struct json_t *load_user(struct account *a, const struct json_t *v,
				int64_t now_ms)
{
	const struct json_t *identities = json_get(v, "identities");
	int64_t at_ms = load_time(v, now_ms);
	char *external_id = json_get_text(v, "external_id");
	struct zen_user *u = state_user_add(a->state, json_get_id(v, "id"),
					    json_get_str(v, "name"), at_ms);

	load_flags(u, v);
	load_memberships(a, u, v, at_ms);
	load_email(a, u, v, at_ms);
	for (size_t i = 0; i < json_len(identities); i++)
		load_identity(a, u, json_at(identities, i), at_ms);
	state_user_set_external_id(a->state, u, external_id, at_ms);
	if (!json_get_bool(v, "active", true))
		state_user_deactivate(a->state, u, at_ms);
	free(external_id);
	return json_new_int((int64_t)u->id);
}

static struct json_t *load_organization(struct account *a,
					const struct json_t *v, int64_t at_ms)
{
	struct state *s = a->state;

	(void)at_ms;
	state_organization_add(s, json_get_id(v, "id"),
			       json_get_str(v, "name"));
	return json_new_int(
		(int64_t)s->organizations[s->organization_count - 1].id);
}

static struct json_t *load_ticket(struct account *a, const struct json_t *v,
				  int64_t at_ms)
{
	const struct json_t *tags = json_get(v, "tags");
	struct zen_ticket *t = state_ticket_add(
		a->state, json_get_id(v, "id"),
		state_user(a->state, json_get_id(v, "requester_id")), at_ms);

	if (json_get_str(v, "subject"))
		state_user_set_text(&t->subject, json_get_str(v, "subject"));
	if (json_get_str(v, "status"))
		state_user_set_text(&t->status, json_get_str(v, "status"));
	if (json_get_str(v, "channel"))
		state_user_set_text(&t->channel, json_get_str(v, "channel"));
	if (json_is_arr(tags)) {
		json_free(t->tags);
		t->tags = json_clone(tags);
	}
	return json_new_int((int64_t)t->id);
}

/* Somebody known becomes what is loaded: nothing is left of before. */
static struct sun_user *sun_user_for(struct account *a, const char *id,
				     int64_t at_ms)
{
	struct sun_user *u = id ? state_sun(a->state, id) : NULL;

	if (!u)
		return state_sun_add(a->state, id, at_ms);
	state_sun_retire(a->state, u, NULL);
	u->active = true;
	return u;
}

static struct json_t *load_sun_user(struct account *a, const struct json_t *v,
				    int64_t at_ms)
{
	const struct json_t *identities = json_get(v, "identities");
	const struct json_t *profile = json_get(v, "profile");
	struct sun_user *u = sun_user_for(a, json_get_str(v, "id"), at_ms);

	u->authenticated = json_get_bool(v, "authenticated", false);
	u->zendesk_id = json_get_id(v, "zendeskId");
	u->brand_id = json_get_id(v, "brandId");
	state_sun_set_external_id(a->state, u, json_get_str(v, "externalId"));
	state_user_set_text(&u->email, json_get_str(profile, "email"));
	state_user_set_text(&u->given_name, json_get_str(profile, "givenName"));
	state_user_set_text(&u->surname, json_get_str(profile, "surname"));
	for (size_t i = 0; i < json_len(identities); i++) {
		const struct json_t *id = json_at(identities, i);

		state_sun_add_identity(a->state, u, json_get_str(id, "type"),
				       json_get_str(id, "value"),
				       json_get_str(id, "verification"));
	}
	return json_new_str(u->id);
}

typedef struct json_t *loader(struct account *a, const struct json_t *v,
			      int64_t at_ms);

static void load_list(struct account *a, const struct json_t *body,
		      const char *key, loader *load, int64_t at_ms,
		      struct json_t *out)
{
	const struct json_t *list = json_get(body, key);
	struct json_t *ids = json_new_arr();

	for (size_t i = 0; i < json_len(list); i++)
		json_push(ids, load(a, json_at(list, i), at_ms));
	json_set(out, key, ids);
}

static enum result check_users(const struct account *a,
			       const struct json_t *list, struct error *err)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json_t *v = json_at(list, i);

		if (str_is_empty(json_get_str(v, "name")))
			return error_set(err, RESULT_INVALID,
					 "users[%zu]: no name", i);
		if (state_user(a->state, json_get_id(v, "id")))
			return error_set(err, RESULT_INVALID,
					 "users[%zu]: id is taken", i);
	}
	return RESULT_OK;
}

static enum result check_organizations(const struct account *a,
				       const struct json_t *list,
				       struct error *err)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json_t *v = json_at(list, i);

		if (str_is_empty(json_get_str(v, "name")))
			return error_set(err, RESULT_INVALID,
					 "organizations[%zu]: no name", i);
		if (state_organization(a->state, json_get_id(v, "id")))
			return error_set(err, RESULT_INVALID,
					 "organizations[%zu]: id is taken", i);
	}
	return RESULT_OK;
}

static bool user_listed(const struct json_t *users, uint64_t id)
{
	for (size_t i = 0; i < json_len(users); i++) {
		if (json_get_id(json_at(users, i), "id") == id)
			return true;
	}
	return false;
}

static enum result check_tickets(const struct account *a,
				 const struct json_t *body, struct error *err)
{
	const struct json_t *list = json_get(body, "tickets");

	for (size_t i = 0; i < json_len(list); i++) {
		const struct json_t *v = json_at(list, i);
		uint64_t requester_id = json_get_id(v, "requester_id");

		if (!state_user(a->state, requester_id) &&
		    !(requester_id &&
		      user_listed(json_get(body, "users"), requester_id)))
			return error_set(err, RESULT_INVALID,
					 "tickets[%zu]: no requester", i);
		if (state_ticket(a->state, json_get_id(v, "id")))
			return error_set(err, RESULT_INVALID,
					 "tickets[%zu]: id is taken", i);
	}
	return RESULT_OK;
}

static enum result check_sun_users(const struct json_t *list, struct error *err)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const char *id = json_get_str(json_at(list, i), "id");

		if (id && strlen(id) >= SUN_ID_SIZE)
			return error_set(err, RESULT_INVALID,
					 "sunco_users[%zu]: bad id", i);
	}
	return RESULT_OK;
}

struct json_t *people_load(struct account *a, const struct json_t *body,
			   int64_t now_ms, struct error *err)
{
	int64_t at_ms = now_ms - AGE_MS;
	struct json_t *ids;
	struct change *changes;
	size_t count;

	if (check_organizations(a, json_get(body, "organizations"), err) !=
		    RESULT_OK ||
	    check_users(a, json_get(body, "users"), err) != RESULT_OK ||
	    check_tickets(a, body, err) != RESULT_OK ||
	    check_sun_users(json_get(body, "sunco_users"), err) != RESULT_OK)
		return NULL;
	ids = json_new_obj();
	load_list(a, body, "organizations", load_organization, at_ms, ids);
	load_list(a, body, "users", load_user, at_ms, ids);
	load_list(a, body, "tickets", load_ticket, at_ms, ids);
	load_list(a, body, "sunco_users", load_sun_user, at_ms, ids);
	changes = state_changes_take(a->state, &count);
	state_changes_free(changes, count);
	return ids;
}

/*
 * Who the articles need: a customer known by address and external id, one
 * known by address only, one whose address nobody proved, one with an
 * external id but no address, and the agents.
 */
static const char seed[] =
	"{\"users\":["
	"{\"id\":21100000000011,\"name\":\"Green Goblin\","
	"\"email\":\"greengoblin@spiderman.example\","
	"\"external_id\":\"user_greengoblin@spiderman.example\"},"
	"{\"id\":21100000000022,\"name\":\"Peter Parker\","
	"\"email\":\"peterparker@spiderman.example\"},"
	"{\"id\":21100000000033,\"name\":\"Mary Jane Watson\",\"identities\":"
	"[{\"type\":\"email\",\"value\":\"maryjane@spiderman.example\","
	"\"verification_method\":\"none\"}]},"
	"{\"id\":21100000000044,\"name\":\"Harry Osborn\","
	"\"external_id\":\"user_harryosborn@spiderman.example\"},"
	"{\"id\":21100000000055,\"name\":\"Ben Parker\","
	"\"email\":\"parker@spiderman.example\"},"
	"{\"id\":21100000000066,\"name\":\"May Parker\","
	"\"email\":\"may.parker@spiderman.example\"},"
	"{\"id\":21100000000077,\"name\":\"Robbie Robertson\","
	"\"role\":\"admin\",\"email\":\"robbie@dailybugle.example\"},"
	"{\"id\":21100000000088,\"name\":\"Betty Brant\","
	"\"role\":\"agent\",\"email\":\"betty@dailybugle.example\"}]}";

void people_seed(struct account *a, int64_t now_ms)
{
	struct json_t *body = json_parse(seed, sizeof(seed) - 1, NULL);
	struct error err;

	json_free(people_load(a, body, now_ms, &err));
	json_free(body);
}
