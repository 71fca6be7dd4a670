/* test/unit/dns: objects for the zone, queries, and answers as text. */
#pragma once

#include "base/buf.h"
#include "dns/wire.h"
#include "dns/zone.h"

/* A query for a name in text form, as bytes; returns the length. edns: bytes offered, 0: none. */
size_t world_query(uint8_t *out, uint16_t id, const char *name, uint16_t type, uint16_t edns);
struct dns_query world_read(const uint8_t *p, size_t n);

/* A message as text, without the id: "NOERROR aa; a.b. A 1.2.3.4; …", sections by "|". */
void world_print(const uint8_t *p, size_t n, struct buf *out);

void world_put_service(struct dns_zone *z, const char *json);
void world_put_slice(struct dns_zone *z, const char *json);

/* What the zone answers. */
void world_ask(struct dns_zone *z, const char *name, uint16_t type, struct buf *out);
