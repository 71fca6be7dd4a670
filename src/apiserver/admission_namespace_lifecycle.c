/* NamespaceLifecycle: nothing is made in a namespace that is not there or is going, and three namespaces
 * never go. See admission.h. */
#include "api/types/core.h"
#include "apiserver/admission_priv.h"

static bool is_kept(struct str name) {
    return str_eq(name, S("default")) || str_eq(name, S("kube-system")) || str_eq(name, S("kube-public"));
}

/* Reviews answer for namespaces that are not there, too. */
static bool is_review(const struct kind *k) {
    return k->index == KIND_AUTHORIZATION_LOCAL_SUBJECT_ACCESS_REVIEW;
}

static enum admission_verdict refuse_terminating(const struct admission_request *r, const struct object *ns,
                                                 struct status **ret_status) {
    enum admission_verdict v = admission_forbid(
        r, ret_status, "unable to create new content in namespace %.*s because it is being terminated",
        STR_ARG(r->ns));
    struct str why = arena_printf(admission_arena(r), "namespace %.*s is being terminated", STR_ARG(r->ns));
    (void)ns;
    status_add_cause(admission_arena(r), *ret_status, S("NamespaceTerminating"), S("metadata.namespace"),
                     why);
    return v;
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    if (r->operation == ADMIT_DELETE)
        return admission_is(r, KIND_CORE_NAMESPACE) && is_kept(r->name)
                   ? admission_forbid(r, ret_status, "this namespace may not be deleted")
                   : ADMIT_NEXT;
    if (str_empty(r->ns) || !r->kind->namespaced || is_review(r->kind))
        return ADMIT_NEXT;
    const struct object *ns = call_lookup(r->call, KIND_CORE_NAMESPACE, S(""), r->ns);
    if (!ns) {
        *ret_status = status_not_found(admission_arena(r), status_of(&kinds[KIND_CORE_NAMESPACE], r->ns));
        return ADMIT_DENY;
    }
    const struct core_namespace *body = ns->body;
    if (r->operation == ADMIT_CREATE &&
        (ns->meta->deletion_timestamp.set || str_eq(body->status.phase, S("Terminating"))))
        return refuse_terminating(r, ns, ret_status);
    return ADMIT_NEXT;
}

const struct admission_plugin admission_namespace_lifecycle = {
    .name = "NamespaceLifecycle",
    .operations = ADMIT_CREATE | ADMIT_UPDATE | ADMIT_DELETE,
    .mutate = mutate,
};
