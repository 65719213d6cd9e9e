/*
 * Where a request ended and what it saw on its way: see http_client_look.h.
 *
 * The codes of libcurl tell most of it. A timeout may be any stage's: then the
 * first one that has no time of its own is the one that took too long. libcurl
 * tells when a connection stood only once TLS does; that this began it shows by
 * what it sends.
 */
#include "http_client_look.h"

#include <string.h>

#include <curl/curl.h>

#include "base/crypto.h"

static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size,
		    void *arg)
{
	struct http_sight *out = arg;

	(void)easy;
	(void)data;
	(void)size;
	if (type == CURLINFO_SSL_DATA_OUT)
		out->stage = HTTP_STAGE_TLS;
	return 0;
}

void http_client_look_set(void *easy, struct http_sight *out)
{
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, out);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

static bool has_time(CURL *easy, CURLINFO which)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(easy, which, &us) == CURLE_OK && us > 0;
}

static bool is_https(CURL *easy)
{
	const char *scheme = NULL;

	curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
	return scheme && str_eq_nocase(scheme, "https");
}

static enum http_stage stage_by_time(CURL *easy, enum http_stage begun)
{
	if (!has_time(easy, CURLINFO_NAMELOOKUP_TIME_T))
		return HTTP_STAGE_NAME;
	if (!has_time(easy, CURLINFO_CONNECT_TIME_T))
		return begun == HTTP_STAGE_TLS ? begun : HTTP_STAGE_CONNECT;
	if (is_https(easy) && !has_time(easy, CURLINFO_APPCONNECT_TIME_T))
		return HTTP_STAGE_TLS;
	return HTTP_STAGE_ANSWER;
}

static enum http_stage stage_of(CURL *easy, CURLcode code,
				enum http_stage begun)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_STAGE_DONE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HTTP_STAGE_NAME;
	case CURLE_COULDNT_CONNECT:
		return HTTP_STAGE_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return HTTP_STAGE_TLS;
	default:
		return stage_by_time(easy, begun);
	}
}

/* The server's own certificate comes first. */
static int64_t certificate_end(CURL *easy)
{
	static const char key[] = "Cert:";
	struct curl_certinfo *chain = NULL;
	struct curl_slist *line = NULL;
	int64_t ends_ms = 0;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) == CURLE_OK &&
	    chain && chain->num_of_certs > 0)
		line = chain->certinfo[0];
	for (; line; line = line->next)
		if (str_starts(line->data, key) &&
		    crypto_certificate_end(slice_of(line->data + strlen(key)),
					   &ends_ms))
			return ends_ms;
	return 0;
}

void http_client_look(void *easy, int code, struct http_sight *out)
{
	const char *address = NULL;
	long connect_status = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
	out->proxied = connect_status > 0;
	out->stage = stage_of(easy, (CURLcode)code, out->stage);
	out->certificate_ends_ms = certificate_end(easy);
	curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
	str_copy(out->address, sizeof(out->address), address ? address : "");
}
