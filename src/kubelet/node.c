/* The thread that speaks for the node. Shared with others under the lock: pressure, poked, stop, the Node as
 * last seen. */
#include "kubelet/node.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/strategic.h"
#include "api/types/coordination.h"
#include "api/types/cri.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "codec/json.h"
#include "codec/jval.h"
#include "kubelet/kubelet_priv.h"
#include "runtime/runtime.h"

#define SECOND 1000000000ll
#define NOT_READY_NS (SECOND / 5)
#define KUBELET_VERSION "v1.36.2"
#define RUNTIME_GRACE_NS (30 * SECOND)

struct kubelet_node {
    struct kubelet *k;
    struct arena arena; /* facts, names */
    struct node_facts facts;
    struct thread thread;
    struct str runtime;
    int64_t reported_ns; /* monotonic; 0: never */
    int64_t runtime_ok_ns;
    bool ready_told;
    struct object *lease;

    struct mutex lock;
    struct cond cond;
    bool stop, poked;
    struct node_pressure pressure;
    struct object *node;
};

const struct node_facts *kubelet_node_facts(const struct kubelet_node *n) {
    return &n->facts;
}

void kubelet_node_poke(struct kubelet_node *n) {
    _cleanup_unlock struct mutex *held = mutex_hold(&n->lock);
    n->poked = true;
    cond_signal(&n->cond);
}

void kubelet_node_set_pressure(struct kubelet_node *n, struct node_pressure p) {
    _cleanup_unlock struct mutex *held = mutex_hold(&n->lock);
    if (p.memory == n->pressure.memory && p.disk == n->pressure.disk && p.pid == n->pressure.pid)
        return;
    n->pressure = p;
    n->poked = true;
    cond_signal(&n->cond);
}

struct node_pressure kubelet_node_pressure(struct kubelet_node *n) {
    _cleanup_unlock struct mutex *held = mutex_hold(&n->lock);
    return n->pressure;
}

struct object *kubelet_node_object(struct kubelet_node *n) {
    _cleanup_unlock struct mutex *held = mutex_hold(&n->lock);
    return n->node ? object_ref(n->node) : NULL;
}

/* Takes over the reference. */
static void set_node(struct kubelet_node *n, struct object *node) {
    mutex_lock(&n->lock);
    struct object *old = n->node;
    n->node = node;
    mutex_unlock(&n->lock);
    object_unref(old);
}

/* -- how it is -- */

struct health {
    struct str problems[8];
    uint32_t n;
};

static void problem(struct health *h, struct str text) {
    if (h->n < sizeof h->problems / sizeof *h->problems)
        h->problems[h->n++] = text;
}

/* CONFORMS: the runtime may be away for 30 s. */
static void check_runtime(struct kubelet_node *n, struct arena *a, struct health *h) {
    const struct cri_status_response *r = NULL;
    struct runtime_call call = {.arena = a, .timeout_ms = 10000};
    struct err err = ERR_INIT;
    int64_t now = clock_mono_ns(n->k->clock);
    if (runtime_status(n->k->o.runtime, &call, &(struct cri_status_request){0}, &r, &err) < 0 || !r->status) {
        if (now - n->runtime_ok_ns > RUNTIME_GRACE_NS)
            problem(h, arena_printf(a, "container runtime is down: %s", err.msg));
        return;
    }
    for (uint32_t i = 0; i < r->status->conditions.n; i++) {
        const struct cri_runtime_condition *c = &r->status->conditions.v[i];
        if (str_eq(c->type, S("RuntimeReady")) && c->status)
            n->runtime_ok_ns = now;
        bool network = str_eq(c->type, S("NetworkReady"));
        if (!c->status && (network || str_eq(c->type, S("RuntimeReady"))))
            problem(h, arena_printf(a, "container runtime %s not ready: %.*s reason:%.*s message:%.*s",
                                    network ? "network" : "status is", STR_ARG(c->type), STR_ARG(c->reason),
                                    STR_ARG(c->message)));
    }
}

static void check_relist(struct kubelet_node *n, struct arena *a, struct health *h) {
    int64_t last = pod_cache_relisted_ns(n->k->cache);
    int64_t since = clock_mono_ns(n->k->clock) - (last ? last : n->k->started_ns);
    if (since > 180 * SECOND)
        problem(h,
                arena_printf(a, "PLEG is not healthy: pleg was last seen active %llds ago; threshold is 3m0s",
                             (long long)(since / SECOND)));
}

static void read_runtime_version(struct kubelet_node *n) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct cri_version_response *v = NULL;
    struct runtime_call call = {.arena = &a, .timeout_ms = 10000};
    if (!n->runtime.n && runtime_version(n->k->o.runtime, &call,
                                         &(struct cri_version_request){.version = S("v1")}, &v, NULL) == 0)
        n->runtime =
            arena_printf(&n->arena, "%.*s://%.*s", STR_ARG(v->runtime_name), STR_ARG(v->runtime_version));
}

static const struct cri_image_array *list_images(struct kubelet_node *n, struct arena *a) {
    const struct cri_list_images_response *r = NULL;
    struct runtime_call call = {.arena = a, .timeout_ms = 10000};
    return runtime_list_images(n->k->o.runtime, &call, &(struct cri_list_images_request){0}, &r, NULL) == 0
               ? &r->images
               : NULL;
}

static void make_status(struct kubelet_node *n, const struct core_node_status *before, struct arena *a,
                        struct core_node_status *ret) {
    struct health h = {0};
    read_runtime_version(n);
    check_runtime(n, a, &h);
    check_relist(n, a, &h);
    struct node_status_inputs in = {
        .before = before,
        .facts = &n->facts,
        .name = n->k->o.node_name,
        .ips = n->k->node_ips,
        .runtime = n->runtime,
        .kubelet_version = S(KUBELET_VERSION),
        .kubelet_port = n->k->o.port,
        .max_pods = n->k->o.max_pods,
        .pressure = kubelet_node_pressure(n),
        .not_ready = {h.problems, h.n},
        .images = list_images(n, a),
        .now_sec = clock_wall_sec(n->k->clock),
    };
    kubelet_config_reserved(&n->k->o.config, &in.reserved_milli_cpu, &in.reserved_memory_bytes);
    node_status_make(&in, a, ret);
}

/* -- registration -- */

static struct str_map wanted_annotations(struct arena *a) {
    return str_map_with(a, (struct str_map){0}, S("volumes.kubernetes.io/controller-managed-attach-detach"),
                        S("true"));
}

static int create_node(struct kubelet_node *n, struct arena *a, struct err *err) {
    struct core_node node = {0};
    node.metadata.name = n->k->o.node_name;
    node.metadata.labels = node_labels(&n->facts, n->k->o.node_name, n->k->o.node_labels, a);
    node.metadata.annotations = wanted_annotations(a);
    if (n->k->o.config.provider_id)
        node.spec.provider_id = str_from(n->k->o.config.provider_id);
    node.spec.unschedulable = n->k->o.unschedulable; /* admission adds the taints */
    make_status(n, NULL, a, &node.status);
    struct object *made = NULL;
    int rc = client_create(n->k->o.client, KIND(CORE_NODE), STR_NONE, &node, &made, err);
    if (rc == 0) {
        log_info("node registered", kv_str("node", n->k->o.node_name));
        set_node(n, made);
    }
    return rc;
}

/* The Node was there before: its labels are brought up to date, what others added stays. */
static int adopt_node(struct kubelet_node *n, struct object *have, struct arena *a, struct err *err) {
    const struct core_node *old = have->body;
    struct core_node node = *old;
    node.metadata.labels = str_map_merge(a, old->metadata.labels,
                                         node_labels(&n->facts, n->k->o.node_name, n->k->o.node_labels, a));
    node.metadata.annotations = str_map_merge(a, old->metadata.annotations, wanted_annotations(a));
    if (str_map_equal(node.metadata.labels, old->metadata.labels) &&
        str_map_equal(node.metadata.annotations, old->metadata.annotations)) {
        set_node(n, (struct object *)object_ref(have));
        return 0;
    }
    struct object *made = NULL;
    int rc = client_update(n->k->o.client, KIND(CORE_NODE), &node, &made, err);
    if (rc == 0)
        set_node(n, made);
    return rc;
}

static int register_node(struct kubelet_node *n, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct object *have = NULL;
    int rc = client_get(n->k->o.client, KIND(CORE_NODE), STR_NONE, n->k->o.node_name, &have, err);
    if (rc == ERR_NOT_FOUND && n->k->o.register_node)
        return create_node(n, &a, err);
    if (rc == 0)
        rc = adopt_node(n, have, &a, err);
    object_unref(have);
    return rc;
}

/* -- status -- */

static int patch_status(struct kubelet_node *n, const struct object *have,
                        const struct core_node_status *status, struct arena *a, struct err *err) {
    struct core_node *node = arena_new(a, struct core_node);
    *node = *(const struct core_node *)have->body;
    node->status = *status;
    struct jval before = api_to_tree(a, &builtin, TY_CORE_NODE, have->body);
    struct jval after = api_to_tree(a, &builtin, TY_CORE_NODE, node), patch;
    int rc = strategic_create(a, pos_type(&builtin, TY_CORE_NODE), &before, &after, &patch, err);
    if (rc < 0)
        return rc;
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &patch);
    struct object *made = NULL;
    rc = client_patch(n->k->o.client, KIND(CORE_NODE), STR_NONE, n->k->o.node_name, S("status"),
                      CLIENT_PATCH_STRATEGIC, buf_view(&text), &made, err);
    if (rc == 0)
        set_node(n, made);
    return rc;
}

static bool is_ready(const struct core_node_status *st) {
    for (uint32_t i = 0; i < st->conditions.n; i++)
        if (str_eq(st->conditions.v[i].type, S("Ready")))
            return str_eq(st->conditions.v[i].status, S("True"));
    return false;
}

static void tell_readiness(struct kubelet_node *n, const struct object *node, bool ready) {
    if (ready == n->ready_told)
        return;
    n->ready_told = ready;
    event_record(n->k->events, node, "Normal", ready ? "NodeReady" : "NodeNotReady",
                 "Node %.*s status is now: %s", STR_ARG(n->k->o.node_name),
                 ready ? "NodeReady" : "NodeNotReady");
}

static int report(struct kubelet_node *n, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct object *have = NULL;
    int rc = client_get(n->k->o.client, KIND(CORE_NODE), STR_NONE, n->k->o.node_name, &have, err);
    if (rc == ERR_NOT_FOUND)
        return register_node(n, err);
    if (rc < 0)
        return rc;
    arena_hold(&a, object_release_any, have);
    const struct core_node_status *before = &((const struct core_node *)have->body)->status;
    struct core_node_status status;
    make_status(n, before, &a, &status);
    int64_t now = clock_mono_ns(n->k->clock);
    tell_readiness(n, have, is_ready(&status));
    if (n->reported_ns && now - n->reported_ns < n->k->o.config.status_report_ns &&
        node_status_same(before, &status, &a)) {
        set_node(n, (struct object *)object_ref(have));
        return 0;
    }
    rc = patch_status(n, have, &status, &a, err);
    if (rc == 0)
        n->reported_ns = now;
    return rc;
}

/* -- the lease -- */

static struct meta_owner_reference *owner(struct kubelet_node *n, struct arena *a) {
    struct object *node = kubelet_node_object(n);
    if (!node)
        return NULL;
    struct meta_owner_reference *o = arena_new(a, struct meta_owner_reference);
    *o = (struct meta_owner_reference){.api_version = S("v1"),
                                       .kind = S("Node"),
                                       .name = arena_str(a, node->meta->name),
                                       .uid = arena_str(a, node->meta->uid)};
    object_unref(node);
    return o;
}

static void fill_lease(struct kubelet_node *n, struct arena *a, struct coordination_lease *l) {
    int64_t now = clock_wall_ns(n->k->clock);
    l->metadata.name = n->k->o.node_name;
    l->metadata.namespace = S("kube-node-lease");
    struct meta_owner_reference *o = owner(n, a);
    if (o && !l->metadata.owner_references.n)
        l->metadata.owner_references = (struct meta_owner_reference_array){o, 1};
    l->spec.holder_identity = n->k->o.node_name;
    l->spec.lease_duration_seconds =
        (struct opt_i32){.v = (int32_t)n->k->o.config.lease_seconds, .set = true};
    l->spec.renew_time =
        (struct timestamp){.sec = now / SECOND, .nsec = (int32_t)(now % SECOND / 1000 * 1000), .set = true};
}

static int make_lease(struct kubelet_node *n, struct arena *a, struct err *err) {
    struct coordination_lease l = {0};
    fill_lease(n, a, &l);
    int rc =
        client_create(n->k->o.client, KIND(COORDINATION_LEASE), S("kube-node-lease"), &l, &n->lease, err);
    if (rc != ERR_EXISTS)
        return rc;
    return client_get(n->k->o.client, KIND(COORDINATION_LEASE), S("kube-node-lease"), n->k->o.node_name,
                      &n->lease, err);
}

static int renew_lease(struct kubelet_node *n, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    if (!n->lease) {
        int rc = make_lease(n, &a, err);
        if (rc < 0)
            return rc;
    }
    struct coordination_lease l = *(const struct coordination_lease *)n->lease->body;
    fill_lease(n, &a, &l);
    struct object *made = NULL;
    int rc = client_update(n->k->o.client, KIND(COORDINATION_LEASE), &l, &made, err);
    object_unref(n->lease);
    n->lease = rc == 0 ? made : NULL; /* read anew next time */
    return rc;
}

/* -- the thread -- */

static void warn(const char *what, int rc, const struct err *err) {
    if (rc < 0 && log_every(10000))
        log_warn(what, kv_err("err", err));
}

static bool wait_until(struct kubelet_node *n, int64_t until_ns) {
    _cleanup_unlock struct mutex *held = mutex_hold(&n->lock);
    while (!n->stop && !n->poked)
        if (!cond_wait_until(&n->cond, &n->lock, until_ns))
            break;
    n->poked = false;
    return !n->stop;
}

/* CONFORMS: the lease is renewed four times in its life; the status is looked at as often, or more often. */
static int64_t period_of(const struct kubelet_node *n) {
    const struct kubelet_config *c = &n->k->o.config;
    int64_t lease = c->lease_seconds * SECOND / 4;
    return lease < c->status_period_ns ? lease : c->status_period_ns;
}

static void run(void *arg) {
    struct kubelet_node *n = arg;
    int64_t next = 0, renew_at = 0;
    while (wait_until(n, next)) {
        struct err err = ERR_INIT;
        struct object *known = kubelet_node_object(n);
        int rc = known ? report(n, &err) : register_node(n, &err);
        object_unref(known);
        warn("the node's status could not be told; it is tried again", rc, &err);
        int64_t now = clock_mono_ns(n->k->clock);
        if (rc < 0) {
            next = now + SECOND / 5;
            continue;
        }
        rc = 0;
        if (now >= renew_at) {
            rc = renew_lease(n, &err);
            warn("the node's lease could not be renewed; it is tried again", rc, &err);
            renew_at = now + (rc < 0 ? SECOND : period_of(n));
        }
        /* What a node that is not ready waits for (its network, its runtime) tells nobody when it is there.
         */
        next = n->ready_told ? renew_at : now + NOT_READY_NS;
    }
}

int kubelet_node_start(struct kubelet *k, struct kubelet_node **ret, struct err *err) {
    struct kubelet_node *n = calloc(1, sizeof *n);
    if (!n)
        panic("out of memory");
    n->k = k;
    arena_init(&n->arena);
    mutex_init(&n->lock);
    cond_init(&n->cond);
    n->runtime_ok_ns = clock_mono_ns(k->clock);
    int rc = node_facts_read(arena_strz(&n->arena, k->o.root_dir), &n->arena, &n->facts, err);
    if (rc == 0)
        rc = thread_start(&n->thread, &(struct thread_options){.name = "node"}, run, n, err);
    if (rc < 0) {
        kubelet_node_stop(n);
        return rc;
    }
    *ret = n;
    return 0;
}

void kubelet_node_stop(struct kubelet_node *n) {
    if (!n)
        return;
    mutex_lock(&n->lock);
    n->stop = true;
    cond_signal(&n->cond);
    mutex_unlock(&n->lock);
    thread_join(&n->thread);
    object_unref(n->node);
    object_unref(n->lease);
    cond_fini(&n->cond);
    mutex_fini(&n->lock);
    arena_fini(&n->arena);
    free(n);
}
