/* configMap, secret, downwardAPI and projected volumes: files made of objects. See volume.h. */
#include "api/types/core.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "kubelet/atomic_writer.h"
#include "kubelet/container_security.h"
#include "kubelet/field_value.h"
#include "kubelet/pod_sources.h"
#include "kubelet/volume.h"

#define MODE_DEFAULT 0644u
#define TOKEN_MODE_OWN 0600u
#define TOKEN_SECONDS 3600

static unsigned mode_or(struct opt_i32 mode, unsigned otherwise) {
    return mode.set ? (unsigned)mode.v & 0777u : otherwise;
}

static bool is_true(struct opt_bool b) {
    return b.set && b.v;
}

static void add_file(const struct volume_context *x, struct volume_files *out, struct str path,
                     struct str content, unsigned mode) {
    struct atomic_file f = {.path = path, .content = content.p ? content : S(""), .mode = mode, .uid = -1};
    vec_push_in(x->arena, out, f);
}

/* --- keys of a config map or a secret --- */

struct data {
    const char *kind;
    struct str name;
    struct str_map plain, binary;
    bool optional;
};

static struct str data_get(const struct data *d, struct str key) {
    struct str value = str_map_get(d->plain, key);
    return value.p ? value : str_map_get(d->binary, key);
}

static void add_all(const struct volume_context *x, struct str_map m, unsigned mode,
                    struct volume_files *out) {
    for (uint32_t i = 0; i < m.n; i++)
        add_file(x, out, m.v[i].key, m.v[i].value, mode);
}

static int add_data(const struct volume_context *x, const struct data *d,
                    const struct core_key_to_path_array *items, unsigned default_mode,
                    struct volume_files *out) {
    if (!items->n) {
        add_all(x, d->plain, default_mode, out);
        add_all(x, d->binary, default_mode, out);
        return 0;
    }
    for (uint32_t i = 0; i < items->n; i++) {
        struct str value = data_get(d, items->v[i].key);
        if (value.p)
            add_file(x, out, items->v[i].path, value, mode_or(items->v[i].mode, default_mode));
        else if (!d->optional)
            return err_set(x->err, ERR_NOT_FOUND, "%s \"%.*s\" has no key \"%.*s\"", d->kind,
                           STR_ARG(d->name), STR_ARG(items->v[i].key));
    }
    return 0;
}

int volume_add_config_map(const struct volume_context *x, const struct core_config_map_projection *from,
                          unsigned default_mode, struct volume_files *out) {
    const struct core_config_map *map;
    struct pod_sources *s = x->in->sources;
    struct data d = {
        .kind = "configmap", .name = from->local_object_reference.name, .optional = is_true(from->optional)};
    int rc = s->ops->config_map(s, x->in->pod->metadata.namespace, d.name, x->arena, &map, x->err);
    if (rc)
        return rc == ERR_NOT_FOUND && d.optional ? 0 : rc;
    d.plain = map->data;
    d.binary = map->binary_data;
    return add_data(x, &d, &from->items, default_mode, out);
}

int volume_add_secret(const struct volume_context *x, const struct core_secret_projection *from,
                      unsigned default_mode, struct volume_files *out) {
    const struct core_secret *secret;
    struct pod_sources *s = x->in->sources;
    struct data d = {
        .kind = "secret", .name = from->local_object_reference.name, .optional = is_true(from->optional)};
    int rc = s->ops->secret(s, x->in->pod->metadata.namespace, d.name, x->arena, &secret, x->err);
    if (rc)
        return rc == ERR_NOT_FOUND && d.optional ? 0 : rc;
    d.plain = secret->data;
    return add_data(x, &d, &from->items, default_mode, out);
}

/* --- the downward API --- */

static int downward_value(const struct volume_context *x, const struct core_downward_api_volume_file *f,
                          struct str *ret) {
    const struct core_resource_field_selector *r = f->resource_field_ref;
    if (f->field_ref)
        return field_value(x->in->pod, x->in->facts, f->field_ref->field_path, x->arena, ret, x->err);
    const struct core_container *c = r ? pod_container(x->in->pod, r->container_name) : NULL;
    if (!c)
        return err_set(x->err, ERR_INVALID, "file \"%.*s\" refers to no field and no container of the pod",
                       STR_ARG(f->path));
    return resource_value(c, x->in->facts, r, x->arena, ret, x->err);
}

int volume_add_downward(const struct volume_context *x,
                        const struct core_downward_api_volume_file_array *items, unsigned default_mode,
                        struct volume_files *out) {
    for (uint32_t i = 0; i < items->n; i++) {
        struct str value;
        int rc = downward_value(x, &items->v[i], &value);
        if (rc)
            return rc;
        add_file(x, out, items->v[i].path, value, mode_or(items->v[i].mode, default_mode));
    }
    return 0;
}

/* --- tokens --- */

/* CONFORMS: who alone may read it: the user all containers run as, when there is one. -1: nobody in
 * particular. */
static int64_t token_owner(const struct core_pod *pod) {
    const struct core_container_array *lists[] = {&pod->spec.containers, &pod->spec.init_containers};
    int64_t uid = -1;
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            struct opt_i64 own = container_run_as_user(pod, &lists[l]->v[i]);
            if (!own.set || (uid >= 0 && uid != own.v))
                return -1;
            uid = own.v;
        }
    return uid;
}

static int add_token(const struct volume_context *x, const struct core_service_account_token_projection *from,
                     unsigned mode, struct volume_files *out) {
    struct str token;
    struct pod_sources *s = x->in->sources;
    struct token_request q = {.pod = x->in->pod,
                              .audience = from->audience,
                              .expiration_seconds =
                                  from->expiration_seconds.set ? from->expiration_seconds.v : TOKEN_SECONDS};
    int rc = s->ops->token(s, &q, x->arena, &token, x->err);
    if (rc)
        return err_wrap(x->err, "token of the service account");
    int64_t owner = token_owner(x->in->pod);
    bool own = owner >= 0 || volume_fs_group(x->in->pod) >= 0;
    add_file(x, out, from->path, token, own ? TOKEN_MODE_OWN : mode);
    out->v[out->n - 1].uid = volume_fs_group(x->in->pod) >= 0 ? -1 : owner;
    return 0;
}

/* --- the four types --- */

static bool is_config_map(const struct core_volume *v) {
    return v->volume_source.config_map != NULL;
}

static int finish(const struct volume_context *x, const struct volume_files *files, struct volume *ret) {
    ret->read_only = true;
    return volume_write_files(x, ret->path, files);
}

static int setup_config_map(const struct volume_context *x, struct volume *ret) {
    const struct core_config_map_volume_source *s = x->volume->volume_source.config_map;
    struct core_config_map_projection p = {
        .local_object_reference = s->local_object_reference, .items = s->items, .optional = s->optional};
    struct volume_files files = {0};
    int rc = volume_add_config_map(x, &p, mode_or(s->default_mode, MODE_DEFAULT), &files);
    if (rc == 0)
        rc = volume_dir(x, volume_config_map.plugin, 0755, &ret->path);
    return rc ? rc : finish(x, &files, ret);
}

static bool is_secret(const struct core_volume *v) {
    return v->volume_source.secret != NULL;
}

static int setup_secret(const struct volume_context *x, struct volume *ret) {
    const struct core_secret_volume_source *s = x->volume->volume_source.secret;
    struct core_secret_projection p = {
        .local_object_reference = {.name = s->secret_name}, .items = s->items, .optional = s->optional};
    struct volume_files files = {0};
    int rc = volume_add_secret(x, &p, mode_or(s->default_mode, MODE_DEFAULT), &files);
    if (rc == 0)
        rc = volume_memory_dir(x, volume_secret.plugin, &ret->path);
    return rc ? rc : finish(x, &files, ret);
}

static bool is_downward_api(const struct core_volume *v) {
    return v->volume_source.downward_api != NULL;
}

static int setup_downward_api(const struct volume_context *x, struct volume *ret) {
    const struct core_downward_api_volume_source *s = x->volume->volume_source.downward_api;
    struct volume_files files = {0};
    int rc = volume_add_downward(x, &s->items, mode_or(s->default_mode, MODE_DEFAULT), &files);
    if (rc == 0)
        rc = volume_dir(x, volume_downward_api.plugin, 0755, &ret->path);
    return rc ? rc : finish(x, &files, ret);
}

static bool is_projected(const struct core_volume *v) {
    return v->volume_source.projected != NULL;
}

static int add_source(const struct volume_context *x, const struct core_volume_projection *p, unsigned mode,
                      struct volume_files *out) {
    if (p->secret)
        return volume_add_secret(x, p->secret, mode, out);
    if (p->config_map)
        return volume_add_config_map(x, p->config_map, mode, out);
    if (p->downward_api)
        return volume_add_downward(x, &p->downward_api->items, mode, out);
    if (p->service_account_token)
        return add_token(x, p->service_account_token, mode, out);
    if (p->cluster_trust_bundle && is_true(p->cluster_trust_bundle->optional))
        return 0;
    return err_set(x->err, ERR_UNSUPPORTED, "this node cannot project such a source");
}

static int setup_projected(const struct volume_context *x, struct volume *ret) {
    const struct core_projected_volume_source *s = x->volume->volume_source.projected;
    unsigned mode = mode_or(s->default_mode, MODE_DEFAULT);
    struct volume_files files = {0};
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < s->sources.n; i++)
        rc = add_source(x, &s->sources.v[i], mode, &files);
    if (rc == 0)
        rc = volume_memory_dir(x, volume_projected.plugin, &ret->path);
    return rc ? rc : finish(x, &files, ret);
}

const struct volume_type volume_config_map = {
    .plugin = "kubernetes.io~configmap", .handles = is_config_map, .setup = setup_config_map};
const struct volume_type volume_secret = {
    .plugin = "kubernetes.io~secret", .handles = is_secret, .setup = setup_secret};
const struct volume_type volume_downward_api = {
    .plugin = "kubernetes.io~downward-api", .handles = is_downward_api, .setup = setup_downward_api};
const struct volume_type volume_projected = {
    .plugin = "kubernetes.io~projected", .handles = is_projected, .setup = setup_projected};
