/*
 * PUT /users/{loser}/merge {"user":{"id":survivor}}.
 *
 * Refused: a user that is gone (404), oneself, staff, shared users, a loser
 * with too many tickets; and, where the settings say so, suspended users,
 * unverified ones that only have a messaging identity, and, as on accounts
 * with single sign-on, anybody with an external id. Settings also say which
 * body a refusal has, and what becomes of merges that change nothing.
 */
#include "sandbox/zendesk.h"

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

static bool has_address(const struct zen_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		const struct zen_identity *at = u->identities[i];

		if (str_eq(at->type, "email") || str_eq(at->type, "twitter"))
			return true;
	}
	return false;
}

/* Why the two cannot be merged, or NULL. */
static const char *obstacle(const struct account *a,
			    const struct zen_user *from,
			    const struct zen_user *into)
{
	const struct settings *s = &a->settings;
	int64_t tickets =
		from->old_tickets + (int64_t)state_tickets_of(a->state, from);

	if (from == into)
		return s->merge_itself ? NULL
				       : "A user cannot be merged with itself";
	if (!str_eq(from->role, "end-user") || !str_eq(into->role, "end-user"))
		return "Only end users can be merged";
	if (from->shared || into->shared)
		return "Shared users cannot be merged";
	if (s->sso_external_id_refusal &&
	    (from->external_id || into->external_id))
		return "Users with an external_id cannot be merged";
	if (tickets > s->merge_max_tickets)
		return "The user has requested too many tickets to be merged";
	if (!s->merge_suspended && (from->suspended || into->suspended))
		return "Suspended users cannot be merged";
	if (!s->merge_unverified_messaging && !has_address(from))
		return "Unverified users need an email address to be merged";
	return NULL;
}

static void merge(const struct account *a, struct zen_user *from,
		  struct zen_user *into, const char *by, int64_t now_ms)
{
	const struct settings *s = &a->settings;
	const struct merge_rules rules = {
		.messaging_moves = s->messaging_identity_moves,
		.organizations_join = s->multiple_organizations,
		.external_id_lost = !s->merge_keeps_external_id,
		.zendesk_id_follows = s->zendesk_id_follows_merge,
		.identity_lag_ms = s->identity_move_lag_ms,
		.external_id_lag_ms = s->external_id_release_lag_ms,
		.by = by};

	state_user_merge(a->state, from, into, &rules, now_ms);
}

static void answer_survivor(const struct call *c, const struct zen_user *into,
			    struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "user", render_user(c->account, into));
	call_ok(out, 200, body);
}

static void merge_by_api(const struct call *c, struct zen_user *from,
			 struct zen_user *into, struct answer *out)
{
	if (from != into)
		merge(c->account, from, into, "api", c->now_ms);
	out->applied = from != into;
	answer_survivor(c, into, out);
}

static void refuse(const struct call *c, const char *why, struct answer *out)
{
	if (str_eq(c->account->settings.merge_refusal, "forbidden"))
		call_forbidden(out);
	else
		call_invalid(out, "base", why, NULL);
}

/* from is gone already; false: nothing is known of such a merge. */
static bool merge_again(const struct call *c, const struct zen_user *from,
			struct answer *out)
{
	const char *how = c->account->settings.merge_again;

	if (!from || !from->merged_into || str_eq(how, "not_found"))
		return false;
	if (str_eq(how, "invalid"))
		refuse(c, "The user has been merged already", out);
	else
		answer_survivor(
			c, state_user(c->account->state, from->merged_into),
			out);
	return true;
}

const char *zendesk_merge_by_hand(const struct account *a, uint64_t from_id,
				  uint64_t into_id, int64_t now_ms)
{
	struct zen_user *from = state_user(a->state, from_id);
	struct zen_user *into = state_user(a->state, into_id);
	const char *why;

	if (!from || !from->active || !into || !into->active)
		return "from and into: ids of two active users";
	why = obstacle(a, from, into);
	if (!why)
		merge(a, from, into, "agent", now_ms);
	return why;
}

void zendesk_user_merge(const struct call *c, struct answer *out)
{
	struct zen_user *from =
		state_user(c->account->state, call_param_id(c, 0));
	uint64_t into_id = json_get_id(json_get(c->body, "user"), "id");
	struct zen_user *into = state_user(c->account->state, into_id);
	const char *why;

	if (!from || !from->active) {
		if (!merge_again(c, from, out))
			call_not_found(out);
	} else if (!into_id) {
		call_invalid(out, "id", "Id: cannot be blank", "BlankValue");
	} else if (!into || !into->active) {
		call_not_found(out);
	} else {
		why = obstacle(c->account, from, into);
		if (why)
			refuse(c, why, out);
		else
			merge_by_api(c, from, into, out);
	}
}
