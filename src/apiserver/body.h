/* apiserver/body: what a call brings: from JSON, YAML, protobuf or a packed struct to a new struct.
 *
 * The calling thread's; memory from the call's arena. Texts of the result may point into the call's body.
 * CONFORMS: upstream's decoding of request bodies: which apiVersion and kind fit, fieldValidation with its
 * warnings and errors.
 */
#pragma once

#include "apiserver/call.h"

/* What a body has to be. */
struct body_type {
    struct str api_version; /* "apps/v1" */
    struct str kind;        /* "Deployment" */
    uint16_t type;
    bool any_version; /* apiVersion may be any: DeleteOptions */
};

/* The body that a subresource (or the kind itself, with NULL) takes. */
struct body_type body_type_of(const struct kind *k, const struct kind_subresource *sub);

/* Reads the call's body and fills in defaults; *ret_object may be edited. 0, or an error code and the status
 * to answer with. A body in-process may also have the hub's type. */
int body_read(struct call *c, const struct body_type *want, void **ret_object, struct status **ret_status);
/* The same without defaults. */
int body_decode(struct call *c, const struct body_type *want, void **ret_object, struct status **ret_status);

/* What strict reading complained about, by the call's fieldValidation: nothing, warnings, or ERR_INVALID with
 * *ret_text "strict decoding error: …". */
struct strict_errors;
int body_complaints(struct call *c, const struct strict_errors *strict, struct str *ret_text);
/* Whether complaints are wanted at all. */
bool body_wants_strict(const struct call *c);
