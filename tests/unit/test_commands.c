/*
 * The commands that work on the store: journal, queue and review.
 */
#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli_run.h"

#define MANY 1100 /* more than two pages of a list */

/* A store with something in it: jobs 1 to MANY + 3, of which 1 and 5 wait
 * for a person, 2 is done, 3 is running and the others are ready. */

static void do_op(struct store *store, struct store_op *op)
{
	if (store_do(store, op) != RESULT_OK)
		fail_msg("%s", op->error.text);
}

static void enqueue_many(struct store *store, int64_t now_ms)
{
	size_t count = MANY + 3;
	struct store_op *ops = xcalloc(count, sizeof(*ops));
	struct store_op **list = xcalloc(count, sizeof(*list));
	char(*ids)[16] = xcalloc(count, sizeof(*ids));

	for (size_t i = 0; i < count; i++) {
		list[i] = &ops[i];
		store_op_init(&ops[i], STORE_ENQUEUE);
		snprintf(ids[i], sizeof(ids[i]), "sunco%05zu", i + 1);
		ops[i].u.enqueue.account = "acme";
		ops[i].u.enqueue.sunco_id = ids[i];
		ops[i].u.enqueue.now_ms = now_ms;
		ops[i].u.enqueue.wait_ms = 1000;
	}
	store_run(store, list, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ops[i].result, RESULT_OK);
		assert_int_equal(ops[i].u.enqueue.job_id, i + 1);
		store_op_release(&ops[i]);
	}
	free(ids);
	free(list);
	free(ops);
}

static void claim(struct store *store, int64_t id, int64_t now_ms,
		  struct job *job)
{
	struct store_op op;

	store_op_init(&op, STORE_CLAIM);
	op.u.claim.account = "acme";
	op.u.claim.max = 1;
	op.u.claim.job_id = id;
	op.u.claim.now_ms = now_ms;
	op.u.claim.lease_ms = 3600 * 1000;
	do_op(store, &op);
	assert_int_equal(op.u.claim.count, 1);
	job_copy(job, &op.u.claim.jobs[0]);
	store_op_release(&op);
}

static void settle(struct store *store, int64_t id, enum job_state state,
		   const struct journal_entry *entry,
		   const struct review *review)
{
	struct store_op op;
	struct job job;

	claim(store, id, entry->at_ms, &job);
	store_op_init(&op, STORE_SETTLE);
	op.u.settle.job_id = id;
	op.u.settle.token = job.token;
	op.u.settle.gen = job.gen;
	op.u.settle.state = state;
	op.u.settle.now_ms = entry->at_ms;
	op.u.settle.entry = entry;
	op.u.settle.review = review;
	do_op(store, &op);
	store_op_release(&op);
	job_release(&job);
}

static void entry_of(struct journal_entry *e, int64_t job_id, int64_t at_ms,
		     enum action action, uint64_t user, uint64_t profile)
{
	journal_entry_init(e);
	assert_true(str_copy(e->account, sizeof(e->account), "acme"));
	e->job_id = job_id;
	e->at_ms = at_ms;
	e->action = action;
	e->reason = REASON_BRAND_MISMATCH;
	e->reasons = REASON_BIT(REASON_BRAND_MISMATCH);
	e->messaging_user_id = user;
	e->profile_id = profile;
	e->before_image = xstrdup("{\"email\":\"p@x.example\"}");
}

static void review_of(struct review *r, const struct journal_entry *e,
		      int64_t now_ms, uint64_t profile)
{
	review_init(r);
	assert_true(str_copy(r->account, sizeof(r->account), "acme"));
	snprintf(r->sunco_id, sizeof(r->sunco_id), "sunco%05lld",
		 (long long)e->job_id);
	r->job_id = e->job_id;
	r->intended = ACTION_MERGE;
	r->reasons = REASON_BIT(REASON_BRAND_MISMATCH) |
		     REASON_BIT(REASON_ORGANIZATION_MISMATCH);
	r->messaging_user_id = e->messaging_user_id;
	r->profile_id = profile;
	r->facts = xstrdup("{\"email\":\"p@x.example\"}");
	r->expires_ms = now_ms + 3600 * 1000;
}

static void fill(struct store *store, int64_t now_ms)
{
	struct journal_entry e;
	struct review r;
	struct job job;

	enqueue_many(store, now_ms - 7200 * 1000);
	entry_of(&e, 1, now_ms - 7200 * 1000, ACTION_REVIEW, 101, 900);
	review_of(&r, &e, now_ms, 900);
	settle(store, 1, JOB_REVIEW, &e, &r);
	review_release(&r);
	journal_entry_release(&e);
	entry_of(&e, 2, now_ms - 3600 * 1000, ACTION_MERGE, 102, 901);
	settle(store, 2, JOB_DONE, &e, NULL);
	journal_entry_release(&e);
	claim(store, 3, now_ms, &job);
	job_release(&job);
	entry_of(&e, 5, now_ms - 600 * 1000, ACTION_ADOPT, 103, 900);
	review_of(&r, &e, now_ms, 902);
	settle(store, 5, JOB_REVIEW, &e, &r);
	review_release(&r);
	journal_entry_release(&e);
}

static int make_store(void **state)
{
	int64_t now_ms = clock_wall_ms();
	struct store *store;
	struct error e;

	(void)state;
	setenv("REUNITE_TEST_STORE", cli_url, 1);
	if (store_open(&store, cli_url, STORE_SERVE, now_ms, &e) != RESULT_OK)
		fail_msg("%s", e.text);
	fill(store, now_ms);
	store_close(store);
	return 0;
}

static void options_stand_anywhere(void **state)
{
	(void)state;
	assert_int_equal(cli_run("check @"), CLI_DONE);
	assert_non_null(strstr(cli_out, "account \"acme\" {"));
	assert_int_equal(cli_run("journal @ list --json"), CLI_DONE);
	assert_int_equal(cli_run("journal --json @ --limit 1 list"), CLI_DONE);
	assert_int_equal(cli_run("review show --json 1 @"), CLI_DONE);
	assert_int_equal(cli_run("review --json show @ -- 1"), CLI_DONE);
	assert_int_equal(cli_run("queue list @ --limit=3"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 4);
}

static void without_a_store_serve_is_named(void **state)
{
	static const char *const lines[] = {
		"journal list", "journal show 1",   "queue list",
		"queue show 1", "queue retry 1",    "queue retry --all",
		"queue drop 1", "review approve 1", "review list",
	};
	char line[256];

	(void)state;
	setenv("REUNITE_TEST_STORE", "sqlite:/no/such/reunite.db", 1);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		snprintf(line, sizeof(line), "%s @", lines[i]);
		assert_int_equal(cli_run(line), CLI_FAILED);
		assert_non_null(strstr(cli_err,
				       "there is no store yet; only "
				       "\"reunite serve\" creates it\n"));
		assert_int_equal(cli_lines(cli_err), 1);
	}
	setenv("REUNITE_TEST_STORE", cli_url, 1);
}

static void the_account_must_be_known(void **state)
{
	(void)state;
	cli_refuses("journal list @ --account nobody", "--account names no");
	cli_refuses("queue retry @ --all --account nobody",
		    "--account names no");
	assert_int_equal(cli_run("journal list @ --account acme"), CLI_DONE);
}

static void a_list_is_a_table(void **state)
{
	const char *second;

	(void)state;
	assert_int_equal(cli_run("journal list @"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 4);
	assert_true(str_starts(cli_out, "id  at "));
	second = strchr(cli_out, '\n') + 1;
	assert_int_equal(strstr(cli_out, "account") - cli_out,
			 strstr(second, "acme") - second);
	assert_null(strchr(cli_out, '\033'));
	assert_null(strstr(cli_out, " \n"));
	assert_string_equal(cli_err, "");
}

static void a_list_speaks_json(void **state)
{
	struct json_t *v;

	(void)state;
	assert_int_equal(cli_run("journal list @ --json"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 3);
	v = cli_line_json(0);
	assert_int_equal(json_get_int(v, "id", 0), 1);
	assert_string_equal(json_get_str(v, "action"), "review");
	assert_int_equal(json_get_int(v, "messaging_user_id", 0), 101);
	json_free(v);
}

static void the_journal_is_filtered(void **state)
{
	(void)state;
	assert_int_equal(cli_run("journal list @ --json --user 102"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 1);
	assert_int_equal(cli_run("journal list @ --json --user 900"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 2);
	assert_int_equal(cli_run("journal list @ --json --action merge"),
			 CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 1);
	assert_int_equal(cli_run("journal list @ --json --limit 2"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 2);
	assert_int_equal(cli_run("journal list @ --json --since 30m"),
			 CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 1);
	assert_int_equal(cli_run("journal list @ --json --since 1d"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 3);
	assert_int_equal(
		cli_run("journal list @ --json --since=2999-01-01T00:00:00Z"),
		CLI_DONE);
	assert_string_equal(cli_out, "");
}

static void lists_are_filtered_by_reason(void **state)
{
	(void)state;
	assert_int_equal(cli_run("review list @ --json --reason "
				 "organization_mismatch"),
			 CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 2);
	assert_int_equal(cli_run("review list @ --json --reason email_denied"),
			 CLI_DONE);
	assert_string_equal(cli_out, "");
	assert_int_equal(cli_run("journal list @ --json --reason "
				 "brand_mismatch --ticket 1"),
			 CLI_DONE);
	assert_string_equal(cli_out, "");
	assert_int_equal(
		cli_run("journal list @ --json --reason brand_mismatch"),
		CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 3);
}

static void an_export_is_the_list(void **state)
{
	static const char *const filters[] = {
		"", " --action merge", " --user 900 --limit 1", " --since 30m"};
	char line[128];
	char *list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		snprintf(line, sizeof(line), "journal list @ --json%s",
			 filters[i]);
		assert_int_equal(cli_run(line), CLI_DONE);
		list = xstrdup(cli_out);
		snprintf(line, sizeof(line), "journal export @%s", filters[i]);
		assert_int_equal(cli_run(line), CLI_DONE);
		assert_string_equal(cli_out, list);
		assert_string_equal(cli_err, "");
		free(list);
	}
}

static void one_entry_is_shown(void **state)
{
	(void)state;
	assert_int_equal(cli_run("journal show @ 3"), CLI_DONE);
	assert_non_null(strstr(cli_out, "profile_id         900\n"));
	assert_non_null(strstr(cli_out, "because  "));
	assert_non_null(strstr(cli_out, "--show-personal-data"));
	cli_fails("journal show @ 99", "reunite journal show: no such entry\n");
}

static void personal_data_takes_its_flag(void **state)
{
	static const char *const lines[] = {
		"journal list @", "journal export @", "journal show @ 3",
		"review list @", "review show @ 1"};
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		for (int json = 0; json < 2; json++) {
			snprintf(line, sizeof(line), "%s%s", lines[i],
				 json ? " --json" : "");
			assert_int_equal(cli_run(line), CLI_DONE);
			assert_null(strstr(cli_out, "p@x.example"));
		}
	}
	assert_int_equal(cli_run("journal show @ 3 --show-personal-data"), 0);
	assert_non_null(strstr(cli_out, "p@x.example"));
	assert_int_equal(cli_run("review show @ 1 --show-personal-data --json"),
			 0);
	assert_non_null(strstr(cli_out, "p@x.example"));
}

static void a_list_has_all_pages(void **state)
{
	struct json_t *v;

	(void)state;
	assert_int_equal(cli_run("queue list @ --json"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), MANY + 2);
	v = cli_line_json(MANY + 1);
	assert_int_equal(json_get_int(v, "id", 0), MANY + 3);
	json_free(v);
	assert_int_equal(cli_run("queue list @ --json --limit 501"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 501);
	assert_int_equal(cli_run("queue list @"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), MANY + 3);
}

static void jobs_are_listed_by_state(void **state)
{
	(void)state;
	assert_int_equal(cli_run("queue list @ --json --state done"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 1);
	assert_int_equal(cli_run("queue list @ --json --state dead"), CLI_DONE);
	assert_string_equal(cli_out, "");
	assert_int_equal(cli_run("queue show @ 2"), CLI_DONE);
	assert_non_null(strstr(cli_out, "state            done\n"));
	cli_fails("queue show @ 9999", "reunite queue show: no such job\n");
}

static void jobs_are_retried_and_dropped(void **state)
{
	(void)state;
	cli_fails("queue retry @ 9999", "reunite queue retry: no such job\n");
	cli_fails("queue retry @ 2", "reunite queue retry: the job is done\n");
	assert_int_equal(cli_run("queue retry @ 4 --json"), CLI_DONE);
	assert_string_equal(cli_out, "{\"retried\":1}\n");
	assert_int_equal(cli_run("queue retry @ --all --json"), CLI_DONE);
	assert_string_equal(cli_out, "{\"retried\":0}\n");
	assert_int_equal(cli_run("queue drop @ 4"), CLI_DONE);
	assert_string_equal(cli_out, "dropped  1\n");
	cli_fails("queue drop @ 4", "reunite queue drop: no such job\n");
	cli_fails("queue drop @ 3", "reunite queue drop: the job runs\n");
	cli_fails("queue retry @ 3",
		  "reunite queue retry: the job is running\n");
}

static void reviews_are_listed(void **state)
{
	struct json_t *v;

	(void)state;
	assert_int_equal(cli_run("review list @ --json"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), 2);
	v = cli_line_json(1);
	assert_int_equal(json_get_int(v, "id", 0), 2);
	assert_string_equal(json_get_str(v, "intended"), "merge");
	json_free(v);
	assert_int_equal(cli_run("review list @"), CLI_DONE);
	assert_non_null(strstr(cli_out, "brand_mismatch ..."));
	assert_int_equal(cli_run("review show @ 1"), CLI_DONE);
	assert_non_null(strstr(cli_out, "The two belong to different brands."));
	cli_fails("review show @ 9", "reunite review show: no such review\n");
}

static void a_person_decides_once(void **state)
{
	struct json_t *v;

	(void)state;
	assert_int_equal(cli_run("review approve @ 1 --by maria --json"), 0);
	v = cli_line_json(0);
	assert_string_equal(json_get_str(v, "state"), "approved");
	assert_string_equal(json_get_str(v, "decided_by"), "maria");
	assert_int_equal(json_get_int(v, "job_id", 0), 1);
	json_free(v);
	cli_fails("review reject @ 1",
		  "reunite review reject: the review is approved\n");
	cli_fails("review reject @ 9",
		  "reunite review reject: no such review\n");
	assert_int_equal(cli_run("review list @ --json --state approved"), 0);
	v = cli_line_json(0);
	assert_string_equal(json_get_str(v, "decided_by"), "maria");
	json_free(v);
	assert_int_equal(cli_run("review list @ --json --state all"), 0);
	assert_int_equal(cli_lines(cli_out), 2);
}

static void a_rejection_leaves_its_entry(void **state)
{
	struct json_t *v;
	int64_t entry;

	(void)state;
	assert_int_equal(cli_run("review reject @ 2 --json"), CLI_DONE);
	v = cli_line_json(0);
	entry = json_get_int(v, "journal_id", 0);
	assert_true(entry > 3);
	assert_non_null(json_get_str(v, "decided_by"));
	json_free(v);
	assert_int_equal(cli_run("journal list @ --json --action none"), 0);
	v = cli_line_json(0);
	assert_int_equal(json_get_int(v, "id", 0), entry);
	assert_string_equal(json_get_str(v, "reason"), "rejected_before");
	json_free(v);
}

static void a_reader_that_leaves_is_no_failure(void **state)
{
	FILE *broken;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	broken = fdopen(ends[1], "w");
	cli_forget();
	assert_int_equal(cli_run_to(broken, "queue list @"), CLI_DONE);
	assert_string_equal(cli_err, "");
	fclose(broken);
}

#define WITH_STORE(test)                                                       \
	cmocka_unit_test_setup_teardown(test, make_store, cli_remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_store_serve_is_named),
		WITH_STORE(options_stand_anywhere),
		WITH_STORE(the_account_must_be_known),
		WITH_STORE(a_list_is_a_table),
		WITH_STORE(a_list_speaks_json),
		WITH_STORE(the_journal_is_filtered),
		WITH_STORE(lists_are_filtered_by_reason),
		WITH_STORE(an_export_is_the_list),
		WITH_STORE(one_entry_is_shown),
		WITH_STORE(personal_data_takes_its_flag),
		WITH_STORE(a_list_has_all_pages),
		WITH_STORE(jobs_are_listed_by_state),
		WITH_STORE(jobs_are_retried_and_dropped),
		WITH_STORE(reviews_are_listed),
		WITH_STORE(a_person_decides_once),
		WITH_STORE(a_rejection_leaves_its_entry),
		WITH_STORE(a_reader_that_leaves_is_no_failure),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, cli_make_folder,
				      cli_remove_folder);
}
