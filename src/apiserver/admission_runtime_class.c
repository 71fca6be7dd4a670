/* RuntimeClass: a pod takes over what its class costs and where it can run. See admission.h. CONFORMS:
 * KEP-688, KEP-585. */
#include "api/equal.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/node.h"
#include "apiserver/admission_priv.h"

static enum admission_verdict find_class(const struct admission_request *r, const struct core_pod *p,
                                         const struct node_runtime_class **ret_class,
                                         struct status **ret_status) {
    *ret_class = NULL;
    if (!p->spec.runtime_class_name.p)
        return ADMIT_NEXT;
    const struct object *o = call_lookup(r->call, KIND_NODE_RUNTIME_CLASS, S(""), p->spec.runtime_class_name);
    if (!o)
        return admission_forbid(r, ret_status, "pod rejected: RuntimeClass \"%.*s\" not found",
                                STR_ARG(p->spec.runtime_class_name));
    *ret_class = o->body;
    return ADMIT_NEXT;
}

static bool same_amounts(struct quantity_map a, struct quantity_map b) {
    const struct ty_field *f = ty_find(&builtin, TY_CORE_POD_SPEC, S("overhead"));
    return api_equal_value(&builtin, f, f->shape, &a, &b);
}

static enum admission_verdict set_overhead(const struct admission_request *r, struct core_pod *p,
                                           const struct node_runtime_class *class,
                                           struct status **ret_status) {
    if (!class || !class->overhead)
        return ADMIT_NEXT;
    if (p->spec.overhead.n && !same_amounts(p->spec.overhead, class->overhead->pod_fixed))
        return admission_forbid(r, ret_status,
                                "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    p->spec.overhead = class->overhead->pod_fixed;
    return ADMIT_NEXT;
}

static enum admission_verdict merge_selector(const struct admission_request *r, struct core_pod *p,
                                             struct str_map with, struct status **ret_status) {
    for (uint32_t i = 0; i < with.n; i++) {
        struct str mine = str_map_get(p->spec.node_selector, with.v[i].key);
        if (mine.p && !str_eq(mine, with.v[i].value))
            return admission_forbid(r, ret_status,
                                    "conflict: runtimeClass.scheduling.nodeSelector[%.*s] = %.*s; "
                                    "pod.spec.nodeSelector[%.*s] = %.*s",
                                    STR_ARG(with.v[i].key), STR_ARG(with.v[i].value), STR_ARG(with.v[i].key),
                                    STR_ARG(mine));
    }
    p->spec.node_selector = str_map_merge(admission_arena(r), p->spec.node_selector, with);
    return ADMIT_NEXT;
}

static void append_tolerations(struct arena *a, struct core_toleration_array *to,
                               const struct core_toleration_array *from) {
    struct core_toleration *v = arena_new_n(a, (size_t)to->n + from->n + 1, struct core_toleration);
    if (to->n)
        memcpy(v, to->v, to->n * sizeof *v);
    for (uint32_t i = 0; i < from->n; i++) {
        bool there = false;
        for (uint32_t k = 0; k < to->n && !there; k++)
            there = api_equal(&builtin, TY_CORE_TOLERATION, &v[k], &from->v[i]);
        if (!there)
            v[to->n++] = from->v[i];
    }
    to->v = to->n ? v : to->v;
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    if (!admission_is_main(r, KIND_CORE_POD))
        return ADMIT_NEXT;
    struct core_pod *p = r->object;
    const struct node_runtime_class *class;
    enum admission_verdict v = find_class(r, p, &class, ret_status);
    if (v == ADMIT_NEXT)
        v = set_overhead(r, p, class, ret_status);
    if (v != ADMIT_NEXT || !class || !class->scheduling)
        return v;
    v = merge_selector(r, p, class->scheduling->node_selector, ret_status);
    if (v == ADMIT_NEXT)
        append_tolerations(admission_arena(r), &p->spec.tolerations, &class->scheduling->tolerations);
    return v;
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    (void)a;
    if (!admission_is_main(r, KIND_CORE_POD))
        return ADMIT_NEXT;
    const struct core_pod *p = r->object;
    const struct node_runtime_class *class;
    enum admission_verdict v = find_class(r, p, &class, ret_status);
    if (v != ADMIT_NEXT || p->spec.overhead.n == 0)
        return v;
    if (class && class->overhead && same_amounts(p->spec.overhead, class->overhead->pod_fixed))
        return ADMIT_NEXT;
    return admission_forbid(r, ret_status,
                            class && class->overhead
                                ? "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
                                : "pod rejected: Pod Overhead set without corresponding RuntimeClass defined "
                                  "Overhead");
}

const struct admission_plugin admission_runtime_class = {
    .name = "RuntimeClass",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
    .validate = validate,
};
