/*
 * Facts from outside: decoded, decided upon, and the promises of the policy
 * checked whatever the facts were.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "core/policy.h"
#include "fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_link(enum action a)
{
	return a == ACTION_MERGE || a == ACTION_ADOPT;
}

static void check_decision(const struct facts *f, const struct policy_rules *r,
			   const struct decision *d)
{
	const struct zd_user *person = &f->messaging_user;

	require(d->reasons & REASON_BIT(d->reason));
	require(d->reason != REASON_NONE);
	require(!d->applied || is_link(d->action));
	require(!d->applied || r->apply != APPLY_OBSERVE);
	require(!d->applied || r->apply == APPLY_AUTO || f->history.waived);
	require(!is_link(d->action) || d->intended == d->action);
	require((d->step_count > 0) == is_link(d->intended));
	require(d->step_count <= STEP_COUNT);
	if (d->intended == ACTION_NONE)
		return;
	require(f->has_messaging_user && person->active && !person->shared);
	require(person->role == ZD_ROLE_END_USER && !person->suspended);
	require(!f->history.rejected && !policy_address_ambiguous(&f->sunco));
	require((d->intended == ACTION_MERGE) == (d->profile_id != 0));
	require(d->profile_id != person->id);
	require(d->intended == ACTION_MERGE || d->address[0]);
}

/* Without an approval nothing is waived, and only stage 4 can be. */
static void check_approval(struct facts *f, const struct policy_rules *r)
{
	struct decision plain, approved;

	f->history.waived = 0;
	policy_decide(f, r, &plain);
	check_decision(f, r, &plain);
	f->history.waived = ~(reason_set)0;
	policy_decide(f, r, &approved);
	check_decision(f, r, &approved);
	require(plain.intended == approved.intended);
	require(plain.profile_id == approved.profile_id);
	require(approved.rule == 0 || approved.rule == plain.rule);
	require(approved.rule <= 11);
}

static void write_answer(const struct facts *f, const struct policy_rules *r,
			 const struct decision *d)
{
	const char *zendesk = policy_zendesk_does(f, r);
	struct json_t *v = decision_encode(d, zendesk);
	char *text = json_text(v);

	require(zendesk[0] != '\0');
	require(!strpbrk(text, "\r\n"));
	free(text);
	json_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_t *v = json_parse((const char *)data, size, NULL);
	struct error err = {.text = ""};
	struct policy_rules r;
	struct decision d;
	struct facts f;

	if (!v)
		return 0;
	if (facts_decode(v, &f, &r, &err) == RESULT_OK) {
		policy_decide(&f, &r, &d);
		check_decision(&f, &r, &d);
		write_answer(&f, &r, &d);
		check_approval(&f, &r);
		facts_release(&f);
	} else {
		require(err.text[0] != '\0');
	}
	json_free(v);
	return 0;
}
