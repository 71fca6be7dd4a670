/* Server-side apply. See managed.h. */
#include "api/managed_priv.h"

#include <stdlib.h>

#include "api/apply.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/json.h"

static struct ref tree_ref(struct arena *a, struct pos p, struct jval v) {
    struct jval *copy = arena_new(a, struct jval);
    *copy = v;
    return ref_tree_at(p, copy);
}

/* ---- pruning ---- */

/* What pruning works on: the merged object in some version, and what is left of it. */
struct prune {
    struct write *w;
    const struct managers *m;
    struct str version; /* that merged and pruned are in */
    struct ref merged, pruned;
};

static struct fieldset fields_of(struct arena *a, struct ref r) {
    struct fieldset set = fieldset_of(a, r);
    return fieldset_with_structs(a, &set, r.pos);
}

/* Puts back what managers of one version own. Goes on to that version; one that is gone is passed over. */
static int keep_owned(struct prune *p, struct str version, struct err *err) {
    struct arena *a = p->w->a;
    struct ref merged, pruned;
    int rc = write_convert(p->w, p->merged, p->version, version, &merged, err);
    if (rc == 0)
        rc = write_convert(p->w, p->pruned, p->version, version, &pruned, err);
    if (rc < 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    struct fieldset owned = {0};
    vec_foreach (m, p->m)
        if (str_eq(m->api_version, version))
            owned = fieldset_union(a, &owned, &m->set);
    owned = fieldset_with_structs(a, &owned, merged.pos);
    struct fieldset all = fields_of(a, merged), left = fields_of(a, pruned);
    struct fieldset keep = fieldset_union(a, &left, &owned), gone = fieldset_difference(a, &all, &keep);
    p->version = version;
    p->merged = merged;
    p->pruned = tree_ref(a, merged.pos, apply_remove(a, merged, &gone));
    return 0;
}

/* Every version that managers' sets are in, once, the given one first. */
static size_t versions_of(const struct write *w, const struct managers *m, struct str first,
                          struct str **ret) {
    struct str *v = arena_new_n(w->a, m->n + 1, struct str);
    size_t n = 1;
    v[0] = first;
    vec_foreach (manager, m) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = write_same_version(w, v[i], manager->api_version);
        if (!known)
            v[n++] = manager->api_version;
    }
    *ret = v;
    return n;
}

/* CONFORMS: what the manager applied last time and does not apply now is removed, unless somebody else owns
 * it; what is below and was never its own stays when something beside it stays. */
static int prune(struct write *w, const struct managers *m, const struct manager *last, struct ref merged,
                 struct ref *ret_object, struct err *err) {
    struct arena *a = w->a;
    struct str own = w->req->api_version;
    struct prune p = {.w = w, .m = m, .version = last->api_version};
    *ret_object = merged;
    int rc = write_convert(w, merged, own, last->api_version, &p.merged, err);
    if (rc < 0)
        return rc == ERR_NOT_FOUND ? 0 : rc;
    struct ref all = p.merged;
    struct fieldset applied = fieldset_with_structs(a, &last->set, all.pos);
    p.pruned = tree_ref(a, all.pos, apply_remove(a, all, &applied));
    struct str *versions;
    size_t n = versions_of(w, m, last->api_version, &versions);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = keep_owned(&p, versions[i], err);
    struct ref left;
    if (rc == 0)
        rc = write_convert(w, p.pruned, p.version, last->api_version, &left, err);
    if (rc < 0)
        return rc;
    struct fieldset before = fields_of(a, all), after = fields_of(a, left);
    struct fieldset gone = fieldset_difference(a, &before, &after);
    gone = fieldset_intersection(a, &gone, &applied);
    struct jval out = apply_remove(a, all, &gone);
    return write_convert(w, tree_ref(a, all.pos, out), last->api_version, own, ret_object, err);
}

/* ---- applying ---- */

static int check_config(struct arena *a, const struct managed_request *req, struct managed_result *result,
                        struct err *err) {
    struct ref version = ref_get(req->config, S("apiVersion"));
    struct str text = ref_str(version, a);
    if (ref_kind(req->config) != REF_MAP)
        return err_set(err, ERR_INVALID, "the applied configuration is no object");
    if (!str_eq(text, req->api_version))
        return err_set(err, ERR_INVALID,
                       "the applied configuration is of version \"%.*s\", expected \"%.*s\"", STR_ARG(text),
                       STR_ARG(req->api_version));
    struct ref managed = ref_path(req->config, S("metadata.managedFields"));
    if (ref_kind(managed) != REF_ABSENT && ref_kind(managed) != REF_NULL)
        return err_set(err, ERR_INVALID, "metadata.managedFields must be nil");
    return apply_check(a, req->config, &result->problem, err);
}

static int by_manager(const void *a, const void *b) {
    return manager_cmp(a, b);
}

/* A copy, in the order of messages, with room for the applier. */
static struct managers copy_managers(struct arena *a, const struct managers *m) {
    struct managers out = {.n = m->n, .cap = m->n + 1};
    out.v = arena_new_n(a, out.cap, struct manager);
    if (m->n)
        memcpy(out.v, m->v, m->n * sizeof *out.v);
    qsort(out.v, out.n, sizeof *out.v, by_manager);
    return out;
}

/* One attempt: merges, prunes, settles ownership. */
struct attempt {
    struct write w;
    struct managers m;
    struct manager self; /* as it was before */
    bool known;          /* there was an entry of it */
    struct ref object;   /* the result */
    struct claim claim;
};

/* Notes the applied fields as the applier's set, of the version of the request. */
static struct manager *set_applied(struct attempt *t) {
    struct arena *a = t->w.a;
    const struct managed_request *req = t->w.req;
    struct manager self = {.name = str_empty(req->manager) ? S("unknown") : req->manager,
                           .subresource = req->subresource,
                           .applied = true};
    struct manager *m = managers_find(&t->m, &self);
    t->known = m != NULL;
    if (!m) {
        t->m.v[t->m.n++] = self;
        m = &t->m.v[t->m.n - 1];
    }
    t->self = *m;
    m->api_version = req->api_version;
    manager_set(m, write_filter(&t->w, req->api_version, fieldset_of(a, req->config)));
    return m;
}

static int try_apply(struct arena *a, const struct managed_request *req, const struct managers *before,
                     struct ref live, bool force, struct attempt *t, struct err *err) {
    *t = (struct attempt){.m = copy_managers(a, before)};
    write_begin(&t->w, a, req, live);
    int rc = write_reconcile(&t->w, &t->m, err);
    if (rc < 0)
        return rc;
    t->object = tree_ref(a, req->config.pos, apply_merge(a, live, req->config));
    struct manager *self = set_applied(t);
    bool same_version = write_same_version(&t->w, t->self.api_version, req->api_version);
    if (t->self.set.n && !(same_version && fieldset_covers(&self->set, &t->self.set))) {
        rc = prune(&t->w, &t->m, &t->self, t->object, &t->object, err);
        if (rc < 0)
            return rc;
        /* Empty lists own nothing, so they went, and null became {}: they are applied all the same. */
        t->object = tree_ref(a, req->config.pos, apply_merge(a, t->object, req->config));
    }
    struct fieldset owned = without_untracked(a, &self->set);
    t->claim = (struct claim){.after = t->object, .self = self, .force = force};
    manager_set(self, owned);
    return write_claim(&t->w, &t->m, &t->claim, err);
}

/* CONFORMS: the time of an entry is when its manager last changed something. */
static void set_time(struct attempt *t, bool object_changed) {
    struct manager *self = managers_find(&t->m, &t->self);
    if (!self)
        return;
    bool same = t->known && str_eq(self->api_version, t->self.api_version) &&
                fieldset_equal(&self->set, &t->self.set);
    if (same && t->self.text.p)
        self->text = t->self.text;
    if (!same || object_changed || !self->time.set)
        self->time = (struct timestamp){.sec = t->w.req->now.sec, .set = true};
}

/* The managers of the live object. One that was never tracked gets an entry for all it has, so that applying
 * does not take everything silently. */
static int live_managers(struct arena *a, const struct managed_request *req, struct ref live,
                         struct managers *ret, struct err *err) {
    struct meta_managed_fields_entry_array entries;
    if (!managed_of(a, req->before, &entries))
        return err_set(err, ERR_CORRUPT, "the live managedFields are malformed");
    int rc = managers_read(a, entries, ret, err);
    if (rc < 0) {
        (void)err_wrap(err, "live object");
        return rc == ERR_INVALID ? ERR_CORRUPT : rc;
    }
    if (ret->n || req->before.rep == REP_NONE)
        return 0;
    struct write w;
    write_begin(&w, a, req, empty_like(a, live));
    return track_update(&w, ret, live, S("before-first-apply"), err);
}

/* ---- client-side apply ---- */

/* CONFORMS: the manager and annotation of kubectl's client-side apply. Only this manager takes part, so that
 * others can opt out by their name. */
static const struct str kubectl = STR_INIT("kubectl"),
                        last_applied_path[] = {STR_INIT("metadata"), STR_INIT("annotations"),
                                               STR_INIT("kubectl.kubernetes.io/last-applied-configuration")};
#define ANNOTATIONS_MAX (256u * 1024)

static struct ref last_applied(struct ref object) {
    for (size_t i = 0; i < 3; i++)
        object = ref_get(object, last_applied_path[i]);
    return object;
}

/* Fields that the object still has as they were last applied by client-side apply. False when there is no
 * such record, or it is unusable. */
static bool last_applied_fields(struct arena *a, const struct managed_request *req, struct ref live,
                                struct fieldset *ret) {
    struct ref text = last_applied(live);
    struct jval v;
    if (ref_kind(text) != REF_STRING || json_parse(a, ref_str(text, a), NULL, NULL, &v, NULL) < 0)
        return false;
    struct ref applied = tree_ref(a, req->config.pos, v);
    if (ref_kind(applied) != REF_MAP ||
        !str_eq(ref_str(ref_get(applied, S("apiVersion")), a), req->api_version) ||
        apply_check(a, applied, NULL, NULL) < 0)
        return false;
    struct fieldset_diff d = fieldset_compare(a, applied, live);
    struct fieldset set = fieldset_of(a, applied), other = fieldset_union(a, &d.added, &d.modified);
    other = fieldset_union(a, &other, &d.removed);
    *ret = fieldset_difference(a, &set, &other);
    return true;
}

struct path_list {
    struct arena *a;
    struct str *v;
    size_t n, cap;
};

static int collect_path(void *ctx, const struct path *path) {
    struct path_list *list = ctx;
    _cleanup_buf struct buf text = BUF_INIT;
    path_write(&text, path);
    vec_push_in(list->a, list, buf_to_arena(&text, list->a));
    return 0;
}

/* Drops the conflicts over fields that client-side apply left as they are; those are the applier's own. */
static void drop_own_conflicts(struct arena *a, const struct managed_request *req, struct ref live,
                               struct claim *claim) {
    struct fieldset own;
    if (!last_applied_fields(a, req, live, &own))
        return;
    struct path_list paths = {.a = a};
    (void)fieldset_each(&own, collect_path, &paths);
    qsort(paths.v, paths.n, sizeof *paths.v, str_cmp_qsort);
    size_t n = 0;
    for (size_t i = 0; i < claim->n_conflicts; i++)
        if (!paths.n || !bsearch(&claim->conflicts[i].path, paths.v, paths.n, sizeof *paths.v, str_cmp_qsort))
            claim->conflicts[n++] = claim->conflicts[i];
    claim->n_conflicts = n;
}

static size_t annotation_bytes(const struct jval *annotations) {
    size_t n = 0;
    for (uint32_t i = 0; i < annotations->n; i++)
        n += annotations->members[i].key.n +
             (annotations->members[i].value.kind == J_STRING ? annotations->members[i].value.n : 0);
    return n;
}

/* The configuration as client-side apply would record it. */
static struct jval record_of(struct arena *a, const struct jval *config) {
    const struct jval *meta = jval_get(config, last_applied_path[0]);
    const struct jval *annotations = jval_get(meta, last_applied_path[1]);
    struct jval clean = *config;
    if (jval_get(annotations, last_applied_path[2])) {
        struct jval rest = jval_without(a, annotations, last_applied_path[2]);
        struct jval clean_meta = rest.n ? jval_with(a, meta, last_applied_path[1], rest)
                                        : jval_without(a, meta, last_applied_path[1]);
        clean = jval_with(a, config, last_applied_path[0], clean_meta);
    }
    _cleanup_buf struct buf out = BUF_INIT;
    json_write(&out, &clean);
    buf_byte(&out, '\n');
    return jval_str(buf_to_arena(&out, a));
}

/* Where client-side apply recorded its configuration, the record follows what is applied; one that makes the
 * annotations too large goes. */
static struct jval follow_last_applied(struct arena *a, const struct managed_request *req,
                                       struct jval object) {
    const struct jval *meta = jval_get(&object, last_applied_path[0]);
    const struct jval *annotations = jval_get(meta, last_applied_path[1]);
    if (!str_eq(req->manager, kubectl) || !jval_get(annotations, last_applied_path[2]))
        return object;
    struct jval config = ref_tree(req->config, a), record = record_of(a, &config);
    struct jval changed = jval_with(a, annotations, last_applied_path[2], record);
    if (annotation_bytes(&changed) > ANNOTATIONS_MAX)
        changed = jval_without(a, annotations, last_applied_path[2]);
    struct jval changed_meta = jval_with(a, meta, last_applied_path[1], changed);
    return jval_with(a, &object, last_applied_path[0], changed_meta);
}

/* ---- the request ---- */

static void put_result(struct arena *a, const struct managed_request *req, struct ref live, struct attempt *t,
                       struct managed_result *result) {
    bool changed = !ref_equal(live, t->object);
    set_time(t, changed);
    result->object = follow_last_applied(a, req, ref_tree(changed ? t->object : live, a));
    struct ref object = ref_tree_at(live.pos, &result->object);
    result->object_changed = req->before.rep == REP_NONE || !ref_equal(live, object);
    result->entries = managers_write(a, &t->m);
    struct meta_managed_fields_entry_array before = {0};
    (void)managed_of(a, req->before, &before);
    result->entries_changed = !managed_same(before, result->entries);
}

int managed_apply(struct arena *a, const struct managed_request *asked, struct managed_result *ret_result,
                  struct err *err) {
    struct managed_result result = {0};
    struct managers before = {0};
    struct attempt t;
    struct managed_request own = *asked, *req = &own;
    if (check_depth(req->before, err) < 0 || check_depth(req->config, err) < 0)
        return ERR_TOO_LARGE;
    int rc = check_config(a, req, &result, err);
    if (rc < 0) {
        ret_result->problem = result.problem;
        return rc;
    }
    own.config = without_managed(a, asked->config); /* null is allowed there */
    /* Reads the live object's own form once; all that follows is trees. */
    struct ref live = req->before.rep == REP_NONE
                          ? tree_ref(a, req->config.pos, jval_object(NULL, 0))
                          : tree_ref(a, req->before.pos, ref_tree(without_managed(a, req->before), a));
    rc = live_managers(a, req, live, &before, err);
    if (rc < 0)
        return rc;
    rc = try_apply(a, req, &before, live, req->force, &t, err);
    if (rc == ERR_CONFLICT && str_eq(req->manager, kubectl)) {
        drop_own_conflicts(a, req, live, &t.claim);
        if (!t.claim.n_conflicts)
            rc = try_apply(a, req, &before, live, true, &t, err);
    }
    if (rc == ERR_CONFLICT) {
        ret_result->conflicts = t.claim.conflicts;
        ret_result->n_conflicts = (uint32_t)t.claim.n_conflicts;
        return rc;
    }
    if (rc == 0 && t.m.n > MANAGED_ENTRIES_MAX)
        rc = err_set(err, ERR_TOO_LARGE, "the object has more than %u managers", MANAGED_ENTRIES_MAX);
    if (rc < 0)
        return rc;
    put_result(a, req, live, &t, &result);
    *ret_result = result;
    return 0;
}
