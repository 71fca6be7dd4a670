/* network/nft_priv: attributes of nfnetlink messages, shared by the files of nft.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "network/nft.h"

void nft_message_begin(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id);
void nft_message_end(struct nft_batch *b);
void nft_put(struct nft_batch *b, uint16_t type, const void *data, size_t n);
void nft_put_u32(struct nft_batch *b, uint16_t type, uint32_t v); /* in network order */
void nft_put_text(struct nft_batch *b, uint16_t type, const char *text);
void nft_put_data(struct nft_batch *b, uint16_t type, const void *data, size_t n);
void nft_put_verdict(struct nft_batch *b, uint16_t type, int verdict, const char *chain);
size_t nft_nest(struct nft_batch *b, uint16_t type);
void nft_unnest(struct nft_batch *b, size_t at);
