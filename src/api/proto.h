/* api/proto: API objects (and the messages of CRI, etcd, CSI) as protobuf, by descriptors.
 *
 * CONFORMS: protobuf encoding, upstream's generated marshallers: fields in number order, plain (non-pointer)
 * scalars and structs always written, maps in key order; gRPC types (FIELD_PROTO3) leave zero scalars out.
 * Reading accepts any order, merges repeated messages, skips unknown numbers, refuses truncated input,
 * overlong varints and wrong wire types. Any thread; the arena belongs to the caller.
 */
#pragma once

#include "api/schema.h"

struct arena;
struct buf;
struct err;

#define PROTO_DEPTH_MAX 200u

int api_read_proto(struct arena *a, const struct ty_set *set, uint32_t type, struct str bytes, bool borrow,
                   void **ret_object, struct err *err);
void api_write_proto(struct buf *out, const struct ty_set *set, uint32_t type, const void *object);

/* Size of the encoding, bytes. */
size_t api_proto_size(const struct ty_set *set, uint32_t type, const void *object);

/* The envelope of stored and sent objects: "k8s\0" and runtime.Unknown. */
struct proto_envelope {
    struct str api_version, kind;
    struct str raw; /* the object's own encoding */
    struct str content_encoding, content_type;
};
int proto_envelope_read(struct str bytes, struct proto_envelope *ret_envelope, struct err *err);

/* Appends envelope and object. */
void api_write_envelope(struct buf *out, const struct ty_set *set, uint32_t type, const void *object,
                        struct str api_version, struct str kind);
