/* Shared checks. See checks.h. */
#include "api/validation/checks.h"

#include "api/equal.h"
#include "api/quantity.h"
#include "api/ref.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"

bool str_set_has(struct str_set set, struct str s) {
    for (size_t i = 0; i < set.n; i++)
        if (str_eq(set.v[i], s))
            return true;
    return false;
}

bool check_required(struct field_errors *e, const struct field_path *p, struct str value) {
    if (!str_empty(value))
        return true;
    field_required(e, p);
    return false;
}

bool check_supported(struct field_errors *e, const struct field_path *p, struct str value,
                     struct str_set set) {
    if (str_set_has(set, value))
        return true;
    field_not_supported(e, p, bad(value), set.v, set.n);
    return false;
}

bool check_enum(struct field_errors *e, const struct field_path *p, struct str value, struct str_set set) {
    return check_required(e, p, value) && check_supported(e, p, value, set);
}

bool check_optional_enum(struct field_errors *e, const struct field_path *p, struct str value,
                         struct str_set set) {
    return str_empty(value) || check_supported(e, p, value, set);
}

bool check_non_negative(struct field_errors *e, const struct field_path *p, int64_t value) {
    if (value >= 0)
        return true;
    field_invalid(e, p, bad(value), "must be greater than or equal to 0");
    return false;
}

bool check_positive(struct field_errors *e, const struct field_path *p, int64_t value) {
    if (value > 0)
        return true;
    field_invalid(e, p, bad(value), "must be greater than 0");
    return false;
}

bool check_non_negative_quantity(struct field_errors *e, const struct field_path *p,
                                 const struct quantity *q) {
    if (quantity_sign(q) >= 0)
        return true;
    field_invalid(e, p, bad_quantity(e, q), "must be greater than or equal to 0");
    return false;
}

bool check_positive_quantity(struct field_errors *e, const struct field_path *p, const struct quantity *q) {
    if (quantity_sign(q) > 0)
        return true;
    field_invalid(e, p, bad_quantity(e, q), "must be greater than zero");
    return false;
}

bool check_range(struct field_errors *e, const struct field_path *p, int64_t value, int64_t min,
                 int64_t max) {
    if (value >= min && value <= max)
        return true;
    field_invalid(e, p, bad(value), "must be between %lld and %lld, inclusive", (long long)min,
                  (long long)max);
    return false;
}

bool check_port(struct field_errors *e, const struct field_path *p, int64_t port) {
    return check_range(e, p, port, 1, 65535);
}

bool check_max_bytes(struct field_errors *e, const struct field_path *p, struct str value, size_t max) {
    if (value.n <= max)
        return true;
    field_too_long(e, p, max);
    return false;
}

bool check_max_items(struct field_errors *e, const struct field_path *p, size_t n, size_t max) {
    if (n <= max)
        return true;
    field_too_many(e, p, n, max);
    return false;
}

struct bad_value bad_quantity(struct field_errors *e, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(q, text);
    return bad_str(arena_str(e->arena, str_make(text, n)));
}

static struct bad_value bad_ref(struct field_errors *e, struct ref r) {
    struct jval tree = ref_tree(r, e->arena);
    if (tree.kind == J_NULL)
        return BAD_NULL;
    if (tree.kind == J_STRING)
        return bad_str(jval_as_str(&tree));
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, &tree);
    return bad_json(buf_to_arena(&text, e->arena));
}

struct bad_value bad_field(struct field_errors *e, uint32_t type, struct str json_name, const void *object) {
    return bad_ref(e, ref_get(ref_packed(&builtin, type, object), json_name));
}

struct bad_value bad_object(struct field_errors *e, uint32_t type, const void *object) {
    return bad_ref(e, ref_packed(&builtin, type, object));
}

bool check_immutable(struct field_errors *e, const struct field_path *p, uint32_t type, struct str json_name,
                     const void *object, const void *old) {
    if (api_equal_field(&builtin, type, object, old, json_name))
        return true;
    field_invalid(e, p, bad_field(e, type, json_name, object), IMMUTABLE_TEXT);
    return false;
}
