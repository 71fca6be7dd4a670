/* Queries that are read, and those that are refused. */
#include "dns/wire.h"

#include "dns_world.h"
#include "unit/unit.h"

TEST(test_wire__reads_a_query) {
    uint8_t in[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 0x1234, "Www.Example.org", DNS_AAAA, 4096));
    assert_int_equal(q.id, 0x1234);
    assert_int_equal(q.type, DNS_AAAA);
    assert_int_equal(q.labels, 3);
    assert_true(q.edns);
    assert_int_equal(q.udp_bytes, 4096);
    assert_memory_equal(q.name, "\3www\7example\3org", 17);
}

TEST(test_wire__refuses_what_is_no_query) {
    uint8_t in[DNS_UDP_BYTES];
    struct dns_query q;
    size_t n = world_query(in, 1, "a.b", DNS_A, 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(dns_read_query(in, i, &q), i < 12 ? DNS_IGNORE : DNS_FORMERR);
    in[2] |= 0x80;
    assert_int_equal(dns_read_query(in, n, &q), DNS_IGNORE); // an answer
    in[2] = 0x10;
    assert_int_equal(dns_read_query(in, n, &q), DNS_NOTIMP);
    in[2] = 0;
    in[5] = 2;
    assert_int_equal(dns_read_query(in, n, &q), DNS_FORMERR);
    in[5] = 1;
    in[12] = 0xc0; // a pointer
    assert_int_equal(dns_read_query(in, n, &q), DNS_FORMERR);
    in[12] = 64;
    assert_int_equal(dns_read_query(in, n, &q), DNS_FORMERR);
}

TEST(test_wire__refuses_bad_options) {
    uint8_t in[DNS_UDP_BYTES];
    struct dns_query q;
    size_t n = world_query(in, 1, "a.b", DNS_A, 512);
    in[n - 5] = 1; // version
    assert_int_equal(dns_read_query(in, n, &q), DNS_BADVERS);
    in[n - 5] = 0;
    in[11] = 2;
    assert_int_equal(dns_read_query(in, n, &q), DNS_FORMERR);
    memcpy(in + n, in + n - 11, 11); // a second one
    assert_int_equal(dns_read_query(in, n + 11, &q), DNS_FORMERR);
}

TEST(test_wire__names_to_text_and_back) {
    uint8_t name[DNS_NAME_MAX];
    char text[DNS_NAME_TEXT_MAX];
    assert_int_equal(dns_name_from_text(S("A.b."), name), 5);
    assert_int_equal(dns_name_to_text(name, 5, text), 4);
    assert_string_equal(text, "a.b.");
    assert_int_equal(dns_name_from_text(S("a..b"), name), 0);
    assert_int_equal(dns_name_from_text(S(".a"), name), 0);
    assert_int_equal(
        dns_name_from_text(S("a-label-that-is-longer-than-the-sixty-three-bytes-which-are-allowed"), name),
        0);
    static const uint8_t odd[] = {3, 'a', '.', ' ', 0};
    (void)dns_name_to_text(odd, sizeof odd, text);
    assert_string_equal(text, "a\\046\\032.");
}

TEST(test_wire__names_that_lead_nowhere_are_skipped_or_refused) {
    static const uint8_t loop[] = {0xc0, 0}, cut[] = {3, 'a', 'b'}, half[] = {0xc0};
    assert_int_equal(dns_skip_name(loop, 2, 0), 2);
    assert_int_equal(dns_skip_name(cut, 3, 0), 0);
    assert_int_equal(dns_skip_name(half, 1, 0), 0);
    assert_int_equal(dns_skip_name(half, 1, 5), 0);
}
