/* The parts of metadata that code works with. See meta.h. */
#include "api/meta.h"

#include "api/field_error.h"
#include "api/kind.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define SHOWN_MAX 100 /* bytes of a text that a message shows */

static int bad_version(struct str text, const char *why, struct err *err) {
    _cleanup_buf struct buf quoted = BUF_INIT;
    field_quote(&quoted, str_cut(text, SHOWN_MAX));
    return err_set(err, ERR_INVALID, "resourceVersion: Invalid value: %s: %s", buf_cstr(&quoted), why);
}

static bool is_decimal(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

int rv_parse(struct str text, uint64_t *ret, struct err *err) {
    uint64_t v = 0;
    if (text.n && !is_decimal(text))
        return bad_version(text, "must be a decimal number", err);
    while (text.n > 1 && text.p[0] == '0')
        text = str_from_byte(text, 1);
    if (text.n && !str_to_u64(text, &v))
        return bad_version(text, "must be below 2^64", err);
    *ret = v;
    return 0;
}

int rv_compare(struct str a, struct str b, int *ret, struct err *err) {
    if (!is_decimal(a) || a.p[0] == '0')
        return bad_version(a, "must be the version of an object", err);
    if (!is_decimal(b) || b.p[0] == '0')
        return bad_version(b, "must be the version of an object", err);
    *ret = a.n != b.n ? (a.n < b.n ? -1 : 1) : str_cmp(a, b);
    return 0;
}

size_t rv_format(uint64_t rv, char out[RV_TEXT_MAX]) {
    char digits[RV_TEXT_MAX];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + rv % 10);
    while (rv /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = '\0';
    return n;
}

/* Index of the first entry whose key is not before the given one. */
static uint32_t lower_bound(struct str_map m, struct str key) {
    uint32_t low = 0, high = m.n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (str_cmp(m.v[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool has_at(struct str_map m, uint32_t i, struct str key) {
    return i < m.n && str_eq(m.v[i].key, key);
}

static void copy_entries(struct str_entry *to, const struct str_entry *from, uint32_t n) {
    if (n)
        memcpy(to, from, n * sizeof *to);
}

struct str_map str_map_with(struct arena *a, struct str_map m, struct str key, struct str value) {
    uint32_t i = lower_bound(m, key), replaced = has_at(m, i, key);
    if (replaced && str_eq(m.v[i].value, value))
        return m;
    struct str_entry *v = arena_new_n(a, (size_t)m.n + 1, struct str_entry);
    copy_entries(v, m.v, i);
    v[i] = (struct str_entry){.key = key, .value = value};
    copy_entries(v + i + 1, m.v + i + replaced, m.n - i - replaced);
    return (struct str_map){v, m.n + 1 - replaced};
}

struct str_map str_map_without(struct arena *a, struct str_map m, struct str key) {
    uint32_t i = lower_bound(m, key);
    if (!has_at(m, i, key))
        return m;
    struct str_entry *v = arena_new_n(a, m.n, struct str_entry);
    copy_entries(v, m.v, i);
    copy_entries(v + i, m.v + i + 1, m.n - i - 1);
    return (struct str_map){v, m.n - 1};
}

struct str_map str_map_merge(struct arena *a, struct str_map under, struct str_map over) {
    if (!over.n)
        return under;
    struct str_map to = {arena_new_n(a, (size_t)under.n + over.n, struct str_entry), 0};
    uint32_t i = 0, j = 0;
    while (i < under.n || j < over.n) {
        int c = i == under.n ? 1 : j == over.n ? -1 : str_cmp(under.v[i].key, over.v[j].key);
        to.v[to.n++] = c < 0 ? under.v[i] : over.v[j];
        i += c <= 0;
        j += c >= 0;
    }
    return to;
}

bool str_map_equal(struct str_map a, struct str_map b) {
    if (a.n != b.n)
        return false;
    for (uint32_t i = 0; i < a.n && a.v != b.v; i++)
        if (!str_eq(a.v[i].key, b.v[i].key) || !str_eq(a.v[i].value, b.v[i].value))
            return false;
    return true;
}

size_t str_map_bytes(struct str_map m) {
    size_t n = 0;
    for (uint32_t i = 0; i < m.n; i++)
        n += m.v[i].key.n + m.v[i].value.n;
    return n;
}

const struct meta_owner_reference *meta_controller(const struct meta_object_meta *m) {
    for (uint32_t i = 0; i < m->owner_references.n; i++)
        if (m->owner_references.v[i].controller.set && m->owner_references.v[i].controller.v)
            return &m->owner_references.v[i];
    return NULL;
}

const struct meta_owner_reference *meta_owner(const struct meta_object_meta *m, struct str uid) {
    for (uint32_t i = 0; i < m->owner_references.n && uid.n; i++)
        if (str_eq(m->owner_references.v[i].uid, uid))
            return &m->owner_references.v[i];
    return NULL;
}

struct meta_owner_reference meta_controller_ref(const struct kind *kind,
                                                const struct meta_object_meta *owner) {
    return (struct meta_owner_reference){
        .api_version = kind_api_version(kind),
        .kind = kind->name,
        .name = owner->name,
        .uid = owner->uid,
        .controller = {.v = true, .set = true},
        .block_owner_deletion = {.v = true, .set = true},
    };
}

/* A copy of the list with the item left out, and room for one more. */
static void copy_owners_without(struct arena *a, struct meta_object_meta *m,
                                const struct meta_owner_reference *left_out) {
    struct meta_owner_reference_array *list = &m->owner_references;
    struct meta_owner_reference *v = arena_new_n(a, (size_t)list->n + 1, struct meta_owner_reference);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n; i++)
        if (&list->v[i] != left_out)
            v[n++] = list->v[i];
    list->v = v;
    list->n = n;
}

void meta_set_owner(struct arena *a, struct meta_object_meta *m, const struct meta_owner_reference *owner) {
    struct meta_owner_reference added = *owner; /* it may be the one that is replaced */
    const struct meta_owner_reference *old = meta_owner(m, owner->uid);
    uint32_t at = old ? (uint32_t)(old - m->owner_references.v) : m->owner_references.n;
    copy_owners_without(a, m, NULL);
    m->owner_references.v[at] = added;
    m->owner_references.n += !old;
}

bool meta_remove_owner(struct arena *a, struct meta_object_meta *m, struct str uid) {
    const struct meta_owner_reference *old = meta_owner(m, uid);
    if (old)
        copy_owners_without(a, m, old);
    return old != NULL;
}

bool meta_has_finalizer(const struct meta_object_meta *m, struct str finalizer) {
    for (uint32_t i = 0; i < m->finalizers.n; i++)
        if (str_eq(m->finalizers.v[i], finalizer))
            return true;
    return false;
}

/* A copy of the list without the finalizer, and room for one more. */
static void copy_finalizers_without(struct arena *a, struct meta_object_meta *m, struct str finalizer) {
    struct str *v = arena_new_n(a, (size_t)m->finalizers.n + 1, struct str);
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->finalizers.n; i++)
        if (!str_eq(m->finalizers.v[i], finalizer))
            v[n++] = m->finalizers.v[i];
    m->finalizers = (struct str_array){v, n};
}

bool meta_add_finalizer(struct arena *a, struct meta_object_meta *m, struct str finalizer) {
    if (meta_has_finalizer(m, finalizer))
        return false;
    copy_finalizers_without(a, m, finalizer);
    m->finalizers.v[m->finalizers.n++] = finalizer;
    return true;
}

bool meta_remove_finalizer(struct arena *a, struct meta_object_meta *m, struct str finalizer) {
    if (!meta_has_finalizer(m, finalizer))
        return false;
    copy_finalizers_without(a, m, finalizer);
    return true;
}
