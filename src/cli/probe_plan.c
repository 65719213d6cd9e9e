/*
 * What the probe would do: every request, in its order, none of them sent.
 */
#include "base/str.h"
#include "probe.h"

/* With a conversation that is made, or given; or both. */
enum when { ALWAYS, MADE, GIVEN };

static const struct planned {
	enum trial what;
	enum when when;
	const char *why;
} planned[] = {
	{TRIAL_USER_SHOW, GIVEN, "read the user of the conversation"},
	{TRIAL_IDENTITY_LIST, GIVEN, "and its one identity"},
	{TRIAL_PERSON_CREATE, MADE, "make a SunCo user"},
	{TRIAL_TALK_CREATE, MADE, "and a conversation of it"},
	{TRIAL_TALK_MESSAGE, MADE, "write one message in its name"},
	{TRIAL_TALK_PASS, MADE,
	 "hand it off to the agents' workspace: agents see a ticket"},
	{TRIAL_USER_CREATE, ALWAYS, "make the profile, with an address"},
	{TRIAL_USER_CREATE, ALWAYS, "make a duplicate, without one"},
	{TRIAL_SEARCH_ADDRESS, ALWAYS, "until the profile is found"},
	{TRIAL_SEARCH_EXTERNAL_ID, ALWAYS, "until the duplicate is found"},
	{TRIAL_PERSON_SHOW, ALWAYS, "until it has a zendeskId"},
	{TRIAL_SEARCH_WORD, MADE, "until the conversation's user is found"},
	{TRIAL_IDENTITY_LIST, MADE, "by its messaging identity"},
	{TRIAL_USER_MERGE, ALWAYS, "merge the duplicate into the profile"},
	{TRIAL_USER_UPDATE, ALWAYS,
	 "if refused: without external ids, and again"},
	{TRIAL_IDENTITY_ADD, ALWAYS, "if refused: with an address, and again"},
	{TRIAL_USER_SHOW, ALWAYS, "which external id has the profile now"},
	{TRIAL_USER_UPDATE, ALWAYS, "give it the duplicate's"},
	{TRIAL_USER_MERGE, ALWAYS,
	 "merge the conversation's user into the profile"},
	{TRIAL_IDENTITY_LIST, ALWAYS, "until the messaging identity moved"},
	{TRIAL_PERSON_SHOW, ALWAYS, "whom does zendeskId name now"},
	{TRIAL_USER_SHOW, ALWAYS, "how is the merged user shown"},
	{TRIAL_USER_MERGE, ALWAYS, "merge the profile into itself: refused"},
	{TRIAL_USER_MERGE, ALWAYS, "merge the merged user again: refused"},
	{TRIAL_TICKETS_OF, ALWAYS, "clean up: the tickets of these users"},
	{TRIAL_TICKET_DELETE, ALWAYS, "of each"},
	{TRIAL_PERSON_DELETE, ALWAYS, "the SunCo user and its conversation"},
	{TRIAL_USER_DELETE, ALWAYS, "the users"},
	{TRIAL_USER_PURGE, ALWAYS, "for good"},
};

static bool is_planned(const struct probe *p, const struct planned *l)
{
	return l->when == ALWAYS || (l->when == GIVEN) == p->given;
}

static void print_head(const struct probe *p)
{
	fprintf(p->cli->out,
		"This is what the probe would do with account %s at %s.\n"
		"Whoever it makes is called \"reunite probe\" and a word of "
		"the run, has an address\nunder reunite.example, and is "
		"deleted at the end. Nothing was sent.\n\n",
		p->account->name, p->account->zendesk_url);
	if (p->given)
		fprintf(p->cli->out,
			"Zendesk user %llu is merged and deleted, with its "
			"tickets and its conversation.\n\n",
			(unsigned long long)p->messaging.id);
}

static void print_row(struct cli_table *t, const struct planned *l)
{
	cli_table_cell(t, "%s", trial_method(l->what));
	cli_table_cell(t, "%s", trial_path(l->what));
	cli_table_cell(t, "%s", l->why);
	if (l->what != TRIAL_SEARCH_WORD)
		return;
	cli_table_cell(t, "GET");
	cli_table_cell(t, "/api/v2/incremental/users/cursor");
	cli_table_cell(t, "the same, where no search finds it");
}

void probe_plan(struct probe *p)
{
	static const char *const headings[] = {"METHOD", "REQUEST", "WHY"};
	struct cli_table t;

	print_head(p);
	cli_table_init(&t, p->cli, headings, ARRAY_LEN(headings));
	cli_table_cell(&t, "GET");
	cli_table_cell(&t, "/api/v2/search/count (twice)");
	cli_table_cell(&t, "how many end users: is it a test account");
	for (size_t i = 0; i < ARRAY_LEN(planned); i++)
		if (is_planned(p, &planned[i]))
			print_row(&t, &planned[i]);
	cli_table_flush(&t);
	cli_table_release(&t);
}
