/*
 * An external id that is in the way of a merge: taken away from the messaging
 * user, and given back on every end but success. See saga.h.
 *
 * Refuses to take it away on facts that grew old, in a later life, or twice;
 * and to give it back while it may still be on its way out.
 */
#include "saga_int.h"

#include <assert.h>

bool saga_wants_release(const struct saga *s)
{
	return s->refused && s->by_external_id && s->may_release &&
	       s->held_id[0] && !s->released;
}

bool saga_can_release(const struct saga *s, int64_t now_ms)
{
	return saga_wants_release(s) && !s->resumed &&
	       now_ms <= s->fresh_until_ms;
}

/* From here on it counts as taken away: whoever finds this stored gives it
 * back. Whether the first merge was refused says nothing of the second. */
void saga_ask_release(struct saga *s, struct commands *out)
{
	s->released = true;
	s->refused = false;
	saga_enter(s, SAGA_RELEASING);
	commands_add(out, COMMAND_STORE)->status = JOURNAL_PENDING;
}

static void set_external_id(const struct saga *s, const char *id,
			    struct commands *out)
{
	struct command *c = commands_add(out, COMMAND_SET_EXTERNAL_ID);

	c->id = s->from;
	c->text = id;
}

void saga_send_release(struct saga *s, struct commands *out)
{
	saga_enter(s, SAGA_RELEASE);
	set_external_id(s, NULL, out);
}

void saga_ask_put_back(struct saga *s, enum saga_state then,
		       struct commands *out)
{
	s->then = then;
	saga_enter(s, SAGA_PUT_BACK);
	set_external_id(s, s->held_id, out);
}

/* It may still be at work, and take away what came back before it. */
static void wait_for_release(struct saga *s, struct commands *out)
{
	assert(s->state == SAGA_PUT_BACK);
	out->count = 0;
	commands_add(out, COMMAND_SLEEP)->delay_ms = SAGA_SETTLE_MS;
}

void saga_on_release(struct saga *s, const struct answer *a,
		     struct commands *out)
{
	if (a->result == RESULT_OK && a->now_ms <= s->fresh_until_ms) {
		saga_ask_merge(s, out);
		return;
	}
	if (a->result == RESULT_OK) {
		saga_fail(s, RESULT_CONFLICT, "the facts grew old", out);
		return;
	}
	if (saga_not_applied(a) || a->result == RESULT_PERM)
		s->released = false; /* it never went */
	saga_fail_as(s, a->result == RESULT_PERM ? SAGA_REFUSED : SAGA_FAILED,
		     a, out);
	if (s->released)
		wait_for_release(s, out);
}

void saga_on_put_back(struct saga *s, const struct answer *a,
		      struct commands *out)
{
	if (saga_unanswered(a) && !a->duplicate) {
		saga_park(s, a);
		return;
	}
	if (a->duplicate && s->id_taken < SAGA_LOOKS_MAX) {
		s->id_taken++;
		saga_sleep(s, out);
		return;
	}
	if (a->duplicate)
		s->remarks |= REASON_BIT(REASON_EXTERNAL_ID_TAKEN);
	else if (a->result != RESULT_OK)
		s->remarks |= REASON_BIT(REASON_EXTERNAL_ID_NOT_RETURNED);
	s->released = false;
	saga_enter(s, s->then);
}
