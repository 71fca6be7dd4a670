/* Lists of managers: reading, writing, order, capping. See managed_priv.h. */
#include "api/managed_priv.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

static const struct str apply_text = STR_INIT("Apply"), update_text = STR_INIT("Update"),
                        fields_v1_text = STR_INIT("FieldsV1");

bool manager_is(const struct manager *m, const struct manager *who) {
    return m->applied == who->applied && str_eq(m->name, who->name) &&
           str_eq(m->subresource, who->subresource) &&
           (m->applied || str_eq(m->api_version, who->api_version));
}

int manager_cmp(const struct manager *x, const struct manager *y) {
    int c = str_cmp(x->name, y->name);
    c = c ? c : y->applied - x->applied; /* Apply comes before Update */
    if (!c && !x->applied)
        c = str_cmp(x->api_version, y->api_version);
    return c ? c : str_cmp(x->subresource, y->subresource);
}

struct manager *managers_find(const struct managers *m, const struct manager *who) {
    vec_foreach (manager, m)
        if (manager_is(manager, who))
            return manager;
    return NULL;
}

void manager_set(struct manager *m, struct fieldset set) {
    m->set = set;
    m->text = STR_NONE;
}

void managers_remove(struct managers *m, struct manager *which) {
    vec_remove(m, (size_t)(which - m->v));
}

static int read_entry(struct arena *a, const struct meta_managed_fields_entry *e, uint32_t i,
                      struct manager *ret, struct err *err) {
    bool applied = str_eq(e->operation, apply_text);
    if (!applied && !str_eq(e->operation, update_text))
        return err_set(err, ERR_INVALID, "managedFields[%u]: operation must be Apply or Update", i);
    if (str_empty(e->api_version))
        return err_set(err, ERR_INVALID, "managedFields[%u]: apiVersion must not be empty", i);
    if (!str_eq(e->fields_type, fields_v1_text))
        return err_set(err, ERR_INVALID, "managedFields[%u]: fieldsType must be FieldsV1", i);
    struct manager m = {.name = e->manager,
                        .subresource = e->subresource,
                        .api_version = e->api_version,
                        .applied = applied,
                        .time = e->time,
                        .text = str_empty(e->fields_v1) ? S("{}") : e->fields_v1};
    int rc = fieldset_read(a, m.text, &m.set, err);
    if (rc < 0) {
        (void)err_wrap(err, "managedFields[%u]", i);
        return rc;
    }
    *ret = m;
    return 0;
}

/* A manager and where it stood, for finding those with the same identity. */
struct place {
    const struct manager *m;
    size_t i;
};

static int place_cmp(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    int c = manager_cmp(x->m, y->m);
    return c ? c : (x->i > y->i) - (x->i < y->i);
}

/* Of managers with the same identity the last one stays. */
static void drop_repeated(struct arena *a, struct managers *m) {
    struct place *places = arena_new_n(a, m->n, struct place);
    bool *drop = arena_new_n(a, m->n, bool);
    for (size_t i = 0; i < m->n; i++)
        places[i] = (struct place){&m->v[i], i};
    qsort(places, m->n, sizeof *places, place_cmp);
    for (size_t i = 1; i < m->n; i++)
        drop[places[i - 1].i] = manager_cmp(places[i - 1].m, places[i].m) == 0;
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        if (!drop[i])
            m->v[n++] = m->v[i];
    m->n = n;
}

int managers_read(struct arena *a, struct meta_managed_fields_entry_array entries,
                  struct managers *ret_managers, struct err *err) {
    if (entries.n > MANAGED_ENTRIES_MAX)
        return err_set(err, ERR_TOO_LARGE, "%u managedFields, at most %u are possible", entries.n,
                       MANAGED_ENTRIES_MAX);
    struct managers m = {0};
    m.cap = (size_t)entries.n + 2; /* room for the manager of the write, and for what came before apply */
    m.v = arena_new_n(a, m.cap, struct manager);
    for (uint32_t i = 0; i < entries.n; i++) {
        int rc = read_entry(a, &entries.v[i], i, &m.v[m.n], err);
        if (rc < 0)
            return rc;
        m.n++;
    }
    drop_repeated(a, &m);
    *ret_managers = m;
    return 0;
}

static struct str set_text(struct arena *a, const struct manager *m) {
    if (m->text.p)
        return m->text;
    _cleanup_buf struct buf out = BUF_INIT;
    fieldset_write(&out, &m->set);
    return buf_to_arena(&out, a);
}

/* CONFORMS: entries are sorted by operation, time in seconds, manager, version, subresource. */
static int entry_cmp(const void *a, const void *b) {
    const struct meta_managed_fields_entry *x = a, *y = b;
    int c = str_cmp(x->operation, y->operation);
    int64_t tx = x->time.set ? x->time.sec : 0, ty = y->time.set ? y->time.sec : 0;
    c = c ? c : (tx > ty) - (tx < ty);
    c = c ? c : str_cmp(x->manager, y->manager);
    c = c ? c : str_cmp(x->api_version, y->api_version);
    return c ? c : str_cmp(x->subresource, y->subresource);
}

struct meta_managed_fields_entry_array managers_write(struct arena *a, const struct managers *m) {
    struct meta_managed_fields_entry_array out = {0};
    if (!m->n)
        return out;
    out.v = arena_new_n(a, m->n, struct meta_managed_fields_entry);
    vec_foreach (manager, m)
        out.v[out.n++] =
            (struct meta_managed_fields_entry){.manager = manager->name,
                                               .operation = manager->applied ? apply_text : update_text,
                                               .api_version = manager->api_version,
                                               .time = manager->time,
                                               .fields_type = fields_v1_text,
                                               .fields_v1 = set_text(a, manager),
                                               .subresource = manager->subresource};
    qsort(out.v, out.n, sizeof *out.v, entry_cmp);
    return out;
}

static int age_cmp(const void *a, const void *b) {
    const struct manager *x = *(const struct manager *const *)a, *y = *(const struct manager *const *)b;
    int64_t tx = x->time.set ? x->time.sec : 0, ty = y->time.set ? y->time.sec : 0;
    return tx != ty ? (tx > ty) - (tx < ty) : manager_cmp(x, y);
}

static bool is_bucket(const struct manager *m) {
    return str_eq(m->name, S("ancient-changes")) && str_empty(m->subresource);
}

/* What the updater old[i] is merged into: the bucket of its version, or else the oldest of its version, which
 * becomes the bucket; NULL when it is the oldest itself. */
static struct manager *bucket_of(struct manager **old, size_t n, size_t i) {
    struct manager *first = NULL;
    for (size_t k = 0; k < n; k++) {
        if (k == i || !old[k]->set.n || !str_eq(old[k]->api_version, old[i]->api_version))
            continue;
        if (is_bucket(old[k]))
            return old[k];
        if (k < i && !first)
            first = old[k];
    }
    return first;
}

static void into_bucket(struct arena *a, struct manager *bucket, struct manager *m) {
    bucket->name = S("ancient-changes");
    bucket->subresource = STR_NONE;
    bucket->time = m->time;
    manager_set(bucket, fieldset_union(a, &m->set, &bucket->set));
    m->set = (struct fieldset){0};
}

void managers_cap(struct arena *a, struct managers *m) {
    struct manager **old = arena_new_n(a, m->n, struct manager *);
    size_t n = 0;
    vec_foreach (manager, m)
        if (!manager->applied)
            old[n++] = manager;
    if (n <= MANAGED_UPDATERS_MAX)
        return;
    qsort(old, n, sizeof *old, age_cmp);
    size_t left = n;
    for (size_t i = 0; i < n && left > MANAGED_UPDATERS_MAX; i++) {
        struct manager *bucket = is_bucket(old[i]) ? NULL : bucket_of(old, n, i);
        if (bucket) {
            into_bucket(a, bucket, old[i]);
            left--;
        }
    }
    for (size_t i = m->n; i-- > 0;)
        if (!m->v[i].set.n)
            managers_remove(m, &m->v[i]);
}
