/* apiserver/alloc_ip: ClusterIPs: which addresses services have.
 *
 * An address is taken when an IPAddress object of that name exists, when a stored service has it, or while a
 * call that wants it is under way. What is stored is the truth: at start (and now and then)
 * service_ips_repair compares services with IPAddress objects, makes those that are missing and deletes those
 * whose service is gone. So a crash between the two writes leaves nothing behind.
 *
 * Addresses that clients do not choose come from the upper part of the range first; the lower part (16 to 256
 * addresses) is left for those who do. CONFORMS: KEP-3070, KEP-1880 (objects and their labels).
 *
 * Any thread; decisions are made under one lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/ip.h"
#include "base/str.h"

struct apiserver;
struct err;
struct service_ips;

/* range: one network, or one of each family with a comma between them; the first is the primary family. */
int service_ips_new(struct apiserver *server, struct str range, struct service_ips **ret, struct err *err);
void service_ips_free(struct service_ips *s);

/* 4 or 6; i = 0 is the primary. 0: there is no such. */
int service_ips_family(const struct service_ips *s, unsigned i);
static inline bool service_ips_has_family(const struct service_ips *s, int family) {
    return service_ips_family(s, 0) == family || service_ips_family(s, 1) == family;
}
/* The network that the server was started with. */
struct cidr service_ips_range(const struct service_ips *s, int family);

/* Takes an address for a call, until service_ips_drop or service_ips_stored. holder: anything that names the
 * call; what it holds already it may take again. ERR_EXISTS, ERR_INVALID (in no range), ERR_NO_SPACE with
 * upstream's texts. */
int service_ips_take(struct service_ips *s, struct ip ip, const void *holder, struct err *err);
int service_ips_take_any(struct service_ips *s, int family, const void *holder, struct ip *ret_ip,
                         struct err *err);

/* Forgets what the call has taken and was not stored. */
void service_ips_drop(struct service_ips *s, const void *holder);

/* The service has the address now (its IPAddress object is made), or no longer (it is deleted). */
void service_ips_stored(struct service_ips *s, struct ip ip, struct str ns, struct str name);
void service_ips_released(struct service_ips *s, struct ip ip, struct str ns, struct str name);

/* Reads all services and IPAddress objects; see above. Does not block: writes are queued. */
void service_ips_repair(struct service_ips *s);

/* Addresses in use, for tests and metrics. */
uint64_t service_ips_count(struct service_ips *s);
