/*
 * What follows a merge: pin, verify, sync. See saga.h.
 *
 * The merge is done, so nothing here can fail it: a step that is refused
 * becomes a remark, one that was not answered is taken up again later, and
 * each may be sent twice without harm.
 */
#include "saga_int.h"

#include "base/str.h"

/* In the order in which they are done. */
static const struct after {
	enum saga_state state;
	enum reason remark; /* when it is refused */
} afters[] = {
	{SAGA_PIN, REASON_EXTERNAL_ID_NOT_PINNED},
	{SAGA_VERIFY, REASON_ADDRESS_NOT_VERIFIED},
	{SAGA_SYNC, REASON_SYNC_REFUSED},
};

static bool *wanted(struct saga *s, enum saga_state state)
{
	return state == SAGA_PIN      ? &s->wants_pin
	       : state == SAGA_VERIFY ? &s->wants_verify
				      : &s->wants_sync;
}

static const struct after *next_after(struct saga *s)
{
	for (size_t i = 0; i < ARRAY_LEN(afters); i++)
		if (*wanted(s, afters[i].state))
			return &afters[i];
	return NULL;
}

static void ask_after(struct saga *s, struct commands *out)
{
	if (!next_after(s)) {
		saga_enter(s, SAGA_DONE);
		return;
	}
	saga_enter(s, SAGA_AFTER);
	commands_add(out, COMMAND_STORE)->status = JOURNAL_PENDING;
}

/* The identity that is to be marked; 0: there is none, or it is already. */
static uint64_t unmarked_address(const struct saga *s, const struct zd_user *u)
{
	const struct zd_identity *i = zd_user_identity(u, "email", s->address);

	return i && !i->verified ? i->id : 0;
}

void saga_merged(struct saga *s, const struct zd_user *profile,
		 struct commands *out)
{
	s->merged = true;
	s->released = false; /* it went with the absorbed user */
	if (profile->external_id)
		s->wants_pin = false;
	s->verify_id = s->wants_verify ? unmarked_address(s, profile) : 0;
	s->wants_verify = s->verify_id != 0;
	ask_after(s, out);
}

/* Each once more, with what it needs. */
void saga_send_after(struct saga *s, struct commands *out)
{
	const struct after *next = next_after(s);
	struct command *c;

	saga_enter(s, next->state);
	switch (next->state) {
	case SAGA_PIN:
		c = commands_add(out, COMMAND_SET_EXTERNAL_ID);
		c->id = s->into;
		c->text = s->external_id;
		break;
	case SAGA_VERIFY:
		c = commands_add(out, COMMAND_VERIFY_ADDRESS);
		c->id = s->into;
		c->into = s->verify_id;
		break;
	default:
		c = commands_add(out, COMMAND_SYNC);
		c->id = s->from;
		c->into = s->into;
	}
}

static enum reason remark_of(enum saga_state state)
{
	for (size_t i = 0; i < ARRAY_LEN(afters); i++)
		if (afters[i].state == state)
			return afters[i].remark;
	return REASON_NONE;
}

/* A sync that an earlier run sent, and whose answer was lost, leaves nobody
 * under the absorbed user's id. */
static bool is_done(const struct saga *s, const struct answer *a)
{
	return a->result == RESULT_OK || (s->state == SAGA_SYNC && s->resumed &&
					  a->result == RESULT_NOTFOUND);
}

/* The absorbed user's external id is freed with a lag: a 422 that names a
 * duplicate is tried again. */
void saga_on_after(struct saga *s, const struct answer *a, struct commands *out)
{
	if (is_done(s, a)) {
		*wanted(s, s->state) = false;
	} else if (saga_unanswered(a)) {
		saga_park(s, a);
		return;
	} else if (s->state == SAGA_PIN && a->duplicate &&
		   s->id_taken < SAGA_LOOKS_MAX) {
		s->id_taken++;
		saga_sleep(s, out);
		return;
	} else {
		s->remarks |= REASON_BIT(remark_of(s->state));
		*wanted(s, s->state) = false;
	}
	ask_after(s, out);
}
