/* store/ack_mark: the last acknowledged revision, kept beside the database in a mapped file. Inside store/
 * only.
 *
 * SQLite takes a damaged or cut write-ahead log for the end of what was written, which would drop
 * acknowledged data silently. The mark lets the next start notice: a log that ends before it is corrupt. It
 * costs a store into memory for each group of commits; the kernel writes it behind, so after a power loss it
 * may be old, which only makes the check weaker, never wrong.
 */
#pragma once

#include <stdint.h>

struct err;
struct ack_mark;

/* Opens or creates `path`. *ret_revision: the mark found, 0 when there was none or it was torn. */
int ack_mark_open(const char *path, struct ack_mark **ret_mark, uint64_t *ret_revision, struct err *err);

void ack_mark_set(struct ack_mark *m, uint64_t revision);

/* NULL is accepted. */
void ack_mark_close(struct ack_mark *m);
