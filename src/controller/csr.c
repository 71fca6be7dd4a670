/* controller/csr: approves, signs and deletes certificate requests. Three controllers; keys are requests. */
#include "api/meta.h"
#include "api/types/authorization.h"
#include "base/timefmt.h"
#include "controller/controller_priv.h"
#include "controller/csr_rules.h"
#include "controller/rows.h"

#define SHORTEST_SEC 600

typedef struct certificates_certificate_signing_request request;
typedef struct certificates_certificate_signing_request_condition condition;

static void add_condition(struct reconcile *r, request *csr, const char *type, const char *reason,
                          struct str message) {
    uint32_t n = csr->status.conditions.n;
    condition *v = arena_new_n(r->arena, n + 1, condition);
    if (n)
        memcpy(v, csr->status.conditions.v, n * sizeof *v);
    v[n] = (condition){.type = str_from(type),
                       .status = S("True"),
                       .reason = str_from(reason),
                       .message = message,
                       .last_update_time = now_stamp(r),
                       .last_transition_time = now_stamp(r)};
    csr->status.conditions.v = v;
    csr->status.conditions.n = n + 1;
}

static int watch_requests(struct controller *c, reconcile_fn reconcile, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST, map_self, NULL)};
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 1, .reconcile = reconcile}, NULL,
        err);
}

/* -- approving -- */

/* Whether RBAC lets the asker have such a certificate without somebody's consent. */
static int may_have(struct controller *c, const request *csr, const char *subresource, bool *ret,
                    struct err *err) {
    struct authorization_resource_attributes what = {.group = S("certificates.k8s.io"),
                                                     .resource = S("certificatesigningrequests"),
                                                     .verb = S("create"),
                                                     .subresource = str_from(subresource),
                                                     .version = S("*")};
    struct authorization_subject_access_review review = {.spec = {.user = csr->spec.username,
                                                                  .uid = csr->spec.uid,
                                                                  .groups = csr->spec.groups,
                                                                  .resource_attributes = &what}};
    _cleanup_client_answer struct client_answer answer = CLIENT_ANSWER_INIT;
    struct client_call call = {
        .verb = CLIENT_CREATE, .kind = KIND(AUTHORIZATION_SUBJECT_ACCESS_REVIEW), .body = &review};
    int rc = client_do(c->client, &call, &answer, err);
    const struct authorization_subject_access_review *out =
        answer.object                                           ? answer.object->body
        : answer.type == TY_AUTHORIZATION_SUBJECT_ACCESS_REVIEW ? answer.body
                                                                : NULL;
    *ret = !rc && out && out->status.allowed;
    return rc;
}

static int approve(struct reconcile *r, const struct object *o, const char *message, struct err *err) {
    struct controller *c = r->arg;
    request csr = *(const request *)o->body;
    add_condition(r, &csr, "Approved", "AutoApproved", str_from(message));
    struct client_call call = {.verb = CLIENT_UPDATE,
                               .kind = o->kind,
                               .name = o->meta->name,
                               .subresource = S("approval"),
                               .body = &csr};
    return unless_gone(client_do(c->client, &call, NULL, err));
}

static int reconcile_approval(struct reconcile *r, struct str key, struct err *err) {
    const struct object *o = world_get_key(&r->world, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), key);
    const request *csr = o ? o->body : NULL;
    struct pki_names names;
    bool allowed = false;
    if (!csr || csr->status.certificate.n || csr_condition(csr, "Approved") || csr_condition(csr, "Denied") ||
        pki_request_parse(csr->spec.request, r->arena, &names, NULL))
        return 0;
    enum csr_client what = csr_recognise(&csr->spec, &names);
    if (what == CSR_NO_CLIENT)
        return 0;
    if (what == CSR_SELF_NODE_CLIENT) {
        int rc = may_have(r->arg, csr, "selfnodeclient", &allowed, err);
        if (rc || allowed)
            return rc ? rc
                      : approve(r, o,
                                "Auto approving self kubelet client certificate after SubjectAccessReview.",
                                err);
    }
    int rc = may_have(r->arg, csr, "nodeclient", &allowed, err);
    if (rc || !allowed)
        return rc;
    return approve(r, o, "Auto approving kubelet client certificate after SubjectAccessReview.", err);
}

int csr_approving_start(struct controller *c, struct err *err) {
    return watch_requests(c, reconcile_approval, err);
}

/* -- signing -- */

struct signer {
    struct pki_ca *ca;
};

static int64_t lifetime(const struct controllers_options *o, const request *csr) {
    int64_t sec = o->signing_duration_ns / NS_PER_SEC;
    if (csr->spec.expiration_seconds.set && csr->spec.expiration_seconds.v < sec)
        sec = csr->spec.expiration_seconds.v;
    return sec < SHORTEST_SEC ? SHORTEST_SEC : sec;
}

static int write_failure(struct reconcile *r, const struct object *o, const struct err *why,
                         struct err *err) {
    struct controller *c = r->arg;
    request csr = *(const request *)o->body;
    add_condition(r, &csr, "Failed", "SignerValidationFailure", arena_str(r->arena, str_from(why->msg)));
    return unless_gone(client_update_status(c->client, o->kind, &csr, NULL, err));
}

static int reconcile_signing(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), key);
    request csr;
    struct pki_names names;
    struct err why = ERR_INIT;
    unsigned usages = 0;
    if (!o)
        return 0;
    csr = *(const request *)o->body;
    if (!csr_condition(&csr, "Approved") || csr_condition(&csr, "Denied") || csr_condition(&csr, "Failed") ||
        csr.status.certificate.n || !str_has_prefix(csr.spec.signer_name, S("kubernetes.io/")))
        return 0;
    int rc = pki_request_parse(csr.spec.request, r->arena, &names, &why);
    if (!rc)
        rc = csr_check(&csr.spec, &names, &why);
    if (rc == ERR_UNSUPPORTED)
        return 0;
    (void)csr_usages(&csr.spec, &usages);
    struct str cert;
    if (!rc)
        rc = pki_request_sign(((struct signer *)c->state)->ca, csr.spec.request, &names, usages,
                              lifetime(c->options, &csr), r->clock, r->arena, &cert, &why);
    if (rc)
        return write_failure(r, o, &why, err);
    csr.status.certificate = cert;
    return unless_gone(client_update_status(c->client, o->kind, &csr, NULL, err));
}

int csr_signing_start(struct controller *c, struct err *err) {
    const struct controllers_options *o = c->options;
    if (!o->signing_cert_pem.n || !o->signing_key_pem.n)
        return 0;
    struct signer *s = controller_state(c, sizeof *s);
    int rc = pki_ca_load(o->signing_cert_pem, o->signing_key_pem, &s->ca, err);
    return rc ? rc : watch_requests(c, reconcile_signing, err);
}

void csr_signing_stop(struct controller *c) {
    pki_ca_free(((struct signer *)c->state)->ca);
}

/* -- deleting -- */

static int reconcile_age(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *o = world_get_key(&r->world, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), key);
    if (!o)
        return 0;
    int64_t end = csr_expires_sec(o->body, r->arena), now = now_ns(r) / NS_PER_SEC;
    if (end == INT64_MAX)
        return 0;
    if (end > now) {
        r->requeue_after_ns = (end - now) * NS_PER_SEC;
        return 0;
    }
    return delete_object(c->client, o, STR_NONE, err);
}

int csr_cleaner_start(struct controller *c, struct err *err) {
    return watch_requests(c, reconcile_age, err);
}
