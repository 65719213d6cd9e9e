/*
 * `explain --table`: the policy, asked about every situation there is.
 *
 * Nothing is written down here: each row is what policy_decide() and
 * policy_zendesk_does() say about made-up people, with apply = auto. Settings
 * that make no difference share a row.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "explain.h"

#define SUNCO_ID    "0123456789abcdef01234567"
#define ADDRESS	    "person@customer.example"
#define EXTERNAL_ID "customer"

enum { PERSON_ID = 1, PROFILE_ID = 2, SECOND_ID = 3 };

static const struct table_person {
	const char *person, *address;
	bool authenticated;
	const char *verification; /* of an identity, or NULL */
	bool profile_email;
} persons[] = {
	{"logged in", "verified", true, "embed", false},
	{"logged in", "not verified", true, NULL, true},
	{"logged in", "none", true, NULL, false},
	{"not logged in", "typed", false, NULL, true},
	{"not logged in", "none", false, NULL, false},
};

static void add_email(struct zd_user *u, const char *value,
		      enum verification method)
{
	struct zd_identity *i = zd_user_add_identity(u, "email", value);

	i->method = method;
	i->verified = method != VERIFICATION_NONE;
}

static void add_profile(struct facts *f, uint64_t id, enum verification method)
{
	struct zd_user u;

	zd_user_init(&u);
	u.id = id;
	add_email(&u, ADDRESS, method);
	facts_add_profile(f, &u);
	zd_user_release(&u);
}

static void owned_by_nobody(struct facts *f)
{
	(void)f;
}

static void owned_by_itself(struct facts *f)
{
	add_email(&f->messaging_user, ADDRESS, VERIFICATION_NONE);
}

static void owned_by_nobody_but_other(struct facts *f)
{
	add_email(&f->messaging_user, "other@customer.example",
		  VERIFICATION_NONE);
}

static void owned_by_verified(struct facts *f)
{
	add_profile(f, PROFILE_ID, VERIFICATION_FULL);
}

static void owned_by_unverified(struct facts *f)
{
	add_profile(f, PROFILE_ID, VERIFICATION_NONE);
}

static void owned_by_unverified_with_more(struct facts *f)
{
	add_profile(f, PROFILE_ID, VERIFICATION_NONE);
	zd_user_add_identity(&f->profiles[0], "phone_number", "1");
}

static void owned_by_several(struct facts *f)
{
	add_profile(f, PROFILE_ID, VERIFICATION_FULL);
	add_profile(f, SECOND_ID, VERIFICATION_FULL);
}

static void owned_by_agent(struct facts *f)
{
	add_profile(f, PROFILE_ID, VERIFICATION_FULL);
	f->profiles[0].role = ZD_ROLE_AGENT;
}

static void lost_by_profile(struct facts *f)
{
	owned_by_itself(f);
	f->has_displaced = true;
	f->displaced.id = PROFILE_ID;
	f->displaced.identities_known = true;
	f->displaced.proven_before_loss = true;
	f->displaced.coincides = true;
}

static void known_by_external_id(struct facts *f)
{
	struct zd_user u;

	zd_user_init(&u);
	u.id = PROFILE_ID;
	u.external_id = xstrdup(EXTERNAL_ID);
	facts_add_profile(f, &u);
	zd_user_release(&u);
	f->sunco.external_id = xstrdup(EXTERNAL_ID);
}

static const struct table_owner {
	const char *owner;
	bool needs_address, needs_login;
	void (*set)(struct facts *f);
} owners[] = {
	{"nobody", false, false, owned_by_nobody},
	{"the user itself", true, false, owned_by_itself},
	{"nobody, the user has another", true, false,
	 owned_by_nobody_but_other},
	{"a verified profile", true, false, owned_by_verified},
	{"an unverified profile", true, false, owned_by_unverified},
	{"an unverified profile known otherwise", true, false,
	 owned_by_unverified_with_more},
	{"several profiles", true, false, owned_by_several},
	{"an agent or admin", true, false, owned_by_agent},
	{"a profile lost it to the user", true, false, lost_by_profile},
	{"another user has the external id", false, true, known_by_external_id},
};

enum { SETTINGS = EMAILS_CLAIM_VERIFIED + 1, THRESHOLDS = EVIDENCE_VERIFIED };

struct outcome {
	const char *zendesk;
	enum action action;
	enum reason reason;
};

/* Row by setting, column by link_evidence from claimed to verified. */
struct outcomes {
	struct outcome at[SETTINGS][THRESHOLDS];
};

static void make_facts(struct facts *f, const struct table_person *p,
		       const struct table_owner *o)
{
	facts_init(f);
	str_copy(f->sunco.id, sizeof(f->sunco.id), SUNCO_ID);
	f->sunco.authenticated = p->authenticated;
	if (p->verification)
		sunco_user_add_identity(&f->sunco, "email", ADDRESS,
					p->verification);
	if (p->profile_email)
		f->sunco.profile_email = xstrdup(ADDRESS);
	f->has_messaging_user = true;
	f->messaging_user.id = PERSON_ID;
	zd_user_add_identity(&f->messaging_user, "messaging", SUNCO_ID);
	o->set(f);
}

static void ask_policy(const struct facts *f, struct outcomes *out)
{
	struct policy_rules r;

	policy_rules_default(&r);
	r.apply = APPLY_AUTO;
	for (int s = 0; s < SETTINGS; s++)
		for (int t = 0; t < THRESHOLDS; t++) {
			struct decision d;

			r.email_identities = (enum email_identities)s;
			r.link_evidence = (enum evidence)(t + 1);
			policy_decide(f, &r, &d);
			out->at[s][t] = (struct outcome){
				policy_zendesk_does(f, &r), d.action, d.reason};
		}
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
	return str_eq(a->zendesk, b->zendesk) && a->action == b->action &&
	       a->reason == b->reason;
}

static bool same_setting(const struct outcomes *o, int a, int b)
{
	for (int t = 0; t < THRESHOLDS; t++)
		if (!same_outcome(&o->at[a][t], &o->at[b][t]))
			return false;
	return true;
}

static const char *setting_word(int s)
{
	return email_identities_name((enum email_identities)s);
}

static const char *threshold_word(int t)
{
	return evidence_name((enum evidence)(t + 1));
}

/* The words of a set, "any" for all of them: *new*, free(). */
static char *words(unsigned set, int count, const char *(*word)(int))
{
	struct buf b;

	if (set == (1U << count) - 1)
		return xstrdup("any");
	buf_init(&b, 256);
	for (int i = 0; i < count; i++)
		if (set & (1U << i))
			buf_printf(&b, "%s%s", b.len > 0 ? ", " : "", word(i));
	return buf_detach(&b);
}

/* One person and one owner, being printed. */
struct view {
	struct cli *cli;
	struct cli_table *table;
	const struct table_person *person;
	const struct table_owner *owner;
	struct outcomes outcomes;
};

static const char *const columns[] = {
	"setting",	 "person",  "address", "owner",
	"link_evidence", "reunite", "reason",  "Zendesk by itself",
};
static const char *const keys[] = {
	"setting",	 "person", "address", "owner",
	"link_evidence", "action", "reason",  "zendesk",
};

static void print_cells(struct view *v, const char *const *cells)
{
	struct json_t *line;

	if (!v->cli->json) {
		for (size_t i = 0; i < ARRAY_LEN(columns); i++)
			cli_table_cell(v->table, "%s", cells[i]);
		return;
	}
	line = json_new_obj();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_set_str(line, keys[i], cells[i]);
	cli_json(v->cli, line);
}

static void print_outcome(struct view *v, unsigned settings,
			  unsigned thresholds, const struct outcome *o)
{
	char *setting = words(settings, SETTINGS, setting_word);
	char *threshold = words(thresholds, THRESHOLDS, threshold_word);
	const char *const cells[] = {
		setting,
		v->person->person,
		v->person->address,
		v->owner->owner,
		threshold,
		action_name(o->action),
		reason_code(o->reason),
		o->zendesk,
	};

	print_cells(v, cells);
	free(setting);
	free(threshold);
}

/* The outcomes of a setting, which are those of all settings of the set. */
static void print_settings(struct view *v, int s, unsigned settings)
{
	const struct outcome *row = v->outcomes.at[s];
	unsigned done = 0;

	for (int t = 0; t < THRESHOLDS; t++) {
		unsigned same = 0;

		for (int u = t; u < THRESHOLDS; u++)
			if (same_outcome(&row[t], &row[u]))
				same |= 1U << u;
		if (!(done & (1U << t)))
			print_outcome(v, settings, same, &row[t]);
		done |= same;
	}
}

static void print_situation(struct view *v)
{
	struct facts f;
	unsigned done = 0;

	make_facts(&f, v->person, v->owner);
	ask_policy(&f, &v->outcomes);
	facts_release(&f);
	for (int s = 0; s < SETTINGS; s++) {
		unsigned same = 0;

		for (int u = s; u < SETTINGS; u++)
			if (same_setting(&v->outcomes, s, u))
				same |= 1U << u;
		if (!(done & (1U << s)))
			print_settings(v, s, same);
		done |= same;
	}
}

static bool can_be(const struct table_person *p, const struct table_owner *o)
{
	if (o->needs_login && !p->authenticated)
		return false;
	return !o->needs_address || p->verification || p->profile_email;
}

int explain_table(struct cli *c)
{
	struct cli_table table;
	struct view v = {.cli = c, .table = &table};

	cli_table_init(&table, c, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < ARRAY_LEN(persons); i++)
		for (size_t n = 0; n < ARRAY_LEN(owners); n++) {
			v.person = &persons[i];
			v.owner = &owners[n];
			if (can_be(v.person, v.owner))
				print_situation(&v);
		}
	cli_table_flush(&table);
	cli_table_release(&table);
	return CLI_DONE;
}
