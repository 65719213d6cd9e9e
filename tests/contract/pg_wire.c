/*
 * See pg_wire.h: a thread that copies bytes between Unix sockets.
 */
#include "pg_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../src/store/pg.h"
#include "base/clock.h"
#include "base/str.h"

#define LINES_MAX   8
#define CHUNK	    65536
#define LATE_MS	    300
#define SOCKET	    ".s.PGSQL.5432"
#define PATIENCE_MS 20

struct line {
	int client, server;
};

struct pg_wire {
	pthread_t thread;
	pthread_mutex_t mutex;
	enum pg_wire_cut cut;
	bool for_good;
	bool down;
	bool stops;
	int cuts;
	int listener;
	char dir[64];
	char path[96];
	struct line lines[LINES_MAX];
	size_t count;
	char commit[PG_NAME_SIZE]; /* what it is prepared as */
	int late;		   /* a server's end without a client; or -1 */
	int64_t late_ms;	   /* when it gets the rest */
	char rest[CHUNK];
	size_t rest_len;
};

static int unix_socket(const char *path, struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	assert_true(fd >= 0 &&
		    str_copy(sa->sun_path, sizeof(sa->sun_path), path));
	return fd;
}

static int dial(void)
{
	struct sockaddr_un sa;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" SOCKET, pg_server_host());
	fd = unix_socket(path, &sa);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void cut_all(struct pg_wire *w)
{
	for (size_t i = 0; i < w->count; i++) {
		close(w->lines[i].client);
		close(w->lines[i].server);
	}
	w->count = 0;
}

static void take_in(struct pg_wire *w)
{
	int client = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	int server;

	if (client < 0)
		return;
	server = w->down || w->count == LINES_MAX ? -1 : dial();
	if (server < 0)
		close(client);
	else
		w->lines[w->count++] = (struct line){client, server};
}

static bool holds(const char *bytes, size_t len, const char *what, size_t size)
{
	return memmem(bytes, len, what, size) != NULL;
}

/* The client commits by a prepared statement; the server says that it did by
 * a message whose text is COMMIT. */
static bool is_moment(const struct pg_wire *w, const char *bytes, size_t len,
		      bool from_server)
{
	if (from_server)
		return w->cut == PG_WIRE_CUT_AFTER &&
		       holds(bytes, len, "C\0\0\0\013COMMIT", 12);
	return (w->cut == PG_WIRE_CUT_BEFORE || w->cut == PG_WIRE_CUT_LATE) &&
	       holds(bytes, len, w->commit, strlen(w->commit));
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* The server's end outlives the line. */
static void hold_back(struct pg_wire *w, int server, const char *bytes,
		      size_t len)
{
	w->late = fcntl(server, F_DUPFD_CLOEXEC, 0);
	assert_true(w->late >= 0);
	w->late_ms = clock_mono_ms() + LATE_MS;
	memcpy(w->rest, bytes, len);
	w->rest_len = len;
}

static void deliver_late(struct pg_wire *w)
{
	if (w->rest_len == 0 || clock_mono_ms() < w->late_ms)
		return;
	(void)send_all(w->late, w->rest, w->rest_len);
	w->rest_len = 0;
}

enum copied { COPIED, LINE_ENDED, ALL_CUT };

static enum copied copy(struct pg_wire *w, int from, int to, bool from_server)
{
	static char chunk[CHUNK];
	ssize_t n = recv(from, chunk, sizeof(chunk), 0);

	if (n <= 0)
		return LINE_ENDED;
	if (!is_moment(w, chunk, (size_t)n, from_server))
		return send_all(to, chunk, (size_t)n) ? COPIED : LINE_ENDED;
	if (w->cut == PG_WIRE_CUT_LATE)
		hold_back(w, to, chunk, (size_t)n);
	w->cut = PG_WIRE_WHOLE;
	w->down = w->for_good;
	w->cuts++;
	return ALL_CUT;
}

static void end_line(struct pg_wire *w, size_t i)
{
	close(w->lines[i].client);
	close(w->lines[i].server);
	w->lines[i] = w->lines[--w->count];
}

/* Only what poll() spoke of: a new line has not been looked at. */
static void copy_what_came(struct pg_wire *w, const struct pollfd *fds,
			   size_t count)
{
	for (size_t i = count; i-- > 0;) {
		struct line l = w->lines[i];
		enum copied c = COPIED;

		if (fds[1 + 2 * i].revents != 0)
			c = copy(w, l.client, l.server, false);
		if (c == COPIED && fds[2 + 2 * i].revents != 0)
			c = copy(w, l.server, l.client, true);
		if (c == LINE_ENDED)
			end_line(w, i);
		if (c == ALL_CUT) {
			cut_all(w);
			return;
		}
	}
}

static bool turn(struct pg_wire *w)
{
	struct pollfd fds[1 + 2 * LINES_MAX];
	size_t count = w->count;
	bool stops;

	fds[0] = (struct pollfd){w->listener, POLLIN, 0};
	for (size_t i = 0; i < count; i++) {
		fds[1 + 2 * i] = (struct pollfd){w->lines[i].client, POLLIN, 0};
		fds[2 + 2 * i] = (struct pollfd){w->lines[i].server, POLLIN, 0};
	}
	(void)poll(fds, (nfds_t)(1 + 2 * count), PATIENCE_MS);
	pthread_mutex_lock(&w->mutex);
	copy_what_came(w, fds, count);
	deliver_late(w);
	if (fds[0].revents != 0)
		take_in(w);
	stops = w->stops;
	if (stops)
		cut_all(w);
	pthread_mutex_unlock(&w->mutex);
	return !stops;
}

static void *wire_main(void *arg)
{
	while (turn(arg))
		;
	return NULL;
}

struct pg_wire *pg_wire_new(const struct pg_database *d, char *url)
{
	struct pg_wire *w = xcalloc(1, sizeof(*w));
	struct sockaddr_un sa;

	w->late = -1;
	pg_text_name("COMMIT", w->commit);
	snprintf(w->dir, sizeof(w->dir), "/tmp/reunite-wire-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/" SOCKET, w->dir);
	w->listener = unix_socket(w->path, &sa);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	assert_int_equal(listen(w->listener, LINES_MAX), 0);
	pthread_mutex_init(&w->mutex, NULL);
	assert_int_equal(pthread_create(&w->thread, NULL, wire_main, w), 0);
	snprintf(url, PG_URL_SIZE, "%.*shost=%s",
		 (int)(strstr(d->url, "host=") - d->url), d->url, w->dir);
	return w;
}

void pg_wire_free(struct pg_wire *w)
{
	pthread_mutex_lock(&w->mutex);
	w->stops = true;
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->mutex);
	close(w->listener);
	if (w->late >= 0)
		close(w->late);
	(void)unlink(w->path);
	(void)rmdir(w->dir);
	free(w);
}

void pg_wire_arm(struct pg_wire *w, enum pg_wire_cut cut, bool for_good)
{
	pthread_mutex_lock(&w->mutex);
	w->cut = cut;
	w->for_good = for_good;
	w->down = false;
	pthread_mutex_unlock(&w->mutex);
}

int pg_wire_cuts(struct pg_wire *w)
{
	int n;

	pthread_mutex_lock(&w->mutex);
	n = w->cuts;
	pthread_mutex_unlock(&w->mutex);
	return n;
}
