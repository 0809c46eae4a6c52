# cmake -P layers_test.cmake SOURCE_DIR
#
# Who may include whom (docs/architecture.md), as a table that fails. Every header and source belongs to one room;
# each #include must name a room and a library of that room's row. An arrow not in the table does not exist.
cmake_minimum_required(VERSION 3.25)
math(EXPR last "${CMAKE_ARGC} - 1")
file(REAL_PATH "${CMAKE_ARGV${last}}" root)

# Rooms with public headers at include/bgxfer/ itself. All others have them, if any, at include/bgxfer/<room>/.
set(headers_of_base   bits byte_range range_set error result ids config version)
set(headers_of_model  state file_connection options event restore_report cost notify owner peer_caching log metrics)
set(headers_of_ports  clock commit_guard transport scheme_transport identity file_attributes storage network digest http_options request_provider secret_store detail/asio)
set(headers_of_journal journal_report)
set(headers_of_facade transfer_queue job file subscription background_thread bgxfer fwd)
set(headers_of_format format)

# May include: rooms (besides itself), and below libraries (besides the standard one; `system` is POSIX and Linux,
# `cpu` the intrinsics of one processor).
set(rooms_of_base     "")
set(rooms_of_model base ports)
set(rooms_of_ports    base)
set(rooms_of_journal  base model ports)
set(rooms_of_engine   base model ports journal)
set(rooms_of_facade   base model ports journal engine)
set(rooms_of_legacy   base model ports facade)
set(rooms_of_format   base model ports facade)
set(rooms_of_http     base ports openssl)        # Its factory may hand in what openssl makes of the ports.
set(rooms_of_openssl  base ports)
set(rooms_of_httplib  base ports http)           # Only the pure units of http: see never_in_httplib.
set(rooms_of_file     base ports disk)      # Only its system calls and its threads: see never_in_file.
set(rooms_of_disk     base ports)
set(rooms_of_process  base model ports)
set(rooms_of_networkmanager base model ports)
set(rooms_of_memory   base ports)
set(rooms_of_testing  base ports memory)

set(libraries_of_base    "")
set(libraries_of_model   "")
set(libraries_of_ports   asio)                   # In src/ports: the steady clock, the one default.
set(libraries_of_journal asio cpu)               # cpu: the checksum.
set(libraries_of_engine  asio)
set(libraries_of_facade  asio system)            # system: whose process this is.
set(libraries_of_legacy  "")
set(libraries_of_format  fmt)
set(libraries_of_http    asio openssl gssapi system)    # OpenSSL sits on the socket itself.
set(libraries_of_openssl asio openssl system)
set(libraries_of_httplib asio httplib openssl system)  # What cpp-httplib connected is read by deadlines.
set(libraries_of_file    asio system)
set(libraries_of_disk    asio system)
set(libraries_of_process asio system)
set(libraries_of_networkmanager asio systemd system)
set(libraries_of_memory  asio)
set(libraries_of_testing asio)

set(rooms base model ports journal engine facade legacy format http openssl httplib file disk process networkmanager memory testing)

# What a room must never say, whatever it includes. CMake regular expressions; comments are not read.
set(never_in_base    "std::(this_thread|thread|jthread|mutex)" "_clock::now" "std::[io]?fstream" "co_(await|return|yield)")
set(never_in_model   "co_(await|return|yield)" "<thread>" "<mutex>" "std::j?thread" "_clock::now" "std::[io]?fstream"
  "[^a-z_]rand *[(]" "random_device" "std::filesystem::(exists|remove|rename|copy|create_|file_size|status)")
set(never_in_journal "<fstream>" "std::[io]?fstream" "system_clock::now" "steady_clock::now" "std::j?thread")
set(never_in_engine  "httplib" "openssl" "SSL_" "steady_clock::now" "system_clock::now" "std::j?thread" "<thread>"
  "[^a-z_]rand *[(]" "random_device" "<fstream>" "std::[io]?fstream"
  "filesystem::(exists|remove|rename|copy|create_|file_size|status|resize_file|space|directory_iterator)")
set(never_in_file    "disk/(disk_batch|disk_log|disk_partial|disk_storage|folder)[.]hpp")
set(never_in_httplib "http/(bell|companion|connection|exchange|http_transport|pool|socket_network|socket_stream|tls|watchdog)[.]hpp")

# --- from here on, no rules: only the reading ---

set(complaints "")

# Which line of the file says it: for the message only.
function(complain file text why)
  file(READ "${root}/${file}" content)
  string(FIND "${content}" "${text}" position)
  set(number "?")
  if(NOT position EQUAL -1)
    string(SUBSTRING "${content}" 0 ${position} before)
    string(REGEX MATCHALL "\n" newlines "${before}")
    list(LENGTH newlines number)
    math(EXPR number "${number} + 1")
  endif()
  string(STRIP "${text}" text)
  set_property(GLOBAL APPEND_STRING PROPERTY complaints "  ${file}:${number}: ${text}\n    ${why}\n")
endfunction()

# The room of a path below include/bgxfer or src.
function(room_of path result)
  set(found "")
  if(path MATCHES "^(include/bgxfer|src)/([a-z_]+)/" AND CMAKE_MATCH_2 IN_LIST rooms)
    set(found ${CMAKE_MATCH_2})
  elseif(path MATCHES "^include/bgxfer/(.+)\\.hpp$")
    foreach(room IN LISTS rooms)
      if(CMAKE_MATCH_1 IN_LIST headers_of_${room})
        set(found ${room})
      endif()
    endforeach()
  endif()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

# The library of an <include> that is not ours; "" for the standard library.
function(library_of name result)
  set(found unknown)
  if(name MATCHES "^(asio|openssl|gssapi|systemd|fmt)/|^(asio|httplib)\\.h")
    string(REGEX REPLACE "[/.].*" "" found "${name}")
  elseif(name MATCHES "^[a-z_0-9]+$")
    set(found "")
  elseif(name MATCHES "intrin\\.h$" OR name STREQUAL "arm_acle.h")
    set(found cpu)
  elseif(name MATCHES "\\.h$")
    set(found system)
  endif()
  set(${result} "${found}" PARENT_SCOPE)
endfunction()

function(check_include file room line)
  if(line MATCHES "<(bgxfer/[^>]+)>")
    set(target "include/${CMAKE_MATCH_1}")
  elseif(line MATCHES "\"([^\"]+)\"")
    set(target "${CMAKE_MATCH_1}")
    get_filename_component(folder "${file}" DIRECTORY)
    if(EXISTS "${root}/${folder}/${target}")
      cmake_path(SET target NORMALIZE "${folder}/${target}")
    else()
      set(target "src/${target}")
    endif()
  else()
    string(REGEX MATCH "<([^>]+)>" ignored "${line}")
    library_of("${CMAKE_MATCH_1}" library)
    if(library AND NOT library IN_LIST libraries_of_${room})
      complain("${file}" "${line}" "${room} may not use ${library}; its libraries: ${libraries_of_${room}}")
    endif()
    return()
  endif()

  if(NOT EXISTS "${root}/${target}")
    complain("${file}" "${line}" "there is no ${target}")
    return()
  endif()
  room_of("${target}" target_room)
  if(NOT target_room STREQUAL room AND NOT target_room IN_LIST rooms_of_${room})
    complain("${file}" "${line}" "${room} may not include ${target_room}; its rooms: ${rooms_of_${room}}")
  endif()
endfunction()

file(GLOB_RECURSE files RELATIVE "${root}" "${root}/include/bgxfer/*.hpp" "${root}/src/*/*.hpp" "${root}/src/*/*.cpp")
list(FILTER files EXCLUDE REGEX "^src/[a-z_]+\\.cpp$")  # The tables of contents include everything.
if(NOT files)
  message(FATAL_ERROR "No sources below ${root}: is it a source tree of bgxfer?")
endif()
foreach(file IN LISTS files)
  room_of("${file}" room)
  if(NOT room)
    complain("${file}" "" "belongs to no room: name it in tests/layers_test.cmake")
    continue()
  endif()
  file(STRINGS "${root}/${file}" includes REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS includes)
    check_include("${file}" ${room} "${line}")
  endforeach()

  if(never_in_${room})
    file(READ "${root}/${file}" content)
    # Brackets and semicolons would fall apart in CMake's lists; comments may name what the code may not.
    string(REGEX REPLACE "//[^\n]*" "" content "${content}")
    string(REPLACE ";" "," content "${content}")
    string(REPLACE "[" "(" content "${content}")
    string(REPLACE "]" ")" content "${content}")
    foreach(word IN LISTS never_in_${room})
      string(REGEX MATCHALL "${word}" matches "\n${content}")
      list(REMOVE_DUPLICATES matches)
      foreach(match IN LISTS matches)
        complain("${file}" "${match}" "${room} must never contain this (${word})")
      endforeach()
    endforeach()
  endif()
endforeach()

get_property(complaints GLOBAL PROPERTY complaints)
if(complaints)
  message(FATAL_ERROR "The layers are broken:\n${complaints}")
endif()
list(LENGTH files count)
message(STATUS "${count} files keep to the layers")
