/* managedFields in objects, and what may stand in them. See managed.h. */
#include "api/managed.h"

#include "api/equal.h"
#include "api/field_error.h"
#include "api/status.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "codec/json.h"

/* A string member of a tree entry; false when it is something else. */
static bool tree_str(const struct jval *entry, struct str name, struct str *ret) {
    const struct jval *v = jval_get(entry, name);
    if (!v || v->kind == J_NULL)
        return true;
    *ret = jval_as_str(v);
    return v->kind == J_STRING;
}

static bool tree_entry(struct arena *a, const struct jval *v, struct meta_managed_fields_entry *ret) {
    struct meta_managed_fields_entry e = {0};
    struct str time = STR_NONE;
    if (v->kind != J_OBJECT || !tree_str(v, S("manager"), &e.manager) ||
        !tree_str(v, S("operation"), &e.operation) || !tree_str(v, S("apiVersion"), &e.api_version) ||
        !tree_str(v, S("time"), &time) || !tree_str(v, S("fieldsType"), &e.fields_type) ||
        !tree_str(v, S("subresource"), &e.subresource))
        return false;
    if (time.p) {
        e.time.set = time_parse(time, TIME_SECONDS, &e.time.sec, &e.time.nsec);
        if (!e.time.set)
            return false;
    }
    const struct jval *fields = jval_get(v, S("fieldsV1"));
    if (fields && fields->kind != J_NULL) {
        _cleanup_buf struct buf text = BUF_INIT;
        json_write(&text, fields);
        e.fields_v1 = buf_to_arena(&text, a);
    }
    *ret = e;
    return true;
}

bool managed_of(struct arena *a, struct ref object, struct meta_managed_fields_entry_array *ret_entries) {
    struct meta_managed_fields_entry_array out = {0};
    struct ref list = ref_path(object, S("metadata.managedFields"));
    enum ref_kind kind = ref_kind(list);
    if (kind == REF_LIST && list.rep == REP_PACKED) {
        memcpy(&out, list.p, sizeof out);
    } else if (kind == REF_LIST) {
        uint32_t n = ref_len(list);
        out.v = arena_new_n(a, n, struct meta_managed_fields_entry);
        for (; out.n < n; out.n++)
            if (!tree_entry(a, ref_at(list, out.n).p, &out.v[out.n]))
                return false;
    } else if (kind != REF_ABSENT && kind != REF_NULL) {
        return false;
    }
    *ret_entries = out;
    return true;
}

struct jval managed_to_tree(struct arena *a, struct meta_managed_fields_entry_array entries) {
    struct jval *items = arena_new_n(a, entries.n, struct jval);
    for (uint32_t i = 0; i < entries.n; i++)
        items[i] = ref_tree(ref_packed(&builtin, TY_META_MANAGED_FIELDS_ENTRY, &entries.v[i]), a);
    return jval_array(items, entries.n);
}

struct jval managed_set_tree(struct arena *a, const struct jval *object,
                             struct meta_managed_fields_entry_array entries) {
    const struct jval *meta = jval_get(object, S("metadata"));
    struct jval changed = entries.n ? jval_with(a, meta, S("managedFields"), managed_to_tree(a, entries))
                                    : jval_without(a, meta, S("managedFields"));
    return jval_with(a, object, S("metadata"), changed);
}

bool managed_same(struct meta_managed_fields_entry_array x, struct meta_managed_fields_entry_array y) {
    if (x.n != y.n)
        return false;
    for (uint32_t i = 0; i < x.n && x.v != y.v; i++) {
        struct meta_managed_fields_entry e = x.v[i];
        e.time = y.v[i].time;
        if (!api_equal(&builtin, TY_META_MANAGED_FIELDS_ENTRY, &e, &y.v[i]))
            return false;
    }
    return true;
}

/* The length of the character at p, at least 1; *ret_prints: Go prints it as it is. */
static size_t next_char(struct str rest, bool *ret_prints) {
    unsigned char c = (unsigned char)rest.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (n > rest.n || utf8_valid_prefix(str_cut(rest, n)) != n) {
        *ret_prints = false;
        return 1;
    }
    _cleanup_buf struct buf quoted = BUF_INIT;
    field_quote(&quoted, str_cut(rest, n));
    *ret_prints = n > 1 ? quoted.p[1] != '\\' : c >= ' ' && c != 0x7F;
    return n;
}

void managed_check_name(struct field_errors *errors, const struct field_path *path, struct str name) {
    if (name.n > MANAGER_NAME_MAX)
        field_too_long(errors, path, MANAGER_NAME_MAX);
    for (size_t i = 0; i < name.n && i < MANAGER_NAME_MAX;) {
        bool prints;
        i += next_char(str_from_byte(name, i), &prints);
        if (!prints) {
            field_invalid(errors, path, bad(name), "must be made of printable characters");
            return;
        }
    }
}

void managed_check(struct field_errors *errors, const struct field_path *path,
                   struct meta_managed_fields_entry_array entries) {
    for (uint32_t i = 0; i < entries.n; i++) {
        const struct meta_managed_fields_entry *e = &entries.v[i];
        const struct field_path *at = at_index(path, i);
        if (!str_eq(e->operation, S("Apply")) && !str_eq(e->operation, S("Update")))
            field_invalid(errors, at_field(at, "operation"), bad(e->operation),
                          "must be `Apply` or `Update`");
        if (e->fields_type.n && !str_eq(e->fields_type, S("FieldsV1")))
            field_invalid(errors, at_field(at, "fieldsType"), bad(e->fields_type), "must be `FieldsV1`");
        managed_check_name(errors, at_field(at, "manager"), e->manager);
        if (e->subresource.n > MANAGED_SUBRESOURCE_MAX)
            field_too_long(errors, at_field(at, "subresource"), MANAGED_SUBRESOURCE_MAX);
    }
}

struct str managed_name(struct arena *a, struct str field_manager, struct str user_agent) {
    if (!str_empty(field_manager))
        return field_manager;
    struct str head, rest;
    (void)str_split(user_agent, '/', &head, &rest);
    char *out = arena_bytes(a, MANAGER_NAME_MAX);
    size_t n = 0;
    for (size_t i = 0; i < head.n;) {
        bool prints;
        size_t len = next_char(str_from_byte(head, i), &prints);
        if (prints && n + len > MANAGER_NAME_MAX)
            break;
        if (prints)
            memcpy(out + n, head.p + i, len);
        n += prints ? len : 0;
        i += len;
    }
    return n ? str_make(out, n) : S("unknown");
}

static struct str manager_text(struct arena *a, const struct managed_conflict *c) {
    _cleanup_buf struct buf out = BUF_INIT;
    field_quote(&out, c->manager);
    if (c->subresource.n) {
        buf_lit(&out, " with subresource ");
        field_quote(&out, c->subresource);
    }
    if (!c->applied) {
        buf_lit(&out, " using ");
        buf_str(&out, c->api_version);
    }
    return buf_to_arena(&out, a);
}

struct status *managed_conflict_status(struct arena *a, const struct managed_conflict *conflicts,
                                       uint32_t n) {
    struct status_apply_conflict *list = arena_new_n(a, n, struct status_apply_conflict);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct status_apply_conflict){.field = conflicts[i].path,
                                                 .manager = manager_text(a, &conflicts[i])};
    return status_apply_conflicts(a, list, n);
}
