/*
 * The commands that copy a whole store.
 */
#include "unit.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli_run.h"

static int make_store(void **state)
{
	struct store *store;
	struct store_op op;
	struct error err;

	(void)state;
	assert_int_equal(
		store_open(&store, cli_url, STORE_SERVE, clock_wall_ms(), &err),
		RESULT_OK);
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = "acme";
	op.u.enqueue.sunco_id = "somebody";
	op.u.enqueue.now_ms = clock_wall_ms();
	op.u.enqueue.wait_ms = 1000;
	assert_int_equal(store_do(store, &op), RESULT_OK);
	store_close(store);
	return 0;
}

/* "@" and a URL beside the store's. */
static int run_to(const char *line, const char *ending)
{
	char full[512];

	snprintf(full, sizeof(full), "%s --to %s.%s", line, cli_url, ending);
	return cli_run(full);
}

/* The line about this table, or the last one for NULL. */
static struct json_t *line_of(const char *table)
{
	size_t last = cli_lines(cli_out) - 1;

	for (size_t i = 0; i < last; i++) {
		struct json_t *v = cli_line_json(i);

		if (table && str_eq(json_get_str(v, "table"), table))
			return v;
		json_free(v);
	}
	return cli_line_json(last);
}

static void a_copy_tells_every_table(void **state)
{
	struct json_t *v;

	(void)state;
	assert_int_equal(run_to("store copy @ --json", "two"), CLI_DONE);
	assert_non_null(strstr(cli_err, "start `reunite serve`"));
	v = line_of("jobs");
	assert_int_equal(json_get_int(v, "rows", 0), 1);
	assert_int_equal(strlen(json_get_str(v, "sha256")), 64);
	json_free(v);
	v = line_of("events");
	assert_int_equal(json_get_int(v, "rows", -1), 0);
	json_free(v);
	v = line_of(NULL);
	assert_string_equal(json_get_str(v, "from"), cli_url);
	assert_true(json_get_bool(v, "verified", false));
	assert_false(json_get_bool(v, "resumed", true));
	assert_true(json_get_int(v, "rows", 0) > 1);
	json_free(v);
}

static void a_copy_is_a_table_for_people(void **state)
{
	char line[512];

	(void)state;
	snprintf(line, sizeof(line), "store copy --from %s", cli_url);
	assert_int_equal(run_to(line, "two"), CLI_DONE);
	assert_non_null(strstr(cli_out, "TABLE"));
	assert_non_null(strstr(cli_out, "SHA-256"));
	assert_non_null(strstr(cli_out, "the same on both sides"));
	assert_int_equal(run_to(line, "two"), CLI_FAILED);
	assert_string_equal(cli_out, "");
	assert_non_null(strstr(cli_err, "the target: there is a store"));
}

static void wrong_usage_is_told(void **state)
{
	(void)state;
	cli_refuses("store copy @", "--to names the new store");
	cli_refuses("store copy @ --to mysql:x", "url is neither like");
	cli_refuses("store copy @ --from x --to y", "url is neither like");
	cli_refuses("store copy @ --to sqlite:x extra", "");
	assert_int_equal(cli_run("store copy --from sqlite:/nowhere/x "
				 "--to sqlite:/nowhere/y"),
			 CLI_FAILED);
	assert_non_null(strstr(cli_err, "the source: there is no store"));
}

#define WITH_STORE(test)                                                       \
	cmocka_unit_test_setup_teardown(test, make_store, cli_remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_copy_tells_every_table),
		WITH_STORE(a_copy_is_a_table_for_people),
		WITH_STORE(wrong_usage_is_told),
	};

	return cmocka_run_group_tests(tests, cli_make_folder,
				      cli_remove_folder);
}
