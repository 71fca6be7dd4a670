/* apiserver/admission: change it, refuse it: the chain of admission plugins.
 *
 * Two walks for each write: mutating plugins in order, then (after validation) validating ones. A plugin
 * answers at once or waits (quota is written to the store; webhooks call out); the walk then goes on when it
 * resumes. The order is that of admission.tsv; the places of webhooks and policies are marked in admission.c.
 *
 * Runs on the call's thread, after waiting on the call's loop. Memory from the call's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "apiserver/call.h"

enum admission_operation { ADMIT_CREATE = 1, ADMIT_UPDATE = 2, ADMIT_DELETE = 4, ADMIT_CONNECT = 8 };

struct admission_request {
    struct call *call;
    enum admission_operation operation;
    const struct kind *kind;          /* hub of the resource */
    struct str ns, name, subresource; /* ns of a namespace is its name, as upstream has it */
    void *object; /* packed, hub version (or the subresource's body type); edited by mutating plugins; NULL
                     for deletions */
    uint16_t object_type;
    const void *old; /* packed, hub version; NULL for creations */
    bool dry_run;
    /* set by the registry: the walk is done. status NULL: admitted. */
    void (*done)(struct admission_request *r, struct status *status);
    void *arg;
    /* the chain's own */
    unsigned step;
    bool mutating;
};

enum admission_verdict {
    ADMIT_NEXT, /* fine, or none of the plugin's business */
    ADMIT_DENY, /* *ret_status says why */
    ADMIT_WAIT, /* the plugin calls admission_resume later, on the call's loop, never from within itself; the
                   call may go on before the plugin has returned, so it touches the request no more */
};

struct admission;

struct admission_plugin {
    const char *name;
    unsigned operations; /* enum admission_operation */
    enum admission_verdict (*mutate)(struct admission *a, struct admission_request *r,
                                     struct status **ret_status);
    enum admission_verdict (*validate)(struct admission *a, struct admission_request *r,
                                       struct status **ret_status);
};

struct admission *admission_new(struct apiserver *server);
void admission_free(struct admission *a);

/* Starts a walk; r lives until done, which may come before these return (and on another thread). */
void admission_mutate(struct admission *a, struct admission_request *r);
void admission_validate(struct admission *a, struct admission_request *r);

/* For plugins that waited: status NULL goes on. */
void admission_resume(struct admission_request *r, struct status *status);

struct apiserver *admission_server(struct admission *a);

/* Drops what has not been used for a while; once a minute or so, any thread. */
void admission_trim(struct admission *a);

/* What calls have taken from quotas (admission_quota.h). */
struct quota_ledger *admission_quota(struct admission *a);
