/* controller/volume_plan: which volume a claim gets. */
#include "controller/volume_plan.h"

#include "api/label_selector.h"
#include "api/meta.h"
#include "api/node_selector.h"
#include "api/quantity.h"

#define BETA_CLASS S("volume.beta.kubernetes.io/storage-class")

struct str claim_class(const struct core_persistent_volume_claim *c) {
    struct str old = str_map_get(c->metadata.annotations, BETA_CLASS);
    return old.p ? old : c->spec.storage_class_name.p ? c->spec.storage_class_name : S("");
}

struct str volume_class(const struct core_persistent_volume *v) {
    struct str old = str_map_get(v->metadata.annotations, BETA_CLASS);
    return old.p ? old : v->spec.storage_class_name.p ? v->spec.storage_class_name : S("");
}

bool volume_is_for(const struct core_persistent_volume *v, const struct core_persistent_volume_claim *c) {
    const struct core_object_reference *ref = v->spec.claim_ref;
    return ref && str_eq(ref->name, c->metadata.name) && str_eq(ref->namespace, c->metadata.namespace) &&
           (!ref->uid.n || str_eq(ref->uid, c->metadata.uid));
}

static bool has_modes(const struct str_array *have, const struct str_array *want) {
    for (uint32_t i = 0; i < want->n; i++) {
        bool found = false;
        for (uint32_t j = 0; j < have->n && !found; j++)
            found = str_eq(have->v[j], want->v[i]);
        if (!found)
            return false;
    }
    return true;
}

static struct str mode_of(struct str mode) {
    return mode.n ? mode : S("Filesystem");
}

struct str volume_mismatch(struct arena *a, const struct core_persistent_volume *v,
                           const struct core_persistent_volume_claim *c) {
    const struct quantity *have = quantity_map_get(v->spec.capacity, S("storage"));
    const struct quantity *want = quantity_map_get(c->spec.resources.requests, S("storage"));
    if (want && (!have || quantity_cmp(have, want) < 0))
        return S("requested PV is too small");
    if (!str_eq(volume_class(v), claim_class(c)))
        return S("storageClassName does not match");
    if (!str_eq(mode_of(v->spec.volume_mode), mode_of(c->spec.volume_mode)))
        return S("incompatible volumeMode");
    if (!has_modes(&v->spec.access_modes, &c->spec.access_modes))
        return S("incompatible accessMode");
    if (!str_eq(v->spec.volume_attributes_class_name, c->spec.volume_attributes_class_name))
        return S("volumeAttributesClassName does not match");
    if (c->spec.selector) {
        struct label_selector s;
        if (label_selector_compile(a, c->spec.selector, &s, NULL) ||
            !label_selector_matches(&s, v->metadata.labels))
            return S("the selector does not match");
    }
    return STR_NONE;
}

static bool node_reaches(struct arena *a, const struct core_persistent_volume *v,
                         const struct core_node *node) {
    struct node_selector s;
    if (!node || !v->spec.node_affinity || !v->spec.node_affinity->required)
        return true;
    node_selector_compile(a, v->spec.node_affinity->required, &s);
    return node_selector_matches(&s, node->metadata.labels, node->metadata.name);
}

const struct object *volume_best(struct arena *a, const struct object *const *volumes, size_t n,
                                 const struct core_persistent_volume_claim *c, bool only_kept,
                                 const struct core_node *node) {
    const struct object *best = NULL;
    const struct quantity *least = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct core_persistent_volume *v = volumes[i]->body;
        bool kept = volume_is_for(v, c);
        if ((v->spec.claim_ref && !kept) || (only_kept && !kept) || meta_is_deleting(&v->metadata) ||
            volume_mismatch(a, v, c).p || !node_reaches(a, v, node))
            continue;
        if (kept)
            return volumes[i];
        if (v->status.phase.n && !str_eq(v->status.phase, S("Available")) &&
            !str_eq(v->status.phase, S("Pending")))
            continue;
        const struct quantity *size = quantity_map_get(v->spec.capacity, S("storage"));
        if (!best || (size && least && quantity_cmp(size, least) < 0)) {
            best = volumes[i];
            least = size;
        }
    }
    return best;
}
