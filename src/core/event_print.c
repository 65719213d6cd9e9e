/*
 * The print of a person: a hash of what is said about who it is. Equal
 * prints of a webhook and of an earlier look over the API save the next one.
 *
 * It fails towards the look: a body that leaves anything open, has a part of
 * an undocumented type or does not fit the room below gives no print, and no
 * print equals nothing.
 */
#include "core/event.h"

#include <string.h>

#include "base/crypto.h"
#include "core/policy.h"
#include "decode.h"

#define PRINT_VERSION	1
#define ROOM_IDENTITIES 8
#define ROOM_TEXT	2048

/* A SunCo user whose strings lie in text: nothing to release. */
struct print_room {
	struct sunco_user user;
	struct sunco_identity identities[ROOM_IDENTITIES];
	size_t used;
	char text[ROOM_TEXT];
};

struct said {
	uint8_t version, authenticated, evidence, has_external_id;
	uint8_t external_id[CRYPTO_SHA256_SIZE];
	char address[ADDRESS_SIZE];
};

/* False: it is ambiguous, and has no print. */
static bool print_of(const struct sunco_user *u, struct said *said,
		     struct event_print *out)
{
	struct slice external_id = slice_of(u->external_id);
	uint8_t digest[CRYPTO_SHA256_SIZE];

	memset(out, 0, sizeof(*out));
	*said = (struct said){.version = PRINT_VERSION};
	if (policy_address_ambiguous(u))
		return false;
	said->authenticated = u->authenticated;
	said->evidence = (uint8_t)policy_evidence(u, said->address);
	if (external_id.len) {
		said->has_external_id = 1;
		crypto_sha256(external_id.ptr, external_id.len,
			      said->external_id);
	}
	crypto_sha256(said,
		      offsetof(struct said, address) + strlen(said->address),
		      digest);
	out->known = true;
	memcpy(out->hash, digest, sizeof(out->hash));
	return true;
}

void event_print_of(const struct sunco_user *u, struct event_print *out)
{
	struct said said;

	(void)print_of(u, &said, out);
}

static bool is_nothing(struct scan_value v)
{
	return v.type == SCAN_ABSENT || v.type == SCAN_NULL;
}

/* A string, or nothing; false for anything else. */
static bool room_text(struct print_room *r, struct scan_value v, char **out)
{
	*out = NULL;
	if (is_nothing(v))
		return true;
	if (v.type != SCAN_STRING && scan_id(v) == 0)
		return false;
	*out = r->text + r->used;
	if (!scan_text(v, *out, sizeof(r->text) - r->used))
		return false;
	r->used += strlen(*out) + 1;
	return true;
}

static bool room_identity(struct print_room *r, struct scan_value v)
{
	static const struct slice names[] = {SCAN_NAME("type"),
					     SCAN_NAME("value"),
					     SCAN_NAME("verification")};
	struct scan_value m[ARRAY_LEN(names)];
	struct sunco_identity *id = &r->identities[r->user.identity_count];

	if (v.type != SCAN_OBJECT || r->user.identity_count == ROOM_IDENTITIES)
		return false;
	scan_members(v, names, m, ARRAY_LEN(names));
	if (m[0].type != SCAN_STRING || m[1].type != SCAN_STRING ||
	    m[2].type == SCAN_NUMBER)
		return false;
	r->user.identity_count++;
	return room_text(r, m[0], &id->type) &&
	       room_text(r, m[1], &id->value) &&
	       room_text(r, m[2], &id->verification);
}

static bool room_identities(struct print_room *r, struct scan_value list)
{
	struct scan_value v;
	size_t pos = 0;

	if (list.type != SCAN_ARRAY)
		return is_nothing(list);
	while (scan_next(list, &pos, NULL, &v)) {
		if (!room_identity(r, v))
			return false;
	}
	return true;
}

static bool room_profile(struct print_room *r, struct scan_value profile)
{
	struct scan_value email = scan_get(profile, "email");

	if (profile.type != SCAN_OBJECT)
		return is_nothing(profile);
	return email.type != SCAN_NUMBER &&
	       room_text(r, email, &r->user.profile_email);
}

const struct slice decode_user_names[DECODE_USER_COUNT] = {
	[DECODE_USER_ID] = SCAN_NAME("id"),
	[DECODE_USER_ZENDESK_ID] = SCAN_NAME("zendeskId"),
	[DECODE_USER_AUTHENTICATED] = SCAN_NAME("authenticated"),
	[DECODE_USER_EXTERNAL_ID] = SCAN_NAME("externalId"),
	[DECODE_USER_IDENTITIES] = SCAN_NAME("identities"),
	[DECODE_USER_PROFILE] = SCAN_NAME("profile"),
};

static bool room_user(struct print_room *r, const struct scan_value *user)
{
	struct scan_value authenticated = user[DECODE_USER_AUTHENTICATED];

	if (user[DECODE_USER_IDENTITIES].type != SCAN_ARRAY &&
	    user[DECODE_USER_PROFILE].type != SCAN_OBJECT)
		return false;
	if (authenticated.type != SCAN_TRUE &&
	    authenticated.type != SCAN_FALSE && !is_nothing(authenticated))
		return false;
	r->user.authenticated = authenticated.type == SCAN_TRUE;
	r->user.identities = r->identities;
	return room_text(r, user[DECODE_USER_EXTERNAL_ID],
			 &r->user.external_id) &&
	       room_identities(r, user[DECODE_USER_IDENTITIES]) &&
	       room_profile(r, user[DECODE_USER_PROFILE]);
}

void event_print_scan(const struct scan_value user[DECODE_USER_COUNT],
		      struct event_print *out, char **told)
{
	struct print_room room;
	struct said said;

	memset(out, 0, sizeof(*out));
	memset(&room.user, 0, sizeof(room.user));
	room.used = 0;
	*told = NULL;
	if (room_user(&room, user) && print_of(&room.user, &said, out) &&
	    said.address[0])
		*told = xstrdup(said.address);
}
