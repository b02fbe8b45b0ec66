/*
 * request.h - one parsed request head, whatever protocol version it came in.
 * All slices point into memory that lives as long as the exchange. Immutable
 * once parsed, so any thread that holds the exchange may read it.
 */
#ifndef MUXD_HTTP_REQUEST_H
#define MUXD_HTTP_REQUEST_H

#include "http/method.h"

enum field_id {
#define FIELD(id, name) FIELD_##id,
#include "http/field.def"
#undef FIELD
    FIELD_OTHER,
    FIELD_COUNT = FIELD_OTHER,
};

struct field {
    struct str name;  /* as sent */
    struct str value; /* without OWS around it; no CR, LF, NUL or other control but HTAB */
    enum field_id id;
};

enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct request {
    enum method method;
    enum target_form form;
    struct str method_token; /* as sent */
    struct str target;       /* as sent */
    /*
     * The path, decoded and cleaned: begins with '/', has no empty, "." or ".." segment, ends in
     * '/' if the request's did (or ended in a dot segment). "%2F" and "%25" alone stay encoded
     * (upper case), so that segments and their bytes cannot be confused; every other byte is
     * plain and may be anything but NUL. Empty for the authority and asterisk forms.
     */
    struct str path;
    bool path_cleaned; /* dot segments or empty ones were removed: answer with a redirect */
    bool has_query;
    struct str query; /* behind the first '?', as sent */
    struct str host;  /* without port, lower case; from the target if absolute, else Host; empty if
                         HTTP/1.0 sent none */
    struct str port;  /* digits behind the host, may be empty */
    struct field *fields;
    size_t n_fields;
    uint64_t known;       /* bit (1 << id): a field of that id is there */
    bool has_body;        /* a body is announced (length > 0, or chunked) */
    uint64_t body_length; /* valid unless UINT64_MAX: not known beforehand */
};

#define BODY_LENGTH_UNKNOWN UINT64_MAX

enum field_id field_id_of(struct str name); /* case-insensitive */
struct str field_name(enum field_id id);
/* The first field of that id / name, or NULL. */
const struct field *request_field(const struct request *r, enum field_id id);
const struct field *request_field_named(const struct request *r, struct str name);

#endif
