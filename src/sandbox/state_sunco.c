/*
 * SunCo users and conversations. Their external ids compare as they are
 * written; addresses case-insensitively.
 */
#include "sandbox/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/index.h"
#include "sandbox/list.h"

struct sun_user *state_sun_add(struct state *s, const char *id, int64_t now_ms)
{
	struct sun_user *u = xcalloc(1, sizeof(*u));

	if (id)
		str_copy(u->id, sizeof(u->id), id);
	else
		state_hex_id(s, u->id);
	u->active = true;
	u->locale = xstrdup("en-US");
	u->metadata = json_new_obj();
	u->signed_up_ms = now_ms;
	index_add(s->sun_by_id, slice_of(u->id), u);
	LIST_PUSH(s->sun_users, s->sun_user_count, u);
	return u;
}

struct sun_user *state_sun(const struct state *s, const char *id)
{
	return index_first(s->sun_by_id, slice_of(id));
}

struct sun_user *state_sun_by_external_id(const struct state *s,
					  const char *external_id,
					  uint64_t brand_id)
{
	size_t count;
	void *const *found = index_find(s->sun_by_external_id,
					slice_of(external_id), &count);

	for (size_t i = 0; i < count; i++) {
		struct sun_user *u = found[i];

		if (u->brand_id == brand_id)
			return u;
	}
	return NULL;
}

struct sun_user *state_sun_by_address(const struct state *s,
				      const char *address, size_t n)
{
	char buf[FOLD_SIZE];
	size_t count;
	void *const *found =
		index_find(s->sun_by_address, state_fold(address, buf), &count);

	return n < count ? found[n] : NULL;
}

struct sun_user *state_sun_by_zendesk_id(const struct state *s, uint64_t id)
{
	for (size_t i = 0; i < s->sun_user_count; i++) {
		if (s->sun_users[i]->active &&
		    s->sun_users[i]->zendesk_id == id)
			return s->sun_users[i];
	}
	return NULL;
}

void state_sun_follow(struct state *s, uint64_t from_id, uint64_t into_id)
{
	for (size_t i = 0; i < s->sun_user_count; i++) {
		if (s->sun_users[i]->zendesk_id == from_id)
			s->sun_users[i]->zendesk_id = into_id;
	}
}

void state_sun_set_external_id(struct state *s, struct sun_user *u,
			       const char *external_id)
{
	if (u->external_id)
		index_remove(s->sun_by_external_id, slice_of(u->external_id),
			     u);
	state_user_set_text(&u->external_id, external_id);
	if (u->external_id)
		index_add(s->sun_by_external_id, slice_of(u->external_id), u);
}

void state_sun_add_identity(struct state *s, struct sun_user *u,
			    const char *type, const char *value,
			    const char *verification)
{
	struct sun_identity i = {xstrdup(type), xstrdup(value),
				 xstrdup(verification)};
	char buf[FOLD_SIZE];

	LIST_PUSH(u->identities, u->identity_count, i);
	if (str_eq(type, "email"))
		index_add(s->sun_by_address, state_fold(value, buf), u);
}

static void identity_release(struct sun_identity *i)
{
	free(i->type);
	free(i->value);
	free(i->verification);
}

void state_sun_drop_emails(struct state *s, struct sun_user *u,
			   const char *value)
{
	char buf[FOLD_SIZE];
	size_t kept = 0;

	for (size_t i = 0; i < u->identity_count; i++) {
		struct sun_identity *at = &u->identities[i];

		if (str_eq(at->type, "email") &&
		    (!value || str_eq_nocase(at->value, value))) {
			index_remove(s->sun_by_address,
				     state_fold(at->value, buf), u);
			identity_release(at);
		} else {
			u->identities[kept++] = *at;
		}
	}
	u->identity_count = kept;
}

void state_sun_retire(struct state *s, struct sun_user *u,
		      struct sun_user *into)
{
	state_sun_set_external_id(s, u, NULL);
	state_sun_drop_emails(s, u, NULL);
	u->active = false;
	for (size_t i = 0; i < s->conversation_count; i++) {
		if (s->conversations[i]->user == u && into)
			s->conversations[i]->user = into;
	}
}

struct conversation *state_conversation_add(struct state *s, struct sun_user *u)
{
	struct conversation *c = xcalloc(1, sizeof(*c));

	state_hex_id(s, c->id);
	c->user = u;
	index_add(s->conversation_by_id, slice_of(c->id), c);
	LIST_PUSH(s->conversations, s->conversation_count, c);
	return c;
}

struct conversation *state_conversation(const struct state *s, const char *id)
{
	return index_first(s->conversation_by_id, slice_of(id));
}

void state_sun_free(struct state *s)
{
	for (size_t i = 0; i < s->sun_user_count; i++) {
		struct sun_user *u = s->sun_users[i];

		for (size_t n = 0; n < u->identity_count; n++)
			identity_release(&u->identities[n]);
		free(u->identities);
		json_free(u->metadata);
		free(u->external_id);
		free(u->email);
		free(u->given_name);
		free(u->surname);
		free(u->locale);
		free(u);
	}
	free(s->sun_users);
	for (size_t i = 0; i < s->conversation_count; i++) {
		free(s->conversations[i]->typed_email);
		free(s->conversations[i]->typed_name);
		free(s->conversations[i]);
	}
	free(s->conversations);
}
