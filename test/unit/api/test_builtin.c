/* api/schema: the built-in tables hold what schema.h promises. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/schema.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "codec/json.h"
#include "unit/unit.h"

static const struct ty_set *const set = &builtin;

#define fail_at(type, f, ...)                                                                                \
    do {                                                                                                     \
        print_error("%.*s.%.*s: ", STR_ARG(ty_name(set, set->types[type].name)),                             \
                    STR_ARG(ty_field_name(set, f)));                                                         \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

static bool in_json(const struct ty_field *f) {
    return !(f->flags & FIELD_INLINE) && f->name;
}

static bool in_proto(const struct ty_field *f) {
    return !(f->flags & FIELD_FLAT) && f->number;
}

/* Bytes and alignment of the member that a row describes. */
static size_t member_size(const struct ty_field *f, size_t *ret_align) {
    *ret_align = 8;
    if (f->shape == SHAPE_LIST || f->shape == SHAPE_MAP)
        return sizeof(struct any_array);
    if (f->leaf == LEAF_MESSAGE && f->shape == SHAPE_OPT)
        return sizeof(void *);
    size_t size = ty_item_size(set, f);
    if (f->shape == SHAPE_OPT) {
        switch (f->leaf) {
        case LEAF_BOOL: *ret_align = 1; return sizeof(struct opt_bool);
        case LEAF_I32:
        case LEAF_U32:
        case LEAF_ENUM: *ret_align = 4; return sizeof(struct opt_i32);
        case LEAF_I64:
        case LEAF_U64:
        case LEAF_F64: return sizeof(struct opt_i64);
        default: break;
        }
    }
    if (f->leaf == LEAF_MESSAGE)
        *ret_align = 1; /* that of the struct, which its own members tell */
    else if (size < 8)
        *ret_align = size;
    else if (f->leaf == LEAF_BOOL_VALUE)
        *ret_align = 1;
    return size;
}

TEST(test_builtin__names_are_sorted_and_unique) {
    assert_int_equal(set->names[0].n, 0);
    for (uint32_t i = 1; i < set->n_names; i++) {
        if (str_cmp(ty_name(set, i - 1), ty_name(set, i)) >= 0)
            fail_msg("name %" PRIu32 " is out of order", i);
    }
}

TEST(test_builtin__by_name_is_sorted_and_complete) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        uint32_t n = 0, want = 0;
        for (; n < ty->n && set->by_name[ty->first + n] != 0xffff; n++) {
            const struct ty_field *f = &set->fields[ty->first + set->by_name[ty->first + n]];
            assert_true(in_json(f));
            if (n > 0 && f[0].name <= set->fields[ty->first + set->by_name[ty->first + n - 1]].name)
                fail_at(t, f, "out of order or there twice");
            assert_ptr_equal(ty_find(set, t, ty_field_name(set, f)), f);
        }
        for (uint32_t i = 0; i < ty->n; i++)
            want += in_json(&set->fields[ty->first + i]);
        assert_int_equal(n, want);
    }
}

TEST(test_builtin__wire_rows_are_sorted_and_complete) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        uint32_t n = set->wire_first[t + 1] - set->wire_first[t], want = 0, last = 0;
        for (uint32_t i = 0; i < n; i++) {
            const struct ty_wire *w = &set->wire[set->wire_first[t] + i];
            const struct ty_field *f = &set->fields[ty->first + w->row];
            assert_true(w->row < ty->n && in_proto(f));
            if (f->number <= last)
                fail_at(t, f, "number %d is out of order or there twice", f->number);
            last = f->number;
            assert_ptr_equal(ty_find_number(set, t, f->number), f);
        }
        for (uint32_t i = 0; i < ty->n; i++)
            want += in_proto(&set->fields[ty->first + i]);
        assert_int_equal(n, want);
    }
}

TEST(test_builtin__wire_rows_say_what_fields_say) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        for (uint32_t i = set->wire_first[t]; i < set->wire_first[t + 1]; i++) {
            const struct ty_wire *w = &set->wire[i];
            const struct ty_field *f = &ty_fields(set, t)[w->row];
            assert_int_equal(w->number, f->number);
            assert_int_equal(w->offset, f->offset);
            assert_int_equal(w->type, f->type);
            assert_int_equal(w->form, TY_FORM(f->shape, f->leaf));
            assert_int_equal(w->proto3, (f->flags & FIELD_PROTO3) != 0);
            size_t size = f->shape == SHAPE_LIST  ? ty_item_size(set, f)
                          : f->shape == SHAPE_MAP ? ty_entry_size(set, f)
                                                  : 0;
            assert_int_equal(w->size, size);
        }
    }
}

TEST(test_builtin__rows_of_types_follow_each_other) {
    uint32_t at = 0;
    for (uint32_t t = 1; t < set->n_types; t++) {
        assert_int_equal(set->types[t].first, at);
        assert_true(set->types[t].gv < set->n_gvs && set->types[t].name < set->n_names);
        at += set->types[t].n;
    }
    assert_int_equal(at, set->n_fields);
}

TEST(test_builtin__members_lie_within_the_struct_without_overlap) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        size_t end = 0;
        for (uint32_t i = 0; i < ty->n; i++) {
            const struct ty_field *f = &set->fields[ty->first + i];
            if (f->flags & FIELD_FLAT)
                continue; /* inside of the embedded struct before it */
            size_t align, size = member_size(f, &align);
            if (f->offset % align || f->offset < end || f->offset + size > ty->size)
                fail_at(t, f, "offset %d, %zu bytes", f->offset, size);
            end = f->offset + size;
        }
    }
}

TEST(test_builtin__flat_rows_repeat_the_embedded_struct) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        const struct ty_field *embedded = NULL;
        for (uint32_t i = 0; i < ty->n; i++) {
            const struct ty_field *f = &set->fields[ty->first + i];
            if (f->flags & FIELD_INLINE)
                embedded = f;
            if (!(f->flags & FIELD_FLAT))
                continue;
            assert_non_null(embedded);
            const struct ty_field *own = ty_find(set, embedded->type, ty_field_name(set, f));
            assert_non_null(own);
            assert_int_equal(f->offset, embedded->offset + own->offset);
            assert_int_equal(f->leaf, own->leaf);
            assert_int_equal(f->number, own->number);
        }
    }
}

TEST(test_builtin__indexes_are_within_their_tables) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        for (uint32_t i = 0; i < ty->n; i++) {
            const struct ty_field *f = &set->fields[ty->first + i];
            uint32_t n = f->leaf == LEAF_MESSAGE ? set->n_types : set->n_enums;
            if (f->name >= set->n_names || f->type >= n || f->rule >= set->n_rules ||
                f->dflt >= set->n_defaults)
                fail_at(t, f, "index out of range");
            if ((f->leaf == LEAF_MESSAGE || f->leaf == LEAF_ENUM) && f->type == 0)
                fail_at(t, f, "no type");
            if (f->leaf != LEAF_MESSAGE && f->leaf != LEAF_ENUM && f->leaf != LEAF_STRING && f->type != 0)
                fail_at(t, f, "a type for a scalar");
        }
    }
}

TEST(test_builtin__keys_are_fields_of_the_items) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        const struct ty_type *ty = &set->types[t];
        for (uint32_t i = 0; i < ty->n; i++) {
            const struct ty_field *f = &set->fields[ty->first + i];
            const struct ty_rule *r = &set->rules[f->rule];
            assert_true(r->n_keys <= RULE_KEYS_MAX);
            assert_int_equal(r->list_type == LIST_MAP, r->n_keys > 0);
            if (!f->number)
                continue; /* configuration, never merged */
            for (uint32_t k = 0; k < r->n_keys; k++) {
                if (f->leaf != LEAF_MESSAGE || !ty_find(set, f->type, ty_name(set, r->keys[k])))
                    fail_at(t, f, "no key %.*s", STR_ARG(ty_name(set, r->keys[k])));
            }
            if (r->merge_key &&
                (f->leaf != LEAF_MESSAGE || !ty_find(set, f->type, ty_name(set, r->merge_key))))
                fail_at(t, f, "no merge key %.*s", STR_ARG(ty_name(set, r->merge_key)));
        }
    }
}

TEST(test_builtin__enums_have_values) {
    for (uint32_t e = 1; e < set->n_enums; e++) {
        const struct ty_enum *en = &set->enums[e];
        assert_true(en->n > 0 && en->name > 0);
    }
}

TEST(test_builtin__closed_fields_have_an_enum) {
    for (uint32_t i = 0; i < set->n_fields; i++) {
        const struct ty_field *f = &set->fields[i];
        if (f->flags & FIELD_CLOSED)
            assert_true(f->type > 0 && set->enums[f->type].closed);
    }
}

static bool default_fits(const struct ty_field *f, const struct jval *v) {
    if (f->shape == SHAPE_LIST)
        return v->kind == J_ARRAY;
    switch (f->leaf) {
    case LEAF_STRING: return v->kind == J_STRING;
    case LEAF_BOOL: return v->kind == J_BOOL;
    case LEAF_I32:
    case LEAF_I64: return v->kind == J_INT;
    case LEAF_INT_OR_STRING: return v->kind == J_INT || v->kind == J_STRING;
    default: return false;
    }
}

TEST(test_builtin__defaults_are_json_of_the_type) {
    for (uint32_t t = 1; t < set->n_types; t++) {
        for (uint32_t i = 0; i < set->types[t].n; i++) {
            const struct ty_field *f = ty_fields(set, t) + i;
            if (!f->dflt)
                continue;
            struct arena a = {0};
            struct err err = {0};
            struct jval v;
            struct str text = {set->default_text + set->defaults[f->dflt].offset, set->defaults[f->dflt].n};
            if (json_parse(&a, text, NULL, NULL, &v, &err) < 0 || !default_fits(f, &v))
                fail_at(t, f, "default %.*s", STR_ARG(text));
            arena_fini(&a);
        }
    }
}

TEST(test_builtin__finds_types_by_name) {
    assert_int_equal(ty_find_type(set, S(""), S("v1"), S("Pod")), TY_CORE_POD);
    assert_int_equal(ty_find_type(set, S("apps"), S("v1"), S("Pod")), 0);
    assert_int_equal(set->types[TY_CORE_POD].size, sizeof(struct core_pod));
    assert_null(ty_find(set, TY_CORE_POD, S("spe")));
    assert_null(ty_find_number(set, TY_CORE_POD, 99));
}

/* Walks all that is reachable from a type and fails at what has no description. */
static void check_docs(uint32_t type, bool *seen) {
    if (seen[type])
        return;
    seen[type] = true;
    if (!*ty_type_doc(set, type))
        fail_msg("%.*s has no description", STR_ARG(ty_name(set, set->types[type].name)));
    for (uint32_t i = 0; i < set->types[type].n; i++) {
        const struct ty_field *f = ty_fields(set, type) + i;
        if (in_json(f) && !*ty_field_doc(set, f))
            fail_at(type, f, "no description");
        if (f->leaf == LEAF_MESSAGE)
            check_docs(f->type, seen);
    }
}

TEST(test_builtin__kinds_of_every_day_are_described_throughout) {
    static const uint16_t types[] = {
        TY_CORE_POD,
        TY_CORE_SERVICE,
        TY_CORE_CONFIG_MAP,
        TY_CORE_SECRET,
        TY_CORE_NODE,
        TY_CORE_NAMESPACE,
        TY_CORE_EVENT,
        TY_CORE_SERVICE_ACCOUNT,
        TY_CORE_PERSISTENT_VOLUME,
        TY_CORE_PERSISTENT_VOLUME_CLAIM,
        TY_APPS_DEPLOYMENT,
        TY_APPS_STATEFUL_SET,
        TY_APPS_DAEMON_SET,
        TY_APPS_REPLICA_SET,
        TY_BATCH_JOB,
        TY_BATCH_CRON_JOB,
        TY_NETWORKING_INGRESS,
        TY_NETWORKING_NETWORK_POLICY,
        TY_STORAGE_STORAGE_CLASS,
        TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER,
        TY_POLICY_POD_DISRUPTION_BUDGET,
        TY_RBAC_ROLE,
        TY_RBAC_ROLE_BINDING,
        TY_RBAC_CLUSTER_ROLE,
        TY_RBAC_CLUSTER_ROLE_BINDING,
        TY_DISCOVERY_ENDPOINT_SLICE,
        TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
    };
    bool *seen = calloc(set->n_types, sizeof *seen);
    assert_non_null(seen);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_docs(types[i], seen);
    free(seen);
}

TEST(test_builtin__nearly_everything_is_described) {
    uint32_t have = 0, all = 0;
    for (uint32_t t = 1; t < set->n_types; t++) {
        all++;
        have += *ty_type_doc(set, t) != 0;
        for (uint32_t i = 0; i < set->types[t].n; i++) {
            const struct ty_field *f = ty_fields(set, t) + i;
            if (!in_json(f) || (f->flags & FIELD_FLAT))
                continue;
            all++;
            have += *ty_field_doc(set, f) != 0;
        }
    }
    print_message("%" PRIu32 " of %" PRIu32 " types and fields are described\n", have, all);
    assert_true(have * 100 >= all * 99);
}

TEST(test_builtin__secrets_are_marked) {
    assert_true(ty_find(set, TY_CORE_SECRET, S("data"))->flags & FIELD_SECRET);
    assert_true(ty_find(set, TY_CRI_AUTH_CONFIG, S("password"))->flags & FIELD_SECRET);
    assert_true(ty_find(set, TY_CSI_NODE_PUBLISH_VOLUME_REQUEST, S("secrets"))->flags & FIELD_SECRET);
    assert_false(ty_find(set, TY_CORE_SECRET, S("type"))->flags & FIELD_SECRET);
}
