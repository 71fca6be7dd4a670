/* controller/csr_rules: which certificate requests the built-in signers take. */
#include "controller/csr_rules.h"

#include "base/err.h"

#define HOUR_SEC 3600

const struct certificates_certificate_signing_request_condition *
csr_condition(const struct certificates_certificate_signing_request *csr, const char *type) {
    for (uint32_t i = 0; i < csr->status.conditions.n; i++)
        if (str_eq(csr->status.conditions.v[i].type, str_from(type)))
            return &csr->status.conditions.v[i];
    return NULL;
}

bool csr_usages(const struct certificates_certificate_signing_request_spec *s, unsigned *ret) {
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {{"digital signature", PKI_DIGITAL_SIGNATURE},
                 {"key encipherment", PKI_KEY_ENCIPHERMENT},
                 {"client auth", PKI_CLIENT_AUTH},
                 {"server auth", PKI_SERVER_AUTH}};
    *ret = 0;
    for (uint32_t i = 0; i < s->usages.n; i++) {
        unsigned bit = 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (str_eq(s->usages.v[i], str_from(known[k].name)))
                bit = known[k].bit;
        if (!bit)
            return false;
        *ret |= bit;
    }
    return true;
}

static bool is_node(const struct pki_names *n) {
    return n->orgs.n == 1 && str_eq(n->orgs.v[0], S("system:nodes")) &&
           str_has_prefix(n->cn, S("system:node:")) && n->cn.n > S("system:node:").n;
}

/* Exactly these, and key encipherment or not. */
static bool usages_are(unsigned usages, unsigned wanted) {
    return (usages & ~(unsigned)PKI_KEY_ENCIPHERMENT) == wanted;
}

static int check_kubelet_client(const struct pki_names *n, unsigned usages, struct err *err) {
    if (!is_node(n))
        return err_set(err, ERR_INVALID, "the subject is not system:node:<name> in the group system:nodes");
    if (n->dns.n || n->ips.n)
        return err_set(err, ERR_INVALID, "names and addresses are not allowed in a client certificate");
    if (!usages_are(usages, PKI_DIGITAL_SIGNATURE | PKI_CLIENT_AUTH))
        return err_set(err, ERR_INVALID,
                       "usages must be digital signature, client auth and perhaps key encipherment");
    return 0;
}

static int check_kubelet_serving(const struct certificates_certificate_signing_request_spec *s,
                                 const struct pki_names *n, unsigned usages, struct err *err) {
    if (!is_node(n))
        return err_set(err, ERR_INVALID, "the subject is not system:node:<name> in the group system:nodes");
    if (!str_eq(s->username, n->cn))
        return err_set(err, ERR_INVALID, "a node can only ask for its own serving certificate");
    if (!n->dns.n && !n->ips.n)
        return err_set(err, ERR_INVALID, "a serving certificate needs a DNS name or an address");
    if (!usages_are(usages, PKI_DIGITAL_SIGNATURE | PKI_SERVER_AUTH))
        return err_set(err, ERR_INVALID,
                       "usages must be digital signature, server auth and perhaps key encipherment");
    return 0;
}

static int check_client(const struct pki_names *n, unsigned usages, struct err *err) {
    for (uint32_t i = 0; i < n->orgs.n; i++)
        if (str_eq(n->orgs.v[i], S("system:masters")))
            return err_set(err, ERR_INVALID, "the group system:masters is not given by requests");
    if (!(usages & PKI_CLIENT_AUTH) || (usages & PKI_SERVER_AUTH))
        return err_set(err, ERR_INVALID, "usages must contain client auth and not server auth");
    return 0;
}

int csr_check(const struct certificates_certificate_signing_request_spec *s, const struct pki_names *n,
              struct err *err) {
    unsigned usages;
    bool known = csr_usages(s, &usages);
    if (!str_has_prefix(s->signer_name, S("kubernetes.io/")))
        return err_set(err, ERR_UNSUPPORTED, "the signer %.*s is not one of ours", STR_ARG(s->signer_name));
    if (!known)
        return err_set(err, ERR_INVALID, "a usage is asked for that is not given");
    if (str_eq(s->signer_name, S("kubernetes.io/kube-apiserver-client-kubelet")))
        return check_kubelet_client(n, usages, err);
    if (str_eq(s->signer_name, S("kubernetes.io/kubelet-serving")))
        return check_kubelet_serving(s, n, usages, err);
    if (str_eq(s->signer_name, S("kubernetes.io/kube-apiserver-client")))
        return check_client(n, usages, err);
    if (str_eq(s->signer_name, S("kubernetes.io/legacy-unknown")))
        return 0;
    return err_set(err, ERR_UNSUPPORTED, "the signer %.*s is not one of ours", STR_ARG(s->signer_name));
}

enum csr_client csr_recognise(const struct certificates_certificate_signing_request_spec *s,
                              const struct pki_names *n) {
    if (!str_eq(s->signer_name, S("kubernetes.io/kube-apiserver-client-kubelet")) || csr_check(s, n, NULL))
        return CSR_NO_CLIENT;
    return str_eq(s->username, n->cn) ? CSR_SELF_NODE_CLIENT : CSR_NODE_CLIENT;
}

int64_t csr_expires_sec(const struct certificates_certificate_signing_request *csr, struct arena *a) {
    int64_t at = INT64_MAX;
    static const char *const types[] = {"Approved", "Denied", "Failed"};
    if (!csr->status.conditions.n)
        return csr->metadata.creation_timestamp.sec + 24 * HOUR_SEC;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct certificates_certificate_signing_request_condition *c = csr_condition(csr, types[i]);
        int64_t end = c ? c->last_update_time.sec + HOUR_SEC : INT64_MAX;
        at = end < at ? end : at;
    }
    struct pki_info info;
    if (csr->status.certificate.n && !pki_cert_parse(csr->status.certificate, a, &info, NULL) &&
        info.not_after_sec < at)
        at = info.not_after_sec;
    return at;
}
