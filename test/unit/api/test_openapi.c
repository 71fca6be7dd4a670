/* OpenAPI documents: complete, well-formed, and with the facts clients rely on. */
#include <stdlib.h>

#include "api/kind.h"
#include "api/openapi.h"
#include "base/arena.h"
#include "base/buf.h"
#include "codec/json.h"
#include "unit/unit.h"

struct documents {
    struct arena arena;
    struct buf v2_text, apps_text, core_text;
    struct jval v2, apps, core;
};

static void parse(struct documents *d, struct buf *text, struct jval *ret) {
    struct err err = ERR_INIT;
    assert_ok(json_parse(&d->arena, buf_view(text), NULL, NULL, ret, &err), &err);
}

/* Made once: the version 2 document takes a while under sanitizers. */
static const struct documents *documents(void) {
    static struct documents d;
    static const struct kind *served[512];
    if (d.v2_text.n)
        return &d;
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_kinds; i++)
        if (kinds[i].served)
            served[n++] = &kinds[i];
    struct openapi_options o = {.kinds = served, .n_kinds = n, .server_version = S("v1.36.2")};
    arena_init(&d.arena);
    openapi_v2(&d.v2_text, &o);
    openapi_v3(&d.apps_text, &o, S("apps"), S("v1"));
    openapi_v3(&d.core_text, &o, S(""), S("v1"));
    parse(&d, &d.v2_text, &d.v2);
    parse(&d, &d.apps_text, &d.apps);
    parse(&d, &d.core_text, &d.core);
    return &d;
}

__attribute__((destructor)) static void free_documents(void) {
    struct documents *d = (struct documents *)documents();
    arena_fini(&d->arena);
    buf_fini(&d->v2_text);
    buf_fini(&d->apps_text);
    buf_fini(&d->core_text);
}

static const struct jval *schema_v3(const struct jval *doc, const char *name) {
    return jval_get(jval_get(jval_get(doc, S("components")), S("schemas")), str_from(name));
}

static const struct jval *property(const struct jval *schema, const char *name) {
    return jval_get(jval_get(schema, S("properties")), str_from(name));
}

static void assert_json(const struct jval *v, const char *expected) {
    struct buf out = BUF_INIT;
    assert_non_null(v);
    json_write(&out, v);
    assert_str(buf_view(&out), expected);
    buf_fini(&out);
}

/* Every "$ref" below v names something that is there. */
static void check_refs(const struct jval *v, const struct jval *definitions, const char *prefix) {
    if (v->kind == J_ARRAY)
        for (uint32_t i = 0; i < v->n; i++)
            check_refs(&v->items[i], definitions, prefix);
    if (v->kind != J_OBJECT)
        return;
    struct str ref = jval_get_str(v, S("$ref"));
    if (ref.p) {
        assert_true(str_has_prefix(ref, str_from(prefix)));
        assert_non_null(jval_get(definitions, str_from_byte(ref, strlen(prefix))));
    }
    for (uint32_t i = 0; i < v->n; i++)
        check_refs(&v->members[i].value, definitions, prefix);
}

TEST(test_openapi__every_reference_has_a_definition) {
    const struct documents *d = documents();
    check_refs(&d->v2, jval_get(&d->v2, S("definitions")), "#/definitions/");
    check_refs(&d->apps, jval_path(&d->apps, "components.schemas"), "#/components/schemas/");
    check_refs(&d->core, jval_path(&d->core, "components.schemas"), "#/components/schemas/");
}

TEST(test_openapi__v2_describes_every_served_kind) {
    const struct jval *paths = jval_get(&documents()->v2, S("paths"));
    for (uint32_t i = 0; i < n_kinds; i++) {
        const struct kind *k = &kinds[i];
        if (!k->served)
            continue;
        struct arena a = ARENA_INIT;
        struct str base = arena_printf(&a, "%s%.*s/%.*s%s/%.*s", k->group.n ? "/apis/" : "/api",
                                       STR_ARG(k->group), STR_ARG(k->version),
                                       k->namespaced ? "/namespaces/{namespace}" : "", STR_ARG(k->plural));
        assert_non_null(jval_get(paths, base));
        arena_fini(&a);
    }
}

TEST(test_openapi__lists_say_how_they_merge) {
    const struct jval *pod = schema_v3(&documents()->core, "io.k8s.api.core.v1.PodSpec");
    const struct jval *containers = property(pod, "containers");
    assert_json(jval_get(containers, S("x-kubernetes-list-map-keys")), "[\"name\"]");
    assert_str(jval_get_str(containers, S("x-kubernetes-list-type")), "map");
    assert_str(jval_get_str(containers, S("x-kubernetes-patch-merge-key")), "name");
    assert_str(jval_get_str(containers, S("x-kubernetes-patch-strategy")), "merge");
    const struct jval *volumes = property(pod, "volumes");
    assert_str(jval_get_str(volumes, S("x-kubernetes-patch-strategy")), "merge,retainKeys");
    assert_json(jval_get(pod, S("required")), "[\"containers\"]");
}

TEST(test_openapi__fields_carry_type_default_and_enum) {
    const struct jval *port = schema_v3(&documents()->core, "io.k8s.api.core.v1.ContainerPort");
    const struct jval *number = property(port, "containerPort");
    assert_str(jval_get_str(number, S("type")), "integer");
    assert_str(jval_get_str(number, S("format")), "int32");
    const struct jval *protocol = property(port, "protocol");
    assert_str(jval_get_str(protocol, S("default")), "TCP");
    const struct jval *v2 =
        jval_get(jval_get(&documents()->v2, S("definitions")), S("io.k8s.api.core.v1.ServicePort"));
    assert_json(jval_get(property(v2, "protocol"), S("enum")), "[\"SCTP\",\"TCP\",\"UDP\"]");
    assert_json(jval_get(property(v2, "targetPort"), S("$ref")),
                "\"#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString\"");
}

TEST(test_openapi__kinds_name_their_group_version_kind) {
    const struct jval *deployment = schema_v3(&documents()->apps, "io.k8s.api.apps.v1.Deployment");
    assert_json(jval_get(deployment, S("x-kubernetes-group-version-kind")),
                "[{\"group\":\"apps\",\"kind\":\"Deployment\",\"version\":\"v1\"}]");
    const struct jval *options =
        schema_v3(&documents()->apps, "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    assert_true(jval_get(options, S("x-kubernetes-group-version-kind"))->n > 20);
}

TEST(test_openapi__patch_tells_that_field_validation_is_possible) {
    const struct jval *path = jval_get(jval_get(&documents()->apps, S("paths")),
                                       S("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"));
    const struct jval *patch = jval_get(path, S("patch")), *parameters = jval_get(patch, S("parameters"));
    bool found = false;
    for (uint32_t i = 0; i < parameters->n; i++)
        found |= str_eq(jval_get_str(&parameters->items[i], S("name")), S("fieldValidation"));
    assert_true(found);
    assert_str(jval_get_str(patch, S("operationId")), "patchAppsV1NamespacedDeployment");
    assert_json(jval_get(patch, S("x-kubernetes-group-version-kind")),
                "{\"group\":\"apps\",\"kind\":\"Deployment\",\"version\":\"v1\"}");
}

TEST(test_openapi__operation_ids_are_unique) {
    const struct jval *paths = jval_get(&documents()->v2, S("paths"));
    struct str ids[4096];
    size_t n = 0;
    for (uint32_t i = 0; i < paths->n; i++)
        for (uint32_t k = 0; k < paths->members[i].value.n; k++) {
            struct str id = jval_get_str(&paths->members[i].value.members[k].value, S("operationId"));
            if (id.p && n < 4096)
                ids[n++] = id;
        }
    qsort(ids, n, sizeof *ids, str_cmp_qsort);
    for (size_t i = 1; i < n; i++)
        if (str_eq(ids[i - 1], ids[i]))
            fail_msg("operationId %.*s is there twice", STR_ARG(ids[i]));
}

TEST(test_openapi__descriptions_are_there) {
    const struct jval *pod = schema_v3(&documents()->core, "io.k8s.api.core.v1.Pod");
    assert_true(jval_get_str(pod, S("description")).n > 10);
    assert_true(jval_get_str(property(pod, "spec"), S("description")).n > 10);
}

/* Types with an OpenAPI name are those that upstream publishes (test/facts compares them). */
TEST(test_openapi__every_published_type_is_defined) {
    static const struct kind *all[512];
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT;
    struct err err = ERR_INIT;
    struct jval doc;
    for (uint32_t i = 0; i < n_kinds; i++)
        all[i] = &kinds[i];
    openapi_v2(&text,
               &(struct openapi_options){.kinds = all, .n_kinds = n_kinds, .server_version = S("v1.36.2")});
    assert_ok(json_parse(&a, buf_view(&text), NULL, NULL, &doc, &err), &err);
    const struct jval *definitions = jval_get(&doc, S("definitions"));
    for (uint32_t t = 1; t < builtin.n_types; t++) {
        struct str package = ty_name(&builtin, builtin.types[t].openapi);
        struct str name = ty_name(&builtin, builtin.types[t].name);
        if (package.n &&
            !jval_get(definitions, arena_printf(&a, "%.*s.%.*s", STR_ARG(package), STR_ARG(name))))
            fail_msg("%.*s.%.*s is not defined", STR_ARG(package), STR_ARG(name));
    }
    buf_fini(&text);
    arena_fini(&a);
}
