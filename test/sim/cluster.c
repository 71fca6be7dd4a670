/* See cluster.h. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/client_local.h"
#include "apiserver/server.h"
#include "apiserver/user.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "base/workers.h"
#include "client/reconciler.h"
#include "placer.h"
#include "unit/unit.h"

#define START_SEC INT64_C(1767225600) /* 2026 */

struct invariant {
    cluster_invariant_fn holds;
    void *arg;
};

/* A kind that is followed, for tests and invariants. */
struct followed {
    struct informer *informer;
    struct cow seen; /* when invariants were last looked at */
};

struct cluster {
    struct cluster_options options;
    struct sim *sim;
    struct apiserver *server;
    struct client *admin, *faulty;
    struct client *controllers_client; /* theirs alone: what they follow starts anew with them */
    struct faulty_faults faults;
    struct loop *loop;
    struct workers *workers;
    struct simnodes *nodes;
    struct placer *placer;
    struct controllers *controllers;
    struct arena arena;
    VEC(struct followed) followed;
    VEC(struct invariant) invariants;
    VEC(struct object *) held;
    VEC(struct informer_snapshot *) held_snapshots;
    uint64_t checks;
};

static struct client *new_client(struct cluster *c) {
    struct str group = S("system:masters");
    struct user admin = {.name = S("admin"), .groups = {&group, 1}};
    struct client *client;
    struct err err = ERR_INIT;
    assert_ok(client_local_new(c->server, &admin, NULL, &client, &err), &err);
    return client;
}

/* So that pods can be made without the controller that would make it. */
static void create_account(struct cluster *c) {
    struct core_service_account account = {.metadata = {.name = S("default"), .namespace = S("default")}};
    struct err err = ERR_INIT;
    assert_ok(client_create(c->admin, KIND(CORE_SERVICE_ACCOUNT), S("default"), &account, NULL, &err), &err);
}

static void start_nodes(struct cluster *c) {
    struct simnodes_options o = c->options.node;
    o.client = c->admin;
    o.loop = c->loop;
    o.workers = c->workers;
    o.n = c->options.nodes;
    struct err err = ERR_INIT;
    assert_ok(simnodes_start(&o, &c->nodes, &err), &err);
    if (c->options.placer)
        c->placer = placer_start(c->admin, c->loop, c->workers);
}

struct cluster *cluster_new(const struct cluster_options *o) {
    struct cluster *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    struct err err = ERR_INIT;
    if (!getenv("SIM_LOG")) /* faults make noise */
        log_setup(&(struct log_options){.least = LOG_FATAL});
    c->options = *o;
    if (!c->options.seed)
        c->options.seed = unit_seed();
    arena_init(&c->arena);
    c->sim = sim_new(c->options.seed, START_SEC * NS_PER_SEC);
    struct apiserver_options so = {
        .data_dir = unit_tmpdir(), .memory_store = true, .no_door = true, .sim = c->sim};
    assert_ok(apiserver_start(&so, &c->server, &err), &err);
    c->loop = sim_loop_new(c->sim, "cluster");
    assert_ok(workers_start(&(struct workers_options){.threads = 4, .queue_max = 1024, .sim = c->sim},
                            &c->workers, &err),
              &err);
    c->admin = new_client(c);
    create_account(c);
    c->faulty = faulty_new(c->admin, &c->faults);
    c->controllers_client = faulty_new(c->admin, &c->faults);
    start_nodes(c);
    return c;
}

static void release_held(struct cluster *c) {
    vec_foreach (f, &c->followed) {
        cow_fini(&f->seen);
        informer_unref(f->informer);
    }
    vec_foreach (o, &c->held)
        object_unref(*o);
    vec_foreach (s, &c->held_snapshots) {
        informer_snapshot_fini(*s);
        free(*s);
    }
    vec_fini(&c->followed);
    vec_fini(&c->invariants);
    vec_fini(&c->held);
    vec_fini(&c->held_snapshots);
}

void cluster_free(struct cluster *c) {
    cluster_set_faults(c, NULL);
    controllers_stop(c->controllers);
    placer_stop(c->placer);
    simnodes_stop(c->nodes);
    release_held(c);
    client_free(c->controllers_client);
    client_free(c->faulty);
    sim_settle(c->sim);
    client_free(c->admin);
    workers_stop(c->workers);
    loop_free(c->loop);
    apiserver_stop(c->server, 0);
    arena_fini(&c->arena);
    sim_free(c->sim);
    free(c);
}

struct sim *cluster_sim(struct cluster *c) {
    return c->sim;
}

struct client *cluster_admin(struct cluster *c) {
    return c->admin;
}

struct client *cluster_client(struct cluster *c) {
    return c->faulty;
}

struct loop *cluster_loop(struct cluster *c) {
    return c->loop;
}

struct workers *cluster_workers(struct cluster *c) {
    return c->workers;
}

struct simnodes *cluster_nodes(struct cluster *c) {
    return c->nodes;
}

void cluster_set_faults(struct cluster *c, const struct faulty_faults *faults) {
    c->faults = faults ? *faults : (struct faulty_faults){0};
}

/* -- controllers -- */

void cluster_controllers_with(struct cluster *c, const char *names,
                              const struct controllers_options *options) {
    struct controllers_options o = options ? *options : (struct controllers_options){0};
    struct str rest = str_from(names ? names : "*"), one;
    struct str *list = arena_new_n(&c->arena, rest.n + 1, struct str);
    uint32_t n = 0;
    bool more = true;
    while (more) {
        more = str_split(rest, ' ', &one, &rest);
        if (one.n)
            list[n++] = arena_str(&c->arena, one);
    }
    o.client = c->controllers_client;
    o.controllers = list;
    o.n_controllers = n;
    controllers_stop(c->controllers);
    c->controllers = NULL;
    struct err err = ERR_INIT;
    assert_ok(controllers_start(&o, &c->controllers, &err), &err);
}

void cluster_controllers(struct cluster *c, const char *names) {
    cluster_controllers_with(c, names, NULL);
}

/* -- acting -- */

void cluster_apply(struct cluster *c, const char *json) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval tree;
    struct str group, version;
    assert_ok(json_parse(&a, str_from(json), NULL, NULL, &tree, &err), &err);
    struct str name = jval_get_str(jval_get(&tree, S("metadata")), S("name"));
    struct str ns = jval_get_str(jval_get(&tree, S("metadata")), S("namespace"));
    assert_true(api_version_split(jval_get_str(&tree, S("apiVersion")), &group, &version));
    const struct kind *k = kind_find(group, version, jval_get_str(&tree, S("kind")));
    assert_non_null(k);
    struct client_call call = {
        .verb = CLIENT_PATCH,
        .kind = k,
        .ns = k->namespaced && !ns.n ? S("default") : ns,
        .name = name,
        .patch = CLIENT_PATCH_APPLY,
        .patch_text = str_from(json),
        .field_manager = S("test"),
        .force = true,
    };
    assert_ok(client_do(c->admin, &call, NULL, &err), &err);
}

void cluster_patch(struct cluster *c, const struct kind *k, const char *ns, const char *name,
                   const char *merge_patch) {
    struct err err = ERR_INIT;
    assert_ok(client_patch(c->admin, k, str_from(ns), str_from(name), S(""), CLIENT_PATCH_MERGE,
                           str_from(merge_patch), NULL, &err),
              &err);
}

void cluster_delete(struct cluster *c, const struct kind *k, const char *ns, const char *name,
                    const char *propagation) {
    struct err err = ERR_INIT;
    struct client_delete o = {.grace_seconds = -1, .propagation = str_from(propagation)};
    assert_ok(client_delete(c->admin, k, str_from(ns), str_from(name), &o, &err), &err);
}

/* -- looking -- */

static struct informer *follow(struct cluster *c, const struct kind *k) {
    vec_foreach (f, &c->followed)
        if (informer_kind(f->informer) == k->hub)
            return f->informer;
    struct followed f = {0};
    struct err err = ERR_INIT;
    assert_ok(informer_get(c->admin, &(struct informer_options){.kind = k}, &f.informer, &err), &err);
    vec_push(&c->followed, f);
    return f.informer;
}

const struct object *cluster_get(struct cluster *c, const struct kind *k, const char *ns, const char *name) {
    struct object *o = informer_find(follow(c, k), str_from(ns), str_from(name));
    if (o)
        vec_push(&c->held, o);
    return o;
}

const struct informer_snapshot *cluster_snapshot(struct cluster *c, const struct kind *k) {
    struct informer_snapshot *s = malloc(sizeof *s);
    if (!s)
        panic("out of memory");
    informer_snapshot(follow(c, k), s);
    vec_push(&c->held_snapshots, s);
    return s;
}

size_t cluster_count(struct cluster *c, const struct kind *k, const char *ns, const char *label,
                     const char *value) {
    struct informer_snapshot s;
    struct cow_iter it;
    size_t n = 0;
    informer_snapshot(follow(c, k), &s);
    cow_foreach (item, &it, cow_all(&it, &s.tree)) {
        const struct meta_object_meta *m = ((const struct object *)item->value)->meta;
        n += (!*ns || str_eq(m->namespace, str_from(ns))) &&
             (!label || str_eq(str_map_get(m->labels, str_from(label)), str_from(value)));
    }
    informer_snapshot_fini(&s);
    return n;
}

void cluster_dump(struct cluster *c, const struct kind *const *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct informer_snapshot s;
        struct cow_iter it;
        informer_snapshot(follow(c, list[i]), &s);
        cow_foreach (item, &it, cow_all(&it, &s.tree))
            (void)fprintf(stderr, "%.*s\n", STR_ARG(object_form(item->value, FORM_JSON)));
        informer_snapshot_fini(&s);
    }
}

uint64_t cluster_fingerprint(struct cluster *c) {
    uint64_t h = HASH_FNV1A_64_INIT;
    for (uint32_t k = 0; k < n_kinds; k++) {
        if (kinds[k].virtual_ || kinds[k].hub != &kinds[k] || !(kinds[k].verbs & VERB_WATCH) ||
            !kinds[k].served || &kinds[k] == KIND(CORE_SECRET)) /* keys are random */
            continue;
        struct informer *i;
        struct informer_snapshot s;
        struct cow_iter it;
        if (informer_get(c->admin, &(struct informer_options){.kind = &kinds[k]}, &i, NULL))
            continue;
        informer_snapshot(i, &s);
        cow_foreach (item, &it, cow_all(&it, &s.tree)) {
            const struct object *o = item->value;
            h = hash_fnv1a_64_add(h, item->key);
            h = hash_fnv1a_64_add(h, o->meta->uid);
            h = hash_fnv1a_64_add(h, o->meta->resource_version);
        }
        informer_snapshot_fini(&s);
        informer_unref(i);
    }
    return h;
}

unsigned cluster_seeds(unsigned by_default) {
    const char *text = getenv("SIM_SEEDS");
    uint64_t n;
    return text && str_to_u64(str_from(text), &n) ? (unsigned)n : by_default;
}

/* -- time and invariants -- */

void cluster_invariant(struct cluster *c, cluster_invariant_fn holds, void *arg) {
    vec_push(&c->invariants, ((struct invariant){holds, arg}));
}

static bool anything_changed(struct cluster *c) {
    bool changed = c->checks == 0;
    vec_foreach (f, &c->followed) {
        struct informer_snapshot s;
        informer_snapshot(f->informer, &s);
        if (!cow_same(&s.tree, &f->seen)) {
            changed = true;
            cow_fini(&f->seen);
            cow_snapshot(&s.tree, &f->seen);
        }
        informer_snapshot_fini(&s);
    }
    return changed;
}

static void check_invariants(struct cluster *c) {
    if (!c->invariants.n || !anything_changed(c))
        return;
    c->checks++;
    vec_foreach (i, &c->invariants) {
        const char *wrong = i->holds(c, i->arg);
        if (wrong)
            fail_msg("seed %llu, step %llu: %s", (unsigned long long)c->options.seed,
                     (unsigned long long)sim_steps(c->sim), wrong);
    }
}

struct awaited {
    struct cluster *c;
    bool (*holds)(struct cluster *c, void *arg);
    void *arg;
};

static bool after_step(void *arg) {
    struct awaited *a = arg;
    check_invariants(a->c);
    return a->holds && a->holds(a->c, a->arg);
}

bool cluster_until(struct cluster *c, bool (*holds)(struct cluster *c, void *arg), void *arg,
                   double seconds) {
    struct awaited a = {c, holds, arg};
    return sim_run_until(c->sim, after_step, &a, (int64_t)(seconds * (double)NS_PER_SEC));
}

void cluster_pass(struct cluster *c, double seconds) {
    (void)cluster_until(c, NULL, NULL, seconds);
}
