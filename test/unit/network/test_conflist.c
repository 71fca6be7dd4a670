/* The configuration that runtimes find, and that another one wins. */
#include "network/conflist.h"

#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "network/cni_priv.h"
#include "unit/unit.h"

static struct conflist conflist_of(struct arena *a, struct cidr *subnet) {
    assert_true(cidr_parse(S("10.244.3.0/24"), IP_STRICT, subnet));
    return (struct conflist){
        .dir = arena_printf(a, "%s/net.d", unit_tmpdir()).p, .subnets = subnet, .n_subnets = 1, .mtu = 1450};
}

TEST(test_conflist__is_what_the_plugin_reads) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct cidr subnet;
    struct conflist c = conflist_of(&a, &subnet);
    conflist_print(&c, &out);
    assert_str(
        buf_view(&out),
        "{\"cniVersion\":\"1.0.0\",\"name\":\"coxswain\",\"plugins\":[{\"type\":\"coxswain-cni\",\"bridge\":"
        "\"cox0\",\"stateDir\":\"/run/coxswain/cni\",\"mtu\":1450,\"subnets\":[\"10.244.3.0/24\"],"
        "\"capabilities\":{\"portMappings\":true}}]}\n");
}

TEST(test_conflist__another_network_wins) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cidr subnet;
    struct conflist c = conflist_of(&a, &subnet);
    struct err err = ERR_INIT;
    bool foreign = true;
    const char *ours = arena_printf(&a, "%s/" CONFLIST_NAME, c.dir).p;
    const char *other = arena_printf(&a, "%s/10-other.conflist", c.dir).p;
    assert_ok(conflist_write(&c, &foreign, &err), &err);
    assert_false(foreign);
    assert_true(file_exists(ours));
    assert_ok(file_write_atomic(other, S("{}"), 0644, &err), &err);
    assert_ok(conflist_write(&c, &foreign, &err), &err);
    assert_true(foreign);
    assert_false(file_exists(ours));
    assert_ok(file_remove(other, &err), &err);
    assert_ok(conflist_write(&c, &foreign, &err), &err);
    assert_true(file_exists(ours));
}

TEST(test_conflist__links_plugins_but_replaces_no_programs) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *dir = arena_printf(&a, "%s/bin", unit_tmpdir()).p;
    struct err err = ERR_INIT;
    assert_ok(file_mkdir_p(dir, 0755, &err), &err);
    const char *loopback = arena_printf(&a, "%s/loopback", dir).p;
    assert_ok(file_write_atomic(loopback, S("program"), 0755, &err), &err);
    assert_ok(conflist_link_plugins(dir, "/usr/bin/a", &err), &err);
    assert_ok(conflist_link_plugins(dir, "/usr/bin/coxswain", &err), &err);
    char to[64] = "";
    assert_true(readlink(arena_printf(&a, "%s/coxswain-cni", dir).p, to, sizeof to - 1) > 0);
    assert_string_equal(to, "/usr/bin/coxswain");
    assert_int_equal(readlink(loopback, to, sizeof to), -1);
}
