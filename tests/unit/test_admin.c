/*
 * The admin listener when the store hangs, when clients leave, and when it is
 * asked for what it cannot read.
 *
 * A hanging disk: fdatasync() is the process's own here, and SQLite's commit
 * waits in it.
 */
#include "unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "api/zendesk.h"
#include "app/admin.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "base/str.h"
#include "wire_server.h"

#define TOKEN "admin-token-of-the-test"

/* --- a disk that hangs --- */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool hangs;
	bool hung;
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	  .changed = PTHREAD_COND_INITIALIZER};

int fdatasync(int fd)
{
	pthread_mutex_lock(&disk.mutex);
	while (disk.hangs) {
		disk.hung = true;
		pthread_cond_broadcast(&disk.changed);
		pthread_cond_wait(&disk.changed, &disk.mutex);
	}
	pthread_mutex_unlock(&disk.mutex);
	return (int)syscall(SYS_fdatasync, fd);
}

/* --- the rig --- */

struct rig {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct wire_server *apis;
	struct engine *engine;
	struct admin *admin;
	struct http_client *http;
	struct store_op write; /* on its way to the disk */
	bool written;
	/* of the last answer */
	bool answered;
	int status;
	struct buf body;
};

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static void on_call(const struct wire_request *r, void *arg)
{
	(void)arg;
	wire_reply(r->conn, 404, "",
		   "{\"error\":\"RecordNotFound\",\"description\":\"no\"}");
}

static void write_config(const struct rig *r)
{
	FILE *f = fopen(r->path, "w");

	assert_non_null(f);
	fprintf(f,
		"listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n"
		"admin_token = \"" TOKEN "\"\nstore = \"sqlite:%s/store\"\n"
		"account \"acme\" {\nzendesk_url = \"%s\"\n"
		"zendesk_auth = \"bearer\"\nzendesk_token = \"t\"\n"
		"zendesk_webhook_secrets = {\"s\"}\nsunco_url = \"%s\"\n"
		"sunco_app_id = \"a\"\nsunco_key_id = \"k\"\n"
		"sunco_key_secret = \"ks\"\nsunco_webhook_secrets = {\"ws\"}\n"
		"requests_per_minute = 100\nreserve_percent = 0\n}\n",
		r->dir, wire_server_url(r->apis), wire_server_url(r->apis));
	fclose(f);
}

static int setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct config *config;
	struct error err = {""};

	strcpy(r->dir, "/tmp/reunite_admin_XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/conf", r->dir);
	r->loop = loop_new();
	r->apis = wire_server_new(r->loop, on_call, NULL);
	write_config(r);
	if (config_load(&config, r->path, &err) != RESULT_OK ||
	    engine_new(&r->engine, r->loop, config, STORE_SERVE, on_watch, NULL,
		       &err) != RESULT_OK)
		fail_msg("%s", err.text);
	r->admin = admin_new(r->loop, r->engine);
	admin_set_token(r->admin, TOKEN);
	if (admin_listen(r->admin, "127.0.0.1:0", &err) != RESULT_OK)
		fail_msg("%s", err.text);
	r->http = http_client_new(r->loop, 1 << 20, NULL);
	*state = r;
	return 0;
}

static void disk_hangs(bool hangs)
{
	pthread_mutex_lock(&disk.mutex);
	disk.hangs = hangs;
	disk.hung = false;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.mutex);
}

static int teardown(void **state)
{
	static const char *const names[] = {"conf", "store", "store-wal",
					    "store-shm", "store.lock"};
	struct rig *r = *state;
	char path[128];

	disk_hangs(false);
	http_client_free(r->http);
	admin_free(r->admin);
	engine_free(r->engine);
	wire_server_free(r->apis);
	loop_free(r->loop);
	metrics_reset();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
	buf_release(&r->body);
	free(r);
	return 0;
}

static void on_written(struct store_op *op, void *arg)
{
	struct rig *r = arg;

	(void)op;
	r->written = true;
	loop_stop(r->loop);
}

static void hang(struct rig *r)
{
	disk_hangs(true);
	r->written = false;
	store_op_init(&r->write, STORE_PROBE);
	storeq_submit(engine_storeq(r->engine), &r->write, on_written, r);
	pthread_mutex_lock(&disk.mutex);
	while (!disk.hung)
		pthread_cond_wait(&disk.changed, &disk.mutex);
	pthread_mutex_unlock(&disk.mutex);
}

static void recover(struct rig *r)
{
	disk_hangs(false);
	while (!r->written)
		wire_run(r->loop);
}

static void on_answer(const struct http_answer *a, void *arg)
{
	struct rig *r = arg;

	r->answered = true;
	r->status = a->status;
	buf_release(&r->body);
	buf_init(&r->body, 1 << 20);
	buf_append(&r->body, a->body.ptr, a->body.len);
	loop_stop(r->loop);
}

static int ask(struct rig *r, const char *method, const char *path,
	       const char *body)
{
	static const char *const headers[] = {
		"Authorization: Bearer " TOKEN,
		"Content-Type: application/json",
	};
	char url[2048];
	struct http_call call = {
		.method = method,
		.url = url,
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.body = slice_of(body),
	};

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s",
		 admin_port(r->admin), path);
	r->answered = false;
	http_client_send(r->http, &call, on_answer, r);
	while (!r->answered)
		wire_run(r->loop);
	return r->status;
}

static int get(struct rig *r, const char *path)
{
	return ask(r, "GET", path, NULL);
}

static void assert_said(const struct rig *r, const char *text)
{
	if (!strstr(r->body.data, text))
		fail_msg("no %s in %s", text, r->body.data);
}

static void on_time(void *arg)
{
	loop_stop(arg);
}

static void turn_for(struct rig *r, int64_t ms)
{
	struct loop_timer *t = loop_timer_new(r->loop, on_time, r->loop);

	loop_timer_set(t, ms);
	wire_run(r->loop);
	loop_timer_free(t);
}

/* What waited meanwhile has been done, too. */
static void recover_wholly(struct rig *r)
{
	recover(r);
	while (get(r, "/readyz") != 200)
		turn_for(r, 10);
	assert_said(r, "\"store\":\"ok\"");
}

/* --- a store that hangs --- */

static void test_readiness_does_not_wait_for_the_store(void **state)
{
	struct rig *r = *state;

	assert_int_equal(get(r, "/readyz"), 200);
	hang(r);
	assert_int_equal(get(r, "/readyz"), 503);
	assert_said(r, "\"store\":\"failing\"");
	assert_int_equal(get(r, "/readyz"), 503); /* at once */
	assert_int_equal(get(r, "/healthz"), 200);
	recover_wholly(r);
}

static void test_metrics_do_not_wait_for_the_store(void **state)
{
	struct rig *r = *state;

	hang(r);
	assert_int_equal(get(r, "/metrics"), 200);
	assert_said(r, "reunite_build_info");
	recover_wholly(r);
	assert_int_equal(get(r, "/metrics"), 200);
	assert_said(r, "reunite_jobs{account=\"acme\",state=\"ready\"} 0");
}

static void test_changes_do_not_wait_for_the_store(void **state)
{
	struct rig *r = *state;

	hang(r);
	assert_int_equal(ask(r, "POST", "/api/v1/queue/retry", ""), 503);
	recover_wholly(r);
	assert_int_equal(ask(r, "POST", "/api/v1/queue/retry", ""), 200);
}

/* What the store still holds comes back to nobody. */
static void test_the_listener_goes_before_the_store_answers(void **state)
{
	struct rig *r = *state;

	hang(r);
	assert_int_equal(ask(r, "POST", "/api/v1/queue/retry", ""), 503);
	admin_free(r->admin);
	r->admin = NULL;
	recover(r);
}

/* --- clients that leave --- */

static void test_a_client_leaves_before_the_answer(void **state)
{
	static const char request[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
	struct rig *r = *state;
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(admin_port(r->admin));
	hang(r);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	turn_for(r, 50);
	close(fd);
	turn_for(r, 50);
	recover_wholly(r);
}

/* --- parameters --- */

static void test_a_filter_that_cannot_be_read_is_no_missing_one(void **state)
{
	static const char *const lists[] = {"journal", "queue", "reviews"};
	static const char *const filters[] = {
		"account=%zz",
		"account=a/b",
		"account=",
		"limit=%zz",
		"limit=0",
		"limit=501",
		"limit=12345678901234567890123456789012345678",
		"after=-1",
		"after=x",
	};
	struct rig *r = *state;
	char path[512];
	char name[200];

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (size_t k = 0; k < ARRAY_LEN(filters); k++) {
			snprintf(path, sizeof(path), "/api/v1/%s?%s", lists[i],
				 filters[k]);
			if (get(r, path) != 400)
				fail_msg("%s: %d", path, r->status);
		}
		memset(name, 'a', sizeof(name));
		name[sizeof(name) - 1] = '\0';
		snprintf(path, sizeof(path), "/api/v1/%s?account=%s", lists[i],
			 name);
		assert_int_equal(get(r, path), 400);
		snprintf(path, sizeof(path), "/api/v1/%s?account=nobody",
			 lists[i]);
		assert_int_equal(get(r, path), 200);
		assert_string_equal(r->body.data,
				    "{\"items\":[],\"next\":null}");
	}
	assert_int_equal(get(r, "/api/v1/journal?action=%zz"), 400);
	assert_int_equal(get(r, "/api/v1/journal?user=%zz"), 400);
	assert_int_equal(get(r, "/api/v1/queue?state=%zz"), 400);
	assert_int_equal(get(r, "/api/v1/reviews?state=%zz"), 400);
}

/* --- gauges --- */

static void on_user(const struct api_result *result, const struct zd_user *u,
		    void *arg)
{
	struct rig *r = arg;

	(void)u;
	assert_int_equal(result->result, RESULT_NOTFOUND);
	loop_stop(r->loop);
}

static void test_the_budget_is_what_is_left_of_it(void **state)
{
	struct rig *r = *state;

	assert_int_equal(get(r, "/metrics"), 200);
	assert_said(r, "reunite_api_budget{account=\"acme\"} 100\n");
	zendesk_user_get(engine_api(r->engine, "acme"), LANE_LIVE, 1, on_user,
			 r);
	wire_run(r->loop);
	assert_int_equal(get(r, "/metrics"), 200);
	assert_said(r, "reunite_api_budget{account=\"acme\"} 99\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_readiness_does_not_wait_for_the_store),
		TEST(test_metrics_do_not_wait_for_the_store),
		TEST(test_changes_do_not_wait_for_the_store),
		TEST(test_the_listener_goes_before_the_store_answers),
		TEST(test_a_client_leaves_before_the_answer),
		TEST(test_a_filter_that_cannot_be_read_is_no_missing_one),
		TEST(test_the_budget_is_what_is_left_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
