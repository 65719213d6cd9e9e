/*
 * Organizations and who belongs to them. The default membership of a user is
 * the one of its organization_id.
 */
#include "sandbox/state.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/list.h"

void state_organization_add(struct state *s, uint64_t id, const char *name)
{
	struct zen_organization o = {id ? id : s->next_id++, xstrdup(name)};

	LIST_PUSH(s->organizations, s->organization_count, o);
}

const struct zen_organization *state_organization(const struct state *s,
						  uint64_t id)
{
	for (size_t i = 0; i < s->organization_count; i++) {
		if (s->organizations[i].id == id)
			return &s->organizations[i];
	}
	return NULL;
}

uint64_t state_membership(const struct zen_user *u, uint64_t organization_id)
{
	for (size_t i = 0; i < u->membership_count; i++) {
		if (u->memberships[i].organization_id == organization_id)
			return u->memberships[i].id;
	}
	return 0;
}

void state_membership_add(struct state *s, struct zen_user *u,
			  uint64_t organization_id, int64_t now_ms)
{
	struct zen_membership m = {0, organization_id};

	if (state_membership(u, organization_id))
		return;
	m.id = s->next_id++;
	LIST_PUSH(u->memberships, u->membership_count, m);
	if (!u->organization_id)
		u->organization_id = organization_id;
	state_user_touch(s, u, now_ms);
}

void state_membership_remove(struct state *s, struct zen_user *u, uint64_t id,
			     int64_t now_ms)
{
	size_t at = 0;
	uint64_t organization_id;

	while (at < u->membership_count && u->memberships[at].id != id)
		at++;
	if (at == u->membership_count)
		return;
	organization_id = u->memberships[at].organization_id;
	memmove(&u->memberships[at], &u->memberships[at + 1],
		(u->membership_count - at - 1) * sizeof(*u->memberships));
	u->membership_count--;
	if (u->organization_id == organization_id)
		u->organization_id = u->membership_count
					     ? u->memberships[0].organization_id
					     : 0;
	state_user_touch(s, u, now_ms);
}

void state_organization_set(struct state *s, struct zen_user *u,
			    uint64_t organization_id, int64_t now_ms)
{
	if (organization_id) {
		state_membership_add(s, u, organization_id, now_ms);
		u->organization_id = organization_id;
	} else if (u->organization_id) {
		state_membership_remove(
			s, u, state_membership(u, u->organization_id), now_ms);
	}
}

void state_organizations_free(struct state *s)
{
	for (size_t i = 0; i < s->organization_count; i++)
		free(s->organizations[i].name);
	free(s->organizations);
}
