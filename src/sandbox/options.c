/*
 * Options as rows: a long name, what it sets, and its line of help.
 */
#include "sandbox/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"

enum kind { KIND_FIELD, KIND_FLAG, KIND_TEXT, KIND_NUMBER };

struct row {
	const char *name;
	const char *value; /* in the help; NULL: takes none */
	enum kind kind;
	size_t offset;	     /* KIND_FIELD, KIND_FLAG */
	const char *setting; /* KIND_TEXT, KIND_NUMBER */
	const char *help;
};

#define FIELD(name) offsetof(struct options, name), NULL
static const struct row rows[] = {
	{"listen", "ADDRESS", KIND_FIELD, FIELD(listen),
	 "where to listen (127.0.0.1:0)"},
	{"port-file", "FILE", KIND_FIELD, FIELD(port_file),
	 "write the port there once it listens"},
	{"ca-file", "FILE", KIND_FIELD, FIELD(ca_file),
	 "whose certificates https webhooks trust, not the system's"},
	{"zendesk-secret", "SECRET", KIND_TEXT, 0, "zendesk_secret",
	 "signs Zendesk's webhooks"},
	{"sunco-secret", "SECRET", KIND_TEXT, 0, "sunco_secret",
	 "X-API-Key of SunCo's webhooks"},
	{"webhook-sunco", "URL", KIND_TEXT, 0, "webhook_sunco",
	 "where SunCo's webhooks go"},
	{"webhook-zendesk", "URL", KIND_TEXT, 0, "webhook_zendesk",
	 "where Zendesk's webhooks go"},
	{"index-lag", "MS", KIND_NUMBER, 0, "index_lag_ms",
	 "how late searches see changes (0)"},
	{"limit", "N", KIND_NUMBER, 0, "limit",
	 "Zendesk requests a minute, 0: any (700)"},
	{"email-identities", "SETTING", KIND_TEXT, 0, "email_identities",
	 "as in the Admin Center (verified_only)"},
	{"empty", NULL, KIND_FLAG, FIELD(empty), "start without people"},
	{"verbose", NULL, KIND_FLAG, FIELD(verbose), "log more"},
	{"help", NULL, KIND_FLAG, FIELD(help), "print this"},
	{"version", NULL, KIND_FLAG, FIELD(version), "print the version"},
};

static enum result take(struct options *o, const struct row *r,
			const char *value, struct error *err)
{
	int64_t n;

	switch (r->kind) {
	case KIND_FIELD:
		*(const char **)(void *)((char *)o + r->offset) = value;
		break;
	case KIND_FLAG:
		*(bool *)((char *)o + r->offset) = true;
		break;
	case KIND_TEXT:
		json_set_str(o->settings, r->setting, value);
		break;
	case KIND_NUMBER:
		if (!str_parse_i64(slice_of(value), &n))
			return error_set(err, RESULT_INVALID,
					 "--%s: not a number", r->name);
		json_set_int(o->settings, r->setting, n);
		break;
	}
	return RESULT_OK;
}

enum result options_parse(int argc, char **argv, struct options *out,
			  struct error *err)
{
	struct option longs[ARRAY_LEN(rows) + 1] = {{NULL, 0, NULL, 0}};
	enum result r = RESULT_OK;
	int i;

	*out = (struct options){.listen = "127.0.0.1:0",
				.settings = json_new_obj()};
	for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
		longs[n].name = rows[n].name;
		longs[n].has_arg =
			rows[n].value ? required_argument : no_argument;
	}
	optind = 1;
	opterr = 0;
	while (r == RESULT_OK) {
		int c = getopt_long(argc, argv, "", longs, &i);

		if (c == -1)
			break;
		if (c != 0)
			return error_set(err, RESULT_INVALID,
					 "unknown option or no value: %s",
					 argv[optind - 1]);
		r = take(out, &rows[i], optarg, err);
	}
	if (r == RESULT_OK && optind < argc)
		r = error_set(err, RESULT_INVALID, "takes no arguments: %s",
			      argv[optind]);
	return r;
}

void options_release(struct options *o)
{
	json_free(o->settings);
}

void options_usage(FILE *to)
{
	fputs("Usage: reunite-sandbox [OPTION]...\n"
	      "Stands in for Zendesk and Sunshine Conversations on this "
	      "machine.\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fprintf(to, "  --%-16s %-8s %s\n", rows[i].name,
			rows[i].value ? rows[i].value : "", rows[i].help);
	fputs("\nExample:\n  reunite-sandbox --listen 127.0.0.1:8000 --empty\n",
	      to);
	fputs("\nSee src/sandbox/README.md for the control endpoints.\n", to);
}
