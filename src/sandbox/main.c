/*
 * reunite-sandbox: one stand-in, one listener, until SIGTERM or SIGINT.
 *
 * Prints one line with its base URL when it is ready. Exits 0 after a signal,
 * 1 when it cannot listen, 2 on wrong usage.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "sandbox/options.h"
#include "sandbox/sandbox.h"

enum { EXIT_USAGE = 2 };

static void on_signal(void *arg)
{
	loop_stop(arg);
}

static int complain(const char *text)
{
	fprintf(stderr, "reunite-sandbox: %s\n", text);
	return EXIT_FAILURE;
}

/* Whole or not at all, since somebody waits for it. */
static enum result write_port(const struct options *o, uint16_t port,
			      struct error *err)
{
	char part[4096];
	FILE *f = NULL;

	if (!o->port_file)
		return RESULT_OK;
	if ((size_t)snprintf(part, sizeof(part), "%s.part", o->port_file) <
	    sizeof(part))
		f = fopen(part, "w");
	if (f && fprintf(f, "%u\n", port) > 0 && fclose(f) == 0 &&
	    rename(part, o->port_file) == 0)
		return RESULT_OK;
	return error_set(err, RESULT_PERM, "cannot write the port file");
}

static int serve(struct loop *loop, struct sandbox *sb, const struct options *o)
{
	struct loop_signal *term;
	struct loop_signal *interrupt;
	struct error err;

	if (settings_apply(&sb->account.settings, o->settings, &err) !=
	    RESULT_OK) {
		complain(err.text);
		return EXIT_USAGE;
	}
	if (sandbox_listen(sb, o->listen, &err) != RESULT_OK ||
	    write_port(o, http_server_port(sb->server), &err) != RESULT_OK)
		return complain(err.text);
	term = loop_signal_new(loop, SIGTERM, on_signal, loop);
	interrupt = loop_signal_new(loop, SIGINT, on_signal, loop);
	printf("%s\n", sb->account.base_url);
	fflush(stdout);
	loop_run(loop);
	loop_signal_free(term);
	loop_signal_free(interrupt);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options o;
	struct error err;
	struct loop *loop;
	struct sandbox *sb;
	int code;

	if (options_parse(argc, argv, &o, &err) != RESULT_OK) {
		complain(err.text);
		options_release(&o);
		return EXIT_USAGE;
	}
	if (o.help || o.version) {
		if (o.help)
			options_usage(stdout);
		else
			printf("reunite-sandbox %s\n", REUNITE_VERSION);
		options_release(&o);
		return EXIT_SUCCESS;
	}
	log_setup(o.verbose ? LOG_DEBUG : LOG_WARN, LOG_TEXT, 2);
	loop = loop_new();
	sb = sandbox_new(loop, !o.empty, o.ca_file);
	code = serve(loop, sb, &o);
	sandbox_free(sb);
	loop_free(loop);
	options_release(&o);
	return code;
}
