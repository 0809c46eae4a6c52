# Installs what was built: libraries, headers, the package files for find_package and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/bgxfer")

# One export file for each component: a host that uses the core need not have what the others need.
set(installed_components)
foreach(component IN ITEMS bgxfer http httplib networkmanager testing header_only)
  if(NOT TARGET bgxfer::${component})
    continue()
  endif()
  get_target_property(library bgxfer::${component} ALIASED_TARGET)
  # Named one by one, because the development package and the runtime are split by most distributions.
  install(TARGETS ${library} EXPORT bgxfer-${component}
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT bgxfer_runtime NAMELINK_COMPONENT bgxfer_development
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT bgxfer_development
    RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT bgxfer_runtime
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT bgxfer_development)
  install(EXPORT bgxfer-${component} NAMESPACE bgxfer:: DESTINATION "${package_dir}" COMPONENT bgxfer_development)
  list(APPEND installed_components ${component})
endforeach()

configure_package_config_file(cmake/bgxferConfig.cmake.in bgxferConfig.cmake INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(bgxferConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/bgxferConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/bgxferConfigVersion.cmake"
  cmake/FindAsio.cmake cmake/FindHttplib.cmake DESTINATION "${package_dir}" COMPONENT bgxfer_development)

# The pkg-config files find their prefix from where they lie, so an installed tree may be moved.
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH pc_to_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
set(pc_asio_flags "")
if(NOT Asio_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
  set(pc_asio_flags " -I${Asio_INCLUDE_DIR}")
endif()
if(BUILD_SHARED_LIBS)
  set(pc_private ".private")
  string(APPEND pc_asio_flags " -DBGXFER_SHARED")
else()
  set(pc_private "")  # A static archive brings nothing with it: its users link what it needs.
endif()
set(pc_gssapi "")
if(BGXFER_GSSAPI AND NOT BUILD_SHARED_LIBS)
  set(pc_gssapi " -lgssapi_krb5")
endif()
foreach(file IN ITEMS bgxfer bgxfer-http bgxfer-httplib)
  string(REPLACE "-" "_" library ${file})
  if(TARGET ${library})
    configure_file(cmake/${file}.pc.in ${file}.pc @ONLY)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${file}.pc" DESTINATION "${pc_dir}" COMPONENT bgxfer_development)
  endif()
endforeach()
