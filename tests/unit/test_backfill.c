/*
 * What `backfill` counts, estimates, writes and shows, without an account:
 * tally, report file, progress line.
 */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/cli/backfill_report.h"
#include "../../src/cli/progress.h"
#include "base/json.h"
#include "base/str.h"

/* --- the tally and the estimate --- */

static void add(struct tally *t, enum action action, uint64_t profile,
		int count)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.reason = action == ACTION_MERGE ? REASON_EMAIL_MATCH_VERIFIED
					  : REASON_NO_EMAIL;
	e.profile_id = profile;
	e.api_calls = 2;
	for (int i = 0; i < count; i++)
		tally_add(t, &e);
}

static struct policy_rules rules(int64_t per_hour, int64_t per_profile)
{
	struct policy_rules r;

	policy_rules_default(&r);
	r.max_merges_per_hour = per_hour;
	r.max_merges_per_profile = per_profile;
	return r;
}

static void test_counts(void **state)
{
	struct tally t = {.failed = 0};
	struct tally_row rows[TALLY_ROWS_MAX];
	struct journal_entry e;

	(void)state;
	add(&t, ACTION_MERGE, 21, 3);
	add(&t, ACTION_NONE, 0, 5);
	journal_entry_init(&e);
	e.action = ACTION_MERGE;
	e.status = JOURNAL_FAILED;
	tally_add(&t, &e);
	e.action = ACTION_PAUSE; /* no decision about anybody */
	tally_add(&t, &e);
	assert_int_equal(tally_total(&t), 9);
	assert_int_equal(tally_of(&t, ACTION_MERGE), 3);
	assert_int_equal(t.failed, 1);
	assert_int_equal(tally_rows(&t, rows), 2);
	assert_int_equal(rows[0].action, ACTION_NONE); /* the most first */
	assert_int_equal(rows[0].count, 5);
	tally_release(&t);
}

/* Places open at once, and as many again an hour, or a day, later. */
static void test_the_longest_counts(void **state)
{
	static const struct {
		int merges, same;
		int64_t per_hour, per_profile, calls_per_minute, minutes;
	} rows[] = {
		{10, 0, 200, 3, 1000, 1},	  /* requests */
		{10, 0, 200, 3, 5, 10},		  /* (10 * 5 + 0) / 5 */
		{160, 0, 200, 3, 100000, 1},	  /* one hour's places */
		{161, 0, 200, 3, 100000, 60},	  /* one more */
		{481, 0, 200, 3, 100000, 180},	  /* three hours later */
		{0, 3, 200, 3, 100000, 1},	  /* a day's share */
		{0, 7, 200, 3, 100000, 2 * 1440}, /* the day after tomorrow */
		{1, 0, 1, 3, 100000, -1},	  /* four fifths of 1: none */
		{0, 1, 200, 0, 100000, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy_rules r =
			rules(rows[i].per_hour, rows[i].per_profile);
		struct tally t = {.failed = 0};
		struct estimate e;

		for (int n = 0; n < rows[i].merges; n++)
			add(&t, ACTION_MERGE, 1000 + (uint64_t)n, 1);
		add(&t, ACTION_MERGE, 7, rows[i].same);
		tally_estimate(&t, &r, 0, rows[i].calls_per_minute, &e);
		assert_int_equal(e.minutes, rows[i].minutes);
		assert_int_equal(e.links, rows[i].merges + rows[i].same);
		tally_release(&t);
	}
}

static void test_nothing_takes_no_time(void **state)
{
	struct policy_rules r = rules(0, 0);
	struct tally t = {.failed = 0};
	struct estimate e;

	(void)state;
	tally_estimate(&t, &r, 0, 0, &e);
	assert_int_equal(e.minutes, 0);
	assert_int_equal(e.calls, 0);
}

/* --- the report --- */

struct place {
	char folder[64];
	char path[96];
};

static void place_make(struct place *p)
{
	snprintf(p->folder, sizeof(p->folder), "/tmp/reunite-report-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/r.jsonl", p->folder);
}

static void place_remove(struct place *p)
{
	static const char *const endings[] = {"", ".part", ".resume"};
	char name[128];

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		snprintf(name, sizeof(name), "%s%s", p->path, endings[i]);
		(void)unlink(name);
	}
	assert_int_equal(rmdir(p->folder), 0);
}

static bool is_there(const struct place *p, const char *ending)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s", p->path, ending);
	return access(name, F_OK) == 0;
}

static void append(const struct place *p, const char *ending, const char *text)
{
	char name[128];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", p->path, ending);
	f = fopen(name, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static enum result open_one(struct report *r, const struct place *p,
			    const char *since, bool anew, struct tally *t)
{
	const struct report_key key = {.account = "acme", .since = since};
	struct error err;

	return report_open(r, p->path, &key, anew, NULL, t, &err);
}

static void write_one(struct report *r, const char *person)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = ACTION_MERGE;
	e.reason = REASON_EMAIL_MATCH_VERIFIED;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), person));
	report_add(r, person, journal_entry_encode(&e, false));
}

static void test_a_report_is_whole_or_not_there(void **state)
{
	struct tally t = {.failed = 0};
	struct report r;
	struct stat st;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	assert_true(report_keep(&r));
	write_one(&r, "ann");
	assert_false(is_there(&p, ""));
	assert_true(report_finish(&r));
	report_close(&r);
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 0077, 0);
	assert_false(is_there(&p, ".part"));
	assert_false(is_there(&p, ".resume"));
	/* and the next one begins anew */
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	assert_false(r.resumed);
	report_close(&r);
	place_remove(&p);
}

static void test_a_killed_report_goes_on(void **state)
{
	struct tally t = {.failed = 0};
	struct report r;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(open_one(&r, &p, "24h", false, &t), RESULT_OK);
	write_one(&r, "ann");
	r.place.scanned = 200;
	r.place.cursor = xstrdup("c2");
	assert_true(report_keep(&r));
	write_one(&r, "bob"); /* of the page that is not done */
	report_close(&r);
	append(&p, ".part", "{\"id\":null,\"acti");

	assert_int_equal(open_one(&r, &p, "24h", false, &t), RESULT_OK);
	assert_true(r.resumed);
	assert_string_equal(r.place.cursor, "c2");
	assert_int_equal(r.place.scanned, 200);
	assert_true(idset_has(&r.seen, "ann"));
	assert_true(idset_has(&r.seen, "bob"));
	assert_false(idset_has(&r.seen, "cy"));
	assert_int_equal(tally_of(&t, ACTION_MERGE), 2);
	write_one(&r, "cy");
	report_close(&r);
	tally_release(&t);
	assert_int_equal(open_one(&r, &p, "24h", false, &t), RESULT_OK);
	assert_int_equal(tally_of(&t, ACTION_MERGE), 3); /* no half line */
	report_close(&r);
	tally_release(&t);
	place_remove(&p);
}

static void test_another_reports_rest_is_not_touched(void **state)
{
	struct tally t = {.failed = 0};
	struct report r, other;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	assert_int_equal(open_one(&other, &p, NULL, false, &t),
			 RESULT_CONFLICT); /* it is being written */
	write_one(&r, "ann");
	assert_true(report_keep(&r));
	report_close(&r);
	assert_int_equal(open_one(&r, &p, "24h", false, &t), RESULT_CONFLICT);
	assert_int_equal(open_one(&r, &p, "24h", true, &t), RESULT_OK);
	assert_false(r.resumed);
	assert_false(idset_has(&r.seen, "ann"));
	report_close(&r);
	place_remove(&p);
}

/* The power failed: lines are gone of which the word was kept. */
static void test_lost_lines_are_not_missed(void **state)
{
	struct tally t = {.failed = 0};
	struct report r;
	struct place p;
	char name[128];

	(void)state;
	place_make(&p);
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	write_one(&r, "ann");
	assert_true(report_keep(&r));
	report_close(&r);
	snprintf(name, sizeof(name), "%s.part", p.path);
	assert_int_equal(truncate(name, 5), 0);
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	assert_false(r.resumed);
	report_close(&r);
	place_remove(&p);
}

static void test_a_full_disk_is_told(void **state)
{
	struct tally t = {.failed = 0};
	struct report r;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(open_one(&r, &p, NULL, false, &t), RESULT_OK);
	fclose(r.file.out);
	r.file.out = fopen("/dev/full", "w");
	assert_non_null(r.file.out);
	write_one(&r, "ann");
	assert_false(report_keep(&r));
	assert_false(report_finish(&r));
	assert_false(is_there(&p, ""));
	report_close(&r);
	place_remove(&p);
}

static void test_a_set_grows(void **state)
{
	struct idset s = {.count = 0};
	char name[32];

	(void)state;
	assert_false(idset_has(&s, "0"));
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_true(idset_add(&s, name));
		assert_false(idset_add(&s, name));
	}
	assert_int_equal(s.count, 5000);
	assert_true(idset_has(&s, "4999"));
	assert_false(idset_has(&s, "5000"));
	idset_release(&s);
}

/* --- progress --- */

static void test_lines(void **state)
{
	static const struct {
		int64_t done, total;
		double rate;
		const char *note, *line;
	} rows[] = {
		{0, 0, 0, "", "0"},
		{5, 0, 2.5, NULL, "5 2.5/s"},
		{0, 100, 0, "x", "0/100 0%  x"},
		{50, 200, 0.5, "ann", "50/200 25% 0.5/s ETA 5m  ann"},
		{200, 200, 4, "", "200/200 100% 4.0/s"},
		{220, 200, 4, "", "220/220 100% 4.0/s"},
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		progress_line(rows[i].done, rows[i].total, rows[i].rate,
			      rows[i].note, line, sizeof(line));
		assert_string_equal(line, rows[i].line);
	}
	progress_line(50, 200, 0.5, "a long note", line, 12);
	assert_string_equal(line, "50/200 25% ");
}

static void test_times(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {{0, "0s"},		 {59, "59s"},	    {60, "1m"},
		    {3599, "59m"},	 {3600, "1h 00m"},  {9000, "2h 30m"},
		    {172799, "47h 59m"}, {180000, "2d 02h"}};
	char text[PROGRESS_TIME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		progress_time(rows[i].seconds, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* A line now and then where nobody watches. */
static void test_no_terminal(void **state)
{
	char *text = NULL;
	size_t size = 0;
	struct progress p;
	FILE *file = tmpfile();
	FILE *memory = open_memstream(&text, &size);

	(void)state;
	progress_init(&p, file);
	assert_false(p.terminal);
	p.out = memory;
	progress_show(&p, 0, 100, "", 1000);
	progress_show(&p, 10, 100, "", 6000);
	fflush(memory);
	assert_int_equal(size, 0);
	progress_show(&p, 60, 100, "n", 31000);
	progress_clear(&p);
	fclose(memory);
	assert_string_equal(text, "60/100 60% 2.0/s ETA 20s  n\n");
	free(text);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_the_longest_counts),
		cmocka_unit_test(test_nothing_takes_no_time),
		cmocka_unit_test(test_a_report_is_whole_or_not_there),
		cmocka_unit_test(test_a_killed_report_goes_on),
		cmocka_unit_test(test_another_reports_rest_is_not_touched),
		cmocka_unit_test(test_lost_lines_are_not_missed),
		cmocka_unit_test(test_a_full_disk_is_told),
		cmocka_unit_test(test_a_set_grows),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
