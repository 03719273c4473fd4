# Shared by ./ondol and ./test: Debian packages and builds. Everything quiet goes to standard error, so that the
# program's own output stays clean.

BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config
  libboost1.81-dev libfmt-dev libspdlog-dev libcli11-dev libedit-dev
  libpcre2-dev libicu-dev libcurl4-openssl-dev libssl-dev libtomlplusplus-dev
  libsqlite3-dev libstemmer-dev libseccomp-dev libpq-dev
  libpoppler-cpp-dev poppler-data libarchive-dev libpugixml-dev libgumbo-dev libgsf-1-dev zlib1g-dev
  bubblewrap libmosquitto-dev
)
TEST_PACKAGES=(libgtest-dev python3 binutils postgresql openmpi-bin mosquitto)

ARM_TOOLS=(g++-aarch64-linux-gnu qemu-user)
ARM_PACKAGES=(libfmt-dev libspdlog-dev libedit-dev libpcre2-dev libicu-dev libcurl4-openssl-dev libssl-dev
              libsqlite3-dev libstemmer-dev libgtest-dev)

say() { printf '%s\n' "$*" >&2; }

# install_packages NAME...: installs those that dpkg does not list as installed.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "Installing ${missing[*]} ..."
  local sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "error: ${missing[*]} are missing; install them as root"; exit 1; }
    sudo=sudo
  fi
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { $sudo apt-get update && $sudo apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "error: the packages could not be installed (log: $log)"
    exit 1
  fi
  rm -f "$log"
}

# The libraries of ARM_PACKAGES for arm64, beside the machine's own.
install_arm_packages() {
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  if ! dpkg --print-foreign-architectures | grep -qx arm64; then
    $sudo dpkg --add-architecture arm64
  fi
  install_packages "${ARM_PACKAGES[@]/%/:arm64}"
}

# Whether build() configures the tests, which need packages of their own. A folder that has them keeps them.
TESTS=ON

# Ninja's steps, each in the place of the one before.
show_progress() {
  local line columns
  columns=$(tput cols 2>/dev/null || echo 80)
  while IFS= read -r line; do
    case $line in \[*/*\]*) printf '\r\033[K%s' "${line:0:$((columns - 1))}" >&2 ;; esac
  done
  printf '\r\033[K' >&2
}

# build FOLDER PRESET [TARGET...]: configures once and builds. Shows progress only on a terminal, and only what failed.
build() {
  local folder=$1 preset=$2 progress=cat
  shift 2
  local root log
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  log=$(mktemp)
  if [ ! -f "$folder/build.ninja" ] ||
    { [ "$TESTS" = ON ] && grep -q '^ONDOL_TESTS:BOOL=OFF' "$folder/CMakeCache.txt"; }; then
    say "Configuring $preset ..."
    (cd "$root" && cmake --preset "$preset" "-DONDOL_TESTS=$TESTS" >"$log" 2>&1) || { cat "$log" >&2; exit 1; }
  fi
  [ -t 2 ] && progress=show_progress
  if ! ninja -C "$folder" "$@" 2>&1 | tee "$log" | $progress >/dev/null; then
    grep -E 'error|FAILED|warning' "$log" | head -n 40 >&2
    say "error: the build failed (whole log: $log)"
    exit 1
  fi
  rm -f "$log"
}
