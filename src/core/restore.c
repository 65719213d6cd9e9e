/*
 * Restore plans: what an entry did, and the steps of all but merges. See
 * restore.h; merges are in restore_merge.c, the script in restore_script.c.
 */
#include "restore_int.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define TEXT_MAX_BYTES 4096

const char *restore_verdict_name(enum restore_verdict v)
{
	static const char *const names[] = {
		[RESTORE_NOTHING] = "nothing",
		[RESTORE_STEPS] = "steps",
		[RESTORE_UNSURE] = "unsure",
		[RESTORE_PARTIAL] = "partial",
	};

	return names[v];
}

const char *restore_kind_name(enum restore_kind k)
{
	static const char *const names[] = {
		[RESTORE_COMMAND] = "command", [RESTORE_LOOK] = "look",
		[RESTORE_READ] = "read",       [RESTORE_CHANGE] = "change",
		[RESTORE_CANNOT] = "cannot",
	};

	return names[k];
}

PRINTF_LIKE(1, 0) static char *vtext(const char *fmt, va_list ap)
{
	char text[TEXT_MAX_BYTES];

	vsnprintf(text, sizeof(text), fmt, ap);
	return xstrdup(text);
}

char *restore_text(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = vtext(fmt, ap);
	va_end(ap);
	return text;
}

struct restore_step *restore_add(struct restore_case *c, enum restore_kind kind,
				 const char *fmt, ...)
{
	struct restore_plan *p = c->plan;
	struct restore_step *s;
	va_list ap;

	p->steps = xrealloc(p->steps, (p->count + 1) * sizeof(*p->steps));
	s = &p->steps[p->count++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	va_start(ap, fmt);
	s->why = vtext(fmt, ap);
	va_end(ap);
	return s;
}

void restore_call(struct restore_step *s, const char *method, char *path,
		  struct json_t *body)
{
	s->method = method;
	s->path = path;
	s->body = body;
}

const char *restore_value(const struct restore_case *c, const char *value,
			  const char *what)
{
	return c->plan->personal ? value : what;
}

static void quoted(struct buf *out, const char *text)
{
	struct json_t *v = json_new_str(text);

	json_write(v, out);
	json_free(v);
}

char *restore_pick(const char *before, const char *value, const char *after)
{
	struct buf pick;

	buf_init(&pick, RESTORE_PICK_MAX);
	buf_puts(&pick, before);
	quoted(&pick, value);
	buf_puts(&pick, after);
	return buf_detach(&pick);
}

void restore_drop_identity(struct restore_case *c, uint64_t user,
			   const char *type, const char *value)
{
	char *name = restore_text("IDENTITY_%zu", c->plan->count + 1);
	char *is = restore_text("first(.identities[] | select(.type == \"%s\" "
				"and (.value | ascii_downcase) == (",
				type);
	struct restore_step *s = restore_add(
		c, RESTORE_READ,
		"Find the identity (%s) that user %" PRIu64 " was given.", type,
		user);

	restore_call(s, "GET",
		     restore_text("/api/v2/users/%" PRIu64
				  "/identities?page%%5Bsize%%5D=100",
				  user),
		     NULL);
	s->sets = xstrdup(name);
	s->pick = restore_pick(is, restore_value(c, value, "<identity>"),
			       " | ascii_downcase))) | .id");
	s = restore_add(c, RESTORE_CHANGE,
			"Take it away from user %" PRIu64
			": what is unique can be given back only then.",
			user);
	restore_call(s, "DELETE",
		     restore_text("/api/v2/users/%" PRIu64 "/identities/$%s",
				  user, name),
		     NULL);
	s->only_if = name;
	free(is);
}

void restore_reject(struct restore_case *c)
{
	struct restore_step *s = restore_add(
		c, RESTORE_COMMAND,
		"First of all tell reunite that this was wrong, or it does the "
		"same again at the next conversation.");

	s->command = restore_text("journal reject %" PRId64, c->entry->id);
	s->check = xstrdup("`reunite journal list` ends with a line "
			   "none/rejected_before for this person.");
}

/* The name that was completed, put back if it is still there. */
static void name_back(struct restore_case *c)
{
	uint64_t id = c->entry->messaging_user_id;
	char full[RESTORE_NAME_MAX];
	struct json_t *user, *body;
	struct restore_step *s;

	if (!c->sunco_known || !policy_name_generated(c->person.user.name) ||
	    !sunco_user_name(&c->sunco, full, sizeof(full)) ||
	    str_is_empty(c->person.user.name))
		return;
	s = restore_add(c, RESTORE_READ,
			"Does user %" PRIu64
			" still have the name that was completed?",
			id);
	restore_call(s, "GET", restore_text("/api/v2/users/%" PRIu64, id),
		     NULL);
	s->sets = xstrdup("NAMED");
	s->pick = restore_pick(".user | select(.name == ",
			       restore_value(c, full, "<completed name>"),
			       ") | .id");
	s = restore_add(c, RESTORE_CHANGE,
			"Put the name back that Zendesk had made up.");
	user = json_new_obj();
	body = json_new_obj();
	json_set_str(user, "name",
		     restore_value(c, c->person.user.name, "<former name>"));
	json_set(body, "user", user);
	restore_call(s, "PUT", restore_text("/api/v2/users/%" PRIu64, id),
		     body);
	s->only_if = xstrdup("NAMED");
}

static void adopt_partial(struct restore_case *c)
{
	uint64_t id = c->entry->messaging_user_id;
	struct restore_step *s;

	c->plan->verdict = RESTORE_PARTIAL;
	s = restore_add(c, RESTORE_LOOK,
			"The before-image is gone: look for the address that "
			"user %" PRIu64 " was given, and delete it by its id.",
			id);
	restore_call(s, "GET",
		     restore_text("/api/v2/users/%" PRIu64
				  "/identities?page%%5Bsize%%5D=100",
				  id),
		     NULL);
}

static void adopt(struct restore_case *c)
{
	char address[ADDRESS_SIZE] = "";

	restore_reject(c);
	if (c->sunco_known)
		policy_evidence(&c->sunco, address);
	if (!c->person.known || !address[0]) {
		adopt_partial(c);
		return;
	}
	restore_drop_identity(c, c->entry->messaging_user_id, "email", address);
	name_back(c);
	restore_add(c, RESTORE_CANNOT,
		    "What was sent to the address meanwhile cannot be taken "
		    "back, and a login with it may have linked the person "
		    "further: look at the user before you close the case.");
}

static void give_back(struct restore_case *c)
{
	uint64_t id = c->entry->messaging_user_id;
	const char *external_id =
		c->person.known ? c->person.user.external_id : NULL;
	struct json_t *user, *body;
	struct restore_step *s;

	if (!external_id) {
		c->plan->verdict = RESTORE_PARTIAL;
		restore_add(c, RESTORE_CANNOT,
			    "The before-image is gone, and with it the "
			    "external id.");
		return;
	}
	user = json_new_obj();
	body = json_new_obj();
	json_set_str(user, "external_id",
		     restore_value(c, external_id, "<external id>"));
	json_set(body, "user", user);
	s = restore_add(c, RESTORE_CHANGE,
			"Give it back. A 422 means that another user has it "
			"now: find out who, and which of the two may keep it.");
	restore_call(s, "PUT", restore_text("/api/v2/users/%" PRIu64, id),
		     body);
}

static bool side_decode(const struct json_t *v, struct restore_side *out)
{
	out->raw = json_get(v, "user");
	out->known = json_is_obj(out->raw) &&
		     zd_user_decode(out->raw, &out->user, NULL) == RESULT_OK;
	if (!out->known)
		return false;
	zd_user_decode_identities(&out->user, json_get(v, "identities"));
	zd_user_decode_organizations(&out->user, json_get(v, "organizations"),
				     true);
	if (!json_get_bool(v, "organizations_complete", false))
		out->user.organizations_known = false;
	out->known = out->user.identities_known;
	if (!out->known)
		zd_user_release(&out->user);
	return out->known;
}

static void case_open(struct restore_case *c, const struct journal_entry *e,
		      struct restore_plan *out)
{
	const char *text = e->before_image;

	memset(c, 0, sizeof(*c));
	c->entry = e;
	c->plan = out;
	c->image = text ? json_parse(text, strlen(text), NULL) : NULL;
	side_decode(json_get(c->image, "messaging_user"), &c->person);
	side_decode(json_get(c->image, "profile"), &c->profile);
	c->sunco_known = sunco_user_decode(json_get(c->image, "sunco_user"),
					   &c->sunco, NULL) == RESULT_OK;
}

static void case_close(struct restore_case *c)
{
	if (c->person.known)
		zd_user_release(&c->person.user);
	if (c->profile.known)
		zd_user_release(&c->profile.user);
	if (c->sunco_known)
		sunco_user_release(&c->sunco);
	json_free(c->image);
}

/* Only an intent keeps a before-image: of these, a name was completed. */
static bool named_only(const struct journal_entry *e)
{
	return e->action == ACTION_NONE && e->before_image;
}

/* A merge that was refused or failed, and what had been taken for it is not
 * back where it was. */
static bool kept_back(const struct journal_entry *e)
{
	return (e->reasons & (REASON_BIT(REASON_EXTERNAL_ID_TAKEN) |
			      REASON_BIT(REASON_EXTERNAL_ID_NOT_RETURNED))) !=
	       0;
}

static enum restore_verdict verdict_of(const struct journal_entry *e)
{
	bool changes = e->action == ACTION_MERGE || e->action == ACTION_ADOPT;

	if (kept_back(e))
		return RESTORE_STEPS;
	if ((!(changes && e->applied) && !named_only(e)) ||
	    e->status == JOURNAL_FAILED)
		return RESTORE_NOTHING;
	return e->status == JOURNAL_DONE ? RESTORE_STEPS : RESTORE_UNSURE;
}

static char *summary_of(const struct journal_entry *e,
			enum restore_verdict verdict)
{
	const char *maybe = verdict == RESTORE_UNSURE
				    ? " It is not known yet whether that took "
				      "effect: look first."
				    : "";

	if (verdict == RESTORE_NOTHING)
		return restore_text(
			"Nothing to restore: this decision (%s, %s, %s) "
			"changed nothing in Zendesk.",
			action_name(e->action), reason_code(e->reason),
			journal_status_name(e->status));
	if (kept_back(e))
		return restore_text(
			"Nobody was linked, but user %" PRIu64 " gave up its "
			"external id for it and has not got it back.",
			e->messaging_user_id);
	if (e->action == ACTION_MERGE)
		return restore_text(
			"User %" PRIu64 " was merged into user %" PRIu64
			".%s A merge cannot be undone: the plan takes back "
			"what user %" PRIu64 " gained, and recreates the "
			"absorbed user under a new id.",
			e->messaging_user_id, e->profile_id, maybe,
			e->profile_id);
	if (e->action == ACTION_ADOPT)
		return restore_text(
			"User %" PRIu64 " was given the address that the "
			"person brought.%s The plan takes it away again.",
			e->messaging_user_id, maybe);
	return restore_text("User %" PRIu64 " was given the person's name.%s",
			    e->messaging_user_id, maybe);
}

void restore_plan_make(const struct journal_entry *e, bool personal,
		       struct restore_plan *out)
{
	struct restore_case c;

	memset(out, 0, sizeof(*out));
	out->personal = personal;
	out->journal_id = e->id;
	str_copy(out->account, sizeof(out->account), e->account);
	out->verdict = verdict_of(e);
	out->summary = summary_of(e, out->verdict);
	if (out->verdict == RESTORE_NOTHING)
		return;
	case_open(&c, e, out);
	if (kept_back(e))
		give_back(&c);
	else if (e->action == ACTION_MERGE)
		restore_merge(&c);
	else if (e->action == ACTION_ADOPT)
		adopt(&c);
	else
		name_back(&c);
	case_close(&c);
}

void restore_person_hash(const struct journal_entry *e,
			 struct crypto_hmac *hmac, uint8_t out[16])
{
	const char *text = e->before_image;
	struct json_t *image =
		text ? json_parse(text, strlen(text), NULL) : NULL;
	struct sunco_user u;

	memset(out, 0, 16);
	if (sunco_user_decode(json_get(image, "sunco_user"), &u, NULL) ==
	    RESULT_OK) {
		sunco_person_hash(hmac, &u, out);
		sunco_user_release(&u);
	}
	json_free(image);
}

static void step_release(struct restore_step *s)
{
	free(s->why);
	free(s->command);
	free(s->path);
	json_free(s->body);
	free(s->sets);
	free(s->pick);
	free(s->only_if);
	free(s->each);
	free(s->check);
}

void restore_plan_release(struct restore_plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		step_release(&p->steps[i]);
	free(p->steps);
	free(p->summary);
	memset(p, 0, sizeof(*p));
}
