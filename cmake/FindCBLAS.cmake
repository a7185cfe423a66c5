# Finds OpenBLAS with its C interface and defines CBLAS::CBLAS. The OpenMP build is preferred, so that BLAS and our own
# loops share one pool of threads. CBLAS_STATIC asks for the archive.

set(_cblas_name openblas)
if(CBLAS_STATIC)
  set(_cblas_name libopenblas.a openblas)
endif()
find_path(CBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas-openmp openblas)
find_library(CBLAS_LIBRARY NAMES ${_cblas_name} PATH_SUFFIXES openblas-openmp)
unset(_cblas_name)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CBLAS REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR
                                  REASON_FAILURE_MESSAGE "install OpenBLAS (Debian: libopenblas-openmp-dev)")

if(CBLAS_FOUND AND NOT TARGET CBLAS::CBLAS)
  add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
  set_target_properties(CBLAS::CBLAS PROPERTIES IMPORTED_LOCATION "${CBLAS_LIBRARY}"
                                                INTERFACE_INCLUDE_DIRECTORIES "${CBLAS_INCLUDE_DIR}")
  if(CBLAS_LIBRARY MATCHES "\\.a$")
    # Debian's archive holds LAPACK, which is Fortran, and calls the OpenMP runtime.
    find_package(Threads REQUIRED)
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    set_property(TARGET CBLAS::CBLAS PROPERTY INTERFACE_LINK_LIBRARIES OpenMP::OpenMP_CXX Threads::Threads m)
  endif()
endif()
