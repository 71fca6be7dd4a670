/* net/tls: TLS contexts from certificate files. Used by servers here and by clients of other roles.
 *
 * TLS 1.2 and 1.3 with forward secrecy only. Contexts are OpenSSL's and counted by it.
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct err;

/* Paths, and what the files looked like when they were read. */
struct tls_files {
    char *cert, *key, *client_ca; /* client_ca may be NULL */
    struct {
        ino_t inode;
        off_t size;
        struct timespec changed;
    } seen[3];
};

void tls_files_init(struct tls_files *f, const char *cert, const char *key, const char *client_ca);
void tls_files_fini(struct tls_files *f);

/* Whether a file is another one than at the last tls_server_context. */
bool tls_files_changed(const struct tls_files *f);

/* A context that serves the certificate, offers h2 and http/1.1, and asks clients for certificates when there
 * is a CA to check them with (a client without one is let in: who it is, is asked later). */
int tls_server_context(struct tls_files *f, SSL_CTX **ret_ctx, struct err *err);
