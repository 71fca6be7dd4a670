/* api/ip */
#include "api/ip.h"

#include <arpa/inet.h>

#include "api/name.h"
#include "base/rand.h"
#include "unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct str text_of(const char *s) {
    return str_make(s, strlen(s));
}

static struct ip ip(const char *text) {
    struct ip ip = {0};
    if (!ip_parse(text_of(text), IP_STRICT, &ip))
        fail_msg("'%s' is no address", text);
    return ip;
}

static struct cidr cidr(const char *text) {
    struct cidr c = {0};
    if (!cidr_parse(text_of(text), IP_INTERFACE, &c))
        fail_msg("'%s' is no network", text);
    return c;
}

static void assert_ip(struct ip actual, const char *expected) {
    char out[IP_TEXT_MAX];
    size_t n = ip_format(actual, out);
    assert_true(n < sizeof out && out[n] == '\0');
    assert_str(str_make(out, n), expected);
}

static void assert_cidr(struct cidr actual, const char *expected) {
    char out[CIDR_TEXT_MAX];
    size_t n = cidr_format(actual, out);
    assert_true(n < sizeof out && out[n] == '\0');
    assert_str(str_make(out, n), expected);
}

/* What each form makes of a text; NULL: it refuses. */
static const struct {
    const char *text, *legacy;
    bool strict, canonical;
} addresses[] = {
    {"0.0.0.0", "0.0.0.0", true, true},
    {"1.2.3.4", "1.2.3.4", true, true},
    {"255.255.255.255", "255.255.255.255", true, true},
    {"01.2.3.4", "1.2.3.4", false, false},
    {"1.2.3.004", "1.2.3.4", false, false},
    {"000000000001.2.3.4", "1.2.3.4", false, false},
    {"1.2.3.00", "1.2.3.0", false, false},
    {"::", "::", true, true},
    {"::1", "::1", true, true},
    {"1::", "1::", true, true},
    {"2001:db8::ffff", "2001:db8::ffff", true, true},
    {"2001:DB8::FFFF", "2001:db8::ffff", true, false},
    {"2001:0db8::ffff", "2001:db8::ffff", true, false},
    {"2001:db8:0:0:0:0:0:1", "2001:db8::1", true, false},
    {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true, true},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", true, false},
    {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8", true, false},
    {"1:2:3::5:6:7:8", "1:2:3:0:5:6:7:8", true, false},
    {"1:0:0:2:0:0:0:3", "1:0:0:2::3", true, false},
    {"1:0:0:0:2:0:0:3", "1::2:0:0:3", true, false},
    {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4", true, false},
    {"0:0:0:0:0:0:0:0", "::", true, false},
    {"fe80::1", "fe80::1", true, true},
    {"64:ff9b::1.2.3.4", "64:ff9b::102:304", true, false},
    {"64:ff9b::01.2.3.4", "64:ff9b::102:304", false, false},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304", true, false},
    {"00001::", "1::", false, false},
    {"1:00002::", "1:2::", false, false},
    {"::ffff:1.2.3.4", "1.2.3.4", false, false},
    {"::ffff:102:304", "1.2.3.4", false, false},
    {"::FFFF:0.0.0.0", "0.0.0.0", false, false},
    {"::fffe:1.2.3.4", "::fffe:102:304", true, false},
    {"", NULL, false, false},
    {".", NULL, false, false},
    {"1", NULL, false, false},
    {"1.2.3", NULL, false, false},
    {"1.2.3.", NULL, false, false},
    {".1.2.3", NULL, false, false},
    {"1..2.3", NULL, false, false},
    {"1.2.3.4.5", NULL, false, false},
    {"1.2.3.256", NULL, false, false},
    {"1.2.3.-4", NULL, false, false},
    {"1.2.3.4 ", NULL, false, false},
    {" 1.2.3.4", NULL, false, false},
    {"1.2.3.4/24", NULL, false, false},
    {"1.2.3.0x4", NULL, false, false},
    {"1.2.3.99999999999999999999", NULL, false, false},
    {":", NULL, false, false},
    {":::", NULL, false, false},
    {"1:", NULL, false, false},
    {":1", NULL, false, false},
    {"1:2", NULL, false, false},
    {"1::2::3", NULL, false, false},
    {"1:2:3:4:5:6:7", NULL, false, false},
    {"1:2:3:4:5:6:7:8:9", NULL, false, false},
    {"1:2:3:4:5:6:7:8::", NULL, false, false},
    {"::1:2:3:4:5:6:7:8", NULL, false, false},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL, false, false},
    {"1.2.3.4::", NULL, false, false},
    {"::1.2.3", NULL, false, false},
    {"::1.2.3.4:5", NULL, false, false},
    {"::10000", NULL, false, false},
    {"::g", NULL, false, false},
    {"fe80::1%eth0", NULL, false, false},
    {"[::1]", NULL, false, false},
    {"::1/64", NULL, false, false},
    {"example.com", NULL, false, false},
};

TEST(test_ip__reads_and_prints) {
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct str text = text_of(addresses[i].text);
        struct ip a = {.family = 99};
        assert_int_equal(ip_parse(text, IP_LEGACY, &a), addresses[i].legacy != NULL);
        if (addresses[i].legacy)
            assert_ip(a, addresses[i].legacy);
        else
            assert_int_equal(a.family, 99);
        if (ip_parse(text, IP_STRICT, &a) != addresses[i].strict)
            fail_msg("strict: '%s'", addresses[i].text);
        if (ip_parse(text, IP_CANONICAL, &a) != addresses[i].canonical)
            fail_msg("canonical: '%s'", addresses[i].text);
    }
    struct ip a;
    assert_false(ip_parse(S("1.2.3.4\0"), IP_LEGACY, &a));
    assert_false(ip_parse(STR_NONE, IP_LEGACY, &a));
}

static const struct {
    const char *text, *legacy;
    bool strict, canonical, interface;
} networks[] = {
    {"10.0.0.0/8", "10.0.0.0/8", true, true, true},
    {"0.0.0.0/0", "0.0.0.0/0", true, true, true},
    {"1.2.3.4/32", "1.2.3.4/32", true, true, true},
    {"10.1.2.3/8", "10.1.2.3/8", false, false, true},
    {"010.0.0.0/8", "10.0.0.0/8", false, false, false},
    {"10.0.0.0/08", "10.0.0.0/8", false, false, false},
    {"2001:db8::/64", "2001:db8::/64", true, true, true},
    {"::/0", "::/0", true, true, true},
    {"::1/128", "::1/128", true, true, true},
    {"2001:DB8::/64", "2001:db8::/64", true, false, false},
    {"2001:db8::1/64", "2001:db8::1/64", false, false, true},
    {"::ffff:1.2.3.0/120", "1.2.3.0/24", false, false, false},
    {"::ffff:0:0/90", "::ffff:0:0/90", false, false, false},
    {"10.0.0.0", NULL, false, false, false},
    {"10.0.0.0/", NULL, false, false, false},
    {"10.0.0.0/33", NULL, false, false, false},
    {"10.0.0.0/-1", NULL, false, false, false},
    {"10.0.0.0/8/8", NULL, false, false, false},
    {"10.0.0/8", NULL, false, false, false},
    {"/8", NULL, false, false, false},
    {"::/129", NULL, false, false, false},
    {"10.0.0.0/8 ", NULL, false, false, false},
    {"10.0.0.0/255.0.0.0", NULL, false, false, false},
    {"", NULL, false, false, false},
};

TEST(test_ip__reads_and_prints_networks) {
    for (size_t i = 0; i < COUNT(networks); i++) {
        struct str text = text_of(networks[i].text);
        struct cidr c = {.bits = 99};
        assert_int_equal(cidr_parse(text, IP_LEGACY, &c), networks[i].legacy != NULL);
        if (networks[i].legacy)
            assert_cidr(c, networks[i].legacy);
        else
            assert_int_equal(c.bits, 99);
        if (cidr_parse(text, IP_STRICT, &c) != networks[i].strict)
            fail_msg("strict: '%s'", networks[i].text);
        if (cidr_parse(text, IP_CANONICAL, &c) != networks[i].canonical)
            fail_msg("canonical: '%s'", networks[i].text);
        if (cidr_parse(text, IP_INTERFACE, &c) != networks[i].interface)
            fail_msg("interface: '%s'", networks[i].text);
    }
}

static void assert_problem(int rc, struct name_errors *errors, const char *expected) {
    assert_int_equal(rc != 0, expected != NULL);
    assert_int_equal(errors->n, expected ? 1 : 0);
    if (expected && str_find(errors->v[0], text_of(expected)) < 0)
        fail_msg("%.*s", STR_ARG(errors->v[0]));
    errors->n = 0;
}

TEST(test_ip__says_what_is_wrong) {
    struct name_errors e = NAME_ERRORS_INIT;
    assert_problem(ip_check(S("1.2.3.4"), IP_CANONICAL, &e), &e, NULL);
    assert_problem(ip_check(S("x"), IP_LEGACY, &e), &e, "must be a valid IP address");
    assert_problem(ip_check(S("01.2.3.4"), IP_LEGACY, &e), &e, NULL);
    assert_problem(ip_check(S("01.2.3.4"), IP_STRICT, &e), &e, "must not have leading 0s");
    assert_problem(ip_check(S("::ffff:1.2.3.4"), IP_STRICT, &e), &e,
                   "must not be an IPv4-mapped IPv6 address");
    assert_problem(ip_check(S("::0"), IP_STRICT, &e), &e, NULL);
    assert_problem(ip_check(S("::0"), IP_CANONICAL, &e), &e, "must be in canonical form");
    assert_problem(cidr_check(S("10.0.0.0/8"), IP_CANONICAL, &e), &e, NULL);
    assert_problem(cidr_check(S("10.0.0.0"), IP_LEGACY, &e), &e, "must be a valid CIDR value");
    assert_problem(cidr_check(S("10.0.0.0/08"), IP_STRICT, &e), &e, "must not have leading 0s");
    assert_problem(cidr_check(S("::ffff:1.2.3.0/120"), IP_STRICT, &e), &e, "IPv4-mapped");
    assert_problem(cidr_check(S("10.0.0.1/8"), IP_STRICT, &e), &e, "bits set beyond the prefix length");
    assert_problem(cidr_check(S("10.0.0.1/8"), IP_LEGACY, &e), &e, NULL);
    assert_problem(cidr_check(S("::0/0"), IP_CANONICAL, &e), &e, "must be in canonical form");
    assert_int_equal(ip_check(S("x"), IP_LEGACY, NULL), ERR_INVALID);
}

TEST(test_ip__bytes_there_and_back) {
    uint8_t bytes[16];
    assert_int_equal(ip_to_bytes(ip("1.2.3.4"), bytes), 4);
    assert_memory_equal(bytes, "\1\2\3\4", 4);
    assert_ip(ip_from_bytes(bytes, 4), "1.2.3.4");
    assert_int_equal(ip_to_bytes(ip("102:304:506:708:90a:b0c:d0e:f10"), bytes), 16);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(bytes[i], i + 1);
    assert_ip(ip_from_bytes(bytes, 16), "102:304:506:708:90a:b0c:d0e:f10");
    assert_int_equal(ip_to_bytes((struct ip){0}, bytes), 0);
    assert_ip((struct ip){0}, "");
    assert_cidr((struct cidr){0}, "");
    assert_aborts(ip_from_bytes(bytes, 5));
}

TEST(test_ip__order) {
    static const char *const ascending[] = {
        "0.0.0.0", "1.2.3.4", "255.255.255.255", "::", "::1", "0:0:0:1::", "ffff::"};
    for (size_t i = 0; i < COUNT(ascending); i++) {
        for (size_t j = 0; j < COUNT(ascending); j++) {
            assert_int_equal(ip_cmp(ip(ascending[i]), ip(ascending[j])), (i > j) - (i < j));
            assert_int_equal(ip_equal(ip(ascending[i]), ip(ascending[j])), i == j);
        }
    }
    assert_true(cidr_cmp(cidr("10.0.0.0/8"), cidr("10.0.0.0/9")) < 0);
    assert_true(cidr_cmp(cidr("10.1.0.0/16"), cidr("10.0.0.0/8")) > 0);
    assert_true(cidr_cmp(cidr("10.1.2.3/8"), cidr("10.0.0.0/8")) == 0);
}

TEST(test_ip__kinds_of_addresses) {
    static const struct {
        const char *text;
        bool unspecified, loopback, link_local, link_local_multicast, multicast, private;
    } table[] = {
        {"0.0.0.0", .unspecified = true},
        {"::", .unspecified = true},
        {"127.0.0.1", .loopback = true},
        {"127.255.255.255", .loopback = true},
        {"128.0.0.0"},
        {"126.255.255.255"},
        {"::1", .loopback = true},
        {"::2"},
        {"169.254.0.0", .link_local = true},
        {"169.255.0.0"},
        {"fe80::1", .link_local = true},
        {"febf::", .link_local = true},
        {"fec0::"},
        {"224.0.0.1", .link_local_multicast = true, .multicast = true},
        {"224.0.1.0", .multicast = true},
        {"239.255.255.255", .multicast = true},
        {"240.0.0.0"},
        {"ff02::1", .link_local_multicast = true, .multicast = true},
        {"ff12::1", .link_local_multicast = true, .multicast = true},
        {"ff05::1", .multicast = true},
        {"10.1.2.3", .private = true},
        {"172.16.0.0", .private = true},
        {"172.31.255.255", .private = true},
        {"172.32.0.0"},
        {"192.168.1.1", .private = true},
        {"192.169.1.1"},
        {"fc00::", .private = true},
        {"fdff::", .private = true},
        {"fe00::"},
        {"8.8.8.8"},
        {"2001:db8::1"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip a = ip(table[i].text);
        assert_int_equal(ip_is_unspecified(a), table[i].unspecified);
        assert_int_equal(ip_is_loopback(a), table[i].loopback);
        assert_int_equal(ip_is_link_local(a), table[i].link_local);
        assert_int_equal(ip_is_link_local_multicast(a), table[i].link_local_multicast);
        assert_int_equal(ip_is_multicast(a), table[i].multicast);
        assert_int_equal(ip_is_private(a), table[i].private);
    }
    struct ip none = {0};
    assert_false(ip_is_unspecified(none) || ip_is_loopback(none) || ip_is_link_local(none) ||
                 ip_is_link_local_multicast(none) || ip_is_multicast(none) || ip_is_private(none));
}

TEST(test_ip__adds) {
    struct ip a = {0};
    assert_true(ip_add(ip("10.0.0.255"), 1, &a));
    assert_ip(a, "10.0.1.0");
    assert_true(ip_add(ip("255.255.255.254"), 1, &a));
    assert_ip(a, "255.255.255.255");
    assert_false(ip_add(ip("255.255.255.255"), 1, &a));
    assert_false(ip_add(ip("1.0.0.0"), UINT64_MAX, &a));
    assert_true(ip_add(ip("::ffff:ffff:ffff:ffff"), 1, &a));
    assert_ip(a, "0:0:0:1::");
    assert_false(ip_add(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1, &a));
    assert_ip(a, "0:0:0:1::");
}

TEST(test_ip__networks_have_ends) {
    assert_ip(cidr_first(cidr("10.1.2.3/8")), "10.0.0.0");
    assert_ip(cidr_last(cidr("10.1.2.3/8")), "10.255.255.255");
    assert_ip(cidr_last(cidr("1.2.3.4/32")), "1.2.3.4");
    assert_ip(cidr_last(cidr("0.0.0.0/0")), "255.255.255.255");
    assert_ip(cidr_last(cidr("::/0")), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_ip(cidr_first(cidr("2001:db8::1/64")), "2001:db8::");
    assert_ip(cidr_last(cidr("2001:db8::1/112")), "2001:db8::ffff");
}

TEST(test_ip__service_addresses_leave_out_the_ends) {
    static const struct {
        const char *cidr, *first, *last;
        uint64_t size;
    } table[] = {
        {"10.96.0.0/12", "10.96.0.1", "10.111.255.254", 1048574},
        {"10.0.0.0/30", "10.0.0.1", "10.0.0.2", 2},
        {"10.0.0.0/31", NULL, NULL, 0},
        {"10.0.0.0/32", NULL, NULL, 0},
        {"0.0.0.0/32", NULL, NULL, 0},
        {"255.255.255.255/32", NULL, NULL, 0},
        {"fd00::/112", "fd00::1", "fd00::ffff", 65535},
        {"fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff", UINT64_MAX},
        {"fd00::/127", "fd00::1", "fd00::1", 1},
        {"fd00::/128", NULL, NULL, 0},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct ip_range r;
        assert_int_equal(cidr_hosts(cidr(table[i].cidr), &r), table[i].first != NULL);
        if (!table[i].first)
            continue;
        assert_ip(r.first, table[i].first);
        assert_ip(r.last, table[i].last);
        assert_int_equal(ip_range_size(r), table[i].size);
    }
}

TEST(test_ip__containment) {
    assert_true(cidr_contains(cidr("10.0.0.0/8"), ip("10.255.0.1")));
    assert_false(cidr_contains(cidr("10.0.0.0/8"), ip("11.0.0.0")));
    assert_false(cidr_contains(cidr("0.0.0.0/0"), ip("::")));
    assert_false(cidr_contains(cidr("::/0"), ip("1.2.3.4")));
    assert_true(cidr_contains(cidr("::/0"), ip("ffff::")));
    assert_true(cidr_contains_cidr(cidr("10.0.0.0/8"), cidr("10.1.0.0/16")));
    assert_true(cidr_contains_cidr(cidr("10.0.0.0/8"), cidr("10.0.0.0/8")));
    assert_false(cidr_contains_cidr(cidr("10.1.0.0/16"), cidr("10.0.0.0/8")));
    assert_true(cidr_overlaps(cidr("10.1.0.0/16"), cidr("10.0.0.0/8")));
    assert_true(cidr_overlaps(cidr("10.0.0.0/8"), cidr("10.1.0.0/16")));
    assert_false(cidr_overlaps(cidr("10.1.0.0/16"), cidr("10.2.0.0/16")));
    assert_false(cidr_overlaps(cidr("0.0.0.0/0"), cidr("::/0")));
}

TEST(test_ip__subnets) {
    struct cidr c = {0};
    assert_true(cidr_subnet(cidr("10.244.0.0/16"), 24, 0, &c));
    assert_cidr(c, "10.244.0.0/24");
    assert_true(cidr_subnet(cidr("10.244.7.7/16"), 24, 255, &c));
    assert_cidr(c, "10.244.255.0/24");
    assert_false(cidr_subnet(cidr("10.244.0.0/16"), 24, 256, &c));
    assert_true(cidr_subnet(cidr("10.244.0.0/16"), 16, 0, &c));
    assert_cidr(c, "10.244.0.0/16");
    assert_false(cidr_subnet(cidr("10.244.0.0/16"), 16, 1, &c));
    assert_false(cidr_subnet(cidr("10.244.0.0/16"), 15, 0, &c));
    assert_false(cidr_subnet(cidr("10.244.0.0/16"), 33, 0, &c));
    assert_true(cidr_subnet(cidr("fd00::/48"), 64, 0xffff, &c));
    assert_cidr(c, "fd00:0:0:ffff::/64");
    assert_true(cidr_subnet(cidr("::/0"), 128, UINT64_MAX, &c));
    assert_cidr(c, "::ffff:ffff:ffff:ffff/128");
}

TEST(test_ip__ranges) {
    struct ip_range r = {ip("10.0.0.10"), ip("10.0.0.20")};
    assert_true(ip_range_contains(r, ip("10.0.0.10")));
    assert_true(ip_range_contains(r, ip("10.0.0.20")));
    assert_false(ip_range_contains(r, ip("10.0.0.9")));
    assert_false(ip_range_contains(r, ip("10.0.0.21")));
    assert_false(ip_range_contains(r, ip("::a")));
    assert_int_equal(ip_range_size(r), 11);
    assert_int_equal(ip_range_index(r, ip("10.0.0.13")), 3);
    assert_aborts(ip_range_index(r, ip("10.0.0.9")));
    r = cidr_range(cidr("::/0"));
    assert_int_equal(ip_range_size(r), UINT64_MAX);
    assert_int_equal(ip_range_index(r, ip("::5")), 5);
    assert_int_equal(ip_range_index(r, ip("1::")), UINT64_MAX);
    assert_int_equal(ip_range_size(cidr_range(cidr("0.0.0.0/0"))), UINT64_C(1) << 32);
}

/* The C library reads and prints IPv6 alike, but for IPv4-mapped and -compatible addresses. */
TEST(test_ip__property_agrees_with_the_c_library) {
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[16];
        rand_fill(r, bytes, sizeof bytes);
        for (int k = 0; k < 8; k++)
            if (rand_chance(r, 0.5))
                memset(bytes + 2 * k, 0, 2);
        bytes[0] |= 1;
        size_t size = rand_chance(r, 0.3) ? 4 : 16;
        char expected[INET6_ADDRSTRLEN], text[IP_TEXT_MAX];
        assert_non_null(inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, expected, sizeof expected));
        struct ip a = ip_from_bytes(bytes, size), back;
        size_t n = ip_format(a, text);
        assert_string_equal(text, expected);
        assert_true(ip_parse(str_make(text, n), IP_CANONICAL, &back));
        assert_true(ip_equal(a, back));
    }
}

TEST(test_ip__property_random_text_is_read_like_the_c_library) {
    static const char chars[] = "0123af:::..";
    struct rand_seeded seeded;
    struct rand *r = rand_seeded_init(&seeded, unit_seed());
    int accepted = 0;
    for (int i = 0; i < 200000; i++) {
        char text[24];
        size_t n = rand_below(r, sizeof text - 1);
        for (size_t k = 0; k < n; k++)
            text[k] = chars[rand_below(r, rand_chance(r, 0.1) ? sizeof chars - 1 : 9)];
        text[n] = '\0';
        uint8_t theirs[16], ours[16];
        int family = memchr(text, ':', n) ? AF_INET6 : AF_INET;
        bool expected = inet_pton(family, text, theirs) == 1;
        struct ip a;
        bool mapped = expected && family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((struct in6_addr *)theirs);
        if (ip_parse(str_make(text, n), IP_STRICT, &a) != (expected && !mapped))
            fail_msg("'%s'", text);
        if (!expected || mapped)
            continue;
        accepted++;
        assert_memory_equal(ours, theirs, ip_to_bytes(a, ours));
    }
    assert_true(accepted > 100);
}
