/*
 * The example configuration and the man pages name what the tables have:
 * every setting with its default, every command, every option.
 */
#include "unit.h"

#include "app/config.h"
#include "base/str.h"
#include "cli/cli.h"
#include "fixture.h"

#define DEPLOY	"../../deploy/"
#define EXAMPLE TEST_FIXTURES "/" DEPLOY "reunite.conf"

static char *text_of(const char *name)
{
	struct slice s = fixture_read(name);
	char *text = xstrndup(s.ptr, s.len);

	free((char *)s.ptr);
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	while ((text = strstr(text, part))) {
		text += strlen(part);
		count++;
	}
	return count;
}

static void set_variables(const char *value)
{
	static const char *const names[] = {
		"REUNITE_ADMIN_TOKEN",	  "ZENDESK_CLIENT_SECRET",
		"ZENDESK_WEBHOOK_SECRET", "SUNCO_KEY_SECRET",
		"SUNCO_WEBHOOK_SECRET",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (value)
			setenv(names[i], value, 1);
		else
			unsetenv(names[i]);
}

static void check_default(const char *account,
			  const struct config_setting *setting,
			  const struct config_list *value, void *arg)
{
	size_t *count = arg;

	(void)account;
	(*count)++;
	if (*setting->fallback == '\0')
		return;
	assert_int_equal(value->count, 1);
	assert_string_equal(value->items[0], setting->fallback);
}

static void the_example_loads_with_every_default(void **state)
{
	size_t count = 0, expected;
	struct config *c;
	struct error err;

	(void)state;
	set_variables("x");
	if (config_load(&c, EXAMPLE, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(c->account_count, 1);
	config_each(c, check_default, &count);
	config_settings(&expected);
	assert_int_equal(count, expected);
	config_free(c);
	set_variables(NULL);
}

static void the_example_needs_its_variables(void **state)
{
	struct config *c;
	struct error err;

	(void)state;
	set_variables(NULL);
	assert_int_equal(config_load(&c, EXAMPLE, &err), RESULT_INVALID);
	assert_non_null(strstr(err.text, "REUNITE_ADMIN_TOKEN is not set"));
}

static void the_example_has_every_setting_once(void **state)
{
	char *text = text_of(DEPLOY "reunite.conf");
	size_t count;
	const struct config_setting *s = config_settings(&count);
	char line[128];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		snprintf(line, sizeof(line),
			 "\n%s%s = ", s[i].account ? "\t" : "", s[i].name);
		if (count_of(text, line) != 1)
			fail_msg("%s is not there once", s[i].name);
	}
	free(text);
}

/* The item of a setting in the man page, up to the next one: *new*. */
static char *item_of(const char *page, const char *name)
{
	char head[128];
	const char *start, *end;

	snprintf(head, sizeof(head), "\n.It Ic %s Pq ", name);
	if (count_of(page, head) != 1)
		fail_msg("%s is not there once", name);
	start = strstr(page, head) + 1;
	end = strstr(start, "\n.It ");
	return end ? xstrndup(start, (size_t)(end - start)) : xstrdup(start);
}

static void check_words(const char *item, const char *words)
{
	const char *comma;
	char word[64];

	for (; *words; words = *comma ? comma + 1 : comma) {
		comma = words + strcspn(words, "|");
		assert_true(str_copy_slice(
			word, sizeof(word),
			(struct slice){words, (size_t)(comma - words)}));
		if (!strstr(item, word))
			fail_msg("%s lacks %s", item, word);
	}
}

static void the_man_page_has_every_setting(void **state)
{
	char *page = text_of(DEPLOY "reunite.conf.5");
	size_t count;
	const struct config_setting *s = config_settings(&count);
	char fallback[128];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		char *item = item_of(page, s[i].name);

		snprintf(fallback, sizeof(fallback), "default Cm %s\n",
			 s[i].fallback);
		if (*s[i].fallback && !strstr(item, fallback))
			fail_msg("%s lacks its default", s[i].name);
		if (strchr(s[i].type, '|'))
			check_words(item, s[i].type);
		free(item);
	}
	free(page);
}

static bool takes_option(const struct cli_command *row, const char *name)
{
	static const char *const common[] = {"config", "json", "help",
					     "show-personal-data"};
	const struct cli_option *o;

	for (o = row->options; o && o->name; o++)
		if (str_eq(o->name, name))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (str_eq(common[i], name))
			return true;
	return false;
}

/* What the page says that the command takes, it takes. */
static void check_options(const struct cli_command *row, const char *item)
{
	const char *at = item;
	char name[64];

	while ((at = strstr(at, "Fl -"))) {
		at += 4;
		assert_true(
			str_copy_slice(name, sizeof(name),
				       (struct slice){at, strcspn(at, " \n")}));
		if (!takes_option(row, name))
			fail_msg("%s has no --%s", row->name, name);
	}
}

static void check_command(const char *page, const struct cli_command *row)
{
	const struct cli_option *o;
	const char *start, *end;
	char text[128];
	char *item;

	snprintf(text, sizeof(text), "\n.It Ic %s", row->name);
	start = strstr(page, text);
	if (!start)
		fail_msg("reunite.1 lacks %s", row->name);
	end = strstr(start + 1, "\n.It Ic ");
	if (!end)
		end = strstr(start, "\n.El");
	item = xstrndup(start, (size_t)(end - start));
	for (o = row->options; o && o->name; o++) {
		snprintf(text, sizeof(text), "Fl -%s", o->name);
		if (!strstr(item, text))
			fail_msg("%s lacks --%s", row->name, o->name);
		if (o->type == CLI_CHOICE)
			check_words(item, o->metavar);
	}
	check_options(row, item);
	free(item);
}

static void the_man_page_has_every_command(void **state)
{
	const struct cli_command *const *row;
	char *page = text_of(DEPLOY "reunite.1");

	(void)state;
	assert_non_null(*cli_commands());
	for (row = cli_commands(); *row; row++)
		check_command(page, *row);
	assert_non_null(strstr(page, "Fl -config"));
	assert_non_null(strstr(page, "Fl -json"));
	assert_non_null(strstr(page, "Fl -show-personal-data"));
	/* And nothing else: what is listed is a row. */
	assert_int_equal(count_of(page, "\n.It Ic "), row - cli_commands());
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_loads_with_every_default),
		cmocka_unit_test(the_example_needs_its_variables),
		cmocka_unit_test(the_example_has_every_setting_once),
		cmocka_unit_test(the_man_page_has_every_setting),
		cmocka_unit_test(the_man_page_has_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
