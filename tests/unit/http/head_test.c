/*
 * head_test.c - request heads accepted and refused, as tables. Each case is fed whole, byte by
 * byte and in two pieces cut at every place, and must come out the same.
 */
#include "http/head.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/def.h"

static const struct head_limits generous = { .request_line = 8192, .header = 32768, .fields = 100 };

struct refused {
    const char *bytes;
    size_t n;
    unsigned status;
    const char *reason;
};
#define REFUSED(bytes, status, reason)                                                             \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, status, reason                                                   \
    }
#define GET "GET / HTTP/1.1\r\nHost: x\r\n"
#define POST "POST / HTTP/1.1\r\nHost: x\r\n"
#define TARGET(t) "GET " t " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HOST(h) "GET / HTTP/1.1\r\nHost:" h "\r\n\r\n"

static const struct refused refused[] = {
    /* the request line: method */
    REFUSED(" GET / HTTP/1.1\r\n\r\n", 400, "method_malformed"),
    REFUSED("G@T / HTTP/1.1\r\n\r\n", 400, "method_malformed"),
    REFUSED("G\0T / HTTP/1.1\r\n\r\n", 400, "method_malformed"),
    REFUSED("GET\t/ HTTP/1.1\r\n\r\n", 400, "method_malformed"),
    REFUSED("\x16\x03\x01\x02\x00", 400, "method_malformed"),
    REFUSED("{\"json\": 1}", 400, "method_malformed"),
    REFUSED("\xc3\x9c / HTTP/1.1\r\n\r\n", 400, "method_malformed"),
    REFUSED("GET\r\n\r\n", 400, "target_missing"),
    REFUSED("GET\n", 400, "bare_lf"),
    REFUSED("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", 501, "method_too_long"),
    /* empty lines before it */
    REFUSED("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "empty_line_repeated"),
    REFUSED("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bare_lf"),
    REFUSED("\r\rGET / HTTP/1.1\r\n", 400, "bare_cr"),
    REFUSED("\rGET / HTTP/1.1\r\n", 400, "bare_cr"),
    /* spaces */
    REFUSED("GET  / HTTP/1.1\r\n", 400, "target_missing"),
    REFUSED("GET  HTTP/1.1\r\n", 400, "target_missing"),
    REFUSED("GET \r\n", 400, "target_missing"),
    REFUSED("GET /  HTTP/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1.1 \r\n", 400, "version_malformed"),
    REFUSED("GET /a b HTTP/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET /\tHTTP/1.1\r\n", 400, "target_malformed"),
    REFUSED("GET / HTTP/1.1\t\r\n", 400, "version_malformed"),
    /* version */
    REFUSED("GET /\r\n", 400, "version_missing"),
    REFUSED("GET /\n", 400, "bare_lf"),
    REFUSED("GET / \r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1.1\n", 400, "bare_lf"),
    REFUSED("GET / HTTP/1.1\rHost: x\r\n", 400, "bare_cr"),
    REFUSED("GET / http/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / Http/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1.\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1.10\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/01.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/11.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/1,1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP-1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/x.1\r\n", 400, "version_malformed"),
    REFUSED("GET / 1.1\r\n", 400, "version_malformed"),
    REFUSED("G / P/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET /HTTP/ 1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / xHTTP/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTPS/1.1\r\n", 400, "version_malformed"),
    REFUSED("GET / HTTP/0.9\r\n", 505, "version_unsupported"),
    REFUSED("GET / HTTP/2.0\r\n", 505, "version_unsupported"),
    REFUSED("GET / HTTP/9.9\r\n", 505, "version_unsupported"),
    REFUSED("GET / HTTP/5.6\r\n", 505, "version_unsupported"),
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unsupported"),
    REFUSED("GET /music/sweet/music ICE/1.0\r\nHost: a\r\n\r\n", 400, "version_malformed"),
    REFUSED("GET /music/sweet/music IHTTP/1.0\r\nHost: a\r\n\r\n", 400, "version_malformed"),
    REFUSED("PUT /music/sweet/music RTSP/1.0\r\nHost: a\r\n\r\n", 400, "version_malformed"),
    /* target */
    REFUSED(TARGET("/a#b"), 400, "target_malformed"),
    REFUSED(TARGET("/a\x01"), 400, "target_malformed"),
    REFUSED(TARGET("/a\x7f"), 400, "target_malformed"),
    REFUSED(TARGET("/a\0b"), 400, "target_malformed"),
    REFUSED(TARGET("/\xc3\xbc"), 400, "target_malformed"),
    REFUSED(TARGET("/%"), 400, "path_malformed"),
    REFUSED(TARGET("/%4"), 400, "path_malformed"),
    REFUSED(TARGET("/%zz"), 400, "path_malformed"),
    REFUSED(TARGET("/%00"), 400, "path_malformed"),
    REFUSED(TARGET("/a%00b?x"), 400, "path_malformed"),
    REFUSED(TARGET("a"), 400, "target_malformed"),
    REFUSED(TARGET("a/b"), 400, "target_malformed"),
    REFUSED(TARGET("?a"), 400, "target_malformed"),
    REFUSED(TARGET("*"), 400, "target_malformed"),
    REFUSED(TARGET("**"), 400, "target_malformed"),
    REFUSED(TARGET("example.org:80"), 400, "target_malformed"),
    REFUSED(TARGET("ftp://example.org/"), 400, "target_malformed"),
    REFUSED(TARGET("http:/example.org/"), 400, "target_malformed"),
    REFUSED(TARGET("http:"), 400, "target_malformed"),
    REFUSED(TARGET("http://"), 400, "target_malformed"),
    REFUSED(TARGET("http:///a"), 400, "host_empty"),
    REFUSED(TARGET("http://:80/a"), 400, "host_empty"),
    REFUSED(TARGET("http://?a"), 400, "host_empty"),
    REFUSED(TARGET("http://u@example.org/"), 400, "host_malformed"),
    REFUSED(TARGET("http://u:p@example.org/"), 400, "port_malformed"),
    REFUSED(TARGET("http://example.org:x/"), 400, "port_malformed"),
    REFUSED(TARGET("http://example.org:80:80/"), 400, "port_malformed"),
    REFUSED(TARGET("http://[::1/"), 400, "host_malformed"),
    REFUSED(TARGET("http://a/%zz"), 400, "path_malformed"),
    REFUSED("OPTIONS *x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target_malformed"),
    REFUSED("CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "host_malformed"),
    REFUSED("CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target_malformed"),
    REFUSED("CONNECT x: HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target_malformed"),
    REFUSED("CONNECT x:0 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target_malformed"),
    REFUSED("CONNECT :80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "target_malformed"),
    REFUSED("CONNECT x:70000 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "port_malformed"),
    REFUSED("CONNECT u@x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "host_malformed"),
    REFUSED("CONNECT x:80/a HTTP/1.1\r\nHost: x\r\n\r\n", 400, "port_malformed"),
    REFUSED("CONNECT http://x:80/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "port_malformed"),
    REFUSED("CONNECT * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "host_malformed"),
    /* field lines */
    REFUSED("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "leading_space"),
    REFUSED("GET / HTTP/1.1\r\n\tHost: x\r\n\r\n", 400, "leading_space"),
    REFUSED("GET / HTTP/1.1\r\n \r\nHost: x\r\n\r\n", 400, "leading_space"),
    REFUSED(GET "A: b\r\n c\r\n\r\n", 400, "obs_fold"),
    REFUSED(GET "A: b\r\n\tc\r\n\r\n", 400, "obs_fold"),
    REFUSED(GET " \r\n\r\n", 400, "obs_fold"),
    REFUSED(GET " Host: foo", 400, "obs_fold"),
    REFUSED(GET "A : b\r\n\r\n", 400, "space_before_colon"),
    REFUSED(GET "A\t: b\r\n\r\n", 400, "space_before_colon"),
    REFUSED(GET "A b: c\r\n\r\n", 400, "space_before_colon"),
    REFUSED(GET ": b\r\n\r\n", 400, "field_name_empty"),
    REFUSED(GET "A\r\n\r\n", 400, "colon_missing"),
    REFUSED(GET "name\r\n : value\r\n\r\n", 400, "colon_missing"),
    REFUSED(GET "Fo@: Failure\r\n\r\n", 400, "field_name_malformed"),
    REFUSED(GET "Foo\x01\test: Bar\r\n\r\n", 400, "field_name_malformed"),
    REFUSED(GET "A\0: b\r\n\r\n", 400, "field_name_malformed"),
    REFUSED(GET "\xc3\xbc: b\r\n\r\n", 400, "field_name_malformed"),
    REFUSED(GET "\"A\": b\r\n\r\n", 400, "field_name_malformed"),
    REFUSED(GET "A: b\0c\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: b\x01\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: b\x0b\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: b\x1f\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: b\x7f\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: 0123456789abcdef0123456789\0\r\n\r\n", 400, "field_value_malformed"),
    REFUSED(GET "A: b\nB: c\r\n\r\n", 400, "bare_lf"),
    REFUSED(GET "A: b\n\r\n", 400, "bare_lf"),
    REFUSED(GET "A:\nTransfer-Encoding: chunked\r\n\r\n", 400, "bare_lf"),
    REFUSED(GET "A\n\r\n", 400, "bare_lf"),
    REFUSED(GET "\n", 400, "bare_lf"),
    REFUSED(GET "Foo: 1\rBar: 2\r\n\r\n", 400, "bare_cr"),
    REFUSED(GET "A: b\r\r\n\r\n", 400, "bare_cr"),
    REFUSED(GET "x:\rTransfer-Encoding: chunked\r\n\r\n", 400, "bare_cr"),
    REFUSED(GET "\rZGET / HTTP/1.1\r\n", 400, "bare_cr"),
    REFUSED(GET "\r\r\n", 400, "bare_cr"),
    REFUSED(GET "Content\rLength: 003\r\n\r\nabc", 400, "colon_missing"),
    REFUSED(GET "Content-Length: 3\r\n\rabc", 400, "bare_cr"),
    REFUSED(GET "Connection: keep\ralive\r\n\r\n", 400, "bare_cr"),
    REFUSED(GET "Connection\r\x1b\x35\xd5"
                "eep-Alive\r\n\r\n",
            400, "colon_missing"),
    REFUSED(GET "Connection : upgrade\r\n\r\n", 400, "space_before_colon"),
    REFUSED(GET "Content-Length : 4\r\n\r\nabcd", 400, "space_before_colon"),
    REFUSED("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n", 400, "bare_lf"),
    /* Host */
    REFUSED("GET / HTTP/1.1\r\n\r\n", 400, "host_missing"),
    REFUSED("\r\nGET /test HTTP/1.1\r\n\r\n", 400, "host_missing"),
    REFUSED("GET http://x/ HTTP/1.1\r\n\r\n", 400, "host_missing"),
    REFUSED("CONNECT x:80 HTTP/1.1\r\n\r\n", 400, "host_missing"),
    REFUSED("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "host_repeated"),
    REFUSED("GET / HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n", 400, "host_repeated"),
    REFUSED("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, "host_repeated"),
    REFUSED("GET http://x/ HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "host_repeated"),
    REFUSED("GET http://x/ HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "host_malformed"),
    REFUSED(HOST(""), 400, "host_empty"),
    REFUSED(HOST("  "), 400, "host_empty"),
    REFUSED(HOST(":80"), 400, "host_empty"),
    REFUSED("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", 400, "host_empty"),
    REFUSED("GET / HTTP/1.0\r\nHost:\r\n\r\n", 400, "host_empty"),
    REFUSED(HOST("a b"), 400, "host_malformed"),
    REFUSED(HOST("a, b"), 400, "host_malformed"),
    REFUSED(HOST("a,b"), 400, "host_malformed"),
    REFUSED(HOST("a/b"), 400, "host_malformed"),
    REFUSED(HOST("u@a"), 400, "host_malformed"),
    REFUSED(HOST("a?b"), 400, "host_malformed"),
    REFUSED(HOST("a#b"), 400, "host_malformed"),
    REFUSED(HOST("a\\b"), 400, "host_malformed"),
    REFUSED(HOST("a%41"), 400, "host_malformed"),
    REFUSED(HOST("\xc3\xbc"), 400, "host_malformed"),
    REFUSED(HOST("http://a"), 400, "port_malformed"),
    REFUSED(HOST("a:b"), 400, "port_malformed"),
    REFUSED(HOST("a:-1"), 400, "port_malformed"),
    REFUSED(HOST("a:+1"), 400, "port_malformed"),
    REFUSED(HOST("a: 1"), 400, "port_malformed"),
    REFUSED(HOST("a:1:2"), 400, "port_malformed"),
    REFUSED(HOST("a:65536"), 400, "port_malformed"),
    REFUSED(HOST("a:000080"), 400, "port_malformed"),
    REFUSED(HOST("::1"), 400, "port_malformed"),
    REFUSED(HOST("[::1"), 400, "host_malformed"),
    REFUSED(HOST("::1]"), 400, "port_malformed"),
    REFUSED(HOST("[]"), 400, "host_malformed"),
    REFUSED(HOST("[a]"), 400, "host_malformed"),
    REFUSED(HOST("[1.2.3.4]"), 400, "host_malformed"),
    REFUSED(HOST("[::1]x"), 400, "host_malformed"),
    REFUSED(HOST("[::1]:x"), 400, "port_malformed"),
    REFUSED(HOST("[[::1]]"), 400, "host_malformed"),
    REFUSED(HOST("[fe80::1%25eth0]"), 400, "host_malformed"),
    REFUSED(HOST("[v1.a]"), 400, "host_malformed"),
    REFUSED(HOST("[1:2:3:4:5:6:7:8:9]"), 400, "host_malformed"),
    REFUSED(HOST("[0000000000000000000000000000000000000000000000001]"), 400, "host_malformed"),
    /* Content-Length */
    REFUSED(POST "Content-Length:\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: +1\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: -1\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 0x1\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 1.0\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 4 2\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 13 37\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 5, 5\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 5,\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: \"5\"\r\n\r\n", 400, "content_length_malformed"),
    REFUSED(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "content_length_repeated"),
    REFUSED(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "content_length_repeated"),
    REFUSED(POST "Content-Length: 1000000000000000000000\r\n\r\n", 400, "content_length_overflow"),
    REFUSED(POST "Content-Length: 18446744073709551615\r\n\r\n", 400, "content_length_overflow"),
    REFUSED(POST "Content-Length: 9223372036854775808\r\n\r\n", 400, "content_length_overflow"),
    /* Transfer-Encoding */
    REFUSED(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "transfer_encoding_with_content_length"),
    REFUSED(POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nWorld", 400,
            "transfer_encoding_with_content_length"),
    REFUSED("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "transfer_encoding_in_http_1_0"),
    REFUSED(POST "Transfer-Encoding: pigeons\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: identity\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "transfer_coding_unknown"),
    REFUSED(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501,
            "transfer_coding_unknown"),
    REFUSED(POST "Transfer-Encoding: chunkedchunked\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: xchunked\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked;a=b\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked, deflate\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: deflate\r\n\r\n", 400,
            "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: chunked,\r\n\r\n", 400, "chunked_not_last"),
    REFUSED(POST "Transfer-Encoding: , chunked\r\n\r\n", 400, "transfer_encoding_malformed"),
    REFUSED(POST "Transfer-Encoding:\r\n\r\n", 400, "transfer_encoding_malformed"),
    REFUSED(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "transfer_encoding_malformed"),
    REFUSED(POST "Transfer-Encoding: chun ked\r\n\r\n", 400, "transfer_encoding_malformed"),
    REFUSED(POST "Transfer-Encoding: \x0b"
                 "chunked\r\n\r\n",
            400, "field_value_malformed"),
    REFUSED(POST "Transfer-Encoding: chunked\xa0\r\n\r\n", 400, "transfer_encoding_malformed"),
    REFUSED("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3\r\n\r\n", 400,
            "connect_with_body"),
    REFUSED("CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "connect_with_body"),
    /* Connection, Expect */
    REFUSED(GET "Connection: close/x\r\n\r\n", 400, "connection_malformed"),
    REFUSED(GET "Connection: a b\r\n\r\n", 400, "connection_malformed"),
    REFUSED(POST "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417, "expectation_unknown"),
    REFUSED(POST "Expect: 100-continue;a=b\r\n\r\n", 417, "expectation_unknown"),
    REFUSED(POST "Content-Length: 1\r\nExpect: 100-continue, x\r\n\r\n", 417,
            "expectation_unknown"),
    REFUSED(POST "Expect: 100-continue\r\nExpect: x\r\n\r\n", 417, "expectation_unknown"),
};

/* What describe() says of a request, fields left out when they have their usual value. */
struct accepted {
    const char *bytes;
    const char *text;
};

static const struct accepted accepted[] = {
    { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET origin x / keep" },
    { "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET origin x / keep" },
    { "GET / HTTP/1.0\r\n\r\n", "GET origin - / close" },
    { "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "GET origin x / close" },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET origin - / keep" },
    { "GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n", "GET origin - / close" },
    { "GET / HTTP/1.9\r\nHost: x\r\n\r\n", "GET origin x / keep" },
    { GET "Connection: close\r\n\r\n", "GET origin x / close" },
    { GET "Connection: CLOSE\t\r\n\r\n", "GET origin x / close" },
    { GET "Connection: a\r\nConnection: b, close\r\n\r\n", "GET origin x / close" },
    { GET "Connection: close, token, upgrade, token, keep-alive\r\n\r\n", "GET origin x / close" },
    { GET "Connection: closed\r\n\r\n", "GET origin x / keep" },
    { GET "Connection:\r\n\r\n", "GET origin x / keep" },
    { GET "Connection: ,,close,\r\n\r\n", "GET origin x / close" },
    { GET "Connection: keep-alive\r\n\r\n", "GET origin x / keep" },
    { GET "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n\r\n",
      "GET origin x / keep upgrade" },
    { GET "Connection: upgrade\r\n\r\n", "GET origin x / keep" },
    { GET "Upgrade: h2c\r\n\r\n", "GET origin x / keep" },
    { "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n", "GET origin - / close" },
    { POST "Content-Length: 5\r\n\r\nhello", "POST origin x / length=5 body keep" },
    { POST "Content-Length: 0\r\n\r\n", "POST origin x / length=0 keep" },
    { POST "Content-Length: 003\r\nOhai: world\r\n\r\n", "POST origin x / length=3 body keep" },
    { POST "conTENT-Length:\t5 \r\n\r\n", "POST origin x / length=5 body keep" },
    { POST "Content-Length: 9223372036854775807\r\n\r\n",
      "POST origin x / length=9223372036854775807 body keep" },
    { "GET /h HTTP/1.0\r\nconTENT-Length: 5\r\n\r\nHELLO", "GET origin - /h length=5 body close" },
    { POST "Transfer-Encoding: chunked\r\n\r\n", "POST origin x / chunked body keep" },
    { POST "transfer-encoding:\t CHUNKED \t\r\n\r\n", "POST origin x / chunked body keep" },
    { POST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
      "POST origin x / length=1 body keep expect" },
    { POST "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n\r\n",
      "POST origin x / chunked body keep expect" },
    { POST "Content-Length: 1\r\nExpect: , 100-continue,100-continue\r\n\r\n",
      "POST origin x / length=1 body keep expect" },
    { POST "Content-Length: 1\r\nExpect:\r\n\r\n", "POST origin x / length=1 body keep" },
    { POST "Expect: 100-continue\r\n\r\n", "POST origin x / keep" },
    { POST "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n", "POST origin x / length=0 keep" },
    { "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: nothing\r\n\r\n",
      "POST origin - / length=1 body close" },
    { "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS asterisk x - keep" },
    { "OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS origin x /a keep" },
    { "OPTIONS http://y HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS absolute y / keep" },
    { "CONNECT Example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
      "CONNECT authority example.org:443 - keep" },
    { "CONNECT [::1]:443 HTTP/1.1\r\nHost:\r\n\r\n", "CONNECT authority [::1]:443 - keep" },
    { "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nContent-Length: 0\r\n\r\n",
      "CONNECT authority x:1 - length=0 keep" },
    { "CONNECT x:1 HTTP/1.0\r\n\r\n", "CONNECT authority x:1 - close" },
    { "GET http://Y.Example:81/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET absolute y.example:81 /a?b keep" },
    { "GET HTTPS://y HTTP/1.1\r\nHost:\r\n\r\n", "GET absolute y / keep" },
    { "GET http://y?b=/c HTTP/1.1\r\nHost: y\r\n\r\n", "GET absolute y /?b=/c keep" },
    { "GET http://y/../a HTTP/1.0\r\n\r\n", "GET absolute y /a cleaned close" },
    { "PURGE /a HTTP/1.1\r\nHost: x\r\n\r\n", "PURGE other origin x /a keep" },
    { "get / HTTP/1.1\r\nHost: x\r\n\r\n", "get other origin x / keep" },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\nHost: x\r\n\r\n",
      "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF other origin x / keep" },
    { "A!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: x\r\n\r\n",
      "A!#$%&'*+-.^_`|~9 other origin x / keep" },
    { TARGET("/a?"), "GET origin x /a? keep" },
    { TARGET("/a?b?c"), "GET origin x /a?b?c keep" },
    { TARGET("/?a=%zz"), "GET origin x /?a=%zz keep" },
    { TARGET("/a/../b//c"), "GET origin x /b/c cleaned keep" },
    { TARGET("//evil.example/"), "GET origin x /evil.example/ cleaned keep" },
    { TARGET("/%61%2fb%25"), "GET origin x /a%2Fb%25 keep" },
    { TARGET("/http://y/"), "GET origin x /http:/y/ cleaned keep" },
    { TARGET("/a\"<>\\^`{|}[]"), "GET origin x /a\"<>\\^`{|}[] keep" },
    { HOST("EXAMPLE.org"), "GET origin example.org / keep" },
    { HOST(" a.b-c_d~9:8080 "), "GET origin a.b-c_d~9:8080 / keep" },
    { HOST("a:"), "GET origin a / keep" },
    { HOST("a:65535"), "GET origin a:65535 / keep" },
    { HOST("[2001:DB8::1]:80"), "GET origin [2001:db8::1]:80 / keep" },
    { HOST("[::ffff:1.2.3.4]"), "GET origin [::ffff:1.2.3.4] / keep" },
    { HOST("127.0.0.1"), "GET origin 127.0.0.1 / keep" },
    { "GET /test HTTP/1.0\r\nHost: 0.0.0.0:5000\r\nUser-Agent: ApacheBench/2.3\r\n"
      "Accept: */*\r\n\r\n",
      "GET origin 0.0.0.0:5000 /test close" },
    { GET "aaaaaaaaaaaaa:++++++++++\r\n\r\n", "GET origin x / keep" },
    { GET "Header1: Value1\r\nHeader2:\t Value2\r\n\r\n", "GET origin x / keep" },
    { GET "Test: D\xc3\xbcsseldorf\r\nHeader2: \xffValue2\r\n\r\n", "GET origin x / keep" },
    { GET "Empty:\r\nSpaces: \t \r\nTab: a\tb\r\n\r\n", "GET origin x / keep" },
};

struct fixture {
    struct head_parser p;
    struct arena arena;
    struct request r;
    struct head_info info;
};

/* Scans and parses bytes[0..n) given first `cut` of them, then `step` more at a time. */
static enum head_result feed(struct fixture *f, const char *bytes, size_t n, size_t cut,
                             size_t step, const struct head_limits *limits)
{
    enum head_result got;

    head_init(&f->p);
    arena_init(&f->arena, MIB(1));
    for (size_t have = cut;; have = min_of(have + step, n)) {
        got = head_scan(&f->p, bytes, have, limits);
        if (got != HEAD_MORE || have == n)
            break;
    }
    if (got == HEAD_DONE)
        got = head_request(&f->p, bytes, &f->arena, &f->r, &f->info);
    return got;
}

static void describe(const struct fixture *f, char *out, size_t n)
{
    static const char *const forms[] = { "origin", "absolute", "authority", "asterisk" };
    const struct request *r = &f->r;
    char framing[32] = "";

    if (f->info.framing == FRAMING_CHUNKED)
        snprintf(framing, sizeof framing, " chunked");
    else if (f->info.framing == FRAMING_LENGTH)
        snprintf(framing, sizeof framing, " length=%llu", (unsigned long long)f->info.length);
    snprintf(out, n, "%.*s%s %s %.*s%s%.*s %.*s%s%.*s%s%s%s %s%s%s", str_fmt(r->method_token),
             r->method == METHOD_OTHER ? " other" : "", forms[r->form],
             str_fmt(r->host.n ? r->host : STR("-")), r->port.n ? ":" : "", str_fmt(r->port),
             str_fmt(r->path.n ? r->path : STR("-")), r->has_query ? "?" : "", str_fmt(r->query),
             r->path_cleaned ? " cleaned" : "", framing, r->has_body ? " body" : "",
             f->info.keep_alive ? "keep" : "close", f->info.upgrade ? " upgrade" : "",
             f->info.expect_continue ? " expect" : "");
}

START_TEST(test_refused)
{
    const struct refused *c = &refused[_i];

    for (size_t cut = 0; cut <= c->n; cut++)
        for (size_t step = 1; step <= c->n; step += c->n - (c->n > 1)) {
            struct fixture f;
            enum head_result got = feed(&f, c->bytes, c->n, cut, step, &generous);
            ck_assert_msg(got == HEAD_BAD, "%d at %zu: %d: %s", _i, cut, got, c->bytes);
            ck_assert_msg(f.p.status == c->status && !strcmp(f.p.reason, c->reason),
                          "%d: %u %s: %s", _i, f.p.status, f.p.reason, c->bytes);
            ck_assert_int_eq(head_scan(&f.p, c->bytes, c->n, &generous), HEAD_BAD);
            arena_done(&f.arena);
        }
}
END_TEST

START_TEST(test_accepted)
{
    const struct accepted *c = &accepted[_i];
    size_t n = strlen(c->bytes);
    const char *end = strstr(c->bytes, "\r\n\r\n");

    for (size_t cut = 0; cut <= n; cut++)
        for (size_t step = 1; step <= n; step += n - 1) {
            struct fixture f;
            char text[256];
            enum head_result got = feed(&f, c->bytes, n, cut, step, &generous);
            ck_assert_msg(got == HEAD_DONE, "%d: %s: %s", _i, f.p.reason, c->bytes);
            describe(&f, text, sizeof text);
            ck_assert_str_eq(text, c->text);
            ck_assert_uint_eq(f.p.at, (size_t)(end - c->bytes) + 4);
            arena_done(&f.arena);
        }
}
END_TEST

START_TEST(test_fields)
{
    char bytes[] = "\r\nGET /a?b HTTP/1.1\r\nhOst: X\r\nA:b:c\r\nAccept: \t1\t2 \t\r\n"
                   "ACCEPT: 3\r\nUser-Agent: 0123456789 0123456789 0123456789\r\nE:\r\n\r\nrest";
    struct fixture f;
    static const char *const want[][2] = { { "hOst", "X" },
                                           { "A", "b:c" },
                                           { "Accept", "1\t2" },
                                           { "ACCEPT", "3" },
                                           { "User-Agent", "0123456789 0123456789 0123456789" },
                                           { "E", "" } };

    ck_assert_int_eq(feed(&f, bytes, sizeof bytes - 1, sizeof bytes - 1, 1, &generous), HEAD_DONE);
    memset(bytes, '!', sizeof bytes); /* the request owns a copy */
    ck_assert_uint_eq(f.p.at, sizeof bytes - 1 - strlen("rest"));
    ck_assert_uint_eq(f.r.n_fields, array_len(want));
    for (size_t i = 0; i < array_len(want); i++) {
        ck_assert(str_eq(f.r.fields[i].name, str_of(want[i][0])));
        ck_assert(str_eq(f.r.fields[i].value, str_of(want[i][1])));
    }
    ck_assert_uint_eq(f.r.known, 1u << FIELD_HOST | 1u << FIELD_ACCEPT | 1u << FIELD_USER_AGENT);
    ck_assert_ptr_eq(request_field(&f.r, FIELD_ACCEPT), &f.r.fields[2]);
    ck_assert_ptr_null(request_field(&f.r, FIELD_RANGE));
    ck_assert(str_eq(f.r.target, STR("/a?b")));
    ck_assert(str_eq(f.r.host, STR("x")));
    ck_assert_uint_eq(f.r.body_length, 0);
    arena_done(&f.arena);
}
END_TEST

struct limited {
    struct head_limits limits;
    const char *bytes;
    unsigned status; /* 0: accepted */
    size_t at;
    const char *reason;
};

#define LINE "GET /1234 HTTP/1.1"
static const struct limited limited[] = {
    { { 18, 100, 9 }, LINE "\r\nHost: x\r\n\r\n", 0, 0, NULL },
    { { 17, 100, 9 }, LINE "\r\nHost: x\r\n\r\n", 414, 17, "request_line_too_long" },
    { { 17, 100, 9 }, "\r\n" LINE "\r\nHost: x\r\n\r\n", 414, 19, "request_line_too_long" },
    { { 18, 100, 9 }, "\r\n" LINE "\r\nHost: x\r\n\r\n", 0, 0, NULL },
    { { 6, 100, 9 }, LINE "\r\n", 414, 6, "request_line_too_long" },
    { { 2, 100, 9 }, LINE "\r\n", 414, 2, "request_line_too_long" },
    { { 3, 100, 9 }, "GET\r\n", 400, 3, "target_missing" },
    { { 0, 100, 9 }, LINE "\r\n", 414, 0, "request_line_too_long" },
    { { 18, 9, 9 }, LINE "\r\nHost: x\r\n\r\n", 0, 0, NULL },
    { { 18, 8, 9 }, LINE "\r\nHost: x\r\n\r\n", 431, 28, "header_too_large" },
    { { 18, 7, 9 }, LINE "\r\nHost: x\r\n\r\n", 431, 27, "header_too_large" },
    { { 18, 2, 9 }, LINE "\r\nHost: x\r\n\r\n", 431, 22, "header_too_large" },
    { { 18, 9, 9 }, LINE "\r\nHost: x\r\nA: b\r\n\r\n", 431, 29, "header_too_large" },
    { { 18, 15, 2 }, LINE "\r\nHost: x\r\nA: b\r\n\r\n", 0, 0, NULL },
    { { 18, 15, 1 }, LINE "\r\nHost: x\r\nA: b\r\n\r\n", 431, 29, "too_many_fields" },
    { { 18, 15, 0 }, LINE "\r\nHost: x\r\nA: b\r\n\r\n", 431, 20, "too_many_fields" },
    { { 18, 40, 9 },
      LINE "\r\nHost: x\r\nA: 0123456789012345678901234567890123456789\r\n\r\n",
      431,
      60,
      "header_too_large" },
};

START_TEST(test_limits)
{
    const struct limited *c = &limited[_i];
    size_t n = strlen(c->bytes);

    for (size_t cut = 0; cut <= n; cut++)
        for (size_t step = 1; step <= n; step += n - 1) {
            struct fixture f;
            enum head_result got = feed(&f, c->bytes, n, cut, step, &c->limits);
            ck_assert_uint_eq(f.p.status, c->status);
            ck_assert_int_eq(got, c->status ? HEAD_BAD : HEAD_DONE);
            if (c->status) {
                ck_assert_str_eq(f.p.reason, c->reason);
                ck_assert_uint_eq(f.p.at, c->at);
            }
            arena_done(&f.arena);
        }
}
END_TEST

/* Every byte at every offset of a value: the vector loop and the table must agree. */
START_TEST(test_value_bytes)
{
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < 40; at++) {
            char bytes[128];
            struct head_parser p;
            size_t n = (size_t)snprintf(bytes, sizeof bytes, "%sA:", GET);
            memset(bytes + n, 'v', 40);
            bytes[n + at] = (char)c;
            memcpy(bytes + n + 40, "\r\n\r\n", 4);
            head_init(&p);
            bool fine = c == '\t' || (c >= 0x20 && c != 0x7f);
            ck_assert_int_eq(head_scan(&p, bytes, n + 44, &generous), fine ? HEAD_DONE : HEAD_BAD);
            if (!fine)
                ck_assert_uint_eq(p.at, n + at + (c == '\r'));
        }
}
END_TEST

START_TEST(test_no_memory)
{
    static const char bytes[] = "GET /%41 HTTP/1.1\r\nHost: EXAMPLE.org\r\nA: b\r\n\r\n";
    bool done = false;

    for (size_t room = 0; room < 1024 && !done; room += 16) {
        _Alignas(16) static char memory[1024];
        struct head_parser p;
        struct arena arena;
        struct request r;
        struct head_info info;
        arena_init_in(&arena, memory, room, 0);
        head_init(&p);
        ck_assert_int_eq(head_scan(&p, bytes, sizeof bytes - 1, &generous), HEAD_DONE);
        done = head_request(&p, bytes, &arena, &r, &info) == HEAD_DONE;
        if (!done) {
            ck_assert_uint_eq(p.status, 503);
            ck_assert_str_eq(p.reason, "no_memory");
        }
        arena_done(&arena);
    }
    ck_assert(done);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("head");
    TCase *t = tcase_create("head");

    tcase_add_loop_test(t, test_refused, 0, array_len(refused));
    tcase_add_loop_test(t, test_accepted, 0, array_len(accepted));
    tcase_add_loop_test(t, test_limits, 0, array_len(limited));
    tcase_add_test(t, test_fields);
    tcase_add_test(t, test_value_bytes);
    tcase_add_test(t, test_no_memory);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
