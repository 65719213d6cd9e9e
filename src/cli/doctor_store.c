/*
 * `reunite doctor`: the store, its disk, and whether a daemon works on it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/str.h"
#include "backups.h"
#include "doctor.h"

#define MIB (INT64_C(1) << 20)

/* With these left, the log of one bad day no longer fits; then nothing. */
#define SPACE_WARNING_MIB 1024
#define SPACE_PROBLEM_MIB 100
/* More than the daemon lets it grow by itself. */
#define LOG_LARGE_MIB 96
#define CLOCK_OFF_S   120

/* The database's path; NULL: it is no file of ours. */
static const char *path_of(const struct doctor *d)
{
	static const char scheme[] = "sqlite:";
	const char *store = d->config->store;

	return str_starts(store, scheme) ? store + sizeof(scheme) - 1 : NULL;
}

static void say_health(struct doctor *d, const struct store_health *h)
{
	doctor_say(d, DOCTOR_OK, NULL, "schema %lld, %lld MiB, mode %s",
		   (long long)h->schema, (long long)(h->size_bytes / MIB),
		   h->mode);
	d->check = "durability";
	if (h->durable)
		doctor_say(d, DOCTOR_OK, NULL, "every commit is synced (%s)",
			   h->settings);
	else
		doctor_say(d, DOCTOR_PROBLEM,
			   "let the database sync what it commits: turn these "
			   "on where its server is set",
			   "what is accepted may be lost in a power failure "
			   "(%s)",
			   h->settings);
}

static void check_store(struct doctor *d)
{
	const struct store_health *h;
	struct store_op op;

	if (!d->store)
		return; /* said when it was opened */
	store_op_init(&op, STORE_HEALTH);
	h = &op.u.health;
	if (store_do(d->store, &op) != RESULT_OK)
		doctor_say(d, DOCTOR_PROBLEM, "see: reunite queue check",
			   "it does not answer: %s", op.error.text);
	else
		say_health(d, h);
	store_op_release(&op);
}

/* Whoever shares a database goes by its clock; ours is for logs, and for what
 * else is on this machine. */
static void check_clock(struct doctor *d)
{
	struct store_op op;
	int64_t off_s;

	if (!d->store)
		return;
	store_op_init(&op, STORE_CLOCK);
	if (store_do(d->store, &op) != RESULT_OK || op.u.clock.store_ms == 0)
		return;
	off_s = (clock_wall_ms() - op.u.clock.store_ms) / 1000;
	if (off_s >= CLOCK_OFF_S || off_s <= -CLOCK_OFF_S)
		doctor_say(d, DOCTOR_WARNING,
			   "set both by NTP; the daemons go by the database's",
			   "this machine's clock is %lld s %s that of the "
			   "database",
			   (long long)(off_s < 0 ? -off_s : off_s),
			   off_s < 0 ? "behind" : "ahead of");
	else
		doctor_say(d, DOCTOR_OK, NULL,
			   "this machine's goes like that of the database");
}

static void check_mode(struct doctor *d)
{
	const char *path = path_of(d);
	struct stat st;

	if (!path || !d->store || stat(path, &st) != 0)
		return;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		doctor_say(d, DOCTOR_PROBLEM, "chmod 600",
			   "it holds tokens and personal data, and its mode "
			   "is %03o",
			   (unsigned)(st.st_mode & 0777));
}

static void check_disk(struct doctor *d)
{
	const char *path = path_of(d);
	struct statvfs fs;
	enum doctor_level level;
	int64_t mib;

	if (!path || !d->store || statvfs(path, &fs) != 0)
		return;
	mib = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize / MIB;
	level = mib < SPACE_PROBLEM_MIB	  ? DOCTOR_PROBLEM
		: mib < SPACE_WARNING_MIB ? DOCTOR_WARNING
					  : DOCTOR_OK;
	doctor_say(d, level,
		   level == DOCTOR_OK ? NULL
				      : "make room; when it is full, webhooks "
					"are answered with 503",
		   "%lld MiB are free", (long long)mib);
}

/* With somebody who reads all the time nothing in it can be let go. */
static void check_log(struct doctor *d)
{
	const char *path = path_of(d);
	char name[4096];
	struct stat st;

	if (!path || !d->store)
		return;
	snprintf(name, sizeof(name), "%s-wal", path);
	if (stat(name, &st) == 0 && st.st_size > LOG_LARGE_MIB * MIB)
		doctor_say(d, DOCTOR_WARNING,
			   "end what has the store open for long: a backup, "
			   "an sqlite3 shell, a stopped command",
			   "its write-ahead log grew to %lld MiB",
			   (long long)(st.st_size / MIB));
}

static void say_copy(struct doctor *d, const char *name, const char *host,
		     int64_t made_ms, bool rescued)
{
	int64_t kept_ms = d->config->retention_before_images_ms;
	bool old = d->cli->now_ms - made_ms > kept_ms;
	char age[DOCTOR_AGE_SIZE];

	doctor_say(d, old || rescued ? DOCTOR_WARNING : DOCTOR_OK,
		   "delete it when it is of no use any more",
		   "%s%s%s, %s old, holds what the store held then", name,
		   host ? " on " : "", host ? host : "",
		   doctor_age(d, made_ms, age));
}

static void say_backup(void *arg, const char *name, const char *host,
		       int64_t made_ms)
{
	say_copy(arg, name, host, made_ms, false);
}

static void check_copies(struct doctor *d)
{
	struct store_copy *copies;
	size_t count = store_copies(d->config->store, &copies);
	struct error err;

	for (size_t i = 0; i < count; i++) {
		say_copy(d, copies[i].name, NULL, copies[i].made_ms,
			 copies[i].rescued);
		free(copies[i].name);
	}
	free(copies);
	if (d->store && backups_each(d->store, d->config->store, say_backup, d,
				     &err) != RESULT_OK)
		doctor_say(d, DOCTOR_PROBLEM, NULL,
			   "its backups cannot be told: %s", err.text);
}

/* One of the kernel's lines "1: FLOCK ADVISORY WRITE pid device:inode ...". */
static bool names_lock(const char *line, uint64_t inode)
{
	const char *colon = strrchr(line, ':');
	uint64_t there;
	size_t len;

	if (!strstr(line, "FLOCK") || !colon)
		return false;
	len = strcspn(colon + 1, " ");
	return str_parse_u64((struct slice){colon + 1, len}, &there) &&
	       there == inode;
}

/* Taking the lock to see whether it is free could stop a daemon that starts
 * at that moment; the kernel's list can be read by anybody. */
static bool is_served(const char *path, bool *known)
{
	FILE *locks = fopen("/proc/locks", "re");
	char *file = realpath(path, NULL); /* the lock is beside it */
	char name[4096], line[256];
	struct stat st;
	bool served = false;

	snprintf(name, sizeof(name), "%s.lock", file ? file : path);
	free(file);
	*known = locks && stat(name, &st) == 0;
	while (*known && !served && fgets(line, sizeof(line), locks))
		served = names_lock(line, st.st_ino);
	if (locks)
		fclose(locks);
	return served;
}

static void check_daemon(struct doctor *d)
{
	const char *path = path_of(d);
	bool known, served;

	if (!path || !d->store)
		return;
	served = is_served(path, &known);
	if (served)
		doctor_say(d, DOCTOR_OK, NULL, "one is at work on the store");
	else if (known)
		doctor_say(d, DOCTOR_WARNING,
			   "reunite serve, or systemctl start reunite",
			   "none that could be seen from here is at work on "
			   "the store");
}

const struct doctor_check doctor_store_checks[] = {
	{"store", check_store},	    {"clock", check_clock},
	{"store mode", check_mode}, {"disk", check_disk},
	{"log", check_log},	    {"copies", check_copies},
	{"daemon", check_daemon},   {"nodes", doctor_check_nodes},
};
const size_t doctor_store_check_count = ARRAY_LEN(doctor_store_checks);
