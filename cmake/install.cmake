# find_package(calx CONFIG) for programs that embed the core: base to receipt, without LibTorch.
include(CMakePackageConfigHelpers)

set(CALX_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/calx)
install(EXPORT calx_targets NAMESPACE calx:: FILE calx-targets.cmake
        DESTINATION ${CALX_PACKAGE_DIR})
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/calx-config.cmake.in ${PROJECT_BINARY_DIR}/calx-config.cmake
  INSTALL_DESTINATION ${CALX_PACKAGE_DIR})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/calx-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/calx-config.cmake
              ${PROJECT_BINARY_DIR}/calx-config-version.cmake
        DESTINATION ${CALX_PACKAGE_DIR})

if(EXISTS ${PROJECT_SOURCE_DIR}/models)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/calx/models)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
