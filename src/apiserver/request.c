/* Requests: paths and options. See request.h. */
#include "apiserver/request.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/url.h"

#define PARTS_MAX 8 /* of a path; the last holds the rest */

/* -- paths -- */

/* Non-empty parts of a path; the last one is everything from it on when there are more than PARTS_MAX. */
static size_t split_path(struct str path, struct str parts[PARTS_MAX]) {
    size_t n = 0;
    while (path.n && n < PARTS_MAX) {
        while (path.n && path.p[0] == '/')
            path = str_from_byte(path, 1);
        if (path.n == 0)
            break;
        struct str rest = path;
        str_split(path, '/', &parts[n], &path);
        if (n == PARTS_MAX - 1)
            parts[n] = rest;
        n++;
    }
    return n;
}

static struct str verb_of(enum http_verb method) {
    switch (method) {
    case HTTP_VERB_POST: return S("create");
    case HTTP_VERB_GET:
    case HTTP_VERB_HEAD: return S("get");
    case HTTP_VERB_PUT: return S("update");
    case HTTP_VERB_PATCH: return S("patch");
    case HTTP_VERB_DELETE: return S("delete");
    default: return S("");
    }
}

static struct str method_text(enum http_verb method) {
    static const struct str texts[] = {
        [HTTP_VERB_GET] = STR_INIT("get"),         [HTTP_VERB_HEAD] = STR_INIT("head"),
        [HTTP_VERB_POST] = STR_INIT("post"),       [HTTP_VERB_PUT] = STR_INIT("put"),
        [HTTP_VERB_PATCH] = STR_INIT("patch"),     [HTTP_VERB_DELETE] = STR_INIT("delete"),
        [HTTP_VERB_OPTIONS] = STR_INIT("options"), [HTTP_VERB_CONNECT] = STR_INIT("connect"),
        [HTTP_VERB_OTHER] = STR_INIT(""),
    };
    return texts[method];
}

static bool is_true(struct str s) {
    return str_eq(s, S("true")) || str_eq(s, S("1")) || str_eq(s, S("True")) || str_eq(s, S("TRUE")) ||
           str_eq(s, S("t")) || str_eq(s, S("T"));
}

/* A list of one named object is checked under that name. */
static struct str name_in_selector(struct arena *a, struct str query) {
    struct str text = url_query(a, query, S("fieldSelector")), pair, key, value;
    while (text.n) {
        str_split(text, ',', &pair, &text);
        if (!str_split(pair, '=', &key, &value) || !str_eq(key, S("metadata.name")))
            continue;
        if (str_has_prefix(value, S("=")))
            value = str_from_byte(value, 1);
        bool plain = str_find_byte(value, '\\') < 0 && str_find_byte(value, '/') < 0 &&
                     !str_eq(value, S(".")) && !str_eq(value, S(".."));
        return plain ? value : STR_NONE;
    }
    return STR_NONE;
}

static void refine_verb(struct arena *a, struct access *x, struct str query) {
    bool get = str_eq(x->verb, S("get")), watch = str_eq(x->verb, S("watch"));
    if (x->name.n == 0 && get) {
        watch = is_true(url_query(a, query, S("watch")));
        x->verb = watch ? S("watch") : S("list");
        x->name = name_in_selector(a, query);
    } else if (x->name.n == 0 && watch) {
        x->name = name_in_selector(a, query);
    } else if (x->name.n == 0 && str_eq(x->verb, S("delete"))) {
        x->verb = S("deletecollection");
    }
}

static bool is_namespace_subresource(struct str s) {
    return str_eq(s, S("status")) || str_eq(s, S("finalize"));
}

static void find_kind(struct request_info *i) {
    const struct access *x = &i->access;
    i->kind = kind_find_resource(x->group, x->version, x->resource);
    for (unsigned k = 0; i->kind && k < i->kind->n_subresources; k++)
        if (str_eq(i->kind->subresources[k].name, x->subresource))
            i->subresource = &i->kind->subresources[k];
}

/* What follows the path's first `skip` non-empty parts. */
static struct str path_behind(struct str path, size_t skip) {
    while (skip--) {
        while (path.n && path.p[0] == '/')
            path = str_from_byte(path, 1);
        ptrdiff_t slash = str_find_byte(path, '/');
        path = slash < 0 ? str_from_byte(path, path.n) : str_from_byte(path, (size_t)slash);
    }
    return path;
}

/* Resource, name and subresource of what follows the version; `at` is the place of parts[0] in the path. */
static void read_resource(struct request_info *i, struct str path, const struct str *parts, size_t n,
                          size_t at, bool watch_prefix) {
    struct access *x = &i->access;
    if (str_eq(parts[0], S("namespaces")) && n > 1) {
        x->ns = parts[1];
        if (n > 2 && !is_namespace_subresource(parts[2])) {
            parts += 2;
            n -= 2;
            at += 2;
        }
    }
    x->resource = parts[0];
    if (n > 1)
        x->name = parts[1];
    if (n > 2 && !watch_prefix) {
        x->subresource = path_behind(path, at + 2).n ? parts[2] : S("");
        i->rest = path_behind(path, at + 3);
    }
}

void request_info_parse(struct arena *a, enum http_verb method, struct str path, struct str query,
                        struct request_info *ret_info) {
    struct str parts[PARTS_MAX];
    size_t n = split_path(path, parts), at = 1;
    struct request_info i = {.access = {.verb = method_text(method), .path = path}, .rest = S("")};
    bool core = n > 0 && str_eq(parts[0], S("api"));
    bool grouped = n > 0 && str_eq(parts[0], S("apis"));
    if ((!core && !grouped) || n < (core ? 3u : 4u)) {
        *ret_info = i;
        return;
    }
    struct access *x = &i.access;
    *x = (struct access){.is_resource = true,
                         .verb = verb_of(method),
                         .path = path,
                         .group = S(""),
                         .ns = S(""),
                         .name = S(""),
                         .subresource = S("")};
    if (grouped)
        x->group = parts[at++];
    x->version = parts[at++];
    bool watch_prefix = str_eq(parts[at], S("watch")) && n > at + 1;
    if (watch_prefix) {
        x->verb = S("watch");
        at++;
    }
    read_resource(&i, path, parts + at, n - at, at, watch_prefix);
    refine_verb(a, x, query);
    find_kind(&i);
    *ret_info = i;
}

/* -- options -- */

static int bad(struct err *err, const char *name, struct str value, const char *why) {
    return err_set(err, ERR_INVALID, "%s: Invalid value: \"%.*s\": %s", name, STR_ARG(value), why);
}

static int read_number(struct arena *a, struct str query, const char *name, struct opt_i64 *ret,
                       struct err *err) {
    struct str v = url_query(a, query, str_from(name));
    if (v.n == 0)
        return 0;
    if (!str_to_i64(v, &ret->v))
        return bad(err, name, v, "must be a whole number");
    if (ret->v < 0)
        return bad(err, name, v, "must not be negative");
    ret->set = true;
    return 0;
}

static int read_bool(struct arena *a, struct str query, const char *name, struct opt_bool *ret,
                     struct err *err) {
    static const char *const falses[] = {"0", "f", "F", "false", "False", "FALSE"};
    struct str v = url_query(a, query, str_from(name));
    if (!v.p || v.n == 0)
        return 0;
    ret->set = true;
    ret->v = is_true(v);
    for (size_t i = 0; i < sizeof falses / sizeof *falses; i++)
        if (ret->v || str_eq(v, str_from(falses[i])))
            return 0;
    ret->set = false;
    return bad(err, name, v, "must be true or false");
}

static int read_bools(struct arena *a, struct str query, struct request_options *o, struct err *err) {
    struct opt_bool watch = {0}, bookmarks = {0}, pretty = {0};
    int r = read_bool(a, query, "watch", &watch, err);
    if (r == 0)
        r = read_bool(a, query, "allowWatchBookmarks", &bookmarks, err);
    if (r == 0)
        r = read_bool(a, query, "sendInitialEvents", &o->send_initial_events, err);
    if (r == 0)
        r = read_bool(a, query, "force", &o->force, err);
    if (r == 0)
        r = read_bool(a, query, "orphanDependents", &o->orphan_dependents, err);
    if (r == 0)
        r = read_bool(a, query, "pretty", &pretty, err);
    o->watch = watch.v;
    o->bookmarks = bookmarks.v;
    o->pretty = pretty.v;
    return r;
}

static int check_texts(struct arena *a, struct str query, struct request_options *o, struct err *err) {
    struct str dry_run = url_query(a, query, S("dryRun")), v = o->field_validation,
               m = o->resource_version_match;
    if (dry_run.n && !str_eq(dry_run, S("All")))
        return bad(err, "dryRun", dry_run, "only All is supported");
    o->dry_run = dry_run.n > 0;
    if (v.n && !str_eq(v, S("Ignore")) && !str_eq(v, S("Warn")) && !str_eq(v, S("Strict")))
        return bad(err, "fieldValidation", v, "must be Ignore, Warn or Strict");
    if (m.n && !str_eq(m, S("Exact")) && !str_eq(m, S("NotOlderThan")))
        return bad(err, "resourceVersionMatch", m, "must be Exact or NotOlderThan");
    return 0;
}

int request_options_parse(struct arena *a, struct str query, struct request_options *ret_options,
                          struct err *err) {
    struct request_options o = {
        .label_selector = url_query(a, query, S("labelSelector")),
        .field_selector = url_query(a, query, S("fieldSelector")),
        .resource_version = url_query(a, query, S("resourceVersion")),
        .resource_version_match = url_query(a, query, S("resourceVersionMatch")),
        .continue_token = url_query(a, query, S("continue")),
        .field_manager = url_query(a, query, S("fieldManager")),
        .field_validation = url_query(a, query, S("fieldValidation")),
        .propagation_policy = url_query(a, query, S("propagationPolicy")),
    };
    int r = read_number(a, query, "limit", &o.limit, err);
    if (r == 0)
        r = read_number(a, query, "timeoutSeconds", &o.timeout_seconds, err);
    if (r == 0)
        r = read_number(a, query, "gracePeriodSeconds", &o.grace_period_seconds, err);
    if (r == 0)
        r = read_bools(a, query, &o, err);
    if (r == 0)
        r = check_texts(a, query, &o, err);
    if (r == 0)
        *ret_options = o;
    return r;
}
