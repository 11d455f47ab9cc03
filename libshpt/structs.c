// SPDX-License-Identifier: LGPL-2.1-or-later
/* structs.c - structs that caller and library know in different lengths */
#include <errno.h>
#include <string.h>

#include "internal.h"

/*
 * Takes @size bytes at @from as a struct of @known_size bytes, of which the
 * first release had @least. As openat2(2) does it: who is older or newer agrees
 * with us on zeroes, and nothing at all is all zeroes. @what is for messages.
 */
int take_struct(void *known, size_t known_size, size_t least, const void *from,
		size_t size, const char *what, struct reason *why)
{
	size_t common = size < known_size ? size : known_size;

	memset(known, 0, known_size);
	if (!from && size == 0)
		return 0;
	if (!from || size < least)
		return refuse(why, EINVAL,
			      "%s of %zu bytes at %p: pass the struct of "
			      "<libshpt.h> and its size, or NULL and 0",
			      what, size, from);
	for (size_t i = common; i < size; i++)
		if (((const unsigned char *)from)[i])
			return refuse(why, E2BIG,
				      "byte %zu of the %s is not zero and this "
				      "libshpt, older than the program, does "
				      "not know it: update libshpt",
				      i, what);
	memcpy(known, from, common);
	return 0;
}

/* Gives as much as the caller knows, and zeroes for what only he knows. */
void give_struct(void *to, size_t size, const void *known, size_t known_size)
{
	if (size > known_size) {
		memset((char *)to + known_size, 0, size - known_size);
		size = known_size;
	}
	memcpy(to, known, size);
}
