/* codec/url: percent-encoding and queries. Pure; results live in the arena. Any thread.
 *
 * CONFORMS: RFC 3986 2.1; application/x-www-form-urlencoded for queries, where '+' is a space.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct arena;

/* Decodes a path. False on a malformed escape; *ret is untouched then. */
bool url_decode(struct arena *a, struct str text, struct str *ret);

/* Decodes a name or a value of a query, where '+' is a space. False as above. */
bool url_decode_query(struct arena *a, struct str text, struct str *ret);

/* The first value of a name in a raw query ("a=b&c"), decoded; STR_NONE when it is not there. Pairs that are
 * malformed are passed over. */
struct str url_query(struct arena *a, struct str query, struct str name);
