/*
 * What `setup` begins with: the configuration that is there, or else what is
 * given by options, by variables, and on a terminal by answers.
 *
 * No secret is ever an argument: every user of the machine could read it.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/str.h"
#include "setup.h"

#define ANSWER_MAX 1024

static const int interrupts[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* An option, the setting that it gives, and the question on a terminal. */
static const struct source {
	const char *option; /* NULL: only asked for */
	const char *name;
	const char *question; /* NULL: never asked for */
	bool secret;
	int auth; /* enum zendesk_auth for which it is asked, or -1 */
} sources[] = {
	{"zendesk-url", "zendesk_url",
	 "Zendesk's address (https://SUBDOMAIN.zendesk.com)", false, -1},
	{"zendesk-auth", "zendesk_auth", NULL, false, -1},
	{"zendesk-client-id", "zendesk_client_id",
	 "identifier of the OAuth client", false, ZENDESK_OAUTH},
	{"zendesk-client-secret-file", "zendesk_client_secret_file", NULL,
	 false, -1},
	{NULL, "zendesk_client_secret", "secret of the OAuth client", true,
	 ZENDESK_OAUTH},
	{"zendesk-email", "zendesk_email", "whose API token it is", false,
	 ZENDESK_API_TOKEN},
	{"zendesk-token-file", "zendesk_token_file", NULL, false, -1},
	{"sunco-app-id", "sunco_app_id", "app id of Sunshine Conversations",
	 false, -1},
	{"sunco-key-id", "sunco_key_id", "API key id (app_...)", false, -1},
	{"sunco-key-secret-file", "sunco_key_secret_file", NULL, false, -1},
	{NULL, "sunco_key_secret", "secret of the API key", true, -1},
	{"url", "public_url",
	 "where the providers reach reunite (https://HOST)", false, -1},
};
#define SOURCES ARRAY_LEN(sources)

/* ---- answers ---- */

static bool is_terminal(const struct cli *c)
{
	return isatty(fileno(c->in)) == 1 && isatty(fileno(c->err)) == 1;
}

/* The one terminal that may be hiding what is typed. */
static struct {
	int fd;
	struct termios was;
	struct sigaction ends[ARRAY_LEN(interrupts)];
} hidden;

/* Whoever is interrupted leaves it as it was, and ends as always. */
static void on_interrupt(int signo)
{
	tcsetattr(hidden.fd, TCSANOW, &hidden.was);
	raise(signo);
}

static bool hide(int fd)
{
	struct sigaction a = {.sa_handler = on_interrupt,
			      .sa_flags = SA_RESETHAND};
	struct termios mode;

	if (tcgetattr(fd, &hidden.was) != 0)
		return false;
	hidden.fd = fd;
	for (size_t i = 0; i < ARRAY_LEN(interrupts); i++)
		sigaction(interrupts[i], &a, &hidden.ends[i]);
	mode = hidden.was;
	mode.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSANOW, &mode);
	return true;
}

static void reveal(void)
{
	tcsetattr(hidden.fd, TCSANOW, &hidden.was);
	for (size_t i = 0; i < ARRAY_LEN(interrupts); i++)
		sigaction(interrupts[i], &hidden.ends[i], NULL);
}

/* One line, shown or not: *new*, or NULL at the end. */
static char *read_answer(struct cli *c, const char *question, bool secret)
{
	/* before the question: the answer may come at once */
	bool hides = secret && hide(fileno(c->in));
	char line[ANSWER_MAX];
	char *answer = NULL;

	fprintf(c->err, "%s: ", question);
	fflush(c->err);
	if (fgets(line, sizeof(line), c->in)) {
		line[strcspn(line, "\n")] = '\0';
		answer = *line ? xstrdup(line) : NULL;
	}
	if (hides) {
		reveal();
		fputc('\n', c->err);
	}
	crypto_wipe(line, sizeof(line));
	return answer;
}

/* By an option or a variable, in one of its two ways. */
static bool is_given(const struct config_given *given, size_t i)
{
	size_t len = strlen(sources[i].name);
	char variable[128];

	for (size_t n = 0; n < SOURCES; n++)
		if (given[n].value &&
		    strncmp(given[n].name, sources[i].name, len) == 0)
			return true;
	snprintf(variable, sizeof(variable), "REUNITE_%s", sources[i].name);
	for (char *p = variable; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	if (getenv(variable))
		return true;
	len = strlen(variable);
	snprintf(variable + len, sizeof(variable) - len, "_FILE");
	return getenv(variable) != NULL;
}

static int auth_of(const struct cli *c)
{
	const char *text = cli_text(c, "zendesk-auth");

	if (!text)
		text = getenv("REUNITE_ZENDESK_AUTH");
	return str_eq(text, "bearer")	   ? ZENDESK_BEARER
	       : str_eq(text, "api_token") ? ZENDESK_API_TOKEN
					   : ZENDESK_OAUTH;
}

static void ask_for_rest(struct cli *c, struct config_given *given)
{
	int auth = auth_of(c);

	for (size_t i = 0; i < SOURCES; i++) {
		const struct source *s = &sources[i];

		if (!s->question || is_given(given, i) ||
		    (s->auth >= 0 && s->auth != auth))
			continue;
		given[i].value = read_answer(c, s->question, s->secret);
	}
}

/* ---- a new configuration ---- */

static char *given_by(const struct cli *c, const struct source *s)
{
	return s->option ? xstrdup(cli_text(c, s->option)) : NULL;
}

/* NULL: after its subdomain. Where variables may be the whole configuration,
 * the daemon calls their account so. */
static const char *name_of(const struct cli *c)
{
	const char *name = cli_text(c, "account");
	bool variables = !c->config_path && !cli_given(c, "zendesk-url") &&
			 getenv("REUNITE_ZENDESK_URL");

	return !name && variables ? "default" : name;
}

static int compose(struct setup *s)
{
	struct config_given given[SOURCES];
	char *values[SOURCES];
	struct error err;
	enum result r;

	for (size_t i = 0; i < SOURCES; i++)
		given[i] = (struct config_given){
			.name = sources[i].name,
			.value = given_by(s->cli, &sources[i]),
			.where = s->path,
		};
	if (is_terminal(s->cli))
		ask_for_rest(s->cli, given);
	r = config_compose(&s->config, name_of(s->cli), given, SOURCES, &err);
	for (size_t i = 0; i < SOURCES; i++) {
		values[i] = (char *)(uintptr_t)given[i].value;
		if (values[i])
			crypto_wipe(values[i], strlen(values[i]));
		free(values[i]);
	}
	if (r == RESULT_OK)
		return CLI_DONE;
	return cli_usage_error(s->cli,
			       "%s is not there, and a new one lacks "
			       "something: %s; an option, a variable or an "
			       "answer on a terminal gives it",
			       s->path, err.text);
}

/* ---- the one that is there ---- */

static int load(struct setup *s)
{
	static const char *const only_new[] = {
		"zendesk-url",		"zendesk-auth",
		"zendesk-email",	"zendesk-client-id",
		"sunco-app-id",		"zendesk-client-secret-file",
		"sunco-key-id",		"zendesk-token-file",
		"sunco-key-secret-file"};
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(only_new); i++)
		if (cli_given(s->cli, only_new[i]))
			return cli_usage_error(
				s->cli,
				"%s is there: --%s is for a new one; change it "
				"there",
				s->path, only_new[i]);
	if (config_load_early(&s->config, s->path, &err) == RESULT_OK)
		return CLI_DONE;
	fprintf(s->cli->err, "%s\n", err.text);
	return CLI_USAGE;
}

static int pick_account(struct setup *s)
{
	const char *name = cli_text(s->cli, "account");
	int code = cli_check_account(s->cli, s->config, name);

	if (code != CLI_DONE)
		return code;
	if (!name && s->config->account_count > 1)
		return cli_usage_error(s->cli, "there are several accounts: "
					       "--account NAME");
	s->account = name ? config_account(s->config, name)
			  : &s->config->accounts[0];
	return CLI_DONE;
}

/* --url goes before the configuration's. */
static int pick_url(struct setup *s)
{
	const char *url = cli_text(s->cli, "url");
	const char *problem = url ? config_origin_problem(url) : NULL;
	char *own;

	if (problem)
		return cli_usage_error(s->cli, "--url %s", problem);
	own = xstrdup(url ? url : s->config->public_url);
	for (size_t len = strlen(own); len > 0 && own[len - 1] == '/'; len--)
		own[len - 1] = '\0';
	s->want = (struct registration){s->account->name, own};
	if (*own || cli_given(s->cli, "remove"))
		return CLI_DONE;
	return cli_usage_error(s->cli, "where do the providers reach reunite? "
				       "--url https://HOST, or public_url in "
				       "the configuration");
}

/* The folder is there, the file need not be: *new*, or NULL. */
static char *absolute(const char *path)
{
	char *folder = xstrdup(path), *name = xstrdup(path);
	char *real = realpath(dirname(folder), NULL);
	char *whole = NULL;
	struct buf b;

	if (real) {
		buf_init(&b, PATH_MAX);
		buf_printf(&b, "%s/%s", str_eq(real, "/") ? "" : real,
			   basename(name));
		whole = buf_detach(&b);
	}
	free(real);
	free(folder);
	free(name);
	return whole;
}

/* Nothing is there, not even a link that leads nowhere: then a file can be
 * made. What cannot be seen is there. */
static bool is_free(const char *path)
{
	struct stat st;

	return lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

int setup_begin(struct setup *s)
{
	const char *path = s->cli->config_path;
	int code;

	path = path ? path : CONFIG_DEFAULT_PATH;
	s->path = absolute(path);
	if (!s->path && !s->cli->config_path)
		s->path = xstrdup(path); /* variables may do without it */
	if (!s->path)
		return cli_usage_error(s->cli, "the folder of %s: %s", path,
				       strerror(errno));
	s->is_new = is_free(s->path);
	code = s->is_new ? compose(s) : load(s);
	if (code == CLI_DONE)
		code = pick_account(s);
	return code == CLI_DONE ? pick_url(s) : code;
}

void setup_end(struct setup *s)
{
	upstream_free(s->upstream);
	free((char *)(uintptr_t)s->want.public_url);
	config_free(s->config);
	free(s->path);
}
