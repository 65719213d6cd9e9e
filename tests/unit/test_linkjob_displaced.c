/*
 * A job whose person got the address that another profile had: when the
 * former owner is read, what the facts say of them, and what comes of it.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "world.h"

#define OTHER_PROFILE 33

/* One run; what it decided. */
static struct decision decide(struct world *w)
{
	struct decision d;
	struct linkjob l;

	world_run(w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	d = l.decision;
	linkjob_release(&l);
	return d;
}

static void assert_asks(struct world *w)
{
	struct decision d = decide(w);

	assert_int_equal(d.action, ACTION_REVIEW);
	assert_int_equal(d.reason, REASON_DISPLACED_PROFILE);
	assert_int_equal(d.rule, 19);
	assert_int_equal(d.intended, ACTION_MERGE);
	assert_int_equal(d.profile_id, WORLD_PROFILE);
	assert_int_equal(w->merges, 0);
}

static void assert_linked(struct world *w)
{
	struct decision d = decide(w);

	assert_int_equal(d.action, ACTION_NONE);
	assert_int_equal(d.reason, REASON_ALREADY_LINKED);
	assert_int_equal(w->merges, 0);
}

static void test_a_person_is_asked(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.settings.rules.recover_displaced = false;
	assert_asks(&w);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	assert_int_equal(w.counts[COMMAND_SEARCH_ADDRESS], 0);
	world_release(&w);
}

static void test_recovered_without_a_person(void **state)
{
	struct world w;
	struct decision d;

	(void)state;
	world_make_displaced(&w);
	d = decide(&w);
	assert_int_equal(d.action, ACTION_MERGE);
	assert_int_equal(d.reason, REASON_DISPLACED_PROFILE);
	assert_true(d.applied);
	world_assert_merged_once(&w);
	assert_non_null(zd_user_identity(world_user(&w, WORLD_PROFILE), "email",
					 WORLD_ADDRESS));
	world_release(&w);
}

static void test_an_approval_recovers(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_displaced(&w);
	w.settings.rules.recover_displaced = false;
	world_run(&w, &l);
	world_approve(&w, &l);
	linkjob_release(&l);
	assert_int_equal(decide(&w).action, ACTION_MERGE);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* --- everything that must hold, one taken away at a time --- */

static void unprove(struct world *w)
{
	w->recall.owners[0].proven = false;
}

static void lose_long_before(struct world *w)
{
	w->recall.owners[0].lost_ms -= OWNER_COINCIDE_MS + 1;
}

/* Only reads: the last one too long before the gain. */
static void lose_without_an_event(struct world *w)
{
	w->recall.owners[0].lost_ms = 0;
}

/* An event says so, but Zendesk changed the profile at another time. */
static void change_long_before(struct world *w)
{
	world_user(w, WORLD_PROFILE)->updated_ms -= OWNER_COINCIDE_MS + 1;
}

static void change_again(struct world *w)
{
	world_user(w, WORLD_PROFILE)->updated_ms += OWNER_COINCIDE_MS + 1;
}

static void hide_the_change(struct world *w)
{
	world_user(w, WORLD_PROFILE)->updated_ms = 0;
}

static void hide_the_gain(struct world *w)
{
	world_user(w, WORLD_PERSON)->identities[1].created_ms = 0;
}

static void gain_long_ago(struct world *w)
{
	world_user(w, WORLD_PERSON)->identities[1].created_ms -=
		OWNER_COINCIDE_MS + 1;
}

static void have_a_phone(struct world *w)
{
	zd_user_add_identity(world_user(w, WORLD_PROFILE), "phone_number",
			     "+15550100");
}

static void hide_identities(struct world *w)
{
	world_user(w, WORLD_PROFILE)->identities_known = false;
}

static void test_everything_must_fit(void **state)
{
	static void (*const spoilers[])(struct world * w) = {
		unprove,
		lose_long_before,
		lose_without_an_event,
		change_long_before,
		change_again,
		hide_the_change,
		hide_the_gain,
		gain_long_ago,
		have_a_phone,
		hide_identities,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spoilers); i++) {
		struct world w;

		world_make_displaced(&w);
		spoilers[i](&w);
		print_message("%zu\n", i);
		assert_asks(&w);
		world_release(&w);
	}
}

/* No event, but a job had read the owner moments before. */
static void test_a_recent_read_is_enough(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.recall.owners[0].seen_ms = w.now_ms - 90000;
	w.recall.owners[0].lost_ms = 0;
	assert_int_equal(decide(&w).action, ACTION_MERGE);
	world_release(&w);
}

/* --- who is read --- */

/* The search's index lags: the profile has the address all the time. */
static void test_who_has_it_still_is_an_owner(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.search_hides = true;
	w.recall.owners[0].user = WORLD_PROFILE;
	w.recall.owner_count = 1;
	assert_int_equal(decide(&w).reason, REASON_EMAIL_MATCH_VERIFIED);
	world_assert_merged_once(&w);
	world_release(&w);
}

static void test_a_fresh_read_replaces_an_old_hit(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.search_is_old = true;
	w.recall.owners[0].user = WORLD_PROFILE;
	w.recall.owner_count = 1;
	assert_int_equal(decide(&w).reason, REASON_EMAIL_MATCH_VERIFIED);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* Without the address, but with the external id. */
static void test_who_is_an_owner_otherwise_is_not_displaced(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	world_user(&w, WORLD_PROFILE)->external_id = xstrdup("CUST-1");
	assert_int_equal(decide(&w).reason, REASON_EXTERNAL_ID_MATCH);
	assert_int_equal(w.merges, 1);
	world_release(&w);
}

static void test_who_is_gone_is_nobody(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	world_user(&w, WORLD_PROFILE)->active = false;
	assert_linked(&w);
	world_release(&w);
}

/* Where brands are separate, each has its own user with the address. */
static void test_who_has_it_for_another_brand_is_nobody(void **state)
{
	struct world w;

	(void)state;
	for (int same = 0; same < 2; same++) {
		world_make_displaced(&w);
		zd_user_add_identity(world_user(&w, WORLD_PROFILE), "email",
				     WORLD_ADDRESS)
			->method = VERIFICATION_FULL;
		world_user(&w, WORLD_PROFILE)->brand_id = same ? 0 : 8;
		assert_int_equal(decide(&w).reason,
				 same ? REASON_EMAIL_MATCH_VERIFIED
				      : REASON_ALREADY_LINKED);
		world_release(&w);
	}
}

static void test_the_one_before_is_asked_then(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.settings.rules.recover_displaced = false;
	w.recall.owners[1] = w.recall.owners[0];
	w.recall.owners[0].user = 404;
	w.recall.owner_count = 2;
	assert_asks(&w);
	assert_int_equal(w.counts[COMMAND_USER], 3);
	world_release(&w);
}

/* What somebody typed was taken from nobody. */
static void test_nobody_is_read_for_who_did_not_sign_in(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.sunco.authenticated = false;
	assert_linked(&w);
	assert_int_equal(w.counts[COMMAND_USER], 1);
	world_release(&w);
}

static void test_an_owner_is_enough(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.recall.owners[0].user = OTHER_PROFILE;
	w.recall.owner_count = 1;
	assert_int_equal(decide(&w).action, ACTION_MERGE);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	world_release(&w);
}

/* Nobody has the address, and it would be added: not without asking whose it
 * was. */
static void test_no_adopt_where_somebody_had_it(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	free(world_user(&w, WORLD_PERSON)->identities[1].value);
	world_user(&w, WORLD_PERSON)->identities[1].value =
		xstrdup("old@x.example");
	assert_int_equal(decide(&w).profile_id, WORLD_PROFILE);
	assert_int_equal(w.adopts + w.merges, 0);
	world_release(&w);
}

/* --- the pair's history --- */

static void test_a_rejected_pair_stays_so(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.recall.rejected[1] = true;
	assert_int_equal(decide(&w).reason, REASON_REJECTED_BEFORE);
	world_release(&w);
}

static void test_merges_into_it_count(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	w.recall.merges_today[1] = 3;
	assert_int_equal(decide(&w).reasons, REASON_BIT(REASON_MERGE_FAN_IN));
	assert_int_equal(w.merges, 0);
	world_release(&w);
}

static void test_an_agent_is_refused(void **state)
{
	struct world w;

	(void)state;
	world_make_displaced(&w);
	world_user(&w, WORLD_PROFILE)->role = ZD_ROLE_AGENT;
	assert_int_equal(decide(&w).reason, REASON_PROFILE_IS_AGENT);
	world_release(&w);
}

static void test_the_before_image_shows_both(void **state)
{
	struct world w;
	struct linkjob l;
	struct json_t *v;
	char *text;

	(void)state;
	world_make_displaced(&w);
	w.settings.rules.recover_displaced = false;
	world_run(&w, &l);
	text = linkjob_before_image(&l);
	v = json_parse(text, strlen(text), NULL);
	assert_true(json_is_obj(json_get(v, "profile")));
	assert_true(json_is_obj(json_get(v, "messaging_user")));
	json_free(v);
	free(text);
	linkjob_release(&l);
	world_release(&w);
}

/* --- what is remembered --- */

static const struct sighting *seen_of(const struct linkjob *l, uint64_t user)
{
	for (size_t i = 0; i < l->seen.count; i++)
		if (l->seen.items[i].user == user)
			return &l->seen.items[i];
	return NULL;
}

static void test_a_run_remembers_whom_it_saw(void **state)
{
	const struct sighting *person, *profile;
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_displaced(&w);
	w.settings.rules.recover_displaced = false;
	world_run(&w, &l);
	person = seen_of(&l, WORLD_PERSON);
	profile = seen_of(&l, WORLD_PROFILE);
	assert_true(person->whole && profile->whole);
	assert_int_equal(person->count, 1);
	assert_string_equal(person->items[0].address, WORLD_ADDRESS);
	assert_true(person->items[0].proven);
	assert_int_equal(profile->count, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_a_hit_is_remembered_with_care(void **state)
{
	const struct sighting *profile;
	struct world w;
	struct linkjob l;
	int64_t now_ms;

	(void)state;
	world_make_merge(&w);
	w.settings.rules.apply = APPLY_OBSERVE;
	now_ms = w.now_ms;
	world_run(&w, &l);
	profile = seen_of(&l, WORLD_PROFILE);
	assert_false(profile->whole);
	assert_int_equal(profile->at_ms, now_ms - SIGHTING_LAG_MS);
	linkjob_release(&l);
	world_release(&w);
}

static void test_who_is_gone_is_remembered_so(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_displaced(&w);
	world_user(&w, WORLD_PROFILE)->active = false;
	world_run(&w, &l);
	assert_true(seen_of(&l, WORLD_PROFILE)->gone);
	linkjob_release(&l);
	world_release(&w);
}

static void test_a_dry_run_tells_and_changes_nothing(void **state)
{
	struct world w;
	struct decision d;

	(void)state;
	world_make_displaced(&w);
	w.settings.dry = true;
	d = decide(&w);
	assert_int_equal(d.action, ACTION_MERGE);
	assert_int_equal(d.reason, REASON_DISPLACED_PROFILE);
	assert_int_equal(w.merges + w.intents, 0);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_person_is_asked),
		cmocka_unit_test(test_recovered_without_a_person),
		cmocka_unit_test(test_an_approval_recovers),
		cmocka_unit_test(test_everything_must_fit),
		cmocka_unit_test(test_a_recent_read_is_enough),
		cmocka_unit_test(test_who_has_it_still_is_an_owner),
		cmocka_unit_test(test_a_fresh_read_replaces_an_old_hit),
		cmocka_unit_test(
			test_who_is_an_owner_otherwise_is_not_displaced),
		cmocka_unit_test(test_who_is_gone_is_nobody),
		cmocka_unit_test(test_who_has_it_for_another_brand_is_nobody),
		cmocka_unit_test(test_the_one_before_is_asked_then),
		cmocka_unit_test(test_nobody_is_read_for_who_did_not_sign_in),
		cmocka_unit_test(test_an_owner_is_enough),
		cmocka_unit_test(test_no_adopt_where_somebody_had_it),
		cmocka_unit_test(test_a_rejected_pair_stays_so),
		cmocka_unit_test(test_merges_into_it_count),
		cmocka_unit_test(test_an_agent_is_refused),
		cmocka_unit_test(test_the_before_image_shows_both),
		cmocka_unit_test(test_a_run_remembers_whom_it_saw),
		cmocka_unit_test(test_a_hit_is_remembered_with_care),
		cmocka_unit_test(test_who_is_gone_is_remembered_so),
		cmocka_unit_test(test_a_dry_run_tells_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
