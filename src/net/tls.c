/* TLS contexts. See tls.h. */
#include "net/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

static char *copy(const char *s) {
    char *c = s ? strdup(s) : NULL;
    if (s && !c)
        panic("out of memory");
    return c;
}

void tls_files_init(struct tls_files *f, const char *cert, const char *key, const char *client_ca) {
    *f = (struct tls_files){.cert = copy(cert), .key = copy(key), .client_ca = copy(client_ca)};
}

void tls_files_fini(struct tls_files *f) {
    free(f->cert);
    free(f->key);
    free(f->client_ca);
    *f = (struct tls_files){0};
}

static const char *path_of(const struct tls_files *f, int i) {
    return i == 0 ? f->cert : i == 1 ? f->key : f->client_ca;
}

bool tls_files_changed(const struct tls_files *f) {
    for (int i = 0; i < 3; i++) {
        struct stat st;
        const char *path = path_of(f, i);
        if (!path || stat(path, &st) < 0)
            continue;
        if (st.st_ino != f->seen[i].inode || st.st_size != f->seen[i].size ||
            st.st_mtim.tv_sec != f->seen[i].changed.tv_sec ||
            st.st_mtim.tv_nsec != f->seen[i].changed.tv_nsec)
            return true;
    }
    return false;
}

static void remember(struct tls_files *f) {
    for (int i = 0; i < 3; i++) {
        struct stat st;
        const char *path = path_of(f, i);
        if (!path || stat(path, &st) < 0)
            continue;
        f->seen[i].inode = st.st_ino;
        f->seen[i].size = st.st_size;
        f->seen[i].changed = st.st_mtim;
    }
}

static int fail(struct err *err, const char *what, const char *path) {
    unsigned long e = ERR_get_error();
    char reason[200] = "no reason given";
    if (e)
        ERR_error_string_n(e, reason, sizeof reason);
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "%s %s: %s", what, path ? path : "", reason);
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                           unsigned in_n, void *arg) {
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto((unsigned char **)out, out_n, ours, sizeof ours - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_TLSEXT_ERR_OK;
}

/* A client's certificate that does not verify ends the handshake; none at all is fine. */
static int set_client_ca(SSL_CTX *ctx, const char *path, struct err *err) {
    if (SSL_CTX_load_verify_file(ctx, path) != 1)
        return fail(err, "cannot read the CA file", path);
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(path));
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return 0;
}

static int load(SSL_CTX *ctx, const struct tls_files *f, struct err *err) {
    if (SSL_CTX_use_certificate_chain_file(ctx, f->cert) != 1)
        return fail(err, "cannot read the certificate", f->cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, f->key, SSL_FILETYPE_PEM) != 1)
        return fail(err, "cannot read the key", f->key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail(err, "the key does not belong to the certificate", f->cert);
    return f->client_ca ? set_client_ca(ctx, f->client_ca, err) : 0;
}

int tls_server_context(struct tls_files *f, SSL_CTX **ret_ctx, struct err *err) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        panic("out of memory");
    remember(f);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    static const unsigned char context[] = "coxswain";
    SSL_CTX_set_session_id_context(ctx, context, sizeof context - 1);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    int r = load(ctx, f, err);
    if (r < 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    *ret_ctx = ctx;
    return 0;
}
