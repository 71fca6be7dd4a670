/* Rules of apiextensions.k8s.io/v1 CustomResourceDefinition. */
#include "api/validation/crd.h"

#include "api/validation/webhook.h"

#define WARNING_BYTES_MAX 256
#define SELECTABLE_MAX 8
#define APPROVED S("api-approved.kubernetes.io")

typedef const struct apiextensions_custom_resource_definition *crd_ptr;

static bool is_established(crd_ptr c) {
    for (uint32_t i = 0; i < c->status.conditions.n; i++)
        if (str_eq(c->status.conditions.v[i].type, S("Established")))
            return str_eq(c->status.conditions.v[i].status, S("True"));
    return false;
}

/* ---- names ---- */

/* A DNS label, but for the case of its letters. */
static int check_kind(struct str s, struct name_errors *errors) {
    char lower[NAME_DNS_LABEL_MAX];
    if (s.n > sizeof lower)
        return name_check_dns1035_label(s, errors);
    for (size_t i = 0; i < s.n; i++)
        lower[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
    return name_check_dns1035_label(str_make(lower, s.n), errors);
}

static void check_labels_of(struct field_errors *e, const struct field_path *p,
                            const struct str_array *names) {
    for (uint32_t i = 0; i < names->n; i++)
        check_format(e, at_index(p, i), names->v[i], name_check_dns1035_label);
}

static void check_names(struct field_errors *e, const struct field_path *p,
                        const struct apiextensions_custom_resource_definition_names *n) {
    check_required_format(e, at_field(p, "plural"), n->plural, name_check_dns1035_label);
    check_required_format(e, at_field(p, "singular"), n->singular, name_check_dns1035_label);
    check_required_format(e, at_field(p, "kind"), n->kind, check_kind);
    check_required_format(e, at_field(p, "listKind"), n->list_kind, check_kind);
    check_labels_of(e, at_field(p, "shortNames"), &n->short_names);
    if (!str_empty(n->kind) && str_eq(n->kind, n->list_kind))
        field_invalid(e, at_field(p, "listKind"), bad(n->list_kind), "kind and listKind may not be the same");
    check_labels_of(e, at_field(p, "categories"), &n->categories);
}

static void check_name(struct field_errors *e, crd_ptr c) {
    struct str name = c->metadata.name, plural = c->spec.names.plural, group = c->spec.group;
    if (name.n != plural.n + 1 + group.n || !str_has_prefix(name, plural) || name.p[plural.n] != '.' ||
        !str_has_suffix(name, group))
        field_invalid(e, at_field(NULL, "metadata.name"), bad(name),
                      "must be spec.names.plural+\".\"+spec.group");
}

/* CONFORMS: groups of the community need an approval on record. */
static void check_approval(struct field_errors *e, crd_ptr c) {
    struct str group = c->spec.group, approval = str_map_get(c->metadata.annotations, APPROVED);
    const struct field_path *p = at_key(at_field(NULL, "metadata.annotations"), APPROVED);
    bool community = str_eq(group, S("k8s.io")) || str_has_suffix(group, S(".k8s.io")) ||
                     str_eq(group, S("kubernetes.io")) || str_has_suffix(group, S(".kubernetes.io"));
    if (!community || str_has_prefix(approval, S("unapproved")))
        return;
    if (str_empty(approval))
        field_required_because(e, p, "protected groups must have an approval annotation");
    else if (!str_has_prefix(approval, S("https://")) && !str_has_prefix(approval, S("http://")))
        field_invalid(e, p, bad(approval), "must be a URL of the approval, or begin with \"unapproved\"");
}

/* ---- one version ---- */

static void check_column(struct field_errors *e, const struct field_path *p,
                         const struct apiextensions_custom_resource_column_definition *c) {
    static const struct str types[] = {STR_INIT("integer"), STR_INIT("number"), STR_INIT("string"),
                                       STR_INIT("boolean"), STR_INIT("date")};
    static const struct str forms[] = {STR_INIT("int32"),     STR_INIT("int64"),   STR_INIT("float"),
                                       STR_INIT("double"),    STR_INIT("byte"),    STR_INIT("date"),
                                       STR_INIT("date-time"), STR_INIT("password")};
    check_required(e, at_field(p, "name"), c->name);
    if (check_required(e, at_field(p, "type"), c->type) && !str_set_has(STR_SET(types), c->type))
        field_invalid(e, at_field(p, "type"), bad(c->type),
                      "must be integer, number, string, boolean or date");
    if (!str_empty(c->format) && !str_set_has(STR_SET(forms), c->format))
        field_invalid(e, at_field(p, "format"), bad(c->format),
                      "must be int32, int64, float, double, byte, date, date-time or password");
    if (check_required(e, at_field(p, "jsonPath"), c->json_path) && c->json_path.p[0] != '.')
        field_invalid(e, at_field(p, "jsonPath"), bad(c->json_path), "must be a path that begins with a dot");
}

/* Dots and names, no lists. */
static bool is_simple_path(struct str path) {
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '[' || path.p[i] == ']' || (path.p[i] == '.' && i + 1 == path.n) ||
            (path.p[i] == '.' && path.p[i + 1] == '.'))
            return false;
    return str_has_prefix(path, S("."));
}

static bool is_under(struct str path, struct str prefix) {
    return is_simple_path(path) && str_has_prefix(path, prefix) && path.n > prefix.n + 1 &&
           path.p[prefix.n] == '.';
}

static void check_scale(struct field_errors *e, const struct field_path *p,
                        const struct apiextensions_custom_resource_subresource_scale *s) {
    struct str spec = s->spec_replicas_path, status = s->status_replicas_path,
               selector = s->label_selector_path;
    const struct field_path *at = at_field(p, "labelSelectorPath");
    if (check_required(e, at_field(p, "specReplicasPath"), spec) && !is_under(spec, S(".spec")))
        field_invalid(e, at_field(p, "specReplicasPath"), bad(spec), "must be a simple path under .spec");
    if (check_required(e, at_field(p, "statusReplicasPath"), status) && !is_under(status, S(".status")))
        field_invalid(e, at_field(p, "statusReplicasPath"), bad(status),
                      "must be a simple path under .status");
    if (!str_empty(selector) && !is_under(selector, S(".spec")) && !is_under(selector, S(".status")))
        field_invalid(e, at, bad(selector), "must be a simple path under .spec or .status");
}

static void check_selectable(struct field_errors *e, const struct field_path *p,
                             const struct apiextensions_custom_resource_definition_version *version) {
    const struct apiextensions_json_schema_props *schema =
        version->schema ? version->schema->open_apiv3_schema : NULL;
    SEEN(seen);
    check_max_items(e, p, version->selectable_fields.n, SELECTABLE_MAX);
    for (uint32_t i = 0; i < version->selectable_fields.n && i < SELECTABLE_MAX; i++) {
        struct str path = version->selectable_fields.v[i].json_path;
        const struct field_path *at = at_field(at_index(p, i), "jsonPath");
        if (!check_required(e, at, path))
            continue;
        const struct apiextensions_json_schema_props *field = schema ? crd_schema_at(schema, path) : NULL;
        if (str_eq(path, S(".metadata")) || str_has_prefix(path, S(".metadata.")))
            field_invalid(e, at, bad(path), "must not point to metadata");
        else if (!is_simple_path(path) || !field)
            field_invalid(e, at, bad(path), "must be a simple path to a field of the schema");
        else if (!str_eq(field->type, S("string")) && !str_eq(field->type, S("boolean")) &&
                 !str_eq(field->type, S("integer")))
            field_invalid(e, at, bad(path), "must point to a string, a boolean or an integer");
        if (seen_before(&seen, path))
            field_duplicate(e, at, bad(path));
    }
}

static void check_version(struct field_errors *e, const struct field_path *p,
                          const struct apiextensions_custom_resource_definition_version *version) {
    const struct field_path *warning = at_field(p, "deprecationWarning"),
                            *schema = at_field(p, "schema.openAPIV3Schema");
    check_format(e, at_field(p, "name"), version->name, name_check_dns1035_label);
    if (version->deprecation_warning.p) {
        struct str text = version->deprecation_warning;
        if (!version->deprecated)
            field_invalid(e, warning, bad(text), "can only be set for deprecated versions");
        if (text.n > WARNING_BYTES_MAX)
            field_invalid(e, warning, bad(text), "must be at most %d bytes", WARNING_BYTES_MAX);
        if (str_empty(text))
            field_invalid(e, warning, bad(text), "must not be empty");
        else if (!field_text_prints(text))
            field_invalid(e, warning, bad(text), "must only contain characters that print");
    }
    if (!version->schema || !version->schema->open_apiv3_schema)
        field_required_because(e, schema, "schemas are required");
    else
        check_crd_schema(e, schema, version->schema->open_apiv3_schema);
    if (version->subresources && version->subresources->scale)
        check_scale(e, at_field(p, "subresources.scale"), version->subresources->scale);
    for (uint32_t i = 0; i < version->additional_printer_columns.n; i++)
        check_column(e, at_index(at_field(p, "additionalPrinterColumns"), i),
                     &version->additional_printer_columns.v[i]);
    check_selectable(e, at_field(p, "selectableFields"), version);
}

static void check_versions(struct field_errors *e, const struct field_path *p,
                           const struct apiextensions_custom_resource_definition_version_array *versions) {
    uint32_t storage = 0;
    bool unique = true;
    SEEN(names);
    for (uint32_t i = 0; i < versions->n; i++) {
        check_version(e, at_index(p, i), &versions->v[i]);
        storage += versions->v[i].storage;
        unique = !seen_before(&names, versions->v[i].name) && unique;
    }
    if (!unique)
        field_invalid(e, p, bad(versions->n), "must contain unique version names");
    if (storage != 1)
        field_invalid(e, p, bad(versions->n), "must have exactly one version marked as storage version");
}

/* ---- conversion, stored versions ---- */

static void check_webhook(struct field_errors *e, const struct field_path *p,
                          const struct apiextensions_webhook_conversion *w) {
    const struct apiextensions_webhook_client_config *c = w->client_config;
    if (!c) {
        field_required_because(e, at_field(p, "clientConfig"), "required when strategy is Webhook");
    } else {
        const struct apiextensions_service_reference *s = c->service;
        struct webhook_service service = {0};
        if (s)
            service = (struct webhook_service){s->namespace, s->name, s->path, s->port};
        check_webhook_client(e, at_field(p, "clientConfig"), c->url, s ? &service : NULL);
    }
    check_review_versions(e, at_field(p, "conversionReviewVersions"), &w->conversion_review_versions);
}

static void check_conversion(struct field_errors *e, const struct field_path *p,
                             const struct apiextensions_custom_resource_conversion *c) {
    static const struct str strategies[] = {STR_INIT("None"), STR_INIT("Webhook")};
    if (!c)
        return;
    check_enum(e, at_field(p, "strategy"), c->strategy, STR_SET(strategies));
    if (str_eq(c->strategy, strategies[1])) {
        if (c->webhook)
            check_webhook(e, at_field(p, "webhook"), c->webhook);
        else
            field_required_because(e, at_field(p, "webhook.clientConfig"),
                                   "required when strategy is Webhook");
    } else if (c->webhook) {
        field_forbidden(e, at_field(p, "webhook"), "only with strategy Webhook");
    }
}

static const struct apiextensions_custom_resource_definition_version *find_version(crd_ptr c,
                                                                                   struct str name) {
    for (uint32_t i = 0; i < c->spec.versions.n; i++)
        if (str_eq(c->spec.versions.v[i].name, name))
            return &c->spec.versions.v[i];
    return NULL;
}

static void check_stored_versions(struct field_errors *e, crd_ptr c) {
    const struct field_path *p = at_field(NULL, "status.storedVersions");
    const struct str_array *stored = &c->status.stored_versions;
    bool has_storage = false;
    if (stored->n == 0) {
        field_invalid(e, p, bad_json(S("[]")), "must have at least one stored version");
        return;
    }
    for (uint32_t i = 0; i < stored->n; i++) {
        const struct apiextensions_custom_resource_definition_version *version =
            find_version(c, stored->v[i]);
        has_storage = has_storage || (version && version->storage);
        if (!version)
            field_invalid(e, at_index(p, i), bad(stored->v[i]), "must appear in spec.versions");
    }
    if (!has_storage)
        field_invalid(e, p, bad(stored->v[0]), "must have the storage version");
}

/* ---- CustomResourceDefinition ---- */

static void check_spec(struct field_errors *e, crd_ptr c) {
    static const struct str scopes[] = {STR_INIT("Cluster"), STR_INIT("Namespaced")};
    const struct apiextensions_custom_resource_definition_spec *s = &c->spec;
    const struct field_path *p = at_field(NULL, "spec");
    if (check_required_format(e, at_field(p, "group"), s->group, name_check_dns1123_subdomain) &&
        str_find_byte(s->group, '.') < 0)
        field_invalid(e, at_field(p, "group"), bad(s->group), "should be a domain with at least one dot");
    check_enum(e, at_field(p, "scope"), s->scope, STR_SET(scopes));
    check_versions(e, at_field(p, "versions"), &s->versions);
    check_names(e, at_field(p, "names"), &s->names);
    check_conversion(e, at_field(p, "conversion"), s->conversion);
}

static void create(struct validation *v, const void *object) {
    crd_ptr c = object;
    check_name(v->errors, c);
    check_spec(v->errors, c);
    if (c->spec.preserve_unknown_fields)
        field_invalid(v->errors, at_field(NULL, "spec.preserveUnknownFields"),
                      bad(c->spec.preserve_unknown_fields), "must be false");
    check_stored_versions(v->errors, c);
    check_approval(v->errors, c);
}

static void check_same(struct field_errors *e, const struct field_path *p, struct str now, struct str then) {
    if (!str_eq(now, then))
        field_invalid(e, p, bad(now), IMMUTABLE_TEXT);
}

static void update(struct validation *v, const void *object, const void *old_object) {
    crd_ptr c = object, old = old_object;
    struct field_errors *e = v->errors;
    check_name(e, c);
    check_spec(e, c);
    if (c->spec.preserve_unknown_fields && !old->spec.preserve_unknown_fields)
        field_invalid(e, at_field(NULL, "spec.preserveUnknownFields"), bad(c->spec.preserve_unknown_fields),
                      "must be false");
    check_stored_versions(e, c);
    check_same(e, at_field(NULL, "spec.group"), c->spec.group, old->spec.group);
    if (is_established(old)) {
        check_same(e, at_field(NULL, "spec.scope"), c->spec.scope, old->spec.scope);
        check_same(e, at_field(NULL, "spec.names.kind"), c->spec.names.kind, old->spec.names.kind);
        check_same(e, at_field(NULL, "spec.names.plural"), c->spec.names.plural, old->spec.names.plural);
    }
    if (!api_equal_field(&builtin, TY_META_OBJECT_META, &c->metadata, &old->metadata, S("annotations")) ||
        !str_eq(c->spec.group, old->spec.group))
        check_approval(e, c);
}

static void status(struct validation *v, const void *object, const void *old) {
    (void)old;
    check_stored_versions(v->errors, object);
}

const struct validator validator_apiextensions_custom_resource_definition = {
    .type = TY_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION,
    .name = name_check_dns1123_subdomain,
    .create = create,
    .update = update,
    .status = status};
