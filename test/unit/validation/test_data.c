/* api/validation: ConfigMap and Secret. */
#include "api/types/core.h"
#include "base/arena.h"
#include "valid.h"

static const char map[] =
    "{'metadata':{'name':'m','namespace':'ns'},'data':{'a.b_C-1':'x'},'binaryData':{'k':'AA=='}}";
static const char secret[] = "{'metadata':{'name':'s','namespace':'ns'},'type':'Opaque','data':{'a':'AA=='}}";

#define MAP(edits, expected) assert_create(KIND_CORE_CONFIG_MAP, map, edits, expected)
#define MAP_UPDATE(old, new, expected) assert_update(KIND_CORE_CONFIG_MAP, map, old, new, expected)
#define SECRET(edits, expected) assert_create(KIND_CORE_SECRET, secret, edits, expected)
#define SECRET_UPDATE(old, new, expected) assert_update(KIND_CORE_SECRET, secret, old, new, expected)

TEST(test_config_map__name_is_a_subdomain) {
    MAP("metadata.name = 'a.b'", "");
    MAP("metadata.name = 'A_b'", "metadata.name: Invalid value: \"A_b\": *");
}

TEST(test_config_map__keys_have_a_form) {
    MAP("data[a b] = 'x'", "data[a b]: Invalid value: \"a b\": *");
    MAP("data[..] = 'x'", "data[..]: Invalid value: \"..\": *");
    MAP("binaryData[a/b] = ''", "binaryData[a/b]: Invalid value: \"a/b\": *");
}

TEST(test_config_map__keys_are_in_one_of_both) {
    MAP("data[k] = 'x'", "data[k]: Invalid value: \"k\": *");
}

static char *big_text(struct arena *a, size_t n) {
    char *p = arena_alloc(a, n);
    memset(p, 'x', n);
    return p;
}

TEST(test_config_map__values_have_a_total_size) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *m = valid_read(&a, TY_CORE_CONFIG_MAP, map);
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    m->data.v[0].value = str_make(big_text(&a, 1024 * 1024 - 1), 1024 * 1024 - 1);
    validate_create(NULL, &kinds[KIND_CORE_CONFIG_MAP], m, &e);
    assert_errors(&e, "", __FILE__, __LINE__);
    m->binary_data.v[0].value = S("ab");
    validate_create(NULL, &kinds[KIND_CORE_CONFIG_MAP], m, &e);
    assert_errors(&e, ": Too long: may not be more than 1048576 bytes", __FILE__, __LINE__);
}

TEST(test_config_map__is_frozen_when_immutable) {
    MAP_UPDATE("", "data.x = 'y' ;; immutable = true", "");
    MAP_UPDATE("immutable = true", "", "");
    MAP_UPDATE("immutable = true", "immutable = false",
               "immutable: Forbidden: field is immutable when `immutable` is set");
    MAP_UPDATE("immutable = true", "immutable = -", "immutable: Forbidden: *");
    MAP_UPDATE("immutable = true", "data.x = 'y'", "data: Forbidden: *");
    MAP_UPDATE("immutable = true", "binaryData.x = ''", "binaryData: Forbidden: *");
    MAP_UPDATE("", "data[a b] = 'x'", "data[a b]: Invalid value: \"a b\": *");
}

TEST(test_secret__name_is_a_subdomain) {
    SECRET("metadata.name = 'a.b'", "");
    SECRET("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_secret__keys_have_a_form) {
    SECRET("data[a b] = ''", "data[a b]: Invalid value: \"a b\": *");
}

TEST(test_secret__values_have_a_total_size) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_secret *s = valid_read(&a, TY_CORE_SECRET, secret);
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    s->data.v[0].value = str_make(big_text(&a, 1024 * 1024 + 1), 1024 * 1024);
    validate_create(NULL, &kinds[KIND_CORE_SECRET], s, &e);
    assert_errors(&e, "", __FILE__, __LINE__);
    s->data.v[0].value.n++;
    validate_create(NULL, &kinds[KIND_CORE_SECRET], s, &e);
    assert_errors(&e, "data: Too long: may not be more than 1048576 bytes", __FILE__, __LINE__);
}

TEST(test_secret__type_does_not_change) {
    SECRET_UPDATE("", "type = 'x'", "type: Invalid value: \"x\": field is immutable");
}

TEST(test_secret__is_frozen_when_immutable) {
    SECRET_UPDATE("", "data.b = 'AA==' ;; immutable = true", "");
    SECRET_UPDATE("immutable = true", "metadata.labels.a = 'b'", "");
    SECRET_UPDATE("immutable = true", "immutable = -", "immutable: Forbidden: *");
    SECRET_UPDATE("immutable = true", "data.b = 'AA=='", "data: Forbidden: *");
}

TEST(test_secret__tokens_name_their_account) {
    const char *type = "type = 'kubernetes.io/service-account-token'";
    SECRET(type, "metadata.annotations[kubernetes.io/service-account.name]: Required value");
    SECRET("type = 'kubernetes.io/service-account-token' ;; "
           "metadata.annotations[kubernetes.io/service-account.name] = 'x'",
           "");
}

TEST(test_secret__docker_configs_are_json) {
    SECRET("type = 'kubernetes.io/dockercfg'", "data[.dockercfg]: Required value");
    SECRET("type = 'kubernetes.io/dockercfg' ;; data[.dockercfg] = 'e30='", "");
    SECRET("type = 'kubernetes.io/dockercfg' ;; data[.dockercfg] = 'c2VjcmV0'",
           "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": must be a JSON object");
    SECRET("type = 'kubernetes.io/dockercfg' ;; data[.dockercfg] = 'W10='",
           "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": must be a JSON object");
    SECRET("type = 'kubernetes.io/dockerconfigjson'", "data[.dockerconfigjson]: Required value");
    SECRET("type = 'kubernetes.io/dockerconfigjson' ;; data[.dockerconfigjson] = 'e30='", "");
    SECRET("type = 'kubernetes.io/dockerconfigjson' ;; data[.dockerconfigjson] = 'AA=='",
           "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": *");
}

TEST(test_secret__basic_auth_has_a_name_or_a_password) {
    SECRET("type = 'kubernetes.io/basic-auth'",
           "data[username]: Required value\ndata[password]: Required value");
    SECRET("type = 'kubernetes.io/basic-auth' ;; data.username = ''", "");
    SECRET("type = 'kubernetes.io/basic-auth' ;; data.password = ''", "");
}

TEST(test_secret__ssh_auth_has_a_key) {
    SECRET("type = 'kubernetes.io/ssh-auth'", "data[ssh-privatekey]: Required value");
    SECRET("type = 'kubernetes.io/ssh-auth' ;; data[ssh-privatekey] = 'AA=='", "");
}

TEST(test_secret__tls_has_a_pair) {
    SECRET("type = 'kubernetes.io/tls'", "data[tls.crt]: Required value\ndata[tls.key]: Required value");
    SECRET("type = 'kubernetes.io/tls' ;; data[tls.crt] = '' ;; data[tls.key] = ''", "");
}
