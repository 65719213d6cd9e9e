/*
 * What options let one choose is what there is: neither a state nor an action
 * that is added is forgotten in the rows, which help, completion and the man
 * page read.
 */
#include "unit.h"

#include "base/str.h"
#include "cli/cli.h"
#include "core/event.h"
#include "core/job.h"
#include "core/policy.h"
#include "store/review.h"

static const char *choice_of(const char *command, const char *option)
{
	const struct cli_command *const *row = cli_commands();
	const struct cli_option *o;

	while (!str_eq((*row)->name, command))
		row++;
	for (o = (*row)->options; !str_eq(o->name, option); o++)
		continue;
	assert_int_equal(o->type, CLI_CHOICE);
	return o->metavar;
}

/* "a|b|c" of the names of 0 to last. */
#define NAMES_OF(words, name, type, last)                                      \
	for (unsigned i = 0; i <= (last); i++) {                               \
		strcat(words, i > 0 ? "|" : "");                               \
		strcat(words, name((enum type)i));                             \
	}

static void actions(void **state)
{
	char words[256] = "";

	(void)state;
	NAMES_OF(words, action_name, action, ACTION_CLOSE_BREAKER);
	assert_string_equal(choice_of("journal list", "action"), words);
}

static void sources(void **state)
{
	char words[256] = "";

	(void)state;
	NAMES_OF(words, event_source_name, event_source, EVENT_FROM_BACKFILL);
	assert_string_equal(choice_of("journal list", "source"), words);
}

static void states_of_jobs(void **state)
{
	char words[256] = "";

	(void)state;
	NAMES_OF(words, job_state_name, job_state, JOB_STATE_COUNT - 1);
	assert_string_equal(choice_of("queue list", "state"), words);
}

static void states_of_reviews(void **state)
{
	char words[256] = "";

	(void)state;
	NAMES_OF(words, review_state_name, review_state,
		 REVIEW_STATE_COUNT - 1);
	strcat(words, "|all");
	assert_string_equal(choice_of("review list", "state"), words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions),
		cmocka_unit_test(sources),
		cmocka_unit_test(states_of_jobs),
		cmocka_unit_test(states_of_reviews),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
