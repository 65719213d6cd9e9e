/*
 * The lists of what is registered: see registry.h.
 */
#include "sandbox/registry.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/call.h"
#include "sandbox/state.h"

/* As a new account has them; the last one is that of an integration's key. */
static const struct {
	const char *type, *name;
} at_the_start[] = {
	{"web", "Web Widget"},
	{"zd:agentWorkspace", "zd-agentWorkspace"},
	{"custom", "Somebody else's bot"},
};

static void fill(struct registry *r, struct state *s)
{
	char id[SUN_ID_SIZE];

	*r = (struct registry){
		.webhooks = json_new_arr(),
		.secrets = json_new_obj(),
		.triggers = json_new_arr(),
		.integrations = json_new_arr(),
	};
	for (size_t i = 0; i < ARRAY_LEN(at_the_start); i++) {
		struct json_t *v = json_new_obj();

		state_hex_id(s, id);
		json_set_str(v, "id", id);
		json_set_str(v, "type", at_the_start[i].type);
		json_set_str(v, "status", "active");
		json_set_str(v, "displayName", at_the_start[i].name);
		json_set(v, "webhooks", json_new_arr());
		json_push(r->integrations, v);
	}
}

void registry_init(struct registry *r, struct state *s)
{
	fill(r, s);
}

void registry_release(struct registry *r)
{
	json_free(r->webhooks);
	json_free(r->secrets);
	json_free(r->triggers);
	json_free(r->integrations);
}

void registry_reset(struct registry *r, struct state *s)
{
	registry_release(r);
	fill(r, s);
}

static bool has_id(const struct json_t *v, const char *id)
{
	char *own = json_get_text(v, "id");
	bool same = str_eq(own, id);

	free(own);
	return same;
}

struct json_t *registry_find(const struct json_t *list, const char *id)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (has_id(json_at(list, i), id))
			return json_at(list, i);
	return NULL;
}

void registry_drop(struct json_t **list, const char *id)
{
	struct json_t *kept = json_new_arr();

	for (size_t i = 0; i < json_len(*list); i++)
		if (!has_id(json_at(*list, i), id))
			json_push(kept, json_clone(json_at(*list, i)));
	json_free(*list);
	*list = kept;
}

void registry_copy(struct json_t *to, const struct json_t *from,
		   const char *const *keys)
{
	for (; *keys; keys++) {
		const struct json_t *v = json_get(from, *keys);

		if (v)
			json_set(to, *keys, json_clone(v));
	}
}

struct json_t *registry_page(const struct call *c, const struct json_t *list,
			     const char *name)
{
	struct json_t *body = json_new_obj();
	struct json_t *items = json_new_arr();
	size_t total = json_len(list);
	struct page p;

	if (!call_cursor_page(c, total, &p))
		p = call_page(c, total);
	for (size_t i = p.first; i < p.end; i++)
		json_push(items, json_clone(json_at(list, i)));
	json_set(body, name, items);
	call_cursor_links(c, &p, body);
	return body;
}

size_t registry_sunco_webhooks(const struct registry *r)
{
	size_t count = 0;

	for (size_t i = 0; i < json_len(r->integrations); i++)
		count += json_len(
			json_get(json_at(r->integrations, i), "webhooks"));
	return count;
}

const char *registry_own_integration(const struct registry *r)
{
	return json_get_str(
		json_at(r->integrations, ARRAY_LEN(at_the_start) - 1), "id");
}
