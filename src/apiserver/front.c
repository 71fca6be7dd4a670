/* The HTTP door. See front.h. */
#include "apiserver/front.h"

#include <stdlib.h>

#include "api/field_selector.h"
#include "api/status.h"
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/front_priv.h"
#include "apiserver/impersonate.h"
#include "apiserver/node_proxy.h"
#include "apiserver/path.h"
#include "apiserver/registry.h"
#include "apiserver/respond.h"
#include "apiserver/server_priv.h"
#include "apiserver/watch.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/timefmt.h"

#define FIRST_CHUNK_BYTES 4096u /* of a call's arena, besides the body */
#define SLOW_NS (1 * NS_PER_SEC)
#define RETRY_AFTER_SEC 1
#define GONE_CODE 499 /* counted when the peer did not wait for the answer */

struct front *front_new(struct apiserver *server) {
    struct front *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    f->server = server;
    f->metrics = front_metrics_new(f);
    return f;
}

void front_free(struct front *f) {
    if (!f)
        return;
    front_metrics_free(f->metrics);
    free(f);
}

/* -- life of a request -- */

static void call_free(void *arg) {
    struct front_call *f = arg;
    call_fini(&f->call);
    arena_fini(&f->arena);
    free(f);
}

static void finish(struct front_call *f, int code) {
    const struct access *x = &f->call.info.access;
    int64_t took = clock_mono_ns(f->front->server->clock) - f->start_ns;
    f->code = code;
    if (f->counted)
        atomic_fetch_sub_explicit(f->counted, 1, memory_order_relaxed);
    front_metrics_count(f->front->metrics, f, took);
    if (took > SLOW_NS && !f->long_running && log_every(1000))
        log_warn("a request took long", kv("verb", x->verb), kv("path", x->path), kv("code", code),
                 kv_duration("took", took));
    log_v(3, "request", kv("verb", x->verb), kv("path", x->path), kv("user", f->call.user.name),
          kv("code", code), kv_duration("took", took));
}

void front_done(struct front_call *f, int code) {
    finish(f, code);
    http_set_user(f->r, NULL, NULL);
    arena_hold(http_arena(f->r), call_free, f); /* until the last byte is sent */
}

void front_gone(struct front_call *f) {
    finish(f, GONE_CODE);
    call_free(f);
}

/* The peer has gone. What waits for the store ends when that has answered. */
static void on_gone(void *user) {
    struct front_call *f = user;
    f->r = NULL;
    if (f->gone)
        f->gone(f);
    else if (!f->waits)
        front_gone(f);
}

static void set_audit_id(struct front_call *f) {
    struct str given = http_header(f->r, S("audit-id"));
    if (given.n > 0 && given.n < sizeof f->audit_id)
        memcpy(f->audit_id, given.p, given.n);
    else
        rand_uuid(f->front->server->rand, f->audit_id);
}

static struct front_call *call_new(struct front *front, struct http_request *r) {
    const struct http_in *in = http_in(r);
    struct front_call *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    arena_init_sized(&f->arena, FIRST_CHUNK_BYTES + in->body.n);
    f->front = front;
    f->r = r;
    f->method = in->method;
    f->start_ns = clock_mono_ns(front->server->clock);
    f->accept = (struct accept){.media = MEDIA_JSON};
    set_audit_id(f);
    f->query = arena_str(&f->arena, in->query);
    struct call *c = &f->call;
    c->server = front->server;
    c->arena = &f->arena;
    c->loop = http_request_loop(r);
    c->door = f;
    c->user_agent = arena_str(&f->arena, http_header(r, S("user-agent")));
    request_info_parse(&f->arena, in->method, arena_str(&f->arena, in->path), f->query, &c->info);
    c->info.access.user = &c->user;
    http_set_user(r, f, on_gone);
    return f;
}

/* -- who and whether -- */

static bool is_public(const struct access *x) {
    static const struct str paths[] = {STR_INIT("/healthz"), STR_INIT("/livez"), STR_INIT("/readyz"),
                                       STR_INIT("/version"), STR_INIT("/version/")};
    for (size_t i = 0; !x->is_resource && i < sizeof paths / sizeof *paths; i++)
        if (str_eq(x->path, paths[i]))
            return true;
    return false;
}

static bool identify(struct front_call *f) {
    struct apiserver *s = f->front->server;
    struct call *c = &f->call;
    struct err err = ERR_INIT;
    int r = authn_request(s->authn, f->r, &f->arena, &c->user, &err);
    bool nobody = r == 0 && user_in_group(&c->user, S("system:unauthenticated"));
    if (r < 0 || (nobody && !is_public(&c->info.access))) {
        if (r < 0 && log_every(1000))
            log_warn("a request could not be authenticated", kv("peer", http_in(f->r)->peer.address),
                     kv("err", &err));
        respond_status(f, status_unauthorized(&f->arena, STR_NONE));
        return false;
    }
    struct status *st = NULL;
    if (impersonate(s->authz, f->r, &f->arena, &c->user, &st) < 0) {
        respond_status(f, st);
        return false;
    }
    return true;
}

/* Nodes may list what they name in a selector, so authorisation wants to see it. */
static void read_fields(struct front_call *f, struct field_selector *fields) {
    struct access *x = &f->call.info.access;
    if (!x->is_resource || f->call.options.field_selector.n == 0)
        return;
    if (field_selector_parse(&f->arena, f->call.options.field_selector, fields, NULL) == 0)
        x->fields = fields;
}

static bool authorise(struct front_call *f) {
    struct access *x = &f->call.info.access;
    struct field_selector *fields = arena_new(&f->arena, struct field_selector);
    struct str reason = S("");
    read_fields(f, fields);
    if (authz_check(f->front->server->authz, x, &f->arena, NULL) == AUTHZ_ALLOW)
        return true;
    (void)authz_check(f->front->server->authz, x, &f->arena, &reason); /* reasons cost as much as the check */
    struct status_target about = {.group = x->group, .resource = x->resource, .name = x->name};
    respond_status(f, status_forbidden(&f->arena, about, access_denial(x, reason, &f->arena)));
    return false;
}

/* -- how many at once -- */

static bool admit(struct front_call *f) {
    int mutating = f->method != HTTP_VERB_GET && f->method != HTTP_VERB_HEAD;
    unsigned max = mutating ? FRONT_INFLIGHT_MUTATING_MAX : FRONT_INFLIGHT_MAX;
    f->counted = &f->front->inflight[mutating];
    if (atomic_fetch_add_explicit(f->counted, 1, memory_order_relaxed) < max)
        return true;
    respond_status(f, status_too_many_requests(&f->arena, S("too many requests, please try again later"),
                                               RETRY_AFTER_SEC));
    return false;
}

/* -- resources -- */

static uint16_t verb_bit(struct str verb) {
    static const struct {
        struct str name;
        uint16_t bit;
    } verbs[] = {
        {STR_INIT("get"), VERB_GET},       {STR_INIT("list"), VERB_LIST},
        {STR_INIT("watch"), VERB_WATCH},   {STR_INIT("create"), VERB_CREATE},
        {STR_INIT("update"), VERB_UPDATE}, {STR_INIT("patch"), VERB_PATCH},
        {STR_INIT("delete"), VERB_DELETE}, {STR_INIT("deletecollection"), VERB_DELETECOLLECTION},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (str_eq(verbs[i].name, verb))
            return verbs[i].bit;
    return 0;
}

static bool needs_name(uint16_t verb) {
    return verb == VERB_GET || verb == VERB_UPDATE || verb == VERB_PATCH || verb == VERB_DELETE;
}

/* Whether the path is one that the resource has. */
static bool path_fits(const struct front_call *f, uint16_t verb) {
    const struct request_info *i = &f->call.info;
    const struct access *x = &i->access;
    if (!i->kind || !i->kind->served || (x->subresource.n && !i->subresource))
        return false;
    bool is_namespace = str_eq(x->resource, S("namespaces"));
    if (!i->kind->namespaced && x->ns.n && !is_namespace)
        return false;
    /* pods/x without a namespace */
    return !(i->kind->namespaced && !x->ns.n && x->name.n && (needs_name(verb) || x->subresource.n));
}

static bool verb_fits(const struct front_call *f, uint16_t verb) {
    const struct request_info *i = &f->call.info;
    const struct access *x = &i->access;
    if (i->subresource)
        return x->name.n && (i->subresource->verbs & verb);
    if (!(i->kind->verbs & verb) || (needs_name(verb) && !x->name.n))
        return false;
    return verb != VERB_CREATE || (!x->name.n && (x->ns.n || !i->kind->namespaced || i->kind->virtual_));
}

static void respond_no_path(struct front_call *f) {
    respond_text(f, 404, S("text/plain; charset=utf-8"), S("404 page not found\n"));
}

static bool check_resource(struct front_call *f, uint16_t verb) {
    struct access *x = &f->call.info.access;
    if (!path_fits(f, verb)) {
        respond_no_path(f);
        return false;
    }
    if (verb_fits(f, verb))
        return true;
    struct status_target about = {.group = x->group, .resource = x->resource};
    respond_status(
        f, status_method_not_supported(&f->arena, about, x->verb.n ? x->verb : http_in(f->r)->method_text));
    return false;
}

/* -- calls -- */

static void on_call_done(struct call *c) {
    struct front_call *f = front_of_call(c);
    f->waits = false;
    if (!f->r) {
        front_gone(f);
    } else if (c->object) {
        bool same =
            c->object->kind->hub == c->info.kind->hub; /* a subresource may answer with another kind */
        respond_object(f, c->http_code, same ? c->info.kind : c->object->kind, c->object);
    } else if (c->answer) {
        respond_packed(f, c->http_code, c->answer_type, c->answer);
    } else {
        respond_status(f, c->status);
    }
}

static bool read_body(struct front_call *f) {
    static const struct str types[] = {STR_INIT("application/json"), STR_INIT("application/yaml"),
                                       STR_INIT("application/vnd.kubernetes.protobuf")};
    static const struct str patches[] = {
        STR_INIT("application/json-patch+json"), STR_INIT("application/merge-patch+json"),
        STR_INIT("application/strategic-merge-patch+json"), STR_INIT("application/apply-patch+yaml")};
    struct call *c = &f->call;
    const struct http_in *in = http_in(f->r);
    bool patch = f->method == HTTP_VERB_PATCH;
    c->body = arena_str(&f->arena, in->body);
    c->media = body_media(http_header(f->r, S("content-type")));
    bool is_patch = c->media >= MEDIA_PATCH_JSON;
    if (c->media != MEDIA_NONE && is_patch == patch)
        return true;
    /* a body that is not there is of no type */
    if (!patch && in->body.n == 0 && f->method != HTTP_VERB_POST && f->method != HTTP_VERB_PUT) {
        c->media = MEDIA_JSON;
        return true;
    }
    respond_status(f, patch ? status_unsupported_media_type(&f->arena, patches, 4)
                            : status_unsupported_media_type(&f->arena, types, 3));
    return false;
}

static void run_call(struct front_call *f) {
    if (!respond_negotiate(f, true, false) || !read_body(f))
        return;
    f->waits = true;
    f->call.done = on_call_done;
    registry_run(&f->call);
}

static void serve_list(struct front_call *f) {
    if (respond_negotiate(f, true, false))
        front_list(f);
}

static void serve_resource(struct front_call *f) {
    uint16_t verb = verb_bit(f->call.info.access.verb);
    if (!check_resource(f, verb))
        return;
    if (node_proxy_wants(&f->call.info)) {
        node_proxy_serve(f);
        return;
    }
    if (verb == VERB_WATCH) {
        if (respond_negotiate(f, true, true))
            watch_serve(f);
        return;
    }
    if (!admit(f))
        return;
    if (verb == VERB_LIST)
        serve_list(f);
    else
        run_call(f);
}

void front_handle(void *arg, struct http_request *r) {
    struct front_call *f = call_new(arg, r);
    struct err err = ERR_INIT;
    if (!identify(f))
        return;
    bool is_resource = f->call.info.access.is_resource;
    int bad = is_resource ? request_options_parse(&f->arena, f->query, &f->call.options, &err) : 0;
    if (!authorise(f))
        return;
    if (bad < 0)
        respond_status(f, status_bad_request(&f->arena, "%s", err.msg));
    else if (is_resource)
        serve_resource(f);
    else
        path_serve(f);
}
