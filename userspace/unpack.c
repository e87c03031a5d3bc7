// SPDX-License-Identifier: GPL-2.0-only
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "message.h"

void unpack__allow_filters(struct archive *archive)
{
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
}

static bool begins_with(const void *data, size_t size, const void *magic, size_t len)
{
	return size >= len && memcmp(data, magic, len) == 0;
}

bool unpack__is_packed(const void *data, size_t size)
{
	static const struct {
		const char *bytes;
		size_t len;
	} magics[] = {
		{ "\xfd"
		  "7zXZ\0",
		  6 },
		{ "\x28\xb5\x2f\xfd", 4 }, /* zstd */
		{ "\x04\x22\x4d\x18", 4 }, /* lz4 */
		{ "\x02\x21\x4c\x18", 4 }, /* lz4 as kernels use it, the older form */
		{ "\x1f\x8b", 2 },	   /* gzip */
		{ "BZh", 3 },
		{ "\x5d\0\0", 3 }, /* lzma */
	};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (begins_with(data, size, magics[i].bytes, magics[i].len))
			return true;
	}
	return false;
}

/* --- unpacking -------------------------------------------------------------------------------- */

struct buffer {
	char *bytes;
	size_t size, room;
};

static int make_room(struct buffer *buffer, const char *name)
{
	size_t room = buffer->room ? buffer->room * 2 : (size_t)1 << 20;
	char *grown;

	if (buffer->size < buffer->room)
		return 0;
	if (room > UNPACK_MAX) {
		msg__error("%s: unpacks to more than %zu MiB; is it a kernel or a module?", name,
			   UNPACK_MAX >> 20);
		return -EFBIG;
	}
	grown = realloc(buffer->bytes, room);
	if (!grown) {
		msg__error("%s: not enough memory to unpack it", name);
		return -ENOMEM;
	}
	buffer->bytes = grown;
	buffer->room = room;
	return 0;
}

static int complain(struct archive *archive, const char *name)
{
	const char *why = archive_error_string(archive);

	msg__error("%s: cannot be unpacked: %s; is it cut short or damaged?", name,
		   why ?: "unknown error");
	return -EBADMSG;
}

static int read_all(struct archive *archive, const char *name, struct buffer *buffer)
{
	struct archive_entry *entry;
	int err;

	if (archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return complain(archive, name);
	for (;;) {
		la_ssize_t len;

		err = make_room(buffer, name);
		if (err)
			return err;
		len = archive_read_data(archive, buffer->bytes + buffer->size,
					buffer->room - buffer->size);
		if (len < 0)
			return complain(archive, name);
		if (!len)
			return 0;
		buffer->size += len;
	}
}

/* With room for so many bytes to begin with. */
static int unpack_into(const char *name, const void *data, size_t size, size_t room,
		       void **unpacked, size_t *unpacked_size)
{
	struct archive *archive = archive_read_new();
	struct buffer buffer = { .room = room, .bytes = room ? malloc(room) : NULL };
	int err;

	if (!archive || (room && !buffer.bytes)) {
		msg__error("%s: not enough memory to unpack it", name);
		archive_read_free(archive);
		free(buffer.bytes);
		return -ENOMEM;
	}
	unpack__allow_filters(archive);
	archive_read_support_format_raw(archive);
	if (archive_read_open_memory(archive, data, size) != ARCHIVE_OK)
		err = complain(archive, name);
	else
		err = read_all(archive, name, &buffer);
	archive_read_free(archive);
	if (err) {
		free(buffer.bytes);
		return err;
	}
	*unpacked = buffer.bytes;
	*unpacked_size = buffer.size;
	return 0;
}

int unpack__all(const char *name, const void *data, size_t size, void **unpacked,
		size_t *unpacked_size)
{
	return unpack_into(name, data, size, 0, unpacked, unpacked_size);
}

/* --- bzImage ---------------------------------------------------------------------------------- */

/* Documentation/arch/x86/boot.rst in the kernel. */
enum {
	SETUP_SECTORS = 0x1f1, /* one byte */
	BOOT_FLAG = 0x1fe,
	HEADER_MAGIC = 0x202,
	PROTOCOL = 0x206,
	PAYLOAD_OFFSET = 0x248, /* from the end of the setup sectors */
	PAYLOAD_LENGTH = 0x24c,
	HEADER_END = 0x250,
	SECTOR = 512,
	PROTOCOL_WITH_PAYLOAD = 0x208,
};

/* Little-endian, as everything there. */
static unsigned int number_at(const void *data, size_t offset, int bytes)
{
	const unsigned char *at = (const unsigned char *)data + offset;
	unsigned int number = 0;

	while (bytes--)
		number = number << 8 | at[bytes];
	return number;
}

bool bzimage__is(const void *data, size_t size)
{
	return size >= HEADER_END && number_at(data, BOOT_FLAG, 2) == 0xaa55 &&
	       memcmp((const char *)data + HEADER_MAGIC, "HdrS", 4) == 0;
}

int bzimage__unpack(const char *name, const void *data, size_t size, void **unpacked,
		    size_t *unpacked_size)
{
	size_t sectors = number_at(data, SETUP_SECTORS, 1) ?: 4, offset, length, wanted;
	const char *payload;
	int err;

	if (number_at(data, PROTOCOL, 2) < PROTOCOL_WITH_PAYLOAD) {
		msg__error("%s: a kernel image too old to say where its kernel lies", name);
		return -ENOTSUP;
	}
	offset = (sectors + 1) * SECTOR + number_at(data, PAYLOAD_OFFSET, 4);
	length = number_at(data, PAYLOAD_LENGTH, 4);
	if (length < 8 || offset > size || length > size - offset) {
		msg__error("%s: is cut short: its kernel is said to be %zu bytes at %zu, and the "
			   "file has %zu",
			   name, length, offset, size);
		return -EBADMSG;
	}
	payload = (const char *)data + offset;
	if (!unpack__is_packed(payload, length)) {
		msg__error("%s: its kernel is compressed in a way that is not supported (xz, zstd, "
			   "lz4, gzip, bzip2 and lzma are)",
			   name);
		return -ENOTSUP;
	}
	/*
	 * The last word is the size unpacked. It is a part of gzip; behind the others the kernel
	 * has put it, and decompressors take it for garbage.
	 */
	wanted = number_at(payload, length - 4, 4);
	if (payload[0] != '\x1f')
		length -= 4;
	/* One byte more, to see that it is not more. */
	err = unpack_into(name, payload, length, wanted < UNPACK_MAX ? wanted + 1 : 0, unpacked,
			  unpacked_size);
	if (!err && *unpacked_size != wanted) {
		msg__error("%s: its kernel unpacks to %zu bytes instead of %zu; is it damaged?",
			   name, *unpacked_size, wanted);
		free(*unpacked);
		err = -EBADMSG;
	}
	return err;
}
