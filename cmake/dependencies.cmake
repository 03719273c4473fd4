# Debian 12's packages (see ./ondol for their names). Each becomes an imported target.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(ICU REQUIRED COMPONENTS uc i18n)

find_package(SQLite3 REQUIRED)

# The stemmer has neither a package file nor a CMake module.
find_path(STEMMER_INCLUDE libstemmer.h REQUIRED)
find_library(STEMMER_LIBRARY stemmer REQUIRED)
add_library(Stemmer::stemmer UNKNOWN IMPORTED)
set_target_properties(Stemmer::stemmer PROPERTIES IMPORTED_LOCATION ${STEMMER_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${STEMMER_INCLUDE})

find_package(PkgConfig REQUIRED)
# Stores that several machines share are left out where it is not installed.
pkg_check_modules(POSTGRES IMPORTED_TARGET libpq)
if(NOT POSTGRES_FOUND)
  message(STATUS "libpq-dev is not installed: built without PostgreSQL")
endif()
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(SECCOMP IMPORTED_TARGET libseccomp)  # without it, confined processes have no filter of system calls
add_library(PCRE2::pcre2 ALIAS PkgConfig::PCRE2)
add_library(Edit::edit ALIAS PkgConfig::EDIT)
