/* IP addresses and networks: a stricter form accepts no more and means the same; what is printed is
 * canonical and reads back. */
#include "api/ip.h"
#include "fuzz/fuzz.h"

static void fuzz_address(struct str text) {
    struct ip legacy, strict, back;
    char out[IP_TEXT_MAX];
    if (!ip_parse(text, IP_LEGACY, &legacy)) {
        must(!ip_parse(text, IP_STRICT, &strict));
        return;
    }
    must(!ip_parse(text, IP_STRICT, &strict) || ip_equal(legacy, strict));
    size_t n = ip_format(legacy, out);
    must(n < sizeof out && ip_parse(str_make(out, n), IP_CANONICAL, &back) && ip_equal(legacy, back));
    must(ip_parse(text, IP_CANONICAL, &back) == str_eq(text, str_make(out, n)));
}

static void fuzz_network(struct str text) {
    struct cidr c, back;
    struct ip_range hosts;
    char out[CIDR_TEXT_MAX];
    if (!cidr_parse(text, IP_LEGACY, &c))
        return;
    must(cidr_contains(c, c.ip) && cidr_contains(c, cidr_first(c)) && cidr_contains(c, cidr_last(c)));
    must(ip_cmp(cidr_first(c), cidr_last(c)) <= 0);
    must(cidr_overlaps(c, c) && cidr_contains_cidr(c, c));
    if (cidr_hosts(c, &hosts))
        must(cidr_contains(c, hosts.first) && cidr_contains(c, hosts.last) && ip_range_size(hosts) > 0);
    size_t n = cidr_format(c, out);
    must(n < sizeof out && cidr_parse(str_make(out, n), IP_LEGACY, &back));
    must(cidr_cmp(c, back) == 0 && ip_equal(c.ip, back.ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_address(fuzz_text(data, n));
    fuzz_network(fuzz_text(data, n));
    return 0;
}
