/* ctl/apply: what the files of the apply command share. First thread. */
#pragma once

#include "ctl/delete.h"
#include "ctl/maker.h"

struct applying {
    struct ctl *c;
    struct printer *printer;
    enum dry_run dry;
    struct write_options write;
    bool server_side, overwrite, force;
    bool collect; /* documents are printed at the end, together */
    struct applied {
        const struct resource *resource;
        struct jval object;
    } * v; /* in the order of their manifests */
    size_t n, cap;
};

/* Brings one object to what its manifest says, and tells of it. */
int apply_client_side(struct applying *x, struct target *t, struct problem *p);
int apply_server_side(struct applying *x, struct target *t, struct problem *p);
/* An object that was applied: printed, or kept for the end. */
int apply_done(struct applying *x, const struct target *t, const struct jval *object, const char *done,
               struct problem *p);
/* Deletes what was applied once and is in no manifest any more. */
int apply_prune(struct applying *x, struct problem *p);
/* Whether --prune-allowlist makes sense. */
int apply_prune_check(struct ctl *c, struct problem *p);
/* "Resource: …\nName: …" of a target, as problems name it. */
struct str target_text(struct ctl *c, const struct target *t);

extern const struct command apply_edit_last_applied, apply_set_last_applied, apply_view_last_applied;
