/* Messages of clients and of other servers: the first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dns/cache.h"
#include "dns/zone.h"
#include "fuzz/fuzz.h"

static void fuzz_query(const uint8_t *p, size_t n) {
    static struct dns_zone *zone;
    uint8_t out[DNS_UDP_BYTES];
    char text[DNS_NAME_TEXT_MAX];
    struct dns_query q;
    if (!zone) {
        zone = dns_zone_new(&(struct dns_zone_options){.domain = S("a")});
        dns_zone_put_namespace(zone, S("b"));
        dns_zone_set_namespaces_known(zone);
    }
    if (dns_read_query(p, n, &q) != DNS_NOERROR)
        return;
    (void)dns_name_to_text(q.name, q.name_bytes, text);
    size_t w = dns_zone_has(zone, &q) ? dns_zone_answer(zone, &q, out, sizeof out)
                                      : dns_zone_answer_reverse(zone, &q, out, sizeof out);
    check(w <= sizeof out);
}

/* The first bytes are the query, the rest an answer to it. */
static void fuzz_answer(const uint8_t *p, size_t n) {
    size_t head = n ? p[0] : 0;
    uint8_t out[DNS_UDP_BYTES_MAX];
    struct dns_query q;
    if (n < 1 + head || dns_read_query(p + 1, head, &q) != DNS_NOERROR)
        return;
    const uint8_t *answer = p + 1 + head;
    size_t answer_n = n - 1 - head;
    if (!dns_answer_check(&q, answer, answer_n))
        return;
    struct dns_cache *c = dns_cache_new(2, 0);
    check(dns_answer_pass(&q, answer, answer_n, 1, out, DNS_UDP_BYTES) <= DNS_UDP_BYTES);
    dns_cache_put(c, &q, answer, answer_n, 0);
    check(dns_cache_get(c, &q, 0, out, sizeof out) <= sizeof out);
    dns_cache_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size && data[0] & 1)
        fuzz_answer(data + 1, size - 1);
    else if (size)
        fuzz_query(data + 1, size - 1);
    return 0;
}
