/* What documents.c and discovery.c share. */
#pragma once

#include "apiserver/documents.h"

struct buf;

/* Appends the aggregated document; version: "v2" or "v2beta1". */
void discovery_write_aggregated(struct buf *out, bool core, struct str version);
