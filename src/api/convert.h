/* api/convert: an object of one version as an object of another version of the same kind.
 *
 * Fields are matched by name, whatever the nesting of their types; what has another name or another shape in
 * the other version is in tables of renamed fields and rules (convert_*.c). Versions of one kind convert
 * without loss, through annotations where the older version has no place for something; kinds whose stored
 * form is their hub (kind.h) convert at the door. Any thread.
 */
#pragma once

#include "api/schema.h"

struct arena;
struct err;

/* The result shares what is equal in both versions with `from`, which must outlive it and stay unchanged.
 * apiVersion, where there is one, becomes that of the new type. ERR_UNSUPPORTED when the types are not
 * versions of one kind; ERR_TOO_LARGE when the object is nested too deeply. */
int api_convert(struct arena *a, const struct ty_set *set, uint32_t from_type, const void *from,
                uint32_t to_type, void **ret_to, struct err *err);

/* Whether two types are the same or versions of one kind. */
bool api_convertible(const struct ty_set *set, uint32_t from_type, uint32_t to_type);
