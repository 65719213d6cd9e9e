/*
 * The search that does not wait for the SunCo user: a webhook may have said
 * what its address is. See linkjob.h.
 *
 * Refuses to count what it found unless the SunCo user, as read in this run,
 * has that very address.
 */
#include "linkjob_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Nobody needs a search who has the address, or is out of the question. Who is
 * not read yet may turn out so: only while a request in vain does no harm. */
static bool is_wanted(const struct linkjob *l, const char *address, bool reads)
{
	const struct zd_user *u = &l->facts.messaging_user;

	if (l->facts.has_messaging_user)
		return !linkjob_out_of_question(u) &&
		       !zd_user_identity(u, "email", address);
	return reads && l->recall.plenty && !l->recall.linked;
}

void linkjob_search_early(struct linkjob *l, const char *told, bool reads,
			  struct commands *out)
{
	struct linkjob_early *e = &l->early;

	if (str_is_empty(told) || e->address[0] || !is_wanted(l, told, reads) ||
	    !str_copy(e->address, sizeof(e->address), told))
		return;
	commands_add(out, COMMAND_SEARCH_ADDRESS)->text = e->address;
}

void linkjob_search_beside(struct linkjob *l, struct commands *out)
{
	char address[ADDRESS_SIZE];

	policy_evidence(&l->facts.sunco, address);
	if (l->early.answered && !str_eq(address, l->early.address))
		linkjob_early_release(l);
	linkjob_search_early(l, address, true, out);
}

bool linkjob_is_early(const struct linkjob *l, const struct answer *a)
{
	return l->state < LINKJOB_OWNERS && a->to == COMMAND_SEARCH_ADDRESS;
}

void linkjob_take_early(struct linkjob *l, const struct answer *a)
{
	struct linkjob_early *e = &l->early;

	if (a->result != RESULT_OK)
		return;
	linkjob_note_read(l, a->now_ms);
	e->answered = true;
	e->at_ms = a->now_ms;
	e->users = xcalloc(a->user_count + 1, sizeof(*e->users));
	for (size_t i = 0; i < a->user_count; i++)
		zd_user_copy(&e->users[e->user_count++], &a->users[i]);
}

bool linkjob_use_early(struct linkjob *l, int64_t now_ms)
{
	const struct linkjob_early *e = &l->early;

	if (!e->answered || !str_eq(e->address, l->address) ||
	    now_ms < e->at_ms || now_ms - e->at_ms > LINKJOB_EARLY_MS)
		return false;
	for (size_t i = 0; i < e->user_count; i++)
		facts_add_profile(&l->facts, &e->users[i]);
	return true;
}

void linkjob_early_release(struct linkjob *l)
{
	struct linkjob_early *e = &l->early;

	for (size_t i = 0; i < e->user_count; i++)
		zd_user_release(&e->users[i]);
	free(e->users);
	memset(e, 0, sizeof(*e));
}
