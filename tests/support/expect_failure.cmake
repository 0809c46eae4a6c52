# cmake -D EXPECT=regex -P expect_failure.cmake -- command...
#
# Succeeds if the command fails and says something that matches EXPECT: failing for another reason is not enough.
set(command)
set(collecting FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(collecting)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif(CMAKE_ARGV${i} STREQUAL "--")
    set(collecting TRUE)
  endif()
endforeach()

execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0)
  message(FATAL_ERROR "succeeded, but should have failed:\n${output}")
elseif(NOT output MATCHES "${EXPECT}")
  message(FATAL_ERROR "failed as it should, but did not say \"${EXPECT}\":\n${output}")
endif()
