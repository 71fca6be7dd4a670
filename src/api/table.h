/* api/table: objects as table rows, as the server prints them for kubectl get.
 *
 * Cells are made from objects of a kind's hub version (convert others first). A column whose cell is just a
 * field says so in the schema; others have a function in table_*.c, registered by type and column name. Time
 * is the caller's. Pure; any thread.
 *
 * CONFORMS: meta/v1 Table: wide columns are always sent, the client hides them.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct buf;
struct kind;

/* Appends the JSON of columnDefinitions: [{"name":…,"type":…,"format":…,"description":…,"priority":…}, …]. */
void table_columns(struct buf *out, const struct kind *k);

/* Appends the JSON of one row's cells: ["web-0","1/1",…]. object: packed struct of the hub's type. now_ns:
 * wall clock. */
void table_cells(struct buf *out, const struct kind *k, const void *object, int64_t now_ns);

/* Appends the JSON of a row's conditions, ,"conditions":[…] with the comma, or nothing. Pods that ended have
 * one. */
void table_row_conditions(struct buf *out, const struct kind *k, const void *object);
