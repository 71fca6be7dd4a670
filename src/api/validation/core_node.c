/* Rules of core/v1 Node and Namespace. */
#include "api/ip.h"
#include "api/json.h"
#include "api/types/core.h"
#include "api/validation/meta.h"
#include "api/validation/node_selector.h"
#include "api/validation/resources.h"
#include "api/validation/validation.h"
#include "base/arena.h"

#define NODE_FEATURE_BYTES_MAX 253

/* ---- taints ---- */

static void check_taints(struct field_errors *e, const struct field_path *p,
                         const struct core_taint_array *taints) {
    SEEN(pairs);
    for (uint32_t i = 0; i < taints->n; i++) {
        const struct core_taint *t = &taints->v[i];
        const struct field_path *at = at_index(p, i);
        check_label_key(e, at_field(at, "key"), t->key);
        check_label_value(e, at_field(at, "value"), t->value);
        if (check_required(e, at_field(at, "effect"), t->effect))
            check_taint_effect(e, at_field(at, "effect"), t->effect);
        if (seen_before2(&pairs, t->key, t->effect))
            field_duplicate(e, at, bad_object(e, TY_CORE_TAINT, t));
    }
}

/* ---- networks of pods ---- */

static void check_pod_cidrs(struct field_errors *e, const struct field_path *p, const struct str_array *cidrs,
                            const struct str_array *old) {
    uint32_t of_family[2] = {0};
    check_cidrs(e, p, cidrs, old);
    for (uint32_t i = 0; i < cidrs->n; i++) {
        struct cidr c;
        if (cidr_parse(cidrs->v[i], IP_LEGACY, &c))
            of_family[c.ip.family == 6]++;
    }
    if (of_family[0] > 1 || of_family[1] > 1)
        field_invalid(e, p, bad(cidrs->n), "must specify no more than one CIDR for each IP family");
}

/* ---- configuration from a ConfigMap, which nodes do not use any more ---- */

static void check_config_map_source(struct field_errors *e, const struct field_path *p,
                                    const struct core_config_map_node_config_source *s, bool in_status) {
    const struct field_path *uid = at_field(p, "uid"), *version = at_field(p, "resourceVersion");
    if (in_status) {
        check_required(e, uid, s->uid);
        check_required(e, version, s->resource_version);
    } else {
        if (!str_empty(s->uid))
            field_forbidden(e, uid, "must not be set in spec");
        if (!str_empty(s->resource_version))
            field_forbidden(e, version, "must not be set in spec");
    }
    check_required_format(e, at_field(p, "kubeletConfigKey"), s->kubelet_config_key, name_check_config_key);
    check_required_format(e, at_field(p, "name"), s->name, name_check_dns1123_subdomain);
    check_required_format(e, at_field(p, "namespace"), s->namespace, name_check_dns1123_label);
}

static void check_config_source(struct field_errors *e, const struct field_path *p,
                                const struct core_node_config_source *s, bool in_status) {
    if (!s)
        return;
    if (s->config_map)
        check_config_map_source(e, at_field(p, "configMap"), s->config_map, in_status);
    else
        field_invalid(e, p, bad_object(e, TY_CORE_NODE_CONFIG_SOURCE, s),
                      "exactly one reference subfield must be non-nil");
}

/* ---- the node ---- */

static void check_amounts(struct field_errors *e, const struct field_path *p,
                          const struct quantity_map *amounts) {
    for (uint32_t i = 0; i < amounts->n; i++)
        check_resource_amount(e, at_key(p, amounts->v[i].key), amounts->v[i].key, &amounts->v[i].value);
}

/* CONFORMS: sorted, so that equal sets are equal lists. */
static void check_features(struct field_errors *e, const struct field_path *p,
                           const struct str_array *features) {
    for (uint32_t i = 0; i < features->n; i++) {
        struct str f = features->v[i];
        check_format(e, at_index(p, i), f, name_check_node_feature);
        if (i == 0)
            continue;
        int order = str_cmp(features->v[i - 1], f);
        if (order == 0)
            field_duplicate(e, at_index(p, i), bad(f));
        else if (order > 0)
            field_invalid(e, at_index(p, i), bad(f), "must be sorted");
    }
}

static void check_avoided_pods(struct field_errors *e, const struct field_path *p, struct str text) {
    struct arena a = ARENA_INIT;
    void *object;
    if (api_read_json(&a, &builtin, TY_CORE_AVOID_PODS, text, NULL, &object, NULL) != 0) {
        field_invalid(e, p, bad(S("AvoidPods")), "must be JSON");
    } else {
        const struct core_avoid_pods *avoid = object;
        for (uint32_t i = 0; i < avoid->prefer_avoid_pods.n; i++) {
            const struct meta_owner_reference *owner =
                avoid->prefer_avoid_pods.v[i].pod_signature.pod_controller;
            const struct field_path *at = at_field(at_index(p, i), "PodSignature");
            if (!owner)
                field_required(e, at);
            else if (!owner->controller.set || !owner->controller.v)
                field_invalid(e, at_field(at, "PodController.Controller"), bad(owner->controller),
                              "must point to a controller");
        }
    }
    arena_fini(&a);
}

static void check_annotated_taints(struct field_errors *e, const struct field_path *p, struct str text) {
    struct arena a = ARENA_INIT;
    struct str json = arena_printf(&a, "{\"taints\":%.*s}", STR_ARG(text));
    void *spec;
    if (api_read_json(&a, &builtin, TY_CORE_NODE_SPEC, json, NULL, &spec, NULL) != 0)
        field_invalid(e, p, bad(text), "must be a list of taints as JSON");
    else
        check_taints(e, p, &((const struct core_node_spec *)spec)->taints);
    arena_fini(&a);
}

static void check_node_annotations(struct field_errors *e, const struct meta_object_meta *meta) {
    static const struct str avoid = STR_INIT("scheduler.alpha.kubernetes.io/preferAvoidPods");
    static const struct str taints = STR_INIT("scheduler.alpha.kubernetes.io/taints");
    struct str text = str_map_get(meta->annotations, avoid);
    if (!str_empty(text))
        check_avoided_pods(e, at_key(at_field(NULL, "metadata.annotations"), avoid), text);
    text = str_map_get(meta->annotations, taints);
    if (!str_empty(text))
        check_annotated_taints(e, at_key(at_field(NULL, "metadata.annotations"), taints), text);
}

static void check_node(struct field_errors *e, const struct core_node *node, const struct core_node *old) {
    const struct field_path *spec = at_field(NULL, "spec"), *status = at_field(NULL, "status");
    check_node_annotations(e, &node->metadata);
    check_taints(e, at_field(spec, "taints"), &node->spec.taints);
    check_amounts(e, at_field(status, "capacity"), &node->status.capacity);
    check_amounts(e, at_field(status, "allocatable"), &node->status.allocatable);
    check_pod_cidrs(e, at_field(spec, "podCIDRs"), &node->spec.pod_cidrs, old ? &old->spec.pod_cidrs : NULL);
    check_features(e, at_field(status, "declaredFeatures"), &node->status.declared_features);
}

static void create_node(struct validation *v, const void *object) {
    check_node(v->errors, object, NULL);
}

static void check_addresses(struct field_errors *e, const struct field_path *p,
                            const struct core_node_address_array *list) {
    SEEN(pairs);
    for (uint32_t i = 0; i < list->n; i++)
        if (seen_before2(&pairs, list->v[i].type, list->v[i].address))
            field_duplicate(e, at_index(p, i), bad_object(e, TY_CORE_NODE_ADDRESS, &list->v[i]));
}

/* Updates of the spec and of the status obey the same rules. */
static void update_node(struct validation *v, const void *object, const void *old_object) {
    const struct core_node *node = object, *old = old_object;
    const struct field_path *spec = at_field(NULL, "spec"), *config = at_field(NULL, "status.config");
    struct field_errors *e = v->errors;
    check_node(e, node, old);
    check_addresses(e, at_field(NULL, "status.addresses"), &node->status.addresses);
    if (old->spec.pod_cidrs.n &&
        !api_equal_field(&builtin, TY_CORE_NODE_SPEC, &node->spec, &old->spec, S("podCIDRs")))
        field_forbidden(e, at_field(spec, "podCIDRs"),
                        "node updates may not change podCIDR except from \"\" to valid");
    if (!str_empty(old->spec.provider_id) && !str_eq(node->spec.provider_id, old->spec.provider_id))
        field_forbidden(e, at_field(spec, "providerID"),
                        "node updates may not change providerID except from \"\" to valid");
    if (!str_eq(node->spec.external_id, old->spec.external_id))
        field_forbidden(e, at_field(spec, "externalID"), "may not be updated");
    check_config_source(e, at_field(spec, "configSource"), node->spec.config_source, false);
    if (!node->status.config)
        return;
    check_config_source(e, at_field(config, "assigned"), node->status.config->assigned, true);
    check_config_source(e, at_field(config, "active"), node->status.config->active, true);
    check_config_source(e, at_field(config, "lastKnownGood"), node->status.config->last_known_good, true);
}

const struct validator validator_core_node = {.type = TY_CORE_NODE,
                                              .name = name_check_dns1123_subdomain,
                                              .create = create_node,
                                              .update = update_node,
                                              .status = update_node};

/* ---- namespaces ---- */

static void check_namespace_finalizers(struct field_errors *e, const struct core_namespace *ns) {
    const struct field_path *p = at_field(NULL, "spec.finalizers");
    for (uint32_t i = 0; i < ns->spec.finalizers.n; i++) {
        check_label_key(e, at_index(p, i), ns->spec.finalizers.v[i]);
        check_system_finalizer(e, at_index(p, i), ns->spec.finalizers.v[i]);
    }
}

static void create_namespace(struct validation *v, const void *object) {
    check_namespace_finalizers(v->errors, object);
}

static void update_namespace(struct validation *v, const void *object, const void *old) {
    (void)old;
    check_namespace_finalizers(v->errors, object);
}

static void update_namespace_status(struct validation *v, const void *object, const void *old) {
    (void)old;
    const struct core_namespace *ns = object;
    const struct field_path *phase = at_field(NULL, "status.phase");
    bool deleted = ns->metadata.deletion_timestamp.set;
    if (!str_eq(ns->status.phase, deleted ? S("Terminating") : S("Active")))
        field_invalid(v->errors, phase, bad(ns->status.phase),
                      deleted ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
                              : "may only be 'Active' if `deletionTimestamp` is empty");
}

static const struct subresource_validator namespace_subresources[] = {
    {STR_INIT("finalize"), update_namespace},
    {STR_INIT(""), NULL},
};

const struct validator validator_core_namespace = {.type = TY_CORE_NAMESPACE,
                                                   .name = name_check_dns1123_label,
                                                   .create = create_namespace,
                                                   .update = update_namespace,
                                                   .status = update_namespace_status,
                                                   .subresources = namespace_subresources};
