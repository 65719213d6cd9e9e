/*
 * What agents read: every note there can be is whole, plain and harmless.
 */
#include "unit.h"

#include <ctype.h>

#include "base/str.h"
#include "core/ticket_note.h"

#define URL "https://acme.example"

static char maria[] = "maria";

static struct journal_entry entry(enum action action, enum reason why)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.id = 17;
	e.action = action;
	e.reason = why;
	e.reasons = REASON_BIT(why);
	e.applied = action == ACTION_MERGE || action == ACTION_ADOPT;
	e.evidence = EVIDENCE_VERIFIED;
	e.messaging_user_id = 11;
	e.profile_id = 22;
	return e;
}

/* Borrowed until the next one. */
static const char *text_of(const struct journal_entry *e, int64_t review_id)
{
	static struct buf text;

	buf_release(&text);
	buf_init(&text, TICKET_NOTE_MAX_BYTES);
	ticket_note_write(e, URL, review_id, &text);
	assert_false(text.overflow);
	return text.data;
}

static void has(const struct journal_entry *e, const char *part)
{
	if (!strstr(text_of(e, 3), part))
		fail_msg("no \"%s\" in\n%s", part, text_of(e, 3));
}

static void has_not(const struct journal_entry *e, const char *part)
{
	if (strstr(text_of(e, 3), part))
		fail_msg("\"%s\" in\n%s", part, text_of(e, 3));
}

/* --- all of them --- */

/* The lines between empty ones are not empty, and end. */
static void check_shape(const char *text)
{
	assert_true(str_is_utf8(slice_of(text)));
	assert_true(isupper((unsigned char)text[0]));
	assert_null(strstr(text, "\n\n\n"));
	assert_null(strstr(text, " \n"));
	assert_null(strstr(text, "  "));
	assert_true(strlen(text) > 200);
	assert_true(strlen(text) < TICKET_NOTE_MAX_BYTES / 2);
}

/* Neither a code, nor a place to be filled in, nor formatting, nor what may
 * be an address. */
static void check_words(const char *text)
{
	assert_null(strpbrk(text, "_%$*`#<>{}@|"));
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
		if (strchr(reason_code((enum reason)r), '_'))
			assert_null(strstr(text, reason_code((enum reason)r)));
}

static void check_parts(const char *text)
{
	assert_non_null(strstr(text, "\nWho: "));
	assert_non_null(strstr(text, "\nHow sure: "));
	assert_non_null(strstr(text, "\nWhy"));
	assert_non_null(strstr(text, "\nRecorded as reunite journal 17"));
}

static bool check_entry(const struct journal_entry *e)
{
	bool told = ticket_note_tells(NOTE_ALL, e);

	assert_int_equal(ticket_note_tag(e) != NULL, told);
	if (!told) {
		assert_string_equal(text_of(e, 3), "");
		return false;
	}
	check_shape(text_of(e, 3));
	check_words(text_of(e, 3));
	check_parts(text_of(e, 3));
	check_shape(text_of(e, 0));
	return true;
}

static int check_statuses(struct journal_entry *e)
{
	int told = 0;

	for (int s = JOURNAL_DONE; s <= JOURNAL_FAILED; s++) {
		e->status = (enum journal_status)s;
		told += check_entry(e);
		e->applied = !e->applied;
		told += check_entry(e);
		e->applied = !e->applied;
	}
	return told;
}

static void test_every_note_is_whole_and_plain(void **state)
{
	int told = 0;

	(void)state;
	for (int a = ACTION_NONE; a <= ACTION_ADOPT; a++)
		for (int r = 0; r < REASON_COUNT; r++)
			for (int v = 0; v <= EVIDENCE_VERIFIED; v++) {
				struct journal_entry e =
					entry((enum action)a, (enum reason)r);

				e.evidence = (enum evidence)v;
				told += check_statuses(&e);
				e.profile_id = 0;
				e.messaging_user_id = 0;
				told += check_statuses(&e);
			}
	assert_true(told > 1000);
}

/* All reasons at once, and everybody unknown, are no text too long or
 * broken. */
static void test_many_reasons(void **state)
{
	struct journal_entry e = entry(ACTION_REVIEW, REASON_EMAIL_DENIED);
	enum reason list[REASON_COUNT];
	size_t count;

	(void)state;
	e.reasons = (REASON_BIT(REASON_COUNT) - 1) & ~REASON_BIT(REASON_NONE);
	count = reason_set_list(e.reasons, list);
	assert_true(count > 20);
	for (size_t i = 0; i < count; i++)
		has(&e, reason_text(list[i]));
	check_words(text_of(&e, 3));
	check_parts(text_of(&e, 3));
}

/* --- the levels --- */

static void test_levels(void **state)
{
	const struct {
		enum action action;
		enum reason why;
		enum journal_status status;
		char *by;
		enum ticket_note from; /* NOTE_OFF: never */
		const char *tag;
	} rows[] = {
		{ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, JOURNAL_DONE, NULL,
		 NOTE_MERGED, "reunite_linked"},
		{ACTION_ADOPT, REASON_NO_PROFILE, JOURNAL_DONE, NULL,
		 NOTE_MERGED, "reunite_linked"},
		{ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, JOURNAL_FAILED,
		 NULL, NOTE_ALL, "reunite_not_linked"},
		{ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, JOURNAL_PENDING,
		 NULL, NOTE_ALL, "reunite_not_linked"},
		{ACTION_ADOPT, REASON_NO_PROFILE, JOURNAL_UNCERTAIN, NULL,
		 NOTE_ALL, "reunite_not_linked"},
		{ACTION_REVIEW, REASON_BRAND_MISMATCH, JOURNAL_DONE, NULL,
		 NOTE_REVIEW, "reunite_review"},
		{ACTION_REVIEW, REASON_MERGE_REFUSED, JOURNAL_DONE, NULL,
		 NOTE_REVIEW, "reunite_review"},
		{ACTION_NONE, REASON_REJECTED_BEFORE, JOURNAL_DONE, maria,
		 NOTE_REVIEW, "reunite_not_linked"},
		{ACTION_NONE, REASON_REJECTED_BEFORE, JOURNAL_DONE, NULL,
		 NOTE_ALL, "reunite_not_linked"},
		{ACTION_NONE, REASON_EMAIL_NOT_VERIFIED, JOURNAL_DONE, NULL,
		 NOTE_ALL, "reunite_not_linked"},
		{ACTION_REFUSE, REASON_PROFILE_IS_AGENT, JOURNAL_DONE, NULL,
		 NOTE_ALL, "reunite_not_linked"},
		{ACTION_NONE, REASON_ALREADY_LINKED, JOURNAL_DONE, NULL,
		 NOTE_OFF, NULL},
		{ACTION_NONE, REASON_NO_EMAIL, JOURNAL_DONE, NULL, NOTE_OFF,
		 NULL},
		{ACTION_NONE, REASON_NO_MESSAGING_USER, JOURNAL_DONE, NULL,
		 NOTE_OFF, NULL},
		{ACTION_NONE, REASON_MESSAGING_USER_GONE, JOURNAL_DONE, NULL,
		 NOTE_OFF, NULL},
		{ACTION_WAIT, REASON_NO_EMAIL, JOURNAL_DONE, NULL, NOTE_OFF,
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct journal_entry e = entry(rows[i].action, rows[i].why);

		e.status = rows[i].status;
		e.decided_by = rows[i].by;
		for (int l = NOTE_OFF; l <= NOTE_ALL; l++)
			assert_int_equal(
				ticket_note_tells((enum ticket_note)l, &e),
				rows[i].from != NOTE_OFF &&
					l >= (int)rows[i].from);
		if (rows[i].tag)
			assert_string_equal(ticket_note_tag(&e), rows[i].tag);
	}
}

/* Who only observes has linked nothing. */
static void test_what_was_not_done_is_not_told(void **state)
{
	struct journal_entry e =
		entry(ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);

	(void)state;
	e.applied = false;
	assert_false(ticket_note_tells(NOTE_ALL, &e));
}

/* --- what they say --- */

static void test_a_merge(void **state)
{
	struct journal_entry e =
		entry(ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);

	(void)state;
	has(&e, "was linked to the profile");
	has(&e, "a customer who is logged in");
	has(&e, "the login vouches for the e-mail address");
	has(&e, "this profile now: " URL "/agent/users/22\n");
	has(&e, URL "/agent/users/11\n");
	has(&e, reason_text(REASON_EMAIL_MATCH_VERIFIED));
	has_not(&e, "review show");
	has_not(&e, "A person approved");
	e.reasons |= REASON_BIT(REASON_IDENTITY_NOT_MOVED);
	e.decided_by = maria;
	has(&e, reason_text(REASON_IDENTITY_NOT_MOVED));
	has(&e, "Look at the profile again");
	has(&e, "A person approved it.");
	has_not(&e, "maria");
}

static void test_a_review(void **state)
{
	struct journal_entry e =
		entry(ACTION_REVIEW, REASON_UNAUTHENTICATED_EMAIL);

	(void)state;
	e.evidence = EVIDENCE_CLAIMED;
	e.reasons |= REASON_BIT(REASON_BRAND_MISMATCH);
	has(&e, "Nothing was linked yet.");
	has(&e, "nobody has proved that it is theirs");
	has(&e, "would become a part of this profile: " URL "/agent/users/22");
	has(&e, reason_text(REASON_UNAUTHENTICATED_EMAIL));
	has(&e, reason_text(REASON_BRAND_MISMATCH));
	has(&e, "Ask the customer to log in");
	has(&e, "do not take the customer for the person of the profile");
	has(&e, "reunite review show 3\n");
	assert_null(strstr(text_of(&e, 0), "review show"));
}

/* Where every link waits for a person, there is no other reason to wait. */
static void test_a_review_of_what_is_certain(void **state)
{
	struct journal_entry e =
		entry(ACTION_REVIEW, REASON_EMAIL_MATCH_VERIFIED);

	(void)state;
	has(&e, "Why it would be done:\n- The profile owns the verified");
	has(&e, "Why it waits:\n- Here a person looks at every link.\n");
	e.reason = REASON_NO_PROFILE;
	e.reasons = REASON_BIT(REASON_NO_PROFILE);
	e.profile_id = 0;
	has(&e, "is given the e-mail address");
	has_not(&e, "/agent/users/0");
}

static void test_several_addresses(void **state)
{
	struct journal_entry e = entry(ACTION_REVIEW, REASON_AMBIGUOUS_ADDRESS);

	(void)state;
	e.profile_id = 0;
	has(&e, "find out who this customer is");
	has(&e, "Ask the customer which e-mail address is theirs.");
}

/* Nobody who was told of a link is left with it. */
static void test_a_link_that_was_wrong(void **state)
{
	struct journal_entry e = entry(ACTION_NONE, REASON_REJECTED_BEFORE);
	char note[] = JOURNAL_UNDONE "12";

	(void)state;
	e.decided_by = maria;
	e.note = note;
	assert_true(ticket_note_tells(NOTE_MERGED, &e));
	assert_string_equal(ticket_note_tag(&e), "reunite_not_linked");
	has(&e, "was wrong");
	has(&e, URL "/agent/users/22");
	assert_true(check_entry(&e));
	e.note = maria;
	assert_false(ticket_note_tells(NOTE_MERGED, &e));
}

static void test_whose_ticket_it_is(void **state)
{
	struct journal_entry e =
		entry(ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);
	char undone[] = JOURNAL_UNDONE "12";

	(void)state;
	assert_true(ticket_note_is_theirs(&e, 11));
	assert_true(ticket_note_is_theirs(&e, 22));
	assert_false(ticket_note_is_theirs(&e, 33));
	assert_false(ticket_note_is_theirs(&e, 0));
	e = entry(ACTION_REVIEW, REASON_EMAIL_DENIED);
	assert_true(ticket_note_is_theirs(&e, 11));
	assert_false(ticket_note_is_theirs(&e, 22));
	e = entry(ACTION_NONE, REASON_REJECTED_BEFORE);
	e.decided_by = maria;
	assert_false(ticket_note_is_theirs(&e, 22));
	e.note = undone;
	assert_true(ticket_note_is_theirs(&e, 22));
	e.messaging_user_id = 0;
	assert_false(ticket_note_is_theirs(&e, 0));
}

static void test_marks_differ(void **state)
{
	struct journal_entry e =
		entry(ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);
	char mark[TICKET_NOTE_MARK_BYTES];

	(void)state;
	ticket_note_mark(&e, mark);
	has(&e, mark);
	e.status = JOURNAL_UNCERTAIN; /* given up, and done after all */
	has_not(&e, mark);
	e.status = JOURNAL_DONE;
	e.id = 170;
	has_not(&e, mark);
	e.id = 117;
	has_not(&e, mark);
	e.id = INT64_MAX;
	e.status = JOURNAL_UNCERTAIN;
	ticket_note_mark(&e, mark);
	has(&e, mark);
	assert_non_null(strstr(mark, "9223372036854775807, given up."));
}

/* What Zendesk takes for a tag. */
static void test_tags(void **state)
{
	const char *const *tags = ticket_note_tags();

	(void)state;
	for (size_t i = 0; i < TICKET_NOTE_TAGS; i++) {
		assert_true(str_starts(tags[i], "reunite_"));
		assert_int_equal(strspn(tags[i], "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(tags[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_note_is_whole_and_plain),
		cmocka_unit_test(test_many_reasons),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_what_was_not_done_is_not_told),
		cmocka_unit_test(test_a_merge),
		cmocka_unit_test(test_a_review),
		cmocka_unit_test(test_a_review_of_what_is_certain),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_a_link_that_was_wrong),
		cmocka_unit_test(test_whose_ticket_it_is),
		cmocka_unit_test(test_marks_differ),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
