/* Who has which address: allocation, the file, and what damages it. */
#include "base/arena.h"
#include "base/file.h"
#include "network/cni_priv.h"
#include "unit/unit.h"

static struct cni_config config_of(const char *subnet) {
    struct cni_config c = {.n_subnets = 1};
    assert_true(cidr_parse(str_from(subnet), IP_STRICT, &c.subnets[0]));
    return c;
}

static void assert_ip(struct ip ip, const char *text) {
    char out[IP_TEXT_MAX];
    (void)ip_format(ip, out);
    assert_string_equal(out, text);
}

static struct cni_attachment *add(struct cni_state *s, const struct cni_config *c, const char *container) {
    struct cni_attachment *a = NULL;
    struct err err = ERR_INIT;
    assert_ok(cni_state_add(s, c, str_from(container), S("eth0"), &a, &err), &err);
    return a;
}

TEST(test_cni_state__gives_out_every_address_once) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1};
    struct cni_config c = config_of("10.1.0.0/29");
    assert_ip(add(&s, &c, "a")->ips[0], "10.1.0.2");
    assert_ip(add(&s, &c, "b")->ips[0], "10.1.0.3");
    assert_ip(add(&s, &c, "c")->ips[0], "10.1.0.4");
    assert_ip(add(&s, &c, "d")->ips[0], "10.1.0.5");
    assert_ip(add(&s, &c, "e")->ips[0], "10.1.0.6");
    struct cni_attachment *none;
    assert_fails(cni_state_add(&s, &c, S("f"), S("eth0"), &none, NULL), ERR_NO_SPACE);
    cni_state_remove(&s, cni_state_find(&s, S("c"), S("eth0")));
    assert_ip(add(&s, &c, "f")->ips[0], "10.1.0.4");
}

TEST(test_cni_state__does_not_use_an_address_again_at_once) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1};
    struct cni_config c = config_of("10.1.0.0/24");
    assert_ip(add(&s, &c, "a")->ips[0], "10.1.0.2");
    cni_state_remove(&s, cni_state_find(&s, S("a"), S("eth0")));
    assert_ip(add(&s, &c, "b")->ips[0], "10.1.0.3");
    assert_true(ip_parse(S("10.1.0.254"), IP_STRICT, &s.last[0]));
    assert_ip(add(&s, &c, "c")->ips[0], "10.1.0.2");
}

TEST(test_cni_state__gives_one_address_of_each_family) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1};
    struct cni_config c = config_of("10.1.0.0/24");
    assert_true(cidr_parse(S("fd00:1::/64"), IP_STRICT, &c.subnets[c.n_subnets++]));
    const struct cni_attachment *x = add(&s, &c, "a");
    assert_int_equal(x->n_ips, 2);
    assert_ip(x->ips[1], "fd00:1::2");
}

TEST(test_cni_state__refuses_a_host_port_twice) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1};
    struct cni_config c = config_of("10.1.0.0/24");
    struct hostport p = {.protocol = 6, .host_port = 80, .pod_port = 8080};
    c.ports = &p;
    c.n_ports = 1;
    (void)add(&s, &c, "a");
    struct cni_attachment *none;
    assert_fails(cni_state_add(&s, &c, S("b"), S("eth0"), &none, NULL), ERR_CONFLICT);
    struct hostport q = p;
    q.protocol = 17;
    c.ports = &q;
    (void)add(&s, &c, "b");
}

TEST(test_cni_state__host_ports_of_two_addresses_do_not_conflict) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1};
    struct cni_config c = config_of("10.1.0.0/24"), d = c;
    struct hostport p = {.protocol = 6, .host_port = 80, .pod_port = 8080}, q = p;
    assert_true(ip_parse(S("127.0.0.1"), IP_STRICT, &p.host));
    assert_true(ip_parse(S("192.0.2.1"), IP_STRICT, &q.host));
    c.ports = &p;
    d.ports = &q;
    c.n_ports = d.n_ports = 1;
    (void)add(&s, &c, "a");
    (void)add(&s, &d, "b");
}

TEST(test_cni_state__file_keeps_everything) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s = {.arena = &a, .lock = -1}, t = {.arena = &a, .lock = -1, .path = "x"};
    static const char text[] = "coxswain-cni 1\nlast 10.1.0.3\nlast fd00::3\npod c1 eth0 10.1.0.2,fd00::2 "
                               "6:*:80:8080 17:fd00::1:53:53\npod c2 net1 10.1.0.3\n";
    struct err err = ERR_INIT;
    assert_ok(cni_state_parse(&s, str_from(text), &err), &err);
    assert_int_equal(s.attachments.n, 2);
    _cleanup_buf struct buf out = BUF_INIT;
    cni_state_print(&s, &out);
    assert_str(buf_view(&out), text);
    assert_ok(cni_state_parse(&t, buf_view(&out), &err), &err);
}

TEST(test_cni_state__damaged_files_are_told_apart) {
    static const char *const bad[] = {
        "",
        "coxswain-cni 2\n",
        "coxswain-cni 1\nhello\n",
        "coxswain-cni 1\npod ../x eth0 10.1.0.2\n",
        "coxswain-cni 1\npod c1 eth0\n",
        "coxswain-cni 1\npod c1 eth0 10.1.0.2 6:*:0:80\n",
        "coxswain-cni 1\npod c1 eth0 10.1.0.2 6:*:80\n",
        "coxswain-cni 1\npod c1 eth0 10.1.0.2 6:x:80:80\n",
        "coxswain-cni 1\npod c1 eth0 10.1.0.2,10.1.0.3,10.1.0.4\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct cni_state s = {.arena = &a, .lock = -1, .path = "x"};
        assert_fails(cni_state_parse(&s, str_from(bad[i]), NULL), ERR_CORRUPT);
    }
}

TEST(test_cni_state__is_found_again_by_the_next_call) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cni_state s, t;
    struct cni_config c = config_of("10.1.0.0/24");
    const char *dir = arena_printf(&a, "%s/state", unit_tmpdir()).p;
    struct err err = ERR_INIT;
    assert_ok(cni_state_open(&a, dir, &s, &err), &err);
    (void)add(&s, &c, "a");
    assert_ok(cni_state_save(&s, &err), &err);
    cni_state_close(&s);
    assert_ok(cni_state_open(&a, dir, &t, &err), &err);
    assert_non_null(cni_state_find(&t, S("a"), S("eth0")));
    assert_null(cni_state_find(&t, S("a"), S("eth1")));
    cni_state_close(&t);
}
