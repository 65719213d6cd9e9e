/*
 * The change itself, step by step: see saga.h for the diagram.
 *
 * Refuses to guess: an answer that was lost leads to LOOK, and LOOK believes
 * "not applied" only SAGA_SETTLE_MS after the loss, since a lost request may
 * still be at work, a slow one above all.
 */
#include "saga_int.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static const char *const state_names[] = {
	[SAGA_IDLE] = "idle",
	[SAGA_INTENT] = "intent",
	[SAGA_MERGE] = "merge",
	[SAGA_ADOPT] = "adopt",
	[SAGA_NAME] = "name",
	[SAGA_LOST] = "lost",
	[SAGA_LOOK] = "look",
	[SAGA_BACK] = "back",
	[SAGA_RELEASING] = "releasing",
	[SAGA_RELEASE] = "release",
	[SAGA_PUT_BACK] = "put_back",
	[SAGA_AFTER] = "after",
	[SAGA_PIN] = "pin",
	[SAGA_VERIFY] = "verify",
	[SAGA_SYNC] = "sync",
	[SAGA_DONE] = "done",
	[SAGA_FAILED] = "failed",
	[SAGA_REFUSED] = "refused",
	[SAGA_TAKEN] = "taken",
	[SAGA_PARKED] = "parked",
};

const char *saga_state_name(enum saga_state s)
{
	return state_names[s];
}

void saga_init(struct saga *s)
{
	memset(s, 0, sizeof(*s));
	s->told_ms = -1;
}

bool saga_ended(const struct saga *s)
{
	return s->state >= SAGA_DONE;
}

void saga_check(const struct saga *s)
{
	if (s->state != SAGA_IDLE && s->state != SAGA_INTENT &&
	    s->state != SAGA_FAILED && s->state != SAGA_PARKED)
		assert(s->journal_id != 0);
	if (s->action == ACTION_MERGE)
		assert(s->from && s->into && s->from != s->into);
	if (s->state == SAGA_PIN)
		assert(s->merged && s->external_id[0]);
	if (s->released)
		assert(s->held_id[0] && s->state != SAGA_FAILED &&
		       s->state != SAGA_REFUSED);
}

void saga_enter(struct saga *s, enum saga_state to)
{
	if (to != s->state)
		s->looks = 0;
	s->state = to;
	saga_check(s);
}

static void end(struct saga *s, enum saga_state how, const struct answer *why)
{
	s->why = why->result;
	s->told_ms = why->told_ms;
	saga_enter(s, how);
}

void saga_park(struct saga *s, const struct answer *why)
{
	end(s, SAGA_PARKED, why);
}

static void end_or_put_back(struct saga *s, enum saga_state how,
			    struct commands *out)
{
	if (s->released)
		saga_ask_put_back(s, how, out);
	else
		saga_enter(s, how);
}

void saga_fail_as(struct saga *s, enum saga_state how, const struct answer *why,
		  struct commands *out)
{
	s->why = why->result;
	s->told_ms = why->told_ms;
	end_or_put_back(s, how, out);
}

void saga_fail(struct saga *s, enum result why, const char *note,
	       struct commands *out)
{
	s->why = why;
	s->note = note;
	s->told_ms = -1;
	end_or_put_back(s, SAGA_FAILED, out);
}

static void ask_user(struct saga *s, enum saga_state state, uint64_t id,
		     struct commands *out)
{
	saga_enter(s, state);
	commands_add(out, COMMAND_USER)->id = id;
}

static void ask_look(struct saga *s, struct commands *out)
{
	ask_user(s, SAGA_LOOK, s->from, out);
}

static void ask_back(struct saga *s, struct commands *out)
{
	ask_user(s, SAGA_BACK, s->action == ACTION_MERGE ? s->into : s->from,
		 out);
}

/* Stores that the answer is lost, then looks. */
static void ask_lost(struct saga *s, int64_t now_ms, struct commands *out)
{
	s->lost_ms = now_ms;
	saga_enter(s, SAGA_LOST);
	commands_add(out, COMMAND_STORE)->status = JOURNAL_UNCERTAIN;
}

static void ask_name(struct saga *s, struct commands *out)
{
	struct command *c;

	saga_enter(s, SAGA_NAME);
	c = commands_add(out, COMMAND_SET_NAME);
	c->id = s->from;
	c->text = s->name;
}

void saga_sleep(struct saga *s, struct commands *out)
{
	static const int64_t delays_ms[SAGA_LOOKS_MAX] = {
		500, 1000, 2000, 4000, 8000, 8000,
	};

	commands_add(out, COMMAND_SLEEP)->delay_ms = delays_ms[s->looks];
	s->looks++;
}

static void take_name(struct saga *s, const struct sunco_user *u)
{
	s->wants_name = sunco_user_name(u, s->name, sizeof(s->name));
}

/* Only a profile without one can be merged once the other's is away. */
static void take_held_id(struct saga *s, const struct decision *d,
			 const struct facts *f, bool may)
{
	const struct zd_user *profile = facts_profile(f, d->profile_id);

	s->may_release = may && profile && !profile->external_id &&
			 f->messaging_user.external_id &&
			 str_copy(s->held_id, sizeof(s->held_id),
				  f->messaging_user.external_id) &&
			 s->held_id[0];
}

void saga_begin(struct saga *s, const struct decision *d, const struct facts *f,
		struct saga_allows may, int64_t fresh_until_ms,
		struct commands *out)
{
	const char *external_id = policy_external_id(f);
	struct command *c;

	saga_init(s);
	s->action = d->applied ? d->action : ACTION_NONE;
	s->fresh_until_ms = fresh_until_ms;
	s->from = f->messaging_user.id;
	s->into = s->action == ACTION_MERGE ? d->profile_id : 0;
	s->verified = d->verified;
	s->ids_equal = d->external_ids_equal;
	for (size_t i = 0; i < d->step_count; i++) {
		s->wants_pin = s->wants_pin || d->steps[i] == STEP_PIN;
		s->wants_verify = s->wants_verify || d->steps[i] == STEP_VERIFY;
	}
	s->wants_sync = may.sync && f->sunco.zendesk_id == s->from;
	take_held_id(s, d, f, may.release);
	s->pin_named = (f->history.waived &
			REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED)) != 0;
	s->wants_name = d->complete_name;
	str_copy(s->sunco_id, sizeof(s->sunco_id), f->sunco.id);
	str_copy(s->address, sizeof(s->address), d->address);
	if (!external_id ||
	    !str_copy(s->external_id, sizeof(s->external_id), external_id))
		s->wants_pin = false;
	if (s->wants_name)
		take_name(s, &f->sunco);
	saga_enter(s, SAGA_INTENT);
	c = commands_add(out, COMMAND_INTENT);
	c->id = s->from;
	c->into = s->into;
}

void saga_only_watch(struct saga *s)
{
	s->wants_name = false;
	s->wants_pin = false;
	s->wants_verify = false;
	s->wants_sync = false;
	s->may_release = false;
}

void saga_resume(struct saga *s, const struct sunco_user *u, int64_t now_ms,
		 struct commands *out)
{
	s->resumed = true;
	if (!s->lost_ms)
		s->lost_ms = now_ms;
	s->wants_name = s->wants_name && u && u->authenticated;
	if (s->wants_name)
		take_name(s, u);
	if (s->merged && s->action == ACTION_MERGE)
		ask_back(s, out);
	else
		ask_look(s, out);
}

bool saga_not_applied(const struct answer *a)
{
	return (a->result == RESULT_TEMP && !a->sent) ||
	       a->result == RESULT_RATE || a->result == RESULT_AUTH;
}

bool saga_unanswered(const struct answer *a)
{
	return a->result == RESULT_TEMP || a->result == RESULT_RATE ||
	       a->result == RESULT_AUTH || a->result == RESULT_CONFLICT;
}

void saga_ask_merge(struct saga *s, struct commands *out)
{
	struct command *c;

	saga_enter(s, SAGA_MERGE);
	c = commands_add(out, COMMAND_MERGE);
	c->id = s->from;
	c->into = s->into;
}

static void on_intent(struct saga *s, const struct answer *a,
		      struct commands *out)
{
	struct command *c;

	if (a->result == RESULT_TEMP) {
		saga_park(s, a); /* it may be stored all the same */
		return;
	}
	if (a->result != RESULT_OK) {
		end(s, SAGA_FAILED, a);
		return;
	}
	s->journal_id = a->journal_id;
	if (a->now_ms > s->fresh_until_ms) {
		saga_fail(s, RESULT_CONFLICT, "the facts grew old", out);
		return;
	}
	if (s->action == ACTION_NONE) {
		if (s->wants_name)
			ask_name(s, out);
		else
			saga_enter(s, SAGA_DONE);
		return;
	}
	if (s->action == ACTION_MERGE) {
		saga_ask_merge(s, out);
		return;
	}
	saga_enter(s, SAGA_ADOPT);
	c = commands_add(out, COMMAND_ADD_ADDRESS);
	c->id = s->from;
	c->text = s->address;
	c->flag = s->verified;
}

static void on_merge(struct saga *s, const struct answer *a,
		     struct commands *out)
{
	if (a->result == RESULT_OK && a->user_count == 1 &&
	    a->users[0].id == s->into) {
		s->merged = true;
		ask_back(s, out);
		return;
	}
	if (a->result != RESULT_OK && saga_not_applied(a)) {
		saga_fail_as(s, SAGA_FAILED, a, out);
		return;
	}
	s->refused = a->result == RESULT_PERM;
	s->by_external_id = s->refused && a->mentions_external_id;
	ask_lost(s, a->now_ms, out);
}

static void on_adopt(struct saga *s, const struct answer *a,
		     struct commands *out)
{
	if (a->result == RESULT_OK) {
		s->merged = true;
		if (s->wants_name)
			ask_name(s, out);
		else
			ask_back(s, out);
	} else if (a->duplicate) {
		end(s, SAGA_TAKEN, a);
	} else if (a->result == RESULT_PERM) {
		end(s, SAGA_REFUSED, a);
	} else if (saga_not_applied(a)) {
		end(s, SAGA_FAILED, a);
	} else {
		ask_lost(s, a->now_ms, out);
	}
}

/* A name that is refused is no reason to fail: it stays as it was. */
static void on_name(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	if (saga_unanswered(a)) {
		saga_park(s, a);
		return;
	}
	s->wants_name = false;
	if (s->action == ACTION_ADOPT)
		ask_back(s, out);
	else
		saga_enter(s, SAGA_DONE);
}

static bool gone(const struct answer *a)
{
	return a->result == RESULT_NOTFOUND ||
	       (a->result == RESULT_OK && !a->users[0].active);
}

/* Nothing to be seen of the change yet. That a former life did not get to it
 * says nothing about the API's health. */
static void look_found_nothing(struct saga *s, const struct answer *a,
			       struct commands *out)
{
	if (saga_can_release(s, a->now_ms)) {
		saga_ask_release(s, out);
	} else if (saga_wants_release(s)) {
		saga_fail(s, RESULT_CONFLICT, "the facts grew old", out);
	} else if (s->refused) {
		s->why = RESULT_PERM;
		end_or_put_back(s, SAGA_REFUSED, out);
	} else if (a->now_ms - s->lost_ms >= SAGA_SETTLE_MS ||
		   s->looks >= SAGA_LOOKS_MAX) {
		saga_fail(s, s->resumed ? RESULT_CONFLICT : RESULT_TEMP,
			  "it did not happen", out);
	} else {
		saga_sleep(s, out);
	}
}

/* The messaging user, read after an answer was lost or a process died. */
static void on_look(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	const struct zd_user *u = a->users;

	if (a->result != RESULT_OK && a->result != RESULT_NOTFOUND) {
		saga_park(s, a);
	} else if (s->action == ACTION_MERGE) {
		if (gone(a))
			ask_back(s, out);
		else if (!zd_user_identity(u, "messaging", s->sunco_id))
			saga_fail(s, RESULT_CONFLICT, "the conversation moved",
				  out);
		else
			look_found_nothing(s, a, out);
	} else if (gone(a)) {
		saga_fail(s, RESULT_CONFLICT, "the messaging user is gone",
			  out);
	} else if (s->action == ACTION_ADOPT &&
		   !zd_user_identity(u, "email", s->address)) {
		look_found_nothing(s, a, out);
	} else {
		s->merged = true;
		if (s->wants_name && policy_name_generated(u->name))
			ask_name(s, out);
		else
			saga_enter(s, SAGA_DONE);
	}
}

/* Not yet. That Zendesk said it is done is worth keeping: nothing that could
 * be read later would show it, should the conversation never arrive. */
static void back_not_yet(struct saga *s, struct commands *out)
{
	if (s->merged && !s->merge_kept) {
		s->merge_kept = true;
		commands_add(out, COMMAND_STORE)->status = JOURNAL_PENDING;
		return;
	}
	saga_sleep(s, out);
}

/* The survivor: has the conversation arrived? */
static void on_back(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	bool merge = s->action == ACTION_MERGE;
	bool here;

	if (a->result != RESULT_OK && a->result != RESULT_NOTFOUND) {
		saga_park(s, a);
		return;
	}
	here = !gone(a) &&
	       zd_user_identity(a->users, merge ? "messaging" : "email",
				merge ? s->sunco_id : s->address);
	if (here && merge) {
		saga_merged(s, a->users, out);
	} else if (here) {
		saga_enter(s, SAGA_DONE);
	} else if (!gone(a) && s->looks < SAGA_LOOKS_MAX) {
		back_not_yet(s, out);
	} else if (s->merged) {
		s->remarks |= REASON_BIT(REASON_IDENTITY_NOT_MOVED);
		if (gone(a))
			s->remarks |= REASON_BIT(REASON_CHANGED_MEANWHILE);
		saga_enter(s, SAGA_DONE);
	} else {
		/* absorbed, but not by this profile: not our doing */
		s->remarks |= REASON_BIT(REASON_CHANGED_MEANWHILE);
		saga_fail(s, RESULT_CONFLICT,
			  "merged, but not into the profile", out);
	}
}

static void on_sleep(struct saga *s, struct commands *out)
{
	if (s->state == SAGA_LOOK)
		ask_look(s, out);
	else if (s->state == SAGA_BACK)
		ask_back(s, out);
	else if (s->state == SAGA_PUT_BACK)
		saga_ask_put_back(s, s->then, out);
	else
		saga_send_after(s, out);
}

/* A lost lease ends it here: whoever has the job now looks for himself. */
static void on_stored(struct saga *s, const struct answer *a,
		      struct commands *out)
{
	if (a->result == RESULT_CONFLICT)
		saga_park(s, a);
	else if (s->state == SAGA_LOST)
		ask_look(s, out);
	else if (s->state == SAGA_BACK)
		saga_sleep(s, out);
	else if (a->result != RESULT_OK)
		saga_park(s, a);
	else if (s->state == SAGA_RELEASING)
		saga_send_release(s, out);
	else
		saga_send_after(s, out);
}

void saga_step(struct saga *s, const struct answer *a, struct commands *out)
{
	if (a->to == COMMAND_SLEEP) {
		on_sleep(s, out);
		return;
	}
	switch (s->state) {
	case SAGA_INTENT:
		on_intent(s, a, out);
		break;
	case SAGA_MERGE:
		on_merge(s, a, out);
		break;
	case SAGA_ADOPT:
		on_adopt(s, a, out);
		break;
	case SAGA_NAME:
		on_name(s, a, out);
		break;
	case SAGA_LOOK:
		on_look(s, a, out);
		break;
	case SAGA_BACK:
		if (a->to == COMMAND_STORE)
			on_stored(s, a, out);
		else
			on_back(s, a, out);
		break;
	case SAGA_LOST:
	case SAGA_RELEASING:
	case SAGA_AFTER:
		on_stored(s, a, out);
		break;
	case SAGA_RELEASE:
		saga_on_release(s, a, out);
		break;
	case SAGA_PUT_BACK:
		saga_on_put_back(s, a, out);
		break;
	case SAGA_PIN:
	case SAGA_VERIFY:
	case SAGA_SYNC:
		saga_on_after(s, a, out);
		break;
	default:
		assert(!"an answer to an idle or ended saga");
	}
}
