/* dns/sockaddr: addresses as sockets want them. Pure; any thread. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "api/ip.h"

/* Returns its length. */
socklen_t dns_sockaddr(struct ip ip, uint16_t port, struct sockaddr_storage *ret);
uint16_t dns_sockaddr_port(const struct sockaddr_storage *a);
