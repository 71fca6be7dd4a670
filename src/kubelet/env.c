/* The environment of a container. See env.h. */
#include "kubelet/env.h"

#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "kubelet/field_value.h"
#include "kubelet/pod_sources.h"
#include "kubelet/safe_open.h"

#define ENV_FILE_MAX 65536u

struct env_state {
    const struct env_inputs *in;
    struct arena *a;
    struct err *err;
    struct map vars;     /* of the container: to struct str * */
    struct map services; /* of services */
    struct map all;      /* both, for references: what the container defines wins */
};

static void define(struct env_state *e, struct map *in, struct str name, struct str value) {
    struct str *copy = arena_new(e->a, struct str);
    *copy = value.p ? value : S("");
    name = arena_str(e->a, name);
    map_put(in, name, copy);
    map_put(&e->all, name, copy);
}

static int take_services(struct env_state *e) {
    const struct core_service *const *all;
    uint32_t n, kept = 0;
    const struct core_pod *pod = e->in->pod;
    int rc = e->in->sources->ops->services(e->in->sources, pod->metadata.namespace, e->a, &all, &n, e->err);
    if (rc)
        return err_wrap(e->err, "services");
    bool links = !pod->spec.enable_service_links.set || pod->spec.enable_service_links.v;
    const struct core_service **want = arena_new_n(e->a, n, const struct core_service *);
    for (uint32_t i = 0; i < n; i++) {
        const struct meta_object_meta *m = &all[i]->metadata;
        bool master = str_eq(m->namespace, S("default")) && str_eq(m->name, S("kubernetes"));
        if (master || (links && str_eq(m->namespace, pod->metadata.namespace)))
            want[kept++] = all[i];
    }
    struct cri_key_value_array vars;
    env_services(want, kept, e->a, &vars);
    for (uint32_t i = 0; i < vars.n; i++)
        define(e, &e->services, vars.v[i].key, vars.v[i].value);
    return 0;
}

/* --- config maps and secrets --- */

static bool is_optional(struct opt_bool optional) {
    return optional.set && optional.v;
}

/* *ret_found false: it is not there, and need not be. */
static int get_data(struct env_state *e, bool secret, struct str name, bool optional, struct str_map *ret,
                    bool *ret_found) {
    struct pod_sources *s = e->in->sources;
    struct str ns = e->in->pod->metadata.namespace;
    const struct core_config_map *map = NULL;
    const struct core_secret *hidden = NULL;
    int rc = secret ? s->ops->secret(s, ns, name, e->a, &hidden, e->err)
                    : s->ops->config_map(s, ns, name, e->a, &map, e->err);
    *ret_found = rc == 0;
    if (rc == 0)
        *ret = secret ? hidden->data : map->data;
    else if (rc == ERR_NOT_FOUND && optional)
        rc = 0;
    return rc;
}

static int take_from(struct env_state *e, const struct core_env_from_source *from) {
    bool secret = from->secret_ref != NULL, found;
    struct str_map data;
    if (!secret && !from->config_map_ref)
        return 0;
    struct str name = secret ? from->secret_ref->local_object_reference.name
                             : from->config_map_ref->local_object_reference.name;
    bool optional = is_optional(secret ? from->secret_ref->optional : from->config_map_ref->optional);
    int rc = get_data(e, secret, name, optional, &data, &found);
    if (rc || !found)
        return rc;
    for (uint32_t i = 0; i < data.n; i++)
        define(e, &e->vars, arena_printf(e->a, "%.*s%.*s", STR_ARG(from->prefix), STR_ARG(data.v[i].key)),
               data.v[i].value);
    return 0;
}

/* *ret absent: the variable is left out. */
static int key_value(struct env_state *e, bool secret, struct str name, struct str key, bool optional,
                     struct str *ret) {
    struct str_map data;
    bool found;
    int rc = get_data(e, secret, name, optional, &data, &found);
    *ret = STR_NONE;
    if (rc || !found)
        return rc;
    *ret = str_map_get(data, key);
    if (ret->p || optional)
        return 0;
    return err_set(e->err, ERR_NOT_FOUND, "%s \"%.*s\" has no key \"%.*s\"", secret ? "secret" : "configmap",
                   STR_ARG(name), STR_ARG(key));
}

/* --- files --- */

struct str env_file_get(struct str text, struct str key, struct arena *a) {
    struct str line, found = STR_NONE;
    while (text.n) {
        struct str name, value;
        str_split(text, '\n', &line, &text);
        line = str_trim(line);
        if (!line.n || line.p[0] == '#' || !str_split(line, '=', &name, &value) ||
            !str_eq(str_trim(name), key))
            continue;
        value = str_trim(value);
        if (value.n >= 2 && (value.p[0] == '\'' || value.p[0] == '"') && value.p[value.n - 1] == value.p[0])
            value = str_make(value.p + 1, value.n - 2);
        found = arena_str(a, value); /* the last one counts */
    }
    return found;
}

static int file_value(struct env_state *e, const struct core_file_key_selector *ref, struct str *ret) {
    *ret = STR_NONE;
    if (!e->in->volumes_dir)
        return err_set(e->err, ERR_UNSUPPORTED, "variables from files are not supported here");
    struct str dir =
        arena_printf(e->a, "%s/kubernetes.io~empty-dir/%.*s", e->in->volumes_dir, STR_ARG(ref->volume_name));
    _cleanup_buf struct buf text = BUF_INIT;
    int rc = safe_read_in(dir.p, ref->path, ENV_FILE_MAX, &text, e->err);
    bool optional = is_optional(ref->optional);
    if (rc == ERR_NOT_FOUND && optional)
        return 0;
    if (rc)
        return rc;
    *ret = env_file_get(buf_view(&text), ref->key, e->a);
    if (ret->p || optional)
        return 0;
    return err_set(e->err, ERR_NOT_FOUND, "file \"%.*s\" of volume \"%.*s\" has no key \"%.*s\"",
                   STR_ARG(ref->path), STR_ARG(ref->volume_name), STR_ARG(ref->key));
}

/* --- single variables --- */

static int resource_field(struct env_state *e, const struct core_resource_field_selector *ref,
                          struct str *ret) {
    const struct core_container *c = e->in->container;
    if (ref->container_name.n && !(c = pod_container(e->in->pod, ref->container_name)))
        return err_set(e->err, ERR_INVALID, "the pod has no container \"%.*s\"",
                       STR_ARG(ref->container_name));
    return resource_value(c, e->in->facts, ref, e->a, ret, e->err);
}

static int value_from(struct env_state *e, const struct core_env_var_source *from, struct str *ret) {
    const struct core_config_map_key_selector *map = from->config_map_key_ref;
    const struct core_secret_key_selector *secret = from->secret_key_ref;
    if (from->field_ref)
        return field_value(e->in->pod, e->in->facts, from->field_ref->field_path, e->a, ret, e->err);
    if (from->resource_field_ref)
        return resource_field(e, from->resource_field_ref, ret);
    if (map)
        return key_value(e, false, map->local_object_reference.name, map->key, is_optional(map->optional),
                         ret);
    if (secret)
        return key_value(e, true, secret->local_object_reference.name, secret->key,
                         is_optional(secret->optional), ret);
    if (from->file_key_ref)
        return file_value(e, from->file_key_ref, ret);
    *ret = STR_NONE;
    return 0;
}

static int take_var(struct env_state *e, const struct core_env_var *v) {
    struct str value = v->value.p ? v->value : S("");
    int rc = 0;
    if (v->value_from && !v->value.n)
        rc = value_from(e, v->value_from, &value);
    else
        value = env_expand(value, &e->all, e->a);
    if (rc)
        return err_wrap(e->err, "variable %.*s", STR_ARG(v->name));
    if (value.p)
        define(e, &e->vars, v->name, value);
    return 0;
}

static int gather(struct env_state *e) {
    const struct core_container *c = e->in->container;
    int rc = take_services(e);
    for (uint32_t i = 0; rc == 0 && i < c->env_from.n; i++)
        rc = take_from(e, &c->env_from.v[i]);
    for (uint32_t i = 0; rc == 0 && i < c->env.n; i++)
        rc = take_var(e, &c->env.v[i]);
    return rc;
}

static void put_all(const struct map *vars, const struct map *unless, struct cri_key_value_array *out) {
    map_foreach(v, vars) if (!unless || !map_has(unless, v->key)) out->v[out->n++] =
        (struct cri_key_value){v->key, *(const struct str *)v->value};
}

int env_make(const struct env_inputs *in, struct arena *a, struct cri_key_value_array *ret, struct err *err) {
    struct err own = ERR_INIT;
    struct env_state e = {.in = in, .a = a, .err = err ? err : &own};
    int rc = gather(&e);
    if (rc == 0) {
        struct cri_key_value_array out = {
            .v = arena_new_n(a, map_count(&e.vars) + map_count(&e.services), struct cri_key_value)};
        put_all(&e.vars, NULL, &out);
        put_all(&e.services, &e.vars, &out);
        *ret = out;
    }
    map_fini(&e.vars);
    map_fini(&e.services);
    map_fini(&e.all);
    return rc;
}
