/*
 * Metrics: series, histograms, the bound on series, the text format.
 */
#include "unit.h"

#include <math.h>

#include "base/metrics.h"
#include "base/str.h"

#define RENDER_MAX (1 << 22)

static struct buf text;

static int start(void **state)
{
	(void)state;
	metrics_reset();
	buf_init(&text, RENDER_MAX);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	metrics_reset();
	buf_release(&text);
	return 0;
}

static void render(void)
{
	buf_clear(&text);
	metrics_render(&text);
	assert_false(text.overflow);
}

/* The text has this line, once. */
static void assert_line(const char *wanted)
{
	size_t len = strlen(wanted);
	int found = 0;

	for (const char *p = text.data; *p; p = strchr(p, '\n') + 1)
		found += !strncmp(p, wanted, len) && p[len] == '\n';
	if (found != 1)
		fail_msg("%d times: %s", found, wanted);
}

static void assert_no_line(const char *prefix)
{
	for (const char *p = text.data; *p; p = strchr(p, '\n') + 1)
		assert_true(strncmp(p, prefix, strlen(prefix)));
}

static void counters_and_gauges(void **state)
{
	struct metric_series *hooks, *jobs;

	(void)state;
	hooks = metric_get(METRIC_WEBHOOKS, "acme", "sunco", "accepted");
	jobs = metric_get(METRIC_JOBS, "acme", "ready");
	assert_true(metric_value(hooks) == 0);
	metric_add(hooks, 1);
	metric_add(hooks, 2);
	metric_set(jobs, 7);
	metric_add(jobs, -2.5);
	assert_true(metric_value(hooks) == 3);
	assert_true(metric_value(jobs) == 4.5);
	render();
	assert_line("# HELP reunite_webhooks_total "
		    "Webhook events by what became of them");
	assert_line("# TYPE reunite_webhooks_total counter");
	assert_line("reunite_webhooks_total{account=\"acme\",source=\"sunco\","
		    "outcome=\"accepted\"} 3");
	assert_line("# TYPE reunite_jobs gauge");
	assert_line("reunite_jobs{account=\"acme\",state=\"ready\"} 4.5");
}

static void the_same_labels_are_the_same_series(void **state)
{
	const char *labels[] = {"acme", "ready"};
	char copy[] = "acme";

	(void)state;
	assert_ptr_equal(metric_get(METRIC_JOBS, copy, "ready"),
			 metric_at(METRIC_JOBS, labels));
	copy[0] = 'x'; /* labels are copied */
	assert_ptr_equal(metric_get(METRIC_JOBS, "acme", "ready"),
			 metric_at(METRIC_JOBS, labels));
	assert_ptr_not_equal(metric_get(METRIC_JOBS, "acme", "dead"),
			     metric_at(METRIC_JOBS, labels));
	assert_ptr_not_equal(metric_get(METRIC_BREAKER_OPEN, "acme"),
			     metric_get(METRIC_API_BUDGET, "acme"));
	/* the same letters, cut elsewhere */
	assert_ptr_not_equal(metric_get(METRIC_JOBS, "a", "bc"),
			     metric_get(METRIC_JOBS, "ab", "c"));
}

static void histograms(void **state)
{
	struct metric_series *h;

	(void)state;
	h = metric_get(METRIC_API_SECONDS, "zendesk", "search");
	metric_observe(h, 0);
	metric_observe(h, 0.0005); /* le: belongs to its own bound */
	metric_observe(h, 0.0006);
	metric_observe(h, 10);
	metric_observe(h, 11);
	assert_true(metric_value(h) == 5);
	render();
	assert_line("# TYPE reunite_api_seconds histogram");
#define SERIES "reunite_api_seconds_bucket{api=\"zendesk\",call=\"search\",le="
	assert_line(SERIES "\"0.0005\"} 2");
	assert_line(SERIES "\"0.001\"} 3");
	assert_line(SERIES "\"0.0025\"} 3");
	assert_line(SERIES "\"5\"} 3");
	assert_line(SERIES "\"10\"} 4");
	assert_line(SERIES "\"+Inf\"} 5");
#undef SERIES
	assert_line("reunite_api_seconds_sum{api=\"zendesk\",call=\"search\"} "
		    "21.0011");
	assert_line("reunite_api_seconds_count{api=\"zendesk\","
		    "call=\"search\"} 5");
}

static void each_kind_of_histogram_has_its_bounds(void **state)
{
	(void)state;
	metric_observe(metric_get(METRIC_LINK_SECONDS), 86400);
	metric_observe(metric_get(METRIC_STORE_BATCH_SIZE), 3);
	metric_observe(metric_get(METRIC_STORE_BATCH_SIZE), 1025);
	render();
	assert_line("reunite_link_seconds_bucket{le=\"0.1\"} 0");
	assert_line("reunite_link_seconds_bucket{le=\"86400\"} 1");
	assert_line("reunite_link_seconds_bucket{le=\"+Inf\"} 1");
	assert_line("reunite_link_seconds_count 1");
	assert_line("reunite_store_batch_size_bucket{le=\"2\"} 0");
	assert_line("reunite_store_batch_size_bucket{le=\"4\"} 1");
	assert_line("reunite_store_batch_size_bucket{le=\"1024\"} 1");
	assert_line("reunite_store_batch_size_bucket{le=\"+Inf\"} 2");
	assert_line("reunite_store_batch_size_sum 1028");
	/* what has no labels is there before its first use */
	assert_line("reunite_webhook_seconds_bucket{le=\"+Inf\"} 0");
	assert_line("reunite_webhook_seconds_count 0");
}

static void bucket_bounds_rise(void **state)
{
	const char *p;
	double last = -1;
	int count = 0;

	(void)state;
	render();
	p = text.data;
	while ((p = strstr(p, "reunite_link_seconds_bucket{le=\""))) {
		double le = strtod(strchr(p, '"') + 1, NULL);

		assert_true(le > last);
		last = le;
		count++;
		p = strchr(p, '\n');
	}
	assert_true(isinf(last));
	assert_true(count > 10);
}

static void label_values_are_escaped(void **state)
{
	(void)state;
	metric_set(metric_get(METRIC_BUILD_INFO, "a\"b\\c\nd\xc3\xa4{},="), 1);
	render();
	assert_line("reunite_build_info{version=\"a\\\"b\\\\c\\nd\xc3\xa4{},="
		    "\"} 1");
}

static void unusual_numbers(void **state)
{
	(void)state;
	metric_set(metric_get(METRIC_BREAKER_OPEN, "a"), INFINITY);
	metric_set(metric_get(METRIC_BREAKER_OPEN, "b"), -INFINITY);
	metric_set(metric_get(METRIC_BREAKER_OPEN, "c"), NAN);
	metric_set(metric_get(METRIC_BREAKER_OPEN, "d"), 1795341600.123);
	render();
	assert_line("reunite_breaker_open{account=\"a\"} +Inf");
	assert_line("reunite_breaker_open{account=\"b\"} -Inf");
	assert_line("reunite_breaker_open{account=\"c\"} NaN");
	assert_line("reunite_breaker_open{account=\"d\"} 1795341600.123");
}

static void series_are_bounded(void **state)
{
	struct metric_series *first, *other;
	size_t lines = 0;
	char name[32];

	(void)state;
	first = metric_get(METRIC_API_BUDGET, "account-0");
	for (int i = 0; i < METRICS_MAX_SERIES + 100; i++) {
		snprintf(name, sizeof(name), "account-%d", i);
		metric_add(metric_get(METRIC_API_BUDGET, name), 1);
	}
	other = metric_get(METRIC_API_BUDGET, "other");
	assert_true(metric_value(other) == 101);
	assert_ptr_equal(metric_get(METRIC_API_BUDGET, "one more"), other);
	/* who was there before keeps its own, and so do other metrics */
	assert_ptr_equal(metric_get(METRIC_API_BUDGET, "account-0"), first);
	assert_true(metric_value(first) == 1);
	assert_ptr_not_equal(metric_get(METRIC_BREAKER_OPEN, "one more"),
			     metric_get(METRIC_BREAKER_OPEN, "other"));
	render();
	for (const char *p = text.data;
	     (p = strstr(p, "\nreunite_api_budget{")); p++)
		lines++;
	assert_int_equal(lines, METRICS_MAX_SERIES);
}

static void gauges_are_zeroed_together(void **state)
{
	(void)state;
	metric_set(metric_get(METRIC_JOBS, "a", "ready"), 3);
	metric_set(metric_get(METRIC_JOBS, "b", "dead"), 4);
	metric_set(metric_get(METRIC_API_BUDGET, "a"), 5);
	metric_zero_all(METRIC_JOBS);
	render();
	assert_line("reunite_jobs{account=\"a\",state=\"ready\"} 0");
	assert_line("reunite_jobs{account=\"b\",state=\"dead\"} 0");
	assert_line("reunite_api_budget{account=\"a\"} 5");
}

static void every_row_is_rendered_in_order(void **state)
{
	static const char *const names[] = {
#define NAME(id, type, name, labels, help) "# HELP reunite_" name " ",
		METRICS_TABLE(NAME)
#undef NAME
	};
	const char *p;

	(void)state;
	render();
	p = text.data;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		p = strstr(p, names[i]);
		assert_non_null(p);
	}
	assert_int_equal(text.data[text.len - 1], '\n');
}

static void reset_forgets(void **state)
{
	(void)state;
	metric_set(metric_get(METRIC_API_BUDGET, "gone"), 1);
	metrics_reset();
	render();
	assert_no_line("reunite_api_budget{");
	assert_true(metric_value(metric_get(METRIC_API_BUDGET, "gone")) == 0);
}

static void gauges_of_a_hidden_account_are_not_shown(void **state)
{
	(void)state;
	metric_set(metric_get(METRIC_API_BUDGET, "gone"), 1);
	metric_set(metric_get(METRIC_API_BUDGET, "acme"), 2);
	metric_add(metric_get(METRIC_WEBHOOKS, "gone", "sunco", "accepted"), 1);
	metrics_hide_account("gone", true);
	metrics_hide_account("gone", true);
	metric_set(metric_get(METRIC_API_BUDGET, "gone"), 3); /* still not */
	render();
	assert_no_line("reunite_api_budget{account=\"gone\"}");
	assert_line("reunite_api_budget{account=\"acme\"} 2");
	assert_line("reunite_webhooks_total{account=\"gone\",source=\"sunco\","
		    "outcome=\"accepted\"} 1");
	metrics_hide_account("gone", false);
	render();
	assert_line("reunite_api_budget{account=\"gone\"} 3");
}

static void rendering_is_bounded(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 50);
	metrics_render(&small);
	assert_true(small.overflow);
	assert_true(small.len <= 50);
	buf_release(&small);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(counters_and_gauges),
		TEST(the_same_labels_are_the_same_series),
		TEST(histograms),
		TEST(each_kind_of_histogram_has_its_bounds),
		TEST(bucket_bounds_rise),
		TEST(label_values_are_escaped),
		TEST(unusual_numbers),
		TEST(series_are_bounded),
		TEST(gauges_are_zeroed_together),
		TEST(every_row_is_rendered_in_order),
		TEST(reset_forgets),
		TEST(gauges_of_a_hidden_account_are_not_shown),
		TEST(rendering_is_bounded),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
