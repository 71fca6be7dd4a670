/* apply on the server: it merges, and keeps account of who owns which field. */
#include "ctl/applied.h"
#include "ctl/apply.h"
#include "ctl/object.h"

/* "Apply failed with 1 conflict: …", and what can be done. */
static int conflict(struct ctl *c, struct problem *p) {
    return problem_set(c, p,
                       "%.*s\n"
                       "Please review the fields above--they currently have other managers. Here\n"
                       "are the ways you can resolve this warning:\n"
                       "* If you intend to manage all of these fields, please re-run the apply\n"
                       "  command with the `--force-conflicts` flag.\n"
                       "* If you do not intend to manage all of the fields, please edit your\n"
                       "  manifest to remove references to the fields that should keep their\n"
                       "  current managers.\n"
                       "* You may co-own fields by updating your manifest to match the existing\n"
                       "  value; in this case, you'll become the manager if the other manager(s)\n"
                       "  stop managing the field (remove it from their configuration).\n"
                       "See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
                       STR_ARG(p->message));
}

/* -- from apply on this side to apply on the server -- */

static struct jval united(struct arena *a, const struct jval *x, const struct jval *y) {
    struct jobject all = {0};
    if (!x || x->kind != J_OBJECT)
        return *y;
    for (uint32_t i = 0; i < x->n; i++)
        jobject_set(a, &all, x->members[i].key, x->members[i].value);
    for (uint32_t i = 0; y->kind == J_OBJECT && i < y->n; i++) {
        const struct jval *mine = jval_get(x, y->members[i].key), *its = &y->members[i].value;
        jobject_set(a, &all, y->members[i].key, mine ? united(a, mine, its) : *its);
    }
    return jobject_done(&all);
}

static bool is_entry(const struct jval *entry, struct str manager, const char *operation) {
    return str_eq(object_str(entry, "manager"), manager) &&
           str_eq(object_str(entry, "operation"), str_from(operation)) && !object_str(entry, "subresource").n;
}

/* The managed fields when our own entry takes over what apply on this side owned; null: it owned nothing. */
static struct jval taken_over(struct ctl *c, const struct jval *object, struct str manager) {
    const struct jval *list = object_array(object, "metadata.managedFields"), *old = NULL;
    static const struct str note[] = {STR_INIT("f:metadata"), STR_INIT("f:annotations"),
                                      STR_INIT("f:" APPLIED_ANNOTATION)};
    struct jlist kept = {0};
    for (uint32_t i = 0; list && i < list->n; i++)
        if (is_entry(&list->items[i], S("kubectl-client-side-apply"), "Update"))
            old = jval_get(&list->items[i], S("fieldsV1"));
    if (!old)
        return jval_null();
    struct jval fields = object_without_keys(&c->arena, old, note, 3);
    for (uint32_t i = 0; i < list->n; i++) {
        struct jval entry = list->items[i];
        if (is_entry(&entry, S("kubectl-client-side-apply"), "Update"))
            continue;
        if (is_entry(&entry, manager, "Apply"))
            entry = jval_with(&c->arena, &entry, S("fieldsV1"),
                              united(&c->arena, jval_get(&entry, S("fieldsV1")), &fields));
        jlist_add(&c->arena, &kept, entry);
    }
    return jlist_done(&kept);
}

static struct jval operation(struct ctl *c, const char *path, struct jval value) {
    return tree_of_pairs(c, "op", jval_str(S("replace")), "path", jval_str(str_from(path)), "value", value,
                         NULL);
}

/* The note stays, owned by a manager of its own, so that one can go back to apply on this side. */
static int keep_note(struct applying *x, const struct target *t, struct jval *object, struct problem *p) {
    struct ctl *c = x->c;
    struct write_options o = {.field_manager = S("kubectl-last-applied"), .force = true};
    struct str note = arena_printf(&c->arena, "%.*s\n", STR_ARG(object_json(&c->arena, &t->object)));
    struct jval keep = tree_of_pairs(c, "apiVersion", jval_str(object_api_version(&t->object)), "kind",
                                     jval_str(object_kind(&t->object)), NULL);
    if (!applied_note(object).p)
        return 0;
    keep = object_with(&c->arena, &keep, "metadata.name", jval_str(t->name));
    if (t->ns.n)
        keep = object_with(&c->arena, &keep, "metadata.namespace", jval_str(t->ns));
    keep = applied_noted(c, &keep, note);
    return object_patch(c, t->resource, t->ns, t->name, PATCH_APPLY, object_json(&c->arena, &keep), &o,
                        object, p);
}

/* CONFORMS: fields that an earlier apply on this side set are ours now; those that have left the manifest
 * since leave the object with the next apply. *ret_moved: another apply is due. */
static int take_over(struct applying *x, const struct target *t, const struct jval *object, bool *ret_moved,
                     struct problem *p) {
    struct ctl *c = x->c;
    struct jlist operations = {0};
    struct jval fields = taken_over(c, object, x->write.field_manager);
    struct write_options o = {.field_manager = x->write.field_manager};
    *ret_moved = false;
    if (fields.kind == J_NULL || x->dry != DRY_RUN_NONE || x->write.subresource.n)
        return 0;
    struct jval now = *object;
    if (keep_note(x, t, &now, p))
        return CTL_PROBLEM;
    object = &now;
    fields = taken_over(c, object, x->write.field_manager);
    jlist_add(&c->arena, &operations, operation(c, "/metadata/managedFields", fields));
    jlist_add(
        &c->arena, &operations,
        operation(c, "/metadata/resourceVersion", jval_str(object_str(object, "metadata.resourceVersion"))));
    struct jval patch = jlist_done(&operations);
    if (object_patch(c, t->resource, t->ns, t->name, PATCH_JSON, object_json(&c->arena, &patch), &o, NULL, p))
        return p->http_code == 409 ? 0 : CTL_PROBLEM; /* somebody was faster: the next apply does it */
    *ret_moved = true;
    return 0;
}

int apply_server_side(struct applying *x, struct target *t, struct problem *p) {
    struct ctl *c = x->c;
    struct jval applied;
    bool moved = true;
    if (!t->name.n)
        return problem_set(c, p, "metadata.name is required for apply");
    struct str text = object_json(&c->arena, &t->object);
    for (int i = 0; moved && i < 2; i++) {
        if (object_patch(c, t->resource, t->ns, t->name, PATCH_APPLY, text, &x->write, &applied, p))
            return p->http_code == 409 ? conflict(c, p) : CTL_PROBLEM;
        if (take_over(x, t, &applied, &moved, p))
            return CTL_PROBLEM;
    }
    return apply_done(x, t, &applied, "serverside-applied", p);
}
