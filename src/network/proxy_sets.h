/* network/proxy_sets: the sets, maps, chains and rules of the service proxy's tables. See proxy.h. */
#pragma once

#include "network/nft.h"
#include "network/packet.h"
#include "network/proxy.h"

#define PROXY_TABLE "coxswain"
#define PROXY_AFFINITY "affinity" /* client . frontend → endpoint; rules fill it */
#define PROXY_REJECT "reject"

struct nft_set_spec proxy_set_spec(const struct packet_family *f, enum proxy_set set);

/* The table without services: sets, base chains and their rules. */
void proxy_table_add(struct nft_batch *b, const struct packet_family *f, const struct proxy_config *c);

/* The chain of a class, and the way to it. */
void proxy_class_add(struct nft_batch *b, const struct packet_family *f, const struct proxy_class *c);
void proxy_class_remove(struct nft_batch *b, const struct proxy_class *c);
