/*
 * Zendesk's users, and the state as a whole.
 *
 * Invariants: an active user is in by_external_id exactly if it has an
 * external id; identities of active users are in by_address (e-mail) or
 * by_messaging, those of inactive ones in neither.
 */
#include "sandbox/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox/index.h"
#include "sandbox/list.h"
#include "sandbox/search.h"

#define FIRST_TICKET_ID 1001

struct reservation {
	char *external_id;
	int64_t until_ms;
};

static void state_open(struct state *s)
{
	s->by_id = index_new();
	s->by_address = index_new();
	s->by_external_id = index_new();
	s->by_messaging = index_new();
	s->ticket_by_id = index_new();
	s->tickets_of = index_new();
	s->sun_by_id = index_new();
	s->sun_by_external_id = index_new();
	s->sun_by_address = index_new();
	s->conversation_by_id = index_new();
	s->search = search_new();
}

static void identity_free(struct zen_identity *i)
{
	free(i->type);
	free(i->value);
	free(i->method);
	free(i);
}

static void user_free(struct zen_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++)
		identity_free(u->identities[i]);
	free(u->identities);
	free(u->memberships);
	search_doc_free(u->doc);
	json_free(u->tags);
	free(u->name);
	free(u->role);
	free(u->external_id);
	free(u->notes);
	free(u->details);
	free(u->phone);
	free(u->alias);
	free(u->locale);
	free(u->time_zone);
	json_free(u->user_fields);
	free(u);
}

static void indexes_free(struct state *s)
{
	search_free(s->search);
	index_free(s->by_id);
	index_free(s->by_address);
	index_free(s->by_external_id);
	index_free(s->by_messaging);
	index_free(s->ticket_by_id);
	index_free(s->tickets_of);
	index_free(s->sun_by_id);
	index_free(s->sun_by_external_id);
	index_free(s->sun_by_address);
	index_free(s->conversation_by_id);
}

static void state_close(struct state *s)
{
	indexes_free(s);
	for (size_t i = 0; i < s->user_count; i++)
		user_free(s->users[i]);
	for (size_t i = 0; i < s->reserved_count; i++)
		free(s->reserved[i].external_id);
	state_organizations_free(s);
	state_tickets_free(s);
	state_sun_free(s);
	state_changes_free(s->changes, s->change_count);
	free(s->users);
	free(s->reserved);
	free(s->merges);
}

struct state *state_new(uint64_t first_id, uint32_t run)
{
	struct state *s = xcalloc(1, sizeof(*s));

	s->next_id = first_id;
	s->next_ticket_id = FIRST_TICKET_ID;
	s->run = run;
	state_open(s);
	return s;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	state_close(s);
	free(s);
}

void state_reset(struct state *s)
{
	struct state fresh = {.next_id = s->next_id,
			      .next_ticket_id = s->next_ticket_id,
			      .next_hex = s->next_hex,
			      .run = s->run};

	state_close(s);
	*s = fresh;
	state_open(s);
}

void state_hex_id(struct state *s, char out[SUN_ID_SIZE])
{
	snprintf(out, SUN_ID_SIZE, "%08" PRIx32 "%016" PRIx64, s->run,
		 ++s->next_hex);
}

struct slice state_fold(const char *text, char buf[FOLD_SIZE])
{
	size_t len = strnlen(text, FOLD_SIZE - 1);

	memcpy(buf, text, len);
	buf[len] = '\0';
	str_lower(buf);
	return (struct slice){buf, len};
}

void state_change(struct state *s, enum change_kind kind, uint64_t user_id,
		  uint64_t other_user_id, const struct zen_identity *i,
		  int64_t now_ms)
{
	struct change c = {.kind = kind,
			   .user_id = user_id,
			   .other_user_id = other_user_id,
			   .at_ms = now_ms};

	if (i) {
		c.identity_id = i->id;
		c.identity_type = xstrdup(i->type);
		c.identity_value = xstrdup(i->value);
		c.identity_primary = i->primary;
	}
	LIST_PUSH(s->changes, s->change_count, c);
}

struct change *state_changes_take(struct state *s, size_t *count)
{
	struct change *changes = s->changes;

	*count = s->change_count;
	s->changes = NULL;
	s->change_count = 0;
	return changes;
}

void state_changes_free(struct change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(changes[i].identity_type);
		free(changes[i].identity_value);
		free(changes[i].identity_previous);
	}
	free(changes);
}

struct zen_user *state_user_add(struct state *s, uint64_t id, const char *name,
				int64_t now_ms)
{
	struct zen_user *u = xcalloc(1, sizeof(*u));

	u->id = id ? id : s->next_id++;
	u->name = xstrdup(name);
	u->role = xstrdup("end-user");
	u->tags = json_new_arr();
	u->locale = xstrdup("en-US");
	u->time_zone = xstrdup("UTC");
	u->user_fields = json_new_obj();
	u->active = true;
	u->created_ms = now_ms;
	index_add_id(s->by_id, u->id, u);
	LIST_PUSH(s->users, s->user_count, u);
	state_user_touch(s, u, now_ms);
	state_change(s, CHANGE_USER_CREATED, u->id, 0, NULL, now_ms);
	return u;
}

struct zen_user *state_user(const struct state *s, uint64_t id)
{
	return index_first_id(s->by_id, id);
}

struct zen_user *state_user_by_external_id(const struct state *s,
					   const char *external_id,
					   uint64_t brand_id)
{
	char buf[FOLD_SIZE];
	size_t count;
	void *const *found = index_find(s->by_external_id,
					state_fold(external_id, buf), &count);

	for (size_t i = 0; i < count; i++) {
		struct zen_user *u = found[i];

		if (u->brand_id == brand_id)
			return u;
	}
	return NULL;
}

struct zen_user *state_user_by_address(const struct state *s,
				       const char *address, uint64_t brand_id)
{
	char buf[FOLD_SIZE];
	size_t count;
	void *const *found =
		index_find(s->by_address, state_fold(address, buf), &count);

	for (size_t i = 0; i < count; i++) {
		const struct zen_identity *identity = found[i];
		struct zen_user *u = state_user(s, identity->user_id);

		if (u->brand_id == brand_id)
			return u;
	}
	return NULL;
}

struct zen_user *state_user_by_messaging(const struct state *s,
					 const char *sun_id)
{
	const struct zen_identity *i =
		index_first(s->by_messaging, slice_of(sun_id));

	return i ? state_user(s, i->user_id) : NULL;
}

void state_user_set_text(char **field, const char *value)
{
	char *copy = str_is_empty(value) ? NULL : xstrdup(value);

	free(*field);
	*field = copy;
}

void state_user_set_external_id(struct state *s, struct zen_user *u,
				const char *external_id, int64_t now_ms)
{
	char buf[FOLD_SIZE];

	if (u->external_id && u->active)
		index_remove(s->by_external_id, state_fold(u->external_id, buf),
			     u);
	state_user_set_text(&u->external_id, external_id);
	if (u->external_id && u->active)
		index_add(s->by_external_id, state_fold(u->external_id, buf),
			  u);
	state_user_touch(s, u, now_ms);
}

void state_external_id_reserve(struct state *s, const char *external_id,
			       int64_t until_ms)
{
	struct reservation r = {xstrdup(external_id), until_ms};

	LIST_PUSH(s->reserved, s->reserved_count, r);
}

bool state_external_id_reserved(struct state *s, const char *external_id,
				int64_t now_ms)
{
	for (size_t i = 0; i < s->reserved_count; i++) {
		if (s->reserved[i].until_ms > now_ms &&
		    str_eq_nocase(s->reserved[i].external_id, external_id))
			return true;
	}
	return false;
}

void state_user_touch(struct state *s, struct zen_user *u, int64_t now_ms)
{
	u->updated_ms = now_ms;
	search_changed(s->search, u, now_ms);
}
