/*
 * A ring: the newest takes the oldest one's place.
 */
#include "app/tidings.h"

#include <stdlib.h>

#include "base/str.h"

struct tidings {
	struct tiding rows[TIDINGS_MAX];
	uint64_t count; /* ever put */
};

struct tidings *tidings_new(void)
{
	return xcalloc(1, sizeof(struct tidings));
}

void tidings_free(struct tidings *t)
{
	free(t);
}

void tidings_put(struct tidings *t, const char *account, const struct event *e,
		 int64_t now_ms)
{
	struct tiding *row = &t->rows[t->count % TIDINGS_MAX];

	if (!e->type)
		return;
	*row = (struct tiding){
		.type = e->type,
		.user_id = e->zendesk_user_id,
		.other_user_id = e->other_zendesk_user_id,
		.received_ms = now_ms,
	};
	str_copy(row->account, sizeof(row->account), account);
	str_copy(row->sunco_id, sizeof(row->sunco_id), e->sunco_id);
	t->count++;
}

const struct tiding *tidings_at(const struct tidings *t, size_t i)
{
	size_t kept = t->count < TIDINGS_MAX ? t->count : TIDINGS_MAX;

	return i < kept ? &t->rows[(t->count - kept + i) % TIDINGS_MAX] : NULL;
}
