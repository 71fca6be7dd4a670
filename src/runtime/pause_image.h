/* runtime/pause_image: the image every sandbox is made of, from the pause program inside this one.
 *
 * It is made in memory and loaded into the runtime, so that a node needs no registry to begin with. Blocking;
 * workers and mains.
 */
#pragma once

struct buf;
struct err;
struct image_loader;

/* The number goes up with every change of the program or the image. */
#define PAUSE_IMAGE "coxswain.local/pause:1"

/* Appends the image as an OCI layout in a tar archive. The same bytes every time. */
void pause_image_write(struct buf *out);

/* Loads it unless the runtime has it already. */
int pause_image_ensure(const struct image_loader *l, struct err *err);
