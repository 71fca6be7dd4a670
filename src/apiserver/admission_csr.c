/* CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who may approve and sign for which
 * signer, and what may be asked for. See admission.h. */
#include "api/equal.h"
#include "api/types/certificates.h"
#include "apiserver/admission_priv.h"
#include "net/pki.h"

static bool is_request(const struct admission_request *r, const char *subresource) {
    return admission_is(r, KIND_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST) &&
           str_eq(r->subresource, str_from(subresource));
}

/* The signer itself, or all of its domain. */
static bool may_for_signer(const struct admission_request *r, struct str verb, struct str signer) {
    struct str domain, rest, group = S("certificates.k8s.io");
    if (call_may(r->call, verb, group, S("signers"), S(""), S(""), signer))
        return true;
    (void)str_split(signer, '/', &domain, &rest);
    struct str all = arena_printf(admission_arena(r), "%.*s/*", STR_ARG(domain));
    return call_may(r->call, verb, group, S("signers"), S(""), S(""), all);
}

static enum admission_verdict validate_approval(struct admission *a, struct admission_request *r,
                                                struct status **ret_status) {
    (void)a;
    if (!is_request(r, "approval"))
        return ADMIT_NEXT;
    const struct certificates_certificate_signing_request *old = r->old;
    if (may_for_signer(r, S("approve"), old->spec.signer_name))
        return ADMIT_NEXT;
    return admission_forbid(r, ret_status, "user not permitted to approve requests with signerName \"%.*s\"",
                            STR_ARG(old->spec.signer_name));
}

static enum admission_verdict validate_signing(struct admission *a, struct admission_request *r,
                                               struct status **ret_status) {
    (void)a;
    if (!is_request(r, "status"))
        return ADMIT_NEXT;
    const struct certificates_certificate_signing_request *now = r->object, *old = r->old;
    if (api_equal(&builtin, TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST_STATUS, &now->status, &old->status))
        return ADMIT_NEXT;
    if (may_for_signer(r, S("sign"), old->spec.signer_name))
        return ADMIT_NEXT;
    return admission_forbid(r, ret_status, "user not permitted to sign requests with signerName \"%.*s\"",
                            STR_ARG(old->spec.signer_name));
}

static enum admission_verdict validate_subject(struct admission *a, struct admission_request *r,
                                               struct status **ret_status) {
    (void)a;
    if (!is_request(r, ""))
        return ADMIT_NEXT;
    const struct certificates_certificate_signing_request *now = r->object;
    if (!str_eq(now->spec.signer_name, S("kubernetes.io/kube-apiserver-client")))
        return ADMIT_NEXT;
    struct pki_names subject;
    if (pki_request_parse(now->spec.request, admission_arena(r), &subject, NULL) < 0)
        return admission_forbid(r, ret_status, "the certificate request cannot be read");
    for (uint32_t i = 0; i < subject.orgs.n; i++)
        if (str_eq(subject.orgs.v[i], S("system:masters")))
            return admission_forbid(r, ret_status,
                                    "use of kubernetes.io/kube-apiserver-client signer with system:masters "
                                    "group is not allowed");
    return ADMIT_NEXT;
}

const struct admission_plugin admission_csr_approval = {
    .name = "CertificateApproval",
    .operations = ADMIT_UPDATE,
    .validate = validate_approval,
};

const struct admission_plugin admission_csr_signing = {
    .name = "CertificateSigning",
    .operations = ADMIT_UPDATE,
    .validate = validate_signing,
};

const struct admission_plugin admission_csr_subject = {
    .name = "CertificateSubjectRestriction",
    .operations = ADMIT_CREATE,
    .validate = validate_subject,
};
