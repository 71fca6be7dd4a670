/* Requests to the API server. See call.h. */
#include "ctl/call.h"

#include "base/clock.h"
#include "client/raw.h"
#include "codec/json.h"
#include "ctl/connect.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

/* -- paths -- */

void url_escape(struct buf *out, struct str s) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
                     ch == '-' || ch == '_' || ch == '.' || ch == '~';
        if (plain) {
            buf_byte(out, (char)ch);
        } else {
            buf_byte(out, '%');
            buf_byte(out, hex[ch >> 4]);
            buf_byte(out, hex[ch & 15]);
        }
    }
}

void query_add(struct buf *path, const char *name, struct str value) {
    if (!value.n)
        return;
    buf_byte(path, str_find_byte(buf_view(path), '?') < 0 ? '?' : '&');
    buf_str(path, str_from(name));
    buf_byte(path, '=');
    url_escape(path, value);
}

static void step(struct buf *out, struct str s) {
    if (!s.n)
        return;
    buf_byte(out, '/');
    url_escape(out, s);
}

static void put_path(struct buf *out, const struct resource *r, struct str ns, struct str name,
                     struct str sub) {
    buf_str(out, r->group.n ? S("/apis") : S("/api"));
    step(out, r->group);
    step(out, r->version);
    if (r->namespaced && ns.n) {
        buf_lit(out, "/namespaces");
        step(out, ns);
    }
    step(out, r->plural);
    step(out, name);
    step(out, sub);
}

struct str resource_path(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                         struct str sub) {
    _cleanup_buf struct buf out = BUF_INIT;
    put_path(&out, r, ns, name, sub);
    return buf_to_arena(&out, &c->arena);
}

/* -- one request -- */

/* 299 - "text", with backslashes; several with commas between. */
static void print_warnings(struct ctl *c, struct str header) {
    while (header.n) {
        ptrdiff_t at = str_find_byte(header, '"');
        if (at < 0)
            return;
        _cleanup_buf struct buf text = BUF_INIT;
        size_t i = (size_t)at + 1;
        for (; i < header.n && header.p[i] != '"'; i++) {
            i += header.p[i] == '\\' && i + 1 < header.n;
            buf_byte(&text, header.p[i]);
        }
        ctl_warn(c, "%.*s", STR_ARG(buf_view(&text)));
        c->n_warnings++;
        header = str_from_byte(header, i + 1);
    }
}

static void log_call(struct ctl *c, const struct request *r, int code, int64_t began_ns) {
    if (opt_int(&c->opts, "v") < 6)
        return;
    int64_t ms = (clock_mono_ns(clock_system()) - began_ns) / 1000000;
    (void)fprintf(c->err, "%s %.*s%.*s: %d in %lld ms\n", r->method ? r->method : "GET",
                  STR_ARG(c->server_url), STR_ARG(r->path), code, (long long)ms);
    if (opt_int(&c->opts, "v") >= 8 && r->body.p)
        (void)fprintf(c->err, "  %.*s\n", STR_ARG(r->body));
}

static bool is_json(struct str content_type) {
    return str_find(content_type, S("json")) >= 0;
}

static int read_tree(struct ctl *c, const struct raw_answer *raw, struct answer *ret, struct problem *p) {
    struct err err = ERR_INIT;
    *ret = (struct answer){.http_code = raw->http_code, .content_type = raw->content_type, .body = raw->body};
    if (!is_json(raw->content_type) || !raw->body.n)
        return 0;
    if (json_parse(&c->arena, raw->body, NULL, NULL, &ret->tree, &err) && raw->http_code < 400)
        return problem_set(c, p, "the server's answer is no JSON: %s", err.msg);
    return 0;
}

int ctl_call(struct ctl *c, const struct request *r, struct answer *ret, struct problem *p) {
    unsigned timeout_ms = r->timeout_ms;
    if (ctl_connect(c, p) || (!timeout_ms && ctl_request_timeout(c, &timeout_ms, p)))
        return CTL_PROBLEM;
    struct err err = ERR_INIT;
    struct str headers[2];
    size_t n = 0;
    headers[n++] = arena_printf(&c->arena, "Accept: %s", r->accept ? r->accept : "application/json");
    if (r->content_type)
        headers[n++] = arena_printf(&c->arena, "Content-Type: %s", r->content_type);
    struct raw_call call = {
        .method = r->method,
        .path = r->path,
        .headers = headers,
        .n_headers = n,
        .body = r->body,
        .timeout_ms = timeout_ms,
    };
    struct raw_answer raw;
    struct answer answer;
    int64_t began = clock_mono_ns(clock_system());
    if (client_raw(c->client, &call, &c->arena, &raw, &err))
        return problem_of_connection(c, p, &err);
    log_call(c, r, raw.http_code, began);
    print_warnings(c, raw.warning);
    if (read_tree(c, &raw, &answer, p))
        return CTL_PROBLEM;
    if (answer.http_code >= 400 && !str_eq(object_kind(&answer.tree), S("Status")))
        return problem_of_code(c, p, answer.http_code, r->what);
    if (answer.http_code >= 400)
        return problem_of_status(c, p, answer.http_code, &answer.tree);
    if (ret)
        *ret = answer;
    return 0;
}
