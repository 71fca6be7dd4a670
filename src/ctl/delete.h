/* ctl/delete: deleting objects, and waiting until they are gone. First thread. */
#pragma once

#include "ctl/call.h"
#include "ctl/flags_common.h"
#include "ctl/target.h"

#define FLAGS_DELETE                                                                                         \
    {"cascade",    0,                                                                                        \
     OPT_STRING,   "background",                                                                             \
     "background", .help = "What becomes of dependents: background, foreground or orphan."},                 \
        {"grace-period", 0, OPT_INT, "-1", .help = "Seconds that the object has to end; below 0: its own."}, \
        {"force", 0, OPT_BOOL, .help = "Remove it at once, without waiting for its end on the node."}, {     \
        "timeout", 0, OPT_DURATION, "0s", .help = "How long to wait; 0 is until it is gone."                 \
    }

struct deletion {
    struct ctl *c;
    struct delete_options options;
    enum dry_run dry;
    bool force, name_only, wait;
    bool quiet;         /* a list of objects: what is gone already is no error */
    int64_t timeout_ns; /* 0: none */
    /* of those that were deleted */
    struct gone {
        const struct resource *resource;
        struct str ns, name, uid;
    } * v;
    size_t n, cap;
};

/* Reads --cascade, --grace-period, --force, --timeout, --now, --dry-run and -o, as far as there are. */
int deletion_flags(struct ctl *c, struct deletion *ret, struct problem *p);
/* --cascade alone. */
int deletion_cascade(struct ctl *c, struct str *ret, struct problem *p);
/* Deletes and says so. */
int deletion_one(struct deletion *d, const struct target *t, struct problem *p);
/* Waits for all that were deleted. Problems are printed. */
void deletion_wait(struct deletion *d);

/* Waits until the object is gone (or is another one, with uid). timeout_ns < 0: for ever. *ret_gone false:
 * time is up. */
int wait_gone(struct ctl *c, const struct resource *r, struct str ns, struct str name, struct str uid,
              int64_t timeout_ns, bool *ret_gone, struct problem *p);
/* Waits until the object fulfils something. found may see an absent object (object NULL); it returns 1 when
 * that is it, 0 when not yet, < 0 with a problem. */
int wait_until(struct ctl *c, const struct resource *r, struct str ns, struct str name, int64_t timeout_ns,
               int (*found)(void *arg, const struct jval *object, struct problem *p), void *arg,
               bool *ret_met, struct problem *p);
