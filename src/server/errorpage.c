/*
 * errorpage.c - see errorpage.h. Nothing of the request is echoed, so nothing needs to be escaped;
 * the id is that of the logs.
 */
#include "server/errorpage.h"

#include "http/accept.h"

#define PIECES_MAX 8

/* What a page is made of. */
struct error {
    struct str title; /* "404 Not Found" */
    struct str code, reason;
    struct str id;
};

typedef size_t form_fn(const struct error *e, struct str *pieces);

static size_t text_form(const struct error *e, struct str *pieces)
{
    size_t n = 0;

    pieces[n++] = e->title;
    pieces[n++] = STR("\nid=");
    pieces[n++] = e->id;
    pieces[n++] = STR("\n");
    return n;
}

static size_t html_form(const struct error *e, struct str *pieces)
{
    size_t n = 0;

    pieces[n++] = STR("<!DOCTYPE html>\n"
                      "<html lang=\"en\">\n"
                      "<head>\n"
                      "<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n"
                      "<title>");
    pieces[n++] = e->title;
    pieces[n++] = STR("</title>\n"
                      "<style>body { font: 1.1em/1.5 system-ui, sans-serif; max-width: 36rem; "
                      "margin: 15vh auto; padding: 0 1rem; overflow-wrap: break-word }</style>\n"
                      "</head>\n"
                      "<body>\n"
                      "<h1>");
    pieces[n++] = e->title;
    pieces[n++] = STR("</h1>\n"
                      "<p>Request <code>");
    pieces[n++] = e->id;
    pieces[n++] = STR("</code></p>\n"
                      "</body>\n"
                      "</html>\n");
    return n;
}

static size_t json_form(const struct error *e, struct str *pieces)
{
    size_t n = 0;

    pieces[n++] = STR("{\"status\":");
    pieces[n++] = e->code;
    pieces[n++] = STR(",\"error\":\"");
    pieces[n++] = e->reason;
    pieces[n++] = STR("\",\"id\":\"");
    pieces[n++] = e->id;
    pieces[n++] = STR("\"}\n");
    return n;
}

struct form {
    struct str media, type;
    form_fn *make;
};

/* In the order of preference where the client has none. */
static const struct form forms[] = {
    { { "text/plain", 10 }, { "text/plain; charset=utf-8", 25 }, text_form },
    { { "text/html", 9 }, { "text/html; charset=utf-8", 24 }, html_form },
    { { "application/json", 16 }, { "application/json", 16 }, json_form },
};

/* The most wanted; of those as good the first, unless a later one is asked for by name. */
static const struct form *choose_form(const struct request *r, struct acceptance *ret)
{
    const struct form *best = &forms[0];
    struct acceptance most = accept_type(r, best->media);

    for (size_t i = 1; i < array_len(forms); i++) {
        struct acceptance a = accept_type(r, forms[i].media);
        if (a.quality > most.quality || (a.quality == most.quality && a.named && a.quality > 0)) {
            best = &forms[i];
            most = a;
        }
    }
    *ret = most;
    return best;
}

static bool as_narrow(const struct error_page *a, const struct error_page *b)
{
    return a->last - a->first == b->last - b->first;
}

/* The most wanted page of the site for that status, if it is wanted as much as the built-in form;
 * of those as good the one for the fewest codes, then one that is asked for by name, then the
 * first. A form that is asked for by name wins over a page that is not. */
static const struct error_page *choose_page(const struct error_pages *pages,
                                            const struct request *r, unsigned status,
                                            struct acceptance form)
{
    const struct error_page *best = NULL;
    unsigned quality = form.quality;
    bool named = form.named;

    for (size_t i = 0; pages != NULL && i < pages->n; i++) {
        const struct error_page *p = &pages->v[i];
        if (status < p->first || status > p->last)
            continue;
        struct acceptance a = accept_type(r, p->media);
        if (a.quality == 0 || a.quality < quality)
            continue;
        if (a.quality == quality &&
            (best == NULL ? named && !a.named : named || !a.named || !as_narrow(p, best)))
            continue;
        best = p;
        quality = a.quality;
        named = a.named;
    }
    return best;
}

static void hex16(char *out, uint64_t v)
{
    for (size_t i = 16; i-- > 0; v >>= 4)
        out[i] = "0123456789abcdef"[v & 15];
}

static struct str join(struct arena *arena, const struct str *pieces, size_t n_pieces)
{
    size_t n = 0;

    for (size_t i = 0; i < n_pieces; i++)
        n += pieces[i].n;
    char *text = arena_alloc(arena, n), *at = text;
    if (text == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < n_pieces; i++) {
        memcpy(at, pieces[i].p, pieces[i].n);
        at += pieces[i].n;
    }
    return str_make(text, n);
}

static struct str make_text(const struct exchange *x, unsigned status, form_fn *make,
                            struct arena *arena)
{
    char id[16], code[] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                            (char)('0' + status % 10) };
    struct str line = status_line(status), pieces[PIECES_MAX];
    struct error e = { .code = str_make(code, sizeof code),
                       .reason = status_reason(status),
                       .id = str_make(id, sizeof id) };

    hex16(id, x->id);
    /* "HTTP/1.1 404 Not Found\r\n" */
    e.title = line.n != 0 ? str_head(str_from(line, 9), line.n - 9 - 2) : e.code;
    return join(arena, pieces, make(&e, pieces));
}

static size_t redirect_form(const struct error *e, struct str *pieces)
{
    pieces[0] = e->title;
    pieces[1] = STR("\n");
    return 2;
}

static const struct form redirect = { { "text/plain", 10 },
                                      { "text/plain; charset=utf-8", 25 },
                                      redirect_form };

void errorpage_make(const struct exchange *x, unsigned status, const char *reason,
                    struct arena *arena, struct response *res, struct body *body)
{
    const struct form *form = &redirect;
    const struct error_page *page = NULL;

    response_init(res, arena);
    res->status = status;
    res->reason = reason;
    if (!status_has_body(status))
        return;
    if (status >= 400) {
        const struct request *r = &x->request;
        struct acceptance most = { .quality = 1000 };
        form = request_field(r, FIELD_ACCEPT) != NULL ? choose_form(r, &most) : &forms[0];
        if (x->site != NULL)
            page = choose_page(x->site->pages, r, status, most);
    }
    response_add_checked(res, STR("Content-Type"), page != NULL ? page->type : form->type);
    /* A refused head has no fields that could have told (x->raw). */
    if (status >= 400 && x->raw.p == NULL)
        response_add_checked(res, STR("Vary"), STR("Accept"));
    if (status == 503)
        response_add_checked(res, STR("Retry-After"), STR("1"));
    /* Last: what is short goes where little is left. */
    struct str text = page != NULL ? page->body : make_text(x, status, form->make, arena);
    if (text.p != NULL)
        *body = (struct body){ .kind = BODY_KIND_BYTES, .length = text.n, .bytes = text };
    else
        response_remove(res, STR("Content-Type"));
}
