/* Paths, queries and bodies of calls. See remote_priv.h. */
#include "api/json.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/err.h"
#include "client/remote_priv.h"

bool remote_speaks_proto(const struct kind *k) {
    return k->set->wire != NULL;
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void escape(struct buf *out, struct str s) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (is_plain(c)) {
            buf_byte(out, c);
            continue;
        }
        buf_byte(out, '%');
        buf_byte(out, hex[(unsigned char)c >> 4]);
        buf_byte(out, hex[c & 15]);
    }
}

static void segment(struct buf *out, struct str s) {
    buf_byte(out, '/');
    escape(out, s);
}

void remote_path(struct buf *out, const struct kind *k, struct str ns, struct str name,
                 struct str subresource) {
    if (k->group.n) {
        buf_lit(out, "/apis");
        segment(out, k->group);
    } else {
        buf_lit(out, "/api");
    }
    segment(out, k->version);
    if (ns.n && k->namespaced) {
        buf_lit(out, "/namespaces");
        segment(out, ns);
    }
    segment(out, k->plural);
    if (name.n)
        segment(out, name);
    if (subresource.n)
        segment(out, subresource);
}

void remote_query(struct buf *out, bool *first, const char *name, struct str value) {
    if (!value.n)
        return;
    buf_byte(out, *first ? '?' : '&');
    *first = false;
    buf_str(out, str_from(name));
    buf_byte(out, '=');
    escape(out, value);
}

static const char *const methods[] = {
    [CLIENT_GET] = "GET",
    [CLIENT_LIST] = "GET",
    [CLIENT_CREATE] = "POST",
    [CLIENT_UPDATE] = "PUT",
    [CLIENT_PATCH] = "PATCH",
    [CLIENT_DELETE] = "DELETE",
    [CLIENT_DELETE_COLLECTION] = "DELETE",
};

static const struct str patch_types[] = {
    [CLIENT_PATCH_JSON] = STR_INIT("application/json-patch+json"),
    [CLIENT_PATCH_MERGE] = STR_INIT("application/merge-patch+json"),
    [CLIENT_PATCH_STRATEGIC] = STR_INIT("application/strategic-merge-patch+json"),
    [CLIENT_PATCH_APPLY] = STR_INIT("application/apply-patch+yaml"),
};

static struct str path_of(struct arena *a, const struct client_call *c) {
    _cleanup_buf struct buf out = BUF_INIT;
    bool first = true, writes = c->verb != CLIENT_GET && c->verb != CLIENT_LIST;
    bool named = c->verb != CLIENT_CREATE || c->subresource.n;
    remote_path(&out, c->kind->hub, c->ns, named ? c->name : S(""), c->subresource);
    if (!writes || c->verb == CLIENT_DELETE_COLLECTION) {
        remote_query(&out, &first, "labelSelector", c->label_selector);
        remote_query(&out, &first, "fieldSelector", c->field_selector);
        remote_query(&out, &first, "continue", c->continue_token);
        remote_query(&out, &first, "resourceVersion", c->resource_version);
        if (c->limit > 0)
            remote_query(&out, &first, "limit", arena_printf(a, "%lld", (long long)c->limit));
    }
    if (writes) {
        if (c->verb != CLIENT_DELETE && c->verb != CLIENT_DELETE_COLLECTION)
            remote_query(&out, &first, "fieldManager", c->field_manager);
        remote_query(&out, &first, "dryRun", c->dry_run ? S("All") : S(""));
        if (c->verb == CLIENT_PATCH && c->patch == CLIENT_PATCH_APPLY)
            remote_query(&out, &first, "force", c->force ? S("true") : S(""));
    }
    return buf_to_arena(&out, a);
}

/* What the body is: apiVersion and kind, for the envelope. */
static void name_body(const struct client_call *c, struct arena *a, struct str *ret_version,
                      struct str *ret_kind) {
    const struct kind *k = c->kind->hub;
    *ret_version = kind_api_version(k);
    *ret_kind = k->name;
    for (unsigned i = 0; i < k->n_subresources && c->body_type && c->body_type != k->type; i++) {
        const struct kind_subresource *s = &k->subresources[i];
        if (!str_eq(s->name, c->subresource))
            continue;
        *ret_kind = s->kind;
        *ret_version = s->kind_group.n
                           ? arena_printf(a, "%.*s/%.*s", STR_ARG(s->kind_group), STR_ARG(s->kind_version))
                           : s->kind_version;
    }
}

static void put_body(struct arena *a, const struct client_call *c, struct remote_text *t) {
    const struct kind *k = c->kind->hub;
    uint32_t type = c->body_type ? c->body_type : k->type;
    struct str version, name;
    name_body(c, a, &version, &name);
    t->has_body = true;
    t->content_type = S(REMOTE_PROTO);
    if (remote_speaks_proto(k)) {
        api_write_envelope(&t->body, k->set, type, c->body, version, name);
        return;
    }
    t->content_type = S(REMOTE_JSON);
    api_write_json(&t->body, k->set, type, c->body);
}

static void put_delete_options(const struct client_call *c, struct remote_text *t) {
    struct meta_delete_options o = *c->delete_options;
    o.type_meta = (struct meta_type_meta){.kind = S("DeleteOptions"), .api_version = S("v1")};
    struct str all = S("All");
    if (c->dry_run)
        o.dry_run = (struct str_array){&all, 1};
    t->has_body = true;
    t->content_type = S(REMOTE_JSON);
    api_write_json(&t->body, &builtin, TY_META_DELETE_OPTIONS, &o);
}

void remote_text_of(struct arena *a, const struct client_call *c, struct remote_text *ret) {
    *ret = (struct remote_text){
        .path = path_of(a, c),
        .method = methods[c->verb],
        .accept = remote_speaks_proto(c->kind->hub) ? S(REMOTE_PROTO "," REMOTE_JSON) : S(REMOTE_JSON),
    };
    if (c->verb == CLIENT_PATCH) {
        ret->has_body = true;
        ret->content_type = patch_types[c->patch];
        buf_str(&ret->body, c->patch_text);
    } else if (c->body) {
        put_body(a, c, ret);
    } else if (c->delete_options) {
        put_delete_options(c, ret);
    }
}
