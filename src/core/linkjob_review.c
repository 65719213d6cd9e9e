/*
 * A run and the people who decide: does an approval count, what does a new
 * question have to show, what is kept of it. See linkjob.h.
 *
 * Refuses to stretch an approval: another messaging user, another profile,
 * another SunCo user or a side that changed makes it expire.
 */
#include "linkjob_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

/* --- the approval --- */

static bool same_people(const struct linkjob *l,
			const struct linkjob_approval *a)
{
	return str_eq(a->sunco_id, l->sunco_id) &&
	       l->facts.has_messaging_user &&
	       a->user == l->facts.messaging_user.id &&
	       a->profile == l->decision.profile_id;
}

static bool is_link(enum action a)
{
	return a == ACTION_REVIEW || a == ACTION_MERGE || a == ACTION_ADOPT;
}

/* Who approved saw both sides and every reason: that the link is one which
 * the rules would now allow by themselves is no reason to ask again. */
static reason_set waived_by(const struct linkjob_approval *a)
{
	reason_set pin = REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED);

	return (a->waived & ~pin) | REASON_LINKS | (a->pin ? pin : 0);
}

void linkjob_ask_approval(struct linkjob *l)
{
	const struct linkjob_approval *a = &l->settings.approval;

	if (!a->review_id)
		return;
	if (!same_people(l, a) || !pair_print_equal(&a->print, &l->print)) {
		l->approved = LINKJOB_EXPIRED;
		l->changes = pair_print_diff(&a->print, &l->print);
		return;
	}
	if (!is_link(l->decision.action))
		return;
	linkjob_ask_with(l, waived_by(a));
	l->approved = LINKJOB_APPROVED;
	if (l->decision.action != ACTION_REVIEW)
		return;
	/* One that does not suffice is none: the new review names everything,
	 * or its approval would not suffice either. */
	l->approved = LINKJOB_SHORT;
	linkjob_ask_with(l, 0);
}

char *linkjob_approval_note(const struct linkjob *l)
{
	const struct linkjob_approval *a = &l->settings.approval;
	const char *by = a->by ? a->by : "somebody";
	char note[1024];
	char *what;

	if (l->approved == LINKJOB_SHORT) {
		snprintf(
			note, sizeof(note),
			"The approval by %s does not cover what came up since.",
			by);
		return xstrdup(note);
	}
	if (l->approved != LINKJOB_EXPIRED)
		return NULL;
	what = pair_parts_text(l->changes);
	snprintf(note, sizeof(note),
		 "The approval by %s expired, because one of the two changed "
		 "since%s%s.",
		 by, *what ? ": " : "", what);
	free(what);
	return xstrdup(note);
}

/* --- what to gather --- */

static uint64_t user_id(const struct linkjob *l)
{
	return l->facts.has_messaging_user ? l->facts.messaging_user.id
					   : l->saga.from;
}

/* The open review about the same, as recalled before the decision. */
static const struct pair_asked *asked_before(const struct linkjob *l)
{
	uint64_t profile = l->decision.profile_id;

	if (!profile)
		return &l->recall.asked_adopt;
	for (size_t i = 0; i < RECALL_MAX; i++)
		if (l->weighed[i] == profile)
			return &l->recall.asked[i];
	return NULL;
}

static bool is_new_question(const struct linkjob *l)
{
	const struct pair_asked *p = asked_before(l);

	if (l->decision.action != ACTION_REVIEW || l->settings.dry)
		return false;
	if (!p || !p->open)
		return true;
	return p->own && (p->reasons != l->decision.reasons ||
			  memcmp(p->hash, l->print.hash, sizeof(p->hash)) != 0);
}

/* The address that a sync would copy. */
static const char *synced_address(const struct zd_user *profile)
{
	const struct zd_identity *first = NULL;

	for (size_t i = 0; i < profile->identity_count; i++) {
		const struct zd_identity *id = &profile->identities[i];

		if (!str_eq(id->type, "email"))
			continue;
		if (id->primary)
			return id->value;
		if (!first)
			first = id;
	}
	return first ? first->value : NULL;
}

/* The external id that a sync would copy, unless the conversation's own SunCo
 * user is who has it. */
static const char *synced_external_id(const struct linkjob *l,
				      const struct zd_user *profile)
{
	const char *id = profile->external_id;

	if (!id && pair_pin_of(&l->facts, &l->decision) == PAIR_PIN_PLANNED)
		id = policy_external_id(&l->facts);
	return str_eq(id, l->facts.sunco.external_id) ? NULL : id;
}

static void ask_sunco(struct linkjob *l, enum command_kind kind,
		      const char *text, struct commands *out)
{
	struct command *c;

	if (!text)
		return;
	l->gathered.asked_sunco = true;
	c = commands_add(out, kind);
	c->text = text;
	c->id = l->facts.sunco.brand_id;
}

static void ask_gather(struct linkjob *l, struct commands *out)
{
	const struct zd_user *profile = pair_profile(&l->facts, &l->decision);
	uint64_t into = l->decision.profile_id;

	linkjob_enter(l, LINKJOB_GATHER);
	if (user_id(l))
		commands_add(out, COMMAND_TICKETS)->id = user_id(l);
	if (into)
		commands_add(out, COMMAND_TICKETS)->id = into;
	if (profile && l->decision.intended == ACTION_MERGE) {
		ask_sunco(l, COMMAND_SUNCO_ADDRESS, synced_address(profile),
			  out);
		ask_sunco(l, COMMAND_SUNCO_EXTERNAL,
			  synced_external_id(l, profile), out);
	}
}

static void finish(struct linkjob *l)
{
	l->end = LINKJOB_END_DECIDED;
	linkjob_enter(l, LINKJOB_FINISHED);
}

void linkjob_conclude(struct linkjob *l, struct commands *out)
{
	if (is_new_question(l))
		ask_gather(l, out);
	if (out->count == 0)
		finish(l);
}

/* --- what came back --- */

static bool knows(const struct linkjob *l, const struct sunco_user *u)
{
	const struct linkjob_gathered *g = &l->gathered;

	for (size_t i = 0; i < g->other_count; i++)
		if (str_eq(g->others[i].id, u->id))
			return true;
	return str_eq(u->id, l->sunco_id);
}

static void take_others(struct linkjob *l, const struct answer *a)
{
	struct linkjob_gathered *g = &l->gathered;

	bool none =
		a->to == COMMAND_SUNCO_EXTERNAL && a->result == RESULT_NOTFOUND;

	if (a->result != RESULT_OK && !none)
		g->sunco_failed = true;
	for (size_t i = 0; a->result == RESULT_OK && i < a->sunco_count; i++) {
		if (knows(l, &a->sunco[i]) ||
		    g->other_count == LINKJOB_OTHERS_MAX)
			continue;
		g->others = xrealloc(g->others,
				     (g->other_count + 1) * sizeof(*g->others));
		sunco_user_copy(&g->others[g->other_count++], &a->sunco[i]);
	}
}

void linkjob_gather(struct linkjob *l, const struct answer *a)
{
	if (a->to != COMMAND_TICKETS)
		take_others(l, a);
	else if (a->result == RESULT_OK)
		l->gathered.tickets[a->id != user_id(l)] = a->tickets;
	if (l->waiting == 0)
		finish(l);
}

void linkjob_gathered_release(struct linkjob_gathered *g)
{
	for (size_t i = 0; i < g->other_count; i++)
		sunco_user_release(&g->others[i]);
	free(g->others);
	memset(g, 0, sizeof(*g));
}

/* --- what is kept --- */

static void set_count(struct json_t *v, const char *key, int64_t count)
{
	json_set(v, key, count < 0 ? json_new_null() : json_new_int(count));
}

static struct json_t *tickets_encode(const struct linkjob_gathered *g)
{
	struct json_t *v = json_new_obj();

	set_count(v, "messaging_user", g->tickets[0]);
	set_count(v, "profile", g->tickets[1]);
	return v;
}

static struct json_t *others_encode(const struct linkjob_gathered *g)
{
	struct json_t *arr;

	if (g->sunco_failed)
		return json_new_null();
	arr = json_new_arr();
	for (size_t i = 0; i < g->other_count; i++)
		json_push(arr, sunco_user_encode(&g->others[i]));
	return arr;
}

static struct json_t *owners_encode(const struct facts *f)
{
	struct json_t *arr = json_new_arr();
	char id[24];

	for (size_t i = 0; i < f->profile_count; i++) {
		if (!policy_is_owner(f, &f->profiles[i]))
			continue;
		snprintf(id, sizeof(id), "%llu",
			 (unsigned long long)f->profiles[i].id);
		json_push(arr, json_new_str(id));
	}
	return arr;
}

char *linkjob_review_facts(const struct linkjob *l)
{
	const struct decision *d = &l->decision;
	struct json_t *v = linkjob_image(l);
	char *note = linkjob_approval_note(l);
	char *text;

	json_set_str(v, "address", d->address[0] ? d->address : NULL);
	json_set_str(v, "external_id", policy_external_id(&l->facts));
	json_set(v, "owners", owners_encode(&l->facts));
	json_set_bool(v, "displaced", d->displaced);
	if (d->displaced) {
		json_set_bool(v, "proven_before_loss",
			      l->facts.displaced.proven_before_loss);
		json_set_bool(v, "coincides", l->facts.displaced.coincides);
	}
	json_set_bool(v, "survived_merge",
		      l->facts.messaging_user.survived_merge);
	json_set(v, "steps", decision_encode_steps(d));
	json_set_bool(v, "sync",
		      d->intended == ACTION_MERGE && l->settings.sync &&
			      l->facts.sunco.zendesk_id == user_id(l));
	json_set(v, "tickets", tickets_encode(&l->gathered));
	if (l->gathered.asked_sunco)
		json_set(v, "sunco_users", others_encode(&l->gathered));
	json_set(v, "print", pair_print_encode(&l->print));
	if (note)
		json_set_str(v, "earlier_approval", note);
	if (l->saga.state == SAGA_REFUSED && l->error.text[0])
		json_set_str(v, "refusal", l->error.text);
	text = json_text(v);
	free(note);
	json_free(v);
	return text;
}
