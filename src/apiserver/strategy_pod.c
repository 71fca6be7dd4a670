/* The strategy of pods. See strategy.h. CONFORMS: strategy.tsv. */
#include "api/equal.h"
#include "api/field_error.h"
#include "api/meta.h"
#include "api/pod_qos.h"
#include "api/types/core.h"
#include "apiserver/strategy_priv.h"
#include "base/vec.h"

/* -- what is behind gates that are off -- */

static bool has_trust_bundle(const struct core_pod_spec *s) {
    for (uint32_t i = 0; s && i < s->volumes.n; i++) {
        const struct core_projected_volume_source *p = s->volumes.v[i].volume_source.projected;
        for (uint32_t k = 0; p && k < p->sources.n; k++)
            if (p->sources.v[k].cluster_trust_bundle)
                return true;
    }
    return false;
}

static void drop_trust_bundles(struct core_pod_spec *s) {
    for (uint32_t i = 0; i < s->volumes.n; i++) {
        struct core_projected_volume_source *p = s->volumes.v[i].volume_source.projected;
        for (uint32_t k = 0; p && k < p->sources.n; k++)
            p->sources.v[k].cluster_trust_bundle = NULL;
    }
}

static bool has_stop_signal(const struct core_container_array *containers) {
    for (uint32_t i = 0; i < containers->n; i++)
        if (containers->v[i].lifecycle && containers->v[i].lifecycle->stop_signal.p)
            return true;
    return false;
}

static void drop_stop_signals(struct core_container_array *containers) {
    for (uint32_t i = 0; i < containers->n; i++) {
        struct core_lifecycle *l = containers->v[i].lifecycle;
        if (!l || !l->stop_signal.p)
            continue;
        l->stop_signal = STR_NONE;
        if (!l->post_start && !l->pre_stop)
            containers->v[i].lifecycle = NULL;
    }
}

void strategy_drop_pod_fields(struct core_pod_spec *spec, const struct core_pod_spec *old) {
    if (!(old && old->scheduling_group))
        spec->scheduling_group = NULL;
    if (!has_trust_bundle(old))
        drop_trust_bundles(spec);
    if (!old || !(has_stop_signal(&old->containers) || has_stop_signal(&old->init_containers))) {
        drop_stop_signals(&spec->containers);
        drop_stop_signals(&spec->init_containers);
    }
}

/* -- keys of the pod's own labels in selectors -- */

/* What a key becomes: "key in (the pod's value)". */
static void require_label(struct call *c, struct meta_label_selector *s, struct str key, struct str operator,
                          struct str value) {
    struct meta_label_selector_requirement_array *e = &s->match_expressions;
    struct meta_label_selector_requirement *v =
        arena_new_n(c->arena, e->n + 1u, struct meta_label_selector_requirement);
    if (e->n)
        memcpy(v, e->v, e->n * sizeof *v);
    struct str *values = arena_new(c->arena, struct str);
    *values = value;
    v[e->n] = (struct meta_label_selector_requirement){
        .key = key, .operator= operator, .values = {.v = values, .n = 1} };
    e->v = v;
    e->n++;
}

static void require_labels(struct call *c, struct meta_label_selector *s, struct str_array keys,
                           struct str operator, struct str_map labels) {
    for (uint32_t i = 0; s && i < keys.n; i++) {
        struct str value = str_map_get(labels, keys.v[i]);
        if (value.p)
            require_label(c, s, keys.v[i], operator, value);
    }
}

static void complete_term(struct call *c, struct core_pod_affinity_term *t, struct str_map labels) {
    require_labels(c, t->label_selector, t->match_label_keys, S("In"), labels);
    require_labels(c, t->label_selector, t->mismatch_label_keys, S("NotIn"), labels);
}

static void complete_terms(struct call *c, struct core_pod_affinity_term_array required,
                           struct core_weighted_pod_affinity_term_array preferred, struct str_map labels) {
    for (uint32_t i = 0; i < required.n; i++)
        complete_term(c, &required.v[i], labels);
    for (uint32_t i = 0; i < preferred.n; i++)
        complete_term(c, &preferred.v[i].pod_affinity_term, labels);
}

static void complete_selectors(struct call *c, struct core_pod *p) {
    struct str_map labels = p->metadata.labels;
    struct core_affinity *a = p->spec.affinity;
    if (a && a->pod_affinity)
        complete_terms(c, a->pod_affinity->required_during_scheduling_ignored_during_execution,
                       a->pod_affinity->preferred_during_scheduling_ignored_during_execution, labels);
    if (a && a->pod_anti_affinity)
        complete_terms(c, a->pod_anti_affinity->required_during_scheduling_ignored_during_execution,
                       a->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution, labels);
    for (uint32_t i = 0; i < p->spec.topology_spread_constraints.n; i++) {
        struct core_topology_spread_constraint *t = &p->spec.topology_spread_constraints.v[i];
        require_labels(c, t->label_selector, t->match_label_keys, S("In"), labels);
    }
}

/* -- AppArmor: the older annotations -- */

#define APPARMOR_PREFIX S("container.apparmor.security.beta.kubernetes.io/")

static struct core_app_armor_profile *profile_of(struct call *c, struct str text) {
    struct core_app_armor_profile *p = arena_new(c->arena, struct core_app_armor_profile);
    if (str_eq(text, S("unconfined")))
        p->type = S("Unconfined");
    else if (str_eq(text, S("runtime/default")))
        p->type = S("RuntimeDefault");
    else if (str_has_prefix(text, S("localhost/")) && text.n > 10) {
        p->type = S("Localhost");
        p->localhost_profile = str_from_byte(text, 10);
    } else
        return NULL;
    return p;
}

static bool same_profile(const struct core_app_armor_profile *a, const struct core_app_armor_profile *b) {
    return a && b && str_eq(a->type, b->type) && str_eq(a->localhost_profile, b->localhost_profile);
}

static void apply_apparmor(struct call *c, struct core_pod *p, struct str name,
                           struct core_security_context **security) {
    if (*security && (*security)->app_armor_profile)
        return;
    struct str key = arena_printf(c->arena, "%.*s%.*s", STR_ARG(APPARMOR_PREFIX), STR_ARG(name));
    struct str text = str_map_get(p->metadata.annotations, key);
    struct core_app_armor_profile *profile = text.p ? profile_of(c, text) : NULL;
    const struct core_pod_security_context *pod = p->spec.security_context;
    if (!profile || (pod && same_profile(pod->app_armor_profile, profile)))
        return;
    if (!*security)
        *security = arena_new(c->arena, struct core_security_context);
    (*security)->app_armor_profile = profile;
}

static bool has_apparmor_annotation(const struct core_pod *p) {
    for (uint32_t i = 0; i < p->metadata.annotations.n; i++)
        if (str_has_prefix(p->metadata.annotations.v[i].key, APPARMOR_PREFIX))
            return true;
    return false;
}

static void apply_apparmor_annotations(struct call *c, struct core_pod *p) {
    if (!has_apparmor_annotation(p) || (p->spec.os && str_eq(p->spec.os->name, S("windows"))))
        return;
    for (uint32_t i = 0; i < p->spec.init_containers.n; i++)
        apply_apparmor(c, p, p->spec.init_containers.v[i].name,
                       &p->spec.init_containers.v[i].security_context);
    for (uint32_t i = 0; i < p->spec.containers.n; i++)
        apply_apparmor(c, p, p->spec.containers.v[i].name, &p->spec.containers.v[i].security_context);
}

/* -- create, update -- */

static void set_gated(struct call *c, struct core_pod *p) {
    if (!p->spec.scheduling_gates.n)
        return;
    struct core_pod_condition *v = arena_new(c->arena, struct core_pod_condition);
    *v = (struct core_pod_condition){
        .type = S("PodScheduled"),
        .status = S("False"),
        .reason = S("SchedulingGated"),
        .message = S("Scheduling is blocked due to non-empty scheduling gates"),
    };
    p->status.conditions.v = v;
    p->status.conditions.n = 1;
}

static void pod_create(struct call *c, void *object) {
    struct core_pod *p = object;
    memset(&p->status, 0, sizeof p->status);
    p->status.phase = S("Pending");
    strategy_drop_pod_fields(&p->spec, NULL);
    p->status.qos_class = pod_qos_class(&p->spec);
    set_gated(c, p);
    complete_selectors(c, p);
    apply_apparmor_annotations(c, p);
}

static void pod_update(struct call *c, void *object, const void *old) {
    struct core_pod *p = object;
    const struct core_pod *from = old;
    (void)c;
    p->status = from->status;
    strategy_drop_pod_fields(&p->spec, &from->spec);
}

static void keep_observed(struct core_pod_status *s, const struct core_pod_status *old) {
    if (!s->observed_generation)
        s->observed_generation = old->observed_generation;
    for (uint32_t i = 0; i < s->conditions.n; i++)
        for (uint32_t k = 0; k < old->conditions.n && !s->conditions.v[i].observed_generation; k++)
            if (str_eq(s->conditions.v[i].type, old->conditions.v[k].type))
                s->conditions.v[i].observed_generation = old->conditions.v[k].observed_generation;
}

static void pod_status(struct call *c, void *object, const void *old) {
    struct core_pod *p = object;
    const struct core_pod *from = old;
    (void)c;
    p->spec = from->spec;
    p->metadata.deletion_timestamp = from->metadata.deletion_timestamp;
    p->metadata.owner_references = from->metadata.owner_references;
    if (str_empty(p->status.qos_class))
        p->status.qos_class = from->status.qos_class;
    keep_observed(&p->status, &from->status);
}

/* Resources and resize policies of containers that are there, in place of the old ones. */
static void take_resources(struct call *c, struct core_container_array *to,
                           const struct core_container_array *from, const struct core_container_array *old) {
    *to = (struct core_container_array){.v = NULL, .n = old->n};
    if (!old->n)
        return;
    struct core_container *v = arena_new_n(c->arena, old->n, struct core_container);
    memcpy(v, old->v, old->n * sizeof *v);
    for (uint32_t i = 0; i < old->n; i++)
        for (uint32_t k = 0; k < from->n; k++)
            if (str_eq(v[i].name, from->v[k].name)) {
                v[i].resources = from->v[k].resources;
                v[i].resize_policy = from->v[k].resize_policy;
            }
    to->v = v;
}

static void restore_but_resources(struct call *c, struct core_pod *p, const struct core_pod *old) {
    struct core_pod_spec asked = p->spec;
    strategy_restore_meta(&p->metadata, &old->metadata);
    p->spec = old->spec;
    p->status = old->status;
    p->spec.resources = asked.resources;
    take_resources(c, &p->spec.containers, &asked.containers, &old->spec.containers);
    take_resources(c, &p->spec.init_containers, &asked.init_containers, &old->spec.init_containers);
}

static void pod_subresource(struct call *c, struct str subresource, void *object, const void *old) {
    struct core_pod *p = object;
    const struct core_pod *from = old;
    if (str_eq(subresource, S("resize"))) {
        restore_but_resources(c, p, from);
    } else if (str_eq(subresource, S("ephemeralcontainers"))) {
        struct core_ephemeral_container_array asked = p->spec.ephemeral_containers;
        strategy_restore_meta(&p->metadata, &from->metadata);
        p->spec = from->spec;
        p->spec.ephemeral_containers = asked;
        p->status = from->status;
    }
}

static int64_t pod_grace(struct call *c, const void *object, int64_t asked) {
    const struct core_pod *p = object;
    (void)c;
    int64_t seconds = asked;
    if (seconds < 0)
        seconds =
            p->spec.termination_grace_period_seconds.set ? p->spec.termination_grace_period_seconds.v : 0;
    if (str_empty(p->spec.node_name) || str_eq(p->status.phase, S("Succeeded")) ||
        str_eq(p->status.phase, S("Failed")))
        return 0;
    return seconds < 0 ? 1 : seconds;
}

static void pod_warn(struct call *c, const void *object, const void *old) {
    const struct core_pod *p = object, *from = old;
    if (from && api_equal(&builtin, TY_CORE_POD_SPEC, &p->spec, &from->spec))
        return;
    strategy_warn_pod(c, NULL, &p->spec, &p->metadata, from ? &from->spec : NULL);
}

const struct strategy strategy_pod = {
    .kind = KIND_CORE_POD,
    .spec_generation = true,
    .prepare_create = pod_create,
    .prepare_update = pod_update,
    .prepare_status = pod_status,
    .prepare_subresource = pod_subresource,
    .grace = pod_grace,
    .warn = pod_warn,
};
