/* apply --prune: deletes what was applied once and is in no manifest any more. */
#include "base/vec.h"
#include "ctl/applied.h"
#include "ctl/apply.h"
#include "ctl/object.h"

struct prune_kind {
    const char *group, *version, *kind;
};

/* CONFORMS: upstream's list: namespaced kinds first. */
static const struct prune_kind usual[] = {
    {"", "v1", "ConfigMap"},
    {"", "v1", "Endpoints"},
    {"", "v1", "PersistentVolumeClaim"},
    {"", "v1", "Pod"},
    {"", "v1", "ReplicationController"},
    {"", "v1", "Secret"},
    {"", "v1", "Service"},
    {"batch", "v1", "Job"},
    {"batch", "v1", "CronJob"},
    {"networking.k8s.io", "v1", "Ingress"},
    {"apps", "v1", "DaemonSet"},
    {"apps", "v1", "Deployment"},
    {"apps", "v1", "ReplicaSet"},
    {"apps", "v1", "StatefulSet"},
    {"", "v1", "Namespace"},
    {"", "v1", "PersistentVolume"},
};

struct pruning {
    struct applying *x;
    struct str namespaces[64]; /* in which something was applied */
    size_t n_namespaces;
};

static void note_namespace(struct pruning *q, struct str ns) {
    for (size_t i = 0; i < q->n_namespaces; i++)
        if (str_eq(q->namespaces[i], ns))
            return;
    if (q->n_namespaces < sizeof q->namespaces / sizeof *q->namespaces)
        q->namespaces[q->n_namespaces++] = ns;
}

static bool was_applied_now(const struct applying *x, const struct jval *object) {
    struct str uid = object_str(object, "metadata.uid");
    for (size_t i = 0; i < x->n; i++)
        if (str_eq(object_str(&x->v[i].object, "metadata.uid"), uid))
            return true;
    return false;
}

static int prune_one(struct pruning *q, const struct resource *r, const struct jval *object,
                     struct problem *p) {
    struct applying *x = q->x;
    struct ctl *c = x->c;
    struct delete_options o = {.grace_seconds = opt_int(&c->opts, "grace-period"),
                               .dry_run = x->dry == DRY_RUN_SERVER};
    struct str name = object_name(object);
    if (deletion_cascade(c, &o.propagation, p))
        return CTL_PROBLEM;
    if (x->dry != DRY_RUN_CLIENT && object_delete(c, r, object_namespace(object), name, &o, NULL, p))
        return CTL_PROBLEM;
    return printer_print(x->printer, r, object, "pruned", p);
}

static int prune_list(struct pruning *q, const struct resource *r, struct str ns, struct problem *p) {
    struct ctl *c = q->x->c;
    struct jval items;
    struct list_options o = {.label_selector = opt_str(&c->opts, "selector")};
    if (object_list_all(c, r, ns, &o, &items, p))
        return p->http_code == 404 || p->http_code == 405 ? 0 : CTL_PROBLEM;
    for (uint32_t i = 0; i < items.n; i++) {
        struct jval object = items.items[i];
        if (!applied_note(&object).p || was_applied_now(q->x, &object) ||
            object_str(&object, "metadata.deletionTimestamp").n)
            continue;
        object = jval_with(&c->arena, &object, S("kind"), jval_str(r->kind));
        object = jval_with(&c->arena, &object, S("apiVersion"), jval_str(r->api_version));
        if (prune_one(q, r, &object, p))
            return CTL_PROBLEM;
    }
    return 0;
}

static int prune_kind(struct pruning *q, struct str group, struct str version, struct str kind,
                      struct problem *p) {
    struct ctl *c = q->x->c;
    const struct resource *r = NULL;
    for (size_t i = 0; i < c->discovery->n && !r; i++) {
        const struct resource *v = &c->discovery->v[i];
        if (str_eq(v->group, group) && str_eq(v->version, version) && str_eq(v->kind, kind))
            r = v;
    }
    if (!r)
        return 0;
    if (!r->namespaced)
        return prune_list(q, r, S(""), p);
    for (size_t i = 0; i < q->n_namespaces; i++)
        if (prune_list(q, r, q->namespaces[i], p))
            return CTL_PROBLEM;
    return 0;
}

/* "core/v1/ConfigMap". */
static int read_gvk(struct ctl *c, struct str text, struct str *ret_group, struct str *ret_version,
                    struct str *ret_kind, struct problem *p) {
    struct str rest;
    if (!str_split(text, '/', ret_group, &rest) || !str_split(rest, '/', ret_version, ret_kind) ||
        str_find_byte(*ret_kind, '/') >= 0)
        return problem_set(c, p, "invalid GroupVersionKind format: %.*s, please follow <group/version/kind>",
                           STR_ARG(text));
    if (str_eq(*ret_group, S("core")))
        *ret_group = S("");
    return 0;
}

int apply_prune_check(struct ctl *c, struct problem *p) {
    size_t n;
    const struct str *list = opt_list(&c->opts, "prune-allowlist", &n);
    struct str group, version, kind;
    for (size_t i = 0; i < n; i++)
        if (read_gvk(c, list[i], &group, &version, &kind, p))
            return CTL_PROBLEM;
    return 0;
}

static int prune_said(struct pruning *q, struct str text, struct problem *p) {
    struct str group, version, kind;
    if (read_gvk(q->x->c, text, &group, &version, &kind, p))
        return CTL_PROBLEM;
    return prune_kind(q, group, version, kind, p);
}

int apply_prune(struct applying *x, struct problem *p) {
    struct pruning q = {.x = x};
    struct ctl *c = x->c;
    size_t n;
    const struct str *list = opt_list(&c->opts, "prune-allowlist", &n);
    for (size_t i = 0; i < x->n; i++)
        if (x->v[i].resource->namespaced)
            note_namespace(&q, object_namespace(&x->v[i].object));
    for (size_t i = 0; i < n; i++)
        if (prune_said(&q, list[i], p))
            return CTL_PROBLEM;
    for (size_t i = 0; !n && i < sizeof usual / sizeof *usual; i++)
        if (prune_kind(&q, str_from(usual[i].group), str_from(usual[i].version), str_from(usual[i].kind), p))
            return CTL_PROBLEM;
    return 0;
}
