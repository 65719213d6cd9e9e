/*
 * See torture.h.
 */
#include "torture.h"

#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "oracle.h"

#define PROBLEMS_MAX (256 * 1024)

/* The undisturbed end. */
struct torture {
	const struct scenario *scenario;
	char *picture;
	size_t merges;
	int stored; /* operations that it took */
	int asked;  /* requests */
	int most;   /* of either */
	int runs;   /* disturbed ones, so far */
	int wrong;
};

/* --- one run --- */

static void start(struct machine *m, const struct scenario *s,
		  const struct trip *trips, size_t count, bool two)
{
	machine_start(m, s->sweeps ? s->sweeps : "0", s->account, s->settings,
		      trips, count, two);
}

static void play(struct machine *m, const struct scenario *s,
		 struct buf *problems)
{
	if (s->people)
		json_free(machine_control(m, "people", s->people));
	s->act(m);
	if (!machine_settle(m))
		buf_puts(problems, "it never became quiet\n");
	if (!s->decide)
		return;
	s->decide(m);
	if (!machine_settle(m))
		buf_puts(problems, "it never became quiet again\n");
}

static void add_fault(struct machine *m, const struct disturbance *d)
{
	char row[512];
	char skip[32];

	if (!d->fault)
		return;
	snprintf(skip, sizeof(skip), "'skip': %d", d->fault_at - 1);
	snprintf(row, sizeof(row), "{%s, %s}", skip, d->fault);
	json_free(machine_control(m, "faults", row));
}

static bool struck(struct machine *m)
{
	struct json_t *all = machine_control(m, "faults", "{'faults': []}");
	const struct json_t *row = json_at(json_get(all, "faults"), 0);
	bool hit = json_get_int(row, "hits", 0) > 0;

	json_free(all);
	return hit;
}

static bool disturbed(struct machine *m, const struct disturbance *d)
{
	for (size_t i = 0; i < d->trip_count; i++)
		if (!wires_tripped(i))
			return false;
	return !d->fault || struck(m);
}

static void compare(const char *what, const char *wanted, const char *found,
		    struct buf *problems)
{
	if (!str_eq(wanted, found))
		buf_printf(problems, "%s: wanted\n%s\nfound\n%s\n", what,
			   wanted, found);
}

static size_t merges(const struct machine *m)
{
	return m->sandbox->account.state->merge_count;
}

static void judge_count(const struct torture *t, const struct machine *m,
			struct buf *problems)
{
	if (merges(m) != t->merges)
		buf_printf(problems, "%zu merges, not %zu\n", merges(m),
			   t->merges);
	oracle_check(m, problems);
}

static void judge(const struct torture *t, const struct machine *m,
		  struct buf *problems)
{
	char *picture = oracle_picture(m);
	char *deeds = oracle_deeds(m);

	if (t->picture)
		compare("the sandbox", t->picture, picture, problems);
	compare("the deeds", t->scenario->deeds, deeds, problems);
	oracle_check(m, problems);
	free(picture);
	free(deeds);
}

/* --- all of them --- */

static bool begin(struct torture *t, const struct scenario *s)
{
	struct buf problems;
	struct machine m;

	*t = (struct torture){.scenario = s};
	buf_init(&problems, PROBLEMS_MAX);
	start(&m, s, NULL, 0, false);
	play(&m, s, &problems);
	judge(t, &m, &problems);
	t->picture = oracle_picture(&m);
	t->merges = merges(&m);
	t->stored = wires_stored();
	t->asked = wires_asked();
	machine_stop(&m);
	t->wrong = problems.len > 0;
	if (t->wrong)
		print_message("%s, undisturbed: %s%s", s->name, problems.data,
			      t->picture);
	buf_release(&problems);
	return !t->wrong;
}

static int end(struct torture *t)
{
	print_message("%s: %d runs, %d wrong (undisturbed: %d operations, %d "
		      "requests)\n",
		      t->scenario->name, t->runs, t->wrong, t->stored,
		      t->asked);
	free(t->picture);
	return t->wrong || !t->runs;
}

static void tell(const struct torture *t, const struct disturbance *d,
		 const struct buf *problems)
{
	print_message("%s:", t->scenario->name);
	for (size_t i = 0; i < d->trip_count; i++)
		print_message(" trip %d at %d", d->trips[i].kind,
			      d->trips[i].at);
	if (d->fault)
		print_message(" fault at %d: %s", d->fault_at, d->fault);
	print_message(";%s\n%s", wires_hit(), problems->data);
}

/* One disturbed run; false: nothing disturbed it any more, or not all. */
static bool run(struct torture *t, const struct disturbance *d)
{
	const struct scenario *s = t->scenario;
	struct buf problems;
	struct machine m;
	bool hit;

	buf_init(&problems, PROBLEMS_MAX);
	start(&m, s, d->trips, d->trip_count, d->two);
	m.patience = d->patience;
	add_fault(&m, d);
	play(&m, s, &problems);
	if (d->counts)
		judge_count(t, &m, &problems);
	else
		judge(t, &m, &problems);
	hit = disturbed(&m, d);
	if (problems.len > 0) {
		oracle_tell(&m, &problems);
		tell(t, d, &problems);
		t->wrong++;
	}
	machine_stop(&m);
	buf_release(&problems);
	t->runs += hit;
	return hit;
}

/* Who comes first differs from run to run: one that ends early is no sign that
 * all have been. */
static void run_all(struct torture *t, const struct disturbance *d)
{
	int most = t->stored > t->asked ? t->stored : t->asked;
	struct disturbance next = *d;
	bool more = true;

	for (int at = 1; more || at <= most; at++) {
		for (size_t i = 0; i < next.trip_count; i++)
			next.trips[i].at = d->trips[i].at + at;
		next.fault_at = d->fault_at + at;
		more = run(t, &next);
	}
}

static bool is_wanted(const struct scenario *s)
{
	const char *name = getenv("REUNITE_TORTURE");

	return !name || strstr(s->name, name);
}

void torture(const struct disturbance *d, enum torture_what what)
{
	int wrong = 0;

	for (size_t i = 0; i < torture_scenario_count; i++) {
		const struct scenario *s = &torture_scenarios[i];
		struct torture t;

		if (!is_wanted(s) || s->takes < what)
			continue;
		if (begin(&t, s))
			run_all(&t, d);
		wrong += end(&t);
	}
	assert_int_equal(wrong, 0);
}
