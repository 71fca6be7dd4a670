/* controller/node_health: what the conditions of a node mean. */
#include "controller/node_health.h"

#include "base/err.h"
#include "controller/taints.h"

const struct core_node_condition *node_condition(const struct core_node *n, struct str type) {
    for (uint32_t i = 0; i < n->status.conditions.n; i++)
        if (str_eq(n->status.conditions.v[i].type, type))
            return &n->status.conditions.v[i];
    return NULL;
}

struct str node_readiness(const struct core_node *n) {
    const struct core_node_condition *c = node_condition(n, S("Ready"));
    return c ? c->status : S("Unknown");
}

/* -- taints -- */

static const struct {
    const char *condition, *status, *taint;
} condition_taints[] = {
    {"Ready", "False", "node.kubernetes.io/not-ready"},
    {"Ready", "Unknown", "node.kubernetes.io/unreachable"},
    {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure"},
    {"DiskPressure", "True", "node.kubernetes.io/disk-pressure"},
    {"PIDPressure", "True", "node.kubernetes.io/pid-pressure"},
    {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"},
};
#define N_CONDITION_TAINTS (sizeof condition_taints / sizeof *condition_taints)

static bool condition_holds(const struct core_node *n, size_t i) {
    const struct core_node_condition *c = node_condition(n, str_from(condition_taints[i].condition));
    return c && str_eq(c->status, str_from(condition_taints[i].status));
}

static bool is_managed(const struct core_taint *t) {
    if (str_eq(t->effect, S("NoExecute")))
        return str_eq(t->key, TAINT_NOT_READY) || str_eq(t->key, TAINT_UNREACHABLE);
    if (!str_eq(t->effect, S("NoSchedule")))
        return false;
    for (size_t i = 0; i < N_CONDITION_TAINTS; i++)
        if (str_eq(t->key, str_from(condition_taints[i].taint)))
            return true;
    return str_eq(t->key, S("node.kubernetes.io/unschedulable"));
}

static void put_taint(struct core_taint_array *out, const struct core_node *n, struct str key,
                      const char *effect, struct timestamp added) {
    const struct core_taint *old = taint_find(&n->spec.taints, key, str_from(effect));
    out->v[out->n++] =
        old ? *old : (struct core_taint){.key = key, .effect = str_from(effect), .time_added = added};
}

static struct str execute_key(const struct core_node *n) {
    struct str ready = node_readiness(n);
    if (!node_condition(n, S("Ready")) || str_eq(ready, S("True")))
        return STR_NONE;
    return str_eq(ready, S("False")) ? TAINT_NOT_READY : TAINT_UNREACHABLE;
}

struct str node_missing_execute_taint(const struct core_node *n) {
    struct str key = execute_key(n);
    return key.n && taint_find(&n->spec.taints, key, S("NoExecute")) ? STR_NONE : key;
}

struct core_taint_array node_wanted_taints(struct arena *a, const struct core_node *n, bool execute,
                                           struct timestamp now) {
    struct core_taint_array out = {
        arena_new_n(a, n->spec.taints.n + N_CONDITION_TAINTS + 2, struct core_taint), 0};
    for (uint32_t i = 0; i < n->spec.taints.n; i++)
        if (!is_managed(&n->spec.taints.v[i]))
            out.v[out.n++] = n->spec.taints.v[i];
    for (size_t i = 0; i < N_CONDITION_TAINTS; i++)
        if (condition_holds(n, i))
            put_taint(&out, n, str_from(condition_taints[i].taint), "NoSchedule", now);
    if (n->spec.unschedulable)
        put_taint(&out, n, S("node.kubernetes.io/unschedulable"), "NoSchedule", now);
    struct str key = execute_key(n);
    /* a node that went from one bad state into the other keeps its place: the taint is swapped at once */
    bool has = taint_find(&n->spec.taints, TAINT_NOT_READY, S("NoExecute")) ||
               taint_find(&n->spec.taints, TAINT_UNREACHABLE, S("NoExecute"));
    if (key.n && (execute || has))
        put_taint(&out, n, key, "NoExecute", now);
    return out;
}

bool taints_equal(const struct core_taint_array *x, const struct core_taint_array *y) {
    if (x->n != y->n)
        return false;
    for (uint32_t i = 0; i < x->n; i++) {
        const struct core_taint *t = taint_find(y, x->v[i].key, x->v[i].effect);
        if (!t || !str_eq(t->value, x->v[i].value))
            return false;
    }
    return true;
}

/* -- silence -- */

bool node_set_unknown(struct arena *a, struct core_node *n, struct timestamp now) {
    static const char *const types[] = {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};
    struct core_node_condition_array *list = &n->status.conditions;
    struct core_node_condition *v = arena_new_n(a, list->n + 4, struct core_node_condition);
    uint32_t count = list->n;
    bool changed = false;
    if (list->n)
        memcpy(v, list->v, list->n * sizeof *v);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        uint32_t i = 0;
        while (i < count && !str_eq(v[i].type, str_from(types[t])))
            i++;
        if (i == count)
            v[count++] = (struct core_node_condition){.type = str_from(types[t]),
                                                      .last_heartbeat_time = n->metadata.creation_timestamp,
                                                      .reason = S("NodeStatusNeverUpdated"),
                                                      .message = S("Kubelet never posted node status.")};
        else if (str_eq(v[i].status, S("Unknown")))
            continue;
        else {
            v[i].reason = S("NodeStatusUnknown");
            v[i].message = S("Kubelet stopped posting node status.");
        }
        v[i].status = S("Unknown");
        v[i].last_transition_time = now;
        changed = true;
    }
    *list = (struct core_node_condition_array){v, count};
    return changed;
}

/* -- zones -- */

enum zone_state zone_state_of(uint32_t ready, uint32_t not_ready, double threshold) {
    if (!ready && not_ready)
        return ZONE_FULL;
    if (not_ready > 2 && (double)not_ready / (double)(ready + not_ready) >= threshold)
        return ZONE_PARTIAL;
    return ZONE_NORMAL;
}

double zone_rate(enum zone_state state, uint32_t nodes, uint32_t large, double rate, double secondary) {
    if (state == ZONE_PARTIAL)
        return nodes > large ? secondary : 0;
    return rate;
}
