/* Who asks, and may they: certificates are read here, tokens and rights are asked of the API server.
 *
 * CONFORMS: webhook authentication and authorisation of the kubelet: TokenReview, SubjectAccessReview on
 * nodes/<subresource>; allowed is kept 5 minutes, refused 30 s.
 */
#include <stdlib.h>

#include "api/types/authentication.h"
#include "api/types/authorization.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "client/client.h"
#include "client/reconciler.h"
#include "kubelet/server_priv.h"
#include "net/pki.h"

#define ALLOWED_NS (300 * 1000000000ll)
#define REFUSED_NS (30 * 1000000000ll)
#define GRANTS_MAX 4096

struct grant {
    bool allowed;
    int64_t until_ns;
};

/* -- what is asked -- */

static struct str subresource_of(const struct kreq *q) {
    static const struct {
        const char *first, *sub;
    } map[] = {{"stats", "stats"},           {"metrics", "metrics"}, {"logs", "log"},
               {"checkpoint", "checkpoint"}, {"statusz", "statusz"}, {"flagz", "configz"}};
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (str_eq(q->path[0], str_from(map[i].first)))
            return str_from(map[i].sub);
    return S("proxy");
}

static struct str verb_of(const struct kreq *q) {
    switch (http_in(q->r)->method) {
    case HTTP_VERB_POST: return S("create");
    case HTTP_VERB_PUT: return S("update");
    case HTTP_VERB_PATCH: return S("patch");
    case HTTP_VERB_DELETE: return S("delete");
    default: return S("get");
    }
}

static struct str grant_key(struct kreq *q) {
    struct str groups = arena_join(q->arena, q->groups.v, q->groups.n, S(","));
    return arena_printf(q->arena, "%.*s|%.*s|%.*s|%.*s", STR_ARG(q->user), STR_ARG(groups),
                        STR_ARG(verb_of(q)), STR_ARG(subresource_of(q)));
}

/* -- remembered answers -- */

/* 1 allowed, 0 refused, -1 not known. */
static int remembered(struct kreq *q) {
    _cleanup_unlock struct mutex *held = mutex_hold(&q->s->lock);
    const struct grant *g = map_get(&q->s->grants, grant_key(q));
    return !g || g->until_ns < clock_mono_ns(q->s->k->clock) ? -1 : g->allowed;
}

static void remember(struct kreq *q, bool allowed) {
    struct grant *g = calloc(1, sizeof *g);
    if (!g)
        panic("out of memory");
    *g = (struct grant){allowed, clock_mono_ns(q->s->k->clock) + (allowed ? ALLOWED_NS : REFUSED_NS)};
    _cleanup_unlock struct mutex *held = mutex_hold(&q->s->lock);
    if (map_count(&q->s->grants) >= GRANTS_MAX) {
        map_foreach_reverse(e, &q->s->grants) {
            free(e->value);
            map_remove_entry(&q->s->grants, e);
        }
    }
    free(map_put(&q->s->grants, grant_key(q), g));
}

static void decide(struct kreq *q, bool allowed) {
    if (allowed) {
        q->then(q);
        return;
    }
    server_text(q, 403, "Forbidden (user=%.*s, verb=%.*s, resource=nodes, subresource(s)=[%.*s])\n",
                STR_ARG(q->user), STR_ARG(verb_of(q)), STR_ARG(subresource_of(q)));
}

/* -- asking -- */

/* The request may be gone when the answer comes: then its arena is, too. So what is asked for lives here. */
struct asking {
    struct kreq *q; /* NULL: gone */
};

static void asking_gone(void *user) {
    ((struct asking *)user)->q = NULL;
}

static struct asking *begin(struct kreq *q) {
    struct asking *x = calloc(1, sizeof *x);
    if (!x)
        panic("out of memory");
    x->q = q;
    http_set_user(q->r, x, asking_gone);
    return x;
}

static void kreq_gone(void *user) {
    ((struct kreq *)user)->gone = true;
}

/* NULL: nobody waits any more. */
static struct kreq *end(struct asking *x) {
    struct kreq *q = x->q;
    free(x);
    if (q)
        http_set_user(q->r, q, kreq_gone);
    return q;
}

static void on_access(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct kreq *q = end(arg);
    if (!q)
        return;
    if (code < 0 || answer->type != TY_AUTHORIZATION_SUBJECT_ACCESS_REVIEW) {
        server_text(q, 500, "who may do this cannot be found out at present: %s\n", err ? err->msg : "");
        return;
    }
    bool allowed = ((const struct authorization_subject_access_review *)answer->body)->status.allowed;
    remember(q, allowed);
    decide(q, allowed);
}

static void submit(struct kreq *q, const struct client_call *call, client_done_fn done) {
    struct asking *x = begin(q);
    struct err err = ERR_INIT;
    if (client_submit(q->s->k->o.client, call, http_request_loop(q->r), done, x, &err) == 0)
        return;
    (void)end(x);
    server_text(q, 503, "the API server cannot be asked: %s\n", err.msg);
}

static void authorise(struct kreq *q) {
    int known = remembered(q);
    if (known >= 0) {
        decide(q, known);
        return;
    }
    struct authorization_resource_attributes what = {.verb = verb_of(q),
                                                     .version = S("v1"),
                                                     .resource = S("nodes"),
                                                     .subresource = subresource_of(q),
                                                     .name = q->s->k->o.node_name};
    struct authorization_subject_access_review review = {0};
    review.spec.resource_attributes = &what;
    review.spec.user = q->user;
    review.spec.groups = q->groups;
    struct client_call call = {.verb = CLIENT_CREATE,
                               .kind = KIND(AUTHORIZATION_SUBJECT_ACCESS_REVIEW),
                               .body = &review,
                               .body_type = TY_AUTHORIZATION_SUBJECT_ACCESS_REVIEW};
    submit(q, &call, on_access);
}

static void on_token(void *arg, int code, struct client_answer *answer, const struct err *err) {
    struct kreq *q = end(arg);
    if (!q)
        return;
    const struct authentication_token_review *r =
        code == 0 && answer->type == TY_AUTHENTICATION_TOKEN_REVIEW ? answer->body : NULL;
    if (!r || !r->status.authenticated) {
        server_text(q, code < 0 ? 500 : 401, "Unauthorized%s%s\n", code < 0 ? ": " : "",
                    code < 0 && err ? err->msg : "");
        return;
    }
    q->user = arena_str(q->arena, r->status.user.username);
    q->groups.v = arena_new_n(q->arena, r->status.user.groups.n, struct str);
    for (uint32_t i = 0; i < r->status.user.groups.n; i++)
        q->groups.v[q->groups.n++] = arena_str(q->arena, r->status.user.groups.v[i]);
    authorise(q);
}

static void review_token(struct kreq *q, struct str token) {
    struct authentication_token_review review = {0};
    review.spec.token = token;
    struct client_call call = {.verb = CLIENT_CREATE,
                               .kind = KIND(AUTHENTICATION_TOKEN_REVIEW),
                               .body = &review,
                               .body_type = TY_AUTHENTICATION_TOKEN_REVIEW};
    submit(q, &call, on_token);
}

void server_authorise(struct kreq *q) {
    const void *cert = http_in(q->r)->peer.cert;
    struct str header = http_header(q->r, S("authorization"));
    struct pki_info info;
    if (cert && pki_cert_info(cert, q->arena, &info, NULL) == 0 && info.names.cn.n) {
        q->user = info.names.cn;
        q->groups = info.names.orgs;
        authorise(q);
    } else if (str_has_prefix(header, S("Bearer ")) && header.n > 7) {
        review_token(q, str_from_byte(header, 7));
    } else {
        server_text(q, 401, "Unauthorized\n");
    }
}
