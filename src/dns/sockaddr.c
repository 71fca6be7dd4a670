/* See sockaddr.h. */
#include "dns/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

socklen_t dns_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *ret) {
    uint8_t bytes[16];
    size_t n = ip_to_bytes(ip, bytes);
    memset(ret, 0, sizeof *ret);
    if (n == 4) {
        struct sockaddr_in *a = (struct sockaddr_in *)ret;
        a->sin_family = AF_INET;
        a->sin_port = htons(port);
        memcpy(&a->sin_addr, bytes, 4);
        return sizeof *a;
    }
    struct sockaddr_in6 *a = (struct sockaddr_in6 *)ret;
    a->sin6_family = AF_INET6;
    a->sin6_port = htons(port);
    memcpy(&a->sin6_addr, bytes, 16);
    return sizeof *a;
}

uint16_t dns_sockaddr_port(const struct sockaddr_storage *a) {
    return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
                                         : ((const struct sockaddr_in6 *)a)->sin6_port);
}
