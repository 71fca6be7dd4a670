/* Two maps under one lock: objects by "kind ns/name", tokens by "uid audience seconds". Requests are made
 * without it. */
#include "kubelet/api_sources.h"

#include <stdlib.h>

#include "api/types/authentication.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/thread.h"
#include "client/informer.h"
#include "client/reconciler.h"

#define SECOND 1000000000ll
#define KEEP_NS (30 * SECOND)
#define SYNC_NS (30 * SECOND)

struct kept {
    struct object *object;
    int64_t until_ns; /* monotonic */
};

struct token {
    char *text;
    int64_t renew_sec; /* wall */
};

struct api_sources {
    struct pod_sources base; /* first */
    struct client *client;
    struct informer *services;
    struct mutex lock; /* the rest */
    struct map objects, tokens;
};

static void free_kept(struct kept *k) {
    object_unref(k->object);
    free(k);
}

static void free_token(struct token *t) {
    free(t->text);
    free(t);
}

/* -- objects -- */

static struct object *find_kept(struct api_sources *s, struct str key) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    struct kept *k = map_get(&s->objects, key);
    if (!k || k->until_ns < clock_mono_ns(client_clock(s->client)))
        return NULL;
    return (struct object *)object_ref(k->object);
}

static void keep(struct api_sources *s, struct str key, struct object *o) {
    struct kept *k = calloc(1, sizeof *k);
    if (!k)
        panic("out of memory");
    *k = (struct kept){(struct object *)object_ref(o), clock_mono_ns(client_clock(s->client)) + KEEP_NS};
    mutex_lock(&s->lock);
    struct kept *old = map_put(&s->objects, key, k);
    mutex_unlock(&s->lock);
    if (old)
        free_kept(old);
}

static int get(struct pod_sources *ps, const struct kind *kind, struct str ns, struct str name,
               struct arena *a, const void **ret, struct err *err) {
    struct api_sources *s = (struct api_sources *)ps;
    struct str key = arena_printf(a, "%u %.*s/%.*s", kind->index, STR_ARG(ns), STR_ARG(name));
    struct object *o = find_kept(s, key);
    if (!o) {
        int rc = client_get(s->client, kind, ns, name, &o, err);
        if (rc < 0)
            return rc;
        keep(s, key, o);
    }
    arena_hold(a, object_release_any, o);
    *ret = o->body;
    return 0;
}

static int get_config_map(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                          const struct core_config_map **ret, struct err *err) {
    return get(s, KIND(CORE_CONFIG_MAP), ns, name, a, (const void **)ret, err);
}

static int get_secret(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                      const struct core_secret **ret, struct err *err) {
    return get(s, KIND(CORE_SECRET), ns, name, a, (const void **)ret, err);
}

static int get_claim(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                     const struct core_persistent_volume_claim **ret, struct err *err) {
    return get(s, KIND(CORE_PERSISTENT_VOLUME_CLAIM), ns, name, a, (const void **)ret, err);
}

static int get_volume(struct pod_sources *s, struct str name, struct arena *a,
                      const struct core_persistent_volume **ret, struct err *err) {
    return get(s, KIND(CORE_PERSISTENT_VOLUME), STR_NONE, name, a, (const void **)ret, err);
}

/* -- tokens -- */

static struct str token_key(const struct token_request *q, struct arena *a) {
    return arena_printf(a, "%.*s %.*s %lld", STR_ARG(q->pod->metadata.uid), STR_ARG(q->audience),
                        (long long)q->expiration_seconds);
}

static bool find_token(struct api_sources *s, struct str key, struct arena *a, struct str *ret) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    const struct token *t = map_get(&s->tokens, key);
    if (!t || t->renew_sec <= clock_wall_sec(client_clock(s->client)))
        return false;
    *ret = arena_str(a, str_from(t->text));
    return true;
}

/* CONFORMS: refreshed at 80 % of its life or after a day, with up to ten seconds of jitter. */
static void keep_token(struct api_sources *s, struct str key, struct str text, int64_t expires_sec) {
    struct token *t = calloc(1, sizeof *t);
    char *copy = malloc(text.n + 1);
    if (!t || !copy)
        panic("out of memory");
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    int64_t now = clock_wall_sec(client_clock(s->client)), life = (expires_sec - now) * 8 / 10;
    if (life > 24 * 3600)
        life = 24 * 3600;
    *t = (struct token){copy, now + life - (int64_t)rand_below(client_rand(s->client), 10)};
    mutex_lock(&s->lock);
    struct token *old = map_put(&s->tokens, key, t);
    mutex_unlock(&s->lock);
    if (old)
        free_token(old);
}

static int get_token(struct pod_sources *ps, const struct token_request *q, struct arena *a,
                     struct str *ret_token, struct err *err) {
    struct api_sources *s = (struct api_sources *)ps;
    struct str key = token_key(q, a);
    if (find_token(s, key, a, ret_token))
        return 0;
    const struct core_pod *p = q->pod;
    struct str audience = q->audience;
    struct authentication_bound_object_reference bound = {
        .kind = S("Pod"), .api_version = S("v1"), .name = p->metadata.name, .uid = p->metadata.uid};
    struct authentication_token_request body = {0};
    body.spec.bound_object_ref = &bound;
    body.spec.expiration_seconds = (struct opt_i64){.v = q->expiration_seconds, .set = true};
    if (audience.n)
        body.spec.audiences = (struct str_array){&audience, 1};
    struct client_call call = {.verb = CLIENT_CREATE,
                               .kind = KIND(CORE_SERVICE_ACCOUNT),
                               .ns = p->metadata.namespace,
                               .name = p->spec.service_account_name.n ? p->spec.service_account_name
                                                                      : S("default"),
                               .subresource = S("token"),
                               .body = &body,
                               .body_type = TY_AUTHENTICATION_TOKEN_REQUEST};
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    int rc = client_do(s->client, &call, &answer, err);
    if (rc < 0)
        return rc;
    if (answer.type != TY_AUTHENTICATION_TOKEN_REQUEST || !answer.body)
        return err_set(err, ERR_INTERNAL, "the API server answered a token request with something else");
    const struct authentication_token_request *got = answer.body;
    keep_token(s, key, got->status.token, got->status.expiration_timestamp.sec);
    *ret_token = arena_str(a, got->status.token);
    return 0;
}

/* -- services -- */

static void collect(const struct informer_snapshot *snap, struct str prefix, const struct core_service **v,
                    uint32_t *n) {
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, &snap->tree, prefix))
        v[(*n)++] = ((const struct object *)item->value)->body;
}

static void release_snapshot(void *arg) {
    informer_snapshot_fini(arg);
}

static int get_services(struct pod_sources *ps, struct str ns, struct arena *a,
                        const struct core_service *const **ret, uint32_t *ret_n, struct err *err) {
    struct api_sources *s = (struct api_sources *)ps;
    int rc = informer_wait_synced(s->services, SYNC_NS, err);
    if (rc < 0)
        return rc;
    struct informer_snapshot *snap = arena_new(a, struct informer_snapshot);
    informer_snapshot(s->services, snap);
    arena_hold(a, release_snapshot, snap);
    const struct core_service **v = arena_array(a, snap->tree.n + 1, sizeof *v);
    uint32_t n = 0;
    collect(snap, arena_printf(a, "%.*s/", STR_ARG(ns)), v, &n);
    const struct object *kubernetes =
        str_eq(ns, S("default")) ? NULL : cow_get(&snap->tree, S("default/kubernetes"));
    if (kubernetes)
        v[n++] = kubernetes->body;
    *ret = v;
    *ret_n = n;
    return 0;
}

/* -- life -- */

static const struct pod_sources_ops ops = {
    .config_map = get_config_map,
    .secret = get_secret,
    .claim = get_claim,
    .volume = get_volume,
    .token = get_token,
    .services = get_services,
};

int api_sources_new(struct client *c, struct api_sources **ret, struct err *err) {
    struct api_sources *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->base.ops = &ops;
    s->client = c;
    s->objects = s->tokens = (struct map)MAP_INIT_OWNING;
    mutex_init(&s->lock);
    int rc = informer_get(c, &(struct informer_options){.kind = KIND(CORE_SERVICE)}, &s->services, err);
    if (rc < 0)
        api_sources_free(s);
    else
        *ret = s;
    return rc;
}

void api_sources_free(struct api_sources *s) {
    if (!s)
        return;
    map_foreach(e, &s->objects) free_kept(e->value);
    map_foreach(e, &s->tokens) free_token(e->value);
    map_fini(&s->objects);
    map_fini(&s->tokens);
    if (s->services)
        informer_unref(s->services);
    mutex_fini(&s->lock);
    free(s);
}

struct pod_sources *api_sources_table(struct api_sources *s) {
    return &s->base;
}

void api_sources_forget(struct api_sources *s, struct str pod_uid) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    map_foreach_reverse(e, &s->tokens) if (str_has_prefix(e->key, pod_uid) && e->key.n > pod_uid.n &&
                                           e->key.p[pod_uid.n] == ' ') {
        free_token(e->value);
        map_remove_entry(&s->tokens, e);
    }
}

void api_sources_expire(struct api_sources *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    map_foreach_reverse(e, &s->objects) {
        free_kept(e->value);
        map_remove_entry(&s->objects, e);
    }
}
