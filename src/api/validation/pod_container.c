/* Rules on the containers of a pod. See pod.h. */
#include <stddef.h>

#include "api/validation/pod.h"
#include "api/validation/resources.h"
#include "base/arena.h"

#define RESTART_RULES_MAX 20
#define RESTART_EXIT_CODES_MAX 255

_Static_assert(sizeof(struct core_container) == sizeof(struct core_ephemeral_container_common) &&
                   offsetof(struct core_container, volume_mounts) ==
                       offsetof(struct core_ephemeral_container_common, volume_mounts) &&
                   offsetof(struct core_container, tty) ==
                       offsetof(struct core_ephemeral_container_common, tty),
               "ephemeral containers are read as containers");

/* ---- ports ---- */

static void check_ports(struct field_errors *e, const struct field_path *p,
                        const struct core_container_port_array *ports) {
    static const struct str protocols[] = {STR_INIT("SCTP"), STR_INIT("TCP"), STR_INIT("UDP")};
    SEEN(names);
    for (uint32_t i = 0; i < ports->n; i++) {
        const struct core_container_port *port = &ports->v[i];
        const struct field_path *at = at_index(p, i);
        if (!str_empty(port->name) &&
            check_format(e, at_field(at, "name"), port->name, name_check_port_name) &&
            seen_before(&names, port->name))
            field_duplicate(e, at_field(at, "name"), bad(port->name));
        if (port->container_port == 0)
            field_required(e, at_field(at, "containerPort"));
        else
            check_port(e, at_field(at, "containerPort"), port->container_port);
        if (port->host_port != 0)
            check_port(e, at_field(at, "hostPort"), port->host_port);
        check_enum(e, at_field(at, "protocol"), port->protocol, STR_SET(protocols));
    }
}

/* Ports of the host are taken once. `taken` spans the containers that run at the same time. */
static void check_host_ports(struct field_errors *e, const struct field_path *p,
                             const struct core_container_port_array *ports, struct seen *taken) {
    for (uint32_t i = 0; i < ports->n; i++) {
        const struct core_container_port *port = &ports->v[i];
        if (port->host_port == 0 ||
            !seen_before3(taken, port->protocol, port->host_ip, seen_number(&port->host_port)))
            continue;
        struct str text = arena_printf(e->arena, "%.*s/%.*s/%d", STR_ARG(port->protocol),
                                       STR_ARG(port->host_ip), port->host_port);
        field_duplicate(e, at_field(at_index(p, i), "hostPort"), bad(text));
    }
}

/* ---- mounts ---- */

static bool is_privileged(const struct core_container *c) {
    return c->security_context && c->security_context->privileged.set && c->security_context->privileged.v;
}

static void check_propagation(struct field_errors *e, const struct field_path *p,
                              const struct core_volume_mount *m, const struct core_container *c) {
    static const struct str modes[] = {STR_INIT("Bidirectional"), STR_INIT("HostToContainer"),
                                       STR_INIT("None")};
    if (!m->mount_propagation.p)
        return;
    check_supported(e, p, m->mount_propagation, STR_SET(modes));
    if (str_eq(m->mount_propagation, S("Bidirectional")) && !is_privileged(c))
        field_forbidden(e, p, "Bidirectional mount propagation is available only to privileged containers");
}

static void check_recursive_read_only(struct field_errors *e, const struct field_path *p,
                                      const struct core_volume_mount *m) {
    static const struct str modes[] = {STR_INIT("Disabled"), STR_INIT("Enabled"), STR_INIT("IfPossible")};
    if (!m->recursive_read_only.p || !check_supported(e, p, m->recursive_read_only, STR_SET(modes)) ||
        str_eq(m->recursive_read_only, S("Disabled")))
        return;
    if (!m->read_only)
        field_forbidden(e, p, "may only be specified when readOnly is true");
    if (m->mount_propagation.p && !str_eq(m->mount_propagation, S("None")))
        field_forbidden(e, p, "may only be specified when mountPropagation is None or not specified");
}

static void check_sub_paths(struct field_errors *e, const struct field_path *p,
                            const struct core_volume_mount *m) {
    if (!str_empty(m->sub_path))
        check_local_path(e, at_field(p, "subPath"), m->sub_path);
    if (str_empty(m->sub_path_expr))
        return;
    if (!str_empty(m->sub_path))
        field_invalid(e, at_field(p, "subPathExpr"), bad(m->sub_path_expr),
                      "subPathExpr and subPath are mutually exclusive");
    check_local_path(e, at_field(p, "subPathExpr"), m->sub_path_expr);
}

/* Names and paths of the devices (or mounts) of a container, for finding the same among its mounts (devices).
 */
struct used {
    struct seen names, paths;
};

static void used_init(struct used *u) {
    seen_init(&u->names);
    seen_init(&u->paths);
}

static void used_fini(struct used *u) {
    seen_fini(&u->names);
    seen_fini(&u->paths);
}

static void check_mount(struct pod_check *pc, const struct field_path *p, const struct core_volume_mount *m,
                        const struct core_container *c, const struct used *devices) {
    struct field_errors *e = pc->e;
    check_required(e, at_field(p, "name"), m->name);
    if (!volume_find(&pc->volumes, m->name))
        field_not_found(e, at_field(p, "name"), bad(m->name));
    check_required(e, at_field(p, "mountPath"), m->mount_path);
    if (seen_has(&devices->names, (struct seen_key){{m->name}}))
        field_invalid(e, at_field(p, "name"), bad(m->name), "must not already exist in volumeDevices");
    if (seen_has(&devices->paths, (struct seen_key){{m->mount_path}}))
        field_invalid(e, at_field(p, "mountPath"), bad(m->mount_path),
                      "must not already exist as a path in volumeDevices");
    check_sub_paths(e, p, m);
    check_propagation(e, at_field(p, "mountPropagation"), m, c);
    check_recursive_read_only(e, at_field(p, "recursiveReadOnly"), m);
}

static void check_device(struct pod_check *pc, const struct field_path *p, const struct core_volume_device *d,
                         struct used *used) {
    struct field_errors *e = pc->e;
    const struct core_volume *volume = volume_find(&pc->volumes, d->name);
    if (check_required(e, at_field(p, "name"), d->name) && seen_before(&used->names, d->name))
        field_invalid(e, at_field(p, "name"), bad(d->name), "must be unique");
    if (!volume)
        field_not_found(e, at_field(p, "name"), bad(d->name));
    else if (!volume->volume_source.persistent_volume_claim && !volume->volume_source.ephemeral)
        field_invalid(e, at_field(p, "name"), bad(d->name),
                      "can only use volumes of type persistentVolumeClaim or ephemeral for block mode");
    if (!check_required(e, at_field(p, "devicePath"), d->device_path))
        return;
    if (seen_before(&used->paths, d->device_path))
        field_invalid(e, at_field(p, "devicePath"), bad(d->device_path), "must be unique");
    check_format(e, at_field(p, "devicePath"), d->device_path, name_check_no_backsteps);
}

static void check_device_against_mounts(struct pod_check *pc, const struct field_path *p,
                                        const struct core_volume_device *d, const struct used *mounts) {
    if (seen_has(&mounts->names, (struct seen_key){{d->name}}))
        field_invalid(pc->e, at_field(p, "name"), bad(d->name), "must not already exist in volumeMounts");
    if (seen_has(&mounts->paths, (struct seen_key){{d->device_path}}))
        field_invalid(pc->e, at_field(p, "devicePath"), bad(d->device_path),
                      "must not already exist as a path in volumeMounts");
}

static void check_mounts(struct pod_check *pc, const struct field_path *p, const struct core_container *c) {
    struct used devices, mounts, so_far;
    used_init(&devices);
    used_init(&mounts);
    used_init(&so_far);
    const struct field_path *at_devices = at_field(p, "volumeDevices"),
                            *at_mounts = at_field(p, "volumeMounts");
    for (uint32_t i = 0; i < c->volume_devices.n; i++) {
        (void)seen_before(&devices.names, c->volume_devices.v[i].name);
        (void)seen_before(&devices.paths, c->volume_devices.v[i].device_path);
    }
    for (uint32_t i = 0; i < c->volume_mounts.n; i++) {
        const struct core_volume_mount *m = &c->volume_mounts.v[i];
        check_mount(pc, at_index(at_mounts, i), m, c, &devices);
        (void)seen_before(&mounts.names, m->name);
        if (seen_before(&mounts.paths, m->mount_path))
            field_invalid(pc->e, at_field(at_index(at_mounts, i), "mountPath"), bad(m->mount_path),
                          "must be unique");
    }
    for (uint32_t i = 0; i < c->volume_devices.n; i++) {
        check_device(pc, at_index(at_devices, i), &c->volume_devices.v[i], &so_far);
        check_device_against_mounts(pc, at_index(at_devices, i), &c->volume_devices.v[i], &mounts);
    }
    used_fini(&devices);
    used_fini(&mounts);
    used_fini(&so_far);
}

/* ---- restarts and resizes ---- */

static void check_restart_rule(struct field_errors *e, const struct field_path *p,
                               const struct core_container_restart_rule *r) {
    static const struct str actions[] = {STR_INIT("Restart"), STR_INIT("RestartAllContainers")};
    static const struct str operators[] = {STR_INIT("In"), STR_INIT("NotIn")};
    check_supported(e, at_field(p, "action"), r->action, STR_SET(actions));
    const struct field_path *codes = at_field(p, "exitCodes");
    if (!r->exit_codes) {
        field_required_because(e, codes, "must be specified");
        return;
    }
    check_supported(e, at_field(codes, "operator"), r->exit_codes->operator, STR_SET(operators));
    check_max_items(e, at_field(codes, "values"), r->exit_codes->values.n, RESTART_EXIT_CODES_MAX);
}

static void check_restart_policy(struct field_errors *e, const struct field_path *p,
                                 const struct core_container *c, bool init) {
    static const struct str policies[] = {STR_INIT("Always"), STR_INIT("Never"), STR_INIT("OnFailure")};
    const struct core_container_restart_rule_array *rules = &c->restart_policy_rules;
    const struct field_path *policy = at_field(p, "restartPolicy"), *at = at_field(p, "restartPolicyRules");
    if (c->restart_policy.p)
        check_supported(e, policy, c->restart_policy, STR_SET(policies));
    else if (rules->n)
        field_required_because(e, policy, "must be set when restartPolicyRules are");
    if (init && rules->n && container_is_sidecar(c))
        field_forbidden(e, at, "may not be set for init containers with restartPolicy Always");
    check_max_items(e, at, rules->n, RESTART_RULES_MAX);
    for (uint32_t i = 0; i < rules->n; i++)
        check_restart_rule(e, at_index(at, i), &rules->v[i]);
}

static void check_resize_policy(struct pod_check *pc, const struct field_path *p,
                                const struct core_container_resize_policy_array *list) {
    static const struct str resources[] = {STR_INIT("cpu"), STR_INIT("memory")};
    static const struct str policies[] = {STR_INIT("NotRequired"), STR_INIT("RestartContainer")};
    SEEN(names);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container_resize_policy *r = &list->v[i];
        if (seen_before(&names, r->resource_name))
            field_duplicate(pc->e, at_index(p, i), bad(r->resource_name));
        check_enum(pc->e, p, r->resource_name, STR_SET(resources));
        check_enum(pc->e, p, r->restart_policy, STR_SET(policies));
        if (str_eq(pc->spec->restart_policy, S("Never")) && !str_eq(r->restart_policy, S("NotRequired")))
            field_invalid(pc->e, p, bad(r->restart_policy),
                          "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
}

/* ---- all containers ---- */

/* CONFORMS: templates may hold an image padded with spaces, pods may not. */
static void check_image(struct pod_check *pc, const struct field_path *p, struct str image, bool strict) {
    if (!check_required(pc->e, p, image))
        return;
    if (strict && str_trim(image).n != image.n)
        field_invalid(pc->e, p, bad(image), "must not have leading or trailing whitespace");
}

static void check_common(struct pod_check *pc, const struct field_path *p, const struct core_container *c,
                         bool strict_image) {
    static const struct str message_policies[] = {STR_INIT("File"), STR_INIT("FallbackToLogsOnError")};
    static const struct str pull_policies[] = {STR_INIT("Always"), STR_INIT("IfNotPresent"),
                                               STR_INIT("Never")};
    struct field_errors *e = pc->e;
    check_required_format(e, at_field(p, "name"), c->name, name_check_dns1123_label);
    check_image(pc, at_field(p, "image"), c->image, strict_image);
    check_enum(e, at_field(p, "terminationMessagePolicy"), c->termination_message_policy,
               STR_SET(message_policies));
    check_ports(e, at_field(p, "ports"), &c->ports);
    check_env(pc, at_field(p, "env"), &c->env);
    check_env_from(pc, at_field(p, "envFrom"), &c->env_from);
    check_mounts(pc, p, c);
    check_enum(e, at_field(p, "imagePullPolicy"), c->image_pull_policy, STR_SET(pull_policies));
    check_resource_requirements(e, at_field(p, "resources"), &c->resources, check_container_resource_name);
    check_container_claims(pc, at_field(p, "resources.claims"), &c->resources.claims);
    check_resize_policy(pc, at_field(p, "resizePolicy"), &c->resize_policy);
    if (c->security_context)
        check_container_security(pc, at_field(p, "securityContext"), c->security_context);
}

void check_containers(struct pod_check *pc, const struct field_path *p) {
    const struct core_container_array *list = &pc->spec->containers;
    if (list->n == 0)
        field_required(pc->e, p);
    SEEN(names);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container *c = &list->v[i];
        const struct field_path *at = at_index(p, i);
        check_common(pc, at, c, pc->is_pod);
        if (!str_empty(c->name) && seen_before(&names, c->name))
            field_duplicate(pc->e, at_field(at, "name"), bad(c->name));
        check_restart_policy(pc->e, at, c, false);
        if (c->lifecycle)
            check_lifecycle(pc, at_field(at, "lifecycle"), c->lifecycle);
        check_probes(pc, at, c);
    }
    SEEN(host_ports);
    for (uint32_t i = 0; i < list->n; i++)
        check_host_ports(pc->e, at_field(at_index(p, i), "ports"), &list->v[i].ports, &host_ports);
}

/* ---- init containers ---- */

static void check_one_shot(struct field_errors *e, const struct field_path *p,
                           const struct core_container *c) {
    static const char *const why = "may not be set for init containers without restartPolicy=Always";
    if (c->lifecycle)
        field_forbidden(e, at_field(p, "lifecycle"), "%s", why);
    if (c->liveness_probe)
        field_forbidden(e, at_field(p, "livenessProbe"), "%s", why);
    if (c->readiness_probe)
        field_forbidden(e, at_field(p, "readinessProbe"), "%s", why);
    if (c->startup_probe)
        field_forbidden(e, at_field(p, "startupProbe"), "%s", why);
    for (uint32_t i = 0; i < c->resize_policy.n; i++)
        if (str_eq(c->resize_policy.v[i].restart_policy, S("RestartContainer")))
            field_invalid(e, at_field(at_index(at_field(p, "resizePolicy"), i), "restartPolicy"),
                          bad(c->resize_policy.v[i].restart_policy),
                          "may only be set for init containers with restartPolicy=Always");
}

void check_init_containers(struct pod_check *pc, const struct field_path *p) {
    const struct core_container_array *list = &pc->spec->init_containers;
    if (list->n == 0)
        return;
    SEEN(names);
    for (uint32_t i = 0; i < pc->spec->containers.n; i++)
        (void)seen_before(&names, pc->spec->containers.v[i].name);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container *c = &list->v[i];
        const struct field_path *at = at_index(p, i);
        check_common(pc, at, c, pc->is_pod);
        if (!str_empty(c->name) && seen_before(&names, c->name))
            field_duplicate(pc->e, at_field(at, "name"), bad(c->name));
        check_restart_policy(pc->e, at, c, true);
        SEEN(host_ports);
        check_host_ports(pc->e, at_field(at, "ports"), &c->ports, &host_ports);
        if (!container_is_sidecar(c)) {
            check_one_shot(pc->e, at, c);
            continue;
        }
        if (c->lifecycle)
            check_lifecycle(pc, at_field(at, "lifecycle"), c->lifecycle);
        check_probes(pc, at, c);
    }
}

/* ---- ephemeral containers ---- */

static void check_only_debugging(struct field_errors *e, const struct field_path *p,
                                 const struct core_container *c) {
    const struct {
        bool set;
        struct str name;
    } fields[] = {
        {c->ports.n > 0, S("ports")},
        {c->resources.limits.n || c->resources.requests.n || c->resources.claims.n, S("resources")},
        {c->resize_policy.n > 0, S("resizePolicy")},
        {c->restart_policy.p != NULL, S("restartPolicy")},
        {c->restart_policy_rules.n > 0, S("restartPolicyRules")},
        {c->liveness_probe != NULL, S("livenessProbe")},
        {c->readiness_probe != NULL, S("readinessProbe")},
        {c->startup_probe != NULL, S("startupProbe")},
        {c->lifecycle != NULL, S("lifecycle")},
    };
    static const char *const why = "cannot be set for an Ephemeral Container";
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].set)
            field_forbidden(e, at_name(p, fields[i].name), "%s", why);
    for (uint32_t i = 0; i < c->volume_mounts.n; i++) {
        const struct field_path *mount = at_index(at_field(p, "volumeMounts"), i);
        if (!str_empty(c->volume_mounts.v[i].sub_path))
            field_forbidden(e, at_field(mount, "subPath"), "%s", why);
        if (!str_empty(c->volume_mounts.v[i].sub_path_expr))
            field_forbidden(e, at_field(mount, "subPathExpr"), "%s", why);
    }
}

void check_ephemeral_containers(struct pod_check *pc, const struct field_path *p) {
    const struct core_ephemeral_container_array *list = &pc->spec->ephemeral_containers;
    if (list->n == 0)
        return;
    SEEN(targets);
    SEEN(names);
    const struct core_container_array *const others[] = {&pc->spec->containers, &pc->spec->init_containers};
    for (size_t k = 0; k < 2; k++)
        for (uint32_t i = 0; i < others[k]->n; i++)
            (void)seen_before(&targets, others[k]->v[i].name);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct core_container *c = ephemeral_as_container(&list->v[i]);
        const struct field_path *at = at_index(p, i);
        struct str target = list->v[i].target_container_name;
        check_common(pc, at, c, true);
        if (!str_empty(c->name) &&
            (seen_has(&targets, (struct seen_key){{c->name}}) || seen_before(&names, c->name)))
            field_duplicate(pc->e, at_field(at, "name"), bad(c->name));
        if (!str_empty(target) && !seen_has(&targets, (struct seen_key){{target}}))
            field_not_found(pc->e, at_field(at, "targetContainerName"), bad(target));
        check_only_debugging(pc->e, at, c);
    }
}
