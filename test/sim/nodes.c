/* See nodes.h. */
#include "nodes.h"

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

struct nodes {
    struct nodes_options options;
    struct reconciler *pods, *heartbeats;
    bool *failed;
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

static void put_containers(struct buf *out, const struct core_pod *p, bool ready, const char *state) {
    buf_lit(out, ",\"containerStatuses\":[");
    for (uint32_t i = 0; i < p->spec.containers.n; i++)
        buf_printf(
            out,
            "%s{\"name\":\"%.*s\",\"image\":\"%.*s\",\"imageID\":\"sim\",\"restartCount\":0,\"ready\":%s,"
            "\"started\":%s,\"state\":{%s}}",
            i ? "," : "", STR_ARG(p->spec.containers.v[i].name), STR_ARG(p->spec.containers.v[i].image),
            ready ? "true" : "false", ready ? "true" : "false", state);
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
    unsigned ip = (unsigned)(o->rv & 0xffff);
    buf_printf(&b,
               "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"phase\":\"Running\",\"startTime\":\"%s\","
               "\"hostIP\":\"192.168.0.1\",\"podIP\":\"10.1.%u.%u\",\"podIPs\":[{\"ip\":\"10.1.%u.%u\"}]",
               STR_ARG(o->meta->uid), at, ip >> 8, ip & 255, ip >> 8, ip & 255);
    (void)snprintf(state, sizeof state, "\"running\":{\"startedAt\":\"%s\"}", at);
    put_conditions(&b, false, "ContainersNotReady", at);
    put_containers(&b, p, false, state);
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
    put_containers(&b, o->body, true, state);
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
    put_containers(&b, o->body, false, state);
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

static bool plays(const struct nodes *n, struct str node) {
    struct str prefix = S("node-");
    uint64_t i;
    return str_has_prefix(node, prefix) && str_to_u64(str_from_byte(node, prefix.n), &i) &&
           i < n->options.n && !n->failed[i];
}

static int reconcile_pod(struct reconcile *r, struct str key, struct err *err) {
    struct nodes *n = r->arg;
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
    int64_t started = timestamp_to_ns(p->status.start_time);
    if (is_due(r, started, after_ns(p, "sim/runs-for", INT64_MAX)))
        return end_pod(r, o, err);
    if (!is_ready(p) && is_due(r, started, after_ns(p, "sim/ready-after", NS_PER_SEC)))
        return ready_pod(r, o, err);
    return 0;
}

/* -- nodes -- */

static int beat(struct reconcile *r, struct str key, struct err *err) {
    const struct nodes *n = r->arg;
    r->requeue_after_ns = HEARTBEAT_NS;
    if (!plays(n, key))
        return 0;
    char at[TIME_TEXT_SIZE];
    (void)timestamp_format_micro(timestamp_from_ns(clock_wall_ns(r->clock)), at);
    struct str lease =
        arena_printf(r->arena,
                     "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"spec\":{"
                     "\"holderIdentity\":\"%.*s\",\"leaseDurationSeconds\":40,\"renewTime\":\"%s\"}}",
                     STR_ARG(key), at);
    return client_patch(r->client, KIND(COORDINATION_LEASE), S("kube-node-lease"), key, S(""),
                        CLIENT_PATCH_APPLY, lease, NULL, err);
}

static void create_node(const struct nodes *n, unsigned i) {
    const struct nodes_options *o = &n->options;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct str zone =
        o->zones ? arena_printf(&a, ",\"topology.kubernetes.io/zone\":\"z%u\"", i % o->zones) : S("");
    struct str what =
        arena_printf(&a, "{\"cpu\":\"%s\",\"memory\":\"%s\",\"pods\":\"%s\"}", o->cpu, o->memory, o->pods);
    struct str text = arena_printf(
        &a,
        "{\"metadata\":{\"name\":\"node-%u\",\"labels\":{\"kubernetes.io/hostname\":\"node-%u\"%.*s}},"
        "\"status\":{\"capacity\":%.*s,\"allocatable\":%.*s,\"conditions\":[{\"type\":\"Ready\",\"status\":"
        "\"True\","
        "\"reason\":\"KubeletReady\"}],\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.168.%u.%u\"}"
        "]}}",
        i, i, STR_ARG(zone), STR_ARG(what), STR_ARG(what), i >> 8 & 255, i & 255);
    void *body;
    const struct kind *k = KIND(CORE_NODE);
    if (api_read_json(&a, k->set, k->type, text, NULL, &body, &err) ||
        client_create(o->client, k, S(""), body, NULL, &err))
        panic("sim node-%u: %s", i, err.msg);
}

struct nodes *nodes_start(const struct nodes_options *o) {
    struct nodes *n = calloc(1, sizeof *n);
    if (!n)
        panic("out of memory");
    n->options = *o;
    if (!o->cpu)
        n->options.cpu = "4";
    if (!o->memory)
        n->options.memory = "8Gi";
    if (!o->pods)
        n->options.pods = "110";
    n->failed = calloc(o->n + 1, sizeof *n->failed);
    if (!n->failed)
        panic("out of memory");
    for (unsigned i = 0; i < o->n; i++)
        create_node(n, i);
    const struct reconciler_watch watches[] = {{.of = {.kind = KIND(CORE_POD)}, .map = map_self}};
    struct reconciler_options ro = {
        .name = "sim-kubelet",
        .client = o->client,
        .loop = o->loop,
        .workers = o->workers,
        .concurrency = 4,
        .watches = watches,
        .n_watches = 1,
        .reconcile = reconcile_pod,
        .arg = n,
    };
    struct err err = ERR_INIT;
    if (reconciler_start(&ro, &n->pods, &err))
        panic("sim nodes: %s", err.msg);
    if (!o->leases)
        return n;
    ro.name = "sim-heartbeat";
    ro.n_watches = 0;
    ro.reconcile = beat;
    if (reconciler_start(&ro, &n->heartbeats, &err))
        panic("sim nodes: %s", err.msg);
    for (unsigned i = 0; i < o->n; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "node-%u", i);
        reconciler_enqueue(n->heartbeats, str_from(name));
    }
    return n;
}

void nodes_stop(struct nodes *n) {
    if (!n)
        return;
    reconciler_stop(n->pods);
    reconciler_stop(n->heartbeats);
    free(n->failed);
    free(n);
}

void nodes_fail(struct nodes *n, unsigned i) {
    n->failed[i] = true;
}

/* Everything is looked at again. */
void nodes_recover(struct nodes *n, unsigned i) {
    struct informer *pods;
    struct informer_snapshot s;
    n->failed[i] = false;
    if (informer_get(n->options.client, &(struct informer_options){.kind = KIND(CORE_POD)}, &pods, NULL))
        return;
    informer_snapshot(pods, &s);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &s.tree))
        reconciler_enqueue(n->pods, item->key);
    informer_snapshot_fini(&s);
    informer_unref(pods);
}
