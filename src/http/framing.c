/* framing.c - see framing.h. The two tables are the whole truth; tests/unit/http/framing_test.c
 * goes through them row by row. Pure; any thread. */
#include "http/framing.h"

#include <errno.h>

#include "http/chars.h"
#include "http/status.h"

enum codings framing_codings(const struct request *r)
{
    bool chunked = false, others = false;

    if (!(r->known >> FIELD_TRANSFER_ENCODING & 1))
        return CODINGS_ABSENT;
    for (size_t i = 0; i < r->n_fields; i++) {
        if (r->fields[i].id != FIELD_TRANSFER_ENCODING)
            continue;
        for (struct str rest = r->fields[i].value; rest.p != NULL;) {
            struct str coding = str_trim(str_cut(&rest, ','));
            if (chunked)
                return CODINGS_NOT_LAST;
            if (str_ieq(coding, STR("chunked")))
                chunked = true;
            else if (http_is_token(str_trim(str_head(coding, str_chr(coding, ';')))))
                others = true;
            else
                return CODINGS_MALFORMED;
        }
    }
    if (!chunked)
        return CODINGS_NOT_LAST;
    return others ? CODINGS_UNKNOWN : CODINGS_CHUNKED;
}

enum length framing_length(const struct request *r, uint64_t *ret)
{
    const struct field *first = request_field(r, FIELD_CONTENT_LENGTH);

    if (first == NULL)
        return LENGTH_ABSENT;
    for (const struct field *f = first + 1; f < r->fields + r->n_fields; f++)
        if (f->id == FIELD_CONTENT_LENGTH)
            return LENGTH_REPEATED;
    int e = str_u64(first->value, ret);
    if (e == -EINVAL)
        return LENGTH_MALFORMED;
    if (e < 0 || *ret > INT64_MAX)
        return LENGTH_OVERFLOW;
    return *ret > 0 ? LENGTH_SOME : LENGTH_ZERO;
}

static struct request_framing refused(unsigned status, const char *reason)
{
    return (struct request_framing){ FRAMING_NONE, status, reason };
}

/*
 * RFC 9112 sections 6.1 to 6.3, without their lenient branches. The first row that fits counts.
 *
 *   Content-Length  Transfer-Encoding    HTTP  CONNECT
 *   repeated        any                  any   any      400 content_length_repeated
 *   any other       any                  any   any      400 transfer_encoding_with_content_length
 *   absent          any                  1.0   any      400 transfer_encoding_in_http_1_0
 *   absent          malformed            1.1   any      400 transfer_encoding_malformed
 *   absent          chunked not last     1.1   any      400 chunked_not_last
 *   absent          others, chunked      1.1   any      501 transfer_coding_unknown
 *   absent          chunked              1.1   yes      400 connect_with_body
 *   absent          chunked              1.1   no       chunked
 *   malformed       absent               any   any      400 content_length_malformed
 *   overflow        absent               any   any      400 content_length_overflow
 *   > 0             absent               any   yes      400 connect_with_body
 *   > 0             absent               any   no       length
 *   0               absent               any   any      length
 *   absent          absent               any   any      none
 *
 * What follows a CONNECT is the tunnel's: a body in between would be read two ways.
 */
struct request_framing framing_of_request(unsigned minor, enum codings codings, enum length length,
                                          bool connect)
{
    if (length == LENGTH_REPEATED)
        return refused(400, "content_length_repeated");
    if (codings != CODINGS_ABSENT) {
        if (length != LENGTH_ABSENT)
            return refused(400, "transfer_encoding_with_content_length");
        if (minor == 0)
            return refused(400, "transfer_encoding_in_http_1_0");
        if (codings == CODINGS_MALFORMED)
            return refused(400, "transfer_encoding_malformed");
        if (codings == CODINGS_NOT_LAST)
            return refused(400, "chunked_not_last");
        if (codings == CODINGS_UNKNOWN)
            return refused(501, "transfer_coding_unknown");
    }
    if (length == LENGTH_MALFORMED)
        return refused(400, "content_length_malformed");
    if (length == LENGTH_OVERFLOW)
        return refused(400, "content_length_overflow");
    if (connect && (codings == CODINGS_CHUNKED || length == LENGTH_SOME))
        return refused(400, "connect_with_body");
    return (struct request_framing){ .framing = codings == CODINGS_CHUNKED ? FRAMING_CHUNKED
                                                : length != LENGTH_ABSENT  ? FRAMING_LENGTH
                                                                           : FRAMING_NONE };
}

/*
 *   status         length   HTTP        framing  body
 *   1xx, 204, 304  any      any         none     no
 *   other          known    any         length   unless HEAD
 *   other          unknown  1.1         chunked  unless HEAD
 *   other          unknown  1.0         close    unless HEAD
 *
 * The head of an answer to HEAD is that of the answer to GET.
 */
struct response_framing framing_of_response(unsigned status, bool head, bool known, unsigned minor)
{
    if (!status_has_body(status))
        return (struct response_framing){ FRAMING_NONE, false };
    return (struct response_framing){ known        ? FRAMING_LENGTH
                                      : minor >= 1 ? FRAMING_CHUNKED
                                                   : FRAMING_CLOSE,
                                      !head };
}
