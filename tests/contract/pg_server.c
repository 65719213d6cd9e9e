/*
 * Three processes: the test, its keeper, and the server. The keeper starts the
 * server and waits; when the test tells it, or has died (PR_SET_PDEATHSIG),
 * it ends the server and removes the folder. When the keeper is killed, the
 * server, asked by its own death signal, ends too.
 */
#include "pg_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "contract.h"

#define START_TRIES 3000 /* of 10 ms */
#define USER	    "reunite"

static struct {
	char dir[64]; /* "": not started */
	pid_t test;
	pid_t keeper;
	unsigned int databases;
} server;

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* --- which server --- */

static int major_of(const char *path)
{
	return atoi(path + strlen("/usr/lib/postgresql/"));
}

static void find_bindir(char *dir, size_t size)
{
	const char *best = NULL;
	FILE *f;
	glob_t g;
	size_t i;

	dir[0] = '\0';
	if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++) {
			if (best == NULL ||
			    major_of(g.gl_pathv[i]) > major_of(best))
				best = g.gl_pathv[i];
		}
		snprintf(dir, size, "%.*s",
			 (int)(strlen(best) - strlen("/initdb")), best);
		globfree(&g);
		return;
	}
	f = popen("pg_config --bindir 2>/dev/null", "r");
	assert_non_null(f);
	if (fgets(dir, (int)size, f) != NULL)
		dir[strcspn(dir, "\n")] = '\0';
	pclose(f);
}

/* --- in the server's process --- */

static void become_postgres(void)
{
	const struct passwd *pw = getpwnam("postgres");

	if (geteuid() != 0)
		return;
	if (pw == NULL || setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0)
		_exit(126);
}

static pid_t spawn(const char *dir, const char *const argv[], int death_signal)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t unblocked;

	sigemptyset(&unblocked);
	if (pid != 0)
		return pid;
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
	become_postgres();
	/* after the change of user, which resets it */
	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent || chdir(dir) != 0)
		_exit(125);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int run(const char *dir, const char *const argv[])
{
	int status = -1;
	pid_t pid = spawn(dir, argv, SIGKILL);

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static pid_t start_postgres(const char *dir, const char *bindir)
{
	char initdb[PATH_MAX], postgres[PATH_MAX], data[96], socket[128];
	const char *const init[] = {initdb, "-D",    data,	   "-N",
				    "-A",   "trust", "-U",	   USER,
				    "-E",   "UTF8",  "--locale=C", NULL};
	const char *const serve[] = {postgres,
				     "-D",
				     data,
				     "-c",
				     socket,
				     "-clisten_addresses=",
				     "-cfsync=off",
				     "-cfull_page_writes=off",
				     "-cautovacuum=off",
				     "-cshared_buffers=32MB",
				     "-cmax_connections=50",
				     "-cmax_prepared_transactions=0",
				     NULL};

	snprintf(initdb, sizeof(initdb), "%s/initdb", bindir);
	snprintf(postgres, sizeof(postgres), "%s/postgres", bindir);
	snprintf(data, sizeof(data), "%s/data", dir);
	snprintf(socket, sizeof(socket), "unix_socket_directories=%s", dir);
	if (run(dir, init) != 0)
		_exit(1);
	return spawn(dir, serve, SIGQUIT);
}

/* --- the keeper --- */

static void redirect(const char *dir)
{
	char log[96];
	int fd, i;

	/* whoever reads the test's output waits for its end */
	snprintf(log, sizeof(log), "%s/log", dir);
	fd = open(log, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644);
	for (i = 0; i < 3; i++)
		dup2(fd, i);
}

/* True: it ended by itself. */
static bool wait_for_end(pid_t postgres, const sigset_t *set)
{
	int got = 0;

	while (sigwait(set, &got) == 0 && got == SIGCHLD) {
		if (waitpid(postgres, NULL, WNOHANG) != 0)
			return true;
	}
	return false;
}

static void be_keeper(const char *dir, const char *bindir, pid_t test)
{
	sigset_t set;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	redirect(dir);
	pid = start_postgres(dir, bindir);
	if (getppid() == test && wait_for_end(pid, &set))
		_exit(1); /* the log tells why */
	kill(pid, SIGQUIT);
	waitpid(pid, NULL, 0);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

/* --- in the test --- */

static void stop(void)
{
	if (getpid() != server.test)
		return; /* a child of the test's */
	kill(server.keeper, SIGTERM);
	waitpid(server.keeper, NULL, 0);
}

static void print_log(void)
{
	char path[96], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", server.dir);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		fputs(line, stderr);
	if (f != NULL)
		fclose(f);
}

static void url_of(const char *name, char url[PG_URL_SIZE])
{
	snprintf(url, PG_URL_SIZE, "postgresql://%s@/%s?host=%s", USER, name,
		 server.dir);
}

static void wait_for_server(void)
{
	char url[PG_URL_SIZE];
	int i;

	url_of("postgres", url);
	for (i = 0; i < START_TRIES; i++) {
		if (PQping(url) == PQPING_OK)
			return;
		if (waitpid(server.keeper, NULL, WNOHANG) != 0)
			break;
		poll(NULL, 0, 10);
	}
	print_log();
	fail_msg("PostgreSQL did not start; its folder is %s", server.dir);
}

static void start(void)
{
	const char *tmp = getenv("TMPDIR");
	const struct passwd *pw = getpwnam("postgres");
	char bindir[PATH_MAX];

	find_bindir(bindir, sizeof(bindir));
	if (bindir[0] == '\0')
		fail_msg("PostgreSQL's server is not installed: see "
			 "deploy/packages.sh");
	snprintf(server.dir, sizeof(server.dir), "%s/reunite-pg-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(server.dir));
	if (geteuid() == 0) {
		assert_non_null(pw);
		assert_int_equal(chown(server.dir, pw->pw_uid, pw->pw_gid), 0);
	}
	server.test = getpid();
	server.keeper = fork();
	assert_true(server.keeper >= 0);
	if (server.keeper == 0)
		be_keeper(server.dir, bindir, server.test);
	atexit(stop);
	wait_for_server();
}

const char *pg_server_host(void)
{
	if (server.dir[0] == '\0')
		start();
	return server.dir;
}

/* --- databases --- */

static PGresult *ask(const char *name, const char *text)
{
	char url[PG_URL_SIZE];
	PGresult *r;
	PGconn *c;

	url_of(name, url);
	c = PQconnectdb(url);
	r = PQexec(c, text);
	if (PQresultStatus(r) != PGRES_COMMAND_OK &&
	    PQresultStatus(r) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(c));
	PQfinish(c);
	return r;
}

void pg_database_make(struct pg_database *d, const char *like)
{
	char text[160];

	pg_server_host();
	snprintf(d->name, sizeof(d->name), "db%u", ++server.databases);
	snprintf(text, sizeof(text), "CREATE DATABASE %s TEMPLATE %s", d->name,
		 like != NULL ? like : "template0");
	PQclear(ask("postgres", text));
	url_of(d->name, d->url);
}

void pg_database_drop(struct pg_database *d)
{
	char text[96];

	snprintf(text, sizeof(text), "DROP DATABASE %s WITH (FORCE)", d->name);
	PQclear(ask("postgres", text));
	d->name[0] = '\0';
}

void pg_database_sql(const struct pg_database *d, const char *text)
{
	PQclear(ask(d->name, text));
}

char *pg_database_value(const struct pg_database *d, const char *query)
{
	PGresult *r = ask(d->name, query);
	char *value = xstrdup(PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");

	PQclear(r);
	return value;
}
