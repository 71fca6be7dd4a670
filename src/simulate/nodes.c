/* Simulated nodes. See nodes.h. */
#include "simulate/nodes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/meta.h"
#include "api/time.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "client/reconciler.h"

#define HEARTBEAT_NS (10 * NS_PER_SEC)
#define ADDRESS_FIRST (16u << 16 | 1) /* 10.16.0.1 */
#define ADDRESSES (200u << 16)
#define CONCURRENCY 64u

struct simnodes {
    struct simnodes_options options;
    struct reconciler *pods, *nodes;
    atomic_bool *silent; /* by the owner or by the node's annotation */
    atomic_bool *failed; /* by the owner */
    atomic_uint addresses;
};

/* -- what a pod says of itself -- */

static int64_t after_ns(const struct core_pod *p, const char *key, int64_t dflt) {
    struct str text = str_map_get(p->metadata.annotations, str_from(key));
    int64_t ns;
    if (!text.n)
        return dflt;
    if (str_eq(text, S("never")) || !duration_parse(text, &ns))
        return INT64_MAX;
    return ns;
}

static int exit_code_of(const struct core_pod *p) {
    int64_t code = 0;
    (void)str_to_i64(str_map_get(p->metadata.annotations, S("sim/exit-code")), &code);
    return (int)code;
}

/* -- statuses, as patches -- */

static const char *rfc3339(char out[TIME_TEXT_SIZE], int64_t wall_ns) {
    (void)timestamp_format(timestamp_from_ns(wall_ns), out);
    return out;
}

static int32_t restarts_of(const struct core_pod *p) {
    return p->status.container_statuses.n ? p->status.container_statuses.v[0].restart_count : 0;
}

static void put_containers(struct buf *out, const struct core_pod *p, bool ready, int32_t restarts,
                           const char *state) {
    buf_lit(out, ",\"containerStatuses\":[");
    for (uint32_t i = 0; i < p->spec.containers.n; i++)
        buf_printf(
            out,
            "%s{\"name\":\"%.*s\",\"image\":\"%.*s\",\"imageID\":\"sim\",\"restartCount\":%d,\"ready\":%s,"
            "\"started\":%s,\"state\":{%s}}",
            i ? "," : "", STR_ARG(p->spec.containers.v[i].name), STR_ARG(p->spec.containers.v[i].image),
            restarts, ready ? "true" : "false", ready ? "true" : "false", state);
    buf_byte(out, ']');
}

static void put_conditions(struct buf *out, bool ready, const char *reason, const char *at) {
    static const char *const types[] = {"Initialized", "Ready", "ContainersReady"};
    buf_lit(out, ",\"conditions\":[");
    for (int i = 0; i < 3; i++)
        buf_printf(out, "%s{\"type\":\"%s\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"%s%s%s}",
                   i ? "," : "", types[i], i == 0 || ready ? "True" : "False", at,
                   i && *reason ? ",\"reason\":\"" : "", i ? reason : "", i && *reason ? "\"" : "");
    buf_byte(out, ']');
}

static int patch_status(struct reconcile *r, const struct object *o, struct buf *text, struct err *err) {
    int rc = client_patch(r->client, o->kind, o->meta->namespace, o->meta->name, S("status"),
                          CLIENT_PATCH_STRATEGIC, buf_view(text), NULL, err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int start_pod(struct reconcile *r, const struct object *o, struct err *err) {
    const struct core_pod *p = o->body;
    char at[TIME_TEXT_SIZE], state[96];
    (void)rfc3339(at, clock_wall_ns(r->clock));
    _cleanup_buf struct buf b = BUF_INIT;
    struct simnodes *n = r->arg;
    unsigned ip = ADDRESS_FIRST + atomic_fetch_add(&n->addresses, 1) % ADDRESSES;
    buf_printf(&b,
               "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"Running\",\"startTime\":\"%s\","
               "\"hostIP\":\"192.168.0.1\",\"podIP\":\"10.%u.%u.%u\",\"podIPs\":[{\"ip\":\"10.%u.%u.%u\"}]",
               STR_ARG(o->meta->uid), at, ip >> 16, ip >> 8 & 255, ip & 255, ip >> 16, ip >> 8 & 255,
               ip & 255);
    (void)snprintf(state, sizeof state, "\"running\":{\"startedAt\":\"%s\"}", at);
    put_conditions(&b, false, "ContainersNotReady", at);
    put_containers(&b, p, false, 0, state);
    buf_lit(&b, "}}");
    return patch_status(r, o, &b, err);
}

static int ready_pod(struct reconcile *r, const struct object *o, struct err *err) {
    char at[TIME_TEXT_SIZE], state[96];
    (void)rfc3339(at, clock_wall_ns(r->clock));
    (void)snprintf(state, sizeof state, "\"running\":{\"startedAt\":\"%s\"}", at);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"Running\"",
               STR_ARG(o->meta->uid));
    put_conditions(&b, true, "", at);
    put_containers(&b, o->body, true, restarts_of(o->body), state);
    buf_lit(&b, "}}");
    return patch_status(r, o, &b, err);
}

static int end_pod(struct reconcile *r, const struct object *o, struct err *err) {
    char at[TIME_TEXT_SIZE], state[192];
    int code = exit_code_of(o->body);
    (void)rfc3339(at, clock_wall_ns(r->clock));
    (void)snprintf(
        state, sizeof state,
        "\"terminated\":{\"exitCode\":%d,\"reason\":\"%s\",\"startedAt\":\"%s\",\"finishedAt\":\"%s\"}", code,
        code ? "Error" : "Completed", at, at);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"%s\"", STR_ARG(o->meta->uid),
               code ? "Failed" : "Succeeded");
    put_conditions(&b, false, code ? "PodFailed" : "PodCompleted", at);
    put_containers(&b, o->body, false, restarts_of(o->body), state);
    buf_lit(&b, "}}");
    return patch_status(r, o, &b, err);
}

/* A container that ends is started again, as its restart policy says. */
static bool restarts(const struct core_pod *p) {
    return str_eq(p->spec.restart_policy, S("Always")) ||
           (str_eq(p->spec.restart_policy, S("OnFailure")) && exit_code_of(p) != 0);
}

static int restart_pod(struct reconcile *r, const struct object *o, struct err *err) {
    char at[TIME_TEXT_SIZE], state[96];
    (void)rfc3339(at, clock_wall_ns(r->clock));
    (void)snprintf(state, sizeof state, "\"running\":{\"startedAt\":\"%s\"}", at);
    _cleanup_buf struct buf b = BUF_INIT;
    buf_printf(&b, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"Running\"",
               STR_ARG(o->meta->uid));
    put_conditions(&b, false, "ContainersNotReady", at);
    put_containers(&b, o->body, false, restarts_of(o->body) + 1, state);
    buf_lit(&b, "}}");
    return patch_status(r, o, &b, err);
}

static int remove_pod(struct reconcile *r, const struct object *o, struct err *err) {
    struct client_delete options = {.uid = o->meta->uid, .grace_seconds = 0};
    int rc = client_delete(r->client, o->kind, o->meta->namespace, o->meta->name, &options, err);
    return rc == ERR_NOT_FOUND || rc == ERR_CONFLICT ? 0 : rc;
}

/* -- what is due -- */

/* Whether so much time has passed since then; else the reconcile comes back when it has. */
static bool is_due(struct reconcile *r, int64_t since_ns, int64_t after) {
    int64_t due, now = clock_wall_ns(r->clock);
    if (after == INT64_MAX || __builtin_add_overflow(since_ns, after, &due))
        return false;
    if (due <= now)
        return true;
    if (!r->requeue_after_ns || due - now < r->requeue_after_ns)
        r->requeue_after_ns = due - now;
    return false;
}

static bool is_ready(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->status.conditions.n; i++)
        if (str_eq(p->status.conditions.v[i].type, S("Ready")))
            return str_eq(p->status.conditions.v[i].status, S("True"));
    return false;
}

/* Its number; false: none of ours. */
static bool number_of(const struct simnodes *n, struct str node, uint64_t *ret) {
    struct str prefix = str_from(n->options.prefix);
    return str_has_prefix(node, prefix) && str_to_u64(str_from_byte(node, prefix.n), ret) &&
           *ret < n->options.n;
}

static bool plays(const struct simnodes *n, struct str node) {
    uint64_t i;
    return number_of(n, node, &i) && !atomic_load(&n->failed[i]) && !atomic_load(&n->silent[i]);
}

/* Since when its containers run. */
static int64_t running_since_ns(const struct core_pod *p) {
    const struct core_container_status *c = p->status.container_statuses.v;
    if (p->status.container_statuses.n && c->state.running && c->state.running->started_at.set)
        return timestamp_to_ns(c->state.running->started_at);
    return timestamp_to_ns(p->status.start_time);
}

static int reconcile_pod(struct reconcile *r, struct str key, struct err *err) {
    struct simnodes *n = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_POD), key);
    if (!o)
        return 0;
    const struct core_pod *p = o->body;
    if (!plays(n, p->spec.node_name))
        return 0;
    if (o->meta->deletion_timestamp.set) {
        int64_t grace = o->meta->deletion_grace_period_seconds.v * NS_PER_SEC;
        int64_t asked = timestamp_to_ns(o->meta->deletion_timestamp) - grace;
        return is_due(r, asked, after_ns(p, "sim/stops-after", NS_PER_SEC)) ? remove_pod(r, o, err) : 0;
    }
    if (str_eq(p->status.phase, S("Succeeded")) || str_eq(p->status.phase, S("Failed")))
        return 0;
    if (!p->status.start_time.set)
        return start_pod(r, o, err);
    int64_t started = running_since_ns(p);
    if (is_due(r, started, after_ns(p, "sim/runs-for", INT64_MAX)))
        return restarts(p) ? restart_pod(r, o, err) : end_pod(r, o, err);
    if (!is_ready(p) && is_due(r, started, after_ns(p, "sim/ready-after", NS_PER_SEC)))
        return ready_pod(r, o, err);
    return 0;
}

/* -- nodes -- */

static int renew_lease(struct reconcile *r, struct str node, struct err *err) {
    char at[TIME_TEXT_SIZE];
    (void)timestamp_format_micro(timestamp_from_ns(clock_wall_ns(r->clock)), at);
    struct str lease =
        arena_printf(r->arena,
                     "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"spec\":{"
                     "\"holderIdentity\":\"%.*s\",\"leaseDurationSeconds\":40,\"renewTime\":\"%s\"}}",
                     STR_ARG(node), at);
    return client_patch(r->client, KIND(COORDINATION_LEASE), S("kube-node-lease"), node, S(""),
                        CLIENT_PATCH_APPLY, lease, NULL, err);
}

static bool node_is_ready(const struct core_node *n) {
    for (uint32_t i = 0; i < n->status.conditions.n; i++)
        if (str_eq(n->status.conditions.v[i].type, S("Ready")))
            return str_eq(n->status.conditions.v[i].status, S("True"));
    return false;
}

/* Who was taken for dead says that it lives. */
static int say_ready(struct reconcile *r, const struct object *node, struct err *err) {
    char at[TIME_TEXT_SIZE];
    (void)rfc3339(at, clock_wall_ns(r->clock));
    struct str patch = arena_printf(
        r->arena,
        "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"KubeletReady\","
        "\"message\":\"simulated\",\"lastHeartbeatTime\":\"%s\",\"lastTransitionTime\":\"%s\"}]}}",
        at, at);
    int rc = client_patch(r->client, node->kind, S(""), node->meta->name, S("status"), CLIENT_PATCH_STRATEGIC,
                          patch, NULL, err);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* All pods are looked at again. */
static void look_again(struct simnodes *n) {
    struct informer *pods;
    struct informer_snapshot s;
    if (informer_get(n->options.client, &(struct informer_options){.kind = KIND(CORE_POD)}, &pods, NULL))
        return;
    informer_snapshot(pods, &s);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        reconciler_enqueue(n->pods, item->key);
    informer_snapshot_fini(&s);
    informer_unref(pods);
}

static int reconcile_node(struct reconcile *r, struct str key, struct err *err) {
    struct simnodes *n = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CORE_NODE), key);
    uint64_t i;
    if (!o || !number_of(n, key, &i))
        return 0;
    bool silent = str_eq(str_map_get(o->meta->annotations, S("sim/silent")), S("true"));
    if (atomic_exchange(&n->silent[i], silent) && !silent)
        look_again(n);
    if (n->options.leases)
        r->requeue_after_ns = HEARTBEAT_NS;
    if (!plays(n, key))
        return 0;
    int rc = n->options.leases ? renew_lease(r, key, err) : 0;
    return rc || node_is_ready(o->body) ? rc : say_ready(r, o, err);
}

/* "key=value" pairs as members of a JSON object, each with a comma before. */
static int put_labels(struct buf *out, const char *const *labels, struct err *err) {
    for (; labels && *labels; labels++) {
        struct str key, value;
        if (!str_split(str_from(*labels), '=', &key, &value))
            return err_set(err, ERR_INVALID, "\"%s\" is no label like key=value", *labels);
        buf_byte(out, ',');
        json_write_string(out, key);
        buf_byte(out, ':');
        json_write_string(out, value);
    }
    return 0;
}

static int put_taints(struct buf *out, const char *const *taints, struct err *err) {
    buf_lit(out, "\"spec\":{\"taints\":[");
    for (size_t i = 0; taints && taints[i]; i++) {
        struct str key, value, effect;
        if (!str_split(str_from(taints[i]), ':', &key, &effect))
            return err_set(err, ERR_INVALID, "\"%s\" is no taint like key=value:NoSchedule", taints[i]);
        (void)str_split(key, '=', &key, &value);
        if (i)
            buf_byte(out, ',');
        buf_lit(out, "{\"key\":");
        json_write_string(out, key);
        buf_lit(out, ",\"value\":");
        json_write_string(out, value.p ? value : S(""));
        buf_lit(out, ",\"effect\":");
        json_write_string(out, effect);
        buf_byte(out, '}');
    }
    buf_lit(out, "]},");
    return 0;
}

static int write_node(const struct simnodes_options *o, unsigned i, struct buf *out, struct err *err) {
    buf_printf(out, "{\"metadata\":{\"name\":\"%s%u\",\"labels\":{\"kubernetes.io/hostname\":\"%s%u\"",
               o->prefix, i, o->prefix, i);
    if (o->zones)
        buf_printf(out, ",\"topology.kubernetes.io/zone\":\"z%u\"", i % o->zones);
    int rc = put_labels(out, o->labels, err);
    buf_lit(out, "}},");
    if (!rc)
        rc = put_taints(out, o->taints, err);
    buf_lit(out, "\"status\":{");
    for (int k = 0; k < 2; k++)
        buf_printf(out, "\"%s\":{\"cpu\":\"%s\",\"memory\":\"%s\",\"pods\":\"%s\"},",
                   k ? "allocatable" : "capacity", o->cpu, o->memory, o->pods);
    buf_printf(out,
               "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"KubeletReady\"}],"
               "\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.168.%u.%u\"}]}}",
               i >> 8 & 255, i & 255);
    return rc;
}

static int create_node(const struct simnodes *n, unsigned i, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT;
    const struct kind *k = KIND(CORE_NODE);
    void *body;
    int rc = write_node(&n->options, i, &text, err);
    if (!rc)
        rc = api_read_json(&a, k->set, k->type, buf_view(&text), NULL, &body, err);
    if (!rc)
        rc = client_create(n->options.client, k, S(""), body, NULL, err);
    return rc == ERR_EXISTS ? 0 : rc;
}

static int start_reconcilers(struct simnodes *n, struct err *err) {
    const struct reconciler_watch pods[] = {{.of = {.kind = KIND(CORE_POD)}, .map = map_self}};
    const struct reconciler_watch nodes[] = {{.of = {.kind = KIND(CORE_NODE)}, .map = map_self}};
    struct reconciler_options ro = {
        .name = "sim-kubelet",
        .client = n->options.client,
        .loop = n->options.loop,
        .workers = n->options.workers,
        .concurrency = CONCURRENCY,
        .watches = pods,
        .n_watches = 1,
        .reconcile = reconcile_pod,
        .arg = n,
    };
    int rc = reconciler_start(&ro, &n->pods, err);
    ro.name = "sim-node";
    ro.watches = nodes;
    ro.reconcile = reconcile_node;
    return rc ? rc : reconciler_start(&ro, &n->nodes, err);
}

static void set_default(const char **v, const char *value) {
    if (!*v)
        *v = value;
}

int simnodes_start(const struct simnodes_options *o, struct simnodes **ret, struct err *err) {
    struct simnodes *n = calloc(1, sizeof *n);
    if (!n || !(n->failed = calloc(o->n + 1, sizeof *n->failed)) ||
        !(n->silent = calloc(o->n + 1, sizeof *n->silent)))
        panic("out of memory");
    n->options = *o;
    set_default(&n->options.prefix, "node-");
    set_default(&n->options.cpu, "4");
    set_default(&n->options.memory, "8Gi");
    set_default(&n->options.pods, "110");
    int rc = 0;
    for (unsigned i = 0; i < o->n && !rc; i++)
        rc = create_node(n, i, err);
    if (!rc)
        rc = start_reconcilers(n, err);
    if (rc)
        simnodes_stop(n);
    else
        *ret = n;
    return rc;
}

void simnodes_stop(struct simnodes *n) {
    if (!n)
        return;
    reconciler_stop(n->pods);
    reconciler_stop(n->nodes);
    free(n->failed);
    free(n->silent);
    free(n);
}

void simnodes_fail(struct simnodes *n, unsigned i) {
    atomic_store(&n->failed[i], true);
}

void simnodes_recover(struct simnodes *n, unsigned i) {
    char name[64];
    atomic_store(&n->failed[i], false);
    look_again(n);
    (void)snprintf(name, sizeof name, "%s%u", n->options.prefix, i);
    reconciler_enqueue(n->nodes, str_from(name));
}

int simnodes_remove(struct simnodes *n, struct err *err) {
    int rc = 0;
    for (unsigned i = 0; i < n->options.n && !rc; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%u", n->options.prefix, i);
        rc = client_delete(n->options.client, KIND(CORE_NODE), S(""), str_from(name), NULL, err);
        rc = rc == ERR_NOT_FOUND ? 0 : rc;
    }
    return rc;
}
