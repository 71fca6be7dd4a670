/* EndpointSlices of services. */
#include "api/types/discovery.h"
#include "unit/controller/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/meta.h"

static void put_service(struct cluster *w, const char *more) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"default\",\"labels\":{\"team\":\"x\"}},\"spec\":{"
        "\"clusterIP\":\"10.96.0.9\",\"ipFamilies\":[\"IPv4\"],\"selector\":{\"app\":\"web\"},%s"
        "\"ports\":[{\"name\":\"http\",\"port\":80,\"protocol\":\"TCP\",\"targetPort\":\"http\"}]}}",
        more);
    fake_put(w->fake, KIND(CORE_SERVICE), json);
    cluster_settle(w);
}

static void put_pod(struct cluster *w, int i, bool ready, int port) {
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"metadata\":{\"name\":\"p%03d\",\"namespace\":\"default\",\"labels\":{\"app\":\"web\"}},\"spec\":{"
        "\"nodeName\":\"n1\",\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"name\":\"http\","
        "\"containerPort\":%d,\"protocol\":\"TCP\"}]}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.1.%"
        "d.%d\","
        "\"podIPs\":[{\"ip\":\"10.1.%d.%d\"}],\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\","
        "\"lastTransitionTime\":\"2027-01-15T08:00:05Z\"}]}}",
        i, port, i / 200, i % 200 + 1, i / 200, i % 200 + 1, ready ? "True" : "False");
    fake_put(w->fake, KIND(CORE_POD), json);
}

struct found {
    size_t slices, endpoints, ready, largest;
};

static struct found look(struct cluster *w) {
    struct object **all;
    struct found f = {0};
    f.slices = fake_all(w->fake, KIND(DISCOVERY_ENDPOINT_SLICE), &all);
    for (size_t i = 0; i < f.slices; i++) {
        const struct discovery_endpoint_slice *s = all[i]->body;
        f.endpoints += s->endpoints.n;
        for (uint32_t j = 0; j < s->endpoints.n; j++)
            f.ready += s->endpoints.v[j].conditions.ready.v;
        if (s->endpoints.n > f.largest)
            f.largest = s->endpoints.n;
        object_unref(all[i]);
    }
    free(all);
    return f;
}

static const struct discovery_endpoint_slice *only_slice(struct cluster *w) {
    struct str uid = body_of(w, core_service, CORE_SERVICE, "default", "web")->metadata.uid;
    assert_int_equal(fake_count(w->fake, KIND(DISCOVERY_ENDPOINT_SLICE)), 1);
    return cluster_first_owned(w, KIND(DISCOVERY_ENDPOINT_SLICE), uid)->body;
}

TEST(test_endpointslice__a_service_without_pods_has_an_empty_slice) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "");
    const struct discovery_endpoint_slice *s = only_slice(&w);
    assert_int_equal(s->endpoints.n, 0);
    assert_str(s->address_type, "IPv4");
    assert_str(str_map_get(s->metadata.labels, S("kubernetes.io/service-name")), "web");
    assert_str(str_map_get(s->metadata.labels, S("team")), "x");
    assert_str(str_map_get(s->metadata.labels, S("endpointslice.kubernetes.io/managed-by")),
               "endpointslice-controller.k8s.io");
}

TEST(test_endpointslice__pods_are_found_by_port_name_with_their_conditions) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    fake_put(w.fake, KIND(CORE_NODE),
             "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"topology.kubernetes.io/zone\":\"z\"}}}");
    put_service(&w, "");
    put_pod(&w, 1, true, 8080);
    put_pod(&w, 2, false, 8080);
    cluster_settle(&w);
    const struct discovery_endpoint_slice *s = only_slice(&w);
    assert_int_equal(s->endpoints.n, 2);
    assert_int_equal(s->ports.n, 1);
    assert_int_equal(s->ports.v[0].port.v, 8080);
    assert_str(s->ports.v[0].name, "http");
    const struct discovery_endpoint *e = &s->endpoints.v[0];
    bool first = str_eq(e->target_ref->name, S("p001"));
    if (!first)
        e = &s->endpoints.v[1];
    assert_str(e->addresses.v[0], "10.1.0.2");
    assert_str(e->node_name, "n1");
    assert_str(e->zone, "z");
    assert_true(e->conditions.ready.v && e->conditions.serving.v && !e->conditions.terminating.v);
    e = &s->endpoints.v[first ? 1 : 0];
    assert_false(e->conditions.ready.v);
    assert_false(e->conditions.serving.v);
    assert_str(str_map_get(s->metadata.annotations, S("endpoints.kubernetes.io/last-change-trigger-time")),
               "2027-01-15T08:00:05Z");
}

TEST(test_endpointslice__pods_that_are_ending_serve_but_are_not_ready) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "");
    put_pod(&w, 1, true, 8080);
    fake_merge(w.fake, KIND(CORE_POD), "default", "p001", "{\"metadata\":{\"finalizers\":[\"test/hold\"]}}");
    assert_ok(client_delete(w.client, KIND(CORE_POD), S("default"), S("p001"), NULL, NULL), NULL);
    cluster_settle(&w);
    const struct discovery_endpoint *e = &only_slice(&w)->endpoints.v[0];
    assert_false(e->conditions.ready.v);
    assert_true(e->conditions.serving.v);
    assert_true(e->conditions.terminating.v);
}

TEST(test_endpointslice__publishing_what_is_not_ready) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "\"publishNotReadyAddresses\":true,");
    put_pod(&w, 1, false, 8080);
    cluster_settle(&w);
    assert_true(only_slice(&w)->endpoints.v[0].conditions.ready.v);
}

TEST(test_endpointslice__a_slice_has_at_most_a_hundred) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "");
    for (int i = 0; i < 250; i++)
        put_pod(&w, i, true, 8080);
    cluster_pass(&w, 1);
    struct found f = look(&w);
    assert_int_equal(f.endpoints, 250);
    assert_int_equal(f.ready, 250);
    assert_true(f.largest <= 100);
    assert_true(f.slices >= 3 && f.slices <= 4);
    for (int i = 0; i < 249; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%03d", i);
        fake_remove(w.fake, KIND(CORE_POD), "default", name);
    }
    cluster_pass(&w, 1);
    f = look(&w);
    assert_int_equal(f.endpoints, 1);
    assert_int_equal(f.slices, 1);
}

TEST(test_endpointslice__pods_with_other_port_numbers_have_slices_of_their_own) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "");
    put_pod(&w, 1, true, 8080);
    put_pod(&w, 2, true, 9090);
    cluster_settle(&w);
    struct found f = look(&w);
    assert_int_equal(f.slices, 2);
    assert_int_equal(f.endpoints, 2);
}

TEST(test_endpointslice__one_change_is_one_write) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    put_service(&w, "");
    for (int i = 0; i < 150; i++)
        put_pod(&w, i, true, 8080);
    cluster_pass(&w, 1);
    fake_calls_clear(w.fake);
    fake_merge(w.fake, KIND(CORE_POD), "default", "p005",
               "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}}");
    cluster_pass(&w, 1);
    assert_true(str_has_prefix(str_from(fake_calls(w.fake)), S("update endpointslices")));
    assert_null(strchr(strchr(fake_calls(w.fake), '\n') + 1, '\n'));
    fake_calls_clear(w.fake);
    cluster_restart(&w);
    assert_string_equal(fake_calls(w.fake), "");
}

TEST(test_endpointslice__services_without_selector_are_left_alone) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    fake_put(
        w.fake, KIND(CORE_SERVICE),
        "{\"metadata\":{\"name\":\"ext\",\"namespace\":\"default\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
    cluster_settle(&w);
    assert_int_equal(fake_count(w.fake, KIND(DISCOVERY_ENDPOINT_SLICE)), 0);
}

TEST(test_endpointslice__does_not_make_slices_twice_on_an_old_picture) {
    _cleanup_cluster struct cluster w;
    cluster_open(&w, "endpointslice-controller");
    fake_set_faults(w.fake, &(struct fake_faults){.watch_delay_ns = NS_PER_SEC});
    put_service(&w, "");
    for (int i = 0; i < 30; i++) {
        put_pod(&w, i, true, 8080);
        cluster_pass(&w, 0.2);
    }
    cluster_pass(&w, 10);
    struct found f = look(&w);
    assert_int_equal(f.slices, 1);
    assert_int_equal(f.endpoints, 30);
}
