/*
 * Fingerprints of settings: the same for the same, another for another, and
 * nothing of a value in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "app/node.h"
#include "base/json.h"
#include "base/str.h"

static const uint8_t key[32] = {1}, other_key[32] = {2};

static char first[] = "first-of-the-secrets", second[] = "second";
static char listen_at[] = "127.0.0.1:8080", store_at[] = "sqlite:/x";
static char zendesk[] = "https://acme.example";
static char *secrets[] = {first, second};
static char *turned[] = {second, first};
static char *fewer[] = {second};

static struct config settings(struct account_config *account, char **items,
			      size_t count)
{
	struct config c = {.listen = listen_at, .store = store_at};

	*account = (struct account_config){
		.name = "acme",
		.zendesk_url = zendesk,
		.sunco_webhook_secrets = {items, count},
	};
	c.accounts = account;
	c.account_count = 1;
	return c;
}

static struct json_t *prints(char **items, size_t count, const uint8_t *by)
{
	struct account_config account;
	struct config c = settings(&account, items, count);
	char *text = node_settings(&c, by);
	struct json_t *v;
	struct error err;

	assert_null(strstr(text, "first-of-the-secrets"));
	assert_null(strstr(text, "acme.example"));
	v = json_parse(text, strlen(text), &err);
	assert_non_null(v);
	free(text);
	return v;
}

static bool alike(const struct json_t *a, const struct json_t *b,
		  const char *account, const char *name)
{
	const char *x = json_get_str(json_get(a, account), name);
	const char *y = json_get_str(json_get(b, account), name);

	assert_non_null(x);
	assert_non_null(y);
	return str_eq(x, y);
}

static void test_a_value_has_its_print(void **state)
{
	struct json_t *a = prints(secrets, 2, key);
	struct json_t *same = prints(turned, 2, key);
	struct json_t *less = prints(fewer, 1, key);

	(void)state;
	assert_true(alike(a, same, "acme", "sunco_webhook_secrets"));
	assert_false(alike(a, less, "acme", "sunco_webhook_secrets"));
	assert_true(alike(a, less, "acme", "zendesk_url"));
	assert_true(alike(a, less, "", "listen"));
	json_free(a);
	json_free(same);
	json_free(less);
}

static void test_prints_are_keyed(void **state)
{
	struct json_t *a = prints(secrets, 2, key);
	struct json_t *b = prints(secrets, 2, other_key);

	(void)state;
	assert_false(alike(a, b, "acme", "sunco_webhook_secrets"));
	assert_false(alike(a, b, "", "listen"));
	json_free(a);
	json_free(b);
}

static void test_many_accounts_have_one_each(void **state)
{
	static struct account_config many[NODE_SETTINGS_ACCOUNTS + 1];
	struct config c = settings(&many[0], secrets, 2);
	struct json_t *v;
	struct error err;
	char *text;

	(void)state;
	c.accounts = many;
	c.account_count = ARRAY_LEN(many);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		many[i] = many[0];
		snprintf(many[i].name, sizeof(many[i].name), "a%zu", i);
	}
	many[7].sweep_every_ms = 1;
	text = node_settings(&c, key);
	v = json_parse(text, strlen(text), &err);
	assert_true(alike(v, v, "", "listen"));
	assert_true(str_eq(json_get_str(json_get(v, "a1"), "*"),
			   json_get_str(json_get(v, "a9"), "*")));
	assert_false(str_eq(json_get_str(json_get(v, "a7"), "*"),
			    json_get_str(json_get(v, "a9"), "*")));
	json_free(v);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_value_has_its_print),
		cmocka_unit_test(test_prints_are_keyed),
		cmocka_unit_test(test_many_accounts_have_one_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
