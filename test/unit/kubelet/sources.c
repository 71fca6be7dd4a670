/* What pods refer to, in memory. See sources.h. */
#include "sources.h"

#include "api/json.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/err.h"

static const void *find(struct pod_sources *s, const char *kind, struct str ns, struct str name,
                        struct err *err) {
    struct fake_sources *f = (struct fake_sources *)s;
    const void *o =
        map_get(&f->objects, arena_printf(&f->a, "%s/%.*s/%.*s", kind, STR_ARG(ns), STR_ARG(name)));
    if (!o)
        (void)err_set(err, ERR_NOT_FOUND, "%s \"%.*s\" not found", kind, STR_ARG(name));
    return o;
}

static int get_config_map(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                          const struct core_config_map **ret, struct err *err) {
    (void)a;
    return (*ret = find(s, "ConfigMap", ns, name, err)) ? 0 : ERR_NOT_FOUND;
}

static int get_secret(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                      const struct core_secret **ret, struct err *err) {
    (void)a;
    return (*ret = find(s, "Secret", ns, name, err)) ? 0 : ERR_NOT_FOUND;
}

static int get_claim(struct pod_sources *s, struct str ns, struct str name, struct arena *a,
                     const struct core_persistent_volume_claim **ret, struct err *err) {
    (void)a;
    return (*ret = find(s, "PersistentVolumeClaim", ns, name, err)) ? 0 : ERR_NOT_FOUND;
}

static int get_volume(struct pod_sources *s, struct str name, struct arena *a,
                      const struct core_persistent_volume **ret, struct err *err) {
    (void)a;
    return (*ret = find(s, "PersistentVolume", S(""), name, err)) ? 0 : ERR_NOT_FOUND;
}

static int get_token(struct pod_sources *s, const struct token_request *q, struct arena *a, struct str *ret,
                     struct err *err) {
    struct fake_sources *f = (struct fake_sources *)s;
    (void)err;
    f->tokens_asked++;
    f->asked = *q;
    *ret = arena_str(a, f->token);
    return 0;
}

static int get_services(struct pod_sources *s, struct str ns, struct arena *a,
                        const struct core_service *const **ret, uint32_t *ret_n, struct err *err) {
    struct fake_sources *f = (struct fake_sources *)s;
    (void)ns;
    (void)err;
    const struct core_service **list = arena_new_n(a, map_count(&f->objects), const struct core_service *);
    *ret_n = 0;
    map_foreach(o, &f->objects) if (str_has_prefix(o->key, S("Service/"))) list[(*ret_n)++] = o->value;
    *ret = list;
    return 0;
}

static const struct pod_sources_ops ops = {.config_map = get_config_map,
                                           .secret = get_secret,
                                           .claim = get_claim,
                                           .volume = get_volume,
                                           .token = get_token,
                                           .services = get_services};

void sources_init(struct fake_sources *s) {
    static struct str host[] = {STR_INIT("192.168.0.7")}, pod[] = {STR_INIT("10.1.0.5"), STR_INIT("fd00::5")};
    *s = (struct fake_sources){.sources.ops = &ops, .a = ARENA_INIT, .objects = MAP_INIT};
    struct quantity_entry *q = arena_new_n(&s->a, 2, struct quantity_entry);
    q[0] = (struct quantity_entry){S("cpu"), quantity_from_int(4, QUANTITY_DECIMAL_SI)};
    q[1] = (struct quantity_entry){S("memory"), quantity_from_int(2048ll << 20, QUANTITY_BINARY_SI)};
    s->facts = (struct pod_facts){.node_name = S("n1"),
                                  .host_ips = {host, 1},
                                  .pod_ips = {pod, 2},
                                  .allocatable = {q, 2},
                                  .cluster_domain = S("cluster.local")};
    s->token = S("token-1");
}

void sources_fini(struct fake_sources *s) {
    map_fini(&s->objects);
    arena_fini(&s->a);
}

const void *sources_object(struct fake_sources *s, const char *kind, const char *json) {
    void *object;
    struct err err = ERR_INIT;
    uint32_t type = ty_find_type(&builtin, S(""), S("v1"), str_from(kind));
    check(type);
    if (api_read_json(&s->a, &builtin, type, str_from(json), NULL, &object, &err))
        panic("%s: %s", json, err.msg);
    return object;
}

void sources_add(struct fake_sources *s, const char *kind, const char *json) {
    const void *o = sources_object(s, kind, json);
    const struct core_config_map *like = o; /* every kind begins with type and metadata */
    struct str key = arena_printf(&s->a, "%s/%.*s/%.*s", kind, STR_ARG(like->metadata.namespace),
                                  STR_ARG(like->metadata.name));
    map_put(&s->objects, key, (void *)(uintptr_t)o);
}
