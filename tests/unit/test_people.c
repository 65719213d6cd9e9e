/*
 * Who is a person, out of a user's identities.
 */
#include "unit.h"

#include "app/people.h"

static void test_every_messaging_identity_is_one(void **state)
{
	struct people p = {NULL, 0};
	struct zd_user u;

	(void)state;
	zd_user_init(&u);
	u.id = 7;
	u.updated_ms = 1000;
	zd_user_add_identity(&u, "email", "a@x.example");
	zd_user_add_identity(&u, "messaging", "abc");
	zd_user_add_identity(&u, "messaging", "not an id");
	zd_user_add_identity(&u, "messaging", "def")->created_ms = 2000;
	people_add(&p, &u, 0, 0);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.items[0].sunco_id, "abc");
	assert_int_equal(p.items[0].zendesk_user_id, 7);
	assert_int_equal(p.items[0].changed_ms, 1000);
	assert_string_equal(p.items[1].sunco_id, "def");
	assert_int_equal(p.items[1].changed_ms, 2000);
	people_add(&p, &u, 5, 500);
	assert_int_equal(p.count, 4);
	assert_int_equal(p.items[2].ticket_id, 0); /* whose is it? */
	assert_int_equal(p.items[3].changed_ms, 500);
	people_release(&p);
	assert_int_equal(p.count, 0);
	zd_user_release(&u);
}

static void test_a_ticket_of_the_only_one(void **state)
{
	struct people p = {NULL, 0};
	struct zd_user u;

	(void)state;
	zd_user_init(&u);
	u.id = 7;
	people_add(&p, &u, 5, 500); /* nobody talks to us */
	assert_int_equal(p.count, 0);
	zd_user_add_identity(&u, "messaging", "abc");
	people_add(&p, &u, 5, 500);
	assert_int_equal(p.items[0].ticket_id, 5);
	assert_int_equal(p.items[0].changed_ms, 500);
	people_release(&p);
	zd_user_release(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_messaging_identity_is_one),
		cmocka_unit_test(test_a_ticket_of_the_only_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
