/* What a pod needs on the node, put together out of volumes, environment, names and limits. */
#include "kubelet/pod_setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/types/core.h"
#include "api/types/cri.h"
#include "api/types/ids.h"
#include "api/types/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "client/events.h"
#include "client/reconciler.h"
#include "kubelet/api_sources.h"
#include "kubelet/cgroup.h"
#include "kubelet/container_config.h"
#include "kubelet/container_mounts.h"
#include "kubelet/container_resources.h"
#include "kubelet/env.h"
#include "kubelet/hosts_file.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/last_words.h"
#include "kubelet/node.h"
#include "kubelet/volume.h"

#define CONF_MAX (256u * 1024)
#define LINK_NAME_MAX 255

struct pod_setup {
    struct kubelet *k;
    struct arena arena;
    struct api_sources *sources;
    struct container_node node;
    struct volume_node volumes;
    struct cgroups *cgroups;
};

static int start_cgroups(struct pod_setup *s, struct err *err) {
    struct cgroup_options o = {.mount = s->k->o.cgroup_mount,
                               .parent =
                                   s->k->o.cgroup_root.n ? arena_strz(&s->arena, s->k->o.cgroup_root) : NULL,
                               .systemd = str_eq(str_from(s->k->o.config.cgroup_driver), S("systemd")),
                               .cpu_quota_off = !s->k->o.config.cpu_quota,
                               .cpu_period_us = s->k->o.config.cpu_period_ns / 1000,
                               .pids_limit = s->k->o.config.pod_pids_limit};
    int rc = cgroups_new(&o, &s->cgroups, err);
    if (rc < 0)
        return rc;
    s->node.cgroup_v2 = cgroups_are_v2(s->cgroups);
    return cgroups_make_tiers(s->cgroups, 0, 0, err);
}

int pod_setup_new(struct kubelet *k, struct pod_setup **ret, struct err *err) {
    struct pod_setup *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->k = k;
    arena_init(&s->arena);
    s->volumes =
        (struct volume_node){.pods_dir = arena_printf(&s->arena, "%.*s/pods", STR_ARG(k->o.root_dir)).p,
                             .clock = k->clock,
                             .rand = k->rand};
    s->node = (struct container_node){
        .seccomp_dir = arena_printf(&s->arena, "%.*s/seccomp", STR_ARG(k->o.root_dir)),
    };
    int rc = file_mkdir_p(s->volumes.pods_dir, 0750, err);
    if (rc == 0)
        rc = file_mkdir_p(arena_strz(&s->arena, k->o.pod_logs_dir), 0755, err);
    if (rc == 0 && k->o.container_logs_dir.n)
        rc = file_mkdir_p(arena_strz(&s->arena, k->o.container_logs_dir), 0755, err);
    if (rc == 0)
        rc = start_cgroups(s, err);
    if (rc == 0)
        rc = api_sources_new(k->o.client, &s->sources, err);
    if (rc < 0)
        pod_setup_free(s);
    else
        *ret = s;
    return rc;
}

void pod_setup_free(struct pod_setup *s) {
    if (!s)
        return;
    api_sources_free(s->sources);
    cgroups_free(s->cgroups);
    arena_fini(&s->arena);
    free(s);
}

struct cgroups *pod_setup_cgroups(struct pod_setup *s) {
    return s->cgroups;
}

/* -- facts -- */

static const char *pod_dir(struct pod_setup *s, struct str uid, struct arena *a) {
    return arena_printf(a, "%s/%.*s", s->volumes.pods_dir, STR_ARG(uid)).p;
}

static struct container_node node_of(struct pod_setup *s) {
    struct container_node n = s->node; /* the facts are known a little later than we are */
    n.memory_capacity = (int64_t)kubelet_node_facts(s->k->node)->memory_bytes;
    return n;
}

static struct pod_facts facts_of(struct pod_setup *s, const struct pod_view *view, struct arena *a) {
    struct pod_facts f = {
        .node_name = s->k->o.node_name, .host_ips = s->k->node_ips, .cluster_domain = s->k->o.cluster_domain};
    const struct sandbox_view *sandbox = view ? pod_view_sandbox(view) : NULL;
    if (sandbox)
        f.pod_ips = sandbox->host_network ? s->k->node_ips : sandbox->ips;
    struct object *node = kubelet_node_object(s->k->node);
    if (node) {
        arena_hold(a, object_release_any, node);
        f.allocatable = ((const struct core_node *)node->body)->status.allocatable;
    }
    return f;
}

/* -- before its containers -- */

static int setup_volumes(struct pod_setup *s, const struct core_pod *pod, const struct pod_view *view,
                         struct arena *a, struct volume_array *ret, struct err *err) {
    struct pod_facts *facts = arena_new(a, struct pod_facts);
    *facts = facts_of(s, view, a);
    struct volume_inputs in = {
        .node = &s->volumes, .pod = pod, .facts = facts, .sources = api_sources_table(s->sources)};
    return volumes_setup(&in, a, ret, err);
}

int pod_setup_cgroup(struct pod_setup *s, const struct core_pod *pod, struct err *err) {
    return cgroup_make_pod(s->cgroups, pod, err);
}

struct cri_linux_container_resources *pod_setup_resources(struct pod_setup *s, const struct core_pod *pod,
                                                          const struct core_container *c, struct arena *a) {
    struct container_node node = node_of(s);
    return container_resources(pod, c, &node, a);
}

int pod_setup_prepare(struct pod_setup *s, const struct object *pod, bool keep_cgroup, struct arena *a,
                      struct setup_problem *ret_problem, struct err *err) {
    const struct core_pod *p = pod->body;
    struct volume_array volumes;
    struct str logs = arena_printf(a, "%.*s/%.*s", STR_ARG(s->k->o.pod_logs_dir), STR_ARG(pod_log_dir(p, a)));
    *ret_problem = (struct setup_problem){.reason = "FailedMount"};
    int rc = file_mkdir_p(pod_dir(s, p->metadata.uid, a), 0750, err);
    if (rc == 0)
        rc = file_mkdir_p(logs.p, 0755, err);
    if (rc == 0 && !keep_cgroup)
        rc = cgroup_make_pod(s->cgroups, p, err);
    if (rc == 0)
        rc = setup_volumes(s, p, NULL, a, &volumes, err);
    return rc;
}

/* -- the sandbox -- */

static struct dns_result dns_of(struct pod_setup *s, const struct object *pod, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    struct dns_config *host = arena_new(a, struct dns_config);
    if (file_read(arena_strz(a, s->k->o.resolv_conf), CONF_MAX, &b, NULL) == 0)
        *host = resolv_conf_read(buf_to_arena(&b, a), a);
    struct dns_node node = {
        .cluster_servers = s->k->o.cluster_dns, .cluster_domain = s->k->o.cluster_domain, .host = host};
    struct dns_result r = dns_for_pod(pod->body, &node, a);
    if (r.cut)
        event_record(s->k->events, pod, "Warning", "DNSConfigForming",
                     "Nameserver or search limits were exceeded, some of them have been omitted");
    if (r.missing_cluster)
        event_record(
            s->k->events, pod, "Warning", "MissingClusterDNS",
            "kubelet does not have ClusterDNS IP configured and cannot create Pod using \"ClusterFirst\" "
            "policy. Falling back to \"Default\" policy.");
    return r;
}

static int handler_of(struct pod_setup *s, const struct core_pod *p, struct arena *a, struct str *ret,
                      struct err *err) {
    *ret = STR_NONE;
    if (!p->spec.runtime_class_name.n)
        return 0;
    struct object *rc_object = NULL;
    int rc = client_get(s->k->o.client, KIND(NODE_RUNTIME_CLASS), STR_NONE, p->spec.runtime_class_name,
                        &rc_object, err);
    if (rc < 0)
        return err_wrap(err, "RuntimeClass");
    arena_hold(a, object_release_any, rc_object);
    *ret = ((const struct node_runtime_class *)rc_object->body)->handler;
    return 0;
}

int pod_setup_sandbox(struct pod_setup *s, const struct object *pod, uint32_t attempt, struct arena *a,
                      struct cri_pod_sandbox_config **ret, struct str *ret_handler,
                      struct setup_problem *ret_problem, struct err *err) {
    const struct core_pod *p = pod->body;
    struct pod_name name;
    *ret_problem = (struct setup_problem){.reason = "ConfigPodSandboxError"};
    int rc = pod_name_of(p, s->k->o.cluster_domain, a, &name, err);
    if (rc == 0)
        rc = handler_of(s, p, a, ret_handler, err);
    if (rc < 0)
        return rc;
    struct dns_result *dns = arena_new(a, struct dns_result);
    struct container_node *node = arena_new(a, struct container_node);
    *dns = dns_of(s, pod, a);
    *node = node_of(s);
    struct sandbox_config_inputs in = {.pod = p,
                                       .attempt = attempt,
                                       .hostname = name.hostname,
                                       .dns = &dns->config,
                                       .cgroup_parent = cgroup_parent_of(s->cgroups, p, a),
                                       .logs_dir = s->k->o.pod_logs_dir,
                                       .node = node};
    *ret = sandbox_config_make(&in, a);
    return 0;
}

/* -- one container -- */

static int write_hosts(struct pod_setup *s, const struct core_pod *p, const struct pod_facts *facts,
                       struct arena *a, struct str *ret_path, struct err *err) {
    _cleanup_buf struct buf out = BUF_INIT, node_file = BUF_INIT;
    struct pod_name name;
    int rc = pod_name_of(p, s->k->o.cluster_domain, a, &name, err);
    if (rc < 0)
        return rc;
    if (p->spec.host_network) {
        (void)file_read("/etc/hosts", CONF_MAX, &node_file, NULL);
        hosts_file_write_host(p, buf_view(&node_file), &out);
    } else {
        hosts_file_write(p, &name, &facts->pod_ips, &out);
    }
    *ret_path = arena_printf(a, "%s/etc-hosts", pod_dir(s, p->metadata.uid, a));
    return file_write_atomic(ret_path->p, buf_view(&out), 0644, err);
}

static struct str message_path(struct pod_setup *s, const struct core_pod *p, struct str container,
                               uint32_t attempt, struct arena *a) {
    return arena_printf(a, "%s/containers/%.*s/%u", pod_dir(s, p->metadata.uid, a), STR_ARG(container),
                        attempt);
}

/* CONFORMS: any user of the container may write to it. */
static int make_message_file(struct pod_setup *s, const struct setup_container *c, struct arena *a,
                             struct str *ret_path, struct err *err) {
    const struct core_pod *p = c->pod->body;
    struct str name = c->container->spec->name;
    struct str dir = arena_printf(a, "%s/containers/%.*s", pod_dir(s, p->metadata.uid, a), STR_ARG(name));
    *ret_path = message_path(s, p, name, c->attempt, a);
    int rc = file_mkdir_p(dir.p, 0755, err);
    return rc < 0 ? rc : file_write_atomic(ret_path->p, S(""), 0666, err);
}

struct assembling {
    struct pod_facts facts;
    struct container_node node;
    struct volume_array volumes;
    struct cri_key_value_array env;
    struct cri_mount_array mounts;
    struct cri_device_array devices;
    struct str hosts, message;
};

static int assemble(struct pod_setup *s, const struct setup_container *c, struct arena *a,
                    struct assembling *x, struct err *err) {
    const struct core_pod *p = c->pod->body;
    const char *dir = pod_dir(s, p->metadata.uid, a);
    x->facts = facts_of(s, c->view, a);
    x->node = node_of(s);
    struct env_inputs env = {.pod = p,
                             .container = c->container->spec,
                             .facts = &x->facts,
                             .sources = api_sources_table(s->sources),
                             .volumes_dir = arena_printf(a, "%s/volumes", dir).p};
    int rc = setup_volumes(s, p, c->view, a, &x->volumes, err);
    if (rc == 0)
        rc = env_make(&env, a, &x->env, err);
    if (rc == 0)
        rc = write_hosts(s, p, &x->facts, a, &x->hosts, err);
    if (rc == 0)
        rc = make_message_file(s, c, a, &x->message, err);
    struct container_mounts_inputs mounts = {.pod_dir = dir,
                                             .container = c->container->spec,
                                             .volumes = &x->volumes,
                                             .env = &x->env,
                                             .hosts_file = x->hosts,
                                             .message_file = x->message};
    return rc < 0 ? rc : container_mounts_make(&mounts, a, &x->mounts, &x->devices, err);
}

static struct str target_id(const struct setup_container *c) {
    const struct container_view *v =
        c->container->target.n ? pod_view_container(c->view, c->container->target) : NULL;
    return v ? v->id : STR_NONE;
}

int pod_setup_container(struct pod_setup *s, const struct setup_container *c, struct arena *a,
                        struct cri_container_config **ret, struct setup_problem *ret_problem,
                        struct err *err) {
    struct assembling *x = arena_new(a, struct assembling);
    *ret_problem = (struct setup_problem){.reason = "CreateContainerConfigError"};
    int rc = assemble(s, c, a, x, err);
    if (rc < 0)
        return rc;
    char hash[9];
    container_hash(c->container->spec, hash);
    struct container_config_inputs in = {
        .pod = c->pod->body,
        .container = c->container->spec,
        .attempt = c->attempt,
        .hash = arena_str(a, str_from(hash)),
        .image_ref = c->image->ref,
        .user = {.uid = c->image->uid, .name = c->image->user},
        .target_id = target_id(c),
        .env = x->env,
        .mounts = x->mounts,
        .devices = x->devices,
        .node = &x->node,
    };
    return container_config_make(&in, a, ret, err);
}

/* -- after it has started -- */

static struct str log_path(struct pod_setup *s, const struct core_pod *p, struct str container,
                           uint32_t attempt, struct arena *a) {
    return arena_printf(a, "%.*s/%.*s/%.*s/%u.log", STR_ARG(s->k->o.pod_logs_dir), STR_ARG(pod_log_dir(p, a)),
                        STR_ARG(container), attempt);
}

void pod_setup_started(struct pod_setup *s, const struct object *pod, const struct container_ref *c,
                       uint32_t attempt, struct str container_id) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const struct core_pod *p = pod->body;
    if (!s->k->o.container_logs_dir.n)
        return;
    struct str name =
        arena_printf(&a, "%.*s_%.*s_%.*s-%.*s", STR_ARG(p->metadata.name), STR_ARG(p->metadata.namespace),
                     STR_ARG(c->spec->name), STR_ARG(container_id));
    struct str link = arena_printf(&a, "%.*s/%.*s.log", STR_ARG(s->k->o.container_logs_dir),
                                   STR_ARG(str_cut(name, LINK_NAME_MAX - 4)));
    (void)unlink(link.p);
    if (symlink(log_path(s, p, c->spec->name, attempt, &a).p, link.p) < 0 && log_every(60000))
        log_warn("a link to a container's log could not be made", kv_str("link", link));
}

struct str pod_setup_message(struct pod_setup *s, const struct core_pod *pod, const struct container_ref *c,
                             const struct container_view *v, struct arena *a) {
    struct last_words w = {
        .file = message_path(s, pod, c->spec->name, v->attempt, a).p,
        .from_log = str_eq(c->spec->termination_message_policy, S("FallbackToLogsOnError")) && v->exit_code,
        .logs_dir = arena_strz(a, s->k->o.pod_logs_dir),
        .log = arena_printf(a, "%.*s/%.*s/%u.log", STR_ARG(pod_log_dir(pod, a)), STR_ARG(c->spec->name),
                            v->attempt)};
    return last_words_read(&w, a);
}

/* -- pull secrets -- */

void pod_setup_credentials(struct pod_setup *s, const struct object *pod, struct arena *a,
                           struct image_credentials *ret) {
    const struct core_pod *p = pod->body;
    struct pod_sources *sources = api_sources_table(s->sources);
    for (uint32_t i = 0; i < p->spec.image_pull_secrets.n; i++) {
        struct str name = p->spec.image_pull_secrets.v[i].name;
        const struct core_secret *secret = NULL;
        struct err err = ERR_INIT;
        int rc = sources->ops->secret(sources, p->metadata.namespace, name, a, &secret, &err);
        struct str json = rc == 0 ? str_map_get(secret->data, S(".dockerconfigjson")) : STR_NONE;
        struct str legacy = rc == 0 ? str_map_get(secret->data, S(".dockercfg")) : STR_NONE;
        if (rc == 0 && (json.n || legacy.n))
            rc = credentials_read(json.n ? json : legacy, !json.n, a, ret, &err);
        if (rc < 0)
            event_record(s->k->events, pod, "Warning", "FailedToRetrieveImagePullSecret",
                         "Unable to retrieve some image pull secrets (%.*s); attempting to pull the image "
                         "may not succeed.",
                         STR_ARG(name));
    }
}

/* -- removing -- */

static int remove_tree(const char *path, struct err *err) {
    const char *const argv[] = {"rm", "-rf", "--one-file-system", path, NULL};
    return process_run_ok(&(struct process_options){.argv = argv}, &(struct process_io){.timeout_ms = 60000},
                          err);
}

/* The folder of its logs ends with its uid. */
static int remove_logs(struct pod_setup *s, struct str uid, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    DIR *d = opendir(arena_strz(&a, s->k->o.pod_logs_dir));
    struct str suffix = arena_printf(&a, "_%.*s", STR_ARG(uid));
    int rc = 0;
    for (const struct dirent *e; d && rc == 0 && (e = readdir(d));)
        if (str_has_suffix(str_from(e->d_name), suffix))
            rc = remove_tree(arena_printf(&a, "%.*s/%s", STR_ARG(s->k->o.pod_logs_dir), e->d_name).p, err);
    if (d)
        closedir(d);
    return rc;
}

/* Links whose log is gone. */
static void remove_dead_links(struct pod_setup *s) {
    _cleanup_arena struct arena a = ARENA_INIT;
    DIR *d = s->k->o.container_logs_dir.n ? opendir(arena_strz(&a, s->k->o.container_logs_dir)) : NULL;
    for (const struct dirent *e; d && (e = readdir(d));) {
        struct str path = arena_printf(&a, "%.*s/%s", STR_ARG(s->k->o.container_logs_dir), e->d_name);
        struct stat st;
        if (lstat(path.p, &st) == 0 && S_ISLNK(st.st_mode) && stat(path.p, &st) < 0 && errno == ENOENT)
            (void)unlink(path.p);
    }
    if (d)
        closedir(d);
}

int pod_setup_end(struct pod_setup *s, struct str uid, struct err *err) {
    if (!uid.n || str_find_byte(uid, '/') >= 0)
        return err_set(err, ERR_INVALID, "\"%.*s\" is no uid of a pod", STR_ARG(uid));
    int rc = volumes_teardown(&s->volumes, uid, err);
    return rc ? rc : cgroup_remove_pod(s->cgroups, uid, err);
}

int pod_setup_remove(struct pod_setup *s, struct str uid, struct err *err) {
    int rc = pod_setup_end(s, uid, err);
    if (rc == 0)
        rc = volumes_forget(&s->volumes, uid, err);
    if (rc == 0)
        rc = remove_logs(s, uid, err);
    if (rc == 0) {
        remove_dead_links(s);
        api_sources_forget(s->sources, uid);
    }
    return rc;
}

int pod_setup_clear(struct pod_setup *s, struct err *err) {
    return cgroups_remove_tiers(s->cgroups, err);
}

uint32_t pod_setup_uids(struct pod_setup *s, struct arena *a, struct str **ret) {
    DIR *d = opendir(s->volumes.pods_dir);
    VEC(struct str) v = {0};
    for (const struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            vec_push_in(a, &v, arena_str(a, str_from(e->d_name)));
    if (d)
        closedir(d);
    *ret = v.v;
    return (uint32_t)v.n;
}
