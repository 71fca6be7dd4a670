/* DefaultIngressClass: ingresses that name no class get the cluster's default one. See admission.h. */
#include "api/types/networking.h"
#include "apiserver/admission_priv.h"

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    if (!admission_is_main(r, KIND_NETWORKING_INGRESS))
        return ADMIT_NEXT;
    struct networking_ingress *ingress = r->object;
    if (ingress->spec.ingress_class_name.p ||
        str_map_get(ingress->metadata.annotations, S("kubernetes.io/ingress.class")).p)
        return ADMIT_NEXT;
    const struct object *class = admission_default_class(
        r, KIND_NETWORKING_INGRESS_CLASS, S("ingressclass.kubernetes.io/is-default-class"), S(""));
    if (class)
        ingress->spec.ingress_class_name = class->meta->name;
    return ADMIT_NEXT;
}

const struct admission_plugin admission_default_ingress_class = {
    .name = "DefaultIngressClass",
    .operations = ADMIT_CREATE,
    .mutate = mutate,
};
