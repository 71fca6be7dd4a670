/* The garbage collector: background, foreground, orphan; absent and misplaced owners. */
#include "api/meta.h"
#include "unit/controller/cluster.h"

#include <stdio.h>

static void open_gc(struct cluster *w) {
    cluster_open(w, "garbage-collector-controller");
}

/* A ConfigMap with an owner: any kind does. */
static void put_child(struct cluster *w, const char *ns, const char *name, const char *owner_kind,
                      const char *owner, const char *uid, bool blocks) {
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"ownerReferences\":[{\"apiVersion\":"
                   "\"v1\",\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\",\"blockOwnerDeletion\":%s}]}}",
                   name, ns, owner_kind, owner, uid, blocks ? "true" : "false");
    fake_put(w->fake, KIND(CORE_CONFIG_MAP), json);
    cluster_settle(w);
}

static void put_map(struct cluster *w, const char *name, char uid[64]) {
    char json[256];
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"}}", name);
    fake_put(w->fake, KIND(CORE_CONFIG_MAP), json);
    cluster_settle(w);
    (void)snprintf(uid, 64, "%.*s",
                   STR_ARG(body_of(w, core_config_map, CORE_CONFIG_MAP, "default", name)->metadata.uid));
}

static bool has_map(struct cluster *w, const char *name) {
    return cluster_has(w, KIND(CORE_CONFIG_MAP), "default", name);
}

static void delete_map(struct cluster *w, const char *name, const char *propagation) {
    struct client_delete how = CLIENT_DELETE_DEFAULT;
    struct err err = ERR_INIT;
    how.propagation = str_from(propagation);
    assert_ok(client_delete(w->client, KIND(CORE_CONFIG_MAP), S("default"), str_from(name), &how, &err),
              &err);
    cluster_pass(w, 2);
}

TEST(test_garbagecollector__dependents_follow_their_owner) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64], mid[64];
    put_map(&w, "top", top);
    put_child(&w, "default", "mid", "ConfigMap", "top", top, true);
    (void)snprintf(mid, sizeof mid, "%.*s",
                   STR_ARG(body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "mid")->metadata.uid));
    put_child(&w, "default", "leaf", "ConfigMap", "mid", mid, true);
    assert_true(has_map(&w, "leaf"));
    delete_map(&w, "top", "Background");
    assert_false(has_map(&w, "mid"));
    assert_false(has_map(&w, "leaf"));
}

TEST(test_garbagecollector__foreground_owners_go_last) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64];
    put_map(&w, "top", top);
    put_child(&w, "default", "held", "ConfigMap", "top", top, true);
    fake_merge(w.fake, KIND(CORE_CONFIG_MAP), "default", "held",
               "{\"metadata\":{\"finalizers\":[\"test/hold\"]}}");
    put_child(&w, "default", "free", "ConfigMap", "top", top, true);
    delete_map(&w, "top", "Foreground");
    assert_true(has_map(&w, "top"));
    assert_true(has_map(&w, "held"));
    assert_false(has_map(&w, "free"));
    fake_remove(w.fake, KIND(CORE_CONFIG_MAP), "default", "held");
    cluster_pass(&w, 2);
    assert_false(has_map(&w, "top"));
}

TEST(test_garbagecollector__foreground_does_not_wait_for_what_does_not_block) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64];
    put_map(&w, "top", top);
    put_child(&w, "default", "held", "ConfigMap", "top", top, false);
    fake_merge(w.fake, KIND(CORE_CONFIG_MAP), "default", "held",
               "{\"metadata\":{\"finalizers\":[\"test/hold\"]}}");
    delete_map(&w, "top", "Foreground");
    assert_false(has_map(&w, "top"));
    assert_true(has_map(&w, "held"));
}

TEST(test_garbagecollector__orphaned_dependents_stay_without_the_reference) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64];
    put_map(&w, "top", top);
    put_child(&w, "default", "a", "ConfigMap", "top", top, true);
    put_child(&w, "default", "b", "ConfigMap", "top", top, true);
    delete_map(&w, "top", "Orphan");
    assert_false(has_map(&w, "top"));
    assert_int_equal(
        body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "a")->metadata.owner_references.n, 0);
    assert_true(has_map(&w, "b"));
}

TEST(test_garbagecollector__what_names_an_owner_that_never_was_goes) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    put_child(&w, "default", "lost", "ConfigMap", "nobody", "no-such-uid", true);
    cluster_pass(&w, 2);
    assert_false(has_map(&w, "lost"));
}

TEST(test_garbagecollector__an_owner_of_the_same_name_is_not_the_same) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64];
    put_map(&w, "top", top);
    put_child(&w, "default", "old", "ConfigMap", "top", "another-uid", true);
    cluster_pass(&w, 2);
    assert_false(has_map(&w, "old"));
    assert_true(has_map(&w, "top"));
}

TEST(test_garbagecollector__owners_in_other_namespaces_do_not_count) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64];
    put_map(&w, "top", top);
    fake_put(w.fake, KIND(CORE_NAMESPACE), "{\"metadata\":{\"name\":\"other\"}}");
    put_child(&w, "other", "far", "ConfigMap", "top", top, true);
    cluster_pass(&w, 2);
    assert_false(cluster_has(&w, KIND(CORE_CONFIG_MAP), "other", "far"));
}

TEST(test_garbagecollector__unknown_kinds_are_left_alone) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    put_child(&w, "default", "custom", "Gadget", "g", "gadget-uid", true);
    cluster_pass(&w, 2);
    assert_true(has_map(&w, "custom"));
}

TEST(test_garbagecollector__a_living_owner_keeps_the_object_and_dead_references_go) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char a[64], b[64], json[1024];
    put_map(&w, "a", a);
    put_map(&w, "b", b);
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"both\",\"namespace\":\"default\",\"ownerReferences\":[{\"apiVersion\":"
        "\"v1\",\"kind\":\"ConfigMap\",\"name\":\"a\",\"uid\":\"%s\"},{\"apiVersion\":\"v1\",\"kind\":"
        "\"ConfigMap\",\"name\":\"b\",\"uid\":\"%s\"}]}}",
        a, b);
    fake_put(w.fake, KIND(CORE_CONFIG_MAP), json);
    cluster_settle(&w);
    delete_map(&w, "a", "Background");
    const struct core_config_map *m = body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "both");
    assert_int_equal(m->metadata.owner_references.n, 1);
    assert_str(m->metadata.owner_references.v[0].name, "b");
    delete_map(&w, "b", "Background");
    assert_false(has_map(&w, "both"));
}

TEST(test_garbagecollector__starts_with_what_was_left_over) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "serviceaccount-controller");
    put_child(&w, "default", "lost", "ConfigMap", "nobody", "no-such-uid", true);
    struct str name = S("garbage-collector-controller");
    w.options.controllers = &name;
    cluster_restart(&w);
    cluster_pass(&w, 2);
    assert_false(has_map(&w, "lost"));
}

TEST(test_garbagecollector__circles_in_the_foreground_come_apart) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char a[64], b[64], json[512];
    put_map(&w, "a", a);
    put_child(&w, "default", "b", "ConfigMap", "a", a, true);
    (void)snprintf(b, sizeof b, "%.*s",
                   STR_ARG(body_of(&w, core_config_map, CORE_CONFIG_MAP, "default", "b")->metadata.uid));
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":"
        "\"b\",\"uid\":\"%s\",\"blockOwnerDeletion\":true}]}}",
        b);
    fake_merge(w.fake, KIND(CORE_CONFIG_MAP), "default", "a", json);
    cluster_settle(&w);
    delete_map(&w, "a", "Foreground");
    cluster_pass(&w, 60);
    assert_false(has_map(&w, "a"));
    assert_false(has_map(&w, "b"));
}

TEST(test_garbagecollector__thousands_of_dependents_are_one_sweep) {
    _cleanup_cluster struct cluster w;
    open_gc(&w);
    char top[64], name[32];
    put_map(&w, "top", top);
    for (int i = 0; i < 2000; i++) {
        char json[512];
        (void)snprintf(name, sizeof name, "c%d", i);
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"ownerReferences\":[{"
                       "\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"top\",\"uid\":\"%s\"}]}}",
                       name, top);
        fake_put(w.fake, KIND(CORE_CONFIG_MAP), json);
    }
    cluster_settle(&w);
    delete_map(&w, "top", "Background");
    assert_int_equal(fake_count(w.fake, KIND(CORE_CONFIG_MAP)), 0);
}
