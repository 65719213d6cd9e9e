/*
 * Zendesk webhook bodies: our trigger's ids, or an event subscription.
 *
 * Types are written with a colon or with a slash behind "zen:event-type" in
 * the provider's own pages, so both are taken. Refused is what is neither
 * kind of body.
 */
#include "core/event.h"

#include <string.h>

#include "core/address.h"
#include "decode.h"

enum {
	TOP_TYPE,
	TOP_ID,
	TOP_TIME,
	TOP_DETAIL,
	TOP_EVENT,
	TOP_V,
	TOP_TICKET,
	TOP_REQUESTER,
	TOP_UPDATED,
	TOP_COUNT
};

static const struct slice top_names[TOP_COUNT] = {
	[TOP_TYPE] = SCAN_NAME("type"),
	[TOP_ID] = SCAN_NAME("id"),
	[TOP_TIME] = SCAN_NAME("time"),
	[TOP_DETAIL] = SCAN_NAME("detail"),
	[TOP_EVENT] = SCAN_NAME("event"),
	[TOP_V] = SCAN_NAME("v"),
	[TOP_TICKET] = SCAN_NAME("ticket_id"),
	[TOP_REQUESTER] = SCAN_NAME("requester_id"),
	[TOP_UPDATED] = SCAN_NAME("updated_at"),
};

typedef bool event_fn(struct scan_value detail, struct scan_value event,
		      struct event *e);

static bool user_created(struct scan_value detail, struct scan_value event,
			 struct event *e)
{
	(void)event;
	(void)e;
	return scan_equals(scan_get(detail, "role"), SLICE("end-user"));
}

/* The identity as it is now; what it was only when that is all there is. */
static struct scan_value identity_of(struct scan_value event)
{
	static const struct slice names[] = {SCAN_NAME("identity"),
					     SCAN_NAME("current"),
					     SCAN_NAME("previous")};
	struct scan_value m[ARRAY_LEN(names)];

	scan_members(event, names, m, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(m); i++) {
		if (m[i].type == SCAN_OBJECT)
			return m[i];
	}
	return (struct scan_value){0};
}

enum { IDENTITY_TYPE, IDENTITY_VALUE, IDENTITY_MEMBERS };

static void read_identity(struct scan_value identity,
			  struct scan_value m[IDENTITY_MEMBERS])
{
	static const struct slice names[] = {SCAN_NAME("type"),
					     SCAN_NAME("value")};

	scan_members(identity, names, m, IDENTITY_MEMBERS);
}

/* The identity's address: *new*; NULL if it is none. */
static char *address_of(struct scan_value identity)
{
	struct scan_value m[IDENTITY_MEMBERS];
	char raw[2 * ADDRESS_SIZE], address[ADDRESS_SIZE];

	read_identity(identity, m);
	if (!scan_equals(m[IDENTITY_TYPE], SLICE("email")) ||
	    !scan_text(m[IDENTITY_VALUE], raw, sizeof(raw)) ||
	    !address_normalise(raw, address))
		return NULL;
	return xstrdup(address);
}

/* Of a user's identity with an address, or with a conversation. */
static bool user_identity(struct scan_value event, struct event *e)
{
	struct scan_value m[IDENTITY_MEMBERS];

	read_identity(identity_of(event), m);
	if (scan_equals(m[IDENTITY_TYPE], SLICE("email")))
		return true;
	e->messaging_identity =
		scan_equals(m[IDENTITY_TYPE], SLICE("messaging"));
	return e->messaging_identity &&
	       decode_sunco_id(m[IDENTITY_VALUE], e->sunco_id);
}

static bool identity_created(struct scan_value detail, struct scan_value event,
			     struct event *e)
{
	(void)detail;
	if (!user_identity(event, e))
		return false;
	e->gained = address_of(scan_get(event, "identity"));
	return true;
}

static bool identity_deleted(struct scan_value detail, struct scan_value event,
			     struct event *e)
{
	(void)detail;
	if (!user_identity(event, e))
		return false;
	e->lost = address_of(scan_get(event, "identity"));
	return true;
}

/* Verified, or made primary, it is the same address as before. */
static bool identity_changed(struct scan_value detail, struct scan_value event,
			     struct event *e)
{
	(void)detail;
	if (!user_identity(event, e))
		return false;
	e->gained = address_of(scan_get(event, "current"));
	e->lost = address_of(scan_get(event, "previous"));
	if (str_eq(e->gained, e->lost))
		event_forget_addresses(e);
	return true;
}

static bool user_merged(struct scan_value detail, struct scan_value event,
			struct event *e)
{
	(void)detail;
	e->other_zendesk_user_id =
		scan_id(scan_get(scan_get(event, "user"), "id"));
	return true;
}

static bool user_deleted(struct scan_value detail, struct scan_value event,
			 struct event *e)
{
	(void)detail;
	(void)event;
	(void)e;
	return true;
}

static const struct zendesk_type {
	const char *type;
	enum event_kind kind;
	event_fn *read;
} zendesk_types[] = {
	{"user.created", EVENT_ZD_USER_CREATED, user_created},
	{"user.identity_created", EVENT_ZD_IDENTITY, identity_created},
	{"user.identity_changed", EVENT_ZD_IDENTITY, identity_changed},
	{"user.identity_deleted", EVENT_ZD_IDENTITY, identity_deleted},
	{"user.merged", EVENT_ZD_USER_MERGED, user_merged},
	{"user.deleted", EVENT_ZD_USER_DELETED, user_deleted},
};

static const struct zendesk_type *type_find(struct scan_value type)
{
	static const char prefix[] = "zen:event-type";
	char text[64];
	char *name = text + strlen(prefix) + 1;

	if (!scan_text(type, text, sizeof(text)) || !str_starts(text, prefix) ||
	    (name[-1] != ':' && name[-1] != '/'))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(zendesk_types); i++) {
		if (str_eq(name, zendesk_types[i].type))
			return &zendesk_types[i];
	}
	return NULL;
}

const char *event_zendesk_type(size_t i)
{
	return i < ARRAY_LEN(zendesk_types) ? zendesk_types[i].type : NULL;
}

/* Takes the last event back: it is none of ours. */
static void ignore_last(struct event_list *out)
{
	event_forget_addresses(&out->items[--out->count]);
	out->ignored++;
}

static void read_event(const struct scan_value *top, struct event_list *out)
{
	const struct zendesk_type *t = type_find(top[TOP_TYPE]);
	struct slice key = decode_inside(top[TOP_ID]);
	struct event *e = event_list_add(out);

	e->source = EVENT_FROM_ZENDESK;
	e->zendesk_user_id = scan_id(scan_get(top[TOP_DETAIL], "id"));
	if (!t || key.len == 0 || e->zendesk_user_id == 0 ||
	    !t->read(top[TOP_DETAIL], top[TOP_EVENT], e)) {
		ignore_last(out);
		return;
	}
	e->kind = t->kind;
	e->type = t->type;
	e->at_ms = decode_time(top[TOP_TIME]);
	event_key_of_id(EVENT_FROM_ZENDESK, key, &e->key);
}

/* A resent trigger carries another timestamp but the same body. */
static void read_trigger(const struct scan_value *top, struct slice body,
			 struct event_list *out)
{
	struct event *e = event_list_add(out);

	e->source = EVENT_FROM_ZENDESK;
	e->kind = EVENT_TICKET;
	e->ticket_id = scan_id(top[TOP_TICKET]);
	e->zendesk_user_id = scan_id(top[TOP_REQUESTER]);
	e->at_ms = decode_time(top[TOP_UPDATED]);
	if (e->zendesk_user_id == 0)
		ignore_last(out);
	else
		event_key_of_body(body, &e->key);
}

/* Version 1, which may be left out. */
static bool is_trigger(const struct scan_value *top)
{
	enum scan_type ticket = top[TOP_TICKET].type;

	if (ticket != SCAN_STRING && ticket != SCAN_NUMBER)
		return false;
	return top[TOP_V].type == SCAN_ABSENT || scan_id(top[TOP_V]) == 1;
}

static enum result read_body(struct scan_value body_value, struct slice body,
			     struct event_list *out, struct error *err)
{
	struct scan_value top[TOP_COUNT];

	scan_members(body_value, top_names, top, TOP_COUNT);
	if (top[TOP_TYPE].type == SCAN_STRING &&
	    top[TOP_ID].type == SCAN_STRING)
		read_event(top, out);
	else if (is_trigger(top))
		read_trigger(top, body, out);
	else
		return error_set(err, RESULT_INVALID,
				 "neither a trigger's body nor an event");
	return RESULT_OK;
}

enum result decode_zendesk(struct slice body, struct event_list *out,
			   struct error *err)
{
	struct scan scan;
	enum result r = scan_read(&scan, body, err);

	if (r)
		return r;
	r = read_body(scan_top(&scan), body, out, err);
	scan_release(&scan);
	return r;
}
