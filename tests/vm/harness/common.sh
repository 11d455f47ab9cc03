# SPDX-License-Identifier: GPL-2.0-or-later
# common.sh - what tests/vm/run and quickstart have in common: steps that log
# to files, packages, and building. Sourced with $SRC set; kernel.sh, which it
# sources, knows the kernels.

BUILD=${SHPT_BUILD:-$SRC/build}
mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
LOGS=$BUILD/logs
mkdir -p "$LOGS"

# An autotools tree that is configured in place is used as it is.
TREE=$BUILD/tree
[ ! -f "$SRC/config.status" ] || TREE=$SRC

say() {
	printf '==> %s\n' "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# step LOG "what it does" COMMAND [ARG...]: one line for people, the rest to
# the log, of which they see the end when the command fails.
step() {
	step_log=$LOGS/$1.log
	say "$2 (log: $step_log)"
	shift 2
	"$@" >"$step_log" 2>&1 </dev/null && return
	printf '%s\n' "--- the end of $step_log:" >&2
	tail -n 30 "$step_log" >&2
	die "this step failed: $*"
}

# Two runs in one build directory would build and boot into each other's files.
lock_build() {
	[ "${SHPT_LOCKED:-}" != "$BUILD" ] || return 0
	exec 9>"$BUILD/lock"
	if ! flock -n 9; then
		say "waiting for another run that uses $BUILD"
		flock 9
	fi
	export SHPT_LOCKED="$BUILD"
}

# How long a VM may go on, in seconds, when no test is started any more: enough
# for the last one to have taken all of its time, so who has not reported by then
# hangs.
OVERTIME=360

# limit_vm SECONDS: sets limit to that, or to what is left until SHPT_UNTIL and
# OVERTIME have gone by, and out_of_time if it is less.
limit_vm() {
	limit=$1
	out_of_time=
	[ -n "${SHPT_UNTIL:-}" ] || return 0
	left=$((SHPT_UNTIL + OVERTIME - $(date +%s)))
	[ "$left" -lt "$limit" ] || return 0
	limit=$((left > 0 ? left : 1))
	out_of_time=yes
}

# The VM was ended by timeout(1), for no other reason than that.
# shellcheck disable=SC2154 # who sources this sets it
was_cut_off() {
	case $out_of_time,$qemu_status in
	yes,124|yes,137) ;;
	*) return 1 ;;
	esac
}

# What takes long to make is kept where all checkouts find it, under a name that
# ends in a hash of what it was made from.
CACHE=${SHPT_CACHE:-${XDG_CACHE_HOME:-/var/cache}/shpt}

# For who is about to add to it. What none has used for a month goes.
lock_cache() {
	mkdir -p "$CACHE"
	exec 8>"$CACHE/$1.lock"
	if ! flock -n 8; then
		say "waiting for another run that adds a $1 to $CACHE"
		flock 8
	fi
	find "$CACHE" -mindepth 1 -maxdepth 1 \
		\( -name "$1-*" -mtime +30 -o -name "$1-*.new" \) \
		-exec rm -rf {} +
}

unlock_cache() {
	exec 8>&-
}

# The version of an installed package, or nothing.
installed_version() {
	dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null |
		sed -n 's/^installed //p'
}

# missing_packages PACKAGE...: those that are not installed.
missing_packages() {
	for package; do
		[ -n "$(installed_version "$package")" ] || echo "$package"
	done
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o DPkg::Lock::Timeout=600 "$@"
}

. "$SRC/tests/vm/harness/kernel.sh"

# Kbuild writes where it reads, so it gets a copy; only what differs is copied,
# so only that is compiled again.
copy_sources() {
	(cd "$1" && find . -type f \( -name '*.[chS]' -o -name Kbuild \)) |
	while read -r f; do
		cmp -s "$1/$f" "$2/$f" || install -D -m 644 "$1/$f" "$2/$f"
	done
}

# build_module FROM TO: the modules of a folder for kernel RELEASE, without
# warning. That the compiler is not the very one of the kernel is no warning
# about these sources.
build_module() {
	mkdir -p "$2"
	copy_sources "$1" "$2"
	make -j"$(nproc)" -C "$KDIR" M="$2" W=1 modules >"$2/make.log" 2>&1
	status=$?
	cat "$2/make.log"
	[ "$status" = 0 ] || return 1
	if grep -v 'the compiler differs from' "$2/make.log" |
	   grep -Eq 'warning:|WARNING:'; then
		echo "a warning fails the build"
		rm -rf "$2"
		return 1
	fi
}

build_modules() {
	build_module "$1" "$MODULES/shpt" &&
		build_module "$SRC/tests/vm/modules" "$MODULES/test"
}

configure() {
	[ ! -f "$TREE/Makefile" ] || return 0
	[ -x "$SRC/configure" ] ||
		(cd "$SRC" && autoreconf -fi) || return 1
	mkdir -p "$TREE" && (cd "$TREE" && "$SRC/configure")
}

configure_and_make() {
	configure && make -C "$TREE" -j"$(nproc)"
}

# ship_to FOLDER: what would be released. Times stay, so that only what differs
# is compiled again.
ship_to() {
	rm -rf "$1" "$TREE/shipped"
	make -C "$TREE" distdir distdir=shipped && mv "$TREE/shipped" "$1"
}

configure_own() (
	cd "$1/tree" || exit 1
	shift
	../source/configure "$@"
)

# own_tree FOLDER ARGUMENT...: FOLDER/tree, configured with the arguments, from
# FOLDER/source: a checkout that is configured in place serves no other tree.
own_tree() {
	own=$1
	shift
	mkdir -p "$own/tree"
	step configure "configuring" configure
	step source "copying the sources to $own/source" \
		ship_to "$own/source"
	# shellcheck disable=SC2016 # that shell is to expand them
	[ -f "$own/tree/Makefile" ] ||
		step own-configure "configuring in $own/tree" \
			configure_own "$own" "$@"
	step own-make "building in $own/tree" \
		make -C "$own/tree" -j"$(nproc)"
}

# build_all MODULE-SOURCE: everything but the tests, for kernel RELEASE; once,
# though run by run.
build_all() {
	MODULES=$BUILD/module/$RELEASE
	[ "${SHPT_BUILT:-}" != "$1 $MODULES" ] || return 0
	step tree "building the library and the commands" configure_and_make
	step module "building shpt.ko for $RELEASE" build_modules "$1"
	export SHPT_BUILT="$1 $MODULES"
}
