/* TaintNodesByCondition: a new node takes no pods until it is known to be ready. See admission.h. */
#include "api/types/core.h"
#include "apiserver/admission_priv.h"

#define NOT_READY S("node.kubernetes.io/not-ready")
#define NO_SCHEDULE S("NoSchedule")

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    if (!admission_is_main(r, KIND_CORE_NODE))
        return ADMIT_NEXT;
    struct core_taint_array *taints = &((struct core_node *)r->object)->spec.taints;
    for (uint32_t i = 0; i < taints->n; i++)
        if (str_eq(taints->v[i].key, NOT_READY) && str_eq(taints->v[i].effect, NO_SCHEDULE))
            return ADMIT_NEXT;
    struct core_taint *v = arena_new_n(admission_arena(r), taints->n + 1u, struct core_taint);
    if (taints->n)
        memcpy(v, taints->v, taints->n * sizeof *v);
    v[taints->n] = (struct core_taint){.key = NOT_READY, .effect = NO_SCHEDULE};
    taints->v = v;
    taints->n++;
    return ADMIT_NEXT;
}

const struct admission_plugin admission_taint_nodes = {
    .name = "TaintNodesByCondition",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
};
