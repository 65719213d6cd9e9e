/*
 * The counts of readiness, and what they say: see readiness.h.
 */
#include "core/readiness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define DAY_MS	      (INT64_C(24) * 3600 * 1000)
#define WEEK_MS	      (7 * DAY_MS)
#define FIRST_WEEK_MS (-3 * DAY_MS) /* the epoch was a Thursday */

/* --- counting --- */

static int64_t week_of(int64_t ms)
{
	return ms - (ms - FIRST_WEEK_MS) % WEEK_MS;
}

void readiness_init(struct readiness *r, int64_t since_ms, int64_t until_ms,
		    int64_t patience_ms)
{
	int64_t last_ms = week_of(until_ms);

	memset(r, 0, sizeof(*r));
	r->since_ms = since_ms - since_ms % DAY_MS;
	r->until_ms = until_ms;
	r->patience_ms = patience_ms;
	for (int i = 0; i < READINESS_WEEKS; i++)
		r->week_ms[i] = last_ms - (READINESS_WEEKS - 1 - i) * WEEK_MS;
}

int64_t readiness_from_ms(const struct readiness *r)
{
	return r->since_ms < r->week_ms[0] ? r->since_ms : r->week_ms[0];
}

static void add_conversations(struct readiness_counts *c, enum evidence e,
			      unsigned linked, int64_t n)
{
	c->conversations += n;
	c->by_evidence[e] += n;
	for (int s = 0; s < EMAILS_COUNT; s++)
		if (linked & LINKED_BIT(s))
			c->linked[s] += n;
}

/* "verified/7" behind the slash. */
static bool add_seen(struct readiness_counts *c, const char *rest, int64_t n)
{
	const char *slash = strchr(rest, '/');
	char name[32];
	enum evidence e;
	int64_t linked;

	if (!slash || (size_t)(slash - rest) >= sizeof(name))
		return false;
	memcpy(name, rest, (size_t)(slash - rest));
	name[slash - rest] = '\0';
	if (!evidence_parse(name, &e) ||
	    !str_parse_i64(slice_of(slash + 1), &linked))
		return false;
	add_conversations(c, e, (unsigned)linked, n);
	return true;
}

/* "agreed/merge" and the like. */
static void add_made(struct readiness_counts *c, const char *rest, int64_t n)
{
	enum readiness_way way =
		strstr(rest, "/review") ? READINESS_ASKING : READINESS_ALONE;

	if (str_starts(rest, "agreed/"))
		c->agreed[way] += n;
	else if (str_starts(rest, "other/"))
		c->other[way] += n;
	else if (str_starts(rest, "missed/"))
		c->missed += n;
}

static void add_to(struct readiness_counts *c, const char *name, int64_t n)
{
	if (str_starts(name, "seen/")) {
		add_seen(c, name + strlen("seen/"), n);
	} else if (str_starts(name, "known/")) {
		if (add_seen(c, name + strlen("known/"), n))
			c->known += n;
	} else if (str_starts(name, "made/")) {
		add_made(c, name + strlen("made/"), n);
	} else if (str_eq(name, "absent")) {
		c->absent += n;
	} else if (str_eq(name, "unverified")) {
		c->unverified = n; /* days come in order */
		c->sampled = true;
	} else if (str_eq(name, "end_users")) {
		c->end_users = n;
	}
}

void readiness_add(struct readiness *r, int64_t at_ms, const char *name,
		   int64_t value)
{
	static const char missed[] = "made/missed/";
	enum reason why;

	for (int i = 0; i < READINESS_WEEKS; i++)
		if (week_of(at_ms) == r->week_ms[i])
			add_to(&r->weeks[i], name, value);
	if (at_ms < r->since_ms)
		return;
	add_to(&r->all, name, value);
	if (str_starts(name, missed) &&
	    reason_parse(name + strlen(missed), &why))
		r->missed_by[why] += value;
}

/* --- in words --- */

void readiness_share(int64_t part, int64_t whole,
		     char out[READINESS_SHARE_SIZE])
{
	double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	if (whole <= 0)
		snprintf(out, READINESS_SHARE_SIZE, "-");
	else if (part > 0 && percent < 1)
		snprintf(out, READINESS_SHARE_SIZE, "under 1 %%");
	else if (part < whole && percent > 99)
		snprintf(out, READINESS_SHARE_SIZE, "over 99 %%");
	else
		snprintf(out, READINESS_SHARE_SIZE, "%.0f %%", percent);
}

/* "journal 17, 23" */
static void put_examples(struct buf *b, const struct journal_entry *list,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_printf(b, "%s%" PRId64, i == 0 ? "journal " : ", ",
			   list[i].id);
}

static int64_t sum(const int64_t ways[READINESS_WAYS])
{
	return ways[READINESS_ALONE] + ways[READINESS_ASKING];
}

static void finish(struct buf *b, char out[READINESS_TEXT_SIZE])
{
	snprintf(out, READINESS_TEXT_SIZE, "%s", b->data ? b->data : "");
	buf_release(b);
}

static const char *next_step(enum apply apply)
{
	return apply == APPLY_OBSERVE  ? "switching to review"
	       : apply == APPLY_REVIEW ? "switching to auto"
				       : "trusting it further";
}

static void put_agreement(struct buf *b, const struct readiness *r,
			  enum apply apply)
{
	int64_t agreed = sum(r->all.agreed), other = sum(r->all.other);

	buf_printf(b, "%s: %" PRId64 " of %" PRId64 " agreed",
		   apply_name(apply), agreed, agreed + other);
	if (other == 0) {
		buf_puts(b, ".");
		return;
	}
	buf_printf(b, "; %" PRId64 " differed: look at ", other);
	put_examples(b, r->others, r->other_count);
	buf_printf(b, " before %s.", next_step(apply));
}

/* What to do next, unless something has to be looked at first. */
static const char *advice(enum apply apply, int64_t judged, int64_t other)
{
	if (judged < READINESS_FEW_MERGES)
		return apply == APPLY_OBSERVE
			       ? " Keep observing, or go on to review, where a "
				 "person decides."
			       : "";
	if (other > 0)
		return "";
	return apply == APPLY_OBSERVE  ? " Go on to review."
	       : apply == APPLY_REVIEW ? " Go on to auto."
				       : " Nothing speaks against auto.";
}

void readiness_verdict(const struct readiness *r,
		       const struct policy_rules *set,
		       char out[READINESS_TEXT_SIZE])
{
	int64_t judged = sum(r->all.agreed) + sum(r->all.other);
	struct buf b;

	buf_init(&b, READINESS_TEXT_SIZE);
	if (judged == 0)
		buf_printf(&b,
			   "%s: agents made no merge by hand that a decision "
			   "could be compared with.",
			   apply_name(set->apply));
	else
		put_agreement(&b, r, set->apply);
	if (r->all.missed > 0)
		buf_printf(&b,
			   " Merges by hand for which no profile was named: "
			   "%" PRId64 ".",
			   r->all.missed);
	if (judged > 0 && judged < READINESS_FEW_MERGES)
		buf_puts(&b, " These are too few to tell.");
	buf_puts(&b, advice(set->apply, judged, sum(r->all.other)));
	finish(&b, out);
}

/* The first and the last week that has a sample, if they differ. */
static void put_trend(struct buf *b, const struct readiness *r)
{
	int first = 0, last = READINESS_WEEKS - 1;

	while (first < last && !r->weeks[first].sampled)
		first++;
	while (last > first && !r->weeks[last].sampled)
		last--;
	if (first < last)
		buf_printf(b, ", %" PRId64 " in the first week of %d",
			   r->weeks[first].unverified, last - first + 1);
}

static void put_unverified(struct buf *b, const struct readiness *r)
{
	char share[READINESS_SHARE_SIZE];

	if (!r->all.sampled) {
		buf_puts(b, " How many users are unverified is not known.");
		return;
	}
	readiness_share(r->all.unverified, r->all.end_users, share);
	buf_printf(b, " Unverified end users: %" PRId64 " of %" PRId64 " (%s)",
		   r->all.unverified, r->all.end_users, share);
	put_trend(b, r);
	buf_puts(b, ".");
}

void readiness_verified_only(const struct readiness *r,
			     const struct policy_rules *set,
			     char out[READINESS_TEXT_SIZE])
{
	const struct readiness_counts *c = &r->all;
	int64_t now = c->linked[set->email_identities];
	int64_t strict = c->linked[EMAILS_VERIFIED_ONLY];
	char share[READINESS_SHARE_SIZE];
	struct buf b;

	buf_init(&b, READINESS_TEXT_SIZE);
	readiness_share(strict, c->conversations, share);
	if (c->conversations < READINESS_FEW_CONVERSATIONS)
		buf_printf(&b,
			   "verified_only: %" PRId64
			   " conversations are too few to tell.",
			   c->conversations);
	else if (set->email_identities == EMAILS_VERIFIED_ONLY)
		buf_printf(&b,
			   "verified_only is set: %s of the conversations "
			   "would have linked without a person.",
			   share);
	else if (strict >= now)
		buf_puts(&b, "verified_only would have cost nothing: as many "
			     "conversations would have linked.");
	else
		buf_printf(&b,
			   "With verified_only %s of the conversations would "
			   "have linked: %" PRId64
			   " fewer than with the setting of today.",
			   share, now - strict);
	put_unverified(&b, r);
	finish(&b, out);
}
