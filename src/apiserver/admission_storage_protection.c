/* StorageObjectInUseProtection: volumes and claims are not removed while something uses them. See
 * admission.h.
 */
#include "api/meta.h"
#include "apiserver/admission_priv.h"

static struct str finalizer_of(const struct kind *k) {
    switch (k->index) {
    case KIND_CORE_PERSISTENT_VOLUME: return S("kubernetes.io/pv-protection");
    case KIND_CORE_PERSISTENT_VOLUME_CLAIM: return S("kubernetes.io/pvc-protection");
    case KIND_STORAGE_VOLUME_ATTRIBUTES_CLASS: return S("kubernetes.io/vac-protection");
    default: return STR_NONE;
    }
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    struct str finalizer = finalizer_of(r->kind);
    if (finalizer.p && str_empty(r->subresource))
        (void)meta_add_finalizer(admission_arena(r), object_meta_in(r->kind, r->object), finalizer);
    return ADMIT_NEXT;
}

const struct admission_plugin admission_storage_protection = {
    .name = "StorageObjectInUseProtection",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
};
