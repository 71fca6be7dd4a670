/* Rules of certificates.k8s.io: CertificateSigningRequest, ClusterTrustBundle, PodCertificateRequest. */
#include "api/types/certificates.h"

#include "api/validation/meta.h"
#include "api/validation/pem.h"
#include "api/validation/validation.h"

#define EXPIRATION_SEC_MIN 600
#define POD_EXPIRATION_SEC_MIN 3600
#define POD_EXPIRATION_SEC_MAX 7862400
#define SYSTEM_EXPIRATION_SEC_MAX 86400
#define BUNDLE_BYTES_MAX (1024u * 1024)

/* ---- CertificateSigningRequest ---- */

static const struct str decisions[] = {STR_INIT("Approved"), STR_INIT("Denied"), STR_INIT("Failed")};

static void check_usages(struct field_errors *e, const struct field_path *p, const struct str_array *usages) {
    static const struct str known[] = {
        STR_INIT("any"),
        STR_INIT("cert sign"),
        STR_INIT("client auth"),
        STR_INIT("code signing"),
        STR_INIT("content commitment"),
        STR_INIT("crl sign"),
        STR_INIT("data encipherment"),
        STR_INIT("decipher only"),
        STR_INIT("digital signature"),
        STR_INIT("email protection"),
        STR_INIT("encipher only"),
        STR_INIT("ipsec end system"),
        STR_INIT("ipsec tunnel"),
        STR_INIT("ipsec user"),
        STR_INIT("key agreement"),
        STR_INIT("key encipherment"),
        STR_INIT("microsoft sgc"),
        STR_INIT("netscape sgc"),
        STR_INIT("ocsp signing"),
        STR_INIT("s/mime"),
        STR_INIT("server auth"),
        STR_INIT("signing"),
        STR_INIT("timestamping"),
    };
    SEEN(seen);
    if (usages->n == 0)
        field_required(e, p);
    for (uint32_t i = 0; i < usages->n; i++) {
        check_supported(e, at_index(p, i), usages->v[i], STR_SET(known));
        if (seen_before(&seen, usages->v[i]))
            field_duplicate(e, at_index(p, i), bad(usages->v[i]));
    }
}

static bool is_decision(struct str type) {
    return str_set_has(STR_SET(decisions), type);
}

static void
check_csr_conditions(struct field_errors *e,
                     const struct certificates_certificate_signing_request_condition_array *list) {
    static const struct str statuses[] = {STR_INIT("False"), STR_INIT("True"), STR_INIT("Unknown")};
    const struct field_path *p = at_field(NULL, "status.conditions");
    bool approved = false, denied = false;
    SEEN(seen);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct certificates_certificate_signing_request_condition *c = &list->v[i];
        const struct field_path *at = at_index(p, i), *status = at_field(at, "status");
        check_required(e, at_field(at, "type"), c->type);
        if (str_empty(c->status))
            field_required(e, status);
        else if (is_decision(c->type))
            check_supported(e, status, c->status, (struct str_set){statuses + 1, 1});
        else
            check_supported(e, status, c->status, STR_SET(statuses));
        approved = approved || str_eq(c->type, decisions[0]);
        denied = denied || str_eq(c->type, decisions[1]);
        if (seen_before(&seen, c->type))
            field_duplicate(e, at_field(at, "type"), bad(c->type));
    }
    if (approved && denied)
        field_invalid(e, p, bad(decisions[1]), "Approved and Denied conditions are mutually exclusive");
}

static void check_csr(struct field_errors *e, const struct certificates_certificate_signing_request *c) {
    const struct certificates_certificate_signing_request_spec *s = &c->spec;
    const struct field_path *p = at_field(NULL, "spec");
    const char *why;
    if (!pem_is_request(s->request, &why))
        field_invalid(e, at_field(p, "request"), bad_int((int64_t)s->request.n), "%s", why);
    check_usages(e, at_field(p, "usages"), &s->usages);
    if (str_eq(s->signer_name, S("kubernetes.io/legacy-unknown")))
        field_invalid(e, at_field(p, "signerName"), bad(s->signer_name), "not supported in this version");
    else
        check_signer_name(e, at_field(p, "signerName"), s->signer_name);
    if (s->expiration_seconds.set && s->expiration_seconds.v < EXPIRATION_SEC_MIN)
        field_invalid(e, at_field(p, "expirationSeconds"), bad(s->expiration_seconds),
                      "may not specify a duration less than 600 seconds");
    check_csr_conditions(e, &c->status.conditions);
    if (c->status.certificate.n && !pem_are_certificates(c->status.certificate, false, &why))
        field_invalid(e, at_field(NULL, "status.certificate"), bad_int((int64_t)c->status.certificate.n),
                      "%s", why);
}

static void create_csr(struct validation *v, const void *object) {
    check_csr(v->errors, object);
}

static const struct certificates_certificate_signing_request_condition *
find_condition(const struct certificates_certificate_signing_request *c, struct str type) {
    for (uint32_t i = 0; i < c->status.conditions.n; i++)
        if (str_eq(c->status.conditions.v[i].type, type))
            return &c->status.conditions.v[i];
    return NULL;
}

/* CONFORMS: decisions are made once, through their own subresource; so is the certificate. */
static void check_csr_update(struct field_errors *e, const struct certificates_certificate_signing_request *c,
                             const struct certificates_certificate_signing_request *old, bool approval,
                             bool status) {
    const struct field_path *p = at_field(NULL, "status.conditions"),
                            *certificate = at_field(NULL, "status.certificate");
    check_csr(e, c);
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++) {
        const void *is = find_condition(c, decisions[i]), *was = find_condition(old, decisions[i]);
        bool may_add = i == 2 ? status || approval : approval;
        if (was && !is)
            field_forbidden(e, p, "updates may not remove a condition of type \"%.*s\"",
                            STR_ARG(decisions[i]));
        else if (is && !was && !may_add)
            field_forbidden(e, p, "updates may not add a condition of type \"%.*s\"", STR_ARG(decisions[i]));
        else if (is && was &&
                 !api_equal(&builtin, TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST_CONDITION, is, was))
            field_forbidden(e, p, "updates may not modify a condition of type \"%.*s\"",
                            STR_ARG(decisions[i]));
    }
    if (str_eq(c->status.certificate, old->status.certificate))
        return;
    if (!status)
        field_forbidden(e, certificate, "updates may not set certificate content");
    else if (old->status.certificate.n)
        field_forbidden(e, certificate, "updates may not modify existing certificate content");
}

static void update_csr(struct validation *v, const void *object, const void *old) {
    check_csr_update(v->errors, object, old, false, false);
}

static void status_csr(struct validation *v, const void *object, const void *old) {
    check_csr_update(v->errors, object, old, false, true);
}

static void approval_csr(struct validation *v, const void *object, const void *old) {
    check_csr_update(v->errors, object, old, true, false);
}

static const struct subresource_validator csr_subresources[] = {{STR_INIT("approval"), approval_csr},
                                                                {.update = NULL}};

const struct validator validator_certificates_certificate_signing_request = {
    .type = TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST,
    .name = name_check_path_segment,
    .create = create_csr,
    .update = update_csr,
    .status = status_csr,
    .subresources = csr_subresources};

/* ---- ClusterTrustBundle ---- */

/* Bundles of a signer are called domain:path:name. */
static void check_bundle_name(struct field_errors *e, const struct field_path *p, struct str name,
                              struct str signer) {
    struct str domain, path, rest = name;
    if (str_empty(signer)) {
        if (str_find_byte(name, ':') >= 0)
            field_invalid(e, p, bad(name), "must not have a colon without a signer name");
        return;
    }
    str_split(signer, '/', &domain, &path);
    bool fine = str_has_prefix(rest, domain) && rest.n > domain.n && rest.p[domain.n] == ':';
    rest = str_from_byte(rest, domain.n + 1);
    fine = fine && str_has_prefix(rest, path) && rest.n > path.n && rest.p[path.n] == ':';
    if (!fine)
        field_invalid(e, p, bad(name), "must begin with the signer name, colons for slashes, and a colon");
    else
        check_dns_subdomain(e, p, str_from_byte(rest, path.n + 1));
}

static void check_bundle(struct validation *v, const struct certificates_v1beta1_cluster_trust_bundle *b,
                         bool content) {
    const struct field_path *p = at_field(NULL, "spec"), *bundle = at_field(p, "trustBundle");
    const char *why;
    check_bundle_name(v->errors, at_field(NULL, "metadata.name"), b->metadata.name, b->spec.signer_name);
    if (!str_empty(b->spec.signer_name))
        check_signer_name(v->errors, at_field(p, "signerName"), b->spec.signer_name);
    if (!content)
        return;
    if (check_max_bytes(v->errors, bundle, b->spec.trust_bundle, BUNDLE_BYTES_MAX) &&
        !pem_are_certificates(b->spec.trust_bundle, true, &why))
        field_invalid(v->errors, bundle, bad(S("<value omitted>")), "%s", why);
}

static void create_bundle(struct validation *v, const void *object) {
    check_bundle(v, object, true);
}

static void update_bundle(struct validation *v, const void *object, const void *old_object) {
    const struct certificates_v1beta1_cluster_trust_bundle *b = object, *old = old_object;
    check_bundle(v, b, !str_eq(b->spec.trust_bundle, old->spec.trust_bundle));
    check_immutable(v->errors, at_field(NULL, "spec.signerName"),
                    TY_CERTIFICATES_V1BETA1_CLUSTER_TRUST_BUNDLE_SPEC, S("signerName"), &b->spec, &old->spec);
}

const struct validator validator_certificates_v1beta1_cluster_trust_bundle = {
    .type = TY_CERTIFICATES_V1BETA1_CLUSTER_TRUST_BUNDLE,
    .name = name_check_path_segment,
    .create = create_bundle,
    .update = update_bundle};

/* ---- PodCertificateRequest ---- */

static void create_pod_request(struct validation *v, const void *object) {
    const struct certificates_v1beta1_pod_certificate_request_spec *s =
        &((const struct certificates_v1beta1_pod_certificate_request *)object)->spec;
    struct field_errors *e = v->errors;
    const struct field_path *p = at_field(NULL, "spec"), *max = at_field(p, "maxExpirationSeconds");
    bool system = str_has_prefix(s->signer_name, S("kubernetes.io/"));
    check_signer_name(e, at_field(p, "signerName"), s->signer_name);
    check_dns_subdomain(e, at_field(p, "podName"), s->pod_name);
    check_dns_subdomain(e, at_field(p, "serviceAccountName"), s->service_account_name);
    check_dns_subdomain(e, at_field(p, "nodeName"), s->node_name);
    if (!s->max_expiration_seconds.set)
        field_required(e, max);
    else
        check_range(e, max, s->max_expiration_seconds.v, POD_EXPIRATION_SEC_MIN,
                    system ? SYSTEM_EXPIRATION_SEC_MAX : POD_EXPIRATION_SEC_MAX);
    check_user_annotations(e, at_field(p, "unverifiedUserAnnotations"), &s->unverified_user_annotations);
}

static void update_pod_request(struct validation *v, const void *object, const void *old) {
    check_immutable(v->errors, at_field(NULL, "spec"), TY_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST,
                    S("spec"), object, old);
}

static void status_pod_request(struct validation *v, const void *object, const void *old) {
    const struct certificates_v1beta1_pod_certificate_request_status *s =
        &((const struct certificates_v1beta1_pod_certificate_request *)object)->status;
    (void)old;
    check_conditions(v->errors, at_field(NULL, "status.conditions"), &s->conditions);
}

const struct validator validator_certificates_v1beta1_pod_certificate_request = {
    .type = TY_CERTIFICATES_V1BETA1_POD_CERTIFICATE_REQUEST,
    .name = name_check_dns1123_subdomain,
    .create = create_pod_request,
    .update = update_pod_request,
    .status = status_pod_request};
