#include "sandbox_kit.h"

#include "base/str.h"
#include "sandbox/people.h"
#include "sandbox/routes.h"
#include "unit.h"

#define FIRST_ID 5000
#define START_MS INT64_C(1790000000000)

int kit_setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	account_init(&k->account, FIRST_ID, 0xabcdef01);
	str_copy(k->account.base_url, sizeof(k->account.base_url),
		 "http://stand.example");
	k->now_ms = START_MS;
	answer_init(&k->answer);
	*state = k;
	return 0;
}

int kit_teardown(void **state)
{
	struct kit *k = *state;

	answer_release(&k->answer);
	account_release(&k->account);
	free(k);
	return 0;
}

static struct json_t *quoted(const char *text)
{
	char *copy = xstrdup(text);
	struct json_t *v;

	for (char *p = copy; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	v = json_parse(copy, strlen(copy), NULL);
	assert_non_null(v);
	free(copy);
	return v;
}

void kit_set(struct kit *k, const char *settings)
{
	struct json_t *v = quoted(settings);
	struct error err;

	assert_int_equal(settings_apply(&k->account.settings, v, &err),
			 RESULT_OK);
	json_free(v);
}

void kit_load(struct kit *k, const char *people)
{
	struct json_t *v = quoted(people);
	struct error err;
	struct json_t *ids = people_load(&k->account, v, k->now_ms, &err);

	assert_non_null(ids);
	json_free(ids);
	json_free(v);
}

static void add_queries(struct call *c, char *query)
{
	char *save = NULL;

	for (char *part = strtok_r(query, "&", &save); part;
	     part = strtok_r(NULL, "&", &save)) {
		char *value = strchr(part, '=');
		const char *const *name = route_queries();

		assert_non_null(value);
		*value++ = '\0';
		while (*name && !str_eq(*name, part))
			name++;
		if (*name)
			call_add_query(c, *name, value);
	}
}

int kit_call(struct kit *k, const char *method, const char *target,
	     const char *body)
{
	struct call c = {.account = &k->account, .now_ms = k->now_ms};
	char *query;

	answer_release(&k->answer);
	answer_init(&k->answer);
	c.path = xstrdup(target);
	query = strchr(c.path, '?');
	if (query) {
		*query++ = '\0';
		add_queries(&c, query);
	}
	c.route = route_find(method, c.path, c.params);
	assert_non_null(c.route);
	c.body = body ? quoted(body) : NULL;
	c.route->handler(&c, &k->answer);
	call_release(&c);
	assert_int_not_equal(k->answer.status, 0);
	return k->answer.status;
}

const struct json_t *kit_at(const struct kit *k, const char *path)
{
	const struct json_t *v = k->answer.body;

	while (*path) {
		char key[64];
		size_t len = strcspn(path, ".");
		uint64_t i;

		assert_true(str_copy_slice(key, sizeof(key),
					   (struct slice){path, len}));
		if (str_parse_u64(slice_of(key), &i))
			v = json_at(v, i);
		else
			v = json_get(v, key);
		path += len;
		path += *path == '.';
	}
	return v;
}

const char *kit_str(const struct kit *k, const char *path)
{
	return json_str(kit_at(k, path));
}

int64_t kit_int(const struct kit *k, const char *path)
{
	return json_int(kit_at(k, path), -1);
}

struct zen_user *kit_user(const struct kit *k, uint64_t id)
{
	struct zen_user *u = state_user(k->account.state, id);

	assert_non_null(u);
	return u;
}

size_t kit_user_count(const struct kit *k)
{
	return k->account.state->user_count;
}
