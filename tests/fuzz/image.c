// SPDX-License-Identifier: GPL-2.0-only
/* Bytes as a kernel or a module in a file: unpacked, its types and sets read, a snapshot made. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_image.h"
#include "snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_image *image;
	struct snapshot snapshot;
	void *copy = malloc(size ?: 1);

	memcpy(copy, data, size);
	if (kernel_image__open_memory("fuzz", copy, size, &image))
		return 0;
	if (snapshot__of_images(&image, 1, &snapshot) == 0)
		snapshot__free(&snapshot);
	kernel_image__free(image);
	return 0;
}
