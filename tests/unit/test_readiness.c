/*
 * Readiness: what daily counts add up to, what is said about them, and the
 * report's text.
 */
#include "unit.h"

#include "../../src/cli/readiness_text.h"
#include "base/json.h"

#define DAY INT64_C(86400000)
/* Wednesday, 2026-11-18 12:00 UTC */
#define NOW	 (INT64_C(20775) * DAY + DAY / 2)
#define MIDNIGHT (NOW - DAY / 2)

struct rig {
	struct readiness r;
	struct policy_rules set;
};

static void rig_init(struct rig *g)
{
	memset(g, 0, sizeof(*g));
	readiness_init(&g->r, NOW - 6 * DAY, NOW, 7 * DAY);
	str_copy(g->r.account, sizeof(g->r.account), "acme");
	policy_rules_default(&g->set);
}

static void add(struct rig *g, int days_ago, const char *name, int64_t n)
{
	readiness_add(&g->r, MIDNIGHT - days_ago * DAY, name, n);
}

static void expect_verdict(const struct rig *g, const char *expected)
{
	char text[READINESS_TEXT_SIZE];

	readiness_verdict(&g->r, &g->set, text);
	assert_string_equal(text, expected);
}

static void expect_verified_only(const struct rig *g, const char *expected)
{
	char text[READINESS_TEXT_SIZE];

	readiness_verified_only(&g->r, &g->set, text);
	assert_string_equal(text, expected);
}

static struct journal_entry example(int64_t id)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.id = id;
	e.action = ACTION_MERGE;
	e.reason = REASON_EMAIL_MATCH_VERIFIED;
	e.messaging_user_id = 501;
	e.profile_id = 902;
	e.outcome_user = 903;
	return e;
}

/* --- counting --- */

static void days_and_weeks(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	assert_int_equal(g.r.since_ms, MIDNIGHT - 6 * DAY);
	/* weeks begin on Mondays: the 16th is two days ago */
	assert_int_equal(g.r.week_ms[READINESS_WEEKS - 1], MIDNIGHT - 2 * DAY);
	assert_int_equal(g.r.week_ms[0],
			 MIDNIGHT - 2 * DAY - 7 * (READINESS_WEEKS - 1) * DAY);
	assert_int_equal(readiness_from_ms(&g.r), g.r.week_ms[0]);
	readiness_init(&g.r, NOW - 200 * DAY, NOW, DAY);
	assert_int_equal(readiness_from_ms(&g.r), MIDNIGHT - 200 * DAY);
}

static void counts_go_where_they_belong(void **state)
{
	const struct readiness_counts *all, *this, *last;
	struct rig g;

	(void)state;
	rig_init(&g);
	all = &g.r.all;
	this = &g.r.weeks[READINESS_WEEKS - 1];
	last = &g.r.weeks[READINESS_WEEKS - 2];
	add(&g, 0, "seen/verified/7", 3);
	add(&g, 2, "known/claimed/4", 2);
	add(&g, 3, "seen/none/0", 5); /* a Sunday */
	add(&g, 7, "seen/verified/1", 9);
	assert_int_equal(all->conversations, 10);
	assert_int_equal(all->known, 2);
	assert_int_equal(all->by_evidence[EVIDENCE_VERIFIED], 3);
	assert_int_equal(all->by_evidence[EVIDENCE_CLAIMED], 2);
	assert_int_equal(all->by_evidence[EVIDENCE_NONE], 5);
	assert_int_equal(all->linked[EMAILS_VERIFIED_ONLY], 3);
	assert_int_equal(all->linked[EMAILS_VERIFIED_AND_UNVERIFIED], 3);
	assert_int_equal(all->linked[EMAILS_CLAIM_VERIFIED], 5);
	assert_int_equal(this->conversations, 5);
	assert_int_equal(last->conversations, 14);
	assert_int_equal(last->linked[EMAILS_VERIFIED_ONLY], 9);
}

static void what_agents_did_by_kind(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "made/agreed/merge", 4);
	add(&g, 0, "made/agreed/review", 3);
	add(&g, 0, "made/other/merge", 2);
	add(&g, 0, "made/other/review", 1);
	add(&g, 0, "made/missed/no_email", 6);
	add(&g, 8, "made/missed/no_email", 60);
	assert_int_equal(g.r.all.agreed[READINESS_ALONE], 4);
	assert_int_equal(g.r.all.agreed[READINESS_ASKING], 3);
	assert_int_equal(g.r.all.other[READINESS_ALONE], 2);
	assert_int_equal(g.r.all.other[READINESS_ASKING], 1);
	assert_int_equal(g.r.all.missed, 6);
	assert_int_equal(g.r.missed_by[REASON_NO_EMAIL], 6);
}

static void what_is_unknown_is_ignored(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "seen/", 1);
	add(&g, 0, "seen/certain/7", 1);
	add(&g, 0, "seen/verified/x", 1);
	add(&g, 0, "made/missed/no_such_reason", 0);
	add(&g, 0, "sampled", 1);
	add(&g, 0, "", 1);
	add(&g, 400, "seen/verified/7", 1); /* too long ago */
	assert_int_equal(g.r.all.conversations, 0);
	assert_false(g.r.all.sampled);
}

static void shares_never_lie(void **state)
{
	static const struct {
		int64_t part, whole;
		const char *text;
	} rows[] = {
		{0, 0, "-"},
		{0, 5, "0 %"},
		{5, 5, "100 %"},
		{1, 3, "33 %"},
		{2, 3, "67 %"},
		{1, 1000, "under 1 %"},
		{999, 1000, "over 99 %"},
		{1, 100, "1 %"},
		{99, 100, "99 %"},
		{1, INT64_C(9000000000000), "under 1 %"},
	};
	char text[READINESS_SHARE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		readiness_share(rows[i].part, rows[i].whole, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* --- the verdict --- */

static void nothing_to_tell_from(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	expect_verdict(&g, "observe: agents made no merge by hand that a "
			   "decision could be compared with. Keep observing, "
			   "or go on to review, where a person decides.");
	g.set.apply = APPLY_AUTO;
	expect_verdict(&g, "auto: agents made no merge by hand that a "
			   "decision could be compared with.");
}

static void one_differed(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "made/agreed/merge", 40);
	add(&g, 0, "made/agreed/review", 2);
	add(&g, 0, "made/other/merge", 1);
	g.r.others[0] = example(17);
	g.r.other_count = 1;
	expect_verdict(&g, "observe: 42 of 43 agreed; 1 differed: look at "
			   "journal 17 before switching to review.");
	add(&g, 0, "made/other/review", 1);
	g.r.others[1] = example(9);
	g.r.other_count = 2;
	g.set.apply = APPLY_REVIEW;
	expect_verdict(&g, "review: 42 of 44 agreed; 2 differed: look at "
			   "journal 17, 9 before switching to auto.");
}

static void all_agreed(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "made/agreed/merge", READINESS_FEW_MERGES);
	expect_verdict(&g, "observe: 20 of 20 agreed. Go on to review.");
	g.set.apply = APPLY_REVIEW;
	add(&g, 0, "made/missed/no_email", 3);
	expect_verdict(&g,
		       "review: 20 of 20 agreed. Merges by hand for which no "
		       "profile was named: 3. Go on to auto.");
}

static void too_few_agreed(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "made/agreed/merge", READINESS_FEW_MERGES - 1);
	g.set.apply = APPLY_REVIEW;
	expect_verdict(&g, "review: 19 of 19 agreed. These are too few to "
			   "tell.");
}

static void the_verdict_fits_at_its_longest(void **state)
{
	char text[READINESS_TEXT_SIZE];
	struct rig g;

	(void)state;
	rig_init(&g);
	add(&g, 0, "made/agreed/merge", INT64_MAX / 4);
	add(&g, 0, "made/other/merge", INT64_MAX / 4);
	add(&g, 0, "made/missed/no_email", INT64_MAX / 2);
	for (; g.r.other_count < READINESS_EXAMPLES; g.r.other_count++)
		g.r.others[g.r.other_count] = example(INT64_MAX);
	readiness_verdict(&g.r, &g.set, text);
	assert_non_null(strstr(text, "profile was named: "));
}

static void is_it_ready_for_verified_only(void **state)
{
	struct rig g;

	(void)state;
	rig_init(&g);
	g.set.email_identities = EMAILS_CLAIM_VERIFIED;
	add(&g, 0, "seen/verified/7", 20);
	expect_verified_only(&g, "verified_only: 20 conversations are too few "
				 "to tell. How many users are unverified is "
				 "not known.");
	add(&g, 0, "seen/claimed/4", 20);
	add(&g, 14, "unverified", 90);
	add(&g, 14, "end_users", 100);
	add(&g, 0, "unverified", 55);
	add(&g, 0, "end_users", 110);
	expect_verified_only(&g,
			     "With verified_only 50 % of the conversations "
			     "would have linked: 20 fewer than with the "
			     "setting of today. Unverified end "
			     "users: 55 of 110 (50 %), 90 in the first week "
			     "of 3.");
	g.set.email_identities = EMAILS_VERIFIED_ONLY;
	expect_verified_only(&g,
			     "verified_only is set: 50 % of the conversations "
			     "would have linked without a person. Unverified "
			     "end users: 55 of 110 (50 %), 90 in the first "
			     "week of 3.");
	rig_init(&g);
	g.set.email_identities = EMAILS_CLAIM_VERIFIED;
	add(&g, 0, "seen/verified/7", 40);
	expect_verified_only(&g, "verified_only would have cost nothing: as "
				 "many conversations would have linked. How "
				 "many users are unverified is not known.");
}

/* --- the report --- */

static void fill(struct rig *g)
{
	rig_init(g);
	add(g, 0, "seen/verified/7", 49);
	add(g, 0, "known/authenticated/6", 1);
	add(g, 7, "seen/claimed/4", 30);
	add(g, 1, "seen/claimed/4", 50);
	add(g, 1, "absent", 2);
	add(g, 0, "made/agreed/merge", 7);
	add(g, 0, "made/agreed/review", 1);
	add(g, 0, "made/other/merge", 1);
	add(g, 0, "made/missed/no_email", 1);
	add(g, 7, "unverified", 60);
	add(g, 7, "end_users", 120);
	add(g, 0, "unverified", 30);
	add(g, 0, "end_users", 120);
	g->r.others[0] = example(17);
	g->r.other_count = 1;
	g->r.misses[0] = example(9);
	g->r.misses[0].action = ACTION_NONE;
	g->r.misses[0].reason = REASON_NO_EMAIL;
	g->r.misses[0].profile_id = 0;
	g->r.miss_count = 1;
	g->r.not_made = 4;
	g->r.pending = 2;
}

static void expect_text(const struct rig *g, const struct readiness_look *look,
			const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	readiness_print(out, &g->r, &g->set, look);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void the_report(void **state)
{
	static const struct readiness_look look = {.width = 80};
	struct rig g;

	(void)state;
	fill(&g);
	expect_text(
		&g, &look,
		"acme: apply observe, email_identities verified_only, "
		"link_evidence verified\n"
		"2026-11-12 to 2026-11-18 (7 days, UTC)\n"
		"\n"
		"Conversations by evidence (a person counts once a day)\n"
		"  verified                            49       49 %  "
		"#############\n"
		"  authenticated                        1        1 %  #\n"
		"  claimed                             50       50 %  "
		"##############\n"
		"  none                                 0        0 %\n"
		"  all                                100\n"
		"  of people known as linked            1\n"
		"  more without a Zendesk user          2\n"
		"\n"
		"Would have linked without a person, with\n"
		"  verified_only *                     49       49 %  "
		"#############\n"
		"  verified_and_unverified             50       50 %  "
		"##############\n"
		"  claim_verified                     100      100 %  "
		"###########################\n"
		"  * set now\n"
		"\n"
		"Merges that agents made by hand, after a decision\n"
		"  as decided                           8       80 %  "
		"######################\n"
		"    of these after asking              1\n"
		"  with another profile                 1       10 %  ###\n"
		"  no profile was named                 1       10 %  ###\n"
		"    no_email                           1\n"
		"\n"
		"Merges that were only observed\n"
		"  nobody made in 7 days                4\n"
		"  there is still time                  2\n"
		"\n"
		"Look at these (reunite journal show ID), newest first\n"
		"  journal 17: merge email_match_verified, user 501 and 902; "
		"agents: with 903\n"
		"  journal 9: none no_email, user 501; agents: with 903\n"
		"\n"
		"End users\n"
		"  unverified                          30       25 %  "
		"#######\n"
		"  all                                120\n"
		"\n"
		"Week of         conv.  ver. only  agreed  other  missed  "
		"unverified\n"
		"  2026-11-09       30        0 %       0      0       0"
		"          60  ###########\n"
		"  2026-11-16      100       49 %       8      1       1"
		"          30  ######\n"
		"\n"
		"observe: 8 of 9 agreed; 1 differed: look at journal 17 before "
		"switching to\n"
		"review. Merges by hand for which no profile was named: 1. "
		"These are too few to\n"
		"tell. Keep observing, or go on to review, where a person "
		"decides.\n"
		"verified_only is set: 49 % of the conversations would have "
		"linked without a\n"
		"person. Unverified end users: 30 of 120 (25 %), 60 in the "
		"first week of 2.\n");
}

static void an_empty_one(void **state)
{
	static const struct readiness_look look = {
		.width = 10, .blocks = true, .colour = true};
	struct rig g;

	(void)state;
	rig_init(&g);
	expect_text(&g, &look,
		    "\033[1macme\033[0m: apply observe, email_identities "
		    "verified_only, link_evidence verified\n"
		    "2026-11-12 to 2026-11-18 (7 days, UTC)\n"
		    "\n\033[1mConversations by evidence (a person counts once "
		    "a day)\033[0m\n"
		    "  verified                             0          -\n"
		    "  authenticated                        0          -\n"
		    "  claimed                              0          -\n"
		    "  none                                 0          -\n"
		    "  all                                  0\n"
		    "\n\033[1mWould have linked without a person, "
		    "with\033[0m\n"
		    "  verified_only *                      0          -\n"
		    "  verified_and_unverified              0          -\n"
		    "  claim_verified                       0          -\n"
		    "  * set now\n"
		    "\n\033[1mMerges that agents made by hand, after a "
		    "decision\033[0m\n"
		    "  none that is known\n"
		    "\n\033[1mEnd users\033[0m\n"
		    "  not counted yet\n"
		    "\n"
		    "observe: agents made no merge by hand\n"
		    "that a decision could be compared with.\n"
		    "Keep observing, or go on to review,\n"
		    "where a person decides.\n"
		    "verified_only: 0 conversations are too\n"
		    "few to tell. How many users are\n"
		    "unverified is not known.\n");
}

static void bars_follow_the_width(void **state)
{
	static const struct readiness_look look = {.width = 70, .blocks = true};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct rig g;

	(void)state;
	fill(&g);
	readiness_print(out, &g.r, &g.set, &look);
	fclose(out);
	/* 17 columns are left: all of them, and half */
	assert_non_null(strstr(text, "100 %  \xe2\x96\x88\xe2\x96\x88"
				     "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
				     "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
				     "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
				     "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
				     "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\n"));
	assert_non_null(strstr(text, " 1 %  \xe2\x96\x88\n"));
	free(text);
}

/* --- JSON --- */

static void as_json(void **state)
{
	struct json_t *v;
	struct rig g;

	(void)state;
	fill(&g);
	v = readiness_encode(&g.r, &g.set);
	assert_string_equal(json_get_str(v, "kind"), "summary");
	assert_string_equal(json_get_str(v, "since"),
			    "2026-11-12T00:00:00.000Z");
	assert_string_equal(json_get_str(v, "apply"), "observe");
	assert_int_equal(json_get_int(v, "conversations", -1), 100);
	assert_int_equal(
		json_get_int(json_get(v, "by_evidence"), "claimed", -1), 50);
	assert_int_equal(
		json_get_int(json_get(v, "linked_under"), "claim_verified", -1),
		100);
	assert_int_equal(json_get_int(v, "agreed", -1), 7);
	assert_int_equal(json_get_int(v, "agreed_asking", -1), 1);
	assert_int_equal(json_get_int(json_get(v, "missed_by"), "no_email", -1),
			 1);
	assert_int_equal(json_get_int(v, "not_made", -1), 4);
	assert_int_equal(json_get_int(v, "unverified_users", -1), 30);
	assert_int_equal(json_len(json_get(v, "other_ids")), 1);
	json_free(v);
	v = readiness_encode_week(&g.r, READINESS_WEEKS - 2);
	assert_string_equal(json_get_str(v, "kind"), "week");
	assert_string_equal(json_get_str(v, "week"), "2026-11-09");
	assert_int_equal(json_get_int(v, "unverified_users", -1), 60);
	json_free(v);
	v = readiness_encode_week(&g.r, 0);
	assert_true(json_is_null(json_get(v, "unverified_users")));
	json_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_weeks),
		cmocka_unit_test(counts_go_where_they_belong),
		cmocka_unit_test(what_agents_did_by_kind),
		cmocka_unit_test(what_is_unknown_is_ignored),
		cmocka_unit_test(shares_never_lie),
		cmocka_unit_test(nothing_to_tell_from),
		cmocka_unit_test(one_differed),
		cmocka_unit_test(all_agreed),
		cmocka_unit_test(too_few_agreed),
		cmocka_unit_test(the_verdict_fits_at_its_longest),
		cmocka_unit_test(is_it_ready_for_verified_only),
		cmocka_unit_test(the_report),
		cmocka_unit_test(an_empty_one),
		cmocka_unit_test(bars_follow_the_width),
		cmocka_unit_test(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
