/* api/apply: merging an applied configuration into a live object, by schema.
 *
 * The parts of server-side apply that know about values and not about managers; managed.h puts them together.
 * Values are read through refs (either form) and results are trees that borrow from their inputs. Untyped
 * values work too: maps are granular, lists atomic.
 *
 * CONFORMS: KEP-555 and structured-merge-diff: granular maps and structs merge member by member, lists with
 * keys item by item, sets by value; everything atomic is replaced. Any thread; the arena belongs to the
 * caller.
 */
#pragma once

#include "api/fieldset.h"

/* What is wrong with a configuration, at most this many. */
#define APPLY_PROBLEMS_MAX 20

/* Checks an applied configuration against the schema: unknown fields, wrong types, list items without their
 * keys or there twice. ERR_INVALID with the first problem; *ret_all (may be NULL) gets all of them as text,
 * one a line when there are several. */
int apply_check(struct arena *a, struct ref config, struct str *ret_all, struct err *err);

/* live with config laid over it. Where both are lists with keys or sets, the items of config come in its
 * order and the others keep their place among them; null in config leaves a map or list that is not empty as
 * it is. */
struct jval apply_merge(struct arena *a, struct ref live, struct ref config);

/* v without the members and items that are members of the set; what becomes empty stays as {} or []. */
struct jval apply_remove(struct arena *a, struct ref v, const struct fieldset *remove);
