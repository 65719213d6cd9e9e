/*
 * Intake over a store whose nth operation fails: a body is stored as a whole
 * or not at all, who sent it is told to try again, and in the end it is there
 * once.
 */
#include "unit.h"

#include <sqlite3.h>

#include "base/json.h"
#include "base/str.h"
#include "machine.h"

#define PEOPLE 3  /* in one body */
#define MOST   12 /* operations that a start and a body take, at least */
#define ACCEPT (STORE_ACCEPT + 1)
#define EVENT(n)                                                               \
	"{'id': '6a1d3c5e7f9b2d4f0000001" n "', 'type':"                       \
	" 'conversation:create', 'createdAt': '2026-09-21T14:13:20Z',"         \
	" 'payload': {'conversation': {'id': '6a1d3c5e7f9b2d4f0000002" n       \
	"', 'type': 'personal'}, 'user': {'id':"                               \
	" '6a1d3c5e7f9b2d4f0000003" n "'}, 'source': {'type': 'web'}}}"

static const char three[] =
	"{'source': 'sunco', 'body': {'app': {'id': 'a'}, 'webhook': {'id':"
	" 'w', 'version': 'v2'}, 'events': [" EVENT("1") ", " EVENT(
		"2") ", " EVENT("3") "]}}";

static int rows(const struct machine *m, const char *sql)
{
	sqlite3_stmt *st;
	int n;

	assert_int_equal(sqlite3_prepare_v2(m->peek, sql, -1, &st, NULL), 0);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void check_whole(const struct machine *m, int people)
{
	assert_int_equal(rows(m, "SELECT count(*) FROM events"), people);
	assert_int_equal(rows(m, "SELECT count(*) FROM jobs"), people);
}

/* The status of its first delivery. */
static int deliver(struct machine *m)
{
	struct json_t *done = machine_control(m, "webhooks", three);
	const struct json_t *sent = json_at(json_get(done, "webhooks"), 0);
	int status = (int)json_get_int(json_at(json_get(sent, "attempts"), 0),
				       "status", -1);

	json_free(done);
	return status;
}

/* The body's own operation fails (of: ACCEPT), or another one about it. */
static void fail_at(enum trip_kind kind, int at, int of)
{
	const struct trip trip = {.kind = kind, .at = at, .of = of};
	struct machine m;
	int status;

	machine_start(&m, "0", "wait_for_user = \"1m\"\n", "{}", &trip, 1,
		      false);
	status = deliver(&m);
	assert_true(status == 503 || (status == 200 && !of));
	check_whole(&m, status == 200 || kind == TRIP_STORE_UNANSWERED ? PEOPLE
								       : 0);
	assert_true(machine_settle(&m));
	check_whole(&m, PEOPLE);
	assert_int_equal(rows(&m, "SELECT count(*) FROM journal"), PEOPLE);
	machine_stop(&m);
}

static void fail_everywhere(enum trip_kind kind)
{
	fail_at(kind, 1, ACCEPT);
	for (int at = 1; at <= MOST; at++)
		fail_at(kind, at, 0);
}

static void test_a_body_that_cannot_be_stored(void **state)
{
	(void)state;
	fail_everywhere(TRIP_STORE_REFUSED);
	fail_everywhere(TRIP_STORE_UNCOMMITTED);
}

static void test_a_body_that_is_stored_but_nobody_knows(void **state)
{
	(void)state;
	fail_everywhere(TRIP_STORE_UNANSWERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_body_that_cannot_be_stored),
		cmocka_unit_test(test_a_body_that_is_stored_but_nobody_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
