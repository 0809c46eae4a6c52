// A Result that nobody looks at is an error, wherever it comes from.
#include <bgxfer/result.hpp>

bgxfer::Result<int> count();

int main() {
#ifdef MISUSE
  count();
#else
  bgxfer::Result<int> counted = count();
  return counted ? *counted : 1;
#endif
}
