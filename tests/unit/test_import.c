/*
 * Which user may get an external id: every outcome, and what comes first.
 */
#include <string.h>

#include "base/str.h"
#include "core/import.h"
#include "unit.h"

#define ADDRESS "ada@people.example"

static struct import_row row;
static struct zd_user user, other;
static struct import_rules rules;

static void read_row(const char *address, const char *id)
{
	row = (struct import_row){.line = 2};
	(void)import_row_read(&row, slice_of(address), slice_of(id));
}

static int setup(void **state)
{
	struct zd_identity *i;

	(void)state;
	zd_user_init(&user);
	user.id = 7;
	i = zd_user_add_identity(&user, "email", ADDRESS);
	i->primary = true;
	i->verified = true;
	i->method = VERIFICATION_FULL;
	zd_user_init(&other);
	other.id = 8;
	other.identities_known = true;
	rules = (struct import_rules){.deny_count = 0};
	read_row(ADDRESS, "u1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	zd_user_release(&user);
	zd_user_release(&other);
	return 0;
}

static void unprove(struct zd_user *u)
{
	u->identities[0].verified = false;
	u->identities[0].method = VERIFICATION_NONE;
}

static void check(enum import_outcome expected, uint64_t holder)
{
	struct zd_user both[] = {other, user};

	import_decide(&row, both, ARRAY_LEN(both), holder, &rules);
	assert_string_equal(import_outcome_name(row.outcome, true),
			    import_outcome_name(expected, true));
	if (expected != IMPORT_UNKNOWN)
		assert_int_equal(row.user, user.id);
}

/* ---- what the file says ---- */

static void test_values_are_trimmed_and_folded(void **state)
{
	(void)state;
	read_row(" Ada@People.Example\t", "  U-1 ");
	assert_int_equal(row.outcome, IMPORT_UNKNOWN);
	assert_string_equal(row.address, ADDRESS);
	assert_string_equal(row.external_id, "U-1");
}

static void test_values_that_cannot_be(void **state)
{
	static const char *const addresses[] = {
		"",
		" ",
		"ada",
		"ada@people",
		"@people.example",
		"a b@x.example",
		"ada@people.example,x@y.example",
		"\xc3\xa4@people.example",
		"\"ada\"@people.example"};
	char long_id[IMPORT_ID_SIZE + 1];
	char long_address[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		read_row(addresses[i], "u1");
		assert_int_equal(row.outcome, IMPORT_BAD_ADDRESS);
	}
	memset(long_address, 'a', sizeof(long_address) - 1);
	strcpy(long_address + 500, "@people.example");
	read_row(long_address, "u1");
	assert_int_equal(row.outcome, IMPORT_BAD_ADDRESS);
	memset(long_id, 'x', IMPORT_ID_SIZE);
	long_id[IMPORT_ID_SIZE] = '\0';
	read_row(ADDRESS, long_id);
	assert_int_equal(row.outcome, IMPORT_BAD_ID);
	read_row(ADDRESS, long_id + 1);
	assert_int_equal(row.outcome, IMPORT_UNKNOWN);
	read_row(ADDRESS, " ");
	assert_int_equal(row.outcome, IMPORT_BAD_ID);
	read_row(ADDRESS, "a\nb");
	assert_int_equal(row.outcome, IMPORT_BAD_ID);
	read_row(ADDRESS, "a\xff");
	assert_int_equal(row.outcome, IMPORT_BAD_ID);
}

/* ---- what Zendesk says ---- */

static void test_it_is_set(void **state)
{
	(void)state;
	check(IMPORT_SET, 0);
	assert_string_equal(import_outcome_name(row.outcome, false),
			    "would_set");
	unprove(&user); /* all that the user has */
	check(IMPORT_SET, 0);
}

static void test_nobody_has_the_address(void **state)
{
	(void)state;
	user.active = false;
	check(IMPORT_UNKNOWN, 0);
	assert_int_equal(row.user, 0);
	user.active = true;
	read_row("da@people.example", "u1"); /* a fuzzy hit is no owner */
	check(IMPORT_UNKNOWN, 0);
}

static void test_the_external_id_is_somebody_elses(void **state)
{
	(void)state;
	check(IMPORT_HELD, 99);
	assert_int_equal(row.other_user, 99);
	check(IMPORT_SET, 7);
	user.active = false;
	import_decide(&row, &user, 1, 99, &rules);
	assert_int_equal(row.outcome, IMPORT_HELD);
}

static void test_the_user_has_one(void **state)
{
	(void)state;
	user.external_id = xstrdup("U1");
	check(IMPORT_ALREADY, 7);
	user.suspended = true;
	check(IMPORT_ALREADY, 7);
	read_row(ADDRESS, "u2");
	check(IMPORT_OTHER_ID, 0);
	check(IMPORT_OTHER_ID, 99);
}

static void test_who_never_gets_one(void **state)
{
	(void)state;
	user.role = ZD_ROLE_AGENT;
	check(IMPORT_STAFF, 0);
	user.role = ZD_ROLE_OTHER;
	check(IMPORT_STAFF, 0);
	user.role = ZD_ROLE_END_USER;
	user.shared = true;
	check(IMPORT_SHARED, 0);
	user.shared = false;
	user.suspended = true;
	check(IMPORT_SUSPENDED, 0);
}

static void test_several_users_have_the_address(void **state)
{
	(void)state;
	zd_user_add_identity(&other, "email", "ADA@people.example");
	import_decide(&row, (struct zd_user[]){user, other}, 2, 0, &rules);
	assert_int_equal(row.outcome, IMPORT_SEVERAL);
	assert_int_equal(row.user, 7);
	assert_int_equal(row.other_user, 8);
}

static void test_denied_addresses(void **state)
{
	static const char *const patterns[] = {"*@people.example"};

	(void)state;
	rules.deny_emails = patterns;
	rules.deny_count = 1;
	check(IMPORT_DENIED, 0);
	rules.deny_count = 0;
	check(IMPORT_SET, 0);
	zd_user_add_identity(&user, "email", "info@people.example");
	read_row("info@people.example", "u1");
	check(IMPORT_DENIED, 0);
}

/* Rule 23: who typed it somewhere must not get the person's key. */
static void test_unproven_addresses(void **state)
{
	struct zd_identity *i;

	(void)state;
	zd_user_add_identity(&user, "messaging", "s1");
	check(IMPORT_SET, 0);
	unprove(&user);
	check(IMPORT_UNPROVEN, 0);
	user.identities[0].verified = true;
	user.identities[0].method = VERIFICATION_LOW;
	check(IMPORT_UNPROVEN, 0);
	i = zd_user_add_identity(&user, "email", "second@people.example");
	i->verified = true;
	i->method = VERIFICATION_SSO;
	read_row("second@people.example", "u1");
	check(IMPORT_SET, 0);
}

/* Reports and scripts tell outcomes apart by them. */
static void test_names_are_different(void **state)
{
	(void)state;
	for (int i = 0; i < IMPORT_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
				import_outcome_name((enum import_outcome)i,
						    true),
				import_outcome_name((enum import_outcome)j,
						    true));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_values_are_trimmed_and_folded),
		CASE(test_values_that_cannot_be),
		CASE(test_it_is_set),
		CASE(test_nobody_has_the_address),
		CASE(test_the_external_id_is_somebody_elses),
		CASE(test_the_user_has_one),
		CASE(test_who_never_gets_one),
		CASE(test_several_users_have_the_address),
		CASE(test_denied_addresses),
		CASE(test_unproven_addresses),
		CASE(test_names_are_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
