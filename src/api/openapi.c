/* OpenAPI documents: frame and definitions. See openapi.h.
 *
 * Definitions are written after the paths: whatever a path or a definition refers to is queued once and
 * written in turn, so that a document holds just what it uses.
 */
#include "api/openapi.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/openapi_priv.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "codec/json.h"

#define META_PACKAGE "io.k8s.apimachinery.pkg.apis.meta.v1."

static const struct {
    const char *name, *doc;
    const char *v2, *v3; /* members behind the description */
} leafs[OA_LEAFS] = {
    [OA_TIME] = {META_PACKAGE "Time", "A point in time as RFC 3339 text, to the second.",
                 "\"type\":\"string\",\"format\":\"date-time\"", NULL},
    [OA_MICRO_TIME] = {META_PACKAGE "MicroTime", "A point in time as RFC 3339 text, to the microsecond.",
                       "\"type\":\"string\",\"format\":\"date-time\"", NULL},
    [OA_DURATION] = {META_PACKAGE "Duration", "A length of time such as 1h2m3s.", "\"type\":\"string\"",
                     NULL},
    [OA_QUANTITY] =
        {"io.k8s.apimachinery.pkg.api.resource.Quantity",
         "An amount: a number with an optional decimal (m, k, M, G) or binary (Ki, Mi, Gi) suffix.",
         "\"type\":\"string\"", "\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]"},
    [OA_INT_OR_STRING] =
        {"io.k8s.apimachinery.pkg.util.intstr.IntOrString",
         "A whole number, or text such as a port's name or a percentage.",
         "\"type\":\"string\",\"format\":\"int-or-string\"",
         "\"format\":\"int-or-string\",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]"},
    [OA_RAW] = {"io.k8s.apimachinery.pkg.runtime.RawExtension", "Any object, kept as it was given.",
                "\"type\":\"object\"", NULL},
    [OA_FIELDS] = {META_PACKAGE "FieldsV1", "A set of field paths as nested objects.", "\"type\":\"object\"",
                   NULL},
    [OA_JSON] = {"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "Any JSON value.", NULL,
                 NULL},
};

void oa_init(struct oa *d, struct buf *out, const struct openapi_options *o, bool v3) {
    *d = (struct oa){.out = out, .options = o, .set = &builtin, .v3 = v3};
    d->wanted = calloc(builtin.n_types, sizeof *d->wanted);
    d->queue = calloc(builtin.n_types, sizeof *d->queue);
    if (!d->wanted || !d->queue)
        panic("out of memory");
}

void oa_fini(struct oa *d) {
    free(d->wanted);
    free(d->queue);
}

void oa_key_str(struct oa *d, struct str key) {
    char last = d->out->n ? d->out->p[d->out->n - 1] : '{';
    if (last != '{')
        buf_byte(d->out, ',');
    json_write_string(d->out, key);
    buf_byte(d->out, ':');
}

void oa_key(struct oa *d, const char *key) {
    oa_key_str(d, str_from(key));
}

void oa_str(struct oa *d, const char *key, struct str text) {
    oa_key(d, key);
    json_write_string(d->out, text);
}

void oa_text(struct oa *d, const char *key, const char *text) {
    oa_str(d, key, str_from(text));
}

/* -- references -- */

static void write_ref(struct oa *d, struct str package, struct str name) {
    buf_printf(d->out, "{\"$ref\":\"#/%s/%.*s%s%.*s\"}", d->v3 ? "components/schemas" : "definitions",
               STR_ARG(package), package.n ? "." : "", STR_ARG(name));
}

void oa_want(struct oa *d, uint32_t type) {
    if (!d->wanted[type]) {
        d->wanted[type] = 1;
        d->queue[d->n_queue++] = (uint16_t)type;
    }
}

void oa_ref_type(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    oa_want(d, type);
    write_ref(d, ty_name(d->set, t->openapi), ty_name(d->set, t->name));
}

static void ref_leaf(struct oa *d, enum oa_leaf leaf) {
    d->leafs[leaf] = true;
    write_ref(d, S(""), str_from(leafs[leaf].name));
}

static int leaf_index(enum leaf leaf) {
    switch (leaf) {
    case LEAF_TIME: return OA_TIME;
    case LEAF_MICRO_TIME: return OA_MICRO_TIME;
    case LEAF_DURATION: return OA_DURATION;
    case LEAF_QUANTITY: return OA_QUANTITY;
    case LEAF_INT_OR_STRING: return OA_INT_OR_STRING;
    case LEAF_RAW: return OA_RAW;
    case LEAF_FIELDS_V1: return OA_FIELDS;
    case LEAF_JSON: return OA_JSON;
    default: return -1;
    }
}

/* -- values -- */

static const char *plain_type(enum leaf leaf, const char **ret_format) {
    *ret_format = NULL;
    switch (leaf) {
    case LEAF_BOOL: return "boolean";
    case LEAF_I32: *ret_format = "int32"; return "integer";
    case LEAF_U32:
    case LEAF_I64:
    case LEAF_U64: *ret_format = "int64"; return "integer";
    case LEAF_F64: *ret_format = "double"; return "number";
    case LEAF_BYTES: *ret_format = "byte"; return "string";
    default: return "string";
    }
}

/* A message whose JSON form is its only field's. */
static const struct ty_field *alias_field(const struct oa *d, const struct ty_field *f) {
    if (f->leaf != LEAF_MESSAGE || !(d->set->types[f->type].flags & TYPE_ALIAS))
        return NULL;
    return ty_fields(d->set, f->type);
}

static bool is_ref(const struct oa *d, const struct ty_field *f) {
    return leaf_index(f->leaf) >= 0 || (f->leaf == LEAF_MESSAGE && !alias_field(d, f));
}

static void write_enum(struct oa *d, const struct ty_field *f) {
    if (f->leaf != LEAF_STRING || !f->type || !(f->flags & FIELD_CLOSED))
        return;
    const struct ty_enum *e = &d->set->enums[f->type];
    struct str values[256];
    size_t n = e->n < 256 ? e->n : 256;
    for (size_t i = 0; i < n; i++)
        values[i] = ty_name(d->set, d->set->enum_values[e->first + i]);
    qsort(values, n, sizeof *values, str_cmp_qsort);
    oa_key(d, "enum");
    for (size_t i = 0; i < n; i++) {
        buf_byte(d->out, i ? ',' : '[');
        json_write_string(d->out, values[i]);
    }
    buf_byte(d->out, ']');
}

/* Members of a plain value's schema. */
static void write_plain(struct oa *d, const struct ty_field *f) {
    const char *format, *type = plain_type(f->leaf, &format);
    write_enum(d, f);
    if (format)
        oa_text(d, "format", format);
    oa_text(d, "type", type);
}

/* The schema of one item or map value, as an object. */
static void write_item(struct oa *d, const struct ty_field *f) {
    const struct ty_field *alias = alias_field(d, f);
    if (alias) {
        buf_lit(d->out, "{\"items\":");
        write_item(d, alias);
        buf_lit(d->out, ",\"type\":\"array\"}");
        return;
    }
    if (!is_ref(d, f)) {
        buf_byte(d->out, '{');
        if (d->v3 && f->leaf == LEAF_STRING)
            oa_text(d, "default", "");
        write_plain(d, f);
        buf_byte(d->out, '}');
        return;
    }
    bool wrapped = d->v3 && f->leaf == LEAF_MESSAGE;
    if (wrapped)
        buf_lit(d->out, "{\"allOf\":[");
    int leaf = leaf_index(f->leaf);
    if (leaf >= 0)
        ref_leaf(d, (enum oa_leaf)leaf);
    else
        oa_ref_type(d, f->type);
    if (wrapped)
        buf_lit(d->out, "],\"default\":{}}");
}

/* -- extensions -- */

static void write_list_extensions(struct oa *d, const struct ty_rule *r) {
    static const char *const types[] = {[LIST_ATOMIC] = "atomic", [LIST_SET] = "set", [LIST_MAP] = "map"};
    if (r->n_keys) {
        oa_key(d, "x-kubernetes-list-map-keys");
        for (unsigned i = 0; i < r->n_keys; i++) {
            buf_byte(d->out, i ? ',' : '[');
            json_write_string(d->out, ty_name(d->set, r->keys[i]));
        }
        buf_byte(d->out, ']');
    }
    if (r->list_type != LIST_ATOMIC || r->list_said)
        oa_text(d, "x-kubernetes-list-type", types[r->list_type]);
}

static void write_extensions(struct oa *d, const struct ty_field *f) {
    const struct ty_rule *r = &d->set->rules[f->rule];
    if (f->shape == SHAPE_LIST)
        write_list_extensions(d, r);
    if (r->map_atomic)
        oa_text(d, "x-kubernetes-map-type", "atomic");
    if (r->merge_key)
        oa_str(d, "x-kubernetes-patch-merge-key", ty_name(d->set, r->merge_key));
    if (r->patch) {
        struct buf s = BUF_INIT;
        if (r->patch & PATCH_MERGE)
            buf_lit(&s, "merge");
        if (r->patch & PATCH_REPLACE)
            buf_lit(&s, "replace");
        if (r->patch & PATCH_RETAIN_KEYS)
            buf_printf(&s, "%sretainKeys", s.n ? "," : "");
        oa_str(d, "x-kubernetes-patch-strategy", buf_view(&s));
        buf_fini(&s);
    }
}

/* -- fields -- */

static void write_default(struct oa *d, const struct ty_field *f) {
    if (f->dflt) {
        oa_key(d, "default");
        buf_put(d->out, d->set->default_text + d->set->defaults[f->dflt].offset, d->set->defaults[f->dflt].n);
        return;
    }
    /* Version 3 says the zero of what is never absent. */
    if (!d->v3 || f->shape != SHAPE_ONE || (f->flags & FIELD_OMITEMPTY && f->leaf != LEAF_MESSAGE))
        return;
    if (f->leaf == LEAF_MESSAGE)
        buf_lit(d->out, ",\"default\":{}");
    else if (f->leaf == LEAF_STRING)
        buf_lit(d->out, ",\"default\":\"\"");
    else if (f->leaf == LEAF_BOOL)
        buf_lit(d->out, ",\"default\":false");
    else if (f->leaf == LEAF_I32 || f->leaf == LEAF_I64 || f->leaf == LEAF_F64)
        buf_lit(d->out, ",\"default\":0");
}

static void write_field(struct oa *d, const struct ty_field *f) {
    const char *doc = ty_field_doc(d->set, f);
    buf_byte(d->out, '{');
    oa_text(d, "description", doc);
    write_default(d, f);
    if (f->shape == SHAPE_LIST) {
        oa_key(d, "items");
        write_item(d, f);
        oa_text(d, "type", "array");
    } else if (f->shape == SHAPE_MAP) {
        oa_key(d, "additionalProperties");
        write_item(d, f);
        oa_text(d, "type", "object");
    } else if (alias_field(d, f)) {
        oa_key(d, "items");
        write_item(d, alias_field(d, f));
        oa_text(d, "type", "array");
    } else if (f->leaf == LEAF_ANY) {
        oa_text(d, "type", "object");
    } else if (is_ref(d, f)) {
        oa_key(d, "allOf");
        buf_byte(d->out, '[');
        int leaf = leaf_index(f->leaf);
        if (leaf >= 0)
            ref_leaf(d, (enum oa_leaf)leaf);
        else
            oa_ref_type(d, f->type);
        buf_byte(d->out, ']');
    } else {
        write_plain(d, f);
    }
    write_extensions(d, f);
    buf_byte(d->out, '}');
}

/* Version 2 has a bare reference beside the description, as upstream's. */
static void write_field_v2_ref(struct oa *d, const struct ty_field *f) {
    int leaf = leaf_index(f->leaf);
    if (leaf >= 0)
        ref_leaf(d, (enum oa_leaf)leaf);
    else
        oa_ref_type(d, f->type);
    d->out->n--; /* the closing brace comes behind what is added */
    oa_text(d, "description", ty_field_doc(d->set, f));
    write_extensions(d, f);
    buf_byte(d->out, '}');
}

/* -- definitions -- */

static void write_required(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    bool any = false;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct ty_field *f = &d->set->fields[t->first + i];
        if (!(f->flags & FIELD_REQUIRED) || f->flags & FIELD_INLINE)
            continue;
        if (any)
            buf_byte(d->out, ',');
        else {
            oa_key(d, "required");
            buf_byte(d->out, '[');
        }
        json_write_string(d->out, ty_field_name(d->set, f));
        any = true;
    }
    if (any)
        buf_byte(d->out, ']');
}

static void write_properties(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    const uint16_t *order = d->set->by_name + t->first;
    if (t->n == 0 || order[0] == 0xffff)
        return;
    oa_key(d, "properties");
    buf_byte(d->out, '{');
    for (uint32_t i = 0; i < t->n && order[i] != 0xffff; i++) {
        const struct ty_field *f = &d->set->fields[t->first + order[i]];
        oa_key_str(d, ty_field_name(d->set, f));
        bool one = f->shape == SHAPE_ONE || f->shape == SHAPE_OPT;
        if (!d->v3 && one && is_ref(d, f))
            write_field_v2_ref(d, f);
        else
            write_field(d, f);
    }
    buf_byte(d->out, '}');
}

void oa_gvk(struct oa *d, struct str group, struct str version, struct str kind) {
    buf_byte(d->out, '{');
    oa_str(d, "group", group);
    oa_str(d, "kind", kind);
    oa_str(d, "version", version);
    buf_byte(d->out, '}');
}

static void write_gvks(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    const struct ty_gv *gv = &d->set->gvs[t->gv];
    struct str name = ty_name(d->set, t->name);
    if (!(t->flags & (TYPE_GVK | TYPE_GVK_CORE | TYPE_GVK_EVERYWHERE)))
        return;
    oa_key(d, "x-kubernetes-group-version-kind");
    buf_byte(d->out, '[');
    if (t->flags & TYPE_GVK)
        oa_gvk(d, ty_name(d->set, gv->group), ty_name(d->set, gv->version), name);
    if (t->flags & TYPE_GVK_CORE)
        oa_gvk(d, S(""), S("v1"), name);
    for (uint32_t i = 0; t->flags & TYPE_GVK_EVERYWHERE && i < n_gvk_everywhere; i++) {
        struct str group, version;
        str_split(gvk_everywhere[i], '/', &group, &version);
        if (i)
            buf_byte(d->out, ',');
        oa_gvk(d, group, version, name);
    }
    buf_byte(d->out, ']');
}

static void write_definition(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    struct str package = ty_name(d->set, t->openapi), name = ty_name(d->set, t->name);
    char full[256];
    int n = snprintf(full, sizeof full, "%.*s.%.*s", STR_ARG(package), STR_ARG(name));
    check(n > 0 && (size_t)n < sizeof full);
    oa_key(d, full);
    buf_byte(d->out, '{');
    oa_text(d, "description", ty_type_doc(d->set, type));
    if (!(t->flags & (TYPE_OR_ARRAY | TYPE_OR_BOOL | TYPE_OR_STRINGS))) {
        write_properties(d, type);
        write_required(d, type);
        oa_text(d, "type", "object");
        write_gvks(d, type);
        if (t->flags & TYPE_ATOMIC)
            oa_text(d, "x-kubernetes-map-type", "atomic");
    }
    buf_byte(d->out, '}');
}

static void write_leaf_definition(struct oa *d, enum oa_leaf leaf) {
    const char *members = d->v3 && leafs[leaf].v3 ? leafs[leaf].v3 : leafs[leaf].v2;
    oa_key(d, leafs[leaf].name);
    buf_byte(d->out, '{');
    oa_text(d, "description", leafs[leaf].doc);
    if (members)
        buf_printf(d->out, ",%s", members);
    buf_byte(d->out, '}');
}

static void write_definitions(struct oa *d) {
    buf_byte(d->out, '{');
    for (uint32_t i = 0; i < d->n_queue; i++)
        write_definition(d, d->queue[i]);
    for (int i = 0; i < OA_LEAFS; i++)
        if (d->leafs[i])
            write_leaf_definition(d, (enum oa_leaf)i);
    buf_byte(d->out, '}');
}

/* -- documents -- */

static void write_info(struct oa *d) {
    oa_key(d, "info");
    buf_byte(d->out, '{');
    oa_text(d, "title", "Kubernetes");
    oa_str(d, "version", d->options->server_version);
    buf_byte(d->out, '}');
}

/* "/apis/apps/" and "getAppsAPIGroup", or, with a version, "/apis/apps/v1/" and "getAppsV1APIResources". */
static void write_discovery_path(struct oa *d, struct str group, struct str version) {
    char path[256], id[256];
    const char *type = version.n ? "APIResources" : group.n ? "APIGroup" : "APIVersions";
    snprintf(path, sizeof path, "%s%.*s%s%.*s/", group.n ? "/apis/" : "/api", STR_ARG(group),
             version.n ? "/" : "", STR_ARG(version));
    snprintf(id, sizeof id, "get_%.*s_%.*s_%s", STR_ARG(group.n ? group : S("core")), STR_ARG(version), type);
    oa_read_path(d, path, id,
                 version.n ? TY_META_API_RESOURCE_LIST
                 : group.n ? TY_META_API_GROUP
                           : TY_META_API_VERSIONS);
}

static bool first_of_group(const struct openapi_options *o, uint32_t i, bool with_version) {
    for (uint32_t k = 0; k < i; k++)
        if (str_eq(o->kinds[k]->group, o->kinds[i]->group) &&
            (!with_version || str_eq(o->kinds[k]->version, o->kinds[i]->version)))
            return false;
    return true;
}

/* Discovery of all groups for version 2, of the one group version for version 3. */
static void write_discovery_paths(struct oa *d, const struct str *group, const struct str *version) {
    if (group) {
        write_discovery_path(d, *group, *version);
        return;
    }
    oa_read_path(d, "/version/", "getCodeVersion", TY_VERSION_INFO);
    oa_read_path(d, "/apis/", "getAPIVersions", TY_META_API_GROUP_LIST);
    for (uint32_t i = 0; i < d->options->n_kinds; i++) {
        const struct kind *k = d->options->kinds[i];
        if (first_of_group(d->options, i, false))
            write_discovery_path(d, k->group, S(""));
        if (first_of_group(d->options, i, true))
            write_discovery_path(d, k->group, k->version);
    }
}

static void write_paths(struct oa *d, const struct str *group, const struct str *version) {
    oa_key(d, "paths");
    buf_byte(d->out, '{');
    write_discovery_paths(d, group, version);
    for (uint32_t i = 0; i < d->options->n_kinds; i++) {
        const struct kind *k = d->options->kinds[i];
        if (!group || (str_eq(k->group, *group) && str_eq(k->version, *version)))
            oa_paths(d, k);
    }
    buf_byte(d->out, '}');
    oa_want(d, TY_META_WATCH_EVENT);
}

void openapi_v2(struct buf *out, const struct openapi_options *o) {
    struct oa d;
    oa_init(&d, out, o, false);
    buf_byte(out, '{');
    oa_text(&d, "swagger", "2.0");
    write_info(&d);
    write_paths(&d, NULL, NULL);
    oa_key(&d, "definitions");
    write_definitions(&d);
    buf_lit(
        out,
        ",\"securityDefinitions\":{\"BearerToken\":{\"description\":\"A bearer token.\",\"type\":\"apiKey\","
        "\"name\":\"authorization\",\"in\":\"header\"}},\"security\":[{\"BearerToken\":[]}]}");
    oa_fini(&d);
}

void openapi_v3(struct buf *out, const struct openapi_options *o, struct str group, struct str version) {
    struct oa d;
    oa_init(&d, out, o, true);
    buf_byte(out, '{');
    oa_text(&d, "openapi", "3.0.0");
    write_info(&d);
    write_paths(&d, &group, &version);
    oa_key(&d, "components");
    buf_lit(out, "{\"schemas\":");
    write_definitions(&d);
    buf_lit(out,
            ",\"securitySchemes\":{\"BearerToken\":{\"description\":\"A bearer token.\",\"type\":\"apiKey\","
            "\"name\":\"authorization\",\"in\":\"header\"}}}}");
    oa_fini(&d);
}
