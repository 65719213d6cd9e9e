/*
 * Identities of Zendesk users, and what becomes of a user that is merged.
 */
#include "sandbox/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/index.h"
#include "sandbox/list.h"

static void identity_index(struct state *s, struct zen_identity *i)
{
	char buf[FOLD_SIZE];

	if (str_eq(i->type, "email"))
		index_add(s->by_address, state_fold(i->value, buf), i);
	else if (str_eq(i->type, "messaging"))
		index_add(s->by_messaging, slice_of(i->value), i);
}

static void identity_unindex(struct state *s, struct zen_identity *i)
{
	char buf[FOLD_SIZE];

	if (str_eq(i->type, "email"))
		index_remove(s->by_address, state_fold(i->value, buf), i);
	else if (str_eq(i->type, "messaging"))
		index_remove(s->by_messaging, slice_of(i->value), i);
}

static void owner_touch(struct state *s, const struct zen_identity *i,
			int64_t now_ms)
{
	state_user_touch(s, state_user(s, i->user_id), now_ms);
}

static bool has_primary(const struct zen_user *u, const char *type)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (u->identities[i]->primary &&
		    str_eq(u->identities[i]->type, type))
			return true;
	}
	return false;
}

struct zen_identity *state_identity_add(struct state *s, struct zen_user *u,
					const char *type, const char *value,
					int64_t now_ms)
{
	struct zen_identity *i = xcalloc(1, sizeof(*i));

	i->id = s->next_id++;
	i->user_id = u->id;
	i->type = xstrdup(type);
	i->value = xstrdup(value);
	i->method = xstrdup("none");
	i->primary = !has_primary(u, type);
	i->created_ms = now_ms;
	i->updated_ms = now_ms;
	LIST_PUSH(u->identities, u->identity_count, i);
	if (u->active)
		identity_index(s, i);
	state_user_touch(s, u, now_ms);
	state_change(s, CHANGE_IDENTITY_CREATED, u->id, 0, i, now_ms);
	return i;
}

struct zen_identity *state_identity(const struct zen_user *u, uint64_t id)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (u->identities[i]->id == id)
			return u->identities[i];
	}
	return NULL;
}

struct zen_identity *state_identity_named(const struct zen_user *u,
					  const char *type, const char *value)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (str_eq(u->identities[i]->type, type) &&
		    str_eq_nocase(u->identities[i]->value, value))
			return u->identities[i];
	}
	return NULL;
}

struct zen_identity *state_primary_email(const struct zen_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (u->identities[i]->primary &&
		    str_eq(u->identities[i]->type, "email"))
			return u->identities[i];
	}
	return NULL;
}

size_t state_identity_count(const struct zen_user *u, const char *type)
{
	size_t count = 0;

	for (size_t i = 0; i < u->identity_count; i++)
		count += str_eq(u->identities[i]->type, type);
	return count;
}

void state_identity_verify(struct state *s, struct zen_identity *i,
			   bool verified, const char *method, int64_t now_ms)
{
	i->verified = verified;
	state_user_set_text(&i->method, method);
	i->updated_ms = now_ms;
	owner_touch(s, i, now_ms);
	state_change(s, CHANGE_IDENTITY_CHANGED, i->user_id, 0, i, now_ms);
}

void state_identity_set_value(struct state *s, struct zen_identity *i,
			      const char *value, int64_t now_ms)
{
	char *previous = i->value;

	identity_unindex(s, i);
	i->value = xstrdup(value);
	identity_index(s, i);
	i->updated_ms = now_ms;
	owner_touch(s, i, now_ms);
	state_change(s, CHANGE_IDENTITY_CHANGED, i->user_id, 0, i, now_ms);
	s->changes[s->change_count - 1].identity_previous = previous;
}

void state_identity_make_primary(struct state *s, struct zen_user *u,
				 struct zen_identity *i, int64_t now_ms)
{
	for (size_t n = 0; n < u->identity_count; n++) {
		if (str_eq(u->identities[n]->type, i->type))
			u->identities[n]->primary = false;
	}
	i->primary = true;
	i->updated_ms = now_ms;
	state_user_touch(s, u, now_ms);
	state_change(s, CHANGE_IDENTITY_CHANGED, u->id, 0, i, now_ms);
}

/* Takes i off its user's list; another of its type becomes primary. */
static void identity_detach(struct state *s, struct zen_identity *i,
			    int64_t now_ms)
{
	struct zen_user *u = state_user(s, i->user_id);
	size_t at = 0;

	while (u->identities[at] != i)
		at++;
	memmove(&u->identities[at], &u->identities[at + 1],
		(u->identity_count - at - 1) * sizeof(struct zen_identity *));
	u->identity_count--;
	if (i->primary) {
		for (at = 0; at < u->identity_count; at++) {
			if (str_eq(u->identities[at]->type, i->type)) {
				u->identities[at]->primary = true;
				break;
			}
		}
	}
	identity_unindex(s, i);
	state_change(s, CHANGE_IDENTITY_DELETED, u->id, 0, i, now_ms);
	state_user_touch(s, u, now_ms);
}

/*
 * The list may have had a capacity above what LIST_ROOM() infers after
 * entries were taken off; growing it again is then only a realloc to a size
 * that it had before.
 */
void state_identity_move(struct state *s, struct zen_identity *i,
			 struct zen_user *to, int64_t now_ms)
{
	identity_detach(s, i, now_ms);
	i->primary = !has_primary(to, i->type);
	i->user_id = to->id;
	i->updated_ms = now_ms;
	LIST_PUSH(to->identities, to->identity_count, i);
	if (to->active)
		identity_index(s, i);
	state_user_touch(s, to, now_ms);
	state_change(s, CHANGE_IDENTITY_CREATED, to->id, 0, i, now_ms);
}

void state_identity_remove(struct state *s, struct zen_identity *i,
			   int64_t now_ms)
{
	identity_detach(s, i, now_ms);
	free(i->type);
	free(i->value);
	free(i->method);
	free(i);
}

void state_user_deactivate(struct state *s, struct zen_user *u, int64_t now_ms)
{
	state_user_set_external_id(s, u, NULL, now_ms);
	for (size_t i = 0; i < u->identity_count; i++)
		identity_unindex(s, u->identities[i]);
	u->active = false;
	state_user_touch(s, u, now_ms);
}

static void identities_move(struct state *s, struct zen_user *from,
			    struct zen_user *into,
			    const struct merge_rules *rules, int64_t now_ms)
{
	size_t i = 0;

	while (i < from->identity_count) {
		struct zen_identity *identity = from->identities[i];

		if (str_eq(identity->type, "messaging") &&
		    !rules->messaging_moves) {
			i++;
			continue;
		}
		state_identity_move(s, identity, into, now_ms);
		identity->visible_ms = now_ms + rules->identity_lag_ms;
	}
}

static void organizations_move(struct state *s, const struct zen_user *from,
			       struct zen_user *into,
			       const struct merge_rules *rules, int64_t now_ms)
{
	if (!rules->organizations_join) {
		if (!into->organization_id)
			state_organization_set(s, into, from->organization_id,
					       now_ms);
		return;
	}
	for (size_t i = 0; i < from->membership_count; i++)
		state_membership_add(
			s, into, from->memberships[i].organization_id, now_ms);
}

void state_user_merge(struct state *s, struct zen_user *from,
		      struct zen_user *into, const struct merge_rules *rules,
		      int64_t now_ms)
{
	struct merge_record record = {from->id, into->id, now_ms, rules->by};

	if (from->external_id && rules->external_id_lag_ms > 0)
		state_external_id_reserve(s, from->external_id,
					  now_ms + rules->external_id_lag_ms);
	identities_move(s, from, into, rules, now_ms);
	state_tickets_move(s, from, into, now_ms);
	into->old_tickets += from->old_tickets;
	from->old_tickets = 0;
	organizations_move(s, from, into, rules, now_ms);
	if (!into->phone)
		state_user_set_text(&into->phone, from->phone);
	if (rules->external_id_lost)
		state_user_set_external_id(s, into, NULL, now_ms);
	if (rules->zendesk_id_follows)
		state_sun_follow(s, from->id, into->id);
	from->merged_into = into->id;
	state_user_deactivate(s, from, now_ms);
	state_user_touch(s, into, now_ms);
	LIST_PUSH(s->merges, s->merge_count, record);
	state_change(s, CHANGE_USER_MERGED, from->id, into->id, NULL, now_ms);
}
