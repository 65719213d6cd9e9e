/*
 * `reunite link`: one person now. Reads and decides; with --apply it does
 * what was decided, through the same job, saga and journal as the daemon.
 */
#include "base/json.h"
#include "cli/cli.h"
#include "core/policy.h"
#include "oneshot.h"

static int exit_code(enum action action)
{
	return action == ACTION_REFUSE ? CLI_REFUSED : CLI_DONE;
}

static void print_text(struct cli *c, const struct journal_entry *e)
{
	enum reason list[REASON_COUNT];
	size_t n = reason_set_list(e->reasons, list);

	fprintf(c->out, "%s%s", action_name(e->action),
		e->applied || (e->action != ACTION_MERGE &&
			       e->action != ACTION_ADOPT)
			? ""
			: " (not applied)");
	if (e->profile_id)
		fprintf(c->out, " into profile %llu",
			(unsigned long long)e->profile_id);
	if (e->messaging_user_id)
		fprintf(c->out, ", messaging user %llu",
			(unsigned long long)e->messaging_user_id);
	fprintf(c->out, ", evidence %s\n", evidence_name(e->evidence));
	for (size_t i = 0; i < n; i++)
		fprintf(c->out, "  %s: %s\n", reason_code(list[i]),
			reason_text(list[i]));
	if (e->note)
		fprintf(c->out, "  %s\n", e->note);
}

static void print_entry(struct cli *c, const struct journal_entry *e)
{
	if (c->json)
		cli_json(c, journal_entry_encode(e, c->personal));
	else
		print_text(c, e);
}

static int print_dry(struct cli *c, const struct run_report *r, void *arg)
{
	struct journal_entry e;
	int code;

	(void)arg;
	linkjob_entry(r->link, &e);
	str_copy(e.account, sizeof(e.account), r->job->account);
	e.at_ms = c->now_ms;
	e.source = r->job->source;
	e.applied = false;
	print_entry(c, &e);
	code = exit_code(e.action);
	journal_entry_release(&e);
	return code;
}

static int print_applied(struct cli *c, const struct journal_entry *entry,
			 const struct job *job)
{
	if (entry) {
		print_entry(c, entry);
		return entry->status == JOURNAL_FAILED
			       ? CLI_FAILED
			       : exit_code(entry->action);
	}
	if (job->state == JOB_DEAD)
		return cli_error(c, "%s", job->last_error);
	if (job->last_error)
		return oneshot_failed(c, RESULT_TEMP, job->last_error);
	if (job->state == JOB_READY || job->state == JOB_RUNNING)
		return cli_error(c,
				 "job %lld is queued, but not done yet: is "
				 "the account paused or held?",
				 (long long)job->id);
	if (c->json)
		cli_json(c, job_encode(job));
	else
		fprintf(c->out,
			"%s: the daemon looks again by itself (job %lld)\n",
			job_state_name(job->state), (long long)job->id);
	return CLI_DONE;
}

static int run(struct cli *c)
{
	struct oneshot_who who;

	if (!oneshot_who_parse(c, &who))
		return CLI_USAGE;
	return cli_given(c, "apply") ? oneshot_apply(c, &who, print_applied)
				     : oneshot_dry(c, &who, print_dry, NULL);
}

static const struct cli_option options[] = {
	{"user", CLI_NUMBER, "ID", "the Zendesk user of the conversation"},
	{"ticket", CLI_NUMBER, "ID", "the requester of this ticket"},
	{"sunco-user", CLI_TEXT, "ID", "the Sunshine Conversations user"},
	{"account", CLI_TEXT, "NAME", "which account, if there are several"},
	{"apply", CLI_FLAG, NULL, "do it; without this nothing is changed"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_link = {
	.name = "link",
	.summary = "decide about one person now; a dry run unless --apply",
	.example = "link --ticket 35436 --json",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = options,
	.run = run,
};
