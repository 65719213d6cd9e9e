/*
 * What a person's approval was given for: a print of the two sides.
 *
 * It covers what matters to the decision and nothing else: the evidence, the
 * address, the login, who owns the address, and of both users id, role,
 * whether active, suspended or shared, external id, organization, brand and
 * identities (type, value, verified, how). Not names, tags or times. The
 * order of an answer does not show in it, nor does the case of letters in
 * addresses and external ids.
 *
 * Refuses to be more than a comparison: it is no secret and proves nothing.
 */
#ifndef REUNITE_CORE_PAIR_H
#define REUNITE_CORE_PAIR_H

#include "core/policy.h"

#define PAIR_HASH_SIZE 16
#define PAIR_PART_SIZE 8

enum pair_part {
	PAIR_EVIDENCE,
	PAIR_ADDRESS,
	PAIR_LOGIN, /* SunCo id, authenticated, external id, brand */
	PAIR_OWNERS,
	PAIR_USER, /* the messaging user's id */
	PAIR_USER_STANDING,
	PAIR_USER_EXTERNAL_ID,
	PAIR_USER_ORGANIZATION,
	PAIR_USER_BRAND,
	PAIR_USER_IDENTITIES,
	PAIR_PROFILE,
	PAIR_PROFILE_STANDING,
	PAIR_PROFILE_EXTERNAL_ID,
	PAIR_PROFILE_ORGANIZATION,
	PAIR_PROFILE_BRAND,
	PAIR_PROFILE_IDENTITIES,
	PAIR_PART_COUNT
};

struct pair_print {
	bool known; /* false: there are no two sides to speak of */
	uint8_t hash[PAIR_HASH_SIZE];
	bool parts_known; /* of one that was stored, perhaps not any more */
	uint8_t parts[PAIR_PART_COUNT][PAIR_PART_SIZE];
};

/* d: decided on f. */
void pair_print_of(const struct facts *f, const struct decision *d,
		   struct pair_print *out);
bool pair_print_equal(const struct pair_print *a, const struct pair_print *b);

/* A set of parts: bit PAIR_x. */
typedef uint32_t pair_parts;
/* What differs; 0 when nothing does or nobody can tell. Of another user only
 * that it is another one. */
pair_parts pair_print_diff(const struct pair_print *a,
			   const struct pair_print *b);
/* "the external id of the profile, the evidence": *new*. */
char *pair_parts_text(pair_parts parts);

/* The parts, as kept in a review's facts: *new*; and back into out->parts. */
struct json_t;
struct json_t *pair_print_encode(const struct pair_print *p);
void pair_print_decode(const struct json_t *v, struct pair_print *out);

/* The profile that the decision means, displaced or not, borrowed; NULL. */
const struct zd_user *pair_profile(const struct facts *f,
				   const struct decision *d);

/* Whether the merge would give the profile the person's external id. */
enum pair_pin {
	PAIR_PIN_NONE,	  /* nothing to give, or the profile has one */
	PAIR_PIN_PLANNED, /* the evidence carries it */
	PAIR_PIN_OFFERED, /* it does not: an approval may name it */
	PAIR_PIN_NAMED,	  /* an approval named it */
};
const char *pair_pin_name(enum pair_pin p);
bool pair_pin_parse(const char *s, enum pair_pin *out);
enum pair_pin pair_pin_of(const struct facts *f, const struct decision *d);

/* Of a person's own profile there may be an open review already. */
struct pair_asked {
	bool open;
	bool own; /* about this SunCo user; else further ones are attached */
	uint8_t hash[PAIR_HASH_SIZE];
	reason_set reasons;
};

#endif
