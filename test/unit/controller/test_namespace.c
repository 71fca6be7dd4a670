/* Namespaces that are deleted are emptied, say what remains, and go. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

static void put_namespace(struct cluster *w) {
    fake_put(w->fake, KIND(CORE_NAMESPACE),
             "{\"metadata\":{\"name\":\"team\"},\"spec\":{\"finalizers\":["
             "\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}");
    fake_put(w->fake, KIND(CORE_CONFIG_MAP), "{\"metadata\":{\"name\":\"a\",\"namespace\":\"team\"}}");
    fake_put(w->fake, KIND(CORE_SECRET), "{\"metadata\":{\"name\":\"s\",\"namespace\":\"team\"}}");
    fake_put(w->fake, KIND(CORE_CONFIG_MAP), "{\"metadata\":{\"name\":\"kept\",\"namespace\":\"default\"}}");
    cluster_settle(w);
}

static void end_namespace(struct cluster *w) {
    struct err err = ERR_INIT;
    assert_ok(client_delete(w->client, KIND(CORE_NAMESPACE), S(""), S("team"), NULL, &err), &err);
    cluster_settle(w);
}

static const struct core_namespace *get(struct cluster *w) {
    return body_of(w, core_namespace, CORE_NAMESPACE, "", "team");
}

static const struct core_namespace_condition *condition(const struct core_namespace *n, const char *type) {
    for (uint32_t i = 0; i < n->status.conditions.n; i++)
        if (str_eq(n->status.conditions.v[i].type, str_from(type)))
            return &n->status.conditions.v[i];
    fail_msg("no condition %s", type);
    return NULL;
}

TEST(test_namespace__is_emptied_and_let_go) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "namespace-controller");
    put_namespace(&w);
    assert_true(cluster_has(&w, KIND(CORE_CONFIG_MAP), "team", "a"));
    end_namespace(&w);
    cluster_pass(&w, 1);
    assert_false(cluster_has(&w, KIND(CORE_CONFIG_MAP), "team", "a"));
    assert_false(cluster_has(&w, KIND(CORE_SECRET), "team", "s"));
    assert_true(cluster_has(&w, KIND(CORE_CONFIG_MAP), "default", "kept"));
    assert_false(cluster_has(&w, KIND(CORE_NAMESPACE), "", "team"));
}

TEST(test_namespace__says_what_holds_it) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "namespace-controller");
    put_namespace(&w);
    fake_merge(w.fake, KIND(CORE_CONFIG_MAP), "team", "a", "{\"metadata\":{\"finalizers\":[\"test/hold\"]}}");
    end_namespace(&w);
    cluster_pass(&w, 10);
    const struct core_namespace *n = get(&w);
    assert_int_equal(n->spec.finalizers.n, 1);
    assert_str(condition(n, "NamespaceContentRemaining")->status, "True");
    assert_str(condition(n, "NamespaceContentRemaining")->message,
               "Some resources are remaining: configmaps. has 1 resource instances");
    assert_str(condition(n, "NamespaceFinalizersRemaining")->message,
               "Some content in the namespace has finalizers remaining: test/hold in 1 resource instances");
    assert_str(condition(n, "NamespaceDeletionContentFailure")->status, "False");
    assert_false(cluster_has(&w, KIND(CORE_SECRET), "team", "s"));
    fake_remove(w.fake, KIND(CORE_CONFIG_MAP), "team", "a");
    cluster_pass(&w, 70);
    assert_false(cluster_has(&w, KIND(CORE_NAMESPACE), "", "team"));
}

TEST(test_namespace__pods_go_before_everything_else) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "namespace-controller");
    put_namespace(&w);
    fake_put(w.fake, KIND(CORE_POD),
             "{\"metadata\":{\"name\":\"p\",\"namespace\":\"team\",\"finalizers\":[\"test/hold\"]},\"spec\":{"
             "\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}");
    end_namespace(&w);
    cluster_pass(&w, 5);
    assert_true(cluster_has(&w, KIND(CORE_CONFIG_MAP), "team", "a"));
    fake_remove(w.fake, KIND(CORE_POD), "team", "p");
    cluster_pass(&w, 2);
    assert_false(cluster_has(&w, KIND(CORE_CONFIG_MAP), "team", "a"));
    assert_false(cluster_has(&w, KIND(CORE_NAMESPACE), "", "team"));
}
