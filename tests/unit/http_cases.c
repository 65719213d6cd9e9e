/*
 * The table. KEPT and END are what becomes of the connection. Rows that need
 * NUL bytes are why lengths are explicit.
 */
#include "http_cases.h"

#define KEPT true
#define END  false
#define ROW(name, status, kept, bytes)                                         \
	{                                                                      \
		name, bytes, sizeof(bytes) - 1, status, kept                   \
	}
#define GET_OK	"GET /healthz HTTP/1.1\r\n"
#define HOST	"Host: a.example\r\n"
#define POST	"POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define X16	"xxxxxxxxxxxxxxxx"
#define X256	X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16
#define X1024	X256 X256 X256 X256
#define H10                                                                    \
	"a:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:b\r\na:"    \
	"b\r\n"
#define H100 H10 H10 H10 H10 H10 H10 H10 H10 H10 H10

const struct http_case http_cases[] = {
	/* Fine. */
	ROW("plain", 200, KEPT, GET_OK HOST "\r\n"),
	ROW("empty line first", 200, KEPT, "\r\n" GET_OK HOST "\r\n"),
	ROW("close", 200, END, GET_OK HOST "Connection: close\r\n\r\n"),
	ROW("close in a list", 200, END,
	    GET_OK HOST "Connection: x, Close\r\n\r\n"),
	ROW("close in a second header", 200, END,
	    GET_OK HOST "Connection: x\r\nConnection: close\r\n\r\n"),
	ROW("1.0", 200, END, "GET /healthz HTTP/1.0\r\n\r\n"),
	ROW("1.0 keep-alive", 200, KEPT,
	    "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	ROW("absolute form", 200, KEPT,
	    "GET http://b.example:80/healthz?x HTTP/1.1\r\n" HOST "\r\n"),
	ROW("absolute form without a path", 404, KEPT,
	    "GET HTTP://b.example HTTP/1.1\r\n" HOST "\r\n"),
	ROW("empty host", 200, KEPT, GET_OK "Host:\r\n\r\n"),
	ROW("upgrade is ignored", 200, KEPT,
	    GET_OK HOST "Connection: Upgrade, HTTP2-Settings\r\n"
			"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
	ROW("high bytes in a value", 200, KEPT,
	    GET_OK HOST "X: \xc3\xa4\xff\r\n\r\n"),
	ROW("body", 200, KEPT, POST "Content-Length: 5\r\n\r\nhello"),
	ROW("body of an upgrade", 200, KEPT,
	    POST "Connection: upgrade\r\nUpgrade: x\r\n"
		 "Content-Length: 5\r\n\r\nhello"),
	ROW("body of GET", 200, KEPT,
	    GET_OK HOST "Content-Length: 5\r\n\r\nhello"),
	ROW("chunked", 200, KEPT,
	    CHUNKED "5\r\nhello\r\n01\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n"),
	ROW("chunked is not case-sensitive", 200, KEPT,
	    POST "Transfer-Encoding:  Chunked \r\n\r\n0\r\n\r\n"),
	ROW("chunk extension and trailer", 200, KEPT,
	    CHUNKED "5;a=\"b c\"\r\nhello\r\n0;x\r\nT: 1\r\nU:\r\n\r\n"),
	ROW("json", 200, KEPT,
	    "POST /json HTTP/1.1\r\n" HOST "Content-Type: Application/JSON ; "
	    "charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"),
	ROW("json without a body", 200, KEPT,
	    "POST /json HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
	ROW("no content", 204, KEPT,
	    "DELETE /nothing HTTP/1.1\r\n" HOST "\r\n"),

	/* Answered without a handler. */
	ROW("unknown path", 404, KEPT, "GET /x HTTP/1.1\r\n" HOST "\r\n"),
	ROW("unknown path with a body", 404, KEPT,
	    "POST /x HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"),
	ROW("dot segment", 404, KEPT,
	    "GET /p/../healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("encoded dot segment", 404, KEPT,
	    "GET /p/%2e%2E/x/1 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("empty parameter", 404, KEPT,
	    "GET /p//x/1 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("trailing slash", 404, KEPT,
	    "GET /healthz/ HTTP/1.1\r\n" HOST "\r\n"),
	ROW("encoded slash is no separator", 404, KEPT,
	    "GET /p/a%2fx/1 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("too many segments", 404, KEPT,
	    "GET /rest/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/1/2/3/4/5/6/7/8/9/"
	    "1/2/3/4/5 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("known method", 405, KEPT, "PUT /healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("wrong content type", 415, KEPT,
	    "POST /json HTTP/1.1\r\n" HOST
	    "Content-Type: text/json\r\nContent-Length: 2\r\n\r\n{}"),
	ROW("no content type", 415, KEPT,
	    "POST /json HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}"),
	ROW("unknown method", 501, END, "BREW /x HTTP/1.1\r\n" HOST "\r\n"),
	ROW("unknown method to us", 501, END,
	    "PROPFIND /x HTTP/1.1\r\n" HOST "\r\n"),
	ROW("lower-case method", 501, END,
	    "get /healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("CONNECT", 501, END, "CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("OPTIONS *", 501, END, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
	ROW("HTTP/2", 505, END, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	ROW("HTTP/3.0", 505, END, "GET /healthz HTTP/3.0\r\n" HOST "\r\n"),

	/* Lines. */
	ROW("garbage", 400, END, "\x01\x02\x03\x04"),
	ROW("TLS ClientHello", 400, END,
	    "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"),
	ROW("HTTP/0.9", 400, END, "GET /healthz\r\n\r\n"),
	ROW("two empty lines first", 400, END, "\r\n\r\n" GET_OK HOST "\r\n"),
	ROW("space first", 400, END, " " GET_OK HOST "\r\n"),
	ROW("two spaces", 400, END, "GET  /healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("space in the target", 400, END,
	    "GET /health z HTTP/1.1\r\n" HOST "\r\n"),
	ROW("tab in the request line", 400, END,
	    "GET\t/healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("space after the version", 400, END,
	    "GET /healthz HTTP/1.1 \r\n" HOST "\r\n"),
	ROW("bad version", 400, END, "GET /healthz HTTP/1.x\r\n" HOST "\r\n"),
	ROW("bad protocol", 400, END, "GET /healthz HTTQ/1.1\r\n" HOST "\r\n"),
	ROW("bad method", 400, END, "GE(T /healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("bare LF", 400, END, "GET /healthz HTTP/1.1\nHost: a\n\n"),
	ROW("bare LF in a header", 400, END, GET_OK "Host: a\nX: y\r\n\r\n"),
	ROW("bare LF at the end", 400, END, GET_OK "Host: a\r\n\n"),
	ROW("bare CR", 400, END, GET_OK HOST "X: a\rb\r\n\r\n"),
	ROW("bare CR at the end", 400, END, GET_OK HOST "\rX"),
	ROW("NUL in a value", 400, END, GET_OK HOST "X: a\0b\r\n\r\n"),
	ROW("NUL in a name", 400, END, GET_OK HOST "X\0: a\r\n\r\n"),
	ROW("control byte in a value", 400, END, GET_OK HOST "X: \x0b\r\n\r\n"),
	ROW("DEL in a value", 400, END, GET_OK HOST "X: \x7f\r\n\r\n"),
	ROW("obs-fold", 400, END, GET_OK HOST "X: a\r\n b\r\n\r\n"),
	ROW("obs-fold with a tab", 400, END, GET_OK HOST "X: a\r\n\tb\r\n\r\n"),
	ROW("space before the colon", 400, END,
	    POST "Content-Length : 5\r\n\r\nhello"),
	ROW("space in a name", 400, END, GET_OK HOST "X Y: a\r\n\r\n"),
	ROW("no colon", 400, END, GET_OK HOST "XY\r\n\r\n"),
	ROW("empty name", 400, END, GET_OK HOST ": a\r\n\r\n"),
	ROW("delimiter in a name", 400, END, GET_OK HOST "X(Y: a\r\n\r\n"),
	ROW("high byte in a name", 400, END, GET_OK HOST "X\xe4: a\r\n\r\n"),

	/* Targets. */
	ROW("*", 400, END, "GET * HTTP/1.1\r\n" HOST "\r\n"),
	ROW("authority form", 400, END, "GET a:80 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("relative", 400, END, "GET healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("user information", 400, END,
	    "GET http://u@b.example/healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("no authority", 400, END,
	    "GET http:///healthz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("other scheme", 400, END,
	    "GET ftp://b.example/ HTTP/1.1\r\n" HOST "\r\n"),
	ROW("fragment", 400, END, "GET /healthz#x HTTP/1.1\r\n" HOST "\r\n"),
	ROW("high byte in the path", 400, END,
	    "GET /h\xe4 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("bad encoding", 400, END, "GET /h%2 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("bad digits", 400, END, "GET /h%zz HTTP/1.1\r\n" HOST "\r\n"),
	ROW("encoded NUL", 400, END, "GET /h%00 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("encoded LF", 400, END, "GET /h%0A HTTP/1.1\r\n" HOST "\r\n"),
	ROW("encoded bad UTF-8", 400, END,
	    "GET /p/%ff/x/1 HTTP/1.1\r\n" HOST "\r\n"),
	ROW("backslash", 400, END, "GET /a\\b HTTP/1.1\r\n" HOST "\r\n"),

	/* Host. */
	ROW("no host", 400, END, GET_OK "\r\n"),
	ROW("two hosts", 400, END, GET_OK HOST HOST "\r\n"),
	ROW("two hosts in 1.0", 400, END,
	    "GET /healthz HTTP/1.0\r\n" HOST HOST "\r\n"),
	ROW("bad host", 400, END, GET_OK "Host: a/b\r\n\r\n"),
	ROW("bad host with a space", 400, END, GET_OK "Host: a b\r\n\r\n"),

	/* Framing. */
	ROW("two lengths", 400, END,
	    POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
	ROW("two equal lengths", 400, END,
	    POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
	ROW("list of lengths", 400, END,
	    POST "Content-Length: 5, 5\r\n\r\nhello"),
	ROW("negative length", 400, END, POST "Content-Length: -5\r\n\r\n"),
	ROW("signed length", 400, END, POST "Content-Length: +5\r\n\r\nhello"),
	ROW("hexadecimal length", 400, END, POST "Content-Length: 0x5\r\n\r\n"),
	ROW("empty length", 400, END, POST "Content-Length:\r\n\r\n"),
	ROW("length overflows", 400, END,
	    POST "Content-Length: 18446744073709551617\r\n\r\n"),
	ROW("length overflows far", 400, END,
	    POST "Content-Length: 99999999999999999999999999\r\n\r\n"),
	ROW("length and coding", 400, END,
	    POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "0\r\n\r\n"),
	ROW("coding and length", 400, END,
	    POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
		 "0\r\n\r\n"),
	ROW("two codings", 400, END,
	    POST "Transfer-Encoding: chunked\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	ROW("gzip", 400, END,
	    POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	ROW("identity", 400, END, POST "Transfer-Encoding: identity\r\n\r\n"),
	ROW("xchunked", 400, END,
	    POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
	ROW("empty coding", 400, END, POST "Transfer-Encoding:\r\n\r\n"),
	ROW("quoted coding", 400, END,
	    POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
	ROW("coding in 1.0", 400, END,
	    "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "0\r\n\r\n"),
	ROW("chunk size is empty", 400, END, CHUNKED "\r\nhello\r\n"),
	ROW("chunk size is no number", 400, END, CHUNKED "g\r\n"),
	ROW("chunk size is signed", 400, END, CHUNKED "+5\r\nhello\r\n"),
	ROW("chunk size is prefixed", 400, END, CHUNKED "0x5\r\nhello\r\n"),
	ROW("space before a chunk size", 400, END, CHUNKED " 5\r\nhello\r\n"),
	ROW("space behind a chunk size", 400, END, CHUNKED "5 \r\nhello\r\n"),
	ROW("chunk size overflows", 400, END,
	    CHUNKED "10000000000000005\r\nhello\r\n"),
	ROW("chunk is longer", 400, END, CHUNKED "4\r\nhello\r\n0\r\n\r\n"),
	ROW("chunk ends in no CRLF", 400, END, CHUNKED "5\r\nhelloXX0\r\n\r\n"),
	ROW("chunk ends in LF", 400, END, CHUNKED "5\r\nhello\n0\r\n\r\n"),
	ROW("chunk line ends in LF", 400, END, CHUNKED "5\nhello\r\n"),
	ROW("LF in a chunk extension", 400, END,
	    CHUNKED "5;x\nhello\r\n0\r\n\r\n"),
	ROW("NUL in a chunk extension", 400, END, CHUNKED "5;x\0\r\nhello\r\n"),
	ROW("bare CR in a chunk line", 400, END, CHUNKED "5\rXhello\r\n"),
	ROW("bare LF in a trailer", 400, END, CHUNKED "0\r\nX: y\n\r\n"),
	ROW("folded trailer", 400, END, CHUNKED "0\r\nX: y\r\n z\r\n\r\n"),
	ROW("no trailer name", 400, END, CHUNKED "0\r\nhello\r\n\r\n"),

	/* Limits. */
	ROW("body too large", 413, END, POST "Content-Length: 2049\r\n\r\n"),
	ROW("body far too large", 413, END,
	    POST "Content-Length: 9223372036854775807\r\n\r\n"),
	ROW("chunk too large", 413, END, CHUNKED "801\r\n"),
	ROW("chunk far too large", 413, END, CHUNKED "fffffffffffffff\r\n"),
	ROW("second chunk too large", 413, END, CHUNKED "1\r\nx\r\n800\r\n"),
	ROW("extensions too large", 413, END,
	    CHUNKED "1;" X1024 X1024 X1024 "\r\nx\r\n0\r\n\r\n"),
	ROW("header too large", 431, END, GET_OK HOST "X: " X1024 "\r\n\r\n"),
	ROW("request line too large", 431, END, "GET /" X1024),
	ROW("method too large", 431, END, X1024 "x"),
	ROW("too many headers", 431, END, GET_OK HOST H100 "\r\n"),
	ROW("trailer too large", 431, END, CHUNKED "0\r\nX: " X1024 "\r\n\r\n"),
};
const size_t http_case_count = sizeof(http_cases) / sizeof(http_cases[0]);
