/* Tracking who owns what across a write. See managed.h.
 *
 * The write is compared once per API version that managers' sets are in, almost always one. Sets are only
 * taken apart and written again when they overlap what changed; the text of the others is passed on as it was
 * read.
 */
#include "api/managed_priv.h"

#include "api/equal.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

/* CONFORMS: fields that nobody owns, since they identify the object or clients cannot set them. */
#define FIELD(name_)                                                                                         \
    .el = {.kind = PATH_FIELD, .v = {.kind = J_STRING, .n = sizeof(name_) - 1, .s = (name_)}}, .member = true
static const struct fieldset untracked_metadata[] = {{FIELD("clusterName")},
                                                     {FIELD("creationTimestamp")},
                                                     {FIELD("generation")},
                                                     {FIELD("managedFields")},
                                                     {FIELD("name")},
                                                     {FIELD("namespace")},
                                                     {FIELD("resourceVersion")},
                                                     {FIELD("selfLink")},
                                                     {FIELD("uid")}};
static const struct fieldset untracked_root[] = {
    {FIELD("apiVersion")},
    {FIELD("kind")},
    {FIELD("metadata"), .kids = (struct fieldset *)untracked_metadata,
     .n = sizeof untracked_metadata / sizeof *untracked_metadata}};
static const struct fieldset untracked = {.kids = (struct fieldset *)untracked_root,
                                          .n = sizeof untracked_root / sizeof *untracked_root};
#undef FIELD

struct fieldset without_untracked(struct arena *a, const struct fieldset *set) {
    struct fieldset out = fieldset_difference(a, set, &untracked);
    out.member = false;
    return out;
}

static struct ref packed_without_managed(struct arena *a, struct ref object) {
    const struct ty_set *set = object.pos.set;
    const struct ty_field *meta = ty_find(set, object.pos.type, S("metadata"));
    const struct ty_field *managed = meta ? ty_find(set, meta->type, S("managedFields")) : NULL;
    if (!managed)
        return object;
    size_t size = set->types[object.pos.type].size;
    char *copy = arena_alloc(a, size);
    memcpy(copy, object.p, size);
    memset(copy + meta->offset + managed->offset, 0, sizeof(struct any_array));
    return ref_packed(set, object.pos.type, copy);
}

struct ref without_managed(struct arena *a, struct ref object) {
    if (object.rep == REP_PACKED)
        return packed_without_managed(a, object);
    const struct jval *meta = object.rep == REP_TREE ? jval_get(object.p, S("metadata")) : NULL;
    if (!jval_get(meta, S("managedFields")))
        return object;
    struct jval *copy = arena_new(a, struct jval);
    *copy = jval_with(a, object.p, S("metadata"), jval_without(a, meta, S("managedFields")));
    return ref_tree_at(object.pos, copy);
}

static bool deeper_than(const struct jval *v, uint32_t depth) {
    if (v->kind != J_ARRAY && v->kind != J_OBJECT)
        return false;
    if (!depth)
        return true;
    for (uint32_t i = 0; i < v->n; i++)
        if (deeper_than(v->kind == J_ARRAY ? &v->items[i] : &v->members[i].value, depth - 1))
            return true;
    return false;
}

int check_depth(struct ref object, struct err *err) {
    if (object.rep != REP_TREE || !deeper_than(object.p, MANAGED_DEPTH_MAX))
        return 0;
    return err_set(err, ERR_TOO_LARGE, "the object is nested deeper than %u levels", MANAGED_DEPTH_MAX);
}

struct ref empty_like(struct arena *a, struct ref object) {
    if (object.rep == REP_PACKED)
        return ref_packed(object.pos.set, object.pos.type,
                          arena_alloc(a, object.pos.set->types[object.pos.type].size));
    struct jval *empty = arena_new(a, struct jval);
    *empty = jval_object(NULL, 0);
    return ref_tree_at(object.pos, empty);
}

void write_begin(struct write *w, struct arena *a, const struct managed_request *req, struct ref before) {
    *w = (struct write){.a = a, .req = req};
    struct version own = {.api_version = req->api_version, .before = before};
    vec_push_in(a, w, own);
}

int write_convert(const struct write *w, struct ref object, struct str from, struct str to,
                  struct ref *ret_object, struct err *err) {
    *ret_object = object;
    if (object.rep == REP_NONE || write_same_version(w, from, to))
        return 0;
    return w->req->convert(w->req->convert_ctx, w->a, object, to, ret_object, err);
}

static int version_of(struct write *w, struct str api_version, struct version **ret, struct err *err) {
    vec_foreach (v, w) {
        if (write_same_version(w, v->api_version, api_version)) {
            *ret = v;
            return 0;
        }
    }
    struct version new = {.api_version = api_version};
    int rc = write_convert(w, w->v[0].before, w->req->api_version, api_version, &new.before, err);
    if (rc < 0 && rc != ERR_NOT_FOUND)
        return rc;
    new.missing = rc < 0;
    vec_push_in(w->a, w, new);
    *ret = &w->v[w->n - 1];
    return 0;
}

struct fieldset write_filter(const struct write *w, struct str api_version, struct fieldset set) {
    for (size_t i = 0; i < w->req->n_filters; i++) {
        const struct managed_filter *f = &w->req->filters[i];
        if (!str_eq(f->api_version, api_version))
            continue;
        if (f->except)
            set = fieldset_difference_below(w->a, &set, f->except);
        if (f->only)
            set = fieldset_below(w->a, &set, f->only);
    }
    return set;
}

int write_reconcile(struct write *w, struct managers *m, struct err *err) {
    vec_foreach (manager, m) {
        struct version *v;
        int rc = version_of(w, manager->api_version, &v, err);
        if (rc < 0)
            return rc;
        struct fieldset now = fieldset_for_schema(w->a, &manager->set, v->before.pos);
        if (!v->missing && now.kids != manager->set.kids)
            manager_set(manager, now);
    }
    return 0;
}

/* Compares the object before and after in one version. */
static int compare_version(struct write *w, struct version *v, struct ref after, struct err *err) {
    int rc = write_convert(w, after, w->req->api_version, v->api_version, &v->after, err);
    if (rc < 0 && rc != ERR_NOT_FOUND)
        return rc;
    v->compared = true;
    v->missing = rc < 0;
    if (v->missing)
        return 0;
    struct fieldset_diff d = fieldset_compare(w->a, v->before, v->after);
    struct fieldset set = fieldset_union(w->a, &d.added, &d.modified);
    v->set = write_filter(w, v->api_version, set);
    v->removed = write_filter(w, v->api_version, d.removed);
    struct fieldset replaced = fieldset_below(w->a, &v->removed, &d.modified);
    v->taken = fieldset_union(w->a, &v->set, &replaced);
    return 0;
}

struct conflict_ctx {
    struct write *w;
    struct claim *claim;
    const struct manager *owner;
};

static int add_conflict(void *ctx, const struct path *path) {
    const struct conflict_ctx *c = ctx;
    _cleanup_buf struct buf text = BUF_INIT;
    path_write(&text, path);
    struct managed_conflict conflict = {.manager = c->owner->name,
                                        .subresource = c->owner->subresource,
                                        .api_version = c->owner->applied ? STR_NONE : c->owner->api_version,
                                        .time = c->owner->time,
                                        .applied = c->owner->applied,
                                        .path = buf_to_arena(&text, c->w->a)};
    struct {
        struct managed_conflict *v;
        size_t n, cap;
    } list = {c->claim->conflicts, c->claim->n_conflicts, c->claim->cap_conflicts};
    vec_push_in(c->w->a, &list, conflict);
    c->claim->conflicts = list.v;
    c->claim->n_conflicts = list.n;
    c->claim->cap_conflicts = list.cap;
    return 0;
}

/* What the write takes from one other manager. */
static int claim_from(struct write *w, struct claim *claim, struct manager *m, struct err *err) {
    struct version *v;
    int rc = version_of(w, m->api_version, &v, err);
    if (rc == 0 && !v->compared && !v->missing)
        rc = compare_version(w, v, claim->after, err);
    if (rc < 0)
        return rc;
    if (v->missing) {
        manager_set(m, (struct fieldset){0});
        return 0;
    }
    if (fieldset_overlaps(&m->set, &v->taken)) {
        struct conflict_ctx ctx = {w, claim, m};
        struct fieldset lost = fieldset_intersection(w->a, &m->set, &v->taken);
        if (!claim->force)
            (void)fieldset_each(&lost, add_conflict, &ctx);
        manager_set(m, fieldset_difference(w->a, &m->set, &v->taken));
    }
    if (fieldset_overlaps(&m->set, &v->removed))
        manager_set(m, fieldset_difference(w->a, &m->set, &v->removed));
    return 0;
}

int write_claim(struct write *w, struct managers *m, struct claim *claim, struct err *err) {
    int rc = w->v[0].compared ? 0 : compare_version(w, &w->v[0], claim->after, err);
    for (size_t i = 0; i < m->n && rc == 0; i++)
        if (&m->v[i] != claim->self)
            rc = claim_from(w, claim, &m->v[i], err);
    if (rc < 0)
        return rc;
    claim->set = w->v[0].set;
    if (claim->n_conflicts)
        return err_set(err, ERR_CONFLICT, "%zu fields are owned by other managers", claim->n_conflicts);
    for (size_t i = m->n; i-- > 0;)
        if (!m->v[i].set.n)
            managers_remove(m, &m->v[i]);
    return 0;
}

int track_update(struct write *w, struct managers *m, struct ref after, struct str name, struct err *err) {
    struct claim claim = {.after = after, .force = true};
    int rc = write_claim(w, m, &claim, err);
    if (rc < 0)
        return rc;
    const struct managed_request *req = w->req;
    struct fieldset set = without_untracked(w->a, &claim.set);
    struct manager who = {.name = str_empty(name) ? S("unknown") : name,
                          .subresource = req->subresource,
                          .api_version = req->api_version,
                          .time = {.sec = req->now.sec, .set = true}};
    struct manager *m_old = managers_find(m, &who);
    if (set.n && m_old) {
        manager_set(m_old, fieldset_union(w->a, &set, &m_old->set));
        m_old->time = who.time;
    } else if (set.n) {
        manager_set(&who, set);
        vec_push_in(w->a, m, who);
    }
    managers_cap(w->a, m);
    return 0;
}

/* CONFORMS: a list of one empty entry resets; an empty list does not, so that clients that do not know the
 * field do not reset by accident. */
static bool is_reset(struct meta_managed_fields_entry_array entries) {
    static const struct meta_managed_fields_entry none;
    return entries.n == 1 && api_equal(&builtin, TY_META_MANAGED_FIELDS_ENTRY, &entries.v[0], &none);
}

/* Entries that the client sent and that say something else than the live ones. */
static bool sent_entries(struct arena *a, const struct managed_request *req,
                         struct meta_managed_fields_entry_array live,
                         struct meta_managed_fields_entry_array *ret_sent) {
    return str_empty(req->subresource) && managed_of(a, req->after, ret_sent) && ret_sent->n &&
           !managed_same(*ret_sent, live);
}

/* The managers a write starts from. CONFORMS: what was sent counts when it can be read and is not empty; live
 * entries that cannot be read are forgotten. */
static struct managers start_from(struct arena *a, struct meta_managed_fields_entry_array live,
                                  struct meta_managed_fields_entry_array sent) {
    struct managers m = {0};
    if (is_reset(sent) || (managers_read(a, sent, &m, NULL) == 0 && m.n))
        return m;
    return managers_read(a, live, &m, NULL) < 0 ? (struct managers){0} : m;
}

static int track(struct write *w, struct managers *m, struct ref after, struct managed_result *result,
                 struct err *err) {
    int rc = write_reconcile(w, m, err);
    if (rc == 0)
        rc = track_update(w, m, after, w->req->manager, err);
    if (rc == 0)
        result->entries = managers_write(w->a, m);
    return rc;
}

int managed_update(struct arena *a, const struct managed_request *req, struct managed_result *ret_result,
                   struct err *err) {
    struct meta_managed_fields_entry_array live = {0}, sent = {0};
    if (check_depth(req->before, err) < 0 || check_depth(req->after, err) < 0)
        return ERR_TOO_LARGE;
    bool created = req->before.rep == REP_NONE, live_ok = managed_of(a, req->before, &live);
    bool told = sent_entries(a, req, live, &sent);
    struct ref after = without_managed(a, req->after);
    struct ref before = created ? empty_like(a, after) : without_managed(a, req->before);
    struct write w;
    write_begin(&w, a, req, before);
    int rc = compare_version(&w, &w.v[0], after, err);
    if (rc < 0)
        return rc;
    struct managed_result result = {.entries = live};
    bool changed = !fieldset_empty(&w.v[0].set) || !fieldset_empty(&w.v[0].removed);
    if (created || !live_ok || told || changed) {
        struct managers m = start_from(a, live, told ? sent : (struct meta_managed_fields_entry_array){0});
        result.entries = (struct meta_managed_fields_entry_array){0};
        /* CONFORMS: an object that is not tracked stays so until it is applied. */
        if (created || m.n)
            rc = track(&w, &m, after, &result, err);
        if (rc < 0)
            return rc;
    }
    result.entries_changed = !live_ok || !managed_same(live, result.entries);
    *ret_result = result;
    return 0;
}
