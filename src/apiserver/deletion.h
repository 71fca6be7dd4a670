/* apiserver/deletion: one object is to go: at once, after a while, or when its finalizers are done.
 *
 * CONFORMS: upstream's generic deletion: preconditions, graceful deletion, finalizers and propagation policy;
 * strategy.tsv.
 */
#pragma once

#include "apiserver/admission.h"
#include "apiserver/call.h"

struct cached;
struct meta_delete_options;
struct strategy;

/* In the call's arena; set all up to the line, then start. */
struct deletion {
    struct call *call;
    const struct kind *asked;
    struct str ns, name;
    const struct meta_delete_options *options; /* checked and normalised */
    bool dry_run;
    /* removed: it is gone; else it stays for now, as it is in object. object is borrowed. */
    void (*after)(struct deletion *d, struct object *object, bool removed, struct status *failure);
    void *arg;

    /* private from here */
    const struct kind *kind;
    const struct strategy *strategy;
    struct cached *resource;
    struct object *old;
    void *body; /* the state that stays, or is the last one; NULL: as it is */
    bool removes;
    unsigned tries;
    struct admission_request admit;
};

void deletion_start(struct deletion *d);

/* The options of a call: of its body or else of its query, checked. 0, or the status to answer with. */
int deletion_options(struct call *c, struct meta_delete_options **ret_options, struct status **ret_status);

static inline bool deletion_is_dry(const struct call *c, uint32_t n_dry_run) {
    return c->options.dry_run || n_dry_run > 0;
}
