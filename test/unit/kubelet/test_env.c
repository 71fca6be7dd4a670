/* kubelet/env, field_value: the environment of containers. */
#include "api/types/core.h"
#include "api/types/cri.h"
#include "base/buf.h"
#include "kubelet/env.h"
#include "kubelet/field_value.h"
#include "sources.h"
#include "unit/unit.h"

static struct str vars_of(struct fake_sources *s, const char *pod_json, int *ret_code) {
    const struct core_pod *pod = sources_object(s, "Pod", pod_json);
    struct err err = ERR_INIT;
    struct cri_key_value_array out;
    struct env_inputs in = {.pod = pod,
                            .container = &pod->spec.containers.v[0],
                            .facts = &s->facts,
                            .sources = &s->sources,
                            .volumes_dir = s->volumes_dir};
    int rc = env_make(&in, &s->a, &out, &err);
    if (ret_code)
        *ret_code = rc;
    else
        assert_ok(rc, &err);
    if (rc)
        return arena_str(&s->a, str_from(err.msg));
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; i < out.n; i++)
        buf_printf(&b, "%.*s=%.*s\n", STR_ARG(out.v[i].key), STR_ARG(out.v[i].value));
    return buf_to_arena(&b, &s->a);
}

#define POD(container)                                                                                       \
    "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\",\"labels\":{\"a\":\"1\",\"b\":\"two "  \
    "\\\"x\\\"\"}},"                                                                                         \
    "\"spec\":{\"enableServiceLinks\":false,\"nodeName\":\"n1\",\"serviceAccountName\":\"sa\","              \
    "\"containers\":[{\"name\":\"c\"," container "}]}}"

TEST(test_env__plain_values_and_references) {
    struct fake_sources s;
    sources_init(&s);
    assert_str(
        vars_of(
            &s,
            POD("\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"$(A)-$$(A)-$(C)-$x-$"
                "\"},"
                "{\"name\":\"C\",\"value\":\"$(B)\"},{\"name\":\"A\",\"value\":\"$(A)2\"},{\"name\":\"E\"}]"),
            NULL),
        "A=12\nB=1-$(A)-$(C)-$x-$\nC=1-$(A)-$(C)-$x-$\nE=\n");
    sources_fini(&s);
}

TEST(test_env__fields_and_resources) {
    struct fake_sources s;
    sources_init(&s);
    assert_str(
        vars_of(
            &s,
            POD("\"resources\":{\"limits\":{\"cpu\":\"1500m\"},\"requests\":{\"memory\":\"100Mi\"}},\"env\":["
                "{\"name\":\"NAME\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.name\"}}},"
                "{\"name\":\"L\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.labels['b']\"}}},"
                "{\"name\":\"NODE\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.nodeName\"}}},"
                "{\"name\":\"IP\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"status.podIP\"}}},"
                "{\"name\":\"IPS\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"status.podIPs\"}}},"
                "{\"name\":\"HOST\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"status.hostIP\"}}},"
                "{\"name\":\"CPU\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.cpu\"}}},"
                "{\"name\":\"CPUM\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.cpu\","
                "\"divisor\":\"1m\"}}},"
                "{\"name\":\"MEM\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"limits.memory\","
                "\"divisor\":\"1Mi\"}}},"
                "{\"name\":\"REQ\",\"valueFrom\":{\"resourceFieldRef\":{\"resource\":\"requests.memory\"}}}"
                "]"),
            NULL),
        "NAME=p\nL=two "
        "\"x\"\nNODE=n1\nIP=10.1.0.5\nIPS=10.1.0.5,fd00::5\nHOST=192.168.0.7\nCPU=2\nCPUM=1500\n"
        "MEM=2048\nREQ=104857600\n");
    sources_fini(&s);
}

TEST(test_env__maps_and_secrets) {
    struct fake_sources s;
    sources_init(&s);
    sources_add(&s, "ConfigMap",
                "{\"metadata\":{\"name\":\"m\",\"namespace\":\"ns\"},\"data\":{\"k\":\"v\",\"l\":\"w\"}}");
    sources_add(&s, "Secret",
                "{\"metadata\":{\"name\":\"s\",\"namespace\":\"ns\"},\"data\":{\"k\":\"c2VjcmV0\"}}");
    assert_str(
        vars_of(&s,
                POD("\"envFrom\":[{\"prefix\":\"P_\",\"configMapRef\":{\"name\":\"m\"}},{\"secretRef\":{"
                    "\"name\":\"s\"}},"
                    "{\"configMapRef\":{\"name\":\"none\",\"optional\":true}}],\"env\":["
                    "{\"name\":\"X\",\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"m\",\"key\":\"l\"}}},"
                    "{\"name\":\"Y\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}},"
                    "{\"name\":\"Z\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"none\","
                    "\"optional\":true}}},"
                    "{\"name\":\"k\",\"value\":\"$(k)!$(P_k)\"}]"),
                NULL),
        "P_k=v\nP_l=w\nk=secret!v\nX=w\nY=secret\n");
    int rc;
    assert_str(vars_of(&s,
                       POD("\"env\":[{\"name\":\"X\",\"valueFrom\":{\"configMapKeyRef\":{\"name\":\"m\","
                           "\"key\":\"none\"}}}]"),
                       &rc),
               "variable X: configmap \"m\" has no key \"none\"");
    assert_fails(rc, ERR_NOT_FOUND);
    vars_of(&s, POD("\"envFrom\":[{\"secretRef\":{\"name\":\"none\"}}]"), &rc);
    assert_fails(rc, ERR_NOT_FOUND);
    vars_of(
        &s,
        POD("\"env\":[{\"name\":\"X\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.hostNetwork\"}}}]"),
        &rc);
    assert_fails(rc, ERR_INVALID);
    sources_fini(&s);
}

TEST(test_env__services) {
    struct fake_sources s;
    sources_init(&s);
    sources_add(&s, "Service",
                "{\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\"},\"spec\":{\"clusterIP\":"
                "\"10.0.0.1\","
                "\"ports\":[{\"name\":\"https\",\"port\":443,\"protocol\":\"TCP\"}]}}");
    sources_add(
        &s, "Service",
        "{\"metadata\":{\"name\":\"my-db\",\"namespace\":\"ns\"},\"spec\":{\"clusterIP\":\"10.0.0.9\","
        "\"ports\":[{\"port\":53,\"protocol\":\"UDP\"}]}}");
    sources_add(&s, "Service",
                "{\"metadata\":{\"name\":\"headless\",\"namespace\":\"ns\"},\"spec\":{\"clusterIP\":\"None\","
                "\"ports\":[{\"port\":53}]}}");
    static const char only_master[] =
        "KUBERNETES_SERVICE_HOST=10.0.0.1\nKUBERNETES_SERVICE_PORT=443\nKUBERNETES_SERVICE_PORT_HTTPS=443\n"
        "KUBERNETES_PORT=tcp://10.0.0.1:443\nKUBERNETES_PORT_443_TCP=tcp://10.0.0.1:443\n"
        "KUBERNETES_PORT_443_TCP_PROTO=tcp\nKUBERNETES_PORT_443_TCP_PORT=443\nKUBERNETES_PORT_443_TCP_ADDR="
        "10.0.0.1\n";
    assert_str(vars_of(&s, POD("\"image\":\"i\""), NULL), only_master);
    struct str all =
        vars_of(&s,
                "{\"metadata\":{\"namespace\":\"ns\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"env\":["
                "{\"name\":\"URL\",\"value\":\"$(MY_DB_PORT)/$(KUBERNETES_SERVICE_HOST)\"}]}]}}",
                NULL);
    assert_true(str_find(all, S("URL=udp://10.0.0.9:53/10.0.0.1\n")) >= 0);
    assert_true(str_find(all, S("MY_DB_PORT_53_UDP_PROTO=udp\n")) >= 0);
    assert_true(str_find(all, S("HEADLESS")) < 0);
    sources_fini(&s);
}

TEST(test_env__expansion_of_commands) {
    struct fake_sources s;
    sources_init(&s);
    struct cri_key_value pairs[] = {{S("A"), S("x")}, {S("EMPTY"), S("")}};
    struct cri_key_value_array env = {pairs, 2};
    struct str missing;
    assert_str(env_expand_with(S("a$(A)b$(EMPTY)$$(A)"), &env, &s.a, &missing), "axb$(A)");
    assert_null(missing.p);
    assert_str(env_expand_with(S("$(B)$(C)"), &env, &s.a, &missing), "$(B)$(C)");
    assert_str(missing, "B");
    assert_str(env_expand_with(S("$("), &env, &s.a, NULL), "$(");
    assert_str(env_expand_with(S("$()"), &env, &s.a, NULL), "$()");
    sources_fini(&s);
}

TEST(test_env__files) {
    struct fake_sources s;
    sources_init(&s);
    struct str text = S("# note\nA=1\n B = 'two words' \n\nA=3\nbroken\nC=x=y\nD=");
    assert_str(env_file_get(text, S("A"), &s.a), "3");
    assert_str(env_file_get(text, S("B"), &s.a), "two words");
    assert_str(env_file_get(text, S("C"), &s.a), "x=y");
    assert_str(env_file_get(text, S("D"), &s.a), "");
    assert_null(env_file_get(text, S("broken"), &s.a).p);
    sources_fini(&s);
}

TEST(test_field_value__maps_are_lines_of_quoted_values) {
    struct fake_sources s;
    sources_init(&s);
    const struct core_pod *pod = sources_object(
        &s, "Pod", "{\"metadata\":{\"annotations\":{\"b\":\"line\\nnext\\t\\u0001é\\\\\",\"a\":\"1\"}}}");
    struct str out;
    struct err err = ERR_INIT;
    assert_ok(field_value(pod, &s.facts, S("metadata.annotations"), &s.a, &out, &err), &err);
    assert_str(out, "a=\"1\"\nb=\"line\\nnext\\t\\x01é\\\\\"");
    assert_ok(field_value(pod, &s.facts, S("metadata.labels['none']"), &s.a, &out, &err), &err);
    assert_str(out, "");
    assert_fails(field_value(pod, &s.facts, S("metadata.labels['"), &s.a, &out, &err), ERR_INVALID);
    sources_fini(&s);
}
