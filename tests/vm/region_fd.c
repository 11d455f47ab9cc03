/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region fd is a handle for mapping and for what concerns the file as a
 * whole: it can be passed on, it closes on exec, and it is no way to the bytes
 * or to a change of the backing.
 */
#include "vmtest.h"

#include <sys/socket.h>

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	CHECK_EQ(sendmsg(sock, &msg, 0), 1);
}

static void receiver(void *arg)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	char *p;
	int reg;

	CHECK_EQ(recvmsg(*(int *)arg, &msg, 0), 1);
	c = CMSG_FIRSTHDR(&msg);
	CHECK(c, "no descriptor came");
	memcpy(&reg, CMSG_DATA(c), sizeof(int));
	p = map_region(reg, 1, 0);
	CHECK_STAMP(p, MIB, 1);
	stamp(p, MIB, 2);
}

static void test(int kind)
{
	int fd = backing(kind, 2 * MIB), reg, socks[2];
	char path[64], byte = 0;
	struct stat before, st;
	pid_t pid;
	char *p;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = spawn(receiver, &socks[1]);	/* before there is a region */
	reg = open_region(fd);
	CHECK_EQ(MUST(fcntl(reg, F_GETFD)), FD_CLOEXEC);
	p = map_region(reg, 1, 0);
	stamp(p, MIB, 1);
	send_fd(socks[0], reg);
	join(pid);
	CHECK_STAMP(p, MIB, 2);

	CHECK_EQ(read(reg, &byte, 1), -1);
	CHECK_EQ(write(reg, &byte, 1), -1);
	CHECK_EQ(pread(reg, &byte, 1, 0), -1);
	CHECK_EQ(pwrite(reg, &byte, 1, 0), -1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", reg);
	CHECK_EQ(open(path, O_RDWR), -1);
	CHECK_EQ(open(path, O_RDONLY), -1);
	/* A region is no backing. */
	MUST_FAIL(try_open_region(reg), ENODEV);
	CHECK_EQ(fallocate(reg, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   MIB), -1);
	CHECK_EQ(fallocate(reg, 0, 0, 4 * MIB), -1);
	MUST(fstat(fd, &before));
	(void)!ftruncate(reg, 0);
	(void)!fchmod(reg, 0123);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, before.st_size);
	CHECK_EQ(st.st_mode, before.st_mode);
	CHECK_STAMP(p, MIB, 2);
	(void)!madvise(p, CHUNK, MADV_REMOVE);
	CHECK_STAMP(p, MIB, 2);

	MUST(fsync(reg));
	MUST(fdatasync(reg));
	CHECK_EQ(posix_fadvise(reg, 0, MIB, POSIX_FADV_WILLNEED), 0);
	CHECK_EQ(posix_fadvise(reg, 0, MIB, POSIX_FADV_DONTNEED), 0);
	CHECK_STAMP(p, MIB, 2);
	MUST_FAIL(ioctl(reg, _IO(SHPT_IOC_MAGIC, 99), NULL), ENOTTY);
	MUST_FAIL(ioctl(device(), _IO(SHPT_IOC_MAGIC, 99), NULL), ENOTTY);

	/* The mapping needs neither descriptor. */
	close(reg);
	close(fd);
	CHECK_STAMP(p, MIB, 2);
	stamp(p + MIB, MIB, 3);
	CHECK_EQ(probe(p + 2 * MIB, false), SIGBUS);
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
