// SPDX-License-Identifier: GPL-2.0-only
/*
 * control: what may be done to the module's control file, and what may not.
 *
 *   control run LINE...   writes each and prints what came of it: "LINE: ok" or the errno's name.
 *                         "+LINE" is written by a second opener, "=SECONDS" waits, "-" closes the
 *                         first opener's file and opens it anew, "?TEXT" prints how many lines that
 *                         begin so are read by a third. Without any, those of stdin.
 *   control raw BYTES...  the same without the newline, and with \0 for a zero byte
 *   control fuzz SEED N KFUNC
 *                         N random writes: commands, KFUNC among them, with something wrong and
 *                         without, and plain garbage; and as many readings. Prints how many were
 *                         accepted and how many readings were of a counting
 *   control tiny          reads with small buffers; prints where they differ from a large one
 *   control as-nobody     opens it without privileges
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL	 "/dev/kfunctrace"
#define MAX_TEXT (1 << 22)

static int open_control(void)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "control: cannot open " CONTROL ": %s\n", strerror(errno));
		exit(2);
	}
	return fd;
}

static void write_and_tell(int fd, const char *bytes, size_t len, const char *shown)
{
	ssize_t done = write(fd, bytes, len);

	if (done < 0)
		printf("%s: %s\n", shown, strerrorname_np(errno));
	else if ((size_t)done < len)
		printf("%s: %zd of %zu\n", shown, done, len);
	else
		printf("%s: ok\n", shown);
}

/* Everything in pieces of a size; without the line that is another at each reading. */
static char *read_all(size_t size)
{
	char *text = malloc(MAX_TEXT), *line;
	int fd = open_control();
	size_t len = 0;
	ssize_t got;

	if (!text)
		exit(2);
	while ((got = read(fd, text + len, size)) > 0 && len + got + size < MAX_TEXT)
		len += got;
	close(fd);
	if (got < 0) {
		fprintf(stderr, "control: cannot read: %s\n", strerror(errno));
		exit(2);
	}
	text[len] = '\0';
	line = strstr(text, "\nnanoseconds ");
	if (line) {
		char *next = strchr(line + 1, '\n');

		memmove(line, next, strlen(next) + 1);
	}
	return text;
}

/* How many lines begin so. */
static int count_lines(const char *beginning)
{
	char *text = read_all(1 << 16);
	int nr = 0;

	for (const char *line = text; *line; line += *line == '\n') {
		nr += strncmp(line, beginning, strlen(beginning)) == 0;
		line += strcspn(line, "\n");
	}
	free(text);
	return nr;
}

static int run(int nr, char **lines)
{
	int first = open_control(), second = open_control();

	for (int i = 0; i < nr; i++) {
		char *line = lines[i], *ended;

		if (*line == '=') {
			usleep(atof(line + 1) * 1e6);
			continue;
		}
		if (strcmp(line, "-") == 0) {
			close(first);
			first = open_control();
			continue;
		}
		if (*line == '?') {
			printf("%s: %d\n", line, count_lines(line + 1));
			continue;
		}
		if (asprintf(&ended, "%s\n", line + (*line == '+')) < 0)
			return 2;
		write_and_tell(*line == '+' ? second : first, ended, strlen(ended), line);
		free(ended);
	}
	return 0;
}

static int run_stdin(void)
{
	int fd = open_control();
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char shown[sizeof(line)];

		snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(line, "\n"), line);
		write_and_tell(fd, line, strlen(line), shown);
	}
	return 0;
}

static int raw(int nr, char **texts)
{
	int fd = open_control();

	for (int i = 0; i < nr; i++) {
		static char bytes[1 << 16];
		size_t len = 0;

		for (const char *at = texts[i]; *at && len < sizeof(bytes); at++) {
			bool zero = at[0] == '\\' && at[1] == '0',
			     end = at[0] == '\\' && at[1] == 'n';

			bytes[len++] = zero ? '\0' : end ? '\n' : *at;
			at += zero || end;
		}
		write_and_tell(fd, bytes, len, texts[i]);
	}
	return 0;
}

/* Every command; %s is the one that adds the kfunc. */
static const char *const seeds[] = {
	"1 begin 4096\n",
	"1 begin 16\n",
	"%s\n",
	"1 kfunc ffffffff81000000 bpf_task_acquire nulls\n",
	"1 kfunc 0 schedule calls\n",
	"1 program 0 26\n",
	"1 program 3 5\n",
	"1 start\n",
	"1 keep\n",
	"1 lines\n",
	"1 forget 12\n",
	"1 end\n",
	"1 begin 64\n1 start\n1 end\n",
	"1 begin 64\n%s\n1 start\n",
	"1 begin 64\n%s\n1 start\n1 keep\n",
};

/* Some of it, from somewhere. Returns 1 when it is of a counting, 0 when not, -1 when it is nonsense. */
static int read_some(int fd)
{
	static char text[4096];
	ssize_t got = pread(fd, text, 1 + random() % (sizeof(text) - 1), random() % 200 * 20);

	if (got < 0)
		return -1;
	got = pread(fd, text, sizeof(text) - 1, 0);
	if (got < 0)
		return -1;
	text[got] = '\0';
	if (strncmp(text, "kfunctrace 1\nstate ", strlen("kfunctrace 1\nstate ")) != 0)
		return -1;
	return strstr(text, "\nstate counting\n") != NULL;
}

static int fuzz(unsigned int seed, int nr, const char *kfunc)
{
	int fd = open_control(), accepted = 0, counting = 0;

	srandom(seed);
	for (int i = 0; i < nr; i++) {
		const char *text = seeds[random() % (sizeof(seeds) / sizeof(seeds[0]))];
		static char bytes[4096];
		int len = snprintf(bytes, sizeof(bytes), text, kfunc), state;

		for (int changes = random() % 4; changes > 0; changes--)
			bytes[random() % len] = random();
		if (random() % 4 == 0)
			len = random() % (len + 1);
		if (random() % 16 == 0) {
			len = random() % sizeof(bytes);
			for (int j = 0; j < len; j++)
				bytes[j] = random();
		}
		accepted += len && write(fd, bytes, len) == len;
		state = read_some(fd);
		if (state < 0) {
			printf("after %d writes what is read is nonsense\n", i + 1);
			return 1;
		}
		counting += state;
		if (random() % 64 == 0) {
			close(fd);
			fd = open_control();
		}
	}
	printf("%d %d\n", accepted, counting);
	return 0;
}

static int tiny(void)
{
	static const size_t sizes[] = { 1, 2, 3, 7, 64, 1000, 4096 };
	char *whole = read_all(1 << 20);
	int status = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *text = read_all(sizes[i]);

		if (strcmp(text, whole) != 0) {
			printf("in pieces of %zu bytes it is another text\n", sizes[i]);
			status = 1;
		}
		free(text);
	}
	printf("%zu bytes\n", strlen(whole));
	free(whole);
	return status;
}

static int as_nobody(void)
{
	int fd;

	/* The mode of the file is one hurdle, the capabilities are the next. */
	if (chmod(CONTROL, 0666) || setgid(65534) || setuid(65534))
		return 2;
	fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	printf("%s\n", fd < 0 ? strerrorname_np(errno) : "ok");
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(command, "run") == 0)
		return argc > 2 ? run(argc - 2, argv + 2) : run_stdin();
	if (strcmp(command, "raw") == 0)
		return raw(argc - 2, argv + 2);
	if (strcmp(command, "fuzz") == 0 && argc == 5)
		return fuzz(atoi(argv[2]), atoi(argv[3]), argv[4]);
	if (strcmp(command, "tiny") == 0)
		return tiny();
	if (strcmp(command, "as-nobody") == 0)
		return as_nobody();
	fputs("usage: control run|raw|fuzz|tiny|as-nobody ...\n", stderr);
	return 2;
}
