/* PersistentVolumeClaimResize: a claim may grow when it is bound and its class says so. See admission.h. */
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/storage.h"
#include "apiserver/admission_priv.h"

static struct str class_of(const struct core_persistent_volume_claim *claim) {
    struct str older = str_map_get(claim->metadata.annotations, S("volume.beta.kubernetes.io/storage-class"));
    return older.p ? older : claim->spec.storage_class_name;
}

static bool may_expand(const struct admission_request *r, struct str class) {
    const struct object *o =
        str_empty(class) ? NULL : call_lookup(r->call, KIND_STORAGE_STORAGE_CLASS, S(""), class);
    if (!o)
        return false;
    const struct storage_storage_class *c = o->body;
    return c->allow_volume_expansion.set && c->allow_volume_expansion.v;
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    (void)a;
    if (!admission_is_main(r, KIND_CORE_PERSISTENT_VOLUME_CLAIM))
        return ADMIT_NEXT;
    const struct core_persistent_volume_claim *claim = r->object, *old = r->old;
    const struct quantity *now = quantity_map_get(claim->spec.resources.requests, S("storage"));
    const struct quantity *was = quantity_map_get(old->spec.resources.requests, S("storage"));
    if (!now || !was || quantity_cmp(now, was) <= 0)
        return ADMIT_NEXT;
    if (!str_eq(old->status.phase, S("Bound")))
        return admission_forbid(r, ret_status, "Only bound persistent volume claims can be expanded");
    if (!may_expand(r, class_of(claim)) || !str_eq(class_of(claim), class_of(old)))
        return admission_forbid(r, ret_status,
                                "only dynamically provisioned pvc can be resized and the storageclass that "
                                "provisions the pvc must support resize");
    return ADMIT_NEXT;
}

const struct admission_plugin admission_claim_resize = {
    .name = "PersistentVolumeClaimResize",
    .operations = ADMIT_UPDATE,
    .validate = validate,
};
