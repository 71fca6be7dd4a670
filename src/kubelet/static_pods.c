/* The folder of manifests, watched. */
#include "kubelet/static_pods.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "api/default.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/validate.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/vec.h"
#include "client/reconciler.h"
#include "codec/yaml.h"
#include "kubelet/kubelet_priv.h"
#include "kubelet/node.h"

#define PERIOD_MS 20000
#define MANIFEST_MAX (1u << 20)
#define FILES_MAX 1024

#define ANNOTATION_HASH S("kubernetes.io/config.hash")
#define ANNOTATION_SOURCE S("kubernetes.io/config.source")
#define ANNOTATION_SEEN S("kubernetes.io/config.seen")
#define ANNOTATION_MIRROR S("kubernetes.io/config.mirror")

struct static_pods {
    struct kubelet *k;
    struct thread thread;
    int stop_fd, inotify_fd;
    struct map present; /* uid → struct object, one reference */
};

/* -- reading -- */

static struct str lower(struct arena *a, struct str s) {
    char *p = arena_bytes(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
    return str_make(p, s.n);
}

/* 128 bits out of two 64-bit hashes over where it comes from and what it says. */
static struct str uid_of(struct arena *a, struct str node, struct str path, struct str text) {
    uint64_t h[2];
    for (int i = 0; i < 2; i++) {
        h[i] = hash_fnv1a_64(i ? S("file") : S("host"));
        h[i] = hash_fnv1a_64_add(h[i], node);
        h[i] = hash_fnv1a_64_add(h[i], path);
        h[i] = hash_fnv1a_64_add(h[i], text);
    }
    return arena_printf(a, "%016llx%016llx", (unsigned long long)h[0], (unsigned long long)h[1]);
}

/* CONFORMS: PreventStaticPodAPIReferences. */
static int refuse_references(const struct core_pod *p, struct err *err) {
    const char *what = NULL;
    if (p->spec.service_account_name.n)
        what = "a service account";
    for (uint32_t i = 0; i < p->spec.volumes.n && !what; i++) {
        const struct core_volume *v = &p->spec.volumes.v[i];
        if (v->volume_source.config_map || v->volume_source.secret ||
            v->volume_source.persistent_volume_claim || v->volume_source.projected)
            what = "a volume out of the API";
    }
    return what ? err_set(err, ERR_INVALID, "static pods may not use %s", what) : 0;
}

static void dress(struct arena *a, struct core_pod *p, struct str text, struct str path,
                  struct str node_name) {
    struct str uid = p->metadata.uid.n ? p->metadata.uid : uid_of(a, node_name, path, text);
    p->metadata.uid = uid;
    p->metadata.name = arena_printf(a, "%.*s-%.*s", STR_ARG(p->metadata.name), STR_ARG(lower(a, node_name)));
    if (!p->metadata.namespace.n)
        p->metadata.namespace = S("default");
    p->metadata.annotations = str_map_with(a, p->metadata.annotations, ANNOTATION_HASH, uid);
    p->metadata.annotations = str_map_with(a, p->metadata.annotations, ANNOTATION_SOURCE, S("file"));
    p->spec.node_name = node_name;
    struct core_toleration *t = arena_new_n(a, p->spec.tolerations.n + 1, struct core_toleration);
    if (p->spec.tolerations.n)
        memcpy(t, p->spec.tolerations.v, p->spec.tolerations.n * sizeof *t);
    t[p->spec.tolerations.n] = (struct core_toleration){.operator= S("Exists"), .effect = S("NoExecute")};
    p->spec.tolerations = (struct core_toleration_array){t, p->spec.tolerations.n + 1};
    p->status.phase = S("Pending");
}

int static_pod_read(struct arena *a, struct str text, struct str path, struct str node_name,
                    const struct core_pod **ret, struct err *err) {
    _cleanup_buf struct buf json = BUF_INIT;
    void *object = NULL;
    int rc = yaml_to_json(&json, text, NULL, NULL, err);
    if (rc == 0)
        rc = api_read_json(a, &builtin, TY_CORE_POD, buf_view(&json), NULL, &object, err);
    if (rc < 0)
        return rc;
    struct core_pod *p = object;
    if (!str_eq(p->type_meta.kind, S("Pod")) || !str_eq(p->type_meta.api_version, S("v1")))
        return err_set(err, ERR_INVALID, "the file is no Pod of v1");
    if (!p->metadata.name.n)
        return err_set(err, ERR_INVALID, "metadata.name is missing");
    rc = refuse_references(p, err);
    if (rc < 0)
        return rc;
    dress(a, p, text, path, node_name);
    api_default(a, &builtin, TY_CORE_POD, p, clock_system());
    struct field_errors errors = FIELD_ERRORS_INIT(a);
    validate_create(NULL, KIND(CORE_POD), p, &errors);
    if (field_errors_count(&errors)) {
        _cleanup_buf struct buf why = BUF_INIT;
        field_errors_text(&why, &errors);
        return err_set(err, ERR_INVALID, "%.*s", STR_ARG(buf_view(&why)));
    }
    *ret = p;
    return 0;
}

/* -- mirrors -- */

static const struct meta_owner_reference *node_owner(struct kubelet *k, struct arena *a) {
    struct object *node = kubelet_node_object(k->node);
    if (!node)
        return NULL;
    struct meta_owner_reference *o = arena_new(a, struct meta_owner_reference);
    *o = (struct meta_owner_reference){.api_version = S("v1"),
                                       .kind = S("Node"),
                                       .name = arena_str(a, node->meta->name),
                                       .uid = arena_str(a, node->meta->uid),
                                       .controller = {.v = true, .set = true}};
    object_unref(node);
    return o;
}

static int make_mirror(struct kubelet *k, const struct object *pod, struct err *err) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod mirror = *(const struct core_pod *)pod->body;
    struct str hash = str_map_get(mirror.metadata.annotations, ANNOTATION_HASH);
    const struct meta_owner_reference *owner = node_owner(k, &a);
    if (!owner)
        return err_set(err, ERR_AGAIN, "the node is not registered yet");
    mirror.metadata.annotations = str_map_with(&a, mirror.metadata.annotations, ANNOTATION_MIRROR, hash);
    mirror.metadata.owner_references =
        (struct meta_owner_reference_array){(struct meta_owner_reference *)owner, 1};
    mirror.metadata.uid = STR_NONE;
    mirror.metadata.resource_version = STR_NONE;
    int rc = client_create(k->o.client, KIND(CORE_POD), mirror.metadata.namespace, &mirror, NULL, err);
    return rc == ERR_EXISTS ? 0 : rc;
}

/* One there is that says the same is left alone; another one is deleted and made again. */
static int keep_mirror(struct kubelet *k, const struct object *pod, struct err *err) {
    struct object *have = NULL;
    int rc = client_get(k->o.client, KIND(CORE_POD), pod->meta->namespace, pod->meta->name, &have, err);
    if (rc == ERR_NOT_FOUND)
        return make_mirror(k, pod, err);
    if (rc < 0)
        return rc;
    struct str hash = str_map_get(pod->meta->annotations, ANNOTATION_HASH);
    struct str mirrored = str_map_get(have->meta->annotations, ANNOTATION_MIRROR);
    bool stale = meta_is_deleting(have->meta) || (mirrored.p && !str_eq(mirrored, hash));
    if (!mirrored.p)
        rc = err_set(err, ERR_EXISTS, "a pod of the API has the name of a static pod");
    else if (stale) {
        struct client_delete o = {.uid = have->meta->uid, .grace_seconds = 0};
        rc = client_delete(k->o.client, KIND(CORE_POD), pod->meta->namespace, pod->meta->name, &o, err);
        if (rc == 0 || rc == ERR_NOT_FOUND)
            rc = make_mirror(k, pod, err);
    } else
        pods_set_mirror(k, pod->meta->uid, have); /* the watch may have shown it before the file was read */
    object_unref(have);
    return rc;
}

static void drop_mirror(struct kubelet *k, const struct object *pod) {
    struct client_delete o = {.grace_seconds = 0};
    (void)client_delete(k->o.client, KIND(CORE_POD), pod->meta->namespace, pod->meta->name, &o, NULL);
}

/* -- the folder -- */

struct file {
    char *path;
};
struct files {
    VEC(struct file) v;
};

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static int list_files(const char *dir, struct files *ret, struct err *err) {
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(err, errno, "folder of static pods %s", dir);
    for (const struct dirent *e; (e = readdir(d)) && ret->v.n < FILES_MAX;) {
        struct str name = str_from(e->d_name);
        bool manifest = str_has_suffix(name, S(".yaml")) || str_has_suffix(name, S(".yml")) ||
                        str_has_suffix(name, S(".json")) || str_has_suffix(name, S(".manifest"));
        char *path;
        if (name.p[0] != '.' && manifest && asprintf(&path, "%s/%s", dir, e->d_name) > 0)
            vec_push(&ret->v, ((struct file){path}));
    }
    closedir(d);
    if (ret->v.n)
        qsort(ret->v.v, ret->v.n, sizeof *ret->v.v, by_path);
    return 0;
}

static struct object *read_file(struct static_pods *s, const char *path, struct err *err) {
    _cleanup_buf struct buf text = BUF_INIT;
    int rc = file_read(path, MANIFEST_MAX, &text, err);
    if (rc < 0)
        return NULL;
    struct arena a = ARENA_INIT;
    const struct core_pod *pod;
    struct str copy = buf_to_arena(&text, &a);
    if (static_pod_read(&a, copy, str_from(path), s->k->o.node_name, &pod, err) < 0) {
        arena_fini(&a);
        return NULL;
    }
    return object_freeze(KIND(CORE_POD), pod, &a);
}

static void adopt(struct static_pods *s, struct object *pod) {
    if (map_has(&s->present, pod->meta->uid)) {
        object_unref(pod);
        return;
    }
    log_info("static pod found", kv_ref("pod", pod->meta->namespace, pod->meta->name));
    map_put(&s->present, pod->meta->uid, pod);
    pods_set(s->k, pod->meta->uid, pod, true);
}

static void drop_vanished(struct static_pods *s, const struct map *seen) {
    map_foreach_reverse(e, &s->present) {
        struct object *pod = e->value;
        if (map_has(seen, pod->meta->uid))
            continue;
        log_info("static pod is gone", kv_ref("pod", pod->meta->namespace, pod->meta->name));
        pods_set(s->k, pod->meta->uid, NULL, true);
        drop_mirror(s->k, pod);
        map_remove_entry(&s->present, e);
        object_unref(pod);
    }
}

static void look(struct static_pods *s) {
    _cleanup_map struct map seen = MAP_INIT_OWNING;
    struct files files = {0};
    struct err err = ERR_INIT;
    char *dir = strndup(s->k->o.static_pod_dir.p, s->k->o.static_pod_dir.n);
    if (!dir)
        panic("out of memory");
    if (list_files(dir, &files, &err) < 0 && log_every(60000))
        log_warn("static pods cannot be read", kv_err("err", &err));
    vec_foreach (f, &files.v) {
        struct object *pod = read_file(s, f->path, &err);
        if (!pod && log_every(20000))
            log_warn("a static pod is passed over", kv_text("file", f->path), kv_err("err", &err));
        if (pod) {
            map_put(&seen, pod->meta->uid, s);
            adopt(s, pod);
        }
        free(f->path);
    }
    vec_fini(&files.v);
    free(dir);
    drop_vanished(s, &seen);
}

static bool mirrors(struct static_pods *s) {
    bool all = true;
    map_foreach(e, &s->present) {
        struct err err = ERR_INIT;
        if (keep_mirror(s->k, e->value, &err) < 0) {
            all = false;
            if (log_every(30000))
                log_warn("the mirror of a static pod could not be kept", kv_str("uid", e->key),
                         kv_err("err", &err));
        }
    }
    return all;
}

/* False: stop. */
static bool wait_for_change(struct static_pods *s, int timeout_ms) {
    struct pollfd p[2] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = s->inotify_fd, .events = POLLIN}};
    (void)poll(p, s->inotify_fd >= 0 ? 2 : 1, timeout_ms);
    if (p[0].revents)
        return false;
    char events[4096];
    while (s->inotify_fd >= 0 && read(s->inotify_fd, events, sizeof events) > 0)
        continue;
    return true;
}

static void run(void *arg) {
    struct static_pods *s = arg;
    bool mirrored;
    do {
        look(s);
        mirrored = mirrors(s);
    } while (wait_for_change(s, mirrored ? PERIOD_MS : 1000));
}

int static_pods_start(struct kubelet *k, struct static_pods **ret, struct err *err) {
    struct static_pods *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->k = k;
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    _cleanup_arena struct arena a = ARENA_INIT;
    char *dir = arena_strz(&a, k->o.static_pod_dir);
    int rc = file_mkdir_p(dir, 0755, err);
    if (s->inotify_fd >= 0)
        (void)inotify_add_watch(s->inotify_fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
    if (rc == 0)
        rc = thread_start(&s->thread, &(struct thread_options){.name = "static-pods"}, run, s, err);
    if (rc < 0) {
        static_pods_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void static_pods_stop(struct static_pods *s) {
    if (!s)
        return;
    uint64_t one = 1;
    if (write(s->stop_fd, &one, sizeof one) < 0)
        log_warn("the thread of static pods could not be told to stop");
    thread_join(&s->thread);
    map_foreach(e, &s->present) object_unref(e->value);
    map_fini(&s->present);
    fd_close(&s->stop_fd);
    fd_close(&s->inotify_fd);
    free(s);
}
