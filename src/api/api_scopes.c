/*
 * Scopes: which ones an account takes, and whether a grant holds them.
 */
#include "api_scopes.h"

#include <string.h>

#include "base/str.h"

/* users: read, search, identities, merge, external id; tickets: requester;
 * their notes and tags, asked for only where they are written; webhooks and
 * triggers: setup and doctor, with tokens of their own */
const struct api_scope_row api_scope_rows[] = {
	{"users:read", "read", SCOPE_ALWAYS, true},
	{"users:write", "write", SCOPE_CHANGES, true},
	{"tickets:read", "read", SCOPE_ALWAYS, false},
	{"tickets:write", "write", SCOPE_NOTES, false},
	{"webhooks:read", "read", SCOPE_LOOK, true},
	{"webhooks:write", "write", SCOPE_REGISTER, true},
	{"triggers:read", "read", SCOPE_LOOK, true},
	{"triggers:write", "write", SCOPE_REGISTER, true},
};
const size_t api_scope_row_count = ARRAY_LEN(api_scope_rows);

_Static_assert(ARRAY_LEN(api_scope_rows) <= API_SCOPES_MAX, "all must fit");

bool api_scope_wanted(const struct api_config *c, const struct api_scope_row *s)
{
	bool work = c->purpose == API_WORK;
	const bool wanted[] = {
		[SCOPE_ALWAYS] = work,
		[SCOPE_CHANGES] = work && c->writes_users,
		[SCOPE_NOTES] = work && c->writes_tickets,
		[SCOPE_LOOK] = !work,
		[SCOPE_REGISTER] = c->purpose == API_REGISTER,
	};

	return wanted[s->use];
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == len && !memcmp(list, word, len))
			return true;
		list += n;
		list += strspn(list, " ");
	}
	return false;
}

bool api_scope_granted(const char *granted, const struct api_scope_row *s)
{
	return has_word(granted, s->name) || has_word(granted, s->broad);
}

size_t api_scopes(const struct api_config *c, const char *granted,
		  struct api_scope out[API_SCOPES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(api_scope_rows); i++) {
		const struct api_scope_row *s = &api_scope_rows[i];

		if (api_scope_wanted(c, s))
			out[count++] = (struct api_scope){
				.name = s->name,
				.needed = s->needed,
				.granted = api_scope_granted(granted, s),
			};
	}
	return count;
}
