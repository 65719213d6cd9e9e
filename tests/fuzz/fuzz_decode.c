/*
 * Webhook bodies from outside, through both decoders: they refuse what is no
 * JSON, and whatever else they make of it, an event has a key and only ids
 * and addresses that we are willing to keep.
 */
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/event.h"
#include "core/scan.h"
#include "fuzz.h"

typedef enum result decode_fn(struct slice body, struct event_list *out,
			      struct error *err);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_id(const char *id)
{
	require(!id[0] || sunco_id_valid(id, strlen(id)));
}

static void require_address(const char *address)
{
	char again[ADDRESS_SIZE];

	require(!address || (address_normalise(address, again) &&
			     strcmp(address, again) == 0));
}

static void require_event(const struct event *e, enum event_source source)
{
	require(e->source == source && e->kind != EVENT_OTHER);
	require(e->key.len > 1 && e->key.len <= sizeof(e->key.bytes));
	require_id(e->sunco_id);
	require_id(e->other_sunco_id);
	require_id(e->conversation_id);
	require(e->sunco_id[0] || e->zendesk_user_id || e->conversation_id[0]);
	require(!e->messaging_identity || e->sunco_id[0]);
	require_address(e->gained);
	require_address(e->lost);
}

static bool is_json(struct slice body)
{
	struct scan scan;

	if (scan_read(&scan, body, NULL))
		return false;
	scan_release(&scan);
	return true;
}

static void decode(decode_fn *fn, struct slice body, enum event_source source)
{
	struct event_list list;
	struct error err = {.text = ""};
	enum result r;

	event_list_init(&list);
	r = fn(body, &list, &err);
	require(r == RESULT_OK || (r == RESULT_INVALID && err.text[0]));
	if (r == RESULT_OK) {
		require(is_json(body));
		for (size_t i = 0; i < list.count; i++)
			require_event(&list.items[i], source);
	}
	event_list_release(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = {(const char *)data, size};

	decode(decode_sunco, body, EVENT_FROM_SUNCO);
	decode(decode_zendesk, body, EVENT_FROM_ZENDESK);
	return 0;
}
