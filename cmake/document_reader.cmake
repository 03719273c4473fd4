# ondol-reader: the program beside ondol that parses documents (src/retrieve/formats). Left out, with a message, where
# its libraries are missing, as in cross builds; ondol then reads plain text and says of other files what is missing.
pkg_check_modules(POPPLER IMPORTED_TARGET poppler-cpp)
pkg_check_modules(ARCHIVE IMPORTED_TARGET libarchive)
pkg_check_modules(PUGIXML IMPORTED_TARGET pugixml)
pkg_check_modules(GUMBO IMPORTED_TARGET gumbo)
pkg_check_modules(GSF IMPORTED_TARGET libgsf-1)
pkg_check_modules(ZLIB IMPORTED_TARGET zlib)
foreach(package POPPLER ARCHIVE PUGIXML GUMBO GSF ZLIB)
  if(NOT ${package}_FOUND)
    message(STATUS "${package} is missing: documents other than plain text cannot be read")
    return()
  endif()
endforeach()

file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/retrieve/formats/*.cpp)
list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
add_library(ondol_document_formats STATIC ${sources})
target_link_libraries(ondol_document_formats PUBLIC ondol_retrieve PRIVATE PkgConfig::POPPLER PkgConfig::ARCHIVE
                      PkgConfig::PUGIXML PkgConfig::GUMBO PkgConfig::GSF PkgConfig::ZLIB)
target_precompile_headers(ondol_document_formats REUSE_FROM ondol_base)
add_executable(ondol-reader src/retrieve/formats/main.cpp)
target_link_libraries(ondol-reader PRIVATE ondol_document_formats)
set_target_properties(ondol-reader PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
