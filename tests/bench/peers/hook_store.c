/*
 * The command that adnanh/webhook runs for each webhook: one file by the
 * event's name, which must not be there yet, synced with its folder. The
 * cheapest durable thing that a program of its own can do.
 *
 *	hook_store ID PERSON TYPE        in the folder where it is run
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int say(const char *word)
{
	return puts(word) < 0;
}

int main(int argc, char **argv)
{
	int folder, file;

	if (argc != 4 || strchr(argv[1], '/') || argv[1][0] == '.')
		return 2;
	file = open(argv[1], O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (file < 0)
		return errno == EEXIST ? say("duplicate") : 1;
	if (dprintf(file, "%s %s\n", argv[2], argv[3]) < 0 || fsync(file) != 0)
		return 1;
	folder = open(".", O_RDONLY | O_DIRECTORY);
	if (folder < 0 || fsync(folder) != 0)
		return 1;
	return say("accepted");
}
