/*
 * curl's multi interface on the loop: one handle a request, a small pool of
 * HTTP/1.1 connections per host.
 *
 *	send ----> OPEN ----> FINISHED ----> DELIVERING ----> freed
 *	  |          |            |
 *	  +-refused--|----------->|
 *	             +-- cancel --+--> freed
 *
 *	send             http_client_send(): into the multi handle
 *	refused          the same: a bad call, delivered from a timer
 *	OPEN->FINISHED   collect(): curl says that it is over
 *	->DELIVERING     deliver(): the callback runs, cancel does nothing
 *	cancel           http_transfer_cancel(), http_client_free()
 *
 * Invariants: libcurl is never called from inside one of its own callbacks
 * (its timer callback only arms a timer of the loop); the callback never runs
 * inside libcurl, so it may send, cancel and free.
 *
 * libcurl repeats a request by itself when a reused connection dies before an
 * answer, but asks on_request() before it writes one, each time: that refuses
 * `once` the second time. So `once` may take a connection that is warm, one
 * that was used a moment ago (ONCE_IDLE_MAX_S): an older one is more likely to
 * be dead, and then nobody knows what became of the request.
 *
 * Every handle sets QUICK_EXIT, for a handle in a name look-up would otherwise
 * wait for a silent DNS server when it is cleaned up; handles are not pooled,
 * since a reset drops that.
 *
 * Refused: protocols besides http and https, header lines with line breaks,
 * answers larger than agreed, headers over HEADERS_MAX.
 */
#include "net/http_client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "http_client_look.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed (CURLOPT_QUICK_EXIT)"
#endif

enum {
	CONNECTIONS_PER_HOST = 8,
	CONNECTIONS_KEPT = 16,
	IDLE_MAX_S = 60, /* older ones are likely to be dead */
	ONCE_IDLE_MAX_S = 5,
	DEFAULT_TIMEOUT_MS = 30 * 1000,
	CONNECT_TIMEOUT_MS = 10 * 1000,
	HEADERS_MAX = 64 * 1024,
};

enum transfer_state { OPEN, FINISHED, DELIVERING };

struct http_transfer {
	TAILQ_ENTRY(http_transfer) entry;
	struct http_client *client;
	enum transfer_state state;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct buf received;
	size_t header_bytes;
	bool once;
	bool look;
	bool sent; /* the request line was about to be written */
	bool late; /* it would have been, but too late */
	int64_t send_by_ms;
	bool too_large; /* we ended it */
	struct http_answer answer;
	char curl_text[CURL_ERROR_SIZE];
	http_client_done *done;
	void *arg;
};
TAILQ_HEAD(transfer_list, http_transfer);

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *curl_timer;	  /* what libcurl asked for */
	struct loop_timer *deliver_timer; /* for requests refused at once */
	struct transfer_list open;
	struct transfer_list finished;
	size_t max_body_bytes;
	char *ca_file;
	bool delivering;
	bool dead; /* freed from inside a callback */
};

static void transfer_free(struct http_transfer *t)
{
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	free(t->body);
	buf_release(&t->received);
	free(t);
}

/* ---- what libcurl calls ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct http_transfer *t = arg;

	if (buf_append(&t->received, data, size * count) == RESULT_OK)
		return size * count;
	t->too_large = true;
	return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_transfer *t = arg;

	(void)data;
	t->header_bytes += size * count;
	if (t->header_bytes <= HEADERS_MAX)
		return size * count;
	t->too_large = true;
	return 0;
}

static int on_request(void *arg, char *remote, char *local, int remote_port,
		      int local_port)
{
	struct http_transfer *t = arg;

	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	if (t->once && t->sent)
		return CURL_PREREQFUNC_ABORT;
	t->late = t->send_by_ms && clock_boot_ms() > t->send_by_ms;
	t->sent = !t->late;
	return t->late ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void on_io(int fd, int what, void *arg);

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
		     void *socket_data)
{
	struct http_client *c = arg;
	struct loop_io *io = socket_data;
	int events = (what & CURL_POLL_IN ? LOOP_READ : 0) |
		     (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	if (io)
		loop_io_free(io);
	io = NULL;
	if (what != CURL_POLL_REMOVE && events)
		io = loop_io_new(c->loop, fd, events, on_io, c);
	curl_multi_assign(c->multi, fd, io);
	return 0;
}

static int on_timeout_wish(CURLM *multi, long timeout_ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	if (timeout_ms < 0)
		loop_timer_clear(c->curl_timer);
	else
		loop_timer_set(c->curl_timer, timeout_ms);
	return 0;
}

/* ---- the end of a transfer ---- */

/* What no repetition cures: the certificate or the URL itself. */
static bool code_is_final(CURLcode code)
{
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return true;
	default:
		return false;
	}
}

static void answer_set_failure(struct http_transfer *t, CURLcode code)
{
	struct http_answer *a = &t->answer;
	const char *text = curl_easy_strerror(code);

	if (t->late) {
		a->late = true;
		a->result = error_set(&a->error, RESULT_TEMP,
				      "it would have been sent too late");
		return;
	}
	if (t->too_large) {
		a->result = error_set(&a->error, RESULT_INVALID,
				      "the answer is too large");
		return;
	}
	/* once sent, libcurl's own words may quote the server */
	if (!t->sent && t->curl_text[0])
		text = t->curl_text;
	a->result = code_is_final(code) && !t->sent ? RESULT_PERM : RESULT_TEMP;
	error_set(&a->error, a->result, "%s", text);
	for (char *p = a->error.text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

static void answer_set(struct http_transfer *t, CURLcode code)
{
	struct http_answer *a = &t->answer;
	curl_off_t total_us = 0;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	a->elapsed_us = total_us;
	a->sent = t->sent;
	a->transfer = t;
	if (t->look)
		http_client_look(t->easy, code, &a->sight);
	if (code != CURLE_OK) {
		answer_set_failure(t, code);
		return;
	}
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	a->result = RESULT_OK;
	a->status = (int)status;
	a->body = (struct slice){t->received.data, t->received.len};
}

static void collect(struct http_client *c)
{
	CURLMsg *msg;
	int more;

	while ((msg = curl_multi_info_read(c->multi, &more))) {
		struct http_transfer *t = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		curl_multi_remove_handle(c->multi, t->easy);
		answer_set(t, code);
		TAILQ_REMOVE(&c->open, t, entry);
		TAILQ_INSERT_TAIL(&c->finished, t, entry);
		t->state = FINISHED;
	}
}

static void client_release(struct http_client *c)
{
	curl_multi_cleanup(c->multi);
	loop_timer_free(c->curl_timer);
	loop_timer_free(c->deliver_timer);
	free(c->ca_file);
	free(c);
	curl_global_cleanup();
}

static void deliver(void *arg)
{
	struct http_client *c = arg;
	struct http_transfer *t;

	c->delivering = true;
	while ((t = TAILQ_FIRST(&c->finished))) {
		TAILQ_REMOVE(&c->finished, t, entry);
		t->state = DELIVERING;
		t->done(&t->answer, t->arg);
		transfer_free(t);
	}
	c->delivering = false;
	if (c->dead)
		client_release(c);
}

static void drive(struct http_client *c, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(c->multi, fd, mask, &running);
	collect(c);
	deliver(c);
}

static void on_io(int fd, int what, void *arg)
{
	drive(arg, fd,
	      (what & LOOP_READ ? CURL_CSELECT_IN : 0) |
		      (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *arg)
{
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- one request ---- */

static bool header_add(struct http_transfer *t, const char *line)
{
	if (strpbrk(line, "\r\n"))
		return false;
	t->headers = curl_slist_append(t->headers, line);
	if (!t->headers)
		abort();
	return true;
}

static bool headers_set(struct http_transfer *t, const struct http_call *call)
{
	bool typed = false;

	for (size_t i = 0; i < call->header_count; i++) {
		if (!header_add(t, call->headers[i]))
			return false;
		typed = typed ||
			!strncasecmp(call->headers[i], "Content-Type:", 13);
	}
	/* no "100 Continue", no form type that nobody asked for */
	if (!header_add(t, "Expect:") ||
	    (!typed && !header_add(t, "Content-Type:")))
		return false;
	return curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) ==
	       CURLE_OK;
}

static CURLcode method_set(struct http_transfer *t,
			   const struct http_call *call)
{
	CURL *e = t->easy;
	bool bare = !call->body.ptr && (!strcmp(call->method, "GET") ||
					!strcmp(call->method, "DELETE"));

	if (!bare) {
		t->body = xstrndup(call->body.ptr ? call->body.ptr : "",
				   call->body.len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)call->body.len);
	}
	return curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method);
}

static void limits_set(struct http_transfer *t, const struct http_call *call)
{
	CURL *e = t->easy;
	long timeout_ms = call->timeout_ms > 0 ? (long)call->timeout_ms
					       : DEFAULT_TIMEOUT_MS;
	long connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms
							  : CONNECT_TIMEOUT_MS;

	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN,
			 (long)(call->once ? ONCE_IDLE_MAX_S : IDLE_MAX_S));
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (t->client->ca_file) {
		curl_easy_setopt(e, CURLOPT_CAINFO, t->client->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

static void callbacks_set(struct http_transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_text);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
}

static bool transfer_prepare(struct http_transfer *t,
			     const struct http_call *call)
{
	CURL *e = t->easy;

	callbacks_set(t);
	limits_set(t, call);
	if (call->look)
		http_client_look_set(e, &t->answer.sight);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "reunite/" REUNITE_VERSION);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, call->own ? 0L : 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, call->own ? 0L : 2L);
	if (call->own || !strncasecmp(call->url, "http:", 5))
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") ==
		       CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_URL, call->url) == CURLE_OK &&
	       method_set(t, call) == CURLE_OK && headers_set(t, call);
}

struct http_transfer *http_client_send(struct http_client *c,
				       const struct http_call *call,
				       http_client_done *done, void *arg)
{
	struct http_transfer *t = xcalloc(1, sizeof(*t));

	t->client = c;
	t->done = done;
	t->arg = arg;
	t->once = call->once;
	t->look = call->look;
	t->send_by_ms = call->send_by_ms;
	buf_init(&t->received, c->max_body_bytes);
	t->easy = curl_easy_init();
	if (!t->easy)
		abort();
	if (transfer_prepare(t, call) &&
	    curl_multi_add_handle(c->multi, t->easy) == CURLM_OK) {
		t->state = OPEN;
		TAILQ_INSERT_TAIL(&c->open, t, entry);
		return t;
	}
	t->answer.transfer = t;
	t->answer.result = error_set(&t->answer.error, RESULT_PERM,
				     "the request cannot be made");
	t->state = FINISHED;
	TAILQ_INSERT_TAIL(&c->finished, t, entry);
	loop_timer_set(c->deliver_timer, 0);
	return t;
}

void http_transfer_cancel(struct http_transfer *t)
{
	struct http_client *c = t->client;

	if (t->state == DELIVERING)
		return;
	if (t->state == OPEN) {
		curl_multi_remove_handle(c->multi, t->easy);
		TAILQ_REMOVE(&c->open, t, entry);
	} else {
		TAILQ_REMOVE(&c->finished, t, entry);
	}
	transfer_free(t);
}

/* ---- the answer's headers ---- */

const char *http_answer_header(const struct http_answer *a, const char *name)
{
	CURL *e = a->transfer->easy;
	struct curl_header *h;

	if (curl_easy_header(e, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	if (h->amount > 1 &&
	    curl_easy_header(e, name, h->amount - 1, CURLH_HEADER, -1, &h) !=
		    CURLHE_OK)
		return NULL;
	return h->value;
}

const char *http_answer_header_next(const struct http_answer *a,
				    const char *prefix, void **iter)
{
	struct curl_header *h = *iter;

	do
		h = curl_easy_nextheader(a->transfer->easy, CURLH_HEADER, -1,
					 h);
	while (h && strncasecmp(h->name, prefix, strlen(prefix)) != 0);
	*iter = h;
	return h ? h->value : NULL;
}

/* ---- the client ---- */

/* As other programs over OpenSSL have it. */
static const char *trusted_file(void)
{
	const char *file = getenv("SSL_CERT_FILE");

	return file && *file ? file : NULL;
}

struct http_client *http_client_new(struct loop *loop, size_t max_body_bytes,
				    const char *ca_file)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	c->loop = loop;
	c->max_body_bytes = max_body_bytes;
	c->ca_file = xstrdup(ca_file ? ca_file : trusted_file());
	TAILQ_INIT(&c->open);
	TAILQ_INIT(&c->finished);
	c->curl_timer = loop_timer_new(loop, on_timer, c);
	c->deliver_timer = loop_timer_new(loop, deliver, c);
	c->multi = curl_multi_init();
	if (!c->multi)
		abort();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			  (long)CONNECTIONS_PER_HOST);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS,
			  (long)CONNECTIONS_KEPT);
	return c;
}

static void cancel_all(struct transfer_list *list)
{
	struct http_transfer *t = TAILQ_FIRST(list);

	while (t) {
		struct http_transfer *next = TAILQ_NEXT(t, entry);

		http_transfer_cancel(t);
		t = next;
	}
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	cancel_all(&c->open);
	cancel_all(&c->finished);
	c->dead = true;
	if (!c->delivering)
		client_release(c);
}

void http_escape(struct buf *out, struct slice s)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "abcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char ch = (unsigned char)s.ptr[i];

		if (ch && strchr(unreserved, ch))
			buf_putc(out, (char)ch);
		else
			buf_printf(out, "%%%02X", ch);
	}
}
