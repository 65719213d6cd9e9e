/*
 * Memberships in organizations, and the tickets that a user requested.
 *
 * Refused: a second membership where the account allows one only, or in the
 * same organization.
 */
#include "sandbox/zendesk.h"

#include "base/json.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

static struct json_t *render_membership(const struct account *a,
					const struct zen_user *u, size_t i)
{
	const struct zen_membership *m = &u->memberships[i];
	const struct zen_organization *organization =
		state_organization(a->state, m->organization_id);
	struct json_t *o = json_new_obj();

	json_set_id(o, "id", m->id);
	json_set_id(o, "user_id", u->id);
	json_set_id(o, "organization_id", m->organization_id);
	json_set_str(o, "organization_name",
		     organization ? organization->name : NULL);
	json_set_bool(o, "default", m->organization_id == u->organization_id);
	return o;
}

/* One page of all, by cursor or by offset, under the key. all is *taken*. */
static void answer_page(const struct call *c, const char *key,
			struct json_t *all, struct answer *out)
{
	struct json_t *body = json_new_obj();
	struct json_t *list = json_new_arr();
	struct page p;
	bool cursor = call_cursor_page(c, json_len(all), &p);

	if (!cursor)
		p = call_page(c, json_len(all));
	for (size_t i = p.first; i < p.end; i++)
		json_push(list, json_clone(json_at(all, i)));
	json_set(body, key, list);
	if (cursor)
		call_cursor_links(c, &p, body);
	else
		call_page_links(c, &p, body);
	json_free(all);
	call_ok(out, 200, body);
}

void zendesk_memberships_list(const struct call *c, struct answer *out)
{
	const struct zen_user *u = zendesk_user_of(c, out);
	struct json_t *all;

	if (!u)
		return;
	all = json_new_arr();
	for (size_t i = 0; i < u->membership_count; i++)
		json_push(all, render_membership(c->account, u, i));
	answer_page(c, "organization_memberships", all, out);
}

void zendesk_membership_create(const struct call *c, struct answer *out)
{
	const struct json_t *fields =
		json_get(c->body, "organization_membership");
	struct state *s = c->account->state;
	struct zen_user *u = state_user(s, json_get_id(fields, "user_id"));
	uint64_t id = json_get_id(fields, "organization_id");
	struct json_t *body;

	if (!u || !u->active || !id) {
		call_invalid(out, "user_id", "User: is not valid", NULL);
		return;
	}
	if (state_membership(u, id) ||
	    (u->membership_count > 0 &&
	     !c->account->settings.multiple_organizations)) {
		call_invalid(out, "user_id", "User: has already been taken",
			     "DuplicateValue");
		return;
	}
	state_membership_add(s, u, id, c->now_ms);
	body = json_new_obj();
	json_set(body, "organization_membership",
		 render_membership(c->account, u, u->membership_count - 1));
	out->applied = true;
	call_ok(out, 201, body);
}

static struct zen_user *member_with(const struct state *s, uint64_t id)
{
	for (size_t i = 0; i < s->user_count; i++) {
		struct zen_user *u = s->users[i];

		for (size_t n = 0; u->active && n < u->membership_count; n++) {
			if (u->memberships[n].id == id)
				return u;
		}
	}
	return NULL;
}

void zendesk_membership_delete(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	uint64_t id = call_param_id(c, 0);
	struct zen_user *u = member_with(s, id);

	if (!u) {
		call_not_found(out);
		return;
	}
	state_membership_remove(s, u, id, c->now_ms);
	out->applied = true;
	call_ok(out, 204, NULL);
}

void zendesk_tickets_requested(const struct call *c, struct answer *out)
{
	const struct zen_user *u = zendesk_user_of(c, out);
	const struct state *s = c->account->state;
	struct json_t *all;

	if (!u)
		return;
	all = json_new_arr();
	for (size_t i = 0; i < s->ticket_count; i++) {
		if (s->tickets[i]->requester_id == u->id &&
		    !str_eq(s->tickets[i]->status, "deleted"))
			json_push(all,
				  render_ticket(c->account, s->tickets[i]));
	}
	answer_page(c, "tickets", all, out);
}
