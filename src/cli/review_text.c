/*
 * A review as text: what is asked and why, what a merge loses, whom a sync
 * would touch, what an approval does. Both sides are in review_sides.c.
 *
 * Made from the same JSON that --json prints, so that both say the same.
 * Values of people are cleaned of control characters.
 */
#include "review_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define LINE_WIDTH     79
#define LINE_MAX_BYTES (64 * 1024)
#define CELL_MAX_BYTES (64 * 1024)

/* --- pieces --- */

/* One paragraph; its later lines go in below its first word. */
static void wrap(FILE *out, const char *text)
{
	size_t spaces = strspn(text, " ");
	size_t digits = strspn(text + spaces, "0123456789");
	bool dash = str_starts(text + spaces, "- ");
	bool numbered = digits && str_starts(text + spaces + digits, ". ");
	size_t indent = spaces + (dash ? 2 : numbered ? digits + 2 : 0);
	size_t column = 0;

	while (*text) {
		size_t lead = strspn(text, " ");
		size_t word = strcspn(text + lead, " ");

		if (column > indent && column + lead + word > LINE_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			text += lead;
			lead = 0;
		}
		fprintf(out, "%.*s", (int)(lead + word), text);
		column += lead + word;
		text += lead + word;
	}
	fputc('\n', out);
}

static void line(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void line(struct cli *c, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_clean(text);
	wrap(c->out, text);
}

void review_heading(struct cli *c, const char *text)
{
	fprintf(c->out, "\n%s%s%s\n", c->colour ? "\033[1m" : "", text,
		c->colour ? "\033[0m" : "");
}

static void sentences(struct cli *c, const struct json_t *arr, bool numbered)
{
	for (size_t i = 0; i < json_len(arr); i++) {
		const char *text = json_str(json_at(arr, i));

		if (numbered)
			line(c, "  %zu. %s", i + 1, text);
		else
			line(c, "  - %s", text);
	}
}

static long long number(const struct json_t *v, const char *key)
{
	return (long long)json_get_int(v, key, 0);
}

/* --- what is alike, lost, touched --- */

static void print_alike(struct cli *c, const struct json_t *alike)
{
	static const struct {
		const char *key, *label;
	} kinds[] = {{"name", "names"},
		     {"external_id", "external ids"},
		     {"organization", "organizations"}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *how = json_get_str(alike, kinds[i].key);

		if (str_eq(how, "same"))
			line(c, "  The %s are the same.", kinds[i].label);
		else if (str_eq(how, "different"))
			line(c, "  The %s differ.", kinds[i].label);
	}
}

static void print_lost_tags(struct cli *c, const struct json_t *v)
{
	const struct json_t *values = json_get(v, "values");
	struct buf b;

	if (number(v, "lost") == 0)
		return;
	buf_init(&b, CELL_MAX_BYTES);
	for (size_t i = 0; i < json_len(values); i++)
		buf_printf(&b, "%s%s", i ? ", " : ": ",
			   json_str(json_at(values, i)));
	line(c, "  - %lld of %lld tags that the profile does not have%s",
	     number(v, "lost"), number(v, "count"), b.data);
	buf_release(&b);
}

static void print_lost_text(struct cli *c, const struct json_t *v,
			    const char *what)
{
	const char *value = json_get_str(v, "value");

	if (number(v, "lost") == 0)
		return;
	line(c, "  - %s (%lld bytes)%s%s", what, number(v, "bytes"),
	     value ? ": " : "", value ? value : "");
}

static void print_lost_fields(struct cli *c, const struct json_t *v)
{
	const struct json_t *fields = json_get(v, "fields");

	for (size_t i = 0; i < json_len(fields); i++) {
		const struct json_t *f = json_at(fields, i);
		const struct json_t *value = json_get(f, "value");
		char *text = value ? json_text(value) : NULL;

		line(c, "  - user field %s%s%s%s", json_get_str(f, "field"),
		     text ? ": " : "", text ? text : "",
		     json_get_bool(f, "profile_has_another", false)
			     ? " (the profile has another value)"
			     : "");
		free(text);
	}
}

static void print_losses(struct cli *c, const struct json_t *v)
{
	const struct json_t *id = json_get(v, "external_id");
	long long lost = number(json_get(v, "tags"), "lost") +
			 number(json_get(v, "notes"), "lost") +
			 number(json_get(v, "details"), "lost") +
			 number(json_get(v, "user_fields"), "lost") +
			 number(id, "lost");

	if (!json_is_obj(v))
		return;
	review_heading(c, "What the merge loses for good");
	if (!lost)
		line(c, "  Nothing: the conversation's user has no tags, "
			"notes, details, user fields or external id that the "
			"profile does not have or get.");
	print_lost_tags(c, json_get(v, "tags"));
	print_lost_text(c, json_get(v, "notes"), "the notes");
	print_lost_text(c, json_get(v, "details"), "the details");
	print_lost_fields(c, json_get(v, "user_fields"));
	if (number(id, "lost"))
		line(c, "  - the external id%s%s",
		     json_get_str(id, "value") ? ": " : "",
		     json_get_str(id, "value") ? json_get_str(id, "value")
					       : "");
}

static void print_third(struct cli *c, const struct json_t *card)
{
	const struct json_t *list = json_get(card, "third_sunco_users");

	if (!list || (json_is_arr(list) && json_len(list) == 0))
		return;
	review_heading(c, "Others in Sunshine Conversations");
	if (json_is_null(list)) {
		line(c, "  Unknown: Sunshine Conversations did not answer.");
		return;
	}
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json_t *u = json_at(list, i);

		line(c, "  - %s has %s, too; a sync (sunco_sync) would %s",
		     json_get_str(u, "id"), json_get_str(u, "holds"),
		     json_get_str(u, "sync_would"));
	}
}

/* --- the whole --- */

static void print_question(struct cli *c, const struct json_t *v)
{
	char *user = json_get_text(v, "messaging_user_id");
	char *profile = json_get_text(v, "profile_id");
	char *ticket = json_get_text(v, "ticket_id");
	long long attached = number(v, "attached");
	bool merge = str_eq(json_get_str(v, "intended"), "merge");
	bool adopt = str_eq(json_get_str(v, "intended"), "adopt");

	line(c, "Review %lld of %s: %s, asked %s", number(v, "id"),
	     json_get_str(v, "account"), json_get_str(v, "state"),
	     json_get_str(v, "at"));
	if (merge)
		line(c, "May user %s be merged into profile %s?", user,
		     profile);
	else if (adopt)
		line(c, "May user %s have the address?", user);
	else
		line(c, "What is to become of user %s?", user);
	if (ticket)
		line(c, "Ticket %s.", ticket);
	if (attached)
		line(c,
		     "%lld more conversation%s for this answer; afterwards "
		     "each is decided for itself.",
		     attached, attached == 1 ? " waits" : "s wait");
	free(user);
	free(profile);
	free(ticket);
}

static void print_owners(struct cli *c, const struct json_t *list)
{
	if (json_len(list) < 2)
		return;
	line(c, "  %zu profiles own the address; the likeliest is below:",
	     json_len(list));
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json_t *u = json_at(list, i);
		const char *link = json_get_str(u, "link");
		char *id = json_get_text(u, "id");

		line(c, "  - %s", link ? link : id ? id : "-");
		free(id);
	}
}

static void print_addresses(struct cli *c, const struct json_t *card)
{
	const struct json_t *list =
		json_get(json_get(card, "conversation"), "identities");

	if (number(card, "addresses") < 2)
		return;
	line(c, "  The conversation carries %lld addresses.",
	     number(card, "addresses"));
	for (size_t i = 0; i < json_len(list); i++)
		if (str_eq(json_get_str(json_at(list, i), "type"), "email"))
			line(c, "  - %s",
			     json_get_str(json_at(list, i), "value"));
}

static void print_why(struct cli *c, const struct json_t *card)
{
	const char *address = json_get_str(card, "address");

	review_heading(c, "Why a person is asked");
	sentences(c, json_get(card, "because"), false);
	line(c, "  %s", json_get_str(card, "evidence"));
	if (address)
		line(c, "  The address is %s", address);
	if (json_get_str(card, "former_owner"))
		line(c, "  %s", json_get_str(card, "former_owner"));
	print_owners(c, json_get(card, "owners"));
	print_addresses(c, card);
	if (json_get_bool(card, "survived_merge", false))
		line(c, "  An earlier merge ended in the conversation's user.");
	print_alike(c, json_get(card, "alike"));
	if (json_get_str(card, "refusal"))
		line(c, "  Zendesk said: %s", json_get_str(card, "refusal"));
	if (json_get_str(card, "earlier_approval"))
		line(c, "  %s", json_get_str(card, "earlier_approval"));
}

static void print_open(struct cli *c, const struct json_t *v,
		       const struct json_t *card)
{
	bool approvable = json_get_bool(card, "approvable", false);
	bool offered = str_eq(json_get_str(card, "pin"), "offered");
	long long id = number(v, "id");

	review_heading(c, "If you approve");
	sentences(c, json_get(card, "approving"), approvable);
	if (offered && approvable)
		line(c, "  %s", json_get_str(card, "pin_means"));
	fprintf(c->out, "\n");
	if (approvable)
		line(c, "reunite review approve %lld%s", id,
		     offered ? "    (or with --pin)" : "");
	line(c, "reunite review reject %lld     (never proposed again)", id);
	line(c, "Undecided, it is closed at %s.",
	     json_get_str(v, "expires_at"));
}

static void print_closed(struct cli *c, const struct json_t *v)
{
	const char *by = json_get_str(v, "decided_by");
	const char *at = json_get_str(v, "decided_at");

	fprintf(c->out, "\n");
	line(c, "%s%s%s%s%s%s.", json_get_str(v, "state"), by ? " by " : "",
	     by ? by : "", at ? " at " : "", at ? at : "",
	     str_eq(json_get_str(v, "pin"), "named") ? ", with the external id"
						     : "");
}

void review_text(struct cli *c, const struct json_t *v)
{
	const struct json_t *card = json_get(v, "card");

	print_question(c, v);
	print_why(c, card);
	if (json_is_obj(json_get(card, "messaging_user")))
		review_sides(c, card);
	else
		line(c, "  Both sides as they were read are not kept any "
			"more.");
	print_losses(c, json_get(card, "loses"));
	print_third(c, card);
	if (str_eq(json_get_str(v, "state"), "open"))
		print_open(c, v, card);
	else
		print_closed(c, v);
	if (!c->personal)
		line(c, "Addresses, names and other values are not shown; "
			"--show-personal-data shows them.");
}
