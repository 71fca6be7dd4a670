/* client/fetch: HTTP requests that go out: libcurl on one loop.
 *
 * Requests to one server share a connection (HTTP/2 where the server speaks it). Everything here is called on
 * the loop's thread, except fetcher_new. Callbacks run there, too; on_data and on_head must not start or
 * cancel requests.
 *
 * What is borrowed (texts, body, tls) is copied or counted by fetch_start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cell.h"
#include "base/str.h"

struct arena;
struct err;
struct fetch;
struct fetcher;
struct loop;

/* Whom to trust and who we are. Shared by requests; never changed. Texts are PEM. */
struct fetch_tls {
    struct shared shared;
    char *ca, *cert, *key; /* NULL: the system's authorities; no certificate */
    size_t ca_n, cert_n, key_n;
    bool insecure;     /* anybody is trusted */
    char *server_name; /* that the certificate must have; NULL: the URL's host */
};
struct fetch_tls *fetch_tls_new(struct str ca, struct str cert, struct str key, struct str server_name,
                                bool insecure);
void fetch_tls_unref(struct fetch_tls *t);

struct fetch_request {
    const char *method;
    struct str url;
    const struct str *headers; /* "name: value" */
    size_t n_headers;
    struct str body; /* sent when it is not absent */
    struct fetch_tls *tls;
    struct str proxy;                            /* URL; "": the environment's */
    unsigned timeout_ms;                         /* for all of it; 0: none */
    bool compressed;                             /* gzip is welcome */
    void (*on_head)(void *arg, struct fetch *f); /* code and headers are there; may be NULL */
    int (*on_data)(void *arg,
                   struct str bytes); /* != 0: no more of it, the request fails with ERR_TOO_LARGE */
    /* Once, unless it was cancelled. code 0: a whole answer came (of any HTTP code). Else ERR_IO (not
     * connected, or broken off), ERR_TIMEOUT, ERR_CLOSED (the fetcher ends). */
    void (*on_done)(void *arg, struct fetch *f, int code, const struct err *err);
    void *arg;
};

struct fetcher *fetcher_new(struct loop *loop);
/* Requests under way end with ERR_CLOSED. */
void fetcher_free(struct fetcher *x);

/* *ret (may be NULL) lives until on_done has returned. */
void fetch_start(struct fetcher *x, const struct fetch_request *r, struct fetch **ret);
/* on_done is not called. */
void fetch_cancel(struct fetch *f);

int fetch_http_code(struct fetch *f); /* 0: no answer came */
/* Value of a response header, into the arena; STR_NONE when there is none. */
struct str fetch_header(struct fetch *f, const char *name, struct arena *a);
/* Of a header that may be there several times: all values, with ", " between them. */
struct str fetch_header_all(struct fetch *f, const char *name, struct arena *a);
/* Whether the request cannot have reached a server: connecting failed. */
bool fetch_unsent(struct fetch *f);
