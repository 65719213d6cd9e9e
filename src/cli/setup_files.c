/*
 * The files that `setup` writes: whole or not at all, never for everybody.
 *
 * A file is written beside its place, synced, and put there at once, so that
 * neither a crash nor a full disk leaves half a secret; the daemon may read it
 * meanwhile. A new one has mode 0600 and, made by root, belongs to the user
 * reunite if there is one: else the daemon could not read it. One that was
 * there keeps its owner, its group and that the group may read it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crashpoint.h"
#include "base/crypto.h"
#include "base/str.h"
#include "setup.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define OLD_MAX	       32 /* secrets kept behind those in use */
#define MODE	       ((mode_t)0600)
#define MODE_GROUP     ((mode_t)0640) /* what one that was there may have */
#define DAEMON_USER    "reunite"

void setup_secrets_add(struct setup_secrets *s, const char *secret)
{
	if (s->count < SETUP_SECRETS_MAX)
		s->items[s->count++] = xstrdup(secret);
}

void setup_secrets_release(struct setup_secrets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		crypto_wipe(s->items[i], strlen(s->items[i]));
		free(s->items[i]);
	}
	s->count = 0;
}

/* ---- writing ---- */

static enum result fail(struct error *err, const char *what, const char *path)
{
	return error_set(err, RESULT_PERM, "cannot %s %s: %s", what, path,
			 strerror(errno));
}

static bool write_all(int fd, struct slice text)
{
	while (text.len > 0) {
		ssize_t n = write(fd, text.ptr, text.len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			text.ptr += n;
			text.len -= (size_t)n;
		}
	}
	return true;
}

/* To whom it is to belong; mkostemp() made it for its owner only. */
static bool give(int fd, const char *path)
{
	const struct passwd *user;
	bool root = geteuid() == 0;
	struct stat st;

	if (stat(path, &st) == 0)
		return (!root || fchown(fd, st.st_uid, st.st_gid) == 0) &&
		       fchmod(fd, (st.st_mode & MODE_GROUP) | MODE) == 0;
	user = root ? getpwnam(DAEMON_USER) : NULL;
	return !user || fchown(fd, user->pw_uid, user->pw_gid) == 0;
}

static void sync_folder(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(copy);
}

/* Beside the path, synced: its name, *new*, or NULL. */
static char *write_beside(const char *path, struct slice text,
			  struct error *err)
{
	struct buf name;
	char *made;
	bool ok;
	int fd;

	buf_init(&name, FILE_MAX_BYTES);
	buf_printf(&name, "%s.XXXXXX", path);
	made = buf_detach(&name);
	fd = mkostemp(made, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		fail(err, "write", path);
		free(made);
		return NULL;
	}
	ok = write_all(fd, text) && give(fd, path) && fsync(fd) == 0;
	if (!ok)
		fail(err, "write", path);
	close(fd);
	if (ok)
		return made;
	unlink(made);
	free(made);
	return NULL;
}

/* True: it holds just that, and not for everybody. */
static bool is_so(const char *path, struct slice text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same = false;
	struct stat st;
	char *is;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & 07777 & ~MODE_GROUP) == 0 &&
	    (size_t)st.st_size == text.len) {
		is = xcalloc(text.len + 1, 1);
		same = read(fd, is, text.len + 1) == (ssize_t)text.len &&
		       memcmp(is, text.ptr, text.len) == 0;
		crypto_wipe(is, text.len);
		free(is);
	}
	close(fd);
	return same;
}

enum result setup_file_write(const char *path, struct slice text, bool *changed,
			     struct error *err)
{
	enum result r = RESULT_OK;
	char *beside;

	*changed = !is_so(path, text);
	if (!*changed)
		return RESULT_OK;
	beside = write_beside(path, text, err);
	if (!beside)
		return RESULT_PERM;
	CRASH_POINT("setup_file_beside");
	if (rename(beside, path) != 0) {
		r = fail(err, "write", path);
		unlink(beside);
	}
	sync_folder(path);
	free(beside);
	return r;
}

enum result setup_file_create(const char *path, struct slice text,
			      struct error *err)
{
	char *beside = write_beside(path, text, err);
	enum result r = RESULT_OK;

	if (!beside)
		return RESULT_PERM;
	if (link(beside, path) != 0)
		r = errno == EEXIST ? error_set(err, RESULT_CONFLICT,
						"%s is there meanwhile", path)
				    : fail(err, "write", path);
	unlink(beside);
	sync_folder(path);
	free(beside);
	return r;
}

/* ---- secrets of webhooks ---- */

char *setup_secret_path(const struct setup *s, const char *account,
			const char *setting)
{
	const char *known = config_file_of(s->config, account, setting);
	char *copy, *path;
	struct buf b;

	path = known ? realpath(known, NULL) : NULL;
	if (path || known)
		return path ? path : xstrdup(known);
	copy = xstrdup(s->path);
	buf_init(&b, FILE_MAX_BYTES);
	buf_printf(&b, "%s/%s%s%s", dirname(copy), account ? account : "",
		   account ? "." : "", setting);
	free(copy);
	return buf_detach(&b);
}

const struct config_list *setup_known_secrets(const struct setup *s,
					      const char *setting)
{
	return str_eq(setting, "sunco_webhook_secrets")
		       ? &s->account->sunco_webhook_secrets
		       : &s->account->zendesk_webhook_secrets;
}

bool setup_has_secret(const struct config_list *list, const char *secret)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i], secret))
			return true;
	return false;
}

static bool is_in_use(const struct setup_secrets *now, const char *secret)
{
	for (size_t i = 0; i < now->count; i++)
		if (str_eq(now->items[i], secret))
			return true;
	return false;
}

/* Those in use, then the newest of the old ones; how many of these. */
static size_t secrets_text(const struct setup_secrets *now,
			   const struct config_list *known, struct buf *out)
{
	size_t old = 0;

	for (size_t i = 0; i < now->count; i++)
		buf_printf(out, "%s\n", now->items[i]);
	for (size_t i = 0; i < known->count && old < OLD_MAX; i++) {
		if (is_in_use(now, known->items[i]))
			continue;
		buf_printf(out, "%s\n", known->items[i]);
		old++;
	}
	return old;
}

/* What an earlier run wrote, whose configuration never came to be. */
static void read_earlier(const char *path, struct config_list *out)
{
	FILE *f = fopen(path, "re");
	char line[1024];

	while (f && fgets(line, sizeof(line), f) && out->count < OLD_MAX) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '\0')
			continue;
		out->items =
			xrealloc(out->items, (out->count + 1) * sizeof(char *));
		out->items[out->count++] = xstrdup(line);
	}
	crypto_wipe(line, sizeof(line));
	if (f)
		fclose(f);
}

static void say_kept(struct setup *s, const char *setting, const char *path,
		     size_t old, bool changed)
{
	setup_say(s, changed ? SETUP_WRITTEN : SETUP_UNCHANGED, "files",
		  "secrets", NULL, "%s: %s%s", setting, path,
		  old == 0 ? ""
			   : ", with the old ones behind it: take them out "
			     "when nothing is sent with them any more");
}

static bool keep(struct setup *s, const char *setting, const char *path,
		 const struct setup_secrets *now,
		 const struct config_list *known)
{
	struct error err;
	struct buf text;
	bool changed;
	size_t old;
	enum result r;

	buf_init(&text, FILE_MAX_BYTES);
	old = secrets_text(now, known, &text);
	r = setup_file_write(path, (struct slice){text.data, text.len},
			     &changed, &err);
	crypto_wipe(text.data, text.len);
	buf_release(&text);
	if (r == RESULT_OK)
		say_kept(s, setting, path, old, changed);
	else
		setup_say(s, SETUP_FAILED, "files", "secrets", NULL,
			  "%s -> mend that and run setup again: it fetches "
			  "the secret again",
			  err.text);
	return r == RESULT_OK;
}

/* Written into the configuration itself, and all there: nothing to keep. */
static bool stands_in_configuration(const struct setup *s, const char *setting,
				    const struct setup_secrets *now)
{
	const struct config_list *known = setup_known_secrets(s, setting);

	if (config_file_of(s->config, s->account->name, setting))
		return false;
	for (size_t i = 0; i < now->count; i++)
		if (!setup_has_secret(known, now->items[i]))
			return false;
	return true;
}

bool setup_keep_secrets(struct setup *s, const char *setting,
			const struct setup_secrets *now)
{
	const struct config_list *known = setup_known_secrets(s, setting);
	struct config_list earlier = {0};
	char *path;
	bool ok;

	if (stands_in_configuration(s, setting, now))
		return true;
	path = setup_secret_path(s, s->account->name, setting);
	if (known->count == 0) {
		read_earlier(path, &earlier);
		known = &earlier;
	}
	ok = keep(s, setting, path, now, known);
	for (size_t i = 0; i < earlier.count; i++) {
		crypto_wipe(earlier.items[i], strlen(earlier.items[i]));
		free(earlier.items[i]);
	}
	free(earlier.items);
	free(path);
	return ok;
}
