/* serviceaccounts/token: what tokens say, and what they are bound to. */
#include "base/err.h"
#include "codec/json.h"
#include "full_world.h"
#include "keys.h"
#include "net/jwt.h"
#include "unit/unit.h"

#define TOKEN "/api/v1/namespaces/default/serviceaccounts/default/token"
#define PODS "/api/v1/namespaces/default/pods"

static void prepare(struct server_world *w) {
    struct err err = ERR_INIT;
    full_world_init(w);
    assert_ok(jwt_signer_new(S(KEY_P256), &w->server.token_signer, &err), &err);
}

static void finish(struct server_world *w) {
    jwt_signer_free(w->server.token_signer);
    full_world_fini(w);
}

static struct jval claims_of(struct server_world *w, struct server_answer *r) {
    struct err err = ERR_INIT;
    struct jval claims;
    assert_ok(jwt_peek(server_field(w, r, "status.token"), &w->arena, &claims, &err), &err);
    return claims;
}

static struct str claim(struct server_world *w, const struct jval *claims, const char *dotted) {
    struct server_answer as = {.tree = *claims};
    return server_field(w, &as, dotted);
}

TEST(test_subresource_token__says_who_and_how_long) {
    struct server_world w;
    prepare(&w);
    struct server_answer r =
        server_post(&w, TOKEN, "{\"spec\":{\"audiences\":[\"api\"],\"expirationSeconds\":1200}}");
    assert_answer(r, 201);
    assert_field(r, "status.expirationTimestamp", "2026-01-01T00:20:00Z");
    struct jval c = claims_of(&w, &r);
    assert_str(claim(&w, &c, "sub"), "system:serviceaccount:default:default");
    assert_str(claim(&w, &c, "iss"), "https://kubernetes.default.svc");
    assert_str(claim(&w, &c, "aud"), "[\"api\"]");
    assert_str(claim(&w, &c, "exp"), "1767226800");
    finish(&w);
}

TEST(test_subresource_token__has_defaults_and_limits) {
    struct server_world w;
    prepare(&w);
    struct server_answer r = server_post(&w, TOKEN, "{\"spec\":{\"audiences\":[]}}");
    assert_answer(r, 201);
    assert_field(r, "spec.expirationSeconds", "3600");
    assert_field(r, "spec.audiences", "[\"https://kubernetes.default.svc\"]");
    r = server_post(&w, TOKEN, "{\"spec\":{\"audiences\":[],\"expirationSeconds\":599}}");
    assert_answer(r, 422);
    assert_true(str_find(r.message, S("may not specify a duration less than 10 minutes")) > 0);
    assert_answer(server_post(&w, TOKEN, "{\"spec\":{\"audiences\":[],\"expirationSeconds\":4294967297}}"),
                  422);
    assert_answer(server_post(&w, "/api/v1/namespaces/default/serviceaccounts/none/token",
                              "{\"spec\":{\"audiences\":[]}}"),
                  404);
    finish(&w);
}

TEST(test_subresource_token__is_bound_to_a_pod_of_the_account) {
    struct server_world w;
    prepare(&w);
    full_world_make(&w, "/api/v1/nodes", "{\"metadata\":{\"name\":\"n\"}}");
    full_world_make(&w, "/api/v1/namespaces/default/serviceaccounts", "{\"metadata\":{\"name\":\"other\"}}");
    struct server_answer pod = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\"}]}}");
    const char *bound =
        "{\"spec\":{\"audiences\":[],\"expirationSeconds\":3607,\"boundObjectRef\":{\"kind\":\"Pod\","
        "\"apiVersion\":\"v1\",\"name\":\"p\"}}}";
    struct server_answer r = server_post(&w, TOKEN, bound);
    assert_answer(r, 201);
    struct jval c = claims_of(&w, &r);
    const struct jval *k = jval_get(&c, S("kubernetes.io"));
    assert_str(claim(&w, k, "pod.name"), "p");
    assert_str_equal(claim(&w, k, "pod.uid"), server_field(&w, &pod, "metadata.uid"));
    assert_str(claim(&w, k, "node.name"), "n");
    assert_str(claim(&w, k, "warnafter"), "1767229207");
    assert_str(claim(&w, &c, "exp"), "1798761600");
    assert_field(r, "status.expirationTimestamp", "2026-01-01T01:00:07Z");
    r = server_post(&w, "/api/v1/namespaces/default/serviceaccounts/other/token", bound);
    assert_answer(r, 400);
    r = server_post(&w, TOKEN,
                    "{\"spec\":{\"audiences\":[],\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
                    "\"name\":\"p\",\"uid\":\"x\"}}}");
    assert_answer(r, 409);
    finish(&w);
}

TEST(test_subresource_token__is_bound_to_secrets_and_nodes_and_nothing_else) {
    struct server_world w;
    prepare(&w);
    full_world_make(&w, "/api/v1/namespaces/default/secrets", "{\"metadata\":{\"name\":\"s\"}}");
    struct server_answer r = server_post(&w, TOKEN,
                                         "{\"spec\":{\"audiences\":[],\"boundObjectRef\":{\"kind\":"
                                         "\"Secret\",\"apiVersion\":\"v1\",\"name\":\"s\"}}}");
    assert_answer(r, 201);
    r = server_post(&w, TOKEN,
                    "{\"spec\":{\"audiences\":[],\"boundObjectRef\":{\"kind\":\"Node\",\"apiVersion\":\"v1\","
                    "\"name\":\"none\"}}}");
    assert_answer(r, 404);
    r = server_post(&w, TOKEN,
                    "{\"spec\":{\"audiences\":[],\"boundObjectRef\":{\"kind\":\"ConfigMap\",\"apiVersion\":"
                    "\"v1\",\"name\":\"c\"}}}");
    assert_answer(r, 400);
    finish(&w);
}

TEST(test_subresource_token__nodes_get_those_of_their_pods) {
    struct server_world w;
    prepare(&w);
    struct server_answer pod = full_world_make(
        &w, PODS,
        "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\","
        "\"image\":\"i\"}]}}");
    struct str body =
        arena_printf(&w.arena,
                     "{\"spec\":{\"audiences\":[],\"boundObjectRef\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\","
                     "\"name\":\"p\",\"uid\":\"%.*s\"}}}",
                     STR_ARG(server_field(&w, &pod, "metadata.uid")));
    full_world_be(&w, "system:node:n2", "system:nodes");
    struct server_answer r = server_post(&w, TOKEN, body.p);
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("scheduled on a different node")) > 0);
    full_world_be(&w, "system:node:n1", "system:nodes");
    assert_answer(server_post(&w, TOKEN, body.p), 201);
    r = server_post(&w, TOKEN, "{\"spec\":{\"audiences\":[]}}");
    assert_answer(r, 403);
    assert_true(str_find(r.message, S("token not bound to a pod")) > 0);
    finish(&w);
}
