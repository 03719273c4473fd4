# What the agent's layer needs beside the others, and ondol-cell, the program beside ondol that starts confined programs.
if(SECCOMP_FOUND)
  set_source_files_properties(src/agent/call_filter.cpp PROPERTIES COMPILE_DEFINITIONS ONDOL_HAS_SECCOMP SKIP_PRECOMPILE_HEADERS ON)
  target_link_libraries(ondol_agent PRIVATE PkgConfig::SECCOMP)
else()
  message(STATUS "libseccomp-dev is not installed: agents cannot run programs")
endif()
target_link_libraries(ondol_agent PUBLIC CURL::libcurl)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 inlines one half of Asio's allocation of coroutines, and then warns that the halves differ.
  target_compile_options(ondol_agent PRIVATE -Wno-mismatched-new-delete)
endif()

# Alone in a bare sandbox: it brings its libraries along, and is no place for sanitizers, which need more of a system.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/agent/cell/*.cpp)
add_executable(ondol-cell ${sources})
target_include_directories(ondol-cell PRIVATE ${CMAKE_SOURCE_DIR}/src)
set_target_properties(ondol-cell PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_options(ondol-cell PRIVATE -static)
if(ONDOL_SANITIZE OR ONDOL_FUZZ)
  target_compile_options(ondol-cell PRIVATE -fno-sanitize=all)
  target_link_options(ondol-cell PRIVATE -fno-sanitize=all)
endif()
