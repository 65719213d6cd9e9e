/*
 * The configuration: tests/fixtures/config/bad_*.conf each begin with the
 * line and the message that they must be refused with; whatever stands for a
 * secret in them begins with "hunter".
 */
#include "unit.h"

#include <dirent.h>

#include "app/config.h"
#include "base/str.h"
#include "fixture.h"

#define FOLDER	    TEST_FIXTURES "/config/"
#define TEST_SECRET "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="

static struct config *load(const char *path)
{
	struct config *c;
	struct error err;

	if (config_load(&c, path, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return c;
}

static char *printed(const struct config *c)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	config_print(c, f);
	fclose(f);
	return text;
}

static char *temporary(const char *text, size_t len)
{
	char *path = xstrdup("/tmp/reunite-test-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	return path;
}

/* The first line is "# LINE: MESSAGE"; %s in it is the file's path. */
static void expected_error(char *out, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");
	const char *rest;
	char line[512];

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	assert_true(str_starts(line, "# "));
	rest = strstr(line, "%s");
	snprintf(out, size, "%s:%.*s%s%s", path,
		 rest ? (int)(rest - line) - 2 : 500, line + 2,
		 rest ? path : "", rest ? rest + 2 : "");
}

static void refuses(const char *path)
{
	char expected[1024];
	struct config *c = NULL;
	struct error err;

	expected_error(expected, sizeof(expected), path);
	if (config_load(&c, path, &err) != RESULT_INVALID)
		fail_msg("%s was not refused", path);
	if (strncmp(expected, err.text, sizeof(err.text) - 1) != 0)
		fail_msg("expected %s\ngot      %s", expected, err.text);
	assert_null(strstr(err.text, "hunter"));
	assert_null(c);
}

static void every_bad_file_is_refused_where_it_is_bad(void **state)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;
	int count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[600];

		if (!str_starts(entry->d_name, "bad_"))
			continue;
		snprintf(path, sizeof(path), "%s%s", FOLDER, entry->d_name);
		refuses(path);
		count++;
	}
	closedir(dir);
	assert_true(count > 90);
}

static void a_file_that_is_not_there_is_refused(void **state)
{
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_load(&c, "no/such.conf", &err), RESULT_INVALID);
	assert_string_equal(err.text, "cannot open no/such.conf: "
				      "No such file or directory");
}

/* Neither is opened: that is for who listens. */
static void a_pair_for_tls_is_taken_as_written(void **state)
{
	struct config *c = load(FOLDER "tls.conf");
	struct tls_context *tls;
	struct error err;

	(void)state;
	assert_string_equal(c->tls_certificate, "/no/such/c.pem");
	assert_string_equal(c->tls_key, "/no/such/k.pem");
	assert_int_equal(c->files.count, 1); /* its mode matters */
	assert_string_equal(c->files.items[0], "/no/such/k.pem");
	assert_int_equal(config_tls(c, &tls, &err), RESULT_INVALID);
	assert_string_equal(err.text,
			    FOLDER "tls.conf:1: tls_certificate: cannot open "
				   "/no/such/c.pem: No such file or directory");
	config_free(c);
}

static void a_nul_byte_is_refused(void **state)
{
	char *path = temporary("listen = \"a\0b\"", 14);
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_load(&c, path, &err), RESULT_INVALID);
	assert_non_null(strstr(err.text, "holds a NUL byte"));
	unlink(path);
	free(path);
}

static void values_arrive_as_written(void **state)
{
	struct config *c = load(FOLDER "good.conf");
	const struct account_config *a = config_account(c, "acme");

	(void)state;
	assert_string_equal(c->listen, "[::1]:0");
	assert_string_equal(c->public_url, "https://in.acme.example:8443");
	assert_string_equal(c->admin_token, "hunter3");
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_int_equal(c->max_connections, 7);
	assert_int_equal(c->request_timeout_ms, 1500);
	assert_int_equal(c->account_count, 2);
	assert_non_null(a);
	assert_string_equal(a->zendesk_url, "https://acme.zendesk.example");
	assert_string_equal(a->sunco_url, "https://acme.zendesk.example/sc");
	assert_string_equal(a->zendesk_client_id, "resette");
	assert_string_equal(a->zendesk_client_secret, "o\\d\"d$x'${Y}#");
	assert_string_equal(a->sunco_key_secret, "a \"b\" \\ $ c");
	assert_int_equal(a->zendesk_webhook_secrets.count, 2);
	assert_string_equal(a->zendesk_webhook_secrets.items[1],
			    "$hunter's\\x");
	assert_int_equal(a->rules.link_evidence, EVIDENCE_CLAIMED);
	assert_int_equal(a->rules.apply, APPLY_AUTO);
	assert_true(a->rules.recover_displaced);
	assert_true(a->rules.release_external_id);
	assert_int_equal(a->ticket_note, NOTE_REVIEW);
	assert_int_equal(a->sweep_every_ms, 0);
	assert_true(a->sunco_sync);
	config_free(c);
}

static void the_policy_borrows_the_patterns(void **state)
{
	struct config *c = load(FOLDER "good.conf");
	const struct account_config *a = config_account(c, "acme");

	(void)state;
	assert_int_equal(a->rules.deny_email_count, 2);
	assert_string_equal(a->rules.deny_emails[0], "a+b@*");
	assert_string_equal(a->rules.deny_emails[1], "*@x.example");
	config_free(c);
}

static void the_second_account_has_its_own_values(void **state)
{
	struct config *c = load(FOLDER "good.conf");
	const struct account_config *a = config_account(c, "other_2");
	struct api_config api;

	(void)state;
	assert_non_null(a);
	assert_null(config_account(c, "nobody"));
	assert_int_equal(a->rules.apply, APPLY_OBSERVE);
	assert_int_equal(a->zendesk_webhook_secrets.count, 2);
	assert_string_equal(a->zendesk_webhook_secrets.items[1], "hunter5");
	config_api(a, &api);
	assert_string_equal(api.account, "other_2");
	assert_int_equal(api.auth, ZENDESK_API_TOKEN);
	assert_string_equal(api.email, "bot@acme.example");
	assert_string_equal(api.zendesk_url, "http://127.9.9.9:8081");
	assert_int_equal(api.reserve_percent, 25);
	config_free(c);
}

static void defaults_are_those_of_the_policy(void **state)
{
	struct config *c = load(FOLDER "minimal.conf");
	const struct policy_rules *r = &c->accounts[0].rules;
	struct policy_rules d;

	(void)state;
	policy_rules_default(&d);
	assert_int_equal(r->email_identities, d.email_identities);
	assert_int_equal(r->link_evidence, d.link_evidence);
	assert_int_equal(r->apply, d.apply);
	assert_int_equal(r->max_merges_per_hour, d.max_merges_per_hour);
	assert_int_equal(r->max_merges_per_profile, d.max_merges_per_profile);
	assert_int_equal(r->recover_displaced, d.recover_displaced);
	assert_int_equal(r->release_external_id, d.release_external_id);
	assert_int_equal(r->verify_profile_email, d.verify_profile_email);
	assert_int_equal(r->complete_name, d.complete_name);
	assert_int_equal(r->deny_email_count, 0);
	config_free(c);
}

static void line_ends_of_other_systems_are_fine(void **state)
{
	struct config *c = load(FOLDER "crlf.conf");

	(void)state;
	assert_string_equal(c->accounts[0].sunco_key_id, "key1");
	config_free(c);
}

static const struct config_setting *setting(const char *name)
{
	size_t count;
	const struct config_setting *s = config_settings(&count);

	for (size_t i = 0; i < count; i++)
		if (str_eq(s[i].name, name))
			return &s[i];
	fail_msg("no setting %s", name);
	return NULL;
}

/* The table has its own list of words; they are the policy's. */
static void words_are_those_of_the_policy(void **state)
{
	char words[256];

	(void)state;
	snprintf(words, sizeof(words), "%s|%s|%s",
		 email_identities_name(EMAILS_VERIFIED_ONLY),
		 email_identities_name(EMAILS_VERIFIED_AND_UNVERIFIED),
		 email_identities_name(EMAILS_CLAIM_VERIFIED));
	assert_string_equal(setting("email_identities")->type, words);
	snprintf(words, sizeof(words), "%s|%s|%s",
		 evidence_name(EVIDENCE_CLAIMED),
		 evidence_name(EVIDENCE_AUTHENTICATED),
		 evidence_name(EVIDENCE_VERIFIED));
	assert_string_equal(setting("link_evidence")->type, words);
	snprintf(words, sizeof(words), "%s|%s|%s", apply_name(APPLY_OBSERVE),
		 apply_name(APPLY_REVIEW), apply_name(APPLY_AUTO));
	assert_string_equal(setting("apply")->type, words);
}

static void log_words_are_those_of_the_log(void **state)
{
	enum log_level level;
	enum log_format format;

	(void)state;
	assert_string_equal(setting("log_level")->type,
			    "error|warn|info|debug");
	assert_true(log_level_parse("error", &level) && level == 0);
	assert_true(log_level_parse("warn", &level) && level == 1);
	assert_true(log_level_parse("info", &level) && level == 2);
	assert_true(log_level_parse("debug", &level) && level == 3);
	assert_true(log_format_parse("json", &format) && format == 0);
	assert_true(log_format_parse("text", &format) && format == 1);
}

static void secrets_are_masked(void **state)
{
	struct config *c = load(FOLDER "good.conf");
	char *text = printed(c);

	(void)state;
	assert_null(strstr(text, "hunter"));
	assert_null(strstr(text, "o\\d"));
	assert_null(strstr(text, "a \\\"b"));
	assert_non_null(strstr(text, "zendesk_webhook_secrets  = "
				     "{\"********\", \"********\"}\n"));
	assert_non_null(strstr(text, "\"postgresql://user:********@db.example/"
				     "r?sslpassword=********&sslmode="
				     "require\""));
	free(text);
	config_free(c);
}

static void what_is_printed_loads_with_its_secrets(void **state)
{
	struct config *c = load(FOLDER "good.conf");
	char *text = printed(c);
	char *mask, *path, *again;

	(void)state;
	config_free(c);
	for (char *p = text; (mask = strstr(p, "********")); p = mask)
		memcpy(mask, "fill.in!", 8);
	path = temporary(text, strlen(text));
	c = load(path);
	again = printed(c);
	for (char *p = text; (mask = strstr(p, "fill.in!")); p = mask)
		memcpy(mask, "********", 8);
	assert_string_equal(again, text);
	config_free(c);
	unlink(path);
	free(path);
	free(text);
	free(again);
}

static void what_should_not_stay_so_is_said(void **state)
{
	struct config *c = load(FOLDER "loopback.conf");
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	config_warnings(c, f);
	fclose(f);
	assert_non_null(strstr(text, "account acme: zendesk_webhook_secrets "));
	assert_non_null(strstr(text, "account acme: link_evidence "));
	assert_null(strstr(text, TEST_SECRET));
	free(text);
	config_free(c);
}

/* Notes are something written to Zendesk. */
static void who_observes_tells_nobody(void **state)
{
	struct config *c = load(FOLDER "loopback.conf");
	struct account_config *a = &c->accounts[0];
	struct api_config api;
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	a->ticket_note = NOTE_REVIEW;
	a->rules.apply = APPLY_OBSERVE;
	config_warnings(c, f);
	fclose(f);
	assert_non_null(strstr(text, "account acme: ticket_note does nothing"));
	free(text);
	config_api(a, &api);
	assert_false(api.writes_tickets);
	assert_false(config_tells(a, NOTE_MERGED));
	a->rules.apply = APPLY_REVIEW;
	config_api(a, &api);
	assert_true(api.writes_tickets);
	assert_true(config_tells(a, NOTE_REVIEW));
	assert_false(config_tells(a, NOTE_ALL));
	a->ticket_note = NOTE_OFF;
	config_api(a, &api);
	assert_false(api.writes_tickets);
	config_free(c);
}

/* Cut anywhere, a file is refused or loads, and nothing worse. */
static void a_file_cut_anywhere_does_no_harm(void **state)
{
	struct slice text = fixture_read("config/good.conf");
	int loaded = 0;

	(void)state;
	for (size_t len = 0; len < text.len; len++) {
		char *path = temporary(text.ptr, len);
		struct config *c;
		struct error err;

		if (config_load(&c, path, &err) == RESULT_OK) {
			config_free(c);
			loaded++;
		}
		unlink(path);
		free(path);
	}
	assert_in_range(loaded, 1, 20);
	free((char *)text.ptr);
}

static const char *const names[] = {
	"ZENDESK_URL",
	"ZENDESK_CLIENT_ID",
	"ZENDESK_CLIENT_SECRET",
	"ZENDESK_WEBHOOK_SECRETS",
	"SUNCO_URL",
	"SUNCO_APP_ID",
	"SUNCO_KEY_ID",
	"SUNCO_KEY_SECRET",
};

static void set_variable(const char *name, const char *value)
{
	char variable[80];

	snprintf(variable, sizeof(variable), "REUNITE_%s", name);
	if (value)
		setenv(variable, value, 1);
	else
		unsetenv(variable);
}

static int set_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		set_variable(names[i], "hunter2");
	set_variable("ZENDESK_URL", "https://acme.zendesk.example");
	set_variable("SUNCO_URL", "https://acme.zendesk.example/sc");
	return 0;
}

static int unset_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		set_variable(names[i], NULL);
	return 0;
}

static void the_environment_alone_makes_one_account(void **state)
{
	struct config *c;

	(void)state;
	set_variable("ZENDESK_WEBHOOK_SECRETS", "one, two,three");
	set_variable("SUNCO_KEY_SECRET", NULL);
	set_variable("SUNCO_KEY_SECRET_FILE", FOLDER "secret.txt");
	set_variable("APPLY", "review");
	set_variable("MAX_CONNECTIONS", "5");
	set_variable("SERVICE_HOST", "made up by an orchestrator");
	c = load(NULL);
	assert_null(c->path);
	assert_int_equal(c->max_connections, 5);
	assert_int_equal(c->account_count, 1);
	assert_string_equal(c->accounts[0].name, "default");
	assert_int_equal(c->accounts[0].zendesk_webhook_secrets.count, 3);
	assert_string_equal(c->accounts[0].zendesk_webhook_secrets.items[1],
			    "two");
	assert_string_equal(c->accounts[0].sunco_key_secret, "hunter3");
	assert_int_equal(c->accounts[0].rules.apply, APPLY_REVIEW);
	config_free(c);
	set_variable("SUNCO_KEY_SECRET_FILE", NULL);
	set_variable("APPLY", NULL);
	set_variable("MAX_CONNECTIONS", NULL);
	set_variable("SERVICE_HOST", NULL);
}

static void bad_variables_are_named(void **state)
{
	static const struct {
		const char *name, *value, *message;
	} rows[] = {
		{"APPLY", "", "REUNITE_APPLY: the variable is empty"},
		{"LISTEN", "x", "REUNITE_LISTEN: listen must be HOST:PORT"},
		{"ZENDESK_URL", NULL,
		 "REUNITE_ZENDESK_URL: the variable is "
		 "required"},
		{"ZENDESK_WEBHOOK_SECRETS", "a,,b",
		 "REUNITE_ZENDESK_WEBHOOK_SECRETS: zendesk_webhook_secrets "
		 "holds an empty value"},
		{"ZENDESK_WEBHOOK_SECRETS", "a,",
		 "REUNITE_ZENDESK_WEBHOOK_SECRETS: zendesk_webhook_secrets "
		 "holds an empty value"},
		{"ZENDESK_WEBHOOK_SECRETS", TEST_SECRET,
		 "REUNITE_ZENDESK_WEBHOOK_SECRETS: zendesk_webhook_secrets "
		 "holds Zendesk's public test secret"},
		{"ZENDESK_WEBHOOK_SECRETS", NULL,
		 "environment: account default: zendesk_webhook_secrets or "
		 "sunco_webhook_secrets is required"},
		{"SUNCO_KEY_SECRET_FILE", "/x",
		 "REUNITE_SUNCO_KEY_SECRET_FILE: give either "
		 "sunco_key_secret or sunco_key_secret_file"},
		{"STORE_FILE", "no/such",
		 "REUNITE_STORE_FILE: store_file: cannot open no/such: "
		 "No such file or directory"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config *c;
		struct error err;

		set_environment(NULL);
		set_variable(rows[i].name, rows[i].value);
		assert_int_equal(config_load(&c, NULL, &err), RESULT_INVALID);
		assert_string_equal(err.text, rows[i].message);
		set_variable(rows[i].name, NULL);
	}
}

static void without_anything_the_error_says_what_to_do(void **state)
{
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_load(&c, NULL, &err), RESULT_INVALID);
	assert_non_null(strstr(err.text, "-c FILE"));
	assert_non_null(strstr(err.text, CONFIG_DEFAULT_PATH));
	assert_non_null(strstr(err.text, "REUNITE_ZENDESK_URL"));
}

static int set_test_variables(void **state)
{
	(void)state;
	setenv("REUNITE_TEST_DIR", TEST_FIXTURES "/config", 1);
	setenv("REUNITE_TEST_SET", "set", 1);
	setenv("REUNITE_TEST_ODD", "o\\d\"d$x'${Y}#", 1);
	setenv("REUNITE_TEST_EMPTY", "", 1);
	setenv("REUNITE_TEST_LINES", "hunter\n2", 1);
	unsetenv("REUNITE_TEST_UNSET");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bad_file_is_refused_where_it_is_bad),
		cmocka_unit_test(a_file_that_is_not_there_is_refused),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(a_pair_for_tls_is_taken_as_written),
		cmocka_unit_test(values_arrive_as_written),
		cmocka_unit_test(the_policy_borrows_the_patterns),
		cmocka_unit_test(the_second_account_has_its_own_values),
		cmocka_unit_test(defaults_are_those_of_the_policy),
		cmocka_unit_test(line_ends_of_other_systems_are_fine),
		cmocka_unit_test(words_are_those_of_the_policy),
		cmocka_unit_test(log_words_are_those_of_the_log),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(what_is_printed_loads_with_its_secrets),
		cmocka_unit_test(what_should_not_stay_so_is_said),
		cmocka_unit_test(who_observes_tells_nobody),
		cmocka_unit_test(a_file_cut_anywhere_does_no_harm),
		cmocka_unit_test_setup_teardown(
			the_environment_alone_makes_one_account,
			set_environment, unset_environment),
		cmocka_unit_test_setup_teardown(bad_variables_are_named,
						set_environment,
						unset_environment),
		cmocka_unit_test(without_anything_the_error_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, set_test_variables, NULL);
}
