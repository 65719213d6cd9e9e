/*
 * What the decoders of both sources share.
 */
#ifndef REUNITE_SRC_CORE_DECODE_H
#define REUNITE_SRC_CORE_DECODE_H

#include "core/event.h"
#include "core/scan.h"

/* From the provider's id, as it stands in the body between its quotes. */
void event_key_of_id(enum event_source source, struct slice id,
		     struct event_key *out);
/* From the whole signed body, for senders without ids. */
void event_key_of_body(struct slice body, struct event_key *out);

/* The members of a SunCo user that are looked at, for scan_members(). */
enum {
	DECODE_USER_ID,
	DECODE_USER_ZENDESK_ID,
	DECODE_USER_AUTHENTICATED,
	DECODE_USER_EXTERNAL_ID,
	DECODE_USER_IDENTITIES,
	DECODE_USER_PROFILE,
	DECODE_USER_COUNT
};
extern const struct slice decode_user_names[DECODE_USER_COUNT];

/* What these members say; unknown unless it is the full user and every part
 * of it has the documented type. told: the address it speaks of, *new*, or
 * NULL. */
void event_print_scan(const struct scan_value user[DECODE_USER_COUNT],
		      struct event_print *out, char **told);

/* A SunCo id that we keep; false, and out empty, for anything else. */
bool decode_sunco_id(struct scan_value v, char out[SUNCO_ID_SIZE]);

/* A time as ISO 8601, in ms since the epoch; 0 for anything else. Placeholders
 * of Zendesk's triggers leave the seconds out. */
int64_t decode_time(struct scan_value v);

/* The inside of a string's quotes, escapes as they are. */
struct slice decode_inside(struct scan_value string);

#endif
