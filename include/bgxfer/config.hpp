#ifndef BGXFER_CONFIG_HPP
#define BGXFER_CONFIG_HPP

/// `BGXFER_API` marks what a shared build exports. Everything else is hidden.
#if defined(BGXFER_SHARED) && defined(_WIN32)
#if defined(BGXFER_BUILDING)
#define BGXFER_API __declspec(dllexport)
#else
#define BGXFER_API __declspec(dllimport)
#endif
#elif defined(BGXFER_SHARED)
#define BGXFER_API __attribute__((visibility("default")))
#else
#define BGXFER_API
#endif

#endif
