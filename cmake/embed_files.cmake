# ondol_embed_files(TARGET NAME FOLDER): the files of a folder, gzipped, inside of a target, as
#   std::span<const ondol::server::EmbeddedFile> ondol::server::NAME();
# A file that ends in .gz is taken as it is, under its name without .gz. Run as a script, this file writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(ONDOL_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(ondol_embed_files target name folder)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
    add_custom_command(
      OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DNAME=${name} -DSOURCE=${source} -P ${ONDOL_EMBED_SCRIPT}
      DEPENDS ${files} ${ONDOL_EMBED_SCRIPT}
      VERBATIM)
    target_sources(${target} PRIVATE ${source})
    set_property(SOURCE ${source} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
  endfunction()
  return()
endif()

set(type_html "text/html; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_mjs "text/javascript; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_json "application/json")
set(type_webmanifest "application/manifest+json")
set(type_txt "text/plain; charset=utf-8")
set(type_svg "image/svg+xml")
set(type_png "image/png")
set(type_jpg "image/jpeg")
set(type_webp "image/webp")
set(type_ico "image/x-icon")
set(type_woff2 "font/woff2")
set(type_wasm "application/wasm")

file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(bytes "")
set(symbols "")
set(rows "")
set(index 0)
foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.gz$" "" path ${file})
  file(SHA256 ${FOLDER}/${file} hash)
  string(SUBSTRING ${hash} 0 24 hash)
  set(gzip ${FOLDER}/${file})
  if(path STREQUAL file)
    set(gzip ${SOURCE}.${index}.gz)
    file(ARCHIVE_CREATE OUTPUT ${gzip} PATHS ${FOLDER}/${file} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
  endif()
  get_filename_component(extension ${path} LAST_EXT)
  string(TOLOWER "${extension}" extension)
  string(REPLACE "." "" extension "${extension}")
  set(type "application/octet-stream")
  if(DEFINED type_${extension})
    set(type ${type_${extension}})
  endif()
  set(symbol ondol_${NAME}_${index})
  string(APPEND bytes "    \".globl ${symbol}, ${symbol}_end\\n.hidden ${symbol}\\n.hidden ${symbol}_end\\n\"\n"
                      "    \"${symbol}:\\n.incbin \\\"${gzip}\\\"\\n${symbol}_end:\\n.byte 0\\n\"\n")
  string(APPEND symbols "extern \"C\" const char ${symbol}[], ${symbol}_end[];\n")
  string(APPEND rows "      {\"${path}\", \"${type}\", {${symbol}, static_cast<size_t>(${symbol}_end - ${symbol})}, \"${hash}\"},\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${SOURCE} "// Written by cmake/embed_files.cmake.
#include \"server/static_files.h\"

__asm__(\".pushsection .rodata\\n\"
${bytes}    \".popsection\\n\");
${symbols}
namespace ondol::server {

std::span<const EmbeddedFile> ${NAME}();
std::span<const EmbeddedFile> ${NAME}() {
  static const std::vector<EmbeddedFile> files = {
${rows}  };
  return files;
}

}  // namespace ondol::server
")
