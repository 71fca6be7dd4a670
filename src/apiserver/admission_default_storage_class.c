/* DefaultStorageClass: claims that name no class get the cluster's default one. See admission.h. */
#include "api/types/core.h"
#include "apiserver/admission_priv.h"

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    if (!admission_is_main(r, KIND_CORE_PERSISTENT_VOLUME_CLAIM))
        return ADMIT_NEXT;
    struct core_persistent_volume_claim *claim = r->object;
    if (claim->spec.storage_class_name.p ||
        str_map_get(claim->metadata.annotations, S("volume.beta.kubernetes.io/storage-class")).p)
        return ADMIT_NEXT;
    const struct object *class = admission_default_class(
        r, KIND_STORAGE_STORAGE_CLASS, S("storageclass.kubernetes.io/is-default-class"),
        S("storageclass.beta.kubernetes.io/is-default-class"));
    if (class)
        claim->spec.storage_class_name = class->meta->name;
    return ADMIT_NEXT;
}

const struct admission_plugin admission_default_storage_class = {
    .name = "DefaultStorageClass",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
};
