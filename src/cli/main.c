/* The program: see cli/cli.h. */
#include <signal.h>
#include <stdio.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* A closed pipe is an error of the write, not the end of us. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit is like a full disk */
	return cli_main(argc, argv, stdin, stdout, stderr);
}
