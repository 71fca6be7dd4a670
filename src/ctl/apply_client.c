/* apply on this side: a patch from what was applied last, what is to be, and what there is. */
#include "api/merge_patch.h"
#include "base/clock.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "ctl/applied.h"
#include "ctl/apply.h"
#include "ctl/object.h"
#include "ctl/patching.h"

#define TRIES_MAX 5
#define TRY_PAUSE_NS NS_PER_SEC

struct str target_text(struct ctl *c, const struct target *t) {
    const struct resource *r = t->resource;
    return arena_printf(&c->arena,
                        "Resource: \"%.*s/%.*s, Resource=%.*s\", GroupVersionKind: \"%.*s/%.*s, Kind=%.*s\"\n"
                        "Name: \"%.*s\", Namespace: \"%.*s\"",
                        STR_ARG(r->group), STR_ARG(r->version), STR_ARG(r->plural), STR_ARG(r->group),
                        STR_ARG(r->version), STR_ARG(r->kind), STR_ARG(t->name), STR_ARG(t->ns));
}

/* One object's way from what there is to what is said. */
struct change {
    struct applying *x;
    struct target *t;
    struct jval modified; /* with its note */
    struct str noted;     /* the note's text */
    struct jval current;
    enum patch_type type;
    struct jval patch;
};

static int same_kind(struct change *d, const struct jval *original, struct problem *p) {
    static const char *const fixed[] = {"apiVersion", "kind", "metadata.name"};
    for (size_t i = 0; i < 3; i++) {
        const struct jval *a = jval_path(&d->patch, fixed[i]);
        if (a && !jval_equal(a, jval_path(&d->current, fixed[i])))
            return problem_set(d->x->c, p, "at least one of apiVersion, kind and name was changed");
    }
    (void)original;
    return 0;
}

/* What was applied last; null when nobody noted it. */
static int read_original(struct change *d, struct jval *ret, struct problem *p) {
    struct ctl *c = d->x->c;
    struct err err = ERR_INIT;
    struct str note = applied_note(&d->current);
    *ret = jval_object(NULL, 0);
    if (note.n && json_parse(&c->arena, note, NULL, NULL, ret, &err))
        return problem_set(c, p, "the annotation " APPLIED_ANNOTATION " of %.*s is no JSON: %s",
                           STR_ARG(d->t->name), err.msg);
    return 0;
}

static int make_patch(struct change *d, struct problem *p) {
    struct ctl *c = d->x->c;
    struct err err = ERR_INIT;
    struct jval original;
    struct pos schema = patch_schema(&d->modified);
    int rc;
    if (read_original(d, &original, p))
        return CTL_PROBLEM;
    if (schema.set) {
        d->type = PATCH_STRATEGIC;
        rc = strategic_create_three_way(&c->arena, schema, &original, &d->modified, &d->current,
                                        d->x->overwrite, &d->patch, &err);
    } else {
        d->type = PATCH_MERGE_DOC;
        rc = merge_patch_create_three_way(&c->arena, &original, &d->modified, &d->current, &d->patch, &err);
    }
    if (rc)
        return problem_set(c, p, "creating patch with:\noriginal:\n%.*s\nmodified:\n%.*s\nfor: %s",
                           STR_ARG(applied_note(&d->current)), STR_ARG(object_json(&c->arena, &d->modified)),
                           err.msg);
    return same_kind(d, &original, p);
}

static int get_current(struct change *d, bool *ret_found, struct problem *p) {
    struct ctl *c = d->x->c;
    struct target *t = d->t;
    *ret_found = true;
    if (!t->name.n)
        (void)problem_set(c, p, "resource name may not be empty");
    else if (object_get(c, t->resource, t->ns, t->name, &d->current, p) == 0)
        return 0;
    *ret_found = false;
    if (problem_not_found(p))
        return 0;
    problem_wrap(c, p, "error when retrieving current configuration of:\n%.*s\nfrom server for: \"%.*s\"",
                 STR_ARG(target_text(c, t)), STR_ARG(t->source));
    return CTL_PROBLEM;
}

static int create(struct change *d, struct problem *p) {
    struct applying *x = d->x;
    struct ctl *c = x->c;
    struct target *t = d->t;
    struct jval made = d->modified;
    if (x->dry != DRY_RUN_CLIENT && object_create(c, t->resource, t->ns, &d->modified, &x->write, &made, p)) {
        problem_wrap(c, p, "error when creating \"%.*s\"", STR_ARG(t->source));
        return CTL_PROBLEM;
    }
    return apply_done(x, t, &made, "created", p);
}

/* -- --force: what cannot be patched is made anew -- */

static int gone_then(struct change *d, struct problem *p) {
    struct ctl *c = d->x->c;
    const struct target *t = d->t;
    struct jval answer;
    bool gone = false;
    struct delete_options o = {.grace_seconds = opt_int(&c->opts, "grace-period")};
    if (deletion_cascade(c, &o.propagation, p))
        return CTL_PROBLEM;
    if (object_delete(c, t->resource, t->ns, t->name, &o, &answer, p) && !problem_not_found(p))
        return CTL_PROBLEM;
    int64_t timeout = opt_ns(&c->opts, "timeout");
    if (wait_gone(c, t->resource, t->ns, t->name, object_str(&d->current, "metadata.uid"),
                  timeout ? timeout : -1, &gone, p))
        return CTL_PROBLEM;
    return gone ? 0 : problem_set(c, p, "timed out waiting for the condition");
}

/* When the new one is refused, the old one comes back. */
static int make_anew(struct change *d, struct problem *p) {
    struct applying *x = d->x;
    struct ctl *c = x->c;
    const struct target *t = d->t;
    struct jval made;
    struct problem later;
    if (gone_then(d, p))
        return CTL_PROBLEM;
    if (object_create(c, t->resource, t->ns, &d->modified, &x->write, &made, p) == 0)
        return apply_done(x, t, &made, "configured", p);
    struct jval old = object_without(&c->arena, &d->current, "metadata.resourceVersion");
    old = object_without(&c->arena, &old, "metadata.uid");
    if (object_create(c, t->resource, t->ns, &old, &x->write, &made, &later))
        return problem_set(
            c, p,
            "An error occurred force-replacing the existing object with the newly provided one:\n\n"
            "%.*s.\n\nAdditionally, an error occurred attempting to restore the original object:\n\n"
            "%.*s",
            STR_ARG(p->message), STR_ARG(later.message));
    return CTL_PROBLEM;
}

/* -- patching -- */

static void wrap(struct change *d, struct problem *p) {
    struct ctl *c = d->x->c;
    problem_wrap(c, p, "error when applying patch:\n%.*s\nto:\n%.*s\nfor: \"%.*s\"",
                 STR_ARG(object_json(&c->arena, &d->patch)), STR_ARG(target_text(c, d->t)),
                 STR_ARG(d->t->source));
}

static int patch_once(struct change *d, struct jval *ret, struct problem *p) {
    struct applying *x = d->x;
    const struct target *t = d->t;
    struct ctl *c = x->c;
    if (make_patch(d, p))
        return CTL_PROBLEM;
    *ret = d->current;
    if (d->patch.n == 0 || x->dry == DRY_RUN_CLIENT)
        return 0;
    return object_patch(c, t->resource, t->ns, t->name, d->type, object_json(&c->arena, &d->patch), &x->write,
                        ret, p);
}

static int patch(struct change *d, struct problem *p) {
    struct applying *x = d->x;
    struct jval changed;
    bool found;
    int rc = patch_once(d, &changed, p);
    for (int i = 1; rc && p->http_code == 409 && i < TRIES_MAX; i++) {
        clock_sleep_ns(clock_system(), TRY_PAUSE_NS);
        if (get_current(d, &found, p) || !found)
            return CTL_PROBLEM;
        rc = patch_once(d, &changed, p);
    }
    if (rc && x->force && (p->http_code == 409 || p->http_code == 422))
        rc = make_anew(d, p);
    else if (rc == 0)
        return apply_done(x, d->t, &changed,
                          d->patch.n == 0 && x->dry != DRY_RUN_CLIENT ? "unchanged" : "configured", p);
    if (rc)
        wrap(d, p);
    return rc;
}

int apply_client_side(struct applying *x, struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct change d = {.x = x, .t = t};
    bool found;
    d.noted = applied_text(c, &t->object);
    d.modified = applied_noted(c, &t->object, d.noted);
    if (get_current(&d, &found, p))
        return CTL_PROBLEM;
    if (!found)
        return create(&d, p);
    if (!applied_note(&d.current).p && x->dry != DRY_RUN_CLIENT)
        ctl_warn(c,
                 "resource %.*s/%.*s is missing the " APPLIED_ANNOTATION
                 " annotation which is required by %s apply. "
                 "%s apply should only be used on resources created declaratively by either %s create "
                 "--save-config or "
                 "%s apply. The missing annotation will be patched automatically.",
                 STR_ARG(t->resource->plural), STR_ARG(t->name), c->setup->program, c->setup->program,
                 c->setup->program, c->setup->program);
    if (object_str(&d.current, "metadata.deletionTimestamp").n)
        ctl_warn(c, "Detected changes to resource %.*s which is currently being deleted.", STR_ARG(t->name));
    return patch(&d, p);
}
