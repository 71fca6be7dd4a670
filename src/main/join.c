/* Joining: fetching the authority, asking for certificates. */
#include "main/join.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "api/types/certificates.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "client/client.h"
#include "client/reconciler.h"
#include "net/crypto.h"
#include "net/pki.h"

#define PIN_CHARS 64
#define CONNECT_TIMEOUT_SEC 10
#define POLL_NS 100000000ll
#define CHAIN_MAX 8

int join_token_read(struct str text, struct join_token *ret, struct err *err) {
    struct str pin, bearer;
    text = str_trim(text);
    if (!str_split(text, ':', &pin, &bearer)) {
        pin = STR_NONE;
        bearer = text;
    }
    bool hex = pin.n == PIN_CHARS || !pin.n;
    for (size_t i = 0; i < pin.n && hex; i++)
        hex = (pin.p[i] >= '0' && pin.p[i] <= '9') || (pin.p[i] >= 'a' && pin.p[i] <= 'f');
    if (!hex || bearer.n != 23 || bearer.p[6] != '.')
        return err_set(err, ERR_INVALID,
                       "this is no join token; make one on the server with: coxswain token create");
    *ret = (struct join_token){pin, bearer};
    return 0;
}

/* -- the authority -- */

static int connect_to(const char *host, const char *port, struct err *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    int rc = getaddrinfo(host, port, &hints, &all);
    if (rc)
        return err_set(err, ERR_IO, "%s: %s", host, gai_strerror(rc));
    int fd = -1;
    for (const struct addrinfo *ai = all; ai && fd < 0; ai = ai->ai_next) {
        struct timeval limit = {.tv_sec = CONNECT_TIMEOUT_SEC};
        fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
        if (fd < 0)
            continue;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
            fd_close(&fd);
    }
    freeaddrinfo(all);
    return fd >= 0 ? fd : err_set(err, ERR_IO, "the server at %s port %s does not answer", host, port);
}

/* https://host:port, https://[v6]:port */
static int split_url(struct str url, struct arena *a, const char **ret_host, const char **ret_port,
                     struct err *err) {
    struct str rest = str_from_byte(url, 8);
    ptrdiff_t colon = str_rfind_byte(rest, ':');
    if (!str_has_prefix(url, S("https://")) || !rest.n)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no server address; one looks like https://host:6443",
                       STR_ARG(url));
    struct str host = rest, port = S("6443");
    if (colon > 0 && rest.p[rest.n - 1] != ']') {
        host = str_cut(rest, (size_t)colon);
        port = str_from_byte(rest, (size_t)colon + 1);
    }
    while (str_has_suffix(port, S("/")))
        port.n--;
    if (host.n > 2 && host.p[0] == '[')
        host = str_make(host.p + 1, host.n - 2);
    *ret_host = arena_strz(a, host);
    *ret_port = arena_strz(a, port);
    return 0;
}

static bool pin_fits(X509 *x, struct str pin, struct arena *a, struct str *ret_pem) {
    _scoped_bio *text = BIO_new(BIO_s_mem());
    struct str hex;
    if (!text || PEM_write_bio_X509(text, x) != 1)
        return false;
    struct str pem = crypto_bio_text(a, text);
    if (pki_key_pin(pem, a, &hex, NULL) < 0 || !str_eq(hex, pin))
        return false;
    *ret_pem = pem;
    return true;
}

static int ca_of_chain(SSL *ssl, struct str pin, struct arena *a, struct str *ret_pem, struct err *err) {
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; chain && i < sk_X509_num(chain) && i < CHAIN_MAX; i++)
        if (pin_fits(sk_X509_value(chain, i), pin, a, ret_pem))
            return 0;
    return err_set(err, ERR_UNAUTHORIZED,
                   "the server's authority is not the one of the token: is this the right server, and the "
                   "token not of an "
                   "earlier cluster?");
}

int join_fetch_ca(struct str server, struct str pin, struct arena *a, struct str *ret_ca_pem,
                  struct err *err) {
    const char *host = NULL, *port = NULL;
    int rc = split_url(server, a, &host, &port, err);
    if (rc < 0)
        return rc;
    _cleanup_fd int fd = connect_to(host, port, err);
    if (fd < 0)
        return fd;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    /* Nothing is sent to this peer, and only a certificate with the pinned key is taken from it. */
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_connect(ssl) != 1)
        rc = crypto_fail(err, ERR_IO, "the server does not speak TLS");
    else
        rc = ca_of_chain(ssl, pin, a, ret_ca_pem, err);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return rc;
}

/* -- certificates -- */

static struct pki_names names_of(const struct join_request *r, struct arena *a) {
    struct str *org = arena_new(a, struct str);
    *org = S("system:nodes");
    struct pki_names n = {.cn = arena_printf(a, "system:node:%.*s", STR_ARG(r->node_name)), .orgs = {org, 1}};
    if (r->serving) {
        n.dns = r->dns;
        n.ips = r->ips;
    }
    return n;
}

static int create_request(struct client *c, const struct join_request *r, struct str csr_pem, struct arena *a,
                          struct str *ret_name, struct err *err) {
    struct str usages[] = {S("digital signature"), r->serving ? S("server auth") : S("client auth")};
    struct certificates_certificate_signing_request csr = {0};
    csr.metadata.generate_name = S("node-csr-");
    csr.spec.request = csr_pem;
    csr.spec.signer_name = r->signer;
    csr.spec.usages = (struct str_array){usages, 2};
    struct object *made = NULL;
    int rc = client_create(c, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), STR_NONE, &csr, &made, err);
    if (rc == 0)
        *ret_name = arena_str(a, made->meta->name);
    object_unref(made);
    return rc;
}

/* 1: there is nothing yet. */
static int look(const struct certificates_certificate_signing_request *csr, struct arena *a,
                struct str *ret_cert_pem, struct err *err) {
    for (uint32_t i = 0; i < csr->status.conditions.n; i++) {
        const struct certificates_certificate_signing_request_condition *k = &csr->status.conditions.v[i];
        if (str_eq(k->type, S("Denied")) || str_eq(k->type, S("Failed")))
            return err_set(err, ERR_FORBIDDEN, "the signing request %.*s was refused: %.*s",
                           STR_ARG(csr->metadata.name), STR_ARG(k->message));
    }
    if (!csr->status.certificate.n)
        return 1;
    *ret_cert_pem = arena_str(a, csr->status.certificate);
    return 0;
}

int join_certificate(struct client *c, const struct join_request *r, struct arena *a,
                     struct str *ret_cert_pem, struct str *ret_key_pem, struct err *err) {
    struct pki_names names = names_of(r, a);
    struct str csr_pem, name;
    int rc = pki_request_new(&names, r->key_pem, a, &csr_pem, ret_key_pem, err);
    if (rc == 0)
        rc = create_request(c, r, csr_pem, a, &name, err);
    int64_t until = clock_mono_ns(client_clock(c)) + JOIN_TIMEOUT_MS * 1000000ll;
    while (rc == 0) {
        struct object *have = NULL;
        rc = client_get(c, KIND(CERTIFICATES_CERTIFICATE_SIGNING_REQUEST), STR_NONE, name, &have, err);
        int found = rc == 0 ? look(have->body, a, ret_cert_pem, err) : rc;
        object_unref(have);
        if (found <= 0)
            return found;
        if (clock_mono_ns(client_clock(c)) > until)
            return err_set(err, ERR_TIMEOUT,
                           "the signing request %.*s was not signed in time; see: kubectl get csr",
                           STR_ARG(name));
        clock_sleep_ns(client_clock(c), POLL_NS);
    }
    return rc;
}
