/* What an update of a pod may change: almost nothing. See pod.h. */
#include "api/quantity.h"
#include "api/validation/pod.h"
#include "base/arena.h"
#include "base/buf.h"

/* ---- annotations ---- */

static bool is_fixed_annotation(struct str key) {
    return str_eq(key, ANNOTATION_MIRROR_POD) ||
           str_has_prefix(key, S("container.apparmor.security.beta.kubernetes.io/"));
}

void check_pod_annotation_update(struct field_errors *e, const struct meta_object_meta *meta,
                                 const struct meta_object_meta *old) {
    const struct field_path *p = at_field(NULL, "metadata.annotations");
    for (uint32_t i = 0; i < old->annotations.n; i++) {
        const struct str_entry *a = &old->annotations.v[i];
        if (!is_fixed_annotation(a->key))
            continue;
        struct str now = str_map_get(meta->annotations, a->key);
        if (!now.p || !str_eq(now, a->value))
            field_forbidden(e, at_key(p, a->key), "may not be removed or changed");
    }
    for (uint32_t i = 0; i < meta->annotations.n; i++) {
        struct str key = meta->annotations.v[i].key;
        if (is_fixed_annotation(key) && !str_map_get(old->annotations, key).p)
            field_forbidden(e, at_key(p, key), "may not be added");
    }
}

/* ---- what may change ---- */

static bool check_containers_stay(struct field_errors *e, const struct field_path *p,
                                  const struct core_container_array *list,
                                  const struct core_container_array *old) {
    if (list->n != old->n) {
        field_forbidden(e, p, "pod updates may not add or remove containers");
        return false;
    }
    return true;
}

static bool check_deadline(struct field_errors *e, const struct field_path *p, struct opt_i64 deadline,
                           struct opt_i64 old) {
    if (!deadline.set) {
        if (old.set)
            field_invalid(e, p, BAD_NULL, "must not update from a positive integer to nil value");
        return true;
    }
    if (!check_range(e, p, deadline.v, 0, INT32_MAX))
        return false;
    if (!old.set || old.v >= deadline.v)
        return true;
    field_invalid(e, p, bad(deadline.v), "must be less than or equal to previous value");
    return false;
}

static struct seen_key toleration_key(const struct core_toleration *t) {
    return (struct seen_key){{t->key, t->operator, t->value, t->effect}};
}

static void check_tolerations_added(struct field_errors *e, const struct field_path *p,
                                    const struct core_toleration_array *list,
                                    const struct core_toleration_array *old) {
    SEEN(present);
    for (uint32_t i = 0; i < list->n; i++)
        (void)seen_add(&present, toleration_key(&list->v[i]));
    for (uint32_t i = 0; i < old->n; i++) {
        if (seen_has(&present, toleration_key(&old->v[i])))
            continue;
        field_forbidden(e, p, "existing toleration can not be modified except its tolerationSeconds");
        return;
    }
}

static void check_gates_removed(struct field_errors *e, const struct field_path *p,
                                const struct core_pod_scheduling_gate_array *list,
                                const struct core_pod_scheduling_gate_array *old) {
    SEEN(known);
    for (uint32_t i = 0; i < old->n; i++)
        (void)seen_before(&known, old->v[i].name);
    for (uint32_t i = 0; i < list->n; i++)
        if (!seen_has(&known, (struct seen_key){{list->v[i].name}}))
            field_forbidden(e, at_field(at_index(p, i), "name"),
                            "only deletion is allowed, but found new scheduling gate '%.*s'",
                            STR_ARG(list->v[i].name));
}

/* ---- gated pods: where they may run can be narrowed ---- */

static void check_node_selector_added(struct field_errors *e, const struct field_path *p,
                                      const struct core_pod_spec *spec, const struct core_pod_spec *old) {
    for (uint32_t i = 0; i < old->node_selector.n; i++) {
        const struct str_entry *entry = &old->node_selector.v[i];
        struct str now = str_map_get(spec->node_selector, entry->key);
        if (now.p && str_eq(now, entry->value))
            continue;
        field_invalid(e, p, bad_field(e, TY_CORE_POD_SPEC, S("nodeSelector"), spec),
                      "only additions to spec.nodeSelector are allowed (no mutations or deletions)");
        return;
    }
}

static bool begins_with(const struct core_node_selector_requirement_array *list,
                        const struct core_node_selector_requirement_array *old) {
    for (uint32_t i = 0; i < old->n; i++)
        if (i >= list->n || !api_equal(&builtin, TY_CORE_NODE_SELECTOR_REQUIREMENT, &list->v[i], &old->v[i]))
            return false;
    return true;
}

/* A term without any requirement matches nothing; adding to it would widen it. */
static bool only_narrows(const struct core_node_selector_term *term,
                         const struct core_node_selector_term *old) {
    if (old->match_expressions.n == 0 && old->match_fields.n == 0)
        return term->match_expressions.n == 0 && term->match_fields.n == 0;
    return begins_with(&term->match_expressions, &old->match_expressions) &&
           begins_with(&term->match_fields, &old->match_fields);
}

static const struct core_node_selector_term_array *required_terms(const struct core_pod_spec *spec) {
    static const struct core_node_selector_term_array none;
    const struct core_node_affinity *a = spec->affinity ? spec->affinity->node_affinity : NULL;
    return a && a->required_during_scheduling_ignored_during_execution
               ? &a->required_during_scheduling_ignored_during_execution->node_selector_terms
               : &none;
}

static void check_node_affinity_narrowed(struct field_errors *e, const struct field_path *p,
                                         const struct core_pod_spec *spec, const struct core_pod_spec *old) {
    const struct core_node_selector_term_array *terms = required_terms(spec),
                                               *old_terms = required_terms(old);
    const struct field_path *at =
        at_field(p, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    if (old_terms->n == 0)
        return;
    if (terms->n != old_terms->n) {
        field_invalid(e, at, bad(terms->n),
                      "no additions/deletions to non-empty NodeSelectorTerms list are allowed");
        return;
    }
    for (uint32_t i = 0; i < terms->n; i++)
        if (!only_narrows(&terms->v[i], &old_terms->v[i]))
            field_invalid(e, at_index(at, i), bad_object(e, TY_CORE_NODE_SELECTOR_TERM, &terms->v[i]),
                          "only additions are allowed (no mutations or deletions)");
}

static bool same_pod_affinity(const struct core_pod_spec *spec, const struct core_pod_spec *old) {
    static const struct core_affinity none;
    static const struct str node_affinity[] = {STR_INIT("nodeAffinity")};
    return api_equal_but(&builtin, TY_CORE_AFFINITY, spec->affinity ? spec->affinity : &none,
                         old->affinity ? old->affinity : &none, node_affinity, 1);
}

/* ---- what may not ---- */

/* Collects the names of fields that differ and should not. */
struct difference {
    struct buf names;
    bool any;
};

static void add_difference(struct difference *d, const struct field_path *p) {
    if (d->any)
        buf_lit(&d->names, ", ");
    d->any = true;
    field_path_text(&d->names, p);
}

static void compare(struct difference *d, const struct field_path *p, uint32_t type, const void *a,
                    const void *b, const struct str *ignored, size_t n) {
    if (api_equal_but(&builtin, type, a, b, ignored, n))
        return;
    const struct ty_field *f = ty_fields(&builtin, type), *end = f + builtin.types[type].n;
    for (; f < end; f++) {
        struct str name = ty_field_name(&builtin, f);
        if (f->flags & FIELD_INLINE || str_set_has((struct str_set){ignored, n}, name))
            continue;
        if (!api_equal_field(&builtin, type, a, b, name))
            add_difference(d, at_name(p, name));
    }
}

static void compare_containers(struct difference *d, const struct field_path *p,
                               const struct core_container_array *list,
                               const struct core_container_array *old) {
    static const struct str image[] = {STR_INIT("image")};
    for (uint32_t i = 0; i < list->n; i++)
        compare(d, at_index(p, i), TY_CORE_CONTAINER, &list->v[i], &old->v[i], image, 1);
}

static void check_rest(struct field_errors *e, const struct field_path *p, const struct core_pod_spec *spec,
                       const struct core_pod_spec *old) {
    static const struct str ignored[] = {
        STR_INIT("containers"),   STR_INIT("initContainers"),  STR_INIT("activeDeadlineSeconds"),
        STR_INIT("tolerations"),  STR_INIT("schedulingGates"), STR_INIT("terminationGracePeriodSeconds"),
        STR_INIT("nodeSelector"), STR_INIT("affinity"), /* of gated pods */
    };
    bool gated = old->scheduling_gates.n > 0;
    size_t n = sizeof ignored / sizeof ignored[0];
    struct difference d = {.names = BUF_INIT};
    compare_containers(&d, at_field(NULL, "containers"), &spec->containers, &old->containers);
    compare_containers(&d, at_field(NULL, "initContainers"), &spec->init_containers, &old->init_containers);
    compare(&d, NULL, TY_CORE_POD_SPEC, spec, old, ignored, gated ? n : n - 2);
    if (gated && !same_pod_affinity(spec, old))
        add_difference(&d, at_field(NULL, "affinity"));

    struct opt_i64 grace = spec->termination_grace_period_seconds,
                   old_grace = old->termination_grace_period_seconds;
    bool cured = old_grace.set && old_grace.v < 0 && grace.set && grace.v == 1;
    if (!cured && (grace.set != old_grace.set || grace.v != old_grace.v))
        add_difference(&d, at_field(NULL, "terminationGracePeriodSeconds"));
    if (d.any)
        field_forbidden(
            e, p,
            "pod updates may not change fields other than `spec.containers[*].image`, "
            "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only "
            "additions), "
            "`spec.schedulingGates` (only removals), `spec.terminationGracePeriodSeconds` (from a negative "
            "value to 1); changed: %s",
            buf_cstr(&d.names));
    buf_fini(&d.names);
}

void update_pod(struct validation *v, const void *object, const void *old_object) {
    const struct core_pod *pod = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec");
    struct field_errors *e = v->errors;
    check_pod(v, pod, old);
    check_pod_annotation_update(e, &pod->metadata, &old->metadata);
    if (!check_containers_stay(e, at_field(p, "containers"), &pod->spec.containers, &old->spec.containers) ||
        !check_containers_stay(e, at_field(p, "initContainers"), &pod->spec.init_containers,
                               &old->spec.init_containers) ||
        !check_deadline(e, at_field(p, "activeDeadlineSeconds"), pod->spec.active_deadline_seconds,
                        old->spec.active_deadline_seconds))
        return;
    check_tolerations_added(e, at_field(p, "tolerations"), &pod->spec.tolerations, &old->spec.tolerations);
    check_gates_removed(e, at_field(p, "schedulingGates"), &pod->spec.scheduling_gates,
                        &old->spec.scheduling_gates);
    if (old->spec.scheduling_gates.n) {
        check_node_selector_added(e, at_field(p, "nodeSelector"), &pod->spec, &old->spec);
        check_node_affinity_narrowed(e, p, &pod->spec, &old->spec);
    }
    check_rest(e, p, &pod->spec, &old->spec);
}

/* ---- ephemeral containers ---- */

void update_pod_ephemeral_containers(struct validation *v, const void *object, const void *old_object) {
    const struct core_pod *pod = object, *old = old_object;
    const struct field_path *p = at_field(NULL, "spec.ephemeralContainers");
    check_pod(v, pod, old);
    check_pod_annotation_update(v->errors, &pod->metadata, &old->metadata);
    if (pod_is_mirror(&old->metadata)) {
        field_forbidden(v->errors, NULL, "static pods do not support ephemeral containers");
        return;
    }
    _cleanup_map struct map by_name = MAP_INIT;
    for (uint32_t i = 0; i < pod->spec.ephemeral_containers.n; i++) {
        struct core_ephemeral_container *c = &pod->spec.ephemeral_containers.v[i];
        (void)map_put(&by_name, c->ephemeral_container_common.name, c);
    }
    for (uint32_t i = 0; i < old->spec.ephemeral_containers.n; i++) {
        const struct core_ephemeral_container *was = &old->spec.ephemeral_containers.v[i];
        struct str name = was->ephemeral_container_common.name;
        const struct core_ephemeral_container *is = map_get(&by_name, name);
        if (!is)
            field_forbidden(v->errors, p, "existing ephemeral containers \"%.*s\" may not be removed",
                            STR_ARG(name));
        else if (!api_equal(&builtin, TY_CORE_EPHEMERAL_CONTAINER, is, was))
            field_forbidden(v->errors, p, "existing ephemeral containers \"%.*s\" may not be changed",
                            STR_ARG(name));
    }
}
