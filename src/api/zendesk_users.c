/*
 * Reading users with their identities: one by id, or the hits of a search.
 *
 *	read pages --> every user's identities known? --yes--> end
 *	                          | no
 *	                          +--> list them, ZENDESK_SLOTS at a time --> end
 *
 * All or nothing: a user without its identities, a page that cannot be read
 * or a link to another place fails the whole call, since a decision on a part
 * of the owners would be wrong. A 404 of anything but the user asked for is
 * no "not found".
 */
#include "zendesk_int.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/json.h"

enum {
	PATH_MAX_BYTES = 8 * 1024,
	SEARCH_PAGES_MAX = 30,
	SEARCH_HITS_MAX = 300,
	LIST_PAGES_MAX = 10,
	IDENTITIES_PAGE = 100,
};

/* Side-loaded with every user: not a single request more. */
#define INCLUDE "include=identities,organizations"

static void list_next(struct zendesk_op *op, const struct api_result *r);

/* ---- identities, one user at a time in a slot ---- */

static void list_page(struct zendesk_slot *s, const char *path)
{
	struct api_call call = {
		.name = "identities_list",
		.method = "GET",
		.path = path,
		.user = s->op->users[s->user].id,
	};

	s->pages++;
	zendesk_op_send(s, &call);
}

static void list_fail(struct zendesk_slot *s, const struct api_result *r,
		      enum result class, const char *why)
{
	struct zd_user *u = &s->op->users[s->user];
	struct api_result left_out = *r;

	json_free(s->identities);
	s->identities = NULL;
	if (!s->op->lenient) {
		zendesk_op_fail(s->op, r, class, why);
		return;
	}
	u->active = false;
	u->identities_known = true;
	left_out.result = RESULT_OK;
	left_out.error.text[0] = '\0';
	list_next(s->op, &left_out);
}

static void list_done(struct zendesk_slot *s, const struct api_result *r)
{
	struct zd_user *u = &s->op->users[s->user];

	zd_user_decode_identities(u, s->identities);
	if (!u->identities_known) {
		list_fail(s, r, RESULT_PERM,
			  "identities: too many of one user");
		return;
	}
	json_free(s->identities);
	s->identities = NULL;
	list_next(s->op, r);
}

static void list_answered(struct zendesk_slot *s, const struct api_result *r,
			  const struct json_t *json)
{
	const struct json_t *page = json_get(json, "identities");
	const char *path = NULL;
	enum zendesk_more more;

	if (r->result == RESULT_NOTFOUND) {
		list_fail(s, r, s->op->id ? RESULT_NOTFOUND : RESULT_TEMP,
			  "identities: the user is gone");
		return;
	}
	if (r->result != RESULT_OK) {
		zendesk_op_end(s->op, r);
		return;
	}
	for (size_t i = 0; i < json_len(page); i++)
		json_push(s->identities, json_clone(json_at(page, i)));
	more = json_is_arr(page) ? zendesk_next_path(s->op, json, &path)
				 : MORE_BROKEN;
	if (more == MORE_NO)
		list_done(s, r);
	else if (more == MORE_YES && s->pages < LIST_PAGES_MAX)
		list_page(s, path);
	else
		list_fail(s, r, RESULT_PERM, "identities: no end of the list");
}

static void list_start(struct zendesk_slot *s, size_t user)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path,
		   "/api/v2/users/%" PRIu64 "/identities?page%%5Bsize%%5D=100",
		   s->op->users[user].id);
	s->user = user;
	s->pages = 0;
	s->identities = json_new_arr();
	list_page(s, path.data);
	buf_release(&path);
}

/* Fills the free slots; ends the op when nothing is left to do. */
static void list_next(struct zendesk_op *op, const struct api_result *r)
{
	op->answered = list_answered;
	for (int i = 0; i < ZENDESK_SLOTS; i++) {
		if (op->slots[i].request)
			continue;
		while (op->listed < op->count &&
		       op->users[op->listed].identities_known)
			op->listed++;
		if (op->listed < op->count)
			list_start(&op->slots[i], op->listed++);
	}
	if (op->open == 0)
		zendesk_op_end(op, r);
}

void zendesk_op_list_rest(struct zendesk_op *op, const struct api_result *r)
{
	op->listed = 0;
	list_next(op, r);
}

/* ---- users out of an answer ---- */

/* Side-loaded identities are beside the users or inside them. None for a user
 * that has an address means that they were not brought; as many as a page has
 * may be the first page of more. */
static bool user_take(struct zendesk_op *op, const struct json_t *v,
		      const struct json_t *answer, bool alone)
{
	const struct json_t *beside = json_get(answer, "identities");
	const struct json_t *organizations = json_get(answer, "organizations");
	struct zd_user u;

	if (zd_user_decode(v, &u, NULL) != RESULT_OK)
		return false;
	for (size_t i = 0; i < op->count; i++)
		if (op->users[i].id == u.id) {
			zd_user_release(&u);
			return true;
		}
	if (json_is_arr(beside) && json_len(beside) < IDENTITIES_PAGE)
		zd_user_decode_identities(&u, beside);
	if (json_is_arr(organizations))
		zd_user_decode_organizations(&u, organizations, alone);
	if (u.identity_count == 0 && !str_is_empty(json_get_str(v, "email")))
		u.identities_known = false;
	zendesk_op_add_user(op, &u);
	return true;
}

static void deliver_users(struct zendesk_op *op, const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	op->done.users(r, ok ? op->users : NULL, ok ? op->count : 0, op->arg);
}

/* ---- one user ---- */

static void user_answered(struct zendesk_slot *s, const struct api_result *r,
			  const struct json_t *json)
{
	struct zendesk_op *op = s->op;

	if (r->result != RESULT_OK)
		zendesk_op_end(op, r);
	else if (!user_take(op, json_get(json, "user"), json,
			    !json_get_bool(json, "many", false)))
		zendesk_op_fail(op, r, RESULT_TEMP, "user: cannot be read");
	else if (op->users[0].id != op->id)
		zendesk_op_fail(op, r, RESULT_CONFLICT,
				"user: another one was answered");
	else
		list_next(op, r);
}

struct zendesk_op *zendesk_user_get(struct api_client *c, enum job_lane lane,
				    uint64_t id, zendesk_user_done *done,
				    void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {
		.name = "user_get",
		.method = "GET",
		.user = id,
		.shareable = true,
	};
	struct buf path;

	op->id = id;
	op->answered = user_answered;
	op->deliver = zendesk_op_deliver_user;
	op->done.user = done;
	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path, "/api/v2/users/%" PRIu64 "?" INCLUDE, id);
	call.path = path.data;
	zendesk_op_send(&op->slots[0], &call);
	buf_release(&path);
	return op;
}

/* ---- searches ---- */

static void search_page(struct zendesk_op *op, const char *path)
{
	struct api_call call = {
		.name = "user_search",
		.endpoint = ENDPOINT_SEARCH,
		.method = "GET",
		.path = path,
	};

	op->pages++;
	zendesk_op_send(&op->slots[0], &call);
}

static void search_go_on(struct zendesk_op *op, const struct api_result *r,
			 const struct json_t *json)
{
	const char *path = NULL;
	enum zendesk_more more = zendesk_next_path(op, json, &path);

	if (more == MORE_BROKEN)
		zendesk_op_fail(op, r, RESULT_PERM,
				"search: the next page is not on this account");
	else if (op->count > SEARCH_HITS_MAX ||
		 (more == MORE_YES && op->pages == SEARCH_PAGES_MAX))
		zendesk_op_fail(op, r, RESULT_PERM, "search: too many hits");
	else if (more == MORE_YES)
		search_page(op, path);
	else
		list_next(op, r);
}

static void search_answered(struct zendesk_slot *s, const struct api_result *r,
			    const struct json_t *json)
{
	struct zendesk_op *op = s->op;
	const struct json_t *users = json_get(json, "users");
	bool readable = json_is_arr(users);

	if (r->result == RESULT_NOTFOUND) {
		zendesk_op_fail(op, r, RESULT_PERM, "search: HTTP 404");
		return;
	}
	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return;
	}
	for (size_t i = 0; i < json_len(users) && readable; i++)
		readable = user_take(op, json_at(users, i), json,
				     json_len(users) == 1);
	if (readable)
		search_go_on(op, r, json);
	else
		zendesk_op_fail(op, r, RESULT_TEMP, "search: cannot be read");
}

static struct zendesk_op *search(struct api_client *c, enum job_lane lane,
				 const char *key, struct slice value,
				 zendesk_users_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct buf path;

	op->answered = search_answered;
	op->deliver = deliver_users;
	op->done.users = done;
	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path, "/api/v2/users/search?%s=", key);
	http_escape(&path, value);
	buf_puts(&path, "&" INCLUDE);
	search_page(op, path.overflow ? NULL : path.data);
	buf_release(&path);
	return op;
}

struct zendesk_op *zendesk_search_address(struct api_client *c,
					  enum job_lane lane,
					  const char *address,
					  zendesk_users_done *done, void *arg)
{
	return zendesk_search_addresses(c, lane, &address, 1, done, arg);
}

static void put_quoted(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

struct zendesk_op *zendesk_search_addresses(struct api_client *c,
					    enum job_lane lane,
					    const char *const *addresses,
					    size_t count,
					    zendesk_users_done *done, void *arg)
{
	struct zendesk_op *op;
	struct buf query;

	buf_init(&query, PATH_MAX_BYTES);
	for (size_t i = 0; i < count; i++) {
		buf_puts(&query, i > 0 ? " email:" : "email:");
		put_quoted(&query, addresses[i]);
	}
	op = search(c, lane, "query", (struct slice){query.data, query.len},
		    done, arg);
	buf_release(&query);
	return op;
}

struct zendesk_op *zendesk_search_external_id(struct api_client *c,
					      enum job_lane lane,
					      const char *external_id,
					      zendesk_users_done *done,
					      void *arg)
{
	return search(c, lane, "external_id", slice_of(external_id), done, arg);
}
