/*
 * The report of `readiness`: counts, shares, bars, and what they say.
 *
 * Pure but for the stream. Sections without anything to tell say so instead
 * of showing rows of noughts.
 */
#include "readiness_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define DAY_MS	  (INT64_C(24) * 3600 * 1000)
#define LABEL	  28 /* columns of a row before its count */
#define COUNT	  10
#define SHARE	  11
#define BAR_MIN	  8
#define WIDTH_MIN 40
#define BOLD	  "\033[1m"
#define PLAIN	  "\033[0m"

struct page {
	FILE *out;
	const struct readiness_look *look;
};

/* "2026-11-16" */
static const char *date_of(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
	clock_format(ms, text);
	text[strlen("2026-11-16")] = '\0';
	return text;
}

static void heading(const struct page *p, const char *text)
{
	fprintf(p->out, "\n%s%s%s\n", p->look->colour ? BOLD : "", text,
		p->look->colour ? PLAIN : "");
}

/* Something is never nothing, and not everything never all. */
static int bar_length(int64_t part, int64_t whole, int room)
{
	int n;

	if (part <= 0 || whole <= 0)
		return 0;
	n = (int)((double)part / (double)whole * room + 0.5);
	if (n >= room && part < whole)
		n = room - 1;
	return n < 1 ? 1 : n > room ? room : n;
}

static void bar(const struct page *p, int used, int64_t part, int64_t whole)
{
	int room = p->look->width - used;
	int n = room < BAR_MIN ? 0 : bar_length(part, whole, room);

	if (n > 0)
		fputs("  ", p->out);
	for (; n > 0; n--)
		fputs(p->look->blocks ? "\xe2\x96\x88" : "#", p->out);
	fputc('\n', p->out);
}

/* "  label     count   share  bar" */
static void row(const struct page *p, const char *label, int64_t part,
		int64_t whole)
{
	char share[READINESS_SHARE_SIZE];

	readiness_share(part, whole, share);
	fprintf(p->out, "  %-*s%*" PRId64 "%*s", LABEL, label, COUNT, part,
		SHARE, share);
	bar(p, 2 + LABEL + COUNT + SHARE + 2, part, whole);
}

static void plain_row(const struct page *p, const char *label, int64_t count)
{
	fprintf(p->out, "  %-*s%*" PRId64 "\n", LABEL, label, COUNT, count);
}

/* Words in lines of at most the page's width. */
static void paragraph(const struct page *p, const char *text)
{
	int column = 0;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + len > p->look->width) {
			fputc('\n', p->out);
			column = 0;
		} else if (column > 0) {
			fputc(' ', p->out);
			column++;
		}
		fprintf(p->out, "%.*s", len, text);
		column += len;
		text += len;
		text += *text == ' ';
	}
	fputc('\n', p->out);
}

static void print_head(const struct page *p, const struct readiness *r,
		       const struct policy_rules *set)
{
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
	int64_t days = (r->until_ms - r->since_ms) / DAY_MS + 1;

	fprintf(p->out,
		"%s%s%s: apply %s, email_identities %s, link_evidence %s\n",
		p->look->colour ? BOLD : "", r->account,
		p->look->colour ? PLAIN : "", apply_name(set->apply),
		email_identities_name(set->email_identities),
		evidence_name(set->link_evidence));
	fprintf(p->out, "%s to %s (%" PRId64 " %s, UTC)\n",
		date_of(r->since_ms, from), date_of(r->until_ms, until), days,
		days == 1 ? "day" : "days");
}

static void print_conversations(const struct page *p, const struct readiness *r)
{
	const struct readiness_counts *c = &r->all;

	heading(p, "Conversations by evidence (a person counts once a day)");
	for (int e = EVIDENCE_VERIFIED; e >= EVIDENCE_NONE; e--)
		row(p, evidence_name((enum evidence)e), c->by_evidence[e],
		    c->conversations);
	plain_row(p, "all", c->conversations);
	if (c->known > 0)
		plain_row(p, "of people known as linked", c->known);
	if (c->absent > 0)
		plain_row(p, "more without a Zendesk user", c->absent);
}

static void print_settings(const struct page *p, const struct readiness *r,
			   const struct policy_rules *set)
{
	heading(p, "Would have linked without a person, with");
	for (int s = 0; s < EMAILS_COUNT; s++) {
		const char *name =
			email_identities_name((enum email_identities)s);
		char label[LABEL + 1];

		snprintf(label, sizeof(label), "%s%s", name,
			 s == (int)set->email_identities ? " *" : "");
		row(p, label, r->all.linked[s], r->all.conversations);
	}
	fputs("  * set now\n", p->out);
}

static int64_t sum(const int64_t ways[READINESS_WAYS])
{
	return ways[READINESS_ALONE] + ways[READINESS_ASKING];
}

static void print_agents(const struct page *p, const struct readiness *r)
{
	const struct readiness_counts *c = &r->all;
	int64_t agreed = sum(c->agreed), other = sum(c->other);
	int64_t made = agreed + other + c->missed;

	heading(p, "Merges that agents made by hand, after a decision");
	if (made == 0) {
		fputs("  none that is known\n", p->out);
		return;
	}
	row(p, "as decided", agreed, made);
	if (c->agreed[READINESS_ASKING] > 0)
		plain_row(p, "  of these after asking",
			  c->agreed[READINESS_ASKING]);
	row(p, "with another profile", other, made);
	row(p, "no profile was named", c->missed, made);
	for (int i = 0; i < REASON_COUNT; i++) {
		char label[LABEL + 1];

		if (r->missed_by[i] <= 0)
			continue;
		snprintf(label, sizeof(label), "  %.*s", LABEL - 3,
			 reason_code((enum reason)i));
		plain_row(p, label, r->missed_by[i]);
	}
}

static void print_unmade(const struct page *p, const struct readiness *r)
{
	char label[64];

	if (r->not_made + r->pending == 0)
		return;
	heading(p, "Merges that were only observed");
	snprintf(label, sizeof(label), "nobody made in %d days",
		 (int)(r->patience_ms / DAY_MS));
	plain_row(p, label, r->not_made);
	plain_row(p, "there is still time", r->pending);
}

static void print_example(const struct page *p, const struct journal_entry *e)
{
	fprintf(p->out, "  journal %" PRId64 ": %s %s, user %" PRIu64, e->id,
		action_name(e->action), reason_code(e->reason),
		e->messaging_user_id);
	if (e->profile_id)
		fprintf(p->out, " and %" PRIu64, e->profile_id);
	fprintf(p->out, "; agents: with %" PRIu64 "\n", e->outcome_user);
}

static void print_examples(const struct page *p, const struct readiness *r)
{
	if (r->other_count + r->miss_count == 0)
		return;
	heading(p, "Look at these (reunite journal show ID), newest first");
	for (size_t i = 0; i < r->other_count; i++)
		print_example(p, &r->others[i]);
	for (size_t i = 0; i < r->miss_count; i++)
		print_example(p, &r->misses[i]);
}

static bool week_is_empty(const struct readiness_counts *c)
{
	return c->conversations == 0 && sum(c->agreed) == 0 &&
	       sum(c->other) == 0 && c->missed == 0 && !c->sampled;
}

static int64_t most_unverified(const struct readiness *r)
{
	int64_t most = 0;

	for (int i = 0; i < READINESS_WEEKS; i++)
		if (r->weeks[i].sampled && r->weeks[i].unverified > most)
			most = r->weeks[i].unverified;
	return most;
}

static void print_week(const struct page *p, const struct readiness *r, int i)
{
	const struct readiness_counts *c = &r->weeks[i];
	char date[CLOCK_TEXT_SIZE], share[READINESS_SHARE_SIZE];
	char unverified[32] = "-";

	readiness_share(c->linked[EMAILS_VERIFIED_ONLY], c->conversations,
			share);
	if (c->sampled)
		snprintf(unverified, sizeof(unverified), "%" PRId64,
			 c->unverified);
	fprintf(p->out,
		"  %s%9" PRId64 "%11s%8" PRId64 "%7" PRId64 "%8" PRId64 "%12s",
		date_of(r->week_ms[i], date), c->conversations, share,
		sum(c->agreed), sum(c->other), c->missed, unverified);
	bar(p, 69, c->sampled ? c->unverified : 0, most_unverified(r));
}

static void print_weeks(const struct page *p, const struct readiness *r)
{
	char head[80];

	snprintf(head, sizeof(head), "%-12s%9s%11s%8s%7s%8s%12s", "Week of",
		 "conv.", "ver. only", "agreed", "other", "missed",
		 "unverified");
	heading(p, head);
	for (int i = 0; i < READINESS_WEEKS; i++)
		if (!week_is_empty(&r->weeks[i]))
			print_week(p, r, i);
}

static bool has_weeks(const struct readiness *r)
{
	for (int i = 0; i < READINESS_WEEKS; i++)
		if (!week_is_empty(&r->weeks[i]))
			return true;
	return false;
}

static void print_users(const struct page *p, const struct readiness *r)
{
	heading(p, "End users");
	if (!r->all.sampled) {
		fputs("  not counted yet\n", p->out);
		return;
	}
	row(p, "unverified", r->all.unverified, r->all.end_users);
	plain_row(p, "all", r->all.end_users);
}

void readiness_print(FILE *out, const struct readiness *r,
		     const struct policy_rules *set,
		     const struct readiness_look *look)
{
	struct readiness_look bounded = *look;
	struct page p = {out, &bounded};
	char text[READINESS_TEXT_SIZE];

	if (bounded.width < WIDTH_MIN)
		bounded.width = WIDTH_MIN;
	print_head(&p, r, set);
	print_conversations(&p, r);
	print_settings(&p, r, set);
	print_agents(&p, r);
	print_unmade(&p, r);
	print_examples(&p, r);
	print_users(&p, r);
	if (has_weeks(r))
		print_weeks(&p, r);
	fputc('\n', out);
	readiness_verdict(r, set, text);
	paragraph(&p, text);
	readiness_verified_only(r, set, text);
	paragraph(&p, text);
}
