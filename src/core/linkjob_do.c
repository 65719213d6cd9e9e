/*
 * The second half of a run: weigh, decide, do. See linkjob.h.
 */
#include "linkjob_int.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

/* The owners among what the searches returned, as many as are asked about:
 * more than one is ambiguous anyway. Without any, the displaced profile. */
static size_t owners(const struct facts *f, uint64_t ids[RECALL_MAX - 1])
{
	size_t n = 0;

	for (size_t i = 0; i < f->profile_count && n < RECALL_MAX - 1; i++)
		if (policy_is_owner(f, &f->profiles[i]))
			ids[n++] = f->profiles[i].id;
	if (n == 0 && f->has_displaced)
		ids[n++] = f->displaced.id;
	return n;
}

void linkjob_weigh(struct linkjob *l, struct commands *out)
{
	struct command *c;

	linkjob_enter(l, LINKJOB_WEIGH);
	c = commands_add(out, COMMAND_RECALL);
	c->text = l->address;
	c->ids[0] =
		l->facts.has_messaging_user ? l->facts.messaging_user.id : 0;
	owners(&l->facts, c->ids + 1);
	memcpy(l->weighed, c->ids, sizeof(l->weighed));
}

static void hash_address(const struct linkjob *l, uint8_t out[16])
{
	uint8_t full[CRYPTO_SHA256_SIZE];

	crypto_sha256(l->address, strlen(l->address), full);
	memcpy(out, full, 16);
}

/* Searched before, in vain, for the same address, long enough ago? */
static bool searched_twice(const struct linkjob *l, int64_t now_ms)
{
	uint8_t hash[16];

	hash_address(l, hash);
	return l->first_search_ms &&
	       memcmp(hash, l->first_search_hash, sizeof(hash)) == 0 &&
	       now_ms - l->first_search_ms >= l->settings.settle_after_ms;
}

static void remember_search(struct linkjob *l, int64_t now_ms)
{
	uint8_t hash[16];

	hash_address(l, hash);
	if (l->first_search_ms && l->first_search_ms <= now_ms &&
	    memcmp(hash, l->first_search_hash, sizeof(hash)) == 0)
		return;
	memcpy(l->first_search_hash, hash, sizeof(hash));
	l->first_search_ms = now_ms;
}

static void fill_history(struct linkjob *l, int64_t now_ms)
{
	struct facts *f = &l->facts;
	const struct recall *r = &l->recall;
	uint64_t ids[RECALL_MAX - 1];
	size_t n = owners(f, ids);
	int64_t most = 0;

	for (size_t i = 1; i <= n; i++)
		if (r->merges_today[i] > most)
			most = r->merges_today[i];
	f->messaging_user.survived_merge = r->survived[0];
	if (f->has_displaced)
		f->displaced.survived_merge = r->survived[1];
	f->history.merges_this_hour = r->merges_this_hour;
	f->history.merges_into_profile_today = most;
	f->history.searched_twice = searched_twice(l, now_ms);
}

static void finish(struct linkjob *l, enum linkjob_end end)
{
	l->end = end;
	linkjob_enter(l, LINKJOB_FINISHED);
}

static struct saga_allows allowed(const struct linkjob *l)
{
	const struct linkjob_settings *s = &l->settings;
	bool approved =
		l->approved == LINKJOB_APPROVED &&
		s->approval.waived & REASON_BIT(REASON_EXTERNAL_ID_REFUSED);

	return (struct saga_allows){
		.release = s->rules.release_external_id || approved,
		.sync = s->sync,
	};
}

static void begin(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	int64_t fresh_until_ms = l->oldest_read_ms + LINKJOB_FRESH_MS;

	/* a clock that went back says nothing about how old it is */
	if (now_ms > fresh_until_ms || now_ms < l->oldest_read_ms) {
		finish(l, LINKJOB_END_AGAIN);
		return;
	}
	linkjob_enter(l, LINKJOB_DOING);
	saga_begin(&l->saga, &l->decision, &l->facts, allowed(l),
		   fresh_until_ms, out);
}

static bool wants_doing(const struct linkjob *l)
{
	return !l->settings.dry &&
	       (l->decision.applied || l->decision.complete_name);
}

/* Something to do after all, or the end. */
static void act(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	if (wants_doing(l))
		begin(l, now_ms, out);
	else
		linkjob_conclude(l, out);
}

static void finish_later(struct linkjob *l, int64_t run_at_ms)
{
	l->run_at_ms = run_at_ms;
	finish(l, LINKJOB_END_WAIT);
}

/* A wait has an end: the deadline, or the second fruitless search. */
static void decide_wait(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	struct decision *d = &l->decision;

	linkjob_forgive_lateness(l, now_ms);
	if (l->nobody_waits) {
		d->action = ACTION_NONE;
		act(l, now_ms, out);
	} else if (l->settings.dry) {
		finish(l, LINKJOB_END_DECIDED);
	} else if (d->reason == REASON_EMAIL_NOT_VERIFIED) {
		remember_search(l, now_ms);
		finish_later(l,
			     l->first_search_ms + l->settings.settle_after_ms);
	} else if (now_ms < l->deadline_ms) {
		l->looks++;
		finish_later(l, 0);
	} else {
		d->action = ACTION_NONE;
		act(l, now_ms, out);
	}
}

/* Did a person reject this pair? The policy says first with whom. */
static bool pair_rejected(const struct linkjob *l)
{
	const struct decision *d = &l->decision;
	uint64_t ids[RECALL_MAX - 1];
	size_t n = owners(&l->facts, ids);

	if (d->intended == ACTION_ADOPT)
		return l->recall.rejected_adopt;
	for (size_t i = 0; i < n; i++)
		if (d->intended == ACTION_MERGE && ids[i] == d->profile_id)
			return l->recall.rejected[i + 1];
	return false;
}

void linkjob_ask_with(struct linkjob *l, reason_set waived)
{
	l->facts.history.waived = waived;
	policy_decide(&l->facts, &l->settings.rules, &l->decision);
}

/* Rule 7 comes before the policy asks for rejections: several addresses are
 * no pair, but who said no to them need not be asked again. */
static bool ambiguity_rejected(const struct linkjob *l)
{
	return l->decision.reason == REASON_AMBIGUOUS_ADDRESS &&
	       l->recall.rejected_adopt;
}

static void reject_ambiguity(struct decision *d)
{
	d->action = ACTION_NONE;
	d->reason = REASON_REJECTED_BEFORE;
	d->reasons = REASON_BIT(REASON_REJECTED_BEFORE);
	d->rule = 11;
}

static void ask_policy(struct linkjob *l)
{
	l->facts.history.rejected = false;
	linkjob_ask_with(l, 0);
	l->facts.history.rejected = pair_rejected(l);
	if (l->facts.history.rejected)
		linkjob_ask_with(l, 0);
	if (ambiguity_rejected(l))
		reject_ambiguity(&l->decision);
	l->linked = policy_linked_under(&l->facts, &l->settings.rules);
	pair_print_of(&l->facts, &l->decision, &l->print);
	linkjob_ask_approval(l);
}

void linkjob_decide(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	fill_history(l, now_ms);
	ask_policy(l);
	if (l->decision.action == ACTION_WAIT)
		decide_wait(l, now_ms, out);
	else
		act(l, now_ms, out);
}

void linkjob_on_weighed(struct linkjob *l, const struct answer *a,
			struct commands *out)
{
	l->recall = *a->recall;
	l->recall.told = NULL;
	if (!linkjob_ask_former(l, out))
		linkjob_decide(l, a->now_ms, out);
}

/* Does the person still say what was decided on? */
static bool says_the_same(const struct linkjob *l, const struct sunco_user *u)
{
	const char *external_id = u->external_id ? u->external_id : "";
	char address[ADDRESS_SIZE];

	return policy_evidence(u, address) == l->decision.evidence &&
	       str_eq(address, l->saga.address) &&
	       (!u->authenticated ||
		str_eq_nocase(external_id, l->saga.external_id));
}

static bool pin_stands(const struct linkjob *l)
{
	return l->saga.ids_equal ||
	       (!l->changed && (l->decision.evidence == EVIDENCE_VERIFIED ||
				l->saga.pin_named));
}

void linkjob_resume(struct linkjob *l, const struct answer *a,
		    struct commands *out)
{
	const struct sunco_user *u = a->result == RESULT_OK ? a->sunco : NULL;

	l->changed = !u || !says_the_same(l, u);
	if (u) {
		sunco_user_release(&l->facts.sunco);
		sunco_user_copy(&l->facts.sunco, u);
	}
	if (!pin_stands(l))
		l->saga.wants_pin = false;
	if (l->changed)
		l->saga.wants_verify = false;
	if (l->settings.rules.apply == APPLY_OBSERVE)
		saga_only_watch(&l->saga);
	linkjob_enter(l, LINKJOB_DOING);
	saga_resume(&l->saga, u, a->now_ms, out);
}

static void tell(struct linkjob *l, const struct answer *a, enum result why)
{
	error_set(&l->error, why, "%s: %s", command_name(a->to),
		  str_is_empty(a->error) ? result_name(why) : a->error);
}

/* The intent's transaction found the breaker open: the same rules with what
 * it counted. Should they still say go, then later. */
static void breaker_open(struct linkjob *l, const struct answer *a,
			 struct commands *out)
{
	l->facts.history.merges_this_hour = a->merges_this_hour;
	l->facts.history.merges_into_profile_today = a->merges_into_profile;
	saga_init(&l->saga);
	ask_policy(l);
	if (!wants_doing(l)) {
		linkjob_conclude(l, out);
		return;
	}
	l->why = RESULT_RATE;
	l->told_ms = a->told_ms;
	tell(l, a, RESULT_RATE);
	finish(l, LINKJOB_END_RETRY);
}

/* Nothing was changed: the breaker opened, a lock is held, or an answer said
 * so. */
static void saga_failed(struct linkjob *l, const struct answer *a,
			struct commands *out)
{
	const struct saga *s = &l->saga;

	if (!s->journal_id && s->why == RESULT_RATE &&
	    a->to == COMMAND_INTENT) {
		breaker_open(l, a, out);
		return;
	}
	l->why = s->why;
	l->told_ms = s->told_ms;
	if (s->note)
		error_set(&l->error, s->why, "%s", s->note);
	else
		tell(l, a, s->why);
	finish(l, s->why == RESULT_CONFLICT ? LINKJOB_END_AGAIN
					    : LINKJOB_END_RETRY);
}

/* A person has to look: Zendesk would not have it. What was approved before
 * is listed again, so that the next approval says yes to all of it. */
static void turn_to_review(struct linkjob *l, enum reason why,
			   struct commands *out)
{
	/* that one is leave to release, wanted the next time, too */
	const reason_set kept =
		~REASON_OUTCOMES | REASON_BIT(REASON_EXTERNAL_ID_REFUSED);
	struct decision *d = &l->decision;
	reason_set before = l->approved == LINKJOB_APPROVED
				    ? l->settings.approval.waived
				    : 0;

	d->intended = d->action;
	d->action = ACTION_REVIEW;
	d->applied = false;
	d->reason = why;
	d->reasons = REASON_BIT(why) | (before & kept);
	d->rule = 0;
	l->linked = 0;
	linkjob_conclude(l, out);
}

/* Zendesk knows an owner that its search does not show yet. */
static void saga_taken(struct linkjob *l, int64_t now_ms, struct commands *out)
{
	if (++l->adopt_tries >= LINKJOB_ADOPT_TRIES)
		turn_to_review(l, REASON_ADDRESS_TAKEN, out);
	else
		finish_later(l, now_ms + l->settings.settle_after_ms);
}

static void saga_end(struct linkjob *l, const struct answer *a,
		     struct commands *out)
{
	switch (l->saga.state) {
	case SAGA_DONE:
		finish(l, LINKJOB_END_DECIDED);
		break;
	case SAGA_REFUSED:
		turn_to_review(l,
			       l->saga.by_external_id
				       ? REASON_EXTERNAL_ID_REFUSED
				       : REASON_MERGE_REFUSED,
			       out);
		break;
	case SAGA_TAKEN:
		saga_taken(l, a->now_ms, out);
		break;
	case SAGA_PARKED:
		l->why = l->saga.why;
		l->told_ms = l->saga.told_ms;
		tell(l, a, l->why);
		finish(l, LINKJOB_END_RETRY);
		break;
	default:
		saga_failed(l, a, out);
	}
}

void linkjob_do(struct linkjob *l, const struct answer *a, struct commands *out)
{
	if (a->result != RESULT_OK &&
	    (a->to == COMMAND_MERGE || a->to == COMMAND_ADD_ADDRESS))
		tell(l, a, a->result); /* of a refusal, the journal wants it */
	saga_step(&l->saga, a, out);
	assert(saga_ended(&l->saga) == (out->count == 0));
	if (saga_ended(&l->saga))
		saga_end(l, a, out);
}
