/*
 * The HTTP client and who it talks to: names that nobody resolves,
 * certificates, proxies.
 *
 * getaddrinfo() is ours: "silent.example" is what a DNS server that never
 * answers makes of it, held until the test lets go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/http_client.h"

#include "base/clock.h"

#include "wire_server.h"

extern char **environ;

/* ---- the silent DNS server ---- */

static pthread_mutex_t dns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t dns_changed = PTHREAD_COND_INITIALIZER;
static int dns_waiting;
static bool dns_open;

static void dns_wait(void)
{
	pthread_mutex_lock(&dns_lock);
	dns_waiting++;
	pthread_cond_broadcast(&dns_changed);
	while (!dns_open)
		pthread_cond_wait(&dns_changed, &dns_lock);
	dns_waiting--;
	pthread_cond_broadcast(&dns_changed);
	pthread_mutex_unlock(&dns_lock);
}

static void dns_await_asked(void)
{
	pthread_mutex_lock(&dns_lock);
	while (dns_waiting == 0)
		pthread_cond_wait(&dns_changed, &dns_lock);
	pthread_mutex_unlock(&dns_lock);
}

static int dns_asking(void)
{
	int n;

	pthread_mutex_lock(&dns_lock);
	n = dns_waiting;
	pthread_mutex_unlock(&dns_lock);
	return n;
}

static void dns_let_go(void)
{
	pthread_mutex_lock(&dns_lock);
	dns_open = true;
	pthread_cond_broadcast(&dns_changed);
	while (dns_waiting > 0)
		pthread_cond_wait(&dns_changed, &dns_lock);
	dns_open = false;
	pthread_mutex_unlock(&dns_lock);
}

int getaddrinfo(const char *restrict node, const char *restrict service,
		const struct addrinfo *restrict hints,
		struct addrinfo **restrict result)
{
	int (*next)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **);

	if (node && strstr(node, ".example")) {
		if (!strcmp(node, "silent.example"))
			dns_wait();
		return EAI_NONAME;
	}
	*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
	return next(node, service, hints, result);
}

/* ---- the fixture ---- */

struct fixture {
	struct loop *loop;
	struct http_client *http;
	struct wire_server *server;
	char *request; /* the last one's text */
	int ended;
	struct http_answer last;
};

static void on_request(const struct wire_request *r, void *arg)
{
	struct fixture *f = arg;

	free(f->request);
	f->request = strdup(r->text);
	wire_reply(r->conn, strncmp(r->line, "CONNECT", 7) ? 200 : 403, "",
		   "ok");
}

static void done(const struct http_answer *a, void *arg)
{
	struct fixture *f = arg;

	f->ended++;
	f->last = *a;
	loop_stop(f->loop);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->http = http_client_new(f->loop, 65536, NULL);
	f->server = wire_server_new(f->loop, on_request, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->http);
	wire_server_free(f->server);
	loop_free(f->loop);
	free(f->request);
	free(f);
	return 0;
}

static struct http_transfer *start(struct fixture *f, const char *url,
				   int64_t timeout_ms)
{
	struct http_call call = {
		.method = "GET",
		.url = url,
		.timeout_ms = timeout_ms,
		.look = true,
	};

	return http_client_send(f->http, &call, done, f);
}

static void get(struct fixture *f, const char *url)
{
	int before = f->ended;

	start(f, url, 0);
	wire_run(f->loop);
	assert_int_equal(f->ended, before + 1);
}

static void check_failed(const struct fixture *f, enum result result)
{
	assert_int_equal(f->last.result, result);
	assert_false(f->last.sent);
	assert_true(f->last.error.text[0] != '\0');
}

/* ---- names ---- */

static void test_unknown_name(void **state)
{
	struct fixture *f = *state;

	get(f, "http://unknown.example/");
	check_failed(f, RESULT_TEMP);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_NAME);
	assert_string_equal(f->last.sight.address, "");
}

/* The request ends at its deadline, others go on, and freeing the client does
 * not wait: the look-up is under way all the time. */
static void test_silent_dns_does_not_stop_the_loop(void **state)
{
	struct fixture *f = *state;

	start(f, "http://silent.example/", 300);
	get(f, wire_server_url(f->server));
	assert_int_equal(f->last.status, 200);
	dns_await_asked();
	wire_run(f->loop);
	check_failed(f, RESULT_TEMP);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_NAME);
	assert_int_equal(f->ended, 2);
	assert_int_equal(dns_asking(), 1);
	get(f, wire_server_url(f->server));
	assert_int_equal(f->last.status, 200);
	http_client_free(f->http);
	f->http = NULL;
	assert_int_equal(dns_asking(), 1);
	dns_let_go();
}

static void test_silent_dns_does_not_stop_cancel_and_free(void **state)
{
	struct fixture *f = *state;
	struct http_transfer *t = start(f, "http://silent.example/", 0);

	start(f, "http://silent.example/", 0);
	get(f, wire_server_url(f->server)); /* turns the loop */
	dns_await_asked();
	http_transfer_cancel(t);
	http_client_free(f->http);
	f->http = NULL;
	assert_true(dns_asking() > 0);
	assert_int_equal(f->ended, 1);
	dns_let_go();
}

/* What the child does: ends while a look-up is under way. */
static int exit_child(void)
{
	void *state;
	struct fixture *f;

	setup(&state);
	f = state;
	start(f, "http://silent.example/", 200);
	wire_run(f->loop);
	dns_await_asked();
	teardown(&state);
	return 7;
}

static void test_silent_dns_does_not_stop_exit(void **state)
{
	char self[] = "/proc/self/exe", arg[] = "exit-child";
	char *argv[] = {self, arg, NULL};
	int status = 0;
	pid_t pid, ended = 0;

	(void)state;
	assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
	for (int i = 0; i < 300 && ended == 0; i++) {
		ended = waitpid(pid, &status, WNOHANG);
		usleep(ended == 0 ? 100 * 1000 : 0);
	}
	if (ended == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		fail_msg("the child did not end");
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

/* ---- certificates ---- */

struct tls {
	char dir[64];
	char cert[96];
	char key[96];
	pid_t pid;
	unsigned port;
};

static bool run(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status == 0;
}

static void tls_stop(struct tls *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	unlink(t->cert);
	unlink(t->key);
	rmdir(t->dir);
}

static void tls_listen(struct tls *t)
{
	char *argv[] = {(char[]){"openssl"},
			(char[]){"s_server"},
			(char[]){"-accept"},
			(char[]){"127.0.0.1:0"},
			(char[]){"-www"},
			(char[]){"-cert"},
			t->cert,
			(char[]){"-key"},
			t->key,
			NULL};
	posix_spawn_file_actions_t actions;
	char line[256];
	int fds[2];
	FILE *out;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(
		posix_spawnp(&t->pid, argv[0], &actions, NULL, argv, environ),
		0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	while (t->port == 0 && fgets(line, sizeof(line), out))
		sscanf(line, "ACCEPT 127.0.0.1:%u", &t->port);
	fclose(out);
	assert_int_not_equal(t->port, 0);
}

/* False without the openssl command. */
static bool tls_start(struct tls *t, const char *name)
{
	char subject[128];
	char *argv[] = {(char[]){"openssl"},
			(char[]){"req"},
			(char[]){"-x509"},
			(char[]){"-newkey"},
			(char[]){"ec"},
			(char[]){"-pkeyopt"},
			(char[]){"ec_paramgen_curve:P-256"},
			(char[]){"-nodes"},
			(char[]){"-days"},
			(char[]){"2"},
			(char[]){"-subj"},
			(char[]){"/CN=test"},
			(char[]){"-addext"},
			subject,
			(char[]){"-keyout"},
			t->key,
			(char[]){"-out"},
			t->cert,
			NULL};

	*t = (struct tls){.dir = "/tmp/reunite-test-XXXXXX"};
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->cert, sizeof(t->cert), "%s/cert", t->dir);
	snprintf(t->key, sizeof(t->key), "%s/key", t->dir);
	snprintf(subject, sizeof(subject), "subjectAltName=%s", name);
	if (!run(argv)) {
		tls_stop(t);
		return false;
	}
	tls_listen(t);
	return true;
}

static void trust(struct fixture *f, const char *ca_file)
{
	http_client_free(f->http);
	f->http = http_client_new(f->loop, 65536, ca_file);
}

/* It was made for two days. */
static void check_certificate(const struct http_sight *sight)
{
	int64_t left_ms = sight->certificate_ends_ms - clock_wall_ms();

	assert_int_equal(sight->stage, HTTP_STAGE_DONE);
	assert_string_equal(sight->address, "127.0.0.1");
	assert_in_range(left_ms, 24 * 3600 * 1000, 48 * 3600 * 1000);
}

static void test_certificates_are_verified(void **state)
{
	struct fixture *f = *state;
	char url[64];
	struct tls good, other;

	if (!tls_start(&good, "IP:127.0.0.1")) {
		print_message("no openssl command: nothing was tested\n");
		skip();
	}
	assert_true(tls_start(&other, "DNS:other.example"));
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", good.port);
	get(f, url); /* nobody vouches for it */
	check_failed(f, RESULT_PERM);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_TLS);
	trust(f, good.cert);
	get(f, url);
	assert_int_equal(f->last.result, RESULT_OK);
	assert_int_equal(f->last.status, 200);
	check_certificate(&f->last.sight);
	setenv("SSL_CERT_FILE", good.cert, 1);
	trust(f, NULL);
	unsetenv("SSL_CERT_FILE");
	get(f, url);
	assert_int_equal(f->last.result, RESULT_OK);
	trust(f, other.cert);
	get(f, url); /* somebody else's authority */
	check_failed(f, RESULT_PERM);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", other.port);
	get(f, url); /* the right authority, another name */
	check_failed(f, RESULT_PERM);
	tls_stop(&good);
	tls_stop(&other);
}

static void test_no_tls_at_all(void **state)
{
	struct fixture *f = *state;
	char url[64];

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/",
		 wire_server_port(f->server));
	start(f, url, 500);
	wire_run(f->loop);
	check_failed(f, RESULT_TEMP);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_TLS);
}

/* Nobody listens; then somebody does, and says nothing. */
static void test_how_far_it_comes(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(at.sin_port));
	get(f, url);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_CONNECT);
	assert_int_equal(listen(fd, 1), 0);
	start(f, url, 300);
	wire_run(f->loop);
	assert_int_equal(f->last.result, RESULT_TEMP);
	assert_int_equal(f->last.sight.stage, HTTP_STAGE_ANSWER);
	close(fd);
}

/* ---- proxies ---- */

static void test_proxy_is_for_https_only(void **state)
{
	struct fixture *f = *state;

	setenv("http_proxy", "http://unknown.example:1", 1);
	setenv("all_proxy", "http://unknown.example:1", 1);
	setenv("https_proxy", wire_server_url(f->server), 1);
	get(f, wire_server_url(f->server));
	assert_int_equal(f->last.status, 200);
	assert_false(f->last.sight.proxied);
	assert_non_null(strstr(f->request, "GET / HTTP/1.1\r\n"));
	get(f, "https://api.acme.test/");
	check_failed(f, RESULT_TEMP);
	assert_true(f->last.sight.proxied);
	assert_non_null(
		strstr(f->request, "CONNECT api.acme.test:443 HTTP/1.1\r\n"));
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("https_proxy");
}

int main(int argc, char **argv)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_unknown_name),
		CASE(test_silent_dns_does_not_stop_the_loop),
		CASE(test_silent_dns_does_not_stop_cancel_and_free),
		cmocka_unit_test(test_silent_dns_does_not_stop_exit),
		CASE(test_certificates_are_verified),
		CASE(test_no_tls_at_all),
		CASE(test_how_far_it_comes),
		CASE(test_proxy_is_for_https_only),
	};

	alarm(100); /* where the loop does not turn, its guard does not help */
	if (argc > 1 && !strcmp(argv[1], "exit-child"))
		return exit_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
