/*
 * Faults, limits, credentials, settings and options of the sandbox.
 */
#include "unit.h"

#include "base/crypto.h"
#include "base/str.h"
#include "sandbox/faults.h"
#include "sandbox/limits.h"
#include "sandbox/oauth.h"
#include "sandbox/options.h"
#include "sandbox_kit.h"

static enum result add(struct faults *f, const char *row)
{
	struct json_t *v = json_parse(row, strlen(row), NULL);
	struct error err;
	enum result r = faults_add(f, v, &err);

	json_free(v);
	return r;
}

static enum fault_kind pick(struct faults *f, enum call_api api,
			    const char *call, uint64_t id)
{
	struct fault_strike s;

	faults_pick(f, api, call, id, &s);
	fault_strike_release(&s);
	return s.kind;
}

static void test_a_row_strikes_where_it_matches(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	assert_int_equal(add(f, "{\"match\":{\"api\":\"zendesk\","
				"\"call\":\"merge\",\"id\":7},"
				"\"kind\":\"cut_after\"}"),
			 RESULT_OK);
	assert_int_equal(pick(f, CALL_ZENDESK, "search", 7), FAULT_NONE);
	assert_int_equal(pick(f, CALL_SUNCO, "merge", 7), FAULT_NONE);
	assert_int_equal(pick(f, CALL_ZENDESK, "merge", 8), FAULT_NONE);
	assert_int_equal(pick(f, CALL_ZENDESK, "merge", 7), FAULT_CUT_AFTER);
	assert_int_equal(pick(f, CALL_ZENDESK, "merge", 7), FAULT_NONE);
	faults_free(f);
}

static void test_skip_and_times(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	add(f, "{\"kind\":\"html\",\"skip\":2,\"times\":2}");
	for (int i = 0; i < 6; i++)
		assert_int_equal(pick(f, CALL_SUNCO, "user_get", 0),
				 i == 2 || i == 3 ? FAULT_HTML : FAULT_NONE);
	add(f, "{\"kind\":\"hang\",\"times\":-1}");
	for (int i = 0; i < 20; i++)
		assert_int_equal(pick(f, CALL_SUNCO, "user_get", 0),
				 FAULT_HANG);
	faults_clear(f);
	assert_int_equal(pick(f, CALL_SUNCO, "user_get", 0), FAULT_NONE);
	faults_free(f);
}

static void roll(char out[101])
{
	struct faults *f = faults_new();

	add(f, "{\"kind\":\"html\",\"percent\":30,\"seed\":42}");
	for (int i = 0; i < 100; i++)
		out[i] = pick(f, CALL_SUNCO, "x", 0) ? '1' : '0';
	out[100] = '\0';
	faults_free(f);
}

static void test_dice_fall_the_same_way_again(void **state)
{
	char first[101];
	char second[101];
	int hits = 0;

	(void)state;
	roll(first);
	roll(second);
	assert_string_equal(first, second);
	for (int i = 0; i < 100; i++)
		hits += first[i] == '1';
	assert_in_range(hits, 15, 45);
}

static void test_what_a_strike_carries(void **state)
{
	struct faults *f = faults_new();
	struct fault_strike s;

	(void)state;
	add(f, "{\"kind\":\"status\",\"status\":429,\"applied\":true,"
	       "\"headers\":{\"Retry-After\":\"3\"},\"body\":{\"e\":1}}");
	faults_pick(f, CALL_ZENDESK, "merge", 0, &s);
	assert_int_equal(s.status, 429);
	assert_true(s.applies);
	assert_string_equal(s.headers, "Retry-After: 3\r\n");
	assert_int_equal(json_get_int(s.body, "e", 0), 1);
	fault_strike_release(&s);
	faults_free(f);
}

static void test_rows_that_make_no_sense_are_refused(void **state)
{
	struct faults *f = faults_new();

	(void)state;
	assert_int_equal(add(f, "{\"kind\":\"none\"}"), RESULT_INVALID);
	assert_int_equal(add(f, "{\"kind\":\"status\"}"), RESULT_INVALID);
	assert_int_equal(add(f, "{}"), RESULT_INVALID);
	faults_free(f);
}

static void test_windows(void **state)
{
	struct limit_window w = {0, 0};
	struct limit_verdict v;

	(void)state;
	v = limits_take(&w, 2, 60000, 100000);
	assert_false(v.refused);
	assert_int_equal(v.remaining, 1);
	assert_int_equal(v.reset_s, 60);
	limits_take(&w, 2, 60000, 130000);
	v = limits_take(&w, 2, 60000, 159001);
	assert_true(v.refused);
	assert_int_equal(v.remaining, 0);
	assert_int_equal(v.reset_s, 1);
	assert_false(limits_take(&w, 2, 60000, 160000).refused);
	for (int i = 0; i < 100; i++)
		assert_false(limits_take(&w, 0, 60000, 160000).refused);
}

/* ---- credentials ---- */

static enum access bearer(const struct kit *k, const char *token,
			  const char *resource, bool write)
{
	char header[200];

	snprintf(header, sizeof(header), "Bearer %s", token);
	return oauth_check_zendesk(&k->account, header, resource, write,
				   k->now_ms);
}

static char *token(struct kit *k, const char *scope, int status)
{
	char body[300];

	snprintf(body, sizeof(body),
		 "{'grant_type':'client_credentials','client_id':'reunite',"
		 "'client_secret':'sandbox-client-secret','scope':'%s',"
		 "'expires_in':600}",
		 scope);
	assert_int_equal(kit_call(k, "POST", "/oauth/tokens", body), status);
	return xstrdup(kit_str(k, "access_token"));
}

static void test_tokens_live_and_end(void **state)
{
	struct kit *k = *state;
	char *t = token(k, "read write", 201);

	assert_int_equal(kit_int(k, "expires_in"), 600);
	assert_int_equal(bearer(k, t, "users", true), ACCESS_OK);
	k->now_ms += 599999;
	assert_int_equal(bearer(k, t, "users", true), ACCESS_OK);
	k->now_ms += 1;
	assert_int_equal(bearer(k, t, "users", true), ACCESS_UNKNOWN);
	free(t);
	t = token(k, "read", 201);
	tokens_revoke_all(k->account.tokens);
	assert_int_equal(bearer(k, t, "users", false), ACCESS_UNKNOWN);
	free(t);
}

static void test_scopes(void **state)
{
	struct kit *k = *state;
	char *t = token(k, "users:write read", 201);

	assert_int_equal(bearer(k, t, "users", true), ACCESS_OK);
	assert_int_equal(bearer(k, t, "tickets", false), ACCESS_OK);
	assert_int_equal(bearer(k, t, "tickets", true), ACCESS_FORBIDDEN);
	free(t);
	t = token(k, "people:everything", 201);
	assert_int_equal(bearer(k, t, "users", false), ACCESS_FORBIDDEN);
	free(t);
}

static void test_wrong_clients_get_no_token(void **state)
{
	struct kit *k = *state;

	assert_int_equal(kit_call(k, "POST", "/oauth/tokens",
				  "{'grant_type':'client_credentials',"
				  "'client_id':'reunite',"
				  "'client_secret':'wrong'}"),
			 401);
	assert_int_equal(kit_call(k, "POST", "/oauth/tokens",
				  "{'grant_type':'password'}"),
			 400);
	assert_int_equal(kit_call(k, "POST", "/oauth/tokens",
				  "{'grant_type':'client_credentials',"
				  "'client_id':'reunite','expires_in':299,"
				  "'client_secret':'sandbox-client-secret'}"),
			 400);
}

static void test_a_client_has_its_scopes(void **state)
{
	struct kit *k = *state;
	char *t;

	kit_set(k, "{'oauth_scopes':'users:read tickets:read'}");
	t = token(k, "users:read users:write", 201);
	assert_int_equal(bearer(k, t, "users", true), ACCESS_FORBIDDEN);
	assert_string_equal(kit_str(k, "scope"), "users:read");
	free(t);
	kit_set(k, "{'oauth_refuses_scopes':true}");
	free(token(k, "users:read users:write", 400));
	assert_string_equal(kit_str(k, "error"), "invalid_scope");
	free(token(k, "users:read", 201));
}

static char *basic(const char *pair)
{
	char text[200];
	char *header = xcalloc(1, 300);

	crypto_base64(pair, strlen(pair), text);
	snprintf(header, 300, "Basic %s", text);
	return header;
}

static enum access api_token(const struct kit *k, const char *pair)
{
	char *header = basic(pair);
	enum access a = oauth_check_zendesk(&k->account, header, "users", true,
					    k->now_ms);

	free(header);
	return a;
}

static void test_fixed_credentials(void **state)
{
	static const char good[] = "a@x.example/token:sandbox-api-token";
	struct kit *k = *state;
	char *header;

	assert_int_equal(bearer(k, "sandbox-bearer-token", "users", true),
			 ACCESS_OK);
	assert_int_equal(bearer(k, "", "users", true), ACCESS_UNKNOWN);
	assert_int_equal(api_token(k, good), ACCESS_OK);
	assert_int_equal(api_token(k, "a@x.example:sandbox-api-token"),
			 ACCESS_UNKNOWN);
	kit_set(k, "{'api_tokens_accepted':false}");
	assert_int_equal(api_token(k, good), ACCESS_UNKNOWN);
	assert_int_equal(oauth_check_zendesk(&k->account, NULL, "users", false,
					     k->now_ms),
			 ACCESS_UNKNOWN);
	header = basic("app_6a1d3c5e7f9b2d4f6a8c0e34:sandbox-sunco-key-secret");
	assert_true(oauth_check_sunco(&k->account, header));
	free(header);
	header = basic("app_6a1d3c5e7f9b2d4f6a8c0e34:wrong");
	assert_false(oauth_check_sunco(&k->account, header));
	free(header);
}

/* ---- settings and options ---- */

static void set_refused(struct kit *k, const char *text)
{
	struct json_t *v = json_parse(text, strlen(text), NULL);
	struct error err;

	assert_int_equal(settings_apply(&k->account.settings, v, &err),
			 RESULT_INVALID);
	json_free(v);
}

static void test_settings_are_all_or_nothing(void **state)
{
	struct kit *k = *state;

	set_refused(k, "{\"limit\":5,\"no_such_thing\":1}");
	set_refused(k, "{\"limit\":5,\"email_identities\":\"some\"}");
	set_refused(k, "{\"limit\":5,\"rate_headers\":1}");
	set_refused(k, "{\"limit\":-1}");
	set_refused(k, "[]");
	assert_int_equal(k->account.settings.limit, 700);
	kit_set(k, "{'limit':5,'email_identities':'claim_verified'}");
	assert_int_equal(k->account.settings.limit, 5);
	assert_string_equal(k->account.settings.email_identities,
			    "claim_verified");
}

static enum result parse(struct options *o, int argc, const char *const *argv)
{
	struct error err;

	return options_parse(argc, (char **)(uintptr_t)argv, o, &err);
}

static void test_options(void **state)
{
	static const char *const good[] = {"x",		"--listen", ":1",
					   "--limit=9", "--empty",  NULL};
	static const char *const number[] = {"x", "--limit", "many", NULL};
	static const char *const unknown[] = {"x", "--what", NULL};
	static const char *const extra[] = {"x", "what", NULL};
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, 5, good), RESULT_OK);
	assert_string_equal(o.listen, ":1");
	assert_true(o.empty);
	assert_false(o.help);
	assert_int_equal(json_get_int(o.settings, "limit", 0), 9);
	options_release(&o);
	assert_int_equal(parse(&o, 3, number), RESULT_INVALID);
	options_release(&o);
	assert_int_equal(parse(&o, 2, unknown), RESULT_INVALID);
	options_release(&o);
	assert_int_equal(parse(&o, 2, extra), RESULT_INVALID);
	options_release(&o);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

/* Another integration: in the account's counter, and in the record. */
static void test_others_eat_of_the_limit(void **state)
{
	struct settings settings;
	struct limits l = {.record_count = 0};
	struct json_t *list;

	(void)state;
	settings_init(&settings);
	settings.limit = 10;
	settings.others_per_window = 6;
	assert_int_equal(limits_take_account(&l, &settings, 100000).remaining,
			 8); /* theirs began the window */
	assert_int_equal(limits_take_account(&l, &settings, 130000).remaining,
			 4);
	settings.others_per_window = 0;
	limits_others(&l, &settings, 5, 130000);
	assert_true(limits_take_account(&l, &settings, 130000).refused);
	assert_false(limits_take_account(&l, &settings, 160000).refused);
	list = limits_encode(&l);
	assert_int_equal(json_len(list), 2);
	assert_int_equal(json_get_int(json_at(list, 0), "taken", -1), 2);
	assert_int_equal(json_get_int(json_at(list, 0), "refused", -1), 1);
	assert_int_equal(json_get_int(json_at(list, 0), "others_taken", -1), 8);
	assert_int_equal(json_get_int(json_at(list, 0), "others_refused", -1),
			 1);
	assert_int_equal(json_get_int(json_at(list, 1), "taken", -1), 1);
	json_free(list);
	settings_release(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row_strikes_where_it_matches),
		cmocka_unit_test(test_skip_and_times),
		cmocka_unit_test(test_dice_fall_the_same_way_again),
		cmocka_unit_test(test_what_a_strike_carries),
		cmocka_unit_test(test_rows_that_make_no_sense_are_refused),
		cmocka_unit_test(test_windows),
		TEST(test_tokens_live_and_end),
		TEST(test_scopes),
		TEST(test_wrong_clients_get_no_token),
		TEST(test_a_client_has_its_scopes),
		TEST(test_fixed_credentials),
		TEST(test_settings_are_all_or_nothing),
		cmocka_unit_test(test_others_eat_of_the_limit),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
