/*
 * Decisions about rows: see import.h.
 */
#include "core/import.h"

#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	enum import_class class;
	const char *text;
} outcomes[IMPORT_COUNT] = {
#define IMPORT_OUTCOME_ROW(name, code, class, text)                            \
	[IMPORT_##name] = {code, IMPORT_##class, text},
	IMPORT_OUTCOMES(IMPORT_OUTCOME_ROW)
#undef IMPORT_OUTCOME_ROW
};

const char *import_outcome_name(enum import_outcome o, bool applied)
{
	return o == IMPORT_SET && !applied ? "would_set" : outcomes[o].name;
}

const char *import_outcome_text(enum import_outcome o)
{
	return outcomes[o].text;
}

enum import_class import_outcome_class(enum import_outcome o)
{
	return outcomes[o].class;
}

/* ---- what the file says ---- */

static bool id_valid(struct slice id)
{
	if (id.len == 0 || id.len >= IMPORT_ID_SIZE || !str_is_utf8(id))
		return false;
	for (size_t i = 0; i < id.len; i++)
		if ((unsigned char)id.ptr[i] < 0x20 || id.ptr[i] == 0x7f)
			return false;
	return true;
}

bool import_row_read(struct import_row *row, struct slice address,
		     struct slice external_id)
{
	char raw[ADDRESS_SIZE + 32];

	external_id = slice_trim(external_id);
	row->address[0] = row->external_id[0] = '\0';
	row->user = row->other_user = 0;
	row->other_line = 0;
	row->outcome = IMPORT_BAD_ADDRESS;
	if (!str_copy_slice(raw, sizeof(raw), slice_trim(address)) ||
	    !address_normalise(raw, row->address))
		return false;
	row->outcome = IMPORT_BAD_ID;
	if (!id_valid(external_id) ||
	    !str_copy_slice(row->external_id, sizeof(row->external_id),
			    external_id))
		return false;
	row->outcome = IMPORT_UNKNOWN;
	return true;
}

/* ---- what Zendesk says ---- */

static const struct zd_identity *identity_of(const struct zd_user *u,
					     const char *address)
{
	return zd_user_identity(u, "email", address);
}

bool import_owns(const struct zd_user *u, const char *address)
{
	return u->active && identity_of(u, address);
}

/* Rule 23, for whoever is not the person yet. */
static bool is_proven_enough(const struct zd_user *u, const char *address)
{
	const struct zd_identity *i = identity_of(u, address);

	return zd_identity_proven(i) || (i->primary && u->identity_count == 1);
}

static enum import_outcome of_owner(const struct import_row *row,
				    const struct zd_user *u,
				    const struct import_rules *rules)
{
	if (u->role != ZD_ROLE_END_USER)
		return IMPORT_STAFF;
	if (u->shared)
		return IMPORT_SHARED;
	if (str_eq_nocase(u->external_id, row->external_id))
		return IMPORT_ALREADY;
	if (!str_is_empty(u->external_id))
		return IMPORT_OTHER_ID;
	if (u->suspended)
		return IMPORT_SUSPENDED;
	if (address_denied(row->address, rules->deny_emails, rules->deny_count))
		return IMPORT_DENIED;
	return is_proven_enough(u, row->address) ? IMPORT_SET : IMPORT_UNPROVEN;
}

void import_decide(struct import_row *row, const struct zd_user *owners,
		   size_t count, uint64_t holder,
		   const struct import_rules *rules)
{
	const struct zd_user *owner = NULL;

	row->outcome = IMPORT_UNKNOWN;
	for (size_t i = 0; i < count; i++) {
		if (!import_owns(&owners[i], row->address))
			continue;
		if (owner) {
			row->outcome = IMPORT_SEVERAL;
			row->other_user = owners[i].id;
			return;
		}
		owner = &owners[i];
		row->user = owner->id;
	}
	if (owner)
		row->outcome = of_owner(row, owner, rules);
	if (holder && (!owner || holder != owner->id) &&
	    (row->outcome == IMPORT_SET || row->outcome == IMPORT_UNKNOWN)) {
		row->outcome = IMPORT_HELD;
		row->other_user = holder;
	}
}
