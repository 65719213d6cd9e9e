/*
 * Lists of everybody and everything, inactive ones too, in the order in which
 * they came.
 */
#include "sandbox/dump.h"

#include "base/json.h"
#include "sandbox/render.h"
#include "sandbox/state.h"

static struct json_t *identity_dump(const struct zen_identity *i)
{
	struct json_t *o = json_new_obj();

	json_set_id(o, "id", i->id);
	json_set_str(o, "type", i->type);
	json_set_str(o, "value", i->value);
	json_set_bool(o, "verified", i->verified);
	json_set_str(o, "verification_method", i->method);
	json_set_bool(o, "primary", i->primary);
	return o;
}

static struct json_t *user_dump(const struct state *s, const struct zen_user *u)
{
	struct json_t *o = json_new_obj();
	struct json_t *identities = json_new_arr();
	struct json_t *organizations = json_new_arr();

	for (size_t i = 0; i < u->identity_count; i++)
		json_push(identities, identity_dump(u->identities[i]));
	for (size_t i = 0; i < u->membership_count; i++)
		json_push(organizations,
			  json_new_int(
				  (int64_t)u->memberships[i].organization_id));
	json_set_id(o, "id", u->id);
	json_set_str(o, "name", u->name);
	json_set_str(o, "role", u->role);
	json_set_bool(o, "active", u->active);
	json_set_bool(o, "suspended", u->suspended);
	json_set_bool(o, "shared", u->shared);
	json_set_str(o, "external_id", u->external_id);
	json_set_str(o, "notes", u->notes);
	json_set_str(o, "details", u->details);
	json_set_str(o, "phone", u->phone);
	json_set_str(o, "alias", u->alias);
	json_set_str(o, "locale", u->locale);
	json_set_str(o, "time_zone", u->time_zone);
	json_set(o, "user_fields", json_clone(u->user_fields));
	json_set(o, "tags", json_clone(u->tags));
	json_set_id(o, "organization_id", u->organization_id);
	json_set(o, "organization_ids", organizations);
	json_set_id(o, "brand_id", u->brand_id);
	json_set_id(o, "merged_into", u->merged_into);
	json_set_int(o, "tickets",
		     u->old_tickets + (int64_t)state_tickets_of(s, u));
	json_set(o, "identities", identities);
	return o;
}

static struct json_t *ticket_dump(const struct zen_ticket *t)
{
	struct json_t *o = json_new_obj();
	struct json_t *comments = json_new_arr();

	for (size_t i = 0; i < t->comment_count; i++) {
		struct json_t *c = json_new_obj();

		json_set_str(c, "body", t->comments[i].body);
		json_set_bool(c, "public", t->comments[i].is_public);
		json_push(comments, c);
	}
	json_set_id(o, "id", t->id);
	json_set_id(o, "requester_id", t->requester_id);
	json_set_str(o, "conversation_id", t->conversation_id);
	json_set_str(o, "status", t->status);
	json_set(o, "tags", json_clone(t->tags));
	json_set(o, "comments", comments);
	return o;
}

static struct json_t *sun_user_dump(const struct sun_user *u)
{
	struct json_t *o = render_sun_user(u, true);

	json_set_bool(o, "active", u->active);
	return o;
}

static struct json_t *conversation_dump(const struct conversation *c)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "id", c->id);
	json_set_str(o, "sunco_user_id", c->user->id);
	json_set_id(o, "ticket_id", c->ticket_id);
	return o;
}

static struct json_t *merge_dump(const struct merge_record *m)
{
	struct json_t *o = json_new_obj();

	json_set_id(o, "from", m->from);
	json_set_id(o, "into", m->into);
	json_set(o, "at", render_time_ms(m->at_ms));
	json_set_str(o, "by", m->by);
	return o;
}

/* i runs over what the range takes of a list of that length. */
#define IN_RANGE(i, total, range)                                              \
	size_t i = (range)->from;                                              \
	i < (total) && i - (range)->from < (range)->count;                     \
	i++

static struct json_t *users_dump(const struct state *s,
				 const struct dump_range *range)
{
	struct json_t *list = json_new_arr();

	if (range->user_id) {
		const struct zen_user *u = state_user(s, range->user_id);

		if (u)
			json_push(list, user_dump(s, u));
		return list;
	}
	for (IN_RANGE(i, s->user_count, range))
		json_push(list, user_dump(s, s->users[i]));
	return list;
}

struct json_t *dump_state(const struct state *s, const struct dump_range *range)
{
	struct json_t *o = json_new_obj();
	struct json_t *tickets = json_new_arr();
	struct json_t *sun_users = json_new_arr();
	struct json_t *conversations = json_new_arr();
	struct json_t *merges = json_new_arr();

	for (IN_RANGE(i, s->ticket_count, range))
		json_push(tickets, ticket_dump(s->tickets[i]));
	for (IN_RANGE(i, s->sun_user_count, range))
		json_push(sun_users, sun_user_dump(s->sun_users[i]));
	for (IN_RANGE(i, s->conversation_count, range))
		json_push(conversations,
			  conversation_dump(s->conversations[i]));
	for (IN_RANGE(i, s->merge_count, range))
		json_push(merges, merge_dump(&s->merges[i]));
	json_set_int(o, "user_count", (int64_t)s->user_count);
	json_set(o, "users", users_dump(s, range));
	json_set(o, "tickets", tickets);
	json_set(o, "sunco_users", sun_users);
	json_set(o, "conversations", conversations);
	json_set(o, "merges", merges);
	return o;
}
