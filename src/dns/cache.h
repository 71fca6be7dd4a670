/* dns/cache: answers of other servers, for as long as they said.
 *
 * Bounded in number and bytes; what was used least recently goes first. Keyed by name (lower case), type,
 * class and whether DNSSEC records were asked for. Denials are kept as long as their SOA says, failures a few
 * seconds. One thread; the cache owns its copies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/wire.h"

struct dns_cache;

#define DNS_CACHE_ENTRIES 10000u
#define DNS_CACHE_BYTES (8u * 1024 * 1024)
#define DNS_CACHE_TTL_MAX 3600u
#define DNS_CACHE_DENIAL_MAX 1800u
#define DNS_CACHE_FAILURE 5u

struct dns_cache *dns_cache_new(size_t entries_max, size_t bytes_max); /* 0: the above */
void dns_cache_free(struct dns_cache *c);

/* The answer to this query as a whole message (id and question of this query, times to live counted down, OPT
 * when the query has one), cut to the limit. 0 when there is none. */
size_t dns_cache_get(struct dns_cache *c, const struct dns_query *q, int64_t now_ns, uint8_t *out,
                     size_t limit);

/* Keeps the message, an answer to this query that was checked by dns_answer_check; nothing when it says not
 * to. */
void dns_cache_put(struct dns_cache *c, const struct dns_query *q, const uint8_t *p, size_t n,
                   int64_t now_ns);

size_t dns_cache_entries(const struct dns_cache *c);
size_t dns_cache_bytes(const struct dns_cache *c);

/* Whether all of a message can be read, and it answers this query: same question, and a response. */
bool dns_answer_check(const struct dns_query *q, const uint8_t *p, size_t n);

/* Makes of such a message the answer to a client: its id, flags and question, without OPT records of others;
 * times to live less `age` seconds. Returns the length, within the limit (cut with TC). */
size_t dns_answer_pass(const struct dns_query *q, const uint8_t *p, size_t n, uint32_t age, uint8_t *out,
                       size_t limit);
