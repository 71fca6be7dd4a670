/* net/pki: certificates: authorities, what they issue, and when it is to be renewed.
 *
 * Keys are on P-256, certificates signed with ECDSA and SHA-256. PEM texts lie in the caller's arena. Every
 * function is pure but for randomness (keys, serial numbers) and the clock it is given; any thread.
 *
 * CONFORMS: RFC 5280; users are CN (name) and O (groups) as upstream reads them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"

struct arena;
struct clock;
struct err;

#define PKI_CA_LIFETIME_SEC (10ll * 365 * 86400)
#define PKI_LEAF_LIFETIME_SEC (365ll * 86400)
#define PKI_BACKDATE_SEC 300 /* clocks of nodes differ */
#define PKI_NAMES_MAX 256u   /* groups, DNS names, addresses: each */
#define PKI_PEM_BYTES_MAX (256u * 1024)

struct pki_pair {
    struct str cert_pem, key_pem;
};

enum pki_usage {
    PKI_SERVER_AUTH = 1 << 0,
    PKI_CLIENT_AUTH = 1 << 1,
    PKI_DIGITAL_SIGNATURE = 1 << 2,
    PKI_KEY_ENCIPHERMENT = 1 << 3,
};

/* Subject and names of a certificate. */
struct pki_names {
    struct str cn;
    struct str_array orgs;
    struct str_array dns;
    struct str_array ips; /* as text */
};

struct pki_info {
    struct pki_names names;
    int64_t not_before_sec, not_after_sec;
    struct str serial; /* hexadecimal */
    struct str sha256; /* of the DER form, hexadecimal, lower case */
    bool is_ca;
};

/* A new authority that signs itself. key_pem absent: a new key. */
int pki_ca_new(struct str cn, struct str key_pem, int64_t lifetime_sec, const struct clock *clock,
               struct arena *a, struct pki_pair *ret_pair, struct err *err);

/* An authority that can issue: its key must belong to its certificate. */
struct pki_ca;
int pki_ca_load(struct str cert_pem, struct str key_pem, struct pki_ca **ret_ca, struct err *err);
void pki_ca_free(struct pki_ca *ca);

/* A new key and its certificate. usages: of enum pki_usage. It ends with its authority at the latest. */
int pki_issue(const struct pki_ca *ca, const struct pki_names *names, unsigned usages, int64_t lifetime_sec,
              const struct clock *clock, struct arena *a, struct pki_pair *ret_pair, struct err *err);

/* A signing request of a key; key_pem absent: a new one. *ret_key_pem: that key. */
int pki_request_new(const struct pki_names *names, struct str key_pem, struct arena *a,
                    struct str *ret_csr_pem, struct str *ret_key_pem, struct err *err);

/* SHA-256 over the public key of a certificate (its SubjectPublicKeyInfo), hexadecimal: how a token pins an
 * authority. */
int pki_key_pin(struct str cert_pem, struct arena *a, struct str *ret_hex, struct err *err);

/* What a signing request asks for; its signature was checked. ERR_INVALID also for names that are neither DNS
 * names nor addresses. */
int pki_request_parse(struct str csr_pem, struct arena *a, struct pki_names *ret_names, struct err *err);

/* Signs a request. The names in it must be what the caller expects (see pki_request_parse), in this order;
 * usages are the caller's, whatever the request says. */
int pki_request_sign(const struct pki_ca *ca, struct str csr_pem, const struct pki_names *expected,
                     unsigned usages, int64_t lifetime_sec, const struct clock *clock, struct arena *a,
                     struct str *ret_cert_pem, struct err *err);

/* The first certificate of a PEM text. */
int pki_cert_parse(struct str cert_pem, struct arena *a, struct pki_info *ret_info, struct err *err);

/* The same of a certificate that TLS verified (X509 *). */
int pki_cert_info(const void *x509, struct arena *a, struct pki_info *ret_info, struct err *err);

/* Whether this authority signed the certificate. */
bool pki_issued_by(const struct pki_ca *ca, struct str cert_pem);

/* Whether two thirds of its life have passed. */
bool pki_renew_due(const struct pki_info *info, const struct clock *clock);
