/*
 * The contract suite's runner, and the places of its stores.
 */
#include "contract.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"

struct start {
	const struct ct_factory *factory;
	const struct ct_case *what;
};

static const struct ct_group *const groups[] = {
	&ct_accept_cases,    &ct_wake_cases,	&ct_people_cases,
	&ct_forget_cases,    &ct_claim_cases,	&ct_job_cases,
	&ct_lock_cases,	     &ct_saga_cases,	&ct_review_cases,
	&ct_asked_cases,     &ct_list_cases,	&ct_admin_cases,
	&ct_front_cases,     &ct_breaker_cases, &ct_decide_cases,
	&ct_shadow_cases,    &ct_tally_cases,	&ct_note_cases,
	&ct_note_life_cases, &ct_address_cases, &ct_late_cases,
	&ct_metered_cases,   &ct_walk_cases,	&ct_change_cases,
	&ct_cursor_cases,    &ct_age_cases,	&ct_heard_cases,
	&ct_clock_cases,     &ct_order_cases,	&ct_backup_cases,
	&ct_batch_cases,     &ct_node_cases,
};

static int set_up(void **state)
{
	const struct start *start = *state;
	struct ct *c = xcalloc(1, sizeof(*c));

	c->factory = start->factory;
	c->what = start->what;
	c->place = c->factory->make();
	c->now_ms = CT_START;
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	*state = c;
	return 0;
}

static int tear_down(void **state)
{
	struct ct *c = *state;

	store_close(c->s);
	c->factory->remove(c->place);
	free(c);
	return 0;
}

static void run_case(void **state)
{
	struct ct *c = *state;

	c->what->run(c);
}

int ct_run(const struct ct_factory *factory)
{
	struct CMUnitTest *tests = NULL;
	struct start *starts = NULL;
	size_t count = 0, g, i;
	int failed;

	for (g = 0; g < ARRAY_LEN(groups); g++)
		count += groups[g]->count;
	tests = xcalloc(count, sizeof(*tests));
	starts = xcalloc(count, sizeof(*starts));
	count = 0;
	for (g = 0; g < ARRAY_LEN(groups); g++) {
		for (i = 0; i < groups[g]->count; i++, count++) {
			starts[count].factory = factory;
			starts[count].what = &groups[g]->cases[i];
			tests[count].name = groups[g]->cases[i].name;
			tests[count].test_func = run_case;
			tests[count].setup_func = set_up;
			tests[count].teardown_func = tear_down;
			tests[count].initial_state = &starts[count];
		}
	}
	cmocka_set_test_filter(getenv("REUNITE_CASE")); /* NULL: all */
	failed = _cmocka_run_group_tests(factory->name, tests, count, NULL,
					 NULL);
	free(starts);
	free(tests);
	return failed;
}

void contract_dir_make(struct contract_dir *d)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->dir, sizeof(d->dir), "%s/reunite-store-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/reunite.db", d->dir);
	snprintf(d->url, sizeof(d->url), "sqlite:%s", d->path);
}

void contract_dir_remove(struct contract_dir *d)
{
	DIR *dir = opendir(d->dir);
	struct dirent *e;
	char name[512];

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", d->dir, e->d_name);
		if (e->d_name[0] != '.')
			assert_int_equal(unlink(name), 0);
	}
	closedir(dir);
	assert_int_equal(rmdir(d->dir), 0);
}

void contract_sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	sqlite3_close(db);
}

int64_t contract_ask(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

struct store *contract_open_at(const char *url, enum store_mode mode,
			       int64_t now_ms)
{
	struct error err = {""};
	struct store *s = NULL;

	if (store_open(&s, url, mode, now_ms, &err) != RESULT_OK)
		fail_msg("store_open: %s", err.text);
	return s;
}

struct store *contract_open_url(const char *url, enum store_mode mode)
{
	return contract_open_at(url, mode, CT_START);
}
