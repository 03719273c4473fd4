# Kernels: each folder of src/backend/cpu/ but ref is one instruction set, built with its own flags into an object
# library. The program holds all of its processor family's tables and picks one at run time (dispatch.h). Files with
# bf16, fp16, amx, vnni or i8mm in their names get that extension too and are called only after a check of its feature bit.
#
# avx2    Haswell, Zen and later
# avx512  Ice Lake, Zen 4 and later: F, BW, DQ, VL and VNNI. Skylake-X, which lacks VNNI, runs avx2.
# neon    Armv8.2 with dot products and fp16: Cortex-A76, Apple M1, Graviton 2 and later
function(ondol_cpu_kernels folder flags)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cpu/${folder}/*.cpp)
  add_library(ondol_backend_${folder} OBJECT ${sources})
  target_include_directories(ondol_backend_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_compile_options(ondol_backend_${folder} PRIVATE ${flags} ${ONDOL_LOOPS} -ffp-contract=fast -fno-exceptions
                         -fno-rtti)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 warns of its own headers: _mm512_undefined_ps() starts from itself.
    target_compile_options(ondol_backend_${folder} PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  target_link_libraries(ondol_backend PRIVATE $<TARGET_OBJECTS:ondol_backend_${folder}>)
  set_property(GLOBAL APPEND PROPERTY ONDOL_KERNEL_LIBRARIES ondol_backend_${folder})
endfunction()

# Files of `folder` whose name contains `extension` are built with `flags` as well.
function(ondol_kernel_extension folder extension flags)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/backend/cpu/${folder}/*${extension}*.cpp)
  set_property(SOURCE ${sources} APPEND PROPERTY COMPILE_OPTIONS ${flags})
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  ondol_cpu_kernels(avx2 "-mavx2;-mfma;-mf16c")
  ondol_kernel_extension(avx2 vnni "-mavxvnni")
  ondol_cpu_kernels(avx512 "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mavx512vnni;-mprefer-vector-width=512")
  ondol_kernel_extension(avx512 bf16 "-mavx512bf16")
  ondol_kernel_extension(avx512 fp16 "-mavx512fp16")
  ondol_kernel_extension(avx512 vbmi "-mavx512vbmi")
  ondol_kernel_extension(avx512 amx "-mamx-tile;-mamx-int8;-mamx-bf16")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  ondol_cpu_kernels(neon "-march=armv8.2-a+dotprod+fp16")
  ondol_kernel_extension(neon i8mm "-march=armv8.2-a+dotprod+fp16+i8mm")
  ondol_kernel_extension(neon bf16 "-march=armv8.2-a+dotprod+fp16+bf16")
endif()
