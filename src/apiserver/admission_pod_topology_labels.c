/* PodTopologyLabels: a pod carries the zone and the region of its node. See admission.h. */
#include "api/meta.h"
#include "api/types/core.h"
#include "apiserver/admission_priv.h"

static const struct str labels[] = {STR_INIT("topology.kubernetes.io/region"),
                                    STR_INIT("topology.kubernetes.io/zone")};

/* A binding's labels are merged into those of its pod. */
static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    struct meta_object_meta *meta;
    struct str node;
    if (admission_is_main(r, KIND_CORE_POD)) {
        struct core_pod *p = r->object;
        meta = &p->metadata;
        node = p->spec.node_name;
    } else if (r->object && r->object_type == TY_CORE_BINDING) {
        struct core_binding *b = r->object;
        meta = &b->metadata;
        node = b->target.name;
    } else
        return ADMIT_NEXT;
    const struct object *o = str_empty(node) ? NULL : call_lookup(r->call, KIND_CORE_NODE, S(""), node);
    for (size_t i = 0; o && i < sizeof labels / sizeof *labels; i++) {
        struct str value = str_map_get(o->meta->labels, labels[i]);
        if (value.p)
            meta->labels = str_map_with(admission_arena(r), meta->labels, labels[i], value);
    }
    return ADMIT_NEXT;
}

const struct admission_plugin admission_pod_topology_labels = {
    .name = "PodTopologyLabels",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
};
