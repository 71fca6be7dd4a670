/* Rules of the schemas in custom resource definitions. See crd.h.
 *
 * One walk over the schema. What stands inside allOf, anyOf, oneOf and not only restricts values: it may not
 * say what a value is. The walk is bounded in depth, since the schema comes from outside.
 */
#include "api/validation/crd.h"

#include "api/json.h"

#define SCHEMA_DEPTH_MAX 100

struct walk {
    struct field_errors *e;
    bool inside; /* a logical operator: only restrictions */
    bool root;
    bool typed_elsewhere; /* int-or-string or unknown fields: no type is needed */
    unsigned depth;
};

typedef const struct apiextensions_json_schema_props *schema_ptr;

static void check_schema(struct walk w, const struct field_path *p, schema_ptr s);

static bool is_set(struct opt_bool b) {
    return b.set && b.v;
}

/* ---- words that are not supported, or not here ---- */

static void check_words(struct field_errors *e, const struct field_path *p, schema_ptr s) {
    const struct {
        bool present;
        struct str name;
    } words[] = {
        {!str_empty(s->id), STR_INIT("id")},
        {s->additional_items != NULL, STR_INIT("additionalItems")},
        {s->pattern_properties.n > 0, STR_INIT("patternProperties")},
        {s->definitions.n > 0, STR_INIT("definitions")},
        {s->dependencies.n > 0, STR_INIT("dependencies")},
        {s->ref.p != NULL, STR_INIT("$ref")},
        {s->unique_items, STR_INIT("uniqueItems")},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].present)
            field_forbidden(e, at_name(p, words[i].name), "not supported in schemas of custom resources");
}

static void check_type(struct walk w, const struct field_path *p, schema_ptr s) {
    static const struct str types[] = {STR_INIT("array"),  STR_INIT("boolean"), STR_INIT("integer"),
                                       STR_INIT("number"), STR_INIT("object"),  STR_INIT("string")};
    const struct field_path *at = at_field(p, "type");
    if (str_eq(s->type, S("null")))
        field_forbidden(w.e, at, "type cannot be set to null, use nullable as an alternative");
    else
        check_optional_enum(w.e, at, s->type, STR_SET(types));
    if (w.inside)
        return;
    bool free = s->x_kubernetes_int_or_string || is_set(s->x_kubernetes_preserve_unknown_fields);
    if (str_empty(s->type) && (!free || w.root))
        field_required_because(w.e, at, "must not be empty for specified object fields");
    else if (w.root && !str_eq(s->type, S("object")))
        field_invalid(w.e, at, bad(s->type), "must be object at the root");
    if (s->x_kubernetes_int_or_string && !str_empty(s->type))
        field_forbidden(w.e, at, "must be empty if x-kubernetes-int-or-string is true");
}

/* What only describes a value, inside of a logical operator. */
static void check_inside(struct walk w, const struct field_path *p, schema_ptr s) {
    const struct {
        bool present;
        struct str name;
    } words[] = {
        {!str_empty(s->type) && !w.typed_elsewhere, STR_INIT("type")},
        {!str_empty(s->title), STR_INIT("title")},
        {!str_empty(s->description), STR_INIT("description")},
        {s->default_.p != NULL, STR_INIT("default")},
        {s->nullable, STR_INIT("nullable")},
        {s->additional_properties != NULL, STR_INIT("additionalProperties")},
        {s->x_kubernetes_preserve_unknown_fields.set, STR_INIT("x-kubernetes-preserve-unknown-fields")},
        {s->x_kubernetes_embedded_resource, STR_INIT("x-kubernetes-embedded-resource")},
        {s->x_kubernetes_int_or_string, STR_INIT("x-kubernetes-int-or-string")},
        {s->x_kubernetes_list_type.p != NULL, STR_INIT("x-kubernetes-list-type")},
        {s->x_kubernetes_list_map_keys.n > 0, STR_INIT("x-kubernetes-list-map-keys")},
        {s->x_kubernetes_map_type.p != NULL, STR_INIT("x-kubernetes-map-type")},
        {s->x_kubernetes_validations.n > 0, STR_INIT("x-kubernetes-validations")},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].present)
            field_forbidden(w.e, at_name(p, words[i].name), "must be undefined to be structural");
}

/* ---- extensions ---- */

static schema_ptr find_property(schema_ptr s, struct str name) {
    uint32_t low = 0, high = s->properties.n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int c = str_cmp(s->properties.v[mid].key, name);
        if (c == 0)
            return &s->properties.v[mid].value;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static bool is_required(schema_ptr s, struct str name) {
    for (uint32_t i = 0; i < s->required.n; i++)
        if (str_eq(s->required.v[i], name))
            return true;
    return false;
}

static void check_map_keys(struct field_errors *e, const struct field_path *p, schema_ptr s,
                           schema_ptr items) {
    const struct field_path *keys = at_field(p, "x-kubernetes-list-map-keys");
    SEEN(seen);
    if (s->x_kubernetes_list_map_keys.n == 0) {
        field_required_because(e, keys, "must not be empty if x-kubernetes-list-type is map");
        return;
    }
    if (!items)
        return;
    if (!str_eq(items->type, S("object")))
        field_invalid(e, at_field(p, "items.type"), bad(items->type), "must be object in a list of type map");
    for (uint32_t i = 0; i < s->x_kubernetes_list_map_keys.n; i++) {
        struct str key = s->x_kubernetes_list_map_keys.v[i];
        const struct field_path *at = at_key(at_field(p, "items.properties"), key);
        schema_ptr property = find_property(items, key);
        if (seen_before(&seen, key))
            field_invalid(e, at_index(keys, i), bad(key), "must be unique");
        if (!property) {
            field_invalid(e, at_index(keys, i), bad(key), "must be a property of the items");
            continue;
        }
        if (str_eq(property->type, S("array")) || str_eq(property->type, S("object")))
            field_invalid(e, at_field(at, "type"), bad(property->type), "must be a scalar type for a key");
        if (property->nullable)
            field_forbidden(e, at_field(at, "nullable"), "a key of a list cannot be nullable");
        if (!property->default_.p && !is_required(items, key))
            field_required_because(e, at_field(at, "default"),
                                   "a key of a list has a default or is a required property");
    }
}

static void check_list_type(struct field_errors *e, const struct field_path *p, schema_ptr s) {
    static const struct str types[] = {STR_INIT("atomic"), STR_INIT("set"), STR_INIT("map")};
    const struct field_path *at = at_field(p, "x-kubernetes-list-type");
    bool map = str_eq(s->x_kubernetes_list_type, types[2]), set = str_eq(s->x_kubernetes_list_type, types[1]);
    if (s->x_kubernetes_list_map_keys.n && !map)
        field_required_because(e, at, "must be map if x-kubernetes-list-map-keys is non-empty");
    if (!s->x_kubernetes_list_type.p)
        return;
    check_supported(e, at, s->x_kubernetes_list_type, STR_SET(types));
    if (!str_eq(s->type, S("array"))) {
        if (str_empty(s->type))
            field_required_because(e, at_field(p, "type"),
                                   "must be array if x-kubernetes-list-type is specified");
        else
            field_invalid(e, at_field(p, "type"), bad(s->type),
                          "must be array if x-kubernetes-list-type is specified");
    }
    schema_ptr items = s->items ? s->items->schema : NULL;
    if (!items && !s->items)
        field_required_because(e, at_field(p, "items"), "with x-kubernetes-list-type");
    if ((set || map) && items && items->nullable)
        field_forbidden(e, at_field(p, "items.nullable"), "not in lists of type set and map");
    if (set && items && str_eq(items->type, S("array")) && !str_eq(items->x_kubernetes_list_type, types[0]))
        field_invalid(e, at_field(p, "items.x-kubernetes-list-type"), bad(items->x_kubernetes_list_type),
                      "must be atomic as item of a list of type set");
    if (set && items && str_eq(items->type, S("object")) && !str_eq(items->x_kubernetes_map_type, types[0]))
        field_invalid(e, at_field(p, "items.x-kubernetes-map-type"), bad(items->x_kubernetes_map_type),
                      "must be atomic as item of a list of type set");
    if (map)
        check_map_keys(e, p, s, items);
}

static void check_map_type(struct field_errors *e, const struct field_path *p, schema_ptr s) {
    static const struct str types[] = {STR_INIT("atomic"), STR_INIT("granular")};
    if (!s->x_kubernetes_map_type.p)
        return;
    check_supported(e, at_field(p, "x-kubernetes-map-type"), s->x_kubernetes_map_type, STR_SET(types));
    if (str_empty(s->type))
        field_required_because(e, at_field(p, "type"),
                               "must be object if x-kubernetes-map-type is specified");
    else if (!str_eq(s->type, S("object")))
        field_invalid(e, at_field(p, "type"), bad(s->type),
                      "must be object if x-kubernetes-map-type is specified");
}

static bool has_line_break(struct str s) {
    return str_find_byte(s, '\n') >= 0 || str_find_byte(s, '\r') >= 0;
}

static void check_validation_rule(struct field_errors *e, const struct field_path *p,
                                  const struct apiextensions_validation_rule *r) {
    static const struct str reasons[] = {STR_INIT("FieldValueRequired"), STR_INIT("FieldValueForbidden"),
                                         STR_INIT("FieldValueInvalid"), STR_INIT("FieldValueDuplicate")};
    const struct field_path *message = at_field(p, "message");
    if (str_empty(str_trim(r->rule)))
        field_required_because(e, at_field(p, "rule"), "rule is not specified");
    if (!str_empty(r->message) && str_empty(str_trim(r->message)))
        field_invalid(e, message, bad(r->message), "message must be non-empty if specified");
    else if (has_line_break(r->message))
        field_invalid(e, message, bad(r->message), "message must not contain line breaks");
    else if (has_line_break(r->rule) && str_empty(r->message))
        field_required_because(e, message, "message must be specified if rule contains line breaks");
    if (!str_empty(r->message_expression) && str_empty(str_trim(r->message_expression)))
        field_required_because(e, at_field(p, "messageExpression"), "must be non-empty if specified");
    if (r->reason.p)
        check_supported(e, at_field(p, "reason"), r->reason, STR_SET(reasons));
    if (!str_empty(r->field_path) && !str_has_prefix(r->field_path, S(".")) &&
        !str_has_prefix(r->field_path, S("[")))
        field_invalid(e, at_field(p, "fieldPath"), bad(r->field_path), "must be a valid path");
}

static void check_extensions(struct walk w, const struct field_path *p, schema_ptr s) {
    struct opt_bool unknown = s->x_kubernetes_preserve_unknown_fields;
    if (unknown.set && !unknown.v)
        field_invalid(w.e, at_field(p, "x-kubernetes-preserve-unknown-fields"), bad(unknown),
                      "must be true or undefined");
    check_map_type(w.e, p, s);
    check_list_type(w.e, p, s);
    for (uint32_t i = 0; i < s->x_kubernetes_validations.n; i++)
        check_validation_rule(w.e, at_index(at_field(p, "x-kubernetes-validations"), i),
                              &s->x_kubernetes_validations.v[i]);
    if (!s->x_kubernetes_embedded_resource)
        return;
    if (!str_eq(s->type, S("object")))
        field_invalid(w.e, at_field(p, "type"), bad(s->type),
                      "must be object if x-kubernetes-embedded-resource is true");
    if (!is_set(unknown) && s->properties.n == 0)
        field_required_because(w.e, at_field(p, "properties"),
                               "must not be empty in an embedded resource that drops unknown fields");
}

/* ---- the walk ---- */

/* Properties that a restriction names must be described outside of it; here only their own rules. */
static void check_members(struct walk w, const struct field_path *p, schema_ptr s) {
    struct walk below = w;
    below.root = false;
    below.typed_elsewhere = false;
    for (uint32_t i = 0; i < s->properties.n; i++)
        check_schema(below, at_key(at_field(p, "properties"), s->properties.v[i].key),
                     &s->properties.v[i].value);
    if (s->additional_properties) {
        const struct field_path *at = at_field(p, "additionalProperties");
        if (s->properties.n && !w.inside &&
            (s->additional_properties->allows || s->additional_properties->schema))
            field_forbidden(w.e, at, "additionalProperties and properties are mutual exclusive");
        if (!s->additional_properties->allows && !s->additional_properties->schema)
            field_forbidden(w.e, at, "additionalProperties cannot be set to false");
        if (s->additional_properties->schema)
            check_schema(below, at, s->additional_properties->schema);
    }
    if (s->items && s->items->schema)
        check_schema(below, at_field(p, "items"), s->items->schema);
    if (s->items && s->items->j_son_schemas.n)
        field_forbidden(w.e, at_field(p, "items"), "items must be a schema object and not an array");
    else if (!w.inside && !s->items && str_eq(s->type, S("array")))
        field_required_because(w.e, at_field(p, "items"), "must be specified in a list");
}

static void check_operators(struct walk w, const struct field_path *p, schema_ptr s) {
    const struct {
        const struct apiextensions_json_schema_props_array *list;
        struct str name;
    } lists[] = {
        {&s->all_of, STR_INIT("allOf")}, {&s->any_of, STR_INIT("anyOf")}, {&s->one_of, STR_INIT("oneOf")}};
    struct walk below = w;
    below.inside = true;
    below.root = false;
    /* anyOf of integer and string is how int-or-string is restricted. */
    below.typed_elsewhere = s->x_kubernetes_int_or_string || (w.inside && w.typed_elsewhere);
    for (size_t l = 0; l < 3; l++)
        for (uint32_t i = 0; i < lists[l].list->n; i++)
            check_schema(below, at_index(at_name(p, lists[l].name), i), &lists[l].list->v[i]);
    if (s->not )
        check_schema(below, at_field(p, "not"), s->not );
}

static void check_schema(struct walk w, const struct field_path *p, schema_ptr s) {
    if (w.depth++ == SCHEMA_DEPTH_MAX) {
        field_forbidden(w.e, p, "a schema may be %d levels deep", SCHEMA_DEPTH_MAX);
        return;
    }
    if (w.root && s->nullable)
        field_forbidden(w.e, at_field(p, "nullable"), "nullable cannot be true at the root");
    check_words(w.e, p, s);
    check_type(w, p, s);
    if (w.inside)
        check_inside(w, p, s);
    else
        check_extensions(w, p, s);
    check_members(w, p, s);
    check_operators(w, p, s);
}

void check_crd_schema(struct field_errors *e, const struct field_path *p, schema_ptr schema) {
    check_schema((struct walk){.e = e, .root = true}, p, schema);
}

schema_ptr crd_schema_at(schema_ptr s, struct str path) {
    while (s && !str_empty(path)) {
        struct str step;
        if (path.p[0] != '.')
            return NULL;
        path = str_from_byte(path, 1);
        size_t n = 0;
        while (n < path.n && path.p[n] != '.')
            n++;
        step = str_cut(path, n);
        path = str_from_byte(path, n);
        s = str_empty(step) ? NULL : find_property(s, step);
    }
    return s;
}
