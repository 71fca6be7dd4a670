/* TLS of a connection: records are gathered before they are written.
 *
 * OpenSSL writes each record of 16 KiB by itself, and a system call costs more than its encryption. Here they
 * go into a buffer of the loop, which belongs to a connection only within one call of conn.c; conn_tls_flush
 * hands it to the socket. What that does not take at once is kept with the connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/server_priv.h"

/* Bytes taken, -1: broken. */
static ssize_t send_some(struct conn *c, const char *p, size_t n) {
    size_t done = 0;
    while (done < n) {
        ssize_t r = send(c->fd, p + done, n - done, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return errno == EAGAIN ? (ssize_t)done : -1;
        done += (size_t)r;
    }
    return (ssize_t)done;
}

static bool send_waiting(struct conn *c) {
    ssize_t n = send_some(c, c->cipher.p, c->cipher.n);
    if (n < 0)
        return false;
    if ((size_t)n == c->cipher.n)
        buf_fini(&c->cipher); /* connections at rest take no memory for it */
    else
        buf_remove(&c->cipher, 0, (size_t)n);
    return true;
}

bool conn_tls_flush(struct conn *c) {
    struct server_loop *l = c->loop;
    size_t gathered = l->n_cipher;
    l->n_cipher = 0;
    if (c->cipher.n && !send_waiting(c))
        return false;
    ssize_t n = c->cipher.n || gathered == 0 ? 0 : send_some(c, l->cipher, gathered);
    if (n < 0)
        return false;
    if ((size_t)n < gathered)
        buf_put(&c->cipher, l->cipher + n, gathered - (size_t)n);
    return true;
}

/* -- the BIO that OpenSSL writes to -- */

static int on_write(BIO *b, const char *p, int n) {
    struct conn *c = BIO_get_data(b);
    struct server_loop *l = c->loop;
    BIO_clear_retry_flags(b);
    if (n <= 0)
        return 0;
    if (l->n_cipher + (size_t)n > CONN_CIPHER_BYTES && !conn_tls_flush(c))
        return -1;
    if (c->cipher.n || (size_t)n > CONN_CIPHER_BYTES) {
        BIO_set_retry_write(b);
        return -1;
    }
    memcpy(l->cipher + l->n_cipher, p, (size_t)n);
    l->n_cipher += (size_t)n;
    return n;
}

static long on_ctrl(BIO *b, int what, long n, void *p) {
    (void)b;
    (void)n;
    (void)p;
    return what == BIO_CTRL_FLUSH; /* conn.c flushes, when OpenSSL has returned */
}

static int on_create(BIO *b) {
    BIO_set_init(b, 1);
    return 1;
}

BIO_METHOD *conn_tls_method(void) {
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gathering");
    if (!m || !BIO_meth_set_write(m, on_write) || !BIO_meth_set_ctrl(m, on_ctrl) ||
        !BIO_meth_set_create(m, on_create))
        panic("out of memory");
    return m;
}

bool conn_tls_open(struct conn *c, SSL_CTX *ctx) {
    c->ssl = SSL_new(ctx);
    BIO *in = BIO_new_socket(c->fd, BIO_NOCLOSE), *out = BIO_new(c->loop->server->gathering);
    if (!c->ssl || !in || !out) {
        BIO_free(in);
        BIO_free(out);
        return false;
    }
    BIO_set_data(out, c);
    SSL_set_bio(c->ssl, in, out);
    SSL_set_accept_state(c->ssl);
    c->peer.tls = true;
    return true;
}

void conn_tls_free(struct conn *c) {
    if (c->ssl)
        SSL_free(c->ssl);
    buf_fini(&c->cipher);
}
