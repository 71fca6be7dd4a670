/* Rules of core/v1 ConfigMap and Secret: keys of a fixed form, bounded values, frozen when immutable. */
#include "api/types/core.h"
#include "api/validation/validation.h"
#include "base/buf.h"
#include "codec/json.h"

#define DATA_BYTES_MAX (1024u * 1024)

static size_t check_data(struct field_errors *e, const struct field_path *p, const struct str_map *data) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < data->n; i++) {
        check_format(e, at_key(p, data->v[i].key), data->v[i].key, name_check_config_key);
        bytes += data->v[i].value.n;
    }
    return bytes;
}

/* ---- ConfigMap ---- */

static void create_config_map(struct validation *v, const void *object) {
    const struct core_config_map *m = object;
    size_t bytes = check_data(v->errors, at_field(NULL, "data"), &m->data);
    for (uint32_t i = 0; i < m->data.n; i++)
        if (str_map_get(m->binary_data, m->data.v[i].key).p)
            field_invalid(v->errors, at_key(at_field(NULL, "data"), m->data.v[i].key), bad(m->data.v[i].key),
                          "duplicate of key present in binaryData");
    bytes += check_data(v->errors, at_field(NULL, "binaryData"), &m->binary_data);
    if (bytes > DATA_BYTES_MAX)
        field_too_long(v->errors, NULL, DATA_BYTES_MAX);
}

#define FROZEN "field is immutable when `immutable` is set"

static bool is_frozen(struct opt_bool immutable) {
    return immutable.set && immutable.v;
}

static void update_config_map(struct validation *v, const void *object, const void *old_object) {
    const struct core_config_map *m = object, *old = old_object;
    if (is_frozen(old->immutable)) {
        if (!is_frozen(m->immutable))
            field_forbidden(v->errors, at_field(NULL, "immutable"), FROZEN);
        if (!api_equal_field(&builtin, TY_CORE_CONFIG_MAP, m, old, S("data")))
            field_forbidden(v->errors, at_field(NULL, "data"), FROZEN);
        if (!api_equal_field(&builtin, TY_CORE_CONFIG_MAP, m, old, S("binaryData")))
            field_forbidden(v->errors, at_field(NULL, "binaryData"), FROZEN);
    }
    create_config_map(v, object);
}

const struct validator validator_core_config_map = {.type = TY_CORE_CONFIG_MAP,
                                                    .name = name_check_dns1123_subdomain,
                                                    .create = create_config_map,
                                                    .update = update_config_map};

/* ---- Secret ---- */

static bool has(const struct str_map *data, struct str key) {
    return str_map_get(*data, key).p != NULL;
}

static void check_has(struct field_errors *e, const struct str_map *data, struct str key) {
    if (!has(data, key))
        field_required(e, at_key(at_field(NULL, "data"), key));
}

/* The value must be JSON. It is not shown: it is secret. */
static void check_json(struct field_errors *e, const struct str_map *data, struct str key) {
    const struct field_path *p = at_key(at_field(NULL, "data"), key);
    struct str text = str_map_get(*data, key);
    if (!text.p) {
        field_required(e, p);
        return;
    }
    _cleanup_buf struct buf out = BUF_INIT;
    bool object = json_compact(&out, text, NULL, NULL) == 0 &&
                  (str_has_prefix(buf_view(&out), S("{")) || str_eq(buf_view(&out), S("null")));
    if (!object)
        field_invalid(e, p, bad(S("<secret contents redacted>")), "must be a JSON object");
}

static void check_secret_type(struct field_errors *e, const struct core_secret *s) {
    static const struct str account = STR_INIT("kubernetes.io/service-account.name");
    if (str_eq(s->type, S("kubernetes.io/service-account-token"))) {
        if (str_empty(str_map_get(s->metadata.annotations, account)))
            field_required(e, at_key(at_field(NULL, "metadata.annotations"), account));
    } else if (str_eq(s->type, S("kubernetes.io/dockercfg"))) {
        check_json(e, &s->data, S(".dockercfg"));
    } else if (str_eq(s->type, S("kubernetes.io/dockerconfigjson"))) {
        check_json(e, &s->data, S(".dockerconfigjson"));
    } else if (str_eq(s->type, S("kubernetes.io/basic-auth"))) {
        if (!has(&s->data, S("username")) && !has(&s->data, S("password"))) {
            field_required(e, at_key(at_field(NULL, "data"), S("username")));
            field_required(e, at_key(at_field(NULL, "data"), S("password")));
        }
    } else if (str_eq(s->type, S("kubernetes.io/ssh-auth"))) {
        if (str_empty(str_map_get(s->data, S("ssh-privatekey"))))
            field_required(e, at_key(at_field(NULL, "data"), S("ssh-privatekey")));
    } else if (str_eq(s->type, S("kubernetes.io/tls"))) {
        check_has(e, &s->data, S("tls.crt"));
        check_has(e, &s->data, S("tls.key"));
    }
}

static void create_secret(struct validation *v, const void *object) {
    const struct core_secret *s = object;
    if (check_data(v->errors, at_field(NULL, "data"), &s->data) > DATA_BYTES_MAX)
        field_too_long(v->errors, at_field(NULL, "data"), DATA_BYTES_MAX);
    check_secret_type(v->errors, s);
}

static void update_secret(struct validation *v, const void *object, const void *old_object) {
    const struct core_secret *s = object, *old = old_object;
    check_immutable(v->errors, at_field(NULL, "type"), TY_CORE_SECRET, S("type"), s, old);
    if (is_frozen(old->immutable)) {
        if (!is_frozen(s->immutable))
            field_forbidden(v->errors, at_field(NULL, "immutable"), FROZEN);
        if (!api_equal_field(&builtin, TY_CORE_SECRET, s, old, S("data")))
            field_forbidden(v->errors, at_field(NULL, "data"), FROZEN);
    }
    create_secret(v, object);
}

const struct validator validator_core_secret = {.type = TY_CORE_SECRET,
                                                .name = name_check_dns1123_subdomain,
                                                .create = create_secret,
                                                .update = update_secret};
