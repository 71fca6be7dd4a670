/* Rules on the environment of containers, and on references to fields of the pod. See pod.h. */
#include "api/quantity.h"
#include "api/validation/pod.h"

/* ---- fields of the pod ---- */

/* metadata.labels['key'] as path and key. */
static bool split_subscript(struct str field, struct str *ret_path, struct str *ret_key) {
    ptrdiff_t open = str_find(field, S("['"));
    if (open <= 0 || !str_has_suffix(field, S("']")) || field.n < (size_t)open + 4)
        return false;
    *ret_path = str_cut(field, (size_t)open);
    *ret_key = str_make(field.p + open + 2, field.n - (size_t)open - 4);
    return true;
}

/* Whether a pod has the field at all, so that a reader could be told its value. */
static bool is_downward_field(struct str path) {
    static const struct str paths[] = {
        STR_INIT("metadata.annotations"), STR_INIT("metadata.labels"),
        STR_INIT("metadata.name"),        STR_INIT("metadata.namespace"),
        STR_INIT("metadata.uid"),         STR_INIT("spec.host"),
        STR_INIT("spec.nodeName"),        STR_INIT("spec.restartPolicy"),
        STR_INIT("spec.schedulerName"),   STR_INIT("spec.serviceAccountName"),
        STR_INIT("status.hostIP"),        STR_INIT("status.hostIPs"),
        STR_INIT("status.phase"),         STR_INIT("status.podIP"),
        STR_INIT("status.podIPs"),
    };
    return str_set_has(STR_SET(paths), path);
}

static void check_subscript(struct field_errors *e, const struct field_path *p, struct str path,
                            struct str key) {
    if (str_eq(path, S("metadata.annotations")))
        check_format(e, p, key, name_check_annotation_key);
    else if (str_eq(path, S("metadata.labels")))
        check_label_key(e, p, key);
    else
        field_invalid(e, p, bad(path), "does not support subscript");
}

void check_field_ref(struct field_errors *e, const struct field_path *p,
                     const struct core_object_field_selector *ref, bool volume) {
    static const struct str env_paths[] = {
        STR_INIT("metadata.name"),
        STR_INIT("metadata.namespace"),
        STR_INIT("metadata.uid"),
        STR_INIT("spec.nodeName"),
        STR_INIT("spec.serviceAccountName"),
        STR_INIT("status.hostIP"),
        STR_INIT("status.hostIPs"),
        STR_INIT("status.podIP"),
        STR_INIT("status.podIPs"),
    };
    static const struct str volume_paths[] = {
        STR_INIT("metadata.annotations"), STR_INIT("metadata.labels"), STR_INIT("metadata.name"),
        STR_INIT("metadata.namespace"),   STR_INIT("metadata.uid"),
    };
    const struct field_path *at = at_field(p, "fieldPath");
    if (!check_required(e, at_field(p, "apiVersion"), ref->api_version) ||
        !check_required(e, at, ref->field_path))
        return;
    struct str path = ref->field_path, key = STR_NONE;
    bool subscript = split_subscript(ref->field_path, &path, &key);
    if (!str_eq(ref->api_version, S("v1"))) {
        field_invalid(e, at, bad(ref->field_path), "unsupported pod version: %.*s",
                      STR_ARG(ref->api_version));
    } else if (!is_downward_field(path)) {
        field_invalid(e, at, bad(ref->field_path), "field label not supported");
    } else if (subscript) {
        check_subscript(e, p, path, key);
    } else {
        if (str_eq(path, S("spec.host")))
            path = S("spec.nodeName");
        check_supported(e, at, path, volume ? STR_SET(volume_paths) : STR_SET(env_paths));
    }
}

/* ---- resources of a container ---- */

static bool is_hugepages_field(struct str field) {
    return str_has_prefix(field, S("requests.hugepages-")) || str_has_prefix(field, S("limits.hugepages-"));
}

/* CONFORMS: the divisor is one unit in any of the suffixes of the resource. */
static bool is_divisor(const struct quantity *divisor, bool cpu) {
    static const struct str cpu_divisors[] = {STR_INIT("1m"), STR_INIT("1")};
    static const struct str other_divisors[] = {
        STR_INIT("1"),   STR_INIT("1k"),  STR_INIT("1M"),  STR_INIT("1G"),  STR_INIT("1T"),
        STR_INIT("1P"),  STR_INIT("1E"),  STR_INIT("1Ki"), STR_INIT("1Mi"), STR_INIT("1Gi"),
        STR_INIT("1Ti"), STR_INIT("1Pi"), STR_INIT("1Ei"),
    };
    char text[QUANTITY_TEXT_MAX];
    size_t n = quantity_format(divisor, text);
    return str_set_has(cpu ? STR_SET(cpu_divisors) : STR_SET(other_divisors), str_make(text, n));
}

void check_resource_field_ref(struct field_errors *e, const struct field_path *p,
                              const struct core_resource_field_selector *ref, bool volume) {
    static const struct str fields[] = {
        STR_INIT("limits.cpu"),   STR_INIT("limits.ephemeral-storage"),   STR_INIT("limits.memory"),
        STR_INIT("requests.cpu"), STR_INIT("requests.ephemeral-storage"), STR_INIT("requests.memory"),
    };
    if (volume && str_empty(ref->container_name))
        field_required(e, at_field(p, "containerName"));
    else if (check_required(e, at_field(p, "resource"), ref->resource) && !is_hugepages_field(ref->resource))
        check_supported(e, at_field(p, "resource"), ref->resource, STR_SET(fields));
    if (quantity_is_zero(&ref->divisor))
        return;
    bool cpu = str_has_suffix(ref->resource, S(".cpu"));
    bool known = is_hugepages_field(ref->resource) || str_set_has(STR_SET(fields), ref->resource);
    if (known && !is_divisor(&ref->divisor, cpu))
        field_invalid(e, at_field(p, "divisor"), bad_quantity(e, &ref->divisor), "is no divisor of %.*s",
                      STR_ARG(ref->resource));
}

/* ---- keys of other objects ---- */

static void check_key_ref(struct field_errors *e, const struct field_path *p, struct str name,
                          struct str key) {
    check_dns_subdomain(e, at_field(p, "name"), name);
    check_required_format(e, at_field(p, "key"), key, name_check_config_key);
}

/* A variable of a file in an emptyDir volume. */
static void check_file_key_ref(struct pod_check *pc, const struct field_path *p,
                               const struct core_file_key_selector *ref) {
    struct field_errors *e = pc->e;
    const struct field_path *volume_name = at_field(p, "volumeName");
    check_required_format(e, at_field(p, "key"), ref->key, name_check_env_name);
    if (check_required_format(e, volume_name, ref->volume_name, name_check_dns1123_label)) {
        const struct core_volume *volume = volume_find(&pc->volumes, ref->volume_name);
        if (!volume)
            field_not_found(e, volume_name, bad(ref->volume_name));
        else if (!volume->volume_source.empty_dir)
            field_invalid(e, volume_name, bad(ref->volume_name), "must be a volume of type emptyDir");
    }
    if (check_required(e, at_field(p, "path"), ref->path))
        check_local_path(e, at_field(p, "path"), ref->path);
}

static void check_value_from(struct pod_check *pc, const struct field_path *p,
                             const struct core_env_var *var) {
    const struct core_env_var_source *from = var->value_from;
    struct field_errors *e = pc->e;
    if (from->field_ref)
        check_field_ref(e, at_field(p, "fieldRef"), from->field_ref, false);
    if (from->resource_field_ref)
        check_resource_field_ref(e, at_field(p, "resourceFieldRef"), from->resource_field_ref, false);
    if (from->config_map_key_ref)
        check_key_ref(e, at_field(p, "configMapKeyRef"),
                      from->config_map_key_ref->local_object_reference.name, from->config_map_key_ref->key);
    if (from->secret_key_ref)
        check_key_ref(e, at_field(p, "secretKeyRef"), from->secret_key_ref->local_object_reference.name,
                      from->secret_key_ref->key);
    if (from->file_key_ref)
        check_file_key_ref(pc, at_field(p, "fileKeyRef"), from->file_key_ref);

    int sources = !!from->field_ref + !!from->resource_field_ref + !!from->config_map_key_ref +
                  !!from->secret_key_ref + !!from->file_key_ref;
    if (sources == 0)
        field_invalid(
            e, p, bad(S("")),
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or "
            "`fileKeyRef`");
    else if (!str_empty(var->value))
        field_invalid(e, p, bad(S("")), "may not be specified when `value` is not empty");
    else if (sources > 1)
        field_invalid(e, p, bad(S("")), "may not have more than one field specified at a time");
}

void check_env(struct pod_check *pc, const struct field_path *p, const struct core_env_var_array *env) {
    for (uint32_t i = 0; i < env->n; i++) {
        const struct core_env_var *var = &env->v[i];
        const struct field_path *at = at_index(p, i);
        check_required_format(pc->e, at_field(at, "name"), var->name, name_check_env_name);
        if (var->value_from)
            check_value_from(pc, at_field(at, "valueFrom"), var);
    }
}

void check_env_from(struct pod_check *pc, const struct field_path *p,
                    const struct core_env_from_source_array *sources) {
    struct field_errors *e = pc->e;
    for (uint32_t i = 0; i < sources->n; i++) {
        const struct core_env_from_source *from = &sources->v[i];
        const struct field_path *at = at_index(p, i);
        check_optional_format(e, at_field(at, "prefix"), from->prefix, name_check_env_name);
        if (from->config_map_ref)
            check_required_format(e, at_field(at, "configMapRef.name"),
                                  from->config_map_ref->local_object_reference.name,
                                  name_check_dns1123_subdomain);
        if (from->secret_ref)
            check_required_format(e, at_field(at, "secretRef.name"),
                                  from->secret_ref->local_object_reference.name,
                                  name_check_dns1123_subdomain);
        if (!from->config_map_ref && !from->secret_ref)
            field_invalid(e, at, bad(S("")), "must specify one of: `configMapRef` or `secretRef`");
        else if (from->config_map_ref && from->secret_ref)
            field_invalid(e, at, bad(S("")), "may not have more than one field specified at a time");
    }
}
