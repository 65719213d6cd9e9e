/*
 * One run of one job: see linkjob.h for the diagram. This file finds out who
 * is meant and decides; linkjob_do.c goes through the saga and ends the run.
 *
 * Refuses to take a fact from anywhere but an answer of this run.
 */
#include "linkjob_int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const char *linkjob_state_name(enum linkjob_state s)
{
	static const char *const names[] = {
		[LINKJOB_START] = "start",
		[LINKJOB_RESUME] = "resume",
		[LINKJOB_IDENTIFY] = "identify",
		[LINKJOB_FOLDING] = "folding",
		[LINKJOB_READ] = "read",
		[LINKJOB_LOCATE] = "locate",
		[LINKJOB_OWNERS] = "owners",
		[LINKJOB_WEIGH] = "weigh",
		[LINKJOB_FORMER] = "former",
		[LINKJOB_DOING] = "doing",
		[LINKJOB_GATHER] = "gather",
		[LINKJOB_FINISHED] = "finished",
	};

	return names[s];
}

void linkjob_check(const struct linkjob *l)
{
	const struct facts *f = &l->facts;

	if (l->state == LINKJOB_FINISHED)
		assert(l->waiting == 0 && l->end != LINKJOB_END_NONE);
	if (l->state >= LINKJOB_OWNERS && f->has_messaging_user &&
	    l->state != LINKJOB_FINISHED)
		assert(zd_user_identity(&f->messaging_user, "messaging",
					l->sunco_id));
	if (l->settings.dry)
		assert(l->saga.state == SAGA_IDLE);
	if (f->has_displaced && l->state != LINKJOB_FINISHED)
		assert(f->displaced.active &&
		       f->displaced.id != f->messaging_user.id &&
		       !policy_is_owner(f, &f->displaced));
}

void linkjob_enter(struct linkjob *l, enum linkjob_state s)
{
	l->state = s;
	linkjob_check(l);
}

void linkjob_note_read(struct linkjob *l, int64_t now_ms)
{
	if (!l->oldest_read_ms)
		l->oldest_read_ms = now_ms;
}

void linkjob_forgive_lateness(struct linkjob *l, int64_t now_ms)
{
	int64_t late_ms = l->due_ms ? now_ms - l->due_ms : 0;

	l->due_ms = 0;
	if (late_ms <= 0)
		return;
	l->late_ms += late_ms;
	l->deadline_ms += late_ms;
}

/* No answer where one is needed: the same again later. */
static bool answered(struct linkjob *l, const struct answer *a)
{
	if (a->result == RESULT_OK || a->result == RESULT_NOTFOUND ||
	    linkjob_is_early(l, a))
		return true;
	if (l->end == LINKJOB_END_NONE) {
		l->end = LINKJOB_END_RETRY;
		l->why = a->result;
		l->told_ms = a->told_ms;
		error_set(&l->error, a->result, "%s: %s", command_name(a->to),
			  a->error ? a->error : result_name(a->result));
	}
	return false;
}

/* Once a run is to end, only the answers still out are waited for. */
static bool ending(struct linkjob *l)
{
	if (l->end == LINKJOB_END_NONE)
		return false;
	if (l->waiting == 0)
		linkjob_enter(l, LINKJOB_FINISHED);
	return true;
}

static void ask_identify(struct linkjob *l, struct commands *out)
{
	linkjob_enter(l, LINKJOB_IDENTIFY);
	commands_add(out, COMMAND_RECALL)->ids[0] = l->hint;
}

static void ask_read(struct linkjob *l, struct commands *out)
{
	linkjob_enter(l, LINKJOB_READ);
	commands_add(out, COMMAND_RECALL)->ids[0] = l->hint;
	commands_add(out, COMMAND_SUNCO)->text = l->sunco_id;
}

void linkjob_start(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	(void)now_ms;
	out->count = 0;
	if (l->saga.state != SAGA_IDLE) {
		linkjob_enter(l, LINKJOB_RESUME);
		commands_add(out, COMMAND_SUNCO)->text = l->sunco_id;
	} else if (l->sunco_id[0]) {
		ask_read(l, out);
	} else {
		ask_identify(l, out);
	}
	l->waiting += (unsigned)out->count;
}

static void decide_gone(struct linkjob *l, enum reason why, int rule)
{
	struct decision *d = &l->decision;

	memset(d, 0, sizeof(*d));
	d->action = ACTION_NONE;
	d->reason = why;
	d->reasons = REASON_BIT(why);
	d->rule = rule;
	l->end = LINKJOB_END_DECIDED;
	linkjob_enter(l, LINKJOB_FINISHED);
}

/* The messaging identity that Zendesk gave last names the conversation. */
static const struct zd_identity *newest_messaging(const struct zd_user *u)
{
	const struct zd_identity *best = NULL;

	for (size_t i = 0; i < u->identity_count; i++) {
		const struct zd_identity *id = &u->identities[i];

		if (str_eq(id->type, "messaging") && id->value &&
		    sunco_id_valid(id->value, strlen(id->value)) &&
		    (!best || id->id > best->id))
			best = id;
	}
	return best;
}

static void keep_messaging_user(struct linkjob *l, const struct zd_user *u)
{
	struct facts *f = &l->facts;

	if (f->has_messaging_user)
		zd_user_release(&f->messaging_user);
	zd_user_copy(&f->messaging_user, u);
	f->has_messaging_user = true;
}

static void drop_messaging_user(struct linkjob *l)
{
	if (l->facts.has_messaging_user)
		zd_user_release(&l->facts.messaging_user);
	l->facts.has_messaging_user = false;
}

/* Gone, or just being merged by the person's other job: then the store knows
 * of it at the next look, and the survivor once that job has seen the identity
 * there, which takes a while on some days. */
static void identify_gone(struct linkjob *l, int64_t now_ms)
{
	bool merging = l->recall.merging && now_ms < l->deadline_ms;
	int64_t wait_ms = LINKJOB_GONE_MS;

	decide_gone(l, REASON_MESSAGING_USER_GONE, 2);
	if ((l->looks > 0 && !merging) || l->settings.dry)
		return;
	for (int i = 0; i < l->looks && wait_ms < LINKJOB_GONE_LONGEST_MS; i++)
		wait_ms *= 3;
	l->looks++;
	l->end = LINKJOB_END_WAIT;
	l->run_at_ms = now_ms + wait_ms;
}

static void on_identified(struct linkjob *l, const struct answer *a,
			  struct commands *out)
{
	const struct zd_identity *id;

	if (a->to == COMMAND_RECALL) {
		l->hint = a->recall->survivor[0];
		l->recall.merging = a->recall->merging;
		commands_add(out, COMMAND_USER)->id = l->hint;
		return;
	}
	if (a->result == RESULT_NOTFOUND || !a->users[0].active) {
		identify_gone(l, a->now_ms);
		return;
	}
	id = newest_messaging(a->users);
	if (!id) {
		/* the identity of a hand-off may still be on its way; a user
		 * without a ticket is simply not of messaging */
		decide_gone(l, REASON_NO_MESSAGING_USER, 1);
		linkjob_forgive_lateness(l, a->now_ms);
		if (l->ticket_id && a->now_ms < l->deadline_ms) {
			l->looks++;
			l->decision.action = ACTION_WAIT;
			l->end = LINKJOB_END_WAIT;
		}
		return;
	}
	str_copy(l->sunco_id, sizeof(l->sunco_id), id->value);
	keep_messaging_user(l, a->users);
	linkjob_note_read(l, a->now_ms);
	if (l->settings.dry) {
		ask_read(l, out);
		return;
	}
	linkjob_enter(l, LINKJOB_FOLDING);
	commands_add(out, COMMAND_FOLD)->text = l->sunco_id;
}

/* The person's row goes on as this run; the user that was read stays so. */
static void take_over(struct linkjob *l, const struct job *job)
{
	if (!l->ticket_id)
		l->ticket_id = job->ticket_id;
	l->facts.history.backfill = job->lane == LANE_BACKFILL;
	l->nobody_waits = job->source == EVENT_FROM_BACKFILL;
	l->deadline_ms = job->deadline_ms;
	l->due_ms = job->run_at_ms;
	linkjob_restore(l, job);
}

static void on_folded(struct linkjob *l, const struct answer *a,
		      struct commands *out)
{
	if (a->taken)
		take_over(l, a->taken);
	if (a->kept || a->taken) {
		ask_read(l, out);
		return;
	}
	l->end = LINKJOB_END_MOVED;
	linkjob_enter(l, LINKJOB_FINISHED);
}

/* A link that is believed, if the SunCo user still says the same. */
static bool remembered(const struct linkjob *l, int64_t now_ms)
{
	const struct recall *r = &l->recall;

	if (!r->linked || now_ms < r->linked_ms ||
	    now_ms - r->linked_ms >= l->settings.recheck_ms ||
	    l->settings.approval.review_id || l->settings.dry)
		return false;
	return !l->ticket_id || !l->hint || l->hint == r->linked_user;
}

static bool ask_hint(struct linkjob *l, struct commands *out)
{
	if (!l->hint || l->read_hint || l->facts.has_messaging_user)
		return false;
	l->read_hint = true;
	commands_add(out, COMMAND_USER)->id = l->hint;
	return true;
}

static void take_recall(struct linkjob *l, const struct answer *a,
			struct commands *out)
{
	const struct recall *r = a->recall;
	bool reads = false;

	l->recall = *r;
	l->recall.told = NULL;
	if (l->hint && r->survivor[0])
		l->hint = r->survivor[0];
	if (!l->hint && r->linked)
		l->hint = r->linked_user;
	/* merged since it was read, by the run that had the row before */
	if (l->facts.has_messaging_user &&
	    l->facts.messaging_user.id != l->hint)
		drop_messaging_user(l);
	if (remembered(l, a->now_ms) || l->sunco_gone)
		return;
	reads = ask_hint(l, out);
	linkjob_search_early(l, r->told, reads, out);
}

/* Linked before, and nothing that the link rests on has changed. */
static bool known(const struct linkjob *l, int64_t now_ms)
{
	const struct recall *r = &l->recall;
	struct event_print print;
	uint64_t named = l->facts.sunco.zendesk_id;

	if (!remembered(l, now_ms) || (named && named != r->linked_user))
		return false;
	event_print_of(&l->facts.sunco, &print);
	return print.known && r->linked_print.known &&
	       memcmp(print.hash, r->linked_print.hash, sizeof(print.hash)) ==
		       0;
}

/* The hint may be of a conversation that another one was merged into. */
static bool linked_elsewhere(const struct linkjob *l)
{
	uint64_t user = l->recall.linked ? l->recall.linked_user : 0;

	return user && user != l->hint && user != l->located && !l->read_linked;
}

/* The next place where the messaging user may be, in the order of the
 * policy's definition; none left: decide without one. */
static void locate(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	const struct sunco_user *s = &l->facts.sunco;

	if (l->waiting || out->count)
		return;
	if (l->facts.has_messaging_user) {
		linkjob_find_owners(l, now_ms, out);
	} else if (s->zendesk_id && s->zendesk_id != l->hint && !l->located) {
		l->located = s->zendesk_id;
		linkjob_enter(l, LINKJOB_LOCATE);
		commands_add(out, COMMAND_RECALL)->ids[0] = s->zendesk_id;
	} else if (linked_elsewhere(l)) {
		l->read_linked = true;
		linkjob_enter(l, LINKJOB_LOCATE);
		commands_add(out, COMMAND_USER)->id = l->recall.linked_user;
	} else if (s->external_id && !l->searched_external) {
		l->searched_external = true;
		linkjob_enter(l, LINKJOB_LOCATE);
		commands_add(out, COMMAND_SEARCH_EXTERNAL)->text =
			s->external_id;
	} else {
		linkjob_find_owners(l, now_ms, out);
	}
}

/* Only a holder of the conversation's identity is the messaging user. */
static bool take_if_messaging(struct linkjob *l, const struct zd_user *u)
{
	if (!zd_user_identity(u, "messaging", l->sunco_id))
		return false;
	keep_messaging_user(l, u);
	return true;
}

static void take_sunco(struct linkjob *l, const struct answer *a)
{
	if (a->result == RESULT_NOTFOUND) {
		l->sunco_gone = true;
		return;
	}
	sunco_user_release(&l->facts.sunco);
	sunco_user_copy(&l->facts.sunco, a->sunco);
	linkjob_note_read(l, a->now_ms);
}

static void take_hint(struct linkjob *l, const struct answer *a)
{
	if (a->result != RESULT_OK || !a->users->active)
		l->gone = a->id;
	if (a->result == RESULT_OK && take_if_messaging(l, a->users))
		linkjob_note_read(l, a->now_ms);
}

static void on_read(struct linkjob *l, const struct answer *a,
		    struct commands *out)
{
	if (a->to == COMMAND_RECALL)
		take_recall(l, a, out);
	else if (a->to == COMMAND_SUNCO)
		take_sunco(l, a);
	else if (a->to == COMMAND_USER)
		take_hint(l, a);
	else
		linkjob_take_early(l, a);
	if (l->waiting || out->count)
		return;
	if (l->sunco_gone) {
		decide_gone(l, REASON_MESSAGING_USER_GONE, 2);
	} else if (known(l, a->now_ms)) {
		l->end = LINKJOB_END_KNOWN;
		linkjob_enter(l, LINKJOB_FINISHED);
	} else if (!ask_hint(l, out)) {
		locate(l, a->now_ms, out);
	}
}

static void on_located(struct linkjob *l, const struct answer *a,
		       struct commands *out)
{
	if (a->to == COMMAND_RECALL) {
		uint64_t id = a->recall->survivor[0];

		l->located = id ? id : l->located;
		if (l->located == l->hint) {
			locate(l, a->now_ms, out);
			return;
		}
		commands_add(out, COMMAND_USER)->id = l->located;
		linkjob_search_beside(l, out);
		return;
	}
	if (linkjob_is_early(l, a)) {
		linkjob_take_early(l, a);
		locate(l, a->now_ms, out);
		return;
	}
	for (size_t i = 0; a->result == RESULT_OK && i < a->user_count; i++) {
		if (!take_if_messaging(l, &a->users[i]) &&
		    a->to == COMMAND_SEARCH_EXTERNAL)
			facts_add_profile(&l->facts, &a->users[i]);
	}
	linkjob_note_read(l, a->now_ms);
	locate(l, a->now_ms, out);
}

bool linkjob_out_of_question(const struct zd_user *u)
{
	return !u->active || u->role != ZD_ROLE_END_USER || u->suspended ||
	       u->shared;
}

void linkjob_find_owners(struct linkjob *l, int64_t now_ms,
			 struct commands *out)
{
	const struct facts *f = &l->facts;
	const char *external_id;

	linkjob_enter(l, LINKJOB_OWNERS);
	policy_evidence(&f->sunco, l->address);
	if (!f->has_messaging_user ||
	    linkjob_out_of_question(&f->messaging_user)) {
		linkjob_weigh(l, out);
		return;
	}
	if (l->address[0] && !policy_holds_address(f) &&
	    !linkjob_use_early(l, now_ms))
		commands_add(out, COMMAND_SEARCH_ADDRESS)->text = l->address;
	external_id = policy_external_id(f);
	if (f->sunco.authenticated && external_id && !l->searched_external &&
	    !policy_holds_external_id(f)) {
		l->searched_external = true;
		commands_add(out, COMMAND_SEARCH_EXTERNAL)->text = external_id;
	}
	if (out->count == 0)
		linkjob_weigh(l, out);
}

static void on_owners(struct linkjob *l, const struct answer *a,
		      struct commands *out)
{
	linkjob_note_read(l, a->now_ms);
	for (size_t i = 0; a->result == RESULT_OK && i < a->user_count; i++)
		facts_add_profile(&l->facts, &a->users[i]);
	if (!l->waiting)
		linkjob_weigh(l, out);
}

static void dispatch(struct linkjob *l, const struct answer *a,
		     struct commands *out)
{
	switch (l->state) {
	case LINKJOB_RESUME:
		linkjob_resume(l, a, out);
		break;
	case LINKJOB_IDENTIFY:
		on_identified(l, a, out);
		break;
	case LINKJOB_FOLDING:
		on_folded(l, a, out);
		break;
	case LINKJOB_READ:
		on_read(l, a, out);
		break;
	case LINKJOB_LOCATE:
		on_located(l, a, out);
		break;
	case LINKJOB_OWNERS:
		on_owners(l, a, out);
		break;
	case LINKJOB_WEIGH:
		linkjob_on_weighed(l, a, out);
		break;
	case LINKJOB_FORMER:
		linkjob_on_former(l, a, out);
		break;
	default:
		assert(!"an answer that nobody waits for");
	}
}

/* Answers to a change that say neither yes nor no. */
static bool is_unclear(enum result r)
{
	return r == RESULT_CONFLICT || r == RESULT_NOTFOUND;
}

/* What is forbidden for this one person is a refusal, no reason to hold
 * everybody's jobs; and so is what stays unclear however often it is tried. */
static struct answer judged(struct linkjob *l, const struct answer *a)
{
	struct answer j = *a;

	if (a->personal)
		j.result = RESULT_PERM;
	else if (is_unclear(a->result) && command_changes(a->to) &&
		 ++l->conflicts >= LINKJOB_CONFLICTS)
		j.result = RESULT_PERM;
	return j;
}

void linkjob_step(struct linkjob *l, const struct answer *a,
		  struct commands *out)
{
	struct answer j = judged(l, a);

	out->count = 0;
	assert(l->waiting > 0);
	l->waiting--;
	l->api_calls += a->calls;
	linkjob_see(l, &j);
	if (l->state == LINKJOB_DOING) {
		linkjob_do(l, &j, out);
	} else if (l->state == LINKJOB_GATHER) {
		linkjob_gather(l, &j);
	} else if (l->end != LINKJOB_END_NONE || !answered(l, &j)) {
		ending(l);
		return;
	} else {
		dispatch(l, &j, out);
	}
	l->waiting += (unsigned)out->count;
	linkjob_check(l);
}

void linkjob_init(struct linkjob *l, const struct job *job,
		  const struct linkjob_settings *s)
{
	memset(l, 0, sizeof(*l));
	l->settings = *s;
	facts_init(&l->facts);
	l->facts.history.backfill = job->lane == LANE_BACKFILL;
	saga_init(&l->saga);
	str_copy(l->sunco_id, sizeof(l->sunco_id), job->sunco_id);
	l->hint = job->zendesk_user_id;
	l->ticket_id = job->ticket_id;
	l->deadline_ms = job->deadline_ms;
	l->nobody_waits = job->source == EVENT_FROM_BACKFILL;
	l->due_ms = job->run_at_ms;
	l->told_ms = -1;
	l->gathered.tickets[0] = l->gathered.tickets[1] = -1;
	linkjob_restore(l, job);
}

void linkjob_release(struct linkjob *l)
{
	drop_messaging_user(l);
	facts_release(&l->facts);
	sightings_release(&l->seen);
	linkjob_early_release(l);
	linkjob_gathered_release(&l->gathered);
}
