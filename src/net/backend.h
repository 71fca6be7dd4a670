/* net/backend: one connection to a kubelet, a pod or whatever else a request is handed on to: HTTP/1.1
 * over TCP or TLS, one request, and raw bytes after an upgrade.
 *
 * Belongs to one loop; everything here is called on it. Nothing is called back from within a call of the
 * owner. Hostile answers are bounded: heads by HTTP_HEADER_BYTES_MAX, time by timeouts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/http.h"

struct backend;
struct err;
struct loop;
struct ssl_ctx_st;

#define BACKEND_OUTPUT_MAX (1u << 20)  /* bytes that wait for a slow backend before the owner should stop */
#define BACKEND_OUTPUT_LOW (64u << 10) /* more than these, and the owner is told once all are sent */

struct backend_head {
    int status;
    const struct http_header *headers; /* names in lower case */
    size_t n_headers;
    bool upgraded; /* 101: what follows are raw bytes, both ways */
};

struct backend_ops {
    /* Once. Informational answers but 101 are passed over. */
    void (*on_head)(void *user, const struct backend_head *head);
    /* Bytes of the body, chunks taken apart; or raw ones. */
    void (*on_data)(void *user, struct str bytes);
    /* Nothing waits any more, after BACKEND_OUTPUT_LOW did. */
    void (*on_writable)(void *user);
    /* The answer is complete, or the raw peer finished: why NULL. Else what went wrong. Last call; the owner
     * calls backend_close then. */
    void (*on_end)(void *user, const struct err *why);
};

struct backend_options {
    struct loop *loop;
    struct str address; /* an IP */
    uint16_t port;
    struct ssl_ctx_st *tls;   /* NULL: plain; a reference is taken. One that verifies: for the address */
    struct str head, body;    /* the request; copied */
    bool no_body;             /* of the answer: HEAD */
    unsigned head_timeout_ms; /* until the answer begins; 0: a minute */
    const struct backend_ops *ops;
    void *user;
};

int backend_open(const struct backend_options *o, struct backend **ret, struct err *err);

/* From now on somebody else is told; he closes it. May be called from a callback. */
void backend_hand_over(struct backend *b, const struct backend_ops *ops, void *user);

/* Copies. */
void backend_write(struct backend *b, struct str bytes);
size_t backend_queued(const struct backend *b);

/* Stops reading, or goes on. */
void backend_pause(struct backend *b, bool pause);

/* Finishes writing once all is sent. */
void backend_shutdown(struct backend *b);

/* Ends; no call comes any more. NULL is fine. */
void backend_close(struct backend *b);
