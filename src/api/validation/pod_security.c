/* Rules on what containers are allowed to do, and on what each operating system knows. See pod.h. */
#include "api/validation/pod.h"

#define APP_ARMOR_PROFILE_BYTES_MAX 4095
#define GMSA_SPEC_BYTES_MAX (64 * 1024)
#define WINDOWS_DOMAIN_BYTES_MAX 255
#define WINDOWS_USER_BYTES_MAX 104
#define NETBIOS_NAME_BYTES_MAX 15

/* ---- profiles ---- */

static const struct str profile_types[] = {STR_INIT("Localhost"), STR_INIT("RuntimeDefault"),
                                           STR_INIT("Unconfined")};

static void check_seccomp(struct field_errors *e, const struct field_path *p,
                          const struct core_seccomp_profile *s) {
    if (!s)
        return;
    const struct field_path *profile = at_field(p, "localhostProfile");
    if (str_empty(s->type))
        field_required_because(e, at_field(p, "type"), "type is required when seccompProfile is set");
    else
        check_supported(e, at_field(p, "type"), s->type, STR_SET(profile_types));
    if (!str_eq(s->type, S("Localhost"))) {
        if (s->localhost_profile.p)
            field_invalid(e, profile, bad(s->localhost_profile),
                          "can only be set when seccomp type is Localhost");
    } else if (!s->localhost_profile.p) {
        field_required_because(e, profile, "must be set when seccomp type is Localhost");
    } else {
        check_local_path(e, profile, s->localhost_profile);
    }
}

static void check_app_armor(struct field_errors *e, const struct field_path *p,
                            const struct core_app_armor_profile *a) {
    if (!a)
        return;
    const struct field_path *profile = at_field(p, "localhostProfile");
    struct str name = a->localhost_profile, trimmed = str_trim(name);
    if (str_empty(a->type))
        field_required_because(e, at_field(p, "type"), "type is required when appArmorProfile is set");
    else
        check_supported(e, at_field(p, "type"), a->type, STR_SET(profile_types));
    if (!str_eq(a->type, S("Localhost"))) {
        if (name.p)
            field_invalid(e, profile, bad(name), "can only be set when AppArmor type is Localhost");
        return;
    }
    if (name.p && trimmed.n != name.n)
        field_invalid(e, profile, bad(name), "must not be padded with whitespace");
    else if (trimmed.n == 0)
        field_required_because(e, profile, "must be set when AppArmor type is Localhost");
    check_max_bytes(e, profile, name, APP_ARMOR_PROFILE_BYTES_MAX);
}

/* ---- Windows ---- */

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_netbios_name(struct str s) {
    if (s.n > NETBIOS_NAME_BYTES_MAX || !is_alnum(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
            return false;
    return true;
}

static bool is_dns_label_of_any_case(struct str s) {
    if (s.n == 0 || s.n > NAME_DNS_LABEL_MAX || !is_alnum(s.p[0]) || !is_alnum(s.p[s.n - 1]))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static bool is_dns_name(struct str s) {
    struct str rest = s, label;
    bool more;
    do {
        more = str_split(rest, '.', &label, &rest);
        if (!is_dns_label_of_any_case(label))
            return false;
    } while (more);
    return true;
}

static bool has_any(struct str s, const char *characters) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr(characters, s.p[i]))
            return true;
    return false;
}

static bool has_only(struct str s, const char *characters) {
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(characters, s.p[i]))
            return false;
    return true;
}

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return true;
    return false;
}

static void check_windows_domain(struct field_errors *e, const struct field_path *p, struct str name,
                                 struct str domain) {
    if (domain.n > WINDOWS_DOMAIN_BYTES_MAX)
        field_invalid(e, p, bad(name), "the domain must be under %d characters",
                      WINDOWS_DOMAIN_BYTES_MAX + 1);
    if (!is_netbios_name(domain) && !is_dns_name(domain))
        field_invalid(e, p, bad(name), "the domain is neither a NetBIOS nor a DNS name");
}

static void check_windows_user(struct field_errors *e, const struct field_path *p, struct str name,
                               struct str user) {
    if (user.n == 0) {
        field_invalid(e, p, bad(name), "the user cannot be empty");
        return;
    }
    if (user.n > WINDOWS_USER_BYTES_MAX)
        field_invalid(e, p, bad(name), "the user must not be longer than %d characters",
                      WINDOWS_USER_BYTES_MAX);
    if (has_only(user, ". "))
        field_invalid(e, p, bad(name), "the user cannot contain only periods or spaces");
    if (has_any(user, "\"/\\:;|=,+*?<>@[]"))
        field_invalid(e, p, bad(name), "the user cannot contain any of \"/\\:;|=,+*?<>@[]");
}

/* [domain\]user */
static void check_run_as_user_name(struct field_errors *e, const struct field_path *p, struct str name) {
    struct str domain = STR_NONE, user = name, rest;
    if (str_empty(name)) {
        field_invalid(e, p, bad(name), "cannot be an empty string");
    } else if (has_control(name)) {
        field_invalid(e, p, bad(name), "cannot contain control characters");
    } else if (str_split(name, '\\', &domain, &rest)) {
        user = rest;
        if (str_find_byte(rest, '\\') >= 0) {
            field_invalid(e, p, bad(name), "can contain at most one backslash");
            return;
        }
        if (domain.n)
            check_windows_domain(e, p, name, domain);
        check_windows_user(e, p, name, user);
    } else {
        check_windows_user(e, p, name, user);
    }
}

static void check_windows_options(struct field_errors *e, const struct field_path *p,
                                  const struct core_windows_security_context_options *w) {
    if (!w)
        return;
    if (w->gmsa_credential_spec_name.p)
        check_dns_subdomain(e, at_field(p, "gmsaCredentialSpecName"), w->gmsa_credential_spec_name);
    if (w->gmsa_credential_spec.p && w->gmsa_credential_spec.n == 0)
        field_invalid(e, at_field(p, "gmsaCredentialSpec"), bad(S("")), "cannot be an empty string");
    if (w->gmsa_credential_spec.n > GMSA_SPEC_BYTES_MAX)
        field_invalid(e, at_field(p, "gmsaCredentialSpec"), bad(w->gmsa_credential_spec),
                      "must not be larger than %d KiB", GMSA_SPEC_BYTES_MAX / 1024);
    if (w->run_as_user_name.p)
        check_run_as_user_name(e, at_field(p, "runAsUserName"), w->run_as_user_name);
}

/* ---- containers ---- */

static bool is_true(struct opt_bool b) {
    return b.set && b.v;
}

static bool is_false(struct opt_bool b) {
    return b.set && !b.v;
}

static bool has_own_users(const struct core_pod_spec *spec) {
    return is_false(spec->host_users);
}

static void check_proc_mount(struct pod_check *pc, const struct field_path *p, struct str type) {
    static const struct str types[] = {STR_INIT("Default"), STR_INIT("Unmasked")};
    if (!type.p || !check_supported(pc->e, p, type, STR_SET(types)))
        return;
    if (str_eq(type, S("Unmasked")) && !has_own_users(pc->spec))
        field_invalid(pc->e, p, bad(type), "`hostUsers` must be false to use `Unmasked`");
}

static void check_escalation(struct field_errors *e, const struct field_path *p,
                             const struct core_security_context *sc) {
    if (!is_false(sc->allow_privilege_escalation))
        return;
    struct bad_value value = {0};
    if (is_true(sc->privileged)) {
        value = bad_object(e, TY_CORE_SECURITY_CONTEXT, sc);
        field_invalid(e, p, value, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    for (uint32_t i = 0; sc->capabilities && i < sc->capabilities->add.n; i++) {
        if (!str_eq(sc->capabilities->add.v[i], S("CAP_SYS_ADMIN")))
            continue;
        value = bad_object(e, TY_CORE_SECURITY_CONTEXT, sc);
        field_invalid(e, p, value, "cannot set `allowPrivilegeEscalation` to false and add CAP_SYS_ADMIN");
        return;
    }
}

void check_container_security(struct pod_check *pc, const struct field_path *p,
                              const struct core_security_context *sc) {
    struct field_errors *e = pc->e;
    if (is_true(sc->privileged) && pc->options->forbid_privileged)
        field_forbidden(e, at_field(p, "privileged"), "disallowed by cluster policy");
    if (sc->run_as_user.set)
        check_user_id(e, at_field(p, "runAsUser"), sc->run_as_user.v);
    if (sc->run_as_group.set)
        check_user_id(e, at_field(p, "runAsGroup"), sc->run_as_group.v);
    check_proc_mount(pc, at_field(p, "procMount"), sc->proc_mount);
    check_seccomp(e, at_field(p, "seccompProfile"), sc->seccomp_profile);
    check_escalation(e, p, sc);
    check_windows_options(e, at_field(p, "windowsOptions"), sc->windows_options);
    check_app_armor(e, at_field(p, "appArmorProfile"), sc->app_armor_profile);
}

/* ---- the pod ---- */

/* CONFORMS: sysctls that belong to the network or the IPC namespace need one of the pod's own. */
static void check_sysctl_namespace(struct field_errors *e, const struct field_path *p,
                                   const struct core_pod_spec *spec, struct str name) {
    bool ipc = str_eq(name, S("kernel.sem")) || str_has_prefix(name, S("kernel.shm")) ||
               str_has_prefix(name, S("kernel.msg")) || str_has_prefix(name, S("fs.mqueue."));
    if (ipc && spec->host_ipc)
        field_invalid(e, p, bad(name), "may not be specified when 'hostIPC' is true");
    if (str_has_prefix(name, S("net.")) && spec->host_network)
        field_invalid(e, p, bad(name), "may not be specified when 'hostNetwork' is true");
}

static void check_sysctls(struct pod_check *pc, const struct field_path *p,
                          const struct core_sysctl_array *list) {
    SEEN(names);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct field_path *at = at_field(at_index(p, i), "name");
        struct str name = list->v[i].name;
        if (check_required_format(pc->e, at, name, name_check_sysctl) && seen_before(&names, name))
            field_duplicate(pc->e, at, bad(name));
        check_sysctl_namespace(pc->e, at, pc->spec, name);
    }
}

void check_pod_security(struct pod_check *pc, const struct field_path *p) {
    static const struct str fs_policies[] = {STR_INIT("Always"), STR_INIT("OnRootMismatch")};
    static const struct str group_policies[] = {STR_INIT("Merge"), STR_INIT("Strict")};
    static const struct str label_policies[] = {STR_INIT("MountOption"), STR_INIT("Recursive")};
    const struct core_pod_security_context *sc = pc->spec->security_context;
    struct field_errors *e = pc->e;
    if (is_true(pc->spec->share_process_namespace) && pc->spec->host_pid)
        field_invalid(e, at_field(p, "shareProcessNamespace"), bad_bool(true),
                      "shareProcessNamespace and hostPID cannot both be enabled");
    if (!sc)
        return;
    if (sc->fs_group.set)
        check_user_id(e, at_field(p, "fsGroup"), sc->fs_group.v);
    if (sc->run_as_user.set)
        check_user_id(e, at_field(p, "runAsUser"), sc->run_as_user.v);
    if (sc->run_as_group.set)
        check_user_id(e, at_field(p, "runAsGroup"), sc->run_as_group.v);
    for (uint32_t i = 0; i < sc->supplemental_groups.n; i++)
        check_user_id(e, at_index(at_field(p, "supplementalGroups"), i), sc->supplemental_groups.v[i]);
    check_sysctls(pc, at_field(p, "sysctls"), &sc->sysctls);
    if (sc->fs_group_change_policy.p)
        check_supported(e, at_field(p, "fsGroupChangePolicy"), sc->fs_group_change_policy,
                        STR_SET(fs_policies));
    check_seccomp(e, at_field(p, "seccompProfile"), sc->seccomp_profile);
    if (sc->supplemental_groups_policy.p)
        check_supported(e, at_field(p, "supplementalGroupsPolicy"), sc->supplemental_groups_policy,
                        STR_SET(group_policies));
    if (sc->se_linux_change_policy.p)
        check_supported(e, at_field(p, "seLinuxChangePolicy"), sc->se_linux_change_policy,
                        STR_SET(label_policies));
    check_windows_options(e, at_field(p, "windowsOptions"), sc->windows_options);
    check_app_armor(e, at_field(p, "appArmorProfile"), sc->app_armor_profile);
}

/* ---- Windows pods that run as processes of the host ---- */

static struct opt_bool host_process(const struct core_windows_security_context_options *w) {
    return w ? w->host_process : (struct opt_bool){0};
}

struct host_processes {
    struct opt_bool of_pod;
    uint32_t containers, processes;
};

static void count_host_process(struct pod_check *pc, const struct field_path *p,
                               const struct core_container *c, struct host_processes *h) {
    struct opt_bool own = host_process(c->security_context ? c->security_context->windows_options : NULL);
    if (h->of_pod.set && own.set && h->of_pod.v != own.v)
        field_invalid(pc->e, at_field(p, "securityContext.windowsOptions.hostProcess"), bad(own),
                      "must be the same as the pod's if both are specified, was %s",
                      h->of_pod.v ? "true" : "false");
    h->containers++;
    h->processes += own.set ? own.v : is_true(h->of_pod);
}

void check_host_process(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    struct host_processes h = {0};
    if (spec->security_context)
        h.of_pod = host_process(spec->security_context->windows_options);
    for (uint32_t i = 0; i < spec->init_containers.n; i++)
        count_host_process(pc, at_index(at_field(p, "initContainers"), i), &spec->init_containers.v[i], &h);
    for (uint32_t i = 0; i < spec->containers.n; i++)
        count_host_process(pc, at_index(at_field(p, "containers"), i), &spec->containers.v[i], &h);
    for (uint32_t i = 0; i < spec->ephemeral_containers.n; i++)
        count_host_process(pc, at_index(at_field(p, "ephemeralContainers"), i),
                           ephemeral_as_container(&spec->ephemeral_containers.v[i]), &h);
    if (h.processes == 0)
        return;
    if (h.processes != h.containers)
        field_invalid(pc->e, p, bad(S("")),
                      "if a pod contains any hostProcess containers then all containers must be hostProcess "
                      "containers");
    if (!spec->host_network)
        field_invalid(pc->e, at_field(p, "hostNetwork"), bad_bool(false),
                      "must be true if the pod contains any hostProcess containers");
    if (pc->options->forbid_privileged)
        field_forbidden(pc->e, p, "hostProcess containers are disallowed by cluster policy");
}

/* ---- users of the pod's own ---- */

void check_host_users(struct pod_check *pc, const struct field_path *p) {
    const struct core_pod_spec *spec = pc->spec;
    static const char *const why = "not allowed when `hostUsers` is false";
    if (!has_own_users(spec))
        return;
    if (spec->host_network)
        field_forbidden(pc->e, at_field(p, "hostNetwork"), "%s", why);
    if (spec->host_pid)
        field_forbidden(pc->e, at_field(p, "HostPID"), "%s", why);
    if (spec->host_ipc)
        field_forbidden(pc->e, at_field(p, "HostIPC"), "%s", why);
    const struct core_container_array *const lists[] = {&spec->init_containers, &spec->containers};
    for (size_t k = 0; k < 2; k++) {
        const struct field_path *at = k ? at_field(p, "containers") : at_field(p, "initContainers");
        for (uint32_t i = 0; i < lists[k]->n; i++)
            if (lists[k]->v[i].volume_devices.n)
                field_forbidden(pc->e, at_field(at_index(at, i), "volumeDevices"), "%s", why);
    }
}

/* ---- fields of the other operating system ---- */

struct foreign_field {
    bool set;
    struct str name;
};

static void forbid(struct field_errors *e, const struct field_path *p, const struct foreign_field *fields,
                   size_t n, const char *os) {
    for (size_t i = 0; i < n; i++)
        if (fields[i].set)
            field_forbidden(e, at_name(p, fields[i].name), "cannot be set for a %s pod", os);
}

static void forbid_on_linux(struct field_errors *e, const struct field_path *p,
                            const struct core_container *c) {
    if (c->security_context && c->security_context->windows_options)
        field_forbidden(e, at_field(p, "securityContext.windowsOptions"), "cannot be set for a linux pod");
}

static void forbid_on_windows(struct field_errors *e, const struct field_path *p,
                              const struct core_container *c) {
    const struct core_security_context *sc = c->security_context;
    if (!sc)
        return;
    const struct foreign_field fields[] = {
        {sc->app_armor_profile != NULL, S("appArmorProfile")},
        {sc->se_linux_options != NULL, S("seLinuxOptions")},
        {sc->seccomp_profile != NULL, S("seccompProfile")},
        {sc->capabilities != NULL, S("capabilities")},
        {sc->read_only_root_filesystem.set, S("readOnlyRootFilesystem")},
        {sc->privileged.set, S("privileged")},
        {sc->allow_privilege_escalation.set, S("allowPrivilegeEscalation")},
        {sc->proc_mount.p != NULL, S("procMount")},
        {sc->run_as_user.set, S("runAsUser")},
        {sc->run_as_group.set, S("runAsGroup")},
    };
    forbid(e, at_field(p, "securityContext"), fields, sizeof fields / sizeof fields[0], "windows");
}

static void check_windows_pod(struct field_errors *e, const struct field_path *p,
                              const struct core_pod_spec *spec) {
    const struct core_pod_security_context *sc = spec->security_context;
    const struct foreign_field of_spec[] = {
        {spec->host_pid, S("hostPID")},
        {spec->host_ipc, S("hostIPC")},
        {spec->host_users.set, S("hostUsers")},
        {spec->share_process_namespace.set, S("shareProcessNamespace")},
    };
    forbid(e, p, of_spec, sizeof of_spec / sizeof of_spec[0], "windows");
    if (!sc)
        return;
    const struct foreign_field of_context[] = {
        {sc->app_armor_profile != NULL, S("appArmorProfile")},
        {sc->se_linux_options != NULL, S("seLinuxOptions")},
        {sc->seccomp_profile != NULL, S("seccompProfile")},
        {sc->fs_group.set, S("fsGroup")},
        {sc->fs_group_change_policy.p != NULL, S("fsGroupChangePolicy")},
        {sc->sysctls.n > 0, S("sysctls")},
        {sc->run_as_user.set, S("runAsUser")},
        {sc->run_as_group.set, S("runAsGroup")},
        {sc->supplemental_groups.n > 0, S("supplementalGroups")},
        {sc->supplemental_groups_policy.p != NULL, S("supplementalGroupsPolicy")},
        {sc->se_linux_change_policy.p != NULL, S("seLinuxChangePolicy")},
    };
    forbid(e, at_field(p, "securityContext"), of_context, sizeof of_context / sizeof of_context[0],
           "windows");
}

void check_os(struct pod_check *pc, const struct field_path *p) {
    static const struct str systems[] = {STR_INIT("linux"), STR_INIT("windows")};
    const struct core_pod_spec *spec = pc->spec;
    const struct field_path *name = at_field(p, "os.name");
    if (!spec->os)
        return;
    if (str_empty(spec->os->name)) {
        field_required_because(pc->e, name, "cannot be empty");
        return;
    }
    if (!check_supported(pc->e, name, spec->os->name, STR_SET(systems)))
        return;
    bool windows = pod_is_windows(spec);
    if (windows)
        check_windows_pod(pc->e, p, spec);
    else if (spec->security_context && spec->security_context->windows_options)
        field_forbidden(pc->e, at_field(p, "securityContext.windowsOptions"),
                        "cannot be set for a linux pod");
    const struct core_container_array *const lists[] = {&spec->containers, &spec->init_containers};
    for (size_t k = 0; k < 2; k++) {
        const struct field_path *at = k ? at_field(p, "initContainers") : at_field(p, "containers");
        for (uint32_t i = 0; i < lists[k]->n; i++)
            (windows ? forbid_on_windows : forbid_on_linux)(pc->e, at_index(at, i), &lists[k]->v[i]);
    }
}
