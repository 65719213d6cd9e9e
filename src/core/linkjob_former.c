/*
 * Whose the address was: the former owner that a run reads, and what every
 * run remembers of whom it saw. See linkjob.h and owner.h.
 *
 * Refuses to believe that anybody lost an address but who was read without it
 * in this run.
 */
#include "linkjob_int.h"

#include "base/str.h"

void linkjob_see(struct linkjob *l, const struct answer *a)
{
	bool found = a->to == COMMAND_SEARCH_ADDRESS ||
		     a->to == COMMAND_SEARCH_EXTERNAL;

	if (a->to == COMMAND_USER && a->result == RESULT_NOTFOUND)
		sightings_add_gone(&l->seen, a->id, a->now_ms);
	if ((a->to != COMMAND_USER && !found) || a->result != RESULT_OK)
		return;
	for (size_t i = 0; i < a->user_count; i++)
		sightings_add(&l->seen, &a->users[i], found, a->now_ms);
}

static bool has_owner(const struct facts *f)
{
	for (size_t i = 0; i < f->profile_count; i++)
		if (policy_is_owner(f, &f->profiles[i]))
			return true;
	return false;
}

/*
 * Only somebody who signed in gets an address that another profile had; what
 * is typed takes it from nobody. Without the address, they would be given it
 * now (adopt), which the evidence has to allow.
 */
static bool wants_former(const struct linkjob *l)
{
	const struct facts *f = &l->facts;
	char address[ADDRESS_SIZE];

	if (!f->has_messaging_user || !f->sunco.authenticated ||
	    !l->address[0] || f->has_displaced || has_owner(f) ||
	    linkjob_out_of_question(&f->messaging_user))
		return false;
	return policy_holds_address(f) ||
	       policy_evidence(&f->sunco, address) == EVIDENCE_VERIFIED;
}

bool linkjob_ask_former(struct linkjob *l, struct commands *out)
{
	if (!wants_former(l) || l->former >= l->recall.owner_count)
		return false;
	linkjob_enter(l, LINKJOB_FORMER);
	commands_add(out, COMMAND_USER)->id = l->recall.owners[l->former].user;
	return true;
}

static int64_t gained_ms(const struct linkjob *l)
{
	const struct zd_identity *i =
		zd_user_identity(&l->facts.messaging_user, "email", l->address);

	return i ? i->created_ms : 0;
}

static void take_displaced(struct linkjob *l, const struct zd_user *u)
{
	const struct owner *o = &l->recall.owners[l->former];
	struct zd_user *d = &l->facts.displaced;

	zd_user_copy(d, u);
	d->proven_before_loss = o->proven;
	d->coincides = owner_loss_coincides(o, gained_ms(l), u->updated_ms);
	l->facts.has_displaced = true;
}

/* The search did not show it, or not as it is. */
static void take_owner(struct linkjob *l, const struct zd_user *u)
{
	struct facts *f = &l->facts;

	for (size_t i = 0; i < f->profile_count; i++) {
		if (f->profiles[i].id != u->id)
			continue;
		zd_user_release(&f->profiles[i]);
		zd_user_copy(&f->profiles[i], u);
		return;
	}
	facts_add_profile(f, u);
}

/* Deleted, or merged by somebody else. Or both have the address: then each is
 * of a brand of its own, and nobody lost anything. */
static bool is_nobody(const struct linkjob *l, const struct answer *a)
{
	const struct facts *f = &l->facts;
	const struct zd_user *u = a->users;

	return a->result == RESULT_NOTFOUND || !u->active ||
	       (u->brand_id != f->messaging_user.brand_id &&
		policy_holds_address(f) && policy_is_owner(f, u));
}

void linkjob_on_former(struct linkjob *l, const struct answer *a,
		       struct commands *out)
{
	const struct zd_user *u = a->users;

	linkjob_note_read(l, a->now_ms);
	if (is_nobody(l, a)) {
		l->former++;
		if (!linkjob_ask_former(l, out))
			linkjob_decide(l, a->now_ms, out);
		return;
	}
	if (policy_is_owner(&l->facts, u))
		take_owner(l, u);
	else
		take_displaced(l, u);
	linkjob_weigh(l, out);
}
