/*
 * Counters, gauges and histograms: one table, one hash of series.
 *
 * A series is found by metric and label values. Series of a metric are kept
 * in the order of their making, which is the order they are printed in.
 */
#include "base/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define METRIC_BUCKETS 1024 /* of the hash */
#define METRIC_PREFIX  "reunite_"
#define METRIC_OTHER   "other"

enum metric_type { COUNTER, GAUGE, HISTOGRAM, HISTOGRAM_SLOW, HISTOGRAM_COUNT };

struct bounds {
	const double *upper;
	size_t count;
};

struct metric_row {
	enum metric_type type;
	const char *name;
	const char *labels;
	const char *help;
};

struct metric_series {
	struct metric_series *next;  /* of the same metric */
	struct metric_series *chain; /* of the same hash */
	enum metric metric;
	char *labels[METRICS_MAX_LABELS];
	double value;	 /* histogram: the sum */
	uint64_t count;	 /* histogram: observations */
	uint64_t *slots; /* histogram: one more than it has bounds */
};

struct metric_head {
	struct metric_series *first, **last;
	size_t count;
};

static const struct metric_row rows[METRIC_COUNT] = {
#define METRIC_ROW(id, type, name, labels, help) {type, name, labels, help},
	METRICS_TABLE(METRIC_ROW)
#undef METRIC_ROW
};

static const double bounds_fast[] = {0.0005, 0.001, 0.0025, 0.005, 0.01,
				     0.025,  0.05,  0.1,    0.25,  0.5,
				     1,	     2.5,   5,	    10};
static const double bounds_slow[] = {0.1, 0.25, 0.5,  1,     2.5,
				     5,	  10,	30,   60,    300,
				     900, 1800, 3600, 14400, 86400};
static const double bounds_count[] = {1,  2,   4,   8,	 16,  32,
				      64, 128, 256, 512, 1024};

static struct metric_series *table[METRIC_BUCKETS];
static struct metric_head heads[METRIC_COUNT];
static char **hidden; /* accounts */
static size_t hidden_count;

static struct bounds bounds_of(enum metric m)
{
	switch (rows[m].type) {
	case HISTOGRAM:
		return (struct bounds){bounds_fast, ARRAY_LEN(bounds_fast)};
	case HISTOGRAM_SLOW:
		return (struct bounds){bounds_slow, ARRAY_LEN(bounds_slow)};
	case HISTOGRAM_COUNT:
		return (struct bounds){bounds_count, ARRAY_LEN(bounds_count)};
	default:
		return (struct bounds){NULL, 0};
	}
}

static size_t label_count(enum metric m)
{
	const char *s = rows[m].labels;
	size_t count = *s != '\0';

	for (; *s; s++)
		count += *s == ' ';
	return count;
}

/* FNV-1a over the metric and its label values, NULs included. */
static size_t series_hash(enum metric m, const char *const labels[],
			  size_t count)
{
	uint32_t hash = (2166136261u ^ (uint32_t)m) * 16777619u;

	for (size_t i = 0; i < count; i++) {
		const char *s = labels[i];

		do {
			hash = (hash ^ (unsigned char)*s) * 16777619u;
		} while (*s++);
	}
	return hash % METRIC_BUCKETS;
}

static bool series_is(const struct metric_series *s, enum metric m,
		      const char *const labels[], size_t count)
{
	if (s->metric != m)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(s->labels[i], labels[i]))
			return false;
	return true;
}

static struct metric_series *
series_new(enum metric m, const char *const labels[], size_t count, size_t hash)
{
	struct metric_series *s = xcalloc(1, sizeof(*s));
	struct metric_head *head = &heads[m];

	s->metric = m;
	for (size_t i = 0; i < count; i++)
		s->labels[i] = xstrdup(labels[i]);
	if (bounds_of(m).count)
		s->slots = xcalloc(bounds_of(m).count + 1, sizeof(*s->slots));
	s->chain = table[hash];
	table[hash] = s;
	if (!head->last)
		head->last = &head->first;
	*head->last = s;
	head->last = &s->next;
	head->count++;
	return s;
}

struct metric_series *metric_at(enum metric m, const char *const labels[])
{
	static const char *const other[METRICS_MAX_LABELS] = {
		METRIC_OTHER, METRIC_OTHER, METRIC_OTHER, METRIC_OTHER};
	size_t count = label_count(m);
	size_t hash = series_hash(m, labels, count);
	struct metric_series *s = table[hash];

	while (s && !series_is(s, m, labels, count))
		s = s->chain;
	if (s)
		return s;
	/* the last place is for "other", which finds itself */
	if (heads[m].count < METRICS_MAX_SERIES - 1 || labels == other)
		return series_new(m, labels, count, hash);
	return metric_at(m, other);
}

struct metric_series *metric_get(enum metric m, ...)
{
	const char *labels[METRICS_MAX_LABELS] = {NULL};
	size_t count = label_count(m);
	va_list ap;

	assert(count <= METRICS_MAX_LABELS);
	va_start(ap, m);
	for (size_t i = 0; i < count; i++)
		labels[i] = va_arg(ap, const char *);
	va_end(ap);
	return metric_at(m, labels);
}

void metric_add(struct metric_series *s, double n)
{
	s->value += n;
}

void metric_set(struct metric_series *s, double value)
{
	s->value = value;
}

void metric_observe(struct metric_series *s, double value)
{
	struct bounds b = bounds_of(s->metric);
	size_t i = 0;

	assert(s->slots);
	while (i < b.count && value > b.upper[i])
		i++;
	s->slots[i]++;
	s->count++;
	s->value += value;
}

double metric_value(const struct metric_series *s)
{
	return s->slots ? (double)s->count : s->value;
}

void metric_zero_all(enum metric m)
{
	for (struct metric_series *s = heads[m].first; s; s = s->next)
		s->value = 0;
}

static void put_number(struct buf *out, double value)
{
	char text[STR_DOUBLE_SIZE];

	if (isnan(value)) {
		buf_puts(out, "NaN");
	} else if (isinf(value)) {
		buf_puts(out, value > 0 ? "+Inf" : "-Inf");
	} else {
		str_double(value, text);
		buf_puts(out, text);
	}
}

static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '\\' || *s == '"')
			buf_printf(out, "\\%c", *s);
		else
			buf_putc(out, *s);
	}
}

/* {a="x",b="y",le="0.1"}, or nothing; le is NULL unless a bucket is meant. */
static void put_labels(struct buf *out, const struct metric_series *s,
		       const char *le)
{
	const char *names = rows[s->metric].labels;
	char open = '{';

	for (size_t i = 0; *names; i++) {
		int len = (int)strcspn(names, " ");

		buf_printf(out, "%c%.*s=\"", open, len, names);
		put_escaped(out, s->labels[i]);
		buf_putc(out, '"');
		open = ',';
		names += len;
		names += *names == ' ';
	}
	if (le)
		buf_printf(out, "%cle=\"%s\"", open, le);
	if (le || open == ',')
		buf_putc(out, '}');
}

static void put_sample(struct buf *out, const struct metric_series *s,
		       const char *suffix, const char *le, double value)
{
	buf_printf(out, METRIC_PREFIX "%s%s", rows[s->metric].name, suffix);
	put_labels(out, s, le);
	buf_putc(out, ' ');
	put_number(out, value);
	buf_putc(out, '\n');
}

static void put_histogram(struct buf *out, const struct metric_series *s)
{
	struct bounds b = bounds_of(s->metric);
	uint64_t below = 0;

	for (size_t i = 0; i < b.count; i++) {
		char le[STR_DOUBLE_SIZE];

		str_double(b.upper[i], le);
		below += s->slots[i];
		put_sample(out, s, "_bucket", le, (double)below);
	}
	put_sample(out, s, "_bucket", "+Inf", (double)s->count);
	put_sample(out, s, "_sum", NULL, s->value);
	put_sample(out, s, "_count", NULL, (double)s->count);
}

/* Its place among the hidden, or hidden_count. */
static size_t hidden_at(const char *account)
{
	size_t i = 0;

	while (i < hidden_count && strcmp(hidden[i], account))
		i++;
	return i;
}

void metrics_hide_account(const char *account, bool hide)
{
	size_t i = hidden_at(account);

	if (hide && i == hidden_count) {
		hidden = xrealloc(hidden, (i + 1) * sizeof(*hidden));
		hidden[hidden_count++] = xstrdup(account);
	} else if (!hide && i < hidden_count) {
		free(hidden[i]);
		hidden[i] = hidden[--hidden_count];
	}
}

static bool is_hidden(const struct metric_series *s)
{
	const struct metric_row *row = &rows[s->metric];

	return row->type == GAUGE && str_starts(row->labels, "account") &&
	       hidden_at(s->labels[0]) < hidden_count;
}

static const char *type_name(enum metric_type type)
{
	if (type == COUNTER)
		return "counter";
	return type == GAUGE ? "gauge" : "histogram";
}

static void render_metric(struct buf *out, enum metric m)
{
	const struct metric_row *row = &rows[m];

	buf_printf(out, "# HELP " METRIC_PREFIX "%s %s\n", row->name,
		   row->help);
	buf_printf(out, "# TYPE " METRIC_PREFIX "%s %s\n", row->name,
		   type_name(row->type));
	for (struct metric_series *s = heads[m].first; s; s = s->next) {
		if (s->slots)
			put_histogram(out, s);
		else if (!is_hidden(s))
			put_sample(out, s, "", NULL, s->value);
	}
}

void metrics_render(struct buf *out)
{
	for (int m = 0; m < METRIC_COUNT; m++) {
		/* what has no labels is there from the start, with 0 */
		if (!*rows[m].labels)
			metric_get((enum metric)m);
		render_metric(out, (enum metric)m);
	}
}

static void series_free(struct metric_series *s)
{
	for (size_t i = 0; i < METRICS_MAX_LABELS; i++)
		free(s->labels[i]);
	free(s->slots);
	free(s);
}

void metrics_reset(void)
{
	for (int m = 0; m < METRIC_COUNT; m++) {
		struct metric_series *s = heads[m].first;

		while (s) {
			struct metric_series *next = s->next;

			series_free(s);
			s = next;
		}
		heads[m] = (struct metric_head){0};
	}
	memset(table, 0, sizeof(table));
	while (hidden_count > 0)
		free(hidden[--hidden_count]);
	free(hidden);
	hidden = NULL;
}
