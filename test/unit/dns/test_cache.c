/* What is remembered of others' answers, and for how long. */
#include "dns/cache.h"

#include "dns_world.h"
#include "unit/unit.h"

#define SECOND 1000000000ll

/* An answer with one A record, or a denial with a SOA whose minimum is `ttl`. */
static size_t answer_of(const struct dns_query *q, uint32_t ttl, enum dns_rcode rcode, bool denial,
                        uint8_t *out) {
    struct dns_out o;
    dns_begin(&o, out, DNS_UDP_BYTES, q);
    if (denial) {
        size_t r = dns_record(&o, DNS_HEADER_BYTES, DNS_SOA, 900);
        dns_put(&o, "\0\0", 2);
        for (int i = 0; i < 4; i++)
            dns_put_u32(&o, 1);
        dns_put_u32(&o, ttl);
        (void)dns_record_end(&o, r, &o.authorities);
    } else {
        (void)dns_put_address(&o, DNS_HEADER_BYTES, (struct ip){.family = 4, .lo = 0x01020304}, ttl,
                              &o.answers);
    }
    return dns_finish(&o, q, rcode, DNS_RA);
}

static bool knows(struct dns_cache *c, const struct dns_query *q, int64_t now_ns, uint32_t *ret_ttl) {
    uint8_t out[DNS_UDP_BYTES];
    size_t n = dns_cache_get(c, q, now_ns, out, sizeof out);
    struct dns_record_view r;
    if (n && ret_ttl && dns_read_record(out, n, DNS_HEADER_BYTES + q->question_bytes, &r))
        *ret_ttl = r.ttl;
    return n > 0;
}

TEST(test_cache__answers_live_as_long_as_they_said) {
    struct dns_cache *c = dns_cache_new(0, 0);
    uint8_t in[DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "a.org", DNS_A, 1232));
    uint32_t ttl = 0;
    size_t n = answer_of(&q, 30, DNS_NOERROR, false, out);
    assert_true(dns_answer_check(&q, out, n));
    dns_cache_put(c, &q, out, n, 100 * SECOND);
    assert_true(knows(c, &q, 110 * SECOND, &ttl));
    assert_int_equal(ttl, 20);
    assert_false(knows(c, &q, 130 * SECOND, NULL));
    assert_int_equal(dns_cache_entries(c), 0);
    dns_cache_free(c);
}

TEST(test_cache__denials_live_as_long_as_their_soa_says) {
    struct dns_cache *c = dns_cache_new(0, 0);
    uint8_t in[DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "a.org", DNS_A, 0));
    dns_cache_put(c, &q, out, answer_of(&q, 10, DNS_NXDOMAIN, true, out), 0);
    assert_true(knows(c, &q, 9 * SECOND, NULL));
    assert_false(knows(c, &q, 10 * SECOND, NULL));
    struct dns_out o;
    dns_begin(&o, out, sizeof out, &q);
    dns_cache_put(c, &q, out, dns_finish(&o, &q, DNS_NXDOMAIN, 0), 0); // without a SOA
    assert_false(knows(c, &q, 0, NULL));
    dns_cache_free(c);
}

TEST(test_cache__failures_and_parts_are_not_kept_long) {
    struct dns_cache *c = dns_cache_new(0, 0);
    uint8_t in[DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "a.org", DNS_A, 0));
    dns_cache_put(c, &q, out, answer_of(&q, 300, DNS_SERVFAIL, false, out), 0);
    assert_true(knows(c, &q, 4 * SECOND, NULL));
    assert_false(knows(c, &q, 5 * SECOND, NULL));
    size_t n = answer_of(&q, 300, DNS_NOERROR, false, out);
    out[2] |= DNS_TC >> 8;
    dns_cache_put(c, &q, out, n, 0);
    assert_false(knows(c, &q, 0, NULL));
    dns_cache_free(c);
}

TEST(test_cache__the_longest_unused_goes_first) {
    struct dns_cache *c = dns_cache_new(2, 0);
    uint8_t in[3][DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q[3];
    for (int i = 0; i < 3; i++) {
        char name[] = "a.org";
        name[0] = (char)('a' + i);
        q[i] = world_read(in[i], world_query(in[i], 1, name, DNS_A, 0));
        dns_cache_put(c, &q[i], out, answer_of(&q[i], 300, DNS_NOERROR, false, out), 0);
        assert_true(knows(c, &q[0], 0, NULL));
    }
    assert_false(knows(c, &q[1], 0, NULL));
    assert_true(knows(c, &q[2], 0, NULL));
    assert_int_equal(dns_cache_entries(c), 2);
    dns_cache_free(c);
}

TEST(test_cache__types_and_dnssec_are_apart) {
    struct dns_cache *c = dns_cache_new(0, 0);
    uint8_t in[DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "a.org", DNS_A, 1232)), other = q;
    dns_cache_put(c, &q, out, answer_of(&q, 300, DNS_NOERROR, false, out), 0);
    other.dnssec_ok = true;
    assert_false(knows(c, &other, 0, NULL));
    other = q;
    other.type = DNS_AAAA;
    assert_false(knows(c, &other, 0, NULL));
    dns_cache_free(c);
}

TEST(test_cache__answers_to_other_questions_are_told_apart) {
    uint8_t in[DNS_UDP_BYTES], other_in[DNS_UDP_BYTES], out[DNS_UDP_BYTES];
    struct dns_query q = world_read(in, world_query(in, 1, "a.org", DNS_A, 0));
    struct dns_query other = world_read(other_in, world_query(other_in, 1, "b.org", DNS_A, 0));
    size_t n = answer_of(&q, 1, DNS_NOERROR, false, out);
    assert_true(dns_answer_check(&q, out, n));
    assert_false(dns_answer_check(&other, out, n));
    assert_false(dns_answer_check(&q, out, n - 1));
    assert_false(dns_answer_check(&q, in, n));
    out[13] = 'A';
    assert_true(dns_answer_check(&q, out, n)); // case does not matter
}
