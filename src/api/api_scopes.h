/*
 * The scopes that OAuth is asked for, a row each.
 */
#ifndef REUNITE_API_API_SCOPES_H
#define REUNITE_API_API_SCOPES_H

#include "api/access.h"

enum scope_use {
	SCOPE_ALWAYS,
	SCOPE_CHANGES, /* of users */
	SCOPE_NOTES,
	SCOPE_LOOK, /* at webhooks and triggers */
	SCOPE_REGISTER,
};

struct api_scope_row {
	const char *name;
	const char *broad; /* allows it, too */
	enum scope_use use;
	bool needed;
};
extern const struct api_scope_row api_scope_rows[];
extern const size_t api_scope_row_count;

/* Does the account take it, as it is set? */
bool api_scope_wanted(const struct api_config *c,
		      const struct api_scope_row *s);
bool api_scope_granted(const char *granted, const struct api_scope_row *s);

#endif
