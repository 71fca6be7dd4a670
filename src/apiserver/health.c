/* Checks of health. See health.h. */
#include "apiserver/health.h"

#include "apiserver/cache.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond_priv.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/url.h"
#include "store/store.h"

enum { AT_LIVEZ = 1, AT_READYZ = 2, AT_HEALTHZ = 4, AT_ALL = 7 };

static bool always(struct apiserver *s, struct err *err) {
    (void)s;
    (void)err;
    return true;
}

/* Reads go on with a full disk, so it is no reason to be restarted, nor to be taken away from clients. */
static bool store_is_fine(struct apiserver *s, struct err *err) {
    return cache_health(s->cache, err) == 0;
}

static bool has_started(struct apiserver *s, struct err *err) {
    (void)err;
    return atomic_load(&s->started);
}

static bool is_not_stopping(struct apiserver *s, struct err *err) {
    (void)err;
    return !atomic_load(&s->stopping);
}

static const struct check {
    struct str name;
    int where;
    bool (*passes)(struct apiserver *s, struct err *err);
} checks[] = {
    {STR_INIT("ping"), AT_ALL, always},
    {STR_INIT("log"), AT_ALL, always},
    {STR_INIT("etcd"), AT_ALL, store_is_fine}, /* the store, under the name that clients know */
    {STR_INIT("informer-sync"), AT_READYZ, has_started},
    {STR_INIT("poststarthook/rbac/bootstrap-roles"), AT_ALL, has_started},
    {STR_INIT("poststarthook/scheduling/bootstrap-system-priority-classes"), AT_ALL, has_started},
    {STR_INIT("poststarthook/start-system-namespaces-controller"), AT_ALL, has_started},
    {STR_INIT("shutdown"), AT_READYZ, is_not_stopping},
};

#define CHECKS (sizeof checks / sizeof *checks)

bool health_ready(struct apiserver *s) {
    for (size_t i = 0; i < CHECKS; i++)
        if ((checks[i].where & AT_READYZ) && !checks[i].passes(s, NULL))
            return false;
    return true;
}

/* Several exclude parameters may stand there. */
static bool is_excluded(struct front_call *f, struct str name) {
    struct str rest = f->query, pair, key, value, plain;
    while (rest.n) {
        str_split(rest, '&', &pair, &rest);
        if (str_split(pair, '=', &key, &value) && str_eq(key, S("exclude")) &&
            url_decode(&f->arena, value, &plain) && str_eq(plain, name))
            return true;
    }
    return false;
}

static void respond_plain(struct front_call *f, int code, struct buf *text) {
    struct http_header h = {S("x-content-type-options"), S("nosniff")};
    respond_buf(f, code, S("text/plain; charset=utf-8"), &h, 1, text);
}

static void serve_all(struct front_call *f, struct str what, int where) {
    struct apiserver *s = f->front->server;
    struct buf out = BUF_INIT;
    bool fine = true;
    for (size_t i = 0; i < CHECKS; i++) {
        if (!(checks[i].where & where))
            continue;
        bool excluded = is_excluded(f, checks[i].name);
        bool passes = excluded || checks[i].passes(s, NULL);
        fine &= passes;
        buf_printf(&out, "[%c]%.*s %s\n", passes ? '+' : '-', STR_ARG(checks[i].name),
                   excluded ? "excluded: ok"
                   : passes ? "ok"
                            : "failed: reason withheld");
    }
    bool verbose = url_query(&f->arena, f->query, S("verbose")).p || str_find(f->query, S("verbose")) >= 0;
    if (!fine) {
        buf_printf(&out, "%.*s check failed\n", STR_ARG(what));
    } else if (verbose) {
        buf_printf(&out, "%.*s check passed\n", STR_ARG(what));
    } else {
        buf_clear(&out);
        buf_lit(&out, "ok");
    }
    respond_plain(f, fine ? 200 : 500, &out);
}

static bool serve_one(struct front_call *f, struct str name, int where) {
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < CHECKS; i++) {
        if (!(checks[i].where & where) || !str_eq(checks[i].name, name))
            continue;
        bool passes = checks[i].passes(f->front->server, &err);
        if (passes)
            buf_lit(&out, "ok");
        else
            buf_printf(&out, "internal server error: %s\n", err.code ? err.msg : "not yet, or not any more");
        respond_plain(f, passes ? 200 : 500, &out);
        return true;
    }
    return false;
}

bool health_serve(struct front_call *f, struct str path) {
    static const struct str names[] = {STR_INIT("livez"), STR_INIT("readyz"), STR_INIT("healthz")};
    struct str name, check_name;
    str_split(path, '/', &name, &check_name);
    for (int i = 0; i < 3; i++) {
        if (!str_eq(name, names[i]))
            continue;
        if (check_name.n)
            return serve_one(f, check_name, 1 << i);
        serve_all(f, name, 1 << i);
        return true;
    }
    return false;
}
