/* Containers as the runtime is asked to make them. See container_config.h. */
#include "kubelet/container_config.h"

#include <stdlib.h>

#include "api/json.h"
#include "api/schema.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "kubelet/cri_names.h"
#include "kubelet/env.h"
#include "kubelet/labels.h"

#define ANNOTATIONS 8

/* --- labels.h --- */

struct str_map labels_begin(struct str_map base, size_t extra, struct arena *a) {
    struct str_map m = {.v = arena_new_n(a, base.n + extra, struct str_entry), .n = base.n};
    if (base.n)
        memcpy(m.v, base.v, base.n * sizeof *m.v);
    return m;
}

void labels_put(struct str_map *m, struct str key, struct str value) {
    for (uint32_t i = 0; i < m->n; i++)
        if (str_eq(m->v[i].key, key)) {
            m->v[i].value = value;
            return;
        }
    m->v[m->n++] = (struct str_entry){key, value};
}

static int by_key(const void *a, const void *b) {
    return str_cmp(((const struct str_entry *)a)->key, ((const struct str_entry *)b)->key);
}

void labels_end(struct str_map *m) {
    if (m->n)
        qsort(m->v, m->n, sizeof *m->v, by_key);
}

/* --- the container --- */

static struct str number(int64_t n, struct arena *a) {
    return arena_printf(a, "%lld", (long long)n);
}

static struct str json_of(uint32_t type, const void *object, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    api_write_json(&b, &builtin, type, object);
    return buf_to_arena(&b, a);
}

static struct str ports_json(const struct core_container_port_array *ports, struct arena *a) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < ports->n; i++) {
        buf_byte(&b, i ? ',' : '[');
        api_write_json(&b, &builtin, TY_CORE_CONTAINER_PORT, &ports->v[i]);
    }
    buf_byte(&b, ']');
    return buf_to_arena(&b, a);
}

static struct str_map annotations_of(const struct container_config_inputs *in, struct arena *a) {
    const struct core_container *c = in->container;
    const struct core_pod *pod = in->pod;
    struct str_map m = labels_begin((struct str_map){0}, ANNOTATIONS, a);
    labels_put(&m, CRI_ANNOTATION_CONTAINER_HASH, in->hash);
    labels_put(&m, CRI_ANNOTATION_RESTART_COUNT, number(in->attempt, a));
    labels_put(&m, CRI_ANNOTATION_MESSAGE_PATH, c->termination_message_path);
    labels_put(&m, CRI_ANNOTATION_MESSAGE_POLICY, c->termination_message_policy);
    if (pod->metadata.deletion_grace_period_seconds.set)
        labels_put(&m, CRI_ANNOTATION_POD_DELETION_GRACE,
                   number(pod->metadata.deletion_grace_period_seconds.v, a));
    if (pod->spec.termination_grace_period_seconds.set)
        labels_put(&m, CRI_ANNOTATION_POD_GRACE, number(pod->spec.termination_grace_period_seconds.v, a));
    if (c->lifecycle && c->lifecycle->pre_stop)
        labels_put(&m, CRI_ANNOTATION_PRE_STOP,
                   json_of(TY_CORE_LIFECYCLE_HANDLER, c->lifecycle->pre_stop, a));
    if (c->ports.n)
        labels_put(&m, CRI_ANNOTATION_PORTS, ports_json(&c->ports, a));
    labels_end(&m);
    return m;
}

static struct str_map labels_of(const struct container_config_inputs *in, struct arena *a) {
    const struct meta_object_meta *p = &in->pod->metadata;
    struct str_map m = labels_begin((struct str_map){0}, 4, a);
    labels_put(&m, CRI_LABEL_POD_NAME, p->name);
    labels_put(&m, CRI_LABEL_POD_NAMESPACE, p->namespace);
    labels_put(&m, CRI_LABEL_POD_UID, p->uid);
    labels_put(&m, CRI_LABEL_CONTAINER_NAME, in->container->name);
    labels_end(&m);
    return m;
}

static struct str_array expanded(struct str_array words, const struct cri_key_value_array *env,
                                 struct arena *a) {
    struct str_array out = {.v = arena_new_n(a, words.n, struct str), .n = words.n};
    for (uint32_t i = 0; i < words.n; i++)
        out.v[i] = env_expand_with(words.v[i], env, a, NULL);
    return out;
}

int container_config_make(const struct container_config_inputs *in, struct arena *a,
                          struct cri_container_config **ret, struct err *err) {
    const struct core_container *k = in->container;
    struct cri_container_config *c = arena_new(a, struct cri_container_config);
    c->linux_ = arena_new(a, struct cri_linux_container_config);
    int rc = container_security(in->pod, k, &in->user, in->target_id, in->node, a,
                                &c->linux_->security_context, err);
    if (rc)
        return rc;
    c->linux_->resources = container_resources(in->pod, k, in->node, a);
    c->metadata = arena_new(a, struct cri_container_metadata);
    *c->metadata = (struct cri_container_metadata){.name = k->name, .attempt = in->attempt};
    c->image = arena_new(a, struct cri_image_spec);
    *c->image = (struct cri_image_spec){.image = in->image_ref, .user_specified_image = k->image};
    c->command = expanded(k->command, &in->env, a);
    c->args = expanded(k->args, &in->env, a);
    c->working_dir = k->working_dir;
    c->envs = in->env;
    c->mounts = in->mounts;
    c->devices = in->devices;
    c->labels = labels_of(in, a);
    c->annotations = annotations_of(in, a);
    c->log_path = arena_printf(a, "%.*s/%u.log", STR_ARG(k->name), in->attempt);
    c->stdin = k->stdin;
    c->stdin_once = k->stdin_once;
    c->tty = k->tty;
    *ret = c;
    return 0;
}
