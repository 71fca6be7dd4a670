/* What the files of the remote transport share. Inside client/ only.
 *
 * remote.c         clients and calls: starting, repeating, delivering
 * remote_url.c     paths, queries and bodies of calls
 * remote_answer.c  bytes into objects
 * remote_source.c  informer sources: list, watch, resume
 * remote_auth.c    credentials: files that change, plugins
 *
 * Threads: all of it on the transport's own loop, besides what the headers of clients and sources promise;
 * credentials are read by a worker of the transport's.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/cell.h"
#include "base/loop.h"
#include "base/thread.h"
#include "base/vec.h"
#include "base/workers.h"
#include "client/client.h"
#include "client/config.h"
#include "client/fetch.h"
#include "client/mirror.h"
#include "client/raw.h"

#define REMOTE_ANSWER_MAX ((size_t)256 << 20) /* bytes of one answer */
#define REMOTE_FRAME_MAX ((size_t)16 << 20)   /* of one watch event */
#define REMOTE_STATUS_MAX ((size_t)1 << 20)   /* of an answer that says what went wrong */

/* Credentials as of now. */
struct remote_creds {
    struct shared shared;
    struct fetch_tls *tls;
    char *authorization; /* the header; NULL: none */
    int64_t expires_ns;  /* wall; 0: not known */
};

/* Shared by a client, who owns it, and those made of it. */
struct remote {
    struct client_config config;
    struct loop *loop;
    struct fetcher *fetcher;
    uint32_t server; /* the one in use, of config.servers */
    bool closing;
    struct clock *clock;
    struct rand *rand;

    struct cell creds;
    struct workers *workers; /* one; NULL: nothing to be read again */
    struct work refresh;
    struct loop_msg refreshed;
    bool refreshing;
    struct timer refresh_timer;
    int refresh_code;
    struct remote_call *waiting; /* calls that go on when credentials are there */
};

/* Counted: its owner, calls under way, sources. */
struct remote_client {
    struct client client;
    atomic_uint refs;
    bool owns; /* the remote */
    struct remote *remote;
    struct arena arena;
    struct str_array as_headers; /* Impersonate-… */
};

struct remote_client *remote_client_ref(struct remote_client *c);
void remote_client_unref(struct remote_client *c);

/* NULL when it is another transport's. */
struct remote_client *remote_client_of(struct client *c);

/* -- requests on the loop -- */

struct remote_request {
    const char *method;
    struct str path; /* with query */
    const struct str *headers;
    size_t n_headers;
    struct str body;
    unsigned timeout_ms;
    bool compressed;
    void (*on_head)(void *arg, struct fetch *f);
    int (*on_data)(void *arg, struct str bytes);
    void (*on_done)(void *arg, struct fetch *f, int code, const struct err *err);
    void *arg;
};

/* Adds server, credentials, impersonation and user agent. */
void remote_fetch(struct remote_client *c, const struct remote_request *q, struct fetch **ret);
/* To be asked when a request has failed: whether it never left and another server is to be tried, at most as
 * often as there are servers. */
bool remote_fail_over(struct remote *r, struct fetch *f, unsigned *tries);

/* -- remote_url.c -- */

#define REMOTE_PROTO "application/vnd.kubernetes.protobuf"
#define REMOTE_JSON "application/json"

struct remote_text {
    struct str path, accept, content_type;
    struct buf body;
    bool has_body;
    const char *method;
};

/* Whether bodies of the kind go as protobuf. */
bool remote_speaks_proto(const struct kind *k);
/* "/apis/apps/v1/namespaces/x/deployments" and so on, appended. */
void remote_path(struct buf *out, const struct kind *k, struct str ns, struct str name,
                 struct str subresource);
/* "?a=b" or "&a=b", escaped; nothing when the value is empty. *first: no parameter is there yet. */
void remote_query(struct buf *out, bool *first, const char *name, struct str value);
/* The whole call; texts in the arena, the body is the caller's to free. */
void remote_text_of(struct arena *a, const struct client_call *call, struct remote_text *ret);

/* -- remote_answer.c -- */

/* Reads the body of an answer into it. ERR_INVALID when it is malformed. */
int remote_read_answer(const struct kind *k, struct str content_type, struct str body,
                       struct client_answer *answer, struct err *err);
/* One object of the kind, packed tightly. trim: without managed fields, which nobody who watches wants and
 * which the server keeps when an update leaves them out. */
int remote_read_object(const struct kind *k, bool proto, bool trim, struct str bytes, struct mirror_item *ret,
                       struct err *err);

typedef int (*remote_item_fn)(void *arg, const struct mirror_item *item);
struct remote_list_meta {
    struct str resource_version, continue_token; /* in the arena */
    int64_t remaining;
};
int remote_read_list(struct arena *a, const struct kind *k, bool proto, bool trim, struct str body,
                     struct remote_list_meta *ret, remote_item_fn each, void *arg, struct err *err);

/* One event of a stream. */
struct remote_event {
    struct str type;
    struct str object; /* bytes: enveloped protobuf, or JSON text in the arena */
};
int remote_read_event(struct arena *a, bool proto, struct str frame, struct remote_event *ret,
                      struct err *err);
/* A Status, or NULL. */
const struct meta_status *remote_read_status(struct arena *a, bool proto, struct str bytes);

bool remote_is_proto(struct str content_type);

/* -- remote_source.c -- */

int remote_source_open(struct remote_client *c, const struct informer_options *o,
                       struct informer_source **ret);

/* -- remote_auth.c -- */

/* First credentials; blocks. */
int remote_auth_start(struct remote *r, struct err *err);
/* The loop has begun: looks at the files from time to time. */
void remote_auth_begin(struct remote *r);
void remote_auth_stop(struct remote *r);
/* Counted. */
struct remote_creds *remote_creds(struct remote *r);
/* Whether credentials may have changed, so that asking for them again is worthwhile. */
bool remote_auth_can_refresh(const struct remote *r);
/* Reads them again; remote_refreshed is called on the loop. */
void remote_auth_refresh(struct remote *r);
/* remote.c: goes on with the calls that waited. */
void remote_refreshed(struct remote *r);
