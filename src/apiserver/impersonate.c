/* Acting as somebody else. See impersonate.h. */
#include "apiserver/impersonate.h"

#include <ctype.h>

#include "api/status.h"
#include "apiserver/authz.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/url.h"
#include "net/http.h"

#define EXTRA_HEADER S("impersonate-extra-")
#define ACCOUNT_PREFIX S("system:serviceaccount:")

struct wish {
    struct str name, uid;
    VEC(struct str) groups;
    VEC(struct user_extra) extra;
    bool any;
};

static void add_extra(struct arena *a, struct wish *w, struct str key, struct str value) {
    struct str decoded;
    if (!url_decode(a, key, &decoded))
        decoded = key;
    for (size_t i = 0; i < w->extra.n; i++) {
        struct user_extra *e = &w->extra.v[i];
        if (!str_eq(e->key, decoded))
            continue;
        struct str *v = arena_new_n(a, e->values.n + 1, struct str);
        memcpy(v, e->values.v, e->values.n * sizeof *v);
        v[e->values.n] = value;
        e->values = (struct str_array){v, e->values.n + 1};
        return;
    }
    struct str *v = arena_new(a, struct str);
    *v = value;
    vec_push_in(a, &w->extra, ((struct user_extra){decoded, {v, 1}}));
}

static void read_wish(struct http_request *r, struct arena *a, struct wish *w) {
    const struct http_in *in = http_in(r);
    for (size_t i = 0; i < in->n_headers; i++) {
        const struct http_header *h = &in->headers[i];
        if (!str_has_prefix(h->name, S("impersonate-")))
            continue;
        struct str value = arena_str(a, h->value);
        w->any = true;
        if (str_eq(h->name, S("impersonate-user")))
            w->name = value;
        else if (str_eq(h->name, S("impersonate-uid")))
            w->uid = value;
        else if (str_eq(h->name, S("impersonate-group")))
            vec_push_in(a, &w->groups, value);
        else if (str_has_prefix(h->name, EXTRA_HEADER))
            add_extra(a, w, arena_str(a, str_from_byte(h->name, EXTRA_HEADER.n)), value);
    }
}

/* -- what each part needs -- */

static bool may(struct authz *authz, const struct user *asker, struct access x, struct arena *a,
                struct status **ret_status) {
    struct str reason = S("");
    x.user = asker;
    x.verb = S("impersonate");
    x.is_resource = true;
    x.version = x.version.p ? x.version : S("");
    if (authz_check(authz, &x, a, &reason) == AUTHZ_ALLOW)
        return true;
    struct status_target about = {.group = x.group, .resource = x.resource, .name = x.name};
    *ret_status = status_forbidden(a, about, access_denial(&x, reason, a));
    return false;
}

static bool split_account(struct str name, struct str *ret_ns, struct str *ret_name) {
    return str_has_prefix(name, ACCOUNT_PREFIX) &&
           str_split(str_from_byte(name, ACCOUNT_PREFIX.n), ':', ret_ns, ret_name) && ret_ns->n &&
           ret_name->n && str_find_byte(*ret_name, ':') < 0;
}

static bool may_name(struct authz *authz, const struct user *asker, const struct wish *w, struct arena *a,
                     struct status **ret_status) {
    struct access x = {.group = S(""), .version = S("v1"), .resource = S("users"), .name = w->name};
    x.subresource = x.ns = S("");
    if (split_account(w->name, &x.ns, &x.name))
        x.resource = S("serviceaccounts");
    else
        x.ns = S("");
    return may(authz, asker, x, a, ret_status);
}

static bool may_all(struct authz *authz, const struct user *asker, const struct wish *w, struct arena *a,
                    struct status **ret_status) {
    const struct str authentication = S("authentication.k8s.io");
    if (!may_name(authz, asker, w, a, ret_status))
        return false;
    for (size_t i = 0; i < w->groups.n; i++) {
        struct access x = {.resource = S("groups"), .name = w->groups.v[i], .version = S("v1")};
        x.group = x.ns = x.subresource = S("");
        if (!may(authz, asker, x, a, ret_status))
            return false;
    }
    for (size_t i = 0; i < w->extra.n; i++)
        for (uint32_t k = 0; k < w->extra.v[i].values.n; k++) {
            struct access x = {.group = authentication, .version = S("v1"), .resource = S("userextras")};
            x.subresource = w->extra.v[i].key;
            x.name = w->extra.v[i].values.v[k];
            x.ns = S("");
            if (!may(authz, asker, x, a, ret_status))
                return false;
        }
    struct access uid = {.group = authentication, .version = S("v1"), .resource = S("uids"), .name = w->uid};
    uid.ns = uid.subresource = S("");
    return w->uid.n == 0 || may(authz, asker, uid, a, ret_status);
}

/* -- who that is -- */

static void add_group(struct arena *a, struct wish *w, struct str group) {
    for (size_t i = 0; i < w->groups.n; i++)
        if (str_eq(w->groups.v[i], group))
            return;
    vec_push_in(a, &w->groups, group);
}

static void complete_groups(struct arena *a, struct wish *w) {
    struct str ns, name;
    if (w->groups.n == 0 && split_account(w->name, &ns, &name)) {
        add_group(a, w, S("system:serviceaccounts"));
        add_group(a, w, arena_join(a, (struct str[]){S("system:serviceaccounts:"), ns}, 2, S("")));
    }
    for (size_t i = 0; i < w->groups.n; i++)
        if (str_eq(w->groups.v[i], S("system:unauthenticated")))
            return;
    bool nobody = str_eq(w->name, S("system:anonymous"));
    add_group(a, w, nobody ? S("system:unauthenticated") : S("system:authenticated"));
}

int impersonate(struct authz *authz, struct http_request *r, struct arena *arena, struct user *user,
                struct status **ret_status) {
    struct wish w = {.any = false};
    read_wish(r, arena, &w);
    if (!w.any)
        return 0;
    if (w.name.n == 0) {
        *ret_status = status_internal_error(
            arena, S("groups, a uid or extra values were to be impersonated without a user"));
        return ERR_INVALID;
    }
    if (!may_all(authz, user, &w, arena, ret_status))
        return ERR_FORBIDDEN;
    complete_groups(arena, &w);
    *user = (struct user){
        .name = w.name,
        .uid = w.uid,
        .groups = {w.groups.v, (uint32_t)w.groups.n},
        .extra = w.extra.v,
        .n_extra = (uint32_t)w.extra.n,
    };
    return 0;
}
