/* The plan of routes between nodes. */
#include "network/overlay.h"

#include "api/types/core.h"
#include "base/arena.h"
#include "unit/unit.h"

static struct overlay_node node(const char *name, const char *ip, const char *pods, int direct) {
    struct overlay_node n = {.name = str_from(name), .n_pods = 1, .direct = direct};
    assert_true(ip_parse(str_from(ip), IP_STRICT, &n.ip));
    assert_true(cidr_parse(str_from(pods), IP_STRICT, &n.pods[0]));
    return n;
}

static void assert_ip(struct ip ip, const char *text) {
    char out[IP_TEXT_MAX];
    (void)ip_format(ip, out);
    assert_string_equal(out, text);
}

TEST(test_overlay__a_node_on_the_link_is_a_route) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct overlay_node nodes[] = {node("a", "192.0.2.1", "10.1.0.0/24", 0),
                                   node("b", "192.0.2.2", "10.1.1.0/24", 3)};
    struct overlay_plan p;
    overlay_plan(&a, nodes, 2, S("a"), 7, &p);
    assert_int_equal(p.routes.n, 1);
    assert_ip(p.routes.v[0].via, "192.0.2.2");
    assert_int_equal(p.routes.v[0].index, 3);
    assert_int_equal(p.neighbours.n + p.forwards.n, 0);
}

TEST(test_overlay__other_nodes_are_behind_the_tunnel) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct overlay_node nodes[] = {node("a", "192.0.2.1", "10.1.0.0/24", 0),
                                   node("c", "198.51.100.9", "10.1.2.0/24", 0)};
    struct overlay_plan p;
    overlay_plan(&a, nodes, 2, S("a"), 7, &p);
    assert_int_equal(p.routes.n, 1);
    assert_ip(p.routes.v[0].via, "10.1.2.0");
    assert_int_equal(p.routes.v[0].index, 7);
    assert_true(p.routes.v[0].onlink);
    assert_ip(p.neighbours.v[0].ip, "10.1.2.0");
    assert_ip(p.forwards.v[0].ip, "198.51.100.9");
    static const uint8_t mac[] = {0x0a, 0x59, 198, 51, 100, 9};
    assert_memory_equal(p.forwards.v[0].mac, mac, 6);
    assert_memory_equal(p.neighbours.v[0].mac, mac, 6);
}

TEST(test_overlay__without_a_tunnel_only_direct_nodes_are_reached) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct overlay_node nodes[] = {node("b", "192.0.2.2", "10.1.1.0/24", 3),
                                   node("c", "198.51.100.9", "10.1.2.0/24", 0)};
    struct overlay_plan p;
    overlay_plan(&a, nodes, 2, S("a"), 0, &p);
    assert_int_equal(p.routes.n, 1);
    assert_int_equal(p.forwards.n, 0);
}

TEST(test_overlay__nodes_without_a_network_are_left_out) {
    struct core_node_address address = {.type = S("InternalIP"), .address = S("192.0.2.1")};
    struct core_node n = {.metadata = {.name = S("a")}, .status = {.addresses = {&address, 1}}};
    struct overlay_node o;
    assert_false(overlay_node_of(&n, &o));
    n.spec.pod_cidr = S("10.1.0.0/24");
    assert_true(overlay_node_of(&n, &o));
    assert_ip(o.ip, "192.0.2.1");
    address.type = S("Hostname");
    assert_false(overlay_node_of(&n, &o));
}
