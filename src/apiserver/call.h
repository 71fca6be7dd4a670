/* apiserver/call: one call of the API, whatever door it came through: HTTP (front.c) or a client in this
 * process (client_local.c).
 *
 * The door fills in who asks and what for, has it authorised, and hands it to registry_run, list_run or watch
 * (HTTP only). A call runs on the thread that brings it until it waits for the store (or for something else
 * that takes time); then it goes on by a message to its loop. It ends with exactly one call of done, on the
 * loop or, when nothing had to be waited for, before registry_run returns.
 *
 * Memory: everything of a call lives in its arena, which the door frees after done. Objects in the answer are
 * counted; call_fini drops them. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/object.h"
#include "api/status.h"
#include "apiserver/request.h"
#include "apiserver/user.h"
#include "base/vec.h"

struct apiserver;
struct arena;
struct loop;

#define CALL_WARNINGS_MAX 64u

struct call {
    /* -- set by the door -- */
    struct apiserver *server;
    struct arena *arena;
    struct loop *loop; /* where it goes on after waiting */
    struct user user;
    struct request_info info; /* access.user points at user */
    struct request_options options;
    struct str user_agent; /* for field managers */
    /* The body: text of a media type, or (in-process) a packed struct that nobody changes until done. */
    enum media_type media;
    struct str body;
    const void *packed;
    uint16_t packed_type;
    void (*done)(struct call *c);
    void *door; /* the door's own */

    /* -- the answer -- */
    int http_code;
    struct object *object; /* hub version, one reference; NULL: none */
    const void
        *answer; /* else a packed struct in the arena, of answer_type, in the version it is to be sent in */
    uint16_t answer_type;
    struct status *status;    /* of failures, and of deletions that answer with one */
    VEC(struct str) warnings; /* for Warning headers; in the arena */

    /* -- the registry's own, while it runs -- */
    void *state;
};

void call_fini(struct call *c);

/* Ends of a call: sets the answer and calls done. The last thing its user does with the call. object: takes
 * over the reference. */
void call_answer_object(struct call *c, int http_code, struct object *object);
void call_answer_body(struct call *c, int http_code, uint16_t type, const void *body);
void call_answer_status(struct call *c, struct status *status); /* the code is the status's */
void call_fail(struct call *c, const struct err *err); /* status_from_err about what the call asks for */

/* Text is copied; more than CALL_WARNINGS_MAX are dropped. */
void call_warn(struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Warns of resources that clients should not use any more. CONFORMS: upstream's life cycle of API types. */
void call_warn_old(struct call *c);

/* What the call is about, for statuses. */
struct status_target call_target(const struct call *c);
