/*
 * The print of a pair: one digest a part, one over all of them; see pair.h.
 *
 * Every value goes in with its length, so that no two pairs read the same.
 */
#include "core/pair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"

#define PAIR_DOMAIN    "reunite/pair/1"
#define PART_MAX_BYTES (8u << 20)
#define TEXT_MAX_BYTES 2000

static const struct {
	const char *name;
	const char *words;
} parts[PAIR_PART_COUNT] = {
	[PAIR_EVIDENCE] = {"evidence", "the evidence"},
	[PAIR_ADDRESS] = {"address", "the address"},
	[PAIR_LOGIN] = {"login", "the login"},
	[PAIR_OWNERS] = {"owners", "who owns the address"},
	[PAIR_USER] = {"user", "which user the conversation has"},
	[PAIR_USER_STANDING] = {"user_standing",
				"the standing of the conversation's user"},
	[PAIR_USER_EXTERNAL_ID] = {"user_external_id",
				   "the external id of the conversation's "
				   "user"},
	[PAIR_USER_ORGANIZATION] = {"user_organization",
				    "the organization of the conversation's "
				    "user"},
	[PAIR_USER_BRAND] = {"user_brand",
			     "the brand of the conversation's user"},
	[PAIR_USER_IDENTITIES] = {"user_identities",
				  "the identities of the conversation's user"},
	[PAIR_PROFILE] = {"profile", "which profile is meant"},
	[PAIR_PROFILE_STANDING] = {"profile_standing",
				   "the standing of the profile"},
	[PAIR_PROFILE_EXTERNAL_ID] = {"profile_external_id",
				      "the external id of the profile"},
	[PAIR_PROFILE_ORGANIZATION] = {"profile_organization",
				       "the organization of the profile"},
	[PAIR_PROFILE_BRAND] = {"profile_brand", "the brand of the profile"},
	[PAIR_PROFILE_IDENTITIES] = {"profile_identities",
				     "the identities of the profile"},
};

/* The parts of the two users follow their ids. */
enum { USER_PARTS = PAIR_PROFILE - PAIR_USER };
_Static_assert(PAIR_PART_COUNT - PAIR_PROFILE == USER_PARTS,
	       "both users have the same parts");

/* What is hashed, part by part. */
struct pair_text {
	struct buf part[PAIR_PART_COUNT];
};

static void put(struct buf *b, const char *text, bool fold)
{
	char *copy = xstrdup(text ? text : "");

	if (fold)
		str_lower(copy);
	buf_printf(b, "%s%zu:", text ? "" : "-", strlen(copy));
	buf_puts(b, copy);
	free(copy);
}

static void put_id(struct buf *b, uint64_t id)
{
	buf_printf(b, "%" PRIu64 ";", id);
}

static void put_flag(struct buf *b, bool flag)
{
	buf_putc(b, flag ? 'y' : 'n');
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *identity_text(const struct zd_identity *i)
{
	struct buf b;

	buf_init(&b, PART_MAX_BYTES);
	put(&b, i->type, false);
	put(&b, i->value, str_eq(i->type, "email"));
	put_flag(&b, i->verified);
	put_id(&b, i->method);
	return buf_detach(&b);
}

static void put_identities(struct buf *b, const struct zd_user *u)
{
	char **texts = xcalloc(u->identity_count + 1, sizeof(*texts));

	put_flag(b, u->identities_known);
	for (size_t i = 0; i < u->identity_count; i++)
		texts[i] = identity_text(&u->identities[i]);
	qsort(texts, u->identity_count, sizeof(*texts), compare_texts);
	for (size_t i = 0; i < u->identity_count; i++) {
		buf_puts(b, texts[i]);
		free(texts[i]);
	}
	free(texts);
}

/* first: PAIR_USER or PAIR_PROFILE. u may be NULL. */
static void put_user(struct pair_text *t, enum pair_part first,
		     const struct zd_user *u)
{
	struct buf *b = &t->part[first];

	put_id(&b[0], u ? u->id : 0);
	if (!u)
		return;
	put_id(&b[1], u->role);
	put_flag(&b[1], u->active);
	put_flag(&b[1], u->suspended);
	put_flag(&b[1], u->shared);
	put(&b[2], u->external_id, true);
	put_id(&b[3], u->organization_id);
	put_id(&b[4], u->brand_id);
	put_identities(&b[5], u);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void put_owners(struct buf *b, const struct facts *f)
{
	uint64_t *ids = xcalloc(f->profile_count + 1, sizeof(*ids));
	size_t count = 0;

	for (size_t i = 0; i < f->profile_count; i++)
		if (policy_is_owner(f, &f->profiles[i]))
			ids[count++] = f->profiles[i].id;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++)
		put_id(b, ids[i]);
	free(ids);
}

const struct zd_user *pair_profile(const struct facts *f,
				   const struct decision *d)
{
	if (!d->profile_id)
		return NULL;
	for (size_t i = 0; i < f->profile_count; i++)
		if (f->profiles[i].id == d->profile_id)
			return &f->profiles[i];
	return f->has_displaced && f->displaced.id == d->profile_id
		       ? &f->displaced
		       : NULL;
}

static void put_all(struct pair_text *t, const struct facts *f,
		    const struct decision *d)
{
	struct buf *login = &t->part[PAIR_LOGIN];

	put_id(&t->part[PAIR_EVIDENCE], d->evidence);
	put(&t->part[PAIR_ADDRESS], d->address, true);
	put(login, f->sunco.id, false);
	put_flag(login, f->sunco.authenticated);
	put(login, f->sunco.external_id, true);
	put_id(login, f->sunco.brand_id);
	put_owners(&t->part[PAIR_OWNERS], f);
	put_user(t, PAIR_USER, &f->messaging_user);
	put_user(t, PAIR_PROFILE, pair_profile(f, d));
}

static void digest(const struct pair_text *t, struct pair_print *out)
{
	uint8_t full[PAIR_PART_COUNT][CRYPTO_SHA256_SIZE];
	uint8_t all[CRYPTO_SHA256_SIZE];

	out->known = true;
	for (int i = 0; i < PAIR_PART_COUNT; i++) {
		const struct buf *b = &t->part[i];

		out->known = out->known && !b->overflow;
		crypto_sha256(b->data, b->len, full[i]);
		memcpy(out->parts[i], full[i], PAIR_PART_SIZE);
	}
	crypto_sha256(full, sizeof(full), all);
	memcpy(out->hash, all, sizeof(out->hash));
	out->parts_known = out->known;
}

void pair_print_of(const struct facts *f, const struct decision *d,
		   struct pair_print *out)
{
	struct pair_text t;

	memset(out, 0, sizeof(*out));
	if (!f->has_messaging_user)
		return;
	for (int i = 0; i < PAIR_PART_COUNT; i++) {
		buf_init(&t.part[i], PART_MAX_BYTES);
		buf_printf(&t.part[i], PAIR_DOMAIN "/%s=", parts[i].name);
	}
	put_all(&t, f, d);
	digest(&t, out);
	for (int i = 0; i < PAIR_PART_COUNT; i++)
		buf_release(&t.part[i]);
}

bool pair_print_equal(const struct pair_print *a, const struct pair_print *b)
{
	return a->known && b->known &&
	       memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

static pair_parts without_details(pair_parts set, enum pair_part first)
{
	if (set & (1u << first))
		for (int i = 1; i < USER_PARTS; i++)
			set &= ~(1u << (first + i));
	return set;
}

pair_parts pair_print_diff(const struct pair_print *a,
			   const struct pair_print *b)
{
	pair_parts set = 0;

	if (!a->parts_known || !b->parts_known)
		return 0;
	for (int i = 0; i < PAIR_PART_COUNT; i++)
		if (memcmp(a->parts[i], b->parts[i], PAIR_PART_SIZE) != 0)
			set |= 1u << i;
	return without_details(without_details(set, PAIR_USER), PAIR_PROFILE);
}

char *pair_parts_text(pair_parts set)
{
	struct buf b;

	buf_init(&b, TEXT_MAX_BYTES);
	for (int i = 0; i < PAIR_PART_COUNT; i++)
		if (set & (1u << i))
			buf_printf(&b, "%s%s", b.len ? ", " : "",
				   parts[i].words);
	return buf_detach(&b);
}

struct json_t *pair_print_encode(const struct pair_print *p)
{
	struct json_t *v = json_new_obj();
	char hex[2 * PAIR_PART_SIZE + 1];

	for (int i = 0; p->parts_known && i < PAIR_PART_COUNT; i++) {
		crypto_hex(p->parts[i], PAIR_PART_SIZE, hex);
		json_set_str(v, parts[i].name, hex);
	}
	return v;
}

void pair_print_decode(const struct json_t *v, struct pair_print *out)
{
	out->parts_known = true;
	for (int i = 0; i < PAIR_PART_COUNT; i++) {
		struct slice hex = slice_of(json_get_str(v, parts[i].name));

		if (hex.len != 2 * PAIR_PART_SIZE ||
		    !crypto_unhex(hex, out->parts[i]))
			out->parts_known = false;
	}
}

static const char *const pin_names[] = {
	[PAIR_PIN_NONE] = "none",
	[PAIR_PIN_PLANNED] = "planned",
	[PAIR_PIN_OFFERED] = "offered",
	[PAIR_PIN_NAMED] = "named",
};

const char *pair_pin_name(enum pair_pin p)
{
	return pin_names[p];
}

bool pair_pin_parse(const char *s, enum pair_pin *out)
{
	for (size_t i = 0; i < ARRAY_LEN(pin_names); i++) {
		if (!str_eq(s, pin_names[i]))
			continue;
		*out = (enum pair_pin)i;
		return true;
	}
	return false;
}

enum pair_pin pair_pin_of(const struct facts *f, const struct decision *d)
{
	const struct zd_user *profile = pair_profile(f, d);

	if (d->intended != ACTION_MERGE || !f->has_messaging_user || !profile ||
	    profile->external_id || !policy_external_id(f))
		return PAIR_PIN_NONE;
	for (size_t i = 0; i < d->step_count; i++)
		if (d->steps[i] == STEP_PIN)
			return PAIR_PIN_PLANNED;
	return PAIR_PIN_OFFERED;
}
