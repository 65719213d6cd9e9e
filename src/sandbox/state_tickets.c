/*
 * Tickets, found by id and by requester.
 */
#include "sandbox/state.h"

#include <stdlib.h>

#include "base/json.h"
#include "sandbox/index.h"
#include "sandbox/list.h"

static struct slice requester_key(const uint64_t *id)
{
	return (struct slice){(const char *)id, sizeof(*id)};
}

struct zen_ticket *state_ticket_add(struct state *s, uint64_t id,
				    struct zen_user *requester, int64_t now_ms)
{
	struct zen_ticket *t = xcalloc(1, sizeof(*t));

	t->id = id ? id : s->next_ticket_id++;
	t->requester_id = requester->id;
	t->subject = xstrdup("Conversation");
	t->status = xstrdup("open");
	t->channel = xstrdup("native_messaging");
	t->tags = json_new_arr();
	t->created_ms = now_ms;
	t->updated_ms = now_ms;
	index_add_id(s->ticket_by_id, t->id, t);
	index_add(s->tickets_of, requester_key(&t->requester_id), t);
	LIST_PUSH(s->tickets, s->ticket_count, t);
	return t;
}

struct zen_ticket *state_ticket(const struct state *s, uint64_t id)
{
	return index_first_id(s->ticket_by_id, id);
}

size_t state_tickets_of(const struct state *s, const struct zen_user *u)
{
	size_t count;

	index_find(s->tickets_of, requester_key(&u->id), &count);
	return count;
}

size_t state_tickets_open(const struct state *s, const struct zen_user *u)
{
	size_t count, open = 0;
	void *const *found =
		index_find(s->tickets_of, requester_key(&u->id), &count);

	for (size_t i = 0; i < count; i++) {
		const struct zen_ticket *t = found[i];

		open += !str_eq(t->status, "closed");
	}
	return open;
}

void state_ticket_delete(struct state *s, struct zen_ticket *t, int64_t now_ms)
{
	index_remove_id(s->ticket_by_id, t->id, t);
	index_remove(s->tickets_of, requester_key(&t->requester_id), t);
	state_user_set_text(&t->status, "deleted");
	t->updated_ms = now_ms;
}

void state_ticket_give(struct state *s, struct zen_ticket *t,
		       const struct zen_user *to, int64_t now_ms)
{
	index_remove(s->tickets_of, requester_key(&t->requester_id), t);
	t->requester_id = to->id;
	t->updated_ms = now_ms;
	index_add(s->tickets_of, requester_key(&t->requester_id), t);
}

void state_tickets_move(struct state *s, struct zen_user *from,
			struct zen_user *to, int64_t now_ms)
{
	struct zen_ticket *t;

	while ((t = index_first(s->tickets_of, requester_key(&from->id))))
		state_ticket_give(s, t, to, now_ms);
}

void state_ticket_comment(struct zen_ticket *t, const char *body,
			  bool is_public, uint64_t author_id, int64_t now_ms)
{
	struct zen_comment c = {xstrdup(body), is_public, author_id, now_ms};

	LIST_PUSH(t->comments, t->comment_count, c);
	t->updated_ms = now_ms;
}

void state_tickets_free(struct state *s)
{
	for (size_t i = 0; i < s->ticket_count; i++) {
		struct zen_ticket *t = s->tickets[i];

		for (size_t n = 0; n < t->comment_count; n++)
			free(t->comments[n].body);
		free(t->comments);
		json_free(t->tags);
		free(t->conversation_id);
		free(t->subject);
		free(t->status);
		free(t->channel);
		free(t);
	}
	free(s->tickets);
}
