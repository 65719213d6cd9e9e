/*
 * The change itself, step by step: see saga.h for the diagram.
 *
 * Refuses to guess: an answer that was lost leads to LOOK, and LOOK believes
 * "not applied" only SAGA_SETTLE_MS after the loss, since a lost request may
 * still be at work, a slow one above all.
 */
#include "core/saga.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static const char *const state_names[] = {
	[SAGA_IDLE] = "idle",		[SAGA_INTENT] = "intent",
	[SAGA_MERGE] = "merge",		[SAGA_ADOPT] = "adopt",
	[SAGA_NAME] = "name",		[SAGA_LOST] = "lost",
	[SAGA_LOOK] = "look",		[SAGA_BACK] = "back",
	[SAGA_PIN_STORE] = "pin_store", [SAGA_PIN] = "pin",
	[SAGA_DONE] = "done",		[SAGA_FAILED] = "failed",
	[SAGA_REFUSED] = "refused",	[SAGA_TAKEN] = "taken",
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
	    s->state != SAGA_FAILED)
		assert(s->journal_id != 0);
	if (s->action == ACTION_MERGE)
		assert(s->from && s->into && s->from != s->into);
	if (s->state == SAGA_PIN || s->state == SAGA_PIN_STORE)
		assert(s->merged && s->external_id[0]);
}

static void enter(struct saga *s, enum saga_state to)
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
	enter(s, how);
}

static void fail(struct saga *s, enum result why, const char *note)
{
	s->why = why;
	s->note = note;
	s->told_ms = -1;
	enter(s, SAGA_FAILED);
}

static void ask_user(struct saga *s, enum saga_state state, uint64_t id,
		     struct commands *out)
{
	enter(s, state);
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
	enter(s, SAGA_LOST);
	commands_add(out, COMMAND_STORE)->status = JOURNAL_UNCERTAIN;
}

static void ask_name(struct saga *s, struct commands *out)
{
	struct command *c;

	enter(s, SAGA_NAME);
	c = commands_add(out, COMMAND_SET_NAME);
	c->id = s->from;
	c->text = s->name;
}

/* The same read (or pin) once more, a little later each time. */
static void sleep_more(struct saga *s, struct commands *out)
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

void saga_begin(struct saga *s, const struct decision *d, const struct facts *f,
		int64_t fresh_until_ms, struct commands *out)
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
	for (size_t i = 0; i < d->step_count; i++)
		if (d->steps[i] == STEP_PIN)
			s->wants_pin = true;
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
	enter(s, SAGA_INTENT);
	c = commands_add(out, COMMAND_INTENT);
	c->id = s->from;
	c->into = s->into;
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

/* Nothing can have come of it: it never left, or it was turned away before
 * anybody looked into it. Any other refusal is looked into (a second merge is
 * refused because the first was done). */
static bool not_applied(const struct answer *a)
{
	return (a->result == RESULT_TEMP && !a->sent) ||
	       a->result == RESULT_RATE || a->result == RESULT_AUTH;
}

/* Nothing was said about the request itself: worth sending it again, for
 * what may be repeated. */
static bool unanswered(const struct answer *a)
{
	return a->result == RESULT_TEMP || a->result == RESULT_RATE ||
	       a->result == RESULT_AUTH || a->result == RESULT_CONFLICT;
}

static void on_intent(struct saga *s, const struct answer *a,
		      struct commands *out)
{
	struct command *c;

	if (a->result != RESULT_OK) {
		end(s, SAGA_FAILED, a);
		return;
	}
	s->journal_id = a->journal_id;
	if (a->now_ms > s->fresh_until_ms) {
		fail(s, RESULT_CONFLICT, "the facts grew old");
		return;
	}
	if (s->action == ACTION_NONE) {
		if (s->wants_name)
			ask_name(s, out);
		else
			enter(s, SAGA_DONE);
		return;
	}
	if (s->action == ACTION_MERGE) {
		enter(s, SAGA_MERGE);
		c = commands_add(out, COMMAND_MERGE);
		c->into = s->into;
	} else {
		enter(s, SAGA_ADOPT);
		c = commands_add(out, COMMAND_ADD_ADDRESS);
		c->text = s->address;
		c->flag = s->verified;
	}
	c->id = s->from;
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
	if (a->result != RESULT_OK && not_applied(a)) {
		end(s, SAGA_FAILED, a);
		return;
	}
	s->refused = a->result == RESULT_PERM;
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
	} else if (not_applied(a)) {
		end(s, SAGA_FAILED, a);
	} else {
		ask_lost(s, a->now_ms, out);
	}
}

/* A name that is refused is no reason to fail: it stays as it was. */
static void on_name(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	if (unanswered(a)) {
		end(s, SAGA_PARKED, a);
		return;
	}
	s->wants_name = false;
	if (s->action == ACTION_ADOPT)
		ask_back(s, out);
	else
		enter(s, SAGA_DONE);
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
	if (s->refused) {
		s->why = RESULT_PERM;
		enter(s, SAGA_REFUSED);
	} else if (a->now_ms - s->lost_ms >= SAGA_SETTLE_MS ||
		   s->looks >= SAGA_LOOKS_MAX) {
		fail(s, s->resumed ? RESULT_CONFLICT : RESULT_TEMP,
		     "it did not happen");
	} else {
		sleep_more(s, out);
	}
}

/* The messaging user, read after an answer was lost or a process died. */
static void on_look(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	const struct zd_user *u = a->users;

	if (a->result != RESULT_OK && a->result != RESULT_NOTFOUND) {
		end(s, SAGA_PARKED, a);
	} else if (s->action == ACTION_MERGE) {
		if (gone(a))
			ask_back(s, out);
		else if (!zd_user_identity(u, "messaging", s->sunco_id))
			fail(s, RESULT_CONFLICT, "the conversation moved");
		else
			look_found_nothing(s, a, out);
	} else if (gone(a)) {
		fail(s, RESULT_CONFLICT, "the messaging user is gone");
	} else if (s->action == ACTION_ADOPT &&
		   !zd_user_identity(u, "email", s->address)) {
		look_found_nothing(s, a, out);
	} else {
		s->merged = true;
		if (s->wants_name && policy_name_generated(u->name))
			ask_name(s, out);
		else
			enter(s, SAGA_DONE);
	}
}

static void on_moved(struct saga *s, const struct zd_user *profile,
		     struct commands *out)
{
	s->merged = true;
	if (s->wants_pin && !profile->external_id) {
		enter(s, SAGA_PIN_STORE);
		commands_add(out, COMMAND_STORE)->status = JOURNAL_PENDING;
	} else {
		enter(s, SAGA_DONE);
	}
}

/* The survivor: has the conversation arrived? */
static void on_back(struct saga *s, const struct answer *a,
		    struct commands *out)
{
	bool merge = s->action == ACTION_MERGE;
	bool here;

	if (a->result != RESULT_OK && a->result != RESULT_NOTFOUND) {
		end(s, SAGA_PARKED, a);
		return;
	}
	here = !gone(a) &&
	       zd_user_identity(a->users, merge ? "messaging" : "email",
				merge ? s->sunco_id : s->address);
	if (here && merge) {
		on_moved(s, a->users, out);
	} else if (here) {
		enter(s, SAGA_DONE);
	} else if (!gone(a) && s->looks < SAGA_LOOKS_MAX) {
		sleep_more(s, out);
	} else if (s->merged) {
		s->remarks |= REASON_BIT(REASON_IDENTITY_NOT_MOVED);
		if (gone(a))
			s->remarks |= REASON_BIT(REASON_CHANGED_MEANWHILE);
		enter(s, SAGA_DONE);
	} else {
		/* absorbed, but not by this profile: not our doing */
		s->remarks |= REASON_BIT(REASON_CHANGED_MEANWHILE);
		fail(s, RESULT_CONFLICT, "merged, but not into the profile");
	}
}

static void ask_pin(struct saga *s, struct commands *out)
{
	struct command *c;

	enter(s, SAGA_PIN);
	c = commands_add(out, COMMAND_SET_EXTERNAL_ID);
	c->id = s->into;
	c->text = s->external_id;
}

/* The absorbed user's id is freed with a lag: a 422 is tried again. */
static void on_pin(struct saga *s, const struct answer *a, struct commands *out)
{
	if (a->result == RESULT_OK) {
		enter(s, SAGA_DONE);
	} else if (unanswered(a)) {
		end(s, SAGA_PARKED, a);
	} else if (a->duplicate && s->looks < SAGA_LOOKS_MAX) {
		sleep_more(s, out);
	} else {
		s->remarks |= REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED);
		enter(s, SAGA_DONE);
	}
}

static void on_sleep(struct saga *s, struct commands *out)
{
	if (s->state == SAGA_LOOK)
		ask_look(s, out);
	else if (s->state == SAGA_BACK)
		ask_back(s, out);
	else
		ask_pin(s, out);
}

/* A lost lease ends it here: whoever has the job now looks for himself. */
static void on_stored(struct saga *s, const struct answer *a,
		      struct commands *out)
{
	if (a->result == RESULT_CONFLICT)
		end(s, SAGA_PARKED, a);
	else if (s->state == SAGA_LOST)
		ask_look(s, out);
	else if (a->result != RESULT_OK)
		end(s, SAGA_PARKED, a);
	else
		ask_pin(s, out);
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
		on_back(s, a, out);
		break;
	case SAGA_LOST:
	case SAGA_PIN_STORE:
		on_stored(s, a, out);
		break;
	case SAGA_PIN:
		on_pin(s, a, out);
		break;
	default:
		assert(!"an answer to an idle or ended saga");
	}
}
