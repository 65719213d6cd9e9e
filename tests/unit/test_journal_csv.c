/*
 * Entries as lines of CSV (RFC 4180).
 */
#include "unit.h"

#include "../../src/cli/journal_csv.h"
#include "base/json.h"
#include "base/str.h"

static char *written(const struct journal_entry *e, bool personal)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (e)
		journal_csv_entry(out, e, personal);
	else
		journal_csv_head(out, personal);
	fclose(out);
	return text;
}

static void check(const struct journal_entry *e, bool personal,
		  const char *expected)
{
	char *text = written(e, personal);

	assert_string_equal(text, expected);
	free(text);
}

static void what_is_absent_is_empty(void **state)
{
	struct journal_entry e;

	(void)state;
	journal_entry_init(&e);
	e.id = 17;
	assert_true(str_copy(e.account, sizeof(e.account), "acme"));
	check(&e, false,
	      "17,1970-01-01T00:00:00.000Z,acme,none,none,false,done,none,,,"
	      ",,sunco,,0,,,,,,,,\r\n");
}

static void what_needs_quotes_has_them(void **state)
{
	char note[] = "two\nlines", by[] = "Ann \"the hand\", of acme",
	     image[] = "{\"name\":\"Zoe, \\\"Z\\\"\"}";
	struct journal_entry e;

	(void)state;
	journal_entry_init(&e);
	e.id = 1;
	e.action = ACTION_MERGE;
	e.reasons = REASON_BIT(REASON_BRAND_MISMATCH) |
		    REASON_BIT(REASON_EMAIL_DENIED);
	e.reason = REASON_EMAIL_DENIED;
	e.linked = LINKED_BIT(EMAILS_VERIFIED_ONLY) |
		   LINKED_BIT(EMAILS_CLAIM_VERIFIED);
	e.note = note;
	e.decided_by = by;
	e.before_image = image;
	check(&e, true,
	      "1,1970-01-01T00:00:00.000Z,,merge,email_denied,false,done,none,"
	      ",,,,sunco,,0,email_denied brand_mismatch,"
	      "verified_only claim_verified,,,,\"two\nlines\",,"
	      "\"Ann \"\"the hand\"\", of acme\","
	      "\"{\"\"name\"\":\"\"Zoe, \\\"\"Z\\\"\"\"\"}\"\r\n");
}

/* An entry that has everything has no key without a column. */
static void every_key_has_its_column(void **state)
{
	char text[] = "text", image[] = "{}";
	struct journal_entry e;
	struct json_t *v, *value;
	void *iter = NULL;
	const char *key;
	char *head = written(NULL, true);
	char column[64];
	size_t count = 1;

	(void)state;
	journal_entry_init(&e);
	e.outcome = HINDSIGHT_AGREED;
	e.linked = LINKED_BIT(EMAILS_VERIFIED_ONLY);
	e.review_id = 1;
	e.note = e.decided_by = text;
	e.before_image = image;
	v = journal_entry_encode(&e, true);
	while (json_next(v, &iter, &key, &value)) {
		snprintf(column, sizeof(column), ",%s", key);
		if (!str_starts(head, key) && !strstr(head, column))
			fail_msg("%s has no column", key);
	}
	for (const char *at = head; (at = strchr(at, ',')); at++)
		count++;
	assert_int_equal(count, json_len(v));
	json_free(v);
	free(head);
}

static void a_before_image_is_personal(void **state)
{
	char *head = written(NULL, false);

	(void)state;
	assert_null(strstr(head, "before_image"));
	assert_true(str_starts(head, "id,at,account,action,reason,applied,"));
	free(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_is_empty),
		cmocka_unit_test(what_needs_quotes_has_them),
		cmocka_unit_test(every_key_has_its_column),
		cmocka_unit_test(a_before_image_is_personal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
