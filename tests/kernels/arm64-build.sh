#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# arm64-build.sh [TARGET...]: make for arm64, into build/arm64; needs what arm64-deps.sh gets
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sysroot=$out/arm64-root
[[ -d $sysroot ]] || die "no ${sysroot#"$root"/}: run tests/kernels/arm64-deps.sh"
cross=aarch64-linux-gnu-
exec make --no-print-directory -C "$root" B=build/arm64 CC="${cross}gcc --sysroot=$sysroot" \
	CXX="${cross}g++ --sysroot=$sysroot" LD=${cross}ld AR=${cross}ar OBJCOPY=${cross}objcopy "$@"
