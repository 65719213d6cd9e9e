/*
 * Configurations to begin with: what may be missing before the webhooks are
 * registered, one made of what is given and of the environment, and how it is
 * written.
 */
#include "unit.h"

#include "app/config.h"
#include "base/str.h"

static char *temporary(const char *text)
{
	char *path = xstrdup("/tmp/reunite-early-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void drop(char *path)
{
	unlink(path);
	free(path);
}

#define REST                                                                   \
	"zendesk_url = \"https://acme.zendesk.example\"\n"                     \
	"zendesk_client_id = \"c\"\nzendesk_client_secret = \"hunter\"\n"      \
	"sunco_url = \"https://acme.zendesk.example/sc\"\n"                    \
	"sunco_app_id = \"a\"\nsunco_key_id = \"k\"\n"

static void secrets_of_webhooks_may_come_later(void **state)
{
	char *path = temporary("account \"acme\" {\n" REST
			       "sunco_key_secret = \"hunter\"\n"
			       "sunco_webhook_secrets_file = \"/no/where\"\n"
			       "}\n");
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_load(&c, path, &err), RESULT_INVALID);
	assert_int_equal(config_load_early(&c, path, &err), RESULT_OK);
	assert_int_equal(c->accounts[0].sunco_webhook_secrets.count, 0);
	assert_string_equal(config_file_of(c, "acme", "sunco_webhook_secrets"),
			    "/no/where");
	assert_null(config_file_of(c, "acme", "zendesk_webhook_secrets"));
	assert_null(config_file_of(c, NULL, "sunco_webhook_secrets"));
	config_free(c);
	drop(path);
}

/* Only those: another secret has to be there. */
static void other_secrets_may_not(void **state)
{
	char *path = temporary("account \"acme\" {\n" REST
			       "sunco_key_secret_file = \"/no/where\"\n}\n");
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_load_early(&c, path, &err), RESULT_INVALID);
	assert_non_null(strstr(err.text, "sunco_key_secret_file"));
	drop(path);
}

static struct config *compose(const char *account, const char *url)
{
	const struct config_given given[] = {
		{"zendesk_url", url, "here"},
		{"zendesk_client_id", "c", "here"},
		{"zendesk_client_secret", "hunter", "here"},
		{"sunco_app_id", "a", "here"},
		{"sunco_key_id", NULL, "here"},
		{"sunco_key_secret", "hunter2", "here"},
	};
	struct config *c;
	struct error err;

	if (config_compose(&c, account, given, ARRAY_LEN(given), &err) !=
	    RESULT_OK)
		fail_msg("%s", err.text);
	return c;
}

/* The one thing that compose() leaves to it. */
static int set_variable(void **state)
{
	(void)state;
	return setenv("REUNITE_SUNCO_KEY_ID", "k", 1);
}

static void what_is_given_goes_before_the_environment(void **state)
{
	struct config *c;

	(void)state;
	setenv("REUNITE_ZENDESK_URL", "https://other.zendesk.com", 1);
	setenv("REUNITE_ZENDESK_CLIENT_SECRET_FILE", "/no/where", 1);
	setenv("REUNITE_LISTEN", "127.0.0.1:1", 1);
	c = compose(NULL, "https://acme.zendesk.com/");
	assert_string_equal(c->accounts[0].name, "acme");
	assert_string_equal(c->accounts[0].zendesk_url,
			    "https://acme.zendesk.com");
	assert_string_equal(c->accounts[0].sunco_url,
			    "https://acme.zendesk.com/sc");
	assert_string_equal(c->accounts[0].zendesk_client_secret, "hunter");
	assert_string_equal(c->accounts[0].sunco_key_id, "k");
	assert_string_equal(c->listen, "127.0.0.1:1");
	config_free(c);
	setenv("REUNITE_SUNCO_URL", "https://sc.example", 1);
	c = compose("mine", "https://acme.example");
	assert_string_equal(c->accounts[0].name, "mine");
	assert_string_equal(c->accounts[0].sunco_url, "https://sc.example");
	config_free(c);
	unsetenv("REUNITE_SUNCO_URL");
	c = compose(NULL, "http://127.0.0.1:8080");
	assert_string_equal(c->accounts[0].name, "default");
	config_free(c);
	unsetenv("REUNITE_ZENDESK_URL");
	unsetenv("REUNITE_ZENDESK_CLIENT_SECRET_FILE");
	unsetenv("REUNITE_LISTEN");
}

static void what_is_missing_is_said(void **state)
{
	struct config *c;
	struct error err;

	(void)state;
	assert_int_equal(config_compose(&c, "acme", NULL, 0, &err),
			 RESULT_INVALID);
	assert_non_null(strstr(err.text, "REUNITE_ZENDESK_URL"));
	assert_int_equal(config_compose(&c, "a/b", NULL, 0, &err),
			 RESULT_INVALID);
	assert_non_null(strstr(err.text, "name"));
}

static const char *path_of(const char *account,
			   const struct config_setting *setting, void *arg)
{
	assert_true(setting->secret);
	if (!account || str_eq(setting->name, "zendesk_token"))
		return NULL;
	return arg;
}

/* It loads, to the same values, with its secrets in files. */
static void it_is_written_as_it_is(void **state)
{
	char *secret = temporary("hunter$\"\n"), *path, *text;
	struct config *c = compose("acme", "https://acme.zendesk.com"), *again;
	struct error err;
	size_t size;
	FILE *f;

	(void)state;
	free(c->store);
	c->store = xstrdup("postgresql://u:hunter3@db.example/x");
	f = open_memstream(&text, &size);
	config_write(c, path_of, secret, f);
	fclose(f);
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 96);
	assert_null(strstr(text, "hunter2"));
	path = temporary(text);
	if (config_load(&again, path, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_string_equal(again->store, c->store);
	assert_string_equal(again->accounts[0].zendesk_url,
			    "https://acme.zendesk.com");
	assert_string_equal(again->accounts[0].sunco_key_secret, "hunter$\"");
	assert_string_equal(again->accounts[0].zendesk_webhook_secrets.items[0],
			    "hunter$\"");
	assert_int_equal(again->max_connections, c->max_connections);
	assert_string_equal(again->admin_token, "");
	config_free(again);
	config_free(c);
	free(text);
	drop(path);
	drop(secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_of_webhooks_may_come_later),
		cmocka_unit_test(other_secrets_may_not),
		cmocka_unit_test(what_is_given_goes_before_the_environment),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(it_is_written_as_it_is),
	};

	return cmocka_run_group_tests(tests, set_variable, NULL);
}
