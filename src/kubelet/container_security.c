/* Security contexts. See container_security.h. */
#include "kubelet/container_security.h"

#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/err.h"
#include "kubelet/container_resources.h"

enum { NAMESPACE_POD, NAMESPACE_CONTAINER, NAMESPACE_NODE, NAMESPACE_TARGET };
enum { PROFILE_RUNTIME_DEFAULT, PROFILE_UNCONFINED, PROFILE_LOCALHOST };
enum { GROUPS_MERGE, GROUPS_STRICT };

#define APPARMOR_ANNOTATION "container.apparmor.security.beta.kubernetes.io/"

/* CONFORMS: what every runtime hides of /proc and /sys. */
static const struct str masked[] = {
    STR_INIT("/proc/asound"),     STR_INIT("/proc/acpi"),        STR_INIT("/proc/interrupts"),
    STR_INIT("/proc/kcore"),      STR_INIT("/proc/keys"),        STR_INIT("/proc/latency_stats"),
    STR_INIT("/proc/timer_list"), STR_INIT("/proc/timer_stats"), STR_INIT("/proc/sched_debug"),
    STR_INIT("/proc/scsi"),       STR_INIT("/sys/firmware"),     STR_INIT("/sys/devices/virtual/powercap"),
};
static const struct str read_only[] = {
    STR_INIT("/proc/bus"),           STR_INIT("/proc/fs"), STR_INIT("/proc/irq"), STR_INIT("/proc/sys"),
    STR_INIT("/proc/sysrq-trigger"),
};

static const struct core_security_context none_own;
static const struct core_pod_security_context none_pod;

static const struct core_security_context *own_context(const struct core_container *c) {
    return c->security_context ? c->security_context : &none_own;
}

static const struct core_pod_security_context *pod_context(const struct core_pod *pod) {
    return pod->spec.security_context ? pod->spec.security_context : &none_pod;
}

static bool is_true(struct opt_bool b) {
    return b.set && b.v;
}

static struct cri_int64_value *number(struct opt_i64 v, struct arena *a) {
    if (!v.set)
        return NULL;
    struct cri_int64_value *n = arena_new(a, struct cri_int64_value);
    n->value = v.v;
    return n;
}

static struct str_array list_of(const struct str *v, size_t n) {
    return (struct str_array){.v = (struct str *)(uintptr_t)v, .n = (uint32_t)n};
}

struct opt_i64 container_run_as_user(const struct core_pod *pod, const struct core_container *c) {
    struct opt_i64 own = own_context(c)->run_as_user;
    return own.set ? own : pod_context(pod)->run_as_user;
}

/* --- profiles --- */

static struct cri_security_profile *profile(int32_t type, struct str ref, struct arena *a) {
    struct cri_security_profile *p = arena_new(a, struct cri_security_profile);
    p->profile_type = type;
    p->localhost_ref = ref;
    return p;
}

static struct cri_security_profile *seccomp_of(const struct core_seccomp_profile *s,
                                               const struct container_node *node, struct arena *a) {
    if (!s)
        return profile(node->seccomp_default ? PROFILE_RUNTIME_DEFAULT : PROFILE_UNCONFINED, S(""), a);
    if (str_eq(s->type, S("RuntimeDefault")))
        return profile(PROFILE_RUNTIME_DEFAULT, S(""), a);
    if (str_eq(s->type, S("Localhost")))
        return profile(
            PROFILE_LOCALHOST,
            arena_printf(a, "%.*s/%.*s", STR_ARG(node->seccomp_dir), STR_ARG(s->localhost_profile)), a);
    return profile(PROFILE_UNCONFINED, S(""), a);
}

static struct cri_security_profile *apparmor_of_text(struct str text, struct arena *a) {
    if (str_eq(text, S("runtime/default")))
        return profile(PROFILE_RUNTIME_DEFAULT, S(""), a);
    if (str_has_prefix(text, S("localhost/")))
        return profile(PROFILE_LOCALHOST, str_from_byte(text, 10), a);
    return str_eq(text, S("unconfined")) ? profile(PROFILE_UNCONFINED, S(""), a) : NULL;
}

/* NULL: nothing is said, the runtime uses its default. */
static struct cri_security_profile *apparmor_of(const struct core_pod *pod, const struct core_container *c,
                                                struct arena *a) {
    const struct core_app_armor_profile *p = own_context(c)->app_armor_profile;
    if (!p)
        p = pod_context(pod)->app_armor_profile;
    if (!p) {
        struct str key = arena_printf(a, APPARMOR_ANNOTATION "%.*s", STR_ARG(c->name));
        return apparmor_of_text(str_map_get(pod->metadata.annotations, key), a);
    }
    if (str_eq(p->type, S("Localhost")))
        return profile(PROFILE_LOCALHOST, p->localhost_profile, a);
    return profile(str_eq(p->type, S("RuntimeDefault")) ? PROFILE_RUNTIME_DEFAULT : PROFILE_UNCONFINED, S(""),
                   a);
}

/* Runtimes before CRI had the field read this one. */
static struct str apparmor_text(const struct cri_security_profile *p, struct arena *a) {
    if (!p)
        return S("");
    if (p->profile_type == PROFILE_LOCALHOST)
        return arena_printf(a, "localhost/%.*s", STR_ARG(p->localhost_ref));
    return p->profile_type == PROFILE_UNCONFINED ? S("unconfined") : S("runtime/default");
}

static struct cri_se_linux_option *selinux_of(const struct core_se_linux_options *own,
                                              const struct core_se_linux_options *pod, struct arena *a) {
    const struct core_se_linux_options *from = own ? own : pod;
    if (!from)
        return NULL;
    struct cri_se_linux_option *o = arena_new(a, struct cri_se_linux_option);
    *o = (struct cri_se_linux_option){
        .user = from->user, .role = from->role, .type = from->type, .level = from->level};
    return o;
}

/* --- who it is --- */

static int check_non_root(const struct core_pod *pod, const struct core_container *c,
                          const struct image_user *user, struct err *err) {
    struct opt_bool wanted = own_context(c)->run_as_non_root;
    if (!wanted.set)
        wanted = pod_context(pod)->run_as_non_root;
    if (!is_true(wanted))
        return 0;
    struct opt_i64 uid = container_run_as_user(pod, c);
    if (uid.set && uid.v != 0)
        return 0;
    if (uid.set)
        return err_set(err, ERR_INVALID, "container \"%.*s\" has runAsNonRoot and runAsUser 0",
                       STR_ARG(c->name));
    if (user->uid.set && user->uid.v == 0)
        return err_set(err, ERR_INVALID,
                       "container \"%.*s\" has runAsNonRoot and its image runs as root; set runAsUser",
                       STR_ARG(c->name));
    if (!user->uid.set && user->name.n)
        return err_set(
            err, ERR_INVALID,
            "container \"%.*s\" has runAsNonRoot and its image names a user (%.*s), which may be root; set "
            "runAsUser",
            STR_ARG(c->name), STR_ARG(user->name));
    return 0;
}

static void put_user(struct cri_linux_container_security_context *s, const struct core_pod *pod,
                     const struct core_container *c, const struct image_user *user, struct arena *a) {
    struct opt_i64 uid = container_run_as_user(pod, c), gid = own_context(c)->run_as_group;
    if (!gid.set)
        gid = pod_context(pod)->run_as_group;
    s->run_as_group = number(gid, a);
    if (!uid.set)
        uid = user->uid;
    s->run_as_user = number(uid, a);
    if (!uid.set)
        s->run_as_username = user->name;
}

static struct i64_array groups_of(const struct core_pod *pod, struct arena *a) {
    const struct core_pod_security_context *p = pod_context(pod);
    struct i64_array out = {.v = arena_new_n(a, p->supplemental_groups.n + 1, int64_t)};
    for (uint32_t i = 0; i < p->supplemental_groups.n; i++)
        out.v[out.n++] = p->supplemental_groups.v[i];
    if (p->fs_group.set)
        out.v[out.n++] = p->fs_group.v;
    return out;
}

static int32_t groups_policy(const struct core_pod *pod) {
    return str_eq(pod_context(pod)->supplemental_groups_policy, S("Strict")) ? GROUPS_STRICT : GROUPS_MERGE;
}

/* --- namespaces --- */

static struct cri_namespace_option *namespaces(const struct core_pod *pod, struct str target_id,
                                               struct arena *a) {
    const struct core_pod_spec *s = &pod->spec;
    struct cri_namespace_option *n = arena_new(a, struct cri_namespace_option);
    n->network = s->host_network ? NAMESPACE_NODE : NAMESPACE_POD;
    n->ipc = s->host_ipc ? NAMESPACE_NODE : NAMESPACE_POD;
    n->pid = s->host_pid                           ? NAMESPACE_NODE
             : is_true(s->share_process_namespace) ? NAMESPACE_POD
                                                   : NAMESPACE_CONTAINER;
    if (target_id.n && n->pid == NAMESPACE_CONTAINER) {
        n->pid = NAMESPACE_TARGET;
        n->target_id = target_id;
    }
    return n;
}

/* --- all of it --- */

static void put_confinement(struct cri_linux_container_security_context *s, const struct core_pod *pod,
                            const struct core_container *c, const struct container_node *node,
                            struct arena *a) {
    const struct core_security_context *own = own_context(c);
    const struct core_pod_security_context *p = pod_context(pod);
    s->privileged = is_true(own->privileged);
    s->readonly_rootfs = is_true(own->read_only_root_filesystem);
    s->no_new_privs = own->allow_privilege_escalation.set && !own->allow_privilege_escalation.v;
    s->selinux_options = selinux_of(own->se_linux_options, p->se_linux_options, a);
    s->seccomp = s->privileged
                     ? profile(PROFILE_UNCONFINED, S(""), a)
                     : seccomp_of(own->seccomp_profile ? own->seccomp_profile : p->seccomp_profile, node, a);
    s->apparmor = apparmor_of(pod, c, a);
    s->apparmor_profile = apparmor_text(s->apparmor, a);
    if (!str_eq(own->proc_mount, S("Unmasked"))) {
        s->masked_paths = list_of(masked, sizeof masked / sizeof *masked);
        s->readonly_paths = list_of(read_only, sizeof read_only / sizeof *read_only);
    }
    if (own->capabilities) {
        s->capabilities = arena_new(a, struct cri_capability);
        s->capabilities->add_capabilities = own->capabilities->add;
        s->capabilities->drop_capabilities = own->capabilities->drop;
    }
}

int container_security(const struct core_pod *pod, const struct core_container *c,
                       const struct image_user *user, struct str target_id, const struct container_node *node,
                       struct arena *a, struct cri_linux_container_security_context **ret, struct err *err) {
    int rc = check_non_root(pod, c, user, err);
    if (rc)
        return rc;
    struct cri_linux_container_security_context *s =
        arena_new(a, struct cri_linux_container_security_context);
    put_user(s, pod, c, user, a);
    put_confinement(s, pod, c, node, a);
    s->supplemental_groups = groups_of(pod, a);
    s->supplemental_groups_policy = groups_policy(pod);
    s->namespace_options = namespaces(pod, target_id, a);
    *ret = s;
    return 0;
}

static bool any_privileged(const struct core_container_array *list) {
    for (uint32_t i = 0; i < list->n; i++)
        if (is_true(own_context(&list->v[i])->privileged))
            return true;
    return false;
}

struct cri_linux_sandbox_security_context *
sandbox_security(const struct core_pod *pod, const struct container_node *node, struct arena *a) {
    (void)node;
    const struct core_pod_security_context *p = pod_context(pod);
    struct cri_linux_sandbox_security_context *s = arena_new(a, struct cri_linux_sandbox_security_context);
    s->namespace_options = namespaces(pod, S(""), a);
    s->selinux_options = selinux_of(NULL, p->se_linux_options, a);
    s->run_as_user = number(p->run_as_user, a);
    s->run_as_group =
        p->run_as_user.set ? number(p->run_as_group, a) : NULL; /* CRI: no group without a user */
    s->supplemental_groups = groups_of(pod, a);
    s->supplemental_groups_policy = groups_policy(pod);
    s->privileged = any_privileged(&pod->spec.containers) || any_privileged(&pod->spec.init_containers);
    s->seccomp = profile(PROFILE_RUNTIME_DEFAULT, S(""), a); /* the pause program needs no more */
    return s;
}
