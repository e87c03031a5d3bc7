// SPDX-License-Identifier: GPL-2.0-only
#include "bpf_iter_run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int bpf_iter_run(const struct bpf_program *prog, union bpf_iter_link_info *info, char **data,
		 size_t *size)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, opts);
	struct bpf_link *link;
	size_t len = 0, room = 0;
	char *buf = NULL;
	int fd, err = 0;

	if (info) {
		opts.link_info = info;
		opts.link_info_len = sizeof(*info);
	}
	link = bpf_program__attach_iter(prog, &opts);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0) {
		err = -errno;
		goto out_link;
	}

	for (;;) {
		ssize_t got;

		if (room - len < 4096) {
			char *grown = realloc(buf, room = room * 2 + 65536);

			if (!grown) {
				err = -ENOMEM;
				break;
			}
			buf = grown;
		}
		got = read(fd, buf + len, room - len);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		len += got;
	}
	close(fd);
out_link:
	bpf_link__destroy(link);
	if (err) {
		free(buf);
		return err;
	}
	*data = buf;
	*size = len;
	return 0;
}
