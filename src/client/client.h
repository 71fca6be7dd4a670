/* client: how every role reaches the API: one interface, two transports.
 *
 * A `struct client` is either in-process (apiserver/client_local.h: shares the server's frozen objects, no
 * copy, no serialisation) or remote (client/remote.h: HTTPS). Roles cannot tell. It acts as one user;
 * controllers that act as service accounts of their own use client_as().
 *
 * Bodies are packed structs of the kind's hub version; answers are frozen objects. Calls go through
 * authentication (of the transport), authorisation, admission and validation like anybody's.
 *
 * Threads: everything here may be called from any thread. client_do blocks: workers and mains only, never a
 * loop's thread. client_submit does not block. In a simulation both work on the simulation's one thread.
 *
 * Memory: what a call borrows (names, body, patch) is copied or consumed before client_submit returns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/kind.h"
#include "api/object.h"
#include "base/arena.h"
#include "base/str.h"

struct client;
struct clock;
struct err;
struct informer_options;
struct informer_source;
struct loop;
struct meta_delete_options;
struct meta_status;
struct rand;
struct sim;
struct user;

enum client_verb {
    CLIENT_GET,
    CLIENT_LIST,
    CLIENT_CREATE,
    CLIENT_UPDATE,
    CLIENT_PATCH,
    CLIENT_DELETE,
    CLIENT_DELETE_COLLECTION,
};

enum client_patch {
    CLIENT_PATCH_JSON,      /* RFC 6902 */
    CLIENT_PATCH_MERGE,     /* RFC 7386 */
    CLIENT_PATCH_STRATEGIC, /* by schema */
    CLIENT_PATCH_APPLY,     /* server-side apply */
};

#define CLIENT_TIMEOUT_MS 30000u

/* One call. Zero is a default everywhere. */
struct client_call {
    enum client_verb verb;
    const struct kind *kind;
    struct str ns, name;    /* ns "": cluster scope, or all namespaces for lists */
    struct str subresource; /* "status", "binding", "eviction", "token", "scale", … */

    /* create, update: packed struct of body_type (0: kind->hub->type) */
    const void *body;
    uint16_t body_type;

    enum client_patch patch;
    struct str patch_text; /* JSON */

    const struct meta_delete_options *delete_options; /* NULL: defaults */

    /* lists, delete collection */
    struct str label_selector, field_selector, continue_token;
    struct str resource_version; /* gets too: "" newest, "0" whatever is at hand */
    int64_t limit;

    struct str field_manager;
    bool force;          /* apply: conflicts are won */
    bool dry_run;        /* nothing is stored */
    unsigned timeout_ms; /* 0: CLIENT_TIMEOUT_MS */
};

/* What came back. Free with client_answer_fini. */
struct client_answer {
    int http_code;         /* 200, 404, …; 0: nobody answered (err says why) */
    struct object *object; /* an object with metadata, or NULL; one reference */
    /* anything else (Status, reviews, Scale, TokenRequest, Eviction answers): packed, in the arena */
    const void *body;
    uint16_t type;
    const struct meta_status *status; /* of failures; NULL: none came */
    int32_t retry_after_seconds;      /* 0: not said */
    /* lists */
    struct object **items; /* one reference each; the array lies in the arena */
    uint32_t n_items;
    struct str resource_version, continue_token;
    int64_t remaining; /* items after these; 0: none or not known */
    struct arena arena;
};
void client_answer_fini(struct client_answer *a);
#define _cleanup_client_answer __attribute__((cleanup(client_answer_fini)))
#define CLIENT_ANSWER_INIT                                                                                   \
    { .arena = ARENA_INIT }

/* code: 0, or
 *   ERR_NOT_FOUND 404, ERR_EXISTS 409 AlreadyExists, ERR_CONFLICT 409 Conflict, ERR_EXPIRED 410, ERR_INVALID
 * 400 and 422, ERR_FORBIDDEN 403, ERR_UNAUTHORIZED 401, ERR_TOO_LARGE 413, ERR_UNSUPPORTED 405 406 415,
 * ERR_AGAIN 429 and 503, ERR_TIMEOUT 504 and time-outs of our own, ERR_INTERNAL other 5xx, ERR_IO and
 * ERR_CLOSED when nobody answered. err's message is the Status's. The answer is borrowed for the call: take
 * what is needed. */
typedef void (*client_done_fn)(void *arg, int code, struct client_answer *answer, const struct err *err);

/* Starts a call; done runs on the loop (NULL: on some thread of the client, and must not block). 0, or a code
 * at once: done is then not called. */
int client_submit(struct client *c, const struct client_call *call, struct loop *loop, client_done_fn done,
                  void *arg, struct err *err);

/* Blocks until the answer is there. ret_answer may be NULL. Calls that failed with 429 or 503 and
 * Retry-After, and reads that nobody answered, are tried again within the time-out. */
int client_do(struct client *c, const struct client_call *call, struct client_answer *ret_answer,
              struct err *err);

/* Shorthands over client_do; kinds are rows of kinds[] (&kinds[KIND_CORE_POD]). ret may be NULL; else one
 * reference. */
int client_get(struct client *c, const struct kind *k, struct str ns, struct str name, struct object **ret,
               struct err *err);
int client_create(struct client *c, const struct kind *k, struct str ns, const void *body,
                  struct object **ret, struct err *err);
/* The body's metadata name it; its resourceVersion, when there, must still be the newest (ERR_CONFLICT). */
int client_update(struct client *c, const struct kind *k, const void *body, struct object **ret,
                  struct err *err);
int client_update_status(struct client *c, const struct kind *k, const void *body, struct object **ret,
                         struct err *err);
int client_patch(struct client *c, const struct kind *k, struct str ns, struct str name,
                 struct str subresource, enum client_patch type, struct str patch, struct object **ret,
                 struct err *err);

struct client_delete {
    struct str uid;              /* precondition; "": none */
    struct str resource_version; /* the same */
    int64_t grace_seconds;       /* < 0: the object's own */
    struct str propagation;      /* Orphan, Background, Foreground; "": the kind's default */
};
#define CLIENT_DELETE_DEFAULT                                                                                \
    { .grace_seconds = -1 }
/* options NULL: CLIENT_DELETE_DEFAULT. */
int client_delete(struct client *c, const struct kind *k, struct str ns, struct str name,
                  const struct client_delete *options, struct err *err);

/* The same connection as another user (impersonation on the remote transport, plain identity in-process).
 * Ends with client_free, before the one it was made of. */
int client_as(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err);

/* For field managers, event sources and user agents: "kube-controller-manager", … Copied. */
void client_set_name(struct client *c, struct str name);
struct str client_name(const struct client *c);

struct clock *client_clock(const struct client *c);
struct rand *client_rand(const struct client *c);
struct sim *client_sim(const struct client *c); /* NULL outside of a simulation */

/* Calls in flight end with ERR_CLOSED. NULL is fine. */
void client_free(struct client *c);

/* -- for transports -- */

struct client_ops {
    int (*submit)(struct client *c, const struct client_call *call, struct loop *loop, client_done_fn done,
                  void *arg, struct err *err);
    /* A place to follow one kind from; see informer.h. */
    int (*open_source)(struct client *c, const struct informer_options *o, struct informer_source **ret,
                       struct err *err);
    int (*as)(struct client *c, struct str user_name, const struct str *groups, uint32_t n_groups,
              struct client **ret, struct err *err);
    void (*free)(struct client *c);
};

/* First member of every transport. */
struct client {
    const struct client_ops *ops;
    struct clock *clock;
    struct rand *rand;
    struct sim *sim;
    struct informers *informers; /* shared ones, made on first use */
    char name[64];
};

/* Fills in a transport's first member. sim gives clock and chance of a simulation; NULL: the system's. */
void client_init(struct client *c, const struct client_ops *ops, struct sim *sim);

/* The code of an answer as above, with the Status's message (status may be NULL); 0 below 400. */
int client_error(int http_code, const struct meta_status *status, struct err *err);
