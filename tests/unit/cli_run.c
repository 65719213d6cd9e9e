/*
 * Command lines run inside a test; see cli_run.h.
 */
#include "cli_run.h"

#include <dirent.h>

#include "base/str.h"
#include "unit.h"

static char folder[64];
static char cli_conf[96];
char cli_url[128];
char *cli_out, *cli_err;

void cli_forget(void)
{
	free(cli_out);
	free(cli_err);
	cli_out = cli_err = NULL;
}

int cli_run_to(FILE *out_file, const char *line)
{
	static char program[] = "reunite", option[] = "-c";
	char *words = xstrdup(line), *rest = words, *word;
	char *argv[32] = {program};
	int argc = 1, code;
	FILE *err_file;
	size_t size;

	while ((word = strsep(&rest, " "))) {
		if (str_eq(word, "@")) {
			argv[argc++] = option;
			word = cli_conf;
		}
		if (*word)
			argv[argc++] = word;
	}
	err_file = open_memstream(&cli_err, &size);
	code = cli_main(argc, argv, stdin, out_file, err_file);
	fclose(err_file);
	free(words);
	return code;
}

int cli_run(const char *line)
{
	FILE *out_file;
	size_t size;
	int code;

	cli_forget();
	out_file = open_memstream(&cli_out, &size);
	code = cli_run_to(out_file, line);
	fclose(out_file);
	return code;
}

size_t cli_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

void cli_refuses(const char *line, const char *message)
{
	assert_int_equal(cli_run(line), CLI_USAGE);
	assert_string_equal(cli_out, "");
	if (!strstr(cli_err, message) || cli_lines(cli_err) != 1)
		fail_msg("%s: expected %s\ngot %s", line, message, cli_err);
}

void cli_fails(const char *line, const char *message)
{
	assert_int_equal(cli_run(line), CLI_FAILED);
	assert_string_equal(cli_out, "");
	assert_string_equal(cli_err, message);
}

struct json_t *cli_line_json(size_t i)
{
	const char *at = cli_out;
	struct json_t *v;

	while (i-- > 0)
		at = strchr(at, '\n') + 1;
	v = json_parse(at, strcspn(at, "\n"), NULL);
	assert_non_null(v);
	return v;
}

int cli_remove_store(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (str_starts(entry->d_name, "reunite.db"))
			assert_int_equal(unlink(path), 0);
	}
	closedir(dir);
	return 0;
}

int cli_make_folder(void **state)
{
	FILE *f;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/reunite-cli-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(cli_conf, sizeof(cli_conf), "%s/reunite.conf", folder);
	snprintf(cli_url, sizeof(cli_url), "sqlite:%s/reunite.db", folder);
	setenv("REUNITE_TEST_STORE", cli_url, 1);
	f = fopen(cli_conf, "w");
	assert_non_null(f);
	fputs("store = \"${REUNITE_TEST_STORE}\"\n"
	      "account acme {\n"
	      "zendesk_url = \"https://acme.zendesk.example\"\n"
	      "zendesk_client_id = a\n zendesk_client_secret = b\n"
	      "sunco_url = \"https://acme.zendesk.example/sc\"\n"
	      "apply = \"review\"\n"
	      "sunco_app_id = c\n sunco_key_id = d\n sunco_key_secret = e\n"
	      "sunco_webhook_secrets = {f}\n}\n",
	      f);
	fclose(f);
	return 0;
}

int cli_remove_folder(void **state)
{
	(void)state;
	cli_forget();
	unlink(cli_conf);
	return rmdir(folder);
}
