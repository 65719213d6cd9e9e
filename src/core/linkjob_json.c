/*
 * What a job keeps between its runs, and what the journal gets of it.
 */
#include "linkjob_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"

/* The decision that an earlier run had begun to carry out. */
static void decision_restore(struct linkjob *l, const struct json_t *v)
{
	struct decision *d = &l->decision;
	const struct saga *s = &l->saga;

	d->action = s->action;
	d->intended = s->action;
	d->applied = s->action != ACTION_NONE;
	d->profile_id = s->into;
	str_copy(d->address, sizeof(d->address), s->address);
	evidence_parse(json_get_str(v, "evidence"), &d->evidence);
	l->linked = (unsigned)json_get_int(v, "linked", 0);
	reason_parse(json_get_str(v, "reason"), &d->reason);
	d->reasons = REASON_BIT(d->reason);
}

static bool saga_restore(struct linkjob *l, const struct json_t *v,
			 const struct job *job)
{
	if (!job->journal_id || json_is_null(v) || !saga_decode(v, &l->saga)) {
		saga_init(&l->saga);
		return false;
	}
	l->saga.journal_id = job->journal_id;
	if (!l->sunco_id[0])
		str_copy(l->sunco_id, sizeof(l->sunco_id), l->saga.sunco_id);
	return true;
}

void linkjob_restore(struct linkjob *l, const struct job *job)
{
	struct json_t *v;
	const char *hash;

	if (!job->progress)
		return;
	v = json_parse(job->progress, strlen(job->progress), NULL);
	l->looks = (int)json_get_int(v, "looks", 0);
	l->adopt_tries = (int)json_get_int(v, "adopt_tries", 0);
	l->conflicts = (int)json_get_int(v, "conflicts", 0);
	l->late_ms = json_get_int(v, "late_ms", 0);
	l->deadline_ms += l->late_ms;
	l->due_ms = json_get_int(v, "due_ms", l->due_ms);
	hash = json_get_str(v, "search");
	if (hash && strlen(hash) == 2 * sizeof(l->first_search_hash) &&
	    crypto_unhex(slice_of(hash), l->first_search_hash))
		l->first_search_ms = json_get_int(v, "search_ms", 0);
	if (saga_restore(l, json_get(v, "saga"), job))
		decision_restore(l, v);
	json_free(v);
}

static bool saga_open(const struct linkjob *l)
{
	return l->saga.state != SAGA_IDLE &&
	       (!saga_ended(&l->saga) || l->saga.state == SAGA_PARKED);
}

/* This run was none. */
static bool owes_look(const struct linkjob *l)
{
	return l->due_ms &&
	       (l->end == LINKJOB_END_RETRY || l->end == LINKJOB_END_AGAIN);
}

char *linkjob_progress(const struct linkjob *l)
{
	bool waits = l->end != LINKJOB_END_DECIDED;
	char hash[2 * sizeof(l->first_search_hash) + 1];
	struct json_t *v;
	char *text;

	if (!saga_open(l) && !l->first_search_ms && !l->looks &&
	    !l->adopt_tries && !(waits && (l->conflicts || l->late_ms)) &&
	    !owes_look(l))
		return NULL;
	v = json_new_obj();
	json_set_int(v, "looks", l->looks);
	json_set_int(v, "adopt_tries", l->adopt_tries);
	if (waits && l->conflicts)
		json_set_int(v, "conflicts", l->conflicts);
	if (waits && l->late_ms)
		json_set_int(v, "late_ms", l->late_ms);
	if (owes_look(l))
		json_set_int(v, "due_ms", l->due_ms);
	if (l->first_search_ms) {
		crypto_hex(l->first_search_hash, sizeof(l->first_search_hash),
			   hash);
		json_set_str(v, "search", hash);
		json_set_int(v, "search_ms", l->first_search_ms);
	}
	if (saga_open(l)) {
		json_set(v, "saga", saga_encode(&l->saga));
		json_set_int(v, "linked", (int64_t)l->linked);
		json_set_str(v, "reason", reason_code(l->decision.reason));
		json_set_str(v, "evidence",
			     evidence_name(l->decision.evidence));
	}
	text = json_text(v);
	json_free(v);
	return text;
}

uint64_t linkjob_settled_user(const struct linkjob *l)
{
	const reason_set doubts = REASON_BIT(REASON_IDENTITY_NOT_MOVED) |
				  REASON_BIT(REASON_CHANGED_MEANWHILE);
	const struct decision *d = &l->decision;
	const struct saga *s = &l->saga;

	if (l->end != LINKJOB_END_DECIDED || l->changed)
		return 0;
	if (d->action == ACTION_NONE && d->reason == REASON_ALREADY_LINKED &&
	    l->facts.has_messaging_user)
		return l->facts.messaging_user.id;
	if (s->state != SAGA_DONE || s->remarks & doubts)
		return 0;
	return s->action == ACTION_MERGE   ? s->into
	       : s->action == ACTION_ADOPT ? s->from
					   : 0;
}

/* A saga that a later run has to go on with keeps its entry open, whatever
 * ended this run. */
static enum journal_status entry_status(const struct linkjob *l)
{
	if (saga_open(l))
		return l->saga.merged ? JOURNAL_PENDING : JOURNAL_UNCERTAIN;
	return l->end == LINKJOB_END_DECIDED ? JOURNAL_DONE : JOURNAL_FAILED;
}

void linkjob_entry(const struct linkjob *l, struct journal_entry *out)
{
	const struct decision *d = &l->decision;

	journal_entry_init(out);
	out->id = l->saga.journal_id;
	out->action = d->action;
	out->reason = d->reason;
	out->reasons = d->reasons | l->saga.remarks;
	out->applied = d->applied;
	out->status = entry_status(l);
	out->evidence = d->evidence;
	out->messaging_user_id = l->facts.has_messaging_user
					 ? l->facts.messaging_user.id
					 : l->saga.from;
	out->profile_id = d->profile_id;
	str_copy(out->sunco_id, sizeof(out->sunco_id), l->sunco_id);
	out->ticket_id = l->ticket_id;
	out->api_calls = l->api_calls;
	out->linked = l->linked;
}

static struct json_t *image(const struct zd_user *u)
{
	struct json_t *v = json_new_obj();
	struct json_t *known = zd_user_encode(u);

	json_set(v, "user",
		 u->raw ? json_parse(u->raw, strlen(u->raw), NULL)
			: json_new_null());
	json_set(v, "identities", json_clone(json_get(known, "identities")));
	json_set(v, "organizations", zd_user_encode_organizations(u));
	json_set_bool(v, "organizations_complete", u->organizations_known);
	json_free(known);
	return v;
}

struct json_t *linkjob_image(const struct linkjob *l)
{
	const struct zd_user *profile = pair_profile(&l->facts, &l->decision);
	struct json_t *v = json_new_obj();

	json_set(v, "messaging_user",
		 l->facts.has_messaging_user ? image(&l->facts.messaging_user)
					     : json_new_null());
	json_set(v, "profile", profile ? image(profile) : json_new_null());
	json_set(v, "sunco_user", sunco_user_encode(&l->facts.sunco));
	return v;
}

char *linkjob_before_image(const struct linkjob *l)
{
	struct json_t *v = linkjob_image(l);
	char *text = json_text(v);

	json_free(v);
	return text;
}
