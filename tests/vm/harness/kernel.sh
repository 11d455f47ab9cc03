# SPDX-License-Identifier: GPL-2.0-or-later
# kernel.sh - the kernels that the VM boots, by name: SERIES, such as 6.12, is
# what the distribution ships; debug is built here and finds more. Sourced by
# common.sh.

# find_kernel NAME: fail if there is no such kernel, or set
#	RELEASE		its name for itself
#	IMAGE		what QEMU boots
#	KDIR		what modules for it are built with
#	KERNEL_ARGS	what it needs on its command line
#	TEST_SECONDS	what one test and
#	VM_SECONDS	what the VM as a whole may take on it
#	AFTER_SECONDS	what it may take after the last test
find_kernel() {
	KERNEL_ARGS=
	TEST_SECONDS=300
	VM_SECONDS=3600
	AFTER_SECONDS=0
	case $1 in
	debug) find_debug_kernel ;;
	*) find_stock_kernel "$1" ;;
	esac
}

# get_kernel NAME: find it, or build it, or say what to do.
get_kernel() {
	if [ "$1" = debug ]; then
		build_debug_kernel
		find_kernel debug
	elif ! find_kernel "$1"; then
		die "no cloud kernel of series $1 with its headers is installed: './quickstart' installs one"
	fi
}

# The newest installed cloud kernel of a series that has headers of the very
# same package version.
find_stock_kernel() {
	RELEASE=
	for k in $(cd /lib/modules 2>/dev/null &&
		   printf '%s\n' "$1".*-cloud-amd64 | sort -V); do
		[ -f "/boot/vmlinuz-$k" ] || continue
		[ -f "/lib/modules/$k/build/Makefile" ] || continue
		v=$(installed_version "linux-headers-$k")
		[ -n "$v" ] || continue
		if [ "$(installed_version "linux-image-$k")" = "$v" ] ||
		   [ "$(installed_version "linux-image-$k-unsigned")" = "$v" ]
		then
			RELEASE=$k
		fi
	done
	IMAGE=/boot/vmlinuz-$RELEASE
	KDIR=/lib/modules/$RELEASE/build
	[ -n "$RELEASE" ]
}

# ---- the debug kernel ------------------------------------------------------

debug_source=linux-source-6.12
debug_fragment=$SRC/tests/vm/harness/debug.config
debug_builder=$SRC/tests/vm/harness/build-kernel

# The kernel's source, and what is needed to build from it.
need_source() {
	# shellcheck disable=SC2046 # names of packages
	set -- $(missing_packages bc bison flex gcc libc6-dev libelf-dev \
		libssl-dev make rsync xz-utils "$debug_source")
	[ $# -gt 0 ] || return 0
	step apt-update "asking apt what there is" apt_get update
	step apt-install "installing $*" apt_get install "$@"
}

# unpack_source TO PATH...: parts of it
unpack_source() {
	to=$1
	shift
	for path; do
		echo "$debug_source/$path"
	done | tar -xf "/usr/src/$debug_source.tar.xz" -C "$to" \
		--strip-components=1 --no-same-owner -T -
}

# One folder, and one release, for each set of what the kernel depends on.
debug_hash() {
	{
		installed_version "$debug_source"
		gcc --version
		cat "$debug_fragment" "$debug_builder"
	} | sha256sum | cut -c 1-12
}

# shellcheck disable=SC2034 # for who sources this
find_debug_kernel() {
	debug_kernel=$CACHE/kernel-$(debug_hash)
	[ -d "$debug_kernel" ] || return 1
	touch "$debug_kernel"	# so that one in use is never old
	IMAGE=$debug_kernel/bzImage
	KDIR=$debug_kernel/build
	RELEASE=$(cat "$KDIR/include/config/kernel.release")
	KERNEL_ARGS="panic_on_warn=1 page_poison=1"
	TEST_SECONDS=600
	VM_SECONDS=5400
	AFTER_SECONDS=300
}

# Where time is short: it is of use if then there is enough left to boot it.
limit_build() {
	[ -n "${SHPT_UNTIL:-}" ] || return 0
	left=$((SHPT_UNTIL - 12 * 60 - $(date +%s)))
	echo timeout $((left > 0 ? left : 1))
}

# Build it, unless it is there.
build_debug_kernel() {
	need_source
	! find_kernel debug || return 0
	lock_cache kernel
	if ! find_kernel debug; then
		# shellcheck disable=SC2046 # words
		step debug-kernel "building the debug kernel, once: 10 to 20 minutes" \
			$(limit_build) "$debug_builder" "/usr/src/$debug_source.tar.xz" \
			"$debug_fragment" "-debug-$(debug_hash)" \
			"$debug_kernel"
	fi
	unlock_cache
}
