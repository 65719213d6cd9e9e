/*
 * Backups: what one moment's store was, in a file that is whole or not there,
 * while others write; and what it is good for.
 */
#include "transfer_kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define LIMIT_SMALL 65536

/* A filled store of each kind. */
static void fill_place(struct tk_place *p, enum tk_kind kind)
{
	struct tk_place first;
	struct transfer t;

	if (kind == TK_SQLITE) {
		tk_fill(p);
		return;
	}
	tk_fill(&first);
	tk_place_make(p, kind);
	tk_copy(first.url, p->url, &t);
	transfer_release(&t);
	tk_place_remove(&first);
}

/* A folder for backups, which begins as a place for a store. */
struct folder {
	struct tk_place place;
	char file[192];
	char url[224];
};

static void folder_make(struct folder *f)
{
	tk_place_make(&f->place, TK_SQLITE);
	snprintf(f->file, sizeof(f->file), "%s/saved.db", f->place.dir.dir);
	snprintf(f->url, sizeof(f->url), "sqlite:%s", f->file);
}

static void folder_remove(struct folder *f)
{
	tk_place_remove(&f->place);
}

static bool is_there(const struct folder *f, const char *ending)
{
	char name[256];

	snprintf(name, sizeof(name), "%s%s", f->file, ending);
	return access(name, F_OK) == 0;
}

static enum result back_up(const char *from, const struct folder *f,
			   struct transfer *t, struct error *err)
{
	t->from = from;
	t->to = f->file;
	t->host = "here";
	t->now_ms = CT_START;
	err->text[0] = '\0';
	return transfer_backup(t, err);
}

static void must_back_up(const char *from, const struct folder *f,
			 struct transfer *t)
{
	struct error err;

	memset(t, 0, sizeof(*t));
	if (back_up(from, f, t, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

static void nothing_is_left(const struct folder *f)
{
	static const char *const endings[] = {
		"",	     ".part",	      ".part-wal",
		".part-shm", ".part-journal", ".part.lock"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		assert_false(is_there(f, endings[i]));
}

static void a_backup_is_one_file_of_its_owner(void **state)
{
	struct folder f;
	struct tk_place a;
	struct transfer t;
	struct error err;
	struct stat st;

	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		fill_place(&a, kind);
		folder_make(&f);
		must_back_up(a.url, &f, &t);
		assert_true(t.rows > TK_EVENTS);
		transfer_release(&t);
		assert_int_equal(stat(f.file, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_false(is_there(&f, "-wal"));
		assert_false(is_there(&f, ".part"));
		assert_false(is_there(&f, ".part.lock"));
		/* and is not replaced */
		assert_int_equal(back_up(a.url, &f, &t, &err), RESULT_CONFLICT);
		assert_non_null(strstr(err.text, "there already"));
		transfer_release(&t);
		tk_place_remove(&a);
		folder_remove(&f);
	}
}

/* Whatever it was saved from, it becomes the same again. */
static void a_backup_is_restored_by_a_copy(void **state)
{
	struct transfer saved, restored;
	struct tk_place a, b;
	struct folder f;

	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		fill_place(&a, kind);
		tk_place_make(&b, kind);
		folder_make(&f);
		must_back_up(a.url, &f, &saved);
		tk_copy(f.url, b.url, &restored);
		tk_same(&saved, &restored);
		transfer_release(&saved);
		transfer_release(&restored);
		tk_place_remove(&a);
		tk_place_remove(&b);
		folder_remove(&f);
	}
}

static size_t backups_of(const char *url, struct store_op *op)
{
	struct store *s = contract_open_url(url, STORE_READ);

	store_op_init(op, STORE_BACKUPS);
	assert_int_equal(store_do(s, op), RESULT_OK);
	store_close(s);
	return op->u.backups.count;
}

static bool knows(const char *url, const char *name)
{
	struct store_op op;
	size_t count = backups_of(url, &op);
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found = found || (str_eq(op.u.backups.rows[i].name, name) &&
				  str_eq(op.u.backups.rows[i].host, "here") &&
				  op.u.backups.rows[i].made_ms == CT_START);
	store_op_release(&op);
	return found;
}

/* It can be started on, too, and knows of itself. */
static void a_backup_is_a_store(void **state)
{
	struct tk_place a;
	struct folder f;
	struct transfer t;

	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		fill_place(&a, kind);
		folder_make(&f);
		must_back_up(a.url, &f, &t);
		transfer_release(&t);
		store_close(contract_open_url(f.url, STORE_SERVE));
		assert_true(knows(a.url, f.file));
		assert_true(knows(f.url, f.file));
		tk_place_remove(&a);
		folder_remove(&f);
	}
}

/* Of a copy, the new store knows the file that it came from. */
static void a_copy_knows_the_file_it_came_from(void **state)
{
	struct tk_place a, b;
	struct transfer t;

	(void)state;
	tk_fill(&a);
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		tk_place_make(&b, kind);
		tk_copy(a.url, b.url, &t);
		transfer_release(&t);
		assert_true(knows(b.url, tk_path(&a)));
		assert_false(knows(a.url, tk_path(&a)));
		tk_place_remove(&b);
	}
	tk_place_remove(&a);
}

/* --- while others write --- */

struct writing {
	struct store *daemon;
	int written;
};

static void accept_one(struct store *s, int n)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "p");
	struct store_op op;

	snprintf(e.sunco_id, sizeof(e.sunco_id), "written%d", n);
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = CT_ACCOUNT;
	op.u.accept.events = &e;
	op.u.accept.count = 1;
	op.u.accept.now_ms = CT_START;
	op.u.accept.wait_ms = CT_WAIT;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	assert_int_equal(op.u.accept.accepted, 1);
}

static void write_more(void *arg, const char *doing, const char *table,
		       int64_t done, int64_t total)
{
	struct writing *w = arg;

	(void)table;
	(void)done;
	(void)total;
	if (str_eq(doing, "saving"))
		accept_one(w->daemon, w->written++);
}

static int64_t rows_of(const struct transfer *t, const char *table)
{
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(t->tables[i].name, table))
			return t->tables[i].rows;
	fail_msg("no table %s", table);
	return 0;
}

/* The daemon is never kept waiting; the file is of one moment. */
static void others_write_meanwhile(void **state)
{
	struct writing w;
	struct tk_place a;
	struct folder f;
	struct transfer t;
	struct error err;

	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		fill_place(&a, kind);
		folder_make(&f);
		w.written = 0;
		w.daemon = contract_open_url(a.url, STORE_SERVE);
		accept_one(w.daemon, -1);
		memset(&t, 0, sizeof(t));
		t.tell = write_more;
		t.arg = &w;
		if (back_up(a.url, &f, &t, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_int_equal(rows_of(&t, "events"), TK_EVENTS + 1);
		assert_true(w.written > 0);
		transfer_release(&t);
		store_close(w.daemon);
		tk_place_remove(&a);
		folder_remove(&f);
	}
}

static void write_much(void *arg, const char *doing, const char *table,
		       int64_t done, int64_t total)
{
	for (int i = 0; i < 20; i++)
		write_more(arg, doing, table, done, total);
}

/* Rather no backup than a disk that its log has filled. */
static void it_gives_up_before_the_log_is_too_long(void **state)
{
	struct transfer t = {.log_bytes_max = LIMIT_SMALL, .tell = write_much};
	struct writing w = {NULL, 0};
	struct tk_place a;
	struct folder f;
	struct error err;

	(void)state;
	tk_fill(&a);
	folder_make(&f);
	w.daemon = contract_open_url(a.url, STORE_SERVE);
	t.arg = &w;
	assert_int_equal(back_up(a.url, &f, &t, &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "log grew"));
	transfer_release(&t);
	nothing_is_left(&f);
	assert_false(knows(a.url, f.file));
	accept_one(w.daemon, w.written);
	store_close(w.daemon);
	tk_place_remove(&a);
	folder_remove(&f);
}

/* --- interruptions --- */

static int tells_left;

static void die_in_time(void *arg, const char *doing, const char *table,
			int64_t done, int64_t total)
{
	(void)arg;
	(void)doing;
	(void)table;
	(void)done;
	(void)total;
	if (tells_left-- == 0)
		raise(SIGKILL);
}

static bool back_up_and_die(const char *from, const struct folder *f, int steps)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct transfer t = {.tell = die_in_time};
		struct error err;

		tells_left = steps;
		_exit(back_up(from, f, &t, &err) == RESULT_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

/* Killed anywhere, there is no file; the next one is none the worse. */
static void a_killed_backup_is_none(void **state)
{
	struct tk_place a;
	struct folder f;

	(void)state;
	for (enum tk_kind kind = 0; kind < TK_KINDS; kind++) {
		int steps = 0;

		fill_place(&a, kind);
		folder_make(&f);
		while (back_up_and_die(a.url, &f, steps)) {
			assert_false(is_there(&f, ""));
			steps += 13;
		}
		assert_true(steps > 13);
		assert_true(is_there(&f, ""));
		assert_false(is_there(&f, ".part"));
		store_close(contract_open_url(f.url, STORE_SERVE));
		tk_place_remove(&a);
		folder_remove(&f);
	}
}

static void one_at_a_time(void **state)
{
	struct transfer t = {.from = NULL};
	struct tk_place a;
	struct folder f;
	struct error err;
	char part[256];
	int fd;

	(void)state;
	tk_fill(&a);
	folder_make(&f);
	snprintf(part, sizeof(part), "%s.part", f.file);
	fd = open(part, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(back_up(a.url, &f, &t, &err), RESULT_CONFLICT);
	assert_non_null(strstr(err.text, "another process writes"));
	assert_true(is_there(&f, ".part"));
	close(fd);
	must_back_up(a.url, &f, &t);
	transfer_release(&t);
	tk_place_remove(&a);
	folder_remove(&f);
}

static void what_cannot_be_saved_is_told(void **state)
{
	struct transfer t = {.from = NULL};
	struct tk_place a, none;
	struct folder f, away;
	struct error err;

	(void)state;
	tk_fill(&a);
	tk_place_make(&none, TK_SQLITE);
	folder_make(&f);
	assert_int_equal(back_up(none.url, &f, &t, &err), RESULT_NOTFOUND);
	nothing_is_left(&f);
	away = f;
	snprintf(away.file, sizeof(away.file), "%s/no/saved.db",
		 f.place.dir.dir);
	assert_int_equal(back_up(a.url, &away, &t, &err), RESULT_PERM);
	assert_non_null(strstr(err.text, "the folder of"));
	tk_place_remove(&a);
	tk_place_remove(&none);
	folder_remove(&f);
}

/* Pages are copied as they are, so what is wrong with them comes along. */
static void damage_is_found(void **state)
{
	struct transfer t = {.from = NULL};
	struct tk_place a;
	struct folder f;
	struct error err;

	(void)state;
	tk_fill(&a);
	folder_make(&f);
	/* an index that misses a row */
	contract_sql(tk_path(&a),
		     "PRAGMA writable_schema = ON;"
		     "CREATE TABLE other(account, at_ms);"
		     "CREATE INDEX other_at ON other(account, at_ms);"
		     "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM"
		     " sqlite_master WHERE name = 'other_at')"
		     " WHERE name = 'reservations_at'");
	assert_int_equal(back_up(a.url, &f, &t, &err), RESULT_PERM);
	assert_non_null(strstr(err.text, "damaged"));
	nothing_is_left(&f);
	transfer_release(&t);
	tk_place_remove(&a);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup_is_one_file_of_its_owner),
		cmocka_unit_test(a_backup_is_restored_by_a_copy),
		cmocka_unit_test(a_backup_is_a_store),
		cmocka_unit_test(a_copy_knows_the_file_it_came_from),
		cmocka_unit_test(others_write_meanwhile),
		cmocka_unit_test(it_gives_up_before_the_log_is_too_long),
		cmocka_unit_test(a_killed_backup_is_none),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(what_cannot_be_saved_is_told),
		cmocka_unit_test(damage_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
